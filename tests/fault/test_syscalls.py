"""Below the named steps: every system call that changes something, killed in it and failing, found by strace.

Needs strace and the right to trace; skipped with a word where that is not there.
"""
import re
import subprocess

import pytest

from scenarios import LONG, Scenario, may_trace

CALLS = ("openat", "write", "pwrite64", "ftruncate", "fsync", "fdatasync", "rename", "renameat2", "link", "unlink",
         "unlinkat", "mkdir", "fchmod", "fchown", "utimensat", "close", "fcntl")
FAILING = {"ENOSPC": ("openat", "write", "pwrite64", "mkdir", "rename", "renameat2", "link"),
           "EIO": ("write", "pwrite64", "ftruncate", "fsync", "fdatasync", "unlink", "rename", "renameat2", "read", "pread64")}
NEVER_IGNORED = ("pwrite64", "ftruncate", "fdatasync", "rename", "renameat2", "link")
NAMES = ("edits", "push") if not LONG else ("first_load", "edits", "push", "fetch_move", "run", "review", "baseline",
                                            "lost_state", "restored_state")


pytestmark = pytest.mark.skipif(not may_trace(), reason="strace is not there, or may not trace")


def tracing(file, *expressions):
    return ["strace", "-f", "-qq", "-o", str(file), *(w for e in expressions for w in ("-e", e))]


def may_be_ignored(call, path, synced_before):
    """Who holds the lock, for messages; and SQLite itself passes over a folder that cannot be synced after its journal was
    made: should power then fail in the middle of this commit too, the checksums of the pages tell that the state is damaged."""
    return path.endswith("/.lock") or (
        call == "fdatasync" and path.endswith("/p") and synced_before.endswith("-journal"))


def list_calls(s):
    """The calls of an undisturbed run: {name: [may_be_ignored, ...]}."""
    file = s.root / "trace"
    names = sorted(set(CALLS) | {n for names in FAILING.values() for n in names})
    done = s.run(s.fresh(), prefix=[*tracing(file, "trace=" + ",".join(names)), "-y"])
    assert done.returncode == s.status, done.stderr
    calls, synced = {}, ""
    for line in file.read_text().splitlines():
        found = re.match(r"\d+\s+(\w+)\((?:\d+<([^>]*)>)?", line)
        if not found:
            continue
        call, path = found[1], found[2] or ""
        calls.setdefault(call, []).append(may_be_ignored(call, path, synced))
        synced = path if call == "fdatasync" else synced
    assert len(calls.get("fdatasync", ())) + len(calls.get("fsync", ())) > 5, "the trace shows no work"
    return calls


def some(times, every):
    """All of them, or in CI a part that moves on with each call's number."""
    return range(1, times + 1) if LONG else range(1 + times % every, times + 1, every)


def look_at_hot_state(s, work, what):
    """A reader finds the state as it was before, also where a run was killed within its commit."""
    journal = work / "p/state.db-journal"
    if not journal.exists() or s.args[0] == "rebuild":
        return 0
    is_hot = journal.stat().st_size > 0 and journal.read_bytes()[:8] != bytes(8)
    for command in (["status"], ["diff"]) + ((["log"], ["check", "--state"]) if LONG else ()):
        done = subprocess.run([s.program, *command], cwd=work / "p", env=s.env, capture_output=True, text=True)
        assert done.returncode in {0} | s.statuses, f"{what}: {command[0]}: {done.returncode} {done.stderr}"
    s.check_visible(work, what)
    return is_hot


@pytest.mark.parametrize("name", NAMES)
def test_killed_in_each_call(name, folder, points):
    s, hot = Scenario(name, folder), 0
    for call, places in list_calls(s).items():
        if call not in CALLS:
            continue
        for k in some(len(places), 11 if call in ("close", "openat", "fcntl") else 4):
            work, what = s.fresh(), f"killed in {call} {k}"
            s.run(work, prefix=tracing("/dev/null", f"trace={call}", f"inject={call}:signal=KILL:when={k}"))
            s.check_visible(work, what)
            hot += look_at_hot_state(s, work, what)
            s.check_recovered(work, what)
    points("kill in a system call", s.count)
    points("of these, with a hot journal that readers met", hot)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("failure", FAILING)
@pytest.mark.parametrize("lasting", (False, True))
def test_each_call_fails(name, failure, lasting, folder, points):
    s = Scenario(name, folder)
    calls = list_calls(s)
    for call in FAILING[failure]:
        for k in some(len(calls.get(call, ())), 12 if call in ("read", "pread64", "openat") else 5):
            work, what = s.fresh(), f"{call} {k} fails with {failure}" + (" from then on" if lasting else "")
            done = s.run(work, prefix=tracing("/dev/null", f"trace={call}",
                                              f"inject={call}:error={failure}:when={k}{'+' if lasting else ''}"))
            # 127: the loader's own calls; 1 and 2 mean something else
            assert done.returncode in {74, 69, 77, 78, 127, 70, 2} | s.statuses, f"{what}: {done.returncode} {done.stderr}"
            ignored = all(calls[call][k - 1:] if lasting else calls[call][k - 1:k])
            assert ignored or call not in NEVER_IGNORED or done.returncode != s.status, f"{what}: ignored: {done.stderr}"
            s.check_visible(work, what)
            s.check_recovered(work, what)
    points(f"{failure} in a system call", s.count)
