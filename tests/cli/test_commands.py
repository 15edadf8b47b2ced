"""The commands: withdraw, bind, confirm, retry, baseline, push, status, show, log, and their exit statuses."""
import datetime
import json
import os
import pathlib
import re
import subprocess
import tempfile
import time

import pytest

import rebuilt
from profile import OTHER, SCHEMA, Profile, field, only, patience, pick, row


# -- usage ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("args", [
    ["no-such-command"], ["emit", "--no-such-option"], ["emit", "--limit", "x"], ["emit", "--to", "nowhere"],
    ["emit", "--only"], ["bind"], ["bind", "E1"], ["confirm"], ["withdraw"], ["retry"], ["show"],
    ["diff", "--format", "xml"], ["emit", "--only", "E99"], ["show", "E99"], ["baseline", "--prefer", "nobody"],
])
def test_wrong_usage_is_64_and_changes_nothing(pair, args):
    before = pair.snapshot()
    assert pair.run(*args, status=64).err
    assert pair.snapshot() == before


@pytest.mark.parametrize("args", [
    ["emit", "x"], ["emit", "--limit", "x"], ["emit", "--to", "nowhere"], ["run", "x"], ["fetch", "nowhere"],
    ["fetch", "native", "x.csv", "--stamp", "x"], ["fetch", "native", "--snapshot"], ["fetch", "nowhere", "x.csv"],
    ["push", "nowhere"], ["push", "native", "external"], ["push", "native", "--again", "1"],
])
def test_wrong_usage_is_told_before_that_the_profile_is_paused(pair, args):
    pair.run("pause")
    assert "paused" not in pair.run(*args, status=64).err


def test_wrong_usage_is_told_before_a_file_is_read(pair):
    """... and not after minutes with a long one, or beside what is wrong with it."""
    pair.drop("external", name="2026-11-09T0600.csv", raw=b"no header of ours\n")
    for args in (["emit", "--limit", "x"], ["diff", "--format", "xml"], ["diff", "--to", "nowhere"]):
        assert "2026-11-09" not in pair.run(*args, status=64).err


def test_profile_is_found_by_option_and_by_environment(pair, tmp_path):
    assert "E1" in pair.run("-C", pair.path, "show", "E1", cwd=tmp_path).out
    assert "E1" in pair.run("show", "E1", cwd=tmp_path, ROUNDTRIP_PROFILE=str(pair.path)).out
    assert pair.run("-C", "", "show", "E1", status=64).err == "roundtrip: -C needs a folder\n"      # a variable that is not set


def test_paths_are_printed_as_the_caller_can_use_them(p):
    for n, folder in enumerate((str(p.path), f"{p.path}/", ".", "./")):
        p.drop("external", [row(f"E{n}")])
        printed = p.run("-C", folder, "emit", cwd=p.path).out.strip()
        assert (p.path / printed).is_file() and "//" not in printed


