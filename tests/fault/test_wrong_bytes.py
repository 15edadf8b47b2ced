"""Cut and changed files through the whole program: never a crash, and a refused file changes nothing but its mention.

The reader alone is tried with every cut and every changed byte (tests/fuzz/mutate_csv.c); here a sample of them.
"""
import gzip
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


def mutations(data, rnd):
    """A few of all: (what, bytes)."""
    for _ in range(12 if LONG else 2):
        at = rnd.randrange(len(data) + 1)
        yield f"cut at {at}", data[:at]
        if data:
            at = rnd.randrange(len(data))
            to = rnd.choice((data[at] ^ 1, data[at] ^ 0x80, 0, ord('"'), ord("\n"), ord(",")))
            yield f"byte {at} is {to}", data[:at] + bytes([to]) + data[at + 1:]


@pytest.mark.parametrize("part", range(PARTS))
def test_wrong_file(part, folder, points):
    for side in SIDES:
        (folder / "imports" / side).mkdir(parents=True)
    p = Profile(folder / "start", schema=SCHEMA, stamp="mtime", policy={"max_changes": "none", "max_change_percent": "none"})
    p.put("inbox/external/plain.csv", (ODD / "plain.csv").read_bytes())
    p.sync()
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


def test_packed_bomb_is_refused(folder):
    for side in SIDES:
        (folder / "imports" / side).mkdir(parents=True)
    p = Profile(folder / "p", schema=SCHEMA, stamp="mtime")
    header = (ODD / "plain.csv").read_bytes().split(b"\n")[0]
    p.put("inbox/external/bomb.csv.gz", gzip.compress(header + b'\n1,,x,2026-01-01,"' + b"a" * (80 << 20)))
    p.run("emit", status=65)
    assert not p.listing("outbox/native")
