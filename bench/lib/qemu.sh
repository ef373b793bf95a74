# shellcheck shell=bash disable=SC2034,SC2154
# QEMUs by name, and a QMP monitor of our own to each (a pair of pipes, for which bash is enough).
# Sourced by nbd-servers.sh and bench/compare; uses $dir and die from there.

declare -A qemu_pids=() qemu_in=() qemu_out=()

# qemu_start NAME ARGUMENT...: starts one with these further arguments; under tcg, without a screen.
qemu_start() {
  local name=$1 to from
  shift
  mkfifo_pair "$dir/$name.qmp"
  qemu-system-x86_64 -accel tcg -nodefaults -display none "$@" \
    -chardev "pipe,id=oracle,path=$dir/$name.qmp" -mon chardev=oracle,mode=control \
    </dev/null >"$dir/$name.log" 2>&1 &
  qemu_pids[$name]=$!
  # Read and write, so that opening does not wait for QEMU, nor reading end if it dies.
  exec {to}<>"$dir/$name.qmp.in" {from}<>"$dir/$name.qmp.out"
  qemu_in[$name]=$to qemu_out[$name]=$from
  qmp "$name" '{"execute":"qmp_capabilities"}'
}

mkfifo_pair() {
  rm -f "$1.in" "$1.out"
  mkfifo "$1.in" "$1.out"
}

# qmp NAME JSON: sends one command and sets qmp_answer.
qmp() {
  local line deadline=$((SECONDS + 30))
  printf '%s\n' "$2" >&"${qemu_in[$1]}"
  while ((SECONDS < deadline)); do
    kill -0 "${qemu_pids[$1]}" 2>/dev/null || die "QEMU ended: $(tail -n 3 "$dir/$1.log")"
    IFS= read -r -t 1 -u "${qemu_out[$1]}" line || continue
    case $line in
      '{"return"'*) qmp_answer=$line && return ;;
      '{"error"'*) die "QEMU refused $2: $line" ;;
    esac
  done
  die "QEMU does not answer $2"
}

# qemu_export NAME NODE SOCKET: serves the node, read-only, as the export "disk".
qemu_export() {
  qmp "$1" '{"execute":"nbd-server-start","arguments":{"max-connections":8,"addr":{"type":"unix","data":{"path":"'"$3"'"}}}}'
  qmp "$1" '{"execute":"block-export-add","arguments":{"type":"nbd","id":"e0","node-name":"'"$2"'","name":"disk"}}'
}

# qemu_unexport NAME: ends what qemu_export began.
qemu_unexport() { qmp "$1" '{"execute":"nbd-server-stop"}'; }

qemu_stop() { # NAME
  local pid=${qemu_pids[$1]:-} to=${qemu_in[$1]:-} from=${qemu_out[$1]:-}
  [[ -n $pid ]] || return 0
  kill "$pid" 2>/dev/null || :
  wait "$pid" 2>/dev/null || :
  if [[ -n $to ]]; then exec {to}>&- {from}<&-; fi
  unset "qemu_pids[$1]" "qemu_in[$1]" "qemu_out[$1]"
}

# CPU seconds that the process has used: user and system time are fields 14 and 15 of its stat.
process_cpu() { # PID
  local stat
  stat=$(<"/proc/$1/stat")
  # The second field, the name in brackets, may hold blanks.
  # shellcheck disable=SC2086 # a list of words
  set -- ${stat##*) }
  awk -v ticks="$((${12} + ${13}))" -v hz="$(getconf CLK_TCK)" 'BEGIN { printf "%.2f", ticks / hz }'
}
