#!/bin/sh
# clang-tidy (.clang-tidy says what) and gcc's analyzer over all sources: many minutes, so only with LONG=1.
#
#   analyse.sh BUILD        a build folder, for how the sources are compiled
set -u
cd "$(dirname "$0")/../.."
[ "${LONG:-}" = 1 ] || { echo "left out: LONG=1 runs it" && exit 77; }
command -v clang-tidy >/dev/null || { echo "no clang-tidy here" && exit 77; }
failed=0
find lib cmd -name '*.c' | sort | xargs -P 2 -n 8 clang-tidy --quiet -p "$1" || failed=1
for file in lib/*.c cmd/*.c; do
    case $file in # where gcc 12 is mistaken
    lib/encoding.c) known=-Wno-analyzer-malloc-leak ;;              # iconv_open fails with -1, which it takes for a handle
    lib/store_content.c) known=-Wno-analyzer-null-dereference ;;    # as many lines as were counted
    *) known= ;;
    esac
    # shellcheck disable=SC2086
    gcc -fanalyzer -Werror $known -O1 -std=c17 -I. -D_GNU_SOURCE -DRT_VERSION='""' -DRT_INIH_VERSION='""' -c -o /dev/null "$file" || failed=1
done
exit $failed
