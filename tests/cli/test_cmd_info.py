"""init, check, status, log and show: what they print, to the letter where people read it."""
import csv
import datetime
import json
import os
import re
import stat
import subprocess

import pytest

from profile import SCHEMA, field, only, row

EVERTRUE_HEADER = "InteractionEverTrueID,InteractionImportID,ConstituentImportID,ConstituentEverTrueID,InteractionType," \
                  "Category,Interaction Date,Solicitors,Summary,Description,Substantive\n"


def schema_of(folder):
    with open(folder / "schema.csv", newline="") as file:
        return {line["field"]: line for line in csv.DictReader(file)}


def init(p, tmp_path, *args, status=0):
    return p.run("init", *args, cwd=tmp_path, status=status)


# -- init --------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("preset", ["evertrue", "contacts", "plain"])
def test_presets_pass_check_and_are_private(p, tmp_path, preset):
    init(p, tmp_path, "new", "--preset", preset)
    folder = tmp_path / "new"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for name in ("roundtrip.ini", "schema.csv", "state.db"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600, name
    for name in ("inbox/external", "inbox/native", "outbox/external", "outbox/native", "archive/in/external",
                 "archive/out/native", "rejects"):
        assert (folder / name).is_dir(), name
    p.run("-C", folder, "check", "--state", "--connect", cwd=tmp_path)
    assert "paused since 2026-11-01T06:00:00Z: new profile" in p.run("-C", folder, "status", cwd=tmp_path).out


def test_a_new_profile_works_once_it_is_resumed(p, tmp_path):
    init(p, tmp_path, "new", "--preset", "plain")
    (tmp_path / "new/inbox/external/a.csv").write_text("external_id,native_id,summary,body\nE1,,one,text\n")
    p.run("-C", "new", "emit", cwd=tmp_path, status=2)
    p.run("-C", "new", "resume", cwd=tmp_path)
    out = p.run("-C", "new", "emit", cwd=tmp_path).out
    assert re.fullmatch(r".*outbox/native/new-native-20261101T060000Z-000001\.csv\n", out)


@pytest.mark.parametrize("name", ["roundtrip.ini", "schema.csv", "state.db"])
def test_init_overwrites_nothing(p, tmp_path, name):
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / name).write_text("mine")
    result = init(p, tmp_path, "new", status=64)
    assert result.err == f"roundtrip init: new: has a {name} already, and nothing is overwritten: choose another folder\n"
    assert [f.name for f in (tmp_path / "new").iterdir()] == [name]
    assert (tmp_path / "new" / name).read_text() == "mine"


def test_init_closes_a_folder_that_was_there(p, tmp_path):
    (tmp_path / "new").mkdir(mode=0o755)
    (tmp_path / "new").chmod(0o755)
    init(p, tmp_path, "new")
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700
    p.run("-C", "new", "resume", cwd=tmp_path)


def test_init_of_a_profile_that_lives_says_that_it_is_there(pair):
    """Not that its archive is all that is left of it."""
    pair.put("new.csv", "EID\nE1\n")
    assert pair.files_under("archive")
    told = pair.run("init", ".", "--external", "new.csv", status=64)
    assert told.err == "roundtrip init: .: has a roundtrip.ini already, and nothing is overwritten: choose another folder\n"


def test_init_into_the_archive_of_a_lost_profile_is_refused(p, tmp_path):
    (tmp_path / "new/archive").mkdir(parents=True)
    (tmp_path / "new/archive/journal").write_text("mine\n")
    assert "archive" in init(p, tmp_path, "new", status=64).err
    assert [f.name for f in (tmp_path / "new").iterdir()] == ["archive"]


@pytest.mark.parametrize("there", [True, False])
def test_init_where_it_may_not_write_is_77(p, tmp_path, there):
    """Root is made to heed that."""
    locked = tmp_path / "locked"
    (locked / "new").mkdir(parents=True) if there else locked.mkdir()
    for folder in (locked / "new", locked)[not there:]:
        folder.chmod(0o555)
    drop = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all"] if os.geteuid() == 0 else []
    done = subprocess.run(drop + p.command("init", locked / "new"), env=p.environment(), capture_output=True, text=True)
    for folder in (locked, locked / "new")[:1 + there]:
        folder.chmod(0o755)     # or it cannot be removed
    assert done.returncode == 77 and "Permission denied" in done.stderr, done


