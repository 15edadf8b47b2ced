"""Every file of fixtures/odd through the whole program, as the table in fixtures/odd/README.md says.

What is taken comes out byte for byte in the delta for the other side; what is rejected or refused is told with file, line
and column, and the rest goes on.
"""
import csv
import gzip
import io
import pathlib
import re
import shutil

import pytest

from profile import Profile, field

ODD = pathlib.Path(__file__).resolve().parents[2] / "fixtures" / "odd"
COLUMNS = {"external_id": "InteractionEverTrueID", "native_id": "InteractionImportID", "kind": "InteractionType",
           "date": "InteractionDate", "summary": "Summary", "body": "Body"}
SCHEMA = [field("external_id", COLUMNS["external_id"], "XID", role="external_id", type="id"),
          field("native_id", COLUMNS["native_id"], "NID", role="native_id", type="id"),
          field("kind", COLUMNS["kind"], "KIND"), field("date", COLUMNS["date"], "DATE", type="date"),
          field("summary", COLUMNS["summary"], "SUMMARY"), field("body", COLUMNS["body"], "BODY")]


def table():
    for line in (ODD / "README.md").read_text("utf-8").splitlines():
        cells = [c.strip() for c in line.replace("\\|", "\0").split("|")[1:-1]]
        if len(cells) == 5 and cells[0] not in ("file", "---"):
            yield [c.replace("\0", "|") for c in cells]


LINES = list(table())


def external_settings(text):
    pairs = [p.split("=", 1) for p in re.split(r",\s+(?=\w+ ?=)", text) if "=" in p]
    return {k.strip(): v.strip().strip("`") for k, v in pairs}


def expected_rows(name, settings):
    """What a strict reader sees in the file: a list of dicts, by field."""
    data = (ODD / name).read_bytes()
    if data[:2] == b"\x1f\x8b":
        data = gzip.decompress(data)
    encoding = settings.get("encoding", "utf-8")
    text = data.decode("utf-8-sig" if encoding == "utf-8" else encoding)
    delimiter = {"semicolon": ";", "tab": "\t", "pipe": "|", "=;": ";"}.get(settings.get("delimiter"), settings.get("delimiter", ","))
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    rows = [r for r in rows if r]
    header = rows[0]
    return [{f: r[header.index(h)] for f, h in COLUMNS.items()} for r in rows[1:]]


@pytest.fixture
def trip(tmp_path):
    def build(settings):
        p = Profile(tmp_path / "p", schema=SCHEMA, stamp="mtime", external={**settings}, native={}, policy={
            "max_changes": "none", "max_change_percent": "none"})
        p.run("resume")
        return p
    return build


def places(text):
    return [tuple(int(n) for n in pair) for pair in re.findall(r"(\d+),(\d+)", text)]


@pytest.mark.parametrize("name,options,reader,program,why", LINES, ids=[f"{n}-{o}" for n, o, *_ in LINES])
def test_odd_file(trip, name, options, reader, program, why):
    settings = external_settings(options)
    p = trip({k: v for k, v in settings.items()})
    shutil.copy(ODD / name, p.path / "inbox" / "external" / name)
    refused = program.startswith("file refused")
    result = p.run("emit", status=65 if refused else 0)
    told = places(program.split("(")[0])
    if refused:
        assert name in result.err and "refused" in result.err, result
        for line, column in told:
            assert f"line {line}" in result.err and f"column {column}" in result.err, result
        assert not list((p.path / "outbox" / "native").glob("[!.]*"))
        kept = [f for f in (p.path / "rejects").iterdir() if f.read_bytes() == (ODD / name).read_bytes()]
        assert len(kept) == 1, "a refused file is kept as it was in rejects/"
        return
    reasons = [f for f in (p.path / "rejects").glob("*.reasons.csv")]
    rejected = []
    for f in reasons:
        with open(f, newline="", encoding="utf-8") as stream:
            rejected += [(int(r["line"]), int(r["column"] or 0)) for r in csv.DictReader(stream)]
    assert rejected == told, result
    for line, column in told:
        assert f"{name}: line {line}" + (f", column {column}: " if column else ": ") in result.err, result
    sent = []
    for path in result.out.split():
        with open(p.path / path if not path.startswith("/") else path, newline="", encoding="utf-8") as stream:
            sent += list(csv.DictReader(stream))
    if not told:
        rows = expected_rows(name, settings)
        assert [(r["XID"], r["NID"], r["KIND"], r["DATE"], r["SUMMARY"], r["BODY"]) for r in sent] == [
            tuple(r[f] for f in COLUMNS) for r in rows]
    else:
        total = int(re.match(r"(\d+) rows", reader).group(1))
        assert len(sent) == total - len(told)
