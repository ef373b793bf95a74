# shellcheck shell=bash disable=SC2154
# Keeps the results of the JMH benchmarks as a table that can be read and compared. Sourced by
# bench/run.
#
# The table: a line "# what TAB value" for each thing to know about the run, then a line for each
# result: benchmark, parameters, score, its error at 99.9%, unit.

readonly baseline=bench/baseline.tsv
readonly document_file=docs/BENCHMARKS.md
readonly mark_begin='<!-- bench/run writes from here on -->'
readonly mark_end='<!-- bench/run writes up to here -->'
readonly latest=bench/target/jmh.tsv
# Before anything is built.
load_before=$(cut -d' ' -f1-3 /proc/loadavg)
readonly load_before

# measure [JMH OPTIONS]: runs every benchmark and writes the table to $latest. One that fails ends it.
measure() {
  local results=bench/target/jmh.json
  rm -f "$results" "$latest"
  describe_run "$@" >"$latest.part"
  java_run org.openjdk.jmh.Main -foe true -rf json -rff "$results" "$@" >&2 ||
    die "a benchmark failed: see above"
  jq -r 'def short: if type == "number" then (. * 1000 | round) / 1000 else . end;
    .[] | [
      (.benchmark | split(".") | .[-2:] | join(".")),
      (.params // {} | to_entries | map("\(.key)=\(.value)") | join(" ")),
      (.primaryMetric.score | short), (.primaryMetric.scoreError | short), .primaryMetric.scoreUnit
    ] | @tsv' "$results" | LC_ALL=C sort >>"$latest.part"
  mv "$latest.part" "$latest"
}

describe_run() {
  local commit
  commit=$(git rev-parse --short HEAD 2>/dev/null || echo unknown)
  [[ -z $(git status --porcelain --untracked-files=no -- . ':!docs' ":!$baseline" 2>/dev/null) ]] ||
    commit+=', with changes'
  printf '# %s\t%s\n' \
    date "$(date -u +%F)" \
    commit "$commit" \
    machine "$(nproc) × $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | sed 's/  */ /g;1q'), $(
      awk '/^MemTotal/ { printf "%.0f GiB", $2 / 1048576 }' /proc/meminfo), Linux $(uname -r)" \
    JDK "$jdk_version" \
    'load before' "$load_before" \
    command "bench/run --$mode${*:+ $*}"
}

record() {
  measure "$@"
  cp "$latest" "$baseline"
  awk -f bench/lib/baseline-table.awk "$baseline" >"$latest.md"
  replace_marked "$document_file" "$mark_begin" "$mark_end" "$latest.md"
  cat "$latest.md"
  note "wrote $baseline and $document_file"
}

compare() {
  measure "$@"
  awk -f bench/lib/baseline-compare.awk "$baseline" "$latest"
}
