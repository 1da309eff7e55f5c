"""What the demo tries on every stage, whatever was claimed: a hub that cheats, a search for leaks, an audit."""

import json
import os
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from alliance_server.demo.hub import FLIPPED_BIT, OTHER_KEY
from alliance_server.demo.lender import Lender, refusal
from alliance_server.demo.patterns import patterns_of, texts_of
from alliance_server.demo.people import Written
from alliance_server.demo.processes import DemoFailed, demand
from alliance_server.demo.search import CHUNK_BYTES, Order, fingerprint
from alliance_server.demo.stage import Stage

_SEARCH = "alliance_server.demo.search"
_MAX_SEARCHERS = 4
_SECONDS = 120.0
_SEARCH_SECONDS = 1800.0
_WORDS = {"ProofRejected": "proof", "FilterTampered": "signature"}


@dataclass(frozen=True, slots=True)
class Refusals:
    """How lenders ended who met a hub that cheats: a word where they refused for the right reason."""

    other_key: str
    flipped_bit: str

    @property
    def good(self) -> bool:
        """Whether both cheats were refused, each for its own reason."""
        return (self.other_key, self.flipped_bit) == ("refused (proof)", "refused (signature)")


def meet_cheats(stage: Stage, asking: Lender, question: Written, syncing: Lender) -> Refusals:
    """Let one lender ask a hub that evaluates under another key, and one download a filter with one bit flipped."""
    with stage.serving(OTHER_KEY):
        asked = asking.check(question.field, question.typed).wait(_SECONDS)
    syncing.lose_filter()
    with stage.serving(FLIPPED_BIT):
        synced = syncing.sync().wait(_SECONDS)
    return Refusals(_outcome(refusal(asked), asked.code), _outcome(refusal(synced), synced.code))


def _outcome(error: str, code: int) -> str:
    if error:
        return f"refused ({_WORDS.get(error, error)})"
    return f"NOT REFUSED (exit code {code})"


@dataclass(frozen=True, slots=True)
class Leaks:
    """What a search found; `places` are files with the number of patterns in each."""

    patterns: int
    bytes: int
    files: int
    planted: int
    places: dict[str, int]

    @property
    def found(self) -> int:
        """How many patterns were found that nobody planted."""
        return sum(self.places.values())


def search_hub(stage: Stage, written: Iterable[Written], planted: Written) -> Leaks:
    """Search whatever the hub has and received for all that was written.

    One identifier is planted in a file of its own, in all its forms and across a chunk's edge; a search that does
    not find each of these has shown nothing and raises DemoFailed.
    """
    files = stage.hub_files()
    bed = stage.processes.folder / "planted.bin"
    expected = _plant(bed, planted)
    findings = _search(stage, texts_of(written), [*files, bed])
    if not expected <= set(findings["found"].pop(str(bed))):
        raise DemoFailed("the search does not find what was planted, so what it does not find means nothing")
    places = {str(Path(name).name): len(found) for name, found in findings["found"].items() if found}
    size = findings["bytes"] - bed.stat().st_size
    return Leaks(findings["patterns"], size, len(files), len(expected), places)


def _plant(bed: Path, planted: Written) -> set[str]:
    """Write all patterns of an identifier between random bytes; returns their fingerprints."""
    patterns = {pattern for text in texts_of([planted]) for pattern in patterns_of(text)}
    content = os.urandom(CHUNK_BYTES - MIN_BEFORE_EDGE)
    for pattern in sorted(patterns):
        content += pattern + os.urandom(1 + secrets.randbelow(16))
    bed.write_bytes(content)
    return {fingerprint(pattern) for pattern in patterns}


MIN_BEFORE_EDGE = 64
"""The first patterns start this many bytes before the edge of a chunk, so that one lies across it."""


def _search(stage: Stage, texts: list[bytes], files: list[Path]) -> dict[str, object]:
    """Share the texts among processes that each search all files; returns their findings as one."""
    raise NotImplementedError
