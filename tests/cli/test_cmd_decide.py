"""What people decide: the answers to every kind of review item, bind, confirm, retry, hold, pause, baseline."""
import json
import os

import pytest

import rebuilt
from profile import IDS, MODIFIED, OTHER, SCHEMA, SIDES, field, only, pick, row


def conflict(p):
    """E1 and N1 differ in summary, both edited."""
    p.trip(ext=[row("E1", "N1", summary="left")], nat=[row("E1", "N1", summary="right")])
    return p


def numbers(p, kind=None):
    return [int(item["item"]) for item in p.items(kind)]


# -- the list ----------------------------------------------------------------------------------------------------------
def test_list_fits_80_columns_and_tells_number_kind_ids_and_since(pair):
    conflict(pair)
    line = only(pair.run("review").out.splitlines())
    assert len(line) <= 80
    assert [w for w in line.split() if w != "/"] == ["1@1", "conflict", "E1", "N1", f"{pair.now:%Y-%m-%d}"]


def test_list_with_long_ids_still_fits(p):
    x, n = "E" * 60, "N" * 60
    p.agree(row(x, n))
    p.trip(ext=[row(x, n, summary="left")], nat=[row(x, n, summary="right")])
    assert len(only(p.run("review", "list").out.splitlines())) <= 80


def test_empty_list_says_so_and_prints_nothing(pair):
    result = pair.run("review")
    assert result.out == "" and result.err


def test_show_tells_both_values_and_what_the_answers_do(pair):
    conflict(pair)
    out = pair.run("review", "show", "1").out
    for word in ("EverTrue: left", "database: right", "take external", "take native", "summary"):
        assert word in out


def test_show_of_other_kinds_tells_accept_and_dismiss(pair):
    pair.trip(nat=[row("E1", "N2", summary="clash")])
    out = pair.run("review", "show", str(numbers(pair)[0])).out
    assert "accept:  joins" in out and "dismiss: ignores" in out and "N2" in out


def test_control_characters_do_not_reach_the_terminal(pair):
    pair.trip(ext=[row("E1", "N1", summary="\x1b[31mleft\x9b31m")], nat=[row("E1", "N1", summary="right", body="a\x9bb")])
    for command in (["review", "show", "1"], ["show", "E1"], ["review", "list"], ["diff"]):
        shown = pair.run(*command)
        assert not {"\x1b", "\x9b"} & set(shown.out + shown.err), command
    err = pair.run("fetch", "external", "no\x9bsuch.csv", status=74).err
    assert "no??such.csv" in err


def test_json_list_and_decision(pair):
    conflict(pair)
    items = json.loads(pair.run("review", "--json").out)["items"]
    assert only(items)["detail"]["fields"][0] == {"field": "summary", "external": "left", "native": "right"}
    done = json.loads(pair.run("review", "take", "1", "native", "--json").out)
    assert done["decided"] == [1]


def test_spreadsheet_defuses_formulas(pair):
    pair.trip(ext=[row("E1", "N1", summary="=1+1")], nat=[row("E1", "N1", summary="right")])
    assert "'" in pair.run("review", "--csv", "--spreadsheet").out or "=1+1" in pair.run("review", "--csv").out


@pytest.mark.parametrize("args", [["review", "list", "--kind", "conflicts"], ["review", "show", "9"], ["review", "accept", "9"],
                                  ["review", "accept"], ["review", "accept", "all"], ["review", "take", "1"],
                                  ["review", "take", "1", "nobody"], ["review", "approve", "1"], ["review", "accept", "x"],
                                  ["review", "accept", "3-"], ["review", "accept", "7-3"], ["review", "accept", "0"],
                                  ["review", "accept", "1"], ["review", "dismiss", "1"]])
def test_wrong_usage_is_64_and_decides_nothing(pair, args):
    conflict(pair)
    pair.run(*args, status=64)
    assert len(pair.items()) == 1 and pair.sync().nothing


# -- which items -------------------------------------------------------------------------------------------------------
def several(p, count):
    rows = [row(f"E{i}", f"N{i}", summary=f"s{i}") for i in range(1, count + 1)]
    p.agree(*rows)
    p.trip(ext=[{**r, "summary": "left"} for r in rows], nat=[{**r, "summary": "right"} for r in rows])
    return p


@pytest.mark.parametrize("spec, left", [("3", 4), ("2-4", 2), ("1,3,5", 2), ("1-2,5", 2), ("2@1", 4), ("2,2", 4), ("3,2-4,3", 2)])
def test_lists_and_ranges(p, spec, left):
    several(p, 5)
    assert f"{5 - left} item" in p.run("review", "take", spec, "external").out
    assert len(p.items()) == left and len(p.sync().native) == 5 - left


def test_all_needs_a_kind_and_takes_every_item_of_it(p):
    several(p, 3)
    p.run("review", "take", "all", "external", status=64)
    p.run("review", "take", "all", "external", "--kind", "conflict")
    assert not p.items()


def test_wrong_one_among_several_decides_none(p):
    several(p, 2)
    p.run("review", "take", "1,2,9", "external", status=64)
    assert len(p.items()) == 2


def test_closed_item_cannot_be_decided_again(pair):
    conflict(pair)
    pair.run("review", "take", "1", "external")
    assert "closed" in pair.run("review", "take", "1", "native", status=64).err


def test_item_that_changed_since_it_was_listed_is_refused(pair):
    conflict(pair)
    pair.run("review")
    pair.trip(ext=[row("E1", "N1", summary="changed meanwhile")])
    pair.run("review", "take", "1", "external", status=2)
    pair.run("review", "take", "all", "external", "--kind", "conflict", status=2)
    pair.run("review", "take", "1@1", "external", status=2)
    pair.run("review", "show", "1")
    pair.run("review", "take", "1", "external")
    assert only(pair.sync().native)["summary"] == "changed meanwhile"


@pytest.mark.parametrize("which", ["1", "1@1"])
def test_number_that_is_another_question_by_now_is_refused(p, which):
    """What is overdue is counted anew at each look until a command writes it down."""
    p.trip(ext=[row("E1")])
    p.tick(1)
    p.trip(ext=[row("E2")])
    p.tick(24 * 4)
    assert [i["delta"] for i in p.items("overdue")] == ["1", "2"]
    p.run("retry", "E1")
    assert "changed since it was listed" in p.run("review", "dismiss", which, status=2).err
    assert only(p.items("overdue"))["delta"] == "2"
    p.run("review", "dismiss", which)
    assert not p.items()


def test_version_can_be_given(pair):
    conflict(pair)
    pair.trip(ext=[row("E1", "N1", summary="changed meanwhile")])
    pair.run("review", "take", "1@1", "external", status=2)
    pair.run("review", "take", "1@2", "external")


