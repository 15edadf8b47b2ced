"""--json of every command: one object on standard output, which fits its schema (examples/json-schema); the page names every member."""
import itertools
import json
import pathlib
import re

import jsonschema
import pytest

from profile import Profile, row

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCHEMAS = ROOT / "examples/json-schema"
PAGE = ROOT / "man/roundtrip-json.7"


def commands(p):
    return re.findall(r"^  (\w+) ", p.run("--help").out, re.M)


def schema(name):
    return json.loads((SCHEMAS / f"{name}.json").read_text())


def one(p, *args, status=0):
    """Run with --json; the object, checked."""
    result = p.run(*args, "--json", status=status)
    assert result.out.count("\n") == 1, result
    told = json.loads(result.out)
    failed = "error" in told
    jsonschema.validate(told, schema("error" if failed else args[0]), cls=jsonschema.Draft202012Validator)
    assert told["command"] == args[0] and told["status"] == result.status
    return told


def life(make):
    """A life with something in every list: each command's objects."""
    told = {}

    def keep(p, *args, status=0):
        told.setdefault(args[0], []).append(one(p, *args, status=status))
        return told[args[0]][-1]

    p = make(resume=False, profile={"name": "acme"})
    p.put("new.csv", "EID,NID,Day\nE1,,2026-11-21\nE2,N2,2026-11-22\n")
    keep(p, "init", "fresh", "--external", "new.csv")
    p.put("pairs.csv", "external_id,native_id\nE8,N8\nE9,N9\n")
    p.put("all.csv", p.text("external", [row("E8"), row("E9", summary="nine")]))
    keep(p, "baseline", "--external", "all.csv")
    keep(p, "resume")
    p.put("today_2026-11-01T0600.csv", p.text("external", [row("E1"), row("E2", summary="other")]))
    keep(p, "fetch", "external", "today_2026-11-01T0600.csv")
    keep(p, "diff")
    keep(p, "emit", "--only", "E1")
    keep(p, "emit", "--only", "E1", status=1)
    keep(p, "status")
    keep(p, "push", "--dry-run")
    keep(p, "push")
    keep(p, "push", "--again", "1")
    p.tick()
    p.drop("native", [row("E1", "N1")])
    keep(p, "run")
    keep(p, "bind", "E2", "N2")
    keep(p, "bind", "pairs.csv")
    keep(p, "bind", "--rekey", "native", "N2", "N3")
    p.tick()
    p.drop("external", [row("E1", "N1", summary="left"), row("E2", "N3", body="more")])
    p.drop("native", [row("E1", "N1", summary="right")])
    p.put("inbox/native/torn_2026-11-03T0600.csv", "NAT_ID,EXT")
    p.run("emit", status=65)
    keep(p, "review")
    keep(p, "review", "show", str(told["review"][0]["items"][0]["item"]))
    keep(p, "show", "E1")
    keep(p, "show", "E2")
    keep(p, "hold", "E1")
    keep(p, "status", "--check", status=2)
    keep(p, "review", "dismiss", "all", "--kind", "refused")
    keep(p, "review", "take", "all", "external", "--kind", "conflict")
    keep(p, "release", "E1")
    p.run("emit")
    keep(p, "withdraw", "3")
    p.sync()
    keep(p, "confirm", "4")
    keep(p, "retry", "4")
    keep(p, "retry", "E1")
    keep(p, "log")
    keep(p, "report", "page.html")
    keep(p, "backup", "copy.db")
    keep(p, "pause", "--reason", "audit")
    (p.path / "state.db").unlink()
    keep(p, "rebuild")
    p.schema[2]["native"] = "HEADLINE"
    p.write()
    keep(p, "check", status=2)
    keep(p, "check", "--accept-schema", "--state", "--connect")
    return p, told


@pytest.fixture(scope="module")
def lived(tmp_path_factory):
    numbers = itertools.count(1)
    folder = tmp_path_factory.mktemp("json")
    return life(lambda **more: Profile(folder / f"profile{next(numbers)}", **more))


def test_every_command_prints_one_object_that_fits_its_schema(lived):
    """Each was checked when it was printed; none is left out."""
    p, told = lived
    assert sorted(told) == sorted(commands(p))


def test_lists_were_not_empty(lived):
    """A schema says nothing about the members of an empty list."""
    _, told = lived
    assert told["push"][0]["handed_over"] and told["emit"][0]["native"]["files"] and told["fetch"][0]["files"]
    assert told["run"][0]["native"]["bound"] == 1 and not told["run"][0]["handed_over"] == []
    assert told["status"][0]["native"]["due"] and told["status"][1]["native"]["in_flight"] and told["status"][1]["review"]
    assert told["show"][0]["review"] and told["show"][0]["story"] and told["show"][0]["native"]["on_its_way"] == []
    assert told["show"][1]["native"]["on_its_way"] and told["review"][0]["items"] and told["log"][0]["runs"]


def test_diff_prints_an_object_a_line(make):
    p = make()
    p.trip(ext=[row("E1")])
    p.tick()
    p.drop("external", [row("E1", summary="changed", body="too"), row("E2", summary="new")])
    lines = p.run("diff", "--format", "json").out.splitlines()
    assert len(lines) == 3
    for line in lines:
        jsonschema.validate(json.loads(line), schema("diff-line"), cls=jsonschema.Draft202012Validator)


@pytest.mark.parametrize("args, status", [(["show", "E9"], 64), (["emit", "--limit", "x"], 64),
                                          (["push", "external", "extra"], 64), (["diff", "native", "absent.csv"], 74),
                                          (["review", "show", "9"], 64), (["emit", "--nonsense"], 64)])
def test_failures_fit_their_schema(p, args, status):
    told = json.loads(p.run(*args, "--json", status=status).out)
    assert told["command"] == args[0]
    jsonschema.validate(told, schema("error"), cls=jsonschema.Draft202012Validator)


def names(tree):
    """The member names of a schema, and of those inside."""
    if isinstance(tree, dict):
        yield from tree.get("properties", {})
        for branch in tree.values():
            yield from names(branch)
    elif isinstance(tree, list):
        for branch in tree:
            yield from names(branch)


def test_the_page_names_every_member_of_every_command(lived):
    page = PAGE.read_text()
    parts = dict(re.findall(r"^\.Ss (\w+)\n(.*?)(?=^\.S[sh] |\Z)", page, re.M | re.S))
    counts = set(re.findall(r"^\.Va (\w+)", parts["Counts"], re.M)) | {"command", "status"}
    for command in commands(lived[0]):
        described = set(re.findall(r"^\.Va (\w+)", parts[command], re.M))
        wanted = set(names(schema(command))) - counts
        assert wanted - described == set(), command
        assert described - counts - set(names(schema(command))) - set(names(schema("diff-line"))) == set(), command
    assert {f.stem for f in SCHEMAS.glob("*.json")} == set(commands(lived[0])) | {"error", "diff-line"}
