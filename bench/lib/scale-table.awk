# Makes a Markdown table of what bench/scale measured, a column for each size.
function row(what, format, step, name, divisor,   run, line, value) {
  line = "| " what " |"
  for (run = 1; run <= runs; run++) {
    value = figure(run, step, name)
    line = line " " (value == "" ? "–" : sprintf(format, value / divisor)) " |"
  }
  print line
}
function phase(what, step,   run, line) {
  line = "| " what " |"
  for (run = 1; run <= runs; run++) {
    line = line " " (figure(run, step, "seconds") == "" ? "–" : sprintf("%.1f s (%.1f), %d MB",
      figure(run, step, "seconds"), figure(run, step, "cpu"),
      figure(run, step, "peak_bytes") / 1e6)) " |"
  }
  print line
}
END {
  header = "| chunk rows |"; rule = "|---|"
  for (run = 1; run <= runs; run++) {
    header = header sprintf(" %.1f million |", figure(run, "ingest", "chunks") / 1e6)
    rule = rule "---:|"
  }
  print header; print rule
  row("tree nodes, thousands", "%.0f", "ingest", "nodes", 1e3)
  phase("insert: time (processor time), peak memory", "ingest")
  row("rows inserted a second", "%.0f", "ingest", "rows_per_s", 1)
  row("index, MB", "%.0f", "probe", "index_bytes", 1e6)
  row("records, MB", "%.0f", "probe", "chunk_bytes", 1e6)
  row("open, ms", "%.0f", "open", "seconds", 1e-3)
  row("open for the first time in a JVM, ms", "%.0f", "open", "first", 1e-3)
  row("look-up of a missing id, µs", "%.1f", "probe", "missing_us", 1)
  row("look-up of a present id, µs", "%.1f", "probe", "present_us", 1)
  phase("mark: time (processor time), peak memory", "mark")
  row("bitmap of the marks, MB", "%.2f", "marks", "marks_bytes", 1e6)
  phase("scan of the index, the same", "scan")
  phase("sweep of the index, the same", "sweep")
  phase("delete and rewrite records, the same", "reclaim")
  row("collection in all, s", "%.0f", "collect", "seconds", 1)
  row("rows freed, thousands", "%.0f", "collect", "freed", 1e3)
  row("index afterwards, MB", "%.0f", "probe2", "index_bytes", 1e6)
  row("records afterwards, MB", "%.0f", "probe2", "chunk_bytes", 1e6)
  row("open afterwards, ms", "%.0f", "open2", "seconds", 1e-3)
  row("look-up of a missing id, µs", "%.1f", "probe2", "missing_us", 1)
  row("look-up of a present id or one that is gone, µs", "%.1f", "probe2", "present_us", 1)
}
