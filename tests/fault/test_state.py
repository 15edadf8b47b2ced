"""The state itself: damaged, held by another process, on a network file system, of a newer program, lost, or restored."""
import contextlib
import random
import shutil
import sqlite3
import subprocess
import threading

import pytest

import state_file
from profile import patience
from scenarios import LONG, Scenario, look, tell, may_trace

SEEDS = range(2000 if LONG else 120)
READERS = (["status"], ["diff"], ["log"], ["show", "E1"], ["review"], ["check", "--state"])
WRITERS = (["emit"], ["push"], ["run"], ["hold", "E1"], ["pause"], ["bind", "E9", "N9"])


def files(work):
    """What others can see, without the state and the journal that is as long as it knows."""
    return {str(f.relative_to(work)): f.read_bytes() for f in work.rglob("*")
            if f.is_file() and not f.name.startswith((".", "state.", "journal"))}


def rejects(names):
    return [name for name in names if name.startswith("p/rejects/")]


def ask(s, work, command):
    return subprocess.run([s.program, *command], cwd=work / "p", env=s.env, capture_output=True, text=True, errors="replace", timeout=patience())


@pytest.mark.parametrize("name", ("edits", "push", "review"))
def test_damage_is_refused_or_does_not_matter(name, folder, points):
    """Refused with nothing done, and made anew by rebuild, from which the same command comes to the same end; or as if the
    damage had not been there."""
    s, refused = Scenario(name, folder), 0
    work = s.fresh()
    s.run(work)
    after, start = files(work), files(s.before)
    for seed in SEEDS:
        rnd, work = random.Random(seed), s.fresh()
        state = work / "p/state.db"
        what, data = state_file.damage(state.read_bytes(), rnd)
        if data == state.read_bytes():
            continue
        state.write_bytes(data)
        what = f"seed {seed}, {what}"
        reader = ask(s, work, rnd.choice(READERS))
        assert reader.returncode in {0, 2} | s.statuses, f"{what}: {reader.args}: {reader.returncode} {reader.stderr}"
        done = s.run(work)
        s.count += 1
        if done.returncode in s.statuses:
            assert files(work) == after, what
            continue
        refused += 1
        assert done.returncode == 2, f"{what}: {done.returncode} {done.stderr}"
        # Damage may be met after a file was handed over, or rows were set aside: they are as they would be.
        assert name == "push" or set(files(work)) - set(start) <= set(rejects(after)), f"{what}: refused, and yet something was done"
        assert all(data in (start.get(file), after.get(file)) for file, data in files(work).items()), f"{what}: a wrong file"
        assert "rebuild" in done.stderr or "backup" in done.stderr, f"{what}: {done.stderr}"
    points("damaged state: refused", refused)
    points("damaged state: where it did not matter", s.count - refused)
    assert refused > s.count // 4


def test_a_damaged_state_is_made_anew(folder, points):
    s = Scenario("edits", folder)
    for seed in SEEDS[:20]:
        work = s.fresh()
        state = work / "p/state.db"
        what, data = state_file.damage(state.read_bytes(), random.Random(seed))
        state.write_bytes(data)
        if ask(s, work, ["check", "--state"]).returncode == 0:
            continue
        assert ask(s, work, ["rebuild"]).returncode == 0, what
        s.check_recovered(work, f"seed {seed}, {what}")
    assert s.count > 5
    points("damaged state made anew", s.count)


