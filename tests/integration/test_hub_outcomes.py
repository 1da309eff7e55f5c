"""Outcomes at the hub: counts alone come in, and what goes out has five reports of two members behind each number."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import sqlalchemy as sa
from support.hub import RunningHub, running_hub, to_mid_month
from support.wire import WireMember, enrol, events_of, refuses, valid_elements

from alliance.crypto.signing import SigningKey
from alliance.errors import Reason
from alliance.outcomes import month_of
from alliance.taxonomy import DAY_MS, Purpose
from alliance.v1 import outcome_pb2, taxonomy_pb2
from alliance_server.domain.actions import AuditAction
from alliance_server.domain.members import HUB_ACTOR, Caller, MemberState, Role
from alliance_server.domain.outcomes import Quality
from alliance_server.services.call import Call
from alliance_server.services.outcome_months import LEASE_MS, OutcomeMonths
from alliance_server.services.outcomes import OutcomeService

pytestmark = pytest.mark.asyncio(loop_scope="module")

MULE, PHISHING = taxonomy_pb2.CATEGORY_MULE_ACCOUNT, taxonomy_pb2.CATEGORY_PHISHING
FRAUD, FALSE, STALE = (
    taxonomy_pb2.OUTCOME_CONFIRMED_FRAUD,
    taxonomy_pb2.OUTCOME_FALSE_MATCH,
    taxonomy_pb2.OUTCOME_STALE,
)
Counts = dict[tuple[str, int, int], int]


@dataclass
class Court:
    """A hub with a contributor, three lenders who act on its claims, and an admin; the tests do its maintenance."""

    hub: RunningHub
    acme: WireMember
    lenders: list[WireMember]
    admin: WireMember

    async def report(self, member: WireMember, counts: Counts, **changes: Any) -> None:
        """Ask for as many evaluations, and report."""
        await member.evaluate(valid_elements(sum(counts.values())), Purpose.LOAN_APPLICATION)
        await member.outcomes.ReportOutcomes(member.outcome_report(counts, **changes))

    async def month_ends(self) -> int:
        """Let the next month begin and the job have its turn; gives the month that is over."""
        month = month_of(self.hub.clock.now_ms())
        while month_of(self.hub.clock.now_ms()) == month:
            self.hub.clock.advance(days=1)
        await OutcomeMonths(self.hub.hub.store, self.hub.clock).turn()
        return month

    async def told(self, member: WireMember | None = None) -> dict[tuple[int, int, int], int]:
        reply = await (member or self.acme).outcomes.ListOutcomes(outcome_pb2.ListOutcomesRequest())
        return {(it.month, it.category, it.outcome): it.count for it in reply.counts}

    async def quality(self) -> list[outcome_pb2.Quality]:
        return list((await self.admin.outcomes.ListQuality(outcome_pb2.ListQualityRequest())).rows)


@pytest_asyncio.fixture(loop_scope="module")
async def court(new_hub_folder: Callable[[], Path]) -> AsyncIterator[Court]:
    async with running_hub(new_hub_folder(), config={"maintenance_seconds": 60}) as hub:
        await hub.stop_maintenance()
        lenders = [await enrol(hub, name) for name in ("first", "second", "third")]
        made = Court(hub, await enrol(hub, "acme"), lenders, await enrol(hub, "ann", Role.ADMIN))
        to_mid_month(hub.clock)
        yield made
        for member in (made.acme, made.admin, *lenders):
            await member.close()


async def test_four_are_not_told_and_five_are_at_the_months_end(court: Court) -> None:
    first, second, _ = court.lenders
    await court.report(first, {("acme", MULE, FRAUD): 3, ("acme", MULE, FALSE): 3})
    await court.report(second, {("acme", MULE, FRAUD): 2, ("acme", MULE, FALSE): 1})
    assert (await court.told(), await court.quality()) == ({}, [])
    month = await court.month_ends()
    assert await court.told() == {(month, MULE, FRAUD): 5}
    assert await court.told(first) == {}  # a contributor's counts are its own
    assert await court.quality() == [outcome_pb2.Quality(contributor="acme", category=MULE, confirmed_fraud=5)]


async def test_many_reports_of_one_member_alone_are_not_told(court: Court) -> None:
    await court.report(court.lenders[0], {("acme", MULE, FRAUD): 50})
    await court.month_ends()
    assert (await court.told(), await court.quality()) == ({}, [])


async def test_no_difference_of_two_answers_is_smaller_than_five(court: Court) -> None:
    """Whatever is asked whenever: every number that is told, and every difference in time, is nothing or five."""
    first, second, third = court.lenders
    seen = [await court.told()]
    sums = [0]
    for turn in range(5):
        for member, count in ((first, 1), (second, 2 * (turn % 3)), (third, 2)):
            if count:
                await court.report(member, {("acme", MULE, FRAUD): count}, day=member.now // DAY_MS - 1)
            seen.append(await court.told())
        await court.month_ends()
        seen.append(await court.told())
        sums.append(sum(it.confirmed_fraud for it in await court.quality()))
    for before, after in pairwise(seen):
        assert all(after[key] == count for key, count in before.items())  # what was told stays as it is
        assert all(count >= 5 for count in after.values())
    assert all(late - early == 0 or late - early >= 5 for early, late in pairwise(sums))
    assert sums == [0, 0, 8, 15, 15, 23]


async def test_a_batch_is_counted_once_and_another_of_the_day_is_refused(court: Court) -> None:
    first, second, _ = court.lenders
    await first.evaluate(valid_elements(9), Purpose.TRANSACTION)
    batch: dict[str, Any] = {"nonce": os.urandom(16), "day": first.now // DAY_MS - 1}
    counts: Counts = {("acme", MULE, FRAUD): 3}
    for _ in range(3):
        court.hub.clock.advance(seconds=1)  # signed anew: the time is no part of a retry
        await first.outcomes.ReportOutcomes(first.outcome_report(counts, **batch))
    for other in ({**batch, "nonce": os.urandom(16)}, {**batch, "rows": first_rows(first, {("acme", MULE, FRAUD): 4})}):
        with refuses(Reason.CONFLICTING_RETRY):
            await first.outcomes.ReportOutcomes(first.outcome_report(counts, **other))
    await court.report(second, {("acme", MULE, FRAUD): 2})
    month = await court.month_ends()
    assert await court.told() == {(month, MULE, FRAUD): 5}


def first_rows(member: WireMember, counts: Counts) -> list[outcome_pb2.OutcomeRow]:
    payload = member.outcome_report(counts).report.payload
    return list(outcome_pb2.OutcomeReport.FromString(payload).rows)


async def test_the_same_batch_sent_twice_at_once_is_one(court: Court) -> None:
    first, second, _ = court.lenders
    await first.evaluate(valid_elements(40), Purpose.TRANSACTION)
    request = first.outcome_report({("acme", MULE, FRAUD): 4})
    await asyncio.gather(*(first.outcomes.ReportOutcomes(request) for _ in range(10)))
    await court.report(second, {("acme", MULE, FRAUD): 1})
    month = await court.month_ends()
    assert await court.told() == {(month, MULE, FRAUD): 5}


async def test_more_than_was_asked_for_is_implausible(court: Court) -> None:
    first, _, _ = court.lenders
    await first.evaluate(valid_elements(5), Purpose.PORTFOLIO_SCREENING)
    await first.evaluate(valid_elements(5), Purpose.CONTRIBUTION)  # no decision follows from these
    with refuses(Reason.OUTCOMES_IMPLAUSIBLE):
        await first.outcomes.ReportOutcomes(first.outcome_report({("acme", MULE, FRAUD): 6}))
    today = first.now // DAY_MS
    await first.outcomes.ReportOutcomes(first.outcome_report({("acme", MULE, FRAUD): 3}, day=today - 3))
    with refuses(Reason.OUTCOMES_IMPLAUSIBLE):
        await first.outcomes.ReportOutcomes(first.outcome_report({("acme", MULE, FRAUD): 3}, day=today - 2))
    await first.outcomes.ReportOutcomes(first.outcome_report({("acme", MULE, FRAUD): 2}, day=today - 1))
    court.hub.clock.advance(days=36)
    with refuses(Reason.OUTCOMES_IMPLAUSIBLE):
        await first.outcomes.ReportOutcomes(first.outcome_report({("acme", MULE, FRAUD): 1}))


@pytest.mark.parametrize(
    ("counts", "changes", "reason"),
    [
        ({("first", MULE, FRAUD): 1}, {}, Reason.INVALID_REQUEST),
        ({("nobody", MULE, FRAUD): 1}, {}, Reason.INVALID_REQUEST),
        ({("ann", MULE, FRAUD): 1}, {}, Reason.INVALID_REQUEST),
        ({("ac\0me", MULE, FRAUD): 1}, {}, Reason.INVALID_REQUEST),
        ({("acme", 99, FRAUD): 1}, {}, Reason.INVALID_REQUEST),
        ({("acme", MULE, 0): 1}, {}, Reason.INVALID_REQUEST),
        ({("acme", MULE, FRAUD): 0}, {}, Reason.INVALID_REQUEST),
        ({("acme", MULE, FRAUD): 2**32 - 1}, {}, Reason.INVALID_REQUEST),
        ({}, {}, Reason.INVALID_REQUEST),
        ({("acme", MULE, FRAUD): 1}, {"nonce": b"short"}, Reason.INVALID_REQUEST),
        ({("acme", MULE, FRAUD): 1}, {"days_ago": 0}, Reason.INVALID_REQUEST),
        ({("acme", MULE, FRAUD): 1}, {"days_ago": 91}, Reason.INVALID_REQUEST),
        ({("acme", MULE, FRAUD): 1}, {"member": "second"}, Reason.REPLAYED),
        ({("acme", MULE, FRAUD): 1}, {"seconds_ago": 121}, Reason.REPLAYED),
    ],
)
async def test_what_a_batch_may_not_say(court: Court, counts: Counts, changes: dict[str, Any], reason: Reason) -> None:
    first = court.lenders[0]
    await first.evaluate(valid_elements(5), Purpose.LOAN_APPLICATION)
    if "days_ago" in changes:
        changes = {"day": first.now // DAY_MS - changes["days_ago"]}
    if "seconds_ago" in changes:
        changes = {"time": first.now - changes["seconds_ago"] * 1000}
    with refuses(reason):
        await first.outcomes.ReportOutcomes(first.outcome_report(counts, **changes))


async def test_rows_are_in_order_and_come_once(court: Court) -> None:
    first = court.lenders[0]
    await first.evaluate(valid_elements(9), Purpose.LOAN_APPLICATION)
    rows = first_rows(first, {("acme", MULE, FRAUD): 1, ("acme", MULE, FALSE): 1})
    for wrong in ([*reversed(rows)], [rows[0], rows[0]]):
        with refuses(Reason.INVALID_REQUEST):
            await first.outcomes.ReportOutcomes(first.outcome_report({}, rows=wrong))


async def test_a_batch_is_its_members_own_word(court: Court) -> None:
    first = court.lenders[0]
    await first.evaluate(valid_elements(9), Purpose.LOAN_APPLICATION)
    request = first.outcome_report({("acme", MULE, FRAUD): 1})
    first.key, own = SigningKey.generate()[0], first.key
    with refuses(Reason.SIGNATURE_INVALID):
        await first.outcomes.ReportOutcomes(first.outcome_report({("acme", MULE, FRAUD): 1}))
    first.key = own
    with refuses(Reason.REPLAYED):
        court.hub.clock.advance(seconds=121)
        await first.outcomes.ReportOutcomes(request)


async def test_who_was_suspended_reports_nothing(court: Court) -> None:
    first = court.lenders[0]
    await first.evaluate(valid_elements(9), Purpose.LOAN_APPLICATION)
    court.hub.hub.store.write_now(lambda it: it.members.set_state("first", MemberState.SUSPENDED, first.now))
    with refuses(Reason.NOT_AUTHENTICATED):
        await first.outcomes.ReportOutcomes(first.outcome_report({("acme", MULE, FRAUD): 1}))


async def test_roles(court: Court) -> None:
    with refuses(Reason.NOT_PERMITTED):
        await court.acme.outcomes.ListQuality(outcome_pb2.ListQualityRequest())
    with refuses(Reason.NOT_PERMITTED):
        await court.admin.outcomes.ListOutcomes(outcome_pb2.ListOutcomesRequest())
    with refuses(Reason.NOT_PERMITTED):
        await court.admin.outcomes.ReportOutcomes(court.admin.outcome_report({("acme", MULE, FRAUD): 1}))


async def test_pages(court: Court) -> None:
    counts: Counts = {(who, what, FRAUD): 3 for who in ("acme", "third") for what in (MULE, PHISHING)}
    for member in court.lenders[:2]:
        await court.report(member, counts)
    month = await court.month_ends()
    found, token = [], ""
    for _ in range(2):
        reply = await court.acme.outcomes.ListOutcomes(outcome_pb2.ListOutcomesRequest(page_size=1, page_token=token))
        found += [(it.month, it.category) for it in reply.counts]
        token = reply.next_page_token
    assert found == [(month, MULE), (month, PHISHING)]
    first = await court.admin.outcomes.ListQuality(outcome_pb2.ListQualityRequest(page_size=1))
    rest = await court.admin.outcomes.ListQuality(
        outcome_pb2.ListQualityRequest(page_size=1, page_token=first.next_page_token)
    )
    assert [(it.contributor, it.category) for it in (*first.rows, *rest.rows)] == [
        (who, what) for who in ("acme", "third") for what in (MULE, PHISHING)
    ]


async def test_quality_looks_back_a_year(court: Court) -> None:
    for member in court.lenders[:2]:
        await court.report(member, {("acme", MULE, FRAUD): 3, ("acme", MULE, STALE): 4})
    await court.month_ends()
    for _ in range(12):
        assert [dict(it.counts) for it in await _quality_a_year_later(court)] == [{FRAUD: 6, STALE: 8}]
        await court.month_ends()
    assert await _quality_a_year_later(court) == []


async def _quality_a_year_later(court: Court) -> list[Quality]:
    """Ask beside the wire: no certificate lasts as long."""
    call = Call(Caller("ann", Role.ADMIN, b"", ""), AuditAction.OUTCOME_QUALITY, court.hub.clock)
    rows, _ = await OutcomeService(court.hub.hub.store).quality(call, 0, "")
    return rows


async def test_one_process_tells_a_month_and_another_goes_on_where_it_was_cut_off(
    court: Court, monkeypatch: pytest.MonkeyPatch
) -> None:
    for member in court.lenders[:2]:
        await court.report(member, {(who, MULE, FRAUD): 3 for who in ("acme", "third")})
    store, clock = court.hub.hub.store, court.hub.clock
    month = month_of(clock.now_ms())
    clock.advance(days=31)
    killed, other = OutcomeMonths(store, clock), OutcomeMonths(store, clock)
    written = store.write
    calls = iter(range(100))

    async def dies(work: Any) -> Any:
        if next(calls) == 1:
            raise KeyboardInterrupt
        return await written(work)

    with monkeypatch.context() as patch:
        patch.setattr(store, "write", dies)
        with pytest.raises(KeyboardInterrupt):
            await killed.turn()
    assert await court.told() == {(month, MULE, FRAUD): 6}
    assert not await other.turn()  # the lease is another's until it is over
    clock.advance(seconds=LEASE_MS / 1000)
    assert await other.turn()
    assert await court.told(court.lenders[2]) == {(month, MULE, FRAUD): 6}
    assert await court.told() == {(month, MULE, FRAUD): 6}
    assert not await killed.turn()
    told = [it for it in events_of(court.hub, HUB_ACTOR) if it.action == "outcome:month:tell"]
    assert [(it.items, list(it.commitments)) for it in told] == [
        (1, [sha256(who.encode()).digest()]) for who in ("acme", "third")
    ]
    assert sum(it.action == "outcome:month:forget" for it in events_of(court.hub, HUB_ACTOR)) == 1


async def test_the_hub_holds_counts_and_no_decision(court: Court) -> None:
    """What a statement may hold is what the hub can learn: no receipt, no entry id, no time but its own."""
    assert {it.name for it in outcome_pb2.OutcomeReport.DESCRIPTOR.fields} == {"member", "day", "rows", "nonce", "time"}
    assert {it.name for it in outcome_pb2.OutcomeRow.DESCRIPTOR.fields} == {
        "contributor",
        "category",
        "outcome",
        "count",
    }
    nonce = os.urandom(16)
    await court.report(court.lenders[0], {("acme", MULE, FRAUD): 1}, nonce=nonce)
    (event,) = [it for it in court.lenders[0].events() if it.action == "outcome:report"]
    assert (event.items, len(event.commitments)) == (1, 1)
    with court.hub.hub.store.engine.connect() as connection:
        for table in ("outcome_batches", "waiting_outcomes", "audit_events"):
            for row in connection.execute(sa.text(f"SELECT * FROM {table}")):  # noqa: S608 - constants
                assert not any(isinstance(value, bytes) and nonce in value for value in row)
