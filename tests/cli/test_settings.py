"""roundtrip.ini: what is wrong settings (78), and what each setting does."""
import datetime
import gzip
import os
import pathlib
import re
import shutil

import pytest

from profile import SCHEMA, Profile, field, only, pick, row


# -- wrong settings --------------------------------------------------------------------------------------------
def wrong(make, section, key, value, **more):
    p = make(resume=False, **more)
    p.settings[section][key] = value
    p.write()
    return p


def test_unknown_key_names_file_line_and_the_nearest_key(make):
    p = wrong(make, "external", "batch_row", "5")
    line = (p.path / "roundtrip.ini").read_text().splitlines().index("batch_row = 5") + 1
    err = p.run("check", status=78).err
    assert "roundtrip.ini" in err and str(line) in err and "batch_rows" in err


def test_unknown_section_is_78(make):
    p = make(resume=False)
    p.put("roundtrip.ini", (p.path / "roundtrip.ini").read_text() + "[extrenal]\nlabel = x\n")
    err = p.run("check", status=78).err
    assert "extrenal" in err and "external" in err


@pytest.mark.parametrize("section, key, value", [
    ("profile", "mode", "three-way"),
    ("external", "transport", "pigeon"),
    ("external", "content", "some"),
    ("external", "matches_by", "luck"),
    ("external", "match", "maybe"),
    ("external", "deletes", "perhaps"),
    ("external", "encoding", "no-such-encoding"),
    ("external", "encoding", "ISO-8859-1//"),
    ("native", "encoding", "utf-8//TRANSLIT"),
    ("external", "timezone", "Nowhere/Nothing"),
    ("external", "batch_rows", "many"),
    ("external", "batch_rows", "-1"),
    ("external", "line_ending", "cr"),
    ("external", "quote", "some"),
    ("external", "compress", "rar"),
    ("external", "shows_imports", "sometimes"),
    ("external", "max_age", "old"),
    ("external", "final_newline", "nice"),
    ("external", "eligible", "summary = "),
    ("external", "eligible", "(SELECT 1 FROM sqlite_master)"),
    ("external", "eligible", "no_such_field = 1"),
    ("policy", "conflict", "coin"),
    ("policy", "not_taken", "forget"),
    ("policy", "suspected_duplicate", "delete"),
    ("policy", "loop_window", "soon"),
    ("policy", "import_lag", "late"),
    ("policy", "max_changes", "lots"),
])
def test_wrong_value_is_78(make, section, key, value):
    p = wrong(make, section, key, value)
    p.run("check", status=78)
    p.run("emit", status=78)


def test_newest_without_modified_at_is_78(make):
    wrong(make, "policy", "conflict", "newest").run("check", status=78)


@pytest.mark.parametrize("section, key, value", [
    ("external", "eligible", "no_such_field = 1"),
    ("native", "deletes", "propagate"),
    ("native", "written_at_column", "SUMMARY"),
    ("external", "action_column", "Summary"),
    ("external", "identity", "no-such-key"),
    ("policy", "conflict", "newest"),
])
def test_what_does_not_go_with_other_settings_or_files_names_the_line(make, section, key, value):
    p = wrong(make, section, key, value)
    line = (p.path / "roundtrip.ini").read_text().splitlines().index(f"{key} = {value}") + 1
    assert f"roundtrip.ini: line {line}: [{section}] {key}: " in p.run("check", status=78).err


def test_wrong_settings_leave_the_state_alone(pair):
    pair.settings["external"]["transport"] = "pigeon"
    pair.write()
    pair.drop("external", [row("E1", "N1", summary="two")])
    before = pair.snapshot()
    pair.run("emit", status=78)
    assert pair.snapshot() == before


def test_comments_and_blank_lines_are_fine(make):
    p = make(resume=False)
    p.put("roundtrip.ini", "; made by hand\n\n" + (p.path / "roundtrip.ini").read_text() + "\n; the end\n")
    p.run("check")


# -- names -----------------------------------------------------------------------------------------------------
def test_output_name_default(p):
    name = p.trip(ext=[row("E1")])[0].name
    assert re.fullmatch(r"trip-native-20261102T060000Z-\d{6}\.csv", name)


def test_output_name_pattern(make):
    p = make(native={"output_name": "acme.interactions.{stamp}.{delta}.csv"})
    name = p.trip(ext=[row("E1")])[0].name
    assert re.fullmatch(r"acme\.interactions\.20261102T060000Z\.\d{6}\.csv", name)


