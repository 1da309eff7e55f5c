"""Sends hostile messages in numbers, and holds every answer against the rules.

1. No call hangs: each has a guard of 30 seconds, which no answer comes near.
2. Every answer is a good one or a refusal of the catalogue, and never the hub's own trouble. What gRPC's own services
   answer by their own protocol is told apart by the method, what gRPC refuses before the hub sees it by the attack.
3. The hub answers good calls afterwards.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress

import grpc
from grpc import aio

from alliance.crypto.signing import SigningKey
from alliance.statements import CLAIM, CLAIM_STATUS, ENROLMENT, EVALUATION_HEADER
from alliance.v1 import claim_pb2, enrolment_pb2
from alliance.v1.evaluation_pb2 import EvaluateRequest, EvaluationHeader
from alliance.v1.registry_pb2 import ChangeClaimStatusRequest, ClaimRow, ContributeRequest
from support.fuzzing import hostile, spoil
from support.rpcs import BLINDED, FAULTS, AnswerLost, Rpc, Send
from support.wire import WireMember, certificate_request, enrol_request, new_tls_key, refusal_of, valid_elements

AT_ONCE = 24
SECONDS = 30

_PLUMBING_ANSWERS = {grpc.StatusCode.NOT_FOUND}
"""What gRPC's own services answer by themselves: health knows no such service."""


async def bombard(rpc: Rpc, send: Send, contents: Iterable[bytes], at_once: int = AT_ONCE) -> Counter[str]:
    """Send all, some at once; gives how often each answer was given."""
    answers: Counter[str] = Counter()
    left = iter(contents)

    async def sending() -> None:
        for content in left:
            answers[await answered(rpc, send, content)] += 1

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(sending())
    return answers


async def answer(rpc: Rpc, send: Send, content: bytes) -> str:
    """Send one message and give the answer's name; fails where it is none that the hub may give."""
    try:
        async with asyncio.timeout(SECONDS):
            await send(content)
    except aio.AioRpcError as error:
        if rpc.is_plumbing and error.code() in _PLUMBING_ANSWERS:
            return error.code().name
        reason = refusal_of(error).reason
        assert reason is not None
        assert reason not in FAULTS, f"{rpc.path} answers {reason.name} to {content.hex()}"
        return reason.name
    return "ok"


async def answered(rpc: Rpc, send: Send, content: bytes) -> str:
    """Do as `answer`, and ask again where the answer was lost."""
    while True:
        with suppress(AnswerLost):
            return await answer(rpc, send, content)


async def alive(member: WireMember) -> bool:
    """Tell whether the hub still evaluates and takes claims."""
    await member.evaluate(valid_elements(1))
    (result,) = await member.contribute(member.row())
    return result.refusal == 0


# -- signed as they should be, and hostile inside ---------------------------------------------------------------


def signed_header(dice: random.Random, member: WireMember) -> bytes:
    """Give an evaluation under a header of extreme values."""
    header = EvaluationHeader.FromString(member.header(BLINDED).payload)
    spoil(dice, header, dice.randint(1, 2))
    statement = member.key.statement(EVALUATION_HEADER, header.SerializeToString())
    return EvaluateRequest(header=statement, blinded=BLINDED).SerializeToString()


def signed_row(dice: random.Random, member: WireMember) -> ClaimRow:
    """Give a row whose claim has extreme values."""
    row = member.row()
    claim = claim_pb2.Claim.FromString(row.claim)
    spoil(dice, claim, dice.randint(1, 2))
    payload = claim.SerializeToString()
    return ClaimRow(claim=payload, signature=member.key.sign(CLAIM, payload), handle=row.handle, box=row.box)


def signed_rows(dice: random.Random, member: WireMember) -> bytes:
    """Give a chunk of one row of extreme values."""
    chunk = ContributeRequest(request_id=dice.randbytes(16), rows=[signed_row(dice, member)])
    return chunk.SerializeToString()


def signed_withdrawal(dice: random.Random, member: WireMember, entry_id: bytes) -> bytes:
    """Give a withdrawal of extreme values."""
    change = claim_pb2.ClaimStatusChange.FromString(member.status_change(entry_id).payload)
    spoil(dice, change, dice.randint(1, 2))
    statement = member.key.statement(CLAIM_STATUS, change.SerializeToString())
    return ChangeClaimStatusRequest(status_change=statement).SerializeToString()


class Applicant:
    """Makes enrolments for an invitation, none of which may succeed."""

    def __init__(self, token: bytes) -> None:
        self._token = token
        self._key = SigningKey.generate()[0]
        self._certificate_request = certificate_request(new_tls_key())

    def good(self) -> enrolment_pb2.EnrolRequest:
        return enrol_request(self._token, self._key, self._certificate_request)

    def signed(self, dice: random.Random) -> bytes:
        """Give an enrolment that is signed as it should be, of extreme values or with a damaged request inside."""
        inside = enrolment_pb2.EnrolmentRequest.FromString(self.good().enrolment.payload)
        spoil(dice, inside, dice.randint(1, 2))
        if dice.random() < 0.5:
            damaged = bytearray(self._certificate_request)
            damaged[dice.randrange(len(damaged))] ^= 1 << dice.randrange(8)
            inside.certificate_request = bytes(damaged)
        statement = self._key.statement(ENROLMENT, inside.SerializeToString())
        return enrolment_pb2.EnrolRequest(token=self._token, enrolment=statement).SerializeToString()

    def spoilt(self, dice: random.Random, count: int) -> list[bytes]:
        """Give hostile enrolments, without those that came out good."""
        good = self.good().SerializeToString()
        return [content for content in hostile(dice, self.good, count) if content != good]
