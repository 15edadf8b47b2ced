"""schema.csv: types, formats, value tables, composite IDs, one-way fields, changed schemas."""
import pytest

from profile import EMAIL, IDS, MODIFIED, OTHER, SCHEMA, TEXTS, field, only, pick, row


def with_field(make, line, **settings):
    return make(schema=SCHEMA + [line], **settings)


def quiet_round(p, external, native, name="extra"):
    """A value goes over; the other side shows it in its own writing: no change on either side."""
    sent = only(p.trip(ext=[row("E1", **{name: external})]).native)
    assert p.trip(nat=[row("E1", "N1", **{name: native})]).nothing
    assert p.trip(ext=[row("E1", "N1", **{name: external})], nat=[row("E1", "N1", **{name: native})]).nothing
    return sent[name]


# -- types ---------------------------------------------------------------------------------------------------
def test_date_compares_by_meaning_and_is_written_in_the_sides_format(make):
    p = with_field(make, field("extra", type="date", external_format="%Y-%m-%d", native_format="%d-%b-%Y"))
    assert quiet_round(p, "2026-11-21", "21-NOV-2026").lower() == "21-nov-2026"
    sent = only(p.trip(nat=[row("E1", "N1", extra="22-NOV-2026")]).external)
    assert sent["extra"] == "2026-11-22"


def test_datetime_is_converted_between_zones(make):
    line = field("extra", type="datetime", external_format="%Y-%m-%d %H:%M", native_format="%Y-%m-%d %H:%M")
    p = with_field(make, line, native={"timezone": "America/New_York"})
    assert quiet_round(p, "2026-11-21 15:00", "2026-11-21 10:00") == "2026-11-21 10:00"


@pytest.mark.parametrize("zone,utc,local", [("Africa/Monrovia", "1965-01-16T02:08:30", "1965-01-16T01:24:30-0044"),
                                            ("Asia/Kathmandu", "1910-04-26T00:00:00", "1910-04-26T05:41:00+0541")])
def test_a_zone_of_that_time_with_seconds_is_written_so_that_it_reads_back(make, zone, utc, local):
    p = with_field(make, field("extra", type="datetime", native_format="%Y-%m-%dT%H:%M:%S%z"), native={"timezone": zone})
    assert quiet_round(p, utc, local) == local


def test_date_only_side_does_not_wipe_times(make):
    line = field("extra", type="datetime", external_format="%Y-%m-%d %H:%M", native_format="%Y-%m-%d")
    p = with_field(make, line)
    assert quiet_round(p, "2026-11-21 15:30", "2026-11-21") == "2026-11-21"
    sent = only(p.trip(nat=[row("E1", "N1", summary="two", extra="2026-11-21")]).external)
    assert sent["extra"] == "2026-11-21 15:30"


@pytest.mark.parametrize("extra,theirs,ours", [
    (field("extra", native_max=5), "a long note", "a long note"),
    (field("extra", native_max=5), "a\nlong note", "a\r\nlong note"),
    (field("extra", type="set", native_max=3, native_format="|"), "red;blue", "blue|red")])
def test_what_a_side_shows_itself_beyond_its_limit_is_not_cut(make, extra, theirs, ours):
    """A row that went there for another field cut it, and so did the side's own line end."""
    p = with_field(make, extra)
    assert p.trip(ext=[row("E1", "N1", extra=theirs)], nat=[row("E1", "N1", extra=theirs.replace(";", "|"))]).nothing
    assert p.trip(nat=[row("E1", "N1", extra=ours)]).nothing
    sent = only(p.trip(ext=[row("E1", "N1", summary="two", extra=theirs)]).native)
    assert pick(sent, "summary", "extra") == ("two", ours)
    assert p.trip(nat=[row("E1", "N1", summary="two", extra=ours)]).nothing
    assert only(p.trip(ext=[row("E1", "N1", summary="two", extra="new")]).native)["extra"] == "new"


def test_number_compares_by_value(make):
    p = with_field(make, field("extra", type="number", external_format="1,234.5", native_format="1.234,5"))
    quiet_round(p, "1,234.50", "1.234,5")


def test_number_without_a_format(make):
    quiet_round(with_field(make, field("extra", type="number")), "12.50", "12.5")


def test_boolean_compares_by_value(make):
    p = with_field(make, field("extra", type="boolean", external_format="Y/N", native_format="1/0"))
    assert quiet_round(p, "Y", "1") == "1"


def test_set_compares_without_order(make):
    p = with_field(make, field("extra", type="set", external_format=";", native_format="|"))
    sent = quiet_round(p, "red;blue", "blue|red")
    assert sorted(sent.split("|")) == ["blue", "red"]


def test_text_compares_after_line_ends_and_trailing_blanks(make):
    quiet_round(with_field(make, field("extra")), "one\ntwo", "one\r\ntwo  ")


def test_text_keeps_its_case_and_inner_blanks(make):
    p = with_field(make, field("extra"))
    quiet_round(p, "One  two", "One  two")
    assert only(p.trip(nat=[row("E1", "N1", extra="one  two")]).external)["extra"] == "one  two"


def test_id_007_and_7_are_never_equal(make):
    p = with_field(make, field("extra", type="id"))
    p.trip(ext=[row("E1", extra="007")])
    p.trip(nat=[row("E1", "N1", extra="007")])
    assert only(p.trip(nat=[row("E1", "N1", extra="7")]).external)["extra"] == "7"