def test_init_that_was_killed_can_be_run_again(p, tmp_path):
    init(p, tmp_path, "whole")
    (tmp_path / "new").mkdir(mode=0o700)
    for name in (".roundtrip-being-made", "state.db", "schema.csv"):
        (tmp_path / "new" / name).write_text("")
    init(p, tmp_path, "new")
    assert sorted(f.name for f in (tmp_path / "new").iterdir()) == sorted(f.name for f in (tmp_path / "whole").iterdir())
    (tmp_path / "new/.roundtrip-being-made").write_text("")     # killed at the very end: it is made, and stays
    init(p, tmp_path, "new", status=64)
    p.run("-C", "new", "resume", cwd=tmp_path)
    for name in ("roundtrip.ini", "state.db"):
        (tmp_path / "new" / name).unlink()                      # what people have written since is not made again
    for file in (tmp_path / "new/archive").glob("journal"):
        file.unlink()
    assert "schema.csv" in init(p, tmp_path, "new", status=64).err


@pytest.mark.parametrize("args", [[], ["a", "b"], ["a", "--preset", "nonsense"], ["acme.gifts.x", "--preset", "evertrue"]])
def test_init_wrong_usage_leaves_nothing(p, tmp_path, args):
    before = set(tmp_path.iterdir())
    init(p, tmp_path, *args, status=64)
    assert set(tmp_path.iterdir()) == before


def test_init_evertrue_with_a_sample_adds_only_what_is_custom(p, tmp_path):
    (tmp_path / "e.csv").write_text(EVERTRUE_HEADER + "101,,C1,9001,Visit,Visit,11/21/2026,Ann;Bob,Lunch,Text,Y\n"
                                                      "102,A7,C2,9002,Call,Call,11/13/2026,Ann,Phone,Text,N\n")
    out = init(p, tmp_path, "new", "--preset", "evertrue", "--external", "e.csv").out
    lines = schema_of(tmp_path / "new")
    assert list(lines)[-1] == "substantive" and len(lines) == 11
    assert lines["substantive"]["type"] == "boolean" and lines["substantive"]["external_format"] == "Y/N"
    assert lines["date"]["external"] == "Interaction Date"
    assert (lines["date"]["external_format"], lines["date"]["native_format"]) == ("%m/%d/%Y", "%Y-%m-%d")
    assert "in e.csv; a date as %m/%d/%Y" in out
    p.run("-C", "new", "check", cwd=tmp_path)


def test_init_says_what_a_preset_names_and_the_sample_lacks(p, tmp_path):
    (tmp_path / "e.csv").write_text(EVERTRUE_HEADER.replace("Solicitors,", "") + "101,,C1,9001,V,V,2026-11-21,L,T,Y\n")
    out = init(p, tmp_path, "new", "--preset", "evertrue", "--external", "e.csv").out
    assert re.search(r'unsure +solicitors .*\n.*e\.csv has no column "Solicitors"', out)


def test_init_pairs_by_name_and_by_values_and_guesses_formats(p, tmp_path):
    (tmp_path / "e.csv").write_text("EID,NID,Subject Line,Visit Date,Amount,Secret\n"
                                    "E1,,Lunch at noon,2026-11-21,1.50,x\nE2,N2,Call,2026-11-13,2.00,y\n"
                                    "E3,N3,Visit,2026-11-14,3.10,z\n")
    (tmp_path / "n.csv").write_text("NID,EID,NOTES,VISIT_DATE,AMOUNT\n"
                                    "N2,E2,Call,13-NOV-2026,\"1.000,50\"\nN3,E3,Visit,14-NOV-2026,\"2,00\"\n")
    out = init(p, tmp_path, "new", "--external", "e.csv", "--native", "n.csv").out
    lines = schema_of(tmp_path / "new")
    assert (lines["external_id"]["external"], lines["external_id"]["native"]) == ("EID", "EID")
    assert (lines["native_id"]["external"], lines["native_id"]["native"]) == ("NID", "NID")
    assert lines["subject_line"]["native"] == "NOTES" and "2 of 2 rows of the same record agree; text" in out
    assert lines["visit_date"]["type"] == "date"
    assert (lines["visit_date"]["external_format"], lines["visit_date"]["native_format"]) == ("%Y-%m-%d", "%d-%b-%Y")
    assert (lines["amount"]["type"], lines["amount"]["native_format"]) == ("number", "1.234,5")
    assert (lines["secret"]["native"], lines["secret"]["direction"]) == ("", "none")
    p.run("-C", "new", "check", cwd=tmp_path)


