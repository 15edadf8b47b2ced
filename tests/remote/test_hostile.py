"""Servers that lie, stall and answer as no server should: the right status, one clear line, nothing outside the inbox."""
import datetime
import itertools
import json
import os
import subprocess

import pytest

from hostile import BATCH, DENIED, FAILURE, File, Hostile
from profile import Result, patience, row

both = pytest.mark.parametrize("transport", ("sftp", "openssh"))
GOOD = "a_2026-11-01T0500.csv"
LONG = os.environ.get("LONG") == "1"


@pytest.fixture
def key(shared_server):
    return shared_server.path / "user_ed25519"


def run(p, *args):
    """As Profile.run, with any status, and not for ever."""
    done = subprocess.run(p.command(*args), cwd=p.path, env=p.environment(), capture_output=True, timeout=patience())
    result = Result(args, done)
    assert "Sanitizer" not in result.err and "runtime error:" not in result.err, result
    assert done.returncode >= 0, result
    assert not any(c < " " and c != "\n" for c in result.err), result
    return result


def set_up(p, server, transport, key, **more):
    p.settings["external"].update(server.settings(transport, key, **more))
    p.write()


def everything(p):
    """All files beside and below the profile's folder, but for what a fetch may write."""
    mine = ("state.db", "inbox", "archive", "lock", "journal")
    return sorted(str(f) for f in p.path.parent.rglob("*")
                  if not (f.is_relative_to(p.path) and f != p.path and f.relative_to(p.path).parts[0].startswith(mine)))


def failed(result, *statuses):
    """One line says why; the others are what was done until then."""
    assert result.status in statuses, result
    why = [line for line in result.err.splitlines()
           if not line.endswith(": connected") and ": fetching" not in line and ": handing over" not in line
           and "was left by a broken push" not in line]
    assert len(why) == 1 and why[0].startswith("roundtrip "), result


def text(p, *ids):
    return p.text("external", [row(i) for i in ids]).encode()


def inbox(p):
    return [f.name for f in (p.path / "inbox/external").iterdir()]


@both
def test_names(make, key, transport):
    p = make()
    evil = [b"../escape_2026-11-01T0500.csv", b"/tmp/escape.csv", b"a/b.csv", b"nul\0.csv", b"line\nbreak.csv", b".hidden.csv",
            b"-rf.csv", b"esc\x1b[2J.csv", b"\xff\xfe.csv", b"n" * 4000 + b".csv", b"..", b".", b"\r.csv", b"tab\t.csv"]
    with Hostile({name: File(b"x") for name in evil} | {GOOD: File(text(p, "E1"))}) as server:
        set_up(p, server, transport, key)
        before = everything(p)
        if transport == "openssh":  # sftp ends at such a name
            failed(run(p, "fetch"), 69)
            assert inbox(p) == [] and everything(p) == before
            del server.files[b"nul\0.csv"]
        result = run(p, "fetch")
        assert result.status == 0, result
        assert inbox(p) == [GOOD], result
        assert everything(p) == before


@both
@pytest.mark.parametrize("lie", ["too long", "too short", "none", "handle says more", "endless"])
def test_sizes_that_lie(make, key, transport, lie):
    p = make()
    data = text(p, *(f"E{n}" for n in range(500)))
    file = {"too long": File(data, size=len(data) + 1000), "too short": File(data, size=len(data) - 1000),
            "none": File(data, size=-1), "handle says more": File(data, fsize=len(data) + 10), "endless": File(data)}[lie]
    with Hostile({GOOD: file}) as server:
        if lie == "endless":
            server.on_read = lambda f, at, size: b"x" * min(size, 32768)
        set_up(p, server, transport, key, deadline="5s")
        result = run(p, "fetch")
        taken = [(p.path / "inbox/external" / name).read_bytes() for name in inbox(p)]
        assert taken in ([], [data]), (lie, result, [len(t) for t in taken])
        if taken:
            assert result.status == 0, result
        else:
            failed(result, 74, 69)
        if lie in ("too long", "too short", "endless"):
            assert taken == [], result
        if lie == "endless" and transport == "sftp":
            assert "changed while it was read" in result.err, result


@both
def test_a_file_replaced_between_listing_and_open(make, key, transport):
    p = make()
    first, other = text(p, "E1"), text(p, "E1", "E2")
    with Hostile({GOOD: File(first)}) as server:
        def replace(file):
            file.data, file.size, file.fsize, file.mtime = other, len(other), len(other), file.mtime + 1

        server.on_open = replace
        set_up(p, server, transport, key)
        result = run(p, "fetch")
        assert inbox(p) == [] or (p.path / "inbox/external" / GOOD).read_bytes() == other, result
        server.on_open = lambda file: None
        assert run(p, "fetch").status == 0
        assert (p.path / "inbox/external" / GOOD).read_bytes() == other


