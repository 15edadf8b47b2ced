"""R10: absence, in files of changes and in snapshots."""
import datetime

import pytest

import rebuilt
from profile import SCHEMA, field, only, pick, row

pytestmark = pytest.mark.later
ONE, TWO = row("E1", "N1"), row("E2", "N2", summary="other")


def snapshots(make, deletes, more=None, **native):
    p = make(external={"content": "snapshot", "deletes": deletes}, native={"action_column": "Action", **native},
             policy={"max_deletes": "5", **(more or {})})
    return p.agree(ONE, TWO)


def test_absence_from_a_file_of_changes_means_nothing(p):
    p.agree(ONE, TWO)
    assert p.trip(ext=[ONE]).nothing
    assert p.trip(ext=[]).nothing


def test_ignore_sends_nothing_to_the_other_side(make):
    assert snapshots(make, "ignore").trip(ext=[ONE]).nothing


@pytest.mark.parametrize("deletes", ["ignore", "review", "propagate"])
@pytest.mark.parametrize("cells", [{"summary": "edited"}, {"email": "edited@example.org"}])
@pytest.mark.parametrize("gone, edited", [(2, 1), (1, 2)])
def test_edit_that_has_not_gone_to_the_side_that_lacks_the_record_is_edit_vs_delete(make, deletes, cells, gone, edited):
    p = make(native={"content": "snapshot", "deletes": deletes}, external={"action_column": "Action"},
             policy={"max_deletes": "5"}).agree(ONE, TWO)
    p.tick()
    p.drop("external", [{**ONE, **cells}], at=p.now - datetime.timedelta(hours=edited))
    p.drop("native", [TWO], at=p.now - datetime.timedelta(hours=gone))
    assert p.sync().nothing and only(p.items())["kind"] == "edit-vs-delete"


@pytest.mark.parametrize("gone, shown", [(2, 1), (1, 2)])
def test_first_look_at_what_only_flows_from_there_is_no_edit_against_a_delete(make, gone, shown):
    """The insert has no cell for it here, and the side that deleted it held none either."""
    p = make(native={"content": "snapshot", "deletes": "propagate"}, external={"action_column": "Action"}, policy={"max_deletes": "5"})
    p.trip(nat=[row("", "N1", email=""), row("", "N2", email="")])
    p.tick()
    p.drop("external", [row("E1", "N1", email="")], at=p.now - datetime.timedelta(hours=shown))
    p.drop("native", [row("", "N2", email="")], at=p.now - datetime.timedelta(hours=gone))
    assert only(p.sync().external)["Action"] == "delete" and not p.items()


def test_missing_record_is_not_sent_to_the_side_that_lacks_it(make):
    p = snapshots(make, "ignore")
    p.trip(ext=[ONE])
    assert not p.trip(nat=[{**TWO, "body": "more"}]).external


def test_a_later_row_brings_it_back(make):
    p = snapshots(make, "ignore")
    p.trip(ext=[ONE])
    assert p.trip(ext=[ONE, TWO]).nothing
    assert only(p.trip(nat=[{**TWO, "body": "more"}]).external)["x"] == "E2"


@pytest.mark.parametrize("deletes", ("ignore", "review", "propagate"))
def test_a_row_of_an_older_file_does_not_bring_it_back(make, deletes):
    p = snapshots(make, deletes)
    p.tick()
    older = p.now
    first = p.trip(ext=[ONE])
    assert bool(first.native) == (deletes == "propagate")
    items = p.items()
    p.drop("external", [ONE, TWO], at=older)
    assert p.sync().nothing and p.items() == items
    assert f"missing      EverTrue, {p.now:%Y-%m-%dT%H}" in p.run("show", "E2").out
    p.drop("native", [{**TWO, "body": "more"}])
    assert not p.sync().external


def test_propagate_writes_a_delete(make):
    sent = only(snapshots(make, "propagate").trip(ext=[ONE]).native)
    assert pick(sent, "x", "n", "Action") == ("E2", "N2", "delete")