def test_running_number_grows(p):
    first = p.trip(ext=[row("E1")])[0].name
    second = p.trip(ext=[row("E2")])[0].name
    assert first != second and first[-10:-4] < second[-10:-4]


@pytest.mark.parametrize("name", ["acme.csv", "acme.{stamp}.csv", "acme.{delta}.csv"])
def test_output_name_always_has_stamp_and_number_or_is_wrong(make, name):
    p = make(resume=False, native={"output_name": name})
    if p.run("check", status=(0, 78)).status == 0:
        p.run("resume")
        written = p.trip(ext=[row("E1")])[0].name
        assert "20261102T060000Z" in written and re.search(r"\d{6}", written.replace("20261102T060000Z", ""))


@pytest.mark.parametrize("guards", [{"require_name": "*.interactions.*"}, {"forbid_name": "*trip*"}])
def test_name_that_breaks_a_guard_is_78(make, guards):
    make(resume=False, native=guards).run("check", status=78)


def test_name_that_keeps_the_guards_is_fine(make):
    p = make(native={"require_name": "*.interactions.*", "forbid_name": "*.full.*",
                     "output_name": "acme.interactions.{stamp}.{delta}.csv"})
    p.trip(ext=[row("E1")])
    assert len(p.listing("imports/native")) == 1


@pytest.mark.parametrize("guards", [{"require_name": "*.interactions.*"}, {"forbid_name": "trip-*"}])
def test_names_are_checked_again_before_a_push(make, guards):
    """The settings are right now; what was written under the old ones is not handed over, and what to do is told."""
    p = make()
    p.drop("external", [row("E1")])
    p.emit()
    p.settings["native"].update(guards, output_name="acme.interactions.{stamp}.{delta}.csv")
    p.write()
    p.run("check")
    assert "roundtrip withdraw 000001, and the next emit names it anew" in p.run("push", status=78).err
    assert not p.listing("imports/native") and len(p.listing("outbox/native")) == 1
    p.run("withdraw", "000001")
    p.emit()
    p.push()
    assert p.listing("imports/native") == ["acme.interactions.20261101T060000Z.000002.csv"]


# -- batches ---------------------------------------------------------------------------------------------------
def test_batch_rows_splits_into_numbered_parts(make):
    p = make(native={"batch_rows": "2"})
    deltas = p.trip(ext=[row(f"E{i}") for i in range(5)])
    assert [len(d.rows) for d in deltas] == [2, 2, 1]
    assert [d.name.partition("of")[0][-2:] + "of3" for d in deltas] == ["-1of3", "-2of3", "-3of3"]
    assert len({d.name.rpartition("-")[0] for d in deltas}) == 1
    assert [r["x"] for r in deltas.native] == [f"E{i}" for i in range(5)]
    assert len(p.listing("imports/native")) == 3


def test_batch_rows_with_one_part_has_no_part_number(make):
    assert "of1" not in make(native={"batch_rows": "2"}).trip(ext=[row("E1")])[0].name


def test_every_part_has_the_header(make):
    deltas = make(native={"batch_rows": "2"}).trip(ext=[row(f"E{i}") for i in range(3)])
    assert deltas[0].header == deltas[1].header == ["EXT_ID", "NAT_ID", "SUMMARY", "BODY", "EMAIL"]


# -- the bytes -------------------------------------------------------------------------------------------------
def test_default_bytes_are_minimal_lf_without_bom(p):
    deltas = p.trip(ext=[row("E1", summary='say "yes", twice', body="two\nlines")])
    assert deltas[0].raw == (b"EXT_ID,NAT_ID,SUMMARY,BODY,EMAIL\n"
                             b'E1,,"say ""yes"", twice","two\nlines",a@example.org\n')


def test_crlf(make):
    raw = make(native={"line_ending": "crlf"}).trip(ext=[row("E1")])[0].raw
    assert raw == b"EXT_ID,NAT_ID,SUMMARY,BODY,EMAIL\r\nE1,,one,text,a@example.org\r\n"


def test_quote_all(make):
    raw = make(native={"quote": "all"}).trip(ext=[row("E1")])[0].raw
    assert raw == b'"EXT_ID","NAT_ID","SUMMARY","BODY","EMAIL"\n"E1","","one","text","a@example.org"\n'