def test_init_is_unsure_of_an_ambiguous_date_and_of_empty_columns(p, tmp_path):
    text = "EID,NID,Day,Empty\nE1,N1,03/04/2026,\nE2,N2,05/06/2026,\n"
    for name in ("e.csv", "n.csv"):
        (tmp_path / name).write_text(text)
    out = init(p, tmp_path, "new", "--external", "e.csv", "--native", "n.csv").out
    assert re.search(r"^unsure +day ", out, re.M) and "but other formats fit as well" in " ".join(out.split())
    assert re.search(r"^unsure +empty ", out, re.M)


def test_init_json_is_one_object(p, tmp_path):
    (tmp_path / "e.csv").write_text("EID;NID\nE1;N1\n")
    result = init(p, tmp_path, "new", "--external", "e.csv", "--json")
    report = json.loads(result.out)
    assert [f["role"] for f in report["fields"]] == ["external_id", "native_id"]
    assert "2 lines: 0 sure, 0 likely, 2 unsure" in result.err
    assert "\ndelimiter = semicolon\n" in (tmp_path / "new/roundtrip.ini").read_text()


def test_init_with_a_sample_that_is_no_csv_makes_nothing(p, tmp_path):
    (tmp_path / "e.csv").write_text('EID,NID\n"E1,N1\n')
    init(p, tmp_path, "new", "--external", "e.csv", status=65)
    assert not (tmp_path / "new").exists()


# -- check -------------------------------------------------------------------------------------------------------------
CHECK = """\
trip: roundtrip.ini and schema.csv are right, round-trip
platform (external): directory; files for it are called like
  trip-external-20261101T060000Z-000001.csv
  only rows for which summary <> 'secret'
database (native): directory; files for it are called like
  trip-native-20261101T060000Z-000001.csv
fields:
               platform  database
  external_id  EID       EXT_ID    id, both, external_id
  native_id    NID       NAT_ID    id, both, native_id
  summary      Summary   SUMMARY   text, both
  body         Body      BODY      text, both
  email        Email     EMAIL     text, to_native
"""


def test_check_prints_settings_and_fields(make):
    p = make(external={"label": "platform", "eligible": "summary <> 'secret'"}, resume=False)
    assert p.run("check").out == CHECK + "state.db: none yet\n"


def test_check_changes_nothing(pair):
    before = pair.snapshot()
    pair.run("check", "--state", "--connect")
    assert pair.snapshot() == before


def test_check_lists_go_live_steps_for_evertrue_alone(make):
    assert "  [ ] " in make().run("check").out
    assert "  [ ] " not in make(external={"label": "platform"}).run("check").out


def test_check_finds_a_wrong_expression(make):
    p = make(external={"eligible": "nosuchfield = 1"}, resume=False)
    assert "[external]" in p.run("check", status=78).err


def test_check_refuses_a_key_that_others_can_read(make):
    p = make(external={"identity": "key"}, files={"key": "secret"})
    p.run("check")
    (p.path / "key").chmod(0o644)
    assert "chmod 600" in p.run("check", status=77).err


def test_changed_schema_stops_until_it_is_accepted(pair):
    pair.schema[2]["native"] = "HEADLINE"
    pair.write()
    result = pair.run("check", status=2)
    assert "- field summary: type text, both, external Summary, native SUMMARY\n" \
           "+ field summary: type text, both, external Summary, native HEADLINE\n" in result.out
    assert pair.run("check", "--json", status=2).out.count("HEADLINE") >= 2
    pair.emit(status=2)
    assert "accepted" in pair.run("check", "--accept-schema").out
    assert "changed" not in pair.run("check").out
    assert pair.trip(nat=[row("E1", "N1")]).nothing


def test_accepted_settings_look_at_every_row_again(pair):
    """A row that comes as it came last time is not taken for unchanged under the new rules."""
    assert pair.trip(ext=[row("E1")]).nothing
    pair.settings["external"]["eligible"] = "summary <> 'one'"
    pair.write()
    assert "+ eligible external: summary <> 'one'\n" in pair.run("check", status=2).out
    pair.run("check", "--accept-schema")
    assert pair.trip(ext=[row("E1")]).nothing
    assert "EverTrue: files 1, rows 1, excluded 1\n" in pair.run("log").out


def test_accept_schema_is_in_the_journal(pair):
    pair.schema[2]["native"] = "HEADLINE"
    pair.write()
    pair.run("check", "--accept-schema")
    assert "accept-schema" in (pair.path / "archive/journal").read_text()


def test_check_state_finds_damage(pair):
    database = pair.path / "state.db"
    data = bytearray(database.read_bytes())
    for at in range(4096 * 4, len(data), 4096):
        data[at:at + 64] = b"\xff" * 64
    database.write_bytes(data)
    assert pair.run("check", "--state", status=None).status not in (0, 1)


