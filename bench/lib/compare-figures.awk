# Reads the results of bench/compare, lines of ROUND JOB PROGRAM FIGURE VALUE, and answers for them.
# Needs statistics.awk.
BEGIN { FS = "\t" }
{
  if ($1 > rounds) rounds = $1
  if (!(($2, $3) in known)) { known[$2, $3]; programs[$2] = programs[$2] (programs[$2] == "" ? "" : " ") $3 }
  figures[$1, $2, $3, $4] = $5
}

# What was measured in a round; nothing where the job failed then, or never ran.
function value(round, job, program, figure) {
  if ((round, job, program, "status") in figures && figures[round, job, program, "status"] != "ok") return ""
  return figures[round, job, program, figure]
}

# The median over all rounds.
function med(job, program, figure,   round, list, n) {
  for (round = 1; round <= rounds; round++)
    if (value(round, job, program, figure) != "") list[++n] = value(round, job, program, figure)
  return median(list, n)
}

# The greatest of all rounds.
function greatest(job, program, figure,   round, most, one) {
  for (round = 1; round <= rounds; round++) {
    one = value(round, job, program, figure)
    if (one != "" && (most == "" || one + 0 > most)) most = one + 0
  }
  return most
}

# The median of the ratios of each round: what was slow for both in one round does not count.
function ratio(figure, job, program, other_job, other,   round, list, n, a, b) {
  for (round = 1; round <= rounds; round++) {
    a = value(round, job, program, figure)
    b = value(round, other_job, other, figure)
    if (a != "" && b != "" && b + 0 > 0) list[++n] = a / b
  }
  return median(list, n)
}

# The first outcome that is not "ok" of any round; nothing if the job was not run.
function status(job, program,   round, seen) {
  for (round = 1; round <= rounds; round++) {
    if (!((round, job, program, "status") in figures)) continue
    if (figures[round, job, program, "status"] != "ok") return figures[round, job, program, "status"]
    seen = "ok"
  }
  return seen
}
