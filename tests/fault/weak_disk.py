"""What a power cut may leave of a folder: a model of a file system that promises no more than it must.

`record` runs a command under strace and gives its calls that change files.  `Disk` plays them: each file has bytes that
were synced and changes that were not, each folder has names that were synced and changes that were not.  At any point of
the play, `states` gives trees that a cut there may leave: what was not synced may be lost in bulk or in part, a write may
be torn, a file may have grown by zeros.  What is modelled: fsync of a file keeps its bytes but not its name, fsync of a
folder its names but not their bytes; a rename is lost or kept as a whole, as in every journal of a file system, and kept
once either folder was synced.
"""
import os
import pathlib
import random
import re
import shutil
import subprocess

CALLS = ("openat", "creat", "write", "pwrite64", "lseek", "ftruncate", "fsync", "fdatasync", "rename", "renameat", "renameat2",
         "link", "linkat", "unlink", "unlinkat", "rmdir", "mkdir", "mkdirat", "close", "dup", "dup2", "fcntl", "utimensat", "read",
         "pwritev", "writev", "fallocate", "copy_file_range", "sendfile", "sync", "syncfs", "sync_file_range", "symlink", "chdir")
UNKNOWN = ("pwritev", "writev", "fallocate", "copy_file_range", "sendfile", "sync", "syncfs", "sync_file_range", "symlink", "chdir",
           "linkat", "renameat", "creat")
LINE = re.compile(r"(?:\d+\s+)?(\w+)\((.*)\)\s+= (-?\d+)")
SECTOR = 512


class Call:
    def __init__(self, name, args, result):
        self.name, self.args, self.result = name, args, result

    def __repr__(self):
        return f"{self.name}({', '.join(a if len(a) < 60 else a[:60] + '…' for a in map(str, self.args))}) = {self.result}"


def text_of(arg):
    """A string as strace -xx shows it."""
    assert arg.startswith('"') and arg.endswith('"'), f"cut short: {arg[:40]}"
    return bytes.fromhex(arg[1:-1].replace("\\x", ""))


def split(args):
    """At the commas that are not within braces or brackets; strings are hexadecimal and hold none."""
    out, depth, start = [], 0, 0
    for i, c in enumerate(args):
        depth += (c in "{[") - (c in "}]")
        if c == "," and depth == 0:
            out.append(args[start:i].strip())
            start = i + 1
    return out + [args[start:].strip()]


