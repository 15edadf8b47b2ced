"""Calm weeks of deletes that are passed on: rows that are gone or only marked, each side with its own way to tell and to be told,
and the guard.  As exact as test_calm.py.

CALM=4 says how many times it is played (80 with LONG=1), FIRST=0 where the seeds begin.  `python3 test_calm_deletes.py SEED`
plays one and prints its log.
"""
import re
import sys

import pytest

from test_calm import E, FIELDS, FIRST, N, OTHER, SCHEMA, SIDES, TWO_WAY, play
from test_calm_worlds import TIMES, Absence, Absent
from profile import Profile, field

YES = {E: "YN", N: "10"}


class Gone(Absent):
    def __init__(self, content):
        super().__init__(content)
        self.back = {E: False, N: False}         # an edit won over the mark, which is to be taken away


class Deletes(Absence):
    """What is in `bin` of a side that marks its rows is there still, marked; of one that does not, it is gone from its snapshot."""
    record = Gone

    def __init__(self, seed, folder):
        super().__init__(seed, folder)
        self.p.emit = self.emit

    def settings(self):
        settings, rnd = super().settings(), self.rnd
        self.own_id, self.most = settings["native"]["matches_by"] == "own-id", rnd.choice([1000, 0, 1])
        self.way = {s: rnd.choice(["ignore", "review", "propagate", "propagate"]) for s in SIDES}
        self.asks = {s: self.way[s] != "ignore" for s in SIDES}
        self.marks = {s: rnd.random() < .5 and self.asks[OTHER[s]] for s in SIDES}
        self.action = {s: not self.marks[s] or rnd.random() < .3 for s in SIDES}
        self.whole = {s: not self.marks[s] or rnd.random() < .5 for s in SIDES}
        for s in SIDES:
            settings[s].update(deletes=self.way[s], content="snapshot" if self.whole[s] else "changes",
                               action_column="Action" if self.action[s] else None)
        settings["policy"]["max_deletes"] = self.most
        if any(self.marks.values()):
            columns = {s: "" for s in SIDES if not self.marks[s]}
            settings["schema"] = SCHEMA + [field("gone", role="deleted", type="boolean", external_format="Y/N", native_format="1/0", **columns)]
        return settings

    # -- people --------------------------------------------------------------------------------------------------------
    def deletes(self):
        for side in SIDES:
            here = [i for i in self.all if i.held[side] and i.known[side] and i.seen[side]]
            for i in self.rnd.sample(here, min(max(0, len(here) - 2), self.rnd.choice([0, 0, 1, 1, 2]))):
                i.bin[side], i.held[side] = i.held[side], None
                self.touch(side, i)
            for i in [i for i in self.all if i.bin[side] and self.rnd.random() < .1]:
                i.held[side], i.bin[side] = i.bin[side], None
                self.touch(side, i)

    # -- files ---------------------------------------------------------------------------------------------------------
    def is_marked(self, side, i):
        return self.marks[side] and not i.held[side] and i.bin[side] is not None

    def row(self, side, i, content):
        return {**super().row(side, i, content), "gone": YES[side][not i.bin[side]]}

    def show(self, side, at=None):
        there = [i for i in (self.all if self.whole[side] else self.dirty[side]) if i.held[side] or self.is_marked(side, i)]
        if there or not self.whole[side]:
            rows = [self.row(side, i, i.held[side] or i.bin[side]) for i in there]
            self.p.drop(side, self.rnd.sample(rows, len(rows)), at)
        self.dirty[side] = []
        for i in there:
            self.observe(side, i)
        for i in [] if self.marks[side] else self.all:
            if not i.held[side] and i.seen[side] and i.there[side] == "present":
                self.goes(side, i)

    def goes(self, side, i):
        i.there[side] = "gone" if self.way[side] == "propagate" else "missing"
        i.asked[side] = i.there[OTHER[side]] == "present" and i.wants_more(side)
        i.asked[OTHER[side]] = False

    def observe(self, side, i):
        if i.held[side]:
            super().observe(side, i)
            return
        i.known[side] = True
        i.known[OTHER[side]] |= i.names_other[side]
        for f in FIELDS if side == E else TWO_WAY:
            if i.base[side] is None or i.bin[side][f] != i.base[side][f]:
                i.take(side, f, i.bin[side][f], self.conflict)
        i.base[side], i.seen[side] = dict(i.bin[side]), dict(i.bin[side])
        if i.there[side] == "present":
            self.goes(side, i)

    def load(self, side, delta, rows):
        for r in rows:
            i = self.find(r)
            is_marked = self.is_marked(side, i)
            if r["Action"] != "delete" and is_marked:
                assert not i.known[side] or r["x" if side == E else "n"] == i.ids[side], self.told("inserted beside its row", i)
                i.held[side], i.bin[side], i.back[side] = i.bin[side], None, False
            elif r["Action"] == "delete" and self.marks[side] and not is_marked:
                i.bin[side] = i.held[side]
                if self.shows[side]:
                    self.touch(side, i)
            super().load(side, delta, [r])

    # -- what must come of it --------------------------------------------------------------------------------------------
    def due(self, side):
        back = {i for i in self.all if i.there[side] == "present" and not any(i.asked.values()) and i.back[side]}
        return {i for i in super().due(side) | back if i.known[side] or not (side == N and self.own_id and self.deletes_at(side, i))}

    def emit(self):
        """With more deletes for one side than may go out by themselves, the plan is approved first.  People approved the others."""
        most = max(sum(self.deletes_at(s, i) for i in self.due(s)) if self.way[OTHER[s]] == "propagate" else 0 for s in SIDES)
        if most > self.most:
            digest = re.search(r"more than max_deletes = .*--approve ([0-9a-f]+)", self.p.run("emit", status=2).err)[1]
        deltas = Profile.emit(self.p, *(["--approve", digest] if most > self.most else []))
        for d in deltas:
            for r in d.rows:
                if self.marks[d.side]:
                    word = "delete" if r["gone"] == YES[d.side][0] else "other"
                    assert (r.setdefault("Action", word) == "delete") == (word == "delete"), r
        return deltas

    def decided(self, i, side, kind, accepted):
        if not (kind == "edit-vs-delete" and i.asked[side] and accepted and self.marks[side]):
            super().decided(i, side, kind, accepted)
            return
        i.asked[side], i.there[side], i.back[side] = False, "present", True
        if i.there[OTHER[side]] == "told":
            i.there[OTHER[side]] = "present"


@pytest.mark.parametrize("seed", range(FIRST, FIRST + TIMES))
def test_calm_weeks_of_deletes(seed):
    play(seed, world=Deletes)


if __name__ == "__main__":
    play(int(sys.argv[1]), verbose=True, world=Deletes)
