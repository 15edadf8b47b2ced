import itertools
import os
import zlib

import pytest

import profile as rt_profile
import rebuilt

assert hasattr(rt_profile, "SCHEMA"), "the standard library's profile module was imported in place of ours"


def pytest_configure(config):
    config.addinivalue_line("markers", "review: needs the review list or hold")
    config.addinivalue_line("markers", "later: deletes, loops, absence, suspected duplicates, hold, guards")
    config.addinivalue_line("markers", "slow: takes more than a few seconds")


def is_rebuilt(test):
    """Is the state of this test's profiles made again from the archive at its end?  REBUILT=1: always, 5: one in five, as is
    usual but for LONG=1, and but for the large ones; 0: never."""
    is_long = os.environ.get("LONG") == "1"
    one_in = int(os.environ.get("REBUILT", "1" if is_long else "5"))
    if test.get_closest_marker("slow") and not is_long:
        return False
    return one_in and zlib.crc32(test.nodeid.encode()) % one_in == 0


@pytest.fixture
def make(tmp_path, request):
    """Make profiles: make(schema=..., external={...}, ...)."""
    numbers, made = itertools.count(1), []

    def build(**settings):
        made.append(rt_profile.Profile(tmp_path / f"profile{next(numbers)}", **settings))
        return made[-1]

    yield build
    for profile in made if is_rebuilt(request.node) else ():
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