def test_propagated_delete_is_written_once(make):
    p = snapshots(make, "propagate")
    assert p.trip(ext=[ONE]).native
    assert p.trip(ext=[ONE]).nothing


@pytest.mark.parametrize("command", (["retry", "E2"], ["retry", "3"]))
def test_retry_writes_the_delete_again(make, command):
    p = snapshots(make, "propagate")
    assert only(p.trip(ext=[ONE]).native)["Action"] == "delete"
    number = p.listing("archive/out/native")[-1].split(".")[0].split("-")[-1]
    assert p.run(*command[:-1], command[-1] if command[-1] == "E2" else number).out.startswith("1 row")
    assert only(p.sync().native)["Action"] == "delete"


def test_withdrawn_delete_is_written_again(make):
    p = snapshots(make, "propagate")
    p.tick()
    p.drop("external", [ONE])
    first = p.emit()
    assert only(first.native)["Action"] == "delete" and p.emit().nothing
    p.run("withdraw", first[0].name.split(".")[0].split("-")[-1])
    assert only(p.sync().native)["Action"] == "delete"


@pytest.mark.parametrize("setting", ({"eligible": "body <> 'no'"}, {"match": "insert-only"}))
def test_no_delete_goes_to_a_side_that_is_to_get_nothing_of_it(make, setting):
    p = snapshots(make, "propagate", **setting)
    if "eligible" in setting:
        assert p.trip(nat=[ONE, {**TWO, "body": "no"}]).nothing
    assert p.trip(ext=[ONE]).nothing
    assert "to database: exclude:" in p.run("show", "E2").out


def test_a_delete_waits_for_the_loop_window(make):
    p = snapshots(make, "propagate", {"loop_window": "48h"})
    p.tick()
    assert p.trip(nat=[ONE, {**TWO, "body": "more"}]).external
    assert p.trip(ext=[ONE, {**TWO, "body": "more"}], hours=12).nothing
    assert p.trip(ext=[ONE], hours=12).nothing
    assert "to database: wait: loop window" in p.run("show", "E2").out
    assert only(p.trip(hours=24).native)["Action"] == "delete"


@pytest.mark.parametrize("hours, items", ((-2, []), (2, []), (11, []), (13, ["edit-vs-delete"])))
def test_delete_that_is_not_seen_to_be_done_is_not_written_again(make, hours, items):
    p = snapshots(make, "propagate")
    assert only(p.trip(ext=[ONE]).native)["Action"] == "delete"
    stamp = p.now + datetime.timedelta(hours=hours)
    p.tick(14)
    p.drop("native", [ONE, TWO], at=stamp)
    assert p.sync().nothing
    assert [i["kind"] for i in p.items()] == items
    if items:
        p.decide("dismiss", "edit-vs-delete")
        assert only(p.sync().native)["Action"] == "delete"


@pytest.fixture
def back(make):
    """E2 was not in one snapshot, so its delete was written; the next snapshot shows it again."""
    p = snapshots(make, "propagate")
    p.settings["external"]["action_column"] = "Action"
    p.write()
    assert only(p.trip(ext=[ONE]).native)["Action"] == "delete"
    assert p.trip(ext=[ONE, TWO], hours=1).nothing
    assert len(p.items("edit-vs-delete")) == 1
    return p


@pytest.mark.parametrize("policy", [{}, {"not_taken": "resend"}])
def test_import_lag_of_a_delete_counts_from_when_others_took_it(make, policy):
    p = make(imports=False, external={"action_column": "Action"}, native={"content": "snapshot", "deletes": "propagate"},
             policy={"max_deletes": "1", **policy})
    p.agree(ONE, TWO)
    p.tick()
    p.drop("native", [TWO])
    p.emit()
    p.tick()
    p.push()                                    # written yesterday, taken now
    p.tick(1)
    p.drop("external", [ONE, TWO])
    assert p.emit().nothing and not p.items()
    p.tick(12)
    p.drop("external", [ONE, TWO])
    assert p.emit().external if policy else p.emit().nothing and p.items("edit-vs-delete")


