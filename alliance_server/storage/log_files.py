"""The logs as files: tiles and the newest checkpoint, as any web server may serve them (https://c2sp.org/tlog-tiles).

Rules:

1. Files follow from the database, and are made anew from it where they are missing or wrong: nobody believes them.
2. A tile is on the disk before the checkpoint that needs it. A tile that is full takes the place of its parts.
3. Processes of one hub share the folder; only the one that holds the sealer's lease writes.
"""

import shutil
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Final

from alliance.crypto.merkle import HASH_BYTES, Frontier
from alliance.errors import NoteInvalid
from alliance.keyring.store import write_atomically
from alliance.tlog.checkpoints import read_checkpoint
from alliance.tlog.growing import GrowingTree
from alliance.tlog.tiles import HEIGHT, WIDTH, Tile, hashes_in, tiles_of

CHECKPOINT: Final = "checkpoint"
_MODE: Final = 0o644
_PARTS: Final = ".p"


class LogFiles:
    """A folder of logs."""

    def __init__(self, folder: Path) -> None:
        """Use a folder; it is made where it is missing."""
        self._folder = folder

    def extend(self, origin: str, frontier: Frontier, leaf_hashes: Sequence[bytes]) -> None:
        """Add leaves to the tiles of a tree; raises NoteInvalid where the tiles are not that tree's, or OSError."""
        tree = self._tree(origin, frontier)
        fresh = set(tiles_of(frontier.size, frontier.size + len(leaf_hashes)))
        for tile, hashes in chain(tree.add(leaf_hashes), tree.rest()):
            if tile in fresh:  # higher ones at the edge are often as they were
                self._write(origin, tile, hashes)

    def publish(self, origin: str, size: int, note: bytes) -> None:
        """Show a checkpoint, unless it is shown already, or a larger one."""
        path = self._folder / origin / CHECKPOINT
        try:
            if read_checkpoint(path.read_bytes()).size >= size:
                return
        except (FileNotFoundError, NoteInvalid):
            pass
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, note, mode=_MODE)

    def read(self, origin: str, tile: Tile) -> bytes:
        """Read a tile's bytes, out of a wider one where it is gone; raises FileNotFoundError or NoteInvalid."""
        folder = self._folder / origin
        exact = folder / tile.path
        if exact.is_file():
            return exact.read_bytes()
        wider = [folder / Tile(tile.level, tile.number).path]
        if exact.parent.name.endswith(_PARTS):
            wider += [part for part in exact.parent.glob("[0-9]*") if int(part.name) > tile.width]
        for path in wider:
            if path.is_file():
                return path.read_bytes()[: tile.width * HASH_BYTES]
        raise FileNotFoundError(f"a tile of {origin} is missing")

    def has(self, origin: str, frontier: Frontier) -> bool:
        """Say whether the tiles at the right edge of a tree are there, and are its own."""
        try:
            self._tree(origin, frontier)
        except (NoteInvalid, FileNotFoundError):
            return False
        return True

    def forget(self, origin: str) -> None:
        """Remove a log's tiles, to make them anew."""
        shutil.rmtree(self._folder / origin / "tile", ignore_errors=True)

    def _tree(self, origin: str, frontier: Frontier) -> GrowingTree:
        """Read the tiles that are not full; raises NoteInvalid or FileNotFoundError where they are not this tree's."""
        edge: list[list[bytes]] = []
        size = frontier.size
        while size:
            tile = Tile(len(edge), size // WIDTH, size % WIDTH)
            edge.append(hashes_in(tile, self.read(origin, tile)) if tile.width else [])
            size >>= HEIGHT
        tree = GrowingTree(frontier.size, edge)
        if tree.frontier != frontier:
            raise NoteInvalid("the tiles are not those of the tree")
        return tree

    def _write(self, origin: str, tile: Tile, hashes: list[bytes]) -> None:
        path = self._folder / origin / tile.path
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, b"".join(hashes), mode=_MODE)
        if tile.width == WIDTH:
            shutil.rmtree(path.with_name(path.name + _PARTS), ignore_errors=True)
