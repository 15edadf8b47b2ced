#!/usr/bin/env python3
"""Sizes of functions and files: no function over 70 lines, half of them at most 15, at most 5 parameters, lib files up to 600
lines and cmd files up to 250.  A function is counted from its opening to its closing brace, both in column 0 (format.sh).
The `struct rt_err *` at the end is not counted as a parameter: nearly every function has it."""
import pathlib
import re
import sys

ROOT = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else __file__).resolve()
ROOT = ROOT if ROOT.is_dir() else ROOT.parents[2]
LONGEST, MEDIAN, PARAMETERS = 70, 15, 5
FILE_LINES = {"lib": 600, "cmd": 250}
# Callbacks whose parameters sqlite3, libssh2 and libcrypto have chosen.
FIXED = {"authorize", "answer", "stream_start", "stream_update"}


def blank_comments(text):
    keep = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
    return keep.sub(lambda m: re.sub(r"[^\n]", " ", m[0]), text)


def count_parameters(head):
    """Of the first parenthesis of a declarator; () and (void) are none."""
    depth, commas, start = 0, 0, head.index("(")
    for i in range(start, len(head)):
        if head[i] == "(":
            depth += 1
        elif head[i] == ")":
            depth -= 1
            if depth == 0:
                inside = head[start + 1:i].strip()
                is_err = re.search(r"struct rt_err \*\w+$", inside)
                return 0 if inside in ("", "void") else commas + (0 if is_err else 1)
        elif head[i] == "," and depth == 1:
            commas += 1
    return 0


def functions(path):
    """(name, first line, lines of the body, parameters) of each."""
    lines = blank_comments(path.read_text()).split("\n")
    begin, head = None, ""
    for number, line in enumerate(lines, 1):
        if line == "{":
            begin = number
            first = number - 2
            while first > 0 and lines[first - 1].strip() and not lines[first - 1].startswith(("}", "#")) \
                    and not lines[first - 1].rstrip().endswith(";"):
                first -= 1
            head = " ".join(lines[first:number - 1])
        elif line.startswith("}") and begin is not None:
            found = re.search(r"(\w+)\s*\(", head)
            if found:
                yield found[1], begin, number - begin + 1, count_parameters(head[found.start(1):])
            begin = None


def percentile(sizes, part):
    return sizes[min(len(sizes) - 1, int(len(sizes) * part))] if sizes else 0


def main():
    faults, sizes = [], []
    for folder, most in FILE_LINES.items():
        for path in sorted((ROOT / folder).glob("*.[ch]")):
            name = path.relative_to(ROOT)
            count = len(path.read_text().splitlines())
            if count > most:
                faults.append(f"{name}: {count} lines, at most {most}")
            for function, line, size, parameters in functions(path):
                sizes.append(size)
                if size > LONGEST:
                    faults.append(f"{name}:{line}: {function} has {size} lines, at most {LONGEST}")
                if parameters > PARAMETERS and function not in FIXED:
                    faults.append(f"{name}:{line}: {function} has {parameters} parameters, at most {PARAMETERS}")
    sizes.sort()
    if percentile(sizes, 0.5) > MEDIAN:
        faults.append(f"the median function has {percentile(sizes, 0.5)} lines, at most {MEDIAN}")
    if not sizes:
        faults.append("no functions found")
    print("\n".join(faults))
    print(f"{len(sizes)} functions: " + ", ".join(f"{name} {percentile(sizes, part)}" for name, part in
          (("median", .5), ("p90", .9), ("p99", .99), ("longest", 1))) + f" lines; {len(faults)} faults")
    return 1 if faults else 0


sys.exit(main())
