"""Drawing a case up: what an officer asks for, what of a list is a suspect, and how much that is.

Rules:

1. Nothing of a list is sent, and what cannot be used is told by its row and reason.
2. Suspects are put in a random order under the root: their places say nothing about the list.
3. An officer signs what was previewed: suspects, leaves and key are made before, and stay as they were shown.
"""

import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import SystemRandom
from typing import Final, TypeVar

from alliance.cases.rules import ID_BYTES, INSTRUMENT_RULES, MAX_NOTE_BYTES, InstrumentRule, check_request
from alliance.cases.suspects import Suspect, SuspectTree, drawn
from alliance.cases.words import CaseState, InstrumentType, UrgencyGround
from alliance.claims import kind_number
from alliance.crypto import envelope
from alliance.crypto.sealing import MAX_SUSPECT_BYTES
from alliance.crypto.secret import Secret
from alliance.errors import CaseInvalid, Reason
from alliance.identifiers import Identifier, InvalidIdentifier, Kind
from alliance.taxonomy import Category, Word
from alliance.v1 import case_pb2, taxonomy_pb2
from member_client._canonical import Canon
from member_client._cases.drafts import contents_of
from member_client._cases.records import Case, case_of
from member_client._development import refusal_of
from member_client.errors import (
    AllianceClientError,
    CaseOutOfScope,
    InstrumentExhausted,
    InstrumentExpired,
    InvalidUse,
)

W = TypeVar("W", bound=Word)

_REFUSALS: Final[dict[Reason, type[AllianceClientError]]] = {
    Reason.CASE_OUT_OF_SCOPE: CaseOutOfScope,
    Reason.INSTRUMENT_EXPIRED: InstrumentExpired,
    Reason.INSTRUMENT_EXHAUSTED: InstrumentExhausted,
}


@dataclass(frozen=True, slots=True)
class CaseTerms:
    """What an officer asks for. Times in milliseconds UTC; `until` and the end of `period` are exclusive.

    `instrument` and `urgency` are words of the alliance's tables, `document` the legal instrument, of which a digest
    is sent; `note` says what members should look for, up to 512 bytes, and is read by those alone that hold the
    identifier.
    """

    number: str
    instrument: InstrumentType | str
    reference: str
    document: Path
    until: int
    categories: Sequence[Category | str]
    period: tuple[int, int]
    officer: str
    second_officer: str
    urgency: UrgencyGround | str | None = None
    note: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, repr=False)
class SuspectRow:
    """An identifier of a suspect, as typed; `row_number` is the caller's own and comes back where it is refused."""

    kind: Kind
    text: str
    row_number: int = 0

    def __repr__(self) -> str:
        return f"SuspectRow({self.row_number}, {self.kind})"


@dataclass(frozen=True, slots=True)
class RefusedSuspect:
    """A row that is nobody's identifier, and why."""

    row_number: int
    kind: Kind
    reason: str
    how_to_fix: str


@dataclass(frozen=True, slots=True)
class CasePreview:
    """A case as its officers look at it before they sign: how much it asks for, and how much the instrument covers.

    `left` is how many identifiers may be asked about under the instrument before this case; `repeated` counts rows
    that say what another one says.
    """

    case: Case
    rule: InstrumentRule
    left: int
    refused: tuple[RefusedSuspect, ...] = ()
    repeated: int = 0
    leaves: tuple[bytes, ...] = field(default=(), repr=False)
    secret: Secret = field(default_factory=lambda: Secret(b""), repr=False)
    note: str = field(default="", repr=False)

    def check(self) -> None:
        """Raise CaseOutOfScope, InstrumentExpired or InstrumentExhausted where the hub would refuse the case."""
        try:
            check_request(case_pb2.CaseRequest.FromString(self.case.request))
        except CaseInvalid as error:
            raise refused(error) from error
        if self.case.items > self.left:
            raise InstrumentExhausted("More suspects than may be asked about under this instrument.")


def refused(error: CaseInvalid) -> AllianceClientError:
    """Give our exception for a rule that a request breaks; the caller raises it `from` the error."""
    return _REFUSALS.get(error.reason, InvalidUse)(str(error))


@dataclass(frozen=True, slots=True, repr=False)
class Sorted:
    """What of a list is a suspect, each once, in random order; what is none; and how many rows repeat another one."""

    suspects: tuple[Suspect, ...]
    refused: tuple[RefusedSuspect, ...]
    repeated: int


