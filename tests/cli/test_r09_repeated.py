"""R9: one file, one say."""
import datetime
import json

import pytest

from profile import MODIFIED, OTHER, SCHEMA, SIDES, field, only, pick, row

NUMBERED = SCHEMA + [field("amount", type="number")]


def test_equal_rows_of_one_file_count_once(p):
    assert only(p.trip(ext=[row("E1"), row("E1")]).native)["x"] == "E1"


def test_differing_rows_of_one_file_apply_neither(pair):
    assert pair.trip(ext=[row("E1", "N1", summary="two"), row("E1", "N1", summary="three")]).nothing


def test_rows_that_meet_by_different_ids_are_repeated_too(pair):
    assert pair.trip(ext=[row("E1", summary="two"), row("", "N1", summary="three")]).nothing


SAID_TO_BE_ONE = [[row("E1", "N1"), row(n="N1", summary="two")], [row(n="N1", summary="two"), row("E1", "N1")],
                  [row("E1", summary="two"), row("E1", "N1")]]


@pytest.mark.parametrize("rows", SAID_TO_BE_ONE)
@pytest.mark.parametrize("verb", ["accept", "dismiss"])
def test_both_records_that_differing_rows_speak_of_are_frozen(p, rows, verb):
    """Neither may be inserted on the side that has it already."""
    p.drop("external", [row("E1")])
    p.drop("native", [row(n="N1")])
    p.tick(1)
    p.drop("native", rows)
    assert p.emit().nothing and len(p.items("repeated")) == 2
    p.run("review", verb, p.items("repeated")[0]["item"])
    assert not p.items("repeated")


def test_differing_rows_block_no_other_row(pair):
    deltas = pair.trip(ext=[row("E1", "N1", summary="two"), row("E2"), row("E1", "N1", summary="three")])
    assert only(deltas.native)["x"] == "E2"


@pytest.mark.parametrize("order", [1, -1])
def test_with_modified_at_the_newer_row_wins(make, order):
    p = make(schema=SCHEMA + [MODIFIED]).agree(row("E1", "N1", modified="2026-11-01T00:00:00Z"))
    rows = [row("E1", "N1", summary="newer", modified="2026-11-03T02:00:00Z"),
            row("E1", "N1", summary="older", modified="2026-11-03T01:00:00Z")]
    assert only(p.trip(ext=rows[::order]).native)["summary"] == "newer"


def test_with_modified_at_the_newest_of_which_differ_a_person_says(make):
    p = make(schema=SCHEMA + [MODIFIED]).agree(row("E1", "N1", modified="2026-11-01T00:00:00Z"))
    rows = [row("E1", "N1", summary=s, modified=f"2026-11-03T0{h}:00:00Z") for s, h in (("a", 1), ("b", 2), ("c", 2))]
    assert p.trip(ext=rows).nothing and len(p.items("repeated")) == 1


@pytest.mark.review
def test_repeated_row_that_clashes_by_now_cannot_count(pair):
    pair.trip(ext=[row("E1", "N1", summary="two"), row("E1", "N1", summary="three")])
    pair.run("bind", "--rekey", "native", "N1", "N7")
    pair.trip(nat=[row("", "N1", summary="other")], hours=1)
    number = only(pair.items("repeated"))["item"]
    assert "the row cannot count" in pair.run("review", "accept", number, status=64).err
    assert only(pair.items("repeated"))["item"] == number


@pytest.mark.review
def test_repeated_rows_go_to_review(pair):
    pair.trip(ext=[row("E1", "N1", summary="two"), row("E1", "N1", summary="three")])
    assert pair.items("repeated")


def test_differing_rows_are_told_with_their_lines(p):
    rows = [row("E1"), row("E2"), row("E1", summary="two"), *(row("E3", summary=str(n)) for n in range(10))]
    p.drop("external", rows)
    reasons = {line["external_id"]: line["reason"] for line in p.diff() if line["change"] == "repeated"}
    assert reasons == {"E1": "lines 2 and 4 speak of the same record and differ",
                       "E3": "lines 5, 6, 7, 8, 9, 10, 11, 12 and more speak of the same record and differ"}
    assert "lines 2 and 4 speak of the same record and differ: see roundtrip review" in p.emit().result.err


def test_a_clash_is_told_with_its_reason(p):
    p.agree(row("E1", "N1"), row("E2", "N2"))
    p.tick()
    p.drop("external", [row("E1", "N2")])
    assert ["N2" in line["reason"] for line in p.diff() if line["change"] == "clash"] == [True]


