"""What users of five systems rely on, one test or more for each behaviour, driven through the program alone."""
import itertools
import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/cli"))

import profile as rt_profile  # noqa: E402


@pytest.fixture
def make(tmp_path):
    numbers = itertools.count(1)

    def build(**settings):
        return rt_profile.Profile(tmp_path / f"profile{next(numbers)}", **settings)

    return build


@pytest.fixture
def p(make):
    return make()


@pytest.fixture
def pair(p):
    """One interaction, E1 and N1, the same on both sides."""
    return p.agree(rt_profile.row("E1", "N1"))
