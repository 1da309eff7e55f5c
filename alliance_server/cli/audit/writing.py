"""Writes one log of an export: bundles of entries and hash tiles, in pages, and goes on where it was cut off.

Rules:

1. Entries are written as they lie in the database, whatever they are: an export repairs nothing.
2. Hash tiles are those that the sealer wrote when it sealed. Where one is gone it is made of the leaf hashes that lie
   beside the events. So an event that was changed afterwards stands beside the hash that it had.
3. How far it is stands in a file that is written every so many bundles, and what is behind that is written anew.
"""

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from sqlalchemy.engine import Engine

from alliance.audit_events import SALT_BYTES
from alliance.crypto.merkle import HASH_BYTES
from alliance.errors import NoteInvalid
from alliance.tlog.growing import GrowingTree
from alliance.tlog.tiles import WIDTH, Tile, hashes_in, packed_entries, unpacked_entries
from alliance_server.storage import log_exports
from alliance_server.storage.log_exports import SealedLog
from alliance_server.storage.log_files import LogFiles

_PROGRESS: Final = "progress.json"
_NOTE_EVERY: Final = 64
"""Bundles between two notes of how far it is."""

Leaf = tuple[int, bytes, bytes]
"""Row, entry, and the leaf hash that is kept beside it."""


@dataclass(frozen=True, slots=True)
class _Reached:
    """Entries that are written, all in full bundles, and the row of the last one."""

    entries: int = 0
    row: int = 0


class LogWriter:
    """Writes a log into a folder."""

    def __init__(self, engine: Engine, files: LogFiles, sealed: SealedLog, folder: Path) -> None:
        self._engine = engine
        self._files = files
        self._sealed = sealed
        self._folder = folder
        self._tree = GrowingTree()

    def write(self, on_entries: Callable[[int], None]) -> int:
        """Write what is not written yet; returns the entries in all, fewer than its size where events are missing."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        reached = self._resumed()
        held: list[Leaf] = []
        for leaf in self._leaves(reached):
            held.append(leaf)
            if len(held) == WIDTH:
                self._write_bundle(held)
                if self._tree.size // WIDTH % _NOTE_EVERY == 0:
                    self._note(_Reached(self._tree.size, held[-1][0]))
                held = []
                on_entries(self._tree.size)
        if held:
            self._write_bundle(held)
        for tile, hashes in self._tree.rest():
            self._write_tile(tile, hashes)
        on_entries(self._tree.size)
        (self._folder / _PROGRESS).unlink(missing_ok=True)
        return self._tree.size

    def _leaves(self, reached: _Reached) -> Iterator[Leaf]:
        log = self._sealed.log
        if not reached.entries:
            yield log.after_row, log.salt + log.event, log.first_leaf
        left, row = self._sealed.size - max(reached.entries, 1), reached.row or log.after_row
        while left > 0:
            with self._engine.connect() as connection, connection.begin():
                page = log_exports.records(connection, row, self._sealed.last_row)[:left]
            if not page:
                return
            yield from ((it.row, it.salt + it.event, it.leaf_hash) for it in page)
            left, row = left - len(page), page[-1].row

    def _write_bundle(self, leaves: list[Leaf]) -> None:
        number = self._tree.size // WIDTH
        tile = Tile(0, number, min(WIDTH, self._sealed.size - number * WIDTH))
        put(self._folder / tile.entries_path, packed_entries(entry for _, entry, _ in leaves))
        for filled, hashes in self._tree.add([leaf_hash for _, _, leaf_hash in leaves]):
            self._write_tile(filled, hashes)

    def _write_tile(self, tile: Tile, hashes: list[bytes]) -> None:
        # A tile at the edge is as wide as the tree makes it, also where events are missing behind it.
        width = min(WIDTH, (self._sealed.size >> (8 * tile.level)) - tile.number * WIDTH)
        wanted = Tile(tile.level, tile.number, width)
        put(self._folder / wanted.path, self._kept(wanted) or b"".join(hashes))

    def _kept(self, tile: Tile) -> bytes:
        """Give a tile as the sealer wrote it; empty where it is gone."""
        try:
            content = self._files.read(self._sealed.log.origin, tile)
            return content if len(content) == tile.width * HASH_BYTES else b""
        except (OSError, NoteInvalid):
            return b""

    def _note(self, reached: _Reached) -> None:
        path = self._folder / _PROGRESS
        scratch = path.with_suffix(".new")
        put(scratch, json.dumps(asdict(reached)).encode())
        scratch.replace(path)

    def _resumed(self) -> _Reached:
        """Say how far an earlier run came, and take its tree up; from the beginning where files of it are gone."""
        try:
            reached = _Reached(**json.loads((self._folder / _PROGRESS).read_bytes()))
            for number in range(reached.entries // WIDTH):
                tile = Tile(0, number)
                _require_whole(self._folder / tile.entries_path)
                for _ in self._tree.add(hashes_in(tile, (self._folder / tile.path).read_bytes())):
                    pass
        except (OSError, ValueError, TypeError, NoteInvalid):
            self._tree = GrowingTree()
            return _Reached()
        return reached


def _require_whole(path: Path) -> None:
    """Raise OSError or NoteInvalid unless a bundle is one: a machine that went down may have left less."""
    entries = unpacked_entries(path.read_bytes())
    if len(entries) != WIDTH or not all(len(entry) > SALT_BYTES for entry in entries):
        raise NoteInvalid("a bundle of entries is not whole")


def put(path: Path, content: bytes) -> None:
    """Write a file that its owner alone reads."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
