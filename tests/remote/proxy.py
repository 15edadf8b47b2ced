"""A TCP proxy on a loopback port that makes a link long, cuts it, or lets it stall.

    with Proxy(port, delay=0.02) as proxy:  # seconds, each way
        connect to proxy.port

With `limit`, a connection breaks after so many bytes, counted in both directions together; with `stalls` it only goes
silent, until release().  `limit` may be changed while it runs; `passed` counts the bytes of the last connection.  As a
program, `proxy.py PORT DELAY` prints its port and serves until its standard input ends.
"""
import collections
import queue
import socket
import sys
import threading
import time

BLOCK = 1 << 18


class Proxy:
    def __init__(self, port, delay=0.0, limit=None, stalls=False):
        self.target, self.delay, self.limit, self.stalls = port, delay, limit, stalls
        self.passed = 0
        self.flows = threading.Event()
        self.flows.set()
        self.sockets = collections.deque(maxlen=64)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]

    def __enter__(self):
        threading.Thread(target=self.accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.flows.set()
        self.cut()

    def cut(self):
        for end in self.sockets:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
                far = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                return
            self.passed = 0
            for end in (near, far):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self.sockets.append(end)
            for a, b in ((near, far), (far, near)):
                line = queue.SimpleQueue()
                threading.Thread(target=self.read, args=(a, line), daemon=True).start()
                threading.Thread(target=self.write, args=(line, b), daemon=True).start()

    def release(self):
        self.limit = None
        self.flows.set()

    def read(self, source, line):
        data = b"."
        while data:
            try:
                data = source.recv(BLOCK)
            except OSError:
                data = b""
            if self.limit is not None and self.passed + len(data) > self.limit:
                if self.stalls:
                    self.flows.clear()
                else:
                    line.put((time.monotonic() + self.delay, data[:self.limit - self.passed]))
                    data = b""
            self.passed += len(data)
            self.flows.wait()
            line.put((time.monotonic() + self.delay, data))

    def write(self, line, target):
        while True:
            due, data = line.get()
            wait = due - time.monotonic()
            if wait > 0:
                time.sleep(wait)
            try:
                if not data:  # the other end has closed, or the link is cut
                    target.shutdown(socket.SHUT_RDWR)
                    return
                target.sendall(data)
            except OSError:
                return


if __name__ == "__main__":
    with Proxy(int(sys.argv[1]), float(sys.argv[2])) as program:
        print(program.port, flush=True)
        sys.stdin.read()