def test_record_ids_007_and_7_are_two_records(p):
    assert [r["x"] for r in p.trip(ext=[row("007"), row("7", summary="other")]).native] == ["007", "7"]


def test_a_value_that_came_in_unchanged_goes_out_byte_for_byte(make):
    p = with_field(make, field("extra", type="number"))
    assert quiet_round(p, "0012.500", "0012.500") == "0012.500"


# -- codes ---------------------------------------------------------------------------------------------------
KINDS = {"kinds.csv": "external,native\nVisit,V\nPhone call,C\nMeeting,V\n"}
KIND = field("kind", type="code", values="kinds.csv")


def test_code_is_translated_both_ways(make):
    p = with_field(make, KIND, files=KINDS)
    assert quiet_round(p, "Visit", "V", "kind") == "V"
    assert only(p.trip(nat=[row("E1", "N1", kind="C")]).external)["kind"] == "Phone call"


def test_two_codes_that_map_to_one_do_not_fold(make):
    p = with_field(make, KIND, files=KINDS)
    assert quiet_round(p, "Meeting", "V", "kind") == "V"
    assert only(p.trip(nat=[row("E1", "N1", kind="V", summary="two")]).external)["kind"] == "Meeting"


@pytest.mark.parametrize("added", ["{}Letter,L\n", "Letter,L\n{}", "Letter,L\nPhone call,C\nVisit,V\nMeeting,V\n", "Letter,V\n{}"],
                         ids=["behind", "before", "sorted", "decides"])
def test_codes_that_are_added_leave_what_is_known_alone(make, added):
    """Nothing waits for a full export, and an edit on the same day is one; but where another pair decides now, values are unknown."""
    p = with_field(make, KIND, files=KINDS)
    quiet_round(p, "Visit", "V", "kind")
    head, pairs = KINDS["kinds.csv"].split("\n", 1)
    p.put("kinds.csv", f"{head}\n{added.format(pairs)}")
    p.run("emit", status=2)
    p.run("check", "--accept-schema")
    sent = p.trip(nat=[row("E1", "N1", kind="C")])
    if "Letter,V" in added:
        assert sent.nothing and "wait: unknown kind" in p.run("show", "E1").out
    else:
        assert only(sent.external)["kind"] == "Phone call"
        assert only(p.trip(ext=[row("E1", "N1", kind="Letter")]).native)["kind"] == "L"
        assert p.trip(nat=[row("E1", "N1", kind="L")]).nothing


@pytest.mark.parametrize("line, side", [("Letter,", "native"), ("Letter", "native"), (",L", "external")])
def test_a_code_that_was_left_out_is_told(make, line, side):
    """It went out as an empty cell, or an empty cell as the code beside it."""
    p = with_field(make, KIND, files=KINDS)
    p.put("kinds.csv", KINDS["kinds.csv"] + line + "\n")
    assert f"kinds.csv: line 5: no code in column {side}" in p.run("check", status=78).err


def test_codes_that_are_added_twice_and_beside_a_new_field(make):
    p = with_field(make, KIND, files=KINDS)
    quiet_round(p, "Visit", "V", "kind")
    p.put("kinds.csv", KINDS["kinds.csv"] + "Letter,L\n")
    p.run("check", "--accept-schema")
    p.trip(ext=[row("E2", "", kind="Letter")], nat=[])
    p.put("kinds.csv", KINDS["kinds.csv"] + "Letter,L\nMail,M\n")
    p.schema = p.schema + [field("memo", direction="to_native")]
    p.write()
    p.run("check", "--accept-schema")
    p.run("push", "--accept-header")
    assert only(p.trip(nat=[row("E1", "N1", kind="M")]).external)["kind"] == "Mail"
    assert only(p.trip(nat=[row("E2", "N2", kind="C")]).external)["kind"] == "Phone call"


def test_a_table_of_as_many_codes_as_there_may_be(make):
    """Looked through from its beginning for each cell, and for each pair, it took minutes a command."""
    pairs = [f"code {i},K{i * 7919 % 100000}" for i in range(99999)]
    p = with_field(make, KIND, files={"kinds.csv": "external,native\n" + "\n".join(pairs + ["code 5,again"]) + "\n"})
    p.drop("external", [row(f"E{i}", kind=f"code {i}") for i in (0, 5, 99998)] + [row("E1", kind="code 99999")])
    assert [r["kind"] for r in p.emit().native] == ["K0", "K39595", "K84162"]
    p.put("kinds.csv", (p.path / "kinds.csv").read_text() + "code 7,K55433\n")
    assert "kinds.csv: line 100002: this pair is there already" in p.run("check", status=78).err


def test_unknown_code_rejects_its_row(make):
    p = with_field(make, KIND, files=KINDS)
    p.drop("external", [row("E1", kind="Visit"), row("E2", kind="Telegram")])
    assert only(p.emit().native)["x"] == "E1"
    assert any(b"Telegram" in f.read_bytes() for f in p.files_under("rejects"))


