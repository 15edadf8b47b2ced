"""An SFTP server that does what it should not, over SSH as it should be.

    with Hostile(files={"a.csv": File(b"...")}) as server:
        server.settings("sftp") ...

It serves one folder to whoever comes with a key.  A test says what goes wrong: `stall` names a message that is never
answered, `refuse` maps messages to status codes, `pace` is the time that each READ takes, `on_read`, `on_open` and
`on_close` change what a file holds, or what is there.  `seen` counts messages, `written` holds what was uploaded and not
renamed or removed.
"""
import base64
import hashlib
import itertools
import logging
import socket
import struct
import threading

import paramiko

logging.getLogger("paramiko").setLevel(logging.CRITICAL)  # who looks at the key alone, or goes away early, is no news

KINDS = {1: "INIT", 3: "OPEN", 4: "CLOSE", 5: "READ", 6: "WRITE", 7: "LSTAT", 8: "FSTAT", 9: "SETSTAT", 10: "FSETSTAT",
         11: "OPENDIR", 12: "READDIR", 13: "REMOVE", 14: "MKDIR", 15: "RMDIR", 16: "REALPATH", 17: "STAT", 18: "RENAME",
         19: "READLINK", 200: "EXTENDED"}
OK, EOF, NO_SUCH_FILE, DENIED, FAILURE, BAD_MESSAGE, UNSUPPORTED = 0, 1, 2, 3, 4, 5, 8
KEY = paramiko.ECDSAKey.generate()
PIN = "SHA256:" + base64.b64encode(hashlib.sha256(KEY.asbytes()).digest()).decode().rstrip("=")
FOLDERS = (b"exports", b"imports", b".", b"/", b"/home")
BATCH = 500  # names in one reply


class File:
    """What a listing and a stat say of it need not be what it holds."""

    def __init__(self, data, size=None, mtime=1790000000, fsize=None):
        self.data, self.size, self.mtime = data, len(data) if size is None else size, mtime
        self.fsize = self.size if fsize is None else fsize  # as the open handle tells it; -1: not at all


def string(data):
    return struct.pack(">I", len(data)) + data


def attributes(size, mtime, mode=0o100644):
    if size < 0:
        return struct.pack(">II", 4, mode)
    if mtime is None:
        return struct.pack(">IQI", 1 | 4, size, mode)
    return struct.pack(">IQIII", 1 | 4 | 8, size, mode, mtime, mtime)


class Gate(paramiko.ServerInterface):
    def get_allowed_auths(self, username):
        return "publickey"

    def check_auth_publickey(self, username, key):
        return paramiko.AUTH_SUCCESSFUL

    def check_channel_request(self, kind, chanid):
        return paramiko.OPEN_SUCCEEDED


