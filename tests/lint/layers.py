#!/usr/bin/env python3
"""The layers of ARCHITECTURE.md, checked on the include graph.

The lists in CMakeLists.txt say which layer a source file is in; a header is in the layer of its module.  An arrow may only
point down, each third-party header has one owner, and what only some layers may do is looked for in the text.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else __file__).resolve()
ROOT = ROOT if ROOT.is_dir() else ROOT.parents[2]
LAYERS = ["rt_base", "rt_core", "rt_effects", "roundtrip"]

# Third-party header: the files that may include it, as prefixes.
OWNERS = {
    r"sqlite3\w*\.h": ("lib/store", "tests/unit/test_store"),
    r"libssh2\w*\.h": ("lib/remote_sftp",),
    r"openssl/.*": ("lib/remote_hostkey", "lib/remote_sftp_cipher", "tests/unit/test_sftp_cipher"),
    r"csv\.h": ("lib/csv_reader",),
    r"xxhash\.h": ("lib/digest",),
    r"ini\.h": ("lib/config",),
    r"zlib\.h": ("lib/source",),
    r"iconv\.h": ("lib/encoding",),
    r"cmocka\.h": ("tests/",),
}

# What a layer may not do: pattern, where it is looked for, where it is allowed, why.
FORBIDDEN = [
    (r"\b(printf|puts|putchar|vprintf|perror)\s*\(|\bstdout\b", "lib/", (), "only cmd/ prints"),
    (r"\bstderr\b", "lib/", ("lib/mem.c", "lib/remote_openssh_run.c"), "only cmd/ prints"),
    (r"(?<!->)(?<!\.)\b(time|clock_gettime|gettimeofday)\s*\(", "", ("lib/clock.c", "tests/"), "time is lib/clock.c's"),
    (r"\bstdout\b|\b(printf|puts)\s*\(", "cmd/", ("cmd/report.c",), "standard output is cmd/report.c's"),
    (r"\bexit\s*\(", "", ("cmd/main.c", "lib/mem.c", "lib/fault.c", "tests/"), "only main ends the program"),
    (r"^\s*typedef\b(?!.*\()", "", ("tests/",), "no typedefs but of functions"),
]

faults = []


def fault(path, line, text):
    faults.append(f"{path}:{line}: {text}" if line else f"{path}: {text}")


def read_lists():
    """Layer number of every listed source file."""
    text = (ROOT / "CMakeLists.txt").read_text()
    layer = {}
    for number, name in enumerate(LAYERS):
        found = re.search(rf"add_(?:library|executable)\({name}\b([^)]*)\)", text)
        if not found:
            sys.exit(f"CMakeLists.txt: no list of {name}")
        for path in re.findall(r"(?:lib|cmd)/\w+\.c", found[1]):
            if path in layer:
                fault("CMakeLists.txt", 0, f"{path} is in two lists")
            layer[path] = number
    return layer


def without_comments(text):
    """Comments and string literals blanked, lines kept."""
    keep = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
    return keep.sub(lambda m: re.sub(r"[^\n]", " ", m[0]), text)


def includes(path):
    for number, line in enumerate((ROOT / path).read_text().splitlines(), 1):
        found = re.match(r'\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)', line)
        if found:
            yield number, found[1], found[2]


def layer_of_header(path, layer, seen=()):
    """That of the module of its name (store_internal.h: store.c); without one, the highest that it includes."""
    stem = path[:-2]
    while stem:
        if stem + ".c" in layer:
            return layer[stem + ".c"]
        stem = stem.rpartition("_")[0]
    if path.startswith("cmd/"):
        return len(LAYERS) - 1
    below = [layer_of_header(own, layer, seen + (path,)) for _, own, _ in includes(path)
             if own and own not in seen and (ROOT / own).exists()]
    return max(below, default=0)


def check_includes(path, layer):
    own_layer = layer[path] if path in layer else layer_of_header(path, layer)
    for number, own, other in includes(path):
        if own:
            if not (ROOT / own).exists():
                fault(path, number, f'"{own}": include from the root of the tree, as "lib/x.h"')
            elif own.endswith(".c"):
                fault(path, number, f'"{own}": a source file is compiled, not included')
            elif own_layer < layer_of_header(own, layer):
                fault(path, number, f'"{own}" is above: {LAYERS[own_layer]} may not use '
                      f"{LAYERS[layer_of_header(own, layer)]}")
        if other:
            check_owner(path, number, other)


def check_owner(path, number, header):
    for pattern, owners in OWNERS.items():
        if re.fullmatch(pattern, header) and not path.startswith(owners):
            fault(path, number, f"<{header}> may be included by {', '.join(o + '*' for o in owners)} only")


def check_text(path):
    text = without_comments((ROOT / path).read_text())
    for pattern, where, allowed, why in FORBIDDEN:
        if not path.startswith(where) or (allowed and path.startswith(tuple(allowed))):
            continue
        for found in re.finditer(pattern, text, re.M):
            fault(path, text.count("\n", 0, found.start(0)) + 1, f"{found[0].strip()}: {why}")


def main():
    layer = read_lists()
    paths = sorted(str(p.relative_to(ROOT)) for d in ("lib", "cmd", "tests") for p in (ROOT / d).rglob("*.[ch]"))
    for path in paths:
        if path.endswith(".c") and not path.startswith("tests/") and path not in layer:
            fault(path, 0, "is in no list of CMakeLists.txt")
        if path.startswith("tests/"):
            for number, _, other in includes(path):
                if other:
                    check_owner(path, number, other)
        else:
            check_includes(path, layer)
        check_text(path)
    for path in layer:
        if not (ROOT / path).exists():
            fault("CMakeLists.txt", 0, f"{path} does not exist")
    print("\n".join(faults))
    print(f"{len(paths)} files, {len(layer)} in layers, {len(faults)} faults")
    return 1 if faults else 0


sys.exit(main())
