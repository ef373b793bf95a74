# shellcheck shell=bash disable=SC2034,SC2154
# The jobs of bench/compare, in the order of a round. Sourced there. All programs do a job in turn
# before the next job begins; they take turns in going first.

readonly all_jobs=(first later sibling unchanged reread inc1 inc10 scattered list restore verify gc)
# Bytes that one write changes, by job: what is near is mostly written together, but not always.
declare -A write_bytes=([inc1]=262144 [inc10]=1048576 [scattered]=4096 [growth]=262144)

target_pid='' # of the NBD server that is restored to

wants() { [[ " ${jobs[*]} " == *" $1 "* ]]; }

run_round() {
  local job tool
  note "round $round of $rounds"
  begin_round
  for tool in "${tools[@]}"; do init_repository "$tool"; done
  job_first
  for job in "${all_jobs[@]:1}"; do
    if wants "$job"; then "job_$job"; fi
  done
  end_round
}

begin_round() {
  begin_work
  vm_start vm "$work/vm.qcow2" qcow2
  take_turns "${tools[@]}"
  in_turn=("${turns[@]}")
}

# take_turns WHAT...: sets `turns` to these, in even rounds the other way round.
take_turns() {
  local one
  turns=("$@")
  ((round % 2 == 0)) || return 0
  turns=()
  for one in "$@"; do turns=("$one" "${turns[@]}"); done
}

# The disk as qcow2 for the VM that nbdvault and nbdcopy read, and as raw for all others.
begin_work() {
  new_work
  qemu-img convert -f raw -O qcow2 "$data/base.raw" "$work/vm.qcow2"
  cp --sparse=always "$data/base.raw" "$work/vm.raw"
}

new_work() {
  rm -rf "$work"
  mkdir -p "$work/scratch" "$work/restored"
  newest=() archives=() broken=() warm=() writes_made=0
}

init_repository() { # TOOL
  tool_init "$1"
  describe init "$1" "${command[@]}"
  "${command[@]}" >"$work/out" 2>"$work/err" || die "no repository for $1: $(tail -n 5 "$work/err")"
}

end_round() {
  qemu_stop vm
  rm -rf "$work"
}

# A machine that has not begun to run, with the disk attached: QEMU works as for a running one, and
# nothing changes that is not meant to.
vm_start() { # NAME FILE FORMAT
  qemu_start "$1" -name "$1" -m 64 -S -qmp "unix:$work/$1.sock,server=on,wait=off" \
    -blockdev "driver=$3,node-name=disk0,file.driver=file,file.filename=$2" \
    -device virtio-blk-pci,drive=disk0,id=vda
}

# back_up JOB VM RAW [IMAGE [full]]: with every program; IMAGE is what QEMU has of it.
back_up() {
  local job=$1 vm=$2 tool
  for tool in "${in_turn[@]}"; do
    warm=("$3") servers=()
    [[ $tool != nbdvault* ]] || warm=("${4:-$3}") servers=("${qemu_pids[$vm]}")
    tool_backup "$tool" "$vm" "$work/$vm.sock" "$3" "${5:-}"
    measure "$job" "$tool" "${command[@]}"
  done
}

# In odd rounds before the programs, in even ones after them.
job_first() {
  ((round % 2 == 0)) || walls_of_reading
  back_up first vm "$work/vm.raw" "$work/vm.qcow2"
  ((round % 2)) || walls_of_reading
}

walls_of_reading() {
  warm=("$work/vm.qcow2") servers=("${qemu_pids[vm]}")
  qemu_export vm disk0 "$work/wall.sock"
  measure first nbdcopy nbdcopy "nbd+unix:///disk?socket=$work/wall.sock" null:
  qemu_unexport vm
  rm -f "$work/wall.sock"
  servers=()
  measure first qemu-img qemu-img convert -U -f qcow2 -O qcow2 "$work/vm.qcow2" "$work/copy"
  rm -f "$work/copy"
  warm=("$work/vm.raw")
  measure first cp cp --sparse=always "$work/vm.raw" "$work/copy"
  rm -f "$work/copy"
}

# The same disk later on, but of a QEMU that knows nothing of what has changed since.
job_later() {
  local image
  for image in later2 later3 later4; do back_up_image "$image" later; done
}

job_sibling() {
  local tool
  back_up_image sibling sibling
  for tool in "${tools[@]}"; do
    figure five "$tool" stored "$(stored_bytes "$work/repositories/$tool")"
    figure five "$tool" status "$([[ -n ${broken[$tool]:-} ]] && echo failed || echo ok)"
  done
}

back_up_image() { # IMAGE VM
  vm_start "$2" "$data/$1.raw" raw
  back_up "$1" "$2" "$data/$1.raw"
  qemu_stop "$2"
}

job_unchanged() { back_up unchanged vm "$work/vm.raw" "$work/vm.qcow2"; }

# What every program does when it cannot know that nothing has changed: read all of it.
job_reread() {
  touch "$work/vm.raw"
  back_up reread vm "$work/vm.raw" "$work/vm.qcow2" full
}

job_inc1() { increment inc1 $((disk_bytes / 100 / write_bytes[inc1])); }
job_inc10() { increment inc10 $((disk_bytes / 10 / write_bytes[inc10])); }
job_scattered() { increment scattered $((disk_bytes >> 22)); }

