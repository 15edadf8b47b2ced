"""R11: a lost ID must not become a duplicate."""
import pytest

from profile import EMAIL, IDS, TEXTS, field, only, pick, row

pytestmark = pytest.mark.later


def test_row_that_looks_like_a_pending_insert_is_not_sent_back(p):
    assert p.trip(ext=[row("E1")]).native
    assert p.trip(nat=[row(n="N1")]).nothing
    assert p.trip(nat=[row(n="N1")]).nothing


def test_row_that_differs_is_new(p):
    assert p.trip(ext=[row("E1")]).native
    assert only(p.trip(nat=[row(n="N1", summary="quite another", body="thing")]).external)["n"] == "N1"


@pytest.mark.review
def test_accept_binds_the_two(p):
    p.trip(ext=[row("E1")])
    p.trip(nat=[row(n="N1")])
    p.decide("accept", "suspected")
    assert p.sync().nothing
    assert pick(only(p.trip(nat=[row(n="N1", summary="two")]).external), "x", "n") == ("E1", "N1")


@pytest.mark.review
def test_dismiss_says_it_is_another(p):
    p.trip(ext=[row("E1")])
    p.trip(nat=[row(n="N1")])
    p.decide("dismiss", "suspected")
    assert pick(only(p.sync().external), "x", "n") == ("", "N1")


def test_policy_bind_binds_by_itself(make):
    p = make(policy={"suspected_duplicate": "bind"})
    p.trip(ext=[row("E1")])
    assert p.trip(nat=[row(n="N1")]).nothing
    assert pick(only(p.trip(nat=[row(n="N1", summary="two")]).external), "x", "n") == ("E1", "N1")


@pytest.mark.parametrize("policy", ["review", "bind"])
def test_fingerprint_without_a_value_is_none(make, policy):
    """Two that have nothing in common but an empty field: one overwrote the other."""
    p = make(schema=IDS + TEXTS + [field("code", role="fingerprint")], policy={"suspected_duplicate": policy})
    p.trip(ext=[row("E1", summary="lunch")])
    assert pick(only(p.trip(nat=[row(n="N1", summary="call")]).external), "x", "n", "summary") == ("", "N1", "call")
    p.trip(ext=[row("E2", summary="letter")])
    assert p.trip(nat=[row(n="N2", summary="letter")]).nothing, "all of it is the same"


def test_policy_bind_does_not_guess_between_two(make):
    p = make(policy={"suspected_duplicate": "bind"})
    p.trip(ext=[row("E1"), row("E2")])
    assert p.trip(nat=[row(n="N1")]).nothing
    assert "N1" not in p.run("show", "E1").out or "N1" not in p.run("show", "E2").out


@pytest.mark.review
def test_accept_of_two_candidates_is_refused(p):
    p.trip(ext=[row("E1"), row("E2")])
    p.trip(nat=[row(n="N1")])
    p.items("suspected")
    p.run("review", "accept", "all", "--kind", "suspected", status=None)
    assert p.items("suspected") and p.sync().nothing


@pytest.mark.review
def test_what_a_suspected_row_looks_like_is_told(p):
    p.trip(ext=[row("E1", body="sent"), row("E2", summary="another")])
    p.trip(nat=[row(n="N1", body="sent")])
    item = only(p.items("suspected"))
    assert item["what"].endswith("looks like E1 / -")
    assert "looks like E1 / -\nsummary\n  sent: one\n  database: one\nbody\n  sent: sent\n  database: sent\n" \
        in p.run("review", "show", item["item"]).out


@pytest.mark.review
def test_accepting_two_that_may_be_one_insert_is_refused(p):
    p.trip(ext=[row("E1"), row("E3", summary="three")])
    p.trip(nat=[row(n="N1"), row(n="N2"), row(n="N3", summary="three")])
    numbers = [i["item"] for i in p.items("suspected")]
    assert "may be the same pending insert" in p.run("review", "accept", "all", "--kind", "suspected", status=64).err
    assert [i["item"] for i in p.items("suspected")] == numbers and p.sync().nothing
    right = next(i["item"] for i in p.items("suspected") if i["native_id"] == "N2")
    p.run("review", "accept", right)
    assert pick(only(p.sync().external), "x", "n") == ("", "N1")
    p.run("review", "accept", "all", "--kind", "suspected")
    assert p.sync().nothing


