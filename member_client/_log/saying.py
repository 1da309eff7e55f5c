"""What an event must say of the request that its receipt is bound to, where it says more than which call it was.

The receipt binds the request's bytes, the leaf in the log does not: a hub that logged another number, purpose or
consent than was sent would show auditors what never was.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from google.protobuf.message import DecodeError

from alliance.v1.audit_pb2 import AuditEvent
from alliance.v1.bucket_pb2 import GetBucketsRequest
from alliance.v1.evaluation_pb2 import EvaluateRequest, EvaluationHeader


def says_what_was_sent(path: str, message: bytes, event: AuditEvent) -> bool:
    """Tell whether an event agrees with the request of its call, as far as such events say anything of it."""
    agrees = _AGREES.get(path)
    try:
        return agrees is None or agrees(message, event)
    except DecodeError:
        return False


def _of_evaluation(message: bytes, event: AuditEvent) -> bool:
    header = EvaluationHeader.FromString(EvaluateRequest.FromString(message).header.payload)
    sent = (header.count, header.purpose, header.epoch, header.operator)
    logged = (event.items, event.purpose, event.epoch, event.operator)
    return logged == sent and (not header.consent_root or header.consent_root in event.commitments)


def _of_buckets(message: bytes, event: AuditEvent) -> bool:
    request = GetBucketsRequest.FromString(message)
    return (event.items, event.epoch) == (len(request.prefixes), request.epoch)


_AGREES: Final[Mapping[str, Callable[[bytes, AuditEvent], bool]]] = MappingProxyType(
    {
        "/alliance.v1.EvaluationService/Evaluate": _of_evaluation,
        "/alliance.v1.BucketService/GetBuckets": _of_buckets,
    }
)
