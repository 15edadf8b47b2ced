"""rebuild: the state made again from the archive is the state that was lost, or there is an error that says where the
two part.  Histories: the scenarios, random days of tests/model, and one whose state goes back to each of its days."""
import pathlib
import re
import shutil
import sqlite3
import sys

import pytest

import rebuilt
import scenarios
import state_file
from profile import IDS, SIDES, Profile, field, row
from scenarios import ALL, LONG

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "model"))
import test_model  # noqa: E402


@pytest.mark.parametrize("name", ALL)
def test_scenario(name, folder, points):
    for side in SIDES:
        (folder / "imports" / side).mkdir(parents=True)
    p, args = ALL[name](folder / "p")
    p.run(*args, status=(0, 65))
    difference = rebuilt.check(p)
    assert difference is None, difference
    points("rebuild")


@pytest.mark.parametrize("seed", range(300 if LONG else 10))
@pytest.mark.parametrize("operator", (False, True))
def test_random_days(seed, operator, folder, points):
    history = test_model.History(seed, operator, folder / "p")
    history.play()
    difference = rebuilt.check(history.p)
    assert difference is None, f"seed {seed}, operator {operator}:\n{difference}"
    points("rebuild")


def days(folder):
    """A history with everything in it, day by day."""
    p = scenarios.agreed(folder / "p", policy={"loop_window": "1h", "max_changes": "none", "max_change_percent": "none"})
    yield p
    p.trip(ext=[row("E1", "N1", summary="two"), row("E5", summary="five")])
    yield p
    p.trip(nat=[row("E5", "N5", summary="five"), row("E2", "N2", body="theirs")],
           ext=[row("E2", "N2", body="ours"), row("E5", summary="five")])
    yield p
    p.run("hold", "E3", "--reason", "asked to")
    p.decide("take", "conflict", "native")
    yield p
    p.trip(ext=[row("E3", "N3", summary="held")])
    p.run("pause", "--reason", "holidays")
    yield p
    p.run("resume")
    p.run("release", "E3")
    p.schema.append(field("city"))
    p.write()
    p.run("check", "--accept-schema")
    p.run("push", "--accept-header")
    yield p
    p.tick()
    p.drop("external", raw=b"half a file", name="external_2026-11-20T0400.csv")
    p.trip(ext=[row("E1", "N1", summary="three", city="Bern")], nat=[row("E1", "N1", summary="two", city="Bern")], status=65)
    p.decide("dismiss", "refused")
    yield p
    p.tick()
    p.drop("external", [row("E1", "N1", summary="four", city="Bern")])
    p.emit()
    newest = sorted(p.listing("outbox/native"))[-1]
    p.run("withdraw", newest)
    p.run("emit", "--only", "E1", "--to", "native")
    yield p
    p.push()
    p.tick()
    p.run("confirm", newest_delta(p))
    p.run("retry", "E3")
    p.sync()
    yield p


def test_rows_of_a_file_that_was_refused_further_down_leave_no_trace_in_the_order(folder, points):
    for side in SIDES:
        (folder / "imports" / side).mkdir(parents=True)
    p = scenarios.agreed(folder / "p")
    p.tick()
    late, early = row("E2", "N2", summary="two"), row("E1", "N1", summary="one more")
    p.drop("external", raw=p.text("external", [late, early])[:-1].encode(), at=p.now.replace(hour=1))
    p.drop("external", [early, late])
    assert [r["x"] for r in p.emit(status=65).native] == ["E1", "E2"]
    assert rebuilt.check(p) is None
    points("rebuild")


def newest_delta(p):
    with sqlite3.connect(p.path / "state.db") as db:
        return str(db.execute("SELECT max(delta) FROM delta WHERE state = 2").fetchone()[0])


