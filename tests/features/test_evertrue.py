"""EverTrue Interaction Round-Trip."""
import pytest

from profile import IDS, SCHEMA, TEXTS, field, only, pick, row


def with_exports(make, **settings):
    """A profile that fetches from local folders, as it would from a server."""
    external = {"exports": "exports/external", "settle": "0s", **settings.pop("external", {})}
    native = {"exports": "exports/native", "settle": "0s", **settings.pop("native", {})}
    p = make(external=external, native=native, resume=False, **settings)
    for folder in ("exports", "exports/external", "exports/native"):
        (p.path / folder).mkdir(mode=0o700)
    p.run("resume")
    return p


def export(p, side, rows):
    p.put(f"exports/{side}/{side}_{p.now:%Y-%m-%dT%H%M}.csv", p.text(side, rows))


def test_E1_historical_import_comes_first_once(make):
    p = make()
    history = [row(n=f"N{i}", summary=f"note {i}") for i in range(6000)]
    p.drop("native", history)
    p.emit(status=2)
    assert len(p.sync("--historical").external) == 6000
    assert p.trip(ext=[row(f"E{i}", f"N{i}", summary=f"note {i}") for i in range(6000)]).nothing
    assert only(p.trip(nat=[row(n="N7", summary="edited")]).external)["x"] == "E7"


def test_E1_baseline_if_it_was_done_already(make, tmp_path):
    p = make()
    for side in ("external", "native"):
        (tmp_path / f"{side}_{p.now:%Y-%m-%dT%H%M}.csv").write_text(
            p.text(side, [row(f"E{i}", f"N{i}", summary=f"note {i}") for i in range(300)]))
    p.run("baseline", *[a for s in ("external", "native")
                        for a in (f"--{s}", tmp_path / f"{s}_{p.now:%Y-%m-%dT%H%M}.csv")])
    assert p.sync().nothing
    assert pick(only(p.trip(nat=[row(n="N7", summary="edited")]).external), "x", "n") == ("E7", "N7")


def test_E2_deltas_only(p):
    rows = [row(f"E{i}", f"N{i}", summary=f"note {i}") for i in range(40)]
    p.agree(*rows)
    rows[3]["summary"] = "edited"
    sent = p.trip(nat=rows)
    assert pick(only(sent.external), "x", "n", "summary") == ("E3", "N3", "edited") and not sent.native


def test_E2_platform_born_interaction_edited_in_the_database(p):
    p.trip(ext=[row("E1")])
    sent = p.trip(nat=[row("E1", "N1", summary="edited in the database")])
    assert pick(only(sent.external), "x", "n", "summary") == ("E1", "N1", "edited in the database")


def test_E3_daily_export_is_picked_up_unattended(make):
    p = with_exports(make)
    export(p, "external", [row("E1")])
    export(p, "native", [])
    p.run("run")
    assert len(p.listing("imports/native")) == 1
    p.tick()
    export(p, "native", [row("E1", "N1")])
    export(p, "external", [row("E1")])
    p.run("run")
    p.run("run")
    assert len(p.listing("imports/native")) == 1 and not p.listing("imports/external")


def test_E3_fetch_alone_brings_it_in_and_prints_where(make):
    p = with_exports(make)
    export(p, "external", [row("E1")])
    assert p.run("fetch").out.splitlines() == [f"inbox/external/external_{p.now:%Y-%m-%dT%H%M}.csv"]
    assert p.run("fetch").out == ""


def known_ids(p):
    return only(p.trip(nat=[row(n="N1", summary="asked for")]).external)


def test_E4_evertrue_id_is_saved_next_to_the_native_id(p):
    p.trip(ext=[row("E1")])
    p.trip(nat=[row("E1", "N1")])
    assert pick(known_ids(p), "x", "n") == ("E1", "N1")


@pytest.mark.parametrize("days", [1, 2, 20])
def test_E4_on_whichever_day_it_becomes_known(p, days):
    p.trip(nat=[row(n="N1")])
    for _ in range(days):
        assert p.trip(ext=[row("E9", "N9")] if _ == 0 else None, nat=[row("E9", "N9")] if _ == 0 else None).nothing
    assert p.trip(ext=[row("E1", "N1")]).nothing
    assert pick(known_ids(p), "x", "n") == ("E1", "N1")


def test_E4_from_a_crosswalk(p, tmp_path):
    p.trip(nat=[row(n="N1")])
    (tmp_path / "pairs.csv").write_text("external_id,native_id\nE1,N1\n")
    p.run("bind", tmp_path / "pairs.csv")
    assert pick(known_ids(p), "x", "n") == ("E1", "N1")


def test_E5_return_rows_carry_both_ids(pair):
    for side, sent in (("native", pair.trip(ext=[row("E1", "N1", summary="b")])),
                       ("external", pair.trip(nat=[row("E1", "N1", summary="c")]))):
        assert pick(only(sent.side(side)), "x", "n") == ("E1", "N1")
        assert len(sent) == 1