def test_all_leaves_what_came_up_since_the_list(p):
    several(p, 2)
    p.run("review")
    p.trip(ext=[row("E3")])
    p.trip(nat=[row("E3", "N3")])
    p.trip(ext=[row("E3", "N3", summary="left")], nat=[row("E3", "N3", summary="right")])
    p.run("review", "take", "all", "external", "--kind", "conflict")
    assert only(p.items())["external_id"] == "E3"


def test_list_changes_no_state(pair):
    conflict(pair)
    before = pair.snapshot()
    pair.run("review")
    after = pair.snapshot()
    assert {k: v for k, v in after.items() if k != ".review-listed"} == before


# -- each kind ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("side, to, value", [("external", "native", "left"), ("native", "external", "right")])
def test_conflict_take(pair, side, to, value):
    conflict(pair)
    pair.run("review", "take", "1", side)
    deltas = pair.sync()
    assert only(deltas.side(to))["summary"] == value and len(deltas) == 1
    assert not pair.items() and pair.sync().nothing


def test_clash_accepted_joins_as_the_row_says(p):
    p.agree(row("E1", "N1"))
    p.drop("native", [row(n="N2", summary="other")])
    p.emit("--to", "native")
    p.trip(nat=[row("E1", "N2", summary="new")])
    items = p.items("clash")
    p.run("review", "accept", items[0]["item"])
    assert not p.items("clash")
    assert "N2" in p.run("show", "E1").out
    p.decide("take", "conflict", "native")          # the two have no common past
    assert pick(only(p.sync().external), "x", "n", "summary") == ("E1", "N2", "new")
    assert "N1" in p.run("show", "N1").out          # what E1 had before is a record of its own


def test_clash_accepted_with_an_unknown_id_rekeys_and_splits(pair):
    pair.trip(nat=[row("E1", "N2", summary="two")])
    pair.decide("accept", "clash")
    shown = pair.run("show", "E1").out
    assert "N2" in shown
    pair.decide("take", "conflict", "external")
    assert pick(only(pair.sync().native), "x", "n", "summary") == ("E1", "N2", "one")
    assert pick(only(pair.trip(ext=[row("E1", "N2", summary="three")]).native), "x", "n", "summary") == ("E1", "N2", "three")
    assert only(pair.trip(nat=[row(n="N1", summary="edited")]).external)["n"] == "N1"


def test_clash_of_two_records_is_decided_as_one(p):
    p.agree(row("E1", "N1"), row("E2", "N2"))
    p.trip(nat=[row("E1", "N2", summary="clash")])
    assert len(p.items("clash")) == 2
    p.run("review", "dismiss", p.items("clash")[0]["item"])
    assert not p.items("clash")
    assert only(p.trip(nat=[row("E2", "N2", summary="on")]).external)["x"] == "E2"


def test_repeated_accepted_takes_the_last_row(pair):
    pair.trip(nat=[row("E1", "N1", summary="a"), row("E1", "N1", summary="b")])
    pair.decide("accept", "repeated")
    assert only(pair.sync().external)["summary"] == "b"


def test_repeated_dismissed_ignores_the_rows(pair):
    pair.trip(nat=[row("E1", "N1", summary="a"), row("E1", "N1", summary="b")])
    pair.decide("dismiss", "repeated")
    assert pair.sync().nothing
    assert only(pair.trip(ext=[row("E1", "N1", body="more")]).native)["body"] == "more"


def test_repeated_rows_of_an_unknown_record(p):
    p.trip(nat=[row(n="N1", summary="a"), row(n="N1", summary="b")])
    p.decide("accept", "repeated")
    assert pick(only(p.sync().external), "n", "summary") == ("N1", "b")


@pytest.mark.parametrize("verb", ["accept", "dismiss"])
def test_rejected_row_lets_the_record_flow_again(make, verb):
    p = make(schema=SCHEMA + [field("amount", type="number")])
    p.agree(row("E1", "N1", amount="1"))
    p.trip(nat=[row("E1", "N1", amount="many")])
    assert p.trip(ext=[row("E1", "N1", amount="2")]).nothing
    p.decide(verb, "rejected")
    assert only(p.sync().native)["amount"] == "2"


def test_refused_file_accepted(pair):
    pair.tick()
    pair.drop("native", raw=b"no csv\n\"")
    pair.drop("external", [row("E1", "N1", summary="two")])
    assert pair.emit(status=65).nothing
    pair.decide("accept", "refused")
    assert only(pair.sync().native)["summary"] == "two"


def missing(make, deletes="review", **native):
    p = make(external={"content": "snapshot", "deletes": deletes}, native=native, policy={"max_deletes": "5"})
    p.agree(row("E1", "N1"), row("E2", "N2", summary="two"))
    p.trip(ext=[row("E1", "N1")])
    return p


def test_missing_cannot_be_accepted_where_the_other_side_takes_no_deletes(make):
    p = missing(make)
    p.run("review", "accept", "all", "--kind", "missing", status=64)
    assert p.items("missing")


def test_missing_accepted_is_sent_as_a_delete(make):
    p = missing(make, action_column="Action")
    p.decide("accept", "missing")
    assert pick(only(p.sync().native), "n", "Action") == ("N2", "delete")
    assert p.sync().nothing


def test_edit_vs_delete_accepted_inserts_again(make):
    p = missing(make)
    p.trip(nat=[row("E2", "N2", summary="edited")])
    p.decide("accept", "edit-vs-delete")
    assert pick(only(p.sync().external), "x", "n", "summary") == ("", "N2", "edited")
    assert p.trip(ext=[row("E1", "N1"), row("E22", "N2", summary="edited")]).nothing
    assert not p.items()


def test_edit_vs_delete_dismissed_sends_the_delete_where_it_can(make):
    p = missing(make, action_column="Action")
    p.trip(nat=[row("E2", "N2", summary="edited")])
    p.decide("dismiss", "edit-vs-delete")
    assert pick(only(p.sync().native), "n", "Action") == ("N2", "delete")


def test_edit_vs_delete_dismissed_without_deletes_leaves_it(make):
    p = missing(make, "ignore")
    p.trip(nat=[row("E2", "N2", summary="edited")])
    p.decide("dismiss", "edit-vs-delete")
    assert p.sync().nothing and not p.items()


def not_taken(p):
    p.trip(ext=[row("E1", "N1", summary="two")])
    p.trip(nat=[row("E1", "N1")], hours=48)
    assert len(p.items("not-taken")) == 1
    return p


def test_not_taken_accepted(pair):
    not_taken(pair)
    pair.decide("accept", "not-taken")
    assert only(pair.sync().native)["summary"] == "two"


