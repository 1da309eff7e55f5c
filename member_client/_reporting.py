"""Reports of outcomes on their way: kept here by decision and claim, sent once a day in counts.

The hub learns no receipt, no entry and no time of a decision. A day's batch goes out at a moment of the next day that
this machine's key chooses, so that it does not say when somebody works; and no sooner than the day is over.
"""

import asyncio
import hmac
import logging
from typing import Final

from alliance import statements
from alliance.crypto.secret import Secret
from alliance.taxonomy import DAY_MS, Outcome
from alliance.v1 import outcome_pb2, taxonomy_pb2
from alliance.v1.outcome_pb2_grpc import OutcomeServiceStub
from member_client._outcome_box import Batch, OutcomeBox
from member_client._session import Session
from member_client.decisions import KeptDecision
from member_client.errors import (
    AllianceClientError,
    ConflictingRetry,
    HubError,
    HubFault,
    HubUnavailable,
    InvalidUse,
    OutcomesImplausible,
)
from member_client.outcomes import OutcomeReport, OutcomeReports
from member_client.verdicts import Match

LOOK_SECONDS: Final = 60.0
DELAY_SECONDS: Final = 3.0
"""A command that is over by then leaves it to others."""

_log = logging.getLogger("member_client.outcomes")


class Reporting:
    """The reports of one member."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._box = OutcomeBox(session.state.decisions)

    async def report(self, receipt: str, outcome: Outcome, entry_id: bytes | None) -> list[OutcomeReport]:
        """Keep what became of a decision, about one claim or all that it rests on; raises InvalidUse."""
        decision = await self._session.decisions.one(receipt)
        if decision is None:
            raise InvalidUse("no decision is kept under this receipt")
        now = self._session.clock.now_ms()
        reports = [
            OutcomeReport(decision.receipt, it.entry_id, it.contributor, it.category, outcome, now)
            for it in _matches(decision, entry_id)
        ]
        kept = await self._session.workers.disk(self._box.put, reports)
        if not kept:
            raise InvalidUse("what became of this decision was sent already: counts cannot be taken back")
        return kept

    async def standing(self) -> OutcomeReports:
        """Give what waits, and how many were sent."""
        return await self._session.workers.disk(self._box.standing)

    async def send(self, until: int | None = None) -> int:
        """Send what was reported up to the end of a UTC day, yesterday unless said; gives how many reports.

        What another machine of this member leaves no place for waits for the next day.
        """
        until = self._session.clock.now_ms() // DAY_MS - 1 if until is None else until
        sent = 0
        while (batch := await self._session.workers.disk(self._box.next_batch, until)) is not None:
            try:
                await self._report(batch)
            except HubFault:
                raise
            except ConflictingRetry:
                await self._session.workers.disk(self._box.release, batch)
                if batch.day == until:
                    break
                continue
            except (HubError, OutcomesImplausible):
                await self._session.workers.disk(self._box.release, batch)
                raise
            await self._session.workers.disk(self._box.settle, batch)
            sent += len(batch.reports)
        return sent

    async def follow(self) -> None:
        """Send each day's reports at its moment, for as long as it is let; what is refused goes with the next day's."""
        await asyncio.sleep(DELAY_SECONDS)
        key, done = self._session.store.derived_key(b"outcomes"), -1
        while True:
            due = due_day(key, self._session.clock.now_ms())
            if due != done:
                try:
                    await self.send(due)
                    done = due
                except (HubUnavailable, HubFault):
                    _log.info("reports of outcomes wait for the hub")
                except AllianceClientError as error:
                    _log.warning("reports of outcomes were refused, and wait for a day: %s", type(error).__name__)
                    done = due
            await asyncio.sleep(LOOK_SECONDS)

    async def _report(self, batch: Batch) -> None:
        rows = [
            outcome_pb2.OutcomeRow(
                contributor=contributor,
                category=taxonomy_pb2.Category.ValueType(category),
                outcome=taxonomy_pb2.Outcome.ValueType(outcome),
                count=count,
            )
            for (contributor, category, outcome), count in batch.counts()
        ]

        def request() -> outcome_pb2.ReportOutcomesRequest:
            said = outcome_pb2.OutcomeReport(
                member=self._session.profile.member,
                day=batch.day,
                rows=rows,
                nonce=batch.nonce,
                time=self._session.clock.now_ms(),
            )
            statement = self._session.identity.statement(statements.OUTCOME_REPORT, said.SerializeToString())
            return outcome_pb2.ReportOutcomesRequest(report=statement)

        await self._session.transport.call(lambda channel: OutcomeServiceStub(channel).ReportOutcomes, request)


def _matches(decision: KeptDecision, entry_id: bytes | None) -> list[Match]:
    """Give the claims of a decision that are meant, each once; raises InvalidUse."""
    matches = {it.entry_id: it for it in decision.matches if entry_id in (None, it.entry_id)}
    if not matches:
        raise InvalidUse("the decision rests on no claim, or on none of this entry id")
    return list(matches.values())


def due_day(key: Secret, now: int) -> int:
    """Give the newest UTC day whose reports are due by now: yesterday from its moment on, else the day before."""
    yesterday = now // DAY_MS - 1
    drawn = hmac.digest(key.reveal(), b"%d" % yesterday, "sha256")
    moment = int.from_bytes(drawn[:8], "big") % DAY_MS
    return yesterday if now % DAY_MS >= moment else yesterday - 1