def test_record_with_a_repeated_row_is_frozen(pair):
    pair.trip(ext=[row("E1", "N1", summary="two"), row("E1", "N1", summary="three")])
    assert pair.trip(nat=[row("E1", "N1", body="more")]).nothing


def test_a_newer_row_ends_the_freeze(pair):
    pair.trip(ext=[row("E1", "N1", summary="two"), row("E1", "N1", summary="three")])
    assert pick(only(pair.trip(ext=[row("E1", "N1", summary="three")]).native), "x", "summary") == ("E1", "three")


def test_record_with_a_rejected_row_is_frozen_until_a_newer_row_comes(make):
    p = make(schema=NUMBERED).agree(row("E1", "N1", amount="1"), row("E2", "N2", amount="2"))
    assert p.trip(ext=[row("E1", "N1", amount="much")]).nothing
    deltas = p.trip(nat=[row("E1", "N1", amount="1", body="more"), row("E2", "N2", amount="2", body="more")])
    assert only(deltas.external)["x"] == "E2"
    assert only(p.trip(ext=[row("E1", "N1", amount="1")]).external)["x"] == "E1"


@pytest.mark.parametrize("x, n", [("E1", '="N1"'), ("E1", "'N1"), ("E1", "1.5E+16"), ("E1", "123456789012345000"), ("E1", "N\xff"),
                                  ("'E1", "N1"), ("123456789012345000", "N1")])
def test_row_with_one_readable_id_freezes_its_record(pair, x, n):
    pair.tick()
    raw = pair.text("external", [row(x, n, summary="edited")]).encode("latin-1")
    pair.drop("external", raw=raw)
    assert pair.emit().nothing and pair.items("rejected")
    assert pair.trip(nat=[row("E1", "N1", body="more")]).nothing
    both = only(pair.trip(ext=[row("E1", "N1", summary="edited")]).external)
    assert pick(both, "summary", "body") == ("edited", "more")


def test_while_a_refused_file_is_undecided_nothing_is_sent_to_its_side(pair):
    pair.tick()
    pair.drop("external", raw=b"EID,NID,Summary,Body,Email\nE1,N1,on")
    pair.emit(status=65)
    pair.tick()
    pair.drop("native", [row("E1", "N1", body="more")])
    assert not pair.emit(status=(0, 65)).external


def refused(pair):
    """A file in which E1's summary was edited was cut; E1's body is edited in the database."""
    pair.tick()
    pair.drop("external", raw=b"EID,NID,Summary,Body,Email\nE1,N1,on", name="cut_2026-11-04T0600.csv")
    pair.emit(status=65)
    pair.tick()
    pair.drop("native", [row("E1", "N1", body="more")])
    return pair


def due(p):
    """What status says, without an emit in between."""
    return [(d["action"], d["rows"], "refused" in d["reason"])
            for d in json.loads(p.run("status", "--json").out)["external"]["due"]]


@pytest.mark.review
@pytest.mark.parametrize("verb", ["accept", "dismiss"])
def test_what_is_due_is_told_truly_before_and_after_a_refused_file_is_decided(pair, verb):
    refused(pair).emit(status=65)
    assert due(pair) == [("wait", 1, True)]
    pair.run("hold", "E1")
    assert due(pair) == [("wait", 1, False)]
    pair.run("release", "E1")
    assert due(pair) == [("wait", 1, True)]
    pair.put("inbox/external/again_2026-11-05T0600.csv", b"EID,NID")
    pair.emit(status=65)
    pair.run("review", verb, pair.items("refused")[0]["item"])
    assert due(pair) == [("wait", 1, True)]
    pair.decide(verb, "refused")
    assert due(pair) == [("update", 1, False)]
    assert only(pair.emit().external)["body"] == "more"


@pytest.mark.parametrize("command", ["emit", "run", "diff"])
def test_each_run_that_holds_back_for_a_refused_file_says_so(pair, command):
    refused(pair)
    told = pair.run("-q", command, status=65)
    assert told.err == (f"roundtrip {command}: a refused file of EverTrue is undecided (review 1), so nothing is sent there: "
                        "1 wait: see roundtrip review\n")


