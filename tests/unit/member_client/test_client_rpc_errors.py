"""gRPC's errors as ours: every reason of the catalogue, every code, and nothing of the wire's text."""

import grpc
import pytest
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2
from grpc.aio import AioRpcError, Metadata

from alliance.errors import CATALOGUE, Reason
from member_client import errors
from member_client._rpc_errors import _CLASSES, is_passing, translated

WIRE_TEXT = "secret wire text"


def failure(
    code: grpc.StatusCode, reason: str = "", domain: str = "alliance", details: str = WIRE_TEXT, **metadata: str
) -> AioRpcError:
    trailing = Metadata(("x-other", "y"))
    if reason:
        packed = any_pb2.Any()
        packed.Pack(error_details_pb2.ErrorInfo(reason=reason, domain=domain, metadata=metadata))
        status = status_pb2.Status(code=code.value[0], message=WIRE_TEXT, details=[packed])
        trailing.add("grpc-status-details-bin", status.SerializeToString())
    return AioRpcError(code, Metadata(), trailing, details=details, debug_error_string="")


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_has_its_exception_and_our_sentence(reason: Reason) -> None:
    error = translated(failure(grpc.StatusCode.INTERNAL, reason.name))
    assert type(error) is _CLASSES[reason]
    assert str(error) == CATALOGUE[reason].sentence
    assert error.how_to_fix


def test_a_spent_budget_says_when_it_renews() -> None:
    error = translated(failure(grpc.StatusCode.RESOURCE_EXHAUSTED, "BUDGET_EXHAUSTED", retry_at_ms="1800000000000"))
    assert isinstance(error, errors.BudgetExhausted)
    assert error.retry_at == 1_800_000_000_000


@pytest.mark.parametrize("text", ["", "soon", "-5", "9" * 40])
def test_a_malformed_renewal_is_ignored(text: str) -> None:
    error = translated(failure(grpc.StatusCode.RESOURCE_EXHAUSTED, "BUDGET_EXHAUSTED", retry_at_ms=text))
    assert isinstance(error, errors.BudgetExhausted)
    assert error.retry_at is None


@pytest.mark.parametrize("code", list(grpc.StatusCode))
def test_every_code_without_a_reason_is_translated_and_repeats_nothing(code: grpc.StatusCode) -> None:
    error = translated(failure(code))
    assert isinstance(error, errors.AllianceClientError)
    assert WIRE_TEXT not in str(error)


def test_another_domain_or_reason_is_not_believed() -> None:
    assert type(translated(failure(grpc.StatusCode.UNAVAILABLE, "REPLAYED", "elsewhere"))) is errors.HubUnavailable
    assert type(translated(failure(grpc.StatusCode.UNAVAILABLE, "NEW_REASON"))) is errors.HubUnavailable


def test_garbage_in_the_details_is_survived() -> None:
    trailing = Metadata(("grpc-status-details-bin", b"\xff\xff\xff"))
    assert translated(AioRpcError(grpc.StatusCode.NOT_FOUND, Metadata(), trailing, "", "")).exit_code == 2


def test_a_wrong_certificate_is_a_matter_of_integrity() -> None:
    error = translated(failure(grpc.StatusCode.UNAVAILABLE, details="...: CERTIFICATE_VERIFY_FAILED"))
    assert isinstance(error, errors.IntegrityError)


@pytest.mark.parametrize("reason", list(Reason))
def test_only_an_absent_or_busy_hub_is_tried_again(reason: Reason) -> None:
    assert is_passing(translated(failure(grpc.StatusCode.UNAVAILABLE, reason.name))) is (reason is Reason.UNAVAILABLE)
    assert is_passing(translated(failure(grpc.StatusCode.UNAVAILABLE)))


def test_every_error_of_ours_has_an_exit_code_and_is_exported() -> None:
    import member_client

    ours = [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.AllianceClientError)
    ]
    assert {kind.exit_code for kind in ours} == {1, 2, 3, 5, 6, 7}
    assert {kind.__name__ for kind in ours} <= set(member_client.__all__)


def test_an_internal_failure_that_names_no_reason_is_a_torn_connection() -> None:
    error = translated(failure(grpc.StatusCode.INTERNAL, ""))
    assert is_passing(error)
