"""A side that cannot be reached: what the other one is to get, or gives, does not wait for it."""
import pytest

from profile import row


def loading(make):
    """Both sides by commands that fail while a file of theirs is there, and write down what they did."""
    def side(name):
        return {"transport": "command", "imports": None, "load": f'! test -e {name}.down && basename "$1" >> {name}.loaded'}
    return make(external=side("external"), native=side("native"))


def loaded(p, side):
    path = p.path / f"{side}.loaded"
    return path.read_text().split() if path.exists() else []


@pytest.mark.parametrize("down, up", [("external", "native"), ("native", "external")])
@pytest.mark.parametrize("command", ["push", "run"])
def test_a_side_that_is_down_does_not_keep_the_other_waiting(make, down, up, command):
    """A load that failed each night held back all that the other side was to get."""
    p = loading(make)
    p.put(f"{down}.down", "")
    for day in (1, 2):
        p.tick()
        p.drop("external", [row(f"E{day}", summary=f"there {day}")])
        p.drop("native", [row("", f"N{day}", summary=f"here {day}")])
        if command == "push":
            p.emit()
        result = p.run(command, status=69)
        assert len(loaded(p, up)) == day and loaded(p, down) == []
        assert result.out.split() == loaded(p, up)[-1:] and result.err.count("status 1") == 1
    (p.path / f"{down}.down").unlink()
    assert p.run("push").out.split() == loaded(p, down) and len(loaded(p, down)) == 2


def test_of_two_sides_that_are_down_both_are_told(make):
    p = loading(make)
    p.put("external.down", "")
    p.put("native.down", "")
    p.drop("external", [row("E1", summary="there")])
    p.drop("native", [row("", "N1", summary="here")])
    p.emit()
    err = p.run("push", status=69).err
    assert err.count("status 1") == 2 and "EverTrue: " in err and "database: " in err


def test_push_to_one_side_that_is_down_leaves_the_other_alone(make):
    p = loading(make)
    p.put("external.down", "")
    p.drop("external", [row("E1", summary="there")])
    p.drop("native", [row("", "N1", summary="here")])
    p.emit()
    p.run("push", "external", status=69)
    assert loaded(p, "native") == []


@pytest.mark.parametrize("down, up", [("external", "native"), ("native", "external")])
@pytest.mark.parametrize("command", ["fetch", "run"])
def test_what_one_side_exports_is_fetched_though_the_other_is_down(make, down, up, command):
    p = make(**{s: {"exports": f"exports/{s}", "settle": "0s"} for s in ("external", "native")})
    (p.path / "exports" / up).mkdir(parents=True)
    p.put(f"exports/{up}/day_2026-11-01T0500.csv", p.text(up, [row("E1", "N1")]))
    result = p.run(command, status=69)
    assert f"exports/{down}" in result.err and len(p.listing(f"inbox/{up}")) == 1
    if command == "fetch":
        assert result.out == f"inbox/{up}/day_2026-11-01T0500.csv\n"
    else:
        assert "nothing was emitted or pushed" in result.err and not p.files_under("outbox")
    (p.path / "exports" / down).mkdir()
    p.put(f"exports/{down}/day_2026-11-01T0500.csv", p.text(down, [row("E1", "N1")]))
    p.run(command)
    assert p.emit().nothing