def test_fingerprint_fields_are_enough(make):
    schema = IDS + [field("summary", role="fingerprint"), field("body"), EMAIL]
    p = make(schema=schema)
    p.trip(ext=[row("E1")])
    assert p.trip(nat=[row(n="N1", body="already edited")]).nothing


def test_later_edit_does_not_shake_off_the_suspicion(p):
    p.trip(ext=[row("E1")])
    p.trip(nat=[row(n="N1")])
    assert p.trip(nat=[row(n="N1", summary="edited since")]).nothing


def test_row_that_brings_the_id_ends_the_suspicion(p):
    p.trip(ext=[row("E1")])
    p.trip(nat=[row(n="N1")])
    assert p.trip(nat=[row("E1", "N1")]).nothing
    assert only(p.trip(nat=[row("E1", "N1", summary="two")]).external)["x"] == "E1"


def test_side_without_the_other_id_column_needs_a_fingerprint(make):
    ids = [field("external_id", "EID", "", role="external_id", type="id"), IDS[1]]
    make(schema=ids + TEXTS, resume=False).run("check", status=78)
    fingerprint = [field("summary", role="fingerprint"), field("body")]
    make(schema=ids + fingerprint, resume=False).run("check", status=0)


def test_join_with_the_pending_insert_ends_the_suspicion(p):
    p.trip(nat=[row(n="N1")])
    p.trip(ext=[row("E1")])
    assert p.items("suspected")
    assert p.trip(ext=[row("E1", "N1")]).nothing and not p.items()
    assert only(p.trip(ext=[row("E2")]).native)["x"] == "E2" and not p.items()


def test_other_suspect_of_a_joined_insert_is_free(p):
    p.trip(nat=[row(n="N1")])
    p.trip(ext=[row("E1"), row("E2")])
    assert len(p.items("suspected")) == 2
    assert only(p.trip(ext=[row("E1", "N1")]).native)["x"] == "E2" and not p.items()


def test_row_that_names_both_ids_has_lost_none(p):
    p.trip(nat=[row(n="N1")])
    p.trip(ext=[row("E1")])
    p.run("bind", "E1", "N7")
    assert not p.items()
    assert pick(only(p.sync().native), "x", "n") == ("E1", "N7")
    assert only(p.trip(ext=[row("E2")]).result.err.splitlines()[:1]).endswith("1 suspected")


def test_pending_insert_is_known_by_its_later_edits_too(p):
    p.trip(nat=[row(n="N1")])
    assert only(p.trip(nat=[row(n="N1", summary="two")]).external)["summary"] == "two"
    assert p.trip(ext=[row("E1", summary="two")]).nothing
    p.decide("accept", "suspected")
    assert p.sync().nothing
    assert pick(only(p.trip(ext=[row("E1", summary="three")]).native), "x", "n") == ("E1", "N1")


def test_repeated_row_that_a_person_takes_may_be_suspected(p):
    p.trip(nat=[row(n="N1")])
    assert p.trip(ext=[row("E1", summary="other"), row("E1")]).nothing
    p.decide("accept", "repeated")
    assert p.sync().nothing
    p.decide("accept", "suspected")
    assert p.sync().nothing and "N1" in p.run("show", "E1").out


def test_repeated_row_that_a_person_takes_may_be_bound(make):
    p = make(policy={"suspected_duplicate": "bind"})
    p.trip(nat=[row(n="N1")])
    assert p.trip(ext=[row("E1", summary="other"), row("E1")]).nothing
    p.decide("accept", "repeated")
    assert p.sync().nothing and "N1" in p.run("show", "E1").out


def test_accepted_suspect_that_is_missing_stays_missing(make):
    p = make(native={"content": "snapshot"})
    p.trip(ext=[row("E1"), row("E2", summary="other")])
    p.trip(nat=[row(n="N1"), row("E2", "N2", summary="other")])
    p.trip(nat=[row("E2", "N2", summary="other")])
    p.decide("accept", "suspected")
    assert not p.trip(ext=[row("E1", "N1", summary="two")]).native
    assert only(p.trip(nat=[row("E1", "N1"), row("E2", "N2", summary="other")]).native)["summary"] == "two"


