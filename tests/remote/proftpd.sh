#!/bin/sh
# A private ProFTPD with mod_sftp on a loopback port: a server that is not OpenSSH's.  It must be started by root, and
# touches nothing outside its folder.
#
#   proftpd.sh start DIR        starts it, prints DIR/env (shell assignments)
#   proftpd.sh stop DIR         ends it and its sessions
#   proftpd.sh drop DIR         kills the sessions; it goes on listening
#   proftpd.sh freeze DIR | thaw DIR
#   proftpd.sh newhostkey DIR   new host keys, same port
set -u
umask 077

. "$(dirname "$0")/server.sh"

# It writes over its command line; its own pid file and its program must agree.
find_listener() {
    dir=$(cd "$1" 2>/dev/null && pwd) || die "no folder $1"
    pid=$(cat "$dir/pid" 2>/dev/null) || die "not running in $dir"
    case $(readlink "/proc/$pid/exe") in
    */proftpd) ;;
    *) die "process $pid is no proftpd" ;;
    esac
}

write_config() { # DIR port
    printf '%s:x:%s:%s::%s:/bin/sh\n' "$(id -un)" "$(id -u)" "$(id -g)" "$1/root" >"$1/passwd"
    printf '%s:x:%s:\n' "$(id -gn)" "$(id -g)" >"$1/group"
    for key in user_ed25519 user_ecdsa user_rsa user_locked; do
        ssh-keygen -e -m RFC4716 -P '' -f "$1/$key.pub"
    done >"$1/authorized_keys"
    cat >"$1/proftpd.conf" <<END
ModulePath /usr/lib/proftpd
LoadModule mod_sftp.c
ServerType standalone
DefaultAddress 127.0.0.1
SocketBindTight on
Port $2
UseIPv6 off
PidFile $1/pid
ScoreboardFile $1/scoreboard
DelayEngine off
WtmpLog off
SystemLog $1/log
TransferLog none
User $(id -un)
Group $(id -gn)
RootLogin on
UseFtpUsers off
RequireValidShell off
AuthOrder mod_auth_file.c
AuthUserFile $1/passwd
AuthGroupFile $1/group
SFTPEngine on
SFTPLog $1/log.sftp
SFTPHostKey $1/host_ed25519
SFTPHostKey $1/host_ecdsa
SFTPHostKey $1/host_rsa
SFTPAuthorizedUserKeys file:$1/authorized_keys
SFTPAuthMethods publickey
END
}

launch() { # DIR port; true when it listens
    write_config "$1" "$2"
    : >"$1/log"
    "$proftpd" -q -c "$1/proftpd.conf" >>"$1/log" 2>&1 </dev/null || return 1
    tries=0
    while [ $tries -lt 100 ]; do
        if grep -q 'STARTUP' "$1/log" && [ -s "$1/pid" ]; then return 0; fi
        if grep -q 'Failed binding' "$1/log"; then return 1; fi
        tries=$((tries + 1))
        sleep 0.05
    done
    return 1
}

start() {
    mkdir -p "$1/root/exports" "$1/root/imports" || die "cannot make $1"
    dir=$(cd "$1" && pwd)
    [ ! -f "$dir/pid" ] || die "already running in $dir"
    make_host_keys "$dir"
    make_user_keys "$dir"
    tries=0
    while :; do
        port=$(any_port)
        launch "$dir" "$port" && break
        tries=$((tries + 1))
        [ $tries -lt 20 ] || die "proftpd does not start: $(cat "$dir/log")"
    done
    write_known_hosts "$dir" "$port"
    write_env "$dir" "$port"
    cat "$dir/env"
}

proftpd=${PROFTPD:-$(command -v proftpd || echo /usr/sbin/proftpd)}
[ -x "$proftpd" ] && [ -f /usr/lib/proftpd/mod_sftp.so ] ||
    die "no proftpd here (Debian: proftpd-core proftpd-mod-crypto)"
[ $# -ge 2 ] || die "usage: proftpd.sh start|stop|drop|freeze|thaw|newhostkey DIR"
command=$1
shift

case $command in
start) start "$1" ;;
stop) stop "$1" ;;
drop) find_listener "$1" && signal_below KILL ;;
freeze) find_listener "$1" && kill -STOP "$pid" && signal_below STOP ;;
thaw) find_listener "$1" && kill -CONT "$pid" && signal_below CONT ;;
newhostkey)
    find_listener "$1"
    . "$dir/env"
    stop "$1"
    rm -f "$dir"/host_*
    make_host_keys "$dir"
    launch "$dir" "$RT_PORT" || die "proftpd does not start again"
    write_env "$dir" "$RT_PORT"
    ;;
*) die "unknown command $command" ;;
esac
