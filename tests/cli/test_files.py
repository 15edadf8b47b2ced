"""Incoming files: dialects, refused files, rejected rows, files that come twice, and the wire going out."""
import gzip
import os
import pathlib
import shutil
import tempfile

import pytest

import rebuilt
from profile import SCHEMA, field, only, row

HEADER = b"EID,NID,Summary,Body,Email\n"
GOOD = HEADER + b"E1,,one,text,a@example.org\n"


# -- accepted dialects -------------------------------------------------------------------------------------------
@pytest.mark.parametrize("raw", [
    GOOD,
    b"\xef\xbb\xbf" + GOOD,
    b'\xef\xbb\xbf"EID",' + GOOD[4:],
    GOOD.replace(b"\n", b"\r\n"),
    GOOD.replace(b"\n", b"\r\n", 1),
    b"Email,Body,Summary,NID,EID\na@example.org,text,one,,E1\n",
    b"Extra,EID,NID,Summary,More,Body,Email\nx,E1,,one,y,text,a@example.org\n",
    b'"EID","NID","Summary","Body","Email"\n"E1","","one","text","a@example.org"\n',
    gzip.compress(GOOD),
], ids=["plain", "bom", "bom quoted", "crlf", "mixed", "other order", "extra columns", "quoted", "gzip"])
def test_dialect_reads_the_same(p, raw):
    p.drop("external", raw=raw)
    assert only(p.emit().native) == row("E1")


def test_quoted_line_breaks_quotes_and_blanks_survive(p):
    p.drop("external", [row("E1", summary=' "a", b ', body="one\n\n two")])
    sent = only(p.emit().native)
    assert sent["body"] == "one\n\n two" and sent["summary"] == ' "a", b '


def test_unquoted_leading_blank_is_kept(p):
    p.drop("external", raw=HEADER + b"E1,, one,text,a@example.org\n")
    assert only(p.emit().native)["summary"] == " one"


def test_formulas_are_not_defused_on_the_wire(p):
    assert only(p.trip(ext=[row("E1", summary="=1+1", body="@me")]).native)["summary"] == "=1+1"


def test_empty_cells_are_empty_never_null(p):
    assert b"NULL" not in p.trip(ext=[row("E1", body="", email="")])[0].raw.upper()


def test_columns_that_are_not_mapped_are_told_once(p):
    """A form has columns that nobody needs, every day; a new one among them is told again."""
    told = []
    for day, columns in enumerate([",Mood", ",Mood", ",Mood,Colour", ",Mood,Colour", "", ",Mood"]):
        p.tick()
        header = HEADER.decode().rstrip() + columns
        cells = f"E{day},,one,text,a@example.org" + ",x" * columns.count(",")
        p.drop("external", raw=f"{header}\n{cells}\n".encode())
        dry = p.run("diff").err
        err = p.emit().result.err
        assert dry.count("are ignored") == err.count("are ignored")
        told.append([line.split(": ")[-1] for line in err.splitlines() if "are ignored" in line])
    assert told == [["Mood"], [], ["Mood, Colour"], [], [], ["Mood"]]


def test_header_only_has_no_rows(p):
    p.drop("external", raw=HEADER)
    assert p.emit().nothing and not p.listing("inbox/external")


def test_same_rows_give_the_same_bytes(make):
    first, second = (make().trip(ext=[row("E1"), row("E2", summary='"x",')])[0].raw for _ in range(2))
    assert first == second


def test_taken_file_leaves_the_inbox_for_the_archive_unchanged(p):
    file = p.drop("external", raw=GOOD)
    p.emit()
    assert not file.exists()
    assert any(f.read_bytes() == GOOD for f in p.files_under("archive"))


def test_handed_over_file_is_kept_in_the_archive(p):
    delta = p.trip(ext=[row("E1")])[0]
    assert not p.listing("outbox/native")
    assert any(f.read_bytes() == delta.raw for f in p.files_under("archive"))
    assert (p.path / "imports/native" / delta.name).read_bytes() == delta.raw


