#!/bin/sh
# The Debian package in a whole fresh Debian 12: installed with apt, the demo's trip over SFTP with the installed program, removed,
# and nothing left.  Takes minutes, root and debootstrap, so it is run by hand.
#
#   tests/package/fresh.sh FOLDER       makes what is not there yet: FOLDER/root by debootstrap, FOLDER/package by build.sh
set -eu
source=$(cd "$(dirname "$0")/../.." && pwd)
mkdir -p "$1"
folder=$(cd "$1" && pwd)
root=$folder/root

inside() {
    chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"
}

say() {
    printf '\n# %s\n' "$*"
}

# The demo knows its server by /proc.
mounted=
clean_up() {
    [ -z "$mounted" ] || umount "$root/proc"
}
trap clean_up EXIT
trap 'exit 1' INT TERM HUP

# What a package may leave behind: files and folders, but for apt's and dpkg's own notes, and caches that others keep.
list() {
    (cd "$root" && find . -xdev \( -path ./proc -o -path ./sys -o -path ./dev -o -path ./tmp -o -path ./var/lib/apt -o -path ./var/cache \
        -o -path ./var/lib/dpkg -o -path ./var/log -o -path ./run -o -path ./etc/ld.so.cache \) -prune -o -print | sort)
}

say "a fresh root"
[ -e "$root/etc/debian_version" ] || debootstrap --variant=minbase bookworm "$root" ${MIRROR:+"$MIRROR"} >"$folder/debootstrap.log"
cp /etc/resolv.conf "$root/etc/resolv.conf"
inside apt-get update -qq
# What the demo needs for its own server, not for the program.
inside apt-get install -y -qq --no-install-recommends openssh-server openssh-client >"$folder/apt.log" 2>&1
inside dpkg-query -W -f '${Package} ${Version}\n' >"$folder/packages.before"
inside dpkg-query -W -f '${Status}\n' roundtrip 2>/dev/null | grep installed && exit 70
list >"$folder/before"
wc -l <"$folder/packages.before"

say "the package"
[ -e "$folder/package" ] || "$source/tests/package/build.sh" "$folder/package"
cp "$folder"/package/roundtrip_*.deb "$root/tmp/roundtrip.deb"
inside apt-get install -y -qq --no-install-recommends /tmp/roundtrip.deb >>"$folder/apt.log" 2>&1
inside roundtrip --version
inside dpkg --verify roundtrip

say "the demo's trip with the installed program"
mkdir -p "$root/tmp/tree" "$root/run/sshd"
mount -t proc proc "$root/proc" && mounted=1
(cd "$source" && git ls-files -z fixtures tests/remote | xargs -0 cp --parents -t "$root/tmp/tree")
inside ROUNDTRIP=/usr/bin/roundtrip /tmp/tree/fixtures/demo.sh sftp >"$folder/demo.log" 2>&1 || {
    tail -30 "$folder/demo.log" >&2
    exit 1
}
grep -c checked "$folder/demo.log"
tail -1 "$folder/demo.log"
rm -rf "$root/tmp/tree" "$root/tmp/roundtrip.deb"

say "removed"
inside apt-get purge -y -qq --autoremove roundtrip >>"$folder/apt.log" 2>&1
inside dpkg-query -W -f '${Package} ${Version}\n' >"$folder/packages.after"
list >"$folder/after"
diff "$folder/packages.before" "$folder/packages.after"
diff "$folder/before" "$folder/after"
say "nothing is left"
