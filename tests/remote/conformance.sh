#!/bin/sh
# Runs the conformance suite against one or all implementations.
#
#   conformance.sh PROGRAM [directory|sftp|openssh]...
set -u
here=$(cd "$(dirname "$0")" && pwd)
program=${1:?usage: conformance.sh PROGRAM [KIND]...}
shift
[ $# -gt 0 ] || set -- directory sftp openssh
RT_SSHD=$here/sshd.sh
RT_WORK=$(mktemp -d) || exit 1
RT_HERE=$here
export RT_SSHD RT_WORK RT_HERE
if /usr/bin/python3 -c 'import asyncssh' 2>/dev/null; then
    RT_ODD=yes
    export RT_ODD
fi
# libssh2 1.10 leaks a few bytes itself; our own leaks are still told.
LSAN_OPTIONS=suppressions=$here/lsan.supp:print_suppressions=0
export LSAN_OPTIONS
unset SSH_AUTH_SOCK ROUNDTRIP_NOW

clean_up() {
    [ ! -f "$RT_WORK/server/pid" ] || sh "$RT_SSHD" stop "$RT_WORK/server"
    rm -rf "$RT_WORK"
}
trap clean_up EXIT
trap 'exit 1' INT TERM

if [ ! -x /usr/sbin/sshd ] && ! command -v sshd >/dev/null; then
    echo "conformance.sh: no sshd here, only the directory is tested" >&2
    set -- directory
fi
failed=0
for kind in "$@"; do
    echo "== $kind"
    "$program" "$kind" || failed=1
    [ ! -f "$RT_WORK/server/pid" ] || sh "$RT_SSHD" stop "$RT_WORK/server"
    rm -rf "${RT_WORK:?}"/*
done
exit $failed
