#!/bin/sh
# Runs the fuzz targets with libFuzzer, which needs clang 14; ends with 77 where it is not there.
#
#   run.sh build            builds them, in build/fuzz
#   run.sh NAME...          some thousand inputs each, from the kept corpus, always the same ones; LONG=1: other ones each
#                           time, for ten minutes (or SECONDS_EACH)
#
# An input that breaks a promise is kept in build/fuzz/found, and named.  Put it into corpus/NAME when it is mended; that is
# replayed in every build.
set -u
cd "$(dirname "$0")/../.."
if ! command -v clang-14 >/dev/null; then
    echo "no clang-14 here"
    exit 77
fi
if [ "${1:-}" = build ]; then
    cmake --preset fuzz >/dev/null && exec cmake --build --preset fuzz
    exit 1
fi

# About two seconds' worth: most of these parse little, the planner plays whole days.
enough() {
    case $1 in
    plan) echo 500 ;;
    csv | schema | digest_file) echo 3000 ;;
    *) echo 10000 ;;
    esac
}

export ASAN_OPTIONS=malloc_context_size=1:quarantine_size_mb=4
mkdir -p build/fuzz/found
failed=0
for name in "$@"; do
    work=build/fuzz/corpus/$name
    log=build/fuzz/$name.log
    if [ "${LONG:-}" = 1 ]; then
        amount=-max_total_time=${SECONDS_EACH:-600}
    else
        amount="-seed=1 -runs=$(enough "$name")"
        work=$work.sample
        rm -rf "$work"
    fi
    mkdir -p "$work"
    # shellcheck disable=SC2086 # several options
    if build/fuzz/tests/fuzz/fuzz_"$name" $amount -max_len=2048 -timeout=10 -rss_limit_mb=1024 \
        -artifact_prefix=build/fuzz/found/"$name"- "$work" tests/fuzz/corpus/"$name" >"$log" 2>&1 &&
        runs=$(grep -ao 'Done [0-9]* runs' "$log"); then
        echo "$name: $(echo "$runs" | tr -dc 0-9) executions, nothing found"
    else
        tail -n 40 "$log"
        echo "$name: a promise is not kept"
        failed=1
    fi
done
exit $failed
