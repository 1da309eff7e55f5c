"""The one translator of gRPC's errors into ours. What a message says comes from our own table, never from the wire."""

from typing import Any

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

from alliance.errors import CATALOGUE, ERROR_DOMAIN, Reason
from member_client import errors

_DETAILS_KEY = "grpc-status-details-bin"

_CLASSES: dict[Reason, type[errors.AllianceClientError]] = {
    Reason.INTERNAL: errors.HubFault,
    Reason.INVALID_REQUEST: errors.HubError,
    Reason.INVALID_BATCH: errors.HubError,
    Reason.INVALID_ELEMENT: errors.HubError,
    Reason.SIGNATURE_INVALID: errors.NotAuthenticated,
    Reason.NOT_AUTHENTICATED: errors.NotAuthenticated,
    Reason.NOT_PERMITTED: errors.NotPermitted,
    Reason.PURPOSE_NOT_PERMITTED: errors.PurposeNotPermitted,
    Reason.CONSENT_MISSING: errors.ConsentMissing,
    Reason.REPLAYED: errors.Replayed,
    Reason.CONFLICTING_RETRY: errors.ConflictingRetry,
    Reason.BUDGET_EXHAUSTED: errors.BudgetExhausted,
    Reason.EPOCH_NOT_SERVED: errors.EpochNotServed,
    Reason.NOT_FOUND: errors.NotFound,
    Reason.FILTER_CHANGED: errors.FilterChanged,
    Reason.TOKEN_REFUSED: errors.TokenRefused,
    Reason.CLAIM_INVALID: errors.InvalidUse,
    Reason.EXPIRY_OUT_OF_BOUNDS: errors.InvalidUse,
    Reason.LIVE_CLAIM_EXISTS: errors.InvalidUse,
    Reason.COUNTERSIGNATURE_MISSING: errors.NotPermitted,
    Reason.NO_EVALUATION_LEFT: errors.Denied,
    Reason.ILLEGAL_TRANSITION: errors.IllegalTransition,
    Reason.STORAGE_FULL: errors.StorageFull,
    Reason.UNAVAILABLE: errors.HubUnavailable,
    Reason.PROPOSAL_CLOSED: errors.ProposalClosed,
    Reason.ANOTHER_ADMIN_NEEDED: errors.NotPermitted,
    Reason.MEMBER_STATE_CONFLICT: errors.MemberStateConflict,
    Reason.TWO_ADMINS_NEEDED: errors.TwoAdminsNeeded,
    Reason.EPOCH_STATE_CONFLICT: errors.EpochStateConflict,
    Reason.COMMON_RULES_CONFLICT: errors.CommonRulesConflict,
    Reason.RETAGGING_INCOMPLETE: errors.RetaggingIncomplete,
    Reason.NOTHING_TO_RETAG: errors.NothingToRetag,
    Reason.BURST_EXHAUSTED: errors.BurstExhausted,
    Reason.KEY_NOT_CONFIRMED: errors.KeyNotConfirmed,
    Reason.TOO_MANY_ATTEMPTS: errors.TooManyAttempts,
    Reason.TOO_MANY_PROPOSALS: errors.TooManyProposals,
    Reason.SUCCESSION_AWAITED: errors.SuccessionAwaited,
    Reason.WITNESSES_AWAITED: errors.WitnessesAwaited,
    Reason.SUCCESSION_CONFLICT: errors.SuccessionConflict,
    Reason.DISPUTE_NOT_POSSIBLE: errors.DisputeNotPossible,
    Reason.DISPUTE_OPEN: errors.DisputeAlreadyOpen,
    Reason.DISPUTE_REPEATED: errors.DisputeRepeated,
    Reason.DISPUTE_CLOSED: errors.DisputeClosed,
    Reason.DISPUTE_NOT_ESCALATABLE: errors.DisputeNotEscalatable,
    Reason.COSIGNATURE_REFUSED: errors.CosignatureRefused,
    Reason.OUTCOMES_IMPLAUSIBLE: errors.OutcomesImplausible,
    Reason.FILING_RULE_BROKEN: errors.InvalidUse,
    Reason.TWO_OPERATORS_NEEDED: errors.TwoOperatorsNeeded,
    Reason.OPERATOR_CONFLICT: errors.OperatorConflict,
    Reason.SUSPECTS_NOT_EVALUATED: errors.SuspectsNotEvaluated,
    Reason.CASE_OUT_OF_SCOPE: errors.CaseOutOfScope,
    Reason.INSTRUMENT_EXPIRED: errors.InstrumentExpired,
    Reason.INSTRUMENT_EXHAUSTED: errors.InstrumentExhausted,
    Reason.CASE_STATE_CONFLICT: errors.CaseStateConflict,
    Reason.ANOTHER_APPROVER_NEEDED: errors.AnotherApproverNeeded,
    Reason.TWO_OFFICERS_NEEDED: errors.TwoOfficersNeeded,
    Reason.REPLY_WINDOW_CLOSED: errors.ReplyWindowClosed,
    Reason.ATTACHMENT_MISMATCH: errors.AttachmentMismatch,
    Reason.TOO_MANY_ATTACHMENTS: errors.TooManyAttachments,
    Reason.COUNTERSIGNATURE_CLOSED: errors.CountersignatureClosed,
}

