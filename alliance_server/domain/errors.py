"""Refusals: the hub's one exception for what it will not do."""

from alliance.errors import (
    AllianceError,
    CaseInvalid,
    ClaimInvalid,
    InvalidBatch,
    InvalidElement,
    Reason,
    SignatureInvalid,
)

FAULTS = frozenset({Reason.INTERNAL, Reason.STORAGE_FULL, Reason.SUCCESSION_AWAITED, Reason.UNAVAILABLE})
"""The hub's own trouble, which says nothing about a caller."""


class Refused(AllianceError):
    """A call or row is refused. The detail goes to the log; the caller reads the catalogue's sentence."""

    def __init__(self, reason: Reason, detail: str, *, retry_at_ms: int | None = None) -> None:
        super().__init__(detail)
        self.reason = reason
        self.retry_at_ms = retry_at_ms


def reason_of(error: AllianceError) -> Reason:
    """Give the wire's reason for an error of the core or of the hub."""
    match error:
        case Refused() | CaseInvalid() | ClaimInvalid():
            return error.reason
        case InvalidElement():
            return Reason.INVALID_ELEMENT
        case InvalidBatch():
            return Reason.INVALID_BATCH
        case SignatureInvalid():
            return Reason.SIGNATURE_INVALID
        case _:
            return Reason.INTERNAL
