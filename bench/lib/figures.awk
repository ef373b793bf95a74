# Reads the lines of name=value that the programs print. figure(run, step, name) is what the step
# that is called so printed for the run: "open" or "probe" of the second time are "open2", "probe2".
FNR == 1 { runs++ }
{
  step = ""
  for (i = 1; i <= NF; i++) {
    split($i, pair, "=")
    if (pair[1] == "step" || pair[1] == "phase") step = pair[2]
    if (i == 1 && $1 == "run") step = "run"
  }
  if (step == "") next
  if ((runs, step) in seen) step = step (++seen[runs, step])
  else seen[runs, step] = 1
  for (i = 1; i <= NF; i++) {
    split($i, pair, "=")
    figures[runs, step, pair[1]] = pair[2]
  }
}
function figure(run, step, name) { return figures[run, step, name] }
