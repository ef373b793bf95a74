# shellcheck shell=bash disable=SC2054,SC2154
# The virtual machine of bin/demo: starts it, and talks to it over a QMP monitor of its own (a pair of
# pipes, for which bash is enough), beside the one that nbdvault uses. Sourced by bin/demo; uses
# $root, $work, die, note, now_ms and seconds_since from there.

vm_pid=

vm_start() {
  local disk start
  start=$(now_ms)
  local -a arguments=(
    -name demo -uuid 6e626476-6175-6c74-8000-00000000de30
    -accel tcg -m 256 -nodefaults -display none -no-reboot
    -kernel "$root/guest/target/vmlinuz" -initrd "$root/guest/target/initrd.img"
    -append "console=ttyS0 quiet tsc=reliable no_timer_check mitigations=off nbdvault.mode=files"
    -serial "file:$work/serial.log"
    -qmp "unix:$work/qmp.sock,server=on,wait=off"
    -chardev "pipe,id=oracle,path=$work/oracle" -mon chardev=oracle,mode=control
  )
  for disk in vda vdb; do
    arguments+=(
      -blockdev "driver=qcow2,node-name=$disk-disk,file.driver=file,file.filename=$work/$disk.qcow2"
      -device "virtio-blk-pci,drive=$disk-disk,id=$disk"
    )
  done
  mkfifo "$work/oracle.in" "$work/oracle.out"
  qemu-system-x86_64 "${arguments[@]}" >"$work/qemu.log" 2>&1 </dev/null &
  vm_pid=$!
  # Read and write, so that opening does not wait for QEMU, nor reading end if it dies.
  exec {vm_in}<>"$work/oracle.in" {vm_out}<>"$work/oracle.out"
  vm_command '{"execute":"qmp_capabilities"}' >/dev/null
  vm_await_line 'FILES dev=vda' 60
  vm_await_line 'FILES dev=vdb' 60
  note "QEMU $(qemu-system-x86_64 --version | sed -n '1s/.*version \([^ ]*\).*/\1/p'), pid $vm_pid, guest at work after $(seconds_since "$start")"
}

# Sends one command and prints its answer; events in between are none of our business.
vm_command() { # JSON
  local line deadline=$((SECONDS + 60))
  printf '%s\n' "$1" >&"$vm_in"
  while ((SECONDS < deadline)); do
    kill -0 "$vm_pid" 2>/dev/null || die "QEMU has died: $(tail -n 3 "$work/qemu.log")"
    IFS= read -r -t 1 -u "$vm_out" line || continue
    case $line in
      '{"return"'*) printf '%s\n' "$line" && return ;;
      '{"error"'*) die "QEMU refused $1: $line" ;;
    esac
  done
  die "QEMU does not answer $1"
}

vm_stop() { vm_command '{"execute":"stop"}' >/dev/null; }
vm_cont() { vm_command '{"execute":"cont"}' >/dev/null; }

# How often PATTERN occurs in the answer to COMMAND.
vm_count() { # COMMAND PATTERN
  vm_command "{\"execute\":\"$1\"}" | { grep -o "$2" || :; } | wc -l
}

vm_jobs() { vm_count query-jobs '"id":'; }
vm_exports() { vm_count query-block-exports '"id":'; }
# Every bitmap has this field, the unnamed ones of running jobs too.
vm_bitmaps() { vm_count query-named-block-nodes '"recording":'; }

vm_nodes() {
  vm_command '{"execute":"query-named-block-nodes"}' |
    grep -o '"node-name": *"[^"]*"' | sed 's/.*"\([^"]*\)"$/\1/' | grep -v '^#' | LC_ALL=C sort -u | tr '\n' ' '
}

# The console's newest line about a disk.
vm_said() { # DISK
  tr -d '\r' <"$work/serial.log" | grep "^FILES dev=$1 " | tail -n 1
}

# Steps done on both disks together.
vm_steps() {
  local disk steps=0 said
  for disk in vda vdb; do
    said=$(vm_said "$disk")
    said=${said#*step=}
    steps=$((steps + ${said%% *}))
  done
  printf '%d' "$steps"
}

vm_await_line() { # PATTERN SECONDS
  local deadline=$((SECONDS + $2))
  until grep -q "$1" "$work/serial.log" 2>/dev/null; do
    kill -0 "$vm_pid" 2>/dev/null || die "QEMU has died: $(tail -n 3 "$work/qemu.log")"
    ((SECONDS < deadline)) || die "the guest does not come up: $(tail -n 3 "$work/serial.log")"
    sleep 0.1
  done
}

# Lets the guest work for at least SECONDS, and until it has in fact changed something.
vm_let_work() { # SECONDS
  local before deadline=$((SECONDS + $1 + 60))
  before=$(vm_steps)
  sleep "$1"
  until (($(vm_steps) > before + 20)); do
    ((SECONDS < deadline)) || die "the guest has stopped working: $(tail -n 3 "$work/serial.log")"
    sleep 0.2
  done
}

vm_errors() { grep -iE 'GUEST ERROR|I/O error|EXT4-fs error' "$work/serial.log"; }
vm_is_healthy() { ! vm_errors >/dev/null; }

vm_kill() {
  [[ -n $vm_pid ]] || return 0
  kill "$vm_pid" 2>/dev/null || return 0
  local try
  for try in {1..50}; do
    kill -0 "$vm_pid" 2>/dev/null || break
    sleep 0.1
    ((try == 50)) && kill -KILL "$vm_pid" 2>/dev/null
  done
  wait "$vm_pid" 2>/dev/null || :
  vm_pid=
}