increment() { # JOB WRITES
  write_some "$1" "$2"
  back_up "$1" vm "$work/vm.raw" "$work/vm.qcow2"
}

# Writes the same to the VM's disk, through its device as a guest would, and to the raw file.
write_some() { # JOB WRITES
  local offset file
  # Other places and other content each time, but the same in every run.
  writes_made=$((writes_made + 1))
  java_run io.nbdvault.bench.compare.Changes "$data/base.raw" "$work/vm.raw" "$work/writes" \
    "$((round * 1000 + writes_made))" "$2" "${write_bytes[$1]}" || die "the writes for $1 could not be made"
  while read -r offset file; do
    qmp vm '{"execute":"human-monitor-command","arguments":{"command-line":"qemu-io -d /machine/peripheral/vda/virtio-backend \"write -s '"$file $offset ${write_bytes[$1]}"'\""}}'
    [[ $qmp_answer != *rror* ]] || die "QEMU refused a write: $qmp_answer"
  done <"$work/writes/list"
  rm -rf "$work/writes"
  # So that who reads the image itself sees it, too.
  qmp vm '{"execute":"human-monitor-command","arguments":{"command-line":"qemu-io -d /machine/peripheral/vda/virtio-backend flush"}}'
  [[ $qmp_answer != *rror* ]] || die "QEMU did not flush: $qmp_answer"
}

job_list() {
  local tool
  servers=() warm=()
  for tool in "${in_turn[@]}"; do
    tool_list "$tool"
    measure list "$tool" "${command[@]}"
  done
}

job_restore() {
  local tool kind
  walls_of_restoring
  for kind in raw qcow2; do
    for tool in "${in_turn[@]}"; do restore_to "$kind" "$tool"; done
  done
  for tool in nbdcopy "${in_turn[@]}"; do restore_to_nbd "$tool"; done
}

walls_of_restoring() {
  servers=() warm=("$work/vm.qcow2")
  measure restore-raw qemu-img qemu-img convert -U -f qcow2 -O raw "$work/vm.qcow2" "$work/copy"
  # The restored file is of use once it is on the disk, which nbdvault waits for and the others do not.
  measure restore-raw qemu-img+sync bash -c \
    "qemu-img convert -U -f qcow2 -O raw $work/vm.qcow2 $work/copy2 && sync $work/copy2"
  check_same restore-raw qemu-img "$work/vm.raw" "$work/copy"
  check_same restore-raw qemu-img+sync "$work/vm.raw" "$work/copy2"
  rm -f "$work/copy" "$work/copy2"
  warm=("$work/vm.raw")
  measure restore-raw cp cp --sparse=always "$work/vm.raw" "$work/copy"
  check_same restore-raw cp "$work/vm.raw" "$work/copy"
  rm -f "$work/copy"
}

repository_files() { mapfile -t warm < <(find "$work/repositories/$1" -type f -size +1M); }

restore_to() { # raw|qcow2 TOOL
  rm -rf "$work/restored"
  mkdir "$work/restored"
  servers=()
  repository_files "$2"
  tool_restore "$2" vm "$work/vm.raw" "$1" ''
  measure "restore-$1" "$2" "${command[@]}"
  if [[ $measured != ok ]]; then
    : # Which is worse than all that there is to compare.
  elif [[ $1 == qcow2 ]]; then
    qemu-img compare -f raw -F qcow2 "$work/vm.raw" "$restored" >"$work/err" 2>&1 ||
      outcome restore-qcow2 "$2" wrong
  else
    check_same restore-raw "$2" "$work/vm.raw" "$restored"
  fi
  rm -rf "$work/restored"
}

restore_to_nbd() { # TOOL
  local socket=$work/target.sock
  local uri="nbd+unix:///?socket=$socket"
  truncate -s "$disk_bytes" "$work/target.raw"
  qemu-nbd -t -e 8 -f raw --discard=unmap -k "$socket" "$work/target.raw" </dev/null &
  target_pid=$!
  until [[ -S $socket ]]; do kill -0 "$target_pid" || die "qemu-nbd does not listen" && sleep 0.05; done
  servers=("$target_pid")
  if [[ $1 == nbdcopy ]]; then
    warm=("$work/vm.raw")
    command=(nbdcopy "$work/vm.raw" "$uri")
  else
    repository_files "$1"
    tool_restore "$1" vm "$work/vm.raw" nbd "$uri"
  fi
  measure restore-nbd "$1" "${command[@]}"
  kill "$target_pid"
  wait "$target_pid" 2>/dev/null || :
  target_pid=''
  [[ $measured != ok ]] || check_same restore-nbd "$1" "$work/vm.raw" "$work/target.raw"
  rm -f "$work/target.raw" "$socket"
}

job_verify() {
  local tool
  servers=()
  for tool in "${in_turn[@]}"; do
    repository_files "$tool"
    tool_verify "$tool"
    measure verify "$tool" "${command[@]}"
  done
}

job_gc() {
  local tool
  servers=() warm=()
  for tool in "${in_turn[@]}"; do
    figure gc-before "$tool" stored "$(stored_bytes "$work/repositories/$tool")"
    # Of later2, later3 and later4 the last stays: whatever only the first two needed can go.
    tool_forget "$tool" later
    measure gc "$tool" "${command[@]}"
    figure gc "$tool" stored "$(stored_bytes "$work/repositories/$tool")"
  done
}
