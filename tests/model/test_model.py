"""Random days of two simulated systems around the real program.

Two stores have users, imports and exports of their own.  Imports are late, loaded twice or drop some of their rows;
exports get lost, come twice, late, in another order, cut or garbled, under a name that they had before, with bytes that
they had before, or as snapshots that leave out records: deleted ones, and ones that are there.  After the random days
the world is left alone until nothing moves; then ten quiet days must emit nothing, no row may be there twice, both sides
must hold the same, and each edit that an accepted file showed must be there, have been replaced, or be told by the
review list or the record's story.

HISTORIES=150 says how many of each kind (3000 with LONG=1), FIRST=0 where the seeds begin, DAYS=6 how long.  A failed history keeps its folder and
prints its seed; `python3 test_model.py SEED [review]` plays one with a transcript.
"""
import datetime
import os
import pathlib
import random
import re
import shutil
import sys
import tempfile

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "cli"))

from profile import EMAIL, IDS, MEMORY, OTHER, SIDES, Delta, Profile, field  # noqa: E402

E, N = SIDES
TWO_WAY = ("kind", "summary", "body")
ONE_WAY = {"email": N}
FIELDS = TWO_WAY + tuple(ONE_WAY)
SCHEMA = IDS + [field(f) for f in TWO_WAY] + [EMAIL]
HISTORIES = int(os.environ.get("HISTORIES", "3000" if os.environ.get("LONG") == "1" else "150"))
FIRST = int(os.environ.get("FIRST", "0"))
LENGTH = int(os.environ.get("DAYS", "6"))
LAG = 5                                          # hours; every import lands within it
TEXT = re.compile(r"v\d+\.")
DECIDED = {"conflict": "take", "first-seen": "take", "not-taken": "either", "flapping": "either", "altered": "accept",
           "refused": "accept"}
ABSENT = ("missing", "edit-vs-delete")           # of snapshots alone
UNEXPECTED = ("clash", "suspected", "repeated", "rejected", "read-only", "went-back")


class System:
    """A store with users: own id -> [content, id of the other side, truth]; truth only serves the checks."""

    def __init__(self, side, shows_imports, upsert_by_other):
        self.side, self.shows_imports, self.upsert_by_other = side, shows_imports, upsert_by_other
        self.rows, self.next, self.dirty = {}, 1, set()
        self.truths = {}                                 # of all own ids that there ever were

    def create(self, content, other, truth):
        own = f"{self.side[0].upper()}{self.next}"
        self.next += 1
        self.rows[own] = [{**dict.fromkeys(FIELDS, ""), **content}, other, truth]
        self.dirty.add(own)
        self.truths[own] = truth

    def load(self, own, other, content, truth, overwritten):
        if own is None and other is not None and self.upsert_by_other:
            own = next((k for k, v in self.rows.items() if v[1] == other), None)
        if own is None:
            self.create(content, other, truth)
            return
        if own not in self.rows:                         # deleted here meanwhile
            return
        record = self.rows[own]
        before = dict(record[0]), record[1]
        for f, v in content.items():
            if record[0][f] != v:
                overwritten(self.side, record[2], f, record[0][f])
        record[0].update(content)
        record[1] = other or record[1]
        if self.shows_imports and before != (record[0], record[1]):
            self.dirty.add(own)

    def export(self, everything):
        ids = list(self.rows) if everything else sorted(self.dirty)
        self.dirty.clear()
        return [(own, self.rows[own][1], dict(self.rows[own][0]), self.rows[own][2]) for own in ids]


