#!/bin/sh
# The program under valgrind, to be given to the tests as ROUNDTRIP; the program itself is in ROUNDTRIP_BARE.
# A wrong access, an uninitialised value or a leak ends with 99, which no test expects.
exec valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite --undef-value-errors=yes \
    "$ROUNDTRIP_BARE" "$@"
