"""A profile folder for the black-box tests: made by hand, driven through the program, read back as rows.

Rows are dicts by field name; `x` and `n` stand for the external and the native ID.  The clock is ours: every command
runs with ROUNDTRIP_NOW set to Profile.now, and a dropped file carries the time in its name.
"""
import csv
import datetime
import gzip
import io
import os
import pathlib
import shlex
import subprocess

SIDES = ("external", "native")
OTHER = {"external": "native", "native": "external"}
COLUMNS = ("field", "external", "native", "external_out", "native_out", "external_max", "native_max", "role", "type",
           "direction", "external_format", "native_format", "values")
MINUTES = "*%Y-%m-%dT%H%M*"
DAYS = "*%Y-%m-%d*"
WORDS = ("rejected", "repeated", "clash", "stale", "excluded", "suspected", "conflict", "new", "changed", "local",
         "echo", "unchanged")
SENDS = ("insert", "update", "delete")
ALIAS = {"external_id": "x", "native_id": "n"}
# A folder for what has to survive no crash; None: where TMPDIR says.
MEMORY = "/dev/shm" if "TMPDIR" not in os.environ and os.access("/dev/shm", os.W_OK) else None
SANITIZER = ("AddressSanitizer", "LeakSanitizer", "runtime error:")


def patience():
    """Seconds after which a command is said to hang: many, for a machine may be busy."""
    return float(os.environ.get("ROUNDTRIP_TIMEOUT", "300"))


def field(name, external=None, native=None, **more):
    """One line of schema.csv; headers are made from the name unless given."""
    line = dict.fromkeys(COLUMNS, "")
    line.update(field=name, external=name.title().replace("_", "") if external is None else external,
                native=name.upper() if native is None else native)
    line.update({k: str(v) for k, v in more.items()})
    return line


IDS = [field("external_id", "EID", "EXT_ID", role="external_id", type="id"),
       field("native_id", "NID", "NAT_ID", role="native_id", type="id")]
TEXTS = [field("summary"), field("body")]
EMAIL = field("email", direction="to_native")
SCHEMA = IDS + TEXTS + [EMAIL]
MODIFIED = field("modified", role="modified_at", type="datetime", external_format="%Y-%m-%dT%H:%M:%SZ",
                 native_format="%Y-%m-%dT%H:%M:%SZ")


def row(x="", n="", summary="one", body="text", email="a@example.org", **more):
    return dict(x=x, n=n, summary=summary, body=body, email=email, **more)


class Result:
    def __init__(self, args, done):
        self.args, self.status = args, done.returncode
        self.out_bytes = done.stdout
        self.out = done.stdout.decode("utf-8", "replace")
        self.err = done.stderr.decode("utf-8", "replace")

    def __repr__(self):
        return f"roundtrip {shlex.join(self.args)}\nstatus {self.status}\nout:\n{self.out}\nerr:\n{self.err}"


class Delta:
    """One outgoing file: rows by field name, the header as written, the bytes as written."""

    def __init__(self, profile, path):
        self.path = path if path.is_absolute() else profile.path / path
        self.name = self.path.name
        parts = self.path.parts
        self.side = next(p for p in reversed(parts) if p in SIDES)
        self.raw = self.path.read_bytes()
        self.data = gzip.decompress(self.raw) if self.raw[:2] == b"\x1f\x8b" else self.raw
        text = self.data.decode(profile.setting(self.side, "encoding", "utf-8"))
        table = list(csv.reader(io.StringIO(text, newline=""), delimiter=profile.setting(self.side, "delimiter", ",")))
        self.header, names = table[0], profile.names_out(self.side)
        for cells in table[1:]:
            assert len(cells) == len(self.header), f"{self.name}: {cells}"
        self.rows = [{names.get(h, h): c for h, c in zip(self.header, cells)} for cells in table[1:]]


class Deltas(list):
    """What one emit wrote."""

    def __init__(self, files, result):
        super().__init__(files)
        self.result = result

    def side(self, side):
        return [r for d in self if d.side == side for r in d.rows]

    external = property(lambda self: self.side("external"))
    native = property(lambda self: self.side("native"))

    @property
    def nothing(self):
        return not self


