"""Operators on the wire, and the two whose approvals a claim of E3, or one that protects somebody, must carry."""

import os
from collections.abc import Callable
from typing import Any

import pytest
import pytest_asyncio
from support.hub import RunningHub
from support.wire import WireMember, refuses, row_of

from alliance import approvals
from alliance.claims import MAX_FILING_SKEW_MS, SealedClaim
from alliance.crypto.signing import SigningKey
from alliance.errors import Reason
from alliance.taxonomy import DAY_MS, EvidenceLevel, SubjectRole
from alliance.v1 import claim_pb2, operator_pb2, registry_pb2
from alliance.v1.statement_pb2 import SignedStatement
from alliance_server.domain import operators as rules
from alliance_server.domain.quotas import DEFAULT_BUDGETS

pytestmark = pytest.mark.asyncio(loop_scope="module")

NEEDED = int(Reason.TWO_OPERATORS_NEEDED)


class Desk:
    """A member with two operators, whose rows are sent as they are."""

    def __init__(self, member: WireMember) -> None:
        self.member = member
        self.keys: dict[str, SigningKey] = {}
        member.approves = False

    async def opened(self) -> "Desk":
        self.keys = {name: await self.member.register(name) for name in ("ann", "bob")}
        return self

    def sealed(self, **changes: Any) -> SealedClaim:
        return self.member.seal(**({"evidence": EvidenceLevel.E3} | changes))

    def approval(self, of: SealedClaim, name: str, key: SigningKey | None = None, **changes: Any) -> SignedStatement:
        about: dict[str, Any] = {"entry_id": of.entry_id, "claim": of.claim, "now_ms": self.member.now} | changes
        return approvals.approve(key or self.keys[name], name, **about)

    async def filed(self, of: SealedClaim, *signed: SignedStatement) -> int:
        await self.member.credit(1)
        (result,) = await self.member.contribute(row_of(of, approvals=list(signed)))
        return int(result.refusal)


@pytest_asyncio.fixture(loop_scope="module")
async def desk(own_hub: RunningHub, own_members: Any) -> Desk:
    return await Desk(await own_members(own_hub)).opened()


async def record(desk: Desk, entry_id: bytes) -> registry_pb2.ClaimRecord:
    reply = await desk.member.registry.GetClaim(registry_pb2.GetClaimRequest(entry_id=entry_id))
    made: registry_pb2.ClaimRecord = reply.claim
    return made


@pytest.mark.parametrize(
    "changes", [{}, {"role": SubjectRole.PROTECTED, "evidence": EvidenceLevel.E1}, {"role": SubjectRole.PROTECTED}]
)
async def test_two_operators_file_what_one_or_none_may_not(desk: Desk, changes: dict[str, Any]) -> None:
    of = desk.sealed(**changes, expires_at=desk.member.now + DAY_MS)
    assert await desk.filed(of) == NEEDED
    assert await desk.filed(of, desk.approval(of, "ann")) == NEEDED
    assert await desk.filed(of, desk.approval(of, "ann"), desk.approval(of, "bob")) == 0
    assert list((await record(desk, of.entry_id)).approved_by) == ["ann", "bob"]
    event = desk.member.events()[-2]
    assert (event.action, event.operator, len(event.commitments)) == ("claim:contribute", "ann bob", 1)
    assert of.claim.hex() not in str(event)


async def test_below_e3_nobody_need_approve_and_two_may(desk: Desk) -> None:
    plain, approved = desk.sealed(evidence=EvidenceLevel.E2), desk.sealed(evidence=EvidenceLevel.E2)
    assert await desk.filed(plain) == 0
    assert await desk.filed(approved, desk.approval(approved, "bob"), desk.approval(approved, "ann")) == 0
    assert not (await record(desk, plain.entry_id)).approved_by
    assert list((await record(desk, approved.entry_id)).approved_by) == ["ann", "bob"]
    one = desk.sealed(evidence=EvidenceLevel.E2)
    assert await desk.filed(one, desk.approval(one, "ann")) == NEEDED


async def _stranger(desk: Desk, of: SealedClaim) -> list[SignedStatement]:
    return [desk.approval(of, "ann"), desk.approval(of, "eve", SigningKey.generate()[0])]