class Talk(paramiko.SubsystemHandler):
    """One session: a packet in, a packet out."""

    def __init__(self, channel, name, gate, hostile):
        super().__init__(channel, name, gate)
        self.channel, self.hostile, self.handles, self.numbers = channel, hostile, {}, itertools.count(1)

    def start_subsystem(self, name, transport, channel):
        try:
            while self.answer(*self.read_packet()):
                pass
        except (EOFError, OSError):
            pass

    def read(self, size):
        data = b""
        while len(data) < size:
            more = self.channel.recv(size - len(data))
            if not more:
                raise EOFError
            data += more
        return data

    def read_packet(self):
        body = self.read(struct.unpack(">I", self.read(4))[0])
        return KINDS.get(body[0], str(body[0])), body[1:]

    def send(self, kind, body):
        self.channel.sendall(struct.pack(">IB", len(body) + 1, kind) + body)
        return True

    def status(self, number, code):
        return self.send(101, number + struct.pack(">I", code) + string(b"as the server says it") + string(b""))

    def answer(self, kind, body):
        hostile = self.hostile
        hostile.seen[kind] = hostile.seen.get(kind, 0) + 1
        if kind == hostile.stall:
            hostile.over.wait(60)
            return False
        if kind == "INIT":
            return self.send(2, struct.pack(">I", 3))
        if kind in hostile.refuse:
            return self.status(body[:4], hostile.refuse[kind])
        method = getattr(self, "do_" + kind.lower(), None)
        return method(body[:4], body[4:]) if method else self.status(body[:4], UNSUPPORTED)

    @staticmethod
    def cut(body):
        """The first string, and what is behind it."""
        size = struct.unpack(">I", body[:4])[0]
        return body[4:4 + size], body[4 + size:]

    def cut_path(self, body):
        """A path without the home folder, which openssh puts before it."""
        path, rest = self.cut(body)
        return path.removeprefix(b"/home/"), rest

    def handle(self, number, what):
        name = b"h%d" % next(self.numbers)
        self.handles[name] = what
        return self.send(102, number + string(name))

    def do_realpath(self, number, body):
        path = self.cut(body)[0]
        path = b"/home" if path == b"." else path if path.startswith(b"/") else b"/home/" + path
        return self.send(104, number + struct.pack(">I", 1) + string(path) + string(path) + attributes(0, 0, 0o40755))

    def do_opendir(self, number, body):
        path = self.cut_path(body)[0]
        uploads = [(k.rsplit(b"/", 1)[-1], f) for k, f in self.hostile.written.items()]
        return self.handle(number, iter(uploads if path.endswith(b"imports") else self.hostile.entries()))

    def do_readdir(self, number, body):
        batch = list(itertools.islice(self.handles[self.cut(body)[0]], BATCH))
        if not batch:
            return self.status(number, EOF)
        names = b"".join(string(name) + string(b"-rw-r--r-- " + name) + attributes(file.size, file.mtime) for name, file in batch)
        return self.send(104, number + struct.pack(">I", len(batch)) + names)

    def do_stat(self, number, body):
        path = self.cut_path(body)[0]
        if path.rsplit(b"/", 1)[-1] in FOLDERS:
            return self.send(105, number + attributes(4096, 1790000000, 0o40755))
        file = self.hostile.find(path)
        return self.send(105, number + attributes(file.size, file.mtime)) if file else self.status(number, NO_SUCH_FILE)

    do_lstat = do_stat

    def do_fstat(self, number, body):
        file = self.handles[self.cut(body)[0]]
        return self.send(105, number + attributes(file.fsize, file.mtime))

    def do_open(self, number, body):
        path, rest = self.cut_path(body)
        if struct.unpack(">I", rest[:4])[0] & 2:
            file = self.hostile.written[path] = File(b"")
        else:
            file = self.hostile.find(path)
        if file is None:
            return self.status(number, NO_SUCH_FILE)
        self.hostile.on_open(file)
        return self.handle(number, file)

    def do_read(self, number, body):
        name, rest = self.cut(body)
        at, size = struct.unpack(">QI", rest)
        if self.hostile.pace:
            self.hostile.over.wait(self.hostile.pace)
        data = self.hostile.on_read(self.handles[name], at, size)
        return self.send(103, number + string(data)) if data else self.status(number, EOF)

    def do_write(self, number, body):
        name, rest = self.cut(body)
        at, data = struct.unpack(">Q", rest[:8])[0], self.cut(rest[8:])[0]
        file = self.handles[name]
        file.data = file.data[:at].ljust(at, b"\0") + data + file.data[at + len(data):]
        file.size = file.fsize = self.hostile.size_written(len(file.data))
        return self.status(number, OK)

    def do_close(self, number, body):
        self.handles.pop(self.cut(body)[0], None)
        self.hostile.on_close()
        return self.status(number, OK)

    def do_rename(self, number, body):
        old, rest = self.cut_path(body)
        self.hostile.written[self.cut_path(rest)[0]] = self.hostile.written.pop(old)
        return self.status(number, OK)

    def do_remove(self, number, body):
        gone = self.hostile.written.pop(self.cut_path(body)[0], None)
        return self.status(number, OK if gone else NO_SUCH_FILE)

    def do_setstat(self, number, body):
        return self.status(number, OK)

    do_fsetstat = do_setstat


class Hostile:
    def __init__(self, files=None, stall=None, refuse=None, pace=0):
        self.files = {name if isinstance(name, bytes) else name.encode(): file for name, file in (files or {}).items()}
        self.stall, self.refuse, self.pace = stall, refuse or {}, pace
        self.seen, self.written, self.over = {}, {}, threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.transports = []

    # -- what a test may replace -------------------------------------------------------------------------------
    def entries(self):
        return self.files.items()

    def on_open(self, file):
        pass

    def on_close(self):
        pass

    def on_read(self, file, at, size):
        return file.data[at:at + min(size, 32768)]

    def size_written(self, size):
        return size

    # -- the rest ----------------------------------------------------------------------------------------------
    def find(self, path):
        return self.written.get(path) or self.files.get(path.rsplit(b"/", 1)[-1])

    def settings(self, transport, key, **more):
        return {"transport": transport, "host": "127.0.0.1", "port": str(self.port), "user": "pat", "identity": str(key),
                "host_key": PIN, "exports": "exports", "imports": "imports", "timeout": "10s", "retries": "0", "settle": "0s",
                **more}

    def __enter__(self):
        threading.Thread(target=self.accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for transport in self.transports:
            transport.close()

    def accept(self):
        while True:
            try:
                end, _ = self.listener.accept()
            except OSError:
                return
            transport = paramiko.Transport(end)
            transport.add_server_key(KEY)
            transport.set_subsystem_handler("sftp", Talk, self)
            self.transports.append(transport)
            try:
                transport.start_server(server=Gate())
            except (paramiko.SSHException, EOFError, OSError):
                continue  # whoever came went away again
