"""Evaluate on the wire: right answers, every refusal, and what each costs."""

import asyncio
import json
import os
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import sqlalchemy as sa
from support.hub import RunningHub
from support.wire import WireMember, refuses, valid_elements

from alliance.crypto import group, oprf, tagging
from alliance.crypto.signing import SigningKey
from alliance.errors import Reason
from alliance.taxonomy import DAY_MS, Purpose
from alliance.v1.evaluation_pb2 import EvaluateRequest, EvaluationHeader
from alliance.v1.statement_pb2 import SignedStatement
from alliance_server.domain.epochs import EpochState
from alliance_server.domain.policy import POLICY_VERSION
from alliance_server.domain.quotas import DEFAULT_BUDGETS
from alliance_server.domain.statements import MAX_SKEW_MS

pytestmark = pytest.mark.asyncio(loop_scope="module")

VECTORS = Path(__file__).resolve().parents[3] / "shared" / "vectors" / "rfc9496" / "ristretto255.json"
GOOD = valid_elements(1)
INVALID_ELEMENTS = [
    "00" * 32,  # the identity
    "ee" + "ff" * 30 + "7f",  # 2^255 - 18: not canonical
    "01" + "00" * 31,  # negative
    "ff" * 32,
    "26948d35ca62e643e26a83177332e6b6afeb9d08e4268b650f1f5bbd8d81d371",  # no square
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",  # p
]
if VECTORS.exists():
    published = json.loads(VECTORS.read_text())["invalid_encodings"]
    INVALID_ELEMENTS += [encoding for encodings in published.values() for encoding in encodings]

OPEN_PURPOSES = [
    Purpose.LOAN_APPLICATION,
    Purpose.ACCOUNT_OPENING,
    Purpose.TRANSACTION,
    Purpose.PORTFOLIO_SCREENING,
    Purpose.CONTRIBUTION,
    Purpose.DISPUTE,
]


@pytest_asyncio.fixture(loop_scope="module")
async def member(hub: RunningHub, members: Any) -> WireMember:
    made: WireMember = await members(hub)
    return made


def replayed(hub: RunningHub, member: WireMember) -> int:
    """How many requests of a member the replay cache knows."""
    with hub.hub.store.engine.connect() as connection:
        query = sa.text("SELECT count(*) FROM evaluations WHERE member_id = :it")
        return int(connection.execute(query, {"it": member.id}).scalar_one())


def nothing_happened(hub: RunningHub, member: WireMember, purpose: int = Purpose.CONTRIBUTION) -> bool:
    """Nothing was charged and nothing is known to the replay cache."""
    return member.used(purpose) == 0 and replayed(hub, member) == 0


async def send(member: WireMember, header: SignedStatement, blinded: bytes) -> Any:
    return await member.evaluation.Evaluate(EvaluateRequest(header=header, blinded=blinded))


# -- answers ----------------------------------------------------------------------------------------------------


async def test_the_output_is_that_of_a_direct_evaluation(hub: RunningHub, member: WireMember) -> None:
    inputs = [b"alliance/v1\0phone\0+8613800138000", b"x", b"\xff" * 100]
    tags = await member.tags(*inputs)
    key = hub.hub.keys.epoch_key(1).reveal()
    for place, item in enumerate(inputs):
        element = oprf.hash_input(item)
        output = oprf.finalize_output(item, group.scalar_mult(group.Scalar(key), element))
        assert tags.tag(place) == output[:32]


@pytest.mark.parametrize("count", [1, 16, 17, 300])
async def test_batches_of_any_size(member: WireMember, count: int) -> None:
    (share,) = (await member.evaluate(valid_elements(count))).shares
    assert (share.index, len(share.evaluated), len(share.proof)) == (1, 32 * count, 64)
    assert member.used(Purpose.CONTRIBUTION) == count


async def test_the_largest_batch(member: WireMember) -> None:
    (share,) = (await member.evaluate(valid_elements(4096), Purpose.PORTFOLIO_SCREENING)).shares
    assert len(share.evaluated) == 32 * 4096