# -- refused files -----------------------------------------------------------------------------------------------
REFUSED = {
    "empty": b"",
    "cut in a row": GOOD[:-5],
    "no last line end": GOOD[:-1],
    "open quote": HEADER + b'E1,,"one,text,a@example.org\n',
    "no id column": b"Summary,Body,Email\none,text,a@example.org\n",
    "lost a mapped column": b"EID,NID,Summary,Email\nE1,,one,a@example.org\n",
    "mapped header twice": b"EID,NID,Summary,Summary,Body,Email\nE1,,one,two,text,a@example.org\n",
    "not csv": bytes(range(128, 256)) * 20 + b"\n",
    "broken gzip": gzip.compress(GOOD)[:-6],
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_file_is_65_and_moves_to_rejects(p, name):
    file = p.drop("external", raw=REFUSED[name])
    assert p.emit(status=65).nothing
    assert not file.exists()
    assert any(f.read_bytes() == REFUSED[name] for f in p.files_under("rejects"))


def test_refused_file_names_file_and_reason(p):
    file = p.drop("external", raw=GOOD[:-5])
    assert file.name in p.emit(status=65).result.err


def test_refused_file_is_told_once(p):
    file = p.drop("external", raw=GOOD[:-5])
    p.emit(status=65)
    assert not file.exists()
    p.tick()
    p.drop("native", [row(n="N5")])
    assert f"{file.name}: " not in p.run("emit", "--to", "native", status=(0, 65)).err


def test_refused_file_does_not_stop_other_files(pair):
    pair.tick()
    pair.drop("external", raw=GOOD[:-5], name="a_2026-11-04T0500.csv")
    pair.drop("native", [row("E1", "N1")])
    pair.drop("external", [row("E9", summary="fine")])
    assert only(pair.emit(status=65).native)["x"] == "E9"


def test_refused_file_changes_nothing(pair):
    before = pair.run("show", "E1").out
    pair.tick()
    pair.drop("external", raw=HEADER + b"E1,N1,two,text,a@example.org\nE2,,x")
    assert not pair.emit(status=65).native
    assert pair.run("show", "E1").out == before


@pytest.mark.review
def test_refused_file_has_a_review_item(p):
    p.drop("external", raw=GOOD[:-5])
    p.emit(status=65)
    assert len(p.items("refused")) == 1


def test_final_newline_optional_accepts_a_file_without_it(make):
    p = make(external={"final_newline": "optional"})
    p.drop("external", raw=GOOD[:-1])
    assert only(p.emit().native) == row("E1")


def test_final_newline_optional_still_refuses_an_open_quote(make):
    p = make(external={"final_newline": "optional"})
    p.drop("external", raw=HEADER + b'E1,,"one')
    assert p.emit(status=65).nothing


def test_repeated_header_that_is_not_mapped_is_fine(p):
    p.drop("external", raw=b"EID,NID,Mood,Summary,Mood,Body,Email\nE1,,x,one,y,text,a@example.org\n")
    assert only(p.emit().native) == row("E1")


# -- rejected rows -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("bad", [
    b"E2,,too few\n",
    b"E2,,too,many,cells,here,now\n",
    b"E2,,nul\0byte,text,\n",
    b"E2,,bad\xffbyte,text,\n",
    b",,no id at all,text,\n",
], ids=["too few cells", "too many cells", "nul", "invalid bytes", "no id"])
def test_bad_row_is_rejected_alone(p, bad):
    p.drop("external", raw=GOOD + bad + b"E3,,three,text,\n")
    assert [r["x"] for r in p.emit().native] == ["E1", "E3"]
    assert p.files_under("rejects")


def test_rejects_keep_the_original_header_and_cells(make):
    p = make(schema=SCHEMA + [field("amount", type="number")])
    p.drop("external", [row("E1", amount="much", summary="kept, as it was")])
    p.emit()
    text = b"".join(f.read_bytes() for f in p.files_under("rejects"))
    assert b"EID,NID,Summary,Body,Email,Amount" in text and b'"kept, as it was"' in text and b"much" in text


