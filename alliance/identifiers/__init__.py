"""`norm/1`: kind and raw text → one canonical form, or a refusal that never repeats the text.

Rules of the whole package (protocol §1):
1. One real-world thing has one form. Where two readings are possible the text is refused; nothing is guessed.
2. The result depends on the text, the default region and pinned data only: not on the clock, the locale, the
   network, the Python version or who asks. Pins are phonenumberslite, idna, two Unicode versions and the
   files in `data/`; `pins()` reads what is installed, and every published vector must hold
   (`tests/vectors/norm1.json`).
3. Canonical forms are fixed points: canonicalising one gives itself.
4. A refusal says kind and reason. Neither it nor any exception chained to it holds the text.
5. Suppression comes last, and on canonical forms.

Not done here: no look-up of any kind, no hashing (the OPRF takes `Identifier.input_bytes`), no detection of
the kind.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import idna
import phonenumbers
from idna import idnadata

from alliance.identifiers.model import (
    NORM_VERSION,
    Identifier,
    InvalidIdentifier,
    Kind,
    Reason,
    RefusalError,
    UnknownKind,
    parse_kind,
)
from alliance.identifiers.rules import canonical_text, needs_general_parser
from alliance.identifiers.suppression import (
    BUILTIN,
    Suppression,
    SuppressionList,
    SuppressionListInvalid,
    suppression_list,
)
from alliance.identifiers.text import NFKC_UNICODE_VERSION, UNICODE_VERSION

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

__all__ = [
    "BUILTIN",
    "NORM_VERSION",
    "PINS",
    "Identifier",
    "InvalidIdentifier",
    "Kind",
    "Pins",
    "Reason",
    "Suppression",
    "SuppressionList",
    "SuppressionListInvalid",
    "UnknownKind",
    "canonicalise",
    "needs_general_parser",
    "parse_kind",
    "pins",
    "suppression_list",
]

_REGIONS: Final[AbstractSet[str]] = frozenset(phonenumbers.SUPPORTED_REGIONS)


@dataclass(frozen=True, slots=True)
class Pins:
    """Versions of the data that `norm/1` depends on. Two parties with other data may derive other tags."""

    norm: str
    phonenumbers: str
    idna: str
    idna_unicode: str
    unicode: str
    nfkc_unicode: str


PINS: Final = Pins(
    norm=NORM_VERSION,
    phonenumbers="9.0.42",
    idna="3.20",
    idna_unicode="18.0.0",
    unicode=UNICODE_VERSION,
    nfkc_unicode=NFKC_UNICODE_VERSION,
)


def pins() -> Pins:
    """Return what is installed; anything but `PINS` is worth a warning by `doctor`."""
    return Pins(
        norm=NORM_VERSION,
        phonenumbers=phonenumbers.__version__,
        idna=idna.__version__,
        idna_unicode=idnadata.__version__,
        unicode=UNICODE_VERSION,
        nfkc_unicode=NFKC_UNICODE_VERSION,
    )


def canonicalise(
    kind: Kind, text: str, *, default_region: str = "CN", suppression: Suppression | None = BUILTIN
) -> Identifier:
    """Return the one identifier that `text` means as a `kind`.

    Args:
        kind: what the text is; it is never guessed.
        text: as typed or exported, at most 320 characters; surrounding spaces and fullwidth forms are fine.
        default_region: ISO 3166 code that reads telephone numbers without a country code.
        suppression: shared values to refuse; None admits them, for tests and for the list's own maintenance.

    Raises:
        InvalidIdentifier: there is no canonical form, or it is suppressed. Holds kind and reason only.
        ValueError: `default_region` is not a region: a fault of the configuration, not of the text.

    """
    if default_region not in _REGIONS:
        raise ValueError("default_region is not an ISO 3166 code known to libphonenumber")
    outcome = _outcome(kind, text, default_region)
    if isinstance(outcome, Reason):
        raise InvalidIdentifier(kind, outcome)
    identifier = Identifier(kind, outcome)
    if suppression is not None and suppression.contains(identifier):
        raise InvalidIdentifier(kind, Reason.SUPPRESSED)
    return identifier


def _outcome(kind: Kind, text: str, region: str) -> str | Reason:
    """Return text or reason: the public exception is raised outside any handler and so chains nothing."""
    try:
        return canonical_text(kind, text, region)
    except RefusalError as refusal:
        return refusal.reason