async def test_the_same_identifier_of_two_members_has_one_tag(hub: RunningHub, members: Any) -> None:
    first, second = await members(hub), await members(hub)
    assert (await first.tags(b"same")).tag(0) == (await second.tags(b"same", purpose=Purpose.TRANSACTION)).tag(0)


async def test_many_calls_at_once(member: WireMember) -> None:
    inputs = [os.urandom(8) for _ in range(40)]
    alone = [(await member.tags(item)).tag(0) for item in inputs[:3]]
    together = await asyncio.gather(*(member.tags(item, purpose=Purpose.TRANSACTION) for item in inputs))
    assert [tags.tag(0) for tags in together[:3]] == alone
    assert len({tags.tag(0) for tags in together}) == 40
    assert member.used(Purpose.TRANSACTION) == 40


@pytest.mark.parametrize("purpose", OPEN_PURPOSES)
async def test_purposes_that_are_open(member: WireMember, purpose: Purpose) -> None:
    await member.evaluate(GOOD, purpose)
    assert member.used(purpose) == 1
    (event,) = [it for it in member.events() if it.action == "evaluation:evaluate"]
    assert (int(event.purpose), event.items, event.epoch, event.outcome) == (int(purpose), 1, 1, "ok")


async def test_the_header_is_kept_so_that_it_cannot_be_denied(hub: RunningHub, member: WireMember) -> None:
    header = member.header(GOOD, operator="desk-7")
    await send(member, header, GOOD)
    with hub.hub.store.engine.connect() as connection:
        query = sa.text("SELECT header FROM evaluations WHERE member_id = :it")
        (kept,) = connection.execute(query, {"it": member.id}).scalars()
    assert SignedStatement.FromString(bytes(kept)) == header
    assert member.events()[-1].operator == "desk-7"
    assert EvaluationHeader.FromString(header.payload).consent_root in member.events()[-1].commitments


# -- elements ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", INVALID_ELEMENTS)
async def test_an_invalid_element_fails_the_call_and_costs_nothing(
    hub: RunningHub, member: WireMember, encoding: str
) -> None:
    for blinded in (bytes.fromhex(encoding), GOOD + bytes.fromhex(encoding) + GOOD):
        with refuses(Reason.INVALID_ELEMENT):
            await member.evaluate(blinded)
    assert nothing_happened(hub, member)
    assert [it.outcome for it in member.events()[-2:]] == ["INVALID_ELEMENT"] * 2


