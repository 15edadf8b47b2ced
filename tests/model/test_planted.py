"""The histories against a program with a known bug: one that they do not find within 300 would not be found if it were real.

ROUNDTRIP_PLANTED_PROGRAM is a build with lib/plant.h turned on; ROUNDTRIP_PLANTED says which bug is in.
"""
import os
import subprocess

import pytest

from test_model import play

WITHIN = 300
BUGS = ("single-base", "one-in-flight", "absence-deletes", "ledger-by-name", "pending-twice")


def first_failure(within):
    """The number of histories until one fails, and what it says; None if all are fine."""
    for number in range(within):
        problems = play(seed=number // 2, review=number % 2 == 1, keep=False)
        if problems:
            return number + 1, problems
    return None


@pytest.fixture
def planted(monkeypatch):
    program = os.environ.get("ROUNDTRIP_PLANTED_PROGRAM")
    if not program:
        pytest.skip("ROUNDTRIP_PLANTED_PROGRAM is not set: built without the planted bugs")
    monkeypatch.setenv("ROUNDTRIP", program)
    return lambda bug: monkeypatch.setenv("ROUNDTRIP_PLANTED", bug)


@pytest.mark.parametrize("bug", BUGS)
def test_histories_find_the_bug(planted, bug, capsys):
    planted(bug)
    found = first_failure(WITHIN)
    assert found, f"{bug}: not found in {WITHIN} histories"
    with capsys.disabled():
        print(f"\n{bug}: found by history {found[0]}: {found[1][1].splitlines()[0]}")


def test_without_a_bug_that_build_is_as_good_as_any(planted):
    planted("none")
    assert first_failure(10) is None


def test_ordinary_program_knows_nothing_of_it(monkeypatch):
    program = os.environ["ROUNDTRIP"]
    assert b"ROUNDTRIP_PLANTED" not in open(program, "rb").read()
    monkeypatch.setenv("ROUNDTRIP_PLANTED", BUGS[0])
    assert subprocess.run([program, "--version"], capture_output=True, check=False).returncode == 0
    assert first_failure(6) is None
