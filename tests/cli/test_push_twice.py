"""A hand-over that seemed to fail may have done its work: what the other side holds by now is not made there once more.
A look at the other end decides; where there is none to be had, a person does."""
import json

import pytest

from profile import only, pick, row

LATE = 'cat "$1" >> loaded; exit 1'     # it does its work, and dies
FINE = 'cat "$1" >> loaded'


def loader(make, load, **native):
    return make(native={"transport": "command", "imports": None, "load": load, **native})


def turn(p, side="native", **settings):
    p.settings[side].update(settings)
    p.write()


def loaded(p):
    return (p.path / "loaded").read_text()


def pushed_late(make, **native):
    p = loader(make, LATE, **native)
    p.drop("external", [row("E1"), row("E2", summary="other")])
    assert "ended with status 1" in p.run("run", status=69).err
    turn(p, load=FINE)
    p.tick()
    return p


def test_what_a_load_that_died_late_has_made_is_not_made_again(make):
    p = pushed_late(make)
    p.drop("native", [row("E1", "N1")])
    told = p.run("run", status=2).err
    assert "database: row 1 of delta 000001 is there already, as N1, and would be made once more: roundtrip withdraw 000001" in told
    assert p.run("-q", "push", status=2).err.count("\n") == 1 and loaded(p).count("E1") == 1
    p.run("withdraw", "1")
    assert [r["x"] for r in p.sync().native] == ["E2"] and loaded(p).count("E1") == 1
    assert not p.files_under("outbox") and not p.items()


def test_what_a_load_that_died_late_may_have_made_is_asked_about_first(make):
    p = pushed_late(make, store_ids="no")
    p.drop("native", [row("", "N1")])
    told = p.run("run", status=2).err
    assert "row 1 of delta 000001 may be there, without its ID" in told and "review list --kind suspected" in told
    assert "may be there" in p.run("push", "--dry-run").err and "may be there" in p.run("emit").err
    p.decide("accept", "suspected")
    assert "as N1" in p.run("push", status=2).err
    p.run("withdraw", "1")
    assert [r["x"] for r in p.sync().native] == ["E2"] and loaded(p).count("E1") == 1


def test_what_is_another_interaction_holds_nothing_back(make):
    p = pushed_late(make, store_ids="no")
    p.drop("native", [row("", "N1")])
    p.run("emit")
    p.run("push", status=2)
    p.decide("dismiss", "suspected")
    p.run("push")
    assert loaded(p).count("E1") == 2


def test_what_a_withdrawn_delta_has_made_is_asked_about_when_it_is_shown(make):
    p = loader(make, LATE, store_ids="no")
    p.drop("external", [row("E1")])
    p.run("run", status=69)
    p.run("withdraw", "1")
    turn(p, load=FINE)
    p.tick()
    p.drop("native", [row("", "N1")])
    assert p.sync().nothing and len(p.items("suspected")) == 1 and loaded(p).count("E1") == 1


def test_what_push_says_to_withdraw_is_withdrawn_though_later_deltas_update_it(make):
    """Of each of these withdraw said to withdraw that one first, though nothing is taken from under it."""
    p = loader(make, FINE)
    p.drop("external", [row("E1"), row("E2", summary="other")])
    p.emit()
    for summary in "two", "three":
        p.tick()
        p.drop("native", [row("E1", "N1")])
        p.drop("external", [row("E1", summary=summary)])
        p.emit()
    assert "roundtrip withdraw 000001" in p.run("push", status=2).err
    p.run("withdraw", "1")
    p.sync()
    assert [line.split(",")[:3] for line in loaded(p).splitlines() if line[0] == "E" and "_" not in line] == [
        ["E1", "N1", "two"], ["E1", "N1", "three"], ["E2", "", "other"]]