def test_not_taken_dismissed(pair):
    not_taken(pair)
    out = pair.run("review", "show", only(pair.items())["item"]).out
    assert "\nE1 / N1\nsummary\n  sent: two\n  database: one\naccept: " in out, out
    pair.decide("dismiss", "not-taken")
    assert 'its edit; given up: summary "two"' in " ".join(pair.run("show", "E1").out.split())
    deltas = pair.sync()
    assert only(deltas.external)["summary"] == "one" and not deltas.native


def test_overdue_accepted_sends_again(p):
    p.trip(ext=[row("E1")])
    p.tick(24 * 4)
    assert "\nE1 / -\naccept: " in p.run("review", "show", only(p.items())["item"]).out
    p.decide("accept", "overdue")
    assert not p.items()
    assert only(p.sync().native)["x"] == "E1"


def test_overdue_names_the_rows_that_it_counts(pair):
    """Of a delta with a row that was not taken: that one is asked about by itself."""
    pair.trip(ext=[row("E1", "N1", summary="two"), row("E2")])
    pair.tick(24 * 4)
    pair.trip(nat=[row("E1", "N1")])
    item = only(pair.items("overdue"))
    assert item["what"] == "1 row"
    assert "1 row\nE2 / -\naccept: " in pair.run("review", "show", item["item"]).out


def test_overdue_names_the_confirmed_rows_that_wait_for_their_id(p):
    name = only(p.trip(ext=[row("E1"), row("E2")])).name
    p.run("confirm", name)
    p.tick(24 * 4)
    p.trip(nat=[row("E1", "N1")])
    item = only(p.items("overdue"))
    assert item["what"] == "1 row"
    assert "1 row\nE2 / -\naccept: " in p.run("review", "show", item["item"]).out


def test_overdue_dismissed_is_not_asked_again(p):
    p.trip(ext=[row("E1")])
    p.tick(24 * 4)
    assert "1 row overdue" in p.run("status", "--check", status=1).out
    p.decide("dismiss", "overdue")
    assert "overdue" not in p.run("status").out
    p.tick(24)
    assert not p.items() and p.sync().nothing
    p.run("status", "--check", status=0)


def test_overdue_closes_when_it_is_shown(p):
    p.trip(ext=[row("E1")])
    p.tick(24 * 4)
    assert p.items("overdue")
    p.trip(nat=[row("E1", "N1")])
    assert not p.items()


def test_flapping_dismissed_keeps_what_the_sides_hold(pair):
    hours = iter(range(1, 9))
    for value in ("A", "B", "A", "B", "A"):
        pair.trip(ext=[row("E1", "N1", summary=value)], hours=1 + next(hours))
    if not pair.items("flapping"):
        pytest.skip("not flapping yet")
    pair.decide("dismiss", "flapping")
    assert pair.sync().nothing and not pair.items()
    assert only(pair.trip(ext=[row("E1", "N1", summary="C")]).native)["summary"] == "C"


def cut(p):
    long = "a long text that is cut"
    p.trip(ext=[row("E1", "N1", body=long)])
    p.trip(nat=[row("E1", "N1", body=long[:10])])
    assert len(p.items("altered")) == 1
    return long


def test_altered_accepted_keeps_the_longer_value(pair):
    cut(pair)
    pair.decide("accept", "altered")
    assert pair.sync().nothing
    assert only(pair.trip(nat=[row("E1", "N1", body="a long tex", summary="two")]).external)["body"].endswith("cut")


def test_altered_dismissed_is_an_edit(pair):
    cut(pair)
    pair.decide("dismiss", "altered")
    deltas = pair.sync()
    assert only(deltas.external)["body"] == "a long tex" and not deltas.native


def went_back(make):
    p = make(schema=SCHEMA + [MODIFIED])
    p.agree(row("E1", "N1", modified="2026-11-01T10:00:00Z"))
    p.trip(ext=[row("E1", "N1", summary="old", modified="2026-10-01T10:00:00Z")])
    return p


def test_went_back_accepted(make):
    p = went_back(make)
    p.decide("accept", "went-back")
    assert only(p.sync().native)["summary"] == "old"


def test_went_back_dismissed(make):
    p = went_back(make)
    p.decide("dismiss", "went-back")
    assert p.sync().nothing and not p.items()


def read_only(make):
    p = make(profile={"mode": "single-trip"}).agree(row("E1", "N1"))
    p.trip(nat=[row("E1", "N1", summary="theirs")])
    return p


def test_read_only_accepted_is_left_as_it_is(make):
    p = read_only(make)
    p.decide("accept", "read-only")
    assert p.sync().nothing
    assert p.trip(nat=[row("E1", "N1", summary="theirs", email="x@example.org")]).nothing
    assert not p.items()
    p.trip(nat=[row("E1", "N1", summary="again", email="x@example.org")])
    assert len(p.items("read-only")) == 1


def test_read_only_dismissed_is_overwritten(make):
    p = read_only(make)
    p.decide("dismiss", "read-only")
    assert only(p.sync().native)["summary"] == "one"


# -- withdraw, confirm, retry ------------------------------------------------------------------------------------------
def test_withdrawn_rows_are_due_at_once_and_counted(pair):
    pair.tick()
    pair.drop("external", [row("E1", "N1", summary="two")])
    delta = pair.emit()[0]
    assert "1 row" in pair.run("withdraw", delta.name).out
    assert only(pair.emit().native)["summary"] == "two"


def test_withdraw_after_a_join(p):
    p.drop("external", [row("E1")])
    p.drop("native", [row(n="N1")])
    deltas = p.emit()
    p.run("bind", "E1", "N1")
    for delta in deltas:
        p.run("withdraw", delta.name)
    assert p.sync().nothing


def test_confirm_twice_says_so(pair):
    delta = pair.trip(nat=[row("E1", "N1", summary="two")])[0]
    pair.run("confirm", delta.name)
    assert "before" in pair.run("confirm", delta.name).out


def test_confirm_does_not_overrule_what_was_seen_since(pair):
    delta = pair.trip(nat=[row("E1", "N1", summary="two")])[0]
    pair.trip(ext=[row("E1", "N1", body="more")], hours=2)
    assert "observed since" in pair.run("confirm", delta.name).out


def test_retry_of_a_delivery_that_arrives_after_all_is_no_edit(pair):
    pair.trip(ext=[row("E1", "N1", summary="two")])
    pair.run("retry", "E1")
    pair.trip(ext=[row("E1", "N1", summary="three")], hours=1)
    assert pair.trip(nat=[row("E1", "N1", summary="two")], hours=1).nothing
    assert not pair.items()
    assert pair.trip(nat=[row("E1", "N1", summary="three")]).nothing


