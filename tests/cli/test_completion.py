"""Completions, in the shells themselves: what TAB makes of a line in bash and zsh, and what fish offers for it."""
import os
import pathlib
import pty
import re
import select
import shutil
import signal
import subprocess
import time

import pytest

from profile import patience, row

ROOT = pathlib.Path(__file__).resolve().parents[2]
DONE = "the end of it"


class Terminal:
    """A shell on a terminal of its own."""

    def __init__(self, args, env, folder):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.execvpe(args[0], args, env)

    def read(self, until):
        text, end = "", time.monotonic() + patience()
        while not re.search(until, self.plain(text)):
            left = end - time.monotonic()
            assert left > 0, f"{until} did not come: {text!r}"
            if select.select([self.fd], [], [], left)[0]:
                text += os.read(self.fd, 65536).decode("utf-8", "replace")
        return self.plain(text)

    @staticmethod
    def plain(text):
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]", "", text)

    def send(self, text):
        os.write(self.fd, text.encode())

    def close(self):
        os.close(self.fd)
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


class Shell:
    """bash or zsh: a line is typed, TAB pressed, and the line that came out of it is printed in place of being run."""

    def __init__(self, name, profile, folder):
        self.profile, self.name = profile, name
        env = profile.environment(HOME=str(folder), TERM="xterm", COLUMNS="200", HISTFILE="", PS1="ready> ", SHELL_SESSION="",
                                  PATH=f"{folder / 'bin'}:{os.environ['PATH']}", ZDOTDIR=str(folder))
        if name == "bash":
            (folder / "rc").write_text(f"PS1='ready> '\nsource '{ROOT}/completions/roundtrip.bash'\n"
                                       "bind 'set bell-style none'\nbind 'set enable-bracketed-paste off'\n"
                                       "bind 'set completion-query-items 0'\nbind 'set page-completions off'\n")
            args = ["bash", "--noprofile", "--rcfile", str(folder / "rc"), "-i"]
        else:
            (folder / ".zshrc").write_text(f"PS1='ready> '\nfpath=('{ROOT}/completions' $fpath)\nautoload -Uz compinit\n"
                                           "compinit -u -D\nunsetopt BEEP ZLE_BRACKETED_PASTE PROMPT_SP PROMPT_CR\nbindkey -e\n"
                                           "zstyle ':completion:*' list-prompt ''\nLISTMAX=1000\nunset zle_bracketed_paste\n")
            args = ["zsh", "-o", "NO_GLOBAL_RCS", "-i"]
        self.terminal = Terminal(args, env, profile.path)
        self.terminal.read("ready> ")

    def complete(self, line):
        """The line after one TAB."""
        self.terminal.send(line + "\t" + "\x01echo '" + "\x05'" + f" '{DONE}'\r")
        text = self.terminal.read(f"\n[^\n]*{DONE}\r?\n.*ready> ")
        return re.findall(rf"\n([^\n]*?) ?{DONE}\r?\n", text)[-1].split("\r")[-1]

    def offers(self, line, last):
        """What two TABs list, up to that word."""
        self.terminal.send(line + "\t\t")
        text = self.terminal.read(rf"\n[^\n]*\b{last}\b")
        self.terminal.send("\x15" + f"echo {DONE}\r")
        self.terminal.read(f"\n{DONE}\r?\n.*ready> ")
        return text

    def close(self):
        self.terminal.close()


@pytest.fixture(scope="module")
def profile(tmp_path_factory):
    import profile as rt_profile
    p = rt_profile.Profile(tmp_path_factory.mktemp("completion") / "p")
    p.agree(row("E1", "N1"), row("E2", "N2"), row("X:7", "N7"))
    p.run("hold", "E2")
    p.trip(ext=[row("E1", "N1", body="ours")], nat=[row("E1", "N1", body="theirs")])
    p.tick()
    p.drop("external", [row("E9", summary="to be sent")])
    p.emit()
    return p


@pytest.fixture(scope="module")
def program(profile, tmp_path_factory):
    """A folder that has the program by its name, for PATH."""
    folder = tmp_path_factory.mktemp("home")
    (folder / "bin").mkdir()
    (folder / "bin/roundtrip").symlink_to(shutil.which(profile.command()[0]))
    (folder / "a b").symlink_to(profile.path)
    return folder


@pytest.fixture(scope="module", params=("bash", "zsh"))
def shell(request, profile, program, tmp_path_factory):
    made = Shell(request.param, profile, program)
    yield made
    made.close()


def words(profile, *args):
    return [line.split("\t")[0] for line in profile.run("--complete", *args).out.splitlines()]


# -- what the program offers -----------------------------------------------------------------------------------------
def help_of(profile):
    return re.findall(r"^  ([a-z]\w+) +\S", profile.run("--help").out, re.M)


def test_every_command_and_option(profile):
    """Of the help; and every command's operands are known: offered, or there are none."""
    commands = help_of(profile)
    assert words(profile, "") == commands and len(commands) > 20
    source = (ROOT / "cmd/complete.c").read_text()
    for command in commands:
        options = set(re.findall(r"^  (--[\w-]+)", profile.run(command, "--help").out, re.M))
        assert set(words(profile, command, "--")) == options
        entry = re.search(rf'\{{"{command}", \{{(.*?)\}}, (true|false)\}}', source)
        usage = profile.run(command, "--help").out.splitlines()[0].partition(f" {command} ")[2]
        operands = re.sub(r"--[\w-]+( [A-Z]+)?|--format \S+|\W", "", re.sub(r"--\w+ [a-z|]+", "", usage))
        assert entry, f"cmd/complete.c does not know the operands of {command}"
        assert (entry[1] != "NULL") == bool(operands), (command, usage)
        assert ("..." in usage.split("--")[0].split("|")[-1]) == (entry[2] == "true"), (command, usage)


