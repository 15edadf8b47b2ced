"""The whole trip with a server in it: sftp and openssh against a private sshd, and what can go wrong there."""
import base64
import datetime
import os
import pathlib
import resource
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "fault"))
from scenarios import may_trace  # noqa: E402
from profile import OTHER, Delta, patience, row
from proxy import Proxy
from servers import Server

TRANSPORTS = ("sftp", "openssh")
LONG = os.environ.get("LONG") == "1"
MARKER = "Marzipan-4711"
both = pytest.mark.parametrize("transport", TRANSPORTS)


def seconds(at):
    return at.replace(tzinfo=datetime.timezone.utc).timestamp()


def place(server, p, name, data, age=3600):
    """A file in the server's exports, written `age` seconds before the profile's now."""
    file = server.root / "exports" / name
    file.write_bytes(data if isinstance(data, bytes) else data.encode())
    set_age(p, file, age)
    return file


def set_age(p, file, age):
    at = seconds(p.now) - age
    os.utime(file, (at, at))


def export(p, *rows):
    return p.text("external", rows)


def there(server, folder="imports"):
    return {f.name: f.read_bytes() for f in (server.root / folder).iterdir() if f.is_file()}


def inbox(p, side="external"):
    return p.listing(f"inbox/{side}")


def prepare_push(p, *rows):
    """Rows born in the database become a delta for the server, in the outbox; its name and bytes."""
    p.run("fetch")
    p.drop("native", rows or [row("", "N1"), row("", "N2")])
    delta, = p.emit()
    assert delta.side == "external"
    return delta.name, delta.raw


# ---- fetch ----

@both
def test_a_young_file_waits(make, server, transport):
    p = make(external=server.settings(transport, settle="60s"))
    place(server, p, "a_2026-11-01T0500.csv", export(p, row("E1")), age=30)
    place(server, p, "b_2026-11-01T0501.csv", export(p, row("E2")), age=61)
    result = p.run("fetch")
    assert result.out == "inbox/external/b_2026-11-01T0501.csv\n" and "still young" in result.err
    p.tick(0, 1)
    assert p.run("fetch").out == "inbox/external/a_2026-11-01T0500.csv\n"
    assert p.run("fetch").out == ""


@both
def test_two_looks_decide_where_the_clock_of_the_server_is_ahead(make, server, transport):
    p = make(external=server.settings(transport, settle="60s"))
    file = place(server, p, "a_2026-11-01T0500.csv", export(p, row("E1")), age=-7200)
    assert p.run("fetch").out == ""
    p.tick(0, 1)
    file.write_text(export(p, row("E1"), row("E2")))  # it has grown
    set_age(p, file, -7200)
    assert p.run("fetch").out == ""
    p.tick(0, 1)
    assert p.run("fetch").out.count("\n") == 1
    assert (p.path / "inbox/external" / file.name).read_bytes() == file.read_bytes()


@both
def test_a_file_that_is_copied_again_is_no_news(make, server, transport):
    p = make(external=server.settings(transport))
    file = place(server, p, "a_2026-11-01T0500.csv", export(p, row("E1")))
    p.run("fetch")
    set_age(p, file, 300)
    result = p.run("fetch")
    assert result.out == "" and "nothing to do" in result.err
    assert inbox(p) == [file.name]
    p.sync()
    set_age(p, file, 200)
    assert p.run("fetch").out == "" and inbox(p) == []
    file.write_text(export(p, row("E1", summary="another")))
    set_age(p, file, 100)
    assert p.run("fetch").out.count("\n") == 1


@both
def test_only_whole_files_with_good_names_are_fetched(make, server, transport):
    p = make(external=server.settings(transport))
    good = place(server, p, "a b_2026-11-01T0500.csv", export(p, row("E1")))
    for name in ("half.csv.part", "new\n\nlines.csv", ".hidden.csv", "line\nbreak.csv", "aa\nsftp> ls -lna\nsftp> pwd\n.csv", "escape\x1b[2J.csv", "note.txt", "-rf.txt"):
        place(server, p, name, "x")
    (server.root / "exports/folder.csv").mkdir()
    result = p.run("fetch")
    assert result.out == f"inbox/external/{good.name}\n" and inbox(p) == [good.name]
    assert "\x1b" not in result.err and result.err.count("left alone") == 4


