"""Changes to a state.db that the program itself would not make, with the checksums of its pages as they should be.

sqlite3 leaves the eight spare bytes at the end of each page as they were (lib/store_checked.h).
"""
import contextlib
import ctypes
import ctypes.util
import sqlite3
import struct


class Digest(ctypes.Structure):
    _fields_ = [("low", ctypes.c_uint64), ("high", ctypes.c_uint64)]


XXH3 = ctypes.CDLL(ctypes.util.find_library("xxhash") or "libxxhash.so.0").XXH3_128bits
XXH3.restype, XXH3.argtypes = Digest, [ctypes.c_char_p, ctypes.c_size_t]
SPARE, GOLDEN = 8, 0x9e3779b97f4a7c15


def seal(path):
    """Gives every page the checksum of what it holds now."""
    data = bytearray(path.read_bytes())
    size = struct.unpack(">H", data[16:18])[0]
    assert data[20] == SPARE, "the state has no checksums"
    for at in range(0, len(data), size):
        low = XXH3(bytes(data[at:at + size - SPARE]), size - SPARE).low
        data[at + size - SPARE:at + size] = struct.pack("<Q", low ^ ((at + 1) * GOLDEN & 2**64 - 1))
    path.write_bytes(data)


def change(path, *statements):
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        for sql in statements:
            db.execute(sql)
    seal(path)


def tables(db):
    """What a state tells, by name: its tables, but for the two that record is kept in."""
    names = [name for name, in db.execute("SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') ORDER BY name")]
    return [name for name in names if not name.startswith(("sqlite_", "record_"))]


def damage(data, rnd):
    """(what, bytes) with some of them wrong."""
    data, what = bytearray(data), rnd.choice(("a bit", "a bit", "bytes", "a sector of zeros", "a cut", "pages swapped"))
    pages = len(data) // 4096
    if what == "a bit":
        data[rnd.randrange(len(data))] ^= 1 << rnd.randrange(8)
    elif what == "bytes":
        for _ in range(rnd.randrange(2, 200)):
            data[rnd.randrange(len(data))] = rnd.randrange(256)
    elif what == "a sector of zeros":
        at = rnd.randrange(len(data) // 512) * 512
        data[at:at + 512] = bytes(512)
    elif what == "a cut":
        del data[rnd.randrange(len(data)):]
    else:
        a, b = (4096 * rnd.randrange(pages) for _ in range(2))
        data[a:a + 4096], data[b:b + 4096] = data[b:b + 4096], data[a:a + 4096]
    return what, bytes(data)
