"""The first load: everything out of the database once, in batches, then the platform's IDs come back."""
import os

import pytest

from profile import row

ROWS = int(os.environ.get("HISTORICAL_ROWS", "100000"))
pytestmark = pytest.mark.slow


@pytest.fixture
def loaded(make):
    p = make(external={"batch_rows": str(ROWS // 4)})
    p.drop("native", [row(n=f"N{i}", summary=f"note {i}") for i in range(ROWS)])
    deltas = p.emit("--historical")
    return p, deltas


def test_historical_load_then_the_export_binds_and_emits_nothing(loaded):
    p, deltas = loaded
    assert [len(d.rows) for d in deltas] == [ROWS // 4] * 4
    assert [r["n"] for r in deltas.external] == [f"N{i}" for i in range(ROWS)]
    assert not any(r["x"] for r in deltas.external)
    p.push()
    assert len(p.listing("imports/external")) == 4
    assert p.trip(ext=[row(f"E{i}", f"N{i}", summary=f"note {i}") for i in range(ROWS)]).nothing
    assert p.trip(nat=[row(n=f"N{i}", summary=f"note {i}") for i in range(ROWS)]).nothing
    sent = p.trip(nat=[row(n="N7", summary="edited")]).external
    assert [(r["x"], r["n"], r["summary"]) for r in sent] == [("E7", "N7", "edited")]


@pytest.mark.later
def test_without_historical_the_guard_stops_the_first_load(make):
    p = make()
    p.drop("native", [row(n=f"N{i}", summary=f"note {i}") for i in range(6000)])
    assert p.emit(status=2).nothing


@pytest.mark.later
def test_historical_does_not_set_the_guard_aside_twice(make):
    p = make(policy={"max_changes": "2"})
    p.drop("native", [row(n=f"N{i}") for i in range(5)])
    assert len(p.emit("--historical").external) == 5
    p.push()
    p.tick()
    p.drop("native", [row(n=f"M{i}", summary="later") for i in range(5)])
    stopped = p.emit("--historical", status=2)
    assert stopped.nothing
    assert "--historical is for a side to which nothing was handed over yet; look at it" in stopped.result.err
    assert "--historical" not in p.emit(status=2).result.err


@pytest.mark.later
@pytest.mark.parametrize("begin", ["--historical", "baseline"])
def test_edits_of_what_was_imported_do_not_trip_the_guard(make, tmp_path, begin):
    """The platform tells no ID of its own for what was imported, and holds it: 60 of 400 are not too many, 100 are."""
    p = make(external={"shows_imports": "no"}, resume=begin != "baseline")
    p.drop("native", [row(n=f"N{i}") for i in range(400)])
    if begin == "baseline":
        file = next((p.path / "inbox/native").iterdir())
        p.run("baseline", "--native", file.rename(tmp_path / file.name))
        p.run("resume")
    else:
        assert len(p.emit("--historical").external) == 400
        p.push()
    p.tick()
    p.drop("native", [row(n=f"N{i}", summary="edited") for i in range(60)])
    assert len(p.emit().external) == 60
    p.tick()
    p.drop("native", [row(n=f"N{i}", summary="again") for i in range(100, 200)])
    assert "100 rows are due where 400 records are held" in p.emit(status=2).result.err