def test_gzip_out(make):
    p = make(native={"compress": "gzip"})
    delta = p.trip(ext=[row("E1")])[0]
    assert delta.name.endswith(".csv.gz") and delta.raw[:2] == b"\x1f\x8b"
    assert only(delta.rows)["x"] == "E1"
    handed = p.listing("imports/native")
    assert gzip.decompress((p.path / "imports/native" / handed[0]).read_bytes()) == delta.data


def test_delimiter_both_ways(make):
    p = make(native={"delimiter": "|"})
    assert p.trip(ext=[row("E1", summary="a|b")])[0].raw.splitlines()[1] == b'E1||"a|b"|text|a@example.org'
    assert p.trip(nat=[row("E1", "N1", summary="a|b")]).nothing


@pytest.mark.parametrize("settings, schema", [
    ({"written_at_column": "geschrieben \u20ac"}, SCHEMA),
    ({"label": "Datenbank \u20ac"}, SCHEMA + [field("origin", role="origin")]),
    ({}, SCHEMA + [field("sum", native="Summe \u20ac")]),
], ids=["extra column", "label", "header"])
def test_what_is_always_written_must_fit_the_encoding(make, settings, schema):
    p = make(schema=schema, native=settings)
    p.run("check")
    p.settings["native"]["encoding"] = "iso-8859-1"
    p.write()
    err = p.run("check", status=78).err
    assert "iso-8859-1 cannot hold" in err and "\u20ac" in err


def test_encoding_both_ways(make):
    p = make(native={"encoding": "iso-8859-1"})
    assert "Zoë".encode("latin-1") in p.trip(ext=[row("E1", summary="Zoë")])[0].raw
    assert p.trip(nat=[row("E1", "N1", summary="Zoë")]).nothing


def test_written_at_and_action_columns(make):
    p = make(native={"written_at_column": "Written", "action_column": "Action"})
    deltas = p.trip(ext=[row("E1")])
    assert deltas[0].header == ["EXT_ID", "NAT_ID", "SUMMARY", "BODY", "EMAIL", "Written", "Action"]
    sent = only(deltas.native)
    assert sent["Action"] == "insert" and sent["Written"].startswith("2026-11-02")
    p.trip(nat=[row("E1", "N1")])
    assert only(p.trip(ext=[row("E1", "N1", summary="two")]).native)["Action"] == "update"


# -- what may be sent ------------------------------------------------------------------------------------------
def test_update_only_sends_no_insert(make):
    p = make(native={"match": "update-only"})
    assert p.trip(ext=[row("E1")]).nothing
    assert p.trip(nat=[row("E1", "N1")]).nothing
    assert pick(only(p.trip(ext=[row("E1", "N1", summary="two")]).native), "n", "summary") == ("N1", "two")


def test_insert_only_sends_no_update(make):
    p = make(native={"match": "insert-only"}).agree(row("E1", "N1"))
    assert p.trip(ext=[row("E1", "N1", summary="two")]).nothing


def test_not_eligible_rows_are_not_tracked(make):
    p = make(external={"eligible": "summary = 'wanted'"})
    assert [r["x"] for r in p.trip(ext=[row("E1", summary="wanted"), row("E2", summary="other")]).native] == ["E1"]


def test_eligible_may_use_the_origin(make):
    p = make(schema=SCHEMA + [field("source", role="origin")], native={"eligible": "source = 'EverTrue'"})
    p.drop("native", [row(n="N1", source="EverTrue"), row(n="N2", source="Letter", summary="other")])
    assert [r["n"] for r in p.emit().external] == ["N1"]


def test_tracked_record_that_stops_being_eligible_is_not_observed(make):
    p = make(native={"eligible": "body <> 'private'"}).agree(row("E1", "N1"))
    assert p.trip(nat=[row("E1", "N1", summary="two", body="private")]).nothing
    assert p.trip(ext=[row("E1", "N1", summary="three")]).nothing


def test_id_in_a_row_that_is_not_eligible_is_learnt_once(make):
    p = make(external={"eligible": "body <> 'private'"})
    p.trip(ext=[row("E1")])
    p.trip(ext=[row("E1", body="private")])
    bound = ["(1 bound)" in p.trip(ext=[row("E1", "N1", body="private", email=e)]).result.err for e in ("one", "two")]
    assert bound == [True, False] and "database N1" in p.run("show", "E1").out