@pytest.mark.parametrize("conflict", ["review", "native"])
@pytest.mark.parametrize("is_new", [True, False])
def test_what_a_load_that_died_late_has_put_there_is_no_edit_of_that_side(make, conflict, is_new):
    """The newer edit of the other side was asked about as a conflict, or lost it."""
    p = loader(make, FINE)
    p.settings["policy"]["conflict"] = conflict
    p.drop("external", [row("E1")])
    if not is_new:
        p.sync()
        p.tick()
        p.drop("native", [row("E1", "N1")])
        p.sync()
        p.tick()
        p.drop("external", [row("E1", "N1", summary="two")])
    turn(p, load=LATE)
    p.run("run", status=69)
    turn(p, load=FINE)
    p.tick()
    p.drop("external", [row("E1", summary="three")])
    p.drop("native", [row("E1", "N1", summary="one" if is_new else "two")])
    assert "1 echo" in p.run("emit").err and not p.items()
    p.run("push")
    assert loaded(p).splitlines()[-1].split(",")[2] == "three"
    p.tick()
    p.drop("native", [row("E1", "N1", summary="three")])
    assert p.sync().nothing and not p.items()


def test_an_edit_of_what_waits_in_the_outbox_is_a_conflict(p):
    """Nothing of the delta is there but a value that a person may have written."""
    p.trip(ext=[row("E1", "N1")])
    p.trip(nat=[row("E1", "N1")])
    p.tick()
    p.drop("external", [row("E1", "N1", summary="two", body="more")])
    p.emit()
    p.tick()
    p.drop("external", [row("E1", "N1", summary="three", body="more")])
    p.drop("native", [row("E1", "N1", summary="two")])
    assert "1 conflict" in p.run("emit").err


@pytest.mark.parametrize("body", ["text", "theirs"])
def test_what_is_there_and_to_be_deleted_is_not_made_again(make, body):
    """The delete behind the insert takes one row away: the other one stayed."""
    p = make(external={"content": "snapshot", "deletes": "propagate"}, policy={"max_deletes": "9"},
             native={"transport": "command", "imports": None, "load": LATE, "action_column": "ACTION"})
    p.drop("external", [row("E1"), row("E2", summary="other")])
    p.run("run", status=69)
    turn(p, load=FINE)
    p.tick()
    p.drop("native", [row("E1", "N1"), row("E2", "N2", summary="other", body=body)])
    p.emit()
    p.tick()
    p.drop("external", [row("E2", summary="other", body=body)])
    p.emit()
    if body == "theirs":
        assert "roundtrip withdraw 000001" in p.run("push", status=2).err
        p.run("withdraw", "1")
    p.run("push")
    assert loaded(p).count("insert") == 2 and loaded(p).count("delete") == 1


def test_a_loader_that_finds_rows_by_either_id_gets_them_again(make):
    p = pushed_late(make, matches_by="either-id")
    p.drop("native", [row("E1", "N1")])
    assert "inserts" not in p.run("run").err and loaded(p).count("E1") == 2


def test_what_is_shown_whole_was_handed_over(make):
    """From then on it is as if load had ended well: the next edit goes out as an update, once."""
    p = pushed_late(make)
    p.drop("native", [row("E1", "N1"), row("E2", "N2", summary="other")])
    assert "outbox" not in p.run("emit").err
    told = p.run("run")
    assert told.out == only(p.listing("archive/out/native")) + "\n" and "database shows all of trip-native-" in told.err
    assert loaded(p).count("E1") == 1 and not p.files_under("outbox")
    p.tick()
    p.drop("native", [row("E1", "N1"), row("E2", "N2", summary="other")])
    assert p.emit().nothing and "in flight" not in p.run("status").out
    assert [pick(r, "x", "n", "summary") for r in p.trip(ext=[row("E1", summary="two")]).native] == [("E1", "N1", "two")]
    p.trip(nat=[row("E1", "N1", summary="two"), row("E2", "N2", summary="other")])
    p.tick(96)
    assert not p.items() and p.emit().nothing


