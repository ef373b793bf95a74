# Makes the table of what nbdvault must reach, with what bench/compare measured. Needs
# compare-figures.awk. A ratio that was not measured, as one of its two jobs was left out, is a dash.
function state(job, program,   s) {
  s = status(job, program)
  return s == "" || s == "ok" ? "" : job " of " program ": " s
}
function row(what, most, format, measured, unit, trouble) {
  printf "| %s | %s%s | ", what, most, unit
  if (trouble != "") print trouble " | no |"
  else if (measured == "") print "– | – |"
  else printf format "%s | %s |\n", measured, unit, measured + 0 <= most + 0 ? "yes" : "**no**"
}
function against(what, most, figure, job, program, other_job, other,   trouble) {
  trouble = state(job, program)
  if (trouble == "") trouble = state(other_job, other)
  row(what, most, "%.2f", ratio(figure, job, program, other_job, other), " ×", trouble)
}
# Whether it is a run of nbdvault: those of its growth are named by how much there was to do.
function ours(job, program) { return program ~ /^nbdvault/ || job ~ /^(growth|growth-first|dirty)$/ }
function all_troubles(   job_program, part, found) {
  for (job_program in known) {
    split(job_program, part, SUBSEP)
    if (ours(part[1], part[2]) && state(part[1], part[2]) != "") found = state(part[1], part[2])
  }
  return found
}
function peak(   job_program, part, most, one) {
  for (job_program in known) {
    split(job_program, part, SUBSEP)
    if (!ours(part[1], part[2])) continue
    one = greatest(part[1], part[2], "peak")
    if (one != "" && (most == "" || one > most)) most = one
  }
  return most == "" ? "" : most * 1024 / 1e6
}
END {
  print "| job | at most | measured | reached |"
  print "|---|---:|---:|---|"
  against("first full backup, LZ4, against borg with fixed chunks", 0.50, "wall", "first", "nbdvault", "first", "borg")
  against("the same, against restic", 0.25, "wall", "first", "nbdvault", "first", "restic")
  against("the same, against `nbdcopy` to nowhere from the same QEMU", 3.0, "wall", "first", "nbdvault", "first", "nbdcopy")
  against("CPU seconds of that, without QEMU's, against borg with fixed chunks", 1.0, "cpu", "first", "nbdvault", "first", "borg")
  against("incremental by dirty bitmap, 1% dirty, against borg with fixed chunks", 0.10, "wall", "inc1", "nbdvault", "inc1", "borg")
  against("the same, against restic", 0.05, "wall", "inc1", "nbdvault", "inc1", "restic")
  against("incremental of a disk of 4 TiB, against one of 16 GiB", 1.10, "wall", "growth", "4T", "growth", "16G")
  against("restore to raw, against `qemu-img convert` from qcow2", 1.2, "wall", "restore-raw", "nbdvault", "restore-raw", "qemu-img")
  against("the same, against borg with fixed chunks", 0.33, "wall", "restore-raw", "nbdvault", "restore-raw", "borg")
  against("verify everything, against borg with fixed chunks", 0.35, "wall", "verify", "nbdvault", "verify", "borg")
  against("the same, against restic", 0.35, "wall", "verify", "nbdvault", "verify", "restic")
  against("stored, all five disks, LZ4, against borg with fixed chunks", 1.0, "stored", "five", "nbdvault", "five", "borg")
  against("the same, zstd level 3, against restic", 0.93, "stored", "five", "nbdvault-zstd", "five", "restic")
  against("the same, zstd level 3 and encrypted, against restic", 0.93, "stored", "five", "nbdvault-enc", "five", "restic")
  row("peak resident memory, of any job", 512, "%.0f", peak(), " MB", all_troubles())
  row("`nbdvault snapshots`", 0.5, "%.2f", med("list", "nbdvault", "wall"), " s", state("list", "nbdvault"))
  against("p99 of a guest's paced writes during a backup, against without", 2.0, "took-p99", "guest", "nbdvault", "guest", "without")
}
