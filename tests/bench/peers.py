"""The other programs that can tell what changed between two CSV files.

Each has a word for --peers, what it needs (`missing` says what is not there), what it may do beforehand without being
measured (`prepare`), its command, and its deltas, so that their numbers can be compared with ours.
"""
import collections
import csv
import os
import pathlib
import shutil
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
KEY, EXTERNAL = "INTERACTION_ID", "EXTERNAL_ID"

# What to run: the command, what it reads on standard input, and statuses that are no failure.
Command = collections.namedtuple("Command", "arguments input statuses environment", defaults=("", (0,), {}))
# A delta: how many rows of each kind, and the IDs of those that are new or changed.
Delta = collections.namedtuple("Delta", "new changed gone keys")


def header(path):
    with open(path, newline="") as file:
        return next(csv.reader(file))


def keys(path):
    with open(path, newline="") as file:
        return [row[KEY] for row in csv.DictReader(file)]


def read_delta(path):
    """From a file with a column that says new, changed or gone."""
    with open(path, newline="") as file:
        rows = [(row["CHANGE"], row[KEY]) for row in csv.DictReader(file)]
    words = collections.Counter(word for word, _ in rows)
    return Delta(words["new"], words["changed"], words["gone"], frozenset(key for word, key in rows if word != "gone"))


class Peer:
    def __init__(self, cache):
        self.cache = cache

    def missing(self):
        return None if shutil.which(self.program) else f"{self.program} is not installed"

    def prepare(self, base, folder):
        pass

    def delta(self, out):
        """What it found, if it tells that."""
        return None


class Lines(Peer):
    word, label, program = "wc", "wc -l", "wc"

    def command(self, base, following, out):
        return Command(["wc", "-l", following])


class Diff(Peer):
    word, label, program = "diff", "GNU diff (lines)", "diff"

    def command(self, base, following, out):
        return Command(["diff", base, following], statuses=(0, 1))


class Script(Peer):
    word, label, program = "python", "Python csv + dict", "/usr/bin/python3"

    def command(self, base, following, out):
        return Command([self.program, "-I", HERE / "peer_csv.py", base, following, out / "delta.csv"])

    def delta(self, out):
        return read_delta(out / "delta.csv")


class Sqlite(Peer):
    """In memory, which is its fastest; new, changed and gone are three files."""
    word, label, program = "sqlite", "sqlite3 shell", "sqlite3"

    def command(self, base, following, out):
        differs = " OR ".join(f'n."{c}" IS NOT b."{c}"' for c in header(base) if c != KEY)
        return Command(["sqlite3", "-batch", ":memory:"], f"""
.import --csv "{base}" base
.import --csv "{following}" following
CREATE INDEX base_key ON base({KEY});
CREATE INDEX following_key ON following({KEY});
.mode csv
.headers on
.once "{out}/new.csv"
SELECT n.* FROM following n LEFT JOIN base b USING ({KEY}) WHERE b.rowid IS NULL;
.once "{out}/changed.csv"
SELECT n.* FROM following n JOIN base b USING ({KEY}) WHERE {differs};
.once "{out}/gone.csv"
SELECT b.{KEY} FROM base b LEFT JOIN following n USING ({KEY}) WHERE n.rowid IS NULL;
""")

    def delta(self, out):
        new, changed, gone = (keys(out / f"{word}.csv") for word in ("new", "changed", "gone"))
        return Delta(len(new), len(changed), len(gone), frozenset(new + changed))

    def first_load(self, base, out):
        """Into a file, with an index for either ID, like a state."""
        return Command(["sqlite3", "-batch", out / "first.db"], f"""
.import --csv "{base}" record
CREATE INDEX record_external ON record({EXTERNAL});
CREATE INDEX record_native ON record({KEY});
""")


class DuckDB(Peer):
    """Both files read; the base is reduced to key and hash; a full outer join."""
    word, label, package = "duckdb", "DuckDB, 2 threads", "@duckdb/node-api"

    def missing(self):
        if not shutil.which("node"):
            return "node is not installed"
        if not self.modules().is_dir() and shutil.which("npm"):
            print(f"installing {self.package} into {self.cache}", flush=True)
            subprocess.run(["npm", "install", "--silent", "--no-save", "--prefix", self.cache, self.package],
                           stdout=subprocess.DEVNULL)
        return None if self.modules().is_dir() else f"{self.package} could not be installed into {self.cache} by npm"

    def modules(self):
        return self.cache / "node_modules" / self.package

    def run(self, database, mode, *statements):
        return Command(["node", HERE / "peer_duckdb.js", database, mode], "\n--\n".join(statements),
                       environment={"NODE_PATH": os.fspath(self.cache / "node_modules")})

    @staticmethod
    def read(path):
        columns = ", ".join(f"'{c}': 'VARCHAR'" for c in header(path))
        return f"""read_csv('{path}', columns = {{{columns}}}, header = true, auto_detect = false, delim = ',',
                   quote = '"', escape = '"')"""

    def hashed(self, path):
        return f"SELECT {KEY} AS k, hash({', '.join(header(path))}) AS h FROM {self.read(path)}"

    def join(self, base, following, out):
        columns = header(following)
        return f"""COPY (SELECT CASE WHEN b.k IS NULL THEN 'new' WHEN n.{KEY} IS NULL THEN 'gone' ELSE 'changed' END
            AS "CHANGE", coalesce(n.{KEY}, b.k) AS {KEY}, {', '.join('n.' + c for c in columns if c != KEY)}
            FROM (SELECT *, hash({', '.join(columns)}) AS h FROM {self.read(following)}) n
            FULL OUTER JOIN {base} b ON n.{KEY} = b.k WHERE n.h IS DISTINCT FROM b.h)
            TO '{out / 'delta.csv'}' (HEADER)"""

    def command(self, base, following, out):
        return self.run(":memory:", "write", self.join(f"({self.hashed(base)})", following, out))

    def delta(self, out):
        return read_delta(out / "delta.csv")


class DuckDBTable(DuckDB):
    """Keys and hashes of the base are in a table already; it is not brought up to date, which spares it a write."""
    word, label = "duckdb-table", "DuckDB, base as a table"

    def prepare(self, base, folder):
        self.database = folder / "base.duckdb"
        command = self.run(self.database, "write", f"CREATE TABLE base AS {self.hashed(base)}")
        subprocess.run(command.arguments, input=command.input.encode(), env={**os.environ, **command.environment}, check=True)

    def command(self, base, following, out):
        return self.run(self.database, "read", self.join("base", following, out))


ALL = (Lines, DuckDB, DuckDBTable, Sqlite, Script, Diff)
