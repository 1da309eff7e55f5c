"""The contributor's journal: which rows were drawn up, which the hub acknowledged. All of it sealed.

Rules:

1. A sealed row is written down before it is sent, so that a crash leads to the same row being sent again, never to a
   second evaluation or a second claim.
2. An acknowledgement replaces the row, and what the claim is about is kept beside it, by its entry id, so that it can
   be re-tagged. Both lie under keyed names of epoch, kind, canonical form and category, the row
   under its content besides, and on a shelf of its own.
3. A withdrawn or expired claim no longer counts as acknowledged. Withdrawals are the rarer: they are written down by
   entry, and looked up for rows that were acknowledged.
4. What a chunk of rows needs is read in one go and written in one transaction.
"""

from collections.abc import Sequence, Set
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Final, Self

from alliance.claims import SealedClaim
from alliance.claims import parse as parse_claim
from alliance.identifiers import Identifier, Kind
from alliance.taxonomy import Category, SharingLevel
from alliance.v1.claim_pb2 import Claim
from member_client._drafting import Drafted
from member_client._framing import pack, unpack
from member_client._store import Shelf, Store
from member_client.errors import StoreDamaged

_ACKNOWLEDGED: Final = pack(b"acknowledged")
_DRAWN: Final = pack(b"drawn")
_OMITTED: Final = pack(b"omitted")
MAX_OMITTED: Final = 1000
_CATEGORY_WORDS: Final = {category: category.word.encode() for category in Category}


@dataclass(frozen=True, slots=True, repr=False)
class Place:
    """Names of a row in the journal: of its acknowledgement, and of itself."""

    acknowledged: bytes
    drawn: bytes

    @classmethod
    def of(cls, drafted: Drafted, epoch: int) -> Self:
        """Name a row; the store keeps HMACs of these names."""
        return cls.of_identifier(drafted.identifier, drafted.draft.category, epoch, drafted.content)

    @classmethod
    def of_identifier(cls, identifier: Identifier, category: Category, epoch: int, content: bytes = b"") -> Self:
        """Name what is said about an identifier in a category."""
        word = _CATEGORY_WORDS[category]
        row = pack(b"%d" % epoch, identifier.kind.encode(), identifier.canonical.encode(), word)
        return cls(_ACKNOWLEDGED + row, _DRAWN + row + pack(content))


@dataclass(frozen=True, slots=True, repr=False)
class Drawn:
    """A row that is sealed, and the salt that opens its commitment to the evidence."""

    sealed: SealedClaim
    evidence_salt: bytes


@dataclass(frozen=True, slots=True, repr=False)
class Known:
    """What the journal knows of a row: its acknowledgement or that this was withdrawn, and its sealed form."""

    stands: "Acknowledged | None"
    drawn: Drawn | None
    was_withdrawn: bool = False


@dataclass(frozen=True, slots=True, repr=False)
class Shown:
    """How readers must find an entry: where it is looked for, and digests of what they are served."""

    epoch: int
    tag: bytes
    claim_sha256: bytes
    sealed_sha256: bytes
    """SHA-256(handle ‖ box)."""

    @classmethod
    def of(cls, sealed: SealedClaim, claim: Claim) -> Self | None:
        """Describe an entry by its sealed row and the claim in it; None of one that readers never see."""
        if SharingLevel(claim.sharing_level) is SharingLevel.RED:
            return None
        return cls(claim.epoch, claim.tag, sha256(sealed.claim).digest(), sealed_digest(sealed.handle, sealed.box))

    def to_bytes(self) -> bytes:
        """Give the form that the store keeps."""
        return pack(b"%d" % self.epoch, self.tag, self.claim_sha256, self.sealed_sha256)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read what `to_bytes` gave; raises ValueError."""
        epoch, *rest = unpack(data)
        tag, claim_sha256, sealed_sha256 = rest
        return cls(int(epoch), tag, claim_sha256, sealed_sha256)


def sealed_digest(handle: bytes, box: bytes) -> bytes:
    """Give the digest by which an entry is known again."""
    return sha256(handle + box).digest()


@dataclass(frozen=True, slots=True)
class Standing:
    """A claim that was acknowledged and has not ended, as far as this machine knows."""

    entry_id: bytes
    ends_at: int
    shown: Shown | None = field(repr=False)
    """None where another machine filed it, or a release that did not write it down."""


@dataclass(frozen=True, slots=True, repr=False)
class Keepsake:
    """What a claim is about, and what its box holds: all that re-tagging needs and the hub does not know."""

    identifier: Identifier
    label: bytes
    """Serialised; empty where there is none."""
    content: bytes
    evidence_salt: bytes
    shown: Shown | None = field(default=None, compare=False)
    """How readers must find it; None where that is not known here."""

    @classmethod
    def of(cls, drafted: Drafted, evidence_salt: bytes) -> Self:
        """Keep what a row is about; the salt is that of its sealed form, which may be an earlier one's."""
        label = drafted.draft.label
        return cls(drafted.identifier, label.SerializeToString() if label else b"", drafted.content, evidence_salt)

    def to_bytes(self) -> bytes:
        """Give the form that the store keeps."""
        kind, text = self.identifier.kind.encode(), self.identifier.canonical.encode()
        shown = () if self.shown is None else (self.shown.to_bytes(),)
        return pack(kind, text, self.label, self.content, self.evidence_salt, *shown)

    @classmethod
    def from_bytes(cls, data: bytes | None) -> "Keepsake | None":
        """Read what `to_bytes` gave; None where there is nothing. Raises StoreDamaged."""
        if data is None:
            return None
        try:
            kind, canonical, label, content, evidence_salt, *shown = unpack(data)
            identifier = Identifier(Kind(kind.decode()), canonical.decode())
            return cls(identifier, label, content, evidence_salt, Shown.from_bytes(shown[0]) if shown else None)
        except ValueError:
            raise _unreadable() from None


