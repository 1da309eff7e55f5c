"""Filling and emptying a book: subjects become canonical, are evaluated once, and stay with their refs.

Rules:

1. What is in the book already under the same ref and field costs nothing, so that a run that stopped is taken up by
   running it again.
2. Nothing is written before the proof was checked. A batch that is cut off before it is written is evaluated again.
3. The newest segment is filled up where it is of the same basis; places never move.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

from alliance.crypto.tagging import Tags
from alliance.taxonomy import Purpose
from member_client._book.model import NO_TAG, SEGMENT_ENTRIES, TAG_BYTES, Entry, Facts, Head, Place
from member_client._book.shelves import BookShelves, Change, Spot
from member_client._book.tagging import columns, evaluated
from member_client._canonical import Canon
from member_client._epochs import PinnedEpoch
from member_client._questions import Batch, canonical_batch
from member_client._session import Session
from member_client.errors import EpochNotServed
from member_client.screening import Subjects, batches
from member_client.subjects import Consent, Subject

OPEN_BATCHES = 3


@dataclass(frozen=True, slots=True)
class RefusedField:
    """A field that cannot be watched; `place` is its subject's among those that were given, from 0 on."""

    place: int
    ref: str
    field: str
    reason: str


@dataclass(frozen=True, slots=True)
class WatchAddReport:
    """What became of subjects: identifiers that were added, that were in the book already, and that are refused."""

    subjects: int = 0
    added: int = 0
    known: int = 0
    refused: tuple[RefusedField, ...] = ()

    def and_then(self, later: "WatchAddReport") -> "WatchAddReport":
        """Give the report of this and of what came after it."""
        moved = tuple(replace(one, place=one.place + self.subjects) for one in later.refused)
        return WatchAddReport(
            self.subjects + later.subjects, self.added + later.added, self.known + later.known, self.refused + moved
        )


