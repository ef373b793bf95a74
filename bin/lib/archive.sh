# shellcheck shell=bash disable=SC2154
# Makes the class archive, and unpacks what must not be in a jar, for a faster start. Sourced by
# bin/nbdvault, once after each build and each new Java; uses its variables. Nothing here may make a
# start fail: where something cannot be made, an empty archive says "do not try again".

# make_archive: writes $archive.
make_archive() {
  local work='' vm=''
  exec 8<"$dist"
  # Somebody else is at it: go without this once.
  flock -n 8 2>/dev/null || { exec 8<&-; return 0; }
  if [[ ! -e $archive ]] && mkdir -p "$dist/archive" 2>/dev/null &&
    work=$(mktemp -d "$dist/archive/work.XXXXXX" 2>/dev/null); then
    trap 'stop_archive 130' INT
    trap 'stop_archive 143' TERM HUP
    printf 'nbdvault: preparing for a fast start with Java %s, a few seconds\n' "$jdk_version" >&2
    unpack_native "$work"
    newer_class_files "$work" >/dev/null 2>&1
    set_class_path
    record_archive "$work" </dev/null >"$work/log" 2>&1
    [[ -s $work/archive ]] || : >"$work/archive"
    # What older jars had, but not what other Javas have with these jars.
    find "$dist/archive" -maxdepth 1 -type f ! -name "*-${key##*-}" -delete 2>/dev/null
    find "$dist" -maxdepth 1 -name 'native-*' ! -name "${native##*/}" -exec rm -rf {} + 2>/dev/null
    mv -f "$work/archive" "$archive" 2>/dev/null
    rm -rf "$work"
    trap - INT TERM HUP
  fi
  exec 8<&-
}

# What make_archive began, if the user does not want to wait for it: then not for the program either.
stop_archive() { # CODE
  [[ -z $vm ]] || kill "$vm" 2>/dev/null
  rm -rf "$work"
  exit "$1"
}

# Takes the native libraries for this processor out of their jars, if the JDK's jar tool is there.
unpack_native() { # WORK
  local machine jar
  local -a names
  machine=$(uname -m)
  case $machine in
    x86_64) names=(librocksdbjni-linux64.so META-INF/native/libnetty_transport_native_epoll_x86_64.so
      net/jpountz/util/linux/amd64/liblz4-java.so linux/amd64
      com/sun/jna/linux-x86-64) ;;
    aarch64) names=(librocksdbjni-linux-aarch64.so
      META-INF/native/libnetty_transport_native_epoll_aarch_64.so
      net/jpountz/util/linux/aarch64/liblz4-java.so linux/aarch64
      com/sun/jna/linux-aarch64) ;;
    *) return 0 ;;
  esac
  [[ -x $jdk_home/bin/jar && ! -d $native ]] || return 0
  mkdir -p "$1/jars" "$1/native"
  for jar in "$dist"/lib/{rocksdbjni,netty-transport-native-epoll,lz4-java,zstd-jni,jna}-*.jar; do
    [[ -f $jar ]] || continue
    (cd "$1/jars" && "$jdk_home/bin/jar" -xf "$jar" "${names[@]}") >/dev/null 2>&1
  done
  find "$1/jars" -name '*.so' -exec mv {} "$1/native/" \;
  mv "$1/native" "$native" 2>/dev/null
}

# Makes the jar anew whose classes are too old for an archive. Older Javas than 25 take them so.
newer_class_files() { # WORK
  local jar=("$dist"/lib/picocli-*.jar)
  ((jdk_major >= 25)) && [[ -d $native && ! -e $native/${jar[0]##*/} ]] || return 0
  "$jdk_home/bin/java" -Xlog:disable "$root/bin/lib/NewerClassFiles.java" "${jar[0]}" "$1/jar" &&
    mv "$1/jar" "$native/${jar[0]##*/}"
}

# Runs the program as it is mostly run, and keeps the classes that this loaded.
record_archive() { # WORK
  local -a run options program
  jvm_options
  run=("$jdk_home/bin/java" "${options[@]}")
  program=(-cp "$class_path" io.nbdvault.cli.Training "$1")
  printf 'training\n' >"$1/password"
  chmod 600 "$1/password"
  printf 'some data' | tee "$1/disk" >"$1/vm"
  truncate -s 1M "$1/disk" "$1/vm"
  start_vm "$1"
  if ((jdk_major >= 25)); then
    timeout --foreground 120 "${run[@]}" "-XX:AOTCacheOutput=$1/archive" "${program[@]}"
  else
    timeout --foreground 60 "${run[@]}" -Xshare:off "-XX:DumpLoadedClassList=$1/classes" "${program[@]}"
    timeout --foreground 60 "${run[@]}" -Xshare:dump "-XX:SharedClassListFile=$1/classes" \
      "-XX:SharedArchiveFile=$1/archive" -cp "$class_path"
  fi
  [[ -z $vm ]] || kill "$vm"
  vm=''
  [[ ! -e $1/archive ]] || chmod 644 "$1/archive"
}

# start_vm: starts a machine with a disk that never runs, if there is a QEMU, and sets `vm`.
start_vm() { # WORK
  local qemu tries
  local -a machine=()
  qemu=$(type -P "qemu-system-$(uname -m)") || return 0
  [[ $(uname -m) != aarch64 ]] || machine=(-machine virt)
  # A socket's path has room for 107 bytes.
  timeout 120 "$qemu" "${machine[@]}" -S -display none -nodefaults -m 64 \
    -qmp "unix:$1/socket,server=on,wait=off" \
    -blockdev "driver=raw,node-name=disk,file.driver=file,file.filename=$1/vm" \
    -device virtio-blk-pci,drive=disk,id=disk &
  vm=$!
  # shellcheck disable=SC2034
  for tries in {1..50}; do
    if [[ -S $1/socket ]] || ! kill -0 "$vm" 2>/dev/null; then break; fi
    sleep 0.1
  done
}