@both
def test_names_that_a_shell_or_a_pattern_would_read_otherwise(make, server, transport):
    p = make(external=server.settings(transport, stamp=None))
    names = ["a[b].csv", "a*b.csv", "a?b.csv", " lead.csv", "trail .csv", 'quo"te.csv', "apo'strophe.csv", "#hash.csv", "\u00fcn\u00ef.csv",
             "Case.csv", "case.csv", "do$lar.csv", "~t.csv", "semi;colon.csv", "per%cent.csv", "back`tick.csv", "a{b,c}.csv", "{x.csv",
             "y}.csv", "{}.csv", "!bang.csv"]
    for number, name in enumerate(names):
        place(server, p, name, export(p, row(f"E{number}")), age=1000 - number)
    assert sorted(p.run("fetch").out.splitlines()) == sorted(f"inbox/external/{name}" for name in names)
    assert {n: (p.path / "inbox/external" / n).read_bytes() for n in names} == there(server, "exports")


def test_a_link_among_the_exports_is_followed_or_told(make, server):
    for transport in TRANSPORTS:
        server.clear()
        p = make(external=server.settings(transport))
        elsewhere = server.root / "elsewhere.csv"
        elsewhere.write_text(export(p, row("E1")))
        set_age(p, elsewhere, 3600)
        (server.root / "exports/a_2026-11-01T0500.csv").symlink_to(elsewhere)
        result = p.run("fetch")
        assert (result.out, "it is a link" in result.err) in ((f"inbox/external/a_2026-11-01T0500.csv\n", False), ("", True)), result
        assert bool(result.out) == (transport == "sftp")


@both
def test_files_are_fetched_oldest_first(make, server, transport):
    p = make(external=server.settings(transport))
    for number, name in enumerate(("c", "a", "b")):
        place(server, p, f"{name}_2026-11-01T0500.csv", export(p, row(f"E{number}")), age=1000 - 100 * number)
    assert [line.split("/")[2][0] for line in p.run("fetch").out.splitlines()] == ["c", "a", "b"]


@pytest.mark.parametrize("transport, way", [("sftp", "delete"), ("sftp", "move:exports/done"),
                                            ("openssh", "move:exports/done")])
def test_after_fetch(make, server, transport, way):
    p = make(external=server.settings(transport, after_fetch=way))
    (server.root / "exports/done").mkdir()
    name = "a_2026-11-01T0500.csv"
    texts = [export(p, row("E1")), export(p, row("E2"))]
    for age, text in ((400, texts[0]), (300, texts[0]), (200, texts[1])):  # the second is the first, copied again
        place(server, p, name, text, age)
        p.run("fetch")
        assert there(server, "exports") == {}
    assert inbox(p) == ["a_2026-11-01T0500-2.csv", name]
    moved = there(server, "exports/done")
    assert sorted(moved) == ([] if way == "delete" else ["a_2026-11-01T0500-2.csv", "a_2026-11-01T0500-3.csv", name])


@pytest.mark.parametrize("how", ["kill", "ECONNRESET", "ENOSPC"])
@pytest.mark.parametrize("way", ["leave", "move:exports/done"])
def test_a_fetch_broken_at_each_step(make, server, way, how):
    """Then the same again: each file once in the inbox, whole, and gone from the server where it should be."""
    p = make(external=server.settings("sftp", after_fetch=way))
    fresh = keep_copy(p)
    texts = {f"{n}_2026-11-01T0500.csv": export(p, row(n)) for n in "a"}

    def begin():
        server.clear()
        (server.root / "exports/done").mkdir()
        bring_back(p, fresh)
        for name, text in texts.items():
            place(server, p, name, text)

    begin()
    for number, _ in sampled(steps_of(p, "fetch"), how):
        begin()
        crash(p, number, how, "fetch")
        p.run("fetch")
        assert inbox(p) == sorted(texts), number
        assert all((p.path / "inbox/external" / n).read_text() == t for n, t in texts.items())
        assert sorted(there(server, "exports")) == (sorted(texts) if way == "leave" else []), number
        assert sorted(there(server, "exports/done")) == (sorted(texts) if way[:4] == "move" else []), number
        assert p.run("fetch").out == ""


@pytest.mark.parametrize("transport, count", [("sftp", 400), ("openssh", 60)])
def test_thousands_of_files(make, server, transport, count):
    p = make(external=server.settings(transport, pattern="f*.csv"))
    for number in range(count):
        place(server, p, f"f{number:05}_2026-11-01T0500.csv", export(p, row(f"E{number}")))
    for number in range(3000):
        place(server, p, f"g{number:05}_2026-11-01T0500.csv", "of another kind")
    assert p.run("fetch").out.count("\n") == count
    assert len(inbox(p)) == count
    assert p.run("fetch").out == ""
    shutil.rmtree(p.path / "inbox/external")


