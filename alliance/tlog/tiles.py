"""Tiles: the files that a log's tree is served from (https://c2sp.org/tlog-tiles).

A tile of level L holds up to 256 hashes of the tree's level 8 L: file `tile/L/NNN`, or `tile/L/NNN.p/W` while it
holds W of them; `NNN` is its number in groups of three digits, all but the last behind an `x`: `x001/x234/067`. Entries
lie in bundles of 256 beside them, each behind its length: `tile/entries/NNN`.

What is on the disk is believed by nobody: whoever reads tiles hashes them up to a root that somebody signed.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from alliance.crypto.merkle import HASH_BYTES, Node, Nodes, node_hash
from alliance.errors import NoteInvalid

WIDTH: Final = 256
HEIGHT: Final = 8
ENTRIES: Final = "entries"
_LENGTH_BYTES: Final = 2
_HELD: Final = 64
MAX_ENTRY_BYTES: Final = 2 ** (8 * _LENGTH_BYTES) - 1


@dataclass(frozen=True, slots=True)
class Tile:
    """A tile by its level, number, and how many hashes (or, of a bundle, entries) it holds."""

    level: int
    number: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """Where a hash tile lies."""
        return f"tile/{self.level}/{_numbered(self.number, self.width)}"

    @property
    def entries_path(self) -> str:
        """Where the bundle of entries beside a tile of level 0 lies."""
        return f"tile/{ENTRIES}/{_numbered(self.number, self.width)}"


def _numbered(number: int, width: int) -> str:
    groups = [f"{number % 1000:03d}"]
    while number := number // 1000:
        groups.append(f"x{number % 1000:03d}")
    return "/".join(reversed(groups)) + (f".p/{width}" if width < WIDTH else "")


def tiles_of(old: int, new: int) -> Iterator[Tile]:
    """Give the tiles that a tree of size `new` has and one of size `old` had not, lowest level first."""
    level = 0
    while new:
        first = old // WIDTH
        for number in range(first, -(-new // WIDTH)):
            width = min(WIDTH, new - number * WIDTH)
            if number > first or width > old - first * WIDTH:
                yield Tile(level, number, width)
        old, new, level = old >> HEIGHT, new >> HEIGHT, level + 1


ReadTile = Callable[[Tile], bytes]
"""Gives a hash tile's bytes; raises whatever reading raises."""


def hashes_in(tile: Tile, content: bytes) -> list[bytes]:
    """Give the hashes of a tile; raises NoteInvalid where it has another length."""
    if len(content) != tile.width * HASH_BYTES:
        raise NoteInvalid("a tile has another length than its name says")
    return [content[at : at + HASH_BYTES] for at in range(0, len(content), HASH_BYTES)]


def nodes_of(size: int, read: ReadTile) -> Nodes:
    """Give what reads nodes of a tree of a size out of its tiles; the tiles read last are held with all their nodes.

    A node that the tree does not hold whole raises ValueError.
    """
    held: dict[Tile, Levels] = {}

    def nodes(wanted: Sequence[Node]) -> list[bytes]:
        return [_node(node, size, read, held) for node in wanted]

    return nodes


Levels = list[list[bytes]]
"""The hashes of a tile, and of each level above them inside it."""


def _node(node: Node, size: int, read: ReadTile, held: dict[Tile, Levels]) -> bytes:
    level, index = node
    if level < 0 or index < 0 or (index + 1) << level > size:
        raise ValueError("a node lies beyond its tree")
    tile_level, within = divmod(level, HEIGHT)
    number = (index << within) // WIDTH
    tile = Tile(tile_level, number, min(WIDTH, (size >> (HEIGHT * tile_level)) - number * WIDTH))
    levels = held.pop(tile, None) or [hashes_in(tile, read(tile))]
    held[tile] = levels  # at the end: those at the front were used longest ago
    if len(held) > _HELD:
        del held[next(iter(held))]
    while len(levels) <= within:
        below = levels[-1]
        levels.append([node_hash(*pair) for pair in zip(below[::2], below[1::2], strict=False)])
    return levels[within][index - (number * WIDTH >> within)]


def packed_entries(entries: Iterable[bytes]) -> bytes:
    """Give a bundle of entries, each behind its length of two bytes; raises NoteInvalid where one is too long."""
    parts: list[bytes] = []
    for entry in entries:
        if len(entry) > MAX_ENTRY_BYTES:
            raise NoteInvalid("an entry is longer than a bundle can say")
        parts += [len(entry).to_bytes(_LENGTH_BYTES), entry]
    return b"".join(parts)


def unpacked_entries(content: bytes) -> list[bytes]:
    """Give the entries of a bundle; raises NoteInvalid where it does not end with one."""
    entries: list[bytes] = []
    at = 0
    while at < len(content):
        begin = at + _LENGTH_BYTES
        at = begin + int.from_bytes(content[at:begin])
        if begin > len(content) or at > len(content):
            raise NoteInvalid("a bundle of entries is cut off")
        entries.append(content[begin:at])
    return entries