@pytest.mark.parametrize("what", ["1", "E1"])
def test_a_confirmed_insert_that_was_retried_and_arrives_after_all_is_no_edit(make, what):
    p = make(native={"matches_by": "either-id"})
    p.trip(ext=[row("E1", summary="one")])
    p.run("confirm", "1")
    p.run("retry", what)
    p.trip(ext=[row("E1", summary="two")], hours=1)
    assert p.trip(nat=[row("E1", "N1", summary="one")], hours=1).nothing
    assert not p.items()
    assert p.trip(nat=[row("E1", "N1", summary="two")]).nothing


def test_what_was_lost_and_retried_is_no_start_of_a_later_edit(pair):
    """The database edits what it was last seen to hold; that it never got the other edit was said."""
    delta = pair.trip(ext=[row("E1", "N1", summary="two")])[0]
    pair.run("retry", delta.name)
    deltas = pair.trip(nat=[row("E1", "N1", summary="three")])
    assert deltas.nothing and len(pair.items("conflict")) == 1


def test_what_was_retried_and_then_withdrawn_is_due_again(pair):
    sent = pair.trip(ext=[row("E1", "N1", email="b@example.org")])[0]
    pair.run("retry", sent.name)
    pair.run("withdraw", pair.emit()[0].name)
    assert only(pair.sync().native)["email"] == "b@example.org"


def test_retry_of_what_was_seen_there_sends_nothing(pair):
    delta = pair.trip(ext=[row("E1", "N1", summary="two")])[0]
    pair.trip(nat=[row("E1", "N1", summary="two")])
    pair.run("retry", delta.name)
    assert pair.sync().nothing


@pytest.mark.parametrize("what", ["native:N1", "2"])
def test_retry_of_an_update_leaves_the_insert_that_was_confirmed(make, what):
    """Only what was sent last was not taken: it is an update again."""
    p = make(external={"action_column": "Action"})
    assert only(p.trip(nat=[row(n="N1")]).external)["Action"] == "insert"
    p.run("confirm", "1")
    assert only(p.trip(nat=[row(n="N1", summary="two")]).external)["Action"] == "update"
    p.run("retry", what)
    assert pick(only(p.sync().external), "Action", "summary") == ("update", "two")


def test_retry_of_a_confirmed_insert(p):
    delta = p.trip(ext=[row("E1")])[0]
    p.run("confirm", delta.name)
    p.run("retry", "E1")
    assert pick(only(p.sync().native), "x", "n") == ("E1", "")


# -- bind --------------------------------------------------------------------------------------------------------------
def test_pair_bound_ahead_of_its_rows(p):
    assert p.run("bind", "E7", "N7").out.startswith("0 bound, 0 known already, 1 ahead of their rows")
    assert p.sync().nothing
    first = only(p.trip(ext=[row("E7")]).native)
    assert pick(first, "x", "n") == ("E7", "N7")


def test_bind_takes_ids_that_name_their_side(p):
    """Of an ID that begins so in full, and is known, it is the beginning."""
    p.trip(ext=[row("E1", summary="left")])
    p.trip(nat=[row(n="N1", summary="right"), row(n="native:N2", summary="odd")])
    p.run("bind", "native:E1", "external:N1", status=64)
    p.run("bind", "external:", "N1", status=64)
    p.run("bind", "external:E1", "native:N1")
    assert p.run("show", "E1").out == p.run("show", "N1").out
    p.run("bind", "--rekey", "native", "NATIVE:N1", "Native:N7")
    assert p.run("show", "E1").out == p.run("show", "N7").out
    p.run("bind", "E2", "native:N2")
    assert p.run("show", "E2").out == p.run("show", "native:native:N2").out


def test_bind_joins_two_records(p):
    p.trip(ext=[row("E1", summary="left")])
    p.trip(nat=[row(n="N1", summary="right")])
    p.run("bind", "E1", "N1")
    assert p.run("show", "E1").out == p.run("show", "N1").out
    assert len(p.items("conflict")) == 1


def test_crosswalk_rejects_single_lines_with_file_and_line(p, tmp_path):
    p.agree(row("E1", "N1"))
    p.trip(ext=[row("E2", summary="two"), row("E3", summary="three")])
    file = tmp_path / "pairs.csv"
    file.write_text("native_id,external_id\nN1,E1\nN1,E2\nN3,E3\nN8,E8\n")
    result = p.run("bind", file, status=65)
    assert "pairs.csv:3:" in result.err
    assert result.out.startswith("1 bound, 1 known already, 1 ahead of their rows, 1 rejected")
    assert "N3" in p.run("show", "E3").out


def test_crosswalk_without_the_columns_changes_nothing(pair, tmp_path):
    file = tmp_path / "pairs.csv"
    file.write_text("a,b\nE1,N9\n")
    before = pair.run("show", "E1").out
    pair.run("bind", file, status=65)
    assert pair.run("show", "E1").out == before


def test_crosswalk_of_composite_ids(make, tmp_path):
    schema = [field("unit", "Unit", "UNIT", role="external_id", type="id"),
              field("ref", "Ref", "REF", role="external_id", type="id")] + SCHEMA[1:]
    p = make(schema=schema)
    p.drop("external", [{**row(), "unit": "a", "ref": "1"}])
    p.sync()
    file = tmp_path / "pairs.csv"
    file.write_text("unit,ref,native_id\na,1,N1\n")
    p.run("bind", file)
    assert "N1" in p.run("show", "a|1").out


def test_rekey_of_an_unknown_id_is_64(pair):
    pair.run("bind", "--rekey", "native", "N9", "N10", status=64)


def test_a_pair_that_goes_against_a_bound_id_is_told_how_it_can_change(pair):
    assert "bind --rekey" in pair.run("bind", "E1", "N9", status=64).err
    pair.run("bind", "--rekey", "native", "N1", "N9")


def test_an_id_from_before_a_rekey_is_told_with_what_it_became(pair):
    pair.run("bind", "--rekey", "native", "N1", "N9")
    for name in ("N1", "native:N1"):
        for command in ("show", "hold"):
            told = pair.run(command, name, status=64).err
            assert told == f"roundtrip {command}: {name}: no record has this ID any more: it became native:N9\n"
    assert "no record has this ID, external or native" in pair.run("show", "external:N1", status=64).err


def test_rekey_tells_the_delta_that_waits_with_the_old_id(pair):
    pair.tick()
    pair.drop("external", [row("E1", "N1", summary="two")])
    pair.run("emit")
    told = pair.run("bind", "--rekey", "native", "N1", "N100").err
    assert "delta 2 in the outbox still has the native ID N1: roundtrip withdraw 2 before the next push" in told
    pair.run("withdraw", "2")
    assert pick(only(pair.sync().native), "n", "summary") == ("N100", "two")


