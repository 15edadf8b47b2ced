"""R2: older files never overrule newer ones."""
import datetime
import os

import pytest

import rebuilt
from profile import DAYS, MODIFIED, SCHEMA, only, pick, row

HOUR = datetime.timedelta(hours=1)


def test_row_from_an_older_file_is_not_applied(pair):
    older = pair.now + HOUR
    assert only(pair.trip(ext=[row("E1", "N1", summary="new")]).native)["summary"] == "new"
    pair.tick(1)
    pair.drop("external", [row("E1", "N1", summary="old")], at=older)
    assert pair.emit().nothing
    assert only(pair.trip(nat=[row("E1", "N1", summary="new", body="more")]).external)["summary"] == "new"


def test_staleness_is_per_record_not_per_file(pair):
    older = pair.now + HOUR
    pair.trip(ext=[row("E1", "N1", summary="new")])
    pair.drop("external", [row("E2", summary="late but first seen")], at=older)
    assert only(pair.emit().native)["x"] == "E2"


def test_staleness_is_per_side(pair):
    older = pair.now + HOUR
    pair.trip(ext=[row("E1", "N1", summary="new")])
    pair.drop("native", [row("E1", "N1", body="more")], at=older)
    assert only(pair.emit().external)["body"] == "more"


def test_stale_row_may_still_bind_unbound_ids(p):
    older = p.now + HOUR
    p.trip(ext=[row("E1", summary="newest")])
    p.drop("external", [row("E1", "N1", summary="stale")], at=older)
    assert p.sync().nothing
    sent = only(p.trip(nat=[row(n="N1", summary="newest", body="more")]).external)
    assert pick(sent, "x", "n", "summary", "body") == ("E1", "N1", "newest", "more")


def test_files_are_taken_in_by_stamp_not_by_name(pair):
    pair.tick()
    pair.drop("external", [row("E1", "N1", summary="last")], name=f"a_{pair.now:%Y-%m-%dT%H%M}.csv")
    pair.drop("external", [row("E1", "N1", summary="first")], name=f"b_{pair.now - HOUR:%Y-%m-%dT%H%M}.csv")
    assert only(pair.emit().native)["summary"] == "last"


def test_stamp_with_days_only_orders_files(make):
    p = make(stamp=DAYS)
    p.drop("external", [row("E1", summary="last")], name="b-2026-10-31.csv")
    p.drop("external", [row("E1", summary="first")], name="z-2026-10-30.csv")
    assert only(p.emit().native)["summary"] == "last"


def test_without_a_stamp_setting_the_mtime_orders_files(make):
    p = make(stamp=None)
    for name, value, at in (("a.csv", "last", 1_793_500_000), ("b.csv", "first", 1_793_400_000)):
        os.utime(p.drop("external", [row("E1", summary=value)], name=name), (at, at))
    assert only(p.emit().native)["summary"] == "last"


def dated(value, hour):
    return row("E1", "N1", summary=value, modified=f"2026-11-03T{hour:02}:00:00Z")


def test_among_rows_of_equal_stamp_the_newer_modified_at_wins(make):
    p = make(schema=SCHEMA + [MODIFIED]).agree(dated("one", 1))
    p.tick()
    p.drop("external", [dated("newer", 5)], name=f"a_{p.now:%Y-%m-%dT%H%M}.csv")
    p.drop("external", [dated("older", 4)], name=f"b_{p.now:%Y-%m-%dT%H%M}.csv")
    assert only(p.emit().native)["summary"] == "newer"


@pytest.mark.review
def test_newer_file_with_an_older_modified_at_is_review_went_back(make):
    p = make(schema=SCHEMA + [MODIFIED]).agree(dated("one", 5))
    assert p.trip(ext=[dated("older", 3)]).nothing
    assert len(p.items("went-back")) == 1


def test_same_name_and_same_bytes_is_a_no_op(pair):
    pair.tick()
    pair.drop("external", [row("E1", "N1", summary="two")])
    assert len(pair.sync()) == 1
    pair.drop("external", [row("E1", "N1", summary="two")])
    assert pair.sync().nothing


