"""A strict POSIX archive (ustar): each header and each padding byte follows from names and sizes alone.

Plain files only, in an order that their reader knows, of mode 0600, of nobody and of no time. Two blocks of zeros end
it, and nothing follows. Every tool that reads tar reads it; written is nothing that this module would not derive again.
"""

from collections.abc import Iterable, Iterator
from typing import BinaryIO, Final

BLOCK: Final = 512
CHUNK: Final = 1 << 20
END: Final = bytes(2 * BLOCK)
MAX_NAME_BYTES: Final = 100
MAX_FILE_BYTES: Final = 8**11 - 1
_MODE: Final = 0o600
FIELDS: Final = (
    ("name", 0, 100),
    ("mode", 100, 108),
    ("owner", 108, 124),
    ("size", 124, 136),
    ("time", 136, 148),
    ("checksum", 148, 156),
    ("type", 156, 157),
    ("link", 157, 257),
    ("format", 257, 265),
    ("owner's name", 265, 329),
    ("device", 329, 345),
    ("folder", 345, 500),
    ("rest", 500, BLOCK),
)


def header(name: str, size: int) -> bytes:
    """Give the header of a file, 512 bytes; raises ValueError where the name or the size does not fit."""
    encoded = name.encode("ascii")
    if not 0 < len(encoded) <= MAX_NAME_BYTES or not 0 <= size <= MAX_FILE_BYTES:
        raise ValueError("a file's name has 1 to 100 bytes, and its size 11 octal digits")
    blank = (
        encoded.ljust(100, b"\x00")
        + b"%07o\x00" % _MODE
        + b"%07o\x00" % 0 * 2
        + b"%011o\x00" % size
        + b"%011o\x00" % 0
        + b" " * 8
        + b"0"
        + bytes(100)
        + b"ustar\x0000"
        + bytes(64)
        + b"%07o\x00" % 0 * 2
        + bytes(155 + 12)
    )
    return blank[:148] + b"%06o\x00 " % sum(blank) + blank[156:]


def padding(size: int) -> int:
    """Give how many zeros follow a file of so many bytes."""
    return -size % BLOCK


def told(raw: bytes) -> tuple[str, int] | None:
    """Give the name and the size that a header tells; None where it is damaged, whatever it tells."""
    blank = raw[:148] + b" " * 8 + raw[156:]
    try:
        name, size = raw[:100].rstrip(b"\x00").decode("ascii"), int(raw[124:135], 8)
        checksum = int(raw[148:154], 8)
    except ValueError:
        return None
    if len(raw) != BLOCK or checksum != sum(blank) or not name.isprintable() or not name or size < 0:
        return None
    return name, size


def differing(raw: bytes, derived: bytes) -> list[str]:
    """Name the fields in which a header differs from the one that is derived."""
    return [name for name, begin, end in FIELDS if raw[begin:end] != derived[begin:end]]


def packed(files: Iterable[tuple[str, int, Iterable[bytes]]]) -> Iterator[bytes]:
    """Give an archive in chunks, of names, sizes and contents; raises ValueError where a content has another size."""
    for name, size, content in files:
        yield header(name, size)
        written = 0
        for chunk in content:
            written += len(chunk)
            yield chunk
        if written != size:
            raise ValueError("a file is of another size than was said")
        yield bytes(padding(size))
    yield END


def chunks(file: BinaryIO, size: int | None = None) -> Iterator[bytes]:
    """Read up to so many bytes (None: all there are) in chunks of a constant size."""
    left = size
    while left is None or left > 0:
        chunk = file.read(CHUNK if left is None else min(CHUNK, left))
        if not chunk:
            return
        left = None if left is None else left - len(chunk)
        yield chunk
