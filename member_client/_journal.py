"""The contributor's journal: which rows were drawn up, which the hub acknowledged. All of it sealed.

Rules:

1. A sealed row is written down before it is sent, so that a crash leads to the same row being sent again, never to a
   second evaluation or a second claim.
2. An acknowledgement replaces the row. Both lie under keyed names of epoch, kind, canonical form and category, the row
   under its content besides.
3. A withdrawn or expired claim no longer counts as acknowledged.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from alliance.claims import SealedClaim
from alliance.taxonomy import Category
from member_client._drafting import Drafted
from member_client._framing import pack, unpack
from member_client._store import Shelf, Store
from member_client.errors import StoreDamaged


@dataclass(frozen=True, slots=True, repr=False)
class Place:
    """Names of a row in the journal: of its acknowledgement, and of itself."""

    acknowledged: bytes
    drawn: bytes

    @classmethod
    def of(cls, drafted: Drafted, epoch: int) -> Self:
        """Name a row; the store keeps HMACs of these names."""
        identifier = drafted.identifier
        category = Category(drafted.draft.category).word
        parts = (b"%d" % epoch, identifier.kind.encode(), identifier.canonical.encode(), category.encode())
        return cls(pack(b"acknowledged", *parts), pack(b"drawn", *parts, drafted.content))


@dataclass(frozen=True, slots=True, repr=False)
class Acknowledged:
    """A row that stands at the hub; `ends_at` in milliseconds UTC."""

    content: bytes
    entry_id: bytes
    ends_at: int


class Journal:
    """The shelf of rows; its methods block."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def known(self, places: Sequence[Place]) -> list[tuple[Acknowledged | None, SealedClaim | None]]:
        """Give what is known of rows: an acknowledgement, and a sealed row of the same content."""
        names = [name for place in places for name in (place.acknowledged, place.drawn)]
        values = iter(self._store.get_many(Shelf.JOURNAL, names))
        return [(_acknowledged(value), _sealed(next(values))) for value in values]

    def draw(self, rows: Sequence[tuple[Place, SealedClaim]]) -> None:
        """Write sealed rows down, before they are sent."""
        self._store.put_many(
            (Shelf.JOURNAL, place.drawn, pack(row.entry_id, row.claim, row.signature, row.handle, row.box), None)
            for place, row in rows
        )

    def settle(self, accepted: Sequence[tuple[Place, Drafted, bytes]], dropped: Sequence[Place] = ()) -> None:
        """Write acknowledgements in place of rows, and forget rows that were refused for good."""
        values = []
        for place, drafted, entry_id in accepted:
            ends_at = drafted.draft.expires_at
            record = pack(drafted.content, entry_id, b"%d" % ends_at, drafted.evidence_salt)
            values.append((Shelf.JOURNAL, place.acknowledged, record, ends_at))
            values.append((Shelf.JOURNAL, _by_entry(entry_id), place.acknowledged, ends_at))
        settled = [place for place, _, _ in accepted] + list(dropped)
        self._store.put_many(values, remove=[(Shelf.JOURNAL, place.drawn) for place in settled])

    def forget(self, entry_id: bytes) -> None:
        """Forget an acknowledgement: its claim is withdrawn."""
        name = self._store.get(Shelf.JOURNAL, _by_entry(entry_id))
        if name is not None:
            self._store.put_many(remove=[(Shelf.JOURNAL, name), (Shelf.JOURNAL, _by_entry(entry_id))])


def _by_entry(entry_id: bytes) -> bytes:
    return pack(b"entry", entry_id)


def _acknowledged(record: bytes | None) -> Acknowledged | None:
    if record is None:
        return None
    try:
        content, entry_id, ends_at, _salt = unpack(record)
        return Acknowledged(content, entry_id, int(ends_at))
    except ValueError:
        raise StoreDamaged("The journal of contributions cannot be read.") from None


def _sealed(record: bytes | None) -> SealedClaim | None:
    if record is None:
        return None
    try:
        entry_id, claim, signature, handle, box = unpack(record)
    except ValueError:
        raise StoreDamaged("The journal of contributions cannot be read.") from None
    return SealedClaim(entry_id, claim, signature, handle, box)
