"""Calm weeks with importers that are slow, or tell what became of each row; fields of every direction, and single trips; and a
start with years of records on both sides.  As exact as test_calm.py.

CALM=3 says how many times each is played (60 with LONG=1), FIRST=0 where the seeds begin.  `python3 test_calm_late.py WORLD
SEED` plays one and prints its log.
"""
import os
import re
import shutil
import sys

import pytest

from test_calm import E, FIELDS, FIRST, N, OTHER, SIDES, TWO_WAY, Interaction, Weeks, number, play, read
from test_calm_worlds import Written

TIMES = int(os.environ.get("CALM", "60" if os.environ.get("LONG") == "1" else "3"))


class Late(Written):
    def __init__(self, content):
        super().__init__(content)
        self.tells, self.former = {E: "", N: ""}, set()      # tells: the other side's ID, as a side was last told
        self.carried = {E: "", N: ""}            # the other side's ID in the row that was last handed over
        self.unseen = {E: set(), N: set()}       # files of which no row was shown yet


class Slow(Weeks):
    """What is handed over is loaded one or two exchanges later, in order, and people work on; operators do their chores."""
    record, days_late = Late, (1, 2)

    def settings(self):
        settings = super().settings()
        self.late, self.queue, self.today, self.copy = self.rnd.choice(self.days_late), [], 0, None
        self.store_ids, self.own_id = False, settings["native"]["matches_by"] == "own-id"
        settings["policy"]["import_lag"] = f"{self.late * 24 + 12}h"
        settings["native"]["store_ids"] = "no"
        return settings

    def loader_drops(self, *_):
        return False

    def deletes(self):
        everything, self.all = self.all, [i for i in self.all if not any(i.written.values())]
        super().deletes()
        self.all = everything

    def find(self, r):
        return next(i for i in self.all if {r["x"], r["n"]} & ({*i.ids.values(), *i.former} - {""}))

    def row(self, side, i, content):
        return {**super().row(side, i, content), "n" if side == E else "x": i.tells[side]}

    def last(self, side, i):
        return i.written[side][-1][1] if i.written[side] else i.base[side]

    def lacks(self, side, i):
        last = self.last(side, i)
        if last is not None and not i.known[side] and i.carried[side] not in ("", i.ids[OTHER[side]]):
            return False                         # the row could not be found there
        if i.deleted:
            return side == E and i.held[E] is not None and not i.written[E]
        if last is not None and side == N and self.own_id and not i.known[N]:
            return False
        return last is None or any(last[f] != i.want[f] for f in (TWO_WAY if side == E else FIELDS))

    def due(self, side):
        return {i for i in self.all if any(i.known.values()) and not i.on_hold and not i.open and self.lacks(side, i)}

    def observe(self, side, i):
        super().observe(side, i)
        if not i.written[side]:
            i.unseen[side].clear()

    def hand_over(self, deltas):
        self.p.push()
        for d in deltas:
            self.queue.append((self.today + self.late, d))
            for r in d.rows:
                i = self.find(r)
                content = {f: read(d.side, f, r[f]) for f in FIELDS if f in r}
                i.written[d.side].append((d.name, {**dict.fromkeys(FIELDS), **(self.last(d.side, i) or {}), **content}))
                i.unseen[d.side].add(d.name)
                i.carried[d.side] = r["n" if d.side == E else "x"]

    def load(self, side, delta, rows):
        super().load(side, delta, rows)
        for r in rows:
            i = self.find(r)
            i.tells[side] = r["n" if side == E else "x"] or i.tells[side]

    def loads(self):
        for at, d in [q for q in self.queue if q[0] <= self.today]:
            self.queue.remove((at, d))
            typed = {i: dict(i.base[d.side]) for i in self.dirty[d.side] if i.base[d.side]}
            self.load(d.side, number(d), d.rows)
            for r in d.rows:
                i = self.find(r)
                if i in typed:                   # on a day without a file: what the import does not replace is still to be seen
                    i.base[d.side].update({f: v for f, v in typed[i].items() if f not in r})
                i.written[d.side] = [w for w in i.written[d.side] if w[0] != d.name]

    def sends(self):
        super().sends()
        if self.rnd.random() < .2:
            self.rnd.choice([self.lose, self.back_up, self.restore, self.pause, self.rekey])()

    def lose(self):
        (self.p.path / "state.db").unlink()
        self.p.run("status", status=2)
        self.p.run("rebuild")

    def back_up(self):
        self.copy = self.p.path / "copy.db"
        self.copy.unlink(missing_ok=True)
        self.p.run("backup", self.copy)

    def restore(self):
        if self.copy:
            shutil.copy(self.copy, self.p.path / "state.db")
            self.p.run("rebuild")

    def pause(self):
        self.p.run("pause")
        self.p.run("emit", status=2)
        self.p.run("resume")

    def rekey(self):
        side = self.rnd.choice(SIDES)
        there = [i for i in self.all if i.known[side] and i.held[side] and not i.deleted and i not in self.dirty[side] and not i.written[side]]
        if there:
            i = self.rnd.choice(there)
            i.former.add(i.ids[side])
            i.ids[side] += "r"
            self.p.run("bind", "--rekey", side, i.ids[side][:-1], i.ids[side])

    def day(self):
        self.today += 1
        super().day()
        self.loads()

    def rests(self):
        pass


