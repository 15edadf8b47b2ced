#!/usr/bin/python3
"""How fast snapshots and files of changes are taken in, beside other programs; see README.md here.

Makes the data, a profile and its state, and runs everything in turn, round by round: each time the whole command, from
its start to its end, with its commit and fsync, against a fresh copy of the state, files in the page cache.  Prints medians
and the ratios that are the goals, and writes them as CSV and SVG.  The numbers of changes must agree (else status 1); times
are only told.
"""
import argparse
import collections
import json
import os
import pathlib
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

import peers
import tell

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SETTINGS = """[profile]
name = bench
[external]
label = platform
matches_by = either-id
[native]
label = database
content = changes
snapshot_pattern = [!c]*
[policy]
max_changes = none
max_change_percent = none
"""
ROLES = {peers.EXTERNAL: "external_id,id", peers.KEY: "native_id,id"}
# Long past: files that were just written are read twice, in case that they still grow.
TIMES = {"base": 1767312000, "next": 1767398400, "again": 1767398400, "changes": 1767398400}

Spent = collections.namedtuple("Spent", "wall cpu peak")  # seconds, seconds, MiB


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1000000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--large", action="store_true", help="also with ten times the rows (30 GB for 10 million)")
    parser.add_argument("--peers", default=",".join(p.word for p in peers.ALL), help="which, with commas (default: %(default)s)")
    parser.add_argument("--limit", type=int, default=600, metavar="SECONDS", help="leave out what takes longer")
    parser.add_argument("--folder", type=pathlib.Path, help="where the data is made, and removed (default: TMPDIR)")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "build/bench", help="for CSV and SVG (default: build/bench)")
    parser.add_argument("--cache", type=pathlib.Path, help="for DuckDB",
                        default=pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "roundtrip-bench")
    arguments = parser.parse_args()
    arguments.peers = arguments.peers.split(",")
    if arguments.rows < 1000:
        parser.error("--rows: at least 1000, since that many are changed")
    if unknown := set(arguments.peers) - {p.word for p in peers.ALL}:
        parser.error(f"unknown peer: {', '.join(sorted(unknown))}")
    return arguments


def fail(message):
    sys.exit(f"compare.py: {message}")


def do(*command, **more):
    if subprocess.run(command, stdout=subprocess.DEVNULL, **more).returncode != 0:
        fail(f"failed: {' '.join(map(str, command))}")


def build_program():
    """The release build, unless ROUNDTRIP names a program."""
    if "ROUNDTRIP" in os.environ:
        return os.path.realpath(os.environ["ROUNDTRIP"])
    do("cmake", "--preset", "release", cwd=ROOT)
    do("cmake", "--build", "--preset", "release", cwd=ROOT)
    return ROOT / "build/release/roundtrip"


def build_helper(name, folder):
    do(os.environ.get("CC", "cc"), "-O2", "-o", folder / name, HERE / f"{name}.c", "-lm")
    return folder / name


def link_or_copy(source, target):
    """The archive is never rewritten, so it need not be copied."""
    if "/archive/in/" in source:
        os.link(source, target)
    else:
        do("cp", "--reflink=auto", "--preserve=mode,timestamps", source, target)


def measure_fsync(folder):
    """Milliseconds that the disk needs for one small fsync: every run of ours waits for a handful of them."""
    spent = []
    with open(folder / "fsync", "wb", buffering=0) as file:
        for _ in range(20):
            file.write(bytes(4096))
            began = time.monotonic()
            os.fsync(file.fileno())
            spent.append(time.monotonic() - began)
    return statistics.median(spent) * 1000


def warm(*paths):
    """Into the page cache."""
    do("cat", *paths)


def cool(*paths):
    """Out of the page cache, where what is warm needs the room: ten million rows are 13 GB of state and file."""
    os.sync()
    for path in paths:
        file = os.open(path, os.O_RDONLY)
        os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(file)