def test_same_bytes_under_another_name_with_the_same_stamp_is_a_no_op(pair):
    pair.tick()
    pair.drop("external", [row("E1", "N1", summary="two")])
    assert len(pair.sync()) == 1
    pair.drop("external", [row("E1", "N1", summary="two")], name=f"copy_{pair.now:%Y-%m-%dT%H%M}.csv")
    assert pair.sync().nothing


def test_same_bytes_under_a_newer_stamped_name_are_a_new_look(pair):
    assert only(pair.trip(ext=[row("E1", "N1", summary="two")]).native)["summary"] == "two"
    assert only(pair.trip(ext=[row("E1", "N1", summary="three")]).native)["summary"] == "three"
    assert only(pair.trip(ext=[row("E1", "N1", summary="two")]).native)["summary"] == "two"


def test_same_bytes_under_another_name_without_a_name_stamp_are_a_no_op(make):
    p = make(stamp=None)
    files = [("a.csv", "one", 1_793_400_000), ("b.csv", "two", 1_793_450_000), ("c.csv", "one", 1_793_480_000)]
    for name, value, at in files:
        os.utime(p.drop("external", [row("E1", summary=value)], name=name), (at, at))
    assert only(p.emit().native)["summary"] == "two"


def test_of_files_under_one_name_the_one_fetched_last_has_the_last_word(make):
    p = make(stamp=DAYS)
    for value in ("first", "second", "third"):
        p.put("day-2026-10-31.csv", f"EID,NID,Summary,Body,Email\nE1,N1,{value},,\n")
        p.run("fetch", "external", "day-2026-10-31.csv")
    assert len(p.listing("inbox/external")) == 3
    assert only(p.emit().native)["summary"] == "third"


def test_a_file_copied_again_while_two_of_its_name_wait_is_known(make):
    p = make(stamp=None, external={"exports": "exports"})
    (p.path / "exports").mkdir()
    for minute, value in enumerate(("first", "second", "second", "first", "second")):
        copied = p.put("exports/day.csv", f"EID,NID,Summary,Body,Email\nE1,N1,{value},,\n")
        os.utime(copied, (1_793_400_000 + 60 * minute,) * 2)
        p.run("fetch", "external")
    assert p.listing("inbox/external") == ["day-2.csv", "day.csv"]
    assert only(p.emit().native)["summary"] == "second"


@pytest.mark.parametrize("path", ["lookup", "keys", "digest"])
def test_a_snapshot_makes_only_those_rows_stale_that_it_may_have_shown(make, path):
    p = make(external={"snapshot_pattern": "full*"}).agree(row("E1", "N1"), row("E2", "N2"))
    p.always["ROUNDTRIP_PATH"] = path
    p.tick(72)
    days = [p.now - datetime.timedelta(hours=h) for h in (30, 20)]
    p.drop("external", [row("E1", "N1"), row(summary="whose?")], name=f"full_{p.now:%Y-%m-%dT%H%M}.csv")
    p.sync()
    for at, summary in zip(days, ("two", "three")):
        p.drop("external", [row("E1", "N1", summary=summary), row("E2", "N2", summary=summary)], at=at)
        sent = p.sync()
        assert pick(only(sent.native), "x", "summary") == ("E2", summary) and "1 stale" in sent.result.err
    p.tick()
    p.drop("external", [row("E1", "N1"), row("E2", "N2", summary="three")], name=f"full_{p.now:%Y-%m-%dT%H%M}.csv")
    assert p.sync().nothing
    p.drop("external", [row("E2", "N2", summary="two")], at=days[1] + datetime.timedelta(hours=1))
    assert "1 stale" in p.sync().result.err


@pytest.mark.parametrize("path", ["lookup", "keys", "digest"])
def test_a_row_of_a_late_snapshot_is_stale_also_if_nothing_changed_since(make, path):
    p = make(external={"content": "snapshot"}).agree(row("E1", "N1"))
    p.always["ROUNDTRIP_PATH"] = path
    p.tick(72)
    p.drop("external", [row("E1")])
    assert "1 unchanged" in p.sync().result.err
    p.drop("external", [row("E1"), row("E2")], at=p.now - datetime.timedelta(hours=20))
    assert "1 stale, 1 new" in p.sync().result.err


