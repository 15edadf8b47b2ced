"""Files that are larger than the memory: done, or refused with a clear line, within 256 MiB."""
import subprocess
import time

import pytest

from profile import SIDES, Profile, row
from scenarios import LONG, is_sanitized

MEMORY = 256 << 20
ROWS = 1_000_000 if LONG else 100_000
ROW = (1 << 30) if LONG else (80 << 20)


@pytest.fixture
def p(tmp_path):
    """On the disk: files in /dev/shm would be memory themselves."""
    for side in SIDES:
        (tmp_path / "imports" / side).mkdir(parents=True)
    return Profile(tmp_path / "p", external={"content": "snapshot", "imports": "../imports/external"},
                   native={"imports": "../imports/native"}, policy={"max_changes": "none", "max_change_percent": "none"})


def run(p, *args):
    """(status, standard error, largest resident set in MiB, seconds), with an address space of MEMORY."""
    program = p.command()[0]
    if is_sanitized():
        pytest.skip("a sanitizer needs more address space than there is")
    before = time.monotonic()
    process = subprocess.Popen(["/usr/bin/python3", "-c", MEASURE, str(MEMORY), program, *args], cwd=p.path, env=p.environment(),
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    out, err = process.communicate(timeout=1500)
    return process.returncode, err, int(out.splitlines()[-1]) // 1024, time.monotonic() - before


MEASURE = """
import resource, subprocess, sys
most = int(sys.argv[1])
done = subprocess.run(sys.argv[2:], preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (most, most)))
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(done.returncode if done.returncode >= 0 else 128 - done.returncode)
"""


def snapshot(p, changed=()):
    """Rows of about 100 bytes."""
    p.tick()
    file = p.path / f"inbox/external/external_{p.now:%Y-%m-%dT%H%M}.csv"
    with open(file, "w") as f:
        f.write("EID,NID,Summary,Body,Email\n")
        for n in range(ROWS):
            f.write(f"E{n:07},N{n:07},visit {n},a text that says a few things about it{' now' if n in changed else ''},a{n}@example.org\n")
    file.chmod(0o600)
    return file


def test_a_large_snapshot(p, figure):
    figures = []
    for changed in ((), {5, ROWS // 2}):
        snapshot(p, changed)
        status, err, peak, took = run(p, "emit")
        assert status == 0, f"{status} {err}"
        figures.append(f"{peak} MiB, {took:.0f} s")
        p.push()
    assert len(list((p.path / "../imports/native").iterdir())) == 2
    rows = max((p.path / "../imports/native").resolve().iterdir()).read_text().splitlines()
    assert len(rows) == 3 and all("about it now" in line for line in rows[1:])
    figure(f"{ROWS} rows within {MEMORY >> 20} MiB: " + "; with two changes: ".join(figures))


@pytest.mark.parametrize("quoted", (False, True))
def test_a_row_larger_than_the_memory(p, quoted, figure):
    file = p.path / "inbox/external/external_2026-11-05T0500.csv"
    with open(file, "wb") as f:
        f.write(b"EID,NID,Summary,Body,Email\nE1,,visit," + (b'"' if quoted else b""))
        for _ in range(ROW >> 20):
            f.write(b"a" * (1 << 20))
        f.write((b'"' if quoted else b"") + b",a@example.org\n")
    file.chmod(0o600)
    status, err, peak, took = run(p, "emit")
    assert status == 65 and "line 2" in err and file.name in err, f"{status} {err}"
    figure(f"a row of {ROW >> 20} MiB: {peak} MiB, {took:.1f} s: {err.splitlines()[0]}")


def test_a_cell_as_large_as_is_allowed(p):
    with open(p.path / "inbox/external/external_2026-11-05T0500.csv", "wb") as f:
        f.write(b'EID,NID,Summary,Body,Email\nE1,,visit,"' + b"a" * ((16 << 20) - 10) + b'",a@example.org\n')
    (p.path / "inbox/external/external_2026-11-05T0500.csv").chmod(0o600)
    status, err, _, _ = run(p, "emit")
    assert status == 0, f"{status} {err}"
    delta, = (p.path / "outbox/native").iterdir()
    assert delta.stat().st_size > (16 << 20) - 10


def test_a_delta_of_very_many_parts(p):
    """What is kept of each is small, and kept once."""
    p.settings["native"]["batch_rows"] = "1"
    p.write()
    p.drop("external", [row(f"E{n}") for n in range(4000)])
    for command in ("emit", "diff"):
        status, err, _, _ = run(p, command)
        assert status == 0, f"{command}: {status} {err[-300:]}"
    assert len(p.listing("outbox/native")) == 4000
    p.settings["native"]["imports"] = None
    p.write()
    p.take_outbox("native")
    status, err, _, _ = run(p, "push")
    assert status == 0 and not p.listing("outbox/native"), f"{status} {err[-300:]}"
