"""What was answered to cases, kept for the people whom the claims are about: outcomes and names of fields, no values.

One record a claim, filed under its entry id and, where this machine knows it, under the identifier that it is about, so
that it is found when that person asks years later. It is shown once the hub says that the case has ended.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from alliance.cases.words import CASE_KEPT_MS, CLOSES_AFTER_MS, REPLY_WITHIN_MS, InstrumentType, ReleaseOutcome
from alliance.identifiers import Identifier
from member_client._framing import pack, unpack
from member_client._store import Shelf, Store
from member_client.errors import StoreDamaged

LIFE_MS: Final = CASE_KEPT_MS + CLOSES_AFTER_MS + 2 * REPLY_WITHIN_MS
"""From the answer on: the hub keeps a case for three years after its end, and that may be so much later."""


@dataclass(frozen=True, slots=True)
class AnsweredClaim:
    """What was answered about a claim: how, which fields were released, how many files. Times in milliseconds UTC."""

    case_id: bytes
    entry_id: bytes
    number: str
    instrument_type: InstrumentType
    asked_at: int
    answered_at: int
    outcome: ReleaseOutcome
    fields: tuple[str, ...] = ()
    files: int = 0

    def to_bytes(self) -> bytes:
        """Give the form that the store keeps."""
        numbers = self.instrument_type, self.asked_at, self.answered_at, self.outcome, self.files
        texts = (it.encode() for it in (self.number, *self.fields))
        return pack(self.case_id, self.entry_id, *(b"%d" % it for it in numbers), *texts)

    @classmethod
    def from_bytes(cls, data: bytes) -> "AnsweredClaim":
        """Read what `to_bytes` gave; raises StoreDamaged."""
        try:
            case_id, entry_id, instrument, asked_at, answered_at, outcome, files, number, *fields = unpack(data)
            return cls(
                case_id=case_id,
                entry_id=entry_id,
                number=number.decode(),
                instrument_type=InstrumentType(int(instrument)),
                asked_at=int(asked_at),
                answered_at=int(answered_at),
                outcome=ReleaseOutcome(int(outcome)),
                fields=tuple(it.decode() for it in fields),
                files=int(files),
            )
        except ValueError:
            raise StoreDamaged("An answer to a case in the local store cannot be read.") from None


class AnsweredClaims:
    """The shelf of answers; its methods block."""

    def __init__(self, store: Store) -> None:
        """Use the file of the decisions, which is kept as long."""
        self._store = store

    def put(self, answered: Sequence[AnsweredClaim], about: Mapping[bytes, Identifier]) -> None:
        """Keep answers, once or again; `about` says whom claims are about by entry id, as far as that is known here."""
        values, topics = [], []
        for it in answered:
            name, ends_at = pack(it.case_id, it.entry_id), it.answered_at + LIFE_MS
            values.append((Shelf.CASE_ANSWERS, name, it.to_bytes(), ends_at))
            found_by = [_by_entry(it.entry_id)]
            if (identifier := about.get(it.entry_id)) is not None:
                found_by.append(_by_identifier(identifier))
            topics += [(Shelf.CASE_ANSWERS, topic, name, ends_at) for topic in found_by]
        self._store.put_many(values, topics=topics)

    def about(self, identifiers: Iterable[Identifier], entry_ids: Iterable[bytes]) -> list[AnsweredClaim]:
        """Give the answers about claims on some identifiers, or of some entries, each once, by when it was asked."""
        topics = [*map(_by_identifier, identifiers), *map(_by_entry, entry_ids)]
        found = self._store.about_many(Shelf.CASE_ANSWERS, topics)
        read = {
            (it.case_id, it.entry_id): it for values in found.values() for it in map(AnsweredClaim.from_bytes, values)
        }
        return sorted(read.values(), key=lambda it: (it.asked_at, it.case_id, it.entry_id))


def _by_entry(entry_id: bytes) -> bytes:
    return pack(b"entry", entry_id)


def _by_identifier(identifier: Identifier) -> bytes:
    return pack(b"identifier", identifier.input_bytes)
