"""Calm weeks around the real program: every file comes, and imports are loaded before anybody works on.

Then nothing is left to judgement.  After each run both sides hold what was typed last; each row that goes out is one that
its side does not hold yet; and the review list asks about the fields that both sides edited, about rows that the database's
loader dropped when its next snapshot shows that, and about nothing else.
People edit few records often, also what was just imported; records are held, released and deleted; questions stay open for
some days; and each side writes values in its own way, never twice in the same.  No value is typed twice into a field, and no
text emptied: that may look like an import that was not taken, or cut a text, which test_model.py plays.

CALM=20 says how many times three weeks are played (400 with LONG=1), FIRST=0 where the seeds begin.  `python3 test_calm.py
SEED` plays one and prints its log.
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

import rebuilt  # noqa: E402
from profile import EMAIL, IDS, MEMORY, OTHER, SIDES, Profile, field  # noqa: E402

E, N = SIDES
TWO_WAY = ("kind", "summary", "tags", "day")
FIELDS = TWO_WAY + ("email",)                    # which the external side alone edits
SCHEMA = IDS + [field("kind", type="code", values="kinds.csv"), field("summary"),
                field("tags", type="set", external_format=";", native_format="|"),
                field("day", type="date", external_format="%Y-%m-%d", native_format="%d-%b-%y"), EMAIL]
DATE = {E: "%Y-%m-%d", N: "%d-%b-%y"}
SEPARATOR = {E: ";", N: "|"}
CODE = {E: "Kind {}", N: "K{}"}
CODES = 1500
TIMES = int(os.environ.get("CALM", "400" if os.environ.get("LONG") == "1" else "20"))
FIRST = int(os.environ.get("FIRST", "0"))
DAYS = 21


def write(side, f, value, rnd):
    """A cell as the side's export shows it."""
    if value is None:
        return ""
    if f == "tags":
        return SEPARATOR[side].join(rnd.sample(sorted(value), len(value)))
    if f == "day":
        return f"{value:{DATE[side]}}".upper() if side == N else f"{value:{DATE[side]}}"
    return CODE[side].format(value) if f == "kind" else value + rnd.choice(["", " ", "\n"]) * (f == "summary")


def read(side, f, cell):
    """What the side's loader makes of a cell."""
    if not cell:
        return None
    if f == "tags":
        return frozenset(cell.split(SEPARATOR[side]))
    if f == "day":
        return datetime.datetime.strptime(cell, DATE[side]).date()
    return int(re.search(r"\d+", cell)[0]) if f == "kind" else cell.rstrip()


def number(delta):
    return int(re.search(r"Z-(\d{6})", delta.name)[1])


class Interaction:
    """What both sides should hold, what each of them does, and what it was last seen to hold or sent."""

    def __init__(self, content):
        self.want, self.open = dict(content), {}             # open: field -> {side: value}
        self.held, self.base = {E: None, N: None}, {E: None, N: None}
        self.ids, self.names_other, self.known = {E: "", N: ""}, {E: False, N: False}, {E: False, N: False}
        self.on_hold, self.deleted, self.emptied = False, False, set()
        self.dropped, self.not_taken, self.delta = None, {}, 0   # the delta of a dropped row, until it is noticed; then its values

    def take(self, side, f, value, policy):
        """R4, and nothing else."""
        if f in self.open:
            self.open[f][side] = value
            if self.open[f][E] == self.open[f][N]:
                self.want[f] = value
                del self.open[f]
        elif self.want[f] == self.base[side][f] or f not in TWO_WAY:
            self.want[f] = value
        elif self.want[f] != value:
            values = {side: value, OTHER[side]: self.want[f]}
            if policy == "review":
                self.open[f] = values
            else:
                self.want[f] = values[policy]

    def lacks(self, side):
        fields = TWO_WAY if side == E else FIELDS
        return self.base[side] is None or any(self.base[side][f] != self.want[f] for f in fields)


