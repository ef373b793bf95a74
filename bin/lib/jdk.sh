# shellcheck shell=bash
# Finds JDKs. Sourced by setup.sh and, at every start, by bin/nbdvault: it must be fast, so
# it starts processes only for a Java in an unusual place.

# jdk_version HOME: sets `jdk_version` to the version in HOME's release file ("25.0.3") and
# `jdk_major` to its first part; fails where HOME holds no Java.
jdk_version() {
  local line
  jdk_version='' jdk_major=0
  [[ -x $1/bin/java && -r $1/release ]] || return 1
  while IFS= read -r line; do
    if [[ $line == JAVA_VERSION=* ]]; then
      jdk_version=${line#JAVA_VERSION=}
      jdk_version=${jdk_version//\"/}
      break
    fi
  done <"$1/release"
  # 1.8.0_402 is Java 8; "26-ea" and "25" have no dot.
  jdk_major=${jdk_version#1.}
  jdk_major=${jdk_major%%[!0-9]*}
  [[ -n $jdk_major ]]
}

# Sets `jdk_key` to a number that orders jdk_version: 17.0.15 < 17.0.21.1 < 25.
jdk_order() {
  local -a part
  IFS='._+-' read -r -a part <<<"${jdk_version#1.}"
  local i
  jdk_key=0
  for i in 0 1 2 3; do
    [[ ${part[i]:-} =~ ^[0-9]+$ ]] || part[i]=0
    jdk_key=$((jdk_key * 10000 + 10#${part[i]}))
  done
}

# find_jdk MIN [MAX [FILE]]: sets `jdk_home`, jdk_version and jdk_major to the newest Java from MIN to
# MAX (its first number) that has bin/FILE (javac, say), looking at JAVA_HOME, /usr/lib/jvm and PATH.
find_jdk() {
  local min=$1 max=${2:-999} file=${3:-java} home best_key=-1 best='' java known=''
  local -a homes=("${JAVA_HOME:-}" /usr/lib/jvm/*)
  if java=$(type -P java); then
    # Mostly a link to one of those, which can be seen without starting readlink.
    for home in "${homes[@]}"; do
      if [[ -n $home && $home/bin/java -ef $java ]]; then known=1; fi
    done
    if [[ -z $known ]] && java=$(readlink -f "$java"); then homes+=("${java%/bin/java}"); fi
  fi
  for home in "${homes[@]}"; do
    [[ -n $home && -x $home/bin/$file ]] || continue
    jdk_version "$home" || continue
    ((jdk_major >= min && jdk_major <= max)) || continue
    jdk_order
    if ((jdk_key > best_key)); then best_key=$jdk_key best=$home; fi
  done
  jdk_home=$best
  [[ -n $best ]] && jdk_version "$best"
}

# newest_jdk [MIN [MAX [FILE]]]: prints the home that find_jdk finds.
newest_jdk() {
  find_jdk "${1:-17}" "${2:-999}" "${3:-java}" && printf '%s\n' "$jdk_home"
}
