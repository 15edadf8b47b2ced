import itertools
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "cli"))

import profile as rt_profile  # noqa: E402

assert hasattr(rt_profile, "SCHEMA"), "the standard library's profile module was imported in place of ours"


class Server:
    """A private sshd (sshd.sh): what it serves is in root, what one needs to talk to it in env."""

    def __init__(self, folder, make="sshd"):
        self.path = pathlib.Path(folder)
        self.script = HERE / f"{make}.sh"
        self.root = self.path / "root"
        self.env = {}

    def do(self, verb, *lines, **env):
        done = subprocess.run(["sh", self.script, verb, self.path, *lines], capture_output=True, text=True,
                              env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", **env}, timeout=60)
        assert done.returncode == 0, done.stderr
        file = self.path / "env"
        self.env = dict(line.split("=", 1) for line in file.read_text().splitlines())

    def is_running(self):
        return (self.path / "pid").exists()

    def settings(self, transport, **more):
        return {"transport": transport, "host": "127.0.0.1", "port": self.env["RT_PORT"], "user": self.env["RT_USER"],
                "identity": str(self.path / "user_ed25519"), "host_key": self.env["RT_PIN_ED25519"],
                "exports": "exports", "imports": "imports", "timeout": "5s", "retries": "0", "settle": "0s", **more}

    def clear(self):
        for name in ("exports", "imports"):
            shutil.rmtree(self.root / name, ignore_errors=True)
            (self.root / name).mkdir()


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