@both
@pytest.mark.parametrize("age, is_taken", [(10, False), (3600, True)])
def test_a_file_replaced_since_the_listing(make, key, transport, age, is_taken):
    """It is at rest by its new time, which orders it, or is left for the next fetch: it may still be written to."""
    p = make(stamp=None)
    whole = text(p, "E1", "E2")
    at = int(p.now.replace(tzinfo=datetime.timezone.utc).timestamp()) - age
    with Hostile({GOOD: File(text(p, "E9"), mtime=at - 86400)}) as server:
        def replace():
            server.files[GOOD.encode()] = File(whole if is_taken else text(p, "E1"), mtime=at)

        server.on_close = replace  # of the listed folder
        set_up(p, server, transport, key, settle="60s")
        result = run(p, "fetch")
        assert result.status == 0 and (inbox(p) == [GOOD]) == is_taken, result
        server.on_close = lambda: None
        if not is_taken:
            assert "left for the next fetch" in result.err, result
            server.files[GOOD.encode()] = File(whole, mtime=at + 5)
            p.tick(0, 2)
            assert run(p, "fetch").status == 0
        assert (p.path / "inbox/external" / GOOD).read_bytes() == whole
        p.run("emit")
        stamp = at if is_taken else at + 5
        assert json.loads(p.run("show", "E1", "--json").out)["external"]["last_seen"]["stamp"][:16] == \
            datetime.datetime.fromtimestamp(stamp, datetime.timezone.utc).isoformat()[:16]


def test_a_file_replaced_since_the_listing_of_a_server_that_tells_no_times(make, key):
    """What was looked at twice is not what would be read: it may still be written to."""
    p = make()
    whole = text(p, "E1", "E2")
    with Hostile({GOOD: File(text(p, "E9"), mtime=None)}) as server:
        def replace():
            server.files[GOOD.encode()] = File(text(p, "E1") + b"E2", mtime=None)

        set_up(p, server, "sftp", key, settle="60s")
        assert run(p, "fetch").out == ""
        p.tick(0, 2)
        server.on_close = replace  # of the listed folder
        result = run(p, "fetch")
        assert result.status == 0 and inbox(p) == [] and "left for the next fetch" in result.err, result
        server.on_close = lambda: None
        server.files[GOOD.encode()] = File(whole, mtime=None)
        for _ in range(2):
            p.tick(0, 2)
            assert run(p, "fetch").status == 0
        assert (p.path / "inbox/external" / GOOD).read_bytes() == whole


@both
def test_a_long_listing_of_a_slow_server(make, key, transport):
    """There is data all the time, though never the whole listing."""
    p = make()
    with Hostile({GOOD: File(text(p, "E1"))}) as server:
        def entries():
            for number in range(6 * BATCH):
                if number % BATCH == 0:
                    server.over.wait(1)
                yield b"other-%04d.txt" % number, File(b"")
            yield from server.files.items()

        server.entries = entries
        set_up(p, server, transport, key, timeout="2s")
        result = run(p, "fetch")
        assert result.status == 0 and inbox(p) == [GOOD], result


@both
def test_one_byte_a_second(make, key, transport):
    p = make()
    with Hostile({GOOD: File(text(p, "E1"))}, pace=1) as server:
        server.on_read = lambda file, at, size: file.data[at:at + 1]
        set_up(p, server, transport, key, deadline="5s")
        result = run(p, "fetch")
        failed(result, 69)
        assert inbox(p) == []


FETCH = ("INIT", "OPENDIR", "READDIR", "OPEN", "READ", "CLOSE", "FSTAT", "STAT", "LSTAT", "REALPATH")
PUSH = ("INIT", "OPEN", "WRITE", "CLOSE", "RENAME", "STAT", "LSTAT", "FSTAT", "REALPATH", "REMOVE")


def prepare_push(p, server):
    """A delta in the outbox for the server, which has no exports."""
    server.files.clear()
    p.run("fetch")
    p.drop("native", [row("", "N1"), row("", "N2")])
    delta, = p.emit()
    server.seen.clear()
    return delta.name, delta.raw


@both
@pytest.mark.parametrize("command, kind", [("fetch", k) for k in FETCH] + [("push", k) for k in PUSH])
def test_a_stall_at_each_message(make, key, transport, command, kind):
    p = make()
    with Hostile({GOOD: File(text(p, "E1"))}) as server:
        set_up(p, server, transport, key)
        name, data = prepare_push(p, server) if command == "push" else (None, None)
        server.stall = kind
        set_up(p, server, transport, key, timeout="2s")
        result = run(p, command)
        if result.status != 0:  # a message that this transport does not send, or need not wait for
            failed(result, 69)
        server.stall = None
        set_up(p, server, transport, key, timeout="60s")
        assert run(p, command).status == 0
        if command == "push":
            assert {k.rsplit(b"/", 1)[-1].decode(): f.data for k, f in server.written.items()
                    if not k.endswith(b".part")} == {name: data}
        else:
            assert inbox(p) == [GOOD]