def test_a_record_born_by_an_older_file_than_the_newest_snapshot_can_still_be_edited(make):
    p = make(external={"snapshot_pattern": "full*"}).agree(row("E1", "N1"))
    p.tick(72)
    p.drop("external", [row("E1", "N1")], name=f"full_{p.now:%Y-%m-%dT%H%M}.csv")
    p.sync()
    p.drop("external", [row("E2")], at=p.now - datetime.timedelta(hours=30))
    assert only(p.sync().native)["x"] == "E2"
    p.drop("external", [row("E2", summary="two")], at=p.now - datetime.timedelta(hours=20))
    assert p.sync().nothing
    assert only(p.trip(nat=[row("E2", "N2")]).native)["summary"] == "two"


@pytest.mark.parametrize("native", ["", "N1"])
def test_late_row_names_the_record_by_the_id_that_it_had_then(pair, native):
    late = pair.now + HOUR
    pair.run("bind", "--rekey", "external", "E1", "E9")
    pair.trip(ext=[row("E2", summary="another")])
    pair.drop("external", [row("E1", native, summary="late")], at=late)
    assert pick(only(pair.emit().native), "x", "n", "summary") == ("E9", "N1", "late")
    pair.trip(ext=[row("E9", "N1", summary="late")])
    pair.drop("external", [row("E1", native, summary="old")], at=late + HOUR)
    assert pair.emit().nothing and not pair.items()


@pytest.mark.parametrize("is_shown", [True, False])
def test_late_row_of_a_record_that_is_inserted_again_is_no_new_one(make, is_shown):
    one, two = row("E1", "N1"), row("E2", "N2", summary="other")
    p = make(external={"content": "snapshot"}).agree(one, two)
    late = p.now + HOUR
    p.trip(ext=[two], nat=[{**one, "summary": "edited"}, two])
    p.decide("accept", "edit-vs-delete")
    assert pick(only(p.sync().external), "x", "n") == ("", "N1")
    p.trip(ext=[two] + [row("E7", "N1", summary="edited")] * is_shown)
    p.drop("external", [row("E1"), two], at=late)
    deltas = p.emit()
    assert deltas.nothing and not p.items() and "2 stale" in deltas.result.err
    assert rebuilt.check(p) is None


def test_late_row_of_an_id_that_is_used_again_is_not_about_the_record_that_had_it_before(pair):
    pair.run("bind", "--rekey", "external", "E1", "E9")
    pair.trip(ext=[row("E9", "N1", summary="two")])
    late = pair.now + HOUR
    pair.trip(ext=[row("E2", summary="another")])
    pair.drop("external", [row("E1", summary="a third")], at=late)
    assert pick(only(pair.emit().native), "x", "n", "summary") == ("E1", "", "a third")
    assert rebuilt.check(pair) is None


@pytest.mark.parametrize("decided", [0, 4])  # hours later; the row is of two hours later
def test_late_row_that_was_brought_back_after_it_was_missing_is_not_stale(make, decided):
    one, two = row("E1", "N1"), row("E2", "N2", summary="other")
    p = make(external={"snapshot_pattern": "full*"}).agree(one, two)
    p.tick()
    p.drop("external", [two], name=f"full_{p.now:%Y-%m-%dT%H%M}.csv")
    p.drop("native", [{**one, "summary": "edited"}])
    p.sync()
    late = p.now + 2 * HOUR
    p.tick(decided)
    p.decide("accept", "edit-vs-delete")
    p.sync()
    p.trip(ext=[{**two, "summary": "newest"}])
    p.drop("external", [{**one, "body": "brought back"}], at=late)
    assert [r["body"] for r in p.emit().native] == ["brought back"] * (not decided)
    assert len(p.items("conflict")) == bool(decided)  # the edit was written for that side only after the row
    assert rebuilt.check(p) is None