def test_check_connect_counts_what_is_there(make):
    p = make(external={"exports": "drop"})
    (p.path / "drop").mkdir()
    for name in ("a.csv", "b.csv", "notes.txt"):
        (p.path / "drop" / name).write_text("x")
    out = p.run("check", "--connect").out
    assert "  exports drop: 2 files, the newest is " in out and "  imports imports/external: 0 files\n" in out


def test_check_connect_looks_at_both_sides(make):
    p = make(external={"exports": "nowhere"})
    result = p.run("check", "--connect", status=69)
    assert "EverTrue" in result.err and "nowhere" in result.err
    assert "database:\n  imports imports/native: 0 files\n" in result.out


# -- status ------------------------------------------------------------------------------------------------------------
def test_status_of_a_quiet_profile(make):
    p = make(external={"label": "platform"})
    p.emit()
    assert p.run("status").out == """\
trip: active
last fetch   never
last emit    2026-11-01T06:00:00Z
last push    never
platform (external)
  newest     no file yet
  due        nothing
  last       delta written never
             handed over   never
database (native)
  newest     no file yet
  due        nothing
  last       delta written never
             handed over   never
review: 0 open
"""
    assert p.run("status", "--check").out == "ROUNDTRIP OK - trip: 0 due, 0 in flight\n"


def test_status_tells_outbox_flight_and_overdue(pair):
    pair.tick()
    pair.drop("external", [row("E1", "N1", summary="two")])
    pair.emit()
    assert "  outbox     1 delta, 1 row\n" in pair.run("status").out
    pair.push()
    out = pair.run("status").out
    assert "outbox" not in out
    assert "  in flight  1 row of 1 delta\n          1  delta 000002, handed over 2026-11-04T06:00:00Z\n" in out
    pair.tick(73)
    assert "handed over 2026-11-04T06:00:00Z: overdue" in pair.run("status").out
    assert "1 row overdue" in pair.run("status", "--check", status=1).out
    pair.drop("native", [row("E1", "N1", summary="two")])
    pair.emit()
    assert "in flight" not in pair.run("status").out


def test_status_counts_what_is_overdue_for_review_from_the_day_on(pair):
    """`review` had it, and the report's line of `status --check`; status itself only after the next emit."""
    pair.trip(ext=[row("E1", "N1", summary="two")])
    assert json.loads(pair.run("status", "--json").out)["review"] == {}
    pair.tick(73)
    assert json.loads(pair.run("status", "--json").out)["review"] == {"overdue": 1} and only(pair.items("overdue"))
    line = pair.run("status", "--check", status=1).out
    assert "1 row overdue; 1 for review" in line
    pair.run("report", "r.html")
    assert "1 row overdue; 1 for review" in (pair.path / "r.html").read_text()
    pair.decide("dismiss", "overdue")
    assert "review: 0 open\n" in pair.run("status").out


def test_overdue_counts_from_when_the_last_of_a_delta_was_gone(make):
    p = make(imports=False).agree(row("E1", "N1"))
    p.tick()
    p.drop("external", [row("E1", "N1", summary="two")])
    p.emit()
    p.tick(24 * 5)
    p.take_outbox("native")
    p.push()
    out = p.run("status").out
    assert f"handed over {p.now:%Y-%m-%dT%H:%M:%SZ}\n" in out and not p.items("overdue")
    assert json.loads(p.run("report", "--json", "r.html").out)["native"]["deltas_overdue"] == 0
    p.tick(72)
    assert ": overdue\n" in p.run("status").out and p.items("overdue")
    assert json.loads(p.run("report", "--json", "r.html").out)["native"]["deltas_overdue"] == 1


def test_nothing_is_overdue_where_imports_are_not_shown(make):
    p = make(native={"shows_imports": "no"}).agree(row("E1", "N1"))
    p.trip(ext=[row("E1", "N1", summary="two")])
    p.tick(24 * 30)
    assert "overdue" not in p.run("status").out
    assert "its exports do not show what it imported" in p.run("status").out


def test_status_groups_what_waits_by_reason(p):
    p.trip(ext=[row("E1"), row("E2", summary="other")])
    p.trip(ext=[row("E1", body="more"), row("E2", summary="other", body="more")])
    out = p.run("status").out
    assert "  due        0 ready, 2 waiting, 0 for review, 0 not to be sent\n" in out
    assert "          2  wait: pending insert: its database ID is not known yet\n" in out


