"""Messages for somebody who mistyped: each names what is wrong, where, and what to do next."""
import re

import pytest

from profile import row


@pytest.mark.parametrize("args, said", [
    (["emti"], 'roundtrip: there is no command "emti": did you mean emit? roundtrip --help lists them\n'),
    (["xyzzy"], 'roundtrip: there is no command "xyzzy": roundtrip --help lists them\n'),
    (["emit", "--limt", "3"], "roundtrip emit: unknown option --limt: did you mean --limit? roundtrip emit --help lists them\n"),
    (["emit", "--frobnicate"], "roundtrip emit: unknown option --frobnicate: roundtrip emit --help lists them\n"),
    (["review", "--kind", "conflit"], "roundtrip review: --kind conflit: there is no such kind; did you mean conflict?\n"),
    (["review", "lsit"], 'roundtrip review: "lsit": write list, show, accept, dismiss or take\n'),
    (["review", "show", "99"], "roundtrip review: there is no review item 99: roundtrip review lists them\n"),
    (["fetch", "extrenal", "x.csv"],
     'roundtrip fetch: "extrenal" is no side: write external (EverTrue) or native (database)\n'),
    (["diff", "--format", "jsn"], "roundtrip diff: --format jsn: write summary, csv or json\n"),
    (["init", "new", "--preset", "evertru"],
     "roundtrip init: --preset evertru: there is no such preset: write evertrue, contacts or plain\n"),
    (["show", "E9"],
     "roundtrip show: E9: no record has this ID, external or native: only rows that were taken in are known\n"),
    (["withdraw", "7"], "roundtrip withdraw: 7: there is no such delta: see outbox/ and archive/out\n"),
])
def test_mistyped_on_the_command_line(p, args, said):
    assert p.run(*args, status=64).err == said


@pytest.mark.parametrize("name, wrong, right, said", [
    ("roundtrip.ini", "[policy]", "[polcy]", 'unknown section [polcy]; did you mean "policy"?'),
    ("roundtrip.ini", "stamp =", "stmap =", 'unknown key "stmap" in [external]; did you mean "stamp"?'),
    ("roundtrip.ini", "imports = imports/external", "transport = dircetory",
     '"dircetory" will not do; write directory, sftp, openssh or command'),
    ("schema.csv", ",direction,", ",direktion,", 'line 1: unknown column "direktion"; did you mean "direction"?'),
    ("schema.csv", ",external_id,id,", ",external-id,id,",
     'line 2, column role: unknown word "external-id"; did you mean "external_id"?'),
    ("schema.csv", ",to_native,", ",to_natve,", 'column direction: unknown word "to_natve"; did you mean "to_native"?'),
])
def test_mistyped_in_the_profile(p, name, wrong, right, said):
    text = (p.path / name).read_text()
    assert wrong in text
    p.put(name, text.replace(wrong, right, 1))
    err = p.run("check", status=78).err
    assert err.startswith(f"roundtrip check: {name}: line ") and said in err


def test_a_header_that_changed_names_what_may_have_taken_its_place(p):
    text = p.text("external", [row("E1")]).replace("Summary", "Sumary")
    p.drop("external", raw=text.encode())
    err = p.run("emit", status=65).err
    assert 'line 1: there is no column "Summary", which schema.csv maps (did "Sumary" take its place?)' in err
    assert "see roundtrip review" in err


@pytest.mark.parametrize("above", ["sep=,\n", "All visits of November\n\n", "1,2,3,4,5\n"])
def test_a_first_line_that_is_no_header_is_told(p, above):
    p.drop("native", raw=(above + p.text("native", [row("E1", "N1")])).encode())
    err = p.run("emit", status=65).err
    assert ('line 1: there is no column "EXT_ID", nor any other that schema.csv maps: is it another file, or is the header not in the '
            "first line?: the file is refused") in err


@pytest.mark.parametrize("delimiter, word", [(";", "semicolon"), ("\t", "tab"), ("|", "pipe")])
def test_another_delimiter_than_that_of_the_settings_is_told(p, delimiter, word):
    p.drop("native", raw=p.text("native", [row("E1", "N1")]).replace(",", delimiter).encode())
    err = p.run("emit", status=65).err
    assert f": line 1: its columns are separated by another delimiter than roundtrip.ini says: set delimiter = {word} in [native]" in err


def test_no_setting_is_advised_where_none_helps(p):
    err = p.run("bind", p.put("pairs.csv", "external_id,native_id\nE1,N1"), status=65).err
    assert "the file was cut; export it again" in err and "final_newline" not in err
    err = p.run("bind", p.put("pairs.csv", "external_id;native_id\nE1;N1\n"), status=65).err
    assert "with a comma between them" in err


def test_a_code_that_is_not_in_the_table_says_where_to_add_it(make):
    p = make(files={"kinds.csv": "external,native\nVisit,VISIT\n"})
    p.schema[2].update(type="code", values="kinds.csv")
    p.write()
    p.run("check", "--accept-schema")
    p.drop("external", [row("E1", summary="Vist")])
    assert re.search(r'line 2, column \d: code "Vist" is not in kinds.csv: add a line for it there',
                     p.run("emit").err)


def test_warnings_hold_no_control_characters_of_a_file(pair):
    pair.tick()
    raw = 'EID,NID,Summary,Body,Email,"x\x1b[31m\ny"\n"E\x1b\n1",N1,one,text,,\n'
    pair.drop("external", raw=raw.encode())
    err = pair.emit().result.err
    assert "are ignored: x?[31m?y\n" in err and "identity clash: the row says external ID E??1 " in err
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", err)


def test_init_and_check_show_no_control_characters_of_a_header(p):
    sample = p.put("sample.csv", 'EID,NID,"a\x1b[31m\nb"\nE1,N1,one\nE2,N2,two\n')
    out = p.run("init", "made", "--external", sample, "--native", sample).out
    out += p.run("-C", "made", "check").out
    assert out.count("a?[31m?b") == 4 and not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", out)


def test_a_row_that_is_rejected_as_a_whole_names_no_column(pair):
    pair.tick()
    pair.drop("external", raw=b"EID,NID,Summary,Body,Email\nE1,N1,one\nE1,N1,\xff,text,\n")
    err = pair.emit().result.err
    assert ": line 2: 3 cells, but the header has 5" in err and ": line 3, column 3: byte 0xFF " in err