@pytest.mark.review
def test_what_comes_back_after_its_delete_is_not_deleted_in_turn(back):
    back.decide("accept", "edit-vs-delete")
    assert pick(only(back.sync().native), "x", "n", "Action") == ("E2", "", "insert")
    assert back.trip(nat=[ONE, {**TWO, "n": "N7"}], hours=1).nothing and not back.items()


@pytest.mark.review
def test_what_is_inserted_again_in_a_single_trip_is_inserted_whole(make):
    """Nothing of a record born external flows back, and still its new row there is no empty one."""
    p = make(profile={"mode": "single-trip"}, native={"content": "snapshot", "deletes": "review"},
             external={"action_column": "Action", "matches_by": "own-id"}).agree(ONE, TWO)
    p.trip(nat=[ONE])
    p.decide("accept", "missing")
    assert only(p.sync().external)["Action"] == "delete"
    assert p.trip(nat=[ONE, TWO]).nothing
    p.decide("accept", "edit-vs-delete")
    sent = only(p.sync().external)
    assert pick(sent, "x", "n", "summary", "body", "Action") == ("", "N2", TWO["summary"], TWO["body"], "insert")
    assert p.trip(ext=[{**TWO, "x": "E7"}], nat=[ONE, {**TWO, "x": "E7"}]).nothing and not p.items()


def test_a_native_edit_in_a_single_trip_is_no_question_once_its_row_is_gone(make):
    p = make(profile={"mode": "single-trip"}, native={"content": "snapshot", "deletes": "review", "action_column": "Action"},
             external={"content": "snapshot", "deletes": "propagate", "action_column": "Action"}, policy={"max_deletes": "5"})
    edited = {**TWO, "body": "theirs"}
    p.agree(ONE, TWO)
    assert p.trip(nat=[ONE, edited]).nothing and only(p.items())["kind"] == "read-only"
    assert p.trip(nat=[ONE]).nothing and only(p.items())["kind"] == "missing"
    assert p.trip(nat=[ONE, edited]).nothing and only(p.items())["kind"] == "read-only"
    assert only(p.trip(ext=[ONE]).native)["Action"] == "delete" and not p.items()


def test_delete_may_stand_for_what_came_back(back):
    back.decide("dismiss", "edit-vs-delete")
    assert back.sync().nothing and back.trip(ext=[ONE, TWO]).nothing and not back.items()


@pytest.mark.review
def test_delete_taken_back_settles_what_came_back(back):
    back.run("retry", "2")
    assert back.sync().nothing and not back.items()


@pytest.mark.review
def test_what_comes_back_and_goes_again_is_deleted_once(back):
    assert back.trip(ext=[ONE], hours=1).nothing and not back.items()


@pytest.mark.review
@pytest.mark.parametrize("deletes", ["ignore", "propagate"])
def test_edited_on_both_sides_and_gone_on_both_is_no_question(make, deletes):
    p = snapshots(make, deletes, content="snapshot")
    p.trip(ext=[{**ONE, "summary": "left"}, TWO], nat=[{**ONE, "body": "right"}, TWO], hours=1)
    assert p.trip(ext=[TWO], nat=[TWO], hours=1).nothing
    assert not p.items() and p.sync().nothing


def test_more_deletes_than_allowed_trip_the_guard(make):
    p = snapshots(make, "propagate", {"max_deletes": None})
    p.tick()
    p.drop("external", [ONE])
    assert p.emit(status=2).nothing


@pytest.mark.review
def test_review_asks_and_accept_deletes(make):
    p = snapshots(make, "review")
    assert p.trip(ext=[ONE]).nothing
    assert len(p.items("missing")) == 1
    p.decide("accept", "missing")
    assert only(p.sync().native)["Action"] == "delete"


@pytest.mark.review
def test_dismissed_missing_stays_on_the_other_side(make):
    p = snapshots(make, "review")
    p.trip(ext=[ONE])
    p.decide("dismiss", "missing")
    assert p.sync().nothing
    assert p.trip(ext=[ONE], nat=[ONE, TWO]).nothing


