#!/bin/sh
# Builds the Debian package from a copy of the tree, and prints its path.
#
#   tests/package/build.sh FOLDER       the copy, the build and the package are there
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
mkdir -p "$1/roundtrip"
folder=$(cd "$1" && pwd)
(cd "$root" && git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents -t "$folder/roundtrip")
cd "$folder/roundtrip"
export DEB_BUILD_OPTIONS="noautodbgsym parallel=2" LC_ALL=C.UTF-8
# -d: the packages that it is built from are those of fixtures/packages.sh.
dpkg-buildpackage -b -us -uc -d >"$folder/log" 2>&1 || {
    tail -40 "$folder/log" >&2
    exit 70
}
ls "$folder"/roundtrip_*.deb
