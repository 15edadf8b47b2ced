"""R14: every row is exactly one of twelve things, and the numbers add up."""
import json

import pytest

from profile import SCHEMA, WORDS, field, row

NUMBERED = SCHEMA + [field("amount", type="number")]


def word(p, external_id=None, native_id=None):
    """The words that diff gives to one record; rows that ask for nothing may be left out."""
    return {line["change"] for line in p.diff() if (external_id and line["external_id"] == external_id)
            or (native_id and line["native_id"] == native_id)}


def test_new(p):
    p.drop("external", [row("E1")])
    assert word(p, "E1") == {"new"}


def test_changed_has_one_line_a_field(pair):
    pair.tick()
    pair.drop("external", [row("E1", "N1", summary="two", body="more")])
    lines = [line for line in pair.diff() if line["change"] == "changed"]
    assert [(x["side"], x["field"], x["before"], x["after"], x["native_action"]) for x in lines] == [
        ("external", "summary", "one", "two", "update"), ("external", "body", "text", "more", "update")]


def test_unchanged(pair):
    pair.tick()
    pair.drop("external", [row("E1", "N1")])
    assert word(pair, "E1") <= {"unchanged", "echo"}


def test_echo(pair):
    pair.trip(ext=[row("E1", "N1", summary="two")])
    pair.tick()
    pair.drop("native", [row("E1", "N1", summary="two")])
    assert word(pair, "E1") <= {"echo"}


def test_local(pair):
    pair.tick()
    pair.drop("native", [row("E1", "N1", email="local@example.org")])
    assert word(pair, "E1") == {"local"}


def test_conflict(pair):
    pair.tick()
    pair.drop("external", [row("E1", "N1", summary="left")])
    pair.drop("native", [row("E1", "N1", summary="right")])
    assert "conflict" in word(pair, "E1")


def test_stale(pair):
    older = pair.now
    pair.trip(ext=[row("E1", "N1", summary="two")])
    pair.drop("external", [row("E1", "N1", summary="old")], at=older)
    assert word(pair, "E1") <= {"stale"}


def test_repeated(pair):
    pair.tick()
    pair.drop("external", [row("E1", "N1", summary="two"), row("E1", "N1", summary="three")])
    assert word(pair, "E1") == {"repeated"}


def test_rejected(make):
    p = make(schema=NUMBERED)
    p.drop("external", [row("E1", amount="much")])
    assert word(p, "E1") <= {"rejected"}


def test_excluded(make):
    p = make(external={"eligible": "summary = 'wanted'"})
    p.drop("external", [row("E1", summary="unwanted")])
    assert word(p, "E1") <= {"excluded"} and p.emit().nothing


def test_clash(pair):
    pair.tick()
    pair.drop("native", [row("E1", "N2")])
    assert "clash" in {line["change"] for line in pair.diff()}


@pytest.mark.later
def test_suspected(p):
    p.trip(ext=[row("E1")])
    p.tick()
    p.drop("native", [row(n="N1")])
    assert word(p, native_id="N1") == {"suspected"}


def test_due_names_a_record_of_no_file(p):
    p.drop("external", [row("E1"), row("E2")])
    p.emit("--only", "E1")
    lines = [line for line in p.diff() if line["external_id"] == "E2"]
    assert [(x["change"], x["native_action"]) for x in lines] == [("due", "insert")]


def counts(value):
    """Every JSON object inside that counts by the words of R14."""
    if isinstance(value, dict):
        found = {w: value[w] for w in WORDS if isinstance(value.get(w), int)}
        return ([found] if found else []) + [c for v in value.values() for c in counts(v)]
    return [c for v in value for c in counts(v)] if isinstance(value, list) else []


def test_the_numbers_of_a_run_add_up(make):
    p = make(schema=NUMBERED).agree(row("E1", "N1", amount="1"), row("E2", "N2", amount="2"),
                                    row("E3", "N3", amount="3"))
    p.tick()
    p.drop("external", [row("E1", "N1", summary="two", amount="1"), row("E2", "N2", amount="2"),
                        row("E3", "N3", amount="x"), row("E4", amount="4"), row("E5", amount="5")])
    document = json.loads(p.run("emit", "--json").out)
    assert isinstance(document, dict)
    assert 5 in [sum(c.values()) for c in counts(document)], document


@pytest.mark.parametrize("path", ["lookup", "digest", "keys"])
def test_unchanged_rows_of_held_and_frozen_records_are_marked_too(make, path):
    """They were not, where the row was recognised by its digest: the marks were those of records with news alone."""
    p = make(native={"content": "snapshot"}).agree(*(row(f"E{i}", f"N{i}") for i in range(1, 5)))
    p.always["ROUNDTRIP_PATH"] = path
    p.trip(nat=[row(f"E{i}", f"N{i}") for i in range(1, 5)])
    p.run("hold", "N1")
    p.trip(ext=[row("E2", "N2", summary="left"), row("E3", "N3")], nat=[
        row("E1", "N1"), row("E2", "N2", summary="right"), row("E3", "N3"), row("E4", "N4")])
    for _ in range(3):
        p.tick()
        p.drop("native", [row("E1", "N1"), row("E2", "N2", summary="right"), row("E3", "N3"), row("E4", "N4")])
        p.drop("external", [row("E1", "N1"), row("E2", "N2", summary="left")])
        told = json.loads(p.run("emit", "--json").out)
        for side in ("external", "native"):
            count = told[side]["in"]
            assert (count["unchanged"], count["held"], count["frozen"]) == (count["rows"], 1, 1), (side, count)
    p.run("release", "N1")
    p.decide("take", "conflict", "external")
    p.sync()
    p.trip(nat=[row("E1", "N1"), row("E2", "N2", summary="left"), row("E3", "N3"), row("E4", "N4")])
    p.tick()
    p.drop("native", [row("E1", "N1"), row("E2", "N2", summary="left"), row("E3", "N3"), row("E4", "N4")])
    count = json.loads(p.run("emit", "--json").out)["native"]["in"]
    assert (count["unchanged"], count["held"], count["frozen"]) == (4, 0, 0)


def test_log_keeps_the_runs(pair):
    assert len(pair.run("log").out.splitlines()) >= 2
    later = pair.run("log", "--since", "2030-01-01T00:00:00Z").out
    assert len(later) < len(pair.run("log").out)