@pytest.mark.review
def test_edit_of_a_missing_record_is_review_edit_vs_delete(make):
    p = snapshots(make, "ignore")
    p.trip(ext=[ONE])
    assert not p.trip(nat=[{**TWO, "body": "more"}]).external
    assert len(p.items("edit-vs-delete")) == 1


@pytest.mark.review
@pytest.mark.parametrize("shown", ["", "N2"])
def test_row_that_is_back_before_it_was_inserted_again_is_no_second_one(make, shown):
    """Without the other ID it was new there, beside an insert of the same record."""
    p = snapshots(make, "review")
    p.trip(ext=[ONE], nat=[ONE, {**TWO, "body": "more"}])
    p.decide("accept", "edit-vs-delete")
    assert p.trip(ext=[ONE, {**TWO, "n": shown}]).nothing
    assert [pick(i, "kind", "external_id", "native_id") for i in p.items()] == [("conflict", "E2", "N2")]
    p.decide("take", "conflict", "native")
    assert pick(only(p.sync().external), "x", "n", "body") == ("E2", "N2", "more")
    assert p.trip(ext=[ONE, {**TWO, "n": shown, "body": "more"}]).nothing
    assert rebuilt.check(p) is None


def test_id_in_a_rejected_row_is_not_missing(make):
    schema = SCHEMA + [field("amount", type="number")]
    p = make(schema=schema, external={"content": "snapshot", "deletes": "propagate"},
             native={"action_column": "Action"}, policy={"max_deletes": "5"})
    p.agree({**ONE, "amount": "1"}, {**TWO, "amount": "2"})
    assert p.trip(ext=[{**ONE, "amount": "1"}, {**TWO, "amount": "many"}]).nothing


def test_a_row_with_an_unreadable_id_keeps_everything(make):
    p = snapshots(make, "propagate")
    assert p.trip(ext=[ONE, row("1.23E+15", summary="damaged")]).nothing


def test_empty_snapshot_trips_the_guard(make):
    p = snapshots(make, "propagate")
    p.tick()
    p.drop("external", [])
    before = p.run("show", "E1").out
    assert p.emit(status=2).nothing
    assert p.run("show", "E1").out == before


def test_in_flight_insert_is_not_missing(make):
    p = make(external={"content": "snapshot", "deletes": "propagate"}, native={"action_column": "Action"},
             policy={"max_deletes": "5"}).agree(ONE)
    assert only(p.trip(nat=[row(n="N2", summary="other")]).external)["n"] == "N2"
    assert not p.trip(ext=[ONE], hours=2).native


def test_snapshot_pattern_makes_a_file_a_snapshot(make):
    p = make(external={"snapshot_pattern": "*whole*", "deletes": "propagate"}, native={"action_column": "Action"},
             policy={"max_deletes": "5"}).agree(ONE, TWO)
    assert p.trip(ext=[ONE]).nothing
    p.tick()
    p.drop("external", [ONE], name=f"whole_{p.now:%Y-%m-%dT%H%M}.csv")
    assert only(p.emit().native)["x"] == "E2"


def test_deleted_role_marks_a_row(make):
    schema = SCHEMA + [field("gone", "IsDeleted", "GONE", role="deleted", type="boolean", external_format="Y/N",
                             native_format="Y/N")]
    p = make(schema=schema, external={"deletes": "propagate"}, native={"action_column": "Action"},
             policy={"max_deletes": "5"}).agree({**ONE, "gone": "N"})
    assert only(p.trip(ext=[{**ONE, "gone": "Y"}]).native)["Action"] == "delete"


MARKS = SCHEMA + [field("gone", "IsDeleted", "GONE", role="deleted", type="boolean", external_format="Y/N", native_format="Y/N")]
LIVE, MARKED = {**ONE, "gone": "N"}, {**ONE, "gone": "Y"}


