#!/bin/sh
# A private sshd on a loopback port, for tests.  It needs neither root nor a network.
#
#   sshd.sh start DIR [sshd_config line]...   starts it, prints DIR/env (shell assignments)
#   sshd.sh stop DIR                          ends it and its sessions
#   sshd.sh drop DIR                          kills the sessions; it goes on listening
#   sshd.sh freeze DIR | thaw DIR             stops and continues it and its sessions
#   sshd.sh killsftp DIR                      kills the sftp-server processes, not the sessions
#   sshd.sh newhostkey DIR                    new host keys, same port
#
# DIR/root is what is served, with exports/ and imports/; sessions start in it.  RT_SFTP is another
# Subsystem command, RT_SFTP_ARGS more arguments of internal-sftp, RT_LINE one more line of sshd_config, RT_FSIZE_KB a
# file size limit of the sessions: a write past it fails, as on a full disk.
set -u
umask 077

. "$(dirname "$0")/server.sh"

# Only what we started: the process must run with our own configuration file.
find_listener() {
    dir=$(cd "$1" 2>/dev/null && pwd) || die "no folder $1"
    pid=$(cat "$dir/pid" 2>/dev/null) || die "not running in $dir"
    tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -qF -- "$dir/sshd_config" ||
        die "process $pid is not the sshd of $dir"
}

launch() { # DIR port; true when it listens
    : >"$1/log"
    (
        if [ -n "${RT_FSIZE_KB:-}" ]; then
            trap '' XFSZ # a write past the limit fails and does not end the session
            ulimit -f $((RT_FSIZE_KB * 2)) || exit 1
        fi
        exec "$sshd" -D -e -f "$1/sshd_config" -p "$2"
    ) >>"$1/log" 2>&1 </dev/null &
    pid=$!
    trap 'kill $pid; exit 1' INT TERM HUP # nobody could find it without its pid file
    tries=0
    while [ $tries -lt 100 ]; do
        if grep -q '^Server listening on' "$1/log"; then
            echo $pid >"$1/pid"
            return 0
        fi
        kill -0 $pid 2>/dev/null || return 1
        tries=$((tries + 1))
        sleep 0.05
    done
    kill $pid 2>/dev/null
    return 1
}

write_config() { # DIR lines...: the first value wins, so the caller's lines come first
    d=$1
    shift
    sftp=${RT_SFTP:-internal-sftp -d $d/root ${RT_SFTP_ARGS:-}}
    {
        for line in "$@"; do
            printf '%s\n' "$line"
        done
        case "$*" in
        *HostKey\ *) ;;
        *) printf 'HostKey %s\n' "$d/host_ed25519" "$d/host_ecdsa" "$d/host_rsa" ;;
        esac
        cat <<END
ListenAddress 127.0.0.1
AuthorizedKeysFile $d/authorized_keys
PidFile none
UsePAM no
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
UseDNS no
MaxStartups 100
MaxAuthTries 20
Subsystem sftp $sftp
${RT_LINE:-}
END
    } >"$d/sshd_config"
    # Newer versions shut out an address after some failed logins; older ones do not know the word.
    { cat "$d/sshd_config" && echo 'PerSourcePenalties no'; } >"$d/sshd_config.new"
    if "$sshd" -t -f "$d/sshd_config.new" 2>/dev/null; then
        mv "$d/sshd_config.new" "$d/sshd_config"
    else
        rm -f "$d/sshd_config.new"
        "$sshd" -t -f "$d/sshd_config" || die "bad sshd_config"
    fi
}

start() {
    mkdir -p "$1/root/exports" "$1/root/imports" || die "cannot make $1"
    dir=$(cd "$1" && pwd)
    shift
    [ ! -f "$dir/pid" ] || die "already running in $dir"
    # As root, sshd wants its empty folder.
    if [ "$(id -u)" = 0 ] && [ ! -d /run/sshd ]; then mkdir -m 755 /run/sshd; fi
    make_host_keys "$dir"
    make_user_keys "$dir"
    cat "$dir/user_ed25519.pub" "$dir/user_ecdsa.pub" "$dir/user_rsa.pub" "$dir/user_locked.pub" \
        >"$dir/authorized_keys"
    write_config "$dir" "$@"
    tries=0
    while :; do
        port=$(any_port)
        launch "$dir" "$port" && break
        tries=$((tries + 1))
        [ $tries -lt 20 ] || die "sshd does not start: $(cat "$dir/log")"
    done
    write_known_hosts "$dir" "$port"
    write_env "$dir" "$port"
    cat "$dir/env"
}

sshd=${SSHD:-$(command -v sshd || echo /usr/sbin/sshd)}
[ -x "$sshd" ] || die "no sshd here (Debian: openssh-server)"
command=${1:-}
[ $# -ge 2 ] || die "usage: sshd.sh start|stop|drop|freeze|thaw|killsftp|newhostkey DIR"
shift

case $command in
start) start "$@" ;;
stop) stop "$1" ;;
drop) find_listener "$1" && signal_below KILL ;;
freeze) find_listener "$1" && kill -STOP "$pid" && signal_below STOP ;;
thaw) find_listener "$1" && kill -CONT "$pid" && signal_below CONT ;;
killsftp)
    find_listener "$1"
    for child in $(below "$pid"); do
        case $(tr '\0' ' ' <"/proc/$child/cmdline" 2>/dev/null) in
        *sftp-server*) kill -KILL "$child" ;;
        esac
    done
    ;;
newhostkey)
    find_listener "$1"
    . "$dir/env"
    stop "$1"
    rm -f "$dir"/host_*
    make_host_keys "$dir"
    launch "$dir" "$RT_PORT" || die "sshd does not start again"
    write_env "$dir" "$RT_PORT"
    ;;
*) die "unknown command $command" ;;
esac
