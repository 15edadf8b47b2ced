"""TrueGivers."""
import pytest

from profile import only, pick, row
from test_evertrue import export, with_exports


def test_T1_nightly_check_of_new_data(make):
    p = with_exports(make)
    export(p, "external", [row("E1")])
    export(p, "native", [])
    assert p.run("run").status == 0
    for _ in range(3):
        p.tick()
        assert p.run("run").status == 0
    assert len(p.listing("imports/native")) == 1


def test_T2_weekly_reprocessing_of_everything(make):
    p = make(native={"transport": "command", "extract": "cat changes.csv", "extract_full": "cat everything.csv", "load": "true",
                     "imports": None, "stamp": None})
    empty = p.text("native", [])
    p.put("changes.csv", empty)
    p.put("everything.csv", p.text("native", [row(n="N1"), row(n="N2", summary="missed by the changes")]))
    p.run("run")
    assert not p.listing("imports/external")
    p.tick()
    p.run("run", "--full")
    assert "missed by the changes" in (p.path / "imports/external" / only(p.listing("imports/external"))).read_text()
    p.tick()
    p.run("run", "--full")
    assert len(p.listing("imports/external")) == 1


@pytest.mark.parametrize("command", ["emit", "push", "run", "fetch"])
def test_T3_paused_does_nothing_and_says_so(pair, command):
    pair.run("pause", "--reason", "audit")
    pair.drop("external", [row("E1", "N1", summary="two")])
    before = pair.snapshot()
    assert "paused" in pair.run(command, status=2).err
    assert pair.snapshot() == before
    assert "paused" in pair.run("status").out and "audit" in pair.run("status").out
    assert "paused" in pair.run("status", "--check", status=1).out


def test_T3_resume_lets_everything_flow(pair):
    pair.run("pause")
    pair.tick()
    pair.drop("external", [row("E1", "N1", summary="two")])
    pair.run("resume")
    assert only(pair.sync().native)["summary"] == "two"


def test_T4_after_resume_a_fetch_comes_first(make):
    p = with_exports(make)
    export(p, "external", [row("E1", summary="old")])
    p.run("fetch")
    p.run("pause")
    p.run("resume")
    for command in ("emit", "push"):
        assert "fetch" in p.run(command, status=2).err
    p.tick()
    export(p, "external", [row("E1", summary="new")])
    p.run("fetch")
    assert only(p.emit().native)["summary"] == "new"


def test_T5_download_by_hand(p, tmp_path):
    file = tmp_path / f"external_{p.now:%Y-%m-%dT%H%M}.csv"
    file.write_text(p.text("external", [row("E1")]))
    assert p.run("fetch", "external", file).out.startswith("inbox/external/")
    assert only(p.sync().native)["x"] == "E1"


def test_T5_synchronize_by_hand_while_paused_then_paused_again(make):
    p = with_exports(make)
    p.run("pause")
    export(p, "external", [row("E1")])
    export(p, "native", [])
    p.run("run", "--once")
    assert len(p.listing("imports/native")) == 1
    p.run("run", status=2)
    for command in (["fetch"], ["emit"], ["push"]):
        p.run(*command, "--once")
        p.run(*command, status=2)


def test_T6_updates_off_for_one_record_surviving_pause_and_resume(p):
    p.agree(row("E1", "N1"), row("E2", "N2"))
    p.run("hold", "E1", "--reason", "lawyer")
    p.run("pause")
    p.run("resume")
    sent = p.trip(ext=[row("E1", "N1", summary="held"), row("E2", "N2", summary="free")])
    assert only(sent.native)["x"] == "E2"
    assert "lawyer" in p.run("show", "E1").out
    assert p.trip(ext=[row("E1", "N1", summary="newest")]).nothing
    p.run("release", "E1")
    assert pick(only(p.sync().native), "x", "summary") == ("E1", "newest")


def test_T7_review_tasks_also_while_paused(pair):
    pair.trip(ext=[row("E1", "N1", summary="left")], nat=[row("E1", "N1", summary="right")])
    pair.run("pause")
    pair.tick()
    pair.drop("external", [row("E1", "N1", summary="left", body="more")])
    assert only(pair.items())["kind"] == "conflict"
    assert "left" in pair.run("review", "show", only(pair.items())["item"]).out
    assert pair.diff()
    pair.decide("take", "conflict", "external")
    assert not pair.items()


def test_T8_progress_is_for_terminals_only(pair):
    pair.tick()
    pair.drop("external", [row("E1", "N1", summary="two")])
    result = pair.emit().result
    assert "\r" not in result.err and "\x1b" not in result.err
    pair.run("emit", "--no-progress")


def test_T9_look_one_record_up(pair):
    pair.trip(ext=[row("E1", "N1", summary="two")])
    for name in ("E1", "N1", "external:E1", "native:N1"):
        out = pair.run("show", name).out
        for word in ("E1", "N1", "two", "one"):
            assert word in out, out
    pair.run("show", "E7", status=64)