@pytest.mark.parametrize("length", [0, 1, 31, 33, 63, 65, 32 * 4096 + 1, 32 * 4097])
async def test_a_batch_of_another_length(hub: RunningHub, member: WireMember, length: int) -> None:
    blinded = valid_elements(length // 32 + 1)[:length]
    with refuses(Reason.INVALID_BATCH):
        await member.evaluate(blinded)
    assert nothing_happened(hub, member)


# -- headers ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"count": 0}, Reason.INVALID_REQUEST),
        ({"count": 2}, Reason.INVALID_REQUEST),
        ({"count": 2**32 - 1}, Reason.INVALID_REQUEST),
        ({"blinded_sha256": bytes(32)}, Reason.INVALID_REQUEST),
        ({"blinded_sha256": b""}, Reason.INVALID_REQUEST),
        ({"request_id": b""}, Reason.INVALID_REQUEST),
        ({"request_id": bytes(15)}, Reason.INVALID_REQUEST),
        ({"request_id": bytes(17)}, Reason.INVALID_REQUEST),
        ({"operator": "o" * 33}, Reason.INVALID_REQUEST),
        ({"operator": "贷" * 11}, Reason.INVALID_REQUEST),
        ({"member": "lender-zz"}, Reason.REPLAYED),
        ({"member": ""}, Reason.REPLAYED),
        ({"time": 0}, Reason.REPLAYED),
        ({"time": 2**63 - 1}, Reason.REPLAYED),
        ({"time": -(2**63)}, Reason.REPLAYED),
        ({"purpose": 0}, Reason.INVALID_REQUEST),
        ({"purpose": 10}, Reason.INVALID_REQUEST),
        ({"purpose": 2**31 - 1}, Reason.INVALID_REQUEST),
        ({"purpose": -1}, Reason.INVALID_REQUEST),
        ({"purpose": Purpose.ROTATION, "consent_root": b""}, Reason.NOTHING_TO_RETAG),
        ({"purpose": Purpose.DISPUTE, "consent_root": b""}, Reason.CONSENT_MISSING),
        ({"purpose": Purpose.INTERSECTION}, Reason.PURPOSE_NOT_PERMITTED),
        ({"purpose": Purpose.CASE}, Reason.INVALID_REQUEST),
        ({"purpose": Purpose.CASE, "case_id": bytes(16)}, Reason.NOT_FOUND),
        ({"case_id": bytes(16)}, Reason.INVALID_REQUEST),
        ({"consent_root": b""}, Reason.CONSENT_MISSING),
        ({"consent_root": bytes(31)}, Reason.CONSENT_MISSING),
        ({"consent_root": bytes(33)}, Reason.CONSENT_MISSING),
        ({"epoch": 0}, Reason.EPOCH_NOT_SERVED),
        ({"epoch": 2}, Reason.EPOCH_NOT_SERVED),
    ],
)
async def test_a_header_that_does_not_fit(
    hub: RunningHub, member: WireMember, changes: dict[str, Any], reason: Reason
) -> None:
    with refuses(reason):
        await member.evaluate(GOOD, **({"purpose": Purpose.CONTRIBUTION} | changes))
    assert nothing_happened(hub, member)
    assert (member.events()[-1].action, member.events()[-1].outcome) == ("evaluation:evaluate", reason.name)


@pytest.mark.parametrize("purpose", OPEN_PURPOSES)
async def test_every_open_purpose_needs_its_consent_root(member: WireMember, purpose: Purpose) -> None:
    with refuses(Reason.CONSENT_MISSING):
        await member.evaluate(GOOD, purpose, consent_root=b"")


async def test_two_minutes_to_either_side(own_hub: RunningHub, own_members: Any, monkeypatch: Any) -> None:
    member = await own_members(own_hub)
    now = own_hub.clock.now_ms()
    monkeypatch.setattr(own_hub.clock, "now_ms", lambda: now)
    for skew in (-MAX_SKEW_MS, MAX_SKEW_MS):
        await member.evaluate(GOOD, time=now + skew)
    for skew in (-MAX_SKEW_MS - 1, MAX_SKEW_MS + 1):
        with refuses(Reason.REPLAYED):
            await member.evaluate(GOOD, time=now + skew)
    assert MAX_SKEW_MS == 120_000
    assert member.used(Purpose.CONTRIBUTION) == 2


async def test_a_signature_that_does_not_hold(hub: RunningHub, member: WireMember, members: Any) -> None:
    other = await members(hub)
    header = member.header(GOOD)
    altered = []
    for name, value in {
        "signature": bytes(64),
        "payload": member.header(GOOD).payload,
        "key_id": bytes(8),
        "type": "claim",
    }.items():
        statement = SignedStatement.FromString(header.SerializeToString())
        setattr(statement, name, value)
        altered.append(statement)
    stranger, _ = SigningKey.generate()
    altered += [
        SignedStatement(),
        member.key.statement("claim", header.payload),
        other.key.statement("evaluation-header", header.payload),
        stranger.statement("evaluation-header", header.payload),
        other.header(GOOD),  # another member's header as that one signed it: not even read
    ]
    for statement in altered:
        with refuses(Reason.SIGNATURE_INVALID):
            await send(member, statement, GOOD)
    assert nothing_happened(hub, member)
    assert nothing_happened(hub, other)


