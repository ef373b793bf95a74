# Makes the tables of every job that bench/compare ran: medians, and the median of the ratios to
# nbdvault. Needs compare-figures.awk.
function cell(format, number) { return number == "" ? "–" : sprintf(format, number) }
function mega(kib) { return kib == "" ? "" : kib * 1024 / 1e6 }
function spread(job, program,   round, low, high, one) {
  for (round = 1; round <= rounds; round++) {
    one = value(round, job, program, "wall")
    if (one == "") continue
    if (low == "" || one < low) low = one
    if (high == "" || one > high) high = one
  }
  return low == "" ? "–" : sprintf("%.2f–%.2f", low, high)
}
# Makes the row of a program that failed, in a table of so many columns of figures.
function failed(job, program, columns) {
  if (status(job, program) == "ok") return 0
  printf "| %s | **%s** |", program, status(job, program)
  while (--columns > 0) printf " |"
  print ""
  return 1
}
function heading(title) { printf "\n### %s\n\n", title }
function times(job, title,   list, n, i, program) {
  n = split(programs[job], list, " ")
  if (n == 0) return
  heading(title)
  print "| | time, s | least–most | × nbdvault | CPU, s | QEMU's CPU, s | peak memory, MB |"
  print "|---|---:|---:|---:|---:|---:|---:|"
  for (i = 1; i <= n; i++) {
    program = list[i]
    if (failed(job, program, 6)) continue
    printf "| %s | %s | %s | %s | %s | %s | %s |\n", program, cell("%.2f", med(job, program, "wall")),
      spread(job, program), cell("%.2f", ratio("wall", job, program, job, "nbdvault")),
      cell("%.2f", med(job, program, "cpu")), cell("%.2f", med(job, program, "served")),
      cell("%.0f", mega(med(job, program, "peak")))
  }
}
function sizes(title,   list, n, i, program) {
  n = split(programs["five"], list, " ")
  if (n == 0) return
  heading(title)
  print "| | after all five disks, MB | × nbdvault | before forgetting, MB | after collecting, MB |"
  print "|---|---:|---:|---:|---:|"
  for (i = 1; i <= n; i++) {
    program = list[i]
    printf "| %s | %s | %s | %s | %s |\n", program, status("five", program) == "ok" ? million(med("five", program, "stored")) : "**" status("five", program) "**",
      cell("%.2f", ratio("stored", "five", program, "five", "nbdvault")),
      million(med("gc-before", program, "stored")), million(med("gc", program, "stored"))
  }
}
function growth(job, title, what,   list, n, i, program) {
  n = split(programs[job], list, " ")
  if (n == 0) return
  heading(title)
  print "| " what " | time, s | least–most | CPU, s | QEMU's CPU, s | peak memory, MB | new metadata, KB |"
  print "|---|---:|---:|---:|---:|---:|---:|"
  for (i = 1; i <= n; i++) {
    program = list[i]
    if (failed(job, program, 6)) continue
    printf "| %s | %s | %s | %s | %s | %s | %s |\n", program, cell("%.2f", med(job, program, "wall")),
      spread(job, program), cell("%.2f", med(job, program, "cpu")), cell("%.2f", med(job, program, "served")),
      cell("%.0f", mega(med(job, program, "peak"))), cell("%.1f", kilo(med(job, program, "nodes")))
  }
}
function kilo(bytes) { return bytes == "" ? "" : bytes / 1e3 }
function million(bytes) { return bytes == "" ? "–" : sprintf("%.0f", bytes / 1e6) }
function guest(title,   list, n, i, program) {
  n = split(programs["guest"], list, " ")
  if (n == 0) return
  heading(title)
  print "| during | writes | p50, ms | p99, ms | p99 × without | longest, ms | p99 from when it was due, ms | × without |"
  print "|---|---:|---:|---:|---:|---:|---:|---:|"
  for (i = 1; i <= n; i++) {
    program = list[i]
    if (failed("guest", program, 7)) continue
    printf "| %s | %s | %s | %s | %s | %s | %s | %s |\n", program, cell("%d", med("guest", program, "took-count")),
      millis("took-p50", program), millis("took-p99", program),
      cell("%.2f", ratio("took-p99", "guest", program, "guest", "without")),
      millis("took-max", program), millis("late-p99", program),
      cell("%.2f", ratio("late-p99", "guest", program, "guest", "without"))
  }
}
function millis(figure, program,   micros) {
  micros = med("guest", program, figure)
  return micros == "" ? "–" : sprintf("%.2f", micros / 1000)
}
END {
  times("first", "First full backup, of the base")
  times("later2", "The same disk after package installs, read in full")
  times("later3", "After a database was loaded and written to, read in full")
  times("later4", "After files were removed and trimmed, read in full")
  times("sibling", "Another machine of the same release")
  sizes("Stored")
  times("unchanged", "Nothing has changed, and the program can know it")
  times("reread", "Nothing has changed, and all is read to find that out")
  times("inc1", "1% of the disk written, in pieces of 256 KiB")
  times("inc10", "10% of the disk written, in pieces of 1 MiB")
  times("scattered", "4 KiB written in each of 2048 places")
  times("list", "List the snapshots")
  times("restore-raw", "Restore to a raw file")
  times("restore-qcow2", "Restore to a qcow2 file")
  times("restore-nbd", "Restore to an NBD server")
  times("verify", "Verify everything")
  times("gc", "Forget, and give the space back")
  guest("What a guest sees")
  growth("growth", "64 MiB written to a disk that holds as much again and nothing else", "the disk's size")
  growth("dirty", "So much written to a disk of 256 GiB that holds little else", "written")
}
