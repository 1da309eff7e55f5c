"""Reads a log's entries in their order, and holds them against its tiles and against roots that are vouched for.

Rules:

- An entry is hashed, and the tree over the hashes is what is compared with a root. The tiles of an export are a second
  witness: they say *where* something was changed, never that nothing was.
- Where entries and tiles differ, two trees grow, one over each: whichever has the root that is vouched for was left
  alone.
- Where both have another root, the smallest stretch between two roots, or below one hash of a tile, is the place.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from google.protobuf.message import DecodeError

from alliance.audit_events import LOG_BEGIN, SALT_BYTES, purpose_of
from alliance.crypto.merkle import leaf_hash
from alliance.errors import NoteInvalid
from alliance.tlog.growing import GrowingTree
from alliance.tlog.tiles import HEIGHT, WIDTH, Tile, hashes_in, unpacked_entries
from alliance.v1.audit_pb2 import AuditEvent
from alliance_audit.export import ExportedLog, ExportInvalid
from alliance_audit.report import LogReport

_MOST_DIFFERENCES: Final = 1000
"""So many are looked at; what comes later only counts for the root."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry: its log, its index, what its leaf is made of, and the event that it says."""

    log: str
    index: int
    salt: bytes
    content: bytes
    event: AuditEvent

    @property
    def purpose(self) -> str:
        """Word of the event's purpose; empty where it has none, and a number where this release knows none of it."""
        return purpose_of(self.event)


@dataclass(frozen=True, slots=True)
class Mark:
    """A root at a size, and who says so."""

    size: int
    root: bytes
    said_by: str


See = Callable[[Entry], None]


