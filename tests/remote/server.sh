# What sshd.sh and proftpd.sh have in common; they find the process as find_listener, which sets dir and pid.

die() {
    echo "$(basename "$0"): $*" >&2
    exit 1
}

# All processes below process $1.
below() {
    for stat in /proc/[0-9]*/stat; do
        line=$(cat "$stat" 2>/dev/null) || continue
        child=${stat#/proc/}
        child=${child%/stat}
        line=${line##*) } # the command's name may hold blanks
        set -- "$1" $line
        if [ "$3" = "$1" ]; then
            echo "$child"
            below "$child"
        fi
    done
}

signal_below() {
    for child in $(below "$pid"); do
        kill "-$1" "$child" 2>/dev/null
    done
    return 0
}

make_key() { # file type passphrase arguments...
    file=$1 type=$2 phrase=$3
    shift 3
    [ -f "$file" ] || ssh-keygen -q -t "$type" -N "$phrase" -C test -f "$file" "$@" >/dev/null ||
        die "ssh-keygen $type"
}

make_host_keys() {
    make_key "$1/host_ed25519" ed25519 ''
    make_key "$1/host_ecdsa" ecdsa '' -b 256
    make_key "$1/host_rsa" rsa '' -b 2048
}

fingerprint() {
    ssh-keygen -l -E sha256 -f "$1.pub" | cut -d' ' -f2
}

write_known_hosts() { # DIR port
    for key in ed25519 ecdsa rsa; do
        printf '[127.0.0.1]:%s %s\n' "$2" "$(cut -d' ' -f1,2 "$1/host_$key.pub")"
    done >"$1/known_hosts"
    cp "$1/known_hosts" "$1/known_hosts_hashed"
    ssh-keygen -q -H -f "$1/known_hosts_hashed" >/dev/null 2>&1
    rm -f "$1/known_hosts_hashed.old"
}

write_env() { # DIR port
    cat >"$1/env" <<END
RT_HOST=127.0.0.1
RT_PORT=$2
RT_USER=$(id -un)
RT_ROOT=$1/root
RT_KEYS=$1
RT_PIN_ED25519=$(fingerprint "$1/host_ed25519")
RT_PIN_ECDSA=$(fingerprint "$1/host_ecdsa")
RT_PIN_RSA=$(fingerprint "$1/host_rsa")
END
}

make_user_keys() {
    make_key "$1/user_ed25519" ed25519 ''
    make_key "$1/user_ecdsa" ecdsa '' -b 256
    make_key "$1/user_rsa" rsa '' -b 2048
    make_key "$1/user_locked" ed25519 'correct horse'
    make_key "$1/user_stranger" ed25519 ''
}

any_port() {
    echo $((20000 + $(od -An -N2 -tu2 /dev/urandom) % 12000))
}

stop() {
    find_listener "$1"
    children=$(below "$pid")
    kill -CONT "$pid" 2>/dev/null
    kill "$pid" 2>/dev/null
    for child in $children; do
        kill -CONT "$child" 2>/dev/null
        kill -KILL "$child" 2>/dev/null
    done
    tries=0
    while kill -0 "$pid" 2>/dev/null && [ $tries -lt 100 ]; do
        tries=$((tries + 1))
        sleep 0.05
    done
    rm -f "$dir/pid"
}
