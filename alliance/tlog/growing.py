"""The tiles of a tree whose leaves stream: memory is a tile a level, however large the tree is."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from alliance.crypto.merkle import Frontier, node_hash
from alliance.tlog.tiles import HEIGHT, WIDTH, Tile


class GrowingTree:
    """Takes the hashes of leaves in their order, and gives tiles and roots."""

    def __init__(self, size: int = 0, edge: Iterable[Sequence[bytes]] = ()) -> None:
        """Go on from a tree of a size, by the hashes of its tiles that are not full, lowest level first."""
        self.size = size
        self._levels: list[list[bytes]] = [list(hashes) for hashes in edge] or [[]]

    def copy(self) -> "GrowingTree":
        """Give a tree that goes on from the same leaves."""
        return GrowingTree(self.size, self._levels)

    def add(self, leaf_hashes: Sequence[bytes]) -> Iterator[tuple[Tile, list[bytes]]]:
        """Add leaves; gives each tile that they fill, with its hashes, lowest level first."""
        at = 0
        while at < len(leaf_hashes):
            taken = leaf_hashes[at : at + WIDTH - len(self._levels[0])]
            self._levels[0] += taken
            self.size += len(taken)
            at += len(taken)
            yield from self._filled()

    def rest(self) -> Iterator[tuple[Tile, list[bytes]]]:
        """Give the tiles at the right edge, which are not full, with their hashes."""
        for level, hashes in enumerate(self._levels):
            if hashes:
                yield Tile(level, (self.size >> (HEIGHT * level)) // WIDTH, len(hashes)), hashes

    @property
    def frontier(self) -> Frontier:
        """The right edge, as a plain tree has it."""
        edges = (Frontier().extended(hashes).nodes for hashes in reversed(self._levels))
        return Frontier(self.size, tuple(chain.from_iterable(edges)))

    def root(self) -> bytes:
        """Give the Merkle Tree Hash."""
        return self.frontier.root()

    def _filled(self) -> Iterator[tuple[Tile, list[bytes]]]:
        level = 0
        while len(hashes := self._levels[level]) == WIDTH:
            yield Tile(level, (self.size >> (HEIGHT * level)) // WIDTH - 1), hashes
            self._levels[level] = []
            if level + 1 == len(self._levels):
                self._levels.append([])
            self._levels[level + 1].append(_folded(hashes))
            level += 1


def _folded(hashes: Sequence[bytes]) -> bytes:
    while len(hashes) > 1:
        hashes = [node_hash(*pair) for pair in zip(hashes[::2], hashes[1::2], strict=True)]
    return hashes[0]