@pytest.mark.parametrize("payload", [b"\xff\xff", b"\x0a\x02\xff\xfe", b"\x0b" * 200])
async def test_a_signed_payload_that_is_no_header(member: WireMember, payload: bytes) -> None:
    with refuses(Reason.INVALID_REQUEST):
        await send(member, member.key.statement("evaluation-header", payload), GOOD)


async def test_a_header_is_no_attic(member: WireMember) -> None:
    header = member.header(GOOD)
    padded = header.payload + b"\x9a\x06\xe8\x07" + bytes(1000)  # field 99, which nobody knows
    with refuses(Reason.INVALID_REQUEST):
        await send(member, member.key.statement("evaluation-header", padded), GOOD)


# -- retries ----------------------------------------------------------------------------------------------------


async def test_a_retry_gives_the_same_answer_and_is_charged_once(hub: RunningHub, member: WireMember) -> None:
    blinded = tagging.blind([b"a", b"b"])
    header = member.header(blinded.message)
    first, again = await send(member, header, blinded.message), await send(member, header, blinded.message)
    assert first.shares[0].evaluated == again.shares[0].evaluated
    later = member.header(
        blinded.message,
        request_id=EvaluationHeader.FromString(header.payload).request_id,
        consent_root=EvaluationHeader.FromString(header.payload).consent_root,
        time=member.now + 60_000,
    )
    third = await send(member, later, blinded.message)
    assert first.shares[0].evaluated == third.shares[0].evaluated
    assert member.used(Purpose.CONTRIBUTION) == 2
    assert replayed(hub, member) == 1
    assert [it.items for it in member.events() if it.action == "evaluation:evaluate"] == [2, 2, 2]
    # Credit for rows was given once too.
    assert [it.refusal for it in await member.contribute(*(member.row() for _ in range(3)))] == [0, 0, 21]


@pytest.mark.parametrize(
    "changes", [{"purpose": Purpose.TRANSACTION}, {"consent_root": bytes(32)}, {"blinded": "other"}]
)
async def test_the_same_id_with_other_content_conflicts(
    hub: RunningHub, member: WireMember, changes: dict[str, Any]
) -> None:
    changes = dict(changes)
    name, root = os.urandom(16), os.urandom(32)
    await member.evaluate(GOOD, request_id=name, consent_root=root)
    blinded = tagging.blind([b"other"]).message if changes.pop("blinded", None) else GOOD
    fields: dict[str, Any] = {"request_id": name, "consent_root": root, "purpose": Purpose.CONTRIBUTION} | changes
    with refuses(Reason.CONFLICTING_RETRY):
        await member.evaluate(blinded, **fields)
    assert member.used(Purpose.CONTRIBUTION) == 1
    assert member.used(Purpose.TRANSACTION) == 0


async def test_ids_of_two_members_are_apart(hub: RunningHub, members: Any) -> None:
    first, second = await members(hub), await members(hub)
    name = os.urandom(16)
    await first.evaluate(GOOD, request_id=name)
    await second.evaluate(GOOD, request_id=name)
    assert (first.used(Purpose.CONTRIBUTION), second.used(Purpose.CONTRIBUTION)) == (1, 1)


async def test_retries_at_once_are_charged_once(hub: RunningHub, member: WireMember) -> None:
    header = member.header(GOOD)
    replies = await asyncio.gather(*(send(member, header, GOOD) for _ in range(10)))
    assert len({reply.shares[0].evaluated for reply in replies}) == 1
    assert member.used(Purpose.CONTRIBUTION) == 1


# -- budgets and epochs -----------------------------------------------------------------------------------------


