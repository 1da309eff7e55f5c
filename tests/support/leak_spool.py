"""What the suite's programs wrote, gathered in a file that is searched once.

The same text, and the same block of a file, is kept once: databases of many hubs are alike for the most part. A block
is kept with the bytes after it that a pattern may reach into, so that nothing hides across its edge.
"""

import threading
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from alliance_server.demo.patterns import MAX_BYTES
from support import leak_scan

LOG, OUTPUT, ERROR, REPR, FILE = PLACES = ("log", "output", "error", "repr", "file")
PLANTED = "planted"

_BLOCK = 4096
_READ = 1024 * _BLOCK
_BETWEEN = b"\0\n\0"


@dataclass(frozen=True)
class Piece:
    """Something that was written: its sort of place, and the test or the file that it belongs to."""

    place: str
    where: str


@dataclass(frozen=True)
class Hit:
    """A pattern that was found: in what, and of which text. Never printed, for the text is an identifier."""

    piece: Piece
    text: bytes
    is_plain: bool


class Spool:
    """Everything that is to be searched."""

    def __init__(self, path: Path) -> None:
        self.sizes: Counter[str] = Counter()
        self.size = 0
        """Bytes that are searched."""
        self._path = path
        self._file: BinaryIO = path.open("wb")
        self._starts: list[int] = []
        self._pieces: list[Piece] = []
        self._seen: set[int] = set()
        self._lock = threading.RLock()

    def add(self, piece: Piece, content: bytes) -> None:
        """Take a text, once."""
        with self._lock:
            if content and self._is_new(content):
                self._write(piece, content)
            self.sizes[piece.place] += len(content)

    def add_file(self, piece: Piece, path: Path) -> None:
        """Take the blocks of a file that were in no other; one that is gone or is no file is passed over."""
        try:
            with path.open("rb") as file, self._lock:
                for run in self._new_runs(file, piece.place):
                    self._write(piece, run)
        except OSError:
            return

    def _new_runs(self, file: BinaryIO, place: str) -> Iterator[bytes]:
        """Give runs of new blocks, each with what follows it."""
        content = file.read(_READ)
        while content:
            following = file.read(_READ)
            self.sizes[place] += len(content)
            reach = content + following[:MAX_BYTES]
            run, overhang = bytearray(), 0
            for start in range(0, len(content), _BLOCK):
                block = reach[start : start + _BLOCK + MAX_BYTES]
                if self._is_new(block):
                    del run[len(run) - overhang :]
                    run += block
                    overhang = len(block) - min(_BLOCK, len(content) - start)
                elif run:
                    yield bytes(run)
                    run, overhang = bytearray(), 0
            if run:
                yield bytes(run)
            content = following

    def _is_new(self, content: bytes) -> bool:
        known = hash(content)
        if known in self._seen:
            return False
        self._seen.add(known)
        return True

    def _write(self, piece: Piece, content: bytes) -> None:
        self._starts.append(self.size)
        self._pieces.append(piece)
        self.size += self._file.write(content + _BETWEEN)

    @property
    def is_closed(self) -> bool:
        return self._file.closed

    def close(self) -> None:
        """Let nothing more be added."""
        self._file.close()

    def hits(self, texts: Iterable[bytes]) -> list[Hit]:
        """Search for every pattern of every text; after `close`."""
        hits = {
            Hit(self._pieces[bisect_right(self._starts, place) - 1], text, pattern == text)
            for place, pattern, text in leak_scan.found(texts, self._path)
        }
        return sorted(hits, key=lambda hit: (hit.piece.place, hit.piece.where))
