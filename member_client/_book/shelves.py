"""Where a book is kept: a sealed store of its own beside the others, `book.sqlite3`.

Rules:

1. A change is one transaction with the head's row, and counts only if the head is still what it was made from: of two
   processes that change the book at once, one begins again. What was found out and the events about it are one change.
2. Segments are read by column: tags are for every look, label keys for hits, whose they are for what matched.
3. A book that is damaged is not rebuilt in silence, as the store beside it is: nobody would be watched.
"""

import os
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Final

from alliance.crypto.secret import Secret
from member_client._book.model import (
    TAG_BYTES,
    Facts,
    Head,
    Known,
    Matches,
    Place,
    matches_from_bytes,
    matches_to_bytes,
)
from member_client._framing import pack, unpack
from member_client._store import Shelf, Store
from member_client.errors import BookDamaged
from member_client.watch_events import WatchEvent

BOOK_FILE: Final = "book.sqlite3"
_HEAD: Final = b"head"
_BOOK_ID_BYTES: Final = 8
_DIGEST_BYTES: Final = 16
_PLACE: Final = struct.Struct(">II")
_TRIES: Final = 100


class Moved(Exception):
    """Somebody else changed what a change was made from: look again."""


@dataclass(slots=True, repr=False)
class Change:
    """What is written with a head, in one transaction."""

    head: Head
    puts: list[tuple[Shelf, bytes, bytes, int | None]] = field(default_factory=list)
    removes: list[tuple[Shelf, bytes]] = field(default_factory=list)

    def facts(self, segment: int, facts: Facts | None) -> None:
        """Write whose a segment's entries are, or remove it."""
        self._put(Shelf.BOOK, b"facts/%d" % segment, facts.to_bytes() if facts else None)

    def tags(self, epoch: int, segment: int, tags: bytes | None, label_keys: bytes | None) -> None:
        """Write a segment's tags and label keys of an epoch, or remove them."""
        self._put(Shelf.BOOK, b"tags/%d/%d" % (epoch, segment), tags)
        self._put(Shelf.BOOK, b"keys/%d/%d" % (epoch, segment), label_keys)

    def ref(self, ref: str, places: "Sequence[Spot]") -> None:
        """Write where the identifiers of a ref are; nowhere removes it."""
        self._put(Shelf.BOOK_REFS, _ref_name(ref), pack(*map(Spot.to_bytes, places)) if places else None)

    def matches(self, place: Place, known: tuple[Known, ...]) -> None:
        """Write what is known about an entry; nothing removes it."""
        self._put(Shelf.BOOK_MATCHES, _PLACE.pack(*place), matches_to_bytes(place, known) if known else None)

    def fetched(self, epoch: int, digest: bytes, places: Iterable[Place] | None) -> None:
        """Write which entries' buckets were fetched since a snapshot; None removes it."""
        packed = None if places is None else pack(digest, b"".join(_PLACE.pack(*place) for place in sorted(places)))
        self._put(Shelf.BOOK, b"fetched/%d" % epoch, packed)

    def event(self, event: WatchEvent) -> None:
        """Write an event."""
        self._put(Shelf.WATCH_EVENTS, b"%d" % event.number, event.to_bytes())

    def forget_epoch(self, epoch: int) -> None:
        """Remove an epoch's tags, and all that was found out by them but for matches."""
        self.fetched(epoch, b"", None)
        for segment in range(len(self.head.sizes)):
            self.tags(epoch, segment, None, None)
        covered = {it: mark for it, mark in self.head.covered.items() if it != epoch}
        keys = {it: key for it, key in self.head.keys.items() if it != epoch}
        self.head = replace(self.head, covered=covered, keys=keys)

    def forget_events(self, numbers: Iterable[int]) -> None:
        """Remove events."""
        self.removes += ((Shelf.WATCH_EVENTS, b"%d" % number) for number in numbers)

    def dead_letter(self, number: int, event: WatchEvent | None) -> None:
        """Write an event that nobody took, or remove it."""
        self._put(Shelf.DEAD_LETTERS, b"%d" % number, event.to_bytes() if event else None)

    def _put(self, shelf: Shelf, name: bytes, value: bytes | None) -> None:
        if value is None:
            self.removes.append((shelf, name))
        else:
            self.puts.append((shelf, name, value, None))


@dataclass(frozen=True, slots=True, repr=False)
class Spot:
    """Where one identifier of a ref is, recognised by a digest of field and input."""

    digest: bytes
    place: Place

    @staticmethod
    def digest_of(name: str, evaluated: bytes) -> bytes:
        """Digest an identifier in its field; it is kept sealed."""
        return sha256(pack(name.encode(), evaluated)).digest()[:_DIGEST_BYTES]

    def to_bytes(self) -> bytes:
        """Give the form that the book keeps."""
        return self.digest + _PLACE.pack(*self.place)

    @classmethod
    def from_bytes(cls, data: bytes) -> "Spot":
        """Read what `to_bytes` gave."""
        return cls(data[:_DIGEST_BYTES], Place(*_PLACE.unpack(data[_DIGEST_BYTES:])))