@pytest.mark.parametrize("encoding, before, line_end", [
    ("utf-8", "", "\n"), ("utf-8", "\n\r\n", "\n"), ("utf-8", "\ufeff", "\r\n"), ("utf-8", "", "\r"), ("latin1", "", "\n"),
    ("utf-16", "", "\n"), ("utf-16le", "", "\r\n"), ("utf-16be", "\ufeff", "\n"), ("utf-32", "\n", "\n")])
def test_rejected_rows_come_again_mended_from_rejects(make, encoding, before, line_end):
    p = make(schema=SCHEMA + [field("amount", type="number")], external={"encoding": encoding})
    text = p.text("external", [row("E1", amount="1"), row("E2", amount="much", summary='"café",\nkept'),
                               row("E3", amount="3"), row("E4", amount="more"), row("E5", amount="5")])
    p.drop("external", raw=(before + text.replace("\n", line_end)).encode(encoding))
    assert [r["x"] for r in p.sync().native] == ["E1", "E3", "E5"]
    name, = (n for n in p.listing("rejects") if not n.endswith(".reasons.csv"))
    kept = (p.path / "rejects" / name).read_bytes().decode(encoding)
    mended = p.put("rejects/" + name, kept.replace("much", "2").replace("more", "4").encode(encoding))
    p.tick()
    p.run("fetch", "external", mended, "--stamp", p.now.strftime("%Y-%m-%dT%H:%M:%SZ"))
    rows = p.emit().native
    assert [(r["x"], r["amount"]) for r in rows] == [("E2", "2"), ("E4", "4")]
    assert rows[0]["summary"] == '"café",' + line_end + "kept"
    assert not p.items("rejected")


@pytest.mark.parametrize("by_name", [False, True])
def test_mended_rows_from_rejects_are_no_snapshot(make, by_name):
    """The other records are not in that file, and not gone."""
    p = make(schema=SCHEMA + [field("amount", type="number")],
             external={"deletes": "review", **({"snapshot_pattern": "*"} if by_name else {"content": "snapshot"})})
    p.drop("native", [row("E1", "N1", amount="1"), row("E2", "N2", amount="1")])
    p.drop("external", [row("E1", "N1", amount="1"), row("E2", "N2", amount="much")])
    p.sync()
    name, = (n for n in p.listing("rejects") if not n.endswith(".reasons.csv"))
    mended = p.put("rejects/" + name, (p.path / "rejects" / name).read_text().replace("much", "1").encode())
    p.tick()
    p.run("fetch", "external", mended, "--stamp", p.now.strftime("%Y-%m-%dT%H:%M:%SZ"))
    assert p.emit().nothing and not p.items()


def test_rejected_row_can_come_again_mended(make):
    p = make(schema=SCHEMA + [field("amount", type="number")])
    p.trip(ext=[row("E1", amount="much")])
    assert only(p.trip(ext=[row("E1", amount="12")]).native)["amount"] == "12"


def test_byte_that_does_not_fit_the_outgoing_encoding_rejects_the_row_not_the_meaning(make):
    p = make(native={"encoding": "iso-8859-1"})
    p.drop("external", [row("E1", summary="漢字"), row("E2", summary="plain")])
    deltas = p.emit(status=None)
    assert [r["x"] for r in deltas.native] == ["E2"]


# -- twice, and out of order -----------------------------------------------------------------------------------------
@pytest.mark.parametrize("encoding", ["utf-16", "utf-16le", "utf-32", "utf-7"])
def test_delta_in_a_wide_encoding_is_whole_every_day_in_parts_and_when_written_again(make, encoding):
    p = make(native={"encoding": encoding, "batch_rows": "1"})
    for day in "12":
        p.drop("external", [row("E1" + day, summary="caf\u00e9"), row("E2" + day)])
        deltas = p.emit()
        assert len(deltas) == 2 and all(d.header[0] == "EXT_ID" and len(d.header) == 5 for d in deltas)
        assert [r["summary"] for r in deltas.native] == ["caf\u00e9", "one"]
        for delta in deltas:
            delta.path.unlink()
        p.push()
        assert all((p.path / "imports/native" / d.name).read_bytes() == d.raw for d in deltas)
        p.tick()