class Adding:
    """Adds to one book, and takes out of it."""

    def __init__(self, session: Session, shelves: BookShelves) -> None:
        self._session = session
        self._shelves = shelves

    async def reports(self, subjects: Subjects, consent: Consent) -> AsyncGenerator[WatchAddReport, None]:
        """Add subjects; gives a report a batch, in order."""
        open_batches: deque[asyncio.Task[WatchAddReport]] = deque()
        try:
            async with aclosing(batches(subjects, SEGMENT_ENTRIES)) as drawn:
                async for batch in drawn:
                    open_batches.append(asyncio.create_task(self._batch(batch, consent), name="alliance-book"))
                    if len(open_batches) == OPEN_BATCHES:
                        yield await open_batches[0]
                        open_batches.popleft()
            while open_batches:
                yield await open_batches[0]
                open_batches.popleft()
        finally:
            for task in open_batches:
                task.cancel()
            await asyncio.gather(*open_batches, return_exceptions=True)

    async def _batch(self, subjects: Sequence[Subject], consent: Consent) -> WatchAddReport:
        facts = await self._session.facts.now()
        canon = self._session.canon(facts)
        batch = await self._session.workers.cpu(_canonical, subjects, consent, canon)
        entries = _entries(batch)
        fresh = [entries[index] for index in await self._session.workers.disk(self._fresh, entries)]
        added = 0
        if fresh:
            try:
                added = await self._add(fresh, consent, facts.epoch)
            except EpochNotServed:
                # The epoch changed since the facts were fetched.
                added = await self._add(fresh, consent, (await self._session.facts.refresh()).epoch)
        return WatchAddReport(len(subjects), added, len(entries) - added, _refused(batch))

    def _fresh(self, entries: Sequence[Entry]) -> list[int]:
        """Give the indices of those that are not in the book, each once."""
        refs = sorted({entry.ref for entry in entries})
        known = {
            (ref, spot.digest) for ref, spots in zip(refs, self._shelves.refs(refs), strict=True) for spot in spots
        }
        fresh: list[int] = []
        for index, entry in enumerate(entries):
            name = entry.ref, Spot.digest_of(entry.field, entry.input)
            if name not in known:
                known.add(name)
                fresh.append(index)
        return fresh

    async def _add(self, entries: Sequence[Entry], consent: Consent, epoch: PinnedEpoch) -> int:
        await self._session.workers.disk(self._shelves.hold_epoch, epoch.id, epoch.public_key)
        tags = await evaluated(self._session, [entry.input for entry in entries], consent.digest, epoch)
        return await self._session.workers.disk(self._write, entries, tags, consent.digest, epoch.id)

    def _write(self, entries: Sequence[Entry], tags: Tags, basis: bytes, epoch: int) -> int:
        """Write entries, unless somebody else added them meanwhile; gives how many."""
        packed = columns(tags)
        written = 0

        def make(head: Head) -> Change:
            nonlocal written
            fresh = self._fresh(entries)
            written = len(fresh)
            added = [entries[index] for index in fresh]
            segment, facts, before = self._open_segment(head, len(added), basis, epoch)
            start = len(facts.entries)
            change = Change(
                replace(
                    head.spent(evaluations=len(entries)),
                    sizes=(*head.sizes[:segment], start + len(added)),
                    entries=head.entries + len(added),
                    changed=head.changed + 1,
                    covered={epoch: Place(0, 0)} | head.covered,
                )
            )
            change.facts(segment, Facts(basis, (*facts.entries, *added)))
            change.tags(epoch, segment, before[0] + _chosen(packed[0], fresh), before[1] + _chosen(packed[1], fresh))
            self._place(change, added, segment, start)
            return change

        self._shelves.change(make)
        return written

    def _open_segment(self, head: Head, count: int, basis: bytes, epoch: int) -> tuple[int, Facts, tuple[bytes, bytes]]:
        """Give the segment that takes so many more entries: the newest if it has room and its tags, else a new one."""
        newest = len(head.sizes) - 1
        if newest >= 0 and head.sizes[newest] + count <= SEGMENT_ENTRIES:
            facts = self._shelves.facts(newest)
            (tags,) = self._shelves.tags(epoch, [newest])
            if facts is not None and facts.basis == basis and len(tags) == TAG_BYTES * head.sizes[newest]:
                return newest, facts, (tags, self._shelves.label_keys(epoch, newest).reveal())
        return newest + 1, Facts(basis, ()), (b"", b"")

    def _place(self, change: Change, entries: Sequence[Entry], segment: int, start: int) -> None:
        by_ref: dict[str, list[Spot]] = {}
        for index, entry in enumerate(entries, start):
            spot = Spot(Spot.digest_of(entry.field, entry.input), Place(segment, index))
            by_ref.setdefault(entry.ref, []).append(spot)
        for (ref, spots), before in zip(by_ref.items(), self._shelves.refs(list(by_ref)), strict=True):
            change.ref(ref, [*before, *spots])

    # -- taking out ----------------------------------------------------------------------------------------------

    def remove(self, refs: Iterable[str]) -> int:
        """Take everything out that is under these refs; gives how many identifiers. Blocks."""
        return sum(self._removed(ref) for ref in sorted(set(refs)))

    def _removed(self, ref: str) -> int:
        before = after = 0

        def make(head: Head) -> Change:
            nonlocal before, after
            change = self._without(head, ref)
            before, after = head.entries, change.head.entries
            return change

        self._shelves.change(make)
        return before - after

    def _without(self, head: Head, ref: str) -> Change:
        (spots,) = self._shelves.refs([ref])
        change = Change(
            replace(
                head,
                entries=head.entries - len(spots),
                changed=head.changed + 1,
                generation=head.generation + 1,
            )
        )
        by_segment: dict[int, set[int]] = {}
        for spot in spots:
            by_segment.setdefault(spot.place.segment, set()).add(spot.place.offset)
            change.matches(spot.place, ())
        for segment, indices in by_segment.items():
            self._blank(change, segment, indices)
        change.ref(ref, ())
        return change

    def _blank(self, change: Change, segment: int, indices: set[int]) -> None:
        """Leave nothing where entries were, and no segment of nothing."""
        facts, head = self._shelves.facts(segment), change.head
        if facts is None:
            return
        entries = tuple(None if index in indices else entry for index, entry in enumerate(facts.entries))
        is_left = any(entries)
        change.facts(segment, Facts(facts.basis, entries) if is_left else None)
        for epoch in head.covered:
            (tags,) = self._shelves.tags(epoch, [segment])
            keys = self._shelves.label_keys(epoch, segment).reveal()
            blanked = (_blanked(tags, indices), _blanked(keys, indices)) if is_left else (None, None)
            change.tags(epoch, segment, *blanked)
        if not is_left:
            change.head = replace(head, sizes=(*head.sizes[:segment], 0, *head.sizes[segment + 1 :]))


def _chosen(column: bytes, indices: Sequence[int]) -> bytes:
    return b"".join(column[TAG_BYTES * index : TAG_BYTES * (index + 1)] for index in indices)


def _blanked(column: bytes, indices: set[int]) -> bytes:
    blanked = bytearray(column)
    for index in indices:
        if (start := TAG_BYTES * index) < len(blanked):
            blanked[start : start + TAG_BYTES] = NO_TAG
    return bytes(blanked)


def _canonical(subjects: Sequence[Subject], consent: Consent, canon: Canon) -> Batch:
    return canonical_batch(subjects, Purpose.PORTFOLIO_SCREENING, consent, canon)


def _owners(batch: Batch) -> Callable[[int], tuple[int, str]]:
    """Give what tells a field's subject by the field's place: its number and ref."""
    owners = [(number, ref) for number, (ref, count) in enumerate(batch.subjects) for _ in range(count)]
    return owners.__getitem__


def _entries(batch: Batch) -> list[Entry]:
    owner = _owners(batch)
    return [
        Entry(owner(place)[1], batch.fields[place], evaluated)
        for place, evaluated in zip(batch.places, batch.inputs, strict=True)
    ]


def _refused(batch: Batch) -> tuple[RefusedField, ...]:
    owner = _owners(batch)
    return tuple(
        RefusedField(*owner(place), batch.fields[place], reason) for place, reason in sorted(batch.refusals.items())
    )