@pytest.mark.review
def test_a_newer_file_of_changes_does_not_tell_what_was_in_a_refused_one(pair):
    refused(pair).drop("external", [row("E2")])
    deltas = pair.sync(status=65)
    assert not deltas.external and only(deltas.native)["x"] == "E2"
    assert len(pair.items("refused")) == 1
    assert not pair.trip(ext=[row("E3")], status=65).external


@pytest.mark.review
@pytest.mark.parametrize("name", ["cut_2026-11-04T0600.csv", "rejects"])
def test_mended_file_settles_the_refused_one(pair, name):
    refused(pair)
    if name == "rejects":
        name, = (n for n in pair.listing("rejects") if n.endswith(".csv"))
    pair.drop("external", [row("E1", "N1", summary="on the phone")], name=name)
    assert pick(only(pair.sync().external), "summary", "body") == ("on the phone", "more")
    assert not pair.items()


@pytest.mark.review
def test_newer_snapshot_settles_a_refused_file(make):
    p = refused(make(external={"snapshot_pattern": "full*"}).agree(row("E1", "N1")))
    p.drop("external", [row("E1", "N1", summary="on the phone")], name=f"full_{p.now:%Y-%m-%dT%H%M}.csv")
    assert pick(only(p.sync().external), "summary", "body") == ("on the phone", "more")
    assert not p.items()


@pytest.mark.review
def test_decided_refused_file_lets_rows_flow_again(pair):
    pair.tick()
    pair.drop("external", raw=b"EID,NID,Summary,Body,Email\nE1,N1,on")
    pair.emit(status=65)
    pair.decide("accept", "refused")
    pair.tick()
    pair.drop("native", [row("E1", "N1", body="more")])
    assert only(pair.emit().external)["body"] == "more"


def test_of_many_disputes_the_first_are_told_and_the_rest_counted(p):
    p.drop("external", [row(f"E{i}", summary=f"{i} {k}") for k in range(2) for i in range(50)])
    told = p.emit(status=None).result.err
    assert told.count("speak of the same record and differ") == 20
    assert "external_2026-11-01T0600.csv: 30 more like these: see roundtrip review" in told
    assert len(p.items("repeated")) == 50


# -- rejected rows stand on the review list, whatever stands around them -------------------------------------------

def rejected_of(p):
    return [(i["external_id"], i["native_id"], i["line"]) for i in p.items() if i["kind"] == "rejected"]


@pytest.mark.review
def test_rejected_rows_of_records_that_are_not_known_are_on_the_review_list(make):
    p = make(schema=NUMBERED)
    p.drop("external", [row("E1", amount="much"), row("", amount="1"), row("E2", amount="2")])
    assert only(p.emit().native)["x"] == "E2"
    assert rejected_of(p) == [("E1", "", "2"), ("", "", "3")]
    assert '"much" is not a number' in p.items()[0]["what"]


@pytest.mark.review
def test_an_id_that_is_rejected_again_stays_one_item_until_a_good_row_settles_it(make):
    p = make(schema=NUMBERED)
    p.trip(ext=[row("E1", amount="much")])
    p.trip(ext=[row("E3", amount="1"), row("E1", amount="more")])
    assert rejected_of(p) == [("E1", "", "3")]
    assert only(p.trip(ext=[row("E1", amount="3")]).native)["amount"] == "3"
    assert not p.items()


@pytest.mark.review
def test_row_without_an_id_is_settled_by_the_mended_file(make):
    p = make(schema=NUMBERED)
    p.trip(ext=[row("", amount="1")])
    p.trip(ext=[row("E2", amount="1")])
    assert rejected_of(p) == [("", "", "2")]
    name, = (n for n in p.listing("rejects") if not n.endswith(".reasons.csv"))
    p.drop("external", [row("E1", amount="1")], name=name)
    assert only(p.sync().native)["x"] == "E1"
    assert not p.items()


@pytest.mark.review
def test_snapshot_settles_the_rows_without_a_record_of_an_earlier_file(make):
    p = make(schema=NUMBERED, external={"content": "snapshot"})
    p.trip(ext=[row("", amount="1"), row("E1", amount="much")])
    p.trip(ext=[row("E2", amount="1"), row("", amount="1")])
    assert rejected_of(p) == [("", "", "3")]


@pytest.mark.review
def test_repeated_rows_of_a_new_record_are_one_item_and_settled_by_a_single_row(p):
    p.trip(ext=[row("E1", summary="two"), row("E1", summary="three")])
    p.trip(ext=[row("E1", summary="three"), row("E1", summary="four")])
    assert [(i["kind"], i["external_id"]) for i in p.items()] == [("repeated", "E1")]
    assert only(p.trip(ext=[row("E1", summary="five")]).native)["summary"] == "five"
    assert not p.items()


