"""The one translator of errors: detail to the log, the catalogue's sentence to the caller."""

from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2

from alliance.errors import CATALOGUE, ERROR_DOMAIN, Reason


def status_of(reason: Reason, retry_at_ms: int | None = None) -> status_pb2.Status:
    """Give the `google.rpc.Status` of a reason, with exactly one ErrorInfo."""
    public = CATALOGUE[reason]
    info = error_details_pb2.ErrorInfo(domain=ERROR_DOMAIN, reason=reason.name)
    if retry_at_ms is not None:
        info.metadata["retry_at_ms"] = str(retry_at_ms)
    detail = any_pb2.Any()
    detail.Pack(info)
    return status_pb2.Status(code=public.code, message=public.sentence, details=[detail])
