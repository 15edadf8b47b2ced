"""init on sample files of seven shapes: at least nine of ten proposed lines need no change.  Prints the counts (pytest -s).

A line needs no change when a person who knows both files wrote one with the same headers, role, type, direction and formats, and
the same pairs of codes; the name of the field is a matter of taste.  expected.csv was written by hand.
"""
import csv
import json
import pathlib
import subprocess
import sys

import pytest

FIXTURES = pathlib.Path(__file__).resolve().parents[2] / "fixtures"
COMPARED = ("external", "native", "role", "type", "direction", "external_format", "native_format")
PAIRS = ("gifts", "tasks", "events", "memberships", "volunteers")


def table(path):
    with open(path, newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


def evertrue(folder):
    """The four days' exports as one file, and the last extract."""
    lines = []
    for day in range(1, 5):
        text = next((FIXTURES / f"evertrue/day{day}/external").iterdir()).read_text()
        header, rest = text.split("\n", 1)
        lines.append((header + "\n" if day == 1 else "") + rest)
    external = folder / "exports.csv"
    external.write_text("".join(lines))
    return external, next((FIXTURES / "evertrue/day4/native").iterdir())


def contacts(folder):
    subprocess.run([sys.executable, FIXTURES / "contacts/make.py", folder], check=True)
    return folder / "raisedonors-2026-11-17.csv", folder / "virtuous-2026-11-17.csv"


def codes(line, folder):
    """The pairs of a line: of a table, or written in the cell."""
    cell = line.get("values") or ""
    if cell.endswith(".csv"):
        return {(pair["external"], pair["native"]) for pair in table(folder / cell)}
    return {tuple(pair.split("=")) for pair in cell.split()}


def shape(line, folder):
    """What is compared, with the default where a cell is empty."""
    line = {**line, "type": line["type"] or "text", "direction": line.get("direction") or "both"}
    if line["type"] == "date":
        line.update({c: line.get(c) or "%Y-%m-%d" for c in COMPARED[-2:] if line[c.split("_")[0]]})
    return tuple(line.get(c) or "" for c in COMPARED), frozenset(codes(line, folder))


def judge(name, proposed, expected):
    """(right, all): how many proposed lines need no change."""
    wanted = {shape(line, expected.parent) for line in table(expected)}
    lines = table(proposed / "schema.csv")
    wrong = [line for line in lines if shape(line, proposed) not in wanted]
    missing = wanted - {shape(line, proposed) for line in lines}
    print(f"\n{name}: {len(lines) - len(wrong)} of {len(lines)} lines need no change", end="")
    for line in wrong:
        print("\n  to change: " + ", ".join(f"{k}={v}" for k, v in line.items() if v), end="")
    assert len(missing) <= len(wrong), f"left out: {missing}"
    return len(lines) - len(wrong), len(lines)


def propose(p, tmp_path, external, native, *more):
    p.run("init", "new", "--external", external, "--native", native, *more, cwd=tmp_path)
    return tmp_path / "new"


def samples(name, tmp_path):
    if name in PAIRS:
        folder = FIXTURES / "samples" / name
        return (folder / "external.csv", folder / "native.csv"), folder / "expected.csv", ()
    make = {"evertrue": evertrue, "contacts": contacts}[name]
    return make(tmp_path), FIXTURES / name / "schema.csv", ("--preset", name)


@pytest.mark.parametrize("name", ("evertrue", "contacts") + PAIRS)
def test_nine_of_ten_lines_need_no_change(p, tmp_path, name):
    files, expected, more = samples(name, tmp_path)
    right, count = judge(name, propose(p, tmp_path, *files, *more), expected)
    assert right >= 0.9 * count


@pytest.mark.parametrize("name", [n for n in PAIRS if n != "memberships"])
def test_what_is_proposed_passes_check(p, tmp_path, name):
    propose(p, tmp_path, *samples(name, tmp_path)[0])
    p.run("-C", "new", "check", cwd=tmp_path)


def test_without_a_column_for_the_other_id_it_says_what_to_do(p, tmp_path):
    (external, native), _, _ = samples("memberships", tmp_path)
    result = p.run("init", "new", "--external", external, "--native", native, cwd=tmp_path)
    assert "still to be done: schema.csv: database has no column for external_id" in result.err
    assert "give fields the role fingerprint" in " ".join(result.out.split())


def test_a_setting_of_the_preset_for_which_no_column_was_found_is_still_to_be_done(p, tmp_path):
    (tmp_path / "n.csv").write_text("Contact Id,First Name\n" + "".join(f"{i},Ada {i}\n" for i in range(9)))
    told = p.run("init", "new", "--preset", "contacts", "--native", "n.csv", cwd=tmp_path)
    left = [line for line in told.err.splitlines() if line.startswith("still to be done: ")]
    assert len(left) == 1 and '[native] eligible: ' in left[0] and 'has no field "reference_source"' in left[0]
    assert left[0][len("still to be done: "):] in p.run("-C", "new", "check", cwd=tmp_path, status=78).err


def test_evertrue_is_paired_without_the_preset_too(p, tmp_path):
    folder = propose(p, tmp_path, *evertrue(tmp_path))
    ids = {line["role"]: (line["external"], line["native"]) for line in table(folder / "schema.csv") if line["role"]}
    assert ids == {"external_id": ("InteractionEverTrueID", "EVERTRUE_ID"),
                   "native_id": ("InteractionImportID", "INTERACTION_ID")}


def test_the_order_of_columns_is_no_matter(p, tmp_path):
    """Every column at another place: the same pairs."""
    files, expected, _ = samples("tasks", tmp_path)
    for path, delimiter, step in zip(files, ",|", (3, 5)):
        with open(path, newline="") as file:
            rows = list(csv.reader(file, delimiter=delimiter))
        order = [i * step % len(rows[0]) for i in range(len(rows[0]))]
        assert sorted(order) == list(range(len(rows[0])))
        with open(tmp_path / path.name, "w", newline="") as file:
            csv.writer(file, delimiter=delimiter, lineterminator="\n").writerows([r[i] for i in order] for r in rows)
    folder = propose(p, tmp_path, tmp_path / "external.csv", tmp_path / "native.csv")
    right, count = judge("tasks, shuffled", folder, expected)
    assert right >= 0.9 * count


def test_settings_take_what_the_files_are_like(p, tmp_path):
    files, _, _ = samples("memberships", tmp_path)
    (tmp_path / "members-20260301.csv").write_bytes(files[0].read_bytes())
    folder = propose(p, tmp_path, tmp_path / "members-20260301.csv", files[1])
    text = (folder / "roundtrip.ini").read_text()
    external, native = text[text.index("[external]"):text.index("[native]")], text[text.index("[native]"):]
    assert "\nencoding = windows-1252\n" in external and "\ndelimiter = semicolon\n" in external
    assert "\nstamp = *%Y%m%d*\n" in external and "\nstamp" not in native
    assert "\nencoding = utf-8\n" in native and "\ndelimiter = tab\n" in native


def test_every_line_says_how_sure_it_is_and_why(p, tmp_path):
    (external, native), _, _ = samples("volunteers", tmp_path)
    fields = json.loads(p.run("init", "new", "--json", "--external", external, "--native", native, cwd=tmp_path).out)["fields"]
    assert all(f["why"] and f["sure"] in ("sure", "likely", "unsure") for f in fields)
    why = {f["field"]: f["why"] for f in fields}
    assert why["shift_date"] == "5 of 5 rows of the same record agree; a date as %d/%m/%Y, and %Y-%m-%d"


def test_codes_that_nobody_told_are_named(p, tmp_path):
    out = p.run("init", "new", "--preset", "evertrue", *sum(zip(("--external", "--native"), evertrue(tmp_path)), ()),
                cwd=tmp_path).out
    assert "codes; these are still to be\n" in out and "paired in its table: EVENT, LETTER" in out
    assert (tmp_path / "new/type.csv").read_text() == "external,native\nPhone Call,CALL\nEmail,MAIL\nVisit,VISIT\n"


def test_a_table_of_codes_is_not_overwritten(p, tmp_path):
    (tmp_path / "new").mkdir()
    (tmp_path / "new/type.csv").write_text("mine")
    files = sum(zip(("--external", "--native"), evertrue(tmp_path)), ())
    result = p.run("init", "new", "--preset", "evertrue", *files, cwd=tmp_path, status=64)
    assert "has a type.csv already" in result.err
    assert [f.name for f in (tmp_path / "new").iterdir()] == ["type.csv"]


def test_what_init_prints_fits_80_columns(p, tmp_path):
    for name in PAIRS:
        (external, native), _, _ = samples(name, tmp_path)
        out = p.run("init", tmp_path / name, "--external", external, "--native", native, cwd=tmp_path).out
        assert all(len(line) <= 80 for line in out.splitlines()), out


def test_ids_that_go_together_one_to_one_are_no_codes(p, tmp_path):
    """There will be more of them than a table of codes could ever hold; words that stand for people are codes."""
    rows = [(i, "AB"[i % 2], "XY"[i % 2], ("ann", "bob")[i % 2], ("AN", "BO")[i % 2]) for i in range(8)]
    (tmp_path / "e.csv").write_text("EID,NID,Member Id,Owner\n" + "".join(f"E{i},N{i},{a},{o}\n" for i, a, _, o, _ in rows))
    (tmp_path / "n.csv").write_text("NID,EID,MEMBER_ID,OWNER_CODE\n" + "".join(f"N{i},E{i},{b},{c}\n" for i, _, b, _, c in rows))
    lines = table(propose(p, tmp_path, "e.csv", "n.csv") / "schema.csv")
    assert [line["external"] for line in lines if line["type"] == "code"] == ["Owner"]
    assert set((tmp_path / "new/owner.csv").read_text().splitlines()[1:]) == {"ann,AN", "bob,BO"}


def test_labels_tell_whose_id_it_is_where_values_cannot(p, tmp_path):
    """Every record is on both sides, and the columns stand the wrong way round."""
    (tmp_path / "e.csv").write_text("DatabaseId,PlatformId,Name\n7,A,Ada\n8,B,Bruno\n")
    (tmp_path / "n.csv").write_text("PlatformId,DatabaseId,Name\nA,7,Ada\nB,8,Bruno\n")
    folder = propose(p, tmp_path, "e.csv", "n.csv")
    ids = {line["role"]: (line["external"], line["native"]) for line in table(folder / "schema.csv") if line["role"]}
    assert ids == {"external_id": ("PlatformId", "PlatformId"), "native_id": ("DatabaseId", "DatabaseId")}


def test_a_column_that_is_called_like_the_id_and_repeats_is_not_told_to_be_unique(p, tmp_path):
    native = tmp_path / "visits.csv"
    ids = [str(i) for i in range(1, 9)] + ["8", "8", ""]
    native.write_text("VISIT_ID,NOTE\n" + "".join(f"{i},text {n}\n" for n, i in enumerate(ids[:10])))
    out = p.run("init", "a", "--preset", "evertrue", "--native", native, cwd=tmp_path).out
    assert "2 of 10 rows hold the ID of another row" in " ".join(out.split())
    native.write_text("INTERACTION_ID,NOTE\n" + "".join(f"{i},text {n}\n" for n, i in enumerate(ids)))
    out = p.run("init", "b", "--preset", "evertrue", "--native", native, cwd=tmp_path).out
    assert "1 of 11 rows have none" in " ".join(out.split())


def test_dates_of_which_some_are_spoilt_are_no_set(p, tmp_path):
    """As a set, 3/4/2011 would be the same as 4/3/2011."""
    native = tmp_path / "visits.csv"
    dates = ["31/2/2011"] + [f"{1 + i % 12}/{1 + i % 28}/20{10 + i % 9}" for i in range(40)] + ["2011-05-06"]
    native.write_text("VISIT_ID,WHEN\n" + "".join(f"{i},{date}\n" for i, date in enumerate(dates, 1)))
    p.run("init", "new", "--native", native, cwd=tmp_path)
    line = next(line for line in table(tmp_path / "new/schema.csv") if line["native"] == "WHEN")
    assert line["type"] == "text"


def test_a_header_that_is_there_twice_is_told_and_one_of_them_proposed(p, tmp_path):
    """Empty ones beside it are nothing to map."""
    (tmp_path / "e.csv").write_text("VisitID,DatabaseID,Note,,Note,\n" + "".join(f"{i},{70 + i},text {i},,other,\n" for i in range(9)))
    (tmp_path / "n.csv").write_text("NO,EXT_ID,NOTE\n" + "".join(f"{70 + i},{i},text {i}\n" for i in range(9)))
    told = p.run("init", "new", "--external", "e.csv", "--native", "n.csv", cwd=tmp_path)
    assert [line["external"] for line in table(tmp_path / "new/schema.csv")] == ["VisitID", "DatabaseID", "Note"]
    assert 'still to be done: e.csv: "Note" is there twice (columns 3 and 5): ' in told.err and told.err.count("twice") == 1
    p.run("-C", "new", "check", cwd=tmp_path)


@pytest.mark.parametrize("above", ["sep=,\n", "All visits of November\n\n"])
def test_a_sample_whose_header_is_not_the_first_line_is_refused(p, tmp_path, above):
    (tmp_path / "n.csv").write_text(above + "VISIT_ID,NOTE,PERSON\n" + "".join(f"{i},text {i},P{i}\n" for i in range(9)))
    err = p.run("init", "new", "--native", "n.csv", cwd=tmp_path, status=65).err
    assert "most rows do not fit it: the header must be the first line" in err
    assert not (tmp_path / "new").exists()


@pytest.fixture
def first(p, tmp_path):
    """Proposed for a database that never took anything from the platform: no ID is on both sides, and the types are written
    differently."""
    (tmp_path / "e.csv").write_text("VisitID,DatabaseID,Type,Date\n" + "".join(
        f"{500 + i},,{('Visit', 'Phone Call')[i % 2]},11/{i + 1:02}/2026\n" for i in range(20)))
    (tmp_path / "n.csv").write_text("VISIT_NO,EXT_ID,TYPE,VISIT_DATE\n" + "".join(
        f"{7000 + i},,{('VISIT', 'CALL')[i % 2]},{i + 1:02}-NOV-2026\n" for i in range(20)))
    told = p.run("init", "new", "--external", "e.csv", "--native", "n.csv", "--json", cwd=tmp_path)
    return json.loads(told.out)["fields"]


def test_words_that_no_row_pairs_are_unsure(first):
    line = next(f for f in first if f["external"] == "Type")
    assert line["native"] == "TYPE" and line["sure"] == "unsure"
    assert "no value is on both sides" in line["why"]


def test_an_empty_column_for_the_other_id_is_named(first):
    line = next(f for f in first if f["role"] == "external_id")
    assert line["sure"] == "unsure" and "if the empty EXT_ID is there for it" in line["why"]