def test_a_folder_that_is_no_profile_is_not_touched(pair, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir(mode=0o700)
    assert pair.run("-C", empty, "emit", status=None).status not in (0, 1)
    assert not list(empty.iterdir())


def test_side_may_be_given_as_to(p, tmp_path):
    file = tmp_path / "2026-11-02T0600.csv"
    file.write_text(p.text("external", [row("E1")]))
    assert "inbox/external/2026-11-02T0600.csv" in p.run("fetch", "--to", "EverTrue", file).out
    p.emit()
    p.run("push", "--to", "external")
    assert not p.listing("imports/native")
    p.run("push", "native", "--to", "native", status=64)
    p.run("push", "--to", "native")
    assert len(p.listing("imports/native")) == 1


def test_readable_profile_is_refused_with_77(pair):
    pair.path.chmod(0o755)
    pair.run("emit", status=77)


def test_id_that_is_both_external_and_native_needs_a_prefix(p):
    p.agree(row("7", "1"), row("8", "7", summary="second"))
    p.run("show", "7", status=64)
    p.tick()
    p.drop("external", [row("7", "1", body="more"), row("8", "7", summary="second", body="more")])
    p.emit("--only", "7", status=64)
    assert only(p.emit("--only", "external:7").native)["x"] == "7"
    assert only(p.emit("--only", "native:7").native)["x"] == "8"


def test_emit_only_of_an_id_that_is_not_due_says_why_and_ends_with_1(pair):
    result = pair.emit("--only", "E1", status=1).result
    assert result.err.strip() or result.out.strip()


def test_emit_prints_only_paths_on_standard_output(p):
    p.drop("external", [row("E1")])
    lines = p.run("emit").out.splitlines()
    assert len(lines) == 1 and (p.path / lines[0]).is_file()


def test_json_is_one_object_at_the_end(p):
    p.drop("external", [row("E1")])
    for command in ("diff", "emit", "push", "status"):
        assert isinstance(json.loads(p.run(command, "--json").out), dict), command


# -- diff ----------------------------------------------------------------------------------------------------------
def test_diff_exit_code(pair):
    pair.run("diff", "--exit-code")
    pair.tick()
    pair.drop("external", [row("E1", "N1", summary="two")])
    pair.run("diff", "--exit-code", status=1)
    pair.run("diff")


@pytest.mark.parametrize("rows", [
    [row("E1", "N1", summary="two"), row("E1", "N1", summary="three"), row("E2", "N2")], [row("E2", "N2")],
], ids=["repeated", "missing"])
def test_diff_exit_code_tells_what_is_only_for_review(make, rows):
    p = make(external={"snapshot_pattern": "*", "deletes": "review"}).agree(row("E1", "N1"), row("E2", "N2"))
    p.tick()
    p.drop("external", rows)
    p.run("diff", "--exit-code", status=1)
    p.emit()
    assert len(p.items()) == 1
    p.run("diff", "--exit-code")


def test_diff_exit_code_tells_what_is_overdue(p):
    p.trip(ext=[row("E1")])
    p.tick(24 * 4)
    p.run("diff", "--exit-code", status=1)
    p.emit()
    assert p.items("overdue")
    p.run("diff", "--exit-code")


@pytest.mark.parametrize("kind, odd", [("rejected", row("E9\0")), ("clash", row("E1", "N2"))], ids=["rejected", "clash"])
def test_diff_exit_code_tells_nothing_of_rows_that_were_dismissed(make, kind, odd):
    """They are in each day's snapshot, and nothing is sent or asked for them."""
    p = make(external={"content": "snapshot"}).agree(row("E1", "N1"), row("E2", "N2"))
    for expected in (1, 0):
        p.tick(24)
        p.drop("external", [row("E1", "N1"), row("E2", "N2"), odd])
        p.run("diff", "--exit-code", status=expected)
        p.emit()
        if p.items(kind):
            p.run("review", "dismiss", "all", "--kind", kind)


def test_diff_exit_code_tells_nothing_of_a_conflict_that_a_policy_decided(make):
    p = make(policy={"conflict": "external"}).agree(row("E1", "N1"))
    p.run("hold", "E1")
    p.tick()
    p.drop("external", [row("E1", "N1", summary="two")])
    p.drop("native", [row("E1", "N1", summary="three")])
    assert "1 conflict" in p.run("diff", "--exit-code").out


def test_diff_of_files_does_not_take_them_in(pair, tmp_path):
    pair.tick()
    file = tmp_path / f"try_{pair.now:%Y-%m-%dT%H%M}.csv"
    file.write_text(pair.text("external", [row("E1", "N1", summary="two")]))
    before = pair.snapshot()
    assert [line["after"] for line in pair.diff("external", str(file)) if line["change"] == "changed"] == ["two"]
    assert pair.snapshot() == before and pair.emit().nothing


def test_diff_of_files_takes_them_by_their_time_as_the_inbox_does(pair):
    """In the order of the command line the older one was stale."""
    for hours, more in ((1, {"summary": "two"}), (2, {"summary": "two", "body": "newer"})):
        at = pair.now + datetime.timedelta(hours=hours)
        pair.drop("native", [row("E1", "N1", **more)], at=at)
    pair.tick(3)
    inbox = pair.run("diff", "--format", "csv")
    files = sorted(f"inbox/native/{name}" for name in pair.listing("inbox/native"))
    for names in (files, files[::-1]):
        shown = pair.run("diff", "native", *names, "--format", "csv")
        assert (shown.out, shown.err) == (inbox.out, inbox.err)


def test_diff_csv_header(p):
    assert p.run("diff", "--format", "csv").out.splitlines()[0] == (
        "side,change,external_id,native_id,field,before,after,external_action,native_action,reason")


def actions(line):
    return line["change"], line["external_action"], line["native_action"], line["reason"]


def test_the_page_of_review_names_the_columns_of_its_csv(p):
    page = (pathlib.Path(__file__).parents[2] / "man/roundtrip-review.1").read_text()
    columns = re.search(r"^item,version,[a-z_,\n]*", page, re.M)[0].replace("\n", "")
    assert p.run("review", "list", "--csv").out.splitlines() == [columns]


def test_diff_tells_what_is_excluded(make):
    p = make(external={"eligible": "summary <> 'secret'"})
    p.agree(row("E1", "N1"), row("E2", "N2"))
    p.tick()
    p.drop("external", [row("E1", "N1", summary="secret"), row("E2", "N2"), row("E3", summary="secret")])
    assert {line["external_id"]: actions(line) for line in p.diff()} == {
        "E1": ("excluded", "none", "none", "not eligible"), "E3": ("excluded", "none", "exclude", "not eligible")}
    assert p.emit().nothing


@pytest.mark.parametrize("path", ("lookup", "digest", "keys"))
def test_diff_tells_what_is_due_by_the_row_that_shows_it(pair, path):
    """... and as `due` only what no row of these files names."""
    pair.tick()
    pair.drop("external", [row("E1", "N1", summary="two")])
    pair.emit("--limit", "0")
    assert [(line["side"], line["change"]) for line in pair.diff()] == [("", "due")]
    pair.tick(1)
    pair.drop("external", [row("E1", "N1", summary="two")])
    lines = json.loads(pair.run("diff", "--format", "json", ROUNDTRIP_PATH=path).out)
    assert (lines["side"], lines["change"], lines["native_action"]) == ("external", "unchanged", "update")


def test_diff_json_has_one_object_a_line(pair):
    pair.tick()
    pair.drop("external", [row("E1", "N1", summary="two")])
    objects = [json.loads(line) for line in pair.run("diff", "--format", "json").out.splitlines()]
    assert ("summary", "two") in [(o.get("field"), o.get("after")) for o in objects]


def test_diff_spreadsheet_defuses_formulas(pair):
    pair.tick()
    pair.drop("external", [row("E1", "N1", summary="=1+1")])
    assert "=1+1" in [line["after"] for line in pair.diff()]
    assert "=1+1" not in [line["after"] for line in pair.diff("--spreadsheet")]


def test_diff_to_only_and_limit_follow_emit(p):
    p.drop("external", [row("E1"), row("E2", summary="other")])
    announced = [x["external_id"] for x in p.diff("--only", "E2") if x["native_action"] == "insert"]
    assert announced == ["E2"]
    assert len([x for x in p.diff("--limit", "1") if x["native_action"] == "insert"]) == 1


# -- withdraw, confirm, retry ----------------------------------------------------------------------------------------
def test_withdraw_makes_rows_due_again_with_the_newest(pair):
    pair.tick()
    pair.drop("external", [row("E1", "N1", summary="two")])
    delta = pair.emit()[0]
    pair.run("withdraw", delta.name)
    assert not pair.listing("outbox/native")
    pair.tick(1)
    pair.drop("external", [row("E1", "N1", summary="three")])
    again = pair.emit()
    assert only(again.native)["summary"] == "three" and again[0].name != delta.name


@pytest.mark.parametrize("command", (["confirm"], ["retry"], ["push", "--again"]))
def test_what_was_withdrawn_is_told_as_that(pair, command):
    pair.tick()
    pair.drop("external", [row("E1", "N1", summary="two")])
    delta = pair.emit()[0]
    assert "was not handed over yet" in pair.run(*command, delta.name, status=64).err
    pair.run("withdraw", delta.name)
    assert "was withdrawn" in pair.run(*command, delta.name, status=64).err


def test_withdraw_of_what_was_handed_over_is_refused(pair):
    delta = pair.trip(ext=[row("E1", "N1", summary="two")])[0]
    assert pair.run("withdraw", delta.name, status=None).status != 0
    assert pair.sync().nothing


def test_withdrawn_delta_does_not_hide_that_a_later_one_went_out(pair):
    first = pair.trip(ext=[row("E1", "N1", summary="two")])[0]
    pair.trip(ext=[row("E1", "N1", summary="three")], nat=[row("E1", "N1", summary="two")])
    pair.trip(nat=[row("E1", "N1", summary="three")])
    pair.drop("external", [row("E1", "N1", summary="four")], at=pair.now.replace(hour=7))
    pair.run("withdraw", pair.emit()[0].name)
    assert "out of date" in pair.run("push", "--again", first.name, status=2).err


def test_withdrawn_insert_is_inserted_again(p):
    p.drop("external", [row("E1")])
    p.run("withdraw", p.emit()[0].name)
    assert only(p.emit().native)["x"] == "E1"


def test_delta_that_others_took_is_not_withdrawn(make):
    p = make(imports=False)
    p.drop("external", [row("E1")])
    delta = p.emit()[0]
    p.take_outbox("native")
    assert "was handed over" in p.run("withdraw", delta.name, status=64).err
    p.run("confirm", delta.name)
    assert p.listing("archive/out/native") == [delta.name] and p.emit().nothing


def test_what_others_took_can_be_retried_at_once(make):
    p = make(imports=False)
    p.drop("external", [row("E1")])
    delta = p.emit()[0]
    p.take_outbox("native")
    p.run("retry", delta.name)
    assert only(p.emit().native)["x"] == "E1"


def test_withdrawal_leaves_a_local_edit_alone(pair):
    for _ in range(2):
        pair.trip(nat=[row("E1", "N1", email="local@example.org")])
    pair.drop("external", [row("E1", "N1", summary="two")])
    pair.run("withdraw", pair.emit()[0].name)
    assert pair.trip(ext=[row("E1", "N1")]).nothing


def test_a_row_like_a_withdrawn_insert_is_asked_about(p):
    """A hand-over that seemed to fail may have made it (test_push_twice.py)."""
    p.drop("external", [row("E1")])
    p.run("withdraw", p.emit()[0].name)
    p.run("hold", "E1")
    assert p.trip(nat=[row(n="N1")]).nothing
    p.decide("dismiss", "suspected")
    assert only(p.emit().external)["n"] == "N1" and not p.items()


def test_insert_is_not_withdrawn_from_under_its_update(p):
    p.drop("native", [row(n="N1")])
    insert = p.emit()[0]
    p.tick()
    p.drop("native", [row(n="N1", summary="two")])
    update = p.emit()[0]
    assert "withdraw that one first" in p.run("withdraw", insert.name, status=64).err
    assert p.listing("outbox/external") == [insert.name, update.name]
    p.run("withdraw", update.name)
    p.run("withdraw", insert.name)
    assert only(p.sync().external)["summary"] == "two"


def test_delta_handed_over_in_part_is_told_as_that(make):
    p = make(native={"batch_rows": "1"})
    p.drop("external", [row("E1"), row("E2")])
    first, second = p.emit()
    (p.path / "imports/native" / second.name).mkdir()
    p.push(status=74)
    for command in ("withdraw", "confirm", "retry"):
        assert "in part" in p.run(command, first.name, status=64).err


def test_confirmed_delta_makes_a_later_old_value_an_edit(pair):
    delta = pair.trip(nat=[row("E1", "N1", summary="two")])[0]
    pair.tick(1)
    pair.run("confirm", delta.name)
    assert only(pair.trip(ext=[row("E1", "N1", summary="one")], hours=48).native)["summary"] == "one"


def test_confirm_keeps_what_was_seen_before_for_older_files(pair):
    delta = pair.trip(nat=[row("E1", "N1", summary="two")])[0]
    pair.tick(2)
    older = pair.now
    pair.tick(2)
    pair.run("confirm", delta.name)
    pair.drop("external", [row("E1", "N1", summary="one")], at=older)
    assert pair.sync().nothing


def test_confirmed_insert_into_an_own_id_side_still_waits_for_its_id(p):
    delta = p.trip(ext=[row("E1")])[0]
    p.run("confirm", delta.name)
    assert p.trip(ext=[row("E1", summary="two")]).nothing
    assert only(p.trip(nat=[row("E1", "N1")]).native)["summary"] == "two"


def test_confirmed_insert_is_not_missing_in_an_older_snapshot(make):
    p = make(external={"content": "snapshot", "deletes": "propagate"}, native={"action_column": "Action"},
             policy={"max_deletes": "1"})
    p.agree(row("E1", "N1"))
    p.tick()
    older, delta = p.now, p.trip(nat=[row(n="N2")], hours=1)[0]
    p.run("bind", "E2", "N2")
    p.tick(1)
    p.run("confirm", delta.name)
    p.drop("external", [row("E1", "N1")], at=older)
    assert p.sync().nothing
    assert only(p.trip(ext=[row("E1", "N1")]).native)["Action"] == "delete"


def test_confirm_of_a_later_delta_ends_not_taken(pair):
    pair.trip(ext=[row("E1", "N1", summary="two")])
    older = pair.now + datetime.timedelta(hours=13)
    delta = pair.trip(ext=[row("E1", "N1", summary="three")], hours=14)[0]
    pair.drop("native", [row("E1", "N1")], at=older)
    pair.sync()
    assert pair.items("not-taken")
    pair.run("confirm", delta.name)
    assert not pair.items() and "frozen" not in pair.run("show", "E1").out
    assert only(pair.trip(ext=[row("E1", "N1", summary="four")]).native)["summary"] == "four"


def test_retry_by_delta_sends_the_newest(p):
    delta = p.trip(ext=[row("E1"), row("E2")])[0]
    p.trip(ext=[row("E1", summary="two")])
    p.run("retry", delta.name)
    assert [pick(r, "x", "summary") for r in p.sync().native] == [("E1", "two"), ("E2", "one")]


def test_retry_by_id_sends_that_record_only(p):
    p.trip(ext=[row("E1"), row("E2")])
    p.run("retry", "E2")
    assert only(p.sync().native)["x"] == "E2"


# -- bind ------------------------------------------------------------------------------------------------------------
def test_bind_of_one_pair(p):
    p.trip(ext=[row("E1")])
    p.run("bind", "E1", "N1")
    assert pick(only(p.trip(nat=[row(n="N1", summary="two")]).external), "x", "n") == ("E1", "N1")


def test_bind_of_a_crosswalk_file(p, tmp_path):
    p.trip(ext=[row("E1"), row("E2", summary="other")])
    crosswalk = tmp_path / "pairs.csv"
    crosswalk.write_text("external_id,native_id\nE1,N1\nE2,N2\n")
    p.run("bind", crosswalk)
    assert p.trip(nat=[row(n="N1"), row(n="N2", summary="other")]).nothing


@pytest.mark.parametrize("x, n", [("E1", "N9"), ("E9", "N1"), ("E1", "N2")])
def test_bind_is_one_to_one(p, x, n):
    p.agree(row("E1", "N1"), row("E2", "N2"))
    before = p.run("show", "E1").out
    assert p.run("bind", x, n, status=None).status != 0
    assert p.run("show", "E1").out == before


def test_bind_of_a_known_pair_again_is_harmless(pair):
    pair.run("bind", "E1", "N1")
    assert pair.emit().nothing


def test_rekey_changes_a_bound_id(pair):
    pair.run("bind", "--rekey", "native", "N1", "N100")
    assert pick(only(pair.trip(ext=[row("E1", summary="two")]).native), "x", "n") == ("E1", "N100")


@pytest.mark.parametrize("side, own", [("external", "x"), ("native", "n")])
def test_the_old_id_of_a_rekeyed_record_can_be_used_again(p, side, own):
    """Also by a record that is new while many others change."""
    ids = [dict(x=f"E{i}", n=f"N{i}") for i in range(1, 25)]
    p.agree(*(row(**i) for i in ids))
    p.run("bind", "--rekey", side, ids[0][own], "R1")
    edits = [row(**i, summary="two") for i in ids[1:9]]
    deltas = p.trip(**{side[:3]: edits + [row(**{own: ids[0][own]}, summary="new")]})
    sent = deltas.native if side == "external" else deltas.external
    if side == "native":    # the platform finds rows by either ID: it is told E1's new one first
        assert ("E1", "R1") in [pick(r, "x", "n") for r in sent]
        sent = p.trip(ext=[row("E1", "R1")]).external
    assert [pick(r, own, "summary") for r in sent][-1] == (ids[0][own], "new")


@pytest.mark.parametrize("verb", ["accept", "dismiss"])
@pytest.mark.parametrize("side, own, other", [("external", "x", "n"), ("native", "n", "x")])
def test_an_unknown_id_beside_one_that_was_rekeyed_is_a_clash(p, side, own, other, verb):
    """The side that was never told the new ID shows the old one, beside an own ID that is new."""
    p.agree(row("1", "1"))
    p.run("bind", "--rekey", {"external": "native", "native": "external"}[side], "1", "1r")
    assert p.trip(**{side[:3]: [row(**{own: "2", other: "1"})]}).nothing
    p.decide(verb, "clash")
    told = [] if side == "external" or verb == "dismiss" else [("1r", "2")]    # to rows that are found by either ID
    assert [pick(r, "x", "n") for r in p.trip().external] == told and not p.items()
    known = "2" if verb == "accept" else "1"
    sent = p.trip(**{side[:3]: [row(**{own: known, other: "1"}, summary="two")]})
    assert pick(only(only(sent).rows), own, other, "summary") == (known, "1r", "two")


@pytest.mark.parametrize("side, own, other", [("external", "x", "n"), ("native", "n", "x")])
def test_a_crosswalk_with_the_id_that_an_insert_carried_is_of_the_record_that_was_rekeyed(make, side, own, other):
    p = make(external={"matches_by": "own-id"})
    p.trip(**{side[:3]: [row(**{own: "1"})]})
    p.run("bind", "--rekey", side, "1", "1r")
    assert "1 bound" in p.run("bind", *(("1", "2") if side == "external" else ("2", "1"))).out
    sent = p.trip(**{side[:3]: [row(**{own: "1r", other: "2"}, summary="two")]})
    assert pick(only(only(sent).rows), own, other, "summary") == ("1r", "2", "two")


@pytest.mark.parametrize("side, own, other", [("external", "x", "n"), ("native", "n", "x")])
def test_an_insert_whose_record_was_rekeyed_meanwhile_is_known_by_the_old_id(make, side, own, other):
    """The side that was sent the old ID tells its own beside it."""
    p = make(external={"matches_by": "own-id"})
    p.trip(**{side[:3]: [row(**{own: "1"})]})
    p.run("bind", "--rekey", side, "1", "1r")
    there = OTHER[side][:3]
    assert p.trip(**{there: [row(**{own: "1", other: "2"})]}).nothing and not p.items()
    sent = p.trip(**{side[:3]: [row(**{own: "1r", other: "2"}, summary="two")]})
    assert pick(only(only(sent).rows), own, other, "summary") == ("1r", "2", "two")


def test_rekey_to_an_id_in_use_is_refused(p):
    p.agree(row("E1", "N1"), row("E2", "N2"))
    assert p.run("bind", "--rekey", "native", "N1", "N2", status=None).status != 0
    assert only(p.trip(ext=[row("E1", "N1", summary="two")]).native)["n"] == "N1"


# -- baseline ----------------------------------------------------------------------------------------------------------
def baseline(p, ext, nat, tmp_path, *args):
    options = []
    for side, rows in (("external", ext), ("native", nat)):
        if rows is not None:
            file = tmp_path / f"{side}_{p.now:%Y-%m-%dT%H%M}.csv"
            file.write_text(p.text(side, rows))
            options += [f"--{side}", file]
    return p.run("baseline", *options, *args)


def test_baseline_of_agreed_sides_emits_nothing(p, tmp_path):
    baseline(p, [row("E1", "N1")], [row("E1", "N1")], tmp_path)
    assert p.sync().nothing
    assert pick(only(p.trip(nat=[row(n="N1", summary="two")]).external), "x", "n") == ("E1", "N1")


def test_baseline_with_one_file_takes_the_other_side_to_hold_the_same(p, tmp_path):
    baseline(p, [row("E1", "N1")], None, tmp_path)
    assert p.sync().nothing
    assert p.trip(nat=[row("E1", "N1")]).nothing
    assert only(p.trip(nat=[row("E1", "N1", summary="two")]).external)["summary"] == "two"


def test_baseline_prefer_makes_differences_due_for_the_other_side(p, tmp_path):
    baseline(p, [row("E1", "N1", summary="theirs")], [row("E1", "N1")], tmp_path, "--prefer", "external")
    deltas = p.sync()
    assert only(deltas.native)["summary"] == "theirs" and not deltas.external


@pytest.mark.review
def test_baseline_without_prefer_puts_differences_into_review(p, tmp_path):
    baseline(p, [row("E1", "N1", summary="theirs")], [row("E1", "N1")], tmp_path)
    assert p.sync().nothing and p.items()


def test_baseline_one_side_only_is_not_due_until_edited(p, tmp_path):
    baseline(p, [row("E1")], [], tmp_path)
    assert p.sync().nothing
    assert only(p.trip(ext=[row("E1", summary="two")]).native)["summary"] == "two"


def test_baseline_insert_makes_it_due(p, tmp_path):
    baseline(p, [row("E1")], [row(n="N2", summary="other")], tmp_path, "--insert", "native")
    deltas = p.sync()
    assert only(deltas.native)["x"] == "E1" and not deltas.external


def test_baseline_reports_what_differs_and_what_is_on_one_side(p, tmp_path):
    report = tmp_path / "report.csv"
    baseline(p, [row("E1", "N1", summary="theirs"), row("E2")], [row("E1", "N1"), row(n="N3", body="x")], tmp_path,
             "--report", report)
    text = report.read_text()
    assert all(name in text for name in ("E1", "E2", "N3", "theirs"))


def test_baseline_pairs_by_unique_fingerprints(make, tmp_path):
    schema = [dict(line) for line in make(resume=False).schema]
    schema[2]["role"] = "fingerprint"
    p = make(schema=schema)
    baseline(p, [row("E1", summary="alone")], [row(n="N1", summary="alone")], tmp_path)
    assert p.sync().nothing
    assert only(p.trip(nat=[row(n="N1", summary="alone", body="more")]).external)["x"] == "E1"


# -- push --------------------------------------------------------------------------------------------------------------
def test_push_hands_over_in_order_and_once(p):
    p.drop("external", [row("E1")])
    p.emit()
    p.tick(1)
    p.drop("external", [row("E2")])
    p.emit()
    p.push()
    assert len(p.listing("imports/native")) == 2
    p.push()
    assert len(p.listing("imports/native")) == 2 and not p.listing("outbox/native")


def test_push_of_one_side(p):
    p.drop("external", [row("E1")])
    p.drop("native", [row(n="N2", summary="other")])
    p.emit()
    p.push("native")
    assert len(p.listing("imports/native")) == 1 and not p.listing("imports/external")


def test_push_dry_run_hands_over_nothing(p):
    p.drop("external", [row("E1")])
    p.emit()
    before = p.snapshot()
    p.push("--dry-run")
    assert p.snapshot() == before


@pytest.mark.parametrize("mask, mode", [(0o022, 0o644), (0o027, 0o640), (0o077, 0o600)])
def test_the_umask_decides_who_may_read_what_is_in_imports(p, mask, mode):
    p.drop("external", [row("E1")])
    subprocess.run(p.command("run"), cwd=p.path, env=p.environment(), umask=mask, check=True, capture_output=True)
    assert [f.stat().st_mode & 0o777 for f in p.files_under("imports")] == [mode]
    assert {f.stat().st_mode & 0o077 for f in p.path.rglob("*") if "imports" not in f.parts} == {0}


def test_push_never_overwrites(p):
    p.drop("external", [row("E1")])
    delta = p.emit()[0]
    p.put(f"imports/native/{delta.name}", "somebody else's")
    p.push(status=None)
    assert (p.path / "imports/native" / delta.name).read_text() == "somebody else's"


def test_push_again_hands_the_same_bytes_over_under_a_new_name(pair):
    delta = pair.trip(ext=[row("E1", "N1", summary="two")])[0]
    pair.tick(1)
    before = pair.listing("imports/native")
    told = pair.run("push", "--again", delta.name).out
    new = only([n for n in pair.listing("imports/native") if n not in before])
    assert (pair.path / "imports/native" / new).read_bytes() == delta.raw and told == new + "\n"


@pytest.mark.parametrize("command", [["confirm"], ["retry"], ["push", "--again"]])
@pytest.mark.parametrize("settings", [{}, {"compress": "gzip", "output_name": "{delta}.{stamp}.x"}])
def test_delta_that_was_handed_over_again_is_known_by_its_new_name_too(make, command, settings):
    """As the other end tells it, which never saw the first one."""
    p = make(native=settings).agree(row("E1", "N1"))
    delta = p.trip(ext=[row("E1", "N1", summary="two")])[0]
    p.tick(1)
    new = p.run("push", "--again", delta.name).out.strip()
    p.tick(1)
    p.run(*command, new.replace("-again-", "-other-"), status=64)
    p.run(*command, new)


@pytest.mark.parametrize("settings", [{}, {"compress": "gzip"}, {"batch_rows": "1"}])
def test_what_others_took_from_the_outbox_is_in_the_archive_too(make, settings):
    p = make(imports=False, native=settings)
    p.drop("external", [row("E1"), row("E2")])
    written = {d.name: d.raw for d in p.emit()}
    p.take_outbox("native")
    assert "was taken from outbox/native" in p.run("push", "--dry-run").err
    assert not p.listing("archive/out/native")
    p.run("push")
    assert {n: (p.path / "archive/out/native" / n).read_bytes() for n in p.listing("archive/out/native")} == written
    assert not [f for f in (p.path / "outbox").rglob("*") if f.is_file()]
    p.tick(1)
    told = p.run("push", "--again", "1").out.split()
    assert sorted(told) == p.listing("outbox/native") and not set(told) & set(written)
    assert sorted((p.path / "outbox/native" / n).read_bytes() for n in told) == sorted(written.values())


def test_what_others_took_and_cannot_be_made_again_is_handed_over_all_the_same(make):
    p = make(imports=False)
    p.drop("external", [row("E1")])
    p.emit()
    p.take_outbox("native")
    p.settings["native"]["line_ending"] = "crlf"
    p.write()
    assert "not kept in archive/out" in p.run("push").err
    assert not p.files_under("outbox") and not p.files_under("archive/out")
    assert "handed over" in p.run("show", "E1").out


def test_push_again_of_bytes_that_have_changed_is_refused(pair):
    delta = pair.trip(ext=[row("E1", "N1", summary="two")])[0]
    pair.put(f"archive/out/native/{delta.name}", delta.raw.replace(b"two", b"six"))
    before = pair.listing("imports/native")
    assert "not what was handed over" in pair.run("push", "--again", delta.name, status=2).err
    assert pair.listing("imports/native") == before
    pair.put(f"archive/out/native/{delta.name}", delta.raw)  # so that the state can be made again from it


def test_push_again_is_refused_after_a_delete(make):
    p = make(external={"action_column": "Action"}, native={"content": "snapshot", "deletes": "propagate"},
             policy={"max_deletes": "1"})
    p.agree(row("E1", "N1"), row("E2", "N2"))
    update = p.trip(nat=[row("E1", "N1", summary="two"), row("E2", "N2")])[0]
    assert only(p.trip(nat=[row("E2", "N2")]).external)["Action"] == "delete"
    assert "out of date" in p.run("push", "--again", update.name, status=2).err


def test_push_again_is_refused_after_a_later_version(pair):
    delta = pair.trip(ext=[row("E1", "N1", summary="two")])[0]
    pair.trip(ext=[row("E1", "N1", summary="three")])
    before = pair.listing("imports/native")
    assert pair.run("push", "--again", delta.name, status=None).status != 0
    assert pair.listing("imports/native") == before


def test_push_again_runs_load_with_the_new_name_and_learns_its_pairs(make):
    load = 'basename "$1" >> names; cat "$1" >> loaded; cat pairs'
    p = make(native={"transport": "command", "imports": None, "load": load})
    p.put("pairs", "")
    p.drop("external", [row("E1")])
    p.sync()
    p.tick(1)
    p.settings["native"]["load"] = "exit 3"
    p.write()
    assert "status 3" in p.run("push", "--again", "1", status=69).err and not p.files_under("outbox")
    p.tick(1)
    p.settings["native"]["load"] = load
    p.write()
    p.put("pairs", "external_id,native_id\nE1,N1\n")
    told = p.run("push", "--again", "1").out
    assert (p.path / "names").read_text().splitlines()[1] + "\n" == told and (p.path / "loaded").read_bytes().count(b"E1") == 2
    assert "N1" in p.run("show", "E1").out and not p.files_under("outbox")


@pytest.mark.parametrize("days, command", [(4, None), (4, ["review"]), (4, ["review", "dismiss", "1"]), (1, ["retry", "1"])])
def test_what_is_pushed_again_is_awaited_as_on_the_first_day(p, days, command):
    """Else what was asked about, or given up, would go out twice, and be inserted twice."""
    p.drop("external", [row("E1")])
    p.sync()
    p.tick(24 * days)
    if command:
        p.run(*command)
    p.run("push", "--again", "1")
    assert not p.items() and p.emit().nothing
    p.tick(71)
    assert not p.items() and "overdue" not in p.run("status").out and p.emit().nothing
    p.tick(2)
    assert only(p.items())["delta"] == "1"
    p.decide("accept", "overdue")
    assert only(p.emit().native)["x"] == "E1"


@pytest.mark.parametrize("policy", [{}, {"not_taken": "resend"}])
def test_what_was_not_taken_and_is_pushed_again_has_import_lag_again(make, policy):
    p = make(policy=policy)
    p.agree(row("E1", "N1"))
    p.trip(ext=[row("E1", "N1", summary="two")])
    p.tick()
    p.drop("native", [row("E1", "N1")])
    p.run("emit", "--to", "external")
    assert policy or p.items("not-taken")
    p.run("push", "--again", "2")
    assert not p.items()
    p.tick(11)
    p.drop("native", [row("E1", "N1", email="other@example.org")])
    assert p.emit().nothing and not p.items()
    p.tick(2)
    p.drop("native", [row("E1", "N1", email="third@example.org")])
    assert p.emit().native if policy else p.emit().nothing and p.items("not-taken")


@pytest.mark.parametrize("word", ["2", "E1"])
def test_a_lost_value_that_flows_one_way_can_be_retried(pair, word):
    """Nothing asks about it (R7), also when an extract shows the record without it."""
    pair.trip(ext=[row("E1", "N1", email="new@example.org")])
    assert pair.trip(nat=[row("E1", "N1")]).nothing
    assert pair.run("retry", word).out == "1 row is due again\n"
    assert only(pair.sync().native)["email"] == "new@example.org"
    pair.trip(nat=[row("E1", "N1", email="new@example.org")])
    pair.trip(nat=[row("E1", "N1", email="theirs@example.org")])
    assert pair.run("retry", word.replace("2", "3")).out == "0 rows are due again\n" and pair.emit().nothing


def test_a_delete_that_is_pushed_again_after_retry_is_not_due(make):
    p = make(external={"action_column": "Action"}, native={"content": "snapshot", "deletes": "propagate"}, policy={"max_deletes": "1"})
    p.agree(row("E1", "N1"), row("E2", "N2"))
    delta = p.trip(nat=[row("E2", "N2")])[0]
    p.run("retry", delta.name)
    p.run("push", "--again", delta.name)
    assert p.emit().nothing and not p.items()
    p.run("retry", delta.name)
    assert only(p.emit().external)["Action"] == "delete"


def test_what_is_edited_on_top_of_a_delta_that_is_pushed_again_goes_out_after_it(pair):
    pair.trip(ext=[row("E1", "N1", summary="two")])
    pair.trip(nat=[row("E1", "N1")])
    pair.run("push", "--again", "2")
    pair.tick(1)
    pair.drop("native", [row("E1", "N1", body="theirs")])
    assert pick(only(pair.emit().native), "summary", "body") == ("two", "theirs")


def test_push_again_that_broke_off_goes_on_where_it_was(make):
    load = 'basename "$1" >> names; ! test -e broken || ! grep -q E2 "$1"'
    p = make(native={"transport": "command", "imports": None, "load": load, "batch_rows": "1"})
    p.drop("external", [row("E1"), row("E2"), row("E3")])
    p.sync()
    p.tick(1)
    p.put("broken", "")
    p.run("retry", "1")
    p.run("push", "--again", "1", status=69)
    assert [r["external_id"] for r in p.diff() if r["native_action"] == "insert"] == ["E2", "E3"]
    p.tick(1)
    (p.path / "broken").unlink()
    assert p.run("push", "--again", "1", "--dry-run").out.count("\n") == 2
    told = p.run("push", "--again", "1")
    assert "1 of 3 parts" in told.err and p.emit().nothing
    names = (p.path / "names").read_text().split()[3:]
    assert names[2:] == told.out.split() and names[1] == names[2]
    assert [n.split("-")[4:] for n in names] == [[f"{i}of3", "again", "20261101T070000Z.csv"] for i in (1, 2, 2, 3)]
    p.tick(1)
    assert p.run("push", "--again", "1").out.count("20261101T090000Z") == 3


def test_push_again_dry_run_hands_over_nothing(pair):
    pair.trip(ext=[row("E1", "N1", summary="two")])
    pair.tick(1)
    before = pair.snapshot()
    assert "-again-" in pair.run("push", "--again", "2", "--dry-run").out
    assert pair.snapshot() == before


def test_push_again_is_refused_when_another_header_was_locked_since(pair):
    delta = pair.trip(ext=[row("E1", "N1", summary="two")])[0]
    pair.schema[3]["native_out"] = "Body Text"
    pair.write()
    pair.run("check", "--accept-schema")
    pair.run("push", "--accept-header")
    before = pair.listing("imports/native")
    assert "another header" in pair.run("push", "--again", delta.name, status=2).err
    assert pair.listing("imports/native") == before


def test_push_again_names_a_delta_alone(pair):
    pair.trip(ext=[row("E1", "N1", summary="two")])
    for more in (["external"], ["--to", "native"], ["--accept-header"]):
        pair.run("push", *more, "--again", "1", status=64)


def test_changed_header_is_2_until_accepted(pair):
    pair.schema[3]["native_out"] = "Body Text"
    pair.write()
    pair.run("check", "--accept-schema")
    pair.tick()
    pair.drop("external", [row("E1", "N1", summary="two")])
    assert pair.emit(status=2).nothing
    assert "emit would stop: the header for database differs" in pair.run("diff").err
    assert "emit would stop" not in pair.run("diff", "--to", "external").err
    pair.run("push", "--accept-header")
    assert not pair.run("diff").err
    assert "Body Text" in pair.emit()[0].header


def test_delta_of_an_old_header_is_withdrawn_and_written_anew(pair):
    """--accept-header was said to help, and ended with the same words each time."""
    pair.tick()
    pair.drop("external", [row("E1", "N1", summary="two")])
    old = pair.emit()[0]
    pair.schema[3]["native_out"] = "Body Text"
    pair.write()
    pair.run("check", "--accept-schema")
    for options in (["--accept-header", "--dry-run"], ["--accept-header"], ["--accept-header"], []):
        assert "roundtrip withdraw 000002, and" in pair.run("push", *options, status=2).err
    pair.run("withdraw", old.name)
    assert only(pair.sync().native)["summary"] == "two" and not pair.listing("outbox/native")


def test_a_header_accepted_by_a_push_that_stopped_is_in_the_archive(pair):
    """A rebuild right after it handed the delta over with the old header."""
    pair.tick()
    pair.drop("external", [row("E1", "N1", summary="two")])
    pair.emit()
    pair.settings["native"]["action_column"] = "ACTION"
    pair.write()
    pair.run("push", "--accept-header", status=2)
    assert rebuilt.check(pair) is None


def test_diff_prints_the_digest_that_approve_wants_also_when_quiet(make):
    p = make(policy={"max_changes": "1"})
    p.drop("external", [row("E1"), row("E2")])
    plan = p.run("-q", "diff").out.splitlines()[-1].removeprefix("plan ")
    assert p.run("-q", "diff", "--format", "csv").out.splitlines()[0].startswith("side,")
    assert len(p.emit("--approve", plan).native) == 2


# -- where a profile is ------------------------------------------------------------------------------------------------
def test_a_profile_behind_a_link(pair, tmp_path):
    (tmp_path / "link").symlink_to(pair.path.parent)
    where = tmp_path / "link" / pair.path.name
    pair.tick(1)
    pair.drop("external", [row("E1", "N1", summary="two")])
    pair.run("-C", where, "emit", cwd="/")
    assert "two" in pair.run("-C", where, "show", "E1", cwd="/").out
    pair.run("status", cwd="/", ROUNDTRIP_PROFILE=str(where))
    (pair.path / "state.db").rename(pair.path / "elsewhere.db")
    (pair.path / "state.db").symlink_to("elsewhere.db")                     # the state itself may not be one
    assert "state.db" in pair.run("-C", where, "status", cwd="/", status=74).err


# -- run ---------------------------------------------------------------------------------------------------------------
def test_run_does_all_of_it(pair):
    pair.tick()
    pair.drop("external", [row("E1", "N1", summary="two")])
    pair.run("run")
    assert len(pair.listing("imports/native")) == 2 and not pair.listing("outbox/native")


def test_run_full_skips_a_side_without_a_way_to_give_a_snapshot(pair):
    told = pair.run("run", "--full").err
    assert all(f"{label} has no source" in told for label in ("EverTrue", "database"))


def test_run_full_says_which_folder_gives_no_snapshots(make):
    p = make(external={"exports": "exports"}, native={"exports": "extracts", "snapshot_pattern": "*full*"})
    for folder in ("exports", "extracts"):
        (p.path / folder).mkdir()
    told = p.run("run", "--full").err
    assert "EverTrue gives no snapshots" in told and "database gives" not in told
    assert "gives no snapshots" not in p.run("run").err


def test_run_full_is_no_fetch_of_a_side_that_it_leaves_out(make):
    p = make(native={"transport": "command", "imports": None, "extract": "cat extract.csv", "load": "cp $1 loaded.csv"})
    p.put("extract.csv", p.text("native", []))
    p.drop("external", [row("E1")])
    told = p.run("run", "--full", status=2).err
    assert "database has no extract_full" in told and "database was not fetched since" in told
    assert not (p.path / "loaded.csv").exists()
    p.run("run")
    assert (p.path / "loaded.csv").exists()
    p.tick()
    p.run("run", "--full")


def test_command_transport_round_trip(make):
    p = make(native={"transport": "command", "imports": None, "extract": "cat extract.csv",
                     "load": 'cp "$1" loaded.csv; echo external_id,native_id; echo E1,N1'})
    p.put("extract.csv", p.text("native", []))
    p.drop("external", [row("E1")])
    p.run("run")
    assert b"E1" in (p.path / "loaded.csv").read_bytes()
    p.tick()
    p.put("extract.csv", p.text("native", [row(n="N1", summary="two")]))
    p.run("fetch")
    assert pick(only(p.emit().external), "x", "n", "summary") == ("E1", "N1", "two")


@pytest.mark.parametrize("prints, bound", [
    ("echo COPY 1", False), ("printf 'external_id,native_id\\nE1,N1\\nE2'", True), ("printf 'external_id\\nE1\\n'", False),
], ids=["other words", "cut", "one column"])
def test_load_that_ended_well_is_not_run_again_whatever_it_prints(make, prints, bound):
    p = make(native={"transport": "command", "imports": None, "load": 'cat "$1" >> loaded.csv; ' + prints})
    p.drop("external", [row("E1")])
    err = p.run("run").err
    assert "output of load" in err and "roundtrip bind" in err
    p.run("push")
    assert (p.path / "loaded.csv").read_bytes().count(b"E1") == 1 and not p.listing("outbox/native")
    assert ("N1" in p.run("show", "E1").out) == bound


def test_failed_fetch_of_one_side_emits_nothing(make):
    p = make(native={"transport": "command", "imports": None, "extract": "exit 3", "load": "true"})
    p.drop("external", [row("E1")])
    p.run("run", status=69)
    assert not p.listing("outbox/native")


def test_refused_connection_is_69(make):
    p = make(external={"transport": "sftp", "imports": None, "host": "127.0.0.1", "port": "1", "user": "nobody",
                       "retries": "0", "timeout": "5s"})
    p.run("fetch", status=69)


# -- the lock ----------------------------------------------------------------------------------------------------------
@pytest.fixture
def busy(make):
    p = make(native={"transport": "command", "imports": None, "load": "true",
                     "extract": "touch started; until [ -e go ]; do sleep .05; done; cat extract.csv"})
    p.put("extract.csv", p.text("native", []))
    runner = subprocess.Popen(p.command("run"), cwd=p.path, env=p.environment(), stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL)
    until = time.monotonic() + patience()
    while not (p.path / "started").exists():
        assert time.monotonic() < until
        time.sleep(.01)
    yield p
    p.put("go", "")
    assert runner.wait(patience()) == 0


@pytest.mark.parametrize("command", ["emit", "push", "run", "pause"])
def test_busy_is_75(busy, command):
    busy.run(command, status=75)


def test_wait_waits_for_the_lock(busy):
    waiting = subprocess.Popen(busy.command("emit", "--wait", "600"), cwd=busy.path, env=busy.environment())
    time.sleep(.2)
    assert waiting.poll() is None
    busy.put("go", "")
    assert waiting.wait(patience()) == 0


def test_what_changes_while_it_waits_for_the_lock_counts(busy):
    settings = (busy.path / "roundtrip.ini").read_text()
    waiting = subprocess.Popen(busy.command("emit", "--wait", "600"), cwd=busy.path, env=busy.environment(),
                               stderr=subprocess.PIPE, text=True)
    time.sleep(.3)
    busy.put("roundtrip.ini", settings + "colour = red\n")
    busy.put("go", "")
    _, err = waiting.communicate(timeout=patience())
    assert waiting.returncode == 78 and "colour" in err
    busy.put("roundtrip.ini", settings)


# -- telling -----------------------------------------------------------------------------------------------------------
def test_status_names_both_sides_and_check_is_one_line(pair):
    out = pair.run("status").out
    assert "EverTrue" in out and "database" in out
    check = pair.run("status", "--check", status=(0, 1, 2))
    assert len(check.out.splitlines()) == 1


@pytest.mark.parametrize("name", ["E1", "N1", "external:E1", "native:N1"])
def test_show_tells_a_records_story(pair, name):
    out = pair.run("show", name).out
    assert "E1" in out and "N1" in out and "text" in out


def test_nothing_of_the_notes_goes_into_the_log(pair):
    pair.trip(ext=[row("E1", "N1", body="confidentialword")])
    result = pair.run("log")
    assert "confidentialword" not in result.out + result.err


@pytest.mark.later
def test_a_waiting_file_keeps_its_time_when_the_state_is_lost(make, tmp_path):
    """The journal tells of a file only once it is taken in; a row of an older file must not overrule a newer one."""
    p = make(stamp=None).agree(row("E1", "N1"))
    late = tmp_path / "late.csv"
    late.write_text(p.text("external", [row("E1", "N1", summary="older")]))
    p.run("fetch", "external", late, "--stamp", "2026-01-02T00:00:00Z")
    for file in p.path.glob("state.*"):
        file.unlink()
    assert "inbox/external/late.csv" in p.run("rebuild").err
    assert "1 stale" in p.emit().result.err and p.emit().nothing


@pytest.mark.later
def test_lost_state_beside_an_archive_is_2_and_rebuild_mends_it(pair):
    for file in pair.path.glob("state.db*"):
        file.unlink()
    pair.run("emit", status=2)
    pair.run("rebuild")
    pair.tick()
    pair.drop("native", [row(n="N1", summary="two")])
    assert pick(only(pair.emit().external), "x", "n") == ("E1", "N1")


@pytest.mark.later
def test_state_older_than_the_archive_is_2(pair):
    old = {f: f.read_bytes() for f in pair.path.glob("state.db*")}
    pair.trip(ext=[row("E1", "N1", summary="two")])
    for file in pair.path.glob("state.db*"):
        file.unlink()
    for file, data in old.items():
        file.write_bytes(data)
        file.chmod(0o600)
    pair.run("emit", status=2)


@pytest.mark.later
def test_backup_is_a_copy_that_works(pair, tmp_path):
    copy = tmp_path / "copy.db"
    pair.run("backup", copy)
    for file in pair.path.glob("state.db*"):
        file.unlink()
    (pair.path / "state.db").write_bytes(copy.read_bytes())
    (pair.path / "state.db").chmod(0o600)
    assert pair.emit().nothing


@pytest.mark.parametrize("name", ["", "copies/"])
def test_backup_wants_the_name_of_a_file(pair, name):
    assert f'"{name}" is not the name of a file' in pair.run("backup", name, status=64).err


def test_check_with_good_settings_is_0(p):
    p.run("check")
    p.run("check", "--state")


def test_state_is_created_for_the_owner_only(pair):
    assert (pair.path / "state.db").stat().st_mode & 0o777 == 0o600


def test_init_proposes_a_schema_from_samples(p, tmp_path):
    (tmp_path / "e.csv").write_text("EID,NID,Summary,Visit Date\nE1,,one,2026-11-01\n")
    (tmp_path / "n.csv").write_text("EID,NID,SUMMARY,VISIT_DATE\n,N1,one,2026-11-01\n")
    fresh = tmp_path / "fresh"
    p.run("init", fresh, "--external", "e.csv", "--native", "n.csv", cwd=tmp_path)
    schema = (fresh / "schema.csv").read_text()
    assert "Summary" in schema and "SUMMARY" in schema and "VISIT_DATE" in schema


def test_init_over_a_profile_is_refused(pair):
    before = pair.snapshot()
    assert pair.run("init", pair.path, cwd=pair.path.parent, status=None).status != 0
    assert pair.snapshot() == before


# -- what may not be read, and what is no text --------------------------------------------------------------------------
@pytest.mark.skipif(os.getuid() != 0, reason="needs another user")
@pytest.mark.parametrize("closed", [".", "roundtrip.ini", "schema.csv", "codes.csv", "state.db", "archive"])
def test_what_belongs_to_somebody_else_is_77(closed):
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o711)
        p = Profile(f"{folder}/p", schema=SCHEMA + [field("kind", type="code", values="codes.csv")],
                    files={"codes.csv": "external,native\nVisit,V\n"})
        for file in [p.path] + sorted(p.path.rglob("*")):
            os.chown(file, 65534, 65534)
        os.chown(p.path / closed, 0, 0)
        if subprocess.run(["test", "-x", p.command()[-1]], user=65534, group=65534, check=False).returncode:
            pytest.skip("others cannot run the program where it is")
        for args in (["-C", p.path, "status"], ["-C", p.path, "emit"], ["init", p.path if closed == "." else f"{folder}/new"]):
            done = subprocess.run(p.command(*args), cwd="/", env=p.environment(), user=65534, group=65534,
                                  capture_output=True, text=True)
            assert done.returncode == 77 and "ermission denied" in done.stderr, done
        os.chown(p.path / closed, 65534, 65534)
        os.chown(p.path / ".lock", 0, 0)
        done = subprocess.run(p.command("-C", p.path, "emit"), cwd="/", env=p.environment(), user=65534, group=65534,
                              capture_output=True, text=True)
        assert done.returncode == 77 and ".lock: Permission denied" in done.stderr, done