@both
def test_a_folder_that_is_not_there(make, server, transport):
    p = make(external=server.settings(transport, exports="nowhere/at/all"))
    result = p.run("fetch", status=69)
    assert "nowhere/at/all" in result.err
    p.settings["external"].update(exports="exports", imports="elsewhere")
    p.write()
    p.run("fetch")
    name, data = prepare_push(p)
    assert "elsewhere" in p.run("push", status=(74, 77)).err
    p.settings["external"].update(imports="imports")
    p.write()
    p.run("push")
    assert there(server) == {name: data}


@pytest.mark.parametrize("mode", [0o100, 0o400])
def test_a_folder_that_may_not_be_read_is_no_empty_one(make, mode):
    """With its names alone, too: `run` would go on without the newest edits."""
    p = make(external={"exports": "theirs"})
    (p.path / "theirs").mkdir(mode=0o700)
    file = p.put("theirs/a_2026-11-01T0500.csv", export(p, row("E1")))
    (p.path / "theirs/gone.csv").symlink_to("../nowhere")
    (p.path / "theirs/wrong.csv").symlink_to("x" * 300)
    set_age(p, file, 3600)
    (p.path / "theirs").chmod(mode)
    drop = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.getuid() == 0 else []
    done = subprocess.run(drop + p.command("run"), cwd=p.path, env=p.environment(), capture_output=True, text=True)
    (p.path / "theirs").chmod(0o700)
    assert done.returncode == 77 and "Permission denied" in done.stderr, done
    p.run("fetch")
    assert inbox(p) == [file.name]


def test_a_folder_that_must_not_be_changed(make):
    """Local folders, and no permission to move away what was fetched: nothing that another try would mend."""
    p = make(external={"exports": "theirs", "after_fetch": "move:done"})
    (p.path / "theirs").mkdir(mode=0o700)
    (p.path / "done").mkdir(mode=0o700)
    file = p.put("theirs/a_2026-11-01T0500.csv", export(p, row("E1")))
    set_age(p, file, 3600)
    (p.path / "theirs").chmod(0o500)
    drop = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.getuid() == 0 else []
    done = subprocess.run(drop + p.command("fetch"), cwd=p.path, env=p.environment(), capture_output=True, text=True)
    (p.path / "theirs").chmod(0o700)
    assert done.returncode == 77 and "Permission denied" in done.stderr, done
    assert f"{file.name} is in the inbox, but after_fetch = move:done failed" in done.stderr
    p.run("fetch")
    assert inbox(p) == [file.name] and [f.name for f in (p.path / "done").iterdir()] == [file.name]


@both
def test_a_file_too_large_for_the_disk_here(make, server, transport):
    p = make(external=server.settings(transport))
    file = place(server, p, "a_2026-11-01T0500.csv", export(p, *(row(f"E{n}", body="x" * 4000) for n in range(1500))))

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (3 << 20, 3 << 20))

    done = subprocess.run(p.command("fetch"), cwd=p.path, env=p.environment(), capture_output=True, preexec_fn=limit)
    assert done.returncode == 74, done.stderr
    assert list((p.path / "inbox/external").iterdir()) == []
    assert p.run("fetch").out == f"inbox/external/{file.name}\n"
    assert (p.path / "inbox/external" / file.name).read_bytes() == file.read_bytes()


# ---- push ----

MODES = {"rename": {}, "direct": {}, "done-file": {}, "folder:imports/tmp": {}}


def expected(mode, name, data):
    return {name: data, **({name + ".done": b""} if mode == "done-file" else {})}


def keep_copy(p):
    copy = p.path.with_name(p.path.name + ".kept")
    shutil.copytree(p.path, copy)
    return copy


def bring_back(p, copy):
    shutil.rmtree(p.path)
    shutil.copytree(copy, p.path)


def steps_of(p, *args):
    """The numbers and names of the steps that a command reaches."""
    steps = p.path.parent / "steps"
    steps.unlink(missing_ok=True)
    p.run(*args, ROUNDTRIP_STEPS=str(steps))
    if not steps.exists():
        pytest.skip("the program was built without ROUNDTRIP_FAULTS")
    return list(enumerate(steps.read_text().splitlines(), 1))


def sampled(steps, how):
    """Kills at all of them; failures at a third, but for LONG=1."""
    return steps if how == "kill" or LONG else steps[::3]


def crash(p, number, how, *args):
    """Killed at a step, or the step fails; how often a packet is read is not always the same, so it may not come to it."""
    done = subprocess.run(p.command(*args), cwd=p.path, env=p.environment(ROUNDTRIP_FAULT=f"{number}:{how}"),
                          capture_output=True, timeout=patience())
    assert done.returncode in ((-signal.SIGKILL, 0) if how == "kill" else (69, 74, 0)), (number, done.stderr)


