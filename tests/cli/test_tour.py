"""The tour of roundtrip(1): every command is run as it stands there, and prints what the page shows, in that order."""
import re
import subprocess
import time

import page
from profile import Profile


def settled(text):
    """Times are TIME, and blanks at the end of a line do not count."""
    text = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "TIME", text)
    return [line.rstrip() for line in text.splitlines()]


def holds(output, shown):
    """Are the shown lines in the output, in this order?  The beginning of a line is enough."""
    rest = iter(output)
    return all(any(line.startswith(wanted) for line in rest) for wanted in shown)


def test_the_tour_prints_what_the_page_shows(tmp_path):
    (tmp_path / "tour").mkdir()
    shell = page.Shell(tmp_path, Profile.command(None))
    shell.cwd = tmp_path / "tour"
    began, count = time.monotonic(), 0
    for block in page.blocks("roundtrip.1", "A TOUR IN TEN MINUTES"):
        for command, shown in page.commands(block):
            if command.startswith("cat > ../"):
                time.sleep(1.1)             # the files of a later day are newer
            done = shell.run(command)
            # Results, then messages: on a terminal they are one.
            output = settled(done.stdout) + settled(done.stderr)
            wanted = settled("\n".join(shown))
            assert holds(output, wanted) or holds(settled(done.stderr) + settled(done.stdout), wanted), \
                f"$ {command}\nshown: {wanted}\nprinted: {output}"
            count += 1
    print(f"\n{count} commands, {time.monotonic() - began:.1f} s")
    assert count > 20


def test_every_command_of_the_manual_is_one():
    """roundtrip WORD in a literal block of any page: there is such a command, and it has these options."""
    program = Profile.command(None)
    help_of, wrong = {}, []
    for path in sorted(page.MAN.glob("*.[157]")):
        text = page.plain("\n".join(re.findall(r"^\.Bd -literal[^\n]*\n(.*?)^\.Ed$", path.read_text(), re.M | re.S)))
        text = text.replace("\\\n", " ")
        for word, rest in re.findall(r"(?m)(?:^\$ |&& |; |[(]|\*  )roundtrip (?:-C \S+ |-q |-v )*([a-z]+)\b([^|&;>\n)]*)", text):
            if word not in help_of:
                help_of[word] = subprocess.run([*program, word, "--help"], capture_output=True, text=True)
            if help_of[word].returncode:
                wrong.append(f"{path.name}: roundtrip {word}")
            wrong += [f"{path.name}: roundtrip {word} {option}" for option in re.findall(r"(?<!\S)--[a-z-]+", rest)
                      if f" {option}" not in help_of[word].stdout]
    assert len(help_of) > 15 and not wrong, wrong
