# shellcheck shell=bash disable=SC2154
# The image and the servers that bench/nbd-read reads from. Sourced there; uses $dir, die and note.

# shellcheck source=bench/lib/qemu.sh
source "${BASH_SOURCE[0]%/*}/qemu.sh"

server_pid=

# make_image FILE: a qcow2 with at least 4 GiB of real files in it, made once: one ext4 after another,
# each filled with this machine's /usr, until there is enough. Names and times differ between
# machines, so figures of two machines are not of the same bytes.
make_image() {
  local image=$1 raw=$1.raw usr_mib part_mib part=0 data_mib=0
  usr_mib=$(du -xsm /usr | cut -f1)
  # Room for inodes, the journal and files that du saw smaller than whole blocks.
  part_mib=$((usr_mib * 5 / 4 + 512))
  note "making $image, a few minutes: $usr_mib MiB from /usr until there are 4096"
  rm -f "$raw"
  while ((data_mib < 4096)); do
    truncate -s "$(((part + 1) * part_mib))M" "$raw"
    mke2fs -q -F -t ext4 -d /usr -E "offset=$((part * part_mib * 1024 * 1024)),lazy_itable_init=1" \
      "$raw" "$((part_mib * 1024))k"
    part=$((part + 1)) data_mib=$((data_mib + usr_mib))
  done
  qemu-img convert -f raw -O qcow2 "$raw" "$image.part"
  rm -f "$raw"
  mv "$image.part" "$image"
}

# start_server KIND IMAGE: sets server_pid and server_uri.
start_server() {
  local socket=$dir/$1.sock
  rm -f "$socket"
  server_uri="nbd+unix:///disk?socket=$socket"
  case $1 in
    qemu-nbd) start_qemu_nbd "$2" "$socket" ;;
    qemu-system) start_qemu_system "$2" "$socket" ;;
    *) die "unknown server: $1 (expected: qemu-nbd or qemu-system)" ;;
  esac
  await_socket "$socket"
}

start_qemu_nbd() {
  qemu-nbd -r -t -e 8 -f qcow2 -x disk -k "$2" "$1" </dev/null &
  server_pid=$!
}

# A guest with the disk on virtio-blk that has not begun to run: what serves is QEMU's main loop.
start_qemu_system() {
  qemu_start system -m 64 -S \
    -blockdev "driver=qcow2,node-name=disk0,file.driver=file,file.filename=$1" \
    -device virtio-blk-pci,drive=disk0
  server_pid=${qemu_pids[system]}
  qemu_export system disk0 "$2"
}

await_socket() {
  local deadline=$((SECONDS + 30))
  until [[ -S $1 ]]; do
    kill -0 "$server_pid" 2>/dev/null || die "the server ended"
    ((SECONDS < deadline)) || die "the server does not listen"
    sleep 0.05
  done
}

stop_server() {
  [[ -n $server_pid ]] || return 0
  if [[ -n ${qemu_pids[system]:-} ]]; then
    qemu_stop system
  else
    kill "$server_pid" 2>/dev/null || :
    wait "$server_pid" 2>/dev/null || :
  fi
  server_pid=
}

server_cpu() { process_cpu "$server_pid"; }