# -- rejected values -----------------------------------------------------------------------------------------
@pytest.mark.parametrize("line, value", [
    (field("extra", type="date", external_format="%Y-%m-%d"), "yesterday"),
    (field("extra", type="date", external_format="%Y-%m-%d"), "2026-02-30"),
    (field("extra", type="number"), "12 or 13"),
    (field("extra", type="boolean", external_format="Y/N"), "perhaps"),
    (field("extra", type="id"), "1.23E+15"),
    (field("extra", type="id"), '="0012"'),
    (field("extra", type="id"), "'0012"),
])
def test_value_that_does_not_fit_its_type_rejects_its_row_only(make, line, value):
    p = with_field(make, line)
    p.drop("external", [row("E1", extra=""), row("E2", extra=value, summary="refused row")])
    assert [r["x"] for r in p.emit().native] == ["E1"]
    assert any(b"refused row" in f.read_bytes() for f in p.files_under("rejects"))


@pytest.mark.parametrize("damaged", ["1.23E+15", "'0012", '="0012"'])
def test_record_id_damaged_by_a_spreadsheet_is_rejected(p, damaged):
    p.drop("external", [row(damaged), row("E2")])
    assert [r["x"] for r in p.emit().native] == ["E2"]


def test_long_ids_that_all_end_in_zeros_are_rejected(p):
    p.drop("external", [row(f"{n}00") for n in (123456789012345, 123456789012346, 223456789012345)])
    assert p.emit().nothing


# -- lengths -------------------------------------------------------------------------------------------------
def test_short_field_does_not_cut_the_richer_value(make):
    p = with_field(make, field("extra", native_max=10))
    quiet_round(p, "a long sentence, cut over there", "a long sen")
    sent = only(p.trip(nat=[row("E1", "N1", summary="two", extra="a long sen")]).external)
    assert sent["extra"] == "a long sentence, cut over there"


def test_a_set_is_cut_between_members(make):
    """Half a member would be another one: 30 is not 3017."""
    p = with_field(make, field("extra", type="set", native_max=7))
    assert only(p.trip(ext=[row("E1", extra="12;3017;4")]).native)["extra"] == "12;3017"
    assert only(p.trip(ext=[row("E1", extra="12;99;3017")], nat=[row("E1", "N1", extra="12;3017")]).native)["extra"] == "12;99"
    assert p.trip(nat=[row("E1", "N1", extra="99;12")]).nothing


def test_edit_of_a_cut_value_is_an_edit(make):
    p = with_field(make, field("extra", native_max=10))
    quiet_round(p, "a long sentence, cut over there", "a long sen")
    assert only(p.trip(nat=[row("E1", "N1", extra="short")]).external)["extra"] == "short"


@pytest.mark.review
def test_first_echo_that_is_a_strict_prefix_is_review_altered(make):
    p = with_field(make, field("extra"))
    p.trip(ext=[row("E1", extra="a long sentence, cut over there")])
    assert p.trip(nat=[row("E1", "N1", extra="a long sen")]).nothing
    assert len(p.items("altered")) == 1


@pytest.mark.review
@pytest.mark.parametrize("kind, sent, shown", (
    ("number", "12.345", "12.3"), ("id", "100200300400", "10020030"), ("code", "PHONE", "PH"), ("set", "ann;bob;eve", "ann;bo"),
    ("datetime", "2026-11-21T14:30:05", "2026-11-21T14:30")))
def test_first_echo_that_is_a_strict_prefix_is_altered_whatever_its_type(make, kind, sent, shown):
    p = with_field(make, field("extra", type=kind))
    p.trip(ext=[row("E1", extra=sent)])
    assert p.trip(nat=[row("E1", "N1", extra=shown)]).nothing
    p.decide("accept", "altered")
    assert p.trip(nat=[row("E1", "N1", extra=shown, body="more")]).external[0]["extra"] == sent


@pytest.mark.parametrize("kind, sent, shown", (("number", "12.50", "12.5"), ("datetime", "2026-11-21T14:30:00", "2026-11-21T14:30"),
                                               ("set", "ann;bob;", "ann;bob")))
def test_first_echo_of_the_same_value_is_not_altered_though_it_is_shorter(make, kind, sent, shown):
    quiet_round(with_field(make, field("extra", type=kind)), sent, shown)


@pytest.mark.parametrize("kind, sent, shown", (("date", "2026-11-21", ""), ("code", "PHONE", ""), ("number", "12", ""),
                                               ("set", "ann;bob;eve", "ann;bob"), ("set", "ann", ""), ("set", "ann; bob", "ann")))
def test_an_emptied_cell_and_a_set_of_fewer_members_are_edits(make, kind, sent, shown):
    p = with_field(make, field("extra", type=kind))
    p.trip(ext=[row("E1", extra=sent)])
    assert p.trip(nat=[row("E1", "N1", extra=shown)]).external[0]["extra"] == shown and not p.items()


# -- composite IDs -------------------------------------------------------------------------------------------
PARTS = [IDS[0], field("unit", role="native_id", type="id"), field("number", role="native_id", type="id"), *TEXTS]


def tuple_row(x="", unit="", number="", **more):
    return dict(x=x, unit=unit, number=number, **{"summary": "one", "body": "text", **more})


def test_composite_id_is_the_tuple(make):
    p = make(schema=PARTS)
    sent = p.trip(nat=[tuple_row(unit="A", number="1"), tuple_row(unit="A", number="2", summary="other")]).external
    assert [pick(r, "unit", "number") for r in sent] == [("A", "1"), ("A", "2")]


def test_composite_id_binds_and_carries_all_parts(make):
    p = make(schema=PARTS)
    p.trip(ext=[tuple_row("E1")])
    assert p.trip(nat=[tuple_row("E1", "A", "1")]).nothing
    sent = only(p.trip(ext=[tuple_row("E1", summary="two")]).native)
    assert pick(sent, "x", "unit", "number", "summary") == ("E1", "A", "1", "two")


