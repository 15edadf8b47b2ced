"""The Debian package: built, looked through, installed into a root of its own, used, and removed again.

The root has nothing but what dpkg needs; the libraries are those of the machine.  tests/package/fresh.sh does the same in a
whole fresh Debian.
"""
import gzip
import os
import pathlib
import re
import shutil
import subprocess
import tarfile

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


def sh(*args, **more):
    done = subprocess.run([str(a) for a in args], capture_output=True, text=True, timeout=1500, **more)
    assert done.returncode == 0, f"{args}: {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    if os.environ.get("ROUNDTRIP_PACKAGE"):                     # one that was built before
        return pathlib.Path(os.environ["ROUNDTRIP_PACKAGE"])
    folder = tmp_path_factory.mktemp("package")
    return pathlib.Path(sh(ROOT / "tests/package/build.sh", folder).strip())


@pytest.fixture(scope="module")
def unpacked(package, tmp_path_factory):
    folder = tmp_path_factory.mktemp("unpacked")
    sh("dpkg-deb", "-x", package, folder)
    return folder


def fields(package):
    return dict(re.findall(r"^([A-Z][\w-]+): (.*)", sh("dpkg-deb", "-f", package), re.M))


def text_of(path):
    return gzip.decompress(path.read_bytes()).decode()


# -- what is in it ---------------------------------------------------------------------------------------------------
def test_everything_is_in_its_place(unpacked):
    found = {str(f.relative_to(unpacked)) for f in unpacked.rglob("*") if not f.is_dir()}
    doc, units = "usr/share/doc/roundtrip", "usr/lib/systemd/system"
    expected = {"usr/bin/roundtrip", f"{doc}/README.md.gz", f"{doc}/changelog.gz", f"{doc}/changelog.Debian.gz", f"{doc}/copyright",
                "usr/share/bash-completion/completions/roundtrip", "usr/share/zsh/vendor-completions/_roundtrip",
                "usr/share/fish/vendor_completions.d/roundtrip.fish"}
    expected |= {f"usr/share/man/man{p.suffix[1:]}/{p.name}.gz" for p in (ROOT / "man").glob("*.[1-9]")}
    expected |= {f"{doc}/{p.relative_to(ROOT)}" for p in (ROOT / "examples").rglob("*") if p.is_file()}
    expected |= {f"{units}/{p.name}" for p in (ROOT / "examples").glob("*@.*")}
    expected |= {f"{doc}/examples/{p.relative_to(ROOT / 'fixtures')}" for p in (ROOT / "fixtures/native").rglob("*") if p.is_file()}
    assert {f.removesuffix(".gz") for f in found} == {f.removesuffix(".gz") for f in expected}
    assert len([f for f in found if "/man1/" in f]) > 20


def test_owners_and_permissions(package):
    """All root's; programs and scripts can be run, nothing else, and nobody else can write."""
    with tarfile.open(fileobj=subprocess.Popen(["dpkg-deb", "--fsys-tarfile", package], stdout=subprocess.PIPE).stdout, mode="r|") as tar:
        for member in tar:
            is_run = member.isdir() or member.name.endswith(("/bin/roundtrip", ".sh"))
            assert member.mode == (0o755 if is_run else 0o644), member.name
            assert (member.uname, member.gname) == ("root", "root")


def test_dependencies(package, unpacked):
    """Each library that the program is linked with is of a package that it depends on, and the other way round; and time zones come."""
    told = {re.sub(r" .*", "", d.strip()) for d in fields(package)["Depends"].split(",")}
    needed = re.findall(r"NEEDED +(\S+)", sh("objdump", "-p", unpacked / "usr/bin/roundtrip"))
    owners = set()
    for library in needed:
        path = pathlib.Path(re.search(rf"{re.escape(library)} => (\S+)", sh("ldd", unpacked / "usr/bin/roundtrip"))[1])
        listed = subprocess.run(["dpkg", "-S", path], capture_output=True, text=True).stdout or \
            sh("dpkg", "-S", str(path).removeprefix("/usr") if str(path).startswith("/usr/") else f"/usr{path}")
        owners.add(listed.split(":")[0])
    assert told == owners | {"tzdata"} and len(needed) >= 8


