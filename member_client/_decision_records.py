"""A decision as a sealed record, and the topics that it is found by."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from alliance.taxonomy import DAY_MS, Purpose
from member_client._codec import decoded, encoded
from member_client._framing import pack, unpack
from member_client._store import Shelf, Topic, Write
from member_client.decisions import KeptDecision
from member_client.errors import StoreDamaged

LIFE_MS: Final = 3 * 365 * DAY_MS


@dataclass(frozen=True, slots=True, repr=False)
class Filed:
    """A decision, and by field the keyed digest of the identifier that it is about."""

    decision: KeptDecision
    digests: Mapping[str, bytes]

    def row(self) -> Write:
        """Give its record."""
        decision = self.decision
        about = (part for field, digest in self.digests.items() for part in (field.encode(), digest))
        numbers = (b"%d" % decision.decided_at, b"%d" % decision.purpose)
        record = pack(*numbers, encoded(decision.verdict), *about)
        return Shelf.DECISIONS, decision.receipt.encode(), record, decision.decided_at + LIFE_MS

    def topics(self) -> Iterable[Topic]:
        """Give what it is found by besides its receipt."""
        decision = self.decision
        entries = (by_entry(match.entry_id) for match in decision.matches)
        for topic in (by_ref(decision.ref), *entries, *map(by_identifier, self.digests.values())):
            yield Shelf.DECISIONS, topic, decision.receipt.encode(), decision.decided_at + LIFE_MS


def filed(record: bytes) -> Filed:
    """Read a record; raises StoreDamaged."""
    try:
        decided_at, purpose, verdict, *about = unpack(record)
        decision = KeptDecision(decoded(verdict), Purpose(int(purpose)), int(decided_at))
        fields = (field.decode() for field in about[::2])
        return Filed(decision, dict(zip(fields, about[1::2], strict=True)))
    except ValueError:
        raise StoreDamaged("A decision in the local store cannot be read.") from None


def read(record: bytes) -> KeptDecision:
    """Read a record's decision; raises StoreDamaged."""
    return filed(record).decision


def by_entry(entry_id: bytes) -> bytes:
    """Give the topic of decisions that rest on a claim."""
    return pack(b"entry", entry_id)


def by_ref(ref: str) -> bytes:
    """Give the topic of decisions about a reference of the caller's."""
    return pack(b"ref", ref.encode(errors="replace"))


def by_identifier(digest: bytes) -> bytes:
    """Give the topic of decisions about an identifier, by its keyed digest."""
    return pack(b"identifier", digest)