def test_composite_id_on_the_command_line(make):
    p = make(schema=PARTS)
    p.trip(nat=[tuple_row(unit="A|B", number="1")])
    p.run("show", r"A\|B|1")
    p.run("emit", "--only", "A|9", status=64)


def test_partly_empty_composite_id_is_rejected(make):
    p = make(schema=PARTS)
    p.drop("native", [tuple_row(unit="A"), tuple_row(unit="A", number="1")])
    assert [pick(r, "unit", "number") for r in p.emit().external] == [("A", "1")]


# -- directions and roles ------------------------------------------------------------------------------------
def test_to_native_field_is_left_out_of_the_external_delta(p):
    assert "Email" not in p.trip(nat=[row(n="N1")])[0].header


def test_to_external_field_is_left_out_of_the_native_delta(make):
    p = make(schema=IDS + TEXTS + [field("extra", direction="to_external")])
    assert "EXTRA" not in p.trip(ext=[row("E1", extra="x")])[0].header
    assert "Extra" in p.trip(nat=[row(n="N2", summary="another", extra="x")])[0].header


def test_field_of_direction_none_is_never_sent(make):
    p = with_field(make, field("extra", direction="none"))
    assert "EXTRA" not in p.trip(ext=[row("E1", extra="x")])[0].header
    p.trip(nat=[row("E1", "N1", extra="x")])
    assert p.trip(ext=[row("E1", "N1", extra="y")]).nothing


def test_field_that_one_side_does_not_have_flows_nowhere(make):
    p = with_field(make, field("extra", native=""))
    assert p.trip(ext=[row("E1", extra="x")])[0].header == ["EXT_ID", "NAT_ID", "SUMMARY", "BODY", "EMAIL"]


def test_origin_is_filled_in_with_the_label_of_the_birth_side(make):
    p = make(schema=SCHEMA + [field("source", role="origin")], external={"label": "Giving"},
             native={"label": "Ledger"})
    deltas = p.trip(ext=[row("E1")], nat=[row(n="N2", summary="other")])
    assert only(deltas.native)["source"] == "Giving" and only(deltas.external)["source"] == "Ledger"


def test_origin_and_modified_at_are_not_content(make):
    p = make(schema=SCHEMA + [field("source", role="origin"),
                              field("modified", role="modified_at", type="datetime", external_format="%Y-%m-%d",
                                    native_format="%Y-%m-%d")])
    p.agree(row("E1", "N1", source="a", modified="2026-11-01"))
    assert p.trip(ext=[row("E1", "N1", source="b", modified="2026-11-02")]).nothing


def test_modified_at_never_goes_out(make):
    p = make(schema=SCHEMA + [field("modified", role="modified_at", type="datetime", external_format="%Y-%m-%d",
                                    native_format="%Y-%m-%d")])
    assert "MODIFIED" not in p.trip(ext=[row("E1", modified="2026-11-01")])[0].header


def test_out_header_differs_from_the_export_header(make):
    p = make(schema=IDS + [TEXTS[0], field("body", external="Description", external_out="Body Text")])
    assert p.trip(nat=[row(n="N1")])[0].header == ["EID", "NID", "Summary", "Body Text"]
    assert p.trip(ext=[row("E1", "N1")]).nothing


# -- a schema that was re-saved, and wrong ones ----------------------------------------------------------------
@pytest.mark.parametrize("encoding", ["utf-16", "latin1"])
@pytest.mark.parametrize("name", ["schema.csv", "kinds.csv"])
def test_a_table_saved_in_another_encoding_is_told_how_to_save_it(make, encoding, name):
    """No setting tells the encoding of these files."""
    p = with_field(make, KIND, files={"kinds.csv": "external,native\nCaf\u00e9,C\n"})
    text = (p.path / name).read_text().replace("Summary", "R\u00e9sum\u00e9")
    p.put(name, text.encode(encoding))
    err = p.run("check", status=78).err
    assert name + ": line" in err and err.endswith("save it again as CSV in UTF-8\n") and "encoding" not in err


def test_schema_re_saved_by_a_spreadsheet_still_reads(make):
    p = make()
    text = (p.path / "schema.csv").read_text()
    p.put("schema.csv", "\ufeff" + "".join(f"{line},,,\r\n" for line in text.splitlines()))
    assert p.trip(ext=[row("E1")]).native


BAD = {
    "repeated header": IDS + [field("summary"), field("body", external="Summary")],
    "repeated field": IDS + [field("summary"), field("summary", "Other", "OTHER")],
    "unknown type": IDS + [field("summary", type="prose")],
    "unknown role": IDS + [field("summary", role="king")],
    "unknown direction": IDS + [field("summary", direction="sideways")],
    "bad field name": IDS + [field("Sum mary")],
    "no external id": IDS[1:] + TEXTS,
    "no native id": IDS[:1] + TEXTS,
    "no value table": SCHEMA + [field("kind", type="code", values="nowhere.csv")],
    "length that is no number": IDS + [field("summary", native_max="ten")],
}


@pytest.mark.parametrize("name", BAD)
def test_wrong_schema_is_78_and_names_the_file(make, name):
    p = make(schema=BAD[name], resume=False)
    assert "schema.csv" in p.run("check", status=78).err or name == "no value table"
    p.run("emit", status=78)


