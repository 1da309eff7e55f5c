"""The search for leaks as the demo runs it: on several processes, and only after it has proved that it finds."""

import os
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from alliance_server.demo.patterns import patterns_of, texts_of
from alliance_server.demo.people import Written
from alliance_server.demo.processes import demand
from alliance_server.demo.search import CHUNK_BYTES, Order, fingerprint
from alliance_server.demo.stage import Stage

_SEARCH = "alliance_server.demo.search"
_MAX_SEARCHERS = 4
_SECONDS = 1800.0
_BEFORE_EDGE = 64


@dataclass(frozen=True, slots=True)
class Leaks:
    """What a search found; `places` are names of files with the number of patterns in each."""

    patterns: int
    bytes: int
    captured: int
    """Bytes of requests among them."""
    files: int
    planted: int
    planted_found: int
    places: dict[str, int]

    @property
    def found(self) -> int:
        """How many patterns were found that nobody planted."""
        return sum(self.places.values())


def search_hub(stage: Stage, written: Iterable[Written], planted: Written) -> Leaks:
    """Search whatever the hub has and received for all that was written.

    One of the identifiers is planted in a file of its own, in all its forms, around a chunk's edge: a search that
    does not find every one of these shows nothing by finding nothing.
    """
    files = stage.hub_files()
    bed = stage.folder / "planted.bin"
    expected = _plant(bed, planted)
    patterns, found = _search(stage, texts_of(written), [*files, bed])
    planted_found = len(expected & found.pop(bed))
    places = {str(path.relative_to(stage.folder)): len(names) for path, names in found.items() if names}
    size = sum(path.stat().st_size for path in files)
    captured = sum(path.stat().st_size for path in stage.captures())
    return Leaks(patterns, size, captured, len(files), len(expected), planted_found, places)


def _plant(bed: Path, planted: Written) -> set[str]:
    """Write all patterns of an identifier between random bytes; returns their fingerprints."""
    patterns = sorted({pattern for text in texts_of([planted]) for pattern in patterns_of(text)})
    content = os.urandom(CHUNK_BYTES - _BEFORE_EDGE)
    for pattern in patterns:
        content += pattern + os.urandom(1 + secrets.randbelow(16))
    bed.write_bytes(content)
    return {fingerprint(pattern) for pattern in patterns}


def _search(stage: Stage, texts: list[bytes], files: list[Path]) -> tuple[int, dict[Path, set[str]]]:
    """Share the texts among processes that search all files each; returns their findings as one."""
    searchers = max(1, min(_MAX_SEARCHERS, os.cpu_count() or 1))
    children = []
    for number in range(searchers):
        order = stage.folder / f"search-{number}.json"
        order.write_text(Order(texts[number::searchers], files).to_json(), "ascii")
        children.append(stage.processes.start(f"search {number}", _SEARCH, order, typed=""))
    patterns, found = 0, {file: set[str]() for file in files}
    for child in children:
        findings = demand("search", child.wait(_SECONDS)).document()
        patterns += findings["patterns"]
        for name, fingerprints in findings["found"].items():
            found[Path(name)].update(fingerprints)
    return patterns, found