def test_same_file_twice_emits_once(p):
    p.drop("external", raw=GOOD)
    assert p.emit().native
    p.drop("external", raw=GOOD)
    assert p.emit().nothing and not p.listing("inbox/external")


def test_same_file_under_another_name_emits_once(p):
    p.drop("external", raw=GOOD)
    assert p.emit().native
    p.tick()
    p.drop("external", raw=GOOD)
    assert p.emit().nothing


def test_both_inboxes_are_taken_in_one_emit(p):
    p.drop("external", [row("E1")])
    p.drop("native", [row(n="N2", summary="other")])
    assert sorted(d.side for d in p.emit()) == ["external", "native"]


def test_several_files_of_a_side_are_one_delta(p):
    for name in ("E1", "E2", "E3"):
        p.tick(1)
        p.drop("external", [row(name, summary=name)])
    deltas = p.emit()
    assert len(deltas) == 1 and [r["x"] for r in deltas.native] == ["E1", "E2", "E3"]


# -- fetch -----------------------------------------------------------------------------------------------------------
def test_fetch_takes_local_files_and_prints_their_inbox_paths(p, tmp_path):
    file = tmp_path / "hand_2026-11-01T0500.csv"
    file.write_bytes(GOOD)
    path = p.run("fetch", "external", file).out.strip()
    assert (p.path / path).read_bytes() == GOOD and "inbox" in path
    assert only(p.emit().native)["x"] == "E1"


def test_fetch_reads_standard_input(p):
    path = p.run("fetch", "external", "--stamp", "2026-11-01T05:00:00Z", "-", stdin=GOOD).out.strip()
    assert (p.path / path).read_bytes() == GOOD
    assert only(p.emit().native)["x"] == "E1"


def exporting(make, **more):
    p = make(external={"exports": "exports", "settle": "0s", **more})
    (p.path / "exports").mkdir(mode=0o700)
    return p


def test_fetch_from_a_folder_leaves_the_export_and_takes_it_once(make):
    p = exporting(make)
    export = p.put("exports/day_2026-11-01T0500.csv", GOOD)
    assert len(p.run("fetch").out.split()) == 1
    assert export.exists()
    assert p.run("fetch").out == ""
    assert only(p.emit().native)["x"] == "E1"


def test_fetch_takes_only_names_that_match_the_pattern(make):
    p = exporting(make, pattern="day_*.csv")
    p.put("exports/other_2026-11-01T0500.csv", GOOD)
    p.put("exports/.day_2026-11-01T0500.csv", GOOD)
    assert p.run("fetch").out == ""


def test_verbose_tells_what_fetch_passes_over_and_as_what_a_file_is_taken_in(make):
    p = exporting(make, pattern="day_*.csv", content="snapshot")
    p.put("exports/other_2026-11-01T0500.csv", GOOD)
    p.put("exports/day_2026-11-01T0500.csv", GOOD)
    p.put("exports/day_2026-11-02T0500.csv.part", GOOD)
    assert "passed over" not in p.run("fetch", "external").err
    assert sorted(p.run("-v", "fetch", "external").err.splitlines()) == [
        "roundtrip fetch: day_2026-11-01T0500.csv: passed over: it was fetched before",
        "roundtrip fetch: day_2026-11-02T0500.csv.part: passed over: it is not whole yet",
        "roundtrip fetch: other_2026-11-01T0500.csv: passed over: it does not match pattern",
    ]
    told = "day_2026-11-01T0500.csv: a snapshot of EverTrue, its time 2026-11-01T05:00:00Z, 1 row\n"
    assert told not in p.run("diff").err
    assert told in p.run("emit", "--verbose").err


@pytest.mark.review
@pytest.mark.parametrize("fetched", [False, True])
def test_file_whose_name_does_not_tell_its_time_is_refused_and_the_others_are_taken_in(make, fetched):
    p = exporting(make) if fetched else make()
    for name in ("someday.csv", "day_2026-11-01T0500.csv"):
        p.put(f"{'exports' if fetched else 'inbox/external'}/{name}", GOOD)
    if fetched:
        p.run("fetch", "external")
    result = p.run("emit", status=65)
    assert "someday.csv: the name does not tell its time" in result.err
    assert len(result.out.split()) == 1
    assert [name.endswith("someday.csv") for name in p.listing("rejects") if not name.endswith(".txt")] == [True]
    p.decide("accept", "refused")
    assert p.emit().nothing and not p.items()


