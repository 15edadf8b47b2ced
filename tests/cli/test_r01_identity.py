"""R1: which record an incoming row belongs to."""
import json

import pytest

from profile import only, pick, row


@pytest.mark.parametrize("side", ["external", "native"])
def test_row_with_an_unknown_id_is_new_and_inserted_on_the_other_side(p, side):
    ids = dict(x="E1") if side == "external" else dict(n="N1")
    p.drop(side, [row(**ids)])
    deltas = p.emit()
    sent = only(deltas.native if side == "external" else deltas.external)
    assert len(deltas) == 1
    assert pick(sent, "x", "n", "summary", "body") == (ids.get("x", ""), ids.get("n", ""), "one", "text")


def test_row_found_by_external_id_learns_the_native_one(p):
    p.trip(ext=[row("E1")])
    assert p.trip(nat=[row("E1", "N1")]).nothing
    sent = only(p.trip(ext=[row("E1", summary="two")]).native)
    assert pick(sent, "x", "n", "summary") == ("E1", "N1", "two")


def test_row_found_by_native_id_learns_the_external_one(p):
    p.trip(nat=[row(n="N1")])
    assert p.trip(ext=[row("E1", "N1")]).nothing
    sent = only(p.trip(nat=[row(n="N1", summary="two")]).external)
    assert pick(sent, "x", "n", "summary") == ("E1", "N1", "two")


def test_return_row_carries_both_ids_although_the_extract_has_one(pair):
    sent = only(pair.trip(nat=[row(n="N1", summary="two")]).external)
    assert pick(sent, "x", "n") == ("E1", "N1")


def test_two_records_that_lack_each_others_id_are_joined(p):
    p.drop("external", [row("E1")])
    p.drop("native", [row(n="N1")])
    p.tick(1)
    p.drop("native", [row("E1", "N1")])
    assert p.emit().nothing
    assert p.trip(nat=[row(n="N1", summary="two")]).external[0]["x"] == "E1"


@pytest.mark.parametrize("winner, value", [("external", "one"), ("native", "two")])
def test_join_decides_differing_fields_as_a_conflict(make, winner, value):
    p = make(policy={"conflict": winner})
    p.drop("external", [row("E1")])
    p.drop("native", [row(n="N1", summary="two")])
    p.tick(1)
    p.drop("native", [row("E1", "N1", summary="two")])
    deltas = p.emit()
    loser = deltas.native if winner == "external" else deltas.external
    assert len(deltas) == 1 and pick(only(loser), "x", "n", "summary") == ("E1", "N1", value)


@pytest.mark.parametrize("conflict", ["external", "native", "review"])
def test_join_tells_both_values_of_a_conflict(make, conflict):
    p = make(policy={"conflict": conflict})
    p.drop("external", [row("E1")])
    p.drop("native", [row(n="N1", summary="two")])
    p.tick(1)
    p.drop("native", [row("E1", "N1", summary="two")])
    line = only([d for d in p.diff() if d["change"] == "conflict"])
    assert pick(line, "external_id", "native_id", "field", "before", "after") == ("E1", "N1", "summary", "one", "two")
    p.emit()
    part = only([s for s in json.loads(p.run("show", "E1", "--json").out)["story"] if s["what"] == "conflict"])
    assert only(part["detail"])[:3] == ["summary", "one", "two"]


@pytest.mark.parametrize("side", ["external", "native"])
def test_what_was_sent_last_counts_after_a_join(make, side):
    """Both were sent to the side that is told nothing new: the one, and then an edit of the other."""
    other = {"external": "native", "native": "external"}[side]
    p = make(policy={"conflict": side}, native={"matches_by": "either-id"})
    own = dict(external=dict(x="E1"), native=dict(n="N1"))
    p.trip(ext=[row("E1")], nat=[row(n="N1", summary="two")])
    p.trip(**{other[:3]: [row(**own[side], summary="three")]})
    p.tick(1)
    p.drop(other, [row("E1", "N1", summary="three")])
    deltas = p.emit()
    assert not (deltas.external if side == "external" else deltas.native)


@pytest.mark.parametrize("x, n", [("E1", "N2"), ("E2", "N1"), ("E2", "N3")])
def test_identity_clash_applies_nothing(p, x, n):
    p.agree(row("E1", "N1"), row("E3", "N3"))
    assert p.trip(nat=[row(x, n, summary="clash")]).nothing
    deltas = p.trip(ext=[row("E5")])
    assert [r["x"] for r in deltas.native] == ["E5"]


def test_clash_of_two_bound_records_applies_nothing(p):
    p.agree(row("E1", "N1"), row("E2", "N2"))
    assert p.trip(nat=[row("E1", "N2", summary="clash")]).nothing
    assert "N1" in p.run("show", "E1").out


@pytest.mark.review
def test_clash_goes_to_review(pair):
    pair.trip(nat=[row("E1", "N2", summary="clash")])
    assert len(pair.items("clash")) == 1


@pytest.mark.review
def test_clash_dismissed_ignores_the_row(pair):
    pair.trip(nat=[row("E1", "N2", summary="clash")])
    pair.decide("dismiss", "clash")
    assert not pair.items("clash")
    assert pair.trip().nothing
    assert pick(only(pair.trip(nat=[row("E1", "N1", summary="two")]).external), "x", "n") == ("E1", "N1")


def test_bound_id_is_not_changed_by_a_row(pair):
    pair.trip(nat=[row("E1", "N2", summary="clash")])
    pair.trip(nat=[row("E1", "N1")])
    assert pick(only(pair.trip(ext=[row("E1", "N1", summary="two")]).native), "x", "n") == ("E1", "N1")


def test_two_rows_without_common_ids_stay_two_records(p):
    deltas = p.trip(ext=[row("E1"), row("E2", summary="other")])
    assert [r["x"] for r in deltas.native] == ["E1", "E2"]


def test_row_without_any_id_is_rejected_not_guessed(p):
    assert p.trip(ext=[row(summary="nobody")]).nothing
    assert any(b"nobody" in f.read_bytes() for f in p.files_under("rejects"))