def record(command, cwd, env):
    """The calls of a command, in order."""
    file = pathlib.Path(cwd).parent.parent / "calls"
    done = subprocess.run(["strace", "-f", "-qq", "-xx", "-s", "100000000", "-e", "signal=none", "-e", "trace=" + ",".join(CALLS),
                           "-o", str(file), *command], cwd=cwd, env=env, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    calls = []
    for line in file.read_text().splitlines():
        found = LINE.match(line)
        assert found or "exited" in line or "= ?" in line, line[:200]
        if found and int(found[3]) >= 0:
            calls.append(Call(found[1], split(found[2]), int(found[3])))
    file.unlink()
    return done, calls


class File:
    def __init__(self, data=b"", mtime=None):
        self.data, self.mtime, self.pending = data, mtime, []

    def now(self, changes=None):
        """Its bytes with these changes, or with all."""
        data = bytearray(self.data)
        for at, new in self.pending if changes is None else changes:
            if new is None:
                del data[at:]
                data.extend(bytes(at - len(data)))
            else:
                data.extend(bytes(max(0, at - len(data))))
                data[at:at + len(new)] = new
        return bytes(data)

    def sync(self):
        self.data, self.pending = self.now(), []


class Folder:
    pass


class Handle:
    def __init__(self, node, path, append):
        self.node, self.path, self.append, self.at = node, path, append, 0


class Change:
    """Of names: {path: node, or None where it goes}, in the folders that they are in."""

    def __init__(self, names):
        self.names = names
        self.folders = {os.path.dirname(path) for path in names}


class Disk:
    def __init__(self, root, cwd, fresh=""):
        """`fresh`: files below a folder of that name were copied there a moment ago, and not synced."""
        self.root, self.cwd = str(root), str(cwd)
        self.names = {self.root: Folder()}              # as the program sees them
        for f in pathlib.Path(root).rglob("*"):
            self.names[str(f)] = Folder() if f.is_dir() else File(f.read_bytes(), f.stat().st_mtime_ns)
        self.kept = dict(self.names)                    # as they are synced
        self.pending = []
        for path in [p for p, n in self.names.items() if fresh and f"/{fresh}/" in p and isinstance(n, File)]:
            file = self.kept.pop(path)
            file.pending.append((0, file.data))
            file.data = b""
            self.change({path: file})
        self.handles = {}
        self.last = None                                # the newest write that was not synced: (file, index)

    # -- names -------------------------------------------------------------------------------------------------------
    def path(self, arg, folder="AT_FDCWD"):
        base = self.cwd if folder == "AT_FDCWD" else self.handles[int(folder)].path
        path = os.path.normpath(os.path.join(base, os.fsdecode(text_of(arg))))
        return path if path == self.root or path.startswith(self.root + "/") else None

    def change(self, names):
        self.names.update(names)
        self.names = {p: n for p, n in self.names.items() if n is not None}
        self.pending.append(Change(names))
        return True

    def sync_folder(self, path):
        keep = [c for c in self.pending if path in c.folders]
        for c in keep:
            self.kept.update(c.names)
        self.kept = {p: n for p, n in self.kept.items() if n is not None}
        self.pending = [c for c in self.pending if c not in keep]

    # -- calls -------------------------------------------------------------------------------------------------------
    def play(self, call):
        """True if something changed, or was synced."""
        assert call.name not in UNKNOWN, f"{call}: not modelled"
        act = getattr(self, "do_" + call.name, None)
        return bool(act and act(call.args, call.result))

    def do_openat(self, args, fd):
        path = self.path(args[1], args[0])
        if path is None:
            return False
        changed = path not in self.names
        if changed:
            assert "O_CREAT" in args[2], args
            self.change({path: File()})
        node = self.names[path]
        self.handles[fd] = Handle(node, path, "O_APPEND" in args[2])
        if "O_TRUNC" in args[2] and isinstance(node, File):
            node.pending.append((0, None))
            changed = True
        return changed

    def do_dup(self, args, fd):
        if int(args[0]) in self.handles:
            self.handles[fd] = self.handles[int(args[0])]

    def do_fcntl(self, args, fd):
        if args[1].startswith("F_DUPFD"):
            self.do_dup(args, fd)

    def do_close(self, args, _):
        self.handles.pop(int(args[0]), None)

    def do_lseek(self, args, at):
        if int(args[0]) in self.handles:
            self.handles[int(args[0])].at = at

    def do_read(self, args, count):
        if int(args[0]) in self.handles:
            self.handles[int(args[0])].at += count

    def write(self, handle, at, data):
        handle.node.pending.append((at, data))
        self.last = handle.node
        return True

    def do_write(self, args, count):
        handle = self.handles.get(int(args[0]))
        if handle is None:
            return False
        if handle.append:
            handle.at = len(handle.node.now())
        at, handle.at = handle.at, handle.at + count
        return self.write(handle, at, text_of(args[1])[:count])

    def do_pwrite64(self, args, count):
        handle = self.handles.get(int(args[0]))
        return handle is not None and self.write(handle, int(args[3]), text_of(args[1])[:count])

    def do_ftruncate(self, args, _):
        handle = self.handles.get(int(args[0]))
        if handle is None:
            return False
        handle.node.pending.append((int(args[1]), None))
        return True

    def do_utimensat(self, args, _):
        found = re.findall(r"tv_sec=(\d+)", args[2])
        if args[0].isdigit() and int(args[0]) in self.handles and found:
            self.handles[int(args[0])].node.mtime = int(found[-1]) * 10**9

    def do_fsync(self, args, _):
        handle = self.handles.get(int(args[0]))
        if handle is None:
            return False
        if isinstance(handle.node, File):
            handle.node.sync()
        else:
            self.sync_folder(handle.path)
        return True

    do_fdatasync = do_fsync

    def rename(self, old, new):
        return old is not None and self.change({new: self.names[old], old: None})

    def do_rename(self, args, _):
        return self.rename(self.path(args[0]), self.path(args[1]))

    def do_renameat2(self, args, _):
        return self.rename(self.path(args[1], args[0]), self.path(args[3], args[2]))

    def do_link(self, args, _):
        return self.change({self.path(args[1]): self.names[self.path(args[0])]})

    def do_unlink(self, args, _, folder="AT_FDCWD"):
        path = self.path(args[0], folder)
        return path is not None and self.change({path: None})

    def do_unlinkat(self, args, _):
        return self.do_unlink(args[1:], 0, args[0])

    do_rmdir = do_unlink

    def do_mkdir(self, args, _, folder="AT_FDCWD"):
        path = self.path(args[0], folder)
        return path is not None and self.change({path: Folder()})

    def do_mkdirat(self, args, _):
        return self.do_mkdir(args[1:], 0, args[0])

    # -- what may be left --------------------------------------------------------------------------------------------
    def tree(self, has_change, bytes_of):
        names = dict(self.kept)
        for c in self.pending:
            if has_change(c):
                names.update(c.names)
        names = {p: n for p, n in names.items() if n is not None}
        is_there = {self.root: True}
        for path in sorted(names):
            is_there[path] = path == self.root or (is_there.get(os.path.dirname(path), False))
        return {p: (None if isinstance(n, Folder) else (bytes_of(n), n.mtime)) for p, n in sorted(names.items())
                if is_there[p] and p != self.root}

    def torn(self, size):
        """All is kept but the end of the last write."""
        def bytes_of(f):
            if f is not self.last or not f.pending or f.pending[-1][1] is None:
                return f.now()
            at, new = f.pending[-1]
            return f.now(f.pending[:-1] + [(at, new[:size])])
        return bytes_of

    def states(self, seed):
        """(what, tree) for a cut at this point."""
        every, none = (lambda c: True), (lambda c: False)
        yield "nothing is lost", self.tree(every, File.now)
        yield "data lost", self.tree(every, lambda f: f.data)
        yield "names lost", self.tree(none, File.now)
        yield "data and names lost", self.tree(none, lambda f: f.data)
        yield "zeros for data", self.tree(every, lambda f: f.now([(at, new and bytes(len(new))) for at, new in f.pending]))
        if self.last and self.last.pending and self.last.pending[-1][1]:
            size = len(self.last.pending[-1][1])
            for cut in sorted({size // 2, *range(SECTOR, size, max(SECTOR, size // 3 // SECTOR * SECTOR))}):
                yield f"torn after {cut} bytes", self.tree(every, self.torn(cut))
        rnd = random.Random(seed)
        for n in range(2):
            kept = {c for c in self.pending if rnd.random() < .5}
            chosen = {}

            def some(f):
                if id(f) not in chosen:
                    chosen[id(f)] = f.now([change for change in f.pending if rnd.random() < .5])
                return chosen[id(f)]
            yield f"some lost, seed {seed}/{n}", self.tree(kept.__contains__, some)


def materialise(tree, root):
    shutil.rmtree(root, ignore_errors=True)
    os.mkdir(root, 0o700)
    for path, what in tree.items():
        if what is None:
            os.mkdir(path, 0o700)
            continue
        with open(path, "wb") as f:
            f.write(what[0])
        os.chmod(path, 0o600)
        if what[1] is not None:
            os.utime(path, ns=(what[1], what[1]))
