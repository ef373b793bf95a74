# shellcheck shell=bash disable=SC2034,SC2154
# Runs one job of one program, measures it and notes the figures. Sourced by bench/compare; uses
# $run, $work, $data, $root, $round, die and note.
#
# results.tsv has lines ROUND JOB PROGRAM FIGURE VALUE. Figures: status (ok, failed or wrong), wall and
# cpu in seconds (user and system time of the program and all that it started), served (CPU seconds
# of the QEMUs it read from or wrote to), peak (greatest resident memory of one process, KiB), stored
# (bytes of the repository's files), p50, p99, max and count (microseconds of a guest's writes).

declare -A described=()
servers=() # process ids whose CPU time counts as served
warm=()    # files that the next job finds in the page cache
failures=0
measured='' # the status of what was measured last
declare -A broken=() # programs of which a job of this round failed

figure() { # JOB PROGRAM FIGURE VALUE
  printf '%s\t%s\t%s\t%s\t%s\n' "$round" "$@" >>"$run/results.tsv"
}

# measure JOB PROGRAM COMMAND...
measure() {
  local job=$1 program=$2 before start end times status=ok
  shift 2
  describe "$job" "$program" "$@"
  # What was written before is on the disk, and all that is read is in memory, for each program alike.
  sync -f "$work"
  ((${#warm[@]} == 0)) || cat "${warm[@]}" >/dev/null
  before=$(served)
  start=$EPOCHREALTIME
  command time -q -f '%U %S %M' -o "$work/time" "$@" </dev/null >"$work/out" 2>"$work/err" || status=failed
  end=$EPOCHREALTIME
  times=$(tail -n 1 "$work/time")
  figure "$job" "$program" wall "$(awk -v a="$start" -v b="$end" 'BEGIN { printf "%.3f", b - a }')"
  figure "$job" "$program" cpu "$(awk -v t="$times" 'BEGIN { split(t, a); printf "%.2f", a[1] + a[2] }')"
  figure "$job" "$program" peak "${times##* }"
  ((${#servers[@]} == 0)) ||
    figure "$job" "$program" served "$(awk -v a="$before" -v b="$(served)" 'BEGIN { printf "%.2f", b - a }')"
  outcome "$job" "$program" "$status"
  measured=$status
  note "$(printf 'round %s  %-14s %-14s %8.2f s  cpu %s  %s' "$round" "$job" "$program" \
    "$(awk -v a="$start" -v b="$end" 'BEGIN { print b - a }')" "$times" "$status")"
}

# outcome JOB PROGRAM STATUS: the last one noted of a job and program counts.
outcome() {
  figure "$1" "$2" status "$3"
  [[ $3 != ok ]] || return 0
  failures=$((failures + 1))
  broken[$2]=1
  note "$1 of $2: $3: $(tail -n 5 "$work/err")"
}

served() {
  local pid sum=0
  for pid in "${servers[@]}"; do sum=$(awk -v a="$sum" -v b="$(process_cpu "$pid")" 'BEGIN { print a + b }'); done
  printf '%s' "$sum"
}

# Bytes of all files of a directory, as allocated.
stored_bytes() { du -sB1 "$1" | cut -f1; }

# Compares what was restored with the disk; what differs is worse than what fails.
check_same() { # JOB PROGRAM EXPECTED ACTUAL
  cmp "$3" "$4" >"$work/err" 2>&1 || outcome "$1" "$2" wrong
}

# Keeps the command of each job and program for the document, without this machine's paths.
describe() { # JOB PROGRAM COMMAND...
  local job=$1 program=$2 line
  [[ -z ${described[$job,$program]:-} ]] || return 0
  described[$job,$program]=1
  shift 2
  if [[ $1 == bash ]]; then line=${!#}; else line=$*; fi
  line=${line//"$work"/WORK}
  line=${line//"${work#/}"/WORK}
  line=${line//"$data"/DATA}
  line=${line//"$root"\//}
  printf '%s\t%s\t%s\n' "$job" "$program" "$line" >>"$run/commands.tsv"
}
