#!/usr/bin/python3
"""A year of daily runs of a small office, on a clock of our own: what `report` is shown and tested with.

    ROUNDTRIP=build/dev/roundtrip tests/cli/year.py FOLDER [DAYS]     makes the profile FOLDER

Officers write in EverTrue and in the database, more on weekdays and in spring than at other times.  Now and then something
goes wrong: a conflict, a damaged row, an import that was not loaded.  The same year every time.
"""
import contextlib
import csv
import datetime
import math
import pathlib
import random
import sqlite3
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import state_file  # noqa: E402
from profile import Profile, row  # noqa: E402

END = datetime.datetime(2026, 11, 20, 6, 0)
LOST = 3             # days before the end on which the database's import is lost


class Year:
    def __init__(self, folder, days=365, seed=7):
        self.random, self.days = random.Random(seed), days
        self.rows, self.unnamed = {}, []             # by external ID; native IDs that EverTrue has not got
        self.numbers = {"E": 1000, "N": 5000}
        self.profile = Profile(folder, resume=False, profile={"name": "Riverside advancement"},
                               external={"label": "EverTrue", "shows_imports": "no"}, native={"label": "Banner", "matches_by": "own-id"})
        self.profile.settings["policy"].update(max_changes="none", max_change_percent="none")
        self.profile.write()
        self.profile.now = END - datetime.timedelta(days=days - 1)
        self.profile.run("resume")

    def name(self, letter):
        self.numbers[letter] += 1
        return f"{letter}{self.numbers[letter]}"

    def much(self, most):
        """How much is written today."""
        day = self.profile.now
        season = 0.6 + 0.4 * math.cos((day.timetuple().tm_yday - 110) / 365 * 2 * math.pi)
        quiet = day.weekday() >= 5 or (day.month, day.day) >= (12, 22)
        return self.random.randint(0, 1) if quiet else self.random.randint(1, max(1, round(most * season)))

    def some(self, known, count):
        return self.random.sample(sorted(known), max(0, min(count, len(known))))

    def officers_write(self):
        """In EverTrue; then in the database.  What is returned are today's files."""
        p, bound = self.profile, [x for x, r in self.rows.items() if r["n"]]
        ext = {x: dict(self.rows[x], body=f"written {p.now:%d %B}") for x in self.some(bound, self.much(8) - 1)}
        for _ in range(self.much(12)):
            x = self.name("E")
            ext[x] = row(x, "", summary=self.random.choice(("Visit", "Call", "Note")), body="met at the reunion")
        nat = [dict(self.rows[x], summary=f"entered {p.now:%d %B}") for x in self.some(set(bound) - set(ext), self.much(6) - 1)]
        nat += [row("", self.name("N"), summary="Event") for _ in range(self.much(4) - 1)]
        if p.now.day == 9 and ext:                  # both sides write into the same field
            nat += [dict(self.rows[x], body="another text") for x in ext if x in bound][:1]
        for r in [*ext.values(), *nat]:
            if r["x"]:
                self.rows[r["x"]] = dict(r)
        return list(ext.values()), nat

    def database_loads(self):
        """What was handed over to it yesterday; the rows come back with their new IDs."""
        back = []
        for file in sorted((self.profile.path / "imports/native").iterdir()):
            names = self.profile.names_out("native")
            if (END - self.profile.now).days != LOST:
                for cells in csv.DictReader(file.open(newline="")):
                    r = {names.get(k, k): v for k, v in cells.items()}
                    r["n"] = r["n"] or self.name("N")
                    self.rows[r["x"]] = dict(self.rows.get(r["x"], row()), **r)
                    back.append(self.rows[r["x"]])
            file.unlink()
        return back

    def day(self):
        p, back = self.profile, self.database_loads()
        ext, nat = self.officers_write()
        changed = {r["n"] for r in nat}
        if p.now.weekday() < 5 or p.now.day % 2:
            p.drop("external", ext)
        text = p.text("native", [r for r in back if r["n"] not in changed] + nat)
        if p.now.day == 17 and p.now.month % 4 == 3:
            text += "only one cell\n"
        p.drop("native", raw=text.encode())
        p.run("-q", "run", status=(0, 65))
        if p.now.day == 26:                         # once a month somebody decides
            p.items()
            p.run("review", "take", "all", "native", "--kind", "conflict", status=(0, 64))

    def live(self):
        for _ in range(self.days):
            self.day()
            self.profile.tick()
        self.profile.tick(-23)
        return self.profile

    def give_durations(self):
        """The clock stood still during each run: say how long they may have taken."""
        state = self.profile.path / "state.db"
        with contextlib.closing(sqlite3.connect(state)) as db:
            runs = [run for run, in db.execute("SELECT run FROM run WHERE command = 'run'")]
        state_file.change(state, *(f"UPDATE run SET ended = started + {self.seconds(run)} WHERE run = {run}"
                                   for run in runs))

    def seconds(self, run):
        return 4 + run // 60 + self.random.randint(0, 5) + (40 if run % 61 == 0 else 0)


def main():
    year = Year(pathlib.Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 365)
    profile = year.live()
    year.give_durations()
    print(f"{profile.path}: to look at it, ROUNDTRIP_NOW={profile.now:%Y-%m-%dT%H:%M:%SZ}")


if __name__ == "__main__":
    main()
