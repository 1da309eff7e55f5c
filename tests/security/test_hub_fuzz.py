"""Hostile messages, on both databases: each is answered from the catalogue, and the hub lives on."""

import asyncio
import os
import random
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from google.protobuf.message import Message
from grpc import aio
from support.fuzzing import hostile, spoil
from support.hub import RunningHub, running_hub
from support.wire import (
    WireMember,
    certificate_request,
    enrol,
    enrol_request,
    enrolment_channel,
    new_tls_key,
    refusal_of,
    row_of,
    valid_elements,
)

from alliance.crypto.signing import SigningKey
from alliance.errors import Reason
from alliance.statements import CLAIM, CLAIM_STATUS, ENROLMENT, EVALUATION_HEADER
from alliance.v1 import audit_pb2, bucket_pb2, claim_pb2, directory_pb2, enrolment_pb2, epoch_pb2, filter_pb2
from alliance.v1.evaluation_pb2 import EvaluateRequest, EvaluationHeader
from alliance.v1.registry_pb2 import (
    ClaimRow,
    ContributeRequest,
    ContributeResponse,
    GetClaimRequest,
    ListClaimsRequest,
    WithdrawClaimRequest,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

COUNT = 500
AT_ONCE = 24
FAULTS = {Reason.INTERNAL, Reason.UNAVAILABLE, Reason.STORAGE_FULL}
BLINDED = valid_elements(2)
TLS_KEY = new_tls_key()


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["sqlite", "postgresql"])
async def target(
    request: pytest.FixtureRequest, new_hub_folder: Callable[[], Path], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[WireMember]:
    """A member of a hub on either database, with a claim and with credit."""
    if request.param == "sqlite":
        context = running_hub(new_hub_folder())
    else:
        folder = tmp_path_factory.mktemp("fuzzed") / "hub"
        context = running_hub(folder, request.getfixturevalue("postgres").empty())
    async with context as hub:
        member = await enrol(hub, "lender-1")
        await member.credit(4000)
        yield member
        await member.close()


@pytest_asyncio.fixture(loop_scope="module")
async def bystander(target: WireMember) -> AsyncIterator[WireMember]:
    """Another member of the same hub."""
    member = await enrol(target.hub, f"other-{os.urandom(4).hex()}")
    yield member
    await member.close()


def unary(member: WireMember, method: str) -> Callable[[bytes], Any]:
    call = member.channel.unary_unary(f"/alliance.v1.{method}")

    async def send(content: bytes) -> None:
        await call(content)

    return send


def streamed(member: WireMember, method: str) -> Callable[[bytes], Any]:
    call = member.channel.unary_stream(f"/alliance.v1.{method}")

    async def send(content: bytes) -> None:
        async for _ in call(content):
            pass

    return send


def contributing(member: WireMember) -> Callable[[bytes], Any]:
    call = member.channel.stream_stream("/alliance.v1.RegistryService/Contribute")

    async def send(content: bytes) -> None:
        async def messages() -> AsyncIterator[bytes]:
            yield content

        async for reply in call(messages()):
            for result in ContributeResponse.FromString(reply).results:
                assert result.refusal not in {int(fault) for fault in FAULTS}

    return send


async def bombard(send: Callable[[bytes], Any], contents: list[bytes], at_once: int = AT_ONCE) -> dict[str, int]:
    """Send all, some at once; gives how often each answer was given."""
    answers: dict[str, int] = {}
    gate = asyncio.Semaphore(at_once)

    async def one(content: bytes) -> None:
        async with gate:
            try:
                await asyncio.wait_for(send(content), 30)
                answer = "ok"
            except aio.AioRpcError as error:
                reason = refusal_of(error).reason
                assert reason is not None
                assert reason not in FAULTS, f"{reason.name} for {content.hex()}"
                answer = reason.name
        answers[answer] = answers.get(answer, 0) + 1

    await asyncio.gather(*(one(content) for content in contents))
    assert sum(answers.values()) == len(contents)
    return answers


async def alive(member: WireMember) -> bool:
    """The hub still evaluates and takes claims."""
    await member.evaluate(valid_elements(1))
    (result,) = await member.contribute(member.row())
    return result.refusal == 0


# -- messages as they come --------------------------------------------------------------------------------------


def goods(member: WireMember) -> dict[str, Callable[[], Message]]:
    """A good request of every method."""
    entry_id = os.urandom(16)
    return {
        "AuditService/ListEvents": lambda: audit_pb2.ListEventsRequest(page_size=3, page_token="1"),
        "BucketService/GetBuckets": lambda: bucket_pb2.GetBucketsRequest(epoch=1, prefix_bits=4, prefixes=[1, 2]),
        "BucketService/ReportEntry": lambda: bucket_pb2.ReportEntryRequest(
            entry_id=entry_id, finding=bucket_pb2.ENTRY_FINDING_BOX_INVALID
        ),
        "DirectoryService/ListMembers": lambda: directory_pb2.ListMembersRequest(page_size=3, page_token="a"),
        "EpochService/GetSuppressionList": epoch_pb2.GetSuppressionListRequest,
        "EpochService/ListEpochs": epoch_pb2.ListEpochsRequest,
        "EvaluationService/Evaluate": lambda: EvaluateRequest(header=member.header(BLINDED), blinded=BLINDED),
        "FilterService/DownloadSnapshot": lambda: filter_pb2.DownloadSnapshotRequest(bits_sha256=bytes(32), offset=1),
        "FilterService/GetFilter": lambda: filter_pb2.GetFilterRequest(epoch=1),
        "FilterService/ListDeltas": lambda: filter_pb2.ListDeltasRequest(base_sha256=bytes(32), after_sequence=1),
        "RegistryService/GetClaim": lambda: GetClaimRequest(entry_id=entry_id),
        "RegistryService/ListClaims": lambda: ListClaimsRequest(page_size=3, page_token="1-1", live_only=True),
        "RegistryService/WithdrawClaim": lambda: WithdrawClaimRequest(status_change=member.status_change(entry_id)),
        "RegistryService/Contribute": lambda: ContributeRequest(
            request_id=os.urandom(16), rows=[member.row(), member.row()]
        ),
    }


STREAMED = {"BucketService/GetBuckets", "FilterService/DownloadSnapshot", "FilterService/ListDeltas"}
METHODS = [
    "AuditService/ListEvents",
    "BucketService/GetBuckets",
    "BucketService/ReportEntry",
    "DirectoryService/ListMembers",
    "EpochService/GetSuppressionList",
    "EpochService/ListEpochs",
    "EvaluationService/Evaluate",
    "FilterService/DownloadSnapshot",
    "FilterService/GetFilter",
    "FilterService/ListDeltas",
    "RegistryService/GetClaim",
    "RegistryService/ListClaims",
    "RegistryService/WithdrawClaim",
    "RegistryService/Contribute",
]


@pytest.mark.parametrize("method", METHODS)
async def test_hostile_requests(target: WireMember, bystander: WireMember, method: str) -> None:
    made = goods(target)
    assert set(made) == set(METHODS)
    dice = random.Random(f"hostile {method}")  # noqa: S311 - repeatable
    contents = list(hostile(dice, made[method], COUNT))
    if method == "RegistryService/Contribute":
        send = contributing(target)
    else:
        send = (streamed if method in STREAMED else unary)(target, method)
    before = len(target.events())
    answers = await bombard(send, contents)
    # One event a call, whatever it was.
    assert len(target.events()) - before == COUNT
    assert answers.get("INVALID_REQUEST", 0) > 0
    assert await alive(target)
    assert await alive_without_credit(bystander)


async def alive_without_credit(member: WireMember) -> bool:
    await member.credit(1)
    return await alive(member)


# -- signed as they should be, and hostile inside ---------------------------------------------------------------


async def test_signed_headers_of_extreme_values(target: WireMember) -> None:
    dice = random.Random("headers")  # noqa: S311 - repeatable

    def make() -> bytes:
        header = EvaluationHeader.FromString(target.header(BLINDED).payload)
        spoil(dice, header, dice.randint(1, 2))
        statement = target.key.statement(EVALUATION_HEADER, header.SerializeToString())
        return EvaluateRequest(header=statement, blinded=BLINDED).SerializeToString()

    answers = await bombard(unary(target, "EvaluationService/Evaluate"), [make() for _ in range(COUNT)])
    assert set(answers) >= {"INVALID_REQUEST", "REPLAYED", "EPOCH_NOT_SERVED", "CONSENT_MISSING"}
    assert await alive(target)


async def test_signed_claims_of_extreme_values(target: WireMember) -> None:
    dice = random.Random("claims")  # noqa: S311 - repeatable
    refused: set[int] = set()

    def make() -> ClaimRow:
        row = target.row()
        claim = claim_pb2.Claim.FromString(row.claim)
        spoil(dice, claim, dice.randint(1, 2))
        payload = claim.SerializeToString()
        return ClaimRow(claim=payload, signature=target.key.sign(CLAIM, payload), handle=row.handle, box=row.box)

    call = target.registry.Contribute()
    for _ in range(COUNT // 5):
        rows = [make() for _ in range(10)] + [target.row()]
        await call.write(ContributeRequest(request_id=os.urandom(16), rows=rows))
        results = (await call.read()).results
        refused |= {int(result.refusal) for result in results}
        assert results[-1].refusal == 0  # a good row is never held up
    await call.done_writing()
    assert not refused & FAULTS
    expected = {Reason.CLAIM_INVALID, Reason.EXPIRY_OUT_OF_BOUNDS, Reason.EPOCH_NOT_SERVED, Reason.NOT_PERMITTED}
    assert expected <= refused


async def test_signed_withdrawals_of_extreme_values(target: WireMember) -> None:
    dice = random.Random("withdrawals")  # noqa: S311 - repeatable
    sealed = target.seal()
    await target.contribute(row_of(sealed))

    def make() -> bytes:
        change = claim_pb2.ClaimStatusChange.FromString(target.status_change(sealed.entry_id).payload)
        spoil(dice, change, dice.randint(1, 2))
        statement = target.key.statement(CLAIM_STATUS, change.SerializeToString())
        return WithdrawClaimRequest(status_change=statement).SerializeToString()

    answers = await bombard(unary(target, "RegistryService/WithdrawClaim"), [make() for _ in range(COUNT)])
    assert set(answers) >= {"INVALID_REQUEST", "NOT_FOUND"}
    assert await alive(target)


async def test_hostile_enrolments(target: WireMember) -> None:
    hub: RunningHub = target.hub
    dice = random.Random("enrolments")  # noqa: S311 - repeatable
    token = (await hub.hub.enrolment.invite("invited", "invited")).token
    key, request = SigningKey.generate()[0], certificate_request(TLS_KEY)

    def good() -> Message:
        return enrol_request(token, key, request)

    def signed() -> bytes:
        inside = enrolment_pb2.EnrolmentRequest.FromString(enrol_request(token, key, request).enrolment.payload)
        spoil(dice, inside, dice.randint(1, 2))
        if dice.random() < 0.5:
            damaged = bytearray(request)
            damaged[dice.randrange(len(damaged))] ^= 1 << dice.randrange(8)
            inside.certificate_request = bytes(damaged)
        statement = key.statement(ENROLMENT, inside.SerializeToString())
        return enrolment_pb2.EnrolRequest(token=token, enrolment=statement).SerializeToString()

    contents = [signed() for _ in range(COUNT // 2)]
    contents += [it for it in hostile(dice, good, COUNT // 2) if enrolment_is_spoilt(it, good())]
    async with enrolment_channel(hub) as channel:
        call = channel.unary_unary("/alliance.v1.EnrolmentService/Enrol")

        async def send(content: bytes) -> None:
            await call(content)

        answers = await bombard(send, contents, at_once=4)  # the port takes few at once
    assert "SIGNATURE_INVALID" in answers
    assert await alive(target)


def enrolment_is_spoilt(content: bytes, good: Message) -> bool:
    return content != good.SerializeToString()


async def test_a_message_over_the_limit_is_refused_before_it_is_read(target: WireMember) -> None:
    send = unary(target, "EvaluationService/Evaluate")
    with pytest.raises(aio.AioRpcError) as caught:
        await send(bytes(5 * 1024 * 1024))
    assert caught.value.code().name == "RESOURCE_EXHAUSTED"
    assert await alive(target)
