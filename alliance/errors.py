"""The error catalogue: what can go wrong, and the one table of what the wire says of it.

- Every exception of the core is an AllianceError. Programs add their own below it.
- No text here or passed here may carry an identifier, a tag or a key byte.
- `CATALOGUE` maps each reason to a gRPC status code and a sentence that any caller may read. Reasons that would
  reveal whether something exists are merged.
"""

from dataclasses import dataclass
from enum import IntEnum

from alliance.v1 import error_reason_pb2 as wire

ERROR_DOMAIN = "alliance"


class AllianceError(Exception):
    """Base of all errors of this project."""


class InvalidElement(AllianceError):
    """Bytes are not a canonical encoding of a group element other than the identity (RFC 9496)."""


class InvalidBatch(AllianceError):
    """A batch is empty or over its limit."""


class ProofInvalid(AllianceError):
    """A batched DLEQ proof does not verify: the evaluator used another key, or the reply was changed."""


class FilterInvalid(AllianceError):
    """A filter, header or delta does not hold together."""


class SignatureInvalid(AllianceError):
    """A signed statement does not verify under the key that it should."""


class MerkleProofInvalid(AllianceError):
    """A proof of inclusion or of consistency does not verify: a leaf is missing, or a tree was changed."""


class NoteInvalid(AllianceError):
    """A signed note, checkpoint or tile is not one, or is not signed by whom it should be."""


class BoxInvalid(AllianceError):
    """A box does not open, or holds something other than it was asked for."""


class EnvelopeInvalid(AllianceError):
    """What is sealed to an officer does not open, or does not fit."""


class BundleInvalid(AllianceError):
    """A case's bundle cannot be read, or cannot be made of what is there."""


