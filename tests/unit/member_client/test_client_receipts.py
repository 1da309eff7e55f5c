"""Receipts as the SDK takes them: what is bent in one is not believed, and a restored hub has its chance."""

from hashlib import sha256
from typing import Any

import pytest
from client_fixtures import new_signing_key

from alliance.crypto.signing import SigningKey, VerifyingKey
from alliance.v1 import audit_pb2, bucket_pb2
from member_client import ReceiptInvalid
from member_client._log import GivenReceipt, ReceiptChecker
from member_client.succession import Origin

PATH = "/alliance.v1.EpochService/ListEpochs"
ASKED = b"a request"
KEY, NEXT, STRANGER = (new_signing_key(number) for number in (1, 2, 3))


class Hub:
    """The pinned hub; `follows` is the key of the origin that takes its place once it is asked."""

    def __init__(self) -> None:
        self.origin = Origin(1, KEY.public_key)
        self.follows: SigningKey | None = None

    @property
    def key(self) -> VerifyingKey:
        return VerifyingKey(self.origin.hub_key)

    async def succeeded(self) -> bool:
        if self.follows is None or self.origin.number == 2:
            return False
        self.origin = Origin(2, self.follows.public_key)
        return True


def receipt(key: SigningKey = KEY, statement_type: str = "receipt", **changes: Any) -> bytes:
    """A good one unless changed; `outcome` and `actor` are the event's."""
    event = audit_pb2.AuditEvent(
        actor=changes.pop("actor", "lender"),
        action=changes.pop("action", "epoch:list"),
        outcome=changes.pop("outcome", "ok"),
    )
    fields: dict[str, Any] = {
        "salt": sha256(b"salt %d" % changes.get("row", 7)).digest(),
        "event": event.SerializeToString(),
        "request_sha256": sha256(ASKED).digest(),
        "merge_delay_seconds": 60,
        "row": 7,
    }
    payload = audit_pb2.Receipt(**(fields | changes)).SerializeToString()
    return key.statement(statement_type, payload).SerializeToString()


@pytest.fixture
def hub() -> Hub:
    return Hub()


@pytest.fixture
def kept() -> list[GivenReceipt]:
    return []


@pytest.fixture
def check(hub: Hub, kept: list[GivenReceipt]) -> ReceiptChecker:
    pinned: Any = hub
    return ReceiptChecker("lender", pinned, kept.append)


async def test_a_good_receipt_is_kept(check: ReceiptChecker, kept: list[GivenReceipt]) -> None:
    await check.answered(PATH, ASKED, receipt())
    assert [(it.row, it.event.action) for it in kept] == [(7, "epoch:list")]


@pytest.mark.parametrize(
    "bent",
    [
        pytest.param(None, id="none"),
        pytest.param(b"", id="empty"),
        pytest.param(b"\xff\xff", id="unreadable"),
        pytest.param(receipt(STRANGER), id="another key's"),
        pytest.param(receipt(statement_type="epoch"), id="another statement"),
        pytest.param(receipt(request_sha256=sha256(b"another").digest()), id="of another request"),
        pytest.param(receipt(request_sha256=b""), id="of no request"),
        pytest.param(receipt(actor="other"), id="another member's"),
        pytest.param(receipt(outcome="NOT_FOUND"), id="of a refusal"),
        pytest.param(receipt(action="suppression:list:get"), id="another method's"),
        pytest.param(receipt(salt=b"s" * 31), id="short salt"),
        pytest.param(receipt(row=0), id="no event"),
        pytest.param(receipt(event=b"\xff"), id="unreadable event"),
        pytest.param(receipt(merge_delay_seconds=10_000_000), id="some other year"),
    ],
)
async def test_an_answer_without_its_own_receipt_is_not_believed(
    check: ReceiptChecker, kept: list[GivenReceipt], bent: bytes | None
) -> None:
    with pytest.raises(ReceiptInvalid) as caught:
        await check.answered(PATH, ASKED, bent)
    assert caught.value.exit_code == 7
    assert not kept


async def test_an_event_that_says_something_else_of_the_request_is_not_believed(
    check: ReceiptChecker, kept: list[GivenReceipt]
) -> None:
    asked = bucket_pb2.GetBucketsRequest(epoch=1, prefixes=[1, 2]).SerializeToString()
    given = receipt(action="bucket:entry:get", request_sha256=sha256(asked).digest())  # of no bucket at all
    with pytest.raises(ReceiptInvalid, match="logged another request"):
        await check.answered("/alliance.v1.BucketService/GetBuckets", asked, given)
    assert not kept


async def test_one_event_is_not_receipted_twice(check: ReceiptChecker) -> None:
    await check.answered(PATH, ASKED, receipt())
    with pytest.raises(ReceiptInvalid):
        await check.answered(PATH, ASKED, receipt())
    await check.answered(PATH, ASKED, receipt(row=8))


async def test_one_event_is_not_receipted_twice_under_two_numbers(check: ReceiptChecker) -> None:
    await check.answered(PATH, ASKED, receipt(salt=b"s" * 32))
    with pytest.raises(ReceiptInvalid):
        await check.answered(PATH, ASKED, receipt(salt=b"s" * 32, row=8))


async def test_a_restored_hub_is_believed_once_its_succession_is(hub: Hub, check: ReceiptChecker) -> None:
    await check.answered(PATH, ASKED, receipt())
    with pytest.raises(ReceiptInvalid):
        await check.answered(PATH, ASKED, receipt(NEXT, row=8))
    hub.follows = NEXT
    await check.answered(PATH, ASKED, receipt(NEXT))  # it counts on from its backup
    with pytest.raises(ReceiptInvalid):
        await check.answered(PATH, ASKED, receipt(KEY, row=9))


async def test_successions_need_no_receipt(check: ReceiptChecker, kept: list[GivenReceipt]) -> None:
    await check.answered("/alliance.v1.SuccessionService/ListSuccessions", ASKED, None)
    await check.answered("/alliance.v1.SuccessionService/ListSuccessions", ASKED, receipt(STRANGER))
    assert not kept


async def test_a_refusals_receipt_is_kept_where_there_is_one(check: ReceiptChecker, kept: list[GivenReceipt]) -> None:
    await check.refused(PATH, [ASKED], None)
    await check.refused(PATH, [ASKED], receipt(STRANGER, outcome="SUCCESSION_AWAITED"))
    assert not kept
    await check.refused(PATH, [b"the one before", ASKED], receipt(outcome="NOT_FOUND"))
    await check.refused(PATH, [ASKED], receipt(outcome="NOT_PERMITTED", request_sha256=b"", row=8))
    assert [it.event.outcome for it in kept] == ["NOT_FOUND", "NOT_PERMITTED"]
    for bent in (receipt(request_sha256=sha256(b"another").digest(), row=9), receipt(action="claim:list", row=9)):
        with pytest.raises(ReceiptInvalid):
            await check.refused(PATH, [ASKED], bent)
