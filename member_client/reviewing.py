"""Reviewing: a second operator approves claims that a first one approved, and they are filed, or rejects them."""

from collections.abc import AsyncIterable, Sequence
from dataclasses import replace
from functools import partial

from alliance.approvals import approve, read_approval
from alliance.claims import draft_of
from alliance.errors import Reason
from alliance.taxonomy import SubjectRole
from member_client._claim_stream import MAX_ROWS
from member_client._contribution_rows import PASSING, WAITING, Row
from member_client._contributions import ContributionOutcome, ContributionResult, ContributionRow
from member_client._drafting import Drafted, Refused
from member_client._reviews import PendingReview, Review, Reviews, pending
from member_client._session import Session
from member_client.contributing import Contributor, Rows
from member_client.errors import InvalidUse, NotFound
from member_client.operators import Operator


def protective(rows: Rows) -> Rows:
    """Give rows as such that protect whom they are about."""
    if isinstance(rows, AsyncIterable):
        return (replace(row, role=SubjectRole.PROTECTED) async for row in rows)
    return (replace(row, role=SubjectRole.PROTECTED) for row in rows)


class Reviewer:
    """Reviews for one member."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._reviews = Reviews(session.store)

    async def pending(self) -> list[PendingReview]:
        """Give what waits for a second operator, what was approved first before the rest."""
        return [it for it, review in await self._waiting() if review.second is None]

    async def approved(self) -> list[PendingReview]:
        """Give what two operators approved and a liaison is to countersign, what was approved first before the rest."""
        return [it for it, review in await self._waiting() if review.second is not None]

    async def _waiting(self) -> list[tuple[PendingReview, Review]]:
        facts = await self._session.facts.now()
        now_ms = self._session.clock.now_ms()
        reviews = await self._session.workers.disk(self._reviews.all)
        return [(pending(it, facts.epoch.id), it) for it in reviews if it.ends_at > now_ms]

    async def approve(self, entry_ids: Sequence[bytes], operator: Operator) -> list[ContributionResult]:
        """Approve reviews as their second operator and file the claims; gives one result each, in order.

        What a liaison must countersign waits for that.
        """
        reviews = await self.some(entry_ids)
        for review in reviews:
            _check_other(review, operator)
        facts = await self._session.facts.refresh()
        approved = [self._approved(review, operator) for review in reviews]
        wait = {
            number: review
            for number, review in enumerate(approved)
            if review.needs_countersignature and review.claim.epoch == facts.epoch.id
        }
        await self._session.workers.disk(self._reviews.add, list(wait.values()))
        filed = iter(await self.land([it for number, it in enumerate(approved) if number not in wait]))
        return [
            ContributionResult(number, WAITING[1], entry_id=review.claim.entry_id)
            if number in wait
            else replace(next(filed), row_number=number)
            for number, review in enumerate(approved)
        ]

    async def land(self, reviews: Sequence[Review]) -> list[ContributionResult]:
        """File claims that two operators approved; gives one result each, in order."""
        facts = await self._session.facts.now()
        results = []
        for start in range(0, len(reviews), MAX_ROWS):
            chunk = list(enumerate(reviews[start : start + MAX_ROWS], start))
            results += await self._filed(chunk, facts.epoch.id)
        return results

    async def reject(self, entry_ids: Sequence[bytes]) -> None:
        """Forget reviews and their claims; nothing of them was sent."""
        reviews = await self.some(entry_ids)
        await self._session.workers.disk(partial(self._reviews.remove, reviews, with_rows=True))

    async def some(self, entry_ids: Sequence[bytes]) -> list[Review]:
        """Give reviews by their claims' entry ids; raises NotFound."""
        found = await self._session.workers.disk(self._reviews.some, list(dict.fromkeys(entry_ids)))
        now_ms = self._session.clock.now_ms()
        reviews = [it for it in found if it is not None and it.ends_at > now_ms]
        if len(reviews) < len(found):
            raise NotFound("One of these is no review that waits on this machine.")
        return reviews

    def _approved(self, review: Review, operator: Operator) -> Review:
        sealed, now_ms = review.drawn.sealed, self._session.clock.now_ms()
        signed = approve(operator.key, operator.name, entry_id=sealed.entry_id, claim=sealed.claim, now_ms=now_ms)
        return replace(review, second=signed)

    async def _filed(self, chunk: Sequence[tuple[int, Review]], epoch: int) -> list[ContributionResult]:
        rows = [_row(number, review) for number, review in chunk]
        waiting = []
        for row, (_, review) in zip(rows, chunk, strict=True):
            if review.claim.epoch != epoch:
                row.refuse(Refused.by(Reason.EPOCH_NOT_SERVED))
                continue
            row.approvals = (review.first, review.second) if review.second else (review.first,)
            waiting.append((row, review))
        contributor = Contributor(self._session)
        for amends in (False, True):
            some = [row for row, review in waiting if review.amends is amends]
            if some:
                await contributor.land(some, amend=amends)
        results = [row.finished() for row in rows]
        over = [(review, it) for (_, review), it in zip(chunk, results, strict=True) if it.reason not in PASSING]
        for with_rows in (False, True):
            gone = [review for review, it in over if (it.outcome is ContributionOutcome.REFUSED) is with_rows]
            await self._session.workers.disk(partial(self._reviews.remove, gone, with_rows=with_rows))
        return results


def _check_other(review: Review, operator: Operator) -> None:
    if read_approval(review.first).operator == operator.name:
        raise InvalidUse("Another operator approved this first: the second one is somebody else.")
    if review.second is not None:
        raise InvalidUse("Two operators approved this already: a police liaison is to countersign it.")


def _row(number: int, review: Review) -> Row:
    """Give a review as the row that it was."""
    draft, kept = draft_of(review.drawn.sealed.claim, review.kept.label), review.kept
    said = ContributionRow(
        kind=draft.kind,
        text=kept.identifier.canonical,
        category=draft.category,
        role=draft.role,
        evidence=draft.evidence,
        expires_at=draft.expires_at,
        observed_from=draft.observed_from,
        observed_to=draft.observed_to,
        sharing=draft.sharing,
        row_number=number,
    )
    drafted = Drafted(kept.identifier, draft, kept.evidence_salt, kept.content)
    return Row(said, drafted, place=review.place, drawn=review.drawn)