class Told(Slow):
    """The importer tells the rows that it rejected, which are sent again, the IDs of its inserts, and that it has loaded a delta."""
    days_late = (0, 0, 1, 2)

    def settings(self):
        settings = super().settings()
        settings["native"]["deletes"] = "ignore"
        self.blind = self.own_id and self.rnd.random() < .5          # no column for the external ID
        return settings

    def deletes(self):
        pass

    def rekey(self):
        pass

    def row(self, side, i, content):
        return {**super().row(side, i, content), **({"x": ""} if side == N and self.blind else {})}

    def observe(self, side, i):
        known = i.known[E]
        super().observe(side, i)
        if side == N and self.blind:
            i.known[E] = known

    def rejects(self, side, name, i):
        return i.unseen[side] == {name} and not i.unseen[OTHER[side]] and self.rnd.random() < .3

    def loads(self):
        """A rejected row is told as such at once, while it alone is under way."""
        rejected, inserted, partly = [], [], {number(d) for at, d in self.queue if at > self.today}
        loaded = {number(d) for at, d in self.queue if at <= self.today}
        for d in [d for at, d in self.queue if at <= self.today]:
            for r in list(d.rows):
                i = self.find(r)
                if self.rejects(d.side, d.name, i):
                    d.rows.remove(r)
                    i.written[d.side] = []
                    i.unseen[d.side].clear()
                    rejected += self.named(i)
                    partly.add(number(d))
                elif d.side == N and i.held[N] is None and (self.blind or self.rnd.random() < .5):
                    inserted.append(i)
        super().loads()
        self.tell(inserted)
        if rejected:
            self.p.run("retry", *rejected)
        for delta in loaded - partly:
            if self.rnd.random() < .4:
                self.p.run("confirm", delta)

    def tell(self, inserted):
        if inserted:
            lines = [f"{i.ids[E]},{i.ids[N]}\n" for i in inserted]
            self.p.run("bind", self.p.put("pairs.csv", "external_id,native_id\n" + "".join(lines)))
        for i in inserted:
            i.known[N] = True


WAYS = {"kind": "both", "summary": "both", "tags": "to_native", "day": "to_external", "email": "none"}
SINGLE = {"both": "to_native", "to_native": "to_native", "to_external": "none", "none": "none"}