def test_max_age_sends_nothing_to_a_side_whose_files_are_old(make):
    p = make(external={"max_age": "36h"}).agree(row("E1", "N1"))
    p.tick(48)
    p.drop("native", [row("E1", "N1", summary="two")])
    assert not p.emit(status=2).external
    p.drop("external", [row("E1", "N1")])
    assert only(p.emit().external)["summary"] == "two"


def test_max_age_before_the_first_file_says_that_there_is_none(make):
    p = make(native={"max_age": "36h"})
    p.drop("external", [row("E1")])
    assert "no file of database was taken in yet" in p.run("emit", status=2).err
    assert "database: no file yet, and max_age asks for one" in p.run("status", "--check", status=2).out
    assert "no file yet, and max_age asks for one" in p.run("status").out


# -- single trip -----------------------------------------------------------------------------------------------
def single(make):
    return make(profile={"mode": "single-trip"}).agree(row("E1", "N1"))


def test_single_trip_asks_about_what_differs_in_joined_records(make):
    p = make(profile={"mode": "single-trip"})
    p.trip(ext=[row("E1")], nat=[row(n="N1", summary="two")])
    assert p.trip(nat=[row("E1", "N1", summary="two")]).nothing
    p.decide("dismiss", "read-only")
    assert only(p.sync().native)["summary"] == "one"


def test_single_trip_sends_no_native_edit_of_a_record_born_external(make):
    p = single(make)
    assert p.trip(nat=[row("E1", "N1", summary="two")]).nothing
    assert only(p.trip(ext=[row("E1", "N1", body="more")]).native)["body"] == "more"


@pytest.mark.review
def test_single_trip_native_edit_is_review_read_only(make):
    p = single(make)
    p.trip(nat=[row("E1", "N1", summary="two")])
    assert len(p.items("read-only")) == 1


@pytest.mark.review
def test_single_trip_dismissed_edit_that_was_overwritten_already_is_an_echo(make):
    p = single(make)
    p.trip(nat=[row("E1", "N1", summary="two")])
    assert only(p.trip(ext=[row("E1", "N1", summary="three")]).native)["summary"] == "three"
    p.decide("dismiss", "read-only")
    deltas = p.trip(nat=[row("E1", "N1", summary="three")])
    assert deltas.nothing and "1 echo" in deltas.result.err


def test_single_trip_native_born_records_stay_two_way(make):
    p = single(make)
    assert only(p.trip(nat=[row(n="N2", summary="mine")]).external)["n"] == "N2"
    assert p.trip(ext=[row("E2", "N2", summary="mine")]).nothing
    assert only(p.trip(ext=[row("E2", "N2", summary="theirs")]).native)["summary"] == "theirs"
    assert only(p.trip(nat=[row("E2", "N2", summary="theirs", body="mine")]).external)["body"] == "mine"


def single_snapshots(make):
    return make(profile={"mode": "single-trip"}, native={"content": "snapshot", "deletes": "propagate"},
                external={"action_column": "Action"}, policy={"max_deletes": "5"}).agree(row("E1", "N1"))


@pytest.mark.review
@pytest.mark.parametrize("decision", ["accept", "dismiss"])
def test_single_trip_native_delete_of_a_record_born_external_is_asked(make, decision):
    p = single_snapshots(make)
    assert pick(only(p.trip(nat=[row(n="N2")]).external), "n", "Action") == ("N2", "insert")
    p.decide(decision, "missing")
    deltas = p.sync()
    assert deltas.nothing if decision == "dismiss" else only(deltas.external)["Action"] == "delete"


def test_single_trip_native_delete_of_a_record_born_there_is_propagated(make):
    p = single_snapshots(make)
    p.trip(nat=[row("E1", "N1"), row(n="N2")])
    p.trip(ext=[row("E2", "N2")])
    assert only(p.trip(nat=[row("E1", "N1", summary="two")]).external)["Action"] == "delete"


# -- hand-over without imports -----------------------------------------------------------------------------------
def test_without_imports_a_delta_counts_as_handed_over_when_it_is_gone(make):
    p = make(imports=False).agree(row("E1", "N1"))
    p.tick()
    p.drop("native", [row("E1", "N1", summary="two")])
    assert only(p.emit().external)["summary"] == "two"
    p.run("push")
    assert len(p.listing("outbox/external")) == 1
    p.take_outbox("external")
    p.run("push")
    assert not p.listing("outbox/external")
    p.tick(1)
    p.drop("external", [row("E1", "N1", summary="two")])
    assert p.emit().nothing


