#!/bin/sh
# Runs the conformance suite against one or all implementations.
#
#   conformance.sh PROGRAM [directory|sftp|openssh|openssh-etm|sftp-proftpd|openssh-proftpd]...
#
# With -proftpd the server is ProFTPD with mod_sftp; these are left out where it is not there, or without root.  With
# -etm sshd has only the MACs that libssh2 1.10 does not know.
set -u
here=$(cd "$(dirname "$0")" && pwd)
program=${1:?usage: conformance.sh PROGRAM [KIND]...}
shift
[ $# -gt 0 ] || set -- directory sftp openssh openssh-etm sftp-proftpd openssh-proftpd
RT_WORK=$(mktemp -d) || exit 1
RT_HERE=$here
export RT_WORK RT_HERE
if /usr/bin/python3 -c 'import asyncssh, paramiko' 2>/dev/null; then
    RT_ODD=yes
    export RT_ODD
fi
# libssh2 1.10 leaks a few bytes itself; our own leaks are still told.
LSAN_OPTIONS=suppressions=$here/lsan.supp:print_suppressions=0
export LSAN_OPTIONS
unset SSH_AUTH_SOCK ROUNDTRIP_NOW

use_server() {
    RT_SSHD=$here/$1.sh
    export RT_SSHD
    unset RT_MAKE
    if [ "$1" != sshd ]; then
        RT_MAKE=$1
        export RT_MAKE
    fi
}

stop_server() {
    [ ! -f "$RT_WORK/server/pid" ] || sh "$RT_SSHD" stop "$RT_WORK/server"
}

has() { # why a server cannot be had
    if [ "$1" = sshd ]; then
        [ -x /usr/sbin/sshd ] || command -v sshd >/dev/null || { echo "no sshd here" && return 1; }
    else
        [ "$(id -u)" = 0 ] || { echo "proftpd needs root" && return 1; }
        [ -x /usr/sbin/proftpd ] && [ -f /usr/lib/proftpd/mod_sftp.so ] || { echo "no proftpd here" && return 1; }
    fi
}

clean_up() {
    stop_server
    rm -rf "$RT_WORK"
}
use_server sshd
trap clean_up EXIT
trap 'exit 1' INT TERM

failed=0
ran=0
for kind in "$@"; do
    case $kind in
    *-proftpd) server=proftpd ;;
    *) server=sshd ;;
    esac
    if [ "$kind" != directory ] && ! reason=$(has $server); then
        echo "conformance.sh: $kind is left out: $reason" >&2
        continue
    fi
    ran=1
    use_server $server
    unset RT_LINE
    case $kind in *-etm) export RT_LINE='MACs hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com' ;; esac
    echo "== $kind"
    "$program" "${kind%-*}" || failed=1
    stop_server
    rm -rf "${RT_WORK:?}"/*
done
[ $ran = 1 ] || exit 77
exit $failed
