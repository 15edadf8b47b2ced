"""Literal blocks of the manual pages, and how their commands are run as they stand there."""
import os
import pathlib
import re
import shlex
import subprocess

from profile import patience

MAN = pathlib.Path(__file__).resolve().parents[2] / "man"


def plain(text):
    """mdoc escapes undone."""
    return text.replace("\\-", "-").replace("\\e", "\\").replace("\\&", "")


def section(name, title):
    found = re.search(rf"^\.Sh {re.escape(title)}\n(.*?)(?=^\.Sh |\Z)", (MAN / name).read_text(), re.M | re.S)
    assert found, f"{name} has no section {title}"
    return found[1]


def blocks(name, title):
    """The literal blocks of a section, in order."""
    found = re.findall(r"^\.Bd -literal[^\n]*\n(.*?)^\.Ed$", section(name, title), re.M | re.S)
    return [plain(b) for b in found]


def commands(block):
    """[(command, what the page shows of its output)]: lines that go on with \\ or | and here-documents belong to the command."""
    out, lines = [], block.splitlines()
    while lines:
        line = lines.pop(0)
        if not line.startswith("$ "):
            if out:
                out[-1][1].append(line)
            continue
        text = [line[2:]]
        while text[-1].endswith(("\\", "|")) or any("\n".join(text).count(q) % 2 for q in "'\""):
            text.append(lines.pop(0))
        end = re.search(r"<<'?(\w+)'?", text[0])
        while end and text[-1] != end[1]:
            text.append(lines.pop(0))
        out.append(("\n".join(text), []))
    return out


class Shell:
    """Runs commands one by one in one bash, in a folder, with the program under its name and a clock of its own or none."""

    def __init__(self, folder, program, replace=(), env=None):
        self.folder, self.replace, self.cwd = folder, replace, folder
        tools = folder / "tools"
        tools.mkdir(exist_ok=True)
        self.tool("roundtrip", "exec " + shlex.join(program) + ' "$@"')
        self.env = {k: v for k, v in os.environ.items() if k not in ("ROUNDTRIP_PROFILE", "ROUNDTRIP_NOW", "LANG")}
        self.env.update({"PATH": f"{tools}:{os.environ['PATH']}", "LC_ALL": "C.UTF-8", "TZ": "UTC", **(env or {})})

    def tool(self, name, script):
        file = self.folder / "tools" / name
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)

    def run(self, command, status=0):
        for old, new in self.replace:
            command = command.replace(old, str(new))
        script = f"cd {shlex.quote(str(self.cwd))}\n{command}\nrc=$?; pwd >&3; exit $rc"
        read, write = os.pipe()
        done = subprocess.run(["bash", "-c", script.replace(">&3", f">&{write}")], env=self.env, capture_output=True,
                              text=True, timeout=patience(), stdin=subprocess.DEVNULL, pass_fds=[write])
        os.close(write)
        with os.fdopen(read) as pipe:
            self.cwd = pathlib.Path(pipe.read().strip() or self.cwd)
        assert done.returncode == status, f"$ {command}\nstatus {done.returncode}\n{done.stdout}{done.stderr}"
        return done
