# Draws what bench/scale measured: seconds and megabytes by the number of chunks, both axes in
# powers of ten. Needs svg.awk.
function log10(x) { return log(x) / log(10) }
function x_of(panel, chunks) { return left + panel * panel_width + (log10(chunks) - x_low) / (x_high - x_low) * width }
function y_of(value) { return top + height - (log10(value) - y_low) / (y_high - y_low) * height }
function frame(panel, title, low, high,   power, at) {
  y_low = low; y_high = high; labels = 0
  text(left + panel * panel_width, top - 14, "start", 14, title)
  for (power = x_low; power <= x_high; power++) {
    at = x_of(panel, 10 ^ power)
    printf "<path d=\"M%.0f %dV%d\" stroke=\"#ddd\"/>\n", at, top, top + height
    text(at, top + height + 18, "middle", 12, 10 ^ (power - 6) " million")
  }
  for (power = low; power <= high; power++) {
    at = y_of(10 ^ power)
    printf "<path d=\"M%.0f %.0fh%d\" stroke=\"#ddd\"/>\n", left + panel * panel_width, at, width
    text(left + panel * panel_width - 6, at + 4, "end", 12, 10 ^ power)
  }
}
function line(panel, colour, words, step, name, divisor,   run, value, path, y) {
  for (run = 1; run <= runs; run++) {
    value = figure(run, step, name) / divisor
    if (value <= 0) continue
    y = y_of(value)
    path = path sprintf("%s%.1f %.1f", path == "" ? "M" : "L", x_of(panel, figure(run, "run", "chunks")), y)
  }
  printf "<path d=\"%s\" fill=\"none\" stroke=\"%s\" stroke-width=\"2\"/>\n", path, colour
  y = top + 16 * ++labels
  printf "<path d=\"M%.0f %.0fh18\" stroke=\"%s\" stroke-width=\"2\"/>\n", left + panel * panel_width + width + 10, y - 4, colour
  text(left + panel * panel_width + width + 32, y, "start", 12, words)
}
END {
  left = 50; top = 40; width = 330; height = 330; panel_width = 560; x_low = 6; x_high = 8
  svg_begin(1130, 410)
  frame(0, "seconds, by chunk rows", -2, 4)
  line(0, "#1f77b4", "insert", "ingest", "seconds", 1)
  line(0, "#d62728", "mark", "mark", "seconds", 1)
  line(0, "#ff7f0e", "scan of the index", "scan", "seconds", 1)
  line(0, "#9467bd", "sweep of the index", "sweep", "seconds", 1)
  line(0, "#8c564b", "rewrite records", "reclaim", "seconds", 1)
  line(0, "#2ca02c", "open", "open", "seconds", 1)
  frame(1, "megabytes, by chunk rows", -1, 5)
  line(1, "#8c564b", "records", "probe", "chunk_bytes", 1e6)
  line(1, "#1f77b4", "index", "probe", "index_bytes", 1e6)
  line(1, "#ff7f0e", "peak memory, insert", "ingest", "peak_bytes", 1e6)
  line(1, "#d62728", "peak memory, mark", "mark", "peak_bytes", 1e6)
  line(1, "#9467bd", "peak memory, sweep", "sweep", "peak_bytes", 1e6)
  line(1, "#2ca02c", "mark bitmap", "marks", "marks_bytes", 1e6)
  svg_end()
}