def test_versions_agree(package, unpacked):
    version = re.search(r"project\(roundtrip VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text())[1]
    assert fields(package)["Version"].rpartition("-")[0] == version
    first, libraries = sh(unpacked / "usr/bin/roundtrip", "--version").splitlines()
    assert first == f"roundtrip {version}"
    for name, dev in (("libcsv", "libcsv-dev"), ("libssh2", "libssh2-1-dev"), ("sqlite", "libsqlite3-dev"), ("xxhash", "libxxhash-dev"),
                      ("zlib", "zlib1g-dev"), ("jansson", "libjansson-dev"), ("inih", "libinih-dev")):
        installed = sh("dpkg-query", "-W", "-f", "${Version}", dev)
        told = re.search(rf"{name} r?([\d.]+)", libraries)[1]
        assert re.match(rf"(\d+:)?{re.escape(told)}\b", installed), (name, told, installed)


def test_paths_in_units_and_examples(unpacked):
    units = list((unpacked / "usr/lib/systemd/system").iterdir())
    assert len(units) == 4
    for unit in units:
        for program in re.findall(r"^ExecStart=(\S+)", unit.read_text(), re.M):
            assert program == "/usr/bin/roundtrip"
    for file in unpacked.rglob("usr/share/doc/roundtrip/examples/*"):
        assert file.is_dir() or not re.search("@CMAKE|/usr/local/bin/roundtrip", file.read_text())


def test_changelogs_and_licence(unpacked):
    doc = unpacked / "usr/share/doc/roundtrip"
    assert text_of(doc / "changelog.gz") == (ROOT / "CHANGELOG.md").read_text()
    sh("dpkg-parsechangelog", "-l", ROOT / "debian/changelog")
    licence = (ROOT / "LICENSE").read_text().split("\n\n", 2)[2]
    assert " ".join(licence.split()) in " ".join(t for t in (doc / "copyright").read_text().split() if t != ".")


def test_nothing_runs_at_install(package):
    """No scripts of the package's own: nothing to go wrong, nothing turned on."""
    listing = subprocess.run(f"dpkg-deb --ctrl-tarfile {package} | tar t", shell=True, capture_output=True, text=True).stdout.split()
    assert sorted(listing) == ["./", "./control", "./md5sums"]


# -- installed, used, removed ----------------------------------------------------------------------------------------
@pytest.fixture
def target(tmp_path):
    """A root that dpkg can work in, and what was there before."""
    folder = tmp_path / "root"
    for name in ("var/lib/dpkg/info", "var/lib/dpkg/updates", "var/lib/dpkg/triggers", "usr/share/man", "usr/lib"):
        (folder / name).mkdir(parents=True)
    for name in ("status", "available"):
        (folder / "var/lib/dpkg" / name).touch()
    return folder


def dpkg(target, *args):
    return sh("dpkg", f"--root={target}", "--force-depends", "--force-not-root", "--force-script-chrootless", "--log=/dev/null", *args,
              env=dict(os.environ, PATH=f"/usr/sbin:/sbin:{os.environ['PATH']}"))


def tree(folder):
    return sorted(str(f.relative_to(folder)) for f in folder.rglob("*") if "var/lib/dpkg" not in str(f))


def test_installed_used_removed(package, target):
    before = tree(target)
    dpkg(target, "--install", package)
    assert len(tree(target)) > len(before) + 50
    assert "ok installed" in sh("dpkg-query", f"--admindir={target}/var/lib/dpkg", "-W", "-f", "${Status}", "roundtrip")
    program = target / "usr/bin/roundtrip"
    env = dict(os.environ, ROUNDTRIP=str(program))
    env.pop("ROUNDTRIP_NOW", None)
    told = sh(ROOT / "fixtures/demo.sh", "directory", env=env)
    assert "Done: the round trip works as the vendor describes it." in told
    page = sh("man", "-l", target / "usr/share/man/man1/roundtrip-report.1.gz", env=dict(os.environ, MANPAGER="cat", PAGER="cat")) \
        if shutil.which("man") else sh("mandoc", target / "usr/share/man/man1/roundtrip-report.1.gz")
    assert "a page with numbers and charts" in page
    dpkg(target, "--purge", "roundtrip")
    assert set(tree(target)) <= set(before), "nothing is left but folders that were there"


def test_completion_where_it_is_installed(unpacked):
    """bash finds it by the name of the command, as bash-completion looks for it."""
    folder = unpacked / "usr/share/bash-completion/completions"
    script = f"source {folder}/roundtrip; COMP_WORDS=({unpacked}/usr/bin/roundtrip withd); COMP_CWORD=1; _roundtrip; echo ${{COMPREPLY[*]}}"
    assert sh("bash", "--norc", "-c", script) == "withdraw\n"
