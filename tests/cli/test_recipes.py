"""The recipes page and the examples of roundtrip-state(5): their commands are run as they stand there."""
import csv
import datetime
import json
import os
import re
import shutil
import sqlite3

import pytest

import page
from profile import IDS, TEXTS, Profile, field, row

RECIPES = "roundtrip-recipes.7"
STATE = "roundtrip-state.5"


class World:
    """A profile in srv/acme, a folder for backups, and a shell in the profile."""

    def __init__(self, folder, **settings):
        self.folder = folder
        for name in ("srv/extracts", "backup"):
            (folder / name).mkdir(parents=True)
        self.p = Profile(folder / "srv/acme", profile={"name": "acme"}, **settings)
        self.shell = page.Shell(folder, self.p.command(), (("/srv/", f"{folder}/srv/"), ("/srv ", f"{folder}/srv "),
                                                           ("/backup/", f"{folder}/backup/")))
        self.shell.cwd = self.p.path

    def run(self, block, status=0):
        outputs = []
        for command, _ in page.commands(block):
            self.shell.env["ROUNDTRIP_NOW"] = self.p.now.strftime("%Y-%m-%dT%H:%M:%SZ")
            outputs.append(self.shell.run(command, status))
        return outputs


@pytest.fixture
def world(tmp_path):
    return lambda **settings: World(tmp_path, **settings)


def test_the_first_import(world):
    w = world(resume=False, stamp=None)
    rows = [row("", f"N{i}", summary=f"visit {i}") for i in range(200)]
    (w.folder / "srv/extracts/visits.csv").write_text(w.p.text("native", rows))
    one, rest = page.blocks(RECIPES, "THE FIRST IMPORT")
    w.run(one)
    assert [len(f.read_text().splitlines()) for f in sorted((w.p.path / "imports/external").iterdir())] == [2]
    look, emit, push = (command for command, _ in page.commands(rest))
    plan = re.search(r"^plan (\w+)$", w.shell.run(look).stdout, re.M)[1]
    w.shell.run(emit.replace("PLAN", plan))
    w.shell.run(push)
    assert sum(len(f.read_text().splitlines()) - 1 for f in (w.p.path / "imports/external").iterdir()) == 200


def test_every_week_everything(world):
    w = world(external={"transport": "command", "extract": "true", "extract_full": "cat full.csv"})
    w.p.put("full.csv", w.p.text("external", [row("E1")]))
    w.run(page.blocks(RECIPES, "EVERY WEEK, EVERYTHING")[0])
    assert w.p.listing("imports/native")


def lived(w):
    w.p.agree(row("E1", "N1"))
    shutil.copy(w.p.path / "state.db", w.folder / "backup/acme.db")
    w.p.trip(ext=[row("E1", "N1", summary="two")])


def test_after_a_restore_of_the_state(world):
    w = world()
    lived(w)
    for block in page.blocks(RECIPES, "AFTER A RESTORE OF THE STATE"):
        w.run(block)
        assert w.p.emit().nothing


def test_beginning_again(world):
    w = world(stamp=None)
    out, taken = w.folder / "out", w.folder / "taken"
    for folder in (out, taken):
        folder.mkdir()
    w.p.agree(row("E1", "N1"), row("E2", "N2"))
    w.p.trip(ext=[row("E1", "N1", summary="two")])
    for side, name, summary in (("external", "all", "two"), ("native", "visits", "one")):
        (w.folder / f"srv/extracts/{name}.csv").write_text(w.p.text(side, [row("E1", "N1", summary=summary), row("E2", "N2")]))
    w.p.settings["external"]["exports"], w.p.settings["native"]["imports"] = out, taken
    w.p.write()
    oldest = sorted((w.p.path / "archive/in/external").iterdir())[0]
    shutil.copy2(oldest, out / "old.csv")
    oldest.unlink()
    (w.p.path / "state.db").unlink()
    assert "put a backup" in w.p.run("rebuild", status=2).err
    again, onward = page.blocks(RECIPES, "BEGINNING AGAIN")
    w.run(again)
    assert "E1" in (w.shell.cwd / "differs.csv").read_text()
    w.shell.run("roundtrip review take all external --kind first-seen")
    w.run(onward)
    assert [f.read_text().count("two") for f in taken.iterdir()] == [1]


