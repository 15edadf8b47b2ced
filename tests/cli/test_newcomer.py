"""README alone: somebody with an export and an extract of their own, columns in any order, gets a first delta with both IDs.

The commands are those of README.md, as they stand there; what a person does beside them is in `complete`.  Prints them (pytest -s).
"""
import csv
import pathlib
import random
import re
import time

import page
from profile import Profile

ROOT = pathlib.Path(__file__).resolve().parents[2]
DAYS = ROOT / "fixtures/evertrue"


def shuffled(sources, path, seed):
    """The files one behind the other, under one header, with their columns in another order."""
    rows = []
    for source in sources:
        with open(source, newline="") as file:
            rows += list(csv.reader(file))[bool(rows):]
    order = list(range(len(rows[0])))
    random.Random(seed).shuffle(order)
    with open(path, "w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([r[i] for i in order] for r in rows)


def day(number, side):
    return next((DAYS / f"day{number}/{side}").iterdir())


def steps():
    """The commands of each step of README's own profile, but for cron and the report."""
    text = (ROOT / "README.md").read_text()
    text = text[text.index("## A profile of your own"):text.index("6. Hand it over to cron")]
    return re.findall(r"^       ((?:roundtrip|cd) .*)$", text, re.M)


def complete(folder, said):
    """Step 2: what init says is still to be done."""
    left = re.search(r"still to be done: (\S+): add a line for each of these codes: (.*)", said)
    with open(folder / left[1], "a") as file:
        file.writelines(f"{code.capitalize()},{code}\n" for code in left[2].split(", "))


def test_a_first_delta_from_readme_alone(tmp_path):
    shuffled([day(1, "external"), day(2, "external")], tmp_path / "export.csv", 1)
    shuffled([day(2, "native")], tmp_path / "visits.csv", 2)
    shell = page.Shell(tmp_path, Profile.command(None))
    started, typed = time.monotonic(), []
    for command in steps():
        if "today" in command and not (tmp_path / "export-today.csv").exists():
            time.sleep(1.1)                 # their own time must be later than that of the files before
            shuffled([day(3, "external")], tmp_path / "export-today.csv", 1)
            shuffled([day(3, "native")], tmp_path / "visits-today.csv", 2)
        done = shell.run(command)
        typed.append(command)
        if command.startswith("roundtrip init"):
            complete(tmp_path, done.stderr)
    print("\n$ " + "\n$ ".join(typed), f"\n{len(typed)} commands, {time.monotonic() - started:.1f} s of machine time")
    delta = list((tmp_path / "acme/outbox/external").iterdir())
    assert len(delta) == 1 and ".interactions." in delta[0].name
    with open(delta[0], newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(r["InteractionEverTrueID"], r["InteractionImportID"]) for r in rows] == [("123", "ABC")]
    assert rows[0]["Description"].endswith("Will pledge in the spring, for the new boathouse.")
    assert (rows[0]["Date"], rows[0]["Substantive"], rows[0]["InteractionType"]) == ("11/16/2026", "Yes", "Visit")


def test_readme_names_no_command_that_is_not_there():
    shell_words = set(re.findall(r"roundtrip (?:-\w+ (?:\S+ )?)*([a-z]+)\b", (ROOT / "README.md").read_text()))
    known = set(re.findall(r"rt_cmd_(\w+),", (ROOT / "cmd/main.c").read_text()))
    assert known and shell_words - known <= {"proposes", "in", "and"}, shell_words - known
