"""The servers of these tests, as the shell scripts beside this file start them."""
import pathlib
import shutil
import subprocess

from profile import patience

HERE = pathlib.Path(__file__).resolve().parent


class Server:
    """A private sshd (sshd.sh): what it serves is in root, what one needs to talk to it in env."""

    def __init__(self, folder, make="sshd"):
        self.path = pathlib.Path(folder)
        self.script = HERE / f"{make}.sh"
        self.root = self.path / "root"
        self.env = {}

    def do(self, verb, *lines, **env):
        done = subprocess.run(["sh", self.script, verb, self.path, *lines], capture_output=True, text=True,
                              env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", **env}, timeout=patience())
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