def test_E5_never_a_duplicate_although_files_come_again_and_the_import_is_late(p):
    p.trip(ext=[row("E1")])
    for hours in (1, 1, 24):
        assert p.trip(ext=[row("E1")], nat=[], hours=hours).nothing
    assert p.trip(ext=[row("E1", summary="edited meanwhile")]).nothing       # a pending insert: the edit waits
    sent = p.trip(nat=[row("E1", "N1")])
    assert pick(only(sent.native), "x", "n", "summary") == ("E1", "N1", "edited meanwhile")


def test_E5_lost_id_is_suspected_and_not_sent_back_as_new(p):
    p.trip(ext=[row("E1")])
    assert p.trip(nat=[row(n="N1")], hours=1).nothing
    assert only(p.items())["kind"] == "suspected"


def test_E6_columns_follow_a_form_that_may_change(pair):
    columns = ["Body", "New question", "Summary", "EID", "Email", "EXT_ID", "NID"]
    pair.tick()
    text = pair.text("external", [row("E1", "N1", summary="two")], columns=columns)
    pair.put(f"inbox/external/external_{pair.now:%Y-%m-%dT%H%M}.csv", text)
    result = pair.emit()
    assert only(result.native)["summary"] == "two" and "New question" in result.result.err


def test_E6_a_mapped_column_that_is_gone_refuses_the_file(pair):
    pair.tick()
    pair.drop("external", [row("E1", "N1")], columns=["EID", "NID", "Summary", "Email"])
    assert "Body" in pair.emit(status=65).result.err


def test_E6_changed_schema_stops_until_it_is_accepted(pair):
    pair.schema = [line for line in pair.schema if line["field"] != "body"] + [field("body", direction="to_native")]
    pair.write()
    assert "--accept-schema" in pair.emit(status=2).result.err
    pair.run("check", "--accept-schema")
    assert pair.emit().nothing


def test_E6_outgoing_header_is_locked(pair):
    pair.trip(ext=[row("E1", "N1", summary="two")])
    pair.schema.append(field("extra"))
    pair.write()
    pair.run("check", "--accept-schema")
    pair.tick()
    pair.drop("external", [row("E2", summary="new", extra="x")])
    assert "--accept-header" in pair.emit(status=2).result.err


def test_E6_renamed_export_column_does_not_touch_the_locked_import_header(make):
    p = make().agree(row("E1", "N1"))
    before = p.trip(nat=[row("E1", "N1", summary="two")])[0].header
    for line in p.schema:
        if line["field"] == "summary":
            line.update(external="Subject", external_out="Summary")
    p.write()
    p.run("check", "--accept-schema")
    assert p.trip(ext=[row("E1", "N1", summary="two")]).nothing
    assert p.trip(nat=[row("E1", "N1", summary="three")])[0].header == before


def test_E7_single_trip_is_read_only_in_the_database(make):
    p = make(profile={"mode": "single-trip"}).agree(row("E1", "N1"))
    assert only(p.trip(ext=[row("E1", "N1", summary="two")]).native)["summary"] == "two"
    p.trip(nat=[row("E1", "N1", summary="two")])
    assert p.trip(nat=[row("E1", "N1", summary="edited in the database")]).nothing
    assert only(p.items())["kind"] == "read-only"


def test_E8_database_that_cannot_store_the_evertrue_id(make):
    p = make(schema=[field("external_id", "EID", "", role="external_id", type="id"), IDS[1],
                     field("summary", role="fingerprint"), TEXTS[1]])
    p.trip(ext=[row("E1")])
    assert p.trip(nat=[row(n="N1")]).nothing
    p.decide("accept", "suspected")
    sent = p.trip(nat=[row(n="N1", summary="edited")])
    assert pick(only(sent.external), "x", "n", "summary") == ("E1", "N1", "edited") and not sent.native


def test_E8_bound_by_itself_if_that_is_asked_for(make):
    p = make(schema=[field("external_id", "EID", "", role="external_id", type="id"), IDS[1],
                     field("summary", role="fingerprint"), TEXTS[1]], policy={"suspected_duplicate": "bind"})
    p.trip(ext=[row("E1")])
    assert p.trip(nat=[row(n="N1")]).nothing and not p.items()
    assert only(p.trip(ext=[row("E1", body="more")]).native)["n"] == "N1"


def test_E8_crosswalk_printed_by_the_loader(make):
    loader = "tail -n +2 \"$1\" | awk -F, 'BEGIN { print \"external_id,native_id\" } { print $1 \",N\" substr($1, 2) }'"
    p = make(schema=SCHEMA, native={"transport": "command", "load": loader, "imports": None})
    p.drop("external", [row("E1")])
    p.emit()
    p.run("push")
    assert "N1" in p.run("show", "E1").out