def test_rekey_has_nothing_to_tell_of_a_delta_that_was_handed_over(pair):
    pair.trip(ext=[row("E1", "N1", summary="two")])
    assert pair.run("bind", "--rekey", "native", "N1", "N100").err == ""


def test_rekey_is_sent_to_a_side_that_stores_ids(make):
    p = make(external={"store_ids": "yes"})
    p.trip(ext=[row("E1")])
    assert only(p.trip(nat=[row("E1", "N1")]).external)["n"] == "N1"
    assert p.trip(ext=[row("E1", "N1")]).nothing
    p.run("bind", "--rekey", "native", "N1", "N100")
    assert pick(only(p.sync().external), "x", "n") == ("E1", "N100")


# -- hold, pause -------------------------------------------------------------------------------------------------------
def test_hold_and_release_twice_are_harmless(pair):
    for command in ("hold", "hold", "release", "release"):
        pair.run(command, "E1")
    assert pair.sync().nothing


def test_one_unknown_id_holds_none(pair):
    pair.run("hold", "E1", "E99", status=64)
    assert only(pair.trip(ext=[row("E1", "N1", summary="two")]).native)["summary"] == "two"


def test_pause_says_since_when_and_why(pair):
    pair.run("pause", "--reason", "audit")
    assert "audit" in pair.run("emit", status=2).err
    assert "already" in pair.run("pause", "--reason", "other").err
    assert "audit" in pair.run("resume").err


# -- the journal -------------------------------------------------------------------------------------------------------
def test_decisions_are_journalled_by_ids(pair):
    conflict(pair)
    pair.run("review", "take", "1", "external")
    pair.run("hold", "N1", "--reason", "why \"not\"")
    pair.run("bind", "--rekey", "native", "N1", "N2")
    lines = [json.loads(line) for line in (pair.path / "archive/journal").read_text().splitlines()]
    by_what = {line["what"]: line for line in lines}
    assert pick(by_what["review"], "verb", "kind", "side", "external_id", "native_id") == (
        "take", "conflict", "external", "E1", "N1")
    assert by_what["hold"]["external_id"] == "E1" and by_what["hold"]["reason"] == "why \"not\""
    assert pick(by_what["rekey"], "side", "from", "to") == ("native", "N1", "N2")


def test_crosswalk_tells_why_a_line_cannot_be_bound(p):
    file = p.put("pairs.csv", "external_id,native_id\n,N5\nE6,1.2E+15\nE7\nE8,N8\n")
    result = p.run("bind", file, status=65)
    assert result.out.startswith("0 bound, 0 known already, 1 ahead of their rows, 3 rejected")
    assert [line.split(": ", 1)[1] for line in result.err.splitlines()] == [
        "pairs.csv:2: the external ID is empty",
        "pairs.csv:3: the native ID is wrong: a spreadsheet has turned it into a rounded number",
        "pairs.csv:4: 1 cells, but the header has 2"]
    other = p.put("other.csv", "external_id,id\nE1,N1\n")
    assert 'there is no column "native_id"' in p.run("bind", other, status=65).err


def test_bind_tells_of_an_insert_in_the_outbox_that_is_there_already(make):
    p = make(external={"imports": None})
    p.trip(nat=[row(n="N1"), row(n="N2", summary="other")])
    warned = p.run("bind", "E1", "N1").err
    assert "delta 000001 in the outbox still inserts 1 record that EverTrue holds: roundtrip withdraw 000001" in warned
    p.run("withdraw", "1")
    assert [r["x"] for r in p.emit().external] == ["E1", ""]
    assert "outbox" not in p.run("bind", "E1", "N1").err


def test_emit_tells_of_an_insert_in_the_outbox_that_a_file_shows_there_already(p):
    p.tick()
    p.drop("external", [row("E1"), row("E2", summary="other")])
    assert len(p.emit().native) == 2
    p.tick(1)
    p.drop("native", [row("E1", "N1")])
    assert "delta 000001 in the outbox still inserts 1 record that database holds: roundtrip withdraw 000001" in p.run("emit").err


# -- baseline ----------------------------------------------------------------------------------------------------------
def baseline(p, tmp_path, ext=None, nat=None, *args, status=0):
    options = []
    for side, rows in (("external", ext), ("native", nat)):
        if rows is not None:
            file = tmp_path / f"{side}_{p.now:%Y-%m-%dT%H%M}.csv"
            file.write_text(p.text(side, rows))
            options += [f"--{side}", file]
    return p.run("baseline", *options, *args, status=status)


def test_baseline_needs_a_file(p):
    p.run("baseline", status=64)


@pytest.mark.parametrize("option", ["--insert", "--external"])
def test_baseline_takes_no_option_twice(p, tmp_path, option):
    """The last one would count alone, and a baseline is not done again."""
    told = baseline(p, tmp_path, [row("E1")], None, "--insert", "native", option, "external", status=64).err
    assert f"{option} is there twice" in told


def test_baseline_after_something_was_sent_is_64(pair, tmp_path):
    baseline(pair, tmp_path, [row("E1", "N1")], status=64)


def test_baseline_beside_the_outbox_is_64_and_after_a_withdrawal_it_is_not(p, tmp_path):
    p.drop("external", [row("E1")])
    sent = p.emit()
    assert "waits in the outbox" in baseline(p, tmp_path, [row("E1", "N1")], status=64).err
    p.run("withdraw", sent[0].name.split(".")[0].split("-")[-1])
    baseline(p, tmp_path, [row("E1", "N1")])


def test_newer_baseline_of_one_side_takes_the_other_to_hold_the_same_again(p, tmp_path):
    baseline(p, tmp_path, [row("E1", "N1")])
    p.tick()
    baseline(p, tmp_path, [row("E1", "N1", summary="two")])
    assert p.sync().nothing and not p.items()
    assert only(p.trip(nat=[row("E1", "N1", summary="three")]).external)["summary"] == "three"


@pytest.mark.parametrize("policy", ["review", "external", "newest"])
def test_baseline_differences_are_first_seen_whatever_the_policy(make, tmp_path, policy):
    p = make(policy={"conflict": policy}, schema=SCHEMA + [MODIFIED])
    when = "2026-10-01T10:00:00Z"
    baseline(p, tmp_path, [row("E1", "N1", summary="left", modified=when)], [row("E1", "N1", summary="right", modified=when)])
    assert only(p.items())["kind"] == "first-seen" and p.sync().nothing
    p.decide("take", "first-seen", "native")
    assert only(p.sync().external)["summary"] == "right"