class Directed(Interaction):
    single, born = False, None

    def __init__(self, content):
        super().__init__(content)
        self.given, self.looked, self.read_only, self.dismissed = {E: {}, N: {}}, {E: False, N: False}, False, False

    def way(self, f):
        return SINGLE[WAYS[f]] if self.single and self.born == E else WAYS[f]

    def flows(self, side, f):
        return self.way(f) in ("both", f"to_{side}")

    def take(self, side, f, value, policy):
        if self.way(f) == "both":
            super().take(side, f, value, policy)
        elif self.flows(OTHER[side], f):
            self.want[f] = value

    def lacks_one(self, side, f):
        if self.way(f) == "both":
            return self.base[side][f] != self.want[f]
        return self.looked[OTHER[side]] and self.given[side].get(f, self.base[side][f]) != self.want[f]

    def lacks(self, side):
        return self.base[side] is None or (self.dismissed and side == N) or any(self.lacks_one(side, f) for f in FIELDS if self.flows(side, f))

    def shown(self, side):
        """What only flows there and was not written yet is as it was shown first."""
        if side == N and self.single and self.born == E:
            texts = [f for f in FIELDS if WAYS[f] == "both"]
            self.read_only |= any(self.held[N][f] != self.base[N][f] for f in texts)
            self.read_only &= any(self.held[N][f] != self.given[N].get(f) for f in texts) and any(self.held[N][f] != self.want[f] for f in texts)
        self.given[side] = {**{f: v for f, v in self.held[side].items() if self.way(f) != "both"}, **self.given[side]}
        self.looked[side] = True


class Directions(Weeks):
    """Fields of every direction, edited on both sides; and what is born external is read-only in the database, or not."""

    def __init__(self, seed, folder):
        self.single = seed % 2 == 1
        super().__init__(seed, folder)

    def record(self, content):
        i = Directed(content)
        i.single = self.single
        return i

    def settings(self):
        settings = super().settings()
        self.store_ids = False
        settings["schema"] = [{**line, "direction": WAYS.get(line["field"], "")} for line in settings["schema"]]
        settings["native"].update(store_ids="no", deletes="ignore")
        return {**settings, "profile": {"mode": "single-trip" if self.single else "round-trip"}}

    def deletes(self):
        pass

    def loader_drops(self, *_):
        return False

    def create(self, side):
        i = self.record({})
        i.born = side
        i.want = {f: self.typed(i, f) if i.flows(OTHER[side], f) or WAYS[f] == "none" else None for f in FIELDS}
        self.all.append(i)
        self.insert(side, i, i.want)
        i.base[side] = dict(i.want)
        self.touch(side, i)

    def edit(self, side):
        there = [i for i in self.all if i.held[side]]
        if there:
            i = self.rnd.choice(there[-6:])
            f = self.rnd.choice([f for f in FIELDS if i.flows(OTHER[side], f) or i.looked[OTHER[side]]])
            i.held[side][f] = self.typed(i, f)
            self.touch(side, i)

    def observe(self, side, i):
        i.known[side] = True
        i.known[OTHER[side]] |= i.names_other[side]
        for f in FIELDS:
            if i.base[side] is None or i.held[side][f] != i.base[side][f]:
                i.take(side, f, i.held[side][f], self.conflict)
        i.shown(side)
        i.base[side] = dict(i.held[side])

    def load(self, side, delta, rows):
        for r in rows:
            i = self.find(r)
            content = {f: read(side, f, r[f]) for f in FIELDS if f in r}
            assert set(content) == {f for f in FIELDS if WAYS[f] in ("both", f"to_{side}")}, r
            i.given[side].update({f: v for f, v in content.items() if i.way(f) != "both"})
            i.dismissed &= side != N
        super().load(side, delta, rows)

    def asked(self):
        items, listed = self.p.items(), self.p.items
        self.edits = {self.find({"x": r["external_id"], "n": r["native_id"]}): r["item"] for r in items if r["kind"] == "read-only"}
        wrong = set(self.edits) ^ {i for i in self.all if i.read_only}
        assert not wrong, "\n".join(self.told("asked, or not", i) for i in wrong)
        self.p.items = lambda: [r for r in items if r["kind"] != "read-only"]
        try:
            return super().asked()
        finally:
            self.p.items = listed

    def answer(self):
        super().answer()
        for i, item in self.edits.items():
            verb = self.rnd.choice(["accept", "dismiss", "wait"])
            if verb != "wait":
                self.p.run("review", verb, item)
                i.read_only, i.dismissed = False, verb == "dismiss"

    def rests(self):
        pass


class Old(Interaction):
    alone, edited = False, False