class Profile:
    def __init__(self, path, *, schema=None, stamp=MINUTES, imports=True, resume=True, files=None, profile=None,
                 external=None, native=None, policy=None):
        self.path = pathlib.Path(path)
        self.schema = [dict(line) for line in (schema or SCHEMA)]
        self.now = datetime.datetime(2026, 11, 1, 6, 0)
        self.always = {}                            # in the environment of each command
        self.settings = {"profile": {"name": "trip", **(profile or {})}, "policy": dict(policy or {})}
        for side, more in (("external", external), ("native", native)):
            self.settings[side] = {"stamp": stamp}
            if imports:
                self.settings[side]["imports"] = f"imports/{side}"
            self.settings[side].update(more or {})
        self.make_folders()
        for name, text in (files or {}).items():
            self.put(name, text)
        self.write()
        if resume:
            self.run("resume")

    # -- the folder ------------------------------------------------------------------------------------------
    def make_folders(self):
        folders = [f"{kind}/{side}" for kind in ("inbox", "outbox", "imports") for side in SIDES]
        for name in ("",) + tuple(folders) + ("archive", "rejects"):
            (self.path / name).mkdir(parents=True, exist_ok=True)
        for folder in [self.path] + [f for f in self.path.rglob("*") if f.is_dir()]:
            folder.chmod(0o700)

    def put(self, name, text):
        file = self.path / name
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        file.chmod(0o600)
        return file

    def write(self):
        """Write roundtrip.ini and schema.csv from what is here; call it again after a change."""
        lines = []
        for section in ("profile", "external", "native", "policy"):
            lines.append(f"[{section}]")
            lines += [f"{k} = {v}" for k, v in self.settings[section].items() if v is not None]
        self.put("roundtrip.ini", "\n".join(lines) + "\n")
        text = io.StringIO()
        writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.schema)
        self.put("schema.csv", text.getvalue())

    def setting(self, side, key, default=None):
        return self.settings[side].get(key) or default

    def names_out(self, side):
        return {line[side + "_out"] or line[side]: ALIAS.get(line["field"], line["field"]) for line in self.schema
                if line[side] or line[side + "_out"]}

    def snapshot(self):
        """Every file of the profile with its bytes."""
        return {str(f.relative_to(self.path)): f.read_bytes() if f.is_file() else None
                for f in sorted(self.path.rglob("*"))}

    def listing(self, folder):
        return sorted(f.name for f in (self.path / folder).iterdir() if f.is_file())

    def files_under(self, folder):
        return [f for f in (self.path / folder).rglob("*") if f.is_file()]

    # -- the program -----------------------------------------------------------------------------------------
    def environment(self, **more):
        env = {k: v for k, v in os.environ.items() if k not in ("ROUNDTRIP_PROFILE", "TZ", "LC_ALL", "LANG")}
        env.update(ROUNDTRIP_NOW=self.now.strftime("%Y-%m-%dT%H:%M:%SZ"), TZ="UTC", LC_ALL="C.UTF-8")
        env.update(self.always, **more)
        return env

    def command(self, *args):
        if not os.environ.get("ROUNDTRIP"):
            raise AssertionError("set ROUNDTRIP to the path of the program")
        return [os.environ["ROUNDTRIP"], *(str(a) for a in args)]

    def run(self, *args, status=0, stdin=b"", cwd=None, **env):
        """Run a command in the profile folder; status is what it must end with (None: anything but a crash)."""
        done = subprocess.run(self.command(*args), cwd=cwd or self.path, env=self.environment(**env), input=stdin,
                              capture_output=True, timeout=patience())
        result = Result([str(a) for a in args], done)
        assert result.status >= 0 and not any(s in result.err for s in SANITIZER), f"crash: {result}"
        if status is not None:
            wanted = status if isinstance(status, tuple) else (status,)
            assert result.status in wanted, f"expected {wanted}: {result}"
        return result

    def emit(self, *args, status=0):
        result = self.run("emit", *args, status=status)
        return Deltas([Delta(self, pathlib.Path(line)) for line in result.out.splitlines() if line], result)

    def push(self, *args, status=0):
        """Hand over; without an `imports` setting the files are taken out of the outbox first."""
        for side in SIDES:
            if "imports" not in self.settings[side] and self.setting(side, "transport", "directory") == "directory":
                self.take_outbox(side)
        return self.run("push", *args, status=status)

    def take_outbox(self, side):
        for name in self.listing(f"outbox/{side}"):
            (self.path / "outbox" / side / name).unlink()

    def sync(self, *args, status=0):
        deltas = self.emit(*args, status=status)
        self.push()
        return deltas

    def diff(self, *args, status=0):
        return list(csv.DictReader(io.StringIO(self.run("diff", *args, "--format", "csv", status=status).out)))

    def items(self, kind=None):
        """The review list, optionally of one kind; the listing comes right before every decision."""
        args = ["review", "list"] + (["--kind", kind] if kind else []) + ["--csv"]
        return list(csv.DictReader(io.StringIO(self.run(*args).out)))

    def decide(self, verb, kind, side=None, status=0):
        """accept, dismiss or take all items of a kind."""
        assert self.items(kind), f"no {kind} item to {verb}"
        return self.run("review", verb, "all", *([side] if side else []), "--kind", kind, status=status)

    # -- files and days --------------------------------------------------------------------------------------
    def tick(self, hours=24, minutes=0):
        self.now += datetime.timedelta(hours=hours, minutes=minutes)

    def text(self, side, rows, columns=None):
        lines = [line for line in self.schema if line[side]]
        headers = columns or [line[side] for line in lines]
        by_header = {line[side]: ALIAS.get(line["field"], line["field"]) for line in lines}
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n", delimiter=self.setting(side, "delimiter", ","))
        writer.writerow(headers)
        writer.writerows([r.get(by_header.get(h, h), "") for h in headers] for r in rows)
        return out.getvalue()

    def drop(self, side, rows=(), at=None, name=None, columns=None, raw=None):
        """Put a file into the inbox; its stamp is `at`, else now."""
        at = at or self.now
        name = name or f"{side}_{at:%Y-%m-%dT%H%M}.csv"
        if raw is None:
            raw = self.text(side, rows, columns).encode(self.setting(side, "encoding", "utf-8"))
        return self.put(f"inbox/{side}/{name}", raw)

    def trip(self, ext=None, nat=None, hours=24, status=0):
        """A day: time passes, files come in, emit and push."""
        self.tick(hours)
        if ext is not None:
            self.drop("external", ext)
        if nat is not None:
            self.drop("native", nat)
        return self.sync(status=status)

    def agree(self, *rows):
        """Bring rows that have both IDs into a quiet, bound state: born external, loaded, shown by the database."""
        first = self.trip(ext=[{**r, "n": ""} for r in rows])
        assert len(first.native) == len(rows) and not first.external, first.result
        assert self.trip(nat=list(rows)).nothing
        return self


def only(rows):
    """The single row of a list."""
    assert len(rows) == 1, rows
    return rows[0]


def pick(record, *names):
    return tuple(record[name] for name in names)
