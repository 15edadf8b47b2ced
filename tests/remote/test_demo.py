"""fixtures/demo.sh leaves nothing behind, whatever way it ends."""
import os
import pathlib
import signal
import subprocess
import time

import pytest

from profile import patience

DEMO = pathlib.Path(__file__).resolve().parents[2] / "fixtures/demo.sh"


def begin(tmp_path):
    folder = tmp_path / "tmp"
    folder.mkdir()
    return folder, subprocess.Popen(["sh", DEMO], env={**os.environ, "TMPDIR": str(folder)}, stdout=subprocess.PIPE,
                                    stderr=subprocess.STDOUT, text=True, start_new_session=True)


def remains(folder):
    """Files, and processes that name the folder."""
    found = [str(f) for f in folder.iterdir()]
    for file in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = file.read_bytes().decode("utf-8", "replace").replace("\0", " ")
        except OSError:
            continue
        if str(folder) in words:
            found.append(words)
    return found


def read_until(demo, words):
    for line in demo.stdout:
        if words in line:
            return
    raise AssertionError(f"the demo never said {words}")


def test_the_demo_goes_over_sftp(tmp_path):
    folder, demo = begin(tmp_path)
    out, _ = demo.communicate(timeout=2 * patience())
    assert demo.returncode == 0, out
    assert "transport = sftp" in out or ": connected" in out
    assert remains(folder) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
@pytest.mark.parametrize("whom", ["the script", "all of them"])
def test_the_demo_is_stopped_in_the_middle(tmp_path, number, whom):
    folder, demo = begin(tmp_path)
    read_until(demo, "======== 2026-11-17")
    assert any("sshd" in line for line in remains(folder))
    if whom == "the script":
        demo.send_signal(number)
    else:
        os.killpg(demo.pid, number)
    demo.communicate(timeout=patience())
    assert demo.returncode != 0
    until = time.monotonic() + patience()
    while remains(folder) and time.monotonic() < until:
        time.sleep(0.1)
    assert remains(folder) == []