def test_status_check_levels(pair):
    assert pair.run("status", "--check").out.startswith("ROUNDTRIP OK - ")
    pair.trip(ext=[row("E1", "N1", summary="left")], nat=[row("E1", "N1", summary="right")])
    assert pair.run("status", "--check", status=1).out == "ROUNDTRIP WARNING - trip: 1 for review\n"
    pair.run("pause", "--reason", "audit")
    assert "paused since" in pair.run("status", "--check", status=1).out
    pair.schema[2]["native"] = "HEADLINE"
    pair.write()
    assert pair.run("status", "--check", status=2).out.startswith("ROUNDTRIP CRITICAL - ")


def test_status_check_has_its_line_when_the_state_or_the_settings_cannot_be_used(pair):
    (pair.path / "state.db").rename(pair.path / "away.db")
    lost = pair.run("status", "--check", status=2)
    assert lost.out.startswith("ROUNDTRIP CRITICAL - trip: state.db is gone") and lost.out.count("\n") == 1
    assert not lost.err
    pair.put("roundtrip.ini", "[extrenal]\n")
    wrong = pair.run("status", "--check", status=78)
    assert wrong.out.startswith("ROUNDTRIP UNKNOWN - ") and wrong.out.count("\n") == 1 and not wrong.err
    assert not pair.run("status", status=78).out
    (pair.path / "away.db").rename(pair.path / "state.db")
    pair.write()


def test_status_check_notices_that_nothing_ran(pair):
    pair.tick(24 * 4)
    assert "no emit since 2026-11-03T06:00:00Z" in pair.run("status", "--check", status=1).out


def test_status_check_is_not_blind_after_a_clock_that_was_wrong(pair):
    right = pair.now
    pair.tick(24 * 1000)
    pair.emit()
    pair.now = right + datetime.timedelta(days=1)
    assert "last emit at 2029-07-30T06:00:00Z, which is yet to come" in pair.run("status", "--check", status=1).out
    pair.emit()
    assert f"last emit    {pair.now:%Y-%m-%dT%H:%M:%SZ}" in pair.run("status").out
    pair.tick(24 * 4)
    assert "no emit since 2026-11-04T06:00:00Z" in pair.run("status", "--check", status=1).out


def test_status_check_notices_that_every_fetch_fails(make):
    p = make(external={"exports": "exports/external"})
    exports = p.path / "exports/external"
    exports.mkdir(parents=True)
    p.run("fetch")
    p.sync()
    exports.rmdir()
    for _ in range(4):
        p.tick()
        p.run("fetch", status=69)
        p.sync()
    assert "no fetch of EverTrue since 2026-11-01T06:00:00Z" in p.run("status", "--check", status=1).out


def test_status_tells_the_last_fetch_of_each_side(make):
    """Each side has a job of its own; that of one fails for days, and nobody may be told that all is well."""
    p = make(external={"exports": "drop"}, native={"exports": "extracts"})
    for folder in ("drop", "extracts"):
        (p.path / folder).mkdir()
    p.run("fetch")
    (p.path / "drop").rmdir()
    for _ in range(4):
        p.tick()
        p.run("fetch", "external", status=69)
        p.run("fetch", "native")
        p.emit()
    lines = [line for line in p.run("status").out.splitlines() if "fetched" in line]
    assert lines == ["  last       fetched       2026-11-01T06:00:00Z", "  last       fetched       2026-11-05T06:00:00Z"]
    told = json.loads(p.run("status", "--json").out)
    assert [told[side]["last_fetched"] for side in ("external", "native")] == [line.split()[-1] for line in lines]
    assert p.run("status", "--check", status=1).out == (
        "ROUNDTRIP WARNING - trip: no fetch of EverTrue since 2026-11-01T06:00:00Z\n")
    (p.path / "state.db").unlink()
    p.run("rebuild")
    assert [line for line in p.run("status").out.splitlines() if "fetched" in line] == lines


def test_status_check_notices_that_nothing_is_pushed(pair):
    pair.tick()
    pair.drop("external", [row("E1", "N1", summary="two")])
    for _ in range(5):
        pair.emit()
        pair.tick()
    assert "database: a delta waits in the outbox since 2026-11-" in pair.run("status", "--check", status=1).out
    pair.push()
    assert "outbox" not in pair.run("status", "--check").out


def test_an_emit_with_a_refused_file_is_one_that_ran(pair):
    pair.tick()
    pair.drop("external", raw=b"half a file")
    pair.emit(status=65)
    assert f"last emit    {pair.now:%Y-%m-%dT%H:%M:%SZ}" in pair.run("status").out


