"""The example of the vendor, word for word, day by day; and its single trip."""
import pytest

from profile import EMAIL, Profile, field, only, pick, row

EVERTRUE = [
    field("external_id", "InteractionEverTrueID", "EVERTRUE_ID", role="external_id", type="id"),
    field("native_id", "InteractionImportID", "INTERACTION_ID", role="native_id", type="id"),
    field("kind", "InteractionType", "TYPE"),
    field("description", "Description", "NOTES"),
]
NAMES = {"require_name": "*.interactions.*", "forbid_name": "*.full.*", "shows_imports": "no",
         "output_name": "acme.interactions.{stamp}.{delta}.csv"}


def note(x="", n="", description="Met at the reunion."):
    return dict(x=x, n=n, kind="Visit", description=description)


@pytest.fixture
def evertrue(make):
    def build(schema=None, **more):
        return make(schema=schema or EVERTRUE, external=NAMES, profile={"name": "acme", **more})
    return build


def test_round_trip_day_by_day(evertrue):
    p = evertrue()
    loaded = p.trip(ext=[note("123")])                               # written in EverTrue, exported as 123
    assert pick(only(loaded.native), "x", "n", "description") == ("123", "", "Met at the reunion.")
    assert not loaded.external
    assert p.trip(nat=[note("123", "ABC")]).nothing                  # the database calls it ABC
    more = "Met at the reunion. Will give."
    back = p.trip(nat=[note("123", "ABC", more)])                    # the officer adds to it there
    assert back[0].header[:2] == ["InteractionEverTrueID", "InteractionImportID"]
    assert pick(only(back.external), "x", "n", "description") == ("123", "ABC", more)
    assert not back.native
    assert p.trip(ext=[note("123", "ABC", more)]).nothing            # the export shows the new text
    assert p.trip().nothing


def test_round_trip_where_the_database_cannot_store_the_evertrue_id(evertrue):
    schema = [field("external_id", "InteractionEverTrueID", "", role="external_id", type="id")] + EVERTRUE[1:3] + [
        field("description", "Description", "NOTES", role="fingerprint")]
    p = evertrue(schema)
    assert p.trip(ext=[note("123")]).native
    p.run("bind", "123", "ABC")
    assert p.trip(nat=[note(n="ABC")]).nothing
    sent = only(p.trip(nat=[note(n="ABC", description="More.")]).external)
    assert pick(sent, "x", "n", "description") == ("123", "ABC", "More.")
    assert p.trip(ext=[note("123", "ABC", "More.")]).nothing


def test_external_id_of_a_native_born_row_is_learned_later(evertrue):
    p = evertrue()
    assert only(p.trip(nat=[note(n="ABC")]).external)["n"] == "ABC"
    edited = p.trip(ext=[note("123", "ABC", "Edited in EverTrue.")])
    assert pick(only(edited.native), "x", "n", "description") == ("123", "ABC", "Edited in EverTrue.")
    sent = only(p.trip(nat=[note("123", "ABC", "And here.")]).external)
    assert pick(sent, "x", "n", "description") == ("123", "ABC", "And here.")


def test_export_copied_again_by_the_server_is_a_no_op(evertrue):
    p = evertrue()
    p.trip(ext=[note("123")])
    p.drop("external", [note("123")])
    assert p.sync().nothing


def test_single_trip_day_by_day(evertrue):
    p = evertrue(mode="single-trip")
    assert only(p.trip(ext=[note("123")]).native)["x"] == "123"
    assert p.trip(nat=[note("123", "ABC")]).nothing
    assert p.trip(nat=[note("123", "ABC", "Written in the database.")]).nothing     # never goes back
    assert only(p.trip(nat=[note(n="DEF")]).external)["n"] == "DEF"                 # born there: flows to EverTrue
    assert p.trip(ext=[note("456", "DEF")]).nothing
    updated = p.trip(ext=[note("456", "DEF", "Updated in EverTrue.")])
    assert pick(only(updated.native), "x", "n", "description") == ("456", "DEF", "Updated in EverTrue.")
    assert not updated.external


def test_extra_columns_of_a_changed_form_are_ignored(evertrue):
    p = evertrue()
    p.drop("external", raw=b"Category,InteractionType,InteractionImportID,Mood,InteractionEverTrueID,Description\n"
                           b"Alumni,Visit,,good,123,Met at the reunion.\n")
    assert pick(only(p.emit().native), "x", "kind") == ("123", "Visit")


def test_init_with_the_preset_makes_a_guarded_paused_profile(p, tmp_path):
    fresh = tmp_path / "evertrue"
    sample = tmp_path / "export.csv"
    sample.write_text(p.text("external", [row("E1")]).replace("EID", "InteractionEverTrueID")
                      .replace("NID", "InteractionImportID"))
    extract = tmp_path / "extract.csv"
    extract.write_text("EVERTRUE_ID,INTERACTION_ID,SUMMARY,BODY\n,N1,one,text\n")
    p.run("init", fresh, "--preset", "evertrue", "--external", sample, "--native", extract, cwd=tmp_path)
    ini = (fresh / "roundtrip.ini").read_text()
    assert "*.interactions.*" in ini and "*.full.*" in ini
    schema = (fresh / "schema.csv").read_text()
    assert "InteractionEverTrueID" in schema and "InteractionImportID" in schema
    p.run("-C", fresh, "emit", status=2, cwd=tmp_path)


def test_contact_sync_e_mail_goes_one_way_only(make):
    """RaiseDonors and Virtuous: reference source set on transfer, e-mail to one side only."""
    schema = EVERTRUE[:2] + [field("name", "Name", "NAME"), EMAIL, field("source", "Source", "SOURCE", role="origin")]
    p = make(schema=schema, external={"label": "RaiseDonors"}, native={"eligible": "source = 'RaiseDonors'"})
    assert isinstance(p, Profile)
    sent = only(p.trip(ext=[dict(x="D1", name="A. Donor", email="a@example.org")]).native)
    assert pick(sent, "x", "email", "source") == ("D1", "a@example.org", "RaiseDonors")
    back = dict(x="D1", n="V1", name="Ann Donor", email="b@example.org", source="RaiseDonors")
    deltas = p.trip(nat=[back, {**back, "x": "", "n": "V2", "source": "Letter"}])
    assert "email" not in only(deltas.external) and only(deltas.external)["name"] == "Ann Donor"
