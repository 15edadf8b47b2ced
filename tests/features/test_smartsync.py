"""SmartSYNC."""
from profile import only, pick, row


def test_S1_after_a_change_one_way_the_other_way_waits_an_hour(make):
    p = make(policy={"loop_window": "1h"}).agree(row("E1", "N1"), row("E2", "N2"))
    p.trip(ext=[row("E1", "N1", summary="there")])
    p.tick(0, minutes=30)
    p.drop("native", [row("E1", "N1", summary="there", body="and back"), row("E2", "N2", summary="free")])
    assert only(p.sync().external)["x"] == "E2"
    assert "loop window" in p.run("show", "E1").out
    p.tick(0, minutes=31)
    assert pick(only(p.sync().external), "x", "body") == ("E1", "and back")      # queued, not dropped
    assert p.sync().nothing


def test_S1_echo_is_told_from_an_edit_by_its_content(pair):
    pair.trip(ext=[row("E1", "N1", summary="two")])
    assert pair.trip(nat=[row("E1", "N1", summary="two")], hours=1).nothing
    assert pair.trip(ext=[row("E1", "N1", summary="two")], hours=1).nothing


def test_S1_back_and_forth_for_ever_is_stopped(pair):
    for value in ("B", "A", "B", "A"):
        pair.trip(ext=[row("E1", "N1", summary=value)], hours=1)
        pair.trip(nat=[row("E1", "N1", summary=value)], hours=1)
    pair.trip(ext=[row("E1", "N1", summary="B")], hours=1)
    assert "flapping" in {i["kind"] for i in pair.items()} or pair.sync().nothing


def test_S2_further_changes_the_same_way_keep_flowing(make):
    p = make(policy={"loop_window": "1h"}).agree(row("E1", "N1"))
    for minute, value in enumerate(("two", "three", "four")):
        p.tick(0, minutes=5)
        p.drop("external", [row("E1", "N1", summary=value)])
        assert only(p.sync().native)["summary"] == value


def test_S3_both_directions_can_be_tested_with_one_record(p):
    p.agree(*[row(f"E{i}", f"N{i}") for i in range(5)])
    p.tick()
    p.drop("external", [row(f"E{i}", f"N{i}", summary="from EverTrue") for i in range(3)])
    p.drop("native", [row(f"E{i}", f"N{i}", summary="from the database") for i in range(3, 5)])
    assert len([line for line in p.diff("--only", "E0") if line["native_action"] == "update"]) == 1
    one = p.sync("--only", "E0", "--only", "N4")
    assert pick(only(one.native), "x", "summary") == ("E0", "from EverTrue")
    assert pick(only(one.external), "n", "summary") == ("N4", "from the database")
    rest = p.sync()
    assert len(rest.native) == 2 and len(rest.external) == 1


def test_S4_bulk_tidy_comes_first_once_with_a_report(p, tmp_path):
    sides = {"external": [row("E1", "N1"), row("E2", "N2", summary="left"), row("E3", body="only here")],
             "native": [row("E1", "N1"), row("E2", "N2", summary="right"), row(n="N4", body="only there")]}
    args = []
    for side, rows in sides.items():
        path = tmp_path / f"{side}_{p.now:%Y-%m-%dT%H%M}.csv"
        path.write_text(p.text(side, rows))
        args += [f"--{side}", path]
    report = tmp_path / "report.csv"
    p.run("baseline", *args, "--report", report)
    text = report.read_text()
    assert "left" in text and "E3" in text and "N4" in text
    assert p.sync().nothing
    assert only(p.items())["external_id"] == "E2"
