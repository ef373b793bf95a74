# shellcheck shell=bash
# Makes a fresh Debian 12 or 13 able to build, run and test nbdvault. Sourced by bin/nbdvault (only
# when something has to be built), bin/test and bin/demo:
#
#   need_build; need_qemu; install_needed "what it is for"
#
# Each need_* notes what is missing; install_needed says what it is about to install, installs it
# with one apt-get call, and ends the script with one clear sentence where it cannot. Works without a
# terminal. JDKs and Mavens that did not come from Debian are found and used.

# shellcheck source=bin/lib/jdk.sh
source "${BASH_SOURCE[0]%/*}/jdk.sh"

needed_packages=() # package names; "a|b" means the first of them that apt has
needed_commands=() # what must be there afterwards
wanted_packages=() # what is gone without where apt does not have it

setup_say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
setup_die() { setup_say "$*"; exit 1; }

# need_command COMMAND PACKAGE
need_command() {
  type -P "$1" >/dev/null && return
  needed_commands+=("$1")
  needed_packages+=("$2")
}

# need_file PACKAGE PATH...: PATH is a glob; one match is enough.
need_file() {
  local package=$1 path
  shift
  for path in "$@"; do [[ -e $path ]] && return; done
  needed_packages+=("$package")
}

# want_file PACKAGE PATH...: as need_file, of what only makes things faster.
want_file() {
  local package=$1 path
  shift
  for path in "$@"; do [[ -e $path ]] && return; done
  wanted_packages+=("$package")
}

need_build() {
  need_command mvn maven
  need_command git git
  need_command flock util-linux
  find_jdk 17 999 javac ||
    needed_packages+=("openjdk-25-jdk-headless|openjdk-21-jdk-headless|openjdk-17-jdk-headless")
  want_file libargon2-1 /usr/lib/libargon2.so.1 /usr/lib64/libargon2.so.1 /usr/lib/*/libargon2.so.1
}

need_qemu() {
  need_command qemu-system-x86_64 qemu-system-x86
  need_command qemu-img qemu-utils
  # In qemu-system-common on Debian 12; both are named, so that it comes wherever it lives.
  need_command qemu-storage-daemon qemu-system-common
  need_command qemu-nbd qemu-utils
}

need_tests() {
  need_qemu
  need_command nbdkit nbdkit
  need_command nbdinfo libnbd-bin
  need_command mke2fs e2fsprogs
  need_guest
}

# What guest/build needs.
need_guest() {
  need_command gcc gcc
  need_file libc6-dev /usr/lib/*/libc.a /usr/lib/libc.a
  need_command cpio cpio
  need_command xz xz-utils
}

# need_jdk MAJOR: asks for exactly that JDK if it is missing and apt knows it; fails if it cannot be had.
need_jdk() {
  find_jdk "$1" "$1" javac && return
  setup_update_lists
  setup_is_available "openjdk-$1-jdk-headless" || return
  needed_packages+=("openjdk-$1-jdk-headless")
}

setup_is_available() {
  [[ $(apt-cache policy "$1" 2>/dev/null) == *'Candidate: '[0-9]* ]]
}

# apt-get with everything that would ask a question turned off.
setup_apt_get() {
  DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 \
    -o Dpkg::Use-Pty=0 "$@" </dev/null
}

# Once per script, and only as root. A broken third-party source must not stop us: whether what is
# needed is there shows later.
setup_update_lists() {
  [[ -z ${setup_updated:-} ]] || return 0
  setup_updated=1
  ((EUID == 0)) || return 0
  local log
  log=$(mktemp)
  if ! setup_apt_get update >"$log" 2>&1; then
    setup_say "apt-get update had problems:"
    tail -n 5 "$log" >&2
  fi
  rm -f "$log"
}

# Turns each "a|b" of needed_packages into the first that apt has, and drops what is named twice.
setup_resolve() {
  local wanted name chosen
  local -A seen=()
  resolved_packages=()
  for wanted in "${needed_packages[@]}"; do
    chosen=${wanted##*|}
    for name in ${wanted//|/ }; do
      if setup_is_available "$name"; then chosen=$name && break; fi
    done
    [[ -n ${seen[$chosen]:-} ]] || resolved_packages+=("$chosen")
    seen[$chosen]=1
  done
}

# install_needed [REASON]: installs what the need_* functions found missing, or does nothing.
install_needed() {
  install_missing "$@"
  install_wanted
}

# Never ends the script.
install_wanted() {
  ((${#wanted_packages[@]} && EUID == 0)) && type -P apt-get >/dev/null || return 0
  setup_update_lists
  setup_say "installing with apt-get: ${wanted_packages[*]}"
  setup_apt_get install --no-install-recommends "${wanted_packages[@]}" >/dev/null 2>&1 ||
    setup_say "going without ${wanted_packages[*]}, which apt-get could not install"
  wanted_packages=()
}

install_missing() {
  local log try command
  ((${#needed_packages[@]})) || return 0
  type -P apt-get >/dev/null ||
    setup_die "missing: ${needed_packages[*]}. This is no Debian, so please install them yourself."
  setup_update_lists
  setup_resolve
  if ((EUID != 0)); then
    setup_die "${1:-this} needs packages that are missing; as root, run: apt-get install --no-install-recommends ${resolved_packages[*]}"
  fi
  setup_say "installing with apt-get: ${resolved_packages[*]}"
  log=$(mktemp)
  for try in 1 2 3; do
    setup_apt_get install --no-install-recommends "${resolved_packages[@]}" >"$log" 2>&1 && break
    if ((try == 3)); then
      tail -n 30 "$log" >&2
      rm -f "$log"
      setup_die "apt-get install failed three times (its last words are above): ${resolved_packages[*]}"
    fi
    setup_say "apt-get install failed, trying again ($try of 3)"
    sleep 5
    setup_apt_get update >/dev/null 2>&1 || :
  done
  rm -f "$log"
  hash -r
  for command in "${needed_commands[@]}"; do
    type -P "$command" >/dev/null || setup_die "${resolved_packages[*]} did not bring the command $command"
  done
  needed_packages=() needed_commands=()
}

# use_jdk HOME: what mvn and java are from here on.
use_jdk() {
  export JAVA_HOME=$1
  export PATH=$1/bin:$PATH
}