def test_status_counts_the_inbox(p):
    p.drop("external", [row("E1")])
    assert "  inbox      1 file\n" in p.run("status").out
    assert json.loads(p.run("status", "--json").out)["external"]["inbox_files"] == 1


def test_resume_tells_what_still_waits_in_the_outbox(pair):
    pair.tick()
    pair.drop("external", [row("E1", "N1", summary="two")])
    pair.emit()
    pair.run("pause")
    pair.tick(24 * 90)
    assert "delta 000002 to database, written 2026-11-04T06:00:00Z, is not handed over yet" in pair.run("resume").err
    pair.run("push", "--once")
    assert "delta" not in pair.run("resume").err


def test_resume_does_not_advise_to_withdraw_what_is_half_handed_over(make):
    p = make(native={"batch_rows": "1"}, imports=False)
    p.drop("external", [row("E1"), row("E2", summary="other")])
    p.emit()
    (p.path / "outbox/native" / p.listing("outbox/native")[0]).unlink()
    p.run("push")
    told = p.run("resume").err
    assert "is handed over in part" in told and "withdraw" not in told


# -- log ---------------------------------------------------------------------------------------------------------------
def test_log_lists_runs_with_their_counts(make):
    p = make(external={"label": "platform"})
    p.drop("external", [row("E1"), row("E2", summary="other")])
    p.emit()
    assert p.run("log").out.endswith("2026-11-01T06:00:00Z  emit      status 0\n    platform: files 1, rows 2, new 2\n")


def test_log_points_to_the_review_list_while_a_refused_file_is_undecided(pair):
    """Also for runs in which nothing was refused any more."""
    pair.drop("external", raw=b"EID,NID,Summary,Body,Email\nE1,N1,on")
    pair.emit(status=65)
    pair.trip(nat=[row("E1", "N1", body="more")], status=65)
    told = [line[22:] for line in pair.run("log").out.splitlines() if " emit " in line]
    assert told[-2:] == ["emit      status 65: a refused file: see roundtrip review"] * 2
    pair.put("pairs.csv", "external_id,native_id\nE1,N7\n")
    pair.run("bind", "pairs.csv", status=65)
    assert pair.run("log").out.endswith("bind      status 65: a line was refused\n")


def test_log_keeps_a_word_and_its_count_on_one_line(make, tmp_path):
    for length in range(20, 40):
        p = make(external={"label": "x" * length})
        p.agree(row("E1", "N1"), row("E2", "N2"))
        p.trip(ext=[row("E1", "N1", summary="two"), row("E2", "N2"), row("E3"), row("", "N4", email="1")])
        for line in p.run("log").out.splitlines():
            assert not line.startswith("        ") or re.match(r" +[a-z_]+ \d", line), line


def test_log_since(pair):
    pair.tick(240)
    pair.emit()
    assert len(pair.run("log", "--since", "1d").out.splitlines()) == 1
    assert pair.run("log", "--since", "2026-11-13").out == pair.run("log", "--since", "1d").out
    for wrong in ("yesterday", "30", ""):  # 30 of what?
        assert "an age like 3d" in pair.run("log", "--since", wrong, status=64).err
        assert "an age like 3d" in pair.run("report", "--since", wrong, "r.html", status=64).err
    assert [r["command"] for r in json.loads(pair.run("log", "--since", "1d", "--json").out)["runs"]] == ["emit"]


def test_log_tells_what_was_handed_over_again(pair):
    pair.tick()
    pair.trip(ext=[row("E1", "N1", summary="two")])
    pair.tick()
    pair.run("push", "--again", "2", "--dry-run")
    assert not pair.run("log", "--since", "1h").out
    pair.run("push", "--again", "2")
    assert pair.run("log", "--since", "1h").out == f"{pair.now:%Y-%m-%dT%H:%M:%SZ}  push      status 0\n"
    assert f"last push    {pair.now:%Y-%m-%dT%H:%M:%SZ}" in pair.run("status").out


def test_log_tells_a_run_that_could_not_reach_the_other_end(make):
    """It did what it could; what stops otherwise leaves the state as it was, and has no line."""
    p = make(external={"transport": "command", "extract": "exit 3", "label": "platform"})
    p.run("fetch", status=69)
    p.run("run", status=69)
    assert [line[22:] for line in p.run("log").out.splitlines()[-2:]] == [
        f"{command:9} status 69: the other end could not be reached" for command in ("fetch", "run")]
    p.run("pause")
    before = p.snapshot()
    p.run("fetch", status=2)
    assert p.snapshot() == before