def test_state_that_goes_back_to_any_of_its_days(folder, points):
    copies = []
    for side in SIDES:
        (folder / "imports" / side).mkdir(parents=True)
    for n, p in enumerate(days(folder)):
        copies.append(folder / f"state-{n}")
        shutil.copy(p.path / "state.db", copies[-1])
    expected = rebuilt.dump(p.path)
    assert rebuilt.check(p) is None
    for copy in copies[:-1]:
        shutil.copy(copy, p.path / "state.db")
        for command in ("emit", "push", "run", "diff", "status", "bind E9 N9"):
            assert "rebuild" in p.run(*command.split(), status=2).err
        result = p.run("rebuild")
        assert "again from the older one" in result.out
        difference = rebuilt.difference(expected, rebuilt.dump(p.path))
        assert not difference, f"{copy.name}:\n{difference}"
        points("rebuild")
    assert "nothing to do" in p.run("rebuild").err
    old = [f for f in p.path.glob("state.db.old-*") if not f.name.endswith("-journal")]
    assert old and all((f.stat().st_mode & 0o777) == 0o600 for f in old + [p.path / "state.db"])


@pytest.fixture
def p(folder):
    for side in SIDES:
        (folder / "imports" / side).mkdir(parents=True)
    profile = scenarios.agreed(folder / "p")
    profile.trip(ext=[row("E1", "N1", summary="two")])
    return profile


def lose(p):
    for file in p.path.glob("state.db*"):
        file.unlink()


def test_goes_on_as_if_nothing_had_happened(p, folder):
    copy = folder / "other"
    shutil.copytree(p.path, copy)
    lose(p)
    p.run("rebuild")
    written = []
    for path in (p.path, copy):
        p.path = path
        p.drop("native", [row("E1", "N1", summary="three"), row("", "N8")])
        written.append([(d.name, d.raw) for d in p.emit()])
    assert written[0] == written[1] and written[0]


def test_damaged_state_is_made_anew_and_kept(p):
    expected, data = rebuilt.dump(p.path), (p.path / "state.db").read_bytes()
    broken = data[:5000] + b"\xff" * 3000 + data[8000:]
    for bad in (broken, b"no database" * 500, data[:6000], b""):
        p.put("state.db", bad)
        p.tick(hours=0, minutes=1)
        p.run("rebuild")
        assert not rebuilt.difference(expected, rebuilt.dump(p.path)), len(bad)
        assert max(p.path.glob("state.db.old-*")).read_bytes() == bad


def test_a_hot_journal_of_the_lost_state_is_not_played_into_the_new_one(p):
    expected = rebuilt.dump(p.path)
    hot = p.path / "state.db-journal"
    db = sqlite3.connect(p.path / "state.db", isolation_level=None)
    db.execute("PRAGMA cache_size = 1")
    db.execute("BEGIN IMMEDIATE")
    db.execute("UPDATE record_base SET flags = 7")
    db.execute("CREATE TABLE t AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)"
               " SELECT randomblob(100) AS r FROM n")
    journal = hot.read_bytes()
    db.execute("ROLLBACK")
    db.close()
    assert len(journal) > 1000
    for state in (None, b"not a database" * 400):
        lose(p)
        if state:
            p.put("state.db", state)
        p.put("state.db-journal", journal)
        p.run("rebuild")
        assert not hot.exists()
        assert not rebuilt.difference(expected, rebuilt.dump(p.path))
        p.run("check", "--state")


@pytest.mark.parametrize("keep", (0, 1, 30))
def test_torn_last_line_and_half_a_run_are_as_if_they_had_not_been(p, keep):
    """The state and the end of the journal are lost: the files that it told of are found, and a person has to look."""
    journal = p.path / "archive/journal"
    whole = journal.read_bytes()
    p.tick()
    p.run("hold", "E1")
    more = journal.read_bytes()[len(whole):]
    assert more.count(b"\n") == 3
    journal.write_bytes(whole + more[:len(more) - 1 - keep])
    lose(p)
    p.run("rebuild")
    assert journal.read_bytes() == whole
    p.run("hold", "E1")
    assert journal.read_bytes() == whole + more


def test_what_no_line_tells_of_stops_it(p):
    journal = p.path / "archive/journal"
    before = journal.read_bytes()
    p.tick()
    p.drop("external", [row("E1", "N1", summary="unknown")], name="external_2026-11-09T0000.csv")
    p.emit()
    journal.write_bytes(before)
    lose(p)
    assert "external_2026-11-09T0000.csv" in p.run("rebuild", status=2).err
    taken = next((p.path / "archive/in/external").glob("*-external_2026-11-09T0000.csv"))
    taken.rename(p.path / "inbox/external/external_2026-11-09T0000.csv")
    assert "outbox/native" in p.run("rebuild", status=2).err
    for name in p.listing("outbox/native"):
        (p.path / "outbox/native" / name).unlink()
    p.run("rebuild")
    assert p.emit().native[0]["summary"] == "unknown"


