import itertools
import os
import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "cli"))

import profile as rt_profile  # noqa: E402
from servers import Server  # noqa: E402

assert hasattr(rt_profile, "SCHEMA"), "the standard library's profile module was imported in place of ours"


@pytest.fixture(scope="session")
def shared_server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("sshd"))
    server.do("start")
    yield server
    server.do("stop")


@pytest.fixture
def server(shared_server):
    """An sshd that is only talked to, with empty folders."""
    shared_server.clear()
    return shared_server


@pytest.fixture
def own_server(tmp_path):
    """An sshd of the test's own, to be stopped, started again, frozen."""
    server = Server(tmp_path / "sshd")
    server.do("start")
    yield server
    if server.is_running():
        server.do("stop")


@pytest.fixture
def proftpd(tmp_path):
    """A server of another make."""
    if os.getuid() != 0 or not pathlib.Path("/usr/lib/proftpd/mod_sftp.so").exists():
        pytest.skip("needs root, proftpd-core and proftpd-mod-crypto")
    server = Server(tmp_path / "proftpd", "proftpd")
    server.do("start")
    yield server
    server.do("stop")


@pytest.fixture
def make(tmp_path):
    """Make profiles: make(schema=..., external={...}, ...)."""
    numbers = itertools.count(1)

    def build(**settings):
        return rt_profile.Profile(tmp_path / f"profile{next(numbers)}", **settings)

    return build
