"""Every named step of every scenario: killed there, and failing there; then the same command again.

The end must be that of an undisturbed run: files, journal, state and exit status.  With the recovery killed as well,
too: for some scenarios at random pairs of steps (all pairs with LONG=1).
"""
import pathlib
import random
import re
import sqlite3

import pytest

from scenarios import ALL, LONG, Scenario

FAILURES = ("ENOSPC", "EIO", "EMFILE", "ECONNRESET")                    # the last: a lost link, or a file system that went away

ELSEWHERE = {"remote.connect", "remote.rename", "push.done"}


@pytest.mark.parametrize("name", ALL)
def test_killed_at_each_step(name, folder, points):
    s = Scenario(name, folder)
    assert s.steps > 0, "the program has no steps: build it with ROUNDTRIP_FAULTS"
    for n in range(1, s.steps + 1):
        work = s.fresh()
        assert s.run(work, f"{n}:kill").returncode == -9, f"step {n} was not reached"
        s.check_visible(work, f"killed at {n}")
        s.check_recovered(work, f"killed at {n}")
    points("kill", s.count)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("failure", FAILURES)
def test_each_step_fails(name, failure, folder, points):
    s = Scenario(name, folder)
    for n in range(1, s.steps + 1):
        if not LONG and failure not in FAILURES[:2] and n % 3:
            continue
        work, what = s.fresh(), f"{failure} at {n}"
        done = s.run(work, f"{n}:{failure}")
        wanted = {69, 74} | s.statuses if failure == "ECONNRESET" else {74}             # a lost link is made again
        assert done.returncode in wanted and done.stderr.strip(), f"{what}: {done.returncode} {done.stderr}"
        s.check_visible(work, what)
        s.check_recovered(work, what)
    points(failure, s.count)


@pytest.mark.parametrize("name", ("edits", "push") if not LONG else tuple(ALL))
def test_recovery_killed_as_well(name, folder, points):
    s = Scenario(name, folder)
    pairs = [(i, j) for i in range(1, s.steps + 1) for j in range(1, s.steps + 1)]
    for i, j in pairs if LONG else random.Random(7).sample(pairs, 50):
        work, what = s.fresh(), f"killed at {i}, the next at {j}"
        s.run(work, f"{i}:kill")
        s.run(work, f"{j}:kill")
        s.check_visible(work, what)
        s.check_recovered(work, what)
    points("kill twice", s.count)


def test_each_step_of_the_program_is_reached(folder, points):
    """Also those of connections, by tests/remote: what no test reaches, no test kills."""
    root = pathlib.Path(__file__).resolve().parents[2]
    named = {n for f in (root / "lib").glob("*.c") for n in re.findall(r'RT_STEP\("([\w.]+)"\)', f.read_text())}
    reached = set()
    for name in ALL:
        s = Scenario(name, folder / name)
        reached |= set(s.step_names)
    points("named step", len(named & reached))
    assert named - reached - ELSEWHERE == set()


@pytest.mark.parametrize("failure", FAILURES[:2])
def test_a_file_that_the_ledger_did_not_learn_of_is_not_in_the_inbox(failure, folder, points):
    """It would be taken in by the next command without what was said of it: its time, and that it is a snapshot."""
    s, tried = Scenario("edits", folder), 0
    s.profile.put("src.csv", s.profile.text("external", []))
    s.args = ["fetch", "external", "../../before/p/src.csv", "--snapshot", "--stamp", "2026-11-01"]
    for n in range(1, s.steps + 40):
        work = s.fresh()
        done = s.run(work, f"{n}:{failure}")
        if done.returncode == 0:
            break
        tried += 1
        assert done.returncode == 74, done.stderr
        with sqlite3.connect(f"file:{work / 'p/state.db'}?mode=ro", uri=True) as db:
            known = db.execute("SELECT is_snapshot FROM file WHERE path = 'inbox/external/src.csv'").fetchall()
        db.close()
        assert known == [(1,)] or not (work / "p/inbox/external/src.csv").exists(), f"{failure} at {n}"
    assert tried > 5
    points(failure, tried)