class Leaves:
    """One log's entries, read once."""

    def __init__(self, log: ExportedLog, marks: Sequence[Mark], report: LogReport, see: See) -> None:
        self._log = log
        self._marks = sorted((mark for mark in marks if mark.size), key=lambda mark: mark.size)
        self._report = report
        self._see = see
        self._entries = GrowingTree()
        self._told: GrowingTree | None = None
        """Over the hashes of the tiles of level 0, since these first differed from the entries'."""
        self._roots: dict[int, bytes] = {}
        self._told_roots: dict[int, bytes] = {}
        self._differing: list[tuple[int, bool]] = []
        """Indices at which entry and tile differ, and whether the tile's hash is another entry's of the same bundle."""
        self._differing_tiles: list[tuple[Tile, int]] = []
        """Hashes of higher tiles that are not what the entries hash to."""

    def read(self) -> None:
        """Read all entries; what is wrong goes into the report."""
        for number in range(-(-self._log.size // WIDTH)):
            tile = Tile(0, number, min(WIDTH, self._log.size - number * WIDTH))
            entries = self._bundle(tile)
            for at, content in enumerate(entries):
                self._look_at(number * WIDTH + at, content, tile)
            hashes = [leaf_hash(content) for content in entries]
            self._grow(tile, hashes, self._hashes(tile, hashes))
            if len(entries) < tile.width:
                break
        for tile, hashes in self._entries.rest():
            self._compare(tile, hashes)
        self._report.size, self._report.root = self._entries.size, self._entries.root()
        self._judge()

    def _bundle(self, tile: Tile) -> list[bytes]:
        try:
            entries = unpacked_entries(self._log.bundle(tile))
        except (ExportInvalid, NoteInvalid) as error:
            self._report.fault(tile.entries_path, str(error) if isinstance(error, NoteInvalid) else "is missing")
            return []
        if len(entries) > tile.width:
            self._report.fault(tile.entries_path, f"holds {len(entries)} entries and not {tile.width}")
        return entries[: tile.width]

    def _hashes(self, tile: Tile, otherwise: list[bytes]) -> list[bytes]:
        try:
            return hashes_in(tile, self._log.tile(tile))
        except ExportInvalid:
            self._report.fault(tile.path, "is missing")
        except NoteInvalid as error:
            self._report.fault(tile.path, str(error))
        return otherwise

    def _look_at(self, index: int, content: bytes, tile: Tile) -> None:
        entry = _read(self._report.log, index, content)
        if entry is None or (entry.event.action == LOG_BEGIN) != (index == 0):
            text = "is a log's first leaf" if index else "is not a log's first leaf"
            place = f"entry {index} ({tile.entries_path})"
            self._report.fault(place, text if entry else "is no salt with an event")
        if entry is not None:
            self._see(entry)

    def _grow(self, tile: Tile, hashes: list[bytes], told: list[bytes]) -> None:
        if hashes != told:
            self._note_differences(tile, hashes, told)
            if self._told is None:
                self._told = self._entries.copy()
        if self._told is not None:
            for _ in _up_to_marks(self._told, told, self._marks, self._told_roots):
                pass
        for filled, content in _up_to_marks(self._entries, hashes, self._marks, self._roots):
            if filled.level:
                self._compare(filled, content)

    def _note_differences(self, tile: Tile, hashes: list[bytes], told: list[bytes]) -> None:
        there = set(hashes)
        for at, hash_told in enumerate(told):
            if at >= len(hashes) or hashes[at] != hash_told:
                if len(self._differing) >= _MOST_DIFFERENCES:
                    return
                self._differing.append((tile.number * WIDTH + at, hash_told in there))

    def _compare(self, tile: Tile, hashes: list[bytes]) -> None:
        """Hold a tile above the lowest against what the entries hash to."""
        if not tile.level or len(self._differing_tiles) >= _MOST_DIFFERENCES:
            return
        for at, (ours, told) in enumerate(zip(hashes, self._hashes(tile, hashes), strict=True)):
            if ours != told:
                self._differing_tiles.append((tile, at))

    def _judge(self) -> None:
        reached = [mark for mark in self._marks if mark.size <= self._entries.size]
        for mark in self._marks[len(reached) :]:
            lost = f"entries {self._entries.size}…{mark.size - 1}"
            self._report.fault(lost, f"are cut off or missing: {mark.said_by} has {mark.size} entries")
        wrong = [mark for mark in reached if self._roots[mark.size] != mark.root]
        if len(reached) == len(self._marks) and not wrong:
            self._blame_tiles()
            return
        self._blame_entries()
        told_roots = self._roots | self._told_roots
        if any(told_roots[mark.size] != mark.root for mark in wrong):
            self._narrow(wrong[0], [mark.size for mark in reached if mark not in wrong])

    def _blame_tiles(self) -> None:
        """Say what differs where the entries have every root: it is the tiles' fault."""
        was_changed = "was changed: the entries are as they were, and hash to another"
        for index, _ in self._differing:
            self._report.fault(self._tile(index).path, f"hash {index % WIDTH} {was_changed}")
        for tile, at in self._differing_tiles:
            self._report.fault(tile.path, f"hash {at} {was_changed}")

    def _blame_entries(self) -> None:
        for first, elsewhere in _runs(self._differing):
            last = first + len(elsewhere) - 1
            path = self._tile(first).entries_path
            place = f"entry {first} ({path})" if first == last else f"entries {first}…{last} ({path})"
            if all(elsewhere):
                self._report.fault(place, "are out of order")
            elif any(elsewhere):
                self._report.fault(place, f"entry {first} was taken out, or put in: what follows is not in its place")
            else:
                self._report.fault(place, "is not what was logged: its hash is another than the tile's")

    def _tile(self, index: int) -> Tile:
        number = index // WIDTH
        return Tile(0, number, min(WIDTH, self._log.size - number * WIDTH))

    def _narrow(self, wrong: Mark, right: Sequence[int]) -> None:
        begin = max((size for size in right if size < wrong.size), default=0)
        self._report.fault(f"entries {begin}…{wrong.size - 1}", f"do not hash to the root that {wrong.said_by} has")
        if self._differing:
            return
        for tile, at in self._differing_tiles:
            if tile.level == 1:
                first = (tile.number * WIDTH + at) << HEIGHT
                self._report.fault(f"entries {first}…{first + WIDTH - 1}", f"do not hash to hash {at} of {tile.path}")


def _up_to_marks(
    tree: GrowingTree, hashes: Sequence[bytes], marks: Sequence[Mark], roots: dict[int, bytes]
) -> Iterator[tuple[Tile, list[bytes]]]:
    """Add leaves, and note the root at each mark's size on the way; gives the tiles that are filled."""
    first, end = tree.size, tree.size + len(hashes)
    marked = {mark.size for mark in marks if first < mark.size <= end}
    for stop in sorted(marked | {end}):
        yield from tree.add(hashes[tree.size - first : stop - first])
        if stop in marked:
            roots[stop] = tree.root()


def _runs(differing: Sequence[tuple[int, bool]]) -> Iterator[tuple[int, list[bool]]]:
    """Give runs of indices that follow each other: the first one, and what is said of each."""
    begin, said = 0, list[bool]()
    for index, is_elsewhere in differing:
        if said and index != begin + len(said):
            yield begin, said
            said = []
        begin = begin if said else index
        said = [*said, is_elsewhere]
    if said:
        yield begin, said


def entries_at(log: ExportedLog, indices: Iterable[int]) -> Iterator[Entry]:
    """Give single entries as they lie there, unverified, those that there are; raises ExportInvalid or NoteInvalid."""
    for index in sorted(indices):
        if index >= log.size:
            return
        number = index // WIDTH
        entries = unpacked_entries(log.bundle(Tile(0, number, min(WIDTH, log.size - number * WIDTH))))
        if index % WIDTH < len(entries) and (entry := _read(str(log.name), index, entries[index % WIDTH])) is not None:
            yield entry


def _read(log: str, index: int, content: bytes) -> Entry | None:
    """Read an entry; None where it is no salt with an event."""
    try:
        event = AuditEvent.FromString(content[SALT_BYTES:])
    except DecodeError:
        return None
    return Entry(log, index, content[:SALT_BYTES], content[SALT_BYTES:], event) if len(content) > SALT_BYTES else None