def test_without_imports_a_taken_delta_is_not_published_again(make):
    p = make(imports=False)
    p.drop("external", [row("E1")])
    p.emit()
    p.take_outbox("native")
    for _ in range(2):
        p.run("push")
        p.emit()
        assert not p.listing("outbox/native")


# -- guards ----------------------------------------------------------------------------------------------------
def approval(result):
    found = re.search(r"--approve[ =]+([0-9A-Za-z:]+)", result.err) or re.search(r"\b([0-9a-f]{8,64})\b", result.err)
    assert found, result
    return found.group(1)


@pytest.mark.later
def test_guard_stops_too_many_changes(make):
    p = make(policy={"max_changes": "2"})
    p.drop("external", [row(f"E{i}") for i in range(3)])
    assert p.emit(status=2).nothing
    assert p.listing("outbox/native") == []


@pytest.mark.later
def test_guard_counts_before_limit(make):
    p = make(policy={"max_changes": "2"})
    p.drop("external", [row(f"E{i}") for i in range(3)])
    assert p.emit("--limit", "1", status=2).nothing


@pytest.mark.later
@pytest.mark.parametrize("choice", [("--limit", "1"), ("--to", "native"),
                                    ("--only", "E1", "--only", "E2", "--only", "E3")])
def test_guard_says_that_an_approval_needs_the_same_choice_of_rows(make, choice):
    p = make(policy={"max_changes": 2})
    p.drop("external", [row(f"E{n}") for n in range(4)])
    assert "the same --to" not in p.run("emit", status=2).err
    told = p.run("emit", *choice, status=2).err.strip()
    plan, rest = told.split(" --approve ")[1].split(",", 1)
    assert rest == " both with the same --to, --only and --limit"
    assert f"plan {plan}\n" in p.run("diff", *choice).out
    p.run("emit", *choice, "--approve", plan)


@pytest.mark.later
def test_guard_is_lifted_by_the_digest_of_the_plan(make):
    p = make(policy={"max_changes": "2"})
    p.drop("external", [row(f"E{i}") for i in range(3)])
    digest = approval(p.emit(status=2).result)
    assert digest in (lambda r: r.out + r.err)(p.run("diff"))
    assert len(p.emit("--approve", digest).native) == 3


@pytest.mark.later
def test_approval_of_another_plan_does_not_count(make):
    p = make(policy={"max_changes": "2"})
    p.drop("external", [row(f"E{i}") for i in range(3)])
    digest = approval(p.emit(status=2).result)
    p.tick(1)
    p.drop("external", [row("E9")])
    assert p.emit("--approve", digest, status=2).nothing


@pytest.mark.later
def test_guard_by_percent_from_fifty_rows_on(p):
    rows = [row(f"E{i}", f"N{i}") for i in range(100)]
    p.settings["policy"]["max_change_percent"] = "none"
    p.write()
    p.agree(*rows)
    p.settings["policy"]["max_change_percent"] = "20"
    p.write()
    assert len(p.trip(ext=[{**r, "summary": "some"} for r in rows[:49]]).native) == 49
    p.tick()
    p.drop("external", [{**r, "summary": "mass"} for r in rows[:50]])
    assert p.emit(status=2).nothing


@pytest.mark.later
def test_guard_can_be_turned_off(make):
    p = make(policy={"max_changes": "none", "max_change_percent": "none"})
    assert len(p.trip(ext=[row(f"E{i}") for i in range(80)]).native) == 80


# -- keep_archive ------------------------------------------------------------------------------------------------------
def archived(p):
    return sorted(f.name.split("_")[0] for f in p.files_under("archive") if f.name != "journal")


