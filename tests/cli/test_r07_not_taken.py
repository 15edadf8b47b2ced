"""R7: handed over, but a later file shows the record without it."""
import pytest

from profile import only, pick, row

OLD, NEW = row("E1", "N1"), row("E1", "N1", summary="two")


def sent_not_taken(make, **policy):
    """The database's edit was handed to the platform two days ago, whose export still shows the old text."""
    p = make(policy=policy).agree(OLD)
    assert p.trip(nat=[NEW]).external
    return p


def test_within_import_lag_an_old_look_means_nothing(make):
    p = sent_not_taken(make)
    assert p.trip(ext=[OLD], hours=3).nothing
    assert only(p.trip(nat=[row("E1", "N1", summary="three")], hours=1).external)["summary"] == "three"


def test_import_lag_can_be_set(make):
    p = sent_not_taken(make, import_lag="2h")
    assert p.trip(ext=[OLD], hours=3).nothing
    assert p.trip(nat=[row("E1", "N1", summary="three")], hours=1).nothing


def test_after_import_lag_the_record_is_frozen(make):
    p = sent_not_taken(make)
    assert p.trip(ext=[OLD], hours=48).nothing
    assert p.trip(nat=[row("E1", "N1", summary="three")], hours=1).nothing


def test_the_old_text_never_overwrites_the_edit(make):
    p = sent_not_taken(make)
    assert not p.trip(ext=[OLD], hours=48).native
    assert p.trip().nothing


def test_it_closes_by_itself_when_a_later_file_shows_the_version(make):
    p = sent_not_taken(make)
    p.trip(ext=[OLD], hours=48)
    assert p.trip(ext=[NEW]).nothing
    assert only(p.trip(nat=[row("E1", "N1", summary="three")]).external)["summary"] == "three"


def test_it_closes_by_itself_when_a_later_file_shows_an_edit_on_top(make):
    p = sent_not_taken(make)
    p.trip(ext=[OLD], hours=48)
    sent = only(p.trip(ext=[row("E1", "N1", summary="two", body="more")]).native)
    assert pick(sent, "summary", "body") == ("two", "more")


@pytest.mark.review
def test_it_is_in_review_once_a_delta(make):
    p = make().agree(row("E1", "N1"), row("E2", "N2"))
    p.trip(nat=[row("E1", "N1", summary="two"), row("E2", "N2", summary="two")])
    p.trip(ext=[row("E1", "N1"), row("E2", "N2")], hours=48)
    assert len(p.items("not-taken")) == 1


@pytest.mark.review
def test_accept_sends_the_newest_want(make):
    p = sent_not_taken(make)
    p.trip(ext=[OLD], hours=48)
    p.trip(nat=[row("E1", "N1", summary="three")], hours=1)
    p.decide("accept", "not-taken")
    assert only(p.sync().external)["summary"] == "three"
    assert not p.items("not-taken")


@pytest.mark.review
def test_dismiss_takes_what_the_side_shows_as_its_edit(make):
    p = sent_not_taken(make)
    p.trip(ext=[OLD], hours=48)
    p.decide("dismiss", "not-taken")
    deltas = p.sync()
    assert only(deltas.native)["summary"] == "one" and not deltas.external


@pytest.mark.review
def test_what_was_dismissed_is_no_start_of_a_later_edit(make):
    p = sent_not_taken(make)
    p.trip(ext=[OLD], hours=48)
    p.decide("dismiss", "not-taken")
    assert only(p.sync().native)["summary"] == "one"
    assert only(p.trip(ext=[row("E1", "N1", summary="three")], nat=[OLD]).native)["summary"] == "three"
    assert not p.items()


@pytest.mark.review
def test_what_was_dismissed_and_comes_late_is_still_ours(make):
    p = sent_not_taken(make)
    p.trip(ext=[OLD], hours=48)
    p.decide("dismiss", "not-taken")
    p.sync()
    deltas = p.trip(ext=[NEW], nat=[OLD])
    assert not deltas.native and only(deltas.external)["summary"] == "one"


def test_resend_sends_it_again_by_itself(make):
    p = sent_not_taken(make, not_taken="resend")
    assert pick(only(p.trip(ext=[OLD], hours=48).external), "x", "n", "summary") == ("E1", "N1", "two")
    assert p.trip(ext=[NEW], hours=48).nothing


def test_resend_happens_twice_at_most(make):
    p = sent_not_taken(make, not_taken="resend")
    resent = [len(p.trip(ext=[OLD], hours=48).external) for _ in range(4)]
    assert resent == [1, 1, 0, 0]


@pytest.mark.parametrize("command", ["retry"])
def test_retry_of_the_delta_sends_it_again(make, command):
    p = make().agree(OLD)
    deltas = p.trip(nat=[NEW])
    p.tick(1)
    p.run(command, deltas[0].name)
    assert only(p.sync().external)["summary"] == "two"


@pytest.mark.review
def test_its_item_counts_the_rows_that_still_wait(make):
    p = make().agree(*(row(f"E{i}", f"N{i}") for i in range(4)))
    p.trip(nat=[row(f"E{i}", f"N{i}", summary="two") for i in range(4)])
    p.trip(ext=[row(f"E{i}", f"N{i}") for i in range(3)], hours=48)
    assert only(p.items("not-taken"))["what"] == "3 rows"
    p.trip(ext=[row("E1", "N1", summary="two"), row("E3", "N3")])
    assert only(p.items("not-taken"))["what"] == "3 rows"
    p.trip(ext=[row("E0", "N0", summary="two")])
    assert only(p.items("not-taken"))["what"] == "2 rows"
    p.trip(ext=[row("E2", "N2", summary="two"), row("E3", "N3", summary="two")])
    assert not p.items("not-taken")
    p.trip(nat=[row("E2", "N2", summary="three")])
    p.trip(ext=[row("E2", "N2", summary="two")], hours=48)
    assert only(p.items("not-taken"))["what"].startswith("1 row")
