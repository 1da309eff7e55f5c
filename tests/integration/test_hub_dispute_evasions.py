"""What a contributor or an accomplice could try to be rid of a dispute, or of a reviewer's decision."""

import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio
from support.court import Court, court_of, reviewer_of, waiting
from support.wire import refuses, row_of

from alliance.claims import SealedClaim
from alliance.disputes import DisputeOutcome
from alliance.errors import Reason
from alliance.taxonomy import DAY_MS, ClaimStatus, EvidenceLevel
from alliance.v1 import registry_pb2
from alliance.v1.dispute_pb2 import Dispute

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module")
async def court(new_hub_folder: Callable[[], Path]) -> AsyncIterator[Court]:
    async with court_of(new_hub_folder()) as made:
        yield made


def version_of(court: Court, entry_id: bytes) -> int:
    found = court.hub.hub.store.read_now(lambda it: it.claims.get(entry_id))
    assert found is not None
    return found.status_version


async def suspended(court: Court, claim: SealedClaim) -> Dispute:
    """Have a reviewer suspend a claim that its contributor upheld."""
    dispute = await court.opener.contest(claim.entry_id, court.key, evidence=b"one")
    await court.contributor.respond(dispute, DisputeOutcome.UPHELD)
    await court.escalate(dispute)
    async with reviewer_of(court) as reviewer:
        await reviewer.disputes.DecideEscalation(reviewer.review(dispute.dispute_id))
    assert await court.status(claim.entry_id) is ClaimStatus.SUSPENDED
    return dispute


async def test_an_answer_to_one_dispute_frees_no_claim_that_another_one_holds(court: Court) -> None:
    claim = await court.filed()
    first = await court.opener.contest(claim.entry_id, court.key, evidence=b"one")
    await court.contributor.respond(first, DisputeOutcome.UPHELD)
    second = await court.other.contest(claim.entry_id, court.key, evidence=b"two")
    await court.escalate(first)
    async with reviewer_of(court) as reviewer:
        await reviewer.disputes.DecideEscalation(reviewer.review(first.dispute_id))
    await court.contributor.respond(second, DisputeOutcome.UPHELD)
    assert await court.status(claim.entry_id) is ClaimStatus.SUSPENDED


async def test_what_a_reviewer_suspended_does_not_come_back_by_another_name(court: Court) -> None:
    tag, contributor = os.urandom(32), court.contributor
    claim = contributor.seal(tag, court.key)
    await contributor.file(row_of(claim))
    await suspended(court, claim)
    await contributor.withdraw(claim.entry_id, version_of(court, claim.entry_id) + 1)
    await contributor.credit(3)
    same = contributor.seal(tag, court.key)
    milder = contributor.seal(
        tag, court.key, evidence=EvidenceLevel.E1, evidence_commitment=b"", expires_at=contributor.now + DAY_MS
    )
    elsewhere = contributor.seal(None, court.key)
    results = await contributor.contribute(*map(row_of, (same, elsewhere, milder)))
    assert [it.refusal for it in results] == [Reason.ILLEGAL_TRANSITION, 0, 0]


async def test_a_claim_that_waits_for_a_reviewer_is_not_replaced_meanwhile(court: Court) -> None:
    tag, contributor = os.urandom(32), court.contributor
    claim = contributor.seal(tag, court.key)
    await contributor.file(row_of(claim))
    dispute = await court.opener.contest(claim.entry_id, court.key)
    await contributor.respond(dispute, DisputeOutcome.UPHELD)
    await court.escalate(dispute)
    await contributor.credit(1)
    version = version_of(court, claim.entry_id) + 1
    correction = contributor.status_change(claim.entry_id, version, status=ClaimStatus.CORRECTED)
    (result,) = await contributor.contribute(row_of(contributor.seal(tag, court.key), correction=correction))
    assert int(result.refusal) == Reason.ILLEGAL_TRANSITION
    async with reviewer_of(court) as reviewer:
        assert [it.dispute_id for it in await waiting(reviewer)] == [dispute.dispute_id]
        await reviewer.disputes.DecideEscalation(reviewer.review(dispute.dispute_id))


async def test_a_review_that_an_accomplice_asked_for_keeps_nobody_else_from_contesting(court: Court) -> None:
    claim = await court.filed()
    staged = await court.opener.contest(claim.entry_id, court.key)
    await court.contributor.respond(staged, DisputeOutcome.UPHELD)
    await court.escalate(staged)
    await court.other.contest(claim.entry_id, court.key, evidence=b"police report")
    assert await court.status(claim.entry_id) is ClaimStatus.DISPUTED


async def test_two_rows_of_one_name_free_no_place_for_each_other(court: Court) -> None:
    first, second, contributor = os.urandom(32), os.urandom(32), court.contributor
    contested, other = contributor.seal(first, court.key), contributor.seal(second, court.key)
    await contributor.file(row_of(contested), row_of(other))
    await court.opener.contest(contested.entry_id, court.key)
    name = os.urandom(16)
    rows = [contributor.seal(tag, court.key, entry_id=name) for tag in (first, second)]
    correction = contributor.status_change(other.entry_id, 1, status=ClaimStatus.CORRECTED)
    await contributor.credit(2)
    results = await contributor.contribute(row_of(rows[0]), row_of(rows[1], correction=correction))
    assert [it.refusal for it in results] == [Reason.LIVE_CLAIM_EXISTS, 0]
    assert await court.status(contested.entry_id) is ClaimStatus.DISPUTED
    assert await court.status(other.entry_id) is ClaimStatus.CORRECTED


@pytest.mark.parametrize("reason", ["\x1b[2J", "Zhang San", "a b", "A", "x" * 65, "退款"])
async def test_a_reason_is_a_code_and_no_text_that_everybody_is_told(court: Court, reason: str) -> None:
    claim = await court.filed()
    change = court.contributor.status_change(claim.entry_id, 1, reason=reason)
    with refuses(Reason.INVALID_REQUEST):
        await court.contributor.registry.ChangeClaimStatus(registry_pb2.ChangeClaimStatusRequest(status_change=change))
    dispute = await court.opener.contest(claim.entry_id, court.key)
    with refuses(Reason.INVALID_REQUEST):
        await court.contributor.respond(dispute, DisputeOutcome.UPHELD, reason=reason)
