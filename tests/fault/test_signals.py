"""What the process inherits, and signals.  SIGTERM: a clean end with a status that the manual knows, and the same command again does the rest."""
import re
import signal
import subprocess
import time

import pytest

from profile import patience, row
from scenarios import ALL, LONG, Scenario, agreed, may_trace
from test_syscalls import tracing


@pytest.mark.parametrize("name", ALL)
def test_asked_to_stop_at_each_step(name, folder, points):
    s = Scenario(name, folder)
    for n in range(1, s.steps + 1, 1 if LONG else 3):
        work, what = s.fresh(), f"SIGTERM at {n}"
        done = s.run(work, f"{n}:term")
        assert done.returncode in s.statuses | {2}, f"{what}: {done.returncode} {done.stderr}"
        assert done.returncode != 2 or "run it again" in done.stderr, what
        s.check_visible(work, what)
        s.check_recovered(work, what)
    points("SIGTERM", s.count)


@pytest.fixture
def large(folder):
    """A file that takes a while to read."""
    (folder / "imports/external").mkdir(parents=True)
    (folder / "imports/native").mkdir(parents=True)
    p = agreed(folder / "p", policy={"max_changes": "none", "max_change_percent": "none"})
    p.drop("external", [row(f"E{n}", summary=f"visit {n}") for n in range(10, 9000)])
    return p


def test_stopped_within_a_file_nothing_was_changed(large):
    before = large.snapshot()
    result = large.run("emit", status=2, ROUNDTRIP_FAULT="1:term")
    assert "stopped by a signal" in result.err
    after = large.snapshot()
    assert {k: v for k, v in after.items() if "state.db" not in k} == {
        k: v for k, v in before.items() if "state.db" not in k}
    large.run("check", "--state")
    assert len(large.emit().native) == 8990


def test_stopped_within_many_decisions_nothing_was_decided(folder):
    (folder / "imports/external").mkdir(parents=True)
    (folder / "imports/native").mkdir(parents=True)
    p = agreed(folder / "p")
    p.drop("external", raw=p.text("external", [row("E7"), row("E8")]).replace("E7,", "E7").replace("E8,", "E8"))
    p.emit()
    before = p.run("review", "--csv").out
    assert before.count("rejected") > 1
    result = p.run("review", "dismiss", "all", "--kind", "rejected", status=2, ROUNDTRIP_FAULT="1:term")
    assert "nothing was decided" in result.err
    assert p.run("review", "--csv").out == before
    p.run("review", "dismiss", "all", "--kind", "rejected")


def test_signals_and_kills_at_any_time_then_the_rest(large):
    """In real time: the end does not depend on when it came."""
    for n, number in enumerate((signal.SIGTERM, signal.SIGINT, signal.SIGKILL, signal.SIGTERM, signal.SIGKILL)):
        process = subprocess.Popen(large.command("emit"), cwd=large.path, env=large.environment(), stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        time.sleep(.02 * n)
        process.send_signal(number)
        _, err = process.communicate(timeout=patience())
        assert process.returncode in (0, 2, -number if number == signal.SIGKILL else 0, -number), err
    large.run("emit")
    rows = [line for name in large.listing("outbox/native") for line in
            (large.path / "outbox/native" / name).read_text().splitlines()[1:]]
    assert len(rows) == len(set(rows)) == 8990


@pytest.mark.skipif(not may_trace(), reason="strace is not there, or may not trace")
@pytest.mark.parametrize("closed", ("<&-", ">&-", "2>&-", "<&- >&- 2>&-"))
def test_no_message_goes_into_a_file(closed, folder):
    """With a standard descriptor closed, the next file that is opened would get its number."""
    s = Scenario("edits", folder)
    work, trace = s.fresh(), folder / "trace"
    done = subprocess.run([*tracing(trace, "trace=write"), "-y", "sh", "-c", f'exec "$0" "$@" {closed}', s.program, *s.args],
                          cwd=work / "p", env=s.env, capture_output=True)
    assert done.returncode in s.statuses | {74}                             # 74: what it should print cannot be printed
    into_files = [line for line in trace.read_text().splitlines() if re.search(rf"write\([012]<{folder}", line)]
    assert not into_files
    s.check_recovered(work, closed)
