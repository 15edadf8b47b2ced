"""The power cuts against a program with a known bug: those that they do not find would not be found if they were real.

ROUNDTRIP_PLANTED_PROGRAM is a build with lib/plant.h turned on; ROUNDTRIP_PLANTED says which bug is in.
"""
import os
import sqlite3

import pytest

from scenarios import Scenario
from test_power import cuts, pytestmark  # noqa: F401

BUGS = ("no-fsync", "no-folder-fsync", "state-unsynced", "file-first", "no-recovery")


@pytest.fixture
def planted(monkeypatch):
    program = os.environ.get("ROUNDTRIP_PLANTED_PROGRAM")
    if not program:
        pytest.skip("ROUNDTRIP_PLANTED_PROGRAM is not set: built without the planted bugs")
    monkeypatch.setenv("ROUNDTRIP", program)
    return lambda bug: monkeypatch.setenv("ROUNDTRIP_PLANTED", bug)


def first_failure(s, every):
    for what, work in cuts(s, every):
        try:
            s.check_visible(work, what)
            s.check_recovered(work, what)
        except (AssertionError, sqlite3.DatabaseError) as fault:
            return str(fault).splitlines()[0]
    return None


@pytest.mark.parametrize("bug", BUGS)
def test_power_cuts_find_the_bug(planted, bug, folder, points):
    planted(bug)
    s = Scenario("edits", folder)
    found = first_failure(s, every=7) or first_failure(s, every=1)
    assert found, f"{bug}: not found in {s.count} cuts"
    points(f"until {bug} was found", s.count + 1)


def test_without_a_bug_that_build_is_as_good_as_any(planted, folder, points):
    planted("none")
    s = Scenario("edits", folder)
    assert first_failure(s, every=9) is None
    points("power cut", s.count)