def test_init_beside_a_file_says_so(p, tmp_path):
    (tmp_path / "file").write_text("x")
    for where in ("file", "file/new"):
        assert "no folder" in p.run("init", where, cwd=tmp_path, status=64).err


def test_a_path_that_is_no_utf_8_is_in_the_object_all_the_same(p, tmp_path):
    where = os.fsencode(tmp_path) + b"/caf\xe9"
    os.mkdir(where)
    for args in (["backup", where + b"/copy.db"], ["report", where + b"/page.html"], ["init", where + b"/new"]):
        done = subprocess.run(p.command() + args + ["--json"], cwd=p.path, env=p.environment(), capture_output=True, check=True)
        told = json.loads(done.stdout)
        assert told["command"] == args[0] and "/caf?/" in told.get("file", told.get("profile", "")), told


def test_diff_says_what_would_become_of_a_file(p):
    p.drop("external", raw=b"nonsense\n1\n")
    told = p.run("diff", status=65).err
    assert "would be refused" in told and "moved to" not in told
    assert "moved to rejects/" in p.run("emit", status=65).err


def test_an_option_that_lacks_its_folder_or_waits_very_long(p):
    assert "-C needs a folder" in p.run("-C", status=64).err
    p.run("emit", "--wait", "4294967296000")
    p.run("emit", "--wait", "-1", status=64)
