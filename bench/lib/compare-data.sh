# shellcheck shell=bash disable=SC2034,SC2154
# The disks that bench/compare backs up: five images of real Debian systems, made once and kept in
# $data. Sourced there; uses $data, $small, $root, die and note.
#
#   base     a server with a compiler or two: debootstrap, packages, mke2fs -d
#   later2   the same disk after more packages were installed
#   later3   then, after a database was loaded and written to
#   later4   then, after files were removed and trimmed
#   sibling  another machine of the same release with other packages
#
# A disk's later states are made through a loop mount of a copy, as a guest would make them. With
# --small they are of the same kinds but of some files of this machine, for trying bench/compare out.

# Another number where what is below makes other disks: images of an older number are made anew.
readonly data_version=1
readonly debian_suite=bookworm
readonly debian_mirror=${COMPARE_MIRROR:-http://deb.debian.org/debian}
readonly images=(base later2 later3 later4 sibling)
base_packages=(linux-image-amd64 linux-headers-amd64 build-essential git vim python3 python3-scipy
  golang-go clang openjdk-17-jre-headless)
sibling_packages=(linux-image-amd64 build-essential git vim python3 mariadb-server apache2 php
  rustc cargo openjdk-17-jre-headless)
later_packages=(postgresql nginx nodejs texlive-latex-recommended)

make_data() {
  local stamp image
  disk_size=8G
  [[ -z $small ]] || disk_size=512M
  stamp="version $data_version, $debian_suite, $disk_size${small:+, small}"
  if [[ -f $data/stamp && $(<"$data/stamp") == "$stamp" ]]; then return; fi
  note "making the disks in $data, once: a quarter of an hour, and 2 GB of downloads and packages"
  rm -rf "$data"
  mkdir -p "$data"
  if [[ -n $small ]]; then make_small_trees; else make_trees; fi
  for image in base sibling; do make_image_of "$image"; done
  make_later base later2 packages "${later_packages[@]}"
  make_later later2 later3 database
  make_later later3 later4 removed
  for image in "${images[@]}"; do
    note "$image: $(du -sBM "$data/$image.raw" | cut -f1) allocated of $disk_size"
  done
  # Versions of packages change with the day on which the disks are made.
  date -u +%F >"$data/made"
  sync -f "$data"
  printf '%s\n' "$stamp" >"$data/stamp"
}

make_trees() {
  note "debootstrap $debian_suite from $debian_mirror"
  debootstrap --variant=minbase "$debian_suite" "$data/minbase" "$debian_mirror" \
    >"$data/debootstrap.log" 2>&1 || die "debootstrap failed, see $data/debootstrap.log"
  # No services are started, and no package waits for the disk: the images are synced at the end.
  printf '#!/bin/sh\nexit 101\n' >"$data/minbase/usr/sbin/policy-rc.d"
  chmod 755 "$data/minbase/usr/sbin/policy-rc.d"
  echo force-unsafe-io >"$data/minbase/etc/dpkg/dpkg.cfg.d/unsafe-io"
  cp -a "$data/minbase" "$data/base.tree"
  mv "$data/minbase" "$data/sibling.tree"
  in_state base.tree packages "${base_packages[@]}"
  in_state sibling.tree packages "${sibling_packages[@]}"
}

make_small_trees() {
  mkdir -p "$data/base.tree/root" "$data/sibling.tree/root"
  copy_some base.tree 'NR % 4'
  copy_some sibling.tree 'NR % 3'
}

# Copies 40 MB of small files of this machine, of those that the awk expression takes.
copy_some() { # TREE EXPRESSION
  (cd /usr && find share lib -xdev -type f -size -256k -readable -printf '%s %p\n' | LC_ALL=C sort -k2 |
    awk "$2"' { sum += $1; if (sum < 40e6) { sub(/^[0-9]+ /, ""); print } }' |
    tar -cf - --no-recursion -T -) | tar -xf - -C "$data/$1"
}

make_image_of() { # NAME: of NAME.tree
  note "$1: mke2fs -d, $(du -sm "$data/$1.tree" | cut -f1) MB of files"
  mke2fs -q -t ext4 -E root_owner=0:0,lazy_itable_init=1 -d "$data/$1.tree" "$data/$1.raw" \
    "$disk_size" >"$data/$1.log" 2>&1 || die "mke2fs failed, see $data/$1.log"
  rm -rf "$data/$1.tree"
}

make_later() { # FROM TO STATE [PACKAGE...]
  cp --sparse=always "$data/$1.raw" "$data/$2.raw"
  in_state "$2.raw" "${@:3}"
}

# Runs one step of compare-state.sh on an image or a directory of $data, in mounts of its own, which
# end with it however it ends.
in_state() { # FILE STATE [ARGUMENT...]
  local log=$data/${1%.*}.log
  note "$1: $2 ${*:3}"
  unshare --mount --propagation private bash "$root/bench/lib/compare-state.sh" \
    "${small:+small-}$2" "$data/$1" "${@:3}" >"$log" 2>&1 || {
    tail -n 20 "$log" >&2
    die "$1: $2 failed, see $log"
  }
}
