"""R5: what is due, for whom, and when."""
import pytest

from profile import only, pick, row


def test_nothing_is_due_after_nothing(p):
    assert p.emit().nothing


def test_what_lies_in_the_outbox_is_not_due_again(pair):
    pair.tick()
    pair.drop("external", [row("E1", "N1", summary="two")])
    assert len(pair.emit()) == 1
    assert pair.emit().nothing
    pair.push()
    assert pair.emit().nothing


def test_edit_taken_back_before_the_hand_over_is_due_again(pair):
    pair.tick()
    pair.drop("native", [row("E1", "N1", summary="two")])
    assert only(pair.emit().external)["summary"] == "two"
    pair.tick(1)
    pair.drop("native", [row("E1", "N1", summary="one")])
    assert only(pair.emit().external)["summary"] == "one"


def test_to_writes_one_side_only(p):
    p.drop("external", [row("E1")])
    p.drop("native", [row(n="N2", summary="other")])
    assert [d.side for d in p.emit("--to", "native")] == ["native"]
    assert [d.side for d in p.emit()] == ["external"]


def test_to_takes_a_label(make):
    p = make(native={"label": "Ledger"})
    p.drop("external", [row("E1")])
    assert [d.side for d in p.emit("--to", "Ledger")] == ["native"]


def test_only_writes_the_named_record(p):
    p.drop("external", [row("E1"), row("E2", summary="other")])
    assert only(p.emit("--only", "E2").native)["x"] == "E2"
    assert only(p.emit().native)["x"] == "E1"


def test_limit_writes_first_due_first(p):
    p.drop("external", [row("E1")])
    p.tick(1)
    p.drop("external", [row("E2", summary="other")])
    assert only(p.emit("--limit", "1").native)["x"] == "E1"
    assert only(p.emit("--limit", "1").native)["x"] == "E2"
    assert p.emit("--limit", "1").nothing


def test_edit_waits_for_the_next_emit_with_the_newest_value(p):
    p.drop("external", [row("E1"), row("E2")])
    assert only(p.emit("--only", "E1").native)["x"] == "E1"
    p.tick(1)
    p.drop("external", [row("E2", summary="newest")])
    assert pick(only(p.emit().native), "x", "summary") == ("E2", "newest")


def test_both_sides_are_written_when_one_was_due_before(pair):
    """The second delta of a record may not forget what the first one was handed."""
    pair.tick()
    pair.drop("native", [row("E1", "N1", summary="two")])
    assert pair.emit("--to", "native").nothing
    pair.tick()
    pair.drop("external", [row("E1", "N1", body="longer")])
    both = pair.sync()
    assert only(both.external)["summary"] == "two" and only(both.native)["body"] == "longer"
    assert only(pair.trip(nat=[row("E1", "N1", summary="three", body="longer")]).external)["summary"] == "three"
    assert pair.trip(ext=[row("E1", "N1", summary="two", body="longer")], hours=2).nothing, "an echo was taken for an edit"
    assert not pair.items()


def test_without_store_ids_a_missing_other_id_is_not_due(pair):
    assert pair.trip(ext=[row("E1")]).nothing


def test_with_store_ids_a_missing_other_id_is_due(make):
    p = make(external={"store_ids": "yes"})
    assert p.trip(ext=[row("E1")]).native
    assert pick(only(p.trip(nat=[row("E1", "N1")]).external), "x", "n") == ("E1", "N1")
    assert p.trip(ext=[row("E1", "N1")]).nothing


@pytest.mark.parametrize("before", [{}, {"store_ids": "no"}])
def test_store_ids_that_is_switched_on_holds_for_the_records_that_are_there(make, before):
    p = make(external=before).agree(row("E1", "N1"), row("E2", "N2"))
    assert p.trip(ext=[row("E2", "N2")]).nothing
    p.settings["external"]["store_ids"] = "yes"
    p.write()
    p.tick()
    assert [(x["external_id"], x["change"], x["external_action"]) for x in p.diff()] == [("E1", "due", "update")]
    assert pick(only(p.sync().external), "x", "n") == ("E1", "N1")
    assert p.trip(ext=[row("E1", "N1")]).nothing


def test_store_ids_that_is_switched_on_waits_for_the_guard(make):
    p = make(policy={"max_changes": "1"}, external={"match": "insert-only"})
    p.agree(row("E1", "N1")).agree(row("E2", "N2"))
    p.settings["external"].update(store_ids="yes", match="upsert")
    p.write()
    assert p.emit(status=2).nothing
    assert p.emit("--limit", "1", status=2).nothing
    p.settings["policy"]["max_changes"] = "2"
    p.write()
    assert only(p.emit("--limit", "1").external)["x"] == "E1"
    assert only(p.emit().external)["x"] == "E2"


def test_reason_is_told_by_show(pair):
    pair.tick()
    pair.drop("external", [row("E1", "N1", summary="two")])
    pair.emit()
    assert "two" in pair.run("show", "N1").out


@pytest.mark.parametrize("field, value", [("summary", "two"), ("body", "more"), ("email", "b@example.org")])
def test_update_carries_every_field_that_flows(pair, field, value):
    sent = only(pair.trip(ext=[{**row("E1", "N1"), field: value}]).native)
    assert sent == {**row("E1", "N1"), field: value}


def test_one_way_field_is_not_in_the_other_delta(pair):
    deltas = pair.trip(nat=[row("E1", "N1", summary="two")])
    assert deltas[0].header == ["EID", "NID", "Summary", "Body"]
