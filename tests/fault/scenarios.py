"""What the fault tests run: small profiles, each brought to the point where one command does its work.

A scenario is a folder (profile, imports, exports) and a command.  The same command may be run twice without harm: that
is what every test here rests on.
"""
import os
import pathlib
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "cli"))

import rebuilt  # noqa: E402
from profile import MEMORY, SIDES, Profile, field, patience, row  # noqa: E402

LONG = os.environ.get("LONG") == "1"
tempfile.tempdir = MEMORY     # the program syncs much; nothing here has to last


def is_sanitized():
    """Built with a sanitizer: it wants more memory than a test may allow, and cannot be traced."""
    program = os.environ.get("ROUNDTRIP", "")
    return bool(program) and b"__asan_init" in pathlib.Path(program).read_bytes()


def may_trace():
    return bool(shutil.which("strace")) and not is_sanitized() and subprocess.run(
        ["strace", "-o", "/dev/null", "true"], capture_output=True).returncode == 0


def mend(profile):
    profile.settings["policy"].update(max_changes="none", max_change_percent="none")
    profile.write()


def first_load(folder):
    """Rows of both sides, one with both IDs, an edit on each side of it."""
    p = Profile(folder, external={"imports": "../imports/external"}, native={"imports": "../imports/native"})
    p.drop("external", [row("E1", summary="visit", body="a\nb"), row("E2", summary="call"), row("E3", "N3")])
    p.drop("native", [row("", "N9", summary="born native"), row("E3", "N3", body="other")])
    return p, ["emit"]


def agreed(folder, **settings):
    p = Profile(folder, external={"imports": "../imports/external", **settings.pop("external", {})},
                native={"imports": "../imports/native", **settings.pop("native", {})}, **settings)
    p.agree(row("E1", "N1"), row("E2", "N2"), row("E3", "N3"))
    p.tick()
    return p


def edits(folder):
    """Edits on both sides, a conflict, a rejected row, a refused file, a new row."""
    p = agreed(folder)
    p.drop("external", [row("E1", "N1", summary="two"), row("E2", "N2", body="ours"), row("E4", summary="new")],
           raw=None)
    text = p.text("native", [row("E2", "N2", body="theirs"), row("E3", "N3", email="b@example.org", body="x")])
    p.drop("native", raw=(text + "only one cell\n").encode())
    p.drop("native", raw=b"no,known,column\n1,2,3\n", name="native_2026-11-03T0500.csv")
    return p, ["emit"]


def snapshot(folder):
    """A snapshot against the digests of the last one: edited, new, missing and repeated rows."""
    p = agreed(folder, native={"content": "snapshot", "deletes": "review"})
    p.always["ROUNDTRIP_PATH"] = "digest"
    rows = [row(f"E{i}", f"N{i}") for i in range(1, 9)]
    p.drop("native", rows)
    p.emit()
    p.tick()
    p.drop("native", [dict(rows[0], summary="two"), *rows[2:5], dict(rows[5], body="b"), *rows[6:], rows[7], row("", "N9")])
    return p, ["emit"]


def waiting(folder):
    """Two deltas in the outbox, one of two parts."""
    p = agreed(folder, external={"batch_rows": "1"})
    p.drop("native", [row("E1", "N1", summary="two"), row("E2", "N2", summary="three")])
    p.drop("external", [row("E4", summary="new")])
    p.emit()
    return p


def push(folder):
    return waiting(folder), ["push"]


def withdraw(folder):
    return waiting(folder), ["withdraw", "3"]


def exports(folder, after="leave"):
    p = agreed(folder)
    p.settings["external"].update(exports="../exports", settle="0s", after_fetch=after)
    p.write()
    (p.path.parent / "exports").mkdir(exist_ok=True)
    for n, text in enumerate(("two", "three")):
        file = p.path.parent / "exports" / f"external_2026-11-0{n + 4}T0500.csv"
        file.write_bytes(p.text("external", [row("E1", "N1", summary=text), row(f"E{n + 5}")]).encode())
        os.utime(file, (1793000000 + n, 1793000000 + n))
    p.tick(72)
    return p


def fetch(folder):
    return exports(folder), ["fetch", "external"]


def fetch_move(folder):
    p = exports(folder, "move:../exports/done")
    (p.path.parent / "exports/done").mkdir(exist_ok=True)
    return p, ["fetch", "external"]


def fetch_delete(folder):
    return exports(folder, "delete"), ["fetch", "external"]


def backup(folder):
    return agreed(folder), ["backup", "../copy.db"]


