# Turns a table of bench/lib/baseline.sh into Markdown.
BEGIN { FS = "\t" }
/^# / {
  if (!heads++) print "| | |\n|---|---|"
  printf "| %s | %s |\n", substr($1, 3), $1 == "# command" ? "`" $2 "`" : $2
  next
}
!rows++ { print "\n| benchmark | with | takes | ± |\n|---|---|---:|---:|" }
{
  unit = $5
  sub(/\/op$/, "", unit)
  sub(/^us$/, "µs", unit)
  printf "| %s | %s | %s %s | %s |\n", $1, $2, figure($3), unit, $4 ~ /^[0-9]/ ? figure($4) : ""
}
END { exit !rows }
# As many decimals as say anything.
function figure(value) { return sprintf(value >= 100 ? "%.0f" : value >= 10 ? "%.1f" : "%.2f", value) }
