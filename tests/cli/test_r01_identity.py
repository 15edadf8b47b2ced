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


def test_an_id_of_blanks_alone_is_none(p):
    """As an extract pads a column of fixed length."""
    assert len(p.trip(nat=[row("   ", "N1"), row("   ", "N2", summary="two")]).external) == 2
    assert p.trip(nat=[row("   ", "N1"), row(" \t", "N2", summary="two")], ext=[row("E1", "N1")]).nothing
    assert not p.items()
    p.tick()
    p.drop("external", [row("  ", "  ", summary="nobody")])
    assert "the row has no ID" in p.emit().result.err


# -- an ID that another record had before ------------------------------------------------------------------------------
# A loader that finds rows by either ID would load the insert over the row that still has that ID.
NEXT = row(n="N1", summary="next")


def reuse(make, **external):
    """N1 became N9, which the platform was not told, and is given to another record."""
    p = make(external=external).agree(row("E1", "N1"))
    p.run("bind", "--rekey", "native", "N1", "N9")
    return p


def ids(rows):
    return [pick(r, "x", "n") for r in rows]


def test_an_id_that_is_used_again_goes_out_once_the_old_row_was_told_its_new_one(make):
    p = reuse(make)
    assert p.sync().nothing
    assert ids(p.trip(nat=[NEXT]).external) == [("E1", "N9")]
    assert ids(p.trip(ext=[row("E1", "N9")]).external) == [("", "N1")]
    assert p.trip(ext=[row("E1", "N9"), row("E2", "N1", summary="next")]).nothing
    assert pick(only(p.trip(ext=[row("E2", "N1", summary="two")]).native), "x", "n") == ("E2", "N1")


def test_diff_and_show_tell_what_an_id_that_is_used_again_waits_for(make):
    p = reuse(make)
    p.run("hold", "E1")
    p.tick()
    p.drop("native", [NEXT])
    told = {r["native_id"]: pick(r, "external_action", "reason") for r in p.diff()}
    assert told["N1"] == ("wait", "E1 has its native ID there still")
    p.emit()
    assert "E1 has its native ID there still" in p.run("show", "N1").out


def test_a_side_that_keeps_the_old_id_is_told_once_and_not_sent_the_other_row(make):
    p = reuse(make)
    p.trip(nat=[NEXT])
    for _ in range(3):
        assert p.trip(ext=[row("E1", "N1")]).nothing
    assert ids(p.trip(ext=[row("E1", "N9")]).external) == [("", "N1")]


def test_a_new_id_that_was_withdrawn_is_told_again(make):
    p = reuse(make)
    p.tick()
    p.drop("native", [NEXT])
    p.run("withdraw", p.emit()[0].name)
    assert ids(p.sync().external) == [("E1", "N9")]
    assert ids(p.sync().external) == [("", "N1")]


def test_a_loader_that_goes_by_its_own_ids_gets_the_other_row_at_once(make):
    assert ids(reuse(make, matches_by="own-id").trip(nat=[NEXT]).external) == [("", "N1")]


def test_an_id_that_is_used_again_before_the_edit_that_won_over_its_delete_is_there(make):
    """Also while a version is on its way that still carries the old ID."""
    p = make(native={"content": "snapshot", "deletes": "review"}).agree(row("E1", "N1"))
    p.trip(nat=[row("E1", "N1", summary="two")])
    p.trip(ext=[row("E1", "N1", summary="two", body="edited")], nat=[row("E3", "N3")])
    p.decide("accept", "edit-vs-delete")
    there = [row("E3", "N3"), NEXT]
    deltas = p.trip(nat=there)
    assert ids(deltas.native) == [("E1", "")] and "N1" not in [r["n"] for r in deltas.external]
    there += [row("E1", "N9", summary="two", body="edited")]
    assert ids(p.trip(nat=there).external) == [("E1", "N9")]
    assert ids(p.trip(nat=there).external) == [("", "N1")]