async def test_a_spent_budget_says_when_it_renews_and_charges_nothing(own_hub: RunningHub, own_members: Any) -> None:
    member = await own_members(own_hub)
    limit = DEFAULT_BUDGETS["transaction"]
    day = member.now // DAY_MS
    own_hub.hub.store.write_now(
        lambda transaction: transaction.quotas.charge(member.id, Purpose.TRANSACTION, day, limit - 2)
    )
    with refuses(Reason.BUDGET_EXHAUSTED) as refusal:
        await member.evaluate(valid_elements(3), Purpose.TRANSACTION)
    assert refusal.metadata == {"retry_at_ms": str((day + 1) * DAY_MS)}
    assert member.used(Purpose.TRANSACTION) == limit - 2
    assert replayed(own_hub, member) == 0

    name, root = os.urandom(16), os.urandom(32)
    await member.evaluate(valid_elements(2), Purpose.TRANSACTION, request_id=name, consent_root=root)
    with refuses(Reason.BUDGET_EXHAUSTED):
        await member.evaluate(GOOD, Purpose.TRANSACTION)
    # A retry is charged no more, so it is answered even now; other purposes and members have budgets of their own.
    await member.evaluate(valid_elements(2), Purpose.TRANSACTION, request_id=name, consent_root=root)
    await member.evaluate(GOOD, Purpose.LOAN_APPLICATION)
    await (await own_members(own_hub)).evaluate(GOOD, Purpose.TRANSACTION)

    own_hub.clock.advance(days=1)
    await member.evaluate(GOOD, Purpose.TRANSACTION)
    assert member.used(Purpose.TRANSACTION) == 1


@pytest.mark.parametrize(
    ("state", "purpose", "serves"),
    [
        (EpochState.PENDING, Purpose.TRANSACTION, False),
        (EpochState.ACTIVE, Purpose.TRANSACTION, True),
        (EpochState.ACTIVE, Purpose.CONTRIBUTION, True),
        (EpochState.RETIRING, Purpose.TRANSACTION, True),
        (EpochState.RETIRING, Purpose.CONTRIBUTION, False),
        (EpochState.RETIRED, Purpose.TRANSACTION, False),
    ],
)
async def test_states_of_an_epoch(
    own_hub: RunningHub, own_members: Any, state: EpochState, purpose: Purpose, serves: bool
) -> None:
    member = await own_members(own_hub)
    with own_hub.hub.store.engine.begin() as connection:
        connection.execute(sa.text("UPDATE epochs SET state = :it"), {"it": int(state)})
    if serves:
        await member.evaluate(GOOD, purpose)
    else:
        with refuses(Reason.EPOCH_NOT_SERVED):
            await member.evaluate(GOOD, purpose)
        assert nothing_happened(own_hub, member, purpose)


@pytest.mark.parametrize(("days", "serves"), [(-1, False), (179, True), (181, False)])
async def test_an_epoch_has_its_time(own_hub: RunningHub, own_members: Any, days: int, serves: bool) -> None:
    # TLS goes by the real clock: the certificate is issued while the hub's is not ahead of it.
    own_hub.clock.advance(days=min(days, 0))
    member = await own_members(own_hub)
    own_hub.clock.advance(days=max(days, 0))
    if serves:
        await member.evaluate(GOOD)
    else:
        with refuses(Reason.EPOCH_NOT_SERVED):
            await member.evaluate(GOOD)


async def test_a_retry_in_another_epoch_conflicts(own_hub: RunningHub, own_members: Any) -> None:
    member = await own_members(own_hub)
    second = own_hub.hub.keys.create_epoch(2, member.now)
    own_hub.hub.store.write_now(lambda transaction: transaction.epochs.add(second))
    name, root = os.urandom(16), os.urandom(32)
    await member.evaluate(GOOD, request_id=name, consent_root=root)
    with refuses(Reason.CONFLICTING_RETRY):
        await member.evaluate(GOOD, request_id=name, consent_root=root, epoch=2)
    in_second = await member.evaluate(GOOD, epoch=2)
    assert in_second.shares[0].evaluated != (await member.evaluate(GOOD)).shares[0].evaluated


async def test_the_digest_of_what_was_asked_is_in_the_event(member: WireMember) -> None:
    blinded = valid_elements(2)
    await member.evaluate(blinded)
    event = member.events()[-1]
    assert all(len(it) == 32 for it in event.commitments)
    assert len(event.commitments) == 2
    assert event.policy_version == POLICY_VERSION
    assert sha256(blinded).digest() not in event.commitments