def sort_out(rows: Iterable[SuspectRow], canon: Canon) -> Sorted:
    """Bring a list into canonical form: work for a thread."""
    listed = list(rows)
    found: dict[Identifier, None] = {}
    bad, repeated = [], 0
    for row, form in zip(listed, canon.forms([(it.kind, it.text) for it in listed]), strict=True):
        if not isinstance(form, Identifier):
            bad.append(
                RefusedSuspect(row.row_number, row.kind, form.value, InvalidIdentifier(row.kind, form).how_to_fix)
            )
        elif (refusal := refusal_of(form, canon.alliance)) is not None:
            bad.append(RefusedSuspect(row.row_number, row.kind, *refusal))
        elif form in found:
            repeated += 1
        else:
            found[form] = None
    suspects = [drawn(it.kind, it.canonical) for it in found]
    SystemRandom().shuffle(suspects)
    return Sorted(tuple(suspects), tuple(bad), repeated)


def draw_up(
    terms: CaseTerms, document_sha256: bytes, found: Sorted, *, liaison: str, now_ms: int
) -> tuple[case_pb2.CaseRequest, Secret]:
    """Make the request that officers sign, and the secret of its key: work for a thread; raises InvalidUse."""
    if not found.suspects:
        raise InvalidUse("a case is about somebody, and no row of the list can be used")
    public_key, secret = envelope.generate()
    counts = Counter(kind_number(it.kind) for it in found.suspects)
    leaves = [it.leaf for it in found.suspects]
    request = case_pb2.CaseRequest(
        case_id=os.urandom(ID_BYTES),
        liaison=liaison,
        number=terms.number,
        instrument_type=case_pb2.InstrumentType.ValueType(_word(InstrumentType, terms.instrument, "instrument")),
        instrument_reference=terms.reference,
        instrument_sha256=document_sha256,
        instrument_until=terms.until,
        categories=[taxonomy_pb2.Category.ValueType(it) for it in _categories(terms.categories)],
        suspects=[case_pb2.SuspectCount(kind=kind, items=counts[kind]) for kind in sorted(counts)],
        period_from=terms.period[0],
        period_to=min(terms.period[1], now_ms),
        suspects_root=SuspectTree(leaves).root,
        officer=terms.officer,
        second_officer=terms.second_officer,
        sealing_key=public_key,
        urgency=case_pb2.UrgencyGround.ValueType(_word(UrgencyGround, terms.urgency, "urgency"))
        if terms.urgency
        else case_pb2.URGENCY_GROUND_UNSPECIFIED,
        time=now_ms,
    )
    _check_note(terms.note, leaves)
    return request, secret


def preview_of(
    request: case_pb2.CaseRequest,
    payload: bytes,
    left: int | None,
    *,
    leaves: Sequence[bytes] = (),
    secret: Secret | None = None,
    note: str = "",
    found: Sorted | None = None,
) -> CasePreview:
    """Give what officers look at; `left` None where nothing was asked about under the instrument yet.

    Raises InvalidUse for what is no request, however little it asks for.
    """
    try:
        check_request(request)
    except CaseInvalid as error:
        if error.reason is Reason.INVALID_REQUEST:
            raise refused(error) from error
    rule = INSTRUMENT_RULES[InstrumentType(request.instrument_type)]
    return CasePreview(
        case=replace(case_of(request, payload, CaseState.DRAFT), is_here=True),
        rule=rule,
        left=rule.items if left is None else left,
        refused=found.refused if found else (),
        repeated=found.repeated if found else 0,
        leaves=tuple(leaves),
        secret=secret or Secret(b""),
        note=note,
    )


def document_digest(path: Path) -> bytes:
    """Digest an instrument's document; raises InvalidUse where it cannot be read. Blocks."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except OSError:
        raise InvalidUse("the instrument's document cannot be read: there is no such file, or it is none") from None


def _check_note(note: str, leaves: Sequence[bytes]) -> None:
    """Raise InvalidUse where a note does not fit beside each suspect."""
    if len(note.encode()) > MAX_NOTE_BYTES:
        raise InvalidUse(f"a note has at most {MAX_NOTE_BYTES} bytes")
    tree = SuspectTree(leaves)
    if max(len(contents_of(leaves, tree, index, note)) for index in range(tree.size)) > MAX_SUSPECT_BYTES:
        raise InvalidUse("the note is too long beside the longest of these identifiers")


def _categories(given: Iterable[Category | str]) -> list[Category]:
    return sorted({_word(Category, it, "category") for it in given})


def _word(words: type[W], given: W | str, name: str) -> W:
    meant = words.__members__.get(given.strip().upper()) if isinstance(given, str) else given
    if meant is None:
        raise InvalidUse(f"{name} is one of {', '.join(it.word for it in words)}")
    return meant
