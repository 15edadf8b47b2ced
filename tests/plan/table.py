#!/usr/bin/env python3
"""The tables of roundtrip-cases(7) against the planner: each line becomes a case for run_cases, and is run both ways.

usage: table.py RUN_CASES [PAGE]        prints the cases with --print
"""
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
COLUMNS = ["external", "native", "settings", "to external", "to native", "review"]
ACTIONS = {"none", "insert", "update", "delete", "wait", "review", "exclude"}
FREEZING = {"conflict", "edit-vs-delete", "not-taken"}

BOTH = ["row external x=X1 n=N1 at=1{m} summary=a body=p -> new", "row native n=N1 at=1{m} summary=a body=p -> unchanged"]
BORN = ["row external x=X1 at=1 summary=a body=p -> new"]
SENT = BOTH + ["row external x=X1 at=2 summary=b -> changed", "emit native at=3 handed=3 -> update"]
INSERTED = BORN + ["emit native at=2 handed=2 -> insert"]
# What went before, by heading.
BEFORE = {
    "Both sides had it, nothing was under way": BOTH,
    "Both sides had it, and one does not any more": BOTH,
    "One side had it": BORN,
    "An edit of the external side was handed over to the native side": SENT,
    "A record of the external side was sent to the native side as new": INSERTED,
    "Single trips": BORN + ["emit native at=2 handed=2 -> insert", "row native x=X1 n=N1 at=3 as-sent"],
}
SOON, LATE = 5, 40
# What a side does, as words of a row; None: no row at all.
CELLS = {"same": "", "edit": "summary={side}", "newer": "summary={side}", "same edit": "summary=external", "other edit": "body=q",
         "ours": "as-sent", "ours, other edit": "as-sent body=q", "set back": "summary=a", "late": "",
         "edit, late": "summary={side}", "-": None, "new": None}


def tables(text):
    """(heading, cells by column) of each line of each table."""
    for part in re.split(r"^\.Ss ", text, flags=re.M)[1:]:
        heading = part.split("\n", 1)[0]
        for block in re.findall(r"^\.Bd -literal\n(.*?)^\.Ed", part, re.M | re.S):
            head, *lines = [re.split(r" {2,}", line.strip()) for line in block.splitlines()]
            assert head == COLUMNS, f"{heading}: {head}"
            for line in lines:
                assert len(line) == len(COLUMNS), f"{heading}: {line}"
                yield heading, dict(zip(COLUMNS, line))


def settings(line, heading):
    """ini lines; a key of a side section stands for the side that it is about."""
    if line["settings"] == "-":
        return []
    key, value = line["settings"].split(" = ")
    absent = "native" if line["native"] == "missing" else "external"
    section = {"conflict": "policy", "not_taken": "policy", "deletes": absent, "match": "native", "matches_by": "native",
               "mode": "profile"}[key]
    return ["no flip"] * (key == "mode") + [f"ini {section} {key} = {value}"]


def steps(side, word, times):
    at = LATE if "late" in word else SOON
    who = "x=X1" if side == "external" else "n=N1" + (" x=X1" if word.startswith("ours") else "")
    if word in ("missing", "back"):
        return [f"missing {side}"] + [f"row {side} {who} at={at}"] * (word == "back")
    if word == "deleted":
        return [f"row {side} {who} at={at} deleted"]
    cells = CELLS[word]
    if cells is None:
        return []
    modified = f" modified={3 if word == 'newer' else 2}" if times else ""
    return [f"row {side} {who} at={at}{modified} {cells.format(side=side)}".rstrip()]


def case(number, heading, line):
    times = "newer" in (line["external"], line["native"])
    yield f"case {number}: {heading}: " + ", ".join(f"{c} {line[c]}" for c in COLUMNS[:3])
    yield from settings(line, heading)
    for step in BEFORE[heading]:
        yield step.format(m=" modified=1" if times else "")
    for side in ("external", "native"):
        yield from steps(side, line[side], times)
    for side in ("external", "native"):
        action = line["to " + side]
        assert action in ACTIONS, f"{heading}: {action}"
        yield f"plan {side} at={LATE + 1} -> {action}"
    yield f"frozen {line['review']}" if line["review"] in FREEZING else "free"
    if line["settings"].startswith("mode"):
        yield f"read-only native {'yes' if line['review'] == 'read-only' else 'no'}"


def main():
    args = [a for a in sys.argv[1:] if a != "--print"]
    page = pathlib.Path(args[1] if len(args) > 1 else ROOT / "man/roundtrip-cases.7").read_text()
    kinds = (ROOT / "man/roundtrip-review.1").read_text()
    lines, found = [], list(tables(page))
    assert {heading for heading, _ in found} == set(BEFORE), "headings without a table, or tables without a known heading"
    for number, (heading, line) in enumerate(found, 1):
        assert line["review"] == "-" or f".It Cm {line['review']}\n" in kinds, f"{line['review']}: no kind of review item"
        lines += [*case(number, heading, line), ""]
    if "--print" in sys.argv:
        print("\n".join(lines))
    with tempfile.NamedTemporaryFile("w", suffix=".case") as file:
        file.write("\n".join(lines) + "\n")
        file.flush()
        done = subprocess.run([args[0], file.name], capture_output=True, text=True, check=False)
    print(done.stdout + done.stderr)
    print(f"{len(found)} lines of the tables of roundtrip-cases(7)")
    return done.returncode


sys.exit(main())
