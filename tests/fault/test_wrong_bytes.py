"""Cut and changed files through the whole program: never a crash, a refused file changes nothing but its mention, and of
one that is taken no cell gets into another column.

The reader alone is tried with every cut and every changed byte (tests/fuzz/mutate_csv.c); here a sample of them, or with
LONG=1 every one as well.
"""
import csv
import gzip
import io
import pathlib
import random
import shutil

import pytest

import rebuilt
from profile import SIDES, Profile, field
from scenarios import LONG

ODD = pathlib.Path(__file__).resolve().parents[2] / "fixtures" / "odd"
SCHEMA = [field("external_id", "InteractionEverTrueID", "XID", role="external_id", type="id"),
          field("native_id", "InteractionImportID", "NID", role="native_id", type="id"),
          field("kind", "InteractionType", "KIND"), field("date", "InteractionDate", "DATE", type="date"),
          field("summary", "Summary", "SUMMARY"), field("body", "Body", "BODY")]
FILES = sorted(f for f in ODD.iterdir() if ".csv" in f.suffixes)
MEANING = ("record", "content", "due", "delta", "delta_row", "part", "pending", "suspect", "waiting")
PARTS = 4


LARGE = 4096


def mutations(data, rnd):
    """(what, bytes): a few, or every cut and a change of every byte (of large files at every 331st place)."""
    places = [rnd.randrange(len(data) + 1) for _ in range(2)]
    if LONG:
        places = range(0, len(data) + 1, 331 if len(data) > LARGE else 1)
    for at in places:
        yield f"cut at {at}", data[:at]
        if at < len(data):
            to = rnd.choice((data[at] ^ 1, data[at] ^ 0x80, 0, ord('"'), ord("\n"), ord(",")))
            yield f"byte {at} is {to}", data[:at] + bytes([to]) + data[at + 1:]


def cells(data):
    """{either ID: {native header: cells in that column}} as another strict reader sees it; None: it sees no table."""
    try:
        if data[:2] == b"\x1f\x8b":
            data = gzip.decompress(data)
        rows = [r for r in csv.reader(io.StringIO(data.decode("utf-8-sig", "replace"), newline=""), strict=True) if r]
    except (csv.Error, OSError, EOFError):
        return None
    names = {line["external"]: line["native"] for line in SCHEMA}
    out = {}
    for r in rows[1:]:
        values = {names[h]: c for h, c in zip(rows[0], r) if h in names}
        for key in {(name, values.get(name, "")) for name in ("XID", "NID")}:
            for column, value in values.items():
                out.setdefault(key, {}).setdefault(column, set()).add(value)
    return out


def check_columns(delta, before, after, what):
    """Each cell of the delta stood in its column, in a row of that ID, in what was there before or in the new file."""
    for r in csv.DictReader(io.StringIO(delta.decode(), newline="")):
        for column, value in r.items():
            known = {""} if column in ("XID", "NID") else set()
            known = known.union(*(c.get((name, r[name]), {}).get(column, ()) for c in (before, after) for name in ("XID", "NID")))
            assert value in known, f"{what}: {column} of {r['XID']}: {value!r} is none of {known}"


@pytest.mark.parametrize("part", range(PARTS))
def test_wrong_file(part, folder, points):
    for side in SIDES:
        (folder / "imports" / side).mkdir(parents=True)
    p = Profile(folder / "start", schema=SCHEMA, stamp="mtime", policy={"max_changes": "none", "max_change_percent": "none"})
    p.put("inbox/external/plain.csv", (ODD / "plain.csv").read_bytes())
    p.sync()
    known = cells((ODD / "plain.csv").read_bytes())
    before = {k: v for k, v in rebuilt.dump(p.path).items() if k in MEANING}
    rnd = random.Random(11 + part)
    for file in FILES[part::PARTS]:
        for what, data in mutations(file.read_bytes(), rnd):
            p.path = folder / "p"
            shutil.rmtree(p.path, ignore_errors=True)
            shutil.copytree(folder / "start", p.path)
            p.put(f"inbox/external/{file.name}", data)
            result = p.run("emit", status=(0, 65))
            after = {k: v for k, v in rebuilt.dump(p.path).items() if k in MEANING}
            if result.status == 65:
                assert not rebuilt.difference(before, after), f"{file.name} {what}: refused, and yet:\n{result}"
                assert p.listing("rejects"), f"{file.name} {what}: {result}"
                assert not p.listing("inbox/external")
                difference = rebuilt.check(p) if "header" in result.err else None
                assert difference is None, f"{file.name} {what}: {difference}"
            points("wrong files: " + ("refused" if result.status else "taken"))
            for name in p.listing("outbox/native"):
                raw = (p.path / "outbox/native" / name).read_bytes()
                assert raw.endswith(b"\n") and b"\0" not in raw
                there = cells(data)
                if there is not None:
                    check_columns(raw, known, there, f"{file.name} {what}")
                    points("deltas whose columns were compared")


def test_packed_bomb_is_refused(folder):
    for side in SIDES:
        (folder / "imports" / side).mkdir(parents=True)
    p = Profile(folder / "p", schema=SCHEMA, stamp="mtime")
    header = (ODD / "plain.csv").read_bytes().split(b"\n")[0]
    p.put("inbox/external/bomb.csv.gz", gzip.compress(header + b'\n1,,x,2026-01-01,"' + b"a" * (80 << 20)))
    p.run("emit", status=65)
    assert not p.listing("outbox/native")