@contextlib.contextmanager
def held(state, sql):
    """Another process holds SQLite's lock, which is more than a reader does for long."""
    holder = subprocess.Popen(["sqlite3", state], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    holder.stdin.write(f"{sql} SELECT 'held';\n")
    holder.stdin.flush()
    assert holder.stdout.readline() == "held\n"
    try:
        yield holder
    finally:
        holder.stdin.close()
        holder.wait(20)


def test_busy_for_a_while_is_waited_for(folder):
    s = Scenario("edits", folder)
    work = s.fresh()
    with held(work / "p/state.db", "BEGIN EXCLUSIVE;") as holder:
        timer = threading.Timer(1.5, lambda: holder.stdin.write("ROLLBACK;\n") and holder.stdin.flush())
        timer.start()
        assert s.run(work).returncode == s.status
        timer.join()
    s.check_recovered(work, "busy for a while")


def test_busy_for_ever_changes_nothing(folder, points):
    """75 after half a minute, for readers and writers, while another holds all of it, and for a writer's commit while
    another only reads."""
    s, works, running, holders = Scenario("edits", folder), [], [], contextlib.ExitStack()
    with holders:
        for n, (sql, command) in enumerate((("BEGIN EXCLUSIVE;", ["emit"]), ("BEGIN EXCLUSIVE;", ["status"]),
                                            ("BEGIN IMMEDIATE;", ["emit"]), ("BEGIN; SELECT count(*) FROM meta;", ["emit"]))):
            work = folder / f"busy{n}"
            shutil.copytree(s.before, work)
            if sql.startswith("BEGIN; "):
                sql = sql.replace("count(*)", "'x' WHERE 0 < (SELECT count(*)").replace("meta;", "meta) LIMIT 0;")
            holders.enter_context(held(work / "p/state.db", sql))
            works.append(work)
            running.append(subprocess.Popen([s.program, *command], cwd=work / "p", env=s.env, stdout=subprocess.PIPE,
                                            stderr=subprocess.PIPE, text=True))
        for process in running:
            _, err = process.communicate(timeout=patience())
            assert process.returncode == 75 and "another process is using it" in err, f"{process.args}: {err}"
    for work in works:
        assert not tell(s.visible_before, look(work))
        shutil.rmtree(s.root / "work")
        work.rename(s.root / "work")
        s.check_recovered(s.root / "work", "busy for ever")
    points("busy", len(works))


def on_network(kind):
    """As if statfs had found that file system: strace writes its number over the answer."""
    number = kind.to_bytes(8, "little").hex()
    return ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=statfs", "-e", f"inject=statfs:poke_exit=@arg2={number}"]


@pytest.mark.skipif(not may_trace(), reason="strace is not there, or may not trace")
def test_network_file_systems_are_refused(folder):
    s = Scenario("edits", folder)
    work, before = s.fresh(), files(s.before)
    for kind in (0x6969, 0xff534d42, 0xfe534d42, 0x517b, 0x01021997, 0x65735546, 0x5346414f, 0x00c36400):
        done = s.run(work, prefix=on_network(kind))
        assert done.returncode == 2 and "allow_network_state" in done.stderr, f"{kind:x}: {done.stderr}"
        assert files(work) == before
    assert s.run(work, prefix=on_network(0xef53)).returncode == s.status        # ext4
    work = s.fresh()
    ini = work / "p/roundtrip.ini"
    ini.write_text(ini.read_text().replace("[policy]", "[policy]\nallow_network_state = yes"))
    assert s.run(work, prefix=on_network(0x6969)).returncode == s.status


def test_state_of_a_newer_program(folder):
    s = Scenario("edits", folder)
    work = s.fresh()
    state_file.change(work / "p/state.db", "PRAGMA user_version = 99")
    before = (work / "p/state.db").read_bytes()
    for command in (*READERS, *WRITERS, ["rebuild"], ["backup", "copy.db"]):
        done = ask(s, work, command)
        assert done.returncode == 2 and "newer" in done.stderr, f"{command}: {done.returncode} {done.stderr}"
    assert (work / "p/state.db").read_bytes() == before and files(work) == files(s.before)


def test_state_that_is_lost(folder):
    s = Scenario("edits", folder)
    work = s.fresh()
    (work / "p/state.db").unlink()
    for command in (*READERS, *WRITERS):
        done = ask(s, work, command)
        assert done.returncode == 2 and "rebuild" in done.stderr, f"{command}: {done.returncode} {done.stderr}"
    assert not (work / "p/state.db").exists() and files(work) == files(s.before)


def test_state_that_is_no_database(folder):
    s = Scenario("edits", folder)
    for data in (b"", b"x", b"no database" * 1000, bytes(8192)):
        work = s.fresh()
        (work / "p/state.db").write_bytes(data)
        for command in (*READERS, *WRITERS):
            done = ask(s, work, command)
            assert done.returncode == 2, f"{data[:10]} {command}: {done.returncode} {done.stderr}"
        assert (len(data) < 512 or (work / "p/state.db").read_bytes() == data) and files(work) == files(s.before)


def test_what_another_program_wrote_is_damage(folder):
    """Others may read the state; what they write has no checksum."""
    s = Scenario("edits", folder)
    work = s.fresh()
    with contextlib.closing(sqlite3.connect(work / "p/state.db")) as db, db:
        db.execute("UPDATE record_base SET external_id = 'E8' WHERE external_id = 'E1'")
    assert ask(s, work, ["emit"]).returncode == 2
    state_file.seal(work / "p/state.db")
    assert ask(s, work, ["check", "--state"]).returncode == 0
