"""The page of `report`: killed or failing at any step, the earlier page is still whole, or the new one is."""
import pytest

from scenarios import agreed


class Page:
    def __init__(self, folder):
        self.profile = agreed(folder / "p")
        self.file = folder / "pages/page.html"
        self.file.parent.mkdir(mode=0o700)
        self.old = self.make()
        self.profile.tick()
        steps = folder / "steps"
        self.new = self.make(ROUNDTRIP_STEPS=str(steps))
        self.steps = len(steps.read_text().splitlines())
        assert self.old != self.new and self.steps > 3

    def make(self, status=0, **env):
        self.profile.run("report", self.file, status=status, **env)
        return self.file.read_bytes()


@pytest.fixture
def page(folder):
    (folder / "imports").mkdir()
    for side in ("external", "native"):
        (folder / "imports" / side).mkdir()
    return Page(folder)


def test_killed(page, points):
    for step in range(1, page.steps + 1):
        page.file.write_bytes(page.old)
        with pytest.raises(AssertionError, match="crash"):
            page.make(ROUNDTRIP_FAULT=f"{step}:kill")
        assert page.file.read_bytes() in (page.old, page.new), step
        assert page.make() == page.new
    points("kill", page.steps)


@pytest.mark.parametrize("failure", ("ENOSPC", "EIO", "EMFILE"))
def test_fails(page, failure, points):
    """All that is left of a failure is the message: no page half done, no other file."""
    for step in range(1, page.steps + 1):
        page.file.write_bytes(page.old)
        assert page.make(status=74, ROUNDTRIP_FAULT=f"{step}:{failure}") in (page.old, page.new), step
        assert [f.name for f in page.file.parent.iterdir()] == ["page.html"], step
    points(failure, page.steps)