def test_baseline_one_way_difference_is_local(p, tmp_path):
    baseline(p, tmp_path, [row("E1", "N1", email="a@example.org")], [row("E1", "N1", email="b@example.org")])
    assert p.sync().nothing and not p.items()
    assert only(p.trip(ext=[row("E1", "N1", email="c@example.org")]).native)["email"] == "c@example.org"


def test_baseline_one_way_difference_is_due_if_its_source_is_preferred(p, tmp_path):
    baseline(p, tmp_path, [row("E1", "N1", email="a@example.org")], [row("E1", "N1", email="b@example.org")],
             "--prefer", "EverTrue")
    assert only(p.sync().native)["email"] == "a@example.org"


@pytest.mark.parametrize("more", [(), ("--prefer", "database"), ("--prefer", "EverTrue")])
@pytest.mark.parametrize("extra,theirs,ours", [
    (field("extra", type="datetime", native_format="%Y-%m-%d", direction="to_external"), "2026-01-02T10:00:00", "2026-01-02"),
    (field("extra", native_max=3, direction="to_external"), "whole", "who"),
    (field("extra", type="boolean", external_format="yes/no", native_format="X/", direction="to_external"), "", "")])
def test_baseline_one_way_value_that_its_source_holds_in_short_is_agreed(make, tmp_path, extra, theirs, ours, more):
    """All times of the platform were set to midnight by the first delta, though nothing had been told to differ."""
    p = make(schema=SCHEMA + [extra])
    rows = {"ext": [row("E1", "N1", extra=theirs)], "nat": [row("E1", "N1", extra=ours)]}
    assert "differing: 0" in baseline(p, tmp_path, rows["ext"], rows["nat"], *more).out
    assert p.sync().nothing and p.trip(**rows).nothing and not p.items()
    edit = {"2026-01-02": "2026-01-03", "who": "new", "": "X"}[ours]
    assert only(p.trip(nat=[row("E1", "N1", extra=edit)]).external)["extra"] in ("2026-01-03T00:00:00", "new", "yes")


def test_baseline_refused_file_records_nothing(p, tmp_path):
    bad = tmp_path / f"native_{p.now:%Y-%m-%dT%H%M}.csv"
    bad.write_text("no\n")
    good = tmp_path / f"external_{p.now:%Y-%m-%dT%H%M}.csv"
    good.write_text(p.text("external", [row("E1", "N1")]))
    p.run("baseline", "--external", good, "--native", bad, status=65)
    p.run("show", "E1", status=64)


def test_baseline_archives_its_files_and_leaves_them_alone(p, tmp_path):
    baseline(p, tmp_path, [row("E1", "N1")], [row("E1", "N1")])
    assert len(p.files_under("archive/in/external")) == 1 and len(p.files_under("archive/in/native")) == 1
    assert len(list(tmp_path.glob("*.csv"))) == 2


def test_state_is_rebuilt_after_a_baseline_with_files_that_were_known(p, tmp_path):
    for _ in range(2):
        baseline(p, tmp_path, [row("E1", "N1")], [row("E1", "N1")])
    assert "known already" in baseline(p, tmp_path, nat=[row("E1", "N1")]).err
    assert rebuilt.check(p) is None


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("prefer", SIDES)
def test_baseline_of_one_side_after_the_other_prefers_what_it_is_told_to(p, tmp_path, side, prefer):
    """What the first took the other side to hold was never seen there: it is nothing that somebody edited."""
    for here, options in ((side, ()), (OTHER[side], ("--prefer", prefer))):
        rows = [row("E1", "N1", summary=here)]
        baseline(p, tmp_path, *(rows if s == here else None for s in SIDES), *options)
    assert [(d.side, only(d.rows)["summary"]) for d in p.sync()] == [(OTHER[prefer], prefer)]


def test_baseline_of_one_side_after_the_other_puts_differences_into_review(p, tmp_path):
    baseline(p, tmp_path, ext=[row("E1", "N1", summary="left")])
    baseline(p, tmp_path, nat=[row("E1", "N1", summary="right")])
    assert only(p.items())["kind"] == "first-seen" and p.sync().nothing


@pytest.mark.parametrize("prefer", ("", *SIDES))
def test_a_second_baseline_decides_about_an_edit_like_the_first(p, tmp_path, prefer):
    baseline(p, tmp_path, [row("E1", "N1")], [row("E1", "N1")])
    p.tick()
    baseline(p, tmp_path, [row("E1", "N1", summary="two")], None, *(["--prefer", prefer] if prefer else []))
    if prefer:
        assert [(d.side, only(d.rows)["summary"]) for d in p.sync()] == [(OTHER[prefer], {"external": "two", "native": "one"}[prefer])]
    else:
        assert only(p.items())["kind"] == "first-seen" and p.sync().nothing


def test_newer_baseline_tells_and_decides_about_all_that_its_files_show(p, tmp_path):
    """Also about the rows that are the same as in the first one."""
    ext, nat = [row("E1", "N1", summary="left"), row("E2", "N2"), row("E3")], [row("E1", "N1"), row("E2", "N2"), row(n="N4")]
    baseline(p, tmp_path, ext, nat)
    p.tick()
    report = tmp_path / "report.csv"
    told = baseline(p, tmp_path, ext + [row("E5")], nat + [row(n="N6")], "--prefer", "native", "--insert", "external", "--report", report)
    assert told.out.splitlines()[:4] == ["agreed: 1", "differing: 1", "on EverTrue only: 2", "on database only: 2"]
    assert report.read_text().splitlines()[1:] == [
        "native,conflict,E1,N1,summary,left,one,update,none,the native value counts",
        "native,missing,E3,,,,,none,none,not due until it is edited",
        "native,missing,E5,,,,,none,none,not due until it is edited",
        "external,missing,,N4,,,,insert,none,due: --insert",
        "external,missing,,N6,,,,insert,none,due: --insert"]
    assert not p.items()
    assert [(r["x"], r["n"]) for r in p.sync().external] == [("E1", "N1"), ("", "N4"), ("", "N6")]


def test_newer_baseline_that_does_not_prefer_leaves_what_was_preferred(p, tmp_path):
    ext, nat = [row("E1", "N1", summary="left")], [row("E1", "N1")]
    baseline(p, tmp_path, ext, nat, "--prefer", "native")
    p.tick()
    report = tmp_path / "report.csv"
    baseline(p, tmp_path, ext + [row("E2", "N2")], nat + [row("E2", "N2")], "--report", report)
    assert report.read_text().splitlines()[1:] == ["native,conflict,E1,N1,summary,left,one,update,none,the native value counts"]