def dated(w, rows, path=None):
    """An extract whose own time counts, an hour later."""
    w.p.tick(1)
    path = path or w.p.path / f"inbox/native/visits-{w.p.now:%d%H}.csv"
    path.write_text(w.p.text("native", [rows, row("", f"N{w.p.now:%d%H}")]))    # never the same bytes
    at = w.p.now.replace(tzinfo=datetime.timezone.utc).timestamp()
    os.utime(path, (at, at))


def test_after_a_restore_of_the_database(world):
    w = world()
    lived(w)
    w.p.settings["native"]["stamp"] = None
    w.p.write()
    dated(w, row("E1", "N1", summary="two"))
    w.p.sync()
    dated(w, row("E1", "N1", summary="two", body="edited here"))
    w.p.sync()
    again, look, then = page.blocks(RECIPES, "AFTER A RESTORE OF THE DATABASE")
    w.p.tick()
    extract = w.folder / "srv/extracts/visits.csv"
    w.run(again)
    assert [n for n in w.p.listing("imports/native") if "-again-" in n]
    dated(w, row("E1", "N1", summary="two"), extract)                           # loaded again; the edit is lost
    w.run(look)
    with open(w.p.path / "back.csv", newline="") as file:
        back = list(csv.DictReader(file))
    assert [(b["field"], b["before"], b["after"]) for b in back if b["change"] == "changed"] == [
        ("body", "edited here", "text")]
    dated(w, row("E1", "N1", summary="two", body="edited here"), extract)
    w.run(then)
    assert not w.p.listing("outbox/native") and "edited here" not in w.p.emit().result.out
    assert "now  text" not in w.p.run("show", "N1").out


def test_the_header_changes(world):
    w = world()
    lived(w)
    new = w.p.text("external", [row("E1", "N1", summary="three")]).replace("Summary", "Headline")
    w.p.tick()
    w.p.drop("external", raw=new.encode(), name="Interactions_2026-11-20.csv")
    w.p.settings["external"]["stamp"] = "*%Y-%m-%d*"
    w.p.write()
    w.p.run("emit", status=65)
    w.shell.tool("editor", "sed -i 's/^summary,Summary,SUMMARY,,/summary,Headline,SUMMARY,Summary,/' \"$1\"")
    first, then = page.blocks(RECIPES, "THE HEADER CHANGES AT EVERTRUE")
    for command, _ in page.commands(first):
        w.shell.env["ROUNDTRIP_NOW"] = w.p.now.strftime("%Y-%m-%dT%H:%M:%SZ")
        w.shell.run(command, 2 if command == "roundtrip check" else 0)
    assert [n for n in w.p.listing("outbox/native")] and not w.p.items()
    w.shell.tool("editor", "sed -i 's/^summary,Headline,SUMMARY,Summary,/summary,Headline,SUMMARY,,/' \"$1\"")
    w.shell.run("editor schema.csv")
    w.run(then)
    w.p.tick()
    w.p.drop("native", [row("E1", "N1", summary="two", body="edited here")])
    w.p.emit()
    w.run("$ roundtrip push external --accept-header\n")
    assert "Headline" in max((w.p.path / "imports/external").iterdir()).read_text()


def test_two_databases(world):
    w = world(schema=IDS + TEXTS + [field("school", "School", "SCHOOL")])
    for name, school in (("north", "North"), ("south", "South")):
        Profile(w.folder / "srv" / name, schema=w.p.schema, profile={"name": name},
                external={"eligible": f"school = '{school}'"}, native={"imports": "imports/native"})
    north, south = (w.folder / "srv" / name for name in ("north", "south"))
    block = page.blocks(RECIPES, "TWO DATABASES")[1].replace("/srv/", f"{w.folder}/srv/")
    ini = (south / "roundtrip.ini").read_text()
    ini = re.sub(r"\[external\].*?(?=\[native\])", block + "stamp = *%Y-%m-%dT%H%M*\nsettle = 0s\n", ini, flags=re.S)
    (south / "roundtrip.ini").write_text(ini)
    rows = [{"x": "E1", "school": "North", "summary": "a"}, {"x": "E2", "school": "South", "summary": "b"}]
    w.p.tick()
    (north / "inbox/external/all_2026-11-02T0600.csv").write_text(w.p.text("external", rows))
    w.run("$ roundtrip -C /srv/south check --accept-schema\n")
    w.run(page.blocks(RECIPES, "TWO DATABASES")[0])
    sent = {name: "".join(f.read_text() for f in (w.folder / "srv" / name / "imports/native").iterdir())
            for name in ("north", "south")}
    assert "E1" in sent["north"] and "E2" not in sent["north"]
    assert "E2" in sent["south"] and "E1" not in sent["south"]


