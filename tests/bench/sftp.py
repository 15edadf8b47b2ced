#!/usr/bin/python3
"""How fast files come and go over SFTP, beside OpenSSH's own sftp; see README.md here.

Both talk to the same private sshd on loopback, in turn: once directly, once through a proxy that makes the way 40 ms
long there and back.  What is measured is the whole command, from its start to its end: `roundtrip fetch` and
`roundtrip push` against `sftp -b`.
"""
import argparse
import os
import pathlib
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "cli"), str(HERE.parent / "remote")]

from profile import Profile, row  # noqa: E402
from servers import Server  # noqa: E402

MIB = 1 << 20


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=1024, metavar="MIB", help="of the file on the direct way")
    parser.add_argument("--far-size", type=int, default=64, metavar="MIB", help="of the file on the long way")
    parser.add_argument("--round-trip", type=float, default=40, metavar="MS", help="of the long way")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--transport", default="sftp", choices=("sftp", "openssh"))
    parser.add_argument("--folder", help="where the files are made (default: memory, if it has room, else TMPDIR)")
    parser.add_argument("--only", choices=("get", "put"))
    return parser.parse_args()


class Spent:
    """Seconds on the clock, and of the processor in our own children (the server's are its own)."""

    def __init__(self, command, **more):
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, **more)
        self.wall = time.monotonic() - began
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        if done.returncode != 0:
            sys.exit(f"{command[0]} failed: {done.stderr.decode()}")


class Far:
    """The way to the server: direct, or through a delaying proxy, a process of its own."""

    def __init__(self, port, round_trip):
        self.port, self.process = port, None
        if round_trip > 0:
            self.process = subprocess.Popen([sys.executable, HERE.parent / "remote/proxy.py", str(port),
                                             str(round_trip / 2000)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            self.port = int(self.process.stdout.readline())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process is not None:
            self.process.communicate()


class Bench:
    def __init__(self, arguments, server, port, size):
        self.server, self.port, self.size, self.transport = server, port, size, arguments.transport
        self.folder = pathlib.Path(tempfile.mkdtemp(dir=server.path.parent))
        self.fresh, self.played = self.folder / "fresh", self.folder / "played"

    def make_profile(self):
        settings = self.server.settings(self.transport, port=str(self.port), timeout="60s")
        return Profile(self.fresh, external=settings, policy={"max_change_percent": "none"})

    def play(self, command):
        shutil.copytree(self.fresh, self.played)
        return Spent([os.environ["ROUNDTRIP"], command, "external"], cwd=self.played, env=self.profile.environment())

    def sftp(self, commands):
        options = ["-q", "-b", "-", "-i", self.server.path / "user_ed25519", f"-oPort={self.port}", "-oIdentitiesOnly=yes",
                   "-oStrictHostKeyChecking=no", "-oUserKnownHostsFile=/dev/null", "-oGlobalKnownHostsFile=/dev/null",
                   "-oLogLevel=ERROR", "-F", "none"]
        return Spent(["sftp", *options, f"{self.server.env['RT_USER']}@127.0.0.1"], input=commands.encode())

    def prepare_get(self):
        line = b"E%011d,N%011d,one,%s,a@example.org\n"
        text = b"".join(line % (n, n, b"x" * 940) for n in range(1024))
        there = self.server.root / "exports/big.csv"
        with there.open("wb") as file:
            for _ in range(max(self.size // len(text), 1)):
                file.write(text)
        os.utime(there, (1793500000, 1793500000))
        self.profile = self.make_profile()
        self.there, self.here = there, self.played / "inbox/external/big.csv"

    def prepare_put(self):
        """A delta of that size waits in the outbox: few rows with long notes."""
        profile = self.profile = self.make_profile()
        profile.run("fetch")
        body = "y" * min(MIB, self.size // 8)
        profile.drop("native", [row("", f"N{n}", body=body) for n in range(self.size // len(body))])
        delta, = profile.run("emit").out.splitlines()
        self.here = self.fresh / delta
        self.there = self.server.root / "imports" / self.here.name

    def check(self, target, size):
        if not target.exists() or target.stat().st_size != size:
            sys.exit(f"{target} did not come whole")

    def get_with_roundtrip(self):
        spent = self.play("fetch")
        self.check(self.here, self.there.stat().st_size)
        shutil.rmtree(self.played)
        return spent

    def get_with_sftp(self):
        target = self.folder / "copy"
        spent = self.sftp(f"get exports/big.csv {target}\n")
        self.check(target, self.there.stat().st_size)
        target.unlink()
        return spent

    def put_with_roundtrip(self):
        spent = self.play("push")
        self.check(self.there, self.here.stat().st_size)
        self.there.unlink()
        shutil.rmtree(self.played)
        return spent

    def put_with_sftp(self):
        spent = self.sftp(f"put {self.here} imports/{self.here.name}\n")
        self.check(self.there, self.here.stat().st_size)
        self.there.unlink()
        return spent

    def measure(self, direction, rounds):
        getattr(self, f"prepare_{direction}")()
        size = (self.there if direction == "get" else self.here).stat().st_size
        ours, theirs = [], []
        for _ in range(rounds):
            ours.append(getattr(self, f"{direction}_with_roundtrip")())
            theirs.append(getattr(self, f"{direction}_with_sftp")())
        shutil.rmtree(self.folder)
        self.server.clear()
        return size, ours, theirs


def tell(way, direction, size, ours, theirs):
    def show(spent):
        wall = statistics.median(s.wall for s in spent)
        return wall, f"{wall:7.2f} s {size / MIB / wall:6.0f} MiB/s {statistics.median(s.cpu for s in spent):6.2f} s cpu"

    (a, first), (b, second) = show(ours), show(theirs)
    print(f"{way:9} {direction} {size / MIB:6.0f} MiB  roundtrip {first}   sftp {second}   ratio {a / b:.2f}", flush=True)


def run(arguments, folder):
    server = Server(folder / "sshd")
    server.do("start")
    try:
        for way, round_trip, size in (("loopback", 0, arguments.size), (f"{arguments.round_trip:g} ms",
                                      arguments.round_trip, arguments.far_size)):
            for direction in ("get", "put") if arguments.only is None else (arguments.only,):
                if size == 0:
                    continue
                with Far(int(server.env["RT_PORT"]), round_trip) as far:
                    (folder / "work").mkdir(exist_ok=True)
                    bench = Bench(arguments, server, far.port, size * MIB)
                    tell(way, direction, *bench.measure(direction, arguments.rounds))
    finally:
        server.do("stop")


def choose_folder(arguments):
    memory = pathlib.Path("/dev/shm")
    if arguments.folder is not None:
        return arguments.folder
    return memory if memory.is_dir() and shutil.disk_usage(memory).free > 12 * arguments.size * MIB else None


def main():
    arguments = parse_arguments()
    if "ROUNDTRIP" not in os.environ:
        sys.exit("set ROUNDTRIP to the path of the program (a release build)")
    os.environ.setdefault("ROUNDTRIP_TIMEOUT", "3600")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the server must not outlive us
    os.environ["ROUNDTRIP"] = os.path.realpath(os.environ["ROUNDTRIP"])
    with tempfile.TemporaryDirectory(prefix="roundtrip-bench-", dir=choose_folder(arguments)) as folder:
        print(f"median of {arguments.rounds}, in turn, in {folder}; transport = {arguments.transport}", flush=True)
        run(arguments, pathlib.Path(folder))


if __name__ == "__main__":
    main()