def test_every_value(profile):
    """An option that wants one of some words offers them; each is taken by the program."""
    for kind in words(profile, "review", "--kind", ""):
        profile.run("review", "--kind", kind)
    for form in words(profile, "diff", "--format", ""):
        profile.run("diff", "--format", form)
    for preset in words(profile, "init", "--preset", ""):
        profile.run("init", profile.path.parent / f"new-{preset}", "--preset", preset)
    for args in (("push", ""), ("emit", "--to", ""), ("fetch", ""), ("bind", "--rekey", ""), ("review", "take", "1", "")):
        assert words(profile, *args) == ["external", "native"], args
    assert words(profile, "report", "") == [":files"] and words(profile, "init", "") == [":dirs"]
    assert words(profile, "fetch", "native", "") == words(profile, "fetch", "native", "a.csv", "") == [":files"]
    assert words(profile, "pause", "") == words(profile, "show", "E1", "") == words(profile, "log", "--since", "") == []


def test_what_the_state_knows(profile):
    assert words(profile, "release", "") == ["E2", "N2"] == words(profile, "release", "E1", "")
    assert words(profile, "show", "E") == ["E1", "E2", "E9"] and words(profile, "show", "") == []
    outbox = profile.listing("outbox/native") + profile.listing("outbox/external")
    assert words(profile, "withdraw", "") == outbox and len(outbox) == 1
    handed = words(profile, "confirm", "")
    assert handed and not set(handed) & set(outbox) and words(profile, "push", "--again", "") == handed
    assert words(profile, "confirm", "00")[0].isdigit()
    assert words(profile, "review", "take", "") == ["all", "1"] == words(profile, "-C", profile.path, "review", "show", "")


def test_no_profile_is_no_harm(profile, tmp_path):
    for args in (("release", ""), ("review", "show", ""), ("confirm", "")):
        done = profile.run("--complete", "-C", tmp_path, *args)
        assert done.out.replace("all\tall of one --kind\n", "") == "" and done.err == ""
    assert words(profile, "-C", tmp_path, "push", "") == ["external", "native"]
    assert words(profile) == help_of(profile)
    before = profile.snapshot()
    words(profile, "release", "")
    assert profile.snapshot() == before


# -- the shells ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("line, whole", [
    ("roundtrip wi", "roundtrip withdraw"),
    ("roundtrip emit --hist", "roundtrip emit --historical"),
    ("roundtrip emit --to na", "roundtrip emit --to native"),
    ("roundtrip release E", "roundtrip release E2"),
    ("roundtrip -C . release N", "roundtrip -C . release N2"),
    ("roundtrip review take 1 ext", "roundtrip review take 1 external"),
    ("roundtrip review --kind fla", "roundtrip review --kind flapping"),
    ("roundtrip withdraw tr", "roundtrip withdraw {outbox}"),
    ("roundtrip fetch native sche", "roundtrip fetch native schema.csv"),
    ("roundtrip init reje", "roundtrip init rejects/"),
    ("roundtrip show X", r"roundtrip show X:7"),
    ('roundtrip -C ~/"a b" show X', 'roundtrip -C ~/"a b" show X:7'),
    (r"roundtrip -C ~/a\ b/out", r"roundtrip -C ~/a b/outbox"),
    (r"roundtrip -C ~/a\ b release N", r"roundtrip -C ~/a b release N2"),
])
def test_tab(shell, profile, line, whole):
    outbox = (profile.listing("outbox/native") + profile.listing("outbox/external"))[0]
    made = shell.complete(line).replace("\\", "").strip()
    assert made.rstrip("/") == whole.format(outbox=outbox).rstrip("/")     # zsh takes the slash away when a word follows


def test_tab_tab(shell):
    text = shell.offers("roundtrip review ", "take")
    assert all(w in text for w in ("accept", "dismiss", "list", "show", "take"))
    text = shell.offers("roundtrip re", "rebuild")
    assert all(w in text for w in ("rebuild", "release", "report", "resume", "retry", "review")), text


def fish(profile, program, line):
    env = profile.environment(HOME=str(program), PATH=f"{program / 'bin'}:{os.environ['PATH']}", TERM="xterm")
    done = subprocess.run(["fish", "--no-config", "-c", f"source '{ROOT}/completions/roundtrip.fish'; complete -C '{line}'"],
                          cwd=profile.path, env=env, capture_output=True, text=True, timeout=patience())
    assert done.returncode == 0 and done.stderr == "", done
    return [entry.split("\t")[0] for entry in done.stdout.splitlines()]


def test_fish(profile, program):
    assert sorted(fish(profile, program, "roundtrip ")) == sorted(help_of(profile))
    assert fish(profile, program, "roundtrip emit --hist") == ["--historical"]
    assert fish(profile, program, "roundtrip release ") == ["E2", "N2"]
    assert fish(profile, program, "roundtrip -C . review take 1 ") == ["external", "native"]
    assert fish(profile, program, "roundtrip withdraw ") == profile.listing("outbox/native")
    assert fish(profile, program, "roundtrip fetch native sche") == ["schema.csv"]
    assert fish(profile, program, "roundtrip init reje") == ["rejects/"]
    assert "all" in fish(profile, program, "roundtrip review show ")
