#!/usr/bin/python3
"""The script that a data team writes first: csv and a dict of digests.  peer_csv.py BASE NEXT DELTA"""
import csv
import hashlib
import sys

KEY = 1  # INTERACTION_ID


def digest(row):
    return hashlib.md5("\x1f".join(row).encode()).digest()


def main(base, following, delta):
    with open(base, newline="") as file:
        rows = csv.reader(file)
        next(rows)
        known = {row[KEY]: digest(row) for row in rows}
    with open(following, newline="") as file, open(delta, "w", newline="") as out:
        rows, put = csv.reader(file), csv.writer(out, lineterminator="\n").writerow
        header = next(rows)
        put(["CHANGE", *header])
        for row in rows:
            before = known.pop(row[KEY], None)
            if before != digest(row):
                put(["new" if before is None else "changed", *row])
        for key in known:
            put(["gone", "", key, *[""] * (len(header) - 2)])


main(*sys.argv[1:])
