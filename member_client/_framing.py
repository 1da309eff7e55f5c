"""Length-prefixed frames of local records: u32 big-endian length ‖ bytes, so that no two lists read alike."""

from collections.abc import Iterable

_LENGTH_BYTES = 4


def pack(*parts: bytes) -> bytes:
    """Join byte strings so that `unpack` gives them back."""
    return b"".join(len(part).to_bytes(_LENGTH_BYTES, "big") + part for part in parts)


def pack_text(parts: Iterable[str]) -> bytes:
    """Join texts, UTF-8."""
    return pack(*(part.encode() for part in parts))


def unpack(framed: bytes) -> list[bytes]:
    """Split what `pack` joined; raises ValueError where it is not whole."""
    parts: list[bytes] = []
    place = 0
    while place < len(framed):
        end = place + _LENGTH_BYTES
        length = int.from_bytes(framed[place:end], "big")
        place = end + length
        if place > len(framed) or end > len(framed):
            raise ValueError("a frame is cut short")
        parts.append(framed[end:place])
    return parts
