"""What became of decisions: what this member reported, what it is told of its own claims, and what admins see.

What is told was reported five times at least and by two members, at the end of a month; what is missing may be four
reports, one member's alone, or none (docs/adr/0030-outcomes-are-told-in-counts.md).
"""

from dataclasses import dataclass
from typing import Final

from alliance.outcomes import RIGHT, WRONG, month_text
from alliance.taxonomy import Category, Outcome
from alliance.v1 import outcome_pb2
from alliance.v1.outcome_pb2_grpc import OutcomeServiceStub
from member_client._paging import pages
from member_client._session import Session
from member_client.errors import HubError

PAGE_SIZE: Final = 1000
_MAX_MONTH: Final = 12 * 10_000


@dataclass(frozen=True, slots=True)
class OutcomeReport:
    """What became of a decision, about one claim that it rested on; `reported_at` in milliseconds UTC.

    It stays on this machine: of all reports of a day the alliance learns counts.
    """

    receipt: str
    entry_id: bytes
    contributor: str
    category: Category
    outcome: Outcome
    reported_at: int


@dataclass(frozen=True, slots=True)
class OutcomeReports:
    """What waits to be sent, oldest first, and how many reports were sent."""

    waiting: tuple[OutcomeReport, ...]
    sent: int


@dataclass(frozen=True, slots=True)
class OutcomeCount:
    """How often an outcome of this member's own claims was told at the end of a month, written as 2026-11."""

    month: str
    category: Category
    outcome: Outcome
    count: int


@dataclass(frozen=True, slots=True)
class ClaimQuality:
    """How a contributor's claims of a category fared within twelve months; 0 where too little was reported."""

    contributor: str
    category: Category
    confirmed_fraud: int
    false_match: int
    wrong_person: int
    stale: int
    victim: int

    def of(self, outcome: Outcome) -> int:
        """Give the count of an outcome."""
        count: int = getattr(self, outcome.word)
        return count

    @property
    def reports(self) -> int:
        """All of them."""
        return sum(map(self.of, Outcome))

    @property
    def precision(self) -> float | None:
        """Confirmed fraud among confirmed fraud, false matches and wrong persons; None where there is none of these."""
        right = sum(map(self.of, RIGHT))
        told = right + sum(map(self.of, WRONG))
        return right / told if told else None


async def read_outcomes(session: Session) -> list[OutcomeCount]:
    """Read what was told of this member's own claims, oldest month first; raises HubError."""

    async def fetch(token: str) -> outcome_pb2.ListOutcomesResponse:
        request = outcome_pb2.ListOutcomesRequest(page_size=PAGE_SIZE, page_token=token)
        return await session.transport.ask(lambda channel: OutcomeServiceStub(channel).ListOutcomes, request)

    return [_count(it) async for page in pages(fetch, lambda page: page.counts) for it in page]


async def read_quality(session: Session) -> list[ClaimQuality]:
    """Read the quality table, by contributor and category; raises HubError, and Denied for who is no admin."""

    async def fetch(token: str) -> outcome_pb2.ListQualityResponse:
        request = outcome_pb2.ListQualityRequest(page_size=PAGE_SIZE, page_token=token)
        return await session.transport.ask(lambda channel: OutcomeServiceStub(channel).ListQuality, request)

    return [_quality(it) async for page in pages(fetch, lambda page: page.rows) for it in page]


def _count(message: outcome_pb2.OutcomeCount) -> OutcomeCount:
    try:
        category, outcome = Category(message.category), Outcome(message.outcome)
    except ValueError as error:
        raise HubError("The hub's answer cannot be read.") from error
    if message.month >= _MAX_MONTH:
        raise HubError("The hub's answer cannot be read.")
    return OutcomeCount(month_text(message.month), category, outcome, message.count)


def _quality(message: outcome_pb2.Quality) -> ClaimQuality:
    values = {it.name: getattr(message, it.name) for it in message.DESCRIPTOR.fields}
    try:
        return ClaimQuality(**{**values, "category": Category(message.category)})
    except ValueError as error:
        raise HubError("The hub's answer cannot be read.") from error
