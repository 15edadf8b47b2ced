"""What people see: lines of at most 80 characters, colours and progress on a terminal only, and never colour alone."""
import os
import re
import subprocess

import pytest

from profile import SCHEMA, field, patience, row
from terminal import on_terminal

LONG = "words-without-an-end-" * 6


def narrow(text):
    return [line for line in text.splitlines() if len(line) > 80]


@pytest.fixture
def wide(make):
    """A profile in which everything is long: labels, IDs, names of files, reasons, values, many kinds of items."""
    p = make(external={"label": "The platform of the whole university"}, native={"label": "The central database"},
             schema=SCHEMA + [field("a_field_with_quite_a_long_name", "Long", "LONG")])
    x, n = "E" + "1" * 70, "N" + "2" * 70
    first = row(x, n, a_field_with_quite_a_long_name=LONG)
    p.agree(first, row("E2", "N2", summary="second"))
    p.tick()
    p.drop("external", [{**first, "summary": LONG}, row("E2", "N2", summary="third")],
           name=f"{LONG}_2026-11-04T0600.csv")
    p.drop("native", [{**first, "summary": LONG[::-1]}])
    p.put(f"inbox/native/{LONG}_2026-11-04T0700.csv", "NAT_ID,EXT")
    p.run("emit", status=65)
    p.run("hold", "E2", "--reason", LONG + " " + "many words and no end " * 5)
    p.run("pause", "--reason", "many words and no end " * 8)
    return p, x


def test_what_people_read_fits_80_columns(wide):
    p, x = wide
    numbers = [item["item"] for item in p.items()]
    assert len(numbers) == 2
    for args in (["log"], ["status"], ["show", x], ["show", "E2"], ["review"], ["review", "list"],
                 *(["review", "show", n] for n in numbers)):
        out = p.run(*args).out
        assert out.strip() and not narrow(out), (args, narrow(out))


def test_columns_stand_under_each_other_also_with_umlauts(make):
    p = make(external={"label": "Köln"}, native={"label": "Düren"},
             schema=SCHEMA + [field("title", "Überschrift", "ÄÖÜ")])
    p.agree({**row("E1", "N1"), "title": "one"})
    p.drop("external", [{**row("E1", "N1", summary="two"), "title": "one"}])
    p.emit()
    table = [line for line in p.run("check").out.splitlines() if re.search(r", (both|to_native)", line)]
    assert len({re.search(r"\S+, (both|to_native)", line).start() for line in table}) == 1, table
    story = p.run("show", "E1").out.splitlines()
    assert len({line.index(value) for line in story for value in ("two", "one")
                if re.search(rf"(want|Köln|Düren) +{value}$", line)}) == 1, story


def test_a_reader_that_has_seen_enough_hears_no_more(pair):
    end, start = os.pipe()
    os.close(end)
    with open(start, "wb") as pipe:
        done = subprocess.run(pair.command("status"), cwd=pair.path, env=pair.environment(), stdout=pipe,
                              stderr=subprocess.PIPE, timeout=patience())
    assert (done.returncode, done.stderr) == (74, b"")
    with open("/dev/full", "wb") as full:
        done = subprocess.run(pair.command("status"), cwd=pair.path, env=pair.environment(), stdout=full,
                              stderr=subprocess.PIPE, timeout=patience())
    assert done.returncode == 74 and b"cannot write to standard output" in done.stderr


@pytest.mark.parametrize("args", [["status"], ["log"], ["review"], ["show", "E2"]])
def test_colours_are_on_a_terminal_only_and_never_alone(wide, args):
    p, _ = wide
    plain = p.run(*args).out
    coloured, status = on_terminal(p, *args)
    assert status == 0 and "\033" not in plain
    assert "\033[" in coloured and re.sub("\033\\[\\d+m", "", coloured) == plain
    assert on_terminal(p, *args, NO_COLOR="1")[0] == plain


# -- progress --------------------------------------------------------------------------------------------------------
SLOW = "echo EID,NID,Summary,Body,Email; for i in 1 2 3 4 5 6; do sleep 0.2; yes E$i,,one,text, | head -n 200; done"


def test_a_long_extract_tells_how_much_came_and_how_fast(make):
    p = make(external={"transport": "command", "extract": SLOW})
    text, status = on_terminal(p, "fetch", "external")
    assert status == 0
    assert re.search(r"\rextract  \d+(\.\d)? k?B  \d+(\.\d)? k?B/s\x1b\[K", text), text
    assert all(len(re.sub(r"\x1b\[K", "", part)) <= 80 for part in re.split(r"[\r\n]", text))
    assert re.search(r"\r\x1b\[Kinbox/external/extract-\S+\n$", text), "the line is not taken away before the result"


@pytest.fixture
def large(make):
    p = make(policy={"max_change_percent": "none", "max_changes": "none"})
    p.drop("external", [row(f"E{i}", summary=f"summary {i}") for i in range(120_000)])
    return p


@pytest.mark.slow
def test_a_large_diff_and_emit_tell_how_far_they_are_where_it_is_wanted(large):
    piped = large.run("diff")
    assert "%" not in piped.err and "\r" not in piped.err and "\r" not in piped.out
    for option in ("--no-progress", "-q"):
        text, status = on_terminal(large, "diff", option)
        assert status == 0 and "\r" not in text and "%" not in text
    text, status = on_terminal(large, "diff")
    assert status == 0
    assert re.search(r"\rexternal_2026-11-01T0600\.csv +\d+ %  \d+\.\d [kM]B", text), text[:500]
    text, status = on_terminal(large, "emit")
    assert status == 0 and re.search(r"\rwriting +\d+ %  \d+ rows", text), text[-500:]