# -- changed schemas -----------------------------------------------------------------------------------------
TOWN = field("town")


def change_schema(p, schema):
    p.schema = [dict(line) for line in schema]
    p.write()


def test_changed_schema_stops_until_accepted(pair):
    change_schema(pair, SCHEMA + [TOWN])
    pair.tick()
    pair.drop("external", [row("E1", "N1", summary="two")])
    before = pair.listing("inbox/external")
    pair.emit(status=2)
    assert pair.listing("inbox/external") == before and not pair.listing("outbox/native")
    pair.run("check", "--accept-schema")
    pair.emit()


def test_changed_schema_never_looks_like_every_row_changing(p):
    rows = [row(f"E{i}", f"N{i}", town="Oslo") for i in range(5)]
    p.agree(*rows)
    change_schema(p, SCHEMA + [TOWN])
    p.run("check", "--accept-schema")
    assert p.trip(ext=rows, nat=rows).nothing


def test_record_waits_while_a_new_field_is_unknown_on_the_side(pair):
    change_schema(pair, SCHEMA + [TOWN])
    pair.run("check", "--accept-schema")
    assert pair.trip(ext=[row("E1", "N1", town="Oslo")]).nothing
    assert pair.trip(nat=[row("E1", "N1", town="Oslo", body="more")]).external


@pytest.mark.parametrize("new", (field("town"), field("town", direction="to_native")), ids=["two-way", "one-way"])
@pytest.mark.parametrize("mode", ("round-trip", "single-trip"))
def test_update_that_was_due_before_does_not_empty_a_new_field(make, new, mode):
    p = make(profile={"mode": mode}).agree(row("E1", "N1"))
    p.run("hold", "E1")
    assert p.trip(ext=[row("E1", "N1", summary="two")]).nothing
    change_schema(p, SCHEMA + [new])
    p.run("check", "--accept-schema")
    p.run("push", "--accept-header")
    p.run("release", "E1")
    assert p.sync().nothing and "wait: unknown town" in p.run("show", "E1").out
    assert only(p.trip(nat=[row("E1", "N1", town="Oslo")]).native)["town"] == "Oslo"


def gain_town(p, direction):
    change_schema(p, SCHEMA + [field("town", direction=direction)])
    p.run("check", "--accept-schema")
    p.run("push", "--accept-header")


@pytest.mark.parametrize("direction", ("both", "to_native"))
def test_first_value_of_a_new_field_is_no_edit_of_what_is_on_one_side_only(make, direction):
    """All of what a baseline had found on one side was inserted on the other one."""
    p = make()
    p.put("all_2026-11-01T0500.csv", p.text("external", [row("E1", "N1"), row("E2")]))
    p.put("some_2026-11-01T0500.csv", p.text("native", [row("E1", "N1")]))
    p.run("baseline", "--external", "all_2026-11-01T0500.csv", "--native", "some_2026-11-01T0500.csv",
          cwd=p.path)
    gain_town(p, direction)
    shown = dict(nat=[row("E1", "N1", town="Oslo")])
    assert p.trip(ext=[row("E1", "N1", town="Oslo"), row("E2", town="Oslo")], **shown).nothing
    assert p.trip(ext=[row("E1", "N1", town="Oslo"), row("E2", town="Oslo")], **shown).nothing
    assert pick(only(p.trip(ext=[row("E2", town="Bergen")]).native), "x", "n", "town") == ("E2", "", "Bergen")


@pytest.mark.parametrize("direction", ("both", "to_native"))
@pytest.mark.parametrize("deletes", ("ignore", "review"))
def test_first_value_of_a_new_field_is_no_edit_of_what_is_gone_elsewhere(make, deletes, direction):
    p = make(native={"content": "snapshot", "deletes": deletes}).agree(row("E1", "N1"), row("E2", "N2"))
    p.trip(nat=[row("E2", "N2")])
    gain_town(p, direction)
    towns = [row("E1", "N1", town="Oslo"), row("E2", "N2", town="Oslo")]
    assert p.trip(ext=towns, nat=towns[1:]).nothing and not p.items("edit-vs-delete")
    assert p.trip(ext=[{**towns[0], "town": "Bergen"}]).nothing and len(p.items("edit-vs-delete")) == 1


def test_ids_are_stored_without_emptying_what_only_that_side_has_told(make):
    p = make(native={"store_ids": "yes"})
    p.trip(nat=[row(n="N1")])
    p.run("bind", "E1", "N1")
    assert pick(only(p.sync().native), "x", "n", "email") == ("E1", "N1", "a@example.org")


def test_first_value_of_a_new_field_then_flows_as_any(pair):
    change_schema(pair, SCHEMA + [TOWN])
    pair.run("check", "--accept-schema")
    pair.run("push", "--accept-header")
    pair.trip(ext=[row("E1", "N1", town="Oslo")], nat=[row("E1", "N1", town="Oslo")])
    assert only(pair.trip(ext=[row("E1", "N1", town="Bergen")]).native)["town"] == "Bergen"


@pytest.mark.review
def test_differing_first_values_are_review_first_seen(pair):
    change_schema(pair, SCHEMA + [TOWN])
    pair.run("check", "--accept-schema")
    assert pair.trip(ext=[row("E1", "N1", town="Oslo")], nat=[row("E1", "N1", town="Bergen")]).nothing
    assert len(pair.items("first-seen")) == 1