@dataclass(frozen=True, slots=True, repr=False)
class Settled:
    """A row that stands at the hub under `entry_id`, until `ends_at` (milliseconds UTC) at most."""

    place: Place
    entry_id: bytes
    ends_at: int
    kept: Keepsake
    is_new_here: bool = False
    """Whether it was filed by another machine, so that nothing was kept of it when it was drawn up."""


@dataclass(frozen=True, slots=True, repr=False)
class Followed:
    """A claim that was re-tagged, and the row that stands for it in the next epoch."""

    entry_id: bytes
    settled: Settled


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

    def known(self, places: Sequence[Place]) -> list[Known]:
        """Give what is known of rows: an acknowledgement of any content, and a sealed row of the same content."""
        standing = [
            _acknowledged(it) for it in self._store.get_many(Shelf.JOURNAL, [place.acknowledged for place in places])
        ]
        drawn = [_drawn(it) for it in self._store.get_many(Shelf.DRAWN, [place.drawn for place in places])]
        withdrawn = self.withdrawn([stands.entry_id for stands in standing if stands is not None])
        return [
            Known(None, row, was_withdrawn=True)
            if stands is not None and stands.entry_id in withdrawn
            else Known(stands, row)
            for stands, row in zip(standing, drawn, strict=True)
        ]

    def entries(self, places: Sequence[Place]) -> list[bytes]:
        """Give the entry ids of those rows that were acknowledged, withdrawn ones included."""
        found = self._store.get_many(Shelf.JOURNAL, [place.acknowledged for place in places])
        return [stands.entry_id for stands in map(_acknowledged, found) if stands is not None]

    def draw(self, rows: Sequence[tuple[Place, Drawn, Keepsake]]) -> None:
        """Write sealed rows down with what they are about, before they are sent.

        Who dies before the acknowledgement must still know what the claim is about that stands since.
        """
        self._store.put_many(it for place, row, kept in rows for it in _written(place.drawn, row, kept))

    def settle(self, accepted: Sequence[Settled], dropped: Sequence[Place] = ()) -> None:
        """Write acknowledgements in place of rows, and forget rows that were refused for good."""
        values: list[tuple[Shelf, bytes, bytes, int | None]] = []
        for row in accepted:
            record = pack(row.kept.content, row.entry_id, b"%d" % row.ends_at, row.kept.evidence_salt)
            values.append((Shelf.JOURNAL, row.place.acknowledged, record, row.ends_at))
        values += [_keepsake(it.entry_id, it.kept, it.ends_at) for it in accepted if it.is_new_here]
        settled = [row.place for row in accepted] + list(dropped)
        self._store.put_many(values, remove=[(Shelf.DRAWN, place.drawn) for place in settled])

    def withdraw(self, entry_id: bytes, ends_at: int) -> None:
        """Write down that a claim is withdrawn, for as long as its acknowledgement may be there."""
        self._store.put(Shelf.JOURNAL, _withdrawal(entry_id), b"", ends_at)

    def count_ending(self, after: int, until: int) -> int:
        """Count acknowledged claims that end in (after, until] and were not withdrawn from here."""
        marks, all_rows = self._store.count_ending(Shelf.JOURNAL, after, until)
        return max(0, all_rows - 2 * marks)  # a withdrawn claim has its row and its mark, which end together

    def forget_others(self, entry_ids: Set[bytes]) -> None:
        """Forget acknowledgements of claims that are none of these: a restored hub lost them."""
        lost = [
            row
            for row, record in self._store.rows(Shelf.JOURNAL)
            if (stands := _acknowledged(record or None)) is not None and stands.entry_id not in entry_ids
        ]
        self._store.remove_rows(Shelf.JOURNAL, lost)

    def withdrawn(self, entry_ids: Sequence[bytes]) -> set[bytes]:
        """Give those of some claims that were withdrawn from here."""
        marks = self._store.get_many(Shelf.JOURNAL, [_withdrawal(entry_id) for entry_id in entry_ids])
        return {entry_id for entry_id, mark in zip(entry_ids, marks, strict=True) if mark is not None}

    def sample(self, point: bytes, count: int, now: int) -> list[Standing]:
        """Give up to so many claims that were acknowledged and have not ended, drawn by a random point of 32 bytes."""
        found = [_acknowledged(it or None) for it in self._store.drawn(Shelf.JOURNAL, point, count)]
        live = {it.entry_id: it.ends_at for it in found if it is not None and it.ends_at > now}
        gone = self.withdrawn(list(live))
        standing = [entry_id for entry_id in live if entry_id not in gone]
        kept = self.keepsakes(standing)
        return [
            Standing(entry_id, live[entry_id], it.shown if it is not None else None)
            for entry_id, it in zip(standing, kept, strict=True)
        ]

    def omitted(self) -> list[bytes]:
        """Give the entries that were found to be kept from readers, oldest first."""
        content = self._store.get(Shelf.KEEPSAKES, _OMITTED)
        return [] if content is None else list(unpack(content))

    def note_omitted(self, entries: Sequence[Standing]) -> None:
        """Write down which entries are kept from readers, for as long as one of them would live."""
        known = dict.fromkeys([*self.omitted(), *(it.entry_id for it in entries)])
        newest = list(known)[-MAX_OMITTED:]
        self._store.put(Shelf.KEEPSAKES, _OMITTED, pack(*newest), max(it.ends_at for it in entries))

    # -- re-tagging ------------------------------------------------------------------------------------------------

    def keepsakes(self, entry_ids: Sequence[bytes]) -> list[Keepsake | None]:
        """Give what was kept of claims; None of those that another machine filed."""
        return [Keepsake.from_bytes(it) for it in self._store.get_many(Shelf.KEEPSAKES, entry_ids)]

    def retagged(self, entry_ids: Sequence[bytes], epoch: int) -> list[Drawn | None]:
        """Give the rows that are sealed to re-tag some claims, and not acknowledged."""
        return [_drawn(it) for it in self._store.get_many(Shelf.DRAWN, [_retag(it, epoch) for it in entry_ids])]

    def draw_retagged(self, rows: Sequence[tuple[bytes, Drawn, Keepsake]], epoch: int) -> None:
        """Write down rows that re-tag claims with what they are about, before they are sent."""
        self._store.put_many(it for entry_id, row, kept in rows for it in _written(_retag(entry_id, epoch), row, kept))

    def follow(self, followed: Sequence[Followed], sent: Sequence[bytes], epoch: int) -> None:
        """Write down which claims were re-tagged as which, and forget all rows that were sent for it."""
        self._store.put_many(
            ((Shelf.KEEPSAKES, _successor(it.entry_id), it.settled.entry_id, it.settled.ends_at) for it in followed),
            remove=[(Shelf.DRAWN, _retag(entry_id, epoch)) for entry_id in sent],
        )

    def successor(self, entry_id: bytes) -> bytes | None:
        """Give the claim as which this machine re-tagged another."""
        return self._store.get(Shelf.KEEPSAKES, _successor(entry_id))


