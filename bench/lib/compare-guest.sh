# shellcheck shell=bash disable=SC2034,SC2154
# What a guest sees of a backup, and how an incremental grows with the disk. Sourced by bench/compare.

readonly pace_micros=10000
readonly quiet_seconds=12
readonly growth_sizes=(16G 256G 4T)
# Of 256 KiB each: 64 MiB in all.
readonly growth_writes=256
readonly dirty_size=256G
readonly dirty_writes=(64 256 1024 4096)

# A guest that runs, with a program in it that writes every 10 ms: for a while without any backup, and
# then during one of each program. Only nbdvault reads the guest's own disk; the others' load on the
# machine is what the guest sees of them.
guest_round() {
  local tool
  note "guest, round $round of $rounds"
  begin_work
  sync -f "$work"
  qemu_start guest -name guest -m 256 -no-reboot -qmp "unix:$work/guest.sock,server=on,wait=off" \
    -kernel guest/target/vmlinuz -initrd guest/target/initrd.img \
    -append "console=ttyS0 quiet tsc=reliable no_timer_check mitigations=off nbdvault.mode=pace nbdvault.spec=$pace_micros" \
    -serial "file:$work/serial" \
    -blockdev "driver=qcow2,node-name=disk0,file.driver=file,file.filename=$work/vm.qcow2" \
    -device virtio-blk-pci,drive=disk0,id=vda
  await_guest
  servers=("${qemu_pids[guest]}")
  # So that the first to be measured does not have the guest's start beside it.
  sleep 3
  take_turns without nbdvault borg restic
  for tool in "${turns[@]}"; do
    if [[ $tool == without ]]; then
      command=(sleep "$quiet_seconds")
    else
      init_repository "$tool"
      tool_backup "$tool" guest "$work/guest.sock" "$work/vm.raw"
    fi
    watch_guest "$tool" "${command[@]}"
    sleep 2
  done
  ! grep -a 'ERROR' "$work/serial" >&2 || die "the guest's disk failed"
  qemu_stop guest
  rm -rf "$work"
}

await_guest() {
  local deadline=$((SECONDS + 120))
  until grep -aq '^PACE ' "$work/serial" 2>/dev/null; do
    ((SECONDS < deadline)) || die "the guest does not come up: $(tail -n 3 "$work/serial")"
    sleep 0.2
  done
}

# watch_guest PROGRAM COMMAND...: notes what the guest's writes took while the command ran.
watch_guest() {
  local program=$1 from to
  shift
  from=$(stat -c %s "$work/serial")
  measure guest "$program" "$@"
  to=$(stat -c %s "$work/serial")
  # A line's beginning or end may be missing, each of which is left out.
  dd if="$work/serial" iflag=skip_bytes,count_bytes skip="$from" count="$((to - from))" status=none |
    tr -d '\r' | tr ' ' '\n' | awk '/^[0-9]+\/[0-9]+$/' | sed '1d;$d' >"$work/samples"
  [[ -s $work/samples ]] || outcome guest "$program" failed
  cut -d/ -f1 "$work/samples" | percentiles "$program" took
  cut -d/ -f2 "$work/samples" | percentiles "$program" late
}

percentiles() { # PROGRAM PREFIX
  local name value
  while read -r name value; do figure guest "$1" "$2-$name" "$value"; done < <(sort -n |
    awk "$(<bench/lib/statistics.awk)"'
      { sorted[NR] = $1 }
      END {
        if (NR == 0) exit
        print "p50", percentile(sorted, NR, 50); print "p99", percentile(sorted, NR, 99)
        print "max", sorted[NR]; print "count", NR
      }')
}

# The same changes on disks of different sizes, which hold little else: what is left is what the
# disk's size itself costs. Then more and more changes on disks of one size.
growth_round() {
  local size writes
  note "growth, round $round of $rounds"
  take_turns "${growth_sizes[@]}"
  for size in "${turns[@]}"; do
    growth_disk "$size"
    growth_step growth "$size" "$growth_writes"
    qemu_stop vm
  done
  growth_disk "$dirty_size"
  for writes in "${dirty_writes[@]}"; do
    growth_step dirty "$((writes * write_bytes[growth] >> 20))MiB" "$writes"
  done
  qemu_stop vm
  rm -rf "$work"
}

# growth_disk SIZE: an empty disk, and a first backup of some writes to it.
growth_disk() {
  new_work
  qemu-img create -q -f qcow2 "$work/vm.qcow2" "$1"
  truncate -s "$(numfmt --from=iec "$1")" "$work/vm.raw"
  vm_start vm "$work/vm.qcow2" qcow2
  servers=("${qemu_pids[vm]}")
  init_repository nbdvault
  growth_backup growth-first "$1" "$growth_writes"
}

# growth_step JOB NAME WRITES: an incremental, and what metadata it brought.
growth_step() {
  growth_backup "$@"
  [[ $measured == ok ]] || return 0
  nbdvault_of nbdvault
  figure "$1" "$2" nodes "$("${command[@]}" show vm@latest --json | sed 's/.*"nodeBytes":\([0-9]*\).*/\1/')"
}

growth_backup() { # JOB NAME WRITES
  write_some growth "$3"
  tool_backup nbdvault vm "$work/vm.sock" "$work/vm.raw"
  measure "$1" "$2" "${command[@]}"
}