def run(folder):
    p = exports(folder)
    p.drop("native", [row("E2", "N2", summary="four")])
    return p, ["run"]


def commands(folder):
    """The other end is reached by shell commands."""
    p = waiting(folder)
    p.settings["external"] = {"transport": "command", "extract": "cat ../exports.csv", "load": 'cp "$1" ../imports/external/',
                              "stamp": None}
    p.write()
    (p.path.parent / "exports.csv").write_text(p.text("external", [row("E1", "N1", summary="two"), row("E5")]))
    p.tick(1)
    return p


def extract(folder):
    return commands(folder), ["fetch", "external"]


def load(folder):
    return commands(folder), ["push"]


def unpaired(folder):
    p = Profile(folder, imports=False)
    p.drop("external", [row("E1"), row("E2")])
    p.drop("native", [row("", "N1", summary="other"), row("", "N2")])
    p.emit()
    p.tick()
    return p


def bind(folder):
    p = unpaired(folder)
    p.put("pairs.csv", "external_id,native_id\nE1,N1\nE2,N2\n")
    return p, ["bind", "pairs.csv"]


def review(folder):
    p = agreed(folder)
    p.drop("external", [row("E1", "N1", summary="ours"), row("E2", "N2", body="ours")])
    p.drop("native", [row("E1", "N1", summary="theirs"), row("E2", "N2", body="theirs")])
    p.sync()
    p.items()
    return p, ["review", "take", "all", "external", "--kind", "conflict"]


def baseline(folder):
    p = Profile(folder, imports=False)
    mend(p)
    p.put("e.csv", p.text("external", [row("E1", "N1"), row("E2", "N2", summary="x"), row("E3")]))
    p.put("n.csv", p.text("native", [row("E1", "N1"), row("E2", "N2", summary="y"), row("", "N7")]))
    return p, ["baseline", "--external", "e.csv", "--native", "n.csv", "--report", "r.csv"]


def confirm(folder):
    p = waiting(folder)
    p.push()
    p.tick()
    return p, ["confirm", "3"]


def accept_schema(folder):
    p = agreed(folder)
    p.schema.append(field("city"))
    p.write()
    return p, ["check", "--accept-schema"]


def lost_state(folder):
    p, _ = review(folder)
    p.run("review", "take", "all", "external", "--kind", "conflict")
    p.sync()
    (p.path / "state.db").unlink()
    return p, ["rebuild"]


def restored_state(folder):
    """The state is a copy from before the last day."""
    p, _ = review(folder)
    shutil.copy(p.path / "state.db", folder.parent / "state.db")
    p.run("review", "take", "all", "external", "--kind", "conflict")
    p.sync()
    shutil.move(folder.parent / "state.db", p.path / "state.db")
    return p, ["rebuild"]


ALL = {f.__name__: f for f in (first_load, edits, snapshot, push, withdraw, fetch, fetch_move, fetch_delete, run, extract, load, bind, review, baseline,
                               confirm, accept_schema, lost_state, restored_state, backup)}


# -- what is compared ------------------------------------------------------------------------------------------------
def is_idle(line):
    """What a second run of the same command, with nothing left to do, writes into the journal."""
    return any(f'"what":"{w}"' in line for w in ("begin", "end", "settings")) or (
        '"what":"emit"' in line and line.count('"delta":0') == 2)


def journal(text):
    """Its lines, whatever run they were written by."""
    return sorted(re.sub(r'"run":\d+', '"run":0', line) for line in text.decode().splitlines() if not is_idle(line))


RUN = {"file": 10, "delta": 9, "event": 2}              # the column that tells by which run


def count_runs(state):
    """A run more, which had nothing to do or could do nothing, is no difference: only runs that left something are counted."""
    state.pop("run", None)
    runs = sorted({row[at] for name, at in RUN.items() for row in state.get(name, ()) if row[at] is not None})
    for name, at in RUN.items():
        if name in state:
            state[name] = [(*row[:at], runs.index(row[at]) if row[at] is not None else None, *row[at + 1:]) for row in state[name]]
    return state


def look(folder):
    """Everything that a user or a later run can see: the files with their bytes, and the state."""
    out = {}
    for f in sorted(folder.rglob("*")):
        name = str(f.relative_to(folder))
        if f.is_dir() or f.name in (".lock", "state.db", "listed", ".listed") or f.name.startswith("state.db.old"):
            continue
        if f.name.startswith("state.digests-"):     # a cache: what it is worth shows in what comes out
            continue
        out[name] = journal(f.read_bytes()) if name.endswith("archive/journal") else f.read_bytes()
    state = count_runs(rebuilt.dump(folder / "p"))
    out.update((f"state {k}", v) for k, v in state.items())
    return out


