"""R13: pause and resume."""
import json

import pytest

from profile import only, row

COMMANDS = ["fetch", "emit", "push", "run"]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_paused_profile_does_nothing(pair, command):
    pair.run("pause", "--reason", "audit")
    pair.tick()
    pair.drop("external", [row("E1", "N1", summary="two")])
    before = pair.snapshot()
    pair.run(command, status=2)
    after = pair.snapshot()
    assert {k: v for k, v in after.items() if not k.startswith("state.db")} == \
        {k: v for k, v in before.items() if not k.startswith("state.db")}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_paused_profile_says_so(pair, command):
    pair.run("pause", "--reason", "audit")
    assert "pause" in pair.run(command, status=2).err.lower()


def test_once_works_and_leaves_it_paused(pair):
    pair.run("pause")
    pair.tick()
    pair.drop("external", [row("E1", "N1", summary="two")])
    assert only(pair.emit("--once").native)["summary"] == "two"
    pair.run("push", "--once")
    assert len(pair.listing("imports/native")) == 2
    pair.emit(status=2)


def test_reading_commands_work_while_paused(pair):
    pair.run("pause")
    pair.tick()
    pair.drop("external", [row("E1", "N1", summary="two")])
    assert pair.diff()
    assert "emit would stop: paused since" in pair.run("diff").err
    pair.run("show", "E1")
    pair.run("log")
    assert "pause" in pair.run("status").out.lower()
    pair.run("check")


def test_fetch_with_files_and_bind_work_while_paused(pair, tmp_path):
    pair.run("pause")
    pair.tick()
    file = tmp_path / f"handmade_{pair.now:%Y-%m-%dT%H%M}.csv"
    file.write_text(pair.text("external", [row("E2")]))
    pair.run("fetch", "external", file)
    pair.run("bind", "E7", "N7")


def test_resume_lets_it_flow_again(pair):
    pair.run("pause")
    pair.tick()
    pair.drop("external", [row("E1", "N1", summary="two")])
    pair.emit(status=2)
    pair.run("resume")
    assert pair.emit().native


def source(make, **settings):
    p = make(external={"exports": "exports", "settle": "0s"}, resume=False, **settings)
    (p.path / "exports").mkdir(mode=0o700)
    return p


def test_after_resume_emit_and_push_wait_for_a_fetch(make):
    p = source(make)
    p.run("resume")
    p.drop("native", [row(n="N1")])
    assert "emit would stop: EverTrue was not fetched since" in p.run("diff").err
    p.run("emit", status=2)
    p.run("push", status=2)
    p.run("fetch")
    assert p.emit().external
    p.run("push")


def test_run_fetches_first_so_it_needs_no_waiting(make):
    p = source(make)
    p.run("resume")
    p.drop("native", [row(n="N1")])
    p.run("run")
    assert len(p.listing("imports/external")) == 1


def test_every_resume_asks_for_a_new_fetch(make):
    p = source(make)
    p.run("resume")
    p.run("fetch")
    p.emit()
    p.run("pause")
    p.run("resume")
    p.run("emit", status=2)


def test_init_starts_paused(make, tmp_path):
    p = make(resume=False)
    fresh = tmp_path / "fresh"
    p.run("init", fresh, "--preset", "plain", cwd=tmp_path)
    for name in ("roundtrip.ini", "schema.csv", "inbox/external", "inbox/native"):
        assert (fresh / name).exists(), name
    p.run("-C", fresh, "emit", status=2, cwd=tmp_path)


def test_pause_and_resume_twice_are_harmless(p):
    for command in ("pause", "pause", "resume", "resume"):
        p.run(command)
    assert p.emit().nothing


def test_a_reason_is_one_line_of_text_whatever_was_typed(p):
    """A terminal that is not set to UTF-8, a line break, an escape: the state holds text, and --json prints it."""
    p.agree(row("E1", "N1"))
    for command in (["hold", "E1"], ["pause"]):
        p.run(*command, "--reason", b"at the caf\xe9\nnow \x1b[31m".decode("utf-8", "surrogateescape"))
    told = "at the caf??now ?[31m"
    assert told in p.run("show", "E1").out
    assert json.loads(p.run("status", "--json").out)["paused"].endswith(told)
    assert told in p.run("status").out and "\x1b" not in p.run("resume").err
