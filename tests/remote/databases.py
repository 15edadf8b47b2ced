"""Two databases of record for the tests of fixtures/native/: a private PostgreSQL cluster, and a SQLite file."""
import contextlib
import csv
import io
import os
import pathlib
import pwd
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time

SCRIPTS = pathlib.Path(__file__).resolve().parents[2] / "fixtures" / "native"
FIELDS = ("contact_id", "category", "happened_on", "summary", "body")
COLUMNS = ("external_id", "native_id") + FIELDS


def binaries():
    """The newest PostgreSQL here, or None."""
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[-3]))
    return found[-1].parent if found else None


@contextlib.contextmanager
def cluster():
    """Starts PostgreSQL on a unix socket in a folder of its own; gives the folder."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="rtpg"))
    who = {}
    if os.getuid() == 0:  # it refuses to run as root
        account = pwd.getpwnam("postgres")
        os.chown(folder, account.pw_uid, account.pw_gid)
        who = dict(user=account.pw_uid, group=account.pw_gid, extra_groups=[])
    run = dict(cwd=folder, env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}, **who)
    subprocess.run([binaries() / "initdb", "-D", folder / "data", "-A", "trust", "-U", "postgres", "-E", "UTF8",
                    "--locale=C", "-N"], check=True, stdout=subprocess.DEVNULL, **run)
    with open(folder / "log", "wb") as log:
        server = subprocess.Popen([binaries() / "postgres", "-D", folder / "data", "-k", folder, "-F", "-c",
                                   "listen_addresses="], stdout=log, stderr=log, **run)
    try:
        yield folder
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(60)
        shutil.rmtree(folder)


class Postgres:
    kind = "postgresql"

    def __init__(self, socket, name):
        self.environment = {"PGHOST": str(socket), "PGUSER": "postgres", "PGDATABASE": name}
        for _ in range(200):
            done = subprocess.run(["psql", "-X", "-q", "-d", "postgres", "-c", f"CREATE DATABASE {name}"],
                                  env=self.env(), capture_output=True, text=True)
            if done.returncode == 0:
                break
            time.sleep(0.05)
        assert done.returncode == 0, done.stderr
        self.execute((SCRIPTS / self.kind / "schema.sql").read_text())

    def env(self):
        return {"PATH": "/usr/bin:/bin", "PGCLIENTENCODING": "UTF8", **self.environment}

    def execute(self, sql):
        done = subprocess.run(["psql", "-X", "-q", "-A", "-t", "--csv", "-v", "ON_ERROR_STOP=1", "-f", "-"],
                              input=sql.encode(), env=self.env(), capture_output=True)
        assert done.returncode == 0, done.stderr.decode()
        return list(csv.reader(io.StringIO(done.stdout.decode(), newline="")))

    def literal(self, value):
        return "NULL" if value is None else f"convert_from(decode('{value.encode().hex()}', 'hex'), 'UTF8')"

    def read(self, column):
        return f"coalesce(encode(convert_to({column}::text, 'UTF8'), 'hex'), 'NULL')"

    def dated(self, value):
        return self.literal(value) + "::date"

    def open_transaction(self):
        """A session with a transaction that has begun to write."""
        session = subprocess.Popen(["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1"], env=self.env(), text=True,
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        session.stdin.write("BEGIN; INSERT INTO interaction (contact_id, summary) VALUES ('late', 'late');"
                            " SELECT 'begun';\n")
        session.stdin.flush()
        while "begun" not in session.stdout.readline():
            assert session.poll() is None
        return session


class Sqlite:
    kind = "sqlite"

    def __init__(self, folder):
        self.file = pathlib.Path(folder) / "record.db"
        self.environment = {"DATABASE": str(self.file)}
        self.execute((SCRIPTS / self.kind / "schema.sql").read_text())

    def env(self):
        return {"PATH": "/usr/bin:/bin", **self.environment}

    def execute(self, sql):
        *before, last = [s for s in sql.split(";\n--\n")]
        with contextlib.closing(sqlite3.connect(self.file, timeout=60, isolation_level=None)) as db:
            db.executescript(";".join(before))
            if not last.lstrip().upper().startswith("SELECT"):
                db.executescript(last)
                return []
            return [["" if c is None else str(c) for c in row] for row in db.execute(last)]

    def literal(self, value):
        return "NULL" if value is None else f"CAST(x'{value.encode().hex()}' AS TEXT)"

    def read(self, column):
        return f"CASE WHEN {column} IS NULL THEN 'NULL' ELSE lower(hex({column})) END"

    dated = literal


class Table:
    """The interactions of either, by values."""

    def __init__(self, database):
        self.database = database
        self.execute = database.execute

    def literal(self, column, value):
        return self.database.dated(value) if column == "happened_on" else self.database.literal(value)

    def insert(self, **values):
        names = ", ".join(values)
        self.execute(f"INSERT INTO interaction ({names}) VALUES "
                     f"({', '.join(self.literal(n, v) for n, v in values.items())})")

    def update(self, native_id, **values):
        self.execute("UPDATE interaction SET " + ", ".join(f"{n} = {self.literal(n, v)}" for n, v in values.items()) +
                     f" WHERE native_id = {native_id}")

    def rows(self):
        """All of them, by native ID; None is NULL."""
        table = self.execute("SELECT native_id, " + ", ".join(self.database.read(c) for c in COLUMNS if c != "native_id")
                             + " FROM interaction ORDER BY native_id")
        names = [c for c in COLUMNS if c != "native_id"]
        return {cells[0]: {"native_id": cells[0],
                           **{n: None if c == "NULL" else bytes.fromhex(c).decode() for n, c in zip(names, cells[1:])}}
                for cells in table}

    def differences(self, others):
        """What is here and not among these rows, and the other way round: computed by the database."""
        def names(prefix):
            return f"{prefix}native_id, " + ", ".join(
                f"coalesce(CAST({prefix}{c} AS text), '')" for c in COLUMNS if c != "native_id")

        lines = ["CREATE TEMPORARY TABLE other (native_id bigint, " +
                 ", ".join(f"{c} text" for c in COLUMNS if c != "native_id") + ")"]
        for row in others:
            lines.append(f"INSERT INTO other (native_id, {', '.join(c for c in COLUMNS if c != 'native_id')}) VALUES "
                         f"({row['native_id'] or 'NULL'}, " +
                         ", ".join(self.database.literal(row[c]) for c in COLUMNS if c != "native_id") + ")")
        lines.append(f"SELECT * FROM (SELECT 'here', {names('t.')} FROM interaction t EXCEPT "
                     f"SELECT 'here', {names('o.')} FROM other o) AS h UNION ALL "
                     f"SELECT * FROM (SELECT 'there', {names('o.')} FROM other o EXCEPT "
                     f"SELECT 'there', {names('t.')} FROM interaction t) AS o")
        return self.execute(";\n--\n".join(lines))

    def duplicates(self):
        return self.execute("SELECT contact_id, count(*) FROM interaction GROUP BY contact_id HAVING count(*) > 1")