def test_what_was_shown_whole_is_not_awaited(make):
    """A side that sends changes shows it once: it was overdue after three days."""
    p = pushed_late(make)
    p.drop("native", [row("E1", "N1"), row("E2", "N2", summary="other")])
    p.run("run")
    assert "in flight" not in p.run("status").out
    p.tick(96)
    assert p.emit().nothing and not p.items()


@pytest.mark.parametrize("shown", [row("E1", "N1", body="theirs"), row("", "N1")])
def test_what_is_not_shown_whole_is_for_a_person(make, shown):
    """Somebody has edited it there since; or its row went there by another way, and lacks the ID that was sent."""
    p = make(native={"transport": "command", "imports": None, "load": LATE, "store_ids": "yes"})
    p.drop("external", [row("E1")])
    p.run("run", status=69)
    turn(p, load=FINE)
    p.run("bind", "E1", "N1")
    p.tick()
    p.drop("native", [shown])
    assert "as N1" in p.run("run", status=2).err
    p.run("withdraw", "1")
    p.sync()
    assert loaded(p).count("N1") == (shown["x"] == "")


def test_a_part_that_is_shown_whole_is_no_reason_to_withdraw_its_delta(make):
    p = pushed_late(make, batch_rows="1")
    p.drop("native", [row("E1", "N1")])
    assert "outbox" not in p.run("emit").err and "outbox" not in p.run("push", "--dry-run").err
    p.run("push")
    assert [loaded(p).count(x) for x in ("E1", "E2")] == [1, 1] and not p.files_under("outbox")


def test_what_is_shown_whole_of_a_delta_in_parts_was_handed_over(make):
    p = loader(make, 'cat "$1" >> loaded; ! grep -q E2 "$1"', batch_rows="1")
    p.drop("external", [row("E1"), row("E2", summary="other"), row("E3", summary="third")])
    p.run("run", status=69)
    turn(p, load=FINE)
    p.tick()
    p.drop("native", [row("E1", "N1"), row("E2", "N2", summary="other")])
    assert p.run("run").out.count("\n") == 2
    assert [loaded(p).count(x) for x in ("E1", "E2", "E3")] == [1, 1, 1] and not p.files_under("outbox")


def test_the_rest_of_what_was_handed_over_in_part_goes_on_with_a_warning(make):
    """It can't be taken back: to stop would be for good."""
    p = loader(make, 'cat "$1" >> loaded; ! grep -q E3 "$1"', batch_rows="2")
    p.drop("external", [row(f"E{i}", summary=f"{i}") for i in range(1, 5)])
    p.run("run", status=69)
    turn(p, load=FINE)
    p.tick()
    p.drop("native", [row("E1", "N1", summary="1"), row("E2", "N2", summary="2"), row("E3", "N3", summary="3")])
    assert "in part, and the rest inserts 1 record that database holds: look there for what is twice" in p.run("run").err
    assert loaded(p).count("E3") == 2 and not p.files_under("outbox")


def test_what_may_be_there_of_the_rest_is_asked_about(make):
    p = loader(make, 'cat "$1" >> loaded; ! grep -q E2 "$1"', batch_rows="1")
    p.drop("external", [row("E1"), row("E2", summary="other")])
    p.run("run", status=69)
    turn(p, load=FINE)
    p.tick()
    p.drop("native", [row("", "N2", summary="other")])
    assert "row 2 of delta 000001 may be there" in p.run("run", status=2).err
    p.decide("accept", "suspected")
    assert "shows all of" in p.run("push").err
    assert loaded(p).count("E2") == 1 and not p.files_under("outbox")


def test_a_pair_that_a_person_tells_while_its_insert_waits_holds_that_back(make):
    """The platform goes by either ID, but nobody has seen that it knows the other one of this row."""
    p = make()
    p.drop("native", [row(n="N1")])
    p.emit()
    p.run("bind", "E1", "N1")
    assert "row 1 of delta 000001 is there already, as E1" in p.run("push", status=2).err and not p.listing("imports/external")


