"""A disk that is full after any number of bytes: 74, nothing half done, and a clean run afterwards does it all."""
import os
import resource
import shutil
import subprocess

import pytest

from profile import row
from scenarios import LONG, Scenario, agreed, tell, look

STEP = 4096


@pytest.mark.parametrize("name", ("first_load", "edits", "push", "fetch", "baseline", "restored_state"))
def test_file_size_limit(name, folder, points):
    s = Scenario(name, folder)
    largest = max(f.stat().st_size for f in (folder / "work").rglob("*") if f.is_file())
    failed = 0
    for size in range(0, largest + STEP, STEP if LONG else 2 * STEP):
        work, what = s.fresh(), f"files of at most {size} bytes"
        done = s.run(work, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)))
        assert done.returncode in s.statuses | {74}, f"{what}: {done.returncode} {done.stderr}"
        failed += done.returncode == 74
        s.check_visible(work, what)
        s.check_recovered(work, what)
    assert failed
    points("RLIMIT_FSIZE", s.count)


def mount(path, size):
    return subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=0700", "tmpfs", path], capture_output=True).returncode == 0


@pytest.fixture
def small_disk(folder):
    path = folder / "disk"
    path.mkdir()
    if not mount(path, STEP):
        pytest.skip("tmpfs may not be mounted here")
    yield path
    subprocess.run(["umount", "-l", path], check=True)


def used(path):
    """Pages of a tmpfs that a tree takes, each folder and file at least."""
    return sum((f.stat().st_size + STEP - 1) // STEP * STEP for f in path.rglob("*") if f.is_file())


@pytest.mark.parametrize("name", ("first_load", "edits", "push", "fetch"))
def test_small_file_system(name, folder, small_disk, points):
    s = Scenario(name, folder)
    before, after = used(s.before), used(folder / "work")
    fits = 0
    for extra in range(0, after - before + 120 * STEP, STEP if LONG else 2 * STEP):
        what = f"{extra} bytes left on the disk"
        subprocess.run(["mount", "-o", "remount,size=1G", small_disk], check=True)
        work = small_disk / "work"
        shutil.rmtree(work, ignore_errors=True)
        shutil.copytree(s.before, work, symlinks=True)
        size = os.statvfs(small_disk)
        taken = (size.f_blocks - size.f_bfree) * size.f_frsize
        subprocess.run(["mount", "-o", f"remount,size={taken + extra}", small_disk], check=True)
        done = s.run(work)
        assert done.returncode in s.statuses | {74}, f"{what}: {done.returncode} {done.stderr}"
        s.check_visible(work, what)
        subprocess.run(["mount", "-o", "remount,size=1G", small_disk], check=True)
        s.check_recovered(work, what)
        fits = fits + 1 if done.returncode in s.statuses else 0
        if fits == 3:
            break
    assert fits, "the disk was never large enough"
    assert not tell(s.after, look(work))
    points("small file system", s.count)


def test_small_disk_of_temporary_files(folder, small_disk):
    """The folder of the profile has room: the message says which one has not."""
    (folder / "imports/native").mkdir(parents=True)
    p = agreed(folder / "p", external={"content": "snapshot"}, policy={"max_changes": "none", "max_change_percent": "none"})
    p.drop("external", [row(f"E{n}", f"N{n}", body="b" * 100) for n in range(40000)])
    for command in ("diff", "emit"):
        assert "TMPDIR" in p.run(command, status=74, TMPDIR=str(small_disk)).err
    assert len(p.emit().native) == 40000
