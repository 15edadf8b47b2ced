#!/usr/bin/env python3
"""Nothing in the tree names the place where it was made: folders of one machine, hosts of package registries, addresses that are
not made up.  Looks at what git would keep: tracked files and new ones that are not ignored."""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else __file__).resolve()
ROOT = ROOT if ROOT.is_dir() else ROOT.parents[2]

# In pieces, so that this file does not find itself.
PATTERNS = [
    (r"(?<![\w.$}{~-])/(?:" + "|".join(["wor" + "k", "far" + "m"]) + r")(?:/|\b(?![\w.-]))", "a folder of one machine"),
    (r"(?<![\w.$}{-])/(?:home/(?!roundtrip\b|acme\b)|Users/)\w+", "somebody's home folder"),
    (r"\b(?:deb" + r"\.debian\.org|security\.debian\.org|archive\.ubuntu\.com)\b", "a package registry"),
    (r"\b(?:py" + r"pi\.org|files\.pythonhosted\.org|registry\.npm" + r"js\.org|crates\.io|proxy\.golang\.org)\b",
     "a package registry"),
    (r"\b[\w.+-]+@(?!(?:[\w-]+\.)*example\.(?:org|com|net)\b)[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.(?:com|org|net|edu|io|ai|de|uk)\b",
     "an address that is not made up"),
]
NOTES = r"\b(?:[.\w-]+/)*[A-Z]{3,}\.md\b"  # a page in capitals, which must be in the tree
ADDRESS_OK = ("openssh.com", "libssh.org", "lysator.liu.se", "ssh.com")  # names of algorithms


def files():
    done = subprocess.run(["git", "-C", ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                          capture_output=True)
    if done.returncode == 0:
        names = [n for n in done.stdout.decode().split("\0") if n]
    else:  # not a clone: a released archive
        names = [str(p.relative_to(ROOT)) for p in ROOT.rglob("*") if p.is_file()]
    return sorted({n for n in names if not n.startswith("build/") and (ROOT / n).is_file()})


def main():
    faults, names = [], files()
    for name in names:
        data = (ROOT / name).read_bytes()
        text = data.decode("utf-8", "replace")
        for pattern, what in PATTERNS:
            for found in re.finditer(pattern, text):
                if found[0].endswith(ADDRESS_OK):
                    continue
                faults.append(f"{name}:{text.count(chr(10), 0, found.start()) + 1}: {found[0]}: {what}")
        for found in re.finditer(NOTES, text):
            if not any(n.endswith(found[0].split("/")[-1]) for n in names):
                faults.append(f"{name}:{text.count(chr(10), 0, found.start()) + 1}: {found[0]}: is not in the tree")
    print("\n".join(faults))
    print(f"{len(names)} files, {len(faults)} faults")
    return 1 if faults or not names else 0


sys.exit(main())
