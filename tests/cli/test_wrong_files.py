"""The wrong file, as it happens: empty, cut, last year's, another profile's, through a spreadsheet.

Whatever it was, no delta is written, the records stay as they were, and the message says what to do.
"""
import os
import re
import sqlite3

import pytest
import rebuilt

import state_file
from profile import SCHEMA, TEXTS, field, only, row

COUNT = 120
LONG = [field("external_id", "EID", "EXT_ID", role="external_id", type="id"),
        field("native_id", "NID", "NAT_ID", role="native_id", type="id")] + TEXTS
KNOWLEDGE = ("record", "content", "due", "delta", "delta_row", "pending", "suspect")


def dump(p, tables=None):
    """What the state holds, as text."""
    with sqlite3.connect(f"file:{p.path}/state.db?mode=ro", uri=True) as db:
        return {name: sorted(map(repr, db.execute(f"SELECT * FROM {name}"))) for name in tables or state_file.tables(db)}


def only_dates():
    """SCHEMA, but the summary is a date."""
    return [{**line, "type": "date"} if line["field"] == "summary" else line for line in SCHEMA]


def rows(prefix="", year="2026", count=COUNT):
    return [row(f"{prefix}E{i}", f"{prefix}N{i}", summary=f"{year} {i}", body=f"text {i}") for i in range(1, count + 1)]


def load(p, records):
    """These on both sides, the same, through a first load."""
    p.drop("external", [{**r, "n": ""} for r in records], name=f"external_{p.now:%Y-%m-%dT%H%M}.csv")
    assert len(p.sync("--historical").native) == len(records)
    assert p.trip(nat=records).nothing and not p.items()
    p.tick()
    return p


def held(make, **settings):
    return load(make(**settings), rows())


def check_stopped(p, status, *words, before=None):
    """The run ends with that status, says that, and leaves nothing behind but what it says."""
    before = before or dump(p)
    result = p.emit(status=status).result
    assert not result.out and not p.files_under("outbox")
    for word in words:
        assert word in result.err, result
    for table in KNOWLEDGE:
        assert dump(p)[table] == before[table], table
    if status == 2:
        assert dump(p) == before
    return result


@pytest.fixture
def snapshots(make):
    def build(deletes="ignore", side="native", **policy):
        other = {"native": "external", "external": "native"}[side]
        settings = {side: {"content": "snapshot", "deletes": deletes}, other: {"action_column": "Action"}}
        return held(make, policy=policy, **settings)
    return build


# -- empty ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("deletes", ["ignore", "review", "propagate"])
@pytest.mark.parametrize("side", ["native", "external"])
def test_snapshot_without_rows_stops(snapshots, deletes, side):
    p = snapshots(deletes, side)
    name = p.drop(side, []).name
    check_stopped(p, 2, "guard", name, "snapshot without rows", str(COUNT), "take it out of inbox/", "--approve")
    assert p.listing(f"inbox/{side}") == [name]
    (p.path / "inbox" / side / name).unlink()
    assert p.sync().nothing


def test_file_of_zero_bytes_is_refused_and_told_once(snapshots):
    p = snapshots("propagate")
    name = p.drop("native", raw=b"").name
    result = check_stopped(p, 65, name, "refused", "rejects/")
    assert "empty" in result.err
    assert not p.listing("inbox/native") and only(p.items())["kind"] == "refused"
    p.drop("native", rows())
    assert p.sync().nothing and not p.items()


def test_a_link_in_the_inbox_is_left_alone_and_told(make):
    p = make()
    p.put("elsewhere.csv", p.text("native", [row("", "N1")]))
    os.symlink(p.path / "elsewhere.csv", p.path / "inbox/native/linked_2026-11-01T0500.csv")
    result = p.emit()
    assert result.nothing and "inbox/native/linked_2026-11-01T0500.csv is left alone" in result.result.err
    assert len(p.listing("inbox/native")) == 1


