#!/bin/sh
# The formatter has the last word on how C looks; .clang-format says how.
set -u
cd "$(dirname "$0")/../.."
find lib cmd tests/unit tests/fuzz -name '*.[ch]' | sort | xargs clang-format --dry-run -Werror --ferror-limit=3
