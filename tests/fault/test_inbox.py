"""Inboxes and exports are everybody's folders: what others put in the place of a file that was read is for the next run."""
import shutil
import subprocess
import time

import pytest

import rebuilt
from profile import patience, row
from scenarios import agreed, may_trace
from test_syscalls import tracing

NAME = "export.csv"
FIRST, SECOND = row("E1", "N1", summary="first"), row("E2", "N2", summary="second, and longer")


def drop(p, what, by_rename=True):
    """As scripts do; or written over what is there."""
    text = p.text("external", [what]).encode()
    if by_rename:
        p.put("new", text).rename(p.path / "inbox/external" / NAME)
    else:
        p.put(f"inbox/external/{NAME}", text)


@pytest.fixture
def p(folder):
    for side in ("external", "native"):
        (folder / "imports" / side).mkdir(parents=True)
    p = agreed(folder / "p", external={"stamp": None})
    drop(p, FIRST)
    return p


def kill_at_each_step(p):
    """Yields after each kill of an emit, with the profile as it left it."""
    before, steps = p.path.parent / "before", p.path.parent / "steps"
    shutil.copytree(p.path, before)
    p.run("emit", ROUNDTRIP_STEPS=str(steps))
    for n in range(1, len(steps.read_text().split()) + 1):
        shutil.rmtree(p.path)
        shutil.copytree(before, p.path)
        done = subprocess.run(p.command("emit"), cwd=p.path, env=p.environment(ROUNDTRIP_FAULT=f"{n}:kill"), capture_output=True)
        assert done.returncode == -9, f"step {n}"
        yield n


def summaries(p):
    """What was sent."""
    return "".join(f.read_text() for f in p.files_under("outbox/native"))


def test_another_file_of_that_name(p, points):
    kept = 0
    for n in kill_at_each_step(p):
        drop(p, SECOND)
        p.run("emit")
        p.run("emit")
        assert "second" in summaries(p), f"killed at {n}: the new file was lost"
        assert not p.listing("inbox/external")
        assert rebuilt.check(p) is None, f"killed at {n}"
        kept += "first" in summaries(p)
        points("file replaced after a kill")
    assert kept >= 10, "there is no step after the commit"


def test_the_same_file_written_over(p, points):
    """Its old bytes are gone; what it holds now is not."""
    told = 0
    for n in kill_at_each_step(p):
        drop(p, SECOND, by_rename=False)
        told += "written to after it was read" in p.run("emit").err
        p.run("emit")
        assert "second" in summaries(p), f"killed at {n}: the new file was lost"
        assert not p.listing("inbox/external")
        points("file written over after a kill")
    assert told > 3


def test_it_stays_what_it_was_where_it_cannot_have_two_names(p):
    """Such as a FAT file system: killed after the commit, and the hidden name is not there."""
    for n in kill_at_each_step(p):
        for name in (p.path / "inbox/external").glob(".roundtrip-*"):
            name.unlink()
        drop(p, SECOND)
        p.run("emit")
        p.run("emit")
        assert "second" in summaries(p), f"killed at {n}: the new file was lost"


def test_what_is_taken_away_is_told(p):
    """Between its reading and its move there is nothing left to keep, where it cannot have two names."""
    told = 0
    for _ in kill_at_each_step(p):
        for name in (p.path / "inbox/external").glob("*"):
            name.unlink()
        for name in (p.path / "inbox/external").glob(".roundtrip-*"):
            name.unlink()
        told += "export.csv: taken away before it could be moved to archive/in" in p.run("emit").err
    assert told > 3


@pytest.mark.skipif(not may_trace(), reason="strace is not there, or may not trace")
@pytest.mark.parametrize("after", ("delete", "move:../exports/done"))
def test_a_new_export_of_that_name(p, folder, after):
    """Put there while the old one, which was read, is made durable: it is not removed in its place."""
    exports = folder / "exports"
    (exports / "done").mkdir(parents=True)
    p.settings["external"].update(exports="../exports", settle="0s", after_fetch=after)
    p.write()
    (exports / NAME).write_text(p.text("external", [row("E3", "N3", summary="third")]))
    run = subprocess.Popen([*tracing("/dev/null", "trace=fsync,fdatasync", "inject=fsync,fdatasync:delay_enter=300000"), *p.command("fetch")],
                           cwd=p.path, env=p.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    while not any(f.stat().st_size for f in (p.path / "inbox/external").glob(f".roundtrip-{NAME}*")):
        assert run.poll() is None                       # until it is read, and on its way to the disk
        time.sleep(.01)
    (folder / "new").write_text(p.text("external", [SECOND]))
    (folder / "new").rename(exports / NAME)
    _, err = run.communicate(timeout=patience())
    assert run.returncode == 0 and "left for the next fetch" in err, err
    p.run("fetch")
    assert not list(exports.glob("*.csv"))
    p.run("emit")
    assert "second" in summaries(p)
