"""What a look works on: the book in memory, 32 bytes a tag, and what was found out about it."""

from collections.abc import Container, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Final

from member_client._book.model import NO_TAG, TAG_BYTES, Head, Matches, Place
from member_client._book.shelves import BookShelves
from member_client._cover import Cover
from member_client._filter import LiveFilter

_AT_ONCE: Final = 64
"""Segments that are opened at once: sealed and open they are there twice."""


@dataclass(slots=True, repr=False)
class View:
    """The book as it was read last."""

    head: Head
    matches: Matches
    tags: dict[int, list[bytes]] = field(default_factory=dict)
    """By epoch: each segment's tags."""
    fetched: dict[int, tuple[bytes, set[Place]]] = field(default_factory=dict)
    """By epoch: since which snapshot, and the entries whose buckets were fetched since."""
    looked: dict[int, tuple[bytes, int, int]] = field(default_factory=dict)
    """By epoch: filter and entries that everything was held against."""

    def tag(self, epoch: int, place: Place) -> bytes:
        """Give an entry's tag; nothing where it has none, or was taken out."""
        start = TAG_BYTES * place.offset
        segments = self.tags[epoch]
        tag = segments[place.segment][start : start + TAG_BYTES] if place.segment < len(segments) else b""
        return b"" if tag == NO_TAG else tag

    def known(self, epoch: int, segments: Container[int]) -> set[Place]:
        """Give the entries of segments about which claims of an epoch are known, as far as they have its tag."""
        return {
            place
            for place, known in self.matches.items()
            if place.segment in segments and self.tag(epoch, place) and any(one.epoch == epoch for one in known)
        }

    def untagged(self, epoch: int) -> list[int]:
        """Give the segments that lack tags of an epoch."""
        return [
            segment
            for segment, (size, tags) in enumerate(zip(self.head.sizes, self.tags[epoch], strict=True))
            if len(tags) < TAG_BYTES * size
        ]


def read(shelves: BookShelves, before: View | None) -> View:
    """Read what changed since. Blocks."""
    head = shelves.head()
    if before is None or head.book != before.head.book:
        return View(head, shelves.all_matches())
    if head.generation != before.head.generation:
        before.matches, before.fetched, before.looked = shelves.all_matches(), {}, {}
    if head.changed != before.head.changed:
        before.tags = {}
    before.head = head
    return before


def read_epoch(shelves: BookShelves, view: View, epoch: int) -> None:
    """Read an epoch's tags, and which buckets were fetched, unless they are there. Blocks."""
    if epoch not in view.tags:
        numbers = range(len(view.head.sizes))
        parts = (shelves.tags(epoch, numbers[start : start + _AT_ONCE]) for start in range(0, len(numbers), _AT_ONCE))
        view.tags[epoch] = [tags for part in parts for tags in part]
    if epoch not in view.fetched:
        view.fetched[epoch] = shelves.fetched(epoch)


@dataclass(frozen=True, slots=True, repr=False)
class Seen:
    """What a look into the filter gave of some segments: hits, and cover for entries that are looked up first."""

    hits: Sequence[Place] = ()
    cover: frozenset[int] = frozenset()
    lost: Set[Place] = frozenset()
    """Entries about which something was known, and which the filter rules out."""

    def and_then(self, later: "Seen") -> "Seen":
        """Give what this look and the next one gave."""
        return Seen((*self.hits, *later.hits), self.cover | later.cover, self.lost | later.lost)


def look_up(tags: Mapping[int, bytes], live: LiveFilter, cover: Cover, since: Place) -> Seen:
    """Hold segments' tags against a filter; entries from `since` on bring cover. Arithmetic for a worker."""
    bits = live.header.prefix_bits
    hits: list[Place] = []
    drawn: frozenset[int] = frozenset()
    for segment, packed in tags.items():
        found = live.hits(packed)
        hits += [Place(segment, index) for index in found]
        start = since.offset if segment == since.segment else 0
        if segment >= since.segment and packed[TAG_BYTES * start :]:
            new_hits = frozenset(index - start for index in found if index >= start)
            drawn |= cover.prefixes(packed[TAG_BYTES * start :], new_hits, bits)
    return Seen(hits, drawn)