class CaseInvalid(AllianceError):
    """What a case asks for breaks a rule; `reason` is the wire's word for it."""

    def __init__(self, reason: "Reason", detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class ClaimInvalid(AllianceError):
    """A claim's fields break a rule; `reason` is the wire's word for it."""

    def __init__(self, reason: "Reason", detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class KeyFileInvalid(AllianceError):
    """A sealed key file is damaged, was sealed for another place, or the passphrase is wrong."""


class FingerprintUnreadable(AllianceError):
    """Words are no fingerprint: some are missing, are not in the list, or were misheard."""


class FingerprintDiffers(AllianceError):
    """Words are the fingerprint of another key."""


class UnknownWord(AllianceError):
    """A text is none of the words of a table."""


class Reason(IntEnum):
    """Reason of a refusal; names and numbers are those of `error_reason.proto`."""

    INTERNAL = wire.ERROR_REASON_INTERNAL
    INVALID_REQUEST = wire.ERROR_REASON_INVALID_REQUEST
    INVALID_BATCH = wire.ERROR_REASON_INVALID_BATCH
    INVALID_ELEMENT = wire.ERROR_REASON_INVALID_ELEMENT
    SIGNATURE_INVALID = wire.ERROR_REASON_SIGNATURE_INVALID
    NOT_AUTHENTICATED = wire.ERROR_REASON_NOT_AUTHENTICATED
    NOT_PERMITTED = wire.ERROR_REASON_NOT_PERMITTED
    PURPOSE_NOT_PERMITTED = wire.ERROR_REASON_PURPOSE_NOT_PERMITTED
    CONSENT_MISSING = wire.ERROR_REASON_CONSENT_MISSING
    REPLAYED = wire.ERROR_REASON_REPLAYED
    CONFLICTING_RETRY = wire.ERROR_REASON_CONFLICTING_RETRY
    BUDGET_EXHAUSTED = wire.ERROR_REASON_BUDGET_EXHAUSTED
    EPOCH_NOT_SERVED = wire.ERROR_REASON_EPOCH_NOT_SERVED
    NOT_FOUND = wire.ERROR_REASON_NOT_FOUND
    FILTER_CHANGED = wire.ERROR_REASON_FILTER_CHANGED
    TOKEN_REFUSED = wire.ERROR_REASON_TOKEN_REFUSED
    CLAIM_INVALID = wire.ERROR_REASON_CLAIM_INVALID
    EXPIRY_OUT_OF_BOUNDS = wire.ERROR_REASON_EXPIRY_OUT_OF_BOUNDS
    LIVE_CLAIM_EXISTS = wire.ERROR_REASON_LIVE_CLAIM_EXISTS
    COUNTERSIGNATURE_MISSING = wire.ERROR_REASON_COUNTERSIGNATURE_MISSING
    NO_EVALUATION_LEFT = wire.ERROR_REASON_NO_EVALUATION_LEFT
    ILLEGAL_TRANSITION = wire.ERROR_REASON_ILLEGAL_TRANSITION
    STORAGE_FULL = wire.ERROR_REASON_STORAGE_FULL
    UNAVAILABLE = wire.ERROR_REASON_UNAVAILABLE
    PROPOSAL_CLOSED = wire.ERROR_REASON_PROPOSAL_CLOSED
    ANOTHER_ADMIN_NEEDED = wire.ERROR_REASON_ANOTHER_ADMIN_NEEDED
    MEMBER_STATE_CONFLICT = wire.ERROR_REASON_MEMBER_STATE_CONFLICT
    TWO_ADMINS_NEEDED = wire.ERROR_REASON_TWO_ADMINS_NEEDED
    EPOCH_STATE_CONFLICT = wire.ERROR_REASON_EPOCH_STATE_CONFLICT
    COMMON_RULES_CONFLICT = wire.ERROR_REASON_COMMON_RULES_CONFLICT
    RETAGGING_INCOMPLETE = wire.ERROR_REASON_RETAGGING_INCOMPLETE
    NOTHING_TO_RETAG = wire.ERROR_REASON_NOTHING_TO_RETAG
    BURST_EXHAUSTED = wire.ERROR_REASON_BURST_EXHAUSTED
    KEY_NOT_CONFIRMED = wire.ERROR_REASON_KEY_NOT_CONFIRMED
    TOO_MANY_ATTEMPTS = wire.ERROR_REASON_TOO_MANY_ATTEMPTS
    TOO_MANY_PROPOSALS = wire.ERROR_REASON_TOO_MANY_PROPOSALS
    SUCCESSION_AWAITED = wire.ERROR_REASON_SUCCESSION_AWAITED
    WITNESSES_AWAITED = wire.ERROR_REASON_WITNESSES_AWAITED
    SUCCESSION_CONFLICT = wire.ERROR_REASON_SUCCESSION_CONFLICT
    DISPUTE_NOT_POSSIBLE = wire.ERROR_REASON_DISPUTE_NOT_POSSIBLE
    DISPUTE_OPEN = wire.ERROR_REASON_DISPUTE_OPEN
    DISPUTE_REPEATED = wire.ERROR_REASON_DISPUTE_REPEATED
    DISPUTE_CLOSED = wire.ERROR_REASON_DISPUTE_CLOSED
    DISPUTE_NOT_ESCALATABLE = wire.ERROR_REASON_DISPUTE_NOT_ESCALATABLE
    COSIGNATURE_REFUSED = wire.ERROR_REASON_COSIGNATURE_REFUSED
    OUTCOMES_IMPLAUSIBLE = wire.ERROR_REASON_OUTCOMES_IMPLAUSIBLE
    FILING_RULE_BROKEN = wire.ERROR_REASON_FILING_RULE_BROKEN
    TWO_OPERATORS_NEEDED = wire.ERROR_REASON_TWO_OPERATORS_NEEDED
    OPERATOR_CONFLICT = wire.ERROR_REASON_OPERATOR_CONFLICT
    SUSPECTS_NOT_EVALUATED = wire.ERROR_REASON_SUSPECTS_NOT_EVALUATED
    CASE_OUT_OF_SCOPE = wire.ERROR_REASON_CASE_OUT_OF_SCOPE
    INSTRUMENT_EXPIRED = wire.ERROR_REASON_INSTRUMENT_EXPIRED
    INSTRUMENT_EXHAUSTED = wire.ERROR_REASON_INSTRUMENT_EXHAUSTED
    CASE_STATE_CONFLICT = wire.ERROR_REASON_CASE_STATE_CONFLICT
    ANOTHER_APPROVER_NEEDED = wire.ERROR_REASON_ANOTHER_APPROVER_NEEDED
    TWO_OFFICERS_NEEDED = wire.ERROR_REASON_TWO_OFFICERS_NEEDED
    REPLY_WINDOW_CLOSED = wire.ERROR_REASON_REPLY_WINDOW_CLOSED
    ATTACHMENT_MISMATCH = wire.ERROR_REASON_ATTACHMENT_MISMATCH
    TOO_MANY_ATTACHMENTS = wire.ERROR_REASON_TOO_MANY_ATTACHMENTS
    COUNTERSIGNATURE_CLOSED = wire.ERROR_REASON_COUNTERSIGNATURE_CLOSED


class StatusCode(IntEnum):
    """gRPC status codes in use (google.rpc.Code)."""

    INVALID_ARGUMENT = 3
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    INTERNAL = 13
    UNAVAILABLE = 14
    UNAUTHENTICATED = 16


@dataclass(frozen=True, slots=True)
class PublicError:
    """What a caller is told."""

    code: StatusCode
    sentence: str


CATALOGUE: dict[Reason, PublicError] = {
    Reason.INTERNAL: PublicError(StatusCode.INTERNAL, "The hub failed; the call took no effect unless acknowledged."),
    Reason.INVALID_REQUEST: PublicError(StatusCode.INVALID_ARGUMENT, "A field is missing or malformed."),
    Reason.INVALID_BATCH: PublicError(StatusCode.INVALID_ARGUMENT, "The batch is empty or over its limit."),
    Reason.INVALID_ELEMENT: PublicError(
        StatusCode.INVALID_ARGUMENT, "An element is not a canonical group element; nothing was evaluated."
    ),
    Reason.SIGNATURE_INVALID: PublicError(
        StatusCode.INVALID_ARGUMENT, "A signature does not verify under the member's registered key."
    ),
    Reason.NOT_AUTHENTICATED: PublicError(
        StatusCode.UNAUTHENTICATED, "No valid certificate of an active member was shown."
    ),
    Reason.NOT_PERMITTED: PublicError(StatusCode.PERMISSION_DENIED, "The caller's role does not permit this call."),
    Reason.PURPOSE_NOT_PERMITTED: PublicError(StatusCode.PERMISSION_DENIED, "This purpose is not open to the caller."),
    Reason.CONSENT_MISSING: PublicError(StatusCode.INVALID_ARGUMENT, "This purpose needs a consent root of 32 bytes."),
    Reason.REPLAYED: PublicError(
        StatusCode.FAILED_PRECONDITION, "The header is stale, from the future, or another member's; check the clock."
    ),
    Reason.CONFLICTING_RETRY: PublicError(StatusCode.ALREADY_EXISTS, "This id was used before with other content."),
    Reason.BUDGET_EXHAUSTED: PublicError(
        StatusCode.RESOURCE_EXHAUSTED, "The day's budget for this purpose is spent; it renews at 00:00 UTC."
    ),
    Reason.EPOCH_NOT_SERVED: PublicError(StatusCode.FAILED_PRECONDITION, "This epoch does not serve the call."),
    Reason.NOT_FOUND: PublicError(StatusCode.NOT_FOUND, "There is no such thing, or it is not the caller's."),
    Reason.FILTER_CHANGED: PublicError(
        StatusCode.FAILED_PRECONDITION, "The filter was replaced or is not ready; ask for its header again."
    ),
    Reason.TOKEN_REFUSED: PublicError(
        StatusCode.PERMISSION_DENIED,
        "The token is unknown, not approved yet, used or expired; ask the alliance, or for a new invitation.",
    ),
    Reason.CLAIM_INVALID: PublicError(StatusCode.INVALID_ARGUMENT, "The claim's fields break a rule of the taxonomy."),
    Reason.EXPIRY_OUT_OF_BOUNDS: PublicError(
        StatusCode.INVALID_ARGUMENT, "The expiry is past, or later than the retention table allows."
    ),
    Reason.LIVE_CLAIM_EXISTS: PublicError(
        StatusCode.ALREADY_EXISTS, "A live claim of this contributor stands on this identifier in this category."
    ),
    Reason.COUNTERSIGNATURE_MISSING: PublicError(
        StatusCode.FAILED_PRECONDITION, "Evidence of this level needs a liaison's countersignature."
    ),
    Reason.NO_EVALUATION_LEFT: PublicError(
        StatusCode.FAILED_PRECONDITION, "More rows than contribution evaluations; evaluate each row first."
    ),
    Reason.ILLEGAL_TRANSITION: PublicError(
        StatusCode.FAILED_PRECONDITION, "The claim's status does not permit this change."
    ),
    Reason.STORAGE_FULL: PublicError(
        StatusCode.UNAVAILABLE, "The hub's storage is full; what was acknowledged is safe. Try again later."
    ),
    Reason.UNAVAILABLE: PublicError(StatusCode.UNAVAILABLE, "The hub is busy or stopping; try again."),
    Reason.PROPOSAL_CLOSED: PublicError(
        StatusCode.FAILED_PRECONDITION, "The proposal is decided, withdrawn or expired; propose it again."
    ),
    Reason.ANOTHER_ADMIN_NEEDED: PublicError(
        StatusCode.PERMISSION_DENIED,
        "Another admin decides this: not the one who proposed it, nor the one it is about.",
    ),
    Reason.MEMBER_STATE_CONFLICT: PublicError(
        StatusCode.FAILED_PRECONDITION, "The member's state does not permit this change."
    ),
    Reason.TWO_ADMINS_NEEDED: PublicError(
        StatusCode.FAILED_PRECONDITION, "An alliance keeps two admins who can act; this would leave fewer."
    ),
    Reason.EPOCH_STATE_CONFLICT: PublicError(
        StatusCode.FAILED_PRECONDITION, "The epoch's state does not permit this change, or its number is not the next."
    ),
    Reason.COMMON_RULES_CONFLICT: PublicError(
        StatusCode.FAILED_PRECONDITION,
        "The policy is adopted already, or the list's number is not the one after that in force.",
    ),
    Reason.RETAGGING_INCOMPLETE: PublicError(
        StatusCode.FAILED_PRECONDITION, "Live claims of the epoch are not re-tagged yet; the standings name whose."
    ),
    Reason.NOTHING_TO_RETAG: PublicError(
        StatusCode.FAILED_PRECONDITION, "The caller has fewer claims that wait to be re-tagged than it asked about."
    ),
    Reason.BURST_EXHAUSTED: PublicError(
        StatusCode.RESOURCE_EXHAUSTED, "More was asked for at once than the member may; it may again a little later."
    ),
    Reason.KEY_NOT_CONFIRMED: PublicError(
        StatusCode.FAILED_PRECONDITION, "The member has enrolled, and its key waits to be confirmed."
    ),
    Reason.TOO_MANY_ATTEMPTS: PublicError(
        StatusCode.RESOURCE_EXHAUSTED, "Too many enrolments were refused; try again a little later."
    ),
    Reason.TOO_MANY_PROPOSALS: PublicError(
        StatusCode.FAILED_PRECONDITION, "The admin has as many open proposals as it may; some must be decided first."
    ),
    Reason.SUCCESSION_AWAITED: PublicError(
        StatusCode.UNAVAILABLE, "The hub was restored from a backup and waits for two admins who sign its succession."
    ),
    Reason.WITNESSES_AWAITED: PublicError(
        StatusCode.FAILED_PRECONDITION, "Fewer of the alliance's witnesses have cosigned the hub's log than must have."
    ),
    Reason.SUCCESSION_CONFLICT: PublicError(
        StatusCode.FAILED_PRECONDITION, "This is not the succession that the hub shows; look at it again."
    ),
    Reason.DISPUTE_NOT_POSSIBLE: PublicError(
        StatusCode.FAILED_PRECONDITION,
        "No dispute can be opened so: there is no such live claim of another member, or the token is not its.",
    ),
    Reason.DISPUTE_OPEN: PublicError(
        StatusCode.FAILED_PRECONDITION, "A dispute about the claim waits already, or has had the claim suspended."
    ),
    Reason.DISPUTE_REPEATED: PublicError(
        StatusCode.FAILED_PRECONDITION,
        "An earlier dispute about the claim was answered; another one needs evidence that is new.",
    ),
    Reason.DISPUTE_CLOSED: PublicError(
        StatusCode.FAILED_PRECONDITION,
        "The dispute is answered or over, or a reviewer suspended the claim: that may be ended, and is not upheld.",
    ),
    Reason.DISPUTE_NOT_ESCALATABLE: PublicError(
        StatusCode.FAILED_PRECONDITION,
        "A dispute is escalated within 30 days after the contributor upheld its claim, while the claim lives.",
    ),
    Reason.COSIGNATURE_REFUSED: PublicError(
        StatusCode.INVALID_ARGUMENT, "The line is no cosignature of the checkpoint by a witness in force."
    ),
    Reason.OUTCOMES_IMPLAUSIBLE: PublicError(
        StatusCode.FAILED_PRECONDITION,
        "More outcomes were reported in 35 days than the member asked for evaluations in them.",
    ),
    Reason.FILING_RULE_BROKEN: PublicError(
        StatusCode.INVALID_ARGUMENT,
        "The filing rules of the category do not allow this kind, role, evidence, or conduct so long ago.",
    ),
    Reason.TWO_OPERATORS_NEEDED: PublicError(
        StatusCode.FAILED_PRECONDITION, "Two registered operators of the member approve such a claim within a week."
    ),
    Reason.OPERATOR_CONFLICT: PublicError(
        StatusCode.FAILED_PRECONDITION,
        "The operator's id or key was registered before, or the member has as many operators as it may.",
    ),
    Reason.SUSPECTS_NOT_EVALUATED: PublicError(
        StatusCode.FAILED_PRECONDITION, "These suspects were not evaluated under this case, or were submitted before."
    ),
    Reason.CASE_OUT_OF_SCOPE: PublicError(
        StatusCode.PERMISSION_DENIED, "The case asks for more than its liaison, its instrument or its request covers."
    ),
    Reason.INSTRUMENT_EXPIRED: PublicError(StatusCode.FAILED_PRECONDITION, "The legal instrument's time is over."),
    Reason.INSTRUMENT_EXHAUSTED: PublicError(
        StatusCode.RESOURCE_EXHAUSTED, "More suspects than may be asked about under this instrument."
    ),
    Reason.CASE_STATE_CONFLICT: PublicError(
        StatusCode.FAILED_PRECONDITION, "The case's state does not permit this; look at the case again."
    ),
    Reason.ANOTHER_APPROVER_NEEDED: PublicError(
        StatusCode.PERMISSION_DENIED,
        "An approver of this function decided already; one of the other is needed.",
    ),
    Reason.TWO_OFFICERS_NEEDED: PublicError(
        StatusCode.FAILED_PRECONDITION,
        "Two registered officers of the liaison sign this, each with their own key.",
    ),
    Reason.REPLY_WINDOW_CLOSED: PublicError(
        StatusCode.FAILED_PRECONDITION, "Replies to this case are not taken now: too early, or too late."
    ),
    Reason.ATTACHMENT_MISMATCH: PublicError(
        StatusCode.FAILED_PRECONDITION,
        "The attachment is not what was signed: its size, digest or where it goes on.",
    ),
    Reason.TOO_MANY_ATTACHMENTS: PublicError(
        StatusCode.RESOURCE_EXHAUSTED, "The member has as many attachments to the case, or as large ones, as it may."
    ),
    Reason.COUNTERSIGNATURE_CLOSED: PublicError(
        StatusCode.FAILED_PRECONDITION, "The request for a countersignature was answered, or its time is over."
    ),
}