class BookShelves:
    """A book's file; every method blocks and may be called from any thread."""

    def __init__(self, folder: Path, key: Secret) -> None:
        """Open or make the file; raises BookDamaged, and what a store raises."""
        self._store = Store(folder / BOOK_FILE, key, BookDamaged)
        self._store.claim(Shelf.BOOK, _HEAD, Head(os.urandom(_BOOK_ID_BYTES).hex()).to_bytes())

    def close(self) -> None:
        """Close the file."""
        self._store.close()

    # -- changing ------------------------------------------------------------------------------------------------

    def change(self, make: Callable[[Head], Change], generation: int | None = None) -> Head:
        """Make a change from the head that stands, and write it; gives the head from then on.

        With a generation, raises Moved where what was found out is another than that one's by now.
        """
        for _ in range(_TRIES):
            before = self._head()
            head = Head.from_bytes(before)
            if generation is not None and head.generation != generation:
                break
            change = make(head)
            puts = [*change.puts, (Shelf.BOOK, _HEAD, change.head.to_bytes(), None)]
            puts.sort(key=lambda put: put[0])
            if self._store.swap(Shelf.BOOK, _HEAD, before, puts, remove=sorted(change.removes)):
                return change.head
        raise Moved

    def hold_epoch(self, epoch: int, public_key: bytes) -> bool:
        """Remember under which key an epoch's tags are derived; tags of another key are forgotten. Says whether it did.

        A key changes only where somebody decided to trust a hub anew; tags of the old one would match nothing for good.
        """
        key = public_key.hex()
        if self.head().keys.get(epoch) == key:
            return False

        def make(head: Head) -> Change:
            change = Change(replace(head, changed=head.changed + 1, generation=head.generation + 1))
            if epoch in head.keys:
                change.forget_epoch(epoch)
            change.head = replace(change.head, keys=change.head.keys | {epoch: key})
            return change

        self.change(make)
        return True

    # -- reading -------------------------------------------------------------------------------------------------

    def head(self) -> Head:
        """Give what the book says of itself."""
        return Head.from_bytes(self._head())

    def _head(self) -> bytes:
        found = self._store.get(Shelf.BOOK, _HEAD)
        if found is None:
            raise BookDamaged("The book has lost its head.")
        return found

    def facts(self, segment: int) -> Facts | None:
        """Give whose a segment's entries are; None where all of it was taken out."""
        found = self._store.get(Shelf.BOOK, b"facts/%d" % segment)
        return None if found is None else Facts.from_bytes(found)

    def all_facts(self, head: Head) -> Iterator[Facts]:
        """Give all segments, one after the other."""
        for segment in range(len(head.sizes)):
            if (facts := self.facts(segment)) is not None:
                yield facts

    def tags(self, epoch: int, segments: Sequence[int]) -> list[bytes]:
        """Give segments' tags of an epoch; empty where there are none."""
        names = [b"tags/%d/%d" % (epoch, segment) for segment in segments]
        return [_whole(found or b"") for found in self._store.get_many(Shelf.BOOK, names)]

    def label_keys(self, epoch: int, segment: int) -> Secret:
        """Give a segment's label keys of an epoch."""
        return Secret(_whole(self._store.get(Shelf.BOOK, b"keys/%d/%d" % (epoch, segment)) or b""))

    def refs(self, refs: Sequence[str]) -> list[list[Spot]]:
        """Give where the identifiers of refs are."""
        found = self._store.get_many(Shelf.BOOK_REFS, [_ref_name(ref) for ref in refs])
        return [[Spot.from_bytes(spot) for spot in unpack(it or b"")] for it in found]

    def all_matches(self) -> Matches:
        """Give all claims that are known."""
        return dict(matches_from_bytes(value) for _, value in self._store.rows(Shelf.BOOK_MATCHES))

    def fetched(self, epoch: int) -> tuple[bytes, set[Place]]:
        """Give the digest of a snapshot, and the entries whose buckets were fetched since it came."""
        found = self._store.get(Shelf.BOOK, b"fetched/%d" % epoch)
        if found is None:
            return b"", set()
        digest, packed = unpack(found)
        return digest, {Place(*place) for place in _PLACE.iter_unpack(packed)}

    def events(self, head: Head, after: int, limit: int) -> list[WatchEvent]:
        """Give events with numbers above one, that are not acknowledged yet, so many at most."""
        first = max(after, head.acknowledged) + 1
        return self._letters(Shelf.WATCH_EVENTS, range(first, min(first + limit, head.next_event)))

    def event(self, number: int) -> WatchEvent | None:
        """Give an event that is not acknowledged."""
        return next(iter(self._letters(Shelf.WATCH_EVENTS, [number])), None)

    def dead_letters(self) -> list[WatchEvent]:
        """Give the events that nobody took, by number."""
        found = [WatchEvent.from_bytes(value) for _, value in self._store.rows(Shelf.DEAD_LETTERS)]
        return sorted(found, key=lambda event: event.number)

    def _letters(self, shelf: Shelf, numbers: Sequence[int]) -> list[WatchEvent]:
        found = self._store.get_many(shelf, [b"%d" % number for number in numbers])
        return [WatchEvent.from_bytes(it) for it in found if it is not None]


def _ref_name(ref: str) -> bytes:
    return ref.encode(errors="surrogatepass")


def _whole(column: bytes) -> bytes:
    if len(column) % TAG_BYTES:
        raise BookDamaged("A column of the book is cut short.")
    return column