async def _another_key(desk: Desk, of: SealedClaim) -> list[SignedStatement]:
    return [desk.approval(of, "ann"), desk.approval(of, "bob", SigningKey.generate()[0])]


async def _one_twice(desk: Desk, of: SealedClaim) -> list[SignedStatement]:
    return [desk.approval(of, "ann"), desk.approval(of, "ann", now_ms=desk.member.now - 5)]


async def _one_in_anothers_name(desk: Desk, of: SealedClaim) -> list[SignedStatement]:
    return [desk.approval(of, "ann"), desk.approval(of, "bob", desk.keys["ann"])]


async def _three(desk: Desk, of: SealedClaim) -> list[SignedStatement]:
    desk.keys["eve"] = await desk.member.register("eve")
    return [desk.approval(of, name) for name in ("ann", "bob", "eve")]


async def _of_another_claim(desk: Desk, of: SealedClaim) -> list[SignedStatement]:
    other = desk.sealed()
    return [desk.approval(of, "ann"), desk.approval(of, "bob", claim=other.claim)]


async def _of_another_entry(desk: Desk, of: SealedClaim) -> list[SignedStatement]:
    return [desk.approval(of, "ann"), desk.approval(of, "bob", entry_id=bytes(16))]


async def _too_old(desk: Desk, of: SealedClaim) -> list[SignedStatement]:
    return [desk.approval(of, "ann", now_ms=desk.member.now - 7 * DAY_MS), desk.approval(of, "bob")]


async def _from_the_future(desk: Desk, of: SealedClaim) -> list[SignedStatement]:
    return [desk.approval(of, "ann"), desk.approval(of, "bob", now_ms=desk.member.now + DAY_MS)]


async def _retired(desk: Desk, of: SealedClaim) -> list[SignedStatement]:
    signed = [desk.approval(of, "ann"), desk.approval(of, "bob")]
    retirement = desk.member.retirement("bob")
    await desk.member.operators.RetireOperator(operator_pb2.RetireOperatorRequest(retirement=retirement))
    return signed


async def _by_the_member_itself(desk: Desk, of: SealedClaim) -> list[SignedStatement]:
    return [desk.approval(of, "ann"), desk.approval(of, "bob", desk.member.key)]


async def _of_another_type(desk: Desk, of: SealedClaim) -> list[SignedStatement]:
    second = desk.approval(of, "bob")
    return [desk.approval(of, "ann"), desk.keys["bob"].statement("claim", second.payload)]


async def _changed(desk: Desk, of: SealedClaim) -> list[SignedStatement]:
    second = desk.approval(of, "bob")
    said = claim_pb2.ClaimApproval.FromString(second.payload)
    said.time += 1
    second.payload = said.SerializeToString()
    return [desk.approval(of, "ann"), second]


async def _fat(desk: Desk, of: SealedClaim) -> list[SignedStatement]:
    """One that carries a field that nobody knows, and much of it."""
    second = desk.approval(of, "bob")
    padded = second.payload + b"\x7a\xe8\x07" + bytes(1000)
    return [desk.approval(of, "ann"), desk.keys["bob"].statement("claim-approval", padded)]


async def _nonsense(desk: Desk, of: SealedClaim) -> list[SignedStatement]:
    return [desk.approval(of, "ann"), SignedStatement(type="claim-approval", payload=b"\xff\xff")]


WRONG = (
    _stranger,
    _another_key,
    _one_twice,
    _one_in_anothers_name,
    _three,
    _of_another_claim,
    _of_another_entry,
    _too_old,
    _from_the_future,
    _retired,
    _by_the_member_itself,
    _of_another_type,
    _changed,
    _nonsense,
    _fat,
)


@pytest.mark.parametrize("wrong", WRONG)
async def test_approvals_that_are_not_two_of_this_claim_count_for_nothing(
    desk: Desk, wrong: Callable[[Desk, SealedClaim], Any]
) -> None:
    of = desk.sealed()
    assert await desk.filed(of, *(await wrong(desk, of))) == NEEDED


async def test_operators_of_another_member_approve_nothing(own_hub: RunningHub, own_members: Any, desk: Desk) -> None:
    other = await Desk(await own_members(own_hub)).opened()
    of = desk.sealed()
    signed = [desk.approval(of, "ann"), desk.approval(of, "bob", other.keys["bob"])]
    assert await desk.filed(of, *signed) == NEEDED


