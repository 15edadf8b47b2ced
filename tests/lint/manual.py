#!/usr/bin/env python3
"""The manual against the program, both ways: commands, options, exit statuses, settings, columns; and mandoc's own check."""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else __file__).resolve()
ROOT = ROOT if ROOT.is_dir() else ROOT.parents[2]
MAN = ROOT / "man"
faults = []


def difference(what, here, there, left, right):
    """Names on one side only."""
    for name in sorted(set(here) - set(there)):
        faults.append(f"{what}: {name} is in {left}, not in {right}")
    for name in sorted(set(there) - set(here)):
        faults.append(f"{what}: {name} is in {right}, not in {left}")


def section(page, title):
    """The lines of one .Sh section."""
    found = re.search(rf"^\.Sh {title}\n(.*?)(?=^\.Sh |\Z)", page, re.M | re.S)
    return found[1] if found else ""


def commands():
    """Names and sources of rt_commands, in its order."""
    main = (ROOT / "cmd/main.c").read_text()
    table = re.search(r"rt_commands\[\]\s*=\s*\{(.*?)NULL", main, re.S)
    return re.findall(r"rt_cmd_(\w+)", table[1])


def option_table(name):
    text = (ROOT / f"cmd/cmd_{name}.c").read_text()
    table = re.search(r"struct rt_option options\[\]\s*=\s*\{(.*?)\n\};", text, re.S)
    return re.findall(r'\{\s*"([\w-]+)"', table[1]) if table else []


def flags(text):
    return re.findall(r"\bFl -([a-z][\w-]*)", text)


def global_options():
    text = (ROOT / "cmd/opt.c").read_text()
    table = re.search(r"global_options\[\]\s*=\s*\{(.*?)\n\};", text, re.S)
    return re.findall(r'\{\s*"([\w-]+)"', table[1])


def statuses():
    text = re.search(r"enum rt_code \{(.*?)\}", (ROOT / "lib/err.h").read_text(), re.S)[1]
    return {int(n) for n in re.findall(r"RT_\w+ = (\d+)", text)}


def page_statuses(page):
    return [int(n) for n in re.findall(r"^\.It (?:Li |Cm )?(\d+)", section(page, "EXIT STATUS"), re.M)]


def check_command(name, known, shared):
    path = MAN / f"roundtrip-{name}.1"
    if not path.exists():
        return faults.append(f"{name}: there is no {path.name}")
    page = path.read_text()
    described = [f for line in re.findall(r"^\.It (.*)$", section(page, "OPTIONS"), re.M) for f in flags(line)]
    table = option_table(name)
    difference(path.name, described, table, "OPTIONS", f"the option table of cmd_{name}.c")
    synopsis = flags(section(page, "SYNOPSIS"))
    difference(path.name, synopsis, table, "SYNOPSIS", f"the option table of cmd_{name}.c")
    source = (ROOT / f"cmd/cmd_{name}.c").read_text()
    words = re.search(r"\.synopsis =\s*((?:\"[^\"]*\"\s*)+)", source)
    difference(f"cmd_{name}.c", re.findall(r"--([a-z][\w-]*)", words[1]) if words else [], table, ".synopsis", "its options")
    for flag in set(flags(page)) - set(table) - set(shared):
        faults.append(f"{path.name}: --{flag} is no option of {name}")
    found = page_statuses(page)
    if not found or 0 not in found:
        faults.append(f"{path.name}: EXIT STATUS does not tell 0")
    for status in found:
        if status not in known:
            faults.append(f"{path.name}: {status} is no exit status of the program")
    if 75 not in found and re.search(r"RT_NEEDS_(STATE|SCRATCH|LOCK|CHANGE)", source):
        faults.append(f"{path.name}: EXIT STATUS does not tell 75, with which it ends while others use what it needs")
    if not re.search(rf"\broundtrip (\S+ )*?{name}\b", section(page, "EXAMPLES")):
        faults.append(f"{path.name}: EXAMPLES shows no roundtrip {name}")
    if f'.name = "{name}"' not in source:
        faults.append(f"cmd_{name}.c: the command is not called {name}")
    return None


