#!/usr/bin/python3
"""Compares the CSV reader with Python's csv module on random tables, well-formed and damaged.

    csv_differential.py CSV_DUMP [CASES [SEED]]

Where the two may differ by design: a quote inside a cell without quotes refuses the file (Python takes
it), and so does a last line without line end (half of the cases allow it).  A difference prints its
input and the seed, and ends with status 1.
"""
import csv
import json
import random
import re
import subprocess
import sys

PIECES = [",", ",", ",", "\n", "\n", "\r\n", "\r", '"', '"', '""', "a", "7", " ", "\t", ";", "é", "text", "'", "\\"]
LINES = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
BARE_QUOTE = "a quote in a cell that does not begin with one"
CUT = ("is never closed", "has no line end")


def cell(rng):
    text = "".join(rng.choice(PIECES) for _ in range(rng.randrange(5)))
    if rng.random() < 0.4 or any(c in text for c in ',"\r\n'):
        return '"' + text.replace('"', '""') + '"'
    return text


def table(rng):
    width, end = rng.randrange(1, 5), rng.choice(["\n", "\r\n", "\n", "\r"])
    rows = [",".join(cell(rng) for _ in range(width + rng.choice([0] * 9 + [1]))) for _ in range(rng.randrange(8))]
    return "".join(row + end for row in rows)


def damaged(rng, text):
    for _ in range(rng.randrange(3)):
        at = rng.randrange(len(text) + 1)
        text = text[:at] + rng.choice(PIECES + ["", ""]) + text[at + rng.randrange(3):]
    return text


def by_python(text):
    """Rows without blank lines, except where they are rows of one column; and whether it broke off."""
    rows, broke = [], False
    try:
        for row in csv.reader(LINES.findall(text), strict=True):
            if row:
                rows.append(row)
            elif rows and len(rows[0]) == 1:
                rows.append([""])
    except csv.Error:
        broke = True
    return rows, broke


def by_us(dump, text, optional):
    command = [dump, ","] + (["optional"] if optional else [])
    run = subprocess.run(command, input=text.encode(), stdout=subprocess.PIPE, check=True)
    lines = [json.loads(line) for line in run.stdout.decode().split("\n") if line]
    refused = lines.pop()["refused"] if lines and isinstance(lines[-1], dict) else None
    return lines, refused


def difference(text, optional, theirs, ours):
    (rows, broke), (lines, refused) = theirs, ours
    if lines != rows[:len(lines)]:
        return "other rows"
    if refused is None:
        return "Python refuses" if broke else "fewer rows" if len(lines) != len(rows) else None
    if BARE_QUOTE in refused:
        return None
    if broke:
        return None if len(lines) == len(rows) else "refused elsewhere"
    if any(words in refused for words in CUT) and not optional and text[-1:] not in "\r\n":
        return None if len(lines) == len(rows) - 1 else "refused too early"
    return None if "empty file" in refused and not rows else "only we refuse"


def main():
    dump, cases = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1500
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else 20261121
    taken = 0
    for number in range(seed, seed + cases):
        rng = random.Random(number)
        text, optional = table(rng), rng.random() < 0.5
        if rng.random() < 0.5:
            text = damaged(rng, text)
        ours = by_us(dump, text, optional)
        what = difference(text, optional, by_python(text), ours)
        if what:
            print(f"{what}: {text!r}\npython {by_python(text)}\nours   {ours}\n"
                  f"again with: csv_differential.py {dump} 1 {number}")
            return 1
        taken += ours[1] is None
    print(f"{cases} tables, {taken} taken whole, the others refused at the same place")
    return 0 if cases < 100 or cases // 4 < taken < cases else 1


sys.exit(main())
