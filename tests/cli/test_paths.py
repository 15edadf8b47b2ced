"""The three ways in which rows of a snapshot are recognised (lookup, digest, keys) give the same, whatever happens to the
digest files: deltas, state and words.  Each history is lived by one profile a path, day by day, with its own seed.
"""
import contextlib
import os
import random
import sqlite3

import pytest

import state_file
from profile import DAYS, Profile, row

PATHS = ("lookup", "digest", "keys")
DAYS_LIVED = 9
CACHES = ("digests_external", "digests_native", "copied_settings", "journal_length")  # the last two tell the folder


def dump(profile):
    """All tables but what only says which digests may be believed."""
    with contextlib.closing(sqlite3.connect(f"file:{profile.path}/state.db?mode=ro", uri=True)) as db:
        found = {t: sorted(map(repr, db.execute(f"SELECT * FROM {t}"))) for t in state_file.tables(db) if t != "touched"}
        found["meta"] = [line for line in found["meta"] if not any(key in line for key in CACHES)]
        return found


def make(folder, **more):
    return Profile(folder, external={"label": "platform", "stamp": DAYS},
                   native={"snapshot_pattern": "*full*", "stamp": DAYS, "label": "database", "deletes": "review",
                           "eligible": "email <> 'private'"},
                   policy={"max_changes": "none", "max_change_percent": "none", "suspected_duplicate": "review"}, **more)


class World:
    """Rows of the database, edited at random; some files hold wrong, repeated or re-quoted rows."""

    def __init__(self, seed):
        self.random, self.rows, self.next = random.Random(seed), {}, 1
        for _ in range(30):
            self.add()

    def add(self):
        n = f"N{self.next}"
        self.rows[n] = row(x=f"E{self.next}" if self.random.random() < 0.7 else "", n=n, summary=f"s{self.next}")
        self.next += 1

    def live(self):
        rnd = self.random
        for _ in range(rnd.randrange(4)):
            self.add()
        for n in rnd.sample(sorted(self.rows), k=rnd.randrange(5)):
            self.rows[n]["summary"] = f"edit {rnd.randrange(6)}, \"quoted\"\nsecond line"
        for n in rnd.sample(sorted(self.rows), k=rnd.randrange(3)):
            del self.rows[n]
        for n in rnd.sample(sorted(self.rows), k=rnd.randrange(3)):
            self.rows[n]["email"] = rnd.choice(("private", "a@example.org"))

    def changes(self):
        """Without the older rows: a file of changes."""
        return [dict(r) for n, r in self.rows.items() if int(n[1:]) > self.next - 6]

    def file(self):
        rnd = self.random
        lines = [dict(r) for r in self.rows.values()]
        if rnd.random() < 0.3:
            rnd.shuffle(lines)
        if rnd.random() < 0.2:
            lines.append(dict(rnd.choice(lines)))                     # the same row twice
        if rnd.random() < 0.15:
            lines.append(dict(rnd.choice(lines), summary="another"))  # two rows, one record
        if rnd.random() < 0.15:
            lines.append(dict(rnd.choice(lines), x=f"E{rnd.randrange(1, self.next)}"))  # perhaps a clash
        if rnd.random() < 0.15:
            lines[rnd.randrange(len(lines))]["x"] = "1.23E+15"        # rejected
        if rnd.random() < 0.05:
            lines = []
        return lines


def encode(lines, quote_all, crlf):
    names = [("x", "EXT_ID"), ("n", "NAT_ID"), ("summary", "SUMMARY"), ("body", "BODY"), ("email", "EMAIL")]
    out = [[header for _, header in names]] + [[line[key] for key, _ in names] for line in lines]
    end = "\r\n" if crlf else "\n"

    def cell(text):
        return '"' + text.replace('"', '""') + '"' if quote_all or set(text) & set('",\n') else text
    return "".join(",".join(map(cell, line)) + end for line in out).encode()


def live(profile, path, days, damage=None):
    """Every day one snapshot, perhaps an export of changes, emit and now and then push; what each emit gave."""
    told = []
    for day, (snapshot, later, changes, pushes) in enumerate(days):
        if damage:
            damage(profile, day)
        profile.drop("native", name=f"native-full-{profile.now:%Y-%m-%d}.csv", raw=snapshot)
        if later:
            profile.drop("native", name=f"native-{profile.now:%Y-%m-%d}-later.csv", raw=later)
        if changes:
            profile.drop("external", name=f"external-{profile.now:%Y-%m-%d}.csv", raw=changes)
        for file in profile.path.glob("inbox/*/*"):
            os.utime(file, (profile.now.timestamp(),) * 2)
        done = profile.run("emit", status=None, ROUNDTRIP_PATH=path)
        told.append((done.status, done.err, sorted((f.name, f.read_bytes()) for f in profile.path.glob("outbox/*/*.csv"))))
        if pushes:
            profile.run("push", status=None)
        profile.tick(24)
    return told


def history(seed):
    world, days = World(seed), []
    for _ in range(DAYS_LIVED):
        lines, rnd = world.file(), world.random
        snapshot = encode(lines, rnd.random() < 0.2, rnd.random() < 0.2)
        changes = None
        if rnd.random() < 0.4 and lines:
            some = [dict(r, summary=f"ours {rnd.randrange(9)}") for r in rnd.sample(lines, k=min(3, len(lines))) if r["x"][:1] == "E"]
            changes = ("EID,NID,Summary,Body,Email\n" + "".join(
                f"{r['x']},{r['n']},{r['summary']},text,a@example.org\n" for r in some)).encode() if some else None
        later = None
        if rnd.random() < 0.4:
            world.live()
            later = encode(world.changes(), False, False)
        days.append((snapshot, later, changes, rnd.random() < 0.7))
        world.live()
    return days