@both
@pytest.mark.parametrize("command", ["fetch", "push"])
@pytest.mark.parametrize("code", (1, 2, 3, 4, 5, 8, 11, 17, 31, 4000000000) if LONG else (2, 4, 11, 4000000000))
def test_codes_of_other_servers(make, key, transport, command, code):
    p = make()
    with Hostile({GOOD: File(text(p, "E1"))}) as server:
        set_up(p, server, transport, key)
        name, data = prepare_push(p, server) if command == "push" else (None, None)
        for kind in FETCH[1:] if command == "fetch" else PUSH[1:]:
            server.refuse = {kind: code}
            result = run(p, command)
            if result.status:
                failed(result, 69, 74, 77, 2, 65)
            for f in inbox(p):
                assert f == GOOD and (p.path / "inbox/external" / f).read_bytes() == server.files[GOOD.encode()].data
        server.refuse = {}
        assert run(p, command).status == 0
        if command == "push":
            assert server.written[b"imports/" + name.encode()].data == data
        else:
            assert [f for f in inbox(p)] == [GOOD]


@both
def test_a_folder_of_100_000(make, key, transport):
    p = make()
    names = [b"other-%06d.txt" % n for n in range(100_000)]
    with Hostile() as server:
        server.entries = lambda: itertools.chain(((n, File(b"")) for n in names), server.files.items())
        server.files = {GOOD.encode(): File(text(p, "E1"))}
        set_up(p, server, transport, key, timeout="60s")
        result = run(p, "fetch")
        assert result.status == 0 and inbox(p) == [GOOD], result


@both
def test_a_folder_without_end(make, key, transport):
    p = make()
    with Hostile() as server:
        server.entries = lambda: ((b"f%09d.txt" % n, File(b"")) for n in itertools.count())
        set_up(p, server, transport, key, deadline="4s")
        result = run(p, "fetch")
        failed(result, 69, 74)
        assert inbox(p) == []


@both
@pytest.mark.parametrize("kind, code, status", [("OPENDIR", DENIED, 77), ("OPENDIR", FAILURE, 69), ("READDIR", DENIED, 77),
                                                ("READDIR", FAILURE, 69)])
def test_a_folder_that_cannot_be_read_is_no_empty_one(make, key, transport, kind, code, status):
    p = make()
    with Hostile({GOOD: File(text(p, "E1"))}) as server:
        set_up(p, server, transport, key)
        p.run("fetch")
        p.drop("native", [row("", "N1")])
        server.refuse = {kind: code}
        failed(run(p, "fetch"), status)
        result = run(p, "run")
        assert result.status == status and "nothing was emitted" in result.err, result
        assert server.written == {} and p.listing("outbox/external") == []
        server.refuse = {}
        assert run(p, "run").status == 0
        assert len(server.written) == 1


@both
def test_half_a_listing_is_none(make, key, transport):
    p = make()
    with Hostile() as server:
        def entries():
            yield GOOD.encode(), server.files[GOOD.encode()]
            yield from ((b"other-%04d.txt" % n, File(b"")) for n in range(2 * BATCH))
            server.refuse = {"READDIR": FAILURE}
            yield from ((b"more-%04d.txt" % n, File(b"")) for n in range(2 * BATCH))

        server.entries, server.files = entries, {GOOD.encode(): File(text(p, "E1"))}
        set_up(p, server, transport, key)
        failed(run(p, "fetch"), 69)
        assert inbox(p) == []


@both
def test_an_upload_that_is_said_to_be_whole(make, key, transport):
    """Every write is acknowledged, and the file is short."""
    p = make()
    with Hostile() as server:
        set_up(p, server, transport, key)
        name, data = prepare_push(p, server)
        server.size_written = lambda size: size - 1
        failed(run(p, "push"), 69, 74)
        assert not any(k.endswith(name.encode()) for k in server.written)
        assert p.listing("outbox/external") == [name]
        server.size_written = lambda size: size
        assert run(p, "push").status == 0
        assert server.written[b"imports/" + name.encode()].data == data


@both
@pytest.mark.parametrize("upload", ["direct", "done-file"])
def test_an_upload_that_is_taken_at_once_is_handed_over_once(make, key, transport, upload):
    p = make()
    with Hostile() as server:
        set_up(p, server, transport, key, upload=upload)
        name, data = prepare_push(p, server)
        taken = []

        def take():
            """What is complete by the rules of the mode, as soon as the upload of it ends."""
            ready = [k for k in server.written if upload == "direct" or k + b".done" in server.written]
            for path in ready:
                taken.append((path.rsplit(b"/", 1)[-1].decode(), server.written.pop(path).data))
                server.written.pop(path + b".done", None)

        server.on_close = take
        assert run(p, "push").status == 0
        assert taken == [(name, data)]
        assert run(p, "push").status == 0
        assert len(taken) == 1 and p.listing("outbox/external") == []


@both
def test_an_upload_that_is_gone_before_its_done_file_was_not_handed_over(make, key, transport):
    p = make()
    with Hostile() as server:
        set_up(p, server, transport, key, upload="done-file")
        name, data = prepare_push(p, server)
        server.on_close = server.written.clear  # by somebody who does not wait for the .done, or a virus scanner
        failed(run(p, "push"), 74)
        assert not server.written and p.listing("outbox/external") == [name]
        server.on_close = lambda: None
        assert run(p, "push").status == 0
        assert server.written[b"imports/" + name.encode()].data == data
