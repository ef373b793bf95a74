# Draws what bench/compare measured as bars, a panel for each job, each panel to its own scale. Needs
# svg.awk and compare-figures.awk; `kind` is times or sizes.
function colour(program) {
  if (program ~ /^nbdvault/) return program == "nbdvault" ? "#1f77b4" : "#9ecae1"
  if (program ~ /^borg/) return program == "borg" ? "#d62728" : "#ff9896"
  return program == "restic" ? "#ff7f0e" : "#bbbbbb"
}
# Notes a panel; it is drawn when the height of the picture is known.
function panel(job, title, figure, divisor, unit,   n, list) {
  n = split(programs[job], list, " ")
  if (n == 0) return
  panels++
  jobs_of[panels] = job; titles[panels] = title; figures_of[panels] = figure
  divisors[panels] = divisor; units[panels] = unit
  rows_of[panels] = n
}
function draw_panel(p, x, y,   list, n, i, most, one, long) {
  text(x, y + 14, "start", 14, titles[p] ", " units[p])
  n = split(programs[jobs_of[p]], list, " ")
  for (i = 1; i <= n; i++) {
    one = med(jobs_of[p], list[i], figures_of[p]) / divisors[p]
    if (one > most) most = one
  }
  for (i = 1; i <= n; i++) {
    one = med(jobs_of[p], list[i], figures_of[p])
    text(x + 110, y + 16 + i * line - 4, "end", 12, list[i])
    if (one == "") {
      text(x + 116, y + 16 + i * line - 4, "start", 12, status(jobs_of[p], list[i]) == "ok" ? "–" : status(jobs_of[p], list[i]))
      continue
    }
    one /= divisors[p]
    long = most > 0 ? one / most * bar : 0
    printf "<rect x=\"%.0f\" y=\"%.0f\" width=\"%.1f\" height=\"%d\" fill=\"%s\"/>\n", x + 116,
      y + 16 + (i - 1) * line + 3, long, line - 4, colour(list[i])
    text(x + 120 + long, y + 16 + i * line - 4, "start", 12,
      one < 10 ? sprintf("%.2f", one) : one < 100 ? sprintf("%.1f", one) : sprintf("%.0f", one))
  }
}
function plan_times() {
  panel("first", "first full backup", "wall", 1, "s")
  panel("later2", "after package installs, read in full", "wall", 1, "s")
  panel("later3", "after a database, read in full", "wall", 1, "s")
  panel("later4", "after files were removed", "wall", 1, "s")
  panel("sibling", "another machine", "wall", 1, "s")
  panel("reread", "nothing changed, all read", "wall", 1, "s")
  panel("unchanged", "nothing changed", "wall", 1, "s")
  panel("inc1", "1% written", "wall", 1, "s")
  panel("inc10", "10% written", "wall", 1, "s")
  panel("scattered", "4 KiB in 2048 places", "wall", 1, "s")
  panel("restore-raw", "restore to raw", "wall", 1, "s")
  panel("restore-qcow2", "restore to qcow2", "wall", 1, "s")
  panel("restore-nbd", "restore to NBD", "wall", 1, "s")
  panel("verify", "verify everything", "wall", 1, "s")
  panel("gc", "forget and collect", "wall", 1, "s")
  panel("list", "list the snapshots", "wall", 1, "s")
  panel("growth", "64 MiB written, by the disk's size", "wall", 1, "s")
  panel("dirty", "by what was written to 256 GiB", "wall", 1, "s")
}
function plan_sizes() {
  panel("five", "stored, all five disks", "stored", 1e6, "MB")
  panel("first", "CPU of the first full backup", "cpu", 1, "s")
  panel("first", "peak memory of the first full backup", "peak", 1e3 / 1.024, "MB")
  panel("verify", "peak memory of verification", "peak", 1e3 / 1.024, "MB")
  panel("growth", "peak memory by the disk's size", "peak", 1e3 / 1.024, "MB")
  panel("dirty", "peak memory by what was written", "peak", 1e3 / 1.024, "MB")
  panel("growth", "new metadata by the disk's size", "nodes", 1e3, "KB")
  panel("dirty", "new metadata by what was written", "nodes", 1e3, "KB")
  panel("guest", "a guest's writes, p50", "took-p50", 1000, "ms")
  panel("guest", "a guest's writes, p99", "took-p99", 1000, "ms")
  panel("guest", "the same from when it was due", "late-p99", 1000, "ms")
}
END {
  line = 18; bar = 220; column = 410
  if (kind == "times") plan_times(); else plan_sizes()
  # Two columns; a row of the picture is as high as the taller of its two panels.
  for (p = 1; p <= panels; p += 2) {
    tall = rows_of[p] > rows_of[p + 1] ? rows_of[p] : rows_of[p + 1]
    tops[p] = tops[p + 1] = height + 10
    height += 16 + tall * line + 24
  }
  svg_begin(2 * column, height + 10)
  for (p = 1; p <= panels; p++) draw_panel(p, p % 2 ? 10 : column, tops[p])
  svg_end()
}
