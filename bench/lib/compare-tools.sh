# shellcheck shell=bash disable=SC2034,SC2054,SC2154
# How each backup program does each job: every function sets the array `command`. Sourced by
# bench/compare; uses $root, $work and $small.
#
#   nbdvault       LZ4, not encrypted, as borg is here
#   nbdvault-zstd  zstd level 3, not encrypted
#   nbdvault-enc   zstd level 3, encrypted, as restic always is
#   borg           fixed chunks of 64 KiB, LZ4, not encrypted; holes of the file are skipped
#   borg-default   its default chunker and compression, not encrypted
#   restic         its defaults
#
# nbdvault reads the disk of a running QEMU; borg and restic read the same content from a raw file, as
# if the VM were stopped: the best case for them, which leaves out what a live copy would cost them.

readonly all_tools=(nbdvault nbdvault-zstd nbdvault-enc borg borg-default restic)
declare -A newest=() archives=()

export RESTIC_PASSWORD=compare BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK=yes

nbdvault_of() {
  command=("$root/bin/nbdvault" -r "$work/repositories/$1" -q)
  [[ $1 != nbdvault-enc ]] || command=(env NBDVAULT_PASSWORD=compare "${command[@]}")
}
# Each has a cache of its own, empty at first, as for somebody who has never used it before.
borg_of() { command=(env "BORG_BASE_DIR=$work/caches/$1" borg); }
restic_of() { command=(restic -q -r "$work/repositories/$1" --cache-dir "$work/caches/$1"); }

tool_init() { # TOOL
  local repository=$work/repositories/$1
  mkdir -p "$work/repositories" "$work/caches/$1"
  case $1 in
    nbdvault) nbdvault_of "$1" && command+=(init --compression lz4) ;;
    nbdvault-zstd) nbdvault_of "$1" && command+=(init --compression zstd:3) ;;
    nbdvault-enc) nbdvault_of "$1" && command+=(init --compression zstd:3 --encrypt) ;;
    borg*) borg_of "$1" && command+=(init -e none "$repository") ;;
    restic) restic_of "$1" && command+=(init) ;;
  esac
}

# tool_backup TOOL VM SOCKET FILE [full]: of a running VM whose disk's content the raw file has, too.
tool_backup() {
  local repository=$work/repositories/$1 archive
  archive=$2-$((archives[$1,$2] += 1))
  newest[$1,$2]=$archive
  case $1 in
    nbdvault*) nbdvault_of "$1" && command+=(backup "$2" --qmp "$3" --scratch "$work/scratch" ${5:+--full}) ;;
    # It remembers no file that is as new as the newest of its archive: that is an empty one.
    borg) : >"$work/newer" && borg_of "$1" && command+=(create --sparse --chunker-params fixed,65536
      --compression lz4 "$repository::$archive" "$4" "$work/newer") ;;
    borg-default) : >"$work/newer" && borg_of "$1" &&
      command+=(create "$repository::$archive" "$4" "$work/newer") ;;
    restic) restic_of "$1" && command+=(backup --host "$2" "$4") ;;
  esac
}

# tool_restore TOOL VM FILE raw|qcow2|nbd TARGET: FILE is what was backed up. Where a program cannot
# write qcow2 or to NBD, it takes one that can to help. Sets `restored` to the file, for raw and qcow2.
tool_restore() {
  restored=$work/restored/disk.$4
  case $1-$4 in
    nbdvault*-nbd) nbdvault_of "$1" && command+=(restore "$2@latest" --to "$5" --force) ;;
    nbdvault*) nbdvault_of "$1" && command+=(restore "$2@latest" --to "$restored" --format "$4") ;;
    *-raw) extract "$1" "$2" "$3" ;;
    *-qcow2)
      extract "$1" "$2" "$3"
      in_shell "${command[*]} && qemu-img convert -f raw -O qcow2 $restored $work/restored/disk.qcow2"
      restored=$work/restored/disk.qcow2
      ;;
    *-nbd) extract_to_stdout "$1" "$2" "$3" && in_shell "${command[*]} | nbdcopy - '$5'" ;;
  esac
}

extract() { # TOOL VM FILE
  restored=$work/restored/$3
  case $1 in
    borg*) borg_of "$1" && command=(env -C "$work/restored" "${command[@]:1}" extract --sparse
      "$work/repositories/$1::${newest[$1,$2]}" "${3#/}") ;;
    restic)
      restic_of "$1"
      command+=(restore latest --host "$2" --target "$work/restored")
      # Since 0.15; before, it writes every byte of the disk.
      [[ $(restic restore --help) != *--sparse* ]] || command+=(--sparse)
      ;;
  esac
}

extract_to_stdout() { # TOOL VM FILE
  case $1 in
    borg*) borg_of "$1" && command+=(extract --stdout
      "$work/repositories/$1::${newest[$1,$2]}" "${3#/}") ;;
    restic) restic_of "$1" && command+=(dump --host "$2" latest "$3") ;;
  esac
}

tool_verify() { # TOOL
  case $1 in
    nbdvault*) nbdvault_of "$1" && command+=(verify) ;;
    borg*) borg_of "$1" && command+=(check --verify-data "$work/repositories/$1") ;;
    restic) restic_of "$1" && command+=(check --read-data) ;;
  esac
}

tool_list() { # TOOL
  case $1 in
    nbdvault*) nbdvault_of "$1" && command+=(snapshots) ;;
    borg*) borg_of "$1" && command+=(list "$work/repositories/$1") ;;
    restic) restic_of "$1" && command+=(snapshots) ;;
  esac
}

# tool_forget TOOL VM: all but the newest of this VM, and gives back the space that they alone need.
tool_forget() {
  local program
  local -a first
  case $1 in
    nbdvault*)
      nbdvault_of "$1"
      first=("${command[@]}" forget --vm "$2" --keep-last 1)
      printf -v program '%q ' "${command[@]}"
      printf -v first '%q ' "${first[@]}"
      in_shell "$first && $program gc"
      ;;
    borg*)
      borg_of "$1"
      first=("${command[@]}" prune --keep-last 1 --glob-archives "'$2-*'" "$work/repositories/$1")
      in_shell "${first[*]} && ${command[*]} compact $work/repositories/$1"
      ;;
    restic) restic_of "$1" && command+=(forget --host "$2" --group-by host --keep-last 1 --prune) ;;
  esac
}

in_shell() { command=(bash -o pipefail -c "$1"); }
