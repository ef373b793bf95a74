# Compares two tables of bench/lib/baseline.sh, the baseline and one of now. Exits with 1 if
# something takes longer than the limit allows, or is missing.
BEGIN { FS = "\t"; limit = 1.25 }
FNR == 1 { tables++; print tables == 1 ? "baseline:" : "now:" }
/^# / { printf "  %-12s %s\n", substr($1, 3), $2; next }
{ key = $1 "\t" $2 }
tables == 1 { score[key] = $3; unit[key] = $5; order[++rows] = key; next }
!(key in score) { order[++rows] = key }
{ now[key] = $3; unit_now[key] = $5 }
END {
  if (tables < 2) { print "nothing to compare with" > "/dev/stderr"; exit 1 }
  printf "\n%-28s %-32s %12s %12s  %-6s %6s\n", "benchmark", "with", "baseline", "now", "unit", "ratio"
  for (i = 1; i <= rows; i++) {
    key = order[i]
    split(key, name, "\t")
    printf "%-28s %-32s ", name[1], name[2]
    if (!(key in now)) {
      printf "%12s %12s  %-6s %6s  MISSING\n", figure(score[key]), "-", unit[key], "-"
      bad++
    } else if (!(key in score)) {
      printf "%12s %12s  %-6s %6s  new\n", "-", figure(now[key]), unit_now[key], "-"
    } else if (unit[key] != unit_now[key]) {
      printf "%12s %12s  %-6s %6s  UNIT WAS %s\n", figure(score[key]), figure(now[key]), unit_now[key], "-", unit[key]
      bad++
    } else {
      ratio = now[key] / score[key]
      mark = ratio > limit ? "  SLOWER" : ratio < 1 / limit ? "  faster" : ""
      if (ratio > limit) bad++
      printf "%12s %12s  %-6s %6.2f%s\n", figure(score[key]), figure(now[key]), unit[key], ratio, mark
    }
  }
  exit bad > 0
}
# As many decimals as say anything.
function figure(value) { return sprintf(value >= 100 ? "%.0f" : value >= 10 ? "%.1f" : "%.2f", value) }