def _written(name: bytes, row: Drawn, kept: Keepsake) -> tuple[tuple[Shelf, bytes, bytes, int | None], ...]:
    claim = parse_claim(row.sealed.claim)
    known = replace(kept, shown=Shown.of(row.sealed, claim))
    return (Shelf.DRAWN, name, drawn_record(row), None), _keepsake(row.sealed.entry_id, known, claim.expires_at)


def _keepsake(entry_id: bytes, kept: Keepsake, ends_at: int) -> tuple[Shelf, bytes, bytes, int | None]:
    return Shelf.KEEPSAKES, entry_id, kept.to_bytes(), ends_at


def _retag(entry_id: bytes, epoch: int) -> bytes:
    return pack(b"retag", b"%d" % epoch, entry_id)


def _successor(entry_id: bytes) -> bytes:
    return pack(b"successor", entry_id)


def _unreadable() -> StoreDamaged:
    return StoreDamaged("The journal of contributions cannot be read.")


def _withdrawal(entry_id: bytes) -> bytes:
    return pack(b"withdrawn", entry_id)


def _acknowledged(record: bytes | None) -> Acknowledged | None:
    if record is None:
        return None
    try:
        content, entry_id, ends_at, _salt = unpack(record)
        return Acknowledged(content, entry_id, int(ends_at))
    except ValueError:
        raise _unreadable() from None


def drawn_record(row: Drawn) -> bytes:
    """Give the form in which the store keeps a sealed row."""
    sealed = row.sealed
    return pack(sealed.entry_id, sealed.claim, sealed.signature, sealed.handle, sealed.box, row.evidence_salt)


def _drawn(record: bytes | None) -> Drawn | None:
    return None if record is None else drawn_from(record)


def drawn_from(record: bytes) -> Drawn:
    """Read what `drawn_record` gave; raises StoreDamaged."""
    try:
        *sealed, evidence_salt = unpack(record)
        return Drawn(SealedClaim(*sealed), evidence_salt)
    except (ValueError, TypeError):
        raise _unreadable() from None
