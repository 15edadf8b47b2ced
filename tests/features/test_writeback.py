"""involve.ai write-back."""
import shutil
import sqlite3
import subprocess

import pytest

from conftest import ROOT
from profile import IDS, SCHEMA, TEXTS, field, only, row


def test_W1_only_identified_fields_are_written_back(p):
    p.tick()
    text = p.text("external", [row("E1")]).splitlines()
    p.put(f"inbox/external/external_{p.now:%Y-%m-%dT%H%M}.csv",
          "\n".join([text[0] + ",Secret", text[1] + ",not to be sent"]) + "\n")
    sent = p.emit()
    assert sent[0].header == ["EXT_ID", "NAT_ID", "SUMMARY", "BODY", "EMAIL"] and b"not to be sent" not in sent[0].data


def test_W1_fields_of_direction_none_are_not_sent(make):
    p = make(schema=SCHEMA + [field("score", direction="none")])
    sent = p.trip(ext=[row("E1", score="7")])
    assert "SCORE" not in sent[0].header
    assert p.trip(ext=[row("E1", score="8")]).nothing


def test_W2_an_identifier_of_several_fields(make):
    p = make(schema=[field("unit", "Unit", "UNIT", role="external_id", type="id"),
                     field("ref", "Ref", "REF", role="external_id", type="id"), IDS[1]] + TEXTS)
    p.trip(ext=[dict(unit="a", ref="1", n="", summary="one", body="b"), dict(unit="a", ref="2", n="", summary="two", body="b")])
    p.trip(nat=[dict(unit="a", ref="1", n="N1", summary="one", body="b")])
    assert "N1" in p.run("show", "a|1").out and "N1" not in p.run("show", "a|2").out


def test_W2_current_timestamp_is_written_back(make):
    p = make(native={"written_at_column": "WRITTEN_AT"})
    sent = only(p.trip(ext=[row("E1")]).native)
    assert sent["WRITTEN_AT"].startswith(f"{p.now:%Y-%m-%dT%H:%M:%S}")


def test_W3_init_proposes_a_schema_with_the_identifier_marked_and_check_prints_it(p, tmp_path):
    (tmp_path / "external.csv").write_text("external_id,native_id,Summary\nE1,N1,one\nE2,N2,two\n")
    (tmp_path / "native.csv").write_text("native_id,external_id,SUMMARY\nN1,E1,one\nN2,E2,two\n")
    folder = tmp_path / "fresh"
    p.run("init", folder, "--external", tmp_path / "external.csv", "--native", tmp_path / "native.csv")
    schema = (folder / "schema.csv").read_text()
    assert "external_id" in schema and "native_id" in schema and "SUMMARY" in schema
    out = p.run("check", cwd=folder).out
    assert "SUMMARY" in out and "id, both, external_id" in out and "id, both, native_id" in out


def test_W4_exactly_one_destination_for_each_source_field(make):
    p = make(schema=SCHEMA + [field("again", external="Again", native="SUMMARY")], resume=False)
    assert "SUMMARY" in p.run("check", status=78).err


@pytest.mark.parametrize("match, born, edited", [("upsert", 1, 1), ("update-only", 0, 1), ("insert-only", 1, 0)])
def test_W5_matching_rules(make, match, born, edited):
    p = make(native={"match": match})
    p.drop("external", [row("E1", "N1")])
    p.drop("native", [row("E1", "N1")])
    p.sync()
    sent = p.trip(ext=[row("E2", summary="born"), row("E1", "N1", summary="edited")])
    assert sorted(r["summary"] for r in sent.native) == ["born"] * born + ["edited"] * edited
    reason = "E2" if not born else "E1"
    assert match == "upsert" or f"match = {match}" in p.run("show", reason).out


def test_W6_batch_size(make):
    p = make(native={"batch_rows": "4"})
    deltas = p.trip(ext=[row(f"E{i}", summary=f"note {i}") for i in range(10)])
    assert [len(d.rows) for d in deltas] == [4, 4, 2] and "-1of3" in deltas[0].name
    assert p.listing("imports/native") == [d.name for d in deltas]


def test_W7_cadence_examples_and_what_did_not_run(p):
    page = (ROOT / "man/roundtrip-run.1").read_text()
    assert "0 6 * * 1" in page and "OnCalendar" in page
    p.trip(ext=[row("E1")])
    p.trip(nat=[row("E1", "N1")])
    assert p.run("status", "--check").status == 0
    p.tick(24 * 10)
    assert p.run("status", "--check", status=(1, 2)).out


def test_W8_a_single_record_first_then_all(p):
    p.agree(*[row(f"E{i}", f"N{i}") for i in range(6)])
    p.tick()
    p.drop("external", [row(f"E{i}", f"N{i}", summary="edited") for i in range(6)])
    before = p.snapshot()
    assert len({line["external_id"] for line in p.diff() if line["native_action"] == "update"}) == 6
    assert p.snapshot() == before
    assert only(p.sync("--only", "E3").native)["x"] == "E3"
    assert len(p.sync("--limit", "1").native) == 1
    assert len(p.sync().native) == 4 and p.sync().nothing


@pytest.mark.skipif(not shutil.which("sqlite3"), reason="needs the sqlite3 shell")
def test_W9_into_a_real_database_table(make, tmp_path):
    scripts = ROOT / "fixtures/native"
    database = tmp_path / "records.db"
    subprocess.run(["sqlite3", database], input=(scripts / "sqlite/schema.sql").read_bytes(), check=True,
                   stdout=subprocess.DEVNULL)
    p = make(resume=False)
    for script in ("extract.sh", "extract_full.sh", "load.sh"):
        shutil.copy(scripts / "sqlite" / script, p.path / script)
        (p.path / script).chmod(0o700)
    shutil.copy(scripts / "schema.csv", p.path / "schema.csv")
    p.put("roundtrip.ini", "[profile]\nname = trip\n[external]\nimports = imports/external\nstamp = *%Y-%m-%dT%H%M*\n"
          "[native]\ntransport = command\nextract = ./extract.sh\nload = ./load.sh \"$1\"\nmatches_by = either-id\n")
    p.run("resume")
    environment = {"DATABASE": str(database)}
    p.put(f"inbox/external/ext_{p.now:%Y-%m-%dT%H%M}.csv",
          "InteractionID,ImportID,ContactID,Category,Date,Summary,Notes\nE1,,C1,Visit,11/20/2026,Coffee,Will give\n")
    p.run("run", **environment)
    with sqlite3.connect(database) as db:
        assert db.execute("SELECT external_id, summary, happened_on FROM interaction").fetchall() == [
            ("E1", "Coffee", "2026-11-20")]
        db.execute("UPDATE interaction SET summary = 'Coffee and cake'")
    p.tick()
    p.run("run", **environment)
    name = only(p.listing("imports/external"))
    assert "E1" in (text := (p.path / "imports/external" / name).read_text()) and "Coffee and cake" in text
    p.tick()
    p.run("run", **environment)
    assert p.listing("imports/external") == [name]
