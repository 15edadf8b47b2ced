"""Progress of a fetch and a push over SFTP, on a terminal."""
import re

from profile import row
from terminal import on_terminal


def test_fetch_and_push_tell_how_far_they_are(make, server):
    p = make(external=server.settings("sftp", settle="0s"), policy={"max_change_percent": "none"})
    rows = [row(f"E{i}", body="x" * 2000) for i in range(3000)]
    (server.root / "exports/large_2026-11-01T0500.csv").write_text(p.text("external", rows))
    text, status = on_terminal(p, "fetch", "external")
    assert status == 0 and re.search(r"\rlarge_2026-11-01T0500\.csv +\d+ %  \d+\.\d [kM]B", text), text
    assert text.endswith("\r\x1b[Kinbox/external/large_2026-11-01T0500.csv\n") or "\x1b[K" in text.splitlines()[-1]
    p.run("emit")
    p.drop("native", [row("", f"N{i}", body="y" * 2000) for i in range(3000)])
    p.run("emit")
    text, status = on_terminal(p, "push", "external")
    assert status == 0 and re.search(r"\rtrip-external-[\w-]+\S* +\d+ %  \d+\.\d [kM]B", text), text
    assert "%" not in p.run("fetch", "external").err


def test_both_can_be_told_to_be_quiet(make, server):
    p = make(external=server.settings("sftp", settle="0s"), policy={"max_change_percent": "none"})
    (server.root / "exports/large_2026-11-01T0500.csv").write_text(p.text("external", [row("E1", body="x" * 2_000_000)]))
    text, status = on_terminal(p, "fetch", "external", "--no-progress")
    assert status == 0 and "%" not in text and "\x1b" not in text
