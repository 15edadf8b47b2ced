"""The scripts of fixtures/native/ as `transport = command`: ten days with two databases, byte for byte."""
import csv
import datetime
import io
import os
import random
import shutil
import subprocess

import pytest

import databases
from databases import COLUMNS, FIELDS, SCRIPTS, Postgres, Sqlite, Table
from profile import patience

HEADERS = dict(external_id="InteractionID", native_id="ImportID", contact_id="ContactID", category="Category",
               happened_on="Date", summary="Summary", body="Notes")
NASTY = ["plain", 'he said "yes"', '"', '""', "a,b;c|d", "two\nlines", "three\r\nlines\r\nhere", "lone\rreturn", "\\.",
         "before\n\\.\nafter", "\\", "back\\slash", "\\\\server\\share", "\\N", "\\n", "NULL", "tab\there", "caf\u00e9 \u20ac",
         "\U0001f600 \u4e2d\u6587", "'; DROP TABLE interaction; --", "=1+1", " blanks ", "\n", "007", "1e5", "$1 $$ ${x} `x`", "%s%n",
         "\ufeffbom", "x'00'"]


class Platform:
    """The other system: takes files from imports/, finds a row by either ID, shows in exports/ what was touched."""

    def __init__(self, exports, imports):
        self.exports, self.imports = exports, imports
        self.rows, self.touched, self.loaded, self.last = {}, set(), set(), 0

    def insert(self, native_id="", **values):
        self.last += 1
        key = f"E{self.last}"
        self.rows[key] = {**dict.fromkeys(FIELDS, ""), "external_id": key, "native_id": native_id, **values}
        self.touched.add(key)
        return key

    def update(self, key, **values):
        self.rows[key].update(values)
        self.touched.add(key)

    def load(self):
        for file in sorted(self.imports.iterdir(), key=lambda f: f.name):
            if file.name in self.loaded:
                continue
            assert file.suffix == ".csv", file.name
            self.loaded.add(file.name)
            names = {h: n for n, h in HEADERS.items()}
            for row in csv.DictReader(io.StringIO(file.read_bytes().decode(), newline="")):
                self.take({names[h]: cell for h, cell in row.items() if h in names})

    def take(self, row):
        row["happened_on"] = iso(row["happened_on"])
        found = [k for k, r in self.rows.items() if row["native_id"] and r["native_id"] == row["native_id"]] or \
            [k for k in self.rows if k == row["external_id"]]
        assert len(found) < 2
        values = {f: row[f] for f in FIELDS}
        if found:
            self.update(found[0], native_id=row["native_id"] or self.rows[found[0]]["native_id"], **values)
        else:
            self.insert(row["native_id"], **values)

    def export(self, at):
        text = io.StringIO(newline="")
        writer = csv.writer(text)
        writer.writerow(HEADERS[c] for c in COLUMNS)
        for key in sorted(self.touched):
            row = {**self.rows[key], "happened_on": american(self.rows[key]["happened_on"])}
            writer.writerow(row[c] for c in COLUMNS)
        self.touched.clear()
        file = self.exports / f"acme_{at:%Y-%m-%dT%H%M}.csv"
        (self.exports / "new").write_bytes(text.getvalue().encode())
        os.utime(self.exports / "new", (at.timestamp(), at.timestamp()))
        (self.exports / "new").rename(file)


def american(date):
    return f"{date[5:7]}/{date[8:10]}/{date[:4]}" if date else ""


def iso(date):
    return f"{date[6:]}-{date[:2]}-{date[3:5]}" if date else ""


@pytest.fixture(scope="module")
def postgres():
    if databases.binaries() is None:
        pytest.skip("no PostgreSQL server here (Debian: postgresql-15)")
    with databases.cluster() as socket:
        numbers = iter(range(1, 1000))
        yield lambda: Postgres(socket, f"record{next(numbers)}")


@pytest.fixture(params=["postgresql", "sqlite"])
def table(request, tmp_path):
    if request.param == "sqlite":
        return Table(Sqlite(tmp_path))
    return Table(request.getfixturevalue("postgres")())


