# shellcheck shell=bash disable=SC2154
# Tables and plots of what bench/compare measured. Sourced there; uses $run, $dir, $data and
# $document.

readonly document_file=docs/BENCHMARKS.md
readonly mark_begin='<!-- bench/compare writes from here on -->'
readonly mark_end='<!-- bench/compare writes up to here -->'

report() {
  local library=bench/lib
  [[ -s $run/results.tsv ]] || die "nothing was measured in $run"
  local -a figures=(awk -f "$library/statistics.awk" -f "$library/compare-figures.awk")
  {
    cat "$run/machine.md"
    printf '\n### What must be reached\n\n'
    "${figures[@]}" -f "$library/compare-targets.awk" "$run/results.tsv"
    printf '\nWhat stands in the way of those that are not reached is in the section after the tables.\n'
    printf '\n![Times of every job, each to its own scale](compare-times.svg)\n'
    printf '\n![Sizes, processor time, memory and what a guest sees](compare-sizes.svg)\n'
    "${figures[@]}" -f "$library/compare-table.awk" "$run/results.tsv"
    commands
  } >"$run/figures.md"
  cat "$run/figures.md"
  "${figures[@]}" -f "$library/svg.awk" -v kind=times -f "$library/compare-plot.awk" \
    "$run/results.tsv" >"$run/compare-times.svg"
  "${figures[@]}" -f "$library/svg.awk" -v kind=sizes -f "$library/compare-plot.awk" \
    "$run/results.tsv" >"$run/compare-sizes.svg"
  [[ -z $document ]] || write_document
}

# Puts the figures between the two marks.
write_document() {
  cp "$run/compare-times.svg" "$run/compare-sizes.svg" docs/
  replace_marked "$document_file" "$mark_begin" "$mark_end" "$run/figures.md"
  note "wrote $document_file, docs/compare-times.svg and docs/compare-sizes.svg"
}

# A list, for reading beside the tables: which machine, what of each program, and how.
describe_machine() {
  local commit
  commit=$(git rev-parse --short HEAD 2>/dev/null || echo unknown)
  [[ -z $(git status --porcelain --untracked-files=no -- . ':!docs' 2>/dev/null) ]] || commit+=', with changes'
  cat <<END
| | |
|---|---|
| date, nbdvault's commit | $(date -u +%F), $commit |
| command | \`bench/compare${given:+ ${given//"$dir"/DIR}}\` |
| machine | $(nproc) × $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | sed 's/  */ /g;1q'), $(awk '/^MemTotal/ { printf "%.0f GiB", $2 / 1048576 }' /proc/meminfo), $(findmnt -no FSTYPE -T "$dir"), Linux $(uname -r) |
| disks | $(describe_disks) |
| nbdvault | $(bin/nbdvault --version | sed 's/^nbdvault //' | paste -sd' ') |
| others | $(borg --version), $(restic version | sed 's/ compiled.*//'), $(qemu-img --version | sed -n 's/ (.*//;1s/.*version/QEMU/p'), libnbd $(nbdcopy --version | sed -n '1s/nbdcopy //p'), $(cp --version | sed -n '1s/cp (GNU coreutils)/coreutils/p') |
| load before | $(cut -d' ' -f1-3 /proc/loadavg) |
| rounds | $rounds |
END
}

describe_disks() {
  local image line=''
  for image in "${images[@]}"; do
    line+="${line:+, }$image $(($(stat -c '%b * 512' "$data/$image.raw") / 1000000)) MB"
  done
  printf '%s of %s each, made on %s' "$line" "$(numfmt --to=iec "$disk_bytes")" "$(<"$data/made")"
}

# What was run in the first round. A command that only names another VM, file or archive than one
# before is left out.
commands() {
  printf '\n### Commands\n\n'
  printf 'WORK is the directory of the run, DATA that of the disks. A job that is not here is done as one before.\n'
  awk -F'\t' '
    { general = $3
      gsub(/::[a-z]*-[0-9]*/, "::ARCHIVE", general)
      gsub(/[A-Z]*\/[a-z0-9]*\.(raw|sock)/, "FILE", general)
      gsub(/(backup|--host|--vm) [a-z]+/, "VM", general) }
    ($2, general) in seen { next }
    { seen[$2, general] }
    $1 != job { if (job != "") print "```"; job = $1; printf "\n%s:\n\n```\n", job }
    { printf "%-14s %s\n", $2, $3 }
    END { if (job != "") print "```" }' "$run/commands.tsv"
}