def late(p):
    """A row written as new that an extract shows before its file is handed over, as far as the state knows."""
    p.drop("external", [row("E1"), row("E2", summary="other")])
    delta = only(p.emit())
    p.tick()
    p.drop("native", [row("E1", "N1")])
    p.emit()
    return delta


@pytest.mark.parametrize("upload", ["rename", "direct", "done-file", "folder:parts"])
def test_a_file_that_is_there_was_handed_over(p, upload):
    (p.path / "parts").mkdir()
    turn(p, upload=upload)
    delta = late(p)
    p.put(f"imports/native/{delta.name}", delta.raw)
    assert p.run("push").out == delta.name + "\n"
    assert [n for n in p.listing("imports/native") if not n.endswith(".done")] == [delta.name]
    assert p.run("push").out == "" and not p.files_under("outbox") and p.emit().nothing


def test_a_file_that_is_not_there_any_more_is_not_handed_over_again(p):
    late(p)
    assert "row 1 of delta 000001 is there already, as N1" in p.run("push", status=2).err
    assert not p.listing("imports/native")
    p.run("withdraw", "1")
    assert [r["x"] for r in p.emit().native] == ["E2"] and not p.items()


def test_a_file_that_the_other_end_took_before_that_was_noted_is_not_uploaded_again(p):
    p.drop("external", [row("E1"), row("E2", summary="other")])
    delta = only(p.emit())
    p.tick()
    p.drop("native", [row("E1", "N1"), row("E2", "N2", summary="other")])
    assert p.run("run").out == delta.name + "\n"
    assert not p.listing("imports/native") and p.listing("archive/out/native") == [delta.name]


def test_all_files_are_looked_at_before_the_first_is_handed_over(make):
    p = make(native={"batch_rows": "1"})
    p.drop("external", [row("E1"), row("E2", summary="other")])
    first, second = p.emit()
    p.tick()
    p.drop("native", [row("E2", "N2", summary="other", body="theirs")])
    p.run("emit", "--to", "native")
    assert "row 2 of delta 000001" in p.run("push", "native", status=2).err and not p.listing("imports/native")
    p.put(f"imports/native/{second.name}", second.raw)
    p.run("push", "native")
    assert p.listing("imports/native") == sorted([first.name, second.name])


def test_a_dry_run_tells_of_it(p):
    delta = late(p)
    told = p.run("push", "--dry-run")
    assert told.out == delta.name + "\n" and "still inserts 1 record that database holds: roundtrip withdraw 000001" in told.err


@pytest.mark.parametrize("shown, stops", [("E1", True), ("", True), (None, False)])
def test_status_tells_of_a_delta_that_push_does_not_hand_over(make, shown, stops):
    p = pushed_late(make, store_ids="no")
    if shown is not None:
        p.drop("native", [row(shown, "N1")])
    p.run("emit")
    assert ("push stops at delta 000001" in p.run("status").out) == stops
    assert json.loads(p.run("status", "--json").out)["native"]["push_stops_at"] == (1 if stops else None)
    line = p.run("status", "--check", status=2 if stops else 0).out
    assert ("CRITICAL" in line and "database: push stops at delta 000001" in line) == stops


def test_status_tells_of_a_delta_with_another_header_than_the_one_that_is_locked(pair):
    pair.tick()
    pair.drop("external", [row("E1", "N1", summary="two")])
    pair.emit()
    assert "stops" not in pair.run("status").out
    pair.settings["native"]["action_column"] = "ACTION"
    pair.write()
    pair.run("push", "--accept-header", status=2)
    assert "push stops at delta 000002" in pair.run("status", "--check", status=2).out
    pair.run("withdraw", "2")
    assert pair.run("status", "--check").out.startswith("ROUNDTRIP OK")