def is_delta(name):
    """A file that others may take."""
    return re.search(r"(^|/)(outbox|imports)/\w+/[^./]", name) is not None


def tell(one, other):
    lines = []
    for name in sorted(set(one) | set(other)):
        a, b = one.get(name), other.get(name)
        if a == b:
            continue
        if isinstance(a, list) and isinstance(b, list):
            lines += [f"{name}: lost  {r}" for r in a if r not in b] + [f"{name}: added {r}" for r in b if r not in a]
        else:
            lines.append(f"{name}: {str(a)[:300]} -> {str(b)[:300]}")
    return "\n".join(lines)


class Scenario:
    def __init__(self, name, root):
        self.name, self.root, self.count = name, pathlib.Path(root), 0
        self.before = self.root / "before"
        self.before.mkdir(mode=0o700, parents=True)
        for side in SIDES:
            (self.before / "imports" / side).mkdir(parents=True)
        self.profile, self.args = ALL[name](self.before / "p")
        self.env = self.profile.environment()
        self.program = self.profile.command()[0]
        self.visible_before = look(self.before)
        work = self.fresh()
        first = self.run(work)
        self.status, self.after = first.returncode, look(work)
        second = self.run(work)
        self.ends = [self.after, look(work)]            # a baseline that was done notes each time that it was asked for again
        self.statuses = {first.returncode, second.returncode, self.run(work).returncode}
        self.ends.append(look(work))                    # as often as the recovery may be killed
        assert first.returncode in (0, 65), first.stderr
        self.step_names = self.name_steps()
        self.steps = len(self.step_names)

    def fresh(self):
        """The folder as it was before the command."""
        work = self.root / "work"
        shutil.rmtree(work, ignore_errors=True)
        shutil.copytree(self.before, work, symlinks=True)
        return work

    def run(self, work, fault=None, prefix=(), **more):
        env = dict(self.env, **({"ROUNDTRIP_FAULT": fault} if fault else {}), **more.pop("env", {}))
        return subprocess.run([*prefix, self.program, *self.args], cwd=work / "p", env=env, capture_output=True, text=True, errors="replace",
                              stdin=subprocess.DEVNULL, timeout=patience(), **more)

    def name_steps(self):
        file = self.root / "steps"
        file.unlink(missing_ok=True)
        self.run(self.fresh(), env={"ROUNDTRIP_STEPS": str(file)})
        return file.read_text().splitlines() if file.exists() else []

    def check_visible(self, work, what):
        """Nothing half done can be seen: each file is whole, as one was or as one will be (NAME.part: nobody takes it)."""
        seen = look(work)
        known = {name for _, _, name, *_ in seen.get("state part", ())} | {
            pathlib.Path(name).name for name in self.visible_before}
        whole = [v for v in (*self.visible_before.values(), *self.after.values()) if isinstance(v, bytes)]
        for name, value in seen.items():
            hidden = any(part.startswith(".") for part in pathlib.Path(name).parts) or "state.db" in name
            if not name.startswith("state ") and not hidden and not name.endswith(("archive/journal", ".part")):
                assert value in whole, f"{what}: half done: {name}"
                assert not is_delta(name) or pathlib.Path(name).name in known, f"{what}: the state does not know {name}"

    def check_same(self, work, what):
        end = look(work)
        assert end in self.ends, f"{what}: the end is another one:\n{tell(self.after, end)}"

    def check_recovered(self, work, what):
        """The same command again: the same end."""
        self.count += 1
        done = self.run(work)
        assert done.returncode in self.statuses, f"{what}: then {done.returncode}: {done.stderr}"
        self.check_same(work, what)
        with sqlite3.connect(f"file:{work / 'p/state.db'}?mode=ro", uri=True) as db:
            assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)], what
            for name, at in RUN.items():
                assert [column[1] for column in db.execute(f"PRAGMA table_info({name})")][at] == "run", f"{name}: mend RUN"
        db.close()


class Folder:
    """A folder for one test, gone after it."""

    def __enter__(self):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="roundtrip-fault-"))
        return self.path

    def __exit__(self, kind, value, trace):
        if kind is None or not os.environ.get("FAULT_KEEP"):
            shutil.rmtree(self.path, ignore_errors=True)