@pytest.mark.review
@pytest.mark.parametrize("deletes", ["review", "propagate"])
def test_an_edit_that_wins_over_a_mark_is_an_update(make, deletes):
    """The row is there still, so nothing is inserted; a file from before our update arrived does not delete it again."""
    p = make(schema=MARKS, external={"deletes": deletes}, native={"action_column": "Action"}).agree(LIVE)
    marked, edited = MARKED, {**LIVE, "summary": "two"}
    assert p.trip(ext=[marked], nat=[edited]).nothing
    p.decide("accept", "edit-vs-delete")
    sent = p.sync()
    assert not sent.native and pick(only(sent.external), "x", "n", "summary") == ("E1", "N1", "two")
    assert p.trip(ext=[marked], hours=6).nothing and not p.items()
    assert p.trip(ext=[edited]).nothing and not p.items()


@pytest.mark.review
def test_a_delete_that_marked_the_row_is_taken_back_with_an_update(make):
    p = make(schema=MARKS, external={"deletes": "propagate"}, native={"deletes": "review"}, policy={"max_deletes": "5"}).agree(LIVE)
    assert only(p.trip(ext=[MARKED]).native)["gone"] == "Y"
    assert p.trip(nat=[MARKED]).nothing
    assert p.trip(ext=[LIVE]).nothing
    p.decide("accept", "edit-vs-delete")
    assert pick(only(p.sync().native), "x", "n", "gone") == ("E1", "N1", "N")
    assert p.emit().nothing and p.trip(nat=[LIVE]).nothing and not p.items()


@pytest.mark.review
@pytest.mark.parametrize("deletes", ["review", "propagate"])
def test_an_edit_that_wins_over_a_marked_row_that_is_gone_since_is_an_insert(make, deletes):
    other = {**TWO, "gone": "N"}
    p = make(schema=MARKS, external={"deletes": deletes, "content": "snapshot"}, native={"action_column": "Action"}).agree(LIVE, other)
    assert p.trip(ext=[MARKED, other], nat=[{**LIVE, "summary": "two"}, other]).nothing
    assert p.trip(ext=[other]).nothing
    p.decide("accept", "edit-vs-delete")
    assert pick(only(p.sync().external), "x", "n", "summary") == ("", "N1", "two")


def test_propagate_without_a_way_to_delete_is_wrong_settings(make):
    p = make(resume=False, external={"content": "snapshot", "deletes": "propagate"})
    p.run("check", status=78)


@pytest.mark.parametrize("path", ["lookup", "digest", "keys"])
@pytest.mark.parametrize("side", ["external", "native"])
def test_record_that_was_joined_into_another_one_is_not_looked_for(make, side, path):
    p = make(**{side: {"content": "snapshot"}})
    p.always["ROUNDTRIP_PATH"] = path
    p.trip(ext=[row("E1")], nat=[row("", "N1", body="b"), row("E2", "N2")])
    p.trip(ext=[row("E1", "N1"), row("E2", "N2")], nat=[row("E1", "N1"), row("E2", "N2")])
    for summary in ("two", "three"):
        p.trip(ext=[row("E1", "N1"), row("E2", "N2", summary=summary)], nat=[row("E1", "N1"), row("E2", "N2", summary=summary)])
    assert p.emit().nothing and not p.items("missing")


def test_confirmed_insert_without_an_id_is_not_missing(make):
    p = make(native={"content": "snapshot", "deletes": "propagate"}, external={"action_column": "Action"},
             policy={"max_deletes": "1"})
    p.agree(TWO)
    p.run("confirm", p.trip(ext=[row("E1")])[0].name)
    assert p.trip(nat=[TWO]).nothing and p.trip(nat=[TWO, row(n="N1")]).nothing
    assert [i["kind"] for i in p.items()] == ["suspected"]


@pytest.mark.parametrize("winner", ("native", "external"))
def test_gone_where_a_conflict_is_open_is_an_edit_against_a_delete(make, winner):
    p = snapshots(make, "propagate")
    p.trip(ext=[ONE, {**TWO, "body": "left"}], nat=[ONE, {**TWO, "body": "right"}])
    assert p.trip(ext=[ONE]).nothing
    p.decide("take", "conflict", winner)
    assert p.sync().nothing and only(p.items())["kind"] == "edit-vs-delete"
    p.decide("dismiss", "edit-vs-delete")
    assert only(p.sync().native)["Action"] == "delete"


