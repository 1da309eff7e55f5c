"""Length-prefixed frames of local records: u32 big-endian length ‖ bytes, so that no two lists read alike."""

import struct
from collections.abc import Iterable

_LENGTH = struct.Struct(">I")


def pack(*parts: bytes) -> bytes:
    """Join byte strings so that `unpack` gives them back."""
    length = _LENGTH.pack
    return b"".join([length(len(part)) + part for part in parts])


def pack_text(parts: Iterable[str]) -> bytes:
    """Join texts, UTF-8."""
    return pack(*(part.encode() for part in parts))


def unpack(framed: bytes) -> list[bytes]:
    """Split what `pack` joined; raises ValueError where it is not whole."""
    parts: list[bytes] = []
    place = 0
    while place < len(framed):
        end = place + _LENGTH.size
        length = int.from_bytes(framed[place:end], "big")
        place = end + length
        if place > len(framed) or end > len(framed):
            raise ValueError("a frame is cut short")
        parts.append(framed[end:place])
    return parts