@pytest.mark.parametrize("taken", ["emit", "baseline"])
def test_file_whose_time_was_given_is_a_no_op_when_it_comes_again(make, taken):
    """It was refused, as its name tells no time, and nothing was sent to its side until that was decided."""
    p = make()
    p.put("someday.csv", GOOD)
    p.run("fetch", "external", "someday.csv", "--stamp", "2026-11-01")
    p.run(*(["emit"] if taken == "emit" else ["baseline", "--external", "someday.csv"]))
    p.put("inbox/external/someday.csv", GOOD)
    assert not p.run("diff").status
    assert "someday.csv: the same bytes were taken in before" in p.run("emit").err
    assert not p.items() and not p.listing("rejects") and not p.listing("inbox/external")
    assert rebuilt.check(p) is None
    p.put("inbox/external/anyday.csv", GOOD)                # under another name it may be a newer look
    p.run("emit", status=65)


def test_fetch_can_delete_what_it_took(make):
    p = exporting(make, after_fetch="delete")
    export = p.put("exports/day_2026-11-01T0500.csv", GOOD)
    p.run("fetch")
    assert not export.exists() and len(p.listing("inbox/external")) == 1


def test_fetch_of_a_grown_export_takes_it_again(make):
    p = exporting(make)
    p.put("exports/day_2026-11-01T0500.csv", GOOD)
    p.run("fetch")
    p.put("exports/day_2026-11-01T0500.csv", GOOD + b"E2,,two,text,\n")
    p.run("fetch")
    assert sorted(r["x"] for r in p.emit().native) == ["E1", "E2"]


def test_a_missing_folder_of_exports_is_69(make):
    p = make(external={"exports": "nowhere", "settle": "0s"})
    for command in ("fetch", "run"):
        err = p.run(command, status=69).err
        assert "nowhere" in err and "connecting again" not in err
    assert "nothing was emitted or pushed" in err


@pytest.mark.parametrize("home", [None, ""])
def test_home_is_that_of_the_user_where_the_environment_has_none(make, monkeypatch, home):
    """A service of the system has none: what begins with ~/ was looked for in the profile."""
    p = make(external={"exports": "~/", "pattern": "no such file of roundtrip *"})
    monkeypatch.delenv("HOME", raising=False)
    p.always.update({} if home is None else {"HOME": home})
    p.run("fetch")


# -- folders on another disk -------------------------------------------------------------------------------------------
@pytest.fixture
def elsewhere(tmp_path):
    """A folder on another file system than the profiles; there is one on most machines."""
    for base in ("/dev/shm", "/var/tmp"):
        if os.access(base, os.W_OK) and os.stat(base).st_dev != os.stat(tmp_path).st_dev:
            with tempfile.TemporaryDirectory(dir=base) as folder:
                yield pathlib.Path(folder)
            return
    pytest.skip("one file system is all there is")


@pytest.mark.parametrize("folder", ["archive", "inbox", "outbox", "rejects"])
def test_a_folder_of_the_profile_on_another_disk(make, elsewhere, folder):
    p = make()
    shutil.move(p.path / folder, elsewhere / folder)
    (p.path / folder).symlink_to(elsewhere / folder)
    p.drop("external", [row("E1")])
    (p.path / "inbox/external/b_2026-11-01T0500.csv").write_bytes(b"no header of ours\n")
    p.emit(status=65)
    p.decide("dismiss", "refused")
    p.push()
    assert len(p.listing("imports/native")) == 1 and len(p.listing("archive/out/native")) == 1
    assert not p.files_under("inbox") and not p.files_under("outbox")
    assert len(p.listing("archive/in/external")) == 1 and len(p.listing("rejects")) == 2
    p.run("check", "--state")