class Data:
    """The files with so many rows, and the profile whose state holds the base."""

    def __init__(self, folder, rows, program):
        self.folder, self.rows, self.program = folder, rows, program
        self.profile, self.played = folder / "profile", folder / "played"
        folder.mkdir()

    def make(self, generator, is_large=False):
        self.base = self.generate(generator, "base")
        self.next = self.generate(generator, "next", "--next")
        self.again = None if is_large else self.generate(generator, "again", "--shuffle", "--quote-all")
        self.changes = {count: self.generate(generator, "changes", "--rows-changed", str(count)) for count in (1, 1000)}
        self.make_profile(self.played)
        do(self.program, "-C", self.played, "-q", "baseline", "--native", self.base)
        self.played.rename(self.profile)  # the state knows its folder: a copy is to be used where it was made

    def generate(self, generator, kind, *options):
        path = self.folder / f"{'-'.join([kind, *options[1:]])}.csv".replace("--", "")
        do(generator, str(self.rows), path, *options)
        os.utime(path, (TIMES[kind], TIMES[kind]))
        return path

    def make_profile(self, path):
        path.mkdir(mode=0o700)
        (path / "roundtrip.ini").write_text(SETTINGS)
        lines = [f"{name.lower()},{name},{name},{ROLES.get(name, ',text')}\n" for name in peers.header(self.base)]
        (path / "schema.csv").write_text("field,external,native,role,type\n" + "".join(lines))

    def play(self, incoming):
        """A fresh copy of the profile into whose inbox the file came."""
        self.clear()
        shutil.copytree(self.profile, self.played, copy_function=link_or_copy)
        os.link(incoming, self.played / "inbox/native" / incoming.name)
        cool(self.base, *self.profile.glob("state.*"))
        warm(*self.played.glob("state.*"), incoming)

    def clear(self):
        if self.played.exists():
            shutil.rmtree(self.played)