@pytest.mark.parametrize("deletes, action", [("ignore", "none"), ("review", "none"), ("propagate", "delete")])
def test_baseline_tells_of_what_a_side_has_marked_as_deleted(make, tmp_path, deletes, action):
    p = make(schema=SCHEMA + [field("gone", role="deleted", type="boolean")], external={"deletes": deletes})
    report = tmp_path / "report.csv"
    told = baseline(p, tmp_path, [row("E1", "N1", gone="true"), row("E2", "N2", gone="true")],
                    [row("E1", "N1", gone="false"), row("E2", "N2", gone="true")], "--report", report).out
    assert told.splitlines()[:4] == ["agreed: 1", "differing: 0", "on EverTrue only: 0", "on database only: 1"]
    assert report.read_text().splitlines()[1:] == [f"external,missing,E1,N1,,,,none,{action},marked as deleted"]


def test_baseline_says_why_what_is_to_be_inserted_is_not_due(make, tmp_path):
    p = make(schema=SCHEMA + [field("gone", role="deleted", type="boolean")], external={"deletes": "review"})
    report = tmp_path / "report.csv"
    baseline(p, tmp_path, [row("E1", gone="true")], [row(n="N2", gone="false")], "--insert", "native", "--report", report)
    assert "native,missing,E1,,,,,none,exclude,gone where it came from" in report.read_text()


@pytest.mark.parametrize("nat, native_only", [(None, 0), ([row(n="N2")], 1)])
def test_baseline_of_a_row_that_clashes_with_a_pair_bound_before(p, tmp_path, nat, native_only):
    p.run("bind", "E1", "N1")
    told = baseline(p, tmp_path, [row("E1", "N2")], nat).out
    assert told.splitlines()[:4] == ["agreed: 0", "differing: 0", "on EverTrue only: 0", f"on database only: {native_only}"]
    assert [i["kind"] for i in p.items()] == ["clash"]


def test_baseline_while_paused(p, tmp_path):
    p.run("pause")
    baseline(p, tmp_path, [row("E1", "N1")], [row("E1", "N1")])


def test_baseline_fingerprint_that_is_not_unique_pairs_nothing(make, tmp_path):
    schema = [dict(line) for line in SCHEMA]
    schema[2]["role"] = "fingerprint"
    p = make(schema=schema)
    out = baseline(p, tmp_path, [row("E1"), row("E2")], [row(n="N1")]).out
    assert "paired" not in out and "on EverTrue only: 2" in out


@pytest.mark.parametrize("shows, insert, agreed", [("no", False, 1), ("no", True, 0), ("yes", False, 0)])
def test_baseline_after_a_historical_import(make, tmp_path, shows, insert, agreed):
    """The platform tells its ID for what was imported only once somebody edits it there."""
    p = make(external={"shows_imports": shows})
    out = baseline(p, tmp_path, None, [row(n="N1")], *(["--insert", "external"] if insert else []), "--json").out
    assert pick(json.loads(out), "agreed", "only_native", "due_external") == (agreed, 1 - agreed, int(insert))
    if not agreed:
        return
    p.tick()
    assert pick(only(p.trip(ext=[row("E1", "N1", summary="edited there")]).native), "x", "n", "summary") == \
        ("E1", "N1", "edited there")
    assert rebuilt.check(p) is None


def test_baseline_after_a_historical_import_sends_edits_as_updates(make, tmp_path):
    p = make(external={"shows_imports": "no", "action_column": "Action"})
    baseline(p, tmp_path, None, [row(n="N1")])
    p.tick()
    assert pick(only(p.trip(nat=[row(n="N1", summary="edited here")]).external), "x", "n", "Action") == ("", "N1", "update")


def test_baseline_gives_way_to_what_a_later_one_shows_of_the_other_side(make, tmp_path):
    """What the platform was taken to hold without an ID pairs by its fingerprint."""
    p = make(external={"shows_imports": "no"},
             schema=[{**line, "role": "fingerprint"} if line["field"] == "summary" else line for line in SCHEMA])
    baseline(p, tmp_path, None, [row(n="N1", body="here"), row(n="N2", summary="other")])
    p.tick()
    out = baseline(p, tmp_path, [row("E1", body="there"), row("E2", summary="other")], None, "--json").out
    assert pick(json.loads(out), "paired_by_fingerprint", "agreed", "differing", "only_external") == (2, 1, 1, 0)
    assert [i["external_id"] for i in p.items("first-seen")] == ["E1"]
    assert rebuilt.check(p) is None


@pytest.fixture
def summaries(make):
    """A profile whose records are recognised by their summary."""
    return make(schema=[{**line, "role": "fingerprint"} if line["field"] == "summary" else line for line in SCHEMA])


@pytest.mark.parametrize("prefer, due", [(None, 0), ("native", 1)])
def test_baseline_pairs_by_fingerprint_with_what_an_earlier_one_read(summaries, tmp_path, prefer, due):
    p = summaries
    baseline(p, tmp_path, ext=[row("E1", body="left"), row("E2", summary="other")])
    p.tick()
    out = baseline(p, tmp_path, None, [row(n="N1", body="right"), row(n="N2", summary="other")],
                   *(["--prefer", prefer] if prefer else []), "--json").out
    assert pick(json.loads(out), "paired_by_fingerprint", "agreed", "differing", "due_external") == (2, 1, 1, due)
    assert [i["external_id"] for i in p.items("first-seen")] == ([] if prefer else ["E1"])
    assert rebuilt.check(p) is None


@pytest.mark.parametrize("side", ["external", "native"])
@pytest.mark.parametrize("prefer", [None, "native"])
def test_baseline_compares_a_pair_of_which_one_half_was_taken_to_be_on_both_sides(make, tmp_path, side, prefer):
    """A side that does not show what it imported is taken to hold the row, until it turns out to be another record's."""
    p = make(schema=[{**line, "role": "fingerprint"} if line["field"] == "summary" else line for line in SCHEMA],
             **{OTHER[side]: {"shows_imports": "no", "matches_by": "either-id"}})
    mine = {"external": "x", "native": "n"}
    rows = {s: [row(**{mine[s]: "1", "summary": "a", "body": s}), row(**{mine[s]: "2", "summary": "b"})] for s in mine}
    rows[side].append(row(**{mine[side]: "3", "summary": "c"}))
    for s in (OTHER[side], side):
        told = baseline(p, tmp_path, *[rows[s] if s == t else None for t in mine], *(["--prefer", prefer] if prefer else []))
    assert told.out.splitlines()[:5] == ["agreed: 2", "differing: 1", "on EverTrue only: 0", "on database only: 0", "paired by fingerprint: 2"]
    assert [r["body"] for r in p.sync().external] == (["native"] if prefer else [])
    assert bool(p.items("first-seen")) == (prefer is None)