@pytest.mark.review
@pytest.mark.parametrize("verb", ["accept", "dismiss"])
def test_decided_row_without_a_record_is_gone_also_after_a_rebuild(make, verb):
    p = make(schema=NUMBERED)
    p.trip(ext=[row("E1", amount="much"), row("", amount="1")])
    p.decide(verb, "rejected")
    assert not p.items()
    (p.path / "state.db").unlink()
    p.run("rebuild")
    assert not p.items()


BAD, GOOD = row("E1", "N1", amount="much"), row("E1", "N1", amount="2")


@pytest.mark.review
@pytest.mark.parametrize("is_first", [True, False])
@pytest.mark.parametrize("is_known, bad", [(True, BAD), (False, BAD), (True, row("E1", "N2", amount="3"))])
def test_bad_row_freezes_its_record_before_and_behind_a_good_one(make, is_known, bad, is_first):
    p = make(schema=NUMBERED)
    if is_known:
        p.agree(row("E1", "N1", amount="1"))
    assert p.trip(ext=[bad, GOOD] if is_first else [GOOD, bad]).nothing
    p.decide("dismiss", only(p.items())["kind"])
    assert only(p.sync().native)["amount"] == "2"


@pytest.mark.review
def test_rejected_row_among_repeated_ones_takes_no_item_away(make):
    p = make(schema=NUMBERED).agree(row("E1", "N1", amount="1"))
    p.trip(ext=[row("E1", "N1", amount="2"), BAD, row("E1", "N1", amount="3")])
    assert sorted(i["kind"] for i in p.items()) == ["rejected", "repeated"]
    assert only(p.trip(ext=[row("E1", "N1", amount="4")]).native)["amount"] == "4"
    assert not p.items()


@pytest.mark.review
@pytest.mark.parametrize("path", ["lookup", "digest", "keys"])
@pytest.mark.parametrize("is_first", [True, False])
def test_row_as_last_time_is_compared_with_the_edited_one_in_front_of_it(make, path, is_first):
    """A snapshot's row that is as it was is recognised by its digest: that must not hide that another one says something else."""
    p = make(external={"content": "snapshot"})
    p.always["ROUNDTRIP_PATH"] = path
    p.agree(row("E1", "N1"), row("E2", "N2"))
    was, edited = row("E1", "N1"), row("E1", "N1", summary="two")
    for _ in range(2):
        assert p.trip(ext=[row("E2", "N2"), was]).nothing
    assert p.trip(ext=[edited, was, row("E2", "N2")] if is_first else [was, row("E2", "N2"), edited]).nothing
    assert [(i["kind"], i["external_id"]) for i in p.items()] == [("repeated", "E1")]
    assert only(p.trip(ext=[edited, row("E2", "N2"), edited]).native)["summary"] == "two"
    assert not p.items()


# -- a question about a row stays when its record becomes part of another one ---------------------------------------

@pytest.mark.review
@pytest.mark.parametrize("kind, rows", [("rejected", [row("", "N1", amount="much")]),
                                        ("repeated", [row("", "N1", amount="2"), row("", "N1", amount="3")])])
def test_question_about_a_row_survives_a_join(make, kind, rows):
    p = make(schema=NUMBERED)
    p.trip(ext=[row("E1", amount="1")], nat=[row("", "N1", amount="1")])
    p.trip(nat=rows)
    assert p.trip(ext=[row("E1", "N1", amount="1")]).nothing
    assert [(i["kind"], i["external_id"], i["native_id"], i["line"]) for i in p.items()] == [(kind, "E1", "N1", "2")]
    assert p.trip(ext=[row("E1", "N1", amount="1", body="more")]).nothing
    p.decide("dismiss", kind)
    assert only(p.sync().native)["body"] == "more"


@pytest.mark.review
@pytest.mark.parametrize("kind, rows", [("rejected", [row("", "N1", amount="much")]),
                                        ("repeated", [row("", "N1", amount="2"), row("", "N1", amount="3")])])