@pytest.mark.review
def test_an_edit_under_way_while_a_format_changes_does_not_lose_to_the_value_from_before(make):
    """The value that the database still shows was taken for its edit of the one that it was sent."""
    day = field("day", type="date", external_format="%Y-%m-%d", native_format="%d.%m.%Y")
    p = with_field(make, day)
    quiet_round(p, "2026-11-21", "21.11.2026", "day")
    assert only(p.trip(ext=[row("E1", "N1", day="2026-12-24")]).native)["day"] == "24.12.2026"
    change_schema(p, SCHEMA + [{**day, "native_format": "%Y/%m/%d"}])
    p.run("check", "--accept-schema")
    assert p.trip(nat=[row("E1", "N1", day="2026/11/21")]).nothing
    p.decide("take", "first-seen", "external")
    p.decide("accept", "not-taken")
    assert only(p.sync().native)["day"] == "2026/12/24"
    assert p.trip(nat=[row("E1", "N1", day="2026/12/24")]).nothing and not p.items()


DAY = field("day", type="date", native_format="%d/%m/%Y")
OTHER_DAY = {**DAY, "native_format": "%m/%d/%Y"}


def accept_schema(p, schema):
    change_schema(p, schema)
    p.run("check", "--accept-schema")
    p.run("push", "--accept-header")


def with_day(make):
    p = with_field(make, DAY)
    quiet_round(p, "2026-01-01", "01/01/2026", "day")
    return p


def show_day(p, external, native):
    return p.trip(ext=[row("E1", "N1", day=external)], nat=[row("E1", "N1", day=native)])


@pytest.mark.review
def test_a_conflict_is_asked_again_where_the_field_is_written_in_another_way(make):
    """The third of February was sent as the second of March once it was taken."""
    p = with_day(make)
    show_day(p, "2026-01-02", "03/02/2026")
    assert len(p.items("conflict")) == 1
    accept_schema(p, SCHEMA + [OTHER_DAY])
    assert not p.items() and p.sync().nothing
    assert show_day(p, "2026-01-02", "02/03/2026").nothing and len(p.items("first-seen")) == 1
    p.decide("take", "first-seen", "native")
    assert only(p.sync().external)["day"] == "2026-02-03"


@pytest.mark.review
def test_a_conflict_about_a_field_that_leaves_and_comes_back_is_asked_again(make):
    """One of the values went over the other, though nobody had decided."""
    p = with_day(make)
    show_day(p, "2026-01-02", "03/02/2026")
    accept_schema(p, SCHEMA)
    assert not p.items()
    accept_schema(p, SCHEMA + [DAY])
    assert show_day(p, "2026-01-02", "03/02/2026").nothing and len(p.items("first-seen")) == 1


@pytest.mark.review
def test_a_row_in_question_does_not_count_with_values_that_are_written_in_another_way(make):
    """The third of February was sent as the second of March."""
    p = with_day(make)
    p.trip(nat=[row("E1", "N1", body="a", day="03/02/2026"), row("E1", "N1", body="b", day="03/02/2026")])
    accept_schema(p, SCHEMA + [OTHER_DAY])
    p.decide("accept", "repeated")
    assert pick(only(p.sync().external), "body", "day") == ("b", "2026-01-01")
    assert p.trip(nat=[row("E1", "N1", body="b", day="02/03/2026")]).nothing and len(p.items("first-seen")) == 1


@pytest.mark.review
def test_first_value_and_conflict_of_one_record_are_decided_apart(pair):
    change_schema(pair, SCHEMA + [TOWN])
    pair.run("check", "--accept-schema")
    assert pair.trip(ext=[row("E1", "N1", town="Oslo", summary="left")],
                     nat=[row("E1", "N1", town="Bergen", summary="right")]).nothing
    pair.decide("take", "conflict", "external")
    assert pair.sync().nothing and [i["kind"] for i in pair.items()] == ["first-seen"]
    pair.decide("take", "first-seen", "native")
    pair.run("push", "--accept-header")
    sent = pair.sync()
    assert pick(only(sent.native), "summary", "town") == ("left", "Bergen")
    assert only(sent.external)["town"] == "Bergen"


def test_new_record_is_inserted_with_the_new_field(pair):
    change_schema(pair, SCHEMA + [TOWN])
    pair.run("check", "--accept-schema")
    pair.run("push", "--accept-header", status=(0, 2))
    pair.tick()
    pair.drop("external", [row("E2", town="Oslo")])
    deltas = pair.emit(status=(0, 2))
    if deltas.result.status == 2:                # the locked header, accepted on the way
        pair.run("push", "--accept-header")
        deltas = pair.emit()
    assert only(deltas.native)["town"] == "Oslo"


@pytest.mark.parametrize("schema", [SCHEMA + [field("extra", direction="none")], SCHEMA[::-1]],
                         ids=["new none field", "order of lines"])
def test_harmless_changes_pass_silently(pair, schema):
    change_schema(pair, schema)
    assert pair.trip(ext=[row("E1", "N1", summary="one")]).nothing


def test_changed_labels_pass_silently(pair):
    pair.settings["external"]["label"] = "Another name"
    pair.write()
    assert pair.emit().nothing