@pytest.mark.review
def test_what_comes_back_after_its_delete_and_goes_again_is_not_asked_about(make):
    p = snapshots(make, "review")
    p.trip(ext=[ONE])
    p.decide("accept", "missing")
    assert only(p.sync().native)["Action"] == "delete"
    assert p.trip(ext=[ONE, TWO]).nothing and only(p.items())["kind"] == "edit-vs-delete"
    assert p.trip(ext=[ONE]).nothing and not p.items()


@pytest.mark.review
def test_gone_on_both_sides_is_not_asked_about(make):
    p = make(external={"content": "snapshot", "deletes": "review"}, native={"content": "snapshot", "deletes": "review"}).agree(ONE, TWO)
    assert p.trip(ext=[ONE]).nothing and only(p.items())["kind"] == "missing"
    assert p.trip(nat=[ONE]).nothing and not p.items()
    assert p.trip(ext=[ONE, TWO]).nothing and only(p.items())["kind"] == "missing"


@pytest.mark.review
def test_a_record_that_is_inserted_again_does_not_empty_what_flows_from_there(make):
    """The insert has no column for the e-mail, which flows from there alone: that its row has none is no edit."""
    p = snapshots(make, "ignore")
    p.trip(ext=[ONE], nat=[{**TWO, "body": "more"}])
    p.decide("accept", "edit-vs-delete")
    assert only(p.sync().external)["body"] == "more"
    assert p.trip(ext=[ONE, {**TWO, "x": "E7", "body": "more", "email": ""}]).nothing
    assert only(p.trip(ext=[ONE, {**TWO, "x": "E7", "body": "more", "email": "b@example.org"}]).native)["email"] == "b@example.org"


@pytest.mark.review
def test_what_is_decided_about_a_record_without_an_id_is_decided_again_by_rebuild(make):
    """The only ID that it had is gone, since it is to be inserted again."""
    p = make(external={"content": "snapshot", "deletes": "review"})
    p.trip(ext=[row("E1"), row("E2")])
    p.trip(ext=[row("E1"), row("E2", body="left")], nat=[row("E2", body="right")])
    p.trip(ext=[row("E1")])
    p.decide("accept", "edit-vs-delete")
    p.decide("take", "conflict", "native")
    assert rebuilt.check(p) is None


# ---- a delete that waits in the outbox ----

@pytest.fixture
def waits(make):
    """E2 was not in a snapshot of the database, and its delete waits for the platform."""
    p = make(external={"action_column": "Action"}, native={"content": "snapshot", "deletes": "propagate"},
             policy={"max_deletes": "5"}).agree(ONE, TWO)
    p.trip(ext=[ONE, TWO])
    p.tick()
    p.drop("native", [ONE])
    assert pick(only(p.emit().external), "x", "Action") == ("E2", "delete")
    return p


def comes(p, side, *rows):
    p.tick()
    p.drop(side, rows)
    return p.run("emit", status=None)


def stops(p, word):
    """Push does, whatever else is said, and status tells it."""
    before = p.listing("imports/external")
    told = p.run("push", status=2).err
    assert "EverTrue: row 1 of delta 000002 deletes E2, which " + word in told, told
    assert p.listing("imports/external") == before and "push stops at delta 000002" in p.run("status").out
    return told


def test_a_delete_is_not_handed_over_once_its_row_came_back(waits):
    """It was, while a person was still asked about it."""
    assert "row 1 of delta 000002 deletes E2, which was edited or came back since" in comes(waits, "native", ONE, TWO).err + waits.run(
        "push", "--dry-run").err
    assert "roundtrip withdraw 000002, or decide that first" in stops(waits, "was edited or came back since")
    waits.run("withdraw", "2")
    assert waits.sync().nothing and not waits.items()
    assert waits.trip(ext=[ONE, TWO], nat=[ONE, TWO]).nothing and not waits.items()