@pytest.mark.parametrize("seed", range(12))
def test_all_paths_give_the_same(tmp_path, seed):
    days = history(seed)
    lived = {path: make(tmp_path / path) for path in PATHS}
    told = {path: live(profile, path, days) for path, profile in lived.items()}
    assert (lived["digest"].path / "state.digests-native").exists()
    assert not (lived["keys"].path / "state.digests-native").exists()
    for path in PATHS[1:]:
        assert told[path] == told["lookup"]
        assert dump(lived[path]) == dump(lived["lookup"])


def flip(rnd):
    def damage(profile, day):
        file = profile.path / "state.digests-native"
        if not file.exists():
            return
        data = bytearray(file.read_bytes())
        kind = rnd.randrange(5)
        if kind == 0:
            file.unlink()
        elif kind == 1 and data:
            del data[rnd.randrange(len(data)):]
            file.write_bytes(data)
        elif kind == 2:
            for _ in range(3):
                data[rnd.randrange(len(data))] ^= 1 << rnd.randrange(8)
            file.write_bytes(data)
        elif kind == 3:
            (profile.path / f"kept-{day}").write_bytes(data)
            old = sorted(profile.path.glob("kept-*"))[0].read_bytes()
            file.write_bytes(old)                    # of another generation
    return damage


@pytest.mark.parametrize("seed", range(100, 106))
def test_a_damaged_digest_file_is_not_believed(tmp_path, seed):
    days = history(seed)
    sound, damaged = make(tmp_path / "sound"), make(tmp_path / "damaged")
    expected = live(sound, "lookup", days)
    assert live(damaged, "digest", days, flip(random.Random(seed))) == expected
    assert dump(damaged) == dump(sound)


def test_diff_reads_digests_and_writes_none(tmp_path):
    days = history(7)
    profile = make(tmp_path)
    live(profile, "digest", days[:3])
    file = profile.path / "state.digests-native"
    before = file.read_bytes()
    profile.drop("native", name=f"native-full-{profile.now:%Y-%m-%d}.csv", raw=days[3][0])
    announced = profile.run("diff", "--format", "csv", status=None, ROUNDTRIP_PATH="digest")
    assert announced.out == profile.run("diff", "--format", "csv", status=None, ROUNDTRIP_PATH="lookup").out
    assert file.read_bytes() == before
    assert not list(profile.path.glob("*.new"))


def test_a_state_restored_from_a_backup_does_not_believe_newer_digests(tmp_path):
    days = history(11)
    profile, plain = make(tmp_path / "p"), make(tmp_path / "plain")
    live(profile, "digest", days[:3])
    live(plain, "lookup", days[:3])
    for p in (profile, plain):
        p.run("backup", "saved.db", cwd=p.path)
    kept = {p: {f.relative_to(p.path): f.read_bytes() for f in (p.path / "archive").rglob("*") if f.is_file()}
            for p in (profile, plain)}
    live(profile, "digest", days[3:5])
    plain.tick(48)
    newer = (profile.path / "state.digests-native").read_bytes()
    for p in (profile, plain):
        (p.path / "state.db").write_bytes((p.path / "saved.db").read_bytes())
        for f in [f for f in (p.path / "archive").rglob("*") if f.is_file()]:
            if f.relative_to(p.path) in kept[p]:
                f.write_bytes(kept[p][f.relative_to(p.path)])
            else:
                f.unlink()
        for f in p.path.glob("outbox/*/*"):
            f.unlink()
    (profile.path / "state.digests-native").write_bytes(newer)
    assert live(profile, "digest", days[5:]) == live(plain, "lookup", days[5:])


def test_another_word_is_refused(tmp_path):
    profile = make(tmp_path)
    profile.drop("native", name=f"native-full-{profile.now:%Y-%m-%d}.csv", raw=encode([row(n="N1")], False, False))
    done = profile.run("emit", status=64, ROUNDTRIP_PATH="fast")
    assert "ROUNDTRIP_PATH=fast: it is lookup, digest or keys" in done.err


TO_FORMAT_2 = ("CREATE TEMP TABLE kept AS SELECT * FROM record", "DROP VIEW record", "DROP TABLE record_recent",
               "DELETE FROM record_base", "INSERT INTO record_base SELECT * FROM temp.kept", "ALTER TABLE record_base RENAME TO record",
               "DELETE FROM meta WHERE key = 'recent'")


@pytest.mark.parametrize("version", (1, 2))
def test_a_state_of_an_older_format_is_brought_up_to_date(tmp_path, version):
    profile = make(tmp_path)
    live(profile, "lookup", history(3)[:2])
    expected = dump(profile)
    if version == 1:
        state_file.change(profile.path / "state.db", "DROP TABLE touched")
    state_file.change(profile.path / "state.db", *TO_FORMAT_2, f"PRAGMA user_version = {version}")
    assert f"written by an older roundtrip (format {version}): run roundtrip emit once" in profile.run("status", status=2).err
    profile.run("emit")
    found = dump(profile)
    assert [found[t] for t in ("record", "content", "event", "item")] == [expected[t] for t in ("record", "content", "event", "item")]
    profile.run("status")