@pytest.mark.parametrize("command", [
    ["review", "take", "all", "native", "--kind", "conflict"], ["review", "accept", "all", "--kind", "repeated"], ["bind", "E3", "N3"],
    ["confirm", "1"], ["retry", "1"], ["hold", "E1"], ["release", "E1"], ["withdraw", "3"], ["push"], ["push", "--again", "2"],
], ids=" ".join)
def test_nothing_is_decided_or_sent_under_a_schema_that_is_not_accepted(make, command):
    """A value was taken and sent as it reads in the format of now: the third of February as the second of March."""
    day = field("day", type="date", native_format="%d/%m/%Y")
    p = with_field(make, day)
    p.trip(ext=[row("E1", day="2026-01-01"), row("E2")])
    p.trip(nat=[row("E1", "N1", day="01/01/2026"), row("E2", "N2")])
    p.trip(ext=[row("E2", "N2", body="b")])
    p.trip(ext=[row("E1", "N1", day="2026-01-02")], nat=[row("E1", "N1", day="03/02/2026"), row("E2", "N2", body="b"), row("E2", "N2", body="c")])
    p.drop("external", [row("E4")])
    p.emit()
    p.items()
    change_schema(p, SCHEMA + [{**day, "native_format": "%m/%d/%Y"}])
    before = p.listing("outbox/native")
    assert "roundtrip check --accept-schema" in p.run(*command, status=2).err
    assert p.listing("outbox/native") == before
    change_schema(p, SCHEMA + [day])
    assert len(p.items("conflict")) == 1 and len(p.items("repeated")) == 1
    p.run(*command)


@pytest.mark.parametrize("change", [
    lambda p: p.settings["external"].update(eligible="summary = 'one'"),
    lambda p: p.settings["profile"].update(mode="single-trip"),
    lambda p: p.schema[3].update(direction="to_native"),
    lambda p: p.schema.pop(3),
    lambda p: p.schema[2].update(type="id"),
], ids=["eligible", "mode", "direction", "removed field", "type"])
def test_other_changes_stop_with_2(pair, change):
    change(pair)
    pair.write()
    pair.tick()
    pair.drop("native", [row("E1", "N1", summary="two")])
    assert pair.emit(status=2).nothing
    pair.run("check", "--accept-schema")
    pair.emit(status=(0, 2))


def changed_to_days(p):
    p.schema[-1].update(native_format="%Y-%m-%d")
    return "2026-11-01"


def changed_zone(p):
    p.settings["native"]["timezone"] = "Europe/Berlin"
    return "2026-11-01T10:00:00Z"


def changed_order(p):
    p.schema[-1].update(type="date", native_format="%d-%m-%Y", external_format="")
    return "01-11-2026"


@pytest.mark.parametrize("change", [changed_to_days, changed_zone, changed_order])
def test_times_of_change_that_are_read_in_another_way_went_not_back(make, change):
    """Every row of the next snapshot was on the review list, with an older time than before."""
    p = make(schema=SCHEMA + [MODIFIED]).agree(row("E1", "N1", modified="2026-11-01T10:00:00Z"),
                                               row("E2", "N2", modified="2026-11-01T10:00:00Z"))
    time = change(p)
    p.write()
    p.run("check", "--accept-schema")
    rows = [row("E1", "N1", modified=time), row("E2", "N2", summary="two", modified=time)]
    assert only(p.trip(nat=rows).external)["summary"] == "two" and not p.items()


NEW_FINGERPRINTS = {
    "another field": lambda s: (s[3].pop("role"), s[4].update(role="fingerprint")),
    "format": lambda s: s[3].update(native_format="%d.%m.%Y"),
    "content": lambda s: (s[3].pop("role"), s.pop(2)),
    "content with a new field": lambda s: (s[3].pop("role"), s.append(field("town"))),
}


@pytest.mark.review
@pytest.mark.parametrize("change", NEW_FINGERPRINTS)
def test_a_lost_id_is_noticed_also_after_a_change_of_the_schema(make, change):
    """The row was taken for a new one, and inserted on the side that it had come from."""
    p = make(schema=IDS + [field("summary"), field("day", type="date", role="fingerprint"), field("body")])
    p.trip(ext=[row("E1", day="2026-11-01")])
    NEW_FINGERPRINTS[change](p.schema)
    p.write()
    p.run("check", "--accept-schema")
    is_content = "content" in change
    day = "01.11.2026" if change == "format" else "2026-11-01"
    lost = row("", "N1", summary="one" if is_content else "cut", body="text", day=day, town="")
    assert p.trip(nat=[lost]).nothing and len(p.items("suspected")) == 1


@pytest.mark.review
@pytest.mark.parametrize("change", ({"external_format": "%d.%m.%Y"}, {"type": "text"}))
@pytest.mark.parametrize("role", ("fingerprint", ""))
def test_a_lost_id_is_noticed_also_where_what_was_sent_cannot_be_read_any_more(make, role, change):
    """The row was taken for a new one, and inserted on the side that it had come from."""
    p = make(schema=IDS + [field("summary"), field("day", type="date", role=role)])
    p.trip(ext=[row("E1", day="2026-11-01")])
    p.schema[3].update(change)
    p.write()
    p.run("check", "--accept-schema")
    assert p.trip(nat=[row("", "N1", day="2026-11-01")]).nothing and len(p.items("suspected")) == 1


def test_a_fingerprint_that_cannot_be_read_any_more_is_not_that_of_a_row_without_one(make):
    """With suspected_duplicate = bind two interactions became one, and the first was overwritten."""
    p = make(schema=IDS + [field("summary"), field("day", type="date", role="fingerprint")], policy={"suspected_duplicate": "bind"})
    p.trip(ext=[row("E1", day="2026-02-03")])
    p.schema[3].update(external_format="%d.%m.%Y")
    p.write()
    p.run("check", "--accept-schema")
    assert only(p.trip(nat=[row("", "N1", summary="none", day="")]).external)["n"] == "N1"