@both
@pytest.mark.parametrize("mode", MODES)
def test_push(make, server, transport, mode):
    p = make(external=server.settings(transport, upload=mode))
    (server.root / "imports/tmp").mkdir()
    name, data = prepare_push(p)
    assert p.run("push").out == name + "\n"
    assert there(server) == expected(mode, name, data)
    assert list((server.root / "imports/tmp").iterdir()) == [] and p.listing("outbox/external") == []
    assert p.run("push").out == ""
    assert (p.path / "archive/out/external" / name).read_bytes() == data


@pytest.mark.parametrize("how", ["kill", "ECONNRESET", "ENOSPC"])
@pytest.mark.parametrize("transport, mode", [("sftp", m) for m in MODES] + [("openssh", "rename")])
def test_a_push_broken_at_each_step(make, server, transport, mode, how):
    p = make(external=server.settings(transport, upload=mode))
    (server.root / "imports/tmp").mkdir()
    name, data = prepare_push(p)
    fresh = keep_copy(p)
    for number, step in sampled(steps_of(p, "push"), how):
        if transport == "openssh" and step not in ("push.rename", "push.delivered"):
            continue  # it is slow
        server.clear()
        (server.root / "imports/tmp").mkdir()
        bring_back(p, fresh)
        crash(p, number, how, "push")
        for half in there(server):
            assert half != name or mode in ("direct", "done-file") or there(server)[half] == data
        p.run("push")
        assert there(server) == expected(mode, name, data), number
        assert list((server.root / "imports/tmp").iterdir()) == [], number
        assert p.listing("outbox/external") == [] and p.run("push").out == ""


def calls_of(p, name, *args):
    """How often a command makes a system call."""
    file = p.path.parent / "calls"
    done = subprocess.run(["strace", "-f", "-qq", "-o", file, "-e", f"trace={name}", *p.command(*args)], cwd=p.path,
                          env=p.environment(), capture_output=True, timeout=patience())
    assert done.returncode == 0, done.stderr
    return file.read_text().count(f" {name}(")


