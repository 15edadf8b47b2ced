"""SIGINT and SIGTERM where the program waits for others: standard input, the pause between two tries."""
import os
import signal
import subprocess
import time

import pytest

from profile import patience

HEADER = b"external_id,native_id\n"


@pytest.fixture
def start():
    started = []

    def begin(p, *args, stdin=subprocess.DEVNULL):
        started.append(subprocess.Popen(p.command(*args), cwd=p.path, env=p.environment(), stdin=stdin,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE))
        return started[-1]

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def wait_for(what):
    until = time.monotonic() + patience()
    while not what():
        assert time.monotonic() < until
        time.sleep(.02)


def sleeps(process):
    """Is it waiting, with its handlers in place, or at its end?"""
    with open(f"/proc/{process.pid}/status", encoding="ascii") as file:
        fields = dict(line.split(":", 1) for line in file)
    return "Z" in fields["State"] or "S" in fields["State"].split()[0] and int(fields["SigCgt"], 16) & (1 << (signal.SIGTERM - 1))


@pytest.mark.parametrize("args", [["fetch", "native", "-"], ["bind", "-"], ["init", "new", "--native", "-"]], ids=lambda a: a[0])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_command_that_reads_standard_input_can_be_stopped(pair, start, args, number):
    before = pair.listing("inbox/native")
    ours, theirs = os.pipe()
    os.write(theirs, HEADER)
    process = start(pair, *args, stdin=ours)
    wait_for(lambda: sleeps(process))
    process.send_signal(number)
    _, err = process.communicate(timeout=patience())
    assert process.returncode == 2 and b"stopped by a signal" in err
    assert pair.listing("inbox/native") == before and not (pair.path / "new/roundtrip.ini").exists()
    os.close(ours)
    os.close(theirs)


def test_what_a_stopped_writer_left_in_a_pipe_is_no_file(pair, start):
    """Ctrl-C ends both ends of a pipe; what came of it until then is not taken for all."""
    before = pair.listing("inbox/native")
    ours, theirs = os.pipe()
    process = start(pair, "fetch", "native", "-", stdin=ours)
    os.close(ours)
    os.write(theirs, HEADER)
    wait_for(lambda: sleeps(process))
    process.send_signal(signal.SIGSTOP)
    process.send_signal(signal.SIGINT)
    os.close(theirs)
    process.send_signal(signal.SIGCONT)
    process.communicate(timeout=patience())
    assert process.returncode == 2 and pair.listing("inbox/native") == before


@pytest.mark.parametrize("transport", ["sftp", "openssh"])
def test_stopped_between_two_tries(make, start, transport):
    p = make(external={"transport": transport, "imports": None, "host": "127.0.0.1", "port": "1", "user": "nobody",
                       "host_key": "SHA256:" + "A" * 43, "retries": "9", "timeout": "5s"})
    process = start(p, "run")
    while b"try 2" not in (line := process.stderr.readline()):
        assert line
    process.terminate()
    _, err = process.communicate(timeout=patience())
    assert process.returncode == 2 and b"stopped by a signal" in err
