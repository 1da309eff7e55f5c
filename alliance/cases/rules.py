"""What a request may ask for: the table of instruments, and the rules that everybody holds a request against."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from alliance.cases.words import InstrumentType, UrgencyGround
from alliance.errors import CaseInvalid, Reason
from alliance.taxonomy import DAY_MS, Category
from alliance.v1 import taxonomy_pb2
from alliance.v1.case_pb2 import CaseRequest

ID_BYTES: Final = 16
DIGEST_BYTES: Final = 32
KEY_BYTES: Final = 32
MAX_NOTE_BYTES: Final = 512
MAX_REASON_BYTES: Final = 500
MAX_BASIS_BYTES: Final = 1_000
MAX_ROWS: Final = 256
"""Suspects a submission."""
_TYPES: Final = frozenset(map(int, InstrumentType))
_URGENCIES: Final = frozenset(map(int, UrgencyGround)) | {0}
_CATEGORIES: Final = frozenset(map(int, Category))
_KINDS: Final = frozenset(map(int, taxonomy_pb2.Kind.values())) - {0}
_NUMBER: Final = re.compile(r"[\w〔〕（）()\[\]【】/.\-]{1,64}")
_LONG_NUMBER: Final = re.compile(r"\d{9}")
_OPERATOR: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class InstrumentRule:
    """How many suspects one instrument covers, over how long a look-back, and how long it lasts at most."""

    items: int
    lookback_ms: int
    valid_ms: int


INSTRUMENT_RULES: Final[Mapping[InstrumentType, InstrumentRule]] = MappingProxyType(
    {
        InstrumentType.EVIDENCE_NOTICE: InstrumentRule(2_000, 3 * 365 * DAY_MS, 180 * DAY_MS),
        InstrumentType.INQUIRY_NOTICE: InstrumentRule(500, 365 * DAY_MS, 90 * DAY_MS),
        InstrumentType.EMERGENCY_STOP: InstrumentRule(200, 90 * DAY_MS, 7 * DAY_MS),
        InstrumentType.COURT_ORDER: InstrumentRule(10_000, 5 * 365 * DAY_MS, 365 * DAY_MS),
    }
)


def is_number(text: str) -> bool:
    """Tell whether a text is a case's or an instrument's number: no spaces, nothing like a telephone number."""
    return _NUMBER.fullmatch(text) is not None and len(text.encode()) <= 64 and not has_long_number(text)


def has_long_number(text: str) -> bool:
    """Tell whether a text has nine digits in a row, as telephone numbers, cards and people's numbers have."""
    return _LONG_NUMBER.search(text) is not None


def is_reason(text: str) -> bool:
    """Tell whether a text may be an approver's reason: 1 to 500 bytes, nothing like a telephone number."""
    return bool(text.strip()) and len(text.encode()) <= MAX_REASON_BYTES and not has_long_number(text)


def items_of(request: CaseRequest) -> int:
    """Give how many suspects a request is about."""
    return sum(count.items for count in request.suspects)


def is_urgent(request: CaseRequest) -> bool:
    """Tell whether a request states a ground of urgency."""
    return request.urgency != 0


def check_request(request: CaseRequest) -> None:
    """Check a request by itself; raises CaseInvalid. The clock and the liaison's scope are the caller's to check."""
    _check_form(request)
    rule = INSTRUMENT_RULES[InstrumentType(request.instrument_type)]
    if request.instrument_until <= request.time:
        raise CaseInvalid(Reason.INSTRUMENT_EXPIRED, "the instrument's time is over")
    if request.instrument_until > request.time + rule.valid_ms:
        raise CaseInvalid(Reason.CASE_OUT_OF_SCOPE, "an instrument of this type does not last so long")
    if request.period_to - request.period_from > rule.lookback_ms:
        raise CaseInvalid(Reason.CASE_OUT_OF_SCOPE, "an instrument of this type does not look back so far")
    if items_of(request) > rule.items:
        raise CaseInvalid(Reason.INSTRUMENT_EXHAUSTED, "more suspects than an instrument of this type covers")


def _check_form(request: CaseRequest) -> None:
    kinds = [count.kind for count in request.suspects]
    faults = {
        "a case's id has 16 bytes": len(request.case_id) != ID_BYTES,
        "a case's number has no spaces and no nine digits in a row": not is_number(request.number),
        "an instrument's number has no spaces and no nine digits in a row": not is_number(request.instrument_reference),
        "an instrument is of a type that there is": request.instrument_type not in _TYPES,
        "an instrument's document has a digest": len(request.instrument_sha256) != DIGEST_BYTES,
        "categories ascend, each once": not _ascends(request.categories, _CATEGORIES),
        "kinds ascend, each once": not _ascends(kinds, _KINDS),
        "each kind has suspects": any(count.items == 0 for count in request.suspects),
        "a look-back ends after it begins, and not in the future": not (
            0 <= request.period_from < request.period_to <= request.time
        ),
        "suspects have a root": len(request.suspects_root) != DIGEST_BYTES,
        "two officers are named": request.officer == request.second_officer
        or not all(_OPERATOR.fullmatch(name) for name in (request.officer, request.second_officer)),
        "the sealing key has 32 bytes": len(request.sealing_key) != KEY_BYTES,
        "urgency has a ground that there is": request.urgency not in _URGENCIES,
    }
    if fault := next((what for what, holds in faults.items() if holds), ""):
        raise CaseInvalid(Reason.INVALID_REQUEST, fault)


def _ascends(numbers: Iterable[int], known: frozenset[int]) -> bool:
    listed = list(numbers)
    return bool(listed) and listed == sorted(set(listed)) and known.issuperset(listed)