def test_a_failed_hand_over_tells_side_and_file(make, tmp_path):
    p = make(native={"transport": "command", "load": "exit 1"})
    p.drop("external", [row("E1")])
    name = "trip-native-20261101T060000Z-000001.csv"
    assert p.run("-q", "run", status=69).err.startswith(f"roundtrip run: database: {name}: the command ended with status 1: ")
    p = make(native={"imports": "nowhere"})
    p.drop("external", [row("E1")])
    assert p.run("-q", "run", status=(69, 74)).err.startswith("roundtrip run: database: ")


def test_a_run_whose_push_failed_did_not_push(make):
    p = make(native={"transport": "command", "load": "exit 1"})
    p.drop("external", [row("E1")])
    p.run("run", status=69)
    assert [line[32:] for line in p.run("log").out.splitlines() if " run " in line] == [
        "status 0", "status 69: the other end could not be reached"]
    told = json.loads(p.run("status", "--json").out)
    assert told["last_emit"] == "2026-11-01T06:00:00Z" and told["last_push"] is None


def test_a_run_whose_push_failed_otherwise_says_so_and_did_not_push(make):
    p = make(native={"imports": "nowhere"})
    p.drop("external", [row("E1")])
    p.run("run", status=74)
    assert [line[32:] for line in p.run("log").out.splitlines() if " run " in line] == [
        "status 0", "status 74: reading or writing failed"]
    assert json.loads(p.run("status", "--json").out)["last_push"] is None
    (p.path / "state.db").unlink()
    p.run("rebuild", status=0)
    assert [run["status"] for run in json.loads(p.run("log", "--json").out)["runs"] if run["command"] == "run"] == [0, 74]


def test_log_tells_a_push_that_failed_behind_its_first_delta(make):
    p = make(external={"imports": "imports"}, native={"imports": "nowhere"})
    p.drop("external", [row("E1")])
    p.drop("native", [row(None, "N2", summary="another")])
    p.run("emit")
    before = p.run("log").out
    p.run("push", "native", status=74)                          # it changed nothing
    assert p.run("log").out == before
    p.run("push", status=74)
    assert p.run("log").out.splitlines()[-1].endswith("push      status 74: reading or writing failed")
    assert json.loads(p.run("status", "--json").out)["last_push"] is None


def test_a_failure_is_one_json_object_too(make):
    p = make(external={"transport": "command", "extract": "exit 3"})
    told = json.loads(p.run("fetch", "--json", status=69).out)
    assert (told["command"], told["status"]) == ("fetch", 69) and "status 3" in told["error"]
    told = json.loads(p.run("show", "--json", "Zo\udce9", status=64).out)
    assert told["error"].startswith("Zo?: no record has this ID")


# -- show --------------------------------------------------------------------------------------------------------------
SHOW = """\
EverTrue E1, database N1
born         EverTrue, external_2026-11-02T0600.csv:2
last seen    EverTrue, 2026-11-04T06:00:00Z
             external_2026-11-04T0600.csv:2
last seen    database, 2026-11-03T06:00:00Z
             native_2026-11-03T0600.csv:2

fields; where a side was not last seen to hold what both should, it is told
  summary                want         two
                         EverTrue     two
                         database     one
  body                                text
  email                               a@example.org

to EverTrue: none

to database: none
  on its way: delta 000002, handed over 2026-11-04T06:00:00Z

story
2026-11-02T06:00:00Z  EverTrue  new  external_2026-11-02T0600.csv:2
2026-11-02T06:00:00Z  database  delta 000001: insert
    handed over 2026-11-02T06:00:00Z
2026-11-03T06:00:00Z  database  bind
2026-11-03T06:00:00Z  database  echo  native_2026-11-03T0600.csv:2
2026-11-04T06:00:00Z  EverTrue  changed  external_2026-11-04T0600.csv:2
    summary              was  one
      taken              now  two
2026-11-04T06:00:00Z  database  delta 000002: update
    handed over 2026-11-04T06:00:00Z
"""


def test_show_tells_it_all(pair):
    pair.trip(ext=[row("E1", "N1", summary="two")])
    assert pair.run("show", "N1").out == SHOW