class History:
    def __init__(self, seed, review, folder):
        self.rnd = rnd = random.Random(seed)
        self.review = review
        by_other = rnd.random() < .5
        policy = {"conflict": rnd.choice([E, N, "review"] if review else [E, N]), "import_lag": f"{LAG}h",
                  "not_taken": "review" if review and rnd.random() < .7 else "resend", "overdue": "365d"}
        self.snapshots = rnd.random() < .4               # a full export of the database holds everything: absence counts
        self.one_name = rnd.random() < .3                # the database writes each export over the one before
        shows = rnd.random() < .5
        self.with_imports = rnd.random() < .8
        self.p = Profile(folder, schema=SCHEMA, policy=policy, imports=self.with_imports,
                         external={"shows_imports": "yes" if shows else "no"},
                         native={"matches_by": "either-id" if by_other else "own-id",
                                 "deletes": rnd.choice(["ignore", "review"]) if review else "ignore",
                                 **({"snapshot_pattern": "*full*"} if self.snapshots else {}),
                                 **({"stamp": "mtime"} if self.one_name else {})})
        self.systems = {E: System(E, shows, True), N: System(N, True, by_other)}
        self.lossy = rnd.choice([0, 0, .1]) if review else 0
        self.broken = review and rnd.random() < .4       # cut and garbled exports need a decision
        self.fine = (0, 65) if self.broken else 0
        self.serial = self.serial_of_copies = self.order = self.hour = 0
        self.queue, self.files, self.withheld = [], [], []
        self.last_due, self.handed = {E: 0, N: 0}, {E: set(), N: set()}
        self.typed, self.gone, self.shown = [], set(), set()
        self.cells, self.last, self.looked, self.editors = {}, {}, {}, {}
        self.told, self.transcript, self.odd, self.deleted = "", [], [], set()
        self.settling = False                            # from then on the operator leaves nothing open

    def note(self, *what):
        self.transcript.append(f"{self.p.now:%d %H:%M} " + " ".join(str(w) for w in what))

    # -- users -----------------------------------------------------------------------------------------------------
    def text(self, truth, f):
        cell = self.cells.setdefault((truth, f), [])
        if self.review and cell and self.rnd.random() < .25:
            return self.rnd.choice(cell)                 # set back to something it was
        self.serial += 1
        cell.append(f"v{self.serial}.")
        return cell[-1]

    def create(self, side):
        truth = len({t for t, _ in self.cells})
        content = {f: self.text(truth, f) for f in FIELDS}
        self.systems[side].create(content, None, truth)
        self.note("create", side, truth, content)

    def edit(self, side):
        store = self.systems[side].rows
        if not store:
            return
        own = self.rnd.choice(list(store))
        content, _, truth = store[own]
        f = self.rnd.choice(FIELDS)
        value = self.text(truth, f)
        if value == content[f]:
            return
        self.note("edit", side, own, f, content[f], "->", value)
        self.editors.setdefault((truth, f), set()).add(side)
        self.shown.discard((side, truth, f, value))
        if f in TWO_WAY or ONE_WAY[f] == OTHER[side]:    # else it is a local edit, which does not flow
            self.gone.add((truth, f, content[f]))
            if value not in (self.last.get((side, truth, f)), self.last.get((OTHER[side], truth, f))):
                self.gone.discard((truth, f, value))     # else there and back again: nothing to bring over
                self.typed.append((truth, f, value))
        content[f] = value
        self.systems[side].dirty.add(own)

    def delete(self):
        """In the database, without a word to anybody but the next snapshot."""
        store = self.systems[N].rows
        if store:
            own = self.rnd.choice(sorted(store))
            self.note("delete", own)
            self.deleted.add(store.pop(own)[2])
            self.systems[N].dirty.discard(own)

    def overwritten(self, side, truth, f, old):          # by an import, before any accepted file showed it
        if (side, truth, f, old) not in self.shown:
            self.gone.add((truth, f, old))

    # -- exports ---------------------------------------------------------------------------------------------------
    def name_of(self, side, everything):
        full = "_full" if everything and self.snapshots else ""
        if side == N and self.one_name:
            return f"native{full}.csv"
        return f"{side}_{self.p.now:%Y-%m-%dT%H%M}{full}.csv"

    def export(self, side, everything=False, quiet=False):
        rows = self.systems[side].export(everything)
        if not quiet or self.rnd.random() < .5:          # else the same bytes as yesterday, if nothing moved
            self.rnd.shuffle(rows)
        fate = "good" if quiet else self.rnd.choices(
            ["good", "lost", "late", "twice", "rewritten", "short", "cut", "garbled"],
            [12, 1, 2, 2, 2, 3 * everything * self.snapshots, 2 * self.broken, 1 * self.broken])[0]
        if side == N and self.one_name and fate in ("late", "twice", "rewritten"):
            fate = "good"                                # a file that was written over does not come back
        self.note("export", side, "full" if everything else "changes", fate, [r[:3] for r in rows])
        file = (side, self.p.now, self.name_of(side, everything), rows)
        if fate == "lost" or (everything and self.snapshots and not rows):      # an empty one stops everything: tests/cli
            return
        if fate == "late":
            self.withheld.append(file)
        elif fate in ("cut", "garbled"):
            raw = self.bytes_of(side, rows)
            head, _, tail = raw.partition(b"\n")
            raw = raw[:-self.rnd.randint(1, 3)] if fate == "cut" else b"\x00<html>" + head[9:] + b"\n" + tail
            self.drop(side, file[2], raw)
        elif fate == "short":                            # the extract left out some of what is there
            self.accept(file[:3] + (self.rnd.sample(rows, max(1, len(rows) - len(rows) // 3 - 1)),))
        else:
            self.accept(file)
            if fate == "twice":
                self.drop(side, "copy_" + file[2], self.bytes_of(side, rows))
            elif fate == "rewritten":
                self.rewrite(file)

    def rewrite(self, file):
        """Taken in, and within the same minute written anew under the same name, with what was edited since."""
        self.emit()
        self.edit(file[0])
        rows = self.systems[file[0]].export(False)
        shown = {r[0] for r in rows}
        rows += [r for r in file[3] if r[0] not in shown]
        self.note("rewritten", file[2], [r[:3] for r in rows])
        self.accept(file[:3] + (rows,))

    def bytes_of(self, side, rows):
        own, other = ("x", "n") if side == E else ("n", "x")
        text = self.p.text(side, [{own: i, other: o or "", **c} for i, o, c, _ in rows])
        if side == N and self.one_name:                  # so that no two of them have the same bytes
            head, *lines = text.splitlines()
            text = "\n".join([head + ",Written"] + [f"{line},{self.p.now:%Y%m%d%H}" for line in lines]) + "\n"
        return text.encode()

    def drop(self, side, name, raw):
        if side == N and self.one_name and name in self.p.listing("inbox/native"):
            self.emit()                                  # fetched before it is written over
        path = self.p.drop(side, name=name, raw=raw)
        when = self.p.now.replace(tzinfo=datetime.timezone.utc).timestamp()
        os.utime(path, (when, when))

    def accept(self, file):
        side, stamp, name, rows = file
        self.drop(side, name, self.bytes_of(side, rows))
        self.files.append(file)
        for _, _, content, truth in rows:
            if stamp < self.looked.get((side, truth), stamp):
                continue                                 # stale: nothing of it counts
            self.looked[side, truth] = stamp
            for f, v in content.items():
                self.shown.add((side, truth, f, v))
                self.last[side, truth, f] = v

    def again(self):
        files = [f for f in self.files if f[0] == E or not self.one_name]
        if files:
            side, _, name, rows = self.rnd.choice(files)
            prefix = self.rnd.choice(["", "again_", "other"])
            if prefix == "other":                        # made anew: the same rows in another order
                self.serial_of_copies += 1
                prefix, rows = f"other{self.serial_of_copies}_", self.rnd.sample(rows, len(rows))
            self.note("again", prefix + name)
            self.drop(side, prefix + name, self.bytes_of(side, rows))

    def release_late(self):
        if self.withheld:
            file = self.withheld.pop(self.rnd.randrange(len(self.withheld)))
            self.note("late", file[2])
            self.accept(file)

    # -- the program -------------------------------------------------------------------------------------------------
    def emit(self, *args):
        deltas = self.p.emit(*args, status=self.fine)
        for d in deltas:
            self.note("emit", d.name, [list(r.values()) for r in d.rows])
        return deltas

    def send(self, side=None, delay=0):
        written = self.emit(*(["--to", side] if side else []))
        if self.rnd.random() < .9:
            self.hand_over(delay)
        return written

    def hand_over(self, delay):
        if not self.with_imports:
            taken = self.new_files("outbox")
            self.p.push(status=self.fine)
        else:
            self.p.push(status=self.fine)
            taken = self.new_files("imports")
        for delta in taken:
            self.last_due[delta.side] = due = max(self.last_due[delta.side], self.hour + delay)
            for r in delta.rows:
                self.enqueue(due, delta.side, r)

    def new_files(self, folder):
        found = []
        for side in SIDES:
            for name in self.p.listing(f"{folder}/{side}"):
                if name not in self.handed[side]:
                    self.handed[side].add(name)
                    found.append(Delta(self.p, self.p.path / folder / side / name))
        return found

    def enqueue(self, due, side, r):
        x, n = r["x"] or None, r["n"] or None
        own, other = (x, n) if side == E else (n, x)
        truth = next(self.systems[s].truths[i] for s, i in ((E, x), (N, n)) if i)
        self.order += 1
        self.queue.append((due, self.order, side, own, other, {f: r[f] for f in FIELDS if f in r}, truth))

    def deliver(self):
        for entry in sorted((q for q in self.queue if q[0] <= self.hour), key=lambda q: q[:2]):
            self.queue.remove(entry)
            _, _, side, own, other, content, truth = entry
            if own is not None and self.rnd.random() < self.lossy:
                self.note("the loader drops", side, own, other, content)
                continue
            store = self.systems[side]
            twice = own is not None or (other is not None and store.upsert_by_other)
            for _ in range(2 if twice and self.rnd.random() < .1 else 1):
                store.load(own, other, content, truth, self.overwritten)
            self.note("load", side, own, other, content)
            for f, v in content.items():
                self.last[side, truth, f] = v

    def operator(self):
        if not self.review:
            return
        listing = self.p.items()
        cells = {c for line in listing for c in line.values() if isinstance(c, str)}
        self.told += " ".join(sorted(cells))
        for kind, verb in DECIDED.items():
            if kind not in cells or not self.p.items(kind):      # a decision may have settled more than its own
                continue
            if verb == "either":
                verb = self.rnd.choice(["accept", "dismiss"])
            self.note("operator", verb, kind)
            self.p.decide(verb, kind, self.rnd.choice(SIDES) if verb == "take" else None)
        self.decide_absent(listing)
        self.odd += [f"review has {kind}" for kind in UNEXPECTED + ABSENT * (not self.snapshots) if kind in cells]

    def decide_absent(self, listing):
        """What is there after all stays as it is; what was deleted stays so, or is inserted again."""
        for line in listing:
            if line["kind"] not in ABSENT or (not self.settling and self.rnd.random() < .5):
                continue
            is_gone = line["native_id"] not in self.systems[N].rows
            verb = self.rnd.choice(["accept", "dismiss"]) if is_gone and line["kind"] == "edit-vs-delete" else "dismiss"
            self.note("operator", verb, line["kind"], line["external_id"], line["native_id"])
            self.p.run("review", verb, line["item"], status=(0, 2, 64))      # decided by another decision, or changed

    # -- days --------------------------------------------------------------------------------------------------------
    def pass_time(self, hours=1):
        self.hour += hours
        self.p.tick(hours)
        self.deliver()

    def random_days(self):
        for _ in range(LENGTH * 6):
            self.pass_time()
            op = self.rnd.choice(["edit"] * 6 + ["create"] * 2 + ["export"] * 2 + ["delete"] * (self.review and self.snapshots) +
                                 ["full", "send", "send", "again", "late", "operator"])
            side = self.rnd.choice(SIDES)
            if op == "create" and len(self.cells) < 8 * len(FIELDS):
                self.create(side)
            elif op == "edit":
                self.edit(side)
            elif op == "export":
                self.export(side)
            elif op == "full":
                self.export(N, True)
            elif op == "delete":
                self.delete()
            elif op == "send":
                self.send(self.rnd.choice([E, N, None]), self.rnd.choice([0, 0, 3]))
            elif op == "again":
                self.again()
            elif op == "late":
                self.release_late()
            elif op == "operator" and self.rnd.random() < .3:
                self.operator()

    def quiet_day(self):
        """Both sides show everything; returns what was emitted."""
        self.pass_time(24)
        self.export(E, True, quiet=True)
        self.export(N, True, quiet=True)
        self.pass_time()
        self.operator()
        written = self.emit()
        if written or self.queue:
            self.operator()
        if written or any(self.p.listing(f"outbox/{side}") for side in SIDES):
            self.hand_over(0)
        return written

    def play(self):
        self.random_days()
        self.lossy, self.settling = 0, True
        while self.withheld:
            self.release_late()
        calm = 0
        for _ in range(15):
            calm = 0 if self.quiet_day() or self.queue else calm + 1
            if calm == 2:
                break
        problems = list(self.odd) + ([] if calm == 2 else ["still emitting in steady state"])
        for day in range(10):
            if self.quiet_day():
                problems.append(f"emits on quiet day {day + 1}")
        return problems + self.judge()

    # -- judgement ---------------------------------------------------------------------------------------------------
    def story(self, truth):
        for side in SIDES:
            for own, record in self.systems[side].rows.items():
                if record[2] == truth:
                    return self.p.run("show", f"{side}:{own}", status=None).out
        return ""

    def judge(self):
        problems, by_truth = [], {}
        for side in SIDES:
            for own, (content, other, truth) in self.systems[side].rows.items():
                by_truth.setdefault(truth, {E: [], N: []})[side].append((own, content))
        listed = self.p.run("review", "list", "--csv").out if self.review else ""
        for truth, sides in by_truth.items():
            ids = [own for side in SIDES for own, _ in sides[side]]
            if truth in self.deleted and len(sides[E]) < 2 and len(sides[N]) < 2:
                continue                                 # it may be there again, or be kept on one side
            if any(len(sides[side]) != 1 for side in SIDES):
                problems.append(f"not once on each side: {ids}")
            elif any(sides[E][0][1][f] != sides[N][0][1][f] for f in TWO_WAY) and not any(i in listed for i in ids):
                problems.append(f"diverged: {sides}")
            elif sides[E][0][1]["email"] != sides[N][0][1]["email"] and sides[E][0][1]["email"] \
                    and self.last.get((N, truth, "email")) != sides[N][0][1]["email"]:
                problems.append(f"one-way field did not arrive: {sides}")
        final = {(truth, f, v) for truth, sides in by_truth.items() for side in SIDES for _, c in sides[side]
                 for f, v in c.items()}
        stories, told = {}, set(TEXT.findall(self.told))
        for truth, f, value in self.typed:
            if (truth, f, value) in final | self.gone or value in told or truth in self.deleted:
                continue
            if not self.review and len(self.editors[truth, f]) == 1:     # nobody to lose against
                problems.append(f"lost {value} of {f} in {truth}, which one side alone edited")
            if truth not in stories:
                stories[truth] = set(TEXT.findall(self.story(truth)))
            if value not in stories[truth]:
                problems.append(f"silently lost {value} of {f} in {truth}")
        return problems


def play(seed, review, verbose=False, keep=True):
    folder = tempfile.mkdtemp(prefix=f"roundtrip-model-{seed}-", dir=MEMORY)
    history = None
    try:
        history = History(seed, review, folder)
        problems = history.play()
    except AssertionError as error:
        problems = [str(error)]
    if verbose or problems:
        tail = history.transcript if history else []
        problems = problems and [f"seed {seed}, review {review}, profile {folder}", *problems]
        pathlib.Path(folder, "transcript.txt").write_text("\n".join(tail + problems) + "\n")
        if verbose:
            print("\n".join(tail))
    if not problems or not keep:
        shutil.rmtree(folder)
    return problems


@pytest.mark.parametrize("seed", range(FIRST, FIRST + HISTORIES))
def test_history_without_losses_settles_by_itself(seed):
    problems = play(seed, review=False)
    assert not problems, "\n".join(problems)


@pytest.mark.review
@pytest.mark.parametrize("seed", range(FIRST, FIRST + HISTORIES))
def test_history_with_losses_and_an_operator_settles(seed):
    problems = play(seed, review=True)
    assert not problems, "\n".join(problems)


if __name__ == "__main__":
    found = play(int(sys.argv[1]), "review" in sys.argv[2:], verbose=True)
    print("\n".join(found) or "no problems")
    sys.exit(bool(found))
