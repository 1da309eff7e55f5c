"""What an event says of the request that its receipt is bound to."""

from typing import Any

import pytest

from alliance.v1.audit_pb2 import AuditEvent
from alliance.v1.bucket_pb2 import GetBucketsRequest
from alliance.v1.evaluation_pb2 import EvaluateRequest, EvaluationHeader
from alliance.v1.statement_pb2 import SignedStatement
from alliance.v1.taxonomy_pb2 import PURPOSE_LOAN_APPLICATION, PURPOSE_TRANSACTION
from member_client._log.saying import says_what_was_sent

EVALUATE = "/alliance.v1.EvaluationService/Evaluate"
BUCKETS = "/alliance.v1.BucketService/GetBuckets"
ROOT = b"r" * 32
HEADER = EvaluationHeader(epoch=2, purpose=PURPOSE_LOAN_APPLICATION, count=3, consent_root=ROOT, operator="op-7")
ASKED = EvaluateRequest(
    header=SignedStatement(payload=HEADER.SerializeToString()), blinded=b"b" * 96
).SerializeToString()
LOGGED: dict[str, Any] = {
    "epoch": 2,
    "purpose": PURPOSE_LOAN_APPLICATION,
    "items": 3,
    "operator": "op-7",
    "commitments": [b"c" * 32, ROOT],
}


def test_an_evaluation_that_was_logged_as_it_was_sent() -> None:
    assert says_what_was_sent(EVALUATE, ASKED, AuditEvent(**LOGGED))


@pytest.mark.parametrize(
    "lie",
    [
        {"items": 0},
        {"items": 4096},
        {"purpose": PURPOSE_TRANSACTION},
        {"epoch": 1},
        {"operator": ""},
        {"commitments": [b"c" * 32, b"R" * 32]},
        {"commitments": []},
    ],
)
def test_an_evaluation_that_was_logged_as_another(lie: dict[str, Any]) -> None:
    assert not says_what_was_sent(EVALUATE, ASKED, AuditEvent(**(LOGGED | lie)))


def test_buckets_are_logged_by_their_number_and_epoch() -> None:
    asked = GetBucketsRequest(epoch=2, prefix_bits=4, prefixes=[1, 2]).SerializeToString()
    assert says_what_was_sent(BUCKETS, asked, AuditEvent(epoch=2, items=2))
    assert not says_what_was_sent(BUCKETS, asked, AuditEvent(epoch=2, items=1))
    assert not says_what_was_sent(BUCKETS, asked, AuditEvent(epoch=1, items=2))


def test_events_that_say_no_more_than_which_call_it_was() -> None:
    assert says_what_was_sent("/alliance.v1.EpochService/ListEpochs", b"", AuditEvent(items=9))


def test_what_cannot_be_read_was_not_sent_so() -> None:
    assert not says_what_was_sent(EVALUATE, b"\xff", AuditEvent(**LOGGED))