def test_show_names_the_file_that_showed_it_and_the_time_of_the_newest(make):
    p = make(native={"content": "snapshot"}).agree(row("E1", "N1"))
    p.trip(nat=[row("E1", "N1")])
    out = p.run("show", "N1").out
    assert "last seen    database, 2026-11-04T06:00:00Z\n" \
           "             the same since native_2026-11-03T0600.csv:2\n" in out
    seen = json.loads(p.run("show", "N1", "--json").out)["native"]["last_seen"]
    assert seen == {"stamp": "2026-11-04T06:00:00Z", "place": "native_2026-11-03T0600.csv:2",
                    "same_since": "2026-11-03T06:00:00Z"}


def test_the_story_begins_with_the_first_row(make):
    p = make(resume=False)
    p.put("all_2026-11-02T0700.csv", p.text("external", [row("E2")]))
    p.run("baseline", "--external", "all_2026-11-02T0700.csv")
    p.run("resume")
    p.trip(ext=[row("E1", summary="other")])
    story = [json.loads(p.run("show", x, "--json").out)["story"][0] for x in ("E1", "E2")]
    assert [(s["side"], s["what"], s["place"]) for s in story] == [
        ("external", "new", "external_2026-11-02T0600.csv:2"), ("external", "baseline", "all_2026-11-02T0700.csv:2")]


def test_the_story_tells_who_paired_the_ids(make):
    load = "printf 'external_id,native_id\\nE1,N1\\n'"
    p = make(native={"transport": "command", "load": load})
    p.drop("external", [row("E1"), row("E2", summary="other")])
    p.run("emit")
    p.run("push")
    p.run("bind", "E2", "N2")
    assert "    the loader said that the two IDs are one record\n" in p.run("show", "N1").out
    assert "    a person said that the two IDs are one record\n" in p.run("show", "N2").out


def test_show_fits_80_columns(make):
    p = make(schema=SCHEMA + [field("a_field_with_quite_a_long_name", "Long", "LONG")])
    p.agree(row("E1", "N1", a_field_with_quite_a_long_name="x"))
    long = "Zoë said:\n" + "many words and no end, " * 20
    p.trip(ext=[row("E1", "N1", summary=long, body=long * 3, a_field_with_quite_a_long_name=long)],
           nat=[row("E1", "N1", summary="right")])
    out = p.run("show", "E1").out
    assert all(len(line) <= 80 for line in out.splitlines()), out
    assert "Zoë said:\\nmany words" in out
    shown = json.loads(p.run("show", "E1", "--json").out)
    assert [f["external"] for f in shown["fields"] if f["field"] == "summary"] == [long]


def test_show_says_why_not(pair):
    pair.run("hold", "E1", "--reason", "asked by the donor")
    pair.trip(ext=[row("E1", "N1", summary="left")], nat=[row("E1", "N1", summary="right")])
    out = pair.run("show", "E1").out
    assert "held: nothing is sent for it until roundtrip release\n" in out
    assert "frozen: nothing is sent for it until this is decided: conflict\n" in out
    assert re.search(r"^for review: item \d+, conflict: roundtrip review show \d+$", out, re.M)
    assert "    asked by the donor\n" in out
    assert "left" in out and "right" in out


@pytest.mark.parametrize("encoding, raw, why", [
    ("iso-8859-1", None, "wait: summary has characters that iso-8859-1 cannot hold"),
    ("utf-8", b"", "wait: a refused file of database is undecided (review 1)"),
])
def test_show_says_what_holds_its_side_up(make, encoding, raw, why):
    p = make(native={"encoding": encoding}).agree(row("E1", "N1"))
    p.tick()
    p.drop("external", [row("E1", "N1", summary="\u6f22\u5b57")])
    if raw is not None:
        p.drop("native", raw=raw)
    p.emit(status=(0, 65))
    assert f"to database: {why}\n" in p.run("show", "E1").out and why in p.run("status").out


def test_show_of_a_pending_insert(p):
    p.trip(ext=[row("E1")])
    p.trip(ext=[row("E1", body="more")])
    out = p.run("show", "E1").out
    assert "EverTrue E1, database (no ID yet)\n" in out and "never seen   database\n" in out
    assert "to database: wait: pending insert: its database ID is not known yet\n" in out


def test_reading_commands_change_nothing(pair):
    before = pair.snapshot()
    for args in (["show", "E1"], ["status"], ["status", "--check"], ["log"], ["show", "E1", "--json"]):
        pair.run(*args)
    assert pair.snapshot() == before


@pytest.mark.parametrize("command", ["init", "check", "status", "log", "show"])
def test_help_tells_every_option(p, tmp_path, command):
    out = p.run(command, "--help", cwd=tmp_path).out
    synopsis = out.splitlines()[0]
    for option in re.findall(r"--[a-z-]+", synopsis):
        assert f"\n  {option}" in out
