"""R8: changes never bounce; the loop window queues and never drops."""
import pytest

from profile import only, row

pytestmark = pytest.mark.later
E = row("E1", "N1")


def edit(**more):
    return {**E, **more}


def test_change_the_other_way_waits_for_the_window(make):
    p = make(policy={"loop_window": "1h"}).agree(E)
    assert p.trip(ext=[edit(summary="two")]).native
    p.tick(0, 20)
    p.drop("native", [edit(summary="two", body="more")])
    assert p.sync().nothing
    p.tick(2)
    assert only(p.sync().external)["body"] == "more"


def test_further_changes_the_same_way_keep_flowing(make):
    p = make(policy={"loop_window": "1h"}).agree(E)
    assert p.trip(ext=[edit(summary="two")]).native
    p.tick(0, 20)
    p.drop("external", [edit(summary="three")])
    assert only(p.sync().native)["summary"] == "three"


def test_window_is_per_record(make):
    p = make(policy={"loop_window": "1h"}).agree(E, row("E2", "N2"))
    assert p.trip(ext=[edit(summary="two")]).native
    p.tick(0, 20)
    p.drop("native", [row("E2", "N2", body="more")])
    assert only(p.sync().external)["x"] == "E2"


def test_window_counts_from_the_last_change(make):
    p = make(policy={"loop_window": "1h"}).agree(E)
    assert p.trip(ext=[edit(summary="two")]).native
    p.tick(0, 40)
    p.drop("external", [edit(summary="three")])
    assert p.sync().native
    p.tick(0, 40)
    p.drop("native", [edit(summary="three", body="more")])
    assert p.sync().nothing
    p.tick(0, 40)
    assert only(p.sync().external)["body"] == "more"


@pytest.mark.parametrize("withdrawn", (False, True))
def test_what_waits_in_the_outbox_does_not_end_the_window(make, withdrawn):
    p = make(policy={"loop_window": "5h"}).agree(E)
    assert p.trip(ext=[edit(summary="two")]).native
    p.tick(1)
    p.drop("native", [edit(summary="two")])
    p.drop("external", [edit(summary="three")])
    delta = only(p.emit())
    if withdrawn:
        p.run("withdraw", delta.name)
    p.tick(1)
    p.drop("native", [edit(summary="two", body="more")])
    assert not p.emit().external
    p.tick(3)
    assert only(p.emit().external)["body"] == "more"


def test_without_a_window_changes_flow_at_once(pair):
    assert pair.trip(ext=[edit(summary="two")]).native
    pair.tick(0, 20)
    pair.drop("native", [edit(summary="two", body="more")])
    assert pair.sync().external


def flap(p):
    sent = [bool(p.trip(ext=[edit(summary=value)]).native) for value in ("two", "one", "two", "one")]
    return sent


def test_a_b_a_b_and_a_again_is_not_sent(pair):
    assert flap(pair) == [True, True, True, False]


@pytest.mark.review
def test_flapping_is_in_review_and_accept_sends_it(pair):
    flap(pair)
    pair.decide("accept", "flapping")
    assert only(pair.sync().native)["summary"] == "one"


@pytest.mark.review
def test_flapping_that_both_sides_settle_closes_by_itself(pair):
    flap(pair)
    assert pair.trip(nat=[row("E1", "N1", summary="one")]).nothing
    assert not pair.items()