def test_question_about_a_row_survives_the_binding_of_a_suspected_duplicate(make, kind, rows):
    p = make(schema=NUMBERED)
    p.trip(ext=[row("E1", amount="1")])
    p.trip(nat=[row("", "N1", amount="1")])
    p.trip(nat=rows)
    p.decide("accept", "suspected")
    assert [(i["kind"], i["external_id"], i["native_id"], i["line"]) for i in p.items()] == [(kind, "E1", "N1", "2")]
    assert p.trip(ext=[row("E1", "N1", amount="1", body="more")]).nothing
    p.decide("dismiss", kind)
    assert only(p.sync().native)["body"] == "more"


@pytest.mark.review
def test_rejected_row_freezes_a_record_that_only_an_older_file_shows(make):
    p = make(schema=NUMBERED)
    older = p.text("external", [row("E1", amount="1")])
    name = f"external_{p.now:%Y-%m-%dT%H%M}_late.csv"
    p.trip(ext=[row("E1", amount="much")])
    p.drop("external", raw=older.encode(), name=name)
    assert p.sync().nothing and rejected_of(p) == [("E1", "", "2")]
    assert only(p.trip(ext=[row("E1", amount="3")]).native)["amount"] == "3"
    assert not p.items()


def test_clashing_row_does_not_hide_a_rejected_one(make):
    p = make(schema=NUMBERED).agree(row("E1", "N1"), row("E2", "N2"))
    p.trip(ext=[row("E1", "N1", amount="much"), row("E2", "N1")])
    assert [i["kind"] for i in p.items()] == ["clash", "clash", "rejected"]
    p.decide("dismiss", "clash")
    assert only(p.items())["kind"] == "rejected"
    p.trip(ext=[row("E1", "N1", amount="1")])
    assert not p.items()


@pytest.mark.parametrize("kind, rows", [
    ("repeated", [row("E1", "N1", summary="two"), row("E1", "N1", summary="three")]),
    ("rejected", [row("E1", "N1", amount="much")])])
def test_an_older_file_that_comes_late_settles_no_row_of_a_newer_one(make, kind, rows):
    p = make(schema=NUMBERED).agree(row("E1", "N1"))
    older = p.now + datetime.timedelta(hours=20)
    assert p.trip(ext=rows).nothing
    p.drop("external", [row("E1", "N1", summary="late")], at=older)
    assert p.sync().nothing and only(p.items())["kind"] == kind
    assert "frozen" in p.run("show", "E1").out
    assert only(p.trip(ext=[row("E1", "N1", summary="four")]).native)["summary"] == "four"
    assert not p.items()


@pytest.mark.parametrize("late", [
    [row("E1", "N1", summary="older"), row("E1", "N1", summary="other")], [row("E1", "N1", amount="much")], [row("E1", "N9")]])
def test_a_question_about_rows_of_an_older_file_takes_no_newer_one_s_place(make, late):
    p = make(schema=NUMBERED).agree(row("E1", "N1"))
    older = p.now + datetime.timedelta(hours=20)
    p.trip(ext=[row("E1", "N1", summary="two"), row("E1", "N1", summary="three")])
    p.drop("external", late, at=older)
    assert p.sync().nothing and only(p.items())["kind"] == "repeated"
    p.decide("accept", "repeated")
    assert only(p.sync().native)["summary"] == "three" and not p.items()


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("kind, rows", [
    ("repeated", [row("E2", "N2", summary="two"), row("E2", "N2", summary="three")]),
    ("rejected", [row("E2", "N2", amount="much")])])
def test_a_record_that_the_other_side_makes_known_waits_for_its_row_in_question(make, side, kind, rows):
    """The side shows it already: what we sent would make it a second time there, or go over what the row says."""
    p = make(schema=NUMBERED).agree(row("E1", "N1"))
    p.tick()
    p.drop(side, rows)
    assert p.sync().nothing
    p.tick()
    key, known = ("x", "E2") if side == "native" else ("n", "N2")
    p.drop(OTHER[side], [row(**{key: known}, summary="theirs")])
    assert p.sync().nothing and only(p.items())["kind"] == kind
    assert "frozen" in p.run("show", known).out
    p.tick()
    p.drop(side, [row("E2", "N2", summary="theirs")])
    assert not any(d.side == side for d in p.sync()) and not p.items()


def test_a_file_that_is_read_twice_tells_of_a_row_once(pair):
    pair.tick()
    pair.drop("external", [row("", "", summary="nobody"), row("E1", "N9"), row("E7"), row("E7", summary="two")])
    err = pair.emit().result.err
    assert err.count("line 2: the row has no ID") == 1 and err.count("line 3: identity clash") == 1