async def test_an_approved_claim_may_lie_for_a_week_and_another_for_a_day(desk: Desk) -> None:
    for days, reason in ((6, 0), (8, int(Reason.CLAIM_INVALID))):
        of = desk.sealed(filed_at=desk.member.now - days * DAY_MS)
        assert await desk.filed(of, desk.approval(of, "ann"), desk.approval(of, "bob")) == reason
    plain = desk.sealed(evidence=EvidenceLevel.E2, filed_at=desk.member.now - MAX_FILING_SKEW_MS - 60_000)
    assert await desk.filed(plain) == int(Reason.CLAIM_INVALID)


async def test_operators_are_registered_once_listed_and_retired_for_good(desk: Desk) -> None:
    member, ann = desk.member, desk.keys["ann"]
    await member.register("ann", ann)  # again: the same
    for name, key in (("ann", None), ("eve", ann)):
        with refuses(Reason.OPERATOR_CONFLICT):
            await member.register(name, key)
    request = operator_pb2.RetireOperatorRequest(retirement=member.retirement("ann"))
    first = await member.operators.RetireOperator(request)
    own_hub = member.hub
    own_hub.clock.advance(minutes=1)
    again = await member.operators.RetireOperator(request)
    assert first.operator == again.operator
    for name, key in (("ann", ann), ("ann", None), ("eve", ann)):
        with refuses(Reason.OPERATOR_CONFLICT):
            await member.register(name, key)
    reply = await member.operators.ListOperators(operator_pb2.ListOperatorsRequest())
    assert [(it.operator, bool(it.retired_at)) for it in reply.operators] == [("ann", True), ("bob", False)]
    assert [it.operator for it in member.events() if it.action == "operator:retire"] == ["ann", "ann"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"operator": "Ann"}, Reason.INVALID_REQUEST),
        ({"operator": ""}, Reason.INVALID_REQUEST),
        ({"operator": "a" * 33}, Reason.INVALID_REQUEST),
        ({"public_key": b""}, Reason.INVALID_REQUEST),
        ({"public_key": bytes(32)}, Reason.SIGNATURE_INVALID),
        ({"member": "somebody"}, Reason.REPLAYED),
        ({"time": 1}, Reason.REPLAYED),
    ],
)
async def test_what_is_no_operator_is_refused(desk: Desk, changes: dict[str, Any], reason: Reason) -> None:
    with refuses(reason):
        await desk.member.register("eve", None, **changes)
    with refuses(Reason.INVALID_REQUEST):
        await desk.member.register("eve", desk.member.key)
    with refuses(Reason.NOT_FOUND):
        request = operator_pb2.RetireOperatorRequest(retirement=desk.member.retirement("nobody"))
        await desk.member.operators.RetireOperator(request)


async def test_a_member_has_so_many_operators_at_most(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "MAX_OPERATORS", 3)
    await desk.member.register("eve")
    with refuses(Reason.OPERATOR_CONFLICT):
        await desk.member.register("fay")


async def test_protective_claims_have_a_budget_of_their_own(desk: Desk) -> None:
    most = DEFAULT_BUDGETS["protective_claims"]
    made = [desk.sealed(role=SubjectRole.PROTECTED, expires_at=desk.member.now + DAY_MS) for _ in range(most + 1)]
    rows = [row_of(of, approvals=[desk.approval(of, name) for name in desk.keys]) for of in made]
    await desk.member.credit(len(rows) + 1)
    results = await desk.member.contribute(*rows)
    assert [int(it.refusal) for it in results] == [0] * most + [int(Reason.BUDGET_EXHAUSTED)]
    (other,) = await desk.member.contribute(row_of(desk.sealed(evidence=EvidenceLevel.E2)))
    assert int(other.refusal) == 0
    desk.member.hub.clock.advance(days=1)
    late = desk.sealed(role=SubjectRole.PROTECTED, expires_at=desk.member.now + DAY_MS, tag=os.urandom(32))
    assert await desk.filed(late, desk.approval(late, "ann"), desk.approval(late, "bob")) == 0