@pytest.mark.parametrize("short", ["external", "native"])
def test_baseline_pairs_by_a_fingerprint_of_which_one_side_holds_a_part(make, tmp_path, short):
    day, time = {"value": "2026-11-20", "format": "%Y-%m-%d"}, {"value": "2026-11-20T14:30", "format": "%Y-%m-%dT%H:%M"}
    ext, nat = (day, time) if short == "external" else (time, day)
    p = make(schema=IDS + [field("at", role="fingerprint", type="datetime", external_format=ext["format"], native_format=nat["format"])])
    told = baseline(p, tmp_path, [dict(x="E1", n="", at=ext["value"])], [dict(x="", n="N1", at=nat["value"])]).out
    assert told.splitlines()[:5] == ["agreed: 1", "differing: 0", "on EverTrue only: 0", "on database only: 0", "paired by fingerprint: 1"]
    assert p.sync().nothing


@pytest.mark.parametrize("more", [dict(x="", n="N2", at="2026-11-20T16:00"), dict(x="E2", n="N2", at="2026-11-20T16:00")])
def test_baseline_fingerprint_that_is_not_unique_as_one_side_holds_it_pairs_nothing(make, tmp_path, more):
    p = make(schema=IDS + [field("at", role="fingerprint", type="datetime", external_format="%Y-%m-%d", native_format="%Y-%m-%dT%H:%M")])
    told = baseline(p, tmp_path, [dict(x="E1", n="", at="2026-11-20")], [dict(x="", n="N1", at="2026-11-20T14:30"), more]).out
    assert told.splitlines()[:4] == ["agreed: 0", "differing: 0", "on EverTrue only: 1", "on database only: 2"]


def test_baseline_fingerprint_that_an_earlier_one_read_twice_pairs_nothing(summaries, tmp_path):
    p = summaries
    baseline(p, tmp_path, ext=[row("E1"), row("E2")])
    p.tick()
    assert "paired" not in baseline(p, tmp_path, ext=[row("E3", summary="other")], nat=[row(n="N1")]).out


def test_baseline_report_columns(p, tmp_path):
    report = tmp_path / "out" / "report.csv"
    report.parent.mkdir()
    baseline(p, tmp_path, [row("E1", "N1", summary="left"), row("E2", body="x")], [row("E1", "N1")], "--report", report)
    lines = report.read_text().splitlines()
    assert lines[0] == "side,change,external_id,native_id,field,before,after,external_action,native_action,reason"
    assert "native,conflict,E1,N1,summary,left,one,none,review,in review" in lines
    assert "native,missing,E2,,,,,none,none,not due until it is edited" in lines


@pytest.mark.parametrize("there", ["external", "state.db", "folder", "fifo"])
def test_baseline_report_replaces_nothing_but_a_report(p, tmp_path, there):
    other = {"external": tmp_path / f"external_{p.now:%Y-%m-%dT%H%M}.csv",
             "state.db": p.path / "state.db"}.get(there, tmp_path / there)
    if there == "folder":
        other.mkdir()
    if there == "fifo":
        os.mkfifo(other)
    told = baseline(p, tmp_path, [row("E1")], [row("E1", "N1")], "--report", other, status=64).err
    assert f"{other} is there" in told
    p.run("check", "--state")
    assert other.is_dir() or other.is_fifo() or b"side,change," not in other.read_bytes()
    report = tmp_path / "report.csv"
    report.write_text("")
    for _ in range(2):
        baseline(p, tmp_path, [row("E1")], [row("E1", "N1")], "--report", report)
        assert report.read_text().startswith("side,change,")


def test_baseline_asked_for_again_leaves_its_report_alone(p, tmp_path):
    """As after a kill right behind the commit: the second run reads nothing, and has nothing to report."""
    report = tmp_path / "report.csv"
    for _ in range(2):
        told = baseline(p, tmp_path, [row("E1", "N1", summary="left")], [row("E1", "N1")], "--report", report).err
        assert "native,conflict,E1,N1,summary,left,one,none,review,in review" in report.read_text()
    assert f"{report} is not written" in told


def test_baseline_says_where_rejected_rows_go(make, tmp_path):
    p = make(schema=SCHEMA + [field("date", type="date")])
    assert "set aside" not in baseline(p, tmp_path, [row("E1", "N1")], [row("E1", "N1")]).err
    p.tick()
    told = baseline(p, tmp_path, [row("E2", date="soon")], [row(n="N2", date="soon")]).err
    assert "2 rows are set aside: mend the files in rejects/ and give them to roundtrip\nbaseline" in told


def test_mended_rows_given_to_a_baseline_are_no_snapshot(make, tmp_path):
    """The other records are not in that file, and not gone."""
    p = make(schema=SCHEMA + [field("date", type="date")], external={"content": "snapshot", "deletes": "propagate"},
             native={"action_column": "Action"})
    baseline(p, tmp_path, [row("E1", "N1"), row("E2", "N2", date="soon")], [row("E1", "N1"), row("E2", "N2", date="2026-11-01")])
    name, = (n for n in p.listing("rejects") if not n.endswith(".reasons.csv"))
    mended = p.put("rejects/" + name, (p.path / "rejects" / name).read_text().replace("soon", "2026-11-01").encode())
    p.tick()
    os.utime(mended, (p.now.timestamp(), p.now.timestamp()))
    told = p.run("baseline", "--external", mended)
    assert told.out.splitlines()[0] == "agreed: 1" and "missing" not in told.err
    assert p.sync().nothing


def test_baseline_report_wants_the_name_of_a_file(p, tmp_path):
    assert "is not the name of a file" in baseline(p, tmp_path, [row("E1")], [], "--report", "", status=64).err


def test_baseline_one_sided_record_flows_once_its_other_side_edits_it(p, tmp_path):
    baseline(p, tmp_path, [row("E1")], [row(n="N2", summary="other")])
    assert p.trip().nothing
    assert only(p.trip(nat=[row(n="N2", summary="edited")]).external)["n"] == "N2"


def test_baseline_one_sided_record_gets_its_one_way_values_once_the_other_side_has_it(p, tmp_path):
    baseline(p, tmp_path, [row("E1")])
    assert only(p.trip(nat=[row("E1", "N1", email="")]).native)["email"] == "a@example.org"
    assert p.trip(nat=[row("E1", "N1")]).nothing and not p.items()


def test_baseline_json(p, tmp_path):
    result = json.loads(baseline(p, tmp_path, [row("E1", "N1"), row("E2", body="x")], [row("E1", "N1")], "--json").out)
    assert pick(result, "agreed", "differing", "only_external", "only_native") == (1, 0, 1, 0)