@pytest.mark.parametrize("conflict", ["review", "external", "native"])
@pytest.mark.parametrize("how", ["row", "bind", "accept"])
@pytest.mark.parametrize("side, own", [("external", dict(x="E1")), ("native", dict(n="N1"))])
def test_an_edit_of_an_insert_that_lost_its_id_is_an_edit_however_the_two_are_bound(make, side, own, how, conflict):
    other = {"external": "native", "native": "external"}[side]
    p = make(policy={"conflict": conflict}, schema=IDS + [field("person", role="fingerprint"), field("body")],
             external={"matches_by": "own-id"})
    p.trip(**{other[:3]: [dict(x="E1" if side == "native" else "", n="N1" if side == "external" else "", person="p", body="ours")]})
    p.trip(**{side[:3]: [dict(own, person="p", body="typed")]})
    if how == "row":
        deltas = p.trip(**{side[:3]: [dict(x="E1", n="N1", person="p", body="typed")]})
    else:
        p.run("bind", "E1", "N1") if how == "bind" else p.decide("accept", "suspected")
        deltas = p.trip()
    assert not p.items() and not deltas.side(side)
    assert pick(only(deltas.side(other)), "x", "n", "body") == ("E1", "N1", "typed")
    story = p.run("show", "E1").out
    assert "ours" in story and "typed" in story


@pytest.mark.review
@pytest.mark.parametrize("answer", ["accept", "dismiss"])
def test_no_update_follows_an_insert_that_may_have_lost_its_id(make, answer):
    p = make(schema=IDS + [field("person", role="fingerprint"), field("body"), field("place")],
             native={"matches_by": "either-id"})
    p.trip(ext=[dict(x="E1", person="p", body="ours", place="a")])
    p.trip(nat=[dict(n="N1", person="p", body="typed", place="a")])
    assert p.trip(ext=[dict(x="E1", person="p", body="ours", place="b")]).nothing
    assert "review: suspected: a row there may be this record" in p.run("show", "E1").out
    p.decide(answer, "suspected")
    deltas = p.sync()
    if answer == "accept":
        assert pick(only(deltas.native), "x", "n", "body", "place") == ("E1", "N1", "typed", "b")
        assert pick(only(deltas.external), "x", "n", "body") == ("E1", "N1", "typed")
    else:
        assert pick(only(deltas.native), "x", "n", "place") == ("E1", "", "b")
        assert pick(only(deltas.external), "x", "n", "body") == ("", "N1", "typed")


WHY = "suspected: a row there may be this record, without its ID"


def say_not_taken(p, how):
    """The insert of E1, delta 1, is due again."""
    if how == "overdue":
        p.tick(hours=100)
        assert p.sync().nothing
        return p.decide("accept", "overdue")
    if how == "confirmed":
        p.run("confirm", "1")
    return p.run("retry", "E1" if how == "by ID" else "1")


