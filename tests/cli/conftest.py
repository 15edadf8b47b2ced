import itertools
import os

import pytest

import profile as rt_profile
import rebuilt

assert hasattr(rt_profile, "SCHEMA"), "the standard library's profile module was imported in place of ours"


def pytest_configure(config):
    config.addinivalue_line("markers", "review: needs the review list or hold")
    config.addinivalue_line("markers", "later: deletes, loops, absence, suspected duplicates, hold, guards")
    config.addinivalue_line("markers", "slow: takes more than a few seconds")


@pytest.fixture
def make(tmp_path):
    """Make profiles: make(schema=..., external={...}, ...)."""
    numbers, made = itertools.count(1), []

    def build(**settings):
        made.append(rt_profile.Profile(tmp_path / f"profile{next(numbers)}", **settings))
        return made[-1]

    yield build
    for profile in made if os.environ.get("REBUILT") else ():
        difference = rebuilt.check(profile)
        assert difference is None, f"a rebuilt state is another one:\n{difference}"


@pytest.fixture
def p(make):
    """A plain profile: no preset, deltas handed over into imports/."""
    return make()


@pytest.fixture
def pair(p):
    """One interaction, E1 and N1, the same on both sides, nothing under way."""
    return p.agree(rt_profile.row("E1", "N1"))
