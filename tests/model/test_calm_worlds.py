"""Calm weeks of other kinds, as exact as test_calm.py: what people delete and bring back, files of changes that hold several
rows of a record, an outbox from which others take files late, or lose them, and schemas that change.

CALM=4 says how many times each is played (80 with LONG=1), FIRST=0 where the seeds begin.  `python3 test_calm_worlds.py WORLD
SEED` plays one and prints its log.
"""
import datetime
import os
import sys

import pytest

from test_calm import E, FIELDS, FIRST, N, OTHER, SCHEMA, SIDES, TWO_WAY, Interaction, Weeks, number, play, read
from profile import MODIFIED

TIMES = int(os.environ.get("CALM", "80" if os.environ.get("LONG") == "1" else "4"))


class Absent(Interaction):
    """What the program should think of a side that lacks the record, and what it asks.

    present, missing, kept (a person left it), gone (and to be deleted on the other side), told (our delete was written for it)
    """

    def __init__(self, content):
        super().__init__(content)
        self.there, self.asked = {E: "present", N: "present"}, {E: False, N: False}    # asked: an edit against a delete
        self.seen, self.bin = {E: None, N: None}, {E: None, N: None}
        self.former, self.names = set(), {E: "", N: ""}       # names: the other side's ID, as a side was last told

    def wants_more(self, side):
        return any(self.seen[side][f] != self.want[f] for f in TWO_WAY) or (side == N and self.base[N]["email"] != self.want["email"])


class Absence(Weeks):
    """Both sides show all that they hold; what is gone is asked about, or left alone; and it may come back."""
    record = Absent

    def settings(self):
        settings = super().settings()
        self.conflict = settings["policy"]["conflict"] = self.rnd.choice(SIDES)
        self.asks, self.whole = {s: self.rnd.random() < .5 for s in SIDES}, {E: True, N: True}
        for side in SIDES:
            settings[side].update(content="snapshot", deletes="review" if self.asks[side] else "ignore", action_column="Action")
        return settings

    def deletes(self):
        for side in SIDES:
            rows = [i for i in self.all if i.held[side] and i.known[side]]
            for i in self.rnd.sample(rows, min(max(0, len(rows) - 2), self.rnd.choice([0, 0, 1, 1, 2]))):
                i.bin[side], i.held[side] = i.held[side], None
            for i in [i for i in self.all if i.bin[side]]:
                if self.rnd.random() < .1:
                    i.held[side], i.bin[side] = i.bin[side], None

    def holds(self):
        pass

    def loader_drops(self, *_):
        return False

    def insert(self, side, i, content):
        """What is inserted again has a new ID."""
        old = i.ids[side]
        super().insert(side, i, content)
        if old:
            i.former.add(old)
            i.ids[side], i.known[side], i.bin[side] = old + "x", False, None

    def load(self, side, delta, rows):
        super().load(side, delta, rows)
        for r in rows:
            if r["Action"] != "delete":
                i = self.find(r)
                i.names[side] = r["n" if side == E else "x"] or i.names[side]

    def row(self, side, i, content):
        return {**super().row(side, i, content), "n" if side == E else "x": i.names[side]}

    def find(self, r):
        return next(i for i in self.all if {r["x"], r["n"]} & ({*i.ids.values(), *i.former} - {""}))

    def show(self, side, at=None):
        super().show(side, at)
        for i in self.all:
            if not i.held[side] and i.seen[side] and i.there[side] == "present":
                i.there[side] = "missing"
                i.asked[side] = i.there[OTHER[side]] == "present" and i.wants_more(side)
                i.asked[OTHER[side]] = False

    def observe(self, side, i):
        other, was = OTHER[side], i.there[side]
        changed = any(i.base[side] is None or i.held[side][f] != i.base[side][f] for f in (FIELDS if side == E else TWO_WAY))
        super().observe(side, i)
        i.seen[side] = dict(i.held[side])
        if was != "present":
            i.there[side], i.asked[side] = "present", False
            i.asked[other] |= i.there[other] == "gone" if was == "told" else (
                i.there[other] in ("gone", "told") or i.there[other] == "missing" and i.wants_more(other))
        i.asked[other] |= changed and i.there[other] not in ("present", "kept")

    def deletes_at(self, side, i):
        return i.there[OTHER[side]] == "gone"

    def due(self, side):
        here = [i for i in self.all if i.there[side] == "present" and not any(i.asked.values())]
        return {i for i in here if i.there[OTHER[side]] == "gone" or (i.base[side] or i.there[OTHER[side]] == "present") and
                (i.lacks(side) or (side == N and self.store_ids and i.known[E] and i.base[N] and not i.names_other[N]))}

    def hand_over(self, deltas):
        for delta in deltas:
            for r in delta.rows:
                if r["Action"] == "delete":
                    self.find(r).there[delta.side] = "told"
        super().hand_over(deltas)

    def asked(self):
        listing = {(self.find({"x": r["external_id"], "n": r["native_id"]}), r["kind"]): r for r in self.p.items()}
        asked = {(i, "edit-vs-delete") for i in self.all if any(i.asked.values())} | {
            (i, "missing") for i in self.all for s in SIDES
            if i.there[s] == "missing" and i.there[OTHER[s]] == "present" and self.asks[s] and not any(i.asked.values())}
        assert set(listing) == asked, "\n".join(self.told(kind, i) for i, kind in set(listing) ^ asked)
        return listing

    def answer(self):
        self.lost = {}
        for (i, kind), line in self.asked().items():
            verb = self.rnd.choice(["accept", "dismiss", "wait"])
            if verb != "wait":
                self.p.run("review", verb, line["item"])
                for side in SIDES:
                    self.decided(i, side, kind, verb == "accept")

    def decided(self, i, side, kind, accepted):
        if kind == "missing" and i.there[side] == "missing":
            i.there[side] = "gone" if accepted else "kept"
        elif kind == "edit-vs-delete" and i.asked[side]:
            i.asked[side] = False
            if not accepted:
                i.there[side] = "gone" if self.asks[side] else "kept"
                return
            i.there[side], i.base[side], i.seen[side], i.known[side] = "present", None, None, False
            i.names_other[OTHER[side]] = False
            if i.there[OTHER[side]] == "told":
                i.there[OTHER[side]] = "present"

    def rests(self):
        pass


