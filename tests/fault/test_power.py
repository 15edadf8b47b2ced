"""Power cuts: the calls of a run are played against a weak file system (weak_disk.py), cut off at every point; from what
may be left of the disk, the same command again must come to the same end."""
import pytest

import rebuilt
import weak_disk
from scenarios import ALL, LONG, Scenario, may_trace

pytestmark = pytest.mark.skipif(not may_trace(), reason="strace is not there, or may not trace")
NAMES = ("edits", "snapshot", "push", "fetch_move", "review", "restored_state") if not LONG else tuple(
    n for n in ALL if n not in ("extract", "load"))     # what other programs write is not ours to sync
EVERY = 1 if LONG else 3


def cuts(s, every=1, fresh=""):
    """(what, work folder) for each different disk that a cut during the command may leave."""
    work = s.fresh()
    done, calls = weak_disk.record([s.program, *s.args], work / "p", s.env)
    assert done.returncode == s.status, done.stderr
    work = s.fresh()
    disk, seen, number = weak_disk.Disk(work, work / "p", fresh), set(), 0
    for k, call in enumerate(calls):
        if not disk.play(call):
            continue
        number += 1
        if number % every:
            continue
        for what, tree in disk.states(seed=k):
            key = hash(tuple(tree.items()))
            if key not in seen:
                seen.add(key)
                weak_disk.materialise(tree, work)
                yield f"power cut after call {k}, {call}: {what}", work
    assert number > 20, "the trace shows no work"
    # Played to its end, the model holds what the disk holds: nothing was misread.
    weak_disk.materialise(disk.tree(lambda c: True, weak_disk.File.now), work)
    s.check_same(work, "the model")


@pytest.mark.parametrize("name", NAMES)
def test_power_cut(name, folder, points):
    s = Scenario(name, folder)
    for what, work in cuts(s, EVERY):
        s.check_visible(work, what)
        s.check_recovered(work, what)
    assert s.count > 20
    points("power cut", s.count)


@pytest.mark.parametrize("name", ("first_load", "edits"))
def test_what_was_taken_in_is_there(name, folder, points):
    """Files that were copied into the inbox a moment ago: the cut may lose them, but not those that the state knows."""
    s = Scenario(name, folder)
    taken = 0
    for what, work in cuts(s, EVERY, fresh="inbox"):
        s.count += 1
        for _, _, file, digest, size, *_, path, _, _ in rebuilt.dump(work / "p").get("file", ()):
            places = [f for f in (work / "p" / path, *(work / "p/inbox").glob("*/" + file)) if f.exists()]
            assert any(f.stat().st_size == size for f in places), f"{what}: {file} was taken in, and is lost"
            taken += 1
        assert s.run(work).returncode in (0, 65), what
    assert taken
    points("power cut", s.count)
