"""Amending one claim: the new one takes the place of the old one, which is withdrawn.

The identifier is not kept anywhere here, so the caller gives it once more; it is evaluated, and only a claim on the
very same tag is replaced.
"""

import hmac
from typing import Final

from alliance.taxonomy import ClaimStatus
from member_client._contributions import ContributionOutcome, ContributionResult, ContributionRow
from member_client._deadline import Deadline
from member_client._drafting import Refused
from member_client._session import Session
from member_client.contributing import EVALUATION_SECONDS, Contributor, standing_basis
from member_client.errors import EpochNotServed, IllegalTransition, InvalidUse
from member_client.own_claims import OwnClaim, OwnClaims

_OTHER: Final = "this is not what the claim is about: an amendment keeps identifier, kind and category"


async def amended(session: Session, entry_id: bytes, row: ContributionRow) -> ContributionResult:
    """Replace a claim; raises NotFound, IllegalTransition, or InvalidUse where the row is about something else."""
    claim, tag = await _in_serving_epoch(session, entry_id)
    _check(claim, row)
    contributor = Contributor(session)
    if not hmac.compare_digest(tag, await _tag_of(session, contributor, row)):
        raise InvalidUse(_OTHER)
    (result,) = [it async for batch in contributor.contribute([row], None, amend=True) for it in batch]
    if result.outcome is ContributionOutcome.REFUSED:
        raise _refused(result)
    return result


async def _in_serving_epoch(session: Session, entry_id: bytes) -> tuple[OwnClaim, bytes]:
    """Give a claim and its tag as they stand in the epoch that takes claims; raises NotFound or EpochNotServed."""
    epoch = (await session.facts.now()).epoch.id
    own = OwnClaims(session)
    claim, tag = await own.with_tag(entry_id)
    for twin in filter(None, (claim.successor, claim.predecessor)):
        if claim.epoch != epoch:
            claim, tag = await own.with_tag(twin)
    if claim.epoch != epoch:
        raise EpochNotServed("The claim waits to be re-tagged: run member-client retag first.")
    return claim, tag


def _refused(why: ContributionResult | Refused) -> InvalidUse:
    return InvalidUse(f"the row is refused: {why.reason}. {why.how_to_fix}")


def _check(claim: OwnClaim, row: ContributionRow) -> None:
    if (claim.kind, claim.category) != (row.kind, row.category):
        raise InvalidUse(_OTHER)
    if claim.status is not ClaimStatus.ACTIVE:
        raise IllegalTransition(f"The claim is {claim.status.word}, and only an active one is amended.")


async def _tag_of(session: Session, contributor: Contributor, row: ContributionRow) -> bytes:
    """Derive the tag of the row's identifier under the epoch that takes claims."""
    facts = await session.facts.now()
    (drawn_up,) = await session.workers.cpu(contributor.drawn_up, [row], facts)
    draft = drawn_up.outcome
    if isinstance(draft, Refused):
        raise _refused(draft)
    deadline = Deadline.after(EVALUATION_SECONDS)
    return (await contributor.evaluated([draft], standing_basis(), facts.epoch, deadline)).tag(0)
