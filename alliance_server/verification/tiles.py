"""The files that a log is served from, held against the leaves as they stream by."""

from collections.abc import Callable, Sequence
from pathlib import Path

from alliance.errors import NoteInvalid
from alliance.tlog.checkpoints import read_checkpoint
from alliance.tlog.growing import GrowingTree
from alliance.tlog.notes import NoteKey
from alliance.tlog.tiles import HEIGHT, WIDTH, Tile, hashes_in
from alliance_server.storage.log_files import CHECKPOINT, LogFiles
from alliance_server.storage.log_stream import LogStream
from alliance_server.verification.faults import Faults

KeyOf = Callable[[str], NoteKey]
"""Gives the key of a log by its origin; raises NoteInvalid where there is none."""


class TileCheck:
    """Compares a log's tiles, up to the signed size, with those that its leaves make; the first fault ends that."""

    def __init__(self, files: LogFiles, origin: str, size: int, faults: Faults) -> None:
        self._files = files
        self._origin = origin
        self._left = size
        self._faults = faults
        self._tree = GrowingTree()
        self._is_over = False

    def add(self, leaf_hashes: Sequence[bytes]) -> None:
        """Take more leaves; those that are not signed have no tiles yet."""
        taken = [] if self._is_over else leaf_hashes[: self._left]
        self._left -= len(taken)
        for tile, hashes in self._tree.add(taken):
            self._compare(tile, hashes)

    def finish(self) -> None:
        """Compare the tiles at the right edge."""
        for tile, hashes in self._tree.rest():
            self._compare(tile, hashes)

    def _compare(self, tile: Tile, hashes: list[bytes]) -> None:
        if self._is_over:
            return
        where = f"{self._origin}/{tile.path}"
        try:
            there = hashes_in(tile, self._read(tile))
        except (NoteInvalid, OSError):
            self._end(where, "the tile is missing, or has another length")
            return
        if there != hashes:
            at = next(place for place, pair in enumerate(zip(there, hashes, strict=True)) if pair[0] != pair[1])
            first = (tile.number * WIDTH + at) << (HEIGHT * tile.level)
            told = f"behind leaf {first:,}" if tile.level else f"leaf {first:,} is another one in the database"
            self._end(where, told)

    def _read(self, tile: Tile) -> bytes:
        try:
            return self._files.read(self._origin, tile)
        except FileNotFoundError:  # a hub that runs may just have put a wider one in its place
            return self._files.read(self._origin, tile)

    def _end(self, where: str, what: str) -> None:
        self._is_over = True
        self._faults.add(where, what)


def check_shown(folder: Path, key_of: KeyOf, stream: LogStream, faults: Faults) -> None:
    """Hold the checkpoints that files show against the trees of the database, those of logs that are not there too."""
    numbers = {log.origin: log.number for log in stream.logs()}
    for path in sorted(folder.glob(f"*/*/*/*/{CHECKPOINT}")):
        origin = str(path.parent.relative_to(folder))
        try:
            shown = read_checkpoint(path.read_bytes())
            shown.require_signed(key_of(origin))
        except (NoteInvalid, OSError):
            faults.add(f"{origin}/{CHECKPOINT}", "it is no checkpoint that the hub signed")
            continue
        # The file was read first: a tree is in the database before its checkpoint is shown.
        root = stream.root_of(numbers[origin], shown.size) if origin in numbers else None
        if shown.origin != origin or root != shown.root:
            faults.add(f"{origin}/{CHECKPOINT}", f"the database has no such tree of {shown.size:,} leaves")
    for origin, number in numbers.items():
        if stream.newest_signed(number) and not (folder / origin / CHECKPOINT).is_file():
            faults.add(f"{origin}/{CHECKPOINT}", "the file is missing")