@pytest.mark.skipif(not may_trace(), reason="strace is not there, or may not trace")
@pytest.mark.parametrize("failure", ["error=ECONNRESET", "retval=0", "signal=KILL"])
@pytest.mark.parametrize("verb", ["fetch", "push"])
def test_the_link_is_lost_at_any_packet(make, server, verb, failure):
    p = make(external=server.settings("sftp"))
    name, data = prepare_push(p) if verb == "push" else (None, None)
    place(server, p, "a_2026-11-01T0500.csv", export(p, row("E1")))
    fresh = keep_copy(p)
    count = calls_of(p, "recvfrom", verb)
    assert count > 10
    for k in range(1, count + 1, 1 if LONG else count // 20 + 1):
        bring_back(p, fresh)
        shutil.rmtree(server.root / "imports")
        (server.root / "imports").mkdir()
        done = subprocess.run(["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=recvfrom", "-e", f"inject=recvfrom:{failure}:when={k}+",
                               *p.command(verb)], cwd=p.path, env=p.environment(), capture_output=True, text=True, timeout=patience())
        assert done.returncode in {-9, 137, 69, 0}, f"packet {k}: {done.returncode} {done.stderr}"
        p.run(verb)
        if verb == "push":
            assert there(server) == {name: data}, f"packet {k}"
            assert p.run("push").out == "" and p.listing("outbox/external") == []
        else:
            assert inbox(p) == ["a_2026-11-01T0500.csv"] and p.run("fetch").out == "", f"packet {k}"


@both
def test_a_broken_upload_is_made_again(make, server, transport):
    p = make(external=server.settings(transport))
    name, data = prepare_push(p)
    (server.root / "imports" / (name + ".part")).write_bytes(data[:10])
    p.run("push")
    assert there(server) == {name: data}


@pytest.mark.parametrize("transport, mode", [("sftp", "direct"), ("sftp", "done-file"), ("openssh", "direct")])
def test_a_file_cut_under_its_final_name_is_made_again(make, server, transport, mode):
    p = make(external=server.settings(transport, upload=mode))
    name, data = prepare_push(p)
    (server.root / "imports" / name).write_bytes(data[:-20] + b"X")
    assert "not overwritten" in p.run("push", status=74).err
    assert there(server) == {name: data[:-20] + b"X"}
    (server.root / "imports" / name).write_bytes(data[:-20])
    p.run("push")
    assert there(server) == expected(mode, name, data)
    assert [f for f in p.files_under("outbox") if f.name.startswith(".")] == []


@both
def test_a_foreign_file_of_that_name_is_not_overwritten(make, server, transport):
    p = make(external=server.settings(transport))
    name, _ = prepare_push(p)
    (server.root / "imports" / name).write_bytes(b"theirs")
    result = p.run("push", status=74)
    assert name in result.err and there(server) == {name: b"theirs"}
    assert p.listing("outbox/external") == [name]


@both
def test_what_the_server_took_already_is_looked_for_there(make, server, transport):
    """An export shows a row of a file that was not handed over, as far as the state knows."""
    p = make(external=server.settings(transport, matches_by="own-id"))
    name, data = prepare_push(p)
    p.tick()
    p.drop("external", [row("E1", "N1")])
    p.emit()
    assert "row 1 of delta 000001 is there already, as E1" in p.run("push", status=2).err and not there(server)
    (server.root / "imports" / name).write_bytes(data)
    assert p.run("push").out == name + "\n" and there(server) == {name: data} and not p.files_under("outbox")


@both
def test_the_disk_of_the_server_is_full(make, own_server, transport):
    p = make(external=own_server.settings(transport), policy={"max_change_percent": "none"})
    name, data = prepare_push(p, *(row("", f"N{n}", body="x" * 4000) for n in range(400)))
    own_server.do("stop")
    own_server.do("start", RT_FSIZE_KB="1000")
    p.settings["external"].update(own_server.settings(transport))
    p.write()
    result = p.run("push", status=74)
    assert name in result.err
    assert name not in there(own_server)
    assert p.listing("outbox/external") == [name]
    own_server.do("stop")
    own_server.do("start")
    p.settings["external"].update(own_server.settings(transport))
    p.write()
    p.run("push")
    assert there(own_server) == {name: data}


def test_a_link_that_is_lost_is_made_again(make, own_server):
    """The sessions are killed again and again; the run goes on by itself."""
    p = make(external=own_server.settings("sftp", retries="30"))
    text = export(p, *(row(f"E{n}", body="y" * 4000) for n in range(3000)))
    for number in range(6):
        place(own_server, p, f"f{number}_2026-11-01T0500.csv", text, age=1000 - number)
    process = subprocess.Popen(p.command("fetch"), cwd=p.path, env=p.environment(), stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    for _ in range(3):
        time.sleep(0.15)
        own_server.do("drop")
    out, err = process.communicate(timeout=patience())
    assert process.returncode == 0, err
    assert len(inbox(p)) == 6 and all((p.path / "inbox/external" / n).read_text() == text for n in inbox(p))


def failed_once(result, command):
    """One line says why; the others are what was done until then."""
    why = [line for line in result.err.splitlines()
           if not line.endswith((": connected", "fetching")) and "handing over" not in line and "fetching " not in line]
    assert len(why) == 1 and why[0].startswith(f"roundtrip {command}: "), result
    return why[0]


def through(proxy, p, server, transport, **more):
    p.settings["external"].update(server.settings(transport, port=str(proxy.port), **more))
    p.write()


BIG = [row("", f"N{n}", body=f"{n} " + "x" * 8000) for n in range(500)]


@both
@pytest.mark.parametrize("percent", [1, 50, 99])
def test_a_fetch_cut_on_the_way(make, server, transport, percent):
    p = make(external=server.settings(transport))
    text = export(p, *({**r, "x": r["n"], "n": ""} for r in BIG))
    with Proxy(int(server.env["RT_PORT"])) as proxy:
        through(proxy, p, server, transport)
        p.run("fetch")
        file = place(server, p, "a_2026-11-01T0500.csv", text)
        proxy.limit = proxy.passed + len(text) * percent // 100
        assert "127.0.0.1" in failed_once(p.run("fetch", status=69), "fetch")
        assert inbox(p) == [] and list((p.path / "inbox/external").iterdir()) == []
        proxy.limit = None
        assert p.run("fetch").out == f"inbox/external/{file.name}\n"
    assert (p.path / "inbox/external" / file.name).read_text() == text


@both
@pytest.mark.parametrize("percent", [1, 50, 99])
def test_a_push_cut_on_the_way(make, server, transport, percent):
    p = make(external=server.settings(transport), policy={"max_change_percent": "none"})
    name, data = prepare_push(p, *BIG)
    with Proxy(int(server.env["RT_PORT"])) as proxy:
        through(proxy, p, server, transport)
        p.run("fetch")
        proxy.limit = proxy.passed + len(data) * percent // 100
        assert "127.0.0.1" in failed_once(p.run("push", status=69), "push")
        assert name not in there(server) and p.listing("outbox/external") == [name]
        proxy.limit = None
        assert p.run("push").out == name + "\n"
    assert there(server) == {name: data}


@both
@pytest.mark.parametrize("command", ["fetch", "push"])
def test_a_stall_on_the_way(make, server, transport, command):
    p = make(external=server.settings(transport), policy={"max_change_percent": "none"})
    name, data = prepare_push(p, *BIG)
    text = export(p, *({**r, "x": r["n"], "n": ""} for r in BIG))
    with Proxy(int(server.env["RT_PORT"]), stalls=True) as proxy:
        through(proxy, p, server, transport, timeout="60s")
        p.run("fetch")
        file = place(server, p, "a_2026-11-01T0500.csv", text)
        proxy.limit = proxy.passed + len(data) // 2
        through(proxy, p, server, transport, timeout="4s")
        why = failed_once(p.run(command, status=69), command)
        assert "no data for 4 s" in why or "not responding" in why  # ssh has an eye on it, too
        assert inbox(p) == [] and name not in there(server)
        proxy.release()
        through(proxy, p, server, transport, timeout="60s")
        p.run("fetch")
        p.run("push")
    assert (p.path / "inbox/external" / file.name).read_text() == text and there(server) == {name: data}


@both
@pytest.mark.parametrize("command", ["fetch", "push"])
def test_the_sftp_process_is_killed(make, own_server, transport, command):
    """The SSH session stays up, and would for ever."""
    own_server.do("stop")
    own_server.do("start", RT_SFTP=f"/usr/lib/openssh/sftp-server -d {own_server.root}")
    with Proxy(int(own_server.env["RT_PORT"]), stalls=True) as proxy:
        p = make(external=own_server.settings(transport, port=str(proxy.port), timeout="60s"),
                 policy={"max_change_percent": "none"})
        name, data = prepare_push(p, *BIG)
        text = export(p, *({**r, "x": r["n"], "n": ""} for r in BIG))
        file = place(own_server, p, "a_2026-11-01T0500.csv", text)
        proxy.limit = proxy.passed + len(data) // 2  # it waits there, until we have found the process
        process = subprocess.Popen(p.command(command), cwd=p.path, env=p.environment(), stderr=subprocess.PIPE)
        wait_for(lambda: proxy.passed >= proxy.limit)
        own_server.do("killsftp")
        proxy.release()
        _, err = process.communicate(timeout=patience())
        assert process.returncode == 69 and err.splitlines()[-1].startswith(f"roundtrip {command}: ".encode()), err
        assert b"no data for" not in err  # not only by the time-out
        assert inbox(p) == [] and name not in there(own_server)
        p.run("fetch")
        p.run("push")
    assert (p.path / "inbox/external" / file.name).read_text() == text and there(own_server) == {name: data}


# ---- who is there ----

@both
def test_nobody_is_there(make, own_server, transport):
    p = make(external=own_server.settings(transport))
    name, data = prepare_push(p)
    own_server.do("stop")
    for command in ("fetch", "push", "run"):
        assert "127.0.0.1" in p.run(command, status=69).err
    assert p.listing("outbox/external") == [name]
    own_server.do("start")
    p.settings["external"].update(own_server.settings(transport))
    p.write()
    p.run("run")
    assert there(own_server) == {name: data}


@both
def test_the_login_is_refused(make, server, transport):
    p = make(external=server.settings(transport, identity=str(server.path / "user_stranger"), retries="3"))
    err = p.run("-v", "fetch", status=77).err
    assert "login" in err and "try 2" not in err  # no sense in that


@pytest.fixture
def agent():
    """An agent of the test's own: its environment."""
    told = subprocess.run(["ssh-agent", "-s"], capture_output=True, text=True, check=True).stdout
    env = dict(line.split(";")[0].split("=", 1) for line in told.splitlines() if "=" in line)
    yield {**os.environ, **env}
    os.kill(int(env["SSH_AGENT_PID"]), signal.SIGTERM)


@both
def test_too_many_keys_of_the_agent_are_a_refused_login(make, tmp_path, transport, agent):
    """The server parts after some of them; to try again would lock the account."""
    server = Server(tmp_path / "sshd")
    server.do("start", "MaxAuthTries 3")
    for number in range(4):
        key = tmp_path / f"key{number}"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
        subprocess.run(["ssh-add", "-q", key], env=agent, check=True)
    p = make(external=server.settings(transport, identity=None, retries="3"))
    p.always["SSH_AUTH_SOCK"] = agent["SSH_AUTH_SOCK"]
    try:
        err = p.run("fetch", status=77).err
    finally:
        server.do("stop")
    assert len(err.splitlines()) == 1 and "Too many authentication failures" in err, err


def agent_that_stops(listener, public, answers):
    """Tells one key as often as asked, answers so many questions, and then only listens, or with None hangs up."""
    key = base64.b64decode(public.split()[1])
    told = b"\x0c" + struct.pack(">II", 1, len(key)) + key + struct.pack(">I", 0)
    kept = []
    while True:
        try:
            end, _ = listener.accept()
        except OSError:
            return
        for _ in range(answers or 0):
            end.recv(4096)
            end.sendall(struct.pack(">I", len(told)) + told)
        if answers is None:
            end.close()
        kept.append(end)


@both
@pytest.mark.parametrize("answers", [0, 1, None])
def test_an_agent_that_does_not_answer(make, server, tmp_path, transport, answers):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "agent"))
        listener.listen()
        public = (server.path / "user_ed25519.pub").read_text()
        threading.Thread(target=agent_that_stops, args=(listener, public, answers), daemon=True).start()
        p = make(external=server.settings(transport, identity=None, timeout="2s"))
        p.always["SSH_AUTH_SOCK"] = str(tmp_path / "agent")
        begin = time.monotonic()
        failed_once(p.run("fetch", status=77 if transport == "sftp" else (69, 77)), "fetch")
        assert time.monotonic() - begin < 30
        listener.shutdown(socket.SHUT_RDWR)