def test_moving_to_another_machine(world):
    w = world()
    lived(w)
    here, there = page.blocks(RECIPES, "MOVING TO ANOTHER MACHINE")
    w.run(here)
    (w.folder / "srv").rename(w.folder / "old")
    (w.folder / "srv").mkdir()
    w.shell.cwd = w.folder
    w.p.tick()
    w.run(there)
    assert w.p.emit().nothing and w.p.run("show", "E1").out.startswith("EverTrue E1, database N1\n")


def test_what_changed_in_other_programs(world):
    w = world()
    w.p.trip(ext=[row("E1"), row("E2", summary="other")])
    w.p.tick()
    w.p.drop("external", [row("E1", summary="=1+2", body="new"), row("E2", summary="left", body="text")])
    w.p.drop("native", [row("E2", "N2", summary="right")])
    jq, ids, miller, sheet = page.blocks(RECIPES, "WHAT CHANGED, IN OTHER PROGRAMS")
    assert {c["field"]: c["changes"] for c in json.loads(w.run(jq)[0].stdout)} == {"summary": 3, "body": 1}
    assert w.run(ids)[0].stdout.startswith("E1\t\tpending insert")
    table, lines = (o.stdout for o in w.run(miller))
    assert re.search(r"^external +changed +3$", table, re.M) and "before    one" not in table
    assert "native_id" in lines and "=1+2" in lines
    w.run(sheet)
    with open(w.p.path / "changes.csv", newline="") as file:
        assert "'=1+2" in [line["after"] for line in csv.DictReader(file)]
    assert (w.p.path / "review.csv").read_text().startswith("item,version,kind,")


# -- roundtrip-state(5) ----------------------------------------------------------------------------------------------
def state_examples():
    return page.blocks(STATE, "EXAMPLES")


@pytest.fixture(scope="module")
def state(tmp_path_factory):
    w = World(tmp_path_factory.mktemp("state"))
    w.p.trip(ext=[row("123"), row("E2", summary="other"), row("E3", summary="third")])
    w.p.trip(nat=[row("123", "ABC"), row("E2", "N2", summary="other")])
    w.p.trip(ext=[row("123", "ABC", summary="left")], nat=[row("123", "ABC", summary="right"), row("E2", "N2", body="more")])
    w.p.run("hold", "E2")
    w.p.trip(ext=[row("E3", summary="third", body="late")], nat=[row("", "N9", summary="theirs")])
    return w


@pytest.mark.parametrize("number", range(len(state_examples())))
def test_the_queries_of_the_state_page_run_and_find_something(state, number):
    block = state_examples()[number]
    if block.startswith("$ "):
        state.run(block)
        assert (state.p.path / "pairs.csv").read_text() == "external_id,native_id\n123,ABC\nE2,N2\n"
        return
    db = sqlite3.connect(f"file:{state.p.path}/state.db?mode=ro", uri=True)
    start = int(datetime.datetime(2026, 1, 1).timestamp())
    rows = db.execute(block.replace("unixepoch('2026-01-01')", str(start))).fetchall()
    assert rows, block


def test_the_state_page_names_every_table(state):
    db = sqlite3.connect(f"file:{state.p.path}/state.db?mode=ro", uri=True)
    tables = {name for name, in db.execute("SELECT name FROM sqlite_schema WHERE type IN ('table', 'view')")}
    tables = {name for name in tables if not name.startswith("sqlite_")}
    described = {name for line in re.findall(r"^\.It Sy (.+)", page.section(STATE, "TABLES"), re.M) for name in line.split(" , ")}
    assert described == tables


def test_the_state_page_names_every_column(state):
    db = sqlite3.connect(f"file:{state.p.path}/state.db?mode=ro", uri=True)
    parts = dict(re.findall(r"^\.It Sy (\w+)\n(.*?)(?=^\.It Sy |\Z)", page.section(STATE, "TABLES"), re.M | re.S))
    missing = []
    for table, text in parts.items():
        words = set(re.findall(r"\w+", text))
        for _, column, *_ in db.execute(f"PRAGMA table_info({table})"):
            ends = {column, re.sub(r"^(external|native)_", "", column)} if table == "record" else {column}
            if not words & ends:
                missing.append(f"{table}.{column}")
    assert not missing, " ".join(missing)
