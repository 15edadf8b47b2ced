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
exec ctest --preset "$preset" -j "${JOBS:-2}" "$@"
