"""Runs the program with a terminal of our own around it."""
import os
import pty
import select
import subprocess


def on_terminal(p, *args, **env):
    """What the command writes when both of its outputs are a terminal: (text, status)."""
    master, slave = pty.openpty()
    full = p.environment(TERM="xterm", **env)
    if "NO_COLOR" not in env:
        full.pop("NO_COLOR", None)
    child = subprocess.Popen(p.command(*args), cwd=p.path, env=full, stdin=slave, stdout=slave, stderr=slave)
    os.close(slave)
    out = b""
    while True:
        ready, _, _ = select.select([master], [], [], 60)
        try:
            data = os.read(master, 65536) if ready else b""
        except OSError:                     # the other end is closed
            data = b""
        if not data:
            break
        out += data
    os.close(master)
    return out.decode().replace("\r\n", "\n"), child.wait(60)
