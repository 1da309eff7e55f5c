"""Fetches the buckets of a book's hits with their cover and decoys, and contains a bucket that is overfull."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from alliance.crypto import bloom
from member_client._book.model import Place
from member_client._buckets import Fault, Found, Hit
from member_client._deadline import Deadline
from member_client._facts import Facts
from member_client._questions import Looked
from member_client._session import Session
from member_client.errors import BucketOverfull

FETCH_SECONDS = 120.0


@dataclass(slots=True, repr=False)
class Fetched:
    """What buckets said of targets: believed claims, what is wrong, and hits whose bucket could not be had."""

    claims: list[Found]
    faults: list[Fault]
    left: list[Hit]

    def found(self, targets: Sequence[Place]) -> Iterator[tuple[Place, Found]]:
        """Give believed claims by the entry that they are about."""
        return ((targets[number], one) for one in self.claims for number in one.hit.places)

    def doubted(self, targets: Sequence[Place]) -> Iterator[tuple[Place, bytes]]:
        """Give the ids of wrong entries of the hub, by the entry of the book that they would be about."""
        return ((targets[number], one.entry.entry_id) for one in self.faults for number in one.hit.places)

    def settled(self, targets: Sequence[Place]) -> set[Place]:
        """Give the targets whose buckets were read."""
        left = {targets[number] for hit in self.left for number in hit.places}
        return {place for place in targets if place not in left}


async def fetch(
    session: Session, epoch: int, bits: int, hits: Sequence[Hit], cover: frozenset[int], facts: Facts
) -> Fetched:
    """Fetch and judge; raises what the calls raise, but for an overfull bucket, whose hits are left."""
    decoys = session.cover.decoys(b"".join(hit.tag for hit in hits), bits)
    fetched = await _fetch(session, Looked(epoch, bits, tuple(hits), cover | decoys), facts)
    session.confirmer.report(fetched.faults)
    return fetched


async def _fetch(session: Session, looked: Looked, facts: Facts) -> Fetched:
    async def confirmed() -> tuple[list[Found], list[Fault]]:
        return await session.confirmer.confirmed(looked, facts, Deadline.after(FETCH_SECONDS, patient=True))

    try:
        claims, faults = await session.quota_wait.through(confirmed, Deadline.after(FETCH_SECONDS, patient=True))
    except BucketOverfull:
        return await _in_halves(session, looked, facts)
    return Fetched(claims, faults, [])


async def _in_halves(session: Session, looked: Looked, facts: Facts) -> Fetched:
    """Find the bucket that is overfull: a member may fill one, and must not blind others to all that they fetch."""
    bits = looked.prefix_bits
    prefixes = sorted({bloom.prefix_of(hit.tag, bits) for hit in looked.hits} | looked.cover)
    if len(prefixes) < 2:
        return Fetched([], [], list(looked.hits))
    middle = prefixes[len(prefixes) // 2]
    whole = Fetched([], [], [])
    for is_upper in (False, True):
        hits = tuple(hit for hit in looked.hits if (bloom.prefix_of(hit.tag, bits) >= middle) is is_upper)
        cover = frozenset(prefix for prefix in looked.cover if (prefix >= middle) is is_upper)
        half = await _fetch(session, Looked(looked.epoch, bits, hits, cover), facts)
        whole.claims += half.claims
        whole.faults += half.faults
        whole.left += half.left
    return whole