class Trip:
    """A profile made of fixtures/native/, a platform, a database, and a clock that stands at six and at eighteen."""

    def __init__(self, path, table, exports, imports, external=None):
        self.table, self.path = table, path
        self.platform = Platform(exports, imports)
        self.now = datetime.datetime(2026, 11, 1, 6, tzinfo=datetime.timezone.utc)
        path.mkdir(mode=0o700)
        for script in ("extract.sh", "extract_full.sh", "load.sh"):
            shutil.copy(SCRIPTS / table.database.kind / script, path)
        shutil.copy(SCRIPTS / "schema.csv", path)
        text = (SCRIPTS / "roundtrip.ini").read_text()
        external = external or {"exports": exports, "imports": imports}
        text = text.replace("exports = /srv/platform/exports         ; or transport = sftp, host = ...\n",
                            "".join(f"{k} = {v}\n" for k, v in external.items()))
        text = text.replace("imports = /srv/platform/imports\n", "")
        text = text.replace("conflict = review", "conflict = external\nmax_changes = none\nmax_change_percent = none")
        (path / "roundtrip.ini").write_text(text)
        self.run("resume")

    def command(self, *args, fault=""):
        env = {"HOME": str(self.path), "ROUNDTRIP_NOW": f"{self.now:%Y-%m-%dT%H:%M:%SZ}", "LC_ALL": "C.UTF-8",
               "ROUNDTRIP_FAULT": fault, **self.table.database.env()}
        return subprocess.run([os.environ["ROUNDTRIP"], "-C", str(self.path), *args], env=env,
                              capture_output=True, text=True, timeout=patience())

    def run(self, *args):
        done = self.command(*args)
        assert done.returncode == 0, f"{args}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    def half_day(self, kill_at=None, full=False):
        """Export, run, import; gives the names of the files that were handed over."""
        self.platform.export(self.now - datetime.timedelta(minutes=10))
        if kill_at:
            self.command("run", fault=f"{kill_at}:kill")
        out = self.run("run", *(["--full"] if full else []))
        self.platform.load()
        self.now += datetime.timedelta(hours=12)
        return out.split()

    def settle(self):
        for _ in range(6):
            if not self.half_day():
                break
        assert not self.half_day()
        assert not self.half_day(full=True)
        assert self.run("review", "list", "--csv").count("\n") == 1

    def assert_equal(self):
        assert self.table.differences(self.platform.rows.values()) == []
        assert self.table.duplicates() == []
        contacts = [row["contact_id"] for row in self.platform.rows.values()]
        assert len(set(contacts)) == len(contacts)


def plain_trip(path, table):
    for name in ("exports", "imports"):
        (path / name).mkdir()
    return Trip(path / "profile", table, path / "exports", path / "imports")


@pytest.fixture
def trip(table, tmp_path):
    return plain_trip(tmp_path, table)


class Users:
    """Seeded: new interactions and edits on both sides, no value twice."""

    def __init__(self, trip, seed):
        self.trip, self.dice, self.count = trip, random.Random(seed), 0

    def text(self):
        self.count += 1
        if self.dice.random() < 0.1:
            return ""
        return f"{self.count} " + "".join(self.dice.sample(NASTY, self.dice.randint(0, 4)))

    def date(self):
        return f"20{self.dice.randint(10, 30)}-{self.dice.randint(1, 12):02}-{self.dice.randint(1, 28):02}"

    def values(self):
        values = dict(category=self.text(), happened_on=self.date(), summary=self.text(), body=self.text())
        return {k: values[k] for k in self.dice.sample(sorted(values), self.dice.randint(1, 4))}

    def work(self):
        for _ in range(self.dice.randint(0, 2)):
            self.count += 1
            self.trip.platform.insert(contact_id=f"{self.count:04}", **self.values())
        for _ in range(self.dice.randint(0, 2)):
            self.count += 1
            self.trip.table.insert(contact_id=f"{self.count:04}", **self.nulls(self.values()))
        for key in self.pick(self.trip.platform.rows):
            self.trip.platform.update(key, **self.values())
        for key in self.pick(self.trip.table.rows()):
            self.trip.table.update(key, **self.nulls(self.values()))

    def pick(self, rows):
        return self.dice.sample(sorted(rows), min(len(rows), self.dice.randint(0, 4)))

    def nulls(self, values):
        return {k: None if v == "" and self.dice.random() < 0.5 else v for k, v in values.items()}