class Weeks:
    record = Interaction

    def __init__(self, seed, folder):
        self.rnd = rnd = random.Random(seed)
        self.conflict = rnd.choice([E, N, "review", "review"])
        self.whole, self.store_ids = {E: False, N: rnd.random() < .5}, rnd.random() < .4
        self.shows = {E: rnd.random() < .5, N: True}
        self.p = Profile(folder, **self.settings())
        if rnd.random() < .6:
            self.p.always["ROUNDTRIP_PATH"] = rnd.choice(["lookup", "digest", "keys"])
        self.all, self.dirty, self.serial = [], {E: [], N: []}, 0

    def settings(self):
        rnd = self.rnd
        return dict(schema=SCHEMA, policy={"conflict": self.conflict, "overdue": "365d", "max_changes": "none",
                                           "max_change_percent": "none", "max_deletes": "1000"},
                    external={"shows_imports": "yes" if self.shows[E] else "no", "action_column": "Action"},
                    native={"matches_by": rnd.choice(["own-id", "either-id"]), "content": "snapshot" if self.whole[N] else "changes",
                            "deletes": "propagate", "store_ids": "yes" if self.store_ids else "no",
                            "batch_rows": rnd.choice(["none", "2"])},
                    files={"kinds.csv": "external,native\n" + "".join(f"Kind {i},K{i}\n" for i in range(1, CODES))})

    # -- people --------------------------------------------------------------------------------------------------------
    def typed(self, interaction, f):
        self.serial += 1
        n = self.serial
        if f != "summary" and f not in interaction.emptied and self.rnd.random() < .1:
            interaction.emptied.add(f)
            return None
        return {"kind": n, "summary": f"v{n}", "tags": frozenset([f"t{n}", "alumni", "gift"][:self.rnd.randint(1, 3)]),
                "day": datetime.date(2020, 1, 1) + datetime.timedelta(days=n), "email": f"a{n}@example.org"}[f]

    def touch(self, side, interaction):
        if interaction not in self.dirty[side]:
            self.dirty[side].append(interaction)

    def create(self, side):
        i = self.record({})
        i.want = {f: self.typed(i, f) if f in TWO_WAY or side == E else None for f in FIELDS}
        self.all.append(i)
        self.insert(side, i, i.want)
        i.base[side] = dict(i.want)
        self.touch(side, i)

    def insert(self, side, interaction, content):
        interaction.held[side] = {**dict.fromkeys(FIELDS), **content}
        interaction.ids[side] = f"{side[0].upper()}{self.all.index(interaction) + 1}"

    def edit(self, side):
        there = [i for i in self.all if i.held[side] and not i.deleted and not (side == N and (i.dropped or i.not_taken))]
        if there:
            i = self.rnd.choice(there[-6:])
            f = self.rnd.choice(FIELDS if side == E else TWO_WAY)
            i.held[side][f] = self.typed(i, f)
            self.touch(side, i)

    def people_work(self):
        for side in SIDES:
            for _ in range(self.rnd.choice([0, 1, 3, 6])):
                self.edit(side)
            for _ in range(self.rnd.choice([0, 0, 0, 1, 2])):
                self.create(side)
        self.deletes()

    def deletes(self):
        quiet = [i for i in self.all if self.whole[N] and all(i.known.values()) and all(i.held.values()) and not i.open and not i.dropped
                 and not i.not_taken and not i.on_hold and not any(i in self.dirty[s] for s in SIDES) and not i.lacks(E) and not i.lacks(N)]
        if quiet and self.rnd.random() < .2:
            i = self.rnd.choice(quiet)
            i.deleted, i.held[N] = True, None

    def holds(self):
        seen = [i for i in self.all if any(i.known.values()) and not i.deleted]
        for i in self.rnd.sample(seen, min(len(seen), 1)):
            self.p.run("release" if i.on_hold else "hold", *self.named(i))
            i.on_hold = not i.on_hold

    def named(self, i):
        return [next(f"{s}:{i.ids[s]}" for s in SIDES if i.known[s])]

    # -- files ---------------------------------------------------------------------------------------------------------
    def export(self):
        for side in SIDES:
            self.show(side)

    def show(self, side, at=None):
        """A file of one side: what people did there becomes known to the program."""
        shown = [i for i in self.all if i.held[side]] if self.whole[side] else self.dirty[side]
        if shown or not self.whole[side]:
            rows = [r for i in shown for r in self.rows(side, i)]
            self.p.drop(side, self.rnd.sample(rows, len(rows)), at)
        self.dirty[side] = []
        for i in shown:
            self.observe(side, i)

    def observe(self, side, i):
        """The program sees the interaction; `base` follows."""
        i.known[side] = True
        i.known[OTHER[side]] |= i.names_other[side]
        for f in FIELDS if side == E else TWO_WAY if not i.dropped else ():
            if i.base[side] is None or i.held[side][f] != i.base[side][f]:
                i.take(side, f, i.held[side][f], self.conflict)
        if side == N and i.dropped:
            i.not_taken = {f: i.base[N][f] for f in TWO_WAY if i.base[N][f] != i.held[N][f]}
            i.delta, i.dropped = i.dropped, None
        i.base[side] = dict(i.held[side])

    def rows(self, side, i):
        return [self.row(side, i, i.held[side])]

    def row(self, side, i, content):
        x, n = (i.ids[s] if s == side or i.names_other[side] else "" for s in SIDES)
        return dict({f: write(side, f, v, self.rnd) for f, v in content.items()}, x=x, n=n)

    def loader_drops(self, side, i, content):
        return side == N and self.whole[N] and self.rnd.random() < .15 and i.held[N]["email"] == content["email"] and \
            i.names_other[N] and any(i.held[N][f] != content[f] for f in TWO_WAY)

    def load(self, side, delta, rows):
        for r in rows:
            i = self.find(r)
            if r.get("Action") == "delete":
                i.held[side] = None
                continue
            content = {f: read(side, f, r[f]) for f in FIELDS if f in r}
            if i.held[side] is None:
                self.insert(side, i, content)
            elif self.loader_drops(side, i, content):
                i.dropped = delta
                i.base[side] = {**i.held[side], **content}
                continue
            i.held[side].update(content)
            i.names_other[side] |= bool(r["n" if side == E else "x"])
            i.base[side] = dict(i.held[side])
            if self.shows[side]:
                self.touch(side, i)

    def find(self, r):
        return next(i for i in self.all if (r["x"] and r["x"] == i.ids[E]) or (r["n"] and r["n"] == i.ids[N]))

    # -- what must come of it --------------------------------------------------------------------------------------------
    def due(self, side):
        """The interactions of which the side does not hold all, and for which it is sent."""
        return {i for i in self.all if not i.on_hold and not i.open and not i.not_taken and
                ((i.held[side] is not None if side == E else False) if i.deleted else
                 i.lacks(side) or (side == N and self.store_ids and i.known[E] and not i.names_other[N]))}

    def deletes_at(self, side, i):
        return i.deleted

    def sends(self):
        """Emits, and compares what goes out with what is due; then it is loaded."""
        due = {side: self.due(side) for side in SIDES}
        deltas = self.p.emit()
        for side in SIDES:
            rows = deltas.side(side)
            sent = [self.find(r) for r in rows]
            assert len(sent) == len(set(sent)) and set(sent) == due[side], "\n".join(
                [f"to {side}:"] + [self.told("not sent", i) for i in due[side] - set(sent)] +
                [self.told("sent, and not due", i) for i in set(sent) - due[side]])
            for i, r in zip(sent, rows):
                assert (r.get("Action") == "delete") == self.deletes_at(side, i), r
                assert self.deletes_at(side, i) or all(read(side, f, r[f]) == i.want[f] for f in FIELDS if f in r), (r, i.want)
        self.hand_over(deltas)

    def hand_over(self, deltas):
        self.p.push()
        for delta in deltas:
            self.load(delta.side, number(delta), delta.rows)

    def told(self, what, i):
        return f"{what}: {vars(i)}\n{self.p.run('show', *self.named(i)).out}"

    def asked(self):
        """The review list holds what is open; returns it by interaction."""
        items = self.p.items()
        self.lost = {int(line["delta"]): line["item"] for line in items if line["kind"] == "not-taken"}
        assert set(self.lost) == {i.delta for i in self.all if i.not_taken}, (self.lost, [(i.delta, i.ids) for i in self.all if i.not_taken])
        listing = {self.find({"x": line["external_id"], "n": line["native_id"]}): line for line in items if line["kind"] != "not-taken"}
        for i in set(listing) | {i for i in self.all if i.open}:
            fields = set(re.findall(r"(\w+): ", listing.get(i, {}).get("what", "")))
            assert fields == set(i.open) and (not i.open or listing[i]["kind"] == "conflict"), self.told("asked", i)
        return listing

    def answer(self):
        for i, line in self.asked().items():
            if self.rnd.random() < .6:
                side = self.rnd.choice(SIDES)
                self.p.run("review", "take", line["item"], side)
                i.want.update({f: values[side] for f, values in i.open.items()})
                i.open = {}

    def answer_not_taken(self):
        for delta, item in self.lost.items():
            verb = self.rnd.choice(["accept", "dismiss", "wait"])
            if verb != "wait":
                self.p.run("review", verb, item)
                for i in self.all:
                    if i.not_taken and i.delta == delta:
                        i.want.update({f: i.held[N][f] for f, v in i.not_taken.items() if verb == "dismiss" and i.want[f] == v})
                        i.not_taken = {}

    def day(self):
        self.p.tick()
        self.people_work()
        if self.rnd.random() < .15:              # a day without files
            return
        if self.rnd.random() < .3:
            self.holds()
        self.export()
        self.sends()
        self.answer()
        self.answer_not_taken()
        self.sends()
        assert self.p.emit().nothing
        self.rests()

    def rests(self):
        """In the evening both sides hold the same, but for what is open."""
        for i in self.all:
            assert i.deleted or i.open or i.on_hold or i.dropped or i.not_taken or all(not i.lacks(s) and i.base[s] == i.held[s] for s in SIDES), vars(i)


def play(seed, verbose=False, world=Weeks):
    folder = tempfile.mkdtemp(prefix=f"roundtrip-calm-{seed}-", dir=MEMORY)
    weeks = world(seed, folder)
    try:
        for _ in range(DAYS):
            weeks.day()
        difference = rebuilt.check(weeks.p)
        assert difference is None, f"a rebuilt state is another one:\n{difference}"
    except AssertionError as error:
        raise AssertionError(f"seed {seed}, {weeks.p.now:%d %B}, profile {folder}: {error}") from error
    if verbose:
        print(weeks.p.run("log").out)
    shutil.rmtree(folder)


@pytest.mark.parametrize("seed", range(FIRST, FIRST + TIMES))
def test_calm_weeks_send_and_ask_no_more_than_they_must(seed):
    play(seed)


if __name__ == "__main__":
    play(int(sys.argv[1]), verbose=True)
