"""R12: updates off and on for single records."""
import pytest

from profile import only, row

pytestmark = [pytest.mark.later, pytest.mark.review]


def test_nothing_is_sent_for_a_held_record(pair):
    pair.run("hold", "E1", "--reason", "asked by the donor")
    assert pair.trip(ext=[row("E1", "N1", summary="two")]).nothing
    assert pair.trip(nat=[row("E1", "N1", body="more")]).nothing


def test_hold_blocks_no_other_record(pair):
    pair.run("hold", "N1")
    assert only(pair.trip(ext=[row("E2")]).native)["x"] == "E2"


def test_release_sends_the_newest_want_once(pair):
    pair.run("hold", "E1")
    pair.trip(ext=[row("E1", "N1", summary="two")])
    pair.trip(ext=[row("E1", "N1", summary="three")])
    pair.run("release", "E1")
    assert only(pair.sync().native)["summary"] == "three"
    assert pair.sync().nothing


def test_hold_survives_pause_and_resume(pair):
    pair.run("hold", "E1")
    pair.run("pause")
    pair.run("resume")
    assert pair.trip(ext=[row("E1", "N1", summary="two")]).nothing


def test_hold_tells_of_a_row_that_waits_in_the_outbox(pair):
    pair.tick()
    pair.drop("external", [row("E1", "N1", summary="two")])
    pair.emit()
    assert "N1: delta 000002 in the outbox has a row of it" in pair.run("hold", "N1").err
    pair.run("withdraw", "2")
    assert "outbox" not in pair.run("hold", "N1").err
    assert pair.sync().nothing


def test_hold_of_an_unknown_id_is_wrong_usage(pair):
    pair.run("hold", "E99", status=64)


def test_hold_reason_is_shown(pair):
    pair.run("hold", "E1", "--reason", "asked by the donor")
    assert "asked by the donor" in pair.run("show", "E1").out


def test_several_records_at_once(p):
    p.agree(row("E1", "N1"), row("E2", "N2"))
    p.run("hold", "E1", "E2")
    assert p.trip(ext=[row("E1", "N1", summary="two"), row("E2", "N2", summary="two")]).nothing
    p.run("release", "E1", "E2")
    assert len(p.sync().native) == 2