def check_main_page(names, known, shared):
    page = (MAN / "roundtrip.1").read_text()
    listed = re.findall(r"Xr roundtrip-(\w+) 1", section(page, "COMMANDS"))
    difference("roundtrip.1", listed, names, "COMMANDS", "rt_commands")
    described = [f for line in re.findall(r"^\.It (.*)$", section(page, "OPTIONS"), re.M) for f in flags(line)]
    difference("roundtrip.1", described, shared + ["version"], "OPTIONS", "global_options of opt.c")
    difference("roundtrip.1", map(str, page_statuses(page)), map(str, known), "EXIT STATUS", "lib/err.h")


def config_keys(macro):
    text = (ROOT / "lib/config_table.c").read_text()
    table = re.search(rf"#define {macro}\(KEY\)(.*?)(?<!\\)\n", text, re.S)
    return re.findall(r'KEY\("(\w+)"', table[1])


def check_settings():
    page = (MAN / "roundtrip.ini.5").read_text()
    for macro, title in (("PROFILE_KEYS", "PROFILE"), ("SIDE_KEYS", "EXTERNAL AND NATIVE"), ("POLICY_KEYS", "POLICY")):
        described = re.findall(r"^\.It Ic (\w+)", section(page, title), re.M)
        difference(f"roundtrip.ini.5, {title}", described, config_keys(macro), "the page", macro)


def check_columns():
    """Columns, roles and types of schema.csv; the words are lists in the schema modules."""
    page = (MAN / "roundtrip-schema.5").read_text()
    source = "".join(p.read_text() for p in sorted((ROOT / "lib").glob("schema*.c")))
    for title, macro in (("COLUMNS", "Ic"), ("ROLES", "Cm"), ("TYPES", "Cm")):
        rows = re.findall(rf"^\.It {macro} (.*)$", section(page, title), re.M)
        words = [w for row in rows for w in re.findall(r"\w+", row.replace(f" , {macro} ", " ")) if w != macro]
        if not words:
            faults.append(f"roundtrip-schema.5: {title} describes nothing")
        for word in words:
            if f'"{word}"' not in source:
                faults.append(f"roundtrip-schema.5, {title}: lib/schema*.c does not know {word}")


def check_tables(page):
    """groff wraps the last cell of a row where it should only if that column has no width of its own."""
    for widths, rows in re.findall(r"^\.Bl -column ([^\n]*)\n(.*?)^\.El", page.read_text(), re.M | re.S):
        if len(re.findall(r'"[^"]*"|\S+', widths)) != rows.splitlines()[0].count(" Ta "):
            faults.append(f"{page.name}: .Bl -column {widths}: a width for each column but the last")


def check_pages(names):
    pages = sorted(MAN.glob("*.[1-9]"))
    for page in pages:
        check_tables(page)
        found = re.fullmatch(r"roundtrip-(\w+)\.1", page.name)
        if found and found[1] not in names:
            faults.append(f"{page.name}: there is no command {found[1]}")
        for name, number in re.findall(r"^\.(?:It )?Xr (roundtrip[\w.-]*) (\d)", page.read_text(), re.M):
            if not (MAN / f"{name}.{number}").exists():
                faults.append(f"{page.name}: refers to {name}({number}), which does not exist")
    done = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", *map(str, pages)], capture_output=True, text=True)
    faults.extend(done.stdout.replace(str(MAN) + "/", "").splitlines())
    return len(pages)


def main():
    names, known, shared = commands(), statuses(), global_options()
    for name in names:
        check_command(name, known, shared)
    check_main_page(names, known, shared)
    check_settings()
    check_columns()
    pages = check_pages(names)
    print("\n".join(faults))
    print(f"{pages} pages, {len(names)} commands, {len(faults)} faults")
    return 1 if faults or not pages or not names else 0


sys.exit(main())
