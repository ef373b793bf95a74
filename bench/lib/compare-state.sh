#!/usr/bin/env bash
# compare-state.sh STATE FILE [PACKAGE...]: brings the system on the image or in the directory FILE
# into its next state: packages, database or removed; small-… for bench/compare --small. Run by
# compare-data.sh, as root and in a mount namespace of its own.
set -euo pipefail

state=$1 file=$2
shift 2

in_root() { # COMMAND...
  chroot "$system" /usr/bin/env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    HOME=/root LC_ALL=C DEBIAN_FRONTEND=noninteractive ${http_proxy:+http_proxy="$http_proxy"} "$@"
}

enter() {
  system=$file
  if [[ -f $file ]]; then
    system=$(mktemp -d)
    mount -o loop "$file" "$system"
  fi
}

leave() {
  # What the state has written is on the image before the next one is made of it.
  sync -f "$system"
  umount -R "$system/dev" "$system/proc" 2>/dev/null || :
  if [[ -f $file ]]; then
    umount "$system"
    rmdir "$system"
  fi
}

mount_for_programs() {
  mount -t proc proc "$system/proc"
  mount -t tmpfs tmpfs "$system/dev"
  mknod -m 666 "$system/dev/null" c 1 3
  mknod -m 666 "$system/dev/zero" c 1 5
  mknod -m 666 "$system/dev/urandom" c 1 9
  mknod -m 666 "$system/dev/random" c 1 8
  mkdir -m 1777 "$system/dev/shm"
  ln -s /proc/self/fd "$system/dev/fd"
}

packages() {
  mount_for_programs
  cp /etc/resolv.conf "$system/etc/resolv.conf"
  in_root apt-get -q -o Acquire::Retries=3 update
  in_root apt-get -q -y -o Acquire::Retries=3 -o Dpkg::Use-Pty=0 install --no-install-recommends "$@"
  in_root apt-get clean
}

# A database of about 700 MB, then transactions on rows all over it.
database() {
  local bin data=/var/lib/postgresql/compare
  mount_for_programs
  bin=$(cd "$system" && echo usr/lib/postgresql/*/bin)
  in_root mkdir -p /run/postgresql "$data"
  in_root chown postgres /run/postgresql "$data"
  as_postgres "/$bin/initdb" -D "$data"
  as_postgres "/$bin/pg_ctl" -w -D "$data" -l "$data/log" \
    -o "-c listen_addresses= -c fsync=off -c max_wal_size=256MB" start
  as_postgres "/$bin/createdb" compare
  as_postgres "/$bin/pgbench" -q -i -s 45 compare
  as_postgres "/$bin/pgbench" -n -t 20000 compare
  as_postgres "/$bin/pg_ctl" -w -D "$data" -m fast stop
}

as_postgres() { in_root runuser -u postgres -- "$@"; }

removed() {
  mount_for_programs
  in_root apt-get -q -y -o Dpkg::Use-Pty=0 purge golang-go texlive-base
  in_root apt-get -q -y -o Dpkg::Use-Pty=0 autoremove --purge
  rm -rf "$system"/usr/share/{doc,man,locale}
  fstrim -v "$system"
}

small_packages() {
  (cd /usr && find bin -xdev -type f -size -512k | LC_ALL=C sort | awk 'NR <= 60' | tar -cf - -T -) |
    tar -xf - -C "$system/root"
}

small_database() {
  seq -f '%.0f|customer|balance|0' 300000 >"$system/root/table"
  local row
  for row in {1..100}; do
    printf 'changed' | dd of="$system/root/table" conv=notrunc bs=1 seek=$((row * 70001)) status=none
  done
}

small_removed() {
  find "$system" -xdev -type f -name '*a*' -delete
  fstrim -v "$system"
}

enter
"${state//-/_}" "$@"
leave
