#!/bin/sh
# Pictures of the page of `roundtrip report`, to be looked at: a simulated year, wide and on a phone, light and dark, and printed.
#
#   tests/page/screenshots.sh FOLDER [PROGRAM]
#
# The two that are called report-... are in doc/, for README.md.  Needs Debian's chromium, which is large: so it is not among the packages of the tests, which read the page without it.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
folder=$1
ROUNDTRIP=${2:-$root/build/dev/roundtrip}
export ROUNDTRIP
command -v chromium >/dev/null || {
    echo "screenshots.sh: install chromium first" >&2
    exit 69
}
mkdir -p "$folder"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
chmod 700 "$work"
/usr/bin/python3 -B "$root/tests/cli/year.py" "$work/profile" >/dev/null
ROUNDTRIP_NOW=2026-11-20T07:00:00Z "$ROUNDTRIP" -q -C "$work/profile" report "$work/report.html"
cp "$work/report.html" "$folder/report.html"

# picture NAME HEIGHT WIDTH SCHEME [WIDTH SCHEME]: the page in a frame of that width, or in two, since a window has a least width.
picture() {
    name=$1 height=$2 window=0
    shift 2
    printf '<body style="margin:0;display:flex;gap:20px;background:#8a94a0">' >"$work/frame.html"
    while [ $# -gt 0 ]; do
        printf '<iframe src="report.html" style="border:0;flex:none;width:%spx;height:%spx;color-scheme:%s"></iframe>' \
            "$1" "$height" "$2" >>"$work/frame.html"
        window=$((window + $1 + 20))
        shift 2
    done
    browse --window-size="$((window - 20)),$height" --screenshot="$folder/$name.png" "file://$work/frame.html"
}

browse() {
    chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --force-device-scale-factor=1 \
        --user-data-dir="$work/chromium" "$@" >"$work/log" 2>&1 || {
        cat "$work/log" >&2
        exit 70
    }
}

picture desktop-light 2600 1200 light
picture desktop-dark 2600 1200 dark
picture phone 4300 390 light 390 dark
picture report-desktop 1040 1000 light
picture report-phone 760 390 light 390 dark
browse --no-pdf-header-footer --print-to-pdf="$folder/print.pdf" "file://$work/report.html"
ls -l "$folder"