@pytest.mark.review
@pytest.mark.parametrize("answer", ["accept", "dismiss"])
@pytest.mark.parametrize("how", ["retry", "by ID", "overdue", "confirmed"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_insert_that_is_due_again_waits_while_a_row_may_be_it(p, when, how, answer):
    """It was sent again after a confirmation that was taken back, and the database had it twice."""
    p.trip(ext=[row("E1")])
    if when == "after":
        assert p.trip(nat=[row(n="N1")]).nothing
    say_not_taken(p, how)
    if when == "before":
        p.tick()
        p.drop("native", [row(n="N1")])
    assert pick(only([i for i in p.diff() if i["external_id"] == "E1"]), "native_action", "reason") == ("review", WHY)
    assert p.sync().nothing and len(p.items("suspected")) == 1
    assert WHY in p.run("emit", "--only", "E1", "--to", "native", status=1).err and WHY in p.run("show", "E1").out
    p.decide(answer, "suspected")
    deltas = p.sync()
    if answer == "accept":
        assert deltas.nothing
        assert pick(only(p.trip(nat=[row(n="N1", summary="two")]).external), "x", "n") == ("E1", "N1")
    else:
        assert only(deltas.native)["x"] == "E1" and only(deltas.external)["n"] == "N1"


@pytest.mark.parametrize("matches, edited", [("own-id", False), ("either-id", True)])
def test_withdrawing_what_came_later_does_not_forget_an_insert(make, matches, edited):
    """What was sent before, and may be there, was not looked for any more: both sides had it twice."""
    p = make(native={"matches_by": matches})
    p.trip(ext=[row("E1")])
    p.run("confirm", "1")
    if not edited:
        p.run("retry", "1")
    p.tick()
    if edited:
        p.drop("external", [row("E1", summary="two")])
    assert only(p.emit().native)["x"] == "E1"
    p.run("withdraw", "2")
    assert p.trip(nat=[row(n="N1")]).nothing and len(p.items("suspected")) == 1


@pytest.mark.review
def test_suspected_row_is_listed_with_what_it_may_be_now(p):
    """The list went on naming one that had its ID, and took an answer about two for one about the other."""
    p.trip(ext=[row("E1"), row("E2")])
    p.trip(nat=[row(n="N1")])
    item = only(p.items("suspected"))
    assert "looks like E1 / -; looks like E2 / -" in item["what"]
    p.trip(nat=[row("E1", "N7")])
    assert "changed since it was listed" in p.run("review", "accept", item["item"], status=2).err
    assert only(p.items("suspected"))["what"].endswith('"a@example.org"; looks like E2 / -')
    p.decide("accept", "suspected")
    assert pick(only(p.trip(nat=[row(n="N1", summary="two")]).external), "x", "n") == ("E2", "N1")


@pytest.mark.review
def test_suspected_row_is_shown_beside_what_was_sent(p):
    """Not what the record has become since, which waits."""
    p.trip(ext=[row("E1")])
    p.trip(ext=[row("E1", summary="two")])
    p.trip(nat=[row(n="N1")])
    item = only(p.items("suspected"))
    assert "summary\n  sent: one\n  database: one\n" in p.run("review", "show", item["item"]).out


@pytest.mark.review
def test_insert_is_not_handed_over_again_where_a_row_is_or_may_be_it(p):
    """The loader goes by its own ID, of which the delta knows nothing: it made another row."""
    p.trip(ext=[row("E1"), row("E2", summary="other")])
    p.trip(nat=[row(n="N1")])
    assert "row 1 of delta 000001 may be there" in p.run("push", "--again", "1", "--dry-run", status=2).err
    p.decide("accept", "suspected")
    before = p.listing("imports/native")
    assert "row 1 of delta 000001 is there already, as N1" in p.run("push", "--again", "1", status=2).err
    assert p.listing("imports/native") == before
    p.run("retry", "1")
    assert only(p.sync().native)["x"] == "E2"


def test_insert_is_handed_over_again_where_the_loader_finds_its_row(make):
    p = make(native={"matches_by": "either-id"})
    p.trip(ext=[row("E1")])
    assert p.trip(nat=[row("E1", "N1")]).nothing
    assert "-again-" in p.run("push", "--again", "1", "--dry-run").out


def test_insert_is_handed_over_again_where_its_row_is_gone(make):
    """A database that was restored from a backup, say."""
    p = make(native={"content": "snapshot"})
    p.trip(ext=[row("E1"), row("E2")])
    p.trip(nat=[row("E1", "N1"), row("E2", "N2")])
    assert "is there already" in p.run("push", "--again", "1", "--dry-run", status=2).err
    p.trip(nat=[row("E0", "N0")])
    assert "-again-" in p.run("push", "--again", "1").out


@pytest.mark.review
def test_insert_is_not_handed_over_again_where_its_row_lacks_the_other_id(make):
    p = make(native={"matches_by": "either-id"})
    p.trip(ext=[row("E1")])
    p.trip(nat=[row(n="N1")])
    p.decide("accept", "suspected")
    assert "is there already, as N1" in p.run("push", "--again", "1", status=2).err