class Start(Weeks):
    """Both sides are full at the start: `baseline`, and what one of them lacks goes there in slices, while people work on."""
    record = Old

    def settings(self):
        settings = super().settings()
        self.store_ids, self.prefer, self.into = False, self.rnd.choice([None, E, N]), self.rnd.choice(SIDES)
        self.limit, self.inserts = self.rnd.choice([1, 3, 7]), self.rnd.random() < .5
        settings["native"].update(store_ids="no", deletes="ignore", batch_rows="none")
        return settings

    def deletes(self):
        pass

    def loader_drops(self, *_):
        return False

    def rests(self):
        pass

    def old(self, where):
        i = self.record({})
        i.alone = len(where) == 1
        i.want = {f: self.typed(i, f) if f in TWO_WAY or E in where else None for f in FIELDS}
        self.all.append(i)
        for side in where:
            i.known[side], i.names_other[side] = True, not i.alone
            self.insert(side, i, i.want)
        if not i.alone and self.rnd.random() < .3:
            f = self.rnd.choice(TWO_WAY)
            i.held[N][f] = self.typed(i, f)
            if self.prefer:
                i.want[f] = i.held[self.prefer][f]
            else:
                i.open[f] = {s: i.held[s][f] for s in SIDES}
        for side in where:
            i.base[side] = dict(i.held[side])

    def baseline(self):
        for n in range(30):
            self.old(SIDES if n < 12 else [OTHER[self.into]])
        args = (["--prefer", self.prefer] if self.prefer else []) + (["--insert", self.into] if self.inserts else [])
        for side in SIDES:
            rows = [self.row(side, i, i.held[side]) for i in self.all if i.held[side]]
            text = self.p.text(side, self.rnd.sample(rows, len(rows)))
            args += [f"--{side}", self.p.put(f"{side}_{self.p.now:%Y-%m-%dT%H%M}.csv", text)]
        self.p.run("baseline", *args)

    def observe(self, side, i):
        i.edited |= i.alone and any(i.held[side][f] != i.base[side][f] for f in (FIELDS if side == E else TWO_WAY))
        super().observe(side, i)

    def due(self, side):
        return {i for i in super().due(side) if self.inserts or not i.alone or i.edited}

    def sends(self):
        """Of what is due, the slice."""
        due, limit = {side: self.due(side) for side in SIDES}, self.rnd.choice([self.limit, 999])
        deltas = self.p.emit("--limit", limit)
        for side in SIDES:
            rows = deltas.side(side)
            sent = [self.find(r) for r in rows]
            assert len(sent) == len(set(sent)) == min(limit, len(due[side])) and set(sent) <= due[side], "\n".join(
                [f"to {side}:"] + [self.told("sent, or not", i) for i in set(sent) ^ due[side]])
            assert all(read(side, f, r[f]) == i.want[f] for i, r in zip(sent, rows) for f in FIELDS if f in r), (side, rows)
        self.hand_over(deltas)

    def asked(self):
        """A record may have two items: what differed at the start, and what did since."""
        self.lost = {}
        items = [(self.find({"x": r["external_id"], "n": r["native_id"]}), re.findall(r"(\w+): ", r["what"]), r) for r in self.p.items()]
        for i in self.all:
            fields = [f for j, fields, r in items for f in fields if j is i]
            assert sorted(fields) == sorted(i.open), self.told("asked", i)
        return items

    def answer(self):
        for i, fields, line in self.asked():
            if self.rnd.random() < .6:
                side = self.rnd.choice(SIDES)
                self.p.run("review", "take", line["item"], side)
                i.want.update({f: i.open.pop(f)[side] for f in fields})

    def day(self):
        if not self.all:
            self.baseline()
        self.p.tick()
        self.people_work()
        self.export()
        self.sends()
        self.answer()
        self.sends()


WORLDS = {w.__name__.lower(): w for w in (Slow, Told, Directions, Start)}


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("seed", range(FIRST, FIRST + TIMES))
def test_calm_weeks_with_late_imports_and_a_past(world, seed):
    play(seed, world=WORLDS[world])


if __name__ == "__main__":
    play(int(sys.argv[2]), verbose=True, world=WORLDS[sys.argv[1]])