def test_files_in_the_inbox_that_are_not_taken_are_named(p):
    for name in ("stray.csv", "native/-rf.csv", "native/a\nb.csv", "native/.hidden.csv"):
        (p.path / "inbox" / name).write_text(p.text("native", [row("E1", "N1")]))
    for command in ("diff", "emit"):
        err = p.run(command).err
        assert "inbox/stray.csv is left alone: move it to inbox/external or inbox/native" in err
        assert "inbox/native/-rf.csv is left alone for its name: it begins with a dash" in err
        assert "inbox/native/a?b.csv is left alone for its name" in err and "hidden" not in err


def test_diff_says_what_would_become_of_rows_and_emit_what_became_of_them(make):
    p = make(schema=only_dates(), native={"content": "snapshot"})
    p.drop("native", [row(n="N1", summary="soon"), row(n="N2", summary="2026-11-01"), row(n="N2", summary="2026-11-02")])
    err = p.run("diff").err
    assert "the row would be set aside in rejects/" in err and "differ: emit would put it on the review list" in err
    assert not p.listing("rejects") and not p.items()
    err = p.emit().result.err
    assert "the row is set aside in rejects/" in err and "differ: see roundtrip review" in err
    assert len(p.listing("rejects")) == 2 and len(p.items()) == 2


def test_review_tells_where_in_rejects_the_file_is_and_that_one_can_be_fetched(make):
    p = make(schema=only_dates())
    p.drop("native", [row(n="N1", summary="soon")])
    p.emit()
    p.drop("external", raw=b"ExternalID,Other\nE1,2\n")
    p.emit(status=65)
    for number, side in ((1, "native"), (2, "external")):
        lines = p.run("review", "show", number).out.splitlines()
        kept = only([line for line in lines if line.startswith("in rejects/")])[3:]
        assert not any(line.endswith("line 0") for line in lines)
        p.run("fetch", side, kept)


def test_review_show_takes_one_item(pair):
    for word in ("all", "1-2", "1,2", "x"):
        assert f'"{word}" is not the number of one item' in pair.run("review", "show", word, status=64).err


def test_a_refused_file_that_comes_again_is_one_question(p):
    for day in range(3):
        p.tick(24)
        p.put("inbox/external/a_2026-11-01T0500.csv", "a,b\n1,2\n")
        p.emit(status=65)
    item = only(p.items())
    assert item["kind"] == "refused" and item["since"].startswith("2026-11-02")
    p.put("inbox/external/a_2026-11-01T0500.csv", "a,b,c\n1,2,3\n")           # other bytes: another question
    p.emit(status=65)
    assert len(p.items()) == 2
    p.drop("external", [row("E1")], name="a_2026-11-01T0500.csv")
    p.emit()
    assert not p.items()


@pytest.mark.parametrize("other", [[], ["--external", "right.csv"]])
def test_a_baseline_of_a_wrong_file_leaves_nothing(make, other):
    p = make()
    p.put("wrong.csv", "a,b\n1,2\n")
    p.put("right.csv", p.text("external", [row("E1", "N1"), row("E1", "N1", summary="repeated")]))
    err = p.run("baseline", "--native", "wrong.csv", *other, status=65).err
    assert 'no column "EXT_ID"' in err and "nothing of the baseline was recorded" in err and "rejects" not in err
    assert not p.files_under("rejects") and not p.items()


def test_snapshot_without_rows_stops_diff_and_run_too(snapshots):
    p = snapshots("propagate")
    p.drop("native", [])
    before = dump(p)
    assert "emit would stop: guard" in p.run("diff").err
    assert "snapshot without rows" in p.run("run", status=2).err
    assert dump(p) == before


@pytest.mark.parametrize("deletes", ["ignore", "review", "propagate"])
def test_a_snapshot_without_rows_that_is_right_is_approved(snapshots, deletes):
    p = snapshots(deletes, max_change_percent="none", max_deletes="none")
    p.drop("native", [])
    assert "the approved plan is another one" in p.run("emit", "--approve", "0123456789abcdef", status=2).err
    plan = re.search(r"--approve (\w+)", p.run("emit", status=2).err)[1]
    p.run("emit", "--approve", plan)
    assert not p.listing("inbox/native")
    assert {i["kind"] for i in p.items()} == ({"missing"} if deletes == "review" else set())
    deleted = [r for d in p.listing("outbox/external") for r in (p.path / "outbox/external" / d).read_text().splitlines()[1:]]
    assert len(deleted) == (COUNT if deletes == "propagate" else 0)


