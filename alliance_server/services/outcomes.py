"""Outcomes: members report counts, contributors read what was told of their claims, and admins how claims fare.

A batch counts in the month in which it came: once a month is over, nothing that was told of it changes any more.
"""

from typing import Final

from alliance.errors import Reason
from alliance.outcomes import PLAUSIBLE_DAYS, QUALITY_MONTHS, month_of
from alliance.statements import OUTCOME_REPORT
from alliance.taxonomy import DAY_MS
from alliance.v1.outcome_pb2 import OutcomeReport
from alliance.v1.statement_pb2 import SignedStatement
from alliance_server.domain.errors import Refused
from alliance_server.domain.members import Role
from alliance_server.domain.outcomes import ASKED, OutcomeBatch, Quality, Told, batch_of
from alliance_server.domain.ports import Store, Transaction
from alliance_server.domain.quotas import day_of
from alliance_server.domain.statements import check_fresh, read_statement
from alliance_server.services.call import Call
from alliance_server.services.memberships import require_admitted
from alliance_server.services.paging import name, numbers, page_size

MAX_STATEMENT_BYTES: Final = 512 * 1024


class OutcomeService:
    """Takes and tells what became of decisions."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def report(self, call: Call, statement: SignedStatement) -> None:
        """Count the caller's batch for a day, once; raises Refused."""
        said = read_statement(call.caller, OUTCOME_REPORT, statement, OutcomeReport(), MAX_STATEMENT_BYTES)
        now = call.now()
        check_fresh(call.caller, said.member, said.time, now)
        batch = batch_of(said, now)

        def work(transaction: Transaction) -> None:
            transaction.members.hold(batch.member_id)  # two batches at once are two, one after the other
            require_admitted(transaction, call.caller, now)
            earlier = transaction.outcomes.digest(batch.member_id, batch.day)
            if earlier is None:
                _check_contributors(transaction, batch)
                _check_plausible(transaction, batch, now)
                transaction.outcomes.add(batch, month_of(now), now)
            elif earlier != batch.digest:
                raise Refused(Reason.CONFLICTING_RETRY, "another batch was sent for the day")
            transaction.record(call.event(items=batch.reports, commitments=(batch.digest,)))

        await self._store.write(work)

    async def told(self, call: Call, asked_size: int, token: str) -> tuple[list[Told], str]:
        """List a page of what was told of the caller's own claims, and the token of the next."""
        size, member_id = page_size(asked_size), call.caller.member_id
        month, category, outcome = numbers(token, 3)

        def work(transaction: Transaction) -> list[Told]:
            told = transaction.outcomes.told(member_id, (month, category, outcome), size)
            transaction.record(call.event(items=len(told)))
            return told

        told = await self._store.write(work)
        return told, _token(told[-1]) if len(told) == size else ""

    async def quality(self, call: Call, asked_size: int, token: str) -> tuple[list[Quality], str]:
        """List how the claims of a page of contributors fared within a year, and the token of the next."""
        size, after = page_size(asked_size), name(token)
        since = month_of(call.now()) - QUALITY_MONTHS

        def work(transaction: Transaction) -> list[Quality]:
            rows = transaction.outcomes.quality(after, size, since)
            transaction.record(call.event(items=len(rows)))
            return rows

        rows = await self._store.write(work)
        contributors = {row.contributor for row in rows}
        return rows, rows[-1].contributor if len(contributors) == size else ""


def _check_contributors(transaction: Transaction, batch: OutcomeBatch) -> None:
    for contributor in {cell.contributor for cell in batch.counts}:
        member = transaction.members.get(contributor)
        if member is None or member.role is not Role.MEMBER:
            raise Refused(Reason.INVALID_REQUEST, "a row's contributor is no member")


def _check_plausible(transaction: Transaction, batch: OutcomeBatch, now: int) -> None:
    """Raise Refused where more is reported than can have been decided."""
    reported = transaction.outcomes.reported(batch.member_id, now - PLAUSIBLE_DAYS * DAY_MS)
    asked = transaction.quotas.used_since(batch.member_id, ASKED, day_of(now) - PLAUSIBLE_DAYS)
    if reported + batch.reports > asked:
        raise Refused(Reason.OUTCOMES_IMPLAUSIBLE, "more outcomes than evaluations")


def _token(told: Told) -> str:
    return f"{told.month}-{told.cell.category}-{told.cell.outcome}"
