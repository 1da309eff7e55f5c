"""The catalogue: every reason of the wire has a code and a sentence, and the translator keeps to it."""

import grpc
import pytest
from google.rpc import error_details_pb2

from alliance import errors
from alliance.errors import CATALOGUE, AllianceError, ClaimInvalid, Reason, StatusCode
from alliance.v1 import error_reason_pb2
from alliance_server.domain.errors import Refused, reason_of
from alliance_server.rpc.errors import status_of


def test_reasons_are_those_of_the_wire() -> None:
    wire = error_reason_pb2.DESCRIPTOR.enum_types_by_name["ErrorReason"].values
    numbers = {value.name.removeprefix("ERROR_REASON_"): value.number for value in wire}
    assert numbers.pop("UNSPECIFIED") == 0
    assert numbers == {reason.name: reason.value for reason in Reason}


def test_every_reason_is_in_the_catalogue() -> None:
    assert set(CATALOGUE) == set(Reason)
    sentences = [public.sentence for public in CATALOGUE.values()]
    assert len(set(sentences)) == len(sentences)
    assert all(sentence.endswith(".") and len(sentence) < 120 for sentence in sentences)


def test_codes_are_grpcs() -> None:
    for code in StatusCode:
        assert grpc.StatusCode[code.name].value[0] == code


@pytest.mark.parametrize("reason", Reason)
def test_a_status_has_one_error_info(reason: Reason) -> None:
    status = status_of(reason)
    info = error_details_pb2.ErrorInfo()
    (detail,) = status.details
    assert detail.Unpack(info)
    assert (info.domain, info.reason, dict(info.metadata)) == ("alliance", reason.name, {})
    assert (status.code, status.message) == (CATALOGUE[reason].code, CATALOGUE[reason].sentence)


def test_a_status_tells_when_to_come_back() -> None:
    info = error_details_pb2.ErrorInfo()
    status_of(Reason.BUDGET_EXHAUSTED, 1234).details[0].Unpack(info)
    assert dict(info.metadata) == {"retry_at_ms": "1234"}


def test_reasons_of_exceptions() -> None:
    assert reason_of(Refused(Reason.REPLAYED, "")) is Reason.REPLAYED
    assert reason_of(ClaimInvalid(Reason.CLAIM_INVALID, "")) is Reason.CLAIM_INVALID
    assert reason_of(errors.InvalidElement()) is Reason.INVALID_ELEMENT
    assert reason_of(errors.InvalidBatch()) is Reason.INVALID_BATCH
    assert reason_of(errors.SignatureInvalid()) is Reason.SIGNATURE_INVALID
    for unforeseen in (errors.KeyFileInvalid(), errors.BoxInvalid(), errors.FilterInvalid(), AllianceError()):
        assert reason_of(unforeseen) is Reason.INTERNAL