class Timed(Interaction):
    def __init__(self, content):
        super().__init__(content)
        self.changed, self.shown = {E: None, N: None}, {E: None, N: None}
        self.older = {E: [], N: []}              # rows that the next file holds too


class Newest(Weeks):
    """Rows tell when they were changed, and the newer counts: in one file, of several files a day, and in a conflict."""
    record = Timed

    def settings(self):
        settings = super().settings()
        settings["schema"] = SCHEMA + [MODIFIED]
        settings["policy"].update(conflict="newest", import_lag="1h")
        settings["native"]["deletes"] = "ignore"
        return settings

    def deletes(self):
        pass

    def loader_drops(self, *_):
        return False

    def touch(self, side, i):
        super().touch(side, i)
        self.clock += datetime.timedelta(seconds=self.rnd.randint(1, 99))
        i.changed[side] = self.clock

    def insert(self, side, i, content):
        super().insert(side, i, content)
        i.changed[side] = self.clock

    def hand_over(self, deltas):
        self.clock = self.p.now
        super().hand_over(deltas)

    def edit(self, side):
        for i in self.dirty[side]:
            if self.rnd.random() < .3:
                i.older[side].append(self.row(side, i, i.held[side]))
        super().edit(side)

    def rows(self, side, i):
        rows, i.older[side] = [self.row(side, i, i.held[side])] + i.older[side], []
        return rows

    def row(self, side, i, content):
        return dict(super().row(side, i, content), modified=f"{i.changed[side]:%Y-%m-%dT%H:%M:%SZ}")

    def people_work(self):
        pass

    def export(self):
        """Some files come during the day, while people work on."""
        for hours in range(22, 2, -6):
            self.clock = self.p.now - datetime.timedelta(hours=hours)
            super().people_work()
            for side in SIDES:
                if hours == 4 or self.rnd.random() < .5:
                    self.show(side, self.p.now - datetime.timedelta(hours=hours - 3))

    def observe(self, side, i):
        other = i.shown[OTHER[side]]
        self.conflict = side if other is None or i.changed[side] > other else OTHER[side]
        super().observe(side, i)
        i.shown[side] = i.changed[side]


class Written(Interaction):
    def __init__(self, content):
        super().__init__(content)
        self.written = {E: [], N: []}            # delta and content: what was written since what `base` says