@both
def test_the_host_key_has_changed(make, own_server, transport):
    p = make(external=own_server.settings(transport))
    p.run("fetch")
    own_server.do("newhostkey")
    result = p.run("fetch", status=77)
    assert "host key" in result.err
    assert "host key" in p.run("run", status=77).err


@both
def test_a_host_key_that_is_not_known(make, server, transport, tmp_path):
    p = make(external=server.settings(transport, host_key=None))
    p.always["HOME"] = str(tmp_path)
    assert "is not known; " in p.run("fetch", status=77).err


@both
def test_a_key_that_others_can_read(make, server, transport, tmp_path):
    key = tmp_path / "key"
    shutil.copy(server.path / "user_ed25519", key)
    key.chmod(0o644)
    p = make(external=server.settings(transport, identity=str(key)))
    assert "can be read by others" in p.run("fetch", status=77).err


# ---- run ----

@both
@pytest.mark.parametrize("broken", ["external", "native"])
def test_a_fetch_that_fails_stops_the_run(make, own_server, transport, broken):
    p = make(**{broken: own_server.settings(transport)})
    other = OTHER[broken]
    p.drop("external", [row("E1")])
    p.drop("native", [row("", "N1")])
    own_server.do("stop")
    result = p.run("run", status=69)
    assert "nothing was emitted or pushed" in result.err
    for side in ("external", "native"):
        assert p.listing(f"outbox/{side}") == [] and len(inbox(p, side)) == 1
    assert p.listing(f"imports/{other}") == [] and there(own_server) == {}