def test_email_is_shown_but_never_travels_back(make):
    p = make(schema=IDS + TEXTS + [EMAIL]).agree(row("E1", "N1"))
    deltas = p.trip(nat=[row("E1", "N1", summary="two", email="other@example.org")])
    assert "email" not in only(deltas.external) and not deltas.native


def test_reports_have_a_column_for_each_field_of_an_id(make, tmp_path):
    schema = [field("external_id", "EID", "EXT_ID", role="external_id", type="id"),
              field("office", "Office", "OFFICE", role="native_id"), field("number", "Number", "NUMBER", role="native_id"),
              field("summary")]
    p = make(schema=schema)
    native, report = tmp_path / f"native_{p.now:%Y-%m-%dT%H%M}.csv", tmp_path / "report.csv"
    native.write_text("EXT_ID,OFFICE,NUMBER,SUMMARY\n,a|b,1,one\n")
    p.run("baseline", "--native", native, "--report", report)
    ids = "external_id,office,number"
    columns = f"side,change,{ids},field,before,after,external_action,native_action,reason"
    header, line = report.read_text().splitlines()
    assert header == columns and line.startswith("external,missing,,a|b,1,,")
    p.tick()
    p.drop("native", raw=b"EXT_ID,OFFICE,NUMBER,SUMMARY\n,a|b,1,two\n,a|b,1,three\n,c,2,one\n")
    lines = p.run("diff", "--format", "csv").out.splitlines()
    assert lines[0] == columns and any(line.startswith("native,new,,c,2,,") for line in lines)
    p.emit()
    lines = p.run("review", "--csv").out.splitlines()
    assert lines[0].startswith(f"item,version,kind,{ids},side,") and ",repeated,,a|b,1,native," in lines[1]


AMOUNT = field("amount", type="number")


def without_amount_for_a_while(make, **settings):
    """Rows come in while the field is out of the schema, and what they held of it is not looked at."""
    p = make(schema=SCHEMA + [AMOUNT], **settings)
    p.agree(row("E1", "N1", amount="1"))
    accept_schema(p, SCHEMA)
    assert p.trip(ext=[row("E1", "N1", body="text ")], nat=[row("E1", "N1", body="text  ")]).nothing
    accept_schema(p, SCHEMA + [AMOUNT])
    return p


@pytest.mark.parametrize("conflict", ["external", "review"])
def test_a_field_that_leaves_and_comes_back_is_a_new_one(make, conflict):
    """Its value from before was sent over an edit of the database, though no file had shown it since."""
    p = without_amount_for_a_while(make, policy={"conflict": conflict})
    assert p.trip(nat=[row("E1", "N1", amount="2")]).nothing and not p.items()
    assert p.trip(ext=[row("E1", "N1", amount="2.0")]).nothing and not p.items()


def test_a_field_that_comes_back_is_no_edit_of_what_is_gone(make):
    """The database alone had the record and lost it; an edit against a delete was asked about, and the record had no ID then."""
    p = make(schema=SCHEMA + [AMOUNT], external={"match": "update-only"}, native={"content": "snapshot", "deletes": "review"})
    rest = row(n="N2", amount="2")
    p.trip(nat=[row(n="N1", amount="1"), rest])
    accept_schema(p, SCHEMA)
    p.trip(nat=[row(n="N1", body="text "), rest])
    accept_schema(p, SCHEMA + [AMOUNT])
    assert p.trip(nat=[rest]).nothing and not p.items("edit-vs-delete")


SHOWN = [("external", field("town", native="")), ("native", field("town", external="")), ("native", field("town", direction="none"))]


@pytest.mark.parametrize("side, shown", SHOWN, ids=["external", "native", "both"])
def test_a_field_that_was_shown_and_flows_from_now_on_is_a_new_one(make, side, shown):
    """The first values of a column that was still empty went over what the other side had in it, for every record."""
    p = make(schema=SCHEMA + [shown]).agree(row("E1", "N1", town="Oslo"), row("E2", "N2", town="Oslo"))
    accept_schema(p, SCHEMA + [TOWN])
    filled, empty = ([row("E1", "N1", town=town), row("E2", "N2", town="Oslo")] for town in ("Oslo", ""))
    ext, nat = (filled, empty) if side == "external" else (empty, filled)
    assert p.trip(**{OTHER[side][:3]: empty}).nothing and p.trip(ext=ext, nat=nat).nothing
    assert [(i["kind"], i["external_id"]) for i in p.items()] == [("first-seen", "E1")]
    assert only(p.trip(ext=[row("E2", "N2", town="Bergen")]).native)["town"] == "Bergen"


def test_a_field_that_was_shown_and_flows_one_way_from_now_on_gets_there(make):
    """What its source had shown before did not flow until somebody edited it."""
    p = make(schema=SCHEMA + [SHOWN[0][1]]).agree(row("E1", "N1", town="Oslo"))
    accept_schema(p, SCHEMA + [field("town", direction="to_native")])
    p.run("push", "--accept-header")
    assert only(p.trip(ext=[row("E1", "N1", town="Oslo")], nat=[row("E1", "N1", town="")]).native)["town"] == "Oslo"
