"""What cannot be read is not what is not there: 74, nothing done, and the same command again does it all."""
import shutil
import subprocess

import pytest

import rebuilt
from profile import Profile, patience, row
from scenarios import agreed, may_trace

pytestmark = pytest.mark.skipif(not may_trace(), reason="strace is not there, or may not trace")
LOOKS = "access,faccessat,faccessat2,newfstatat,stat,lstat"


def run(p, path, calls, *args, status=74, when="1+"):
    """Where each of the calls on a path of the profile fails with EIO."""
    trace = ["strace", "-f", "-qq", "-o", "/dev/null", "-P", f"./{path}", "-P", str(p.path / path), "-e", f"trace={calls}",
             "-e", f"inject={calls}:error=EIO:when={when}"]
    done = subprocess.run(trace + p.command(*args), cwd=p.path, env=p.environment(), capture_output=True, text=True, timeout=patience())
    assert done.returncode in (status if isinstance(status, tuple) else (status,)), (path, done)
    if done.returncode == 74:
        assert done.stderr.count("Input/output error") == 1, done.stderr
    return done


@pytest.fixture
def p(folder):
    for side in ("external", "native"):
        (folder / "imports" / side).mkdir(parents=True)
    return agreed(folder / "p")


def put_two_edits(p):
    """Two files of a side, the later one with an older value of the same record's other field."""
    p.tick()
    p.drop("external", [row("E1", "N1", summary="older edit"), row("E2", "N2")], name="external_2026-11-08T0500.csv")
    p.drop("external", [row("E1", "N1", summary="newer edit")], name="external_2026-11-08T0600.csv")


@pytest.mark.parametrize("path, calls, when", [
    ("inbox/external", "getdents64", "3"),      # the first look at the folder is for leftovers, the second for what waits
    ("inbox/external/external_2026-11-08T0500.csv", LOOKS, "1"), ("inbox/external/external_2026-11-08T0500.csv", LOOKS, "1+"),
    ("inbox/external/external_2026-11-08T0500.csv", "read", "1+")])
def test_an_inbox_is_read_whole_or_not_at_all(p, path, calls, when):
    """Of two files the later was taken in alone, and made the earlier one stale."""
    put_two_edits(p)
    run(p, path, calls, "emit", when=when)
    assert len(p.listing("inbox/external")) == 2 and not p.files_under("outbox")
    assert [r["summary"] for r in p.emit().native] == ["newer edit"]
    assert rebuilt.check(p) is None


def test_exports_are_listed_whole_or_not_at_all(p):
    """The later one was fetched alone."""
    p.settings["external"].update(exports="../exports", settle="0s")
    p.write()
    for hour, text in ((5, "older edit"), (6, "newer edit")):
        file = p.path.parent / f"exports/external_2026-11-08T0{hour}00.csv"
        file.parent.mkdir(exist_ok=True)
        file.write_text(p.text("external", [row("E1", "N1", summary=text)]))
    p.tick()
    # The first look at the folder is to open it.
    run(p, "../exports", "newfstatat", "fetch", "external", status=69, when="2")
    assert not p.listing("inbox/external")
    assert p.run("fetch", "external").out.count("\n") == 2


@pytest.fixture
def taken_by_others(folder):
    p = Profile(folder / "p", imports=False)
    p.drop("external", [row("E1"), row("E2")])
    return p


def test_a_delta_that_cannot_be_looked_at_was_not_taken(taken_by_others):
    """It counted as handed over, and lay in the outbox all the same."""
    p = taken_by_others
    delta, = p.emit()
    run(p, f"outbox/native/{delta.name}", LOOKS, "push", status=0)
    assert p.listing("outbox/native") == [delta.name] and not p.files_under("archive/out")
    p.take_outbox("native")
    p.push()
    assert [f.name for f in p.files_under("archive/out")] == [delta.name]
    assert rebuilt.check(p) is None


@pytest.mark.parametrize("inject", ["openat:error=EACCES", "fsync:error=EINVAL"], ids=["drop box", "no sync of folders"])
def test_a_folder_that_cannot_be_synced_gets_deltas_all_the_same(p, inject):
    """Where others may write but not read, or whose file system knows no sync of folders: each push ended with 77 or 74."""
    put_two_edits(p)
    delta, = p.emit()
    imports = p.path.parent / "imports/native"
    trace = p.path.parent / "trace"
    done = subprocess.run(["strace", "-f", "-qq", "-o", str(trace), "-P", "./../imports/native", "-P", str(imports), "-e",
                           "inject=" + inject, *p.command("push")],
                          cwd=p.path, env=p.environment(), capture_output=True, text=True, timeout=patience())
    assert done.returncode == 0 and "INJECTED" in trace.read_text(), done.stderr
    assert delta.name in [f.name for f in imports.iterdir()] and not p.files_under("outbox")