def live(trip, seed, days, kills=0.0):
    users = Users(trip, seed)
    for _ in range(days * 2):
        users.work()
        trip.half_day(users.dice.randint(1, 150) if users.dice.random() < kills else None)
    trip.settle()
    trip.assert_equal()
    assert len(trip.platform.rows) > days


def test_ten_days_with_postgresql(postgres, tmp_path):
    live(plain_trip(tmp_path, Table(postgres())), 1, 10)


def test_ten_days_with_postgresql_over_sftp(postgres, tmp_path, server):
    live(Trip(tmp_path / "profile", Table(postgres()), server.root / "exports", server.root / "imports",
              server.settings("sftp", settle="60s")), 3, 10)


def test_days_with_kills(trip):
    live(trip, 4, 5, kills=0.7)


def test_days_with_sqlite(tmp_path):
    live(plain_trip(tmp_path, Table(Sqlite(tmp_path))), 5, 5)


def test_every_byte_survives(trip):
    for number, value in enumerate(NASTY):
        trip.platform.insert(contact_id=f"x{number}", summary=value, body=f"{value} {value}")
        trip.table.insert(contact_id=f"n{number}", summary=value, body=value + value)
    trip.half_day()
    trip.settle()
    trip.assert_equal()
    there = {row["contact_id"]: row for row in trip.platform.rows.values()}
    here = {row["contact_id"]: row for row in trip.table.rows().values()}
    for number, value in enumerate(NASTY):
        assert here[f"x{number}"]["summary"] == there[f"x{number}"]["summary"] == value
        assert here[f"n{number}"]["body"] == there[f"n{number}"]["body"] == value + value


def test_null_and_empty_stay_what_they_are(trip):
    trip.table.insert(contact_id="1", summary="", body=None, happened_on=None)
    trip.half_day()
    trip.half_day()
    key, = trip.platform.rows
    assert trip.platform.rows[key]["body"] == ""
    trip.platform.update(key, category="edited there")
    trip.half_day()
    row, = trip.table.rows().values()
    assert (row["category"], row["summary"], row["body"], row["happened_on"]) == ("edited there", "", None, None)
    trip.platform.update(key, category="")
    trip.half_day()
    assert trip.table.rows()[row["native_id"]]["category"] == ""
    trip.settle()


def script(trip, name, *args):
    return subprocess.run([trip.path / name, *args], cwd=trip.path, env=trip.table.database.env(), capture_output=True)


def delta_file(tmp_path, *rows):
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    writer.writerows([row.get(c, "") for c in COLUMNS] for row in rows)
    file = tmp_path / "a delta \"with\" 'odd' name\\.csv"
    file.write_bytes(text.getvalue().encode())
    return file


def test_a_load_is_matched_by_either_id_and_may_be_repeated(trip, tmp_path):
    trip.table.insert(contact_id="1", summary="by native ID")
    trip.table.insert(contact_id="2", summary="by external ID", external_id="E2")
    file = delta_file(tmp_path, dict(external_id="E1", native_id="1", contact_id="1", summary="one"),
                      dict(external_id="E2", contact_id="2", summary="two"),
                      dict(external_id="E3", contact_id="3", summary="three"),
                      dict(external_id="E9", native_id="900", contact_id="4", summary="was deleted"))
    first = script(trip, "load.sh", file)
    assert first.returncode == 0, first.stderr
    pairs = [line.split(",") for line in first.stdout.decode().split()]
    assert pairs == [["external_id", "native_id"], ["E1", "1"], ["E2", "2"], ["E3", "3"], ["E9", "900"]]
    before = trip.table.rows()
    changed = trip.table.execute("SELECT native_id, changed FROM interaction ORDER BY 1")
    assert {r["external_id"]: r["summary"] for r in before.values()} == \
        {"E1": "one", "E2": "two", "E3": "three", "E9": "was deleted"}
    again = script(trip, "load.sh", file)
    assert again.returncode == 0 and again.stdout == first.stdout
    assert trip.table.rows() == before
    assert trip.table.execute("SELECT native_id, changed FROM interaction ORDER BY 1") == changed