class Outbox(Weeks):
    """Others take the files out of the outbox, some days later; files are lost, which somebody tells; some are withdrawn."""
    record = Written

    def settings(self):
        settings = super().settings()
        self.store_ids, self.waiting = False, {E: [], N: []}
        settings["native"].update(batch_rows="none", store_ids="no", deletes="ignore")
        self.own_id = settings["native"]["matches_by"] == "own-id"
        return dict(settings, imports=False)

    def deletes(self):
        pass

    def loader_drops(self, *_):
        return False

    def last(self, side, i):
        return i.written[side][-1][1] if i.written[side] else i.base[side]

    def due(self, side):
        def lacks(i):
            last = self.last(side, i)
            if last is not None and side == N and self.own_id and not i.known[N]:
                return False
            return last is None or any(last[f] != i.want[f] for f in (TWO_WAY if side == E else FIELDS))
        return {i for i in self.all if any(i.known.values()) and not i.on_hold and not i.open and lacks(i)}

    def hand_over(self, deltas):
        for d in deltas:
            self.waiting[d.side].append(d)
            for r in d.rows:
                i = self.find(r)
                content = {f: read(d.side, f, r[f]) for f in FIELDS if f in r}
                i.written[d.side].append((number(d), {**dict.fromkeys(FIELDS), **(self.last(d.side, i) or {}), **content}))

    def forget(self, delta):
        for i in self.all:
            i.written[delta.side] = [w for w in i.written[delta.side] if w[0] != number(delta)]

    def load(self, side, delta, rows):
        super().load(side, delta, rows)
        for r in rows:
            i = self.find(r)
            i.written[side] = [w for w in i.written[side] if w[0] > delta]

    def take(self, side):
        """Returns what was taken and lost: nothing of which a later file in the outbox speaks."""
        lost, waiting = [], self.waiting[side]
        for _ in range(min(len(waiting), self.rnd.choice([0, 1, 2, 9]))):
            delta = waiting.pop(0)
            delta.path.unlink()
            later = {self.find(r) for d in waiting for r in d.rows}
            if self.rnd.random() < .2 and not later & {self.find(r) for r in delta.rows}:
                lost.append(delta)
            else:
                self.load(side, number(delta), delta.rows)
        return lost

    def day(self):
        super().day()
        self.p.tick(4)
        lost = [delta for side in SIDES if not self.dirty[side] for delta in self.take(side)]    # else somebody has worked on
        self.p.run("push")
        for delta in lost:
            self.p.run("retry", number(delta))
            self.forget(delta)
        for side in SIDES:
            if self.waiting[side] and self.rnd.random() < .2:
                delta = self.waiting[side].pop()
                self.p.run("withdraw", number(delta))
                self.forget(delta)
        if self.rnd.random() < .5:
            self.sends()
        self.p.tick(-4)

    def rests(self):
        pass


class Schemas(Weeks):
    """The schema changes while work goes on: columns are renamed, codes added, a column is shown that was not."""

    def settings(self):
        settings = super().settings()
        self.codes, self.changes = 40, self.rnd.sample(["rename", "rename", "rename", "show"], 4)
        settings["native"]["deletes"] = "ignore"
        return dict(settings, files={"kinds.csv": self.table()})

    def table(self):
        pairs = [f"Kind {i},K{i}\n" for i in range(1, self.codes)]
        return "external,native\n" + "".join(pairs if self.codes == 40 else pairs[::2] + pairs[1::2])

    def deletes(self):
        pass

    def loader_drops(self, *_):
        return False

    def rename(self):
        """The column of the export has another name; that of the import keeps its own."""
        line, side = self.rnd.choice([line for line in self.p.schema if line["field"] in FIELDS]), self.rnd.choice(SIDES)
        line[side + "_out"] = line[side + "_out"] or line[side]
        line[side] += " new"

    def show_more(self):
        self.p.schema.insert(self.rnd.randint(2, 6), dict(MODIFIED, field="memo", role="", direction="none", external="Memo", native=""))

    def people_work(self):
        super().people_work()
        more = self.serial + 1 >= self.codes
        if more:
            self.codes += 40
            self.p.put("kinds.csv", self.table())
        change = self.changes.pop() if self.changes and self.rnd.random() < .2 else None
        if change:
            (self.rename if change == "rename" else self.show_more)()
            self.p.write()
        if more or change == "rename":
            self.p.run("emit", status=2)
            self.p.run("check", "--accept-schema")


WORLDS = {w.__name__.lower(): w for w in (Absence, Newest, Outbox, Schemas)}


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("seed", range(FIRST, FIRST + TIMES))
def test_calm_weeks_of_other_kinds(world, seed):
    play(seed, world=WORLDS[world])


if __name__ == "__main__":
    play(int(sys.argv[2]), verbose=True, world=WORLDS[sys.argv[1]])
