"""Searches files for identifiers: `python -m alliance_server.demo.search ORDER`, a process of its own.

Every pattern is indexed by its last 8 bytes as a number (first bytes are poor: all inputs of the OPRF begin alike).
Every offset of every file is held against the index: at each of the 8 alignments a chunk is read as a sequence of
numbers, which Python compares with a set at C's speed. What the index finds is then compared in full.

Files are read in chunks that overlap by more than the longest pattern, so nothing hides across an edge.
"""

import hashlib
import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from alliance_server.demo.patterns import MAX_BYTES, MIN_BYTES, patterns_of

CHUNK_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Order:
    """What one process searches for, and where."""

    texts: list[bytes]
    files: list[Path]

    def to_json(self) -> str:
        """Write it down for the process."""
        return json.dumps({"texts": [text.hex() for text in self.texts], "files": [str(file) for file in self.files]})

    @classmethod
    def from_json(cls, text: str) -> "Order":
        """Read it back."""
        content = json.loads(text)
        texts = [bytes.fromhex(item) for item in content["texts"]]
        return cls(texts, [Path(name) for name in content["files"]])


@dataclass(frozen=True, slots=True)
class Findings:
    """What a search found: for each file the fingerprints of the different patterns in it, never these themselves."""

    patterns: int
    bytes: int
    found: dict[str, list[str]]


def search(order: Order) -> Findings:
    """Search for all patterns of all texts in all files."""
    anchors: set[int] = set()
    patterns = 0
    for text in order.texts:
        for pattern in patterns_of(text):
            anchors.add(_anchor(pattern))
            patterns += 1
    suspects: dict[int, set[tuple[str, bytes]]] = {}
    size = 0
    for file in order.files:
        for chunk in _chunks(file):
            for anchor, before in _suspects(chunk, anchors):
                suspects.setdefault(anchor, set()).add((str(file), before))
        size += file.stat().st_size
    found: dict[str, list[str]] = {str(file): [] for file in order.files}
    for name, pattern in _confirmed(order.texts, suspects):
        found[name].append(fingerprint(pattern))
    return Findings(patterns, size, found)


def fingerprint(pattern: bytes) -> str:
    """Give a pattern's name in reports."""
    return hashlib.blake2b(pattern, digest_size=12).hexdigest()


def _anchor(pattern: bytes) -> int:
    return int.from_bytes(pattern[-MIN_BYTES:], sys.byteorder)


def _chunks(file: Path) -> Iterator[bytes]:
    """Give a file's content in overlapping chunks."""
    with file.open("rb") as content:
        tail = b""
        while part := content.read(CHUNK_BYTES):
            chunk = tail + part
            yield chunk
            tail = chunk[-MAX_BYTES:]


def _suspects(chunk: bytes, anchors: set[int]) -> Iterator[tuple[int, bytes]]:
    """Give each anchor in a chunk with the bytes up to its end."""
    view = memoryview(chunk)
    for phase in range(MIN_BYTES):
        end = phase + (len(chunk) - phase) // MIN_BYTES * MIN_BYTES
        words = view[phase:end].cast("Q")  # 8 bytes, as many as MIN_BYTES
        if anchors.isdisjoint(words):
            continue
        for place, word in enumerate(words):
            if word in anchors:
                stop = phase + (place + 1) * MIN_BYTES
                yield word, chunk[max(0, stop - MAX_BYTES) : stop]


def _confirmed(texts: Iterable[bytes], suspects: dict[int, set[tuple[str, bytes]]]) -> Iterator[tuple[str, bytes]]:
    """Compare in full what the index found; gives a file's name with each pattern that is in it."""
    if not suspects:
        return
    for text in texts:
        for pattern in patterns_of(text):
            if places := suspects.get(_anchor(pattern)):
                yield from ((name, pattern) for name in {name for name, before in places if before.endswith(pattern)})


def main() -> None:
    """Carry out an order; prints the findings as JSON."""
    findings = search(Order.from_json(Path(sys.argv[1]).read_text("ascii")))
    document = {"patterns": findings.patterns, "bytes": findings.bytes, "found": findings.found}
    sys.stdout.write(json.dumps(document) + "\n")


if __name__ == "__main__":
    main()