class Bench:
    def __init__(self, arguments, folder):
        self.limit, self.rounds, self.folder = arguments.limit, arguments.rounds, folder
        self.program, self.launcher = build_program(), build_helper("spent", folder)
        self.out = folder / "out"
        self.out.mkdir()
        self.measured = collections.defaultdict(list)  # (case, rows, label): Spents
        self.deltas = collections.defaultdict(dict)  # rows: label: Delta
        self.peers = [kind(arguments.cache) for kind in peers.ALL if kind.word in arguments.peers]
        for peer in [p for p in self.peers if p.missing()]:
            self.leave_out(peer, peer.missing())

    def leave_out(self, peer, why):
        print(f"left out: {peer.label}: {why}", flush=True)
        self.peers.remove(peer)

    def clear(self):
        for path in self.out.iterdir():
            path.unlink()

    def measure(self, command):
        """Runs it; gives what it took, or None if it took too long."""
        os.sync()
        come, go = os.pipe()
        with open(self.out / "stdout", "w+b") as out, open(self.out / "stderr", "w+b") as err:
            process = subprocess.Popen([self.launcher, str(go), *command.arguments], stdin=subprocess.PIPE, stdout=out, stderr=err,
                                       pass_fds=[go], start_new_session=True, env={**os.environ, **command.environment})
            os.close(go)
            try:
                process.communicate(command.input.encode(), timeout=self.limit)
            except subprocess.TimeoutExpired:
                return None
            finally:
                if process.poll() is None:  # its group too: the launcher cannot stop what it runs
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()
            with open(come) as figures:
                figures = figures.read().split()
        if process.returncode not in command.statuses:
            fail(f"{command.arguments[0]}: status {process.returncode}: {(self.out / 'stderr').read_text()}")
        return Spent(float(figures[0]), float(figures[1]), int(figures[2]) / 1024)

    def measure_ours(self, case, data, *arguments):
        """One command of ours against what was prepared; gives the object that it prints."""
        command = peers.Command([self.program, "-C", data.played, *arguments, "--json"])
        spent = self.measure(command)
        if spent is None:
            fail(f"{case}: took longer than {self.limit} s; see --limit")
        self.measured[case, data.rows, tell.OURS].append(spent)
        return json.loads((self.out / "stdout").read_text())

    def emit(self, case, data, incoming):
        """Gives what the file showed, with the IDs that are in the delta for the other side."""
        data.play(incoming)
        counts = self.measure_ours(case, data, "emit")["native"]["in"]
        keys = [key for path in data.played.glob("outbox/external/*.csv") for key in peers.keys(path)]
        delta = peers.Delta(counts["new"], counts["changed"], counts["missing"], frozenset(keys))
        if len(keys) != delta.new + delta.changed or len(delta.keys) != len(keys):
            fail(f"{case}: {delta.new} new and {delta.changed} changed rows, but {len(keys)} in the delta")
        data.clear()
        return delta

    def snapshot(self, data):
        self.deltas[data.rows][tell.OURS] = self.emit(tell.SNAPSHOT, data, data.next)

    def changes(self, data):
        for count, path in data.changes.items():
            if self.emit(tell.CHANGES[count], data, path) != (0, count, 0, frozenset(peers.keys(path))):
                fail(f"emit of {count} changes: not those are in the delta")

    def again(self, data):
        """The base itself, written otherwise: nothing may look changed."""
        if (delta := self.emit(tell.AGAIN, data, data.again)) != (0, 0, 0, frozenset()):
            fail(f"emit of the same rows, quoted and shuffled: {delta[:3]} new, changed, gone")

    def first_load(self, data):
        data.make_profile(data.played)
        warm(data.base)
        printed = self.measure_ours(tell.FIRST, data, "baseline", "--native", data.base)
        if printed["agreed"] + printed["only_native"] != data.rows:
            fail(f"baseline: {printed}")
        data.clear()

    def peer_delta(self, peer, data):
        self.clear()
        warm(data.base, data.next)
        if (spent := self.measure(peer.command(data.base, data.next, self.out))) is None:
            return self.leave_out(peer, f"took longer than {self.limit} s")
        self.measured[tell.SNAPSHOT, data.rows, peer.label].append(spent)
        if delta := peer.delta(self.out):
            self.deltas[data.rows][peer.label] = delta

    def peer_first_load(self, peer, data):
        self.clear()
        warm(data.base)
        if spent := self.measure(peer.first_load(data.base, self.out)):
            self.measured[tell.FIRST, data.rows, peer.label].append(spent)

    def check_deltas(self):
        for rows, deltas in self.deltas.items():
            delta = deltas[tell.OURS]
            if others := [f"{label} {other[:3]}" for label, other in deltas.items() if other != delta]:
                fail(f"of {rows:,} rows we find {delta[:3]} new, changed, gone; not the same rows: {', '.join(others)}")
            print(f"{rows:,} rows: {delta.new} new, {delta.changed} changed, {delta.gone} gone, the same for {', '.join(deltas)}")

    def run(self, data):
        for peer in self.peers:
            peer.prepare(data.base, self.folder)
        for n in range(self.rounds):
            print(f"{data.rows:,} rows, round {n + 1} of {self.rounds}", flush=True)
            self.snapshot(data)
            for peer in list(self.peers):
                self.peer_delta(peer, data)
            self.changes(data)
            self.again(data)
            self.first_load(data)
            for peer in [p for p in self.peers if hasattr(p, "first_load")]:
                self.peer_first_load(peer, data)

    def run_large(self, data):
        lines = [peer for peer in self.peers if peer.word == "wc"]
        for n in range(self.rounds):
            print(f"{data.rows:,} rows, round {n + 1} of {self.rounds}", flush=True)
            self.snapshot(data)
            for peer in lines:
                self.peer_delta(peer, data)
            self.changes(data)


def main():
    arguments = parse_arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the data is removed
    with tempfile.TemporaryDirectory(prefix="roundtrip-bench-", dir=arguments.folder) as name:
        folder = pathlib.Path(name)
        bench, generator = Bench(arguments, folder), build_helper("generate", folder)
        data = Data(folder / "data", arguments.rows, bench.program)
        data.make(generator)
        bench.run(data)
        if arguments.large:
            shutil.rmtree(data.folder)
            data = Data(folder / "large", arguments.rows * 10, bench.program)
            data.make(generator, is_large=True)
            bench.run_large(data)
        bench.check_deltas()
        tell.tell(bench.measured, measure_fsync(folder), arguments)


if __name__ == "__main__":
    main()