def there_and_back(p, server):
    place(server, p, "a_2026-11-01T0500.csv", export(p, row("E1", summary="from there")))
    p.drop("native", [row("", "N1", summary="from here")])
    p.run("run")
    name, = there(server)
    (p.path / "copy/external").mkdir(parents=True)
    (p.path / "copy/external" / name).write_bytes(there(server)[name])
    assert [r["summary"] for r in Delta(p, p.path / "copy/external" / name).rows] == ["from here"]
    p.tick(24)
    place(server, p, "a_2026-11-02T0500.csv", export(p, row("E1", summary="from there"),
                                                     row("E2", "N1", summary="from here")))
    p.drop("native", [row("E1", "N2", summary="from there"), row("", "N1", summary="from here")])
    assert p.run("run").out == ""
    assert len(there(server)) == 1


@both
def test_a_run_there_and_back(make, server, transport):
    there_and_back(make(external=server.settings(transport)), server)


@both
def test_a_run_with_a_server_of_another_make(make, proftpd, transport):
    there_and_back(make(external=proftpd.settings(transport, after_fetch="delete")), proftpd)
    assert there(proftpd, "exports") == {}


def wait_for(condition):
    until = time.monotonic() + patience()
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def processes_with(text):
    found = []
    for file in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = file.read_bytes()
        except OSError:
            continue
        if text.encode() in words and int(file.parts[2]) != os.getpid():
            found.append(words)
    return found