@pytest.mark.parametrize("links", ["EPERM", "ENOSYS"])
def test_deltas_go_to_file_systems_with_neither_links_nor_a_rename_that_replaces_nothing(p, links):
    put_two_edits(p)
    delta, = p.emit()
    imports = p.path.parent / "imports/native"
    trace = p.path.parent / "trace"
    done = subprocess.run(["strace", "-f", "-qq", "-o", str(trace), "-e", "inject=renameat2:error=EINVAL", "-e",
                           "inject=link:error=" + links, *p.command("push")],
                          cwd=p.path, env=p.environment(), capture_output=True, text=True, timeout=patience())
    assert done.returncode == 0 and f"{links} " in trace.read_text(), done.stderr
    assert delta.name in [f.name for f in imports.iterdir()] and not p.files_under("outbox")


def test_a_delta_that_cannot_be_given_its_name_is_given_it_later(taken_by_others):
    """It was removed, and counted as handed over: its rows were never sent."""
    p = taken_by_others
    run(p, "outbox/native/.staged-000001-1", LOOKS, "emit")
    p.run("push")
    assert len(p.listing("outbox/native")) == 1 and not p.files_under("archive/out")


def kill_before_the_first_move(p):
    copy = p.path.with_name("copy")
    shutil.copytree(p.path, copy)
    steps = p.path.parent / "steps"
    p.run("-C", copy, "emit", ROUNDTRIP_STEPS=str(steps))
    first = steps.read_text().split().index("spool.move") + 1
    done = subprocess.run(p.command("emit"), cwd=p.path, env=p.environment(ROUNDTRIP_FAULT=f"{first}:kill"), capture_output=True)
    assert done.returncode == -9, done


@pytest.mark.parametrize("when", ["1", "2", "3", "1+"])
@pytest.mark.parametrize("end", ["source", "target"])
def test_a_file_taken_in_reaches_the_archive(p, end, when):
    """The move was given up, and rebuild lacked the file."""
    put_two_edits(p)
    number = max(int(f.name.split("-")[0]) for f in p.files_under("archive/in")) + 1
    kill_before_the_first_move(p)
    name = "external_2026-11-08T0500.csv"
    path = f"inbox/external/{name}" if end == "source" else f"archive/in/external/{number:06}-{name}"
    run(p, path, LOOKS, "emit", status=74 if when in ("1", "1+") else (0, 74), when=when)
    p.run("emit")
    assert not p.files_under("inbox") and rebuilt.check(p) is None


@pytest.mark.parametrize("path, calls", [("state.db", LOOKS), ("archive/journal", LOOKS), ("archive/journal", "read"),
                                         ("state.db-journal", LOOKS)])
def test_rebuild_does_not_take_them_for_lost(p, path, calls):
    old, state = p.path.parent / "old.db", p.path / "state.db"
    p.run("backup", old)
    put_two_edits(p)
    p.emit()
    newest = rebuilt.dump(p.path)
    old.replace(state)
    before = state.read_bytes()
    run(p, path, calls, "rebuild")
    assert state.read_bytes() == before
    p.run("rebuild")
    assert rebuilt.difference(newest, rebuilt.dump(p.path)) == ""
    assert [f.read_bytes() for f in p.path.glob("state.db.old*")] == [before]


def test_a_state_that_cannot_be_looked_at_is_not_lost(p):
    for command in ("emit", "status"):
        assert "rebuild" not in run(p, "state.db", LOOKS, command).stderr


@pytest.mark.parametrize("name", ["roundtrip.ini", "schema.csv"])
@pytest.mark.parametrize("call", ["openat", "read", "access"])
def test_settings_that_cannot_be_read_are_not_wrong(p, name, call):
    if (name, call) != ("schema.csv", "access"):    # of which there is none
        run(p, name, call, "status")


def test_a_table_of_codes_that_cannot_be_read_is_not_wrong(p):
    p.put("kinds.csv", "external,native\nvisit,V\n")
    p.schema.append(dict(p.schema[-1], field="kind", external="Kind", native="KIND", type="code", direction="both", values="kinds.csv"))
    p.write()
    run(p, "kinds.csv", "read", "check")
    (p.path / "kinds.csv").unlink()
    p.run("check", status=78)


def test_a_backup_that_may_not_be_on_the_disk_is_not_there(p):
    """It was there, and the same command again said so with 64."""
    count = ["strace", "-f", "-qq", "-o", str(p.path.parent / "trace"), "-e", "trace=fsync"]
    subprocess.run(count + p.command("backup", "../first.db"), cwd=p.path, env=p.environment(), check=True, capture_output=True)
    syncs = len((p.path.parent / "trace").read_text().splitlines())
    for k in range(1, syncs + 1):
        done = subprocess.run(["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fsync", "-e", f"inject=fsync:error=EIO:when={k}"]
                              + p.command("backup", "../copy.db"), cwd=p.path, env=p.environment(), capture_output=True, text=True)
        assert done.returncode == 74 and not list(p.path.parent.glob("*copy*")), (k, done)
    p.run("backup", "../copy.db")
