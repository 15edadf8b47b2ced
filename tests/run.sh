#!/bin/sh
# Builds everything and runs every test, on a fresh Debian 12 too: missing packages are installed first.
#
#   tests/run.sh [ctest arguments]        for example: tests/run.sh -L unit
#
# PRESET=asan tests/run.sh runs them with the sanitizers; JOBS=1 one after the other.
# LONG=1 tests/run.sh tries everything where a sample is tried otherwise: every crash point, every cut of every file.
set -eu
cd "$(dirname "$0")/.."
. fixtures/packages.sh
need_packages $BUILD_PACKAGES $TEST_PACKAGES
preset=${PRESET:-dev}
cmake --preset "$preset" >/dev/null
cmake --build --preset "$preset"

# Their files lie in memory where it has much room: thousands of short commands, each with its fsyncs, wait for no disk.
free_kb() {
    awk '/^MemAvailable/ { print $2 }' /proc/meminfo
    df -k --output=avail /dev/shm 2>/dev/null | tail -n 1
}
if [ -z "${TMPDIR:-}" ] && [ "$(free_kb | awk '$1 > 10000000' | wc -l)" = 2 ] &&
    TMPDIR=$(mktemp -d /dev/shm/roundtrip-tests-XXXXXX); then
    trap 'rm -rf "$TMPDIR"' EXIT
    trap 'exit 1' INT TERM HUP
    chmod 711 "$TMPDIR" # PostgreSQL is started as its own user
    if cp /bin/true "$TMPDIR" && "$TMPDIR/true" 2>/dev/null; then # programs may be run there
        export TMPDIR
    fi
fi
ctest --preset "$preset" -j "${JOBS:-2}" "$@"