def test_a_load_that_fails_leaves_nothing(trip, tmp_path):
    trip.table.insert(contact_id="1", external_id="E1", summary="one")
    trip.table.insert(contact_id="2", summary="two")
    before = trip.table.rows()
    file = delta_file(tmp_path, dict(external_id="E3", contact_id="3", summary="new"),
                      dict(external_id="E1", native_id="2", contact_id="2", summary="E1 is the other's"))
    done = script(trip, "load.sh", file)
    assert done.returncode != 0 and done.stderr
    assert trip.table.rows() == before
    file.write_text("external_id,native_id,contact_id,category,happened_on,summary,body,more\nE4,,4,,,,,x\n")
    done = script(trip, "load.sh", file)
    assert done.returncode == 65 and b"columns" in done.stderr
    assert trip.table.rows() == before
    assert script(trip, "load.sh", tmp_path / "missing.csv").returncode != 0


def test_the_bookmark_moves_when_roundtrip_has_the_file(trip):
    def extracted():
        done = script(trip, "extract.sh")
        assert done.returncode == 0, done.stderr
        return done.stdout.decode().count("\n") - 1

    trip.table.insert(contact_id="1", summary="one")
    assert extracted() == 1
    assert extracted() == 1  # nobody has kept it
    trip.half_day()
    assert extracted() == 0  # it is in the archive
    trip.table.insert(contact_id="2", summary="two")
    assert extracted() == 1
    trip.table.insert(contact_id="3", summary="three")
    assert extracted() == 2
    assert script(trip, "extract_full.sh").stdout.count(b"\n") == 4


def test_a_change_that_was_committed_late_is_not_passed_over(postgres, tmp_path):
    trip = plain_trip(tmp_path, Table(postgres()))
    session = trip.table.database.open_transaction()
    trip.table.insert(contact_id="1", summary="begun later, committed earlier")
    trip.half_day()
    trip.half_day()
    assert [r["contact_id"] for r in trip.platform.rows.values()] == ["1"]
    session.communicate("COMMIT;\n")
    trip.half_day()
    assert sorted(r["contact_id"] for r in trip.platform.rows.values()) == ["1", "late"]
    trip.settle()
    trip.assert_equal()


def test_a_failing_extract_stops_the_run(trip):
    trip.platform.insert(contact_id="1", summary="one")
    trip.platform.export(trip.now - datetime.timedelta(minutes=10))
    (trip.path / "extract.sh").write_text("#!/bin/sh\necho external_id,native_id\nexit 3\n")
    done = trip.command("run")
    assert done.returncode == 69 and "status 3" in done.stderr, done.stderr
    assert not trip.table.rows() and not list((trip.path / "outbox").rglob("*.csv"))
    assert not list((trip.path / "inbox/native").iterdir())


def test_a_failing_load_is_done_by_the_next_run(trip):
    trip.platform.insert(contact_id="1", summary="one")
    good = (trip.path / "load.sh").read_bytes()
    (trip.path / "load.sh").write_text("#!/bin/sh\necho external_id,native_id\necho E1,77\nexit 9\n")
    trip.platform.export(trip.now - datetime.timedelta(minutes=10))
    assert trip.command("run").returncode == 69
    assert "native,77" not in trip.run("show", "external:E1")
    (trip.path / "load.sh").write_bytes(good)
    trip.run("run")
    assert [r["external_id"] for r in trip.table.rows().values()] == ["E1"]
    trip.settle()
    trip.assert_equal()
