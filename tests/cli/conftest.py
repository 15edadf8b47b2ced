import itertools

import pytest

import profile as rt_profile

assert hasattr(rt_profile, "SCHEMA"), "the standard library's profile module was imported in place of ours"


def pytest_configure(config):
    config.addinivalue_line("markers", "review: needs the review list or hold")
    config.addinivalue_line("markers", "later: deletes, loops, absence, suspected duplicates, hold, guards")
    config.addinivalue_line("markers", "slow: takes more than a few seconds")


@pytest.fixture
def make(tmp_path):
    """Make profiles: make(schema=..., external={...}, ...)."""
    numbers = itertools.count(1)

    def build(**settings):
        return rt_profile.Profile(tmp_path / f"profile{next(numbers)}", **settings)

    return build


@pytest.fixture
def p(make):
    """A plain profile: no preset, deltas handed over into imports/."""
    return make()


@pytest.fixture
def pair(p):
    """One interaction, E1 and N1, the same on both sides, nothing under way."""
    return p.agree(rt_profile.row("E1", "N1"))
