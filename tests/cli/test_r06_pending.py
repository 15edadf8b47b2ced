"""R6: at most one insert under way to a side that matches by its own ID only."""
import pytest

from profile import field, only, pick, row


def test_edit_of_a_pending_insert_waits_for_the_id(p):
    assert p.trip(ext=[row("E1")]).native
    assert p.trip(ext=[row("E1", summary="two")], hours=1).nothing
    assert p.trip(ext=[row("E1", summary="three")], hours=1).nothing


def test_waiting_edits_go_out_as_one_update(p):
    p.trip(ext=[row("E1")])
    p.trip(ext=[row("E1", summary="two")], hours=1)
    p.trip(ext=[row("E1", summary="two", body="more")], hours=1)
    sent = only(p.trip(nat=[row("E1", "N1")], hours=1).native)
    assert pick(sent, "x", "n", "summary", "body") == ("E1", "N1", "two", "more")


def test_insert_still_in_the_outbox_is_under_way_too(p):
    p.drop("external", [row("E1")])
    assert p.emit().native
    p.tick(1)
    p.drop("external", [row("E1", summary="two")])
    assert p.emit().nothing


def test_bound_by_hand_the_waiting_edit_goes_out(p):
    p.trip(ext=[row("E1")])
    p.trip(ext=[row("E1", summary="two")], hours=1)
    p.run("bind", "E1", "N1")
    assert pick(only(p.sync().native), "x", "n", "summary") == ("E1", "N1", "two")


def test_a_side_that_matches_by_either_id_gets_updates_at_once(p):
    assert only(p.trip(nat=[row(n="N1")]).external)["x"] == ""
    sent = only(p.trip(nat=[row(n="N1", summary="two")], hours=1).external)
    assert pick(sent, "x", "n", "summary") == ("", "N1", "two")


def test_external_side_can_match_by_own_id_too(make):
    p = make(external={"matches_by": "own-id"})
    assert p.trip(nat=[row(n="N1")]).external
    assert p.trip(nat=[row(n="N1", summary="two")], hours=1).nothing
    assert pick(only(p.trip(ext=[row("E1", "N1")], hours=1).external), "x", "summary") == ("E1", "two")


def test_native_side_can_match_by_either_id_too(make):
    p = make(native={"matches_by": "either-id"})
    assert p.trip(ext=[row("E1")]).native
    assert pick(only(p.trip(ext=[row("E1", summary="two")], hours=1).native), "x", "n") == ("E1", "")


def test_an_insert_under_an_id_that_changed_waits_even_where_either_id_matches(make):
    """Its loader knows the row by the old ID; by the new one it would make a second."""
    p = make(native={"matches_by": "either-id", "store_ids": "yes"})
    p.trip(ext=[row("E1")])
    p.run("bind", "--rekey", "external", "E1", "E9")
    assert p.trip(ext=[row("E9", summary="two")], hours=1).nothing
    sent = only(p.trip(nat=[row("E1", "N1")], hours=1).native)
    assert pick(sent, "x", "n", "summary") == ("E9", "N1", "two")


def test_a_side_without_a_column_for_the_other_id_can_only_match_by_its_own(make):
    schema = [field("external_id", "EID", "EXT_ID", role="external_id"), field("native_id", "", "NAT_ID", role="native_id"),
              field("summary", role="fingerprint"), field("body")]
    p = make(schema=schema)
    p.trip(nat=[row(n="N1")])
    assert p.trip(nat=[row(n="N1", body="two")], hours=1).nothing
    p.run("bind", "E1", "N1")
    assert pick(only(p.sync().external), "x", "body") == ("E1", "two")


def test_pending_insert_is_sent_again_only_after_retry_and_then_with_the_newest(p):
    p.trip(ext=[row("E1")])
    p.trip(ext=[row("E1", summary="two")])
    assert p.trip(hours=240).nothing
    p.run("retry", "E1")
    assert pick(only(p.sync().native), "x", "n", "summary") == ("E1", "", "two")
    assert p.sync().nothing


@pytest.mark.review
def test_pending_insert_older_than_overdue_is_in_review(p):
    p.trip(ext=[row("E1")])
    assert not p.items("overdue")
    p.trip(hours=24 * 4)
    assert p.items("overdue")


def test_id_known_after_an_echo_then_edits_flow(p):
    p.trip(ext=[row("E1")])
    p.trip(nat=[row("E1", "N1")])
    assert pick(only(p.trip(ext=[row("E1", summary="two")]).native), "n", "summary") == ("N1", "two")


def test_retry_of_a_row_in_a_part_that_still_is_in_the_outbox_makes_no_second_insert(make):
    p = make(imports=False, native={"batch_rows": "1"})
    p.drop("external", [row("E1"), row("E2")])
    first, second = p.emit()
    first.path.unlink()
    p.run("push")
    told = p.run("retry", "E1", "E2")
    assert told.out == "0 rows are due again\n" and p.emit().nothing
    second.path.unlink()
    p.run("push")
    p.run("retry", "E2")
    assert pick(only(p.emit().native), "x") == pick(second.rows[0], "x")