def test_a_baseline_of_nothing_is_refused_where_there_was_something(make):
    p = make(native={"content": "snapshot"})
    p.put("some.csv", p.text("native", [row("", "N1"), row("", "N2")]))
    p.put("nothing.csv", p.text("native", []))
    p.run("baseline", "--native", "some.csv")
    before = dump(p)
    assert "snapshot without rows" in p.run("baseline", "--native", "nothing.csv", status=2).err
    assert dump(p) == before


def test_snapshot_without_rows_is_right_where_nothing_was_ever_shown(make):
    """An end that does not show what it imported: it holds that, as a baseline or a person says, and its export is empty."""
    p = make(external={"content": "snapshot", "shows_imports": "no"})
    p.put("imported.csv", p.text("native", [row("", "N1")]))
    p.put("nothing.csv", p.text("external", []))
    p.run("baseline", "--native", "imported.csv")
    p.tick()
    p.run("baseline", "--external", "nothing.csv")
    delta = only(p.trip(nat=[row("", "N1"), row("", "N2")]))
    p.tick(1)
    p.run("confirm", delta.name)
    assert p.trip(ext=[]).nothing and not p.items()
    assert rebuilt.check(p) is None


# -- cut at a row's end: it parses, and looks whole ----------------------------------------------------------------
@pytest.mark.parametrize("deletes", ["review", "propagate"])
@pytest.mark.parametrize("side", ["native", "external"])
@pytest.mark.parametrize("max_deletes", [None, "1000"])
def test_half_a_snapshot_trips_the_guard(snapshots, deletes, side, max_deletes):
    p = snapshots(deletes, side, max_deletes=max_deletes)
    name = p.drop(side, rows()[:COUNT // 2]).name
    result = check_stopped(p, 2, "guard", "60 of its 120 records", "max_change_percent", "inbox/", "--approve")
    assert not p.items(), result
    (p.path / "inbox" / side / name).unlink()
    p.tick(1)
    p.drop(side, rows())
    assert p.sync().nothing and not p.items()


def test_half_a_snapshot_that_is_right_is_approved(snapshots):
    p = snapshots("propagate", max_deletes="1000")
    p.drop("native", rows()[:COUNT // 2])
    plan = p.emit(status=2).result.err.split("--approve")[1].split()[0]
    assert plan in str(p.run("diff"))
    p.emit("--approve", "0123456789abcdef", status=2)
    deltas = p.emit("--approve", plan)
    assert len(deltas.external) == COUNT // 2 and {r["Action"] for r in deltas.external} == {"delete"}


def test_approval_is_for_that_many_missing_ones(snapshots):
    p = snapshots("review")
    p.drop("native", rows()[:COUNT // 2])
    plan = p.emit(status=2).result.err.split("--approve")[1].split()[0]
    p.drop("native", rows()[:COUNT // 3])
    assert "the approved plan is another one" in p.emit("--approve", plan, status=2).result.err


@pytest.mark.parametrize("side", ["native", "external"])
def test_half_a_snapshot_means_nothing_with_deletes_ignored(snapshots, side):
    p = snapshots("ignore", side)
    p.drop(side, rows()[:COUNT // 2])
    assert p.sync().nothing and not p.items()
    p.tick()
    p.drop(side, rows())
    assert p.sync().nothing and not p.items()


def test_edit_while_half_a_snapshot_counts_waits_and_then_flows(snapshots):
    p = snapshots("ignore")
    p.drop("native", rows()[:COUNT // 2])
    assert p.sync().nothing
    last = rows()[-1]
    assert p.trip(ext=[{**last, "summary": "edited"}]).nothing
    assert only(p.items())["kind"] == "edit-vs-delete"
    assert only(p.trip(nat=rows()).native)["summary"] == "edited" and not p.items()


def test_few_missing_records_of_a_small_side_are_single_questions(make):
    p = make(native={"content": "snapshot", "deletes": "review"})
    p.agree(*rows(count=6))
    assert p.trip(nat=rows(count=3)).nothing
    assert len(p.items("missing")) == 3


def test_any_delete_needs_approval_by_default(make):
    p = make(native={"content": "snapshot", "deletes": "propagate"}, external={"action_column": "Action"})
    p.agree(*rows(count=6))
    p.tick()
    p.drop("native", rows(count=5))
    check_stopped(p, 2, "1 delete is due", "max_deletes = 0", "--approve")


def test_max_changes_counts_missing_records_too(snapshots):
    p = snapshots("review", max_changes="40", max_change_percent="none")
    p.drop("native", rows()[:70])
    check_stopped(p, 2, "guard", "50 of its 120 records", "max_changes = 40")


@pytest.mark.parametrize("cut", [1, 2, 12])
def test_cut_anywhere_else_is_refused(snapshots, cut):
    p = snapshots("propagate")
    raw = p.text("native", rows()).encode()
    p.drop("native", raw=raw[:len(raw) // 2 - raw[:len(raw) // 2][::-1].index(b"\n") - cut])
    check_stopped(p, 65, "refused", "rejects/")


# -- last year's ---------------------------------------------------------------------------------------------------
def test_last_years_file_by_its_name_is_stale(snapshots):
    p = snapshots("propagate")
    before = dump(p, KNOWLEDGE)
    p.drop("native", rows(year="2025")[:70], name="native_2025-11-01T0600.csv")
    result = p.emit().result
    assert not result.out and "stale" in result.err
    assert dump(p, KNOWLEDGE) == before and not p.items()


def test_last_years_file_with_todays_time_trips_the_guard(make):
    p = held(make, stamp=None)
    p.drop("native", rows(year="2025"), name="native.csv")
    os.utime(p.path / "inbox/native/native.csv")
    check_stopped(p, 2, "guard", f"{COUNT} rows are due", "--approve")


# -- no CSV at all ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("begins, what", [
    (b"PK\x03\x04\x14\0", "a ZIP file, as workbooks (.xlsx) are"), (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old workbook"),
    (b"%PDF-1.7\n", "a PDF"), (b"BZh91AY&SY\x02", "packed with bzip2"), (b"\xfd7zXZ\0\0", "packed with xz"),
    (b"\x28\xb5\x2f\xfd\x04", "packed with zstd"), (b"7z\xbc\xaf\x27\x1c", "packed with 7-Zip"),
    (b"-----BEGIN PGP MESSAGE-----\n", "encrypted with PGP: decrypt it"), (b"\n <!doctype html>\n", "a web page"),
    (b"\xef\xbb\xbf<HTML>\n", "a web page"), (b"<?xml version='1.0'?>\n", "XML"), (b'{"error": 404}\n', "JSON"),
    (b'[{"id": "N1"}]\n', "JSON")])
def test_what_is_no_csv_is_told_by_what_it_is(snapshots, begins, what):
    p = snapshots("propagate")
    name = p.drop("native", raw=begins + bytes(40) + b"\n").name
    check_stopped(p, 65, f"{name}: not CSV, it is {what}", "refused", "rejects/")


@pytest.mark.parametrize("header", ["PKNAT_ID", "7zNAT_ID", "BZhours", "<note>", "-----", "{x", "[x"])
def test_headers_that_begin_a_little_like_it_are_csv(p, header):
    columns, cells = p.text("native", [row("", "N1")]).splitlines()
    p.drop("native", raw=f"{header},{columns}\nx,{cells}\n".encode())
    assert len(p.emit().external) == 1


# -- another profile's -----------------------------------------------------------------------------------------------
def test_file_of_another_profile_has_other_headers(snapshots):
    p = snapshots("propagate")
    name = p.drop("native", raw=b"Contact Id,First Name,Last Name\n1,Ada,Abernathy\n").name
    check_stopped(p, 65, name, "refused", "column")


def test_file_of_the_other_side_is_refused(snapshots):
    p = snapshots("propagate")
    name = p.drop("native", raw=p.text("external", rows()).encode()).name
    check_stopped(p, 65, name, "refused", "EXT_ID")


@pytest.mark.parametrize("deletes", ["review", "propagate"])
def test_snapshot_of_another_profile_with_the_same_headers(snapshots, deletes):
    p = snapshots(deletes, max_deletes="1000")
    p.drop("native", [{**r, "x": ""} for r in rows("other")])
    check_stopped(p, 2, "guard", "--approve")


def test_changes_of_another_profile_with_the_same_headers(make):
    p = held(make)
    p.drop("native", [{**r, "x": ""} for r in rows("other")[:60]])
    check_stopped(p, 2, "guard", "60 rows are due where 120 records are held", "--approve")


# -- through a spreadsheet ---------------------------------------------------------------------------------------------
def long_rows():
    return [row(f"1234567890123{i:04}", f"9876543210987{i:04}", summary=f"s{i}") for i in range(11, 81)]


def through_spreadsheet(text, how):
    return {"exponent": f"{float(text):.5E}", "zeros": text[:15] + "0" * (len(text) - 15), "quote": "'" + text,
            "formula": f'="{text}"'}[how]


@pytest.mark.parametrize("how", ["exponent", "zeros", "quote", "formula"])
@pytest.mark.parametrize("content", ["changes", "snapshot"])
def test_ids_through_a_spreadsheet(make, how, content):
    p = make(schema=LONG, native={"content": content, "deletes": "propagate"}, external={"action_column": "Action"})
    load(p, long_rows())
    bad = [{**r, "n": through_spreadsheet(r["n"], how), "x": through_spreadsheet(r["x"], how)} for r in long_rows()]
    p.drop("native", bad)
    check_stopped(p, 65, "spreadsheet", "rejects/")


def test_rounded_fields_of_an_id_of_several(make):
    schema = [field("external_id", "EID", "EXT_ID", role="external_id", type="id"),
              field("office", "Office", "OFFICE", role="native_id"), field("number", "Number", "NUMBER", role="native_id"),
              field("summary")]
    p = make(schema=schema)
    p.drop("native", raw=b"EXT_ID,OFFICE,NUMBER,SUMMARY\n,A,123456789012345000,one\n,B,123456789012346000,two\n")
    result = p.emit().result
    assert not result.out and "2 rejected" in result.err and "spreadsheet" in result.err
    p.tick()
    p.drop("native", raw=b"EXT_ID,OFFICE,NUMBER,SUMMARY\n,A,123456789012345000,one\n,B,123456789012346001,two\n")
    assert len(p.emit().external) == 2


def test_a_rounded_id_that_is_known_is_one(make):
    p = load(make(schema=LONG), [row("E1", "123456789012345000"), row("E2", "223456789012345678")])
    p.tick()
    p.drop("native", [row("", "123456789012345000", summary="two"), row("", "323456789012345000")])
    result = p.emit()
    assert only(result.external)["n"] == "123456789012345000" and "1 rejected" in result.result.err


@pytest.mark.parametrize("path", ["lookup", "digest", "keys"])
def test_an_id_that_ends_in_a_zero_is_whole_beside_unchanged_rows_with_whole_ids(make, path, monkeypatch):
    monkeypatch.setenv("ROUNDTRIP_PATH", path)
    p = load(make(schema=LONG, native={"content": "snapshot"}), long_rows())
    p.tick()
    p.drop("native", [*long_rows(), row("", "1234567890123500", summary="new")])
    result = p.emit()
    assert only(result.external)["n"] == "1234567890123500" and "rejected" not in result.result.err


def with_person(make):
    schema = [field("external_id", "EID", "EXT_ID", role="external_id"), field("native_id", "ImportID", "ID", role="native_id"),
              field("person", "Person", "PERSON", type="id"), field("summary")]
    p = make(schema=schema)
    p.drop("external", raw=b"EID,ImportID,Person,Summary\n1,,12345678901234567,one\n2,,1234567890123450,two\n")
    p.emit()
    p.run("push")
    p.tick()
    return p


def test_an_id_among_the_values_that_a_spreadsheet_rounded_is_rejected(make):
    p = with_person(make)
    p.drop("native", raw=b"EXT_ID,ID,PERSON,SUMMARY\n1,N1,12345678901234500,one\n2,N2,1234567890123450,edited\n")
    result = p.emit()
    assert only(result.external)["n"] == "N2"
    assert "line 2, column 3" in result.result.err and "spreadsheet" in result.result.err and "1 rejected" in result.result.err


def test_a_rounded_id_among_the_values_is_whole_beside_another_one(make):
    p = with_person(make)
    p.drop("native", raw=b"EXT_ID,ID,PERSON,SUMMARY\n1,N1,12345678901234500,one\n3,N3,12345678901234501,three\n")
    result = p.emit()
    assert len(result.external) == 2 and "rejected" not in result.result.err


def test_few_damaged_ids_are_rows_that_are_rejected(make):
    p = load(make(schema=LONG), long_rows())
    p.drop("native", [{**r, "n": through_spreadsheet(r["n"], "exponent")} for r in long_rows()[:5]])
    result = p.emit().result
    assert not result.out and "5 rejected" in result.err


def test_single_damaged_id_rejects_its_row_alone(make):
    p = make(schema=LONG)
    load(p, long_rows())
    changed = [{**r, "summary": "edited"} for r in long_rows()[:3]]
    changed[1]["n"] = through_spreadsheet(changed[1]["n"], "exponent")
    deltas = p.trip(nat=changed)
    assert len(deltas.external) == 2 and "spreadsheet" in deltas.result.err


# -- an archive that the state does not know ---------------------------------------------------------------------------
@pytest.mark.parametrize("side", ["external", "native"])
def test_state_and_journal_of_a_backup_beside_a_newer_archive_are_2(pair, side):
    pair.tick(1)
    kept = {name: (pair.path / name).read_bytes() for name in ("state.db", "archive/journal")}
    if side == "external":                                  # a file that came in since
        pair.drop("external", [row("E1", "N1", summary="two")])
        pair.emit()
    else:                                                   # only a delta went out since
        pair.run("push")
        pair.run("hold", "E1")
        pair.drop("external", [row("E1", "N1", summary="two")])
        pair.emit()
        kept = {name: (pair.path / name).read_bytes() for name in kept}
        pair.run("release", "E1")
        pair.sync()
    newest = {name: (pair.path / name).read_bytes() for name in kept}
    for name, old in kept.items():
        pair.put(name, old)
    before = pair.snapshot()
    for command in (["status"], ["emit"], ["run"], ["check", "--state"], ["rebuild"]):
        assert "does not know this file" in pair.run(*command, status=2).err
    assert {k: v for k, v in pair.snapshot().items() if k != ".lock"} == {k: v for k, v in before.items() if k != ".lock"}
    pair.put("archive/journal", newest["archive/journal"])
    pair.run("rebuild")
    assert pair.emit().nothing


def test_a_baseline_leaves_a_waiting_file_of_the_same_name_alone(p):
    p.drop("external", [row("E1", "N1")], name="a_2026-11-01T0500.csv")
    (p.path / "inbox/external/a_2026-11-01T0500.csv").rename(p.path / "a_2026-11-01T0500.csv")
    for _ in range(2):
        p.drop("external", [row("E1", "N1", summary="edited")], name="a_2026-11-01T0500.csv")
        p.run("baseline", "--external", "a_2026-11-01T0500.csv")
        assert p.listing("inbox/external") == ["a_2026-11-01T0500.csv"]
        assert p.listing("archive/in/external") == ["000001-a_2026-11-01T0500.csv"]
    assert only(p.emit().native)["summary"] == "edited"