_BY_CODE: dict[grpc.StatusCode, tuple[type[errors.AllianceClientError], str]] = {
    grpc.StatusCode.UNAVAILABLE: (errors.HubUnavailable, "The hub cannot be reached."),
    grpc.StatusCode.DEADLINE_EXCEEDED: (errors.HubUnavailable, "The hub did not answer in time."),
    grpc.StatusCode.CANCELLED: (errors.HubUnavailable, "The call was cut off."),
    grpc.StatusCode.ABORTED: (errors.HubUnavailable, "The call was cut off."),
    grpc.StatusCode.UNAUTHENTICATED: (errors.NotAuthenticated, "The hub does not accept this member's certificate."),
    grpc.StatusCode.PERMISSION_DENIED: (errors.NotPermitted, "The hub does not permit this call."),
    grpc.StatusCode.NOT_FOUND: (errors.NotFound, "There is no such thing."),
    # The hub says INTERNAL with its reason. Without one it is gRPC on this side, whose connection was torn.
    grpc.StatusCode.INTERNAL: (errors.HubUnavailable, "The call was cut off."),
    grpc.StatusCode.UNKNOWN: (errors.HubFault, "The hub failed."),
}


def translated(failure: grpc.aio.AioRpcError) -> errors.AllianceClientError:
    """Give our exception for a failed call; the caller raises it `from` the failure."""
    info = _error_info(failure)
    reason = _reason(info)
    if reason is not None:
        kind, sentence = _CLASSES[reason], CATALOGUE[reason].sentence
        if info is not None and issubclass(kind, errors.BudgetExhausted | errors.TooManyAttempts):
            return kind(sentence, _milliseconds(info.metadata.get("retry_at_ms", "")))
        return kind(sentence)
    if "CERTIFICATE_VERIFY_FAILED" in (failure.details() or ""):
        return errors.CertificateInvalid("Who answers at the hub's address shows no certificate of the alliance's CA.")
    kind, sentence = _BY_CODE.get(failure.code(), (errors.HubError, "The hub refused the call without a known reason."))
    return kind(sentence)


def is_passing(error: errors.AllianceClientError) -> bool:
    """Tell whether the same call may succeed a little later: the hub is away or busy, and said nothing else."""
    return type(error) is errors.HubUnavailable


def _error_info(failure: grpc.aio.AioRpcError) -> error_details_pb2.ErrorInfo | None:
    """Find the one ErrorInfo of our domain in the trailing metadata; None where there is none to be read."""
    metadata: Any = failure.trailing_metadata()  # its stub is not iterable, the thing itself is
    for key, value in metadata or ():
        if key != _DETAILS_KEY or not isinstance(value, bytes):
            continue
        status, info = status_pb2.Status(), error_details_pb2.ErrorInfo()
        try:
            status.ParseFromString(value)
            for detail in status.details:
                if detail.Unpack(info) and info.domain == ERROR_DOMAIN:
                    return info
        except DecodeError:
            return None
    return None


def _reason(info: error_details_pb2.ErrorInfo | None) -> Reason | None:
    if info is None:
        return None
    return Reason.__members__.get(info.reason.removeprefix("ERROR_REASON_"))


def _milliseconds(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None
