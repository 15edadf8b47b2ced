#!/bin/sh
# Every header compiles alone, twice in one unit, with the flags of the build.
set -u
cd "$(dirname "$0")/../.."
flags="-std=c17 -D_GNU_SOURCE -DRT_VERSION=\"0\" -I. -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes
    -Wformat=2 -Wvla -Wmissing-include-dirs -Werror -fsyntax-only"
failed=0 count=0
for header in lib/*.h cmd/*.h; do
    count=$((count + 1))
    # An empty declaration keeps a unit of macros alone from being empty.
    # shellcheck disable=SC2086
    printf '#include "%s"\n#include "%s"\nextern int rt_not_empty;\n' "$header" "$header" |
        "${CC:-gcc}" $flags -x c - || {
        echo "$header: does not compile alone"
        failed=$((failed + 1))
    }
done
echo "$count headers, $failed faults"
[ "$count" -gt 0 ] && [ "$failed" = 0 ]