def test_a_delete_is_not_handed_over_once_both_sides_show_its_row(waits):
    """Nobody was asked, and the row was deleted all the same."""
    comes(waits, "native", ONE, TWO)
    comes(waits, "external", ONE, TWO)
    assert not waits.items()
    assert "still deletes 1 record not to be deleted any more: roundtrip withdraw 000002" in waits.run("emit").err
    stops(waits, "is not to be deleted any more: roundtrip withdraw 000002")
    waits.run("withdraw", "2")
    assert waits.sync().nothing and not waits.items()


@pytest.mark.review
def test_a_delete_is_not_handed_over_once_an_edit_has_won_over_it(waits):
    comes(waits, "external", ONE, {**TWO, "body": "edited"})
    stops(waits, "was edited or came back since")
    waits.decide("accept", "edit-vs-delete")
    stops(waits, "is not to be deleted any more: roundtrip withdraw 000002")
    waits.run("withdraw", "2")
    sent = waits.sync()
    assert pick(only(sent.native), "x", "n", "body") == ("E2", "", "edited") and not sent.external


@pytest.mark.review
@pytest.mark.parametrize("side", ["external", "native"])
def test_a_delete_that_has_won_is_handed_over(waits, side):
    comes(waits, side, ONE, {**TWO, "body": "edited" if side == "external" else "text"})
    stops(waits, "was edited or came back since")
    waits.decide("dismiss", "edit-vs-delete")
    waits.run("push")
    assert waits.listing("imports/external")[-1].endswith("-000002.csv")


@pytest.mark.review
def test_the_rest_of_a_delta_with_deletes_goes_once_that_is_decided(make):
    p = make(external={"action_column": "Action", "batch_rows": "1", "transport": "command", "imports": None,
                       "load": 'cat "$1" >> loaded; ! grep -q E2 "$1"'},
             native={"content": "snapshot", "deletes": "propagate"}, policy={"max_deletes": "5"})
    p.agree(ONE, TWO, row("E3", "N3"))
    p.tick()
    p.drop("native", [row("E3", "N3")])
    p.emit()
    assert "2of2.csv" in p.run("push", status=69).err
    comes(p, "native", TWO, row("E3", "N3"))
    told = p.run("push", status=2).err
    assert "row 2 of delta 000002 deletes E2" in told and "decide that first" in told and "withdraw" not in told
    p.drop("external", [TWO], at=p.now + datetime.timedelta(hours=1))
    p.tick(2)
    p.run("emit")
    assert "the rest deletes 1 record not to be deleted any more: look there for what is gone" in p.run("push", status=69).err


def test_a_delete_is_not_handed_over_again_once_its_row_came_back(back):
    assert "edited or came back since: decide that first" in back.run("push", "--again", "2", status=2).err
    back.trip(nat=[ONE, TWO])
    back.trip(nat=[ONE, TWO])
    assert not back.items()
    assert "is not to be deleted any more: roundtrip retry 2" in back.run("push", "--again", "2", status=2).err


def test_a_delete_that_others_take_is_told_of(make):
    p = make(imports=False, external={"action_column": "Action"}, native={"content": "snapshot", "deletes": "propagate"},
             policy={"max_deletes": "5"}).agree(ONE, TWO)
    comes(p, "native", ONE)
    comes(p, "native", ONE, TWO)
    told = "row 1 of delta 000002 deletes E2, which was edited or came back since: roundtrip withdraw 000002"
    assert told in p.run("emit").err and told in p.run("push").err


@pytest.mark.review
def test_a_delete_whose_record_is_inserted_again_cannot_be_withdrawn(waits):
    """The old row and the new one would both be there."""
    comes(waits, "native", ONE, TWO)
    waits.decide("accept", "edit-vs-delete")
    assert "hand it over with roundtrip push" in waits.run("withdraw", "2", status=64).err
    assert pick(only(waits.sync().external), "x", "n", "Action") == ("", "N2", "insert")
    assert len(waits.listing("imports/external")) == 2