@both
def test_two_runs_at_once_and_the_first_killed(make, own_server, transport):
    p = make(external=own_server.settings(transport, passphrase_command="echo none"))
    text = export(p, row("E1"))
    place(own_server, p, "a_2026-11-01T0500.csv", text)
    own_server.do("freeze")
    first = subprocess.Popen(p.command("run"), cwd=p.path, env=p.environment(), stderr=subprocess.DEVNULL)
    wait_for(lambda: (p.path / ".lock").exists() and (p.path / ".lock").read_text())
    result = p.run("run", status=75)
    assert str(first.pid) in result.err and "roundtrip run" in result.err
    p.run("push", status=75)
    first.kill()
    first.wait()
    wait_for(lambda: not processes_with(f"-oPort={own_server.env['RT_PORT']}"))
    own_server.do("thaw")
    p.run("run")
    assert [f.name for f in p.files_under("archive/in/external")] == ["000001-a_2026-11-01T0500.csv"]
    assert [f for f in p.files_under(".") if f.name.startswith(".roundtrip")] == []


@both
def test_a_stopped_run_ends_at_once(make, own_server, transport):
    p = make(external=own_server.settings(transport, timeout="10m"))
    own_server.do("freeze")
    first = subprocess.Popen(p.command("run"), cwd=p.path, env=p.environment(), stderr=subprocess.PIPE)
    wait_for(lambda: (p.path / ".lock").exists() and (p.path / ".lock").read_text())
    time.sleep(0.3)
    first.terminate()
    _, err = first.communicate(timeout=patience())
    assert first.returncode == 2 and b"stopped by a signal" in err
    own_server.do("thaw")
    p.run("run")


def test_a_command_for_a_secret_that_takes_too_long_is_ended_with_what_it_started(make, server):
    p = make(external=server.settings("sftp", timeout="1s", identity=str(server.path / "user_locked"),
                                      passphrase_command="sleep 600 & echo $! >child; wait"))
    assert "took longer than timeout" in p.run("fetch", status=77).err
    child = pathlib.Path("/proc", (p.path / "child").read_text().strip(), "stat")
    wait_for(lambda: not child.exists() or child.read_text().rsplit(")", 1)[1].split()[0] == "Z")


# ---- what is not told ----

def test_no_secret_and_no_note_is_told(make, own_server, tmp_path):
    """Not in arguments, not in the environment of children, not in messages; also when things go wrong."""
    secret, told = "correct horse", tmp_path / "told"
    tell = f"(env; echo \"$0 $@\"; tr '\\0' '\\n' </proc/$PPID/cmdline) >>{told}"
    (tmp_path / "secret").write_text(secret + "\n")
    (tmp_path / "sftp").write_text(f'#!/bin/sh\n{tell}\nexec /usr/bin/sftp "$@"\n')
    (tmp_path / "sftp").chmod(0o755)
    for transport in TRANSPORTS:
        told.unlink(missing_ok=True)
        own_server.clear()
        p = make(external=own_server.settings(transport, identity=str(own_server.path / "user_locked"), retries="0",
                                              timeout="20s", passphrase_command=f"{tell}; cat {tmp_path}/secret"),
                 native={"transport": "command", "imports": None, "stamp": None, "extract": f"{tell}; cat given.csv",
                         "load": tell})
        p.put("given.csv", p.text("native", [row("", "N1", body=MARKER), row("E1", "N2", body="x " + MARKER)]))
        messages = []

        def run(status=None):
            messages.append(p.run("-v", "run", status=status, PATH=f"{tmp_path}:{os.environ['PATH']}"))

        place(own_server, p, "a_2026-11-01T0500.csv", export(p, row("E1", body="y " + MARKER), row("E7", body=MARKER)))
        run(0)
        p.tick(24)
        for name, text in (("b", export(p, row("E8", body=MARKER)) + f"E9,{MARKER}\n{MARKER}\n"),  # rows too short
                           ("c", export(p, row("E8", body=MARKER)) + f'E9,"{MARKER}'),  # cut
                           ("d", f"{MARKER},a\n1,2\n")):  # another header
            place(own_server, p, f"{name}_2026-11-02T0500.csv", text, age=100)
            run()
        p.settings["external"].update(identity=str(own_server.path / "user_stranger"))
        p.write()
        run(77)
        p.settings["external"].update(identity=str(own_server.path / "user_locked"), exports="nowhere")
        p.write()
        run(69)
        messages += [p.run(command, status=None) for command in ("status", "log", "push")]
        texts = [m.out.encode() + m.err.encode() for m in messages] + [told.read_bytes()]
        assert any(b"fetching" in t for t in texts) and texts[-1].count(b"ROUNDTRIP_NOW") > 5
        assert transport != "openssh" or b"-oStrictHostKeyChecking=yes" in texts[-1]
        for text in texts:
            assert secret.encode() not in text and MARKER.encode() not in text, text.decode("utf-8", "replace")
        assert secret.encode() not in b"".join(f.read_bytes() for f in p.files_under("."))