def spoil_archive(p):
    next((p.path / "archive/in/external").iterdir()).unlink()
    return "gone from the archive"


def spoil_bytes(p):
    file = next((p.path / "archive/in/external").iterdir())
    file.write_bytes(file.read_bytes().replace(b"E1", b"E7"))
    return "bytes have changed"


def spoil_out(p):
    file = next((p.path / "archive/out/native").iterdir())
    file.write_bytes(file.read_bytes() + b"x")
    return "not what emit wrote"


def spoil_digest(p):
    journal = p.path / "archive/journal"
    text = journal.read_text()
    at = text.index('"digest"', text.index('"what":"emit"')) + 12
    journal.write_text(text[:at] + ("0000" if text[at:at + 4] != "0000" else "1111") + text[at + 4:])
    return "comes out differently"


def spoil_time(p):
    """Another time gives other names and other deltas, or none: it is noticed where it first counts."""
    journal = p.path / "archive/journal"
    journal.write_text(re.sub(r'"rows":(\d)', '"rows":9', journal.read_text(), count=1))
    return "comes out differently"


def spoil_line(p):
    journal = p.path / "archive/journal"
    journal.write_text(journal.read_text().replace('"what":"take"', '"what":"tame"', 1))
    return "archive/journal:"


def spoil_json(p):
    journal = p.path / "archive/journal"
    journal.write_text(journal.read_text().replace('"what"', '"what', 1))
    return "not a line of a journal"


def drop_line(p):
    journal = p.path / "archive/journal"
    lines = journal.read_text().splitlines(True)
    del lines[next(i for i, line in enumerate(lines) if '"what":"take"' in line)]
    journal.write_text("".join(lines))
    return "comes out differently"


@pytest.mark.parametrize("spoil", (spoil_archive, spoil_bytes, spoil_out, spoil_digest, spoil_time, spoil_line, spoil_json,
                                   drop_line))
def test_what_does_not_fit_stops_it_and_changes_nothing(p, spoil):
    lose(p)
    words = spoil(p)
    before = p.snapshot()
    assert words in p.run("rebuild", status=2).err
    assert p.snapshot() == before
    p.run("emit", status=2)


def test_journal_that_is_older_than_the_state(p):
    journal = p.path / "archive/journal"
    text = journal.read_bytes()
    for bad in (text[:len(text) // 2], b""):
        journal.write_bytes(bad)
        for command in ("emit", "rebuild", "status"):
            assert "archive/journal" in p.run(command, status=2).err
    journal.unlink()
    p.run("emit", status=2)
    assert not journal.exists()


def test_state_of_a_newer_program_is_left_alone(p):
    state_file.change(p.path / "state.db", "PRAGMA user_version = 99")
    data = (p.path / "state.db").read_bytes()
    assert "newer" in p.run("rebuild", status=2).err
    assert (p.path / "state.db").read_bytes() == data


def test_lost_state_of_a_profile_that_only_decided(make_plain):
    p = make_plain
    lose(p)
    p.run("emit", status=2)
    p.run("rebuild")
    assert "paused" in p.run("emit", status=2).err


@pytest.fixture
def make_plain(folder):
    for side in SIDES:
        (folder / "imports" / side).mkdir(parents=True)
    p = scenarios.Profile(folder / "p")
    p.run("pause")
    return p


def test_busy_while_another_run_works(p):
    import fcntl
    import struct
    with open(p.path / ".lock", "r+b") as f:
        fcntl.fcntl(f, 37, struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 0, 0))     # F_OFD_SETLK
        p.run("rebuild", status=75)


@pytest.mark.parametrize("pad", ("", "x"))
def test_a_reason_that_was_cut_within_a_character(pad, folder):
    """A message has room for a thousand bytes; the journal is JSON, and takes whole characters only."""
    header = pad + "\u00e9" * 500
    p = Profile(folder / "p", schema=IDS + [field("summary"), field("body", header, header)])
    p.drop("external", raw=b"EID,NID,Summary\nE1,,one\n")
    p.emit(status=65)
    assert header[:300] in p.items("refused")[0]["what"]
    difference = rebuilt.check(p)
    assert difference is None, difference
