"""The state as text, and the same state made again from the archive: the two must be equal.

The profiles of every fifth black-box test (with LONG=1 or REBUILT=1 of all) are rebuilt from nothing when it ends (conftest.py), so
that their histories are also tests of rebuild.
"""
import os
import shutil
import sqlite3
import tempfile

import state_file

# What a fetch saw at the other end, and what waits to be done, are not part of the story.
LEFT_OUT = ("sighting", "move", "journal", "touched")    # the last: of which records a digest file, a cache, is not to be believed
COUNTERS = ("journal_length", "digests_external", "digests_native", "recent")


def dump(path):
    """{table: sorted rows}; a state that is not there is empty."""
    if not (path / "state.db").exists():
        return {}
    with tempfile.TemporaryDirectory() as folder:
        for name in ("state.db", "state.db-journal"):   # a hot journal is rolled back, in the copy
            if (path / name).exists():
                shutil.copy(path / name, folder)
        return read(f"{folder}/state.db")


def read(state):
    db = sqlite3.connect(state)
    db.text_factory = lambda text: text.decode("utf-8", "surrogateescape")    # headers are in their side's encoding
    tables = {n: sorted(db.execute(f"SELECT * FROM {n}").fetchall(), key=repr) for n in state_file.tables(db) if n not in LEFT_OUT}
    tables["meta"] = [row for row in tables["meta"] if row[0] not in COUNTERS]
    tables["file"] = [row for row in tables["file"] if row[9] in (1, 2, 3)]      # waiting ones are in the inbox
    db.close()
    return tables


def difference(one, other):
    """The rows that only one of them has, by table."""
    out = []
    for name in sorted(set(one) | set(other)):
        here, there = set(one.get(name, [])), set(other.get(name, []))
        out += [f"{name} lost  {r}" for r in here - there] + [f"{name} added {r}" for r in there - here]
    return "\n".join(out)


def rebuild(profile):
    """The profile without its state, and what rebuild makes of it."""
    for name in ("state.db", "state.db-journal"):
        (profile.path / name).unlink(missing_ok=True)
    return profile.run("rebuild", status=None)


def not_files(folder, names):
    """Pipes that a test has put there."""
    return [name for name in names if not any(f(os.path.join(folder, name)) for f in (os.path.isfile, os.path.isdir))]


def check(profile):
    """Rebuilds a copy of the profile and compares the two states; None, or what differs."""
    if not (profile.path / "archive/journal").exists() or not (profile.path / "state.db").exists():
        return None
    if profile.run("status", "-q", status=None).status or profile.run("check", "--state", "-q", status=None).status:
        return None                                     # damaged, restored, or with settings that are wrong: on purpose
    before = dump(profile.path)
    copy = profile.path.with_name(profile.path.name + ".rebuilt")
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(profile.path, copy, symlinks=True, ignore=not_files)
    original, profile.path = profile.path, copy
    try:
        result = rebuild(profile)
        if result.status:
            return str(result)
        return difference(before, dump(copy)) or None
    finally:
        profile.path = original
        shutil.rmtree(copy)