def test_files_leave_the_archive_when_their_age_is_up_and_the_journal_stays(tmp_path):
    p = Profile(tmp_path / "p", policy={"keep_archive": "2d"})      # not of `make`: it cannot be rebuilt from nothing
    p.tick()
    p.drop("external", [row("E1")], at=p.now - datetime.timedelta(days=300))
    p.sync()
    assert len(archived(p)) == 2                # counted from when it was taken in, not from its own time
    p.run("backup", "copy.db")
    p.trip(ext=[row("E2")], hours=48)
    assert len(archived(p)) == 4
    p.trip(ext=[row("E3")], hours=1)
    assert len(archived(p)) == 4 and (p.path / "archive/journal").exists()
    p.run("check", "--state")
    told = p.run("status").out
    (p.path / "state.db").rename(p.path / "away.db")
    assert "backup" in p.run("rebuild", status=2).err
    (p.path / "copy.db").rename(p.path / "state.db")
    p.run("rebuild")
    assert p.run("status").out == told and p.emit().nothing


def test_what_left_the_archive_is_not_handed_over_again_but_can_be_due_again(tmp_path):
    p = Profile(tmp_path / "p", policy={"keep_archive": "1h"})
    p.trip(ext=[row("E1")])
    p.trip(hours=24)
    assert "roundtrip retry 1 makes its rows due again" in p.run("push", "--again", "1", status=64).err
    p.run("retry", "1")
    assert len(p.sync().native) == 1


def test_what_was_not_handed_over_yet_does_not_leave(tmp_path):
    p = Profile(tmp_path / "p", policy={"keep_archive": "1h"}, native={"imports": None})
    p.drop("external", [row("E1")])
    delta = p.emit()[0]
    for _ in range(3):
        p.tick()
        p.run("push")
    assert delta.path.exists() and len(archived(p)) == 0
    p.take_outbox("native")
    p.run("push")
    assert archived(p) == [delta.name] and p.run("show", "E1").out.count("handed over") == 2
    p.tick(2)
    p.run("push")
    assert archived(p) == []


def test_what_the_state_does_not_know_stays_in_the_archive(tmp_path):
    p = Profile(tmp_path / "p", policy={"keep_archive": "1h"})
    p.trip(ext=[row("E1")])
    p.put("archive/in/external/000099-x.csv", "mine")
    p.put("archive/out/native/y.csv", "mine")
    p.put("archive/out/native/.hidden", "mine")
    p.tick(24)
    p.run("emit", status=2)
    for name in ("in/external/000099-x.csv", "out/native/y.csv"):
        (p.path / "archive" / name).rename(p.path / "rejects" / name.split("/")[-1])
    p.run("emit")
    assert archived(p) == [".hidden"]


def test_the_archive_is_kept_for_ever_by_default(p):
    p.trip(ext=[row("E1")])
    p.tick(24 * 365)
    p.run("emit")
    assert len(archived(p)) == 2


def test_a_folder_of_the_archive_that_cannot_be_read_is_told(tmp_path):
    p = Profile(tmp_path / "p")
    p.trip(ext=[row("E1")])
    folder = p.path / "archive/out/native"
    shutil.rmtree(folder)
    folder.write_text("")
    assert "cannot list" in p.run("status", status=74).err


def test_a_folder_on_the_way_is_another_one(make):
    """The second push took the delta of the first for a left part of its own; every fetch fetched all again."""
    p = make(resume=False, external={"exports": "out", "imports": "in", "upload": "folder:./in"})
    assert "upload" in p.run("check", status=78).err
    p.settings["external"].update(upload="folder:parts", after_fetch="move:out/")
    p.write()
    assert "after_fetch" in p.run("check", status=78).err
    p.settings["external"].update(after_fetch="move:out/done")
    p.write()
    p.run("check")


def test_a_delta_that_was_taken_for_a_left_part_is_not_counted_as_handed_over(make):
    p = make(external={"imports": "in", "upload": "folder:in"}, resume=False)
    (p.path / "in").mkdir(mode=0o700)
    p.settings["external"].update(upload=f"folder:{p.path}/in")     # the same by another name
    p.write()
    p.run("resume")
    p.drop("native", [row("", "N1")])
    delta, = p.emit()
    for _ in range(3):
        assert "already there" in p.run("push", status=74).err
        assert p.listing("outbox/external") == [delta.name]


def test_settings_are_copied_also_in_a_folder_whose_name_is_no_utf_8(p, tmp_path):
    where = os.fsencode(tmp_path) + b"/caf\xe9"
    p.path.rename(os.fsdecode(where))
    p.path = pathlib.Path(os.fsdecode(where))
    p.settings["policy"]["conflict"] = "native"
    p.write()
    p.drop("external", [row("E1")])
    p.emit()
    assert "conflict = native" in (p.path / "archive/journal").read_text()
