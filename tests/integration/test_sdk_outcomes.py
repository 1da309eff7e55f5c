"""Outcomes by the SDK: kept here by decision, sent in counts once a day, told to contributors and admins."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from support.hub import RunningHub, running_hub, to_mid_month
from support.sdk import BASIS, PORTFOLIO, Silence, Tamper, command, contribute, lender, row

from alliance.crypto.secret import Secret
from alliance.outcomes import month_of, month_text
from alliance.taxonomy import DAY_MS, Category
from alliance.v1 import outcome_pb2
from alliance_server.domain.members import Role
from member_client import (
    AllianceClient,
    ClaimQuality,
    HubError,
    HubUnavailable,
    InvalidUse,
    NotPermitted,
    Outcome,
    OutcomeCount,
    OutcomeReport,
    OutcomesImplausible,
    Subject,
    Verdict,
    _transport,
)
from member_client import _reporting as reporting
from member_client._reporting import due_day

NewFolder = Callable[[], Path]
SECONDS = 30
LISTED = tuple(f"1385561{number:04d}" for number in range(12))
REF = "case-ref-8152"


@dataclass
class Market:
    """A hub, a contributor with listed phones, and two lenders who ask about them."""

    hub: RunningHub
    a: AllianceClient
    b: AllianceClient
    c: AllianceClient
    ann: AllianceClient

    async def pass_days(self, days: int) -> None:
        """Let days pass, and the hub see to its filter after them."""
        self.hub.clock.advance(days=days)
        await self.hub.settle()

    async def month_ends(self) -> str:
        """Let the month end, and the hub tell it."""
        month = month_of(self.hub.clock.now_ms())
        while month_of(self.hub.clock.now_ms()) == month:
            self.hub.clock.advance(days=1)
        await self.hub.hub.outcomes.turn()
        return month_text(month)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with self.hub.hub.store.engine.connect() as connection:
            return [tuple(it) for it in connection.execute(sa.text(query))]


@asynccontextmanager
async def market(folder: Path, **options: Any) -> AsyncIterator[Market]:
    async with (
        running_hub(folder, **options) as hub,
        lender(hub, "a") as a,
        lender(hub, "b") as b,
        lender(hub, "c") as c,
        lender(hub, "ann", role=Role.ADMIN) as ann,
    ):
        to_mid_month(hub.clock)
        await contribute(a, map(row, LISTED))
        await hub.settle()
        yield Market(hub, a, b, c, ann)


async def ask(client: AllianceClient, phone: str) -> Verdict:
    return await client.screen(Subject(REF, phone=phone), purpose=PORTFOLIO, consent=BASIS)


async def test_reports_go_out_in_counts_and_come_back_as_counts(new_hub_folder: NewFolder) -> None:
    async with market(new_hub_folder()) as it:
        for client, phones in ((it.b, LISTED[:4]), (it.c, LISTED[4:6])):
            for phone in phones:
                verdict = await ask(client, phone)
                (kept,) = await client.report(verdict.receipt, "confirmed_fraud")
                assert (kept.contributor, kept.category) == ("a", Category.MULE_ACCOUNT)
        verdict = await ask(it.b, LISTED[7])
        await it.b.report(verdict.receipt.lower(), Outcome.WRONG_PERSON, verdict.matches[0].entry_id)
        assert (await it.b.outcome_reports()).sent == 0
        assert await it.b.send_outcomes() == 0  # the day is not over
        await it.pass_days(1)
        assert (await it.b.send_outcomes(), await it.c.send_outcomes()) == (5, 2)
        standing = await it.b.outcome_reports()
        assert (standing.waiting, standing.sent) == ((), 5)
        assert await it.a.claim_outcomes() == []
        admin = await it.ann.administration()
        assert await admin.quality() == []
        month = await it.month_ends()
        assert await it.a.claim_outcomes() == [OutcomeCount(month, Category.MULE_ACCOUNT, Outcome.CONFIRMED_FRAUD, 6)]
        assert await it.b.claim_outcomes() == []
        (quality,) = await admin.quality()
        assert quality == ClaimQuality("a", Category.MULE_ACCOUNT, 6, 0, 0, 0, 0)
        assert (quality.reports, quality.precision) == (6, 1.0)
        with pytest.raises(NotPermitted):
            await (await it.a.administration()).quality()


def test_precision_is_of_what_proved_right_or_wrong() -> None:
    def quality(*counts: int) -> ClaimQuality:
        return ClaimQuality("a", Category.PHISHING, *counts)

    assert quality(6, 5, 9, 100, 100).precision == 0.3
    assert quality(0, 0, 0, 7, 8).precision is None
    assert quality(0, 5, 0, 0, 0).precision == 0.0
    assert quality(1, 2, 3, 4, 5).reports == 15


async def test_the_hub_learns_no_receipt_no_entry_and_no_time(new_hub_folder: NewFolder) -> None:
    async with market(new_hub_folder()) as it:
        verdicts = [await ask(it.b, phone) for phone in LISTED[:3]]
        for verdict in verdicts:
            await it.b.report(verdict.receipt, Outcome.FALSE_MATCH)
        reported = [one.reported_at for one in (await it.b.outcome_reports()).waiting]
        await it.pass_days(1)
        await it.b.send_outcomes()
        tables = ("outcome_batches", "waiting_outcomes", "told_outcomes", "outcome_months", "audit_events")
        seen = [value for table in tables for found in it.rows(f"SELECT * FROM {table}") for value in found]  # noqa: S608
        forbidden = [
            *(verdict.matches[0].entry_id for verdict in verdicts),
            *(verdict.receipt.encode() for verdict in verdicts),
            REF.encode(),
        ]
        for value in seen:
            content = value if isinstance(value, bytes) else str(value).encode()
            assert not [needle for needle in forbidden if needle in content or needle.hex().encode() in content]
            assert value not in reported
        assert it.rows("SELECT contributor, category, outcome, member_id, reports FROM waiting_outcomes") == [
            ("a", 4, 2, "b", 3)
        ]
        files = [path for path in it.b.profile.folder.rglob("*") if path.is_file()]
        assert not [path for path in files for needle in forbidden if needle in path.read_bytes()]


async def test_a_later_report_takes_an_earlier_ones_place_until_it_is_sent(new_hub_folder: NewFolder) -> None:
    async with market(new_hub_folder()) as it:
        verdict = await ask(it.b, LISTED[0])
        await it.b.report(verdict.receipt, Outcome.CONFIRMED_FRAUD)
        await it.b.report(verdict.receipt, Outcome.VICTIM)
        standing = await it.b.outcome_reports()
        assert [one.outcome for one in standing.waiting] == [Outcome.VICTIM]
        await it.pass_days(1)
        assert await it.b.send_outcomes() == 1
        with pytest.raises(InvalidUse, match="sent already"):
            await it.b.report(verdict.receipt, Outcome.STALE)
        assert it.rows("SELECT outcome, reports FROM waiting_outcomes") == [(Outcome.VICTIM, 1)]


async def test_what_cannot_be_reported(new_hub_folder: NewFolder) -> None:
    async with market(new_hub_folder()) as it:
        verdict = await ask(it.b, LISTED[0])
        clear = await ask(it.b, "13855690000")
        for receipt in (clear.receipt, "R-NONE-0", ""):
            with pytest.raises(InvalidUse, match="no decision is kept under this receipt"):
                await it.b.report(receipt, Outcome.STALE)
        with pytest.raises(InvalidUse, match="no decision is kept"):
            await it.c.report(verdict.receipt, Outcome.STALE)  # it is b's
        with pytest.raises(InvalidUse, match="none of this entry id"):
            await it.b.report(verdict.receipt, Outcome.STALE, os.urandom(16))
        with pytest.raises(InvalidUse, match="one of confirmed_fraud"):
            await it.b.report(verdict.receipt, "guilty")
        assert (await it.b.outcome_reports()).waiting == ()


async def test_a_batch_whose_answer_was_lost_is_counted_once(new_hub_folder: NewFolder) -> None:
    silence = Silence("ReportOutcomes")
    async with market(new_hub_folder(), interceptors=[silence]) as it:
        await it.b.report((await ask(it.b, LISTED[0])).receipt, Outcome.CONFIRMED_FRAUD)
        await it.pass_days(1)
        silence.active = True
        sending = asyncio.create_task(it.b.send_outcomes())
        async with asyncio.timeout(SECONDS):
            await silence.reached.wait()
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        silence.active = False
        await it.b.close()
        (waiting,) = (await it.b.outcome_reports()).waiting  # under way
        assert waiting.outcome is Outcome.CONFIRMED_FRAUD
        with pytest.raises(InvalidUse, match="sent already"):
            await it.b.report(waiting.receipt, Outcome.STALE)
        await it.b.report((await ask(it.b, LISTED[1])).receipt, Outcome.STALE)
        await it.pass_days(2)
        assert await it.b.send_outcomes() == 2
        assert sorted(it.rows("SELECT outcome, reports FROM waiting_outcomes")) == [(1, 1), (4, 1)]
        assert it.rows("SELECT count(*) FROM outcome_batches") == [(2,)]


async def test_two_machines_of_a_member_report_one_after_the_other(new_hub_folder: NewFolder) -> None:
    async with market(new_hub_folder()) as it:
        elsewhere = replace(it.b.profile, state=str(it.b.profile.folder.parent / "b-2"))
        async with AllianceClient(elsewhere, clock=it.hub.clock) as second:
            await it.b.report((await ask(it.b, LISTED[0])).receipt, Outcome.CONFIRMED_FRAUD)
            await second.report((await ask(second, LISTED[1])).receipt, Outcome.CONFIRMED_FRAUD)
            await it.pass_days(1)
            assert (await it.b.send_outcomes(), await second.send_outcomes()) == (1, 0)
            assert len((await second.outcome_reports()).waiting) == 1
            await second.report((await second.outcome_reports()).waiting[0].receipt, Outcome.FALSE_MATCH)
            await it.pass_days(1)
            assert await second.send_outcomes() == 1
        assert sorted(it.rows("SELECT outcome, reports FROM waiting_outcomes")) == [(1, 1), (2, 1)]


async def test_what_the_hub_holds_for_implausible_waits(new_hub_folder: NewFolder) -> None:
    async with market(new_hub_folder()) as it:
        await it.b.report((await ask(it.b, LISTED[0])).receipt, Outcome.CONFIRMED_FRAUD)
        await it.pass_days(40)  # what was asked then does not count any more
        with pytest.raises(OutcomesImplausible):
            await it.b.send_outcomes()
        standing = await it.b.outcome_reports()
        assert (len(standing.waiting), standing.sent) == (1, 0)
        await ask(it.b, LISTED[1])
        assert await it.b.send_outcomes() == 1


async def test_an_open_client_sends_each_day_at_its_own_moment(
    new_hub_folder: NewFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reporting, "DELAY_SECONDS", 0.0)
    monkeypatch.setattr(reporting, "LOOK_SECONDS", 0.02)
    arrived = Arrivals()
    async with market(new_hub_folder(), interceptors=[arrived]) as it:
        session = await it.b._session()
        key, now = session.store.derived_key(b"outcomes"), it.hub.clock.now_ms()
        await it.b.report((await ask(it.b, LISTED[0])).receipt, Outcome.CONFIRMED_FRAUD)
        today = now // DAY_MS
        moment = next(at for at in range((today + 1) * DAY_MS, (today + 2) * DAY_MS, 1000) if due_day(key, at) == today)
        it.hub.clock.advance(seconds=(moment - it.hub.clock.now_ms()) / 1000 - 60)
        await it.b.sync()
        assert len((await it.b.outcome_reports()).waiting) == 1
        assert not arrived.happened.is_set()
        it.hub.clock.advance(seconds=120)
        async with asyncio.timeout(SECONDS):
            await arrived.happened.wait()
        await it.b.close()  # lets what is under way end
        assert await it.b.send_outcomes() in (0, 1)
        assert (await it.b.outcome_reports()).sent == 1


class Arrivals(Silence):
    """Says when a batch came."""

    def __init__(self) -> None:
        super().__init__("ReportOutcomes")
        self.happened = self.reached

    async def _keep_back(self) -> None:
        self.reached.set()


async def test_moments_differ_by_day_and_by_machine_and_never_come_before_the_day_is_over() -> None:
    keys = [Secret(os.urandom(32)) for _ in range(2)]
    moments = set()
    for day in range(20_000, 20_040):
        for key in keys:
            assert due_day(key, day * DAY_MS) in (day - 1, day - 2)
            assert due_day(key, (day + 1) * DAY_MS - 1) == day - 1
            hours = [hour for hour in range(24) if due_day(key, day * DAY_MS + hour * DAY_MS // 24) == day - 1]
            moments.add((key.reveal(), min(hours, default=24)))
    assert len(moments) > 20


async def test_a_hub_that_tells_what_there_is_not(new_hub_folder: NewFolder) -> None:
    def spoil(reply: outcome_pb2.ListOutcomesResponse) -> None:
        reply.counts.append(outcome_pb2.OutcomeCount(month=5, count=7))

    tamper = Tamper("ListOutcomes", spoil)
    async with market(new_hub_folder(), interceptors=[tamper]) as it:
        assert await it.a.claim_outcomes() == []
        tamper.active = True
        with pytest.raises(HubError):
            await it.a.claim_outcomes()


async def test_synchronous_code(new_hub_folder: NewFolder) -> None:
    async with market(new_hub_folder()) as it:
        verdict = await ask(it.b, LISTED[0])
        blocking = it.b.blocking
        (kept,) = await asyncio.to_thread(blocking.report, verdict.receipt, "stale")
        assert isinstance(kept, OutcomeReport)
        await it.pass_days(1)
        assert await asyncio.to_thread(blocking.send_outcomes) == 1
        assert (await asyncio.to_thread(blocking.outcome_reports)).sent == 1
        assert await asyncio.to_thread(it.a.blocking.claim_outcomes) == []


async def test_a_hub_that_is_away_loses_nothing(new_hub_folder: NewFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_transport, "CALL_SECONDS", 0.5)
    async with market(new_hub_folder()) as it:
        await it.b.report((await ask(it.b, LISTED[0])).receipt, Outcome.CONFIRMED_FRAUD)
        await it.pass_days(1)
        await it.hub.hub.stop()
        with pytest.raises(HubUnavailable):
            await it.b.send_outcomes()
        assert len((await it.b.outcome_reports()).waiting) == 1


async def test_the_command_line(new_hub_folder: NewFolder) -> None:
    async with market(new_hub_folder()) as it:
        for client, name in ((it.b, "b"), (it.c, "c")):
            verdicts = [await ask(client, phone) for phone in LISTED[:4]]
            for verdict, outcome in zip(verdicts, ("confirmed_fraud",) * 3 + ("wrong_person",), strict=True):
                await client.report(verdict.receipt, outcome)
            await client.close()
            assert "4 reports wait · 0 were sent" in await command(it.hub, name, "report", "list")
        await it.pass_days(1)
        for client in (it.b, it.c):
            assert await client.send_outcomes() == 4
        month = await it.month_ends()
        assert "– fewer than five" in await command(it.hub, "ann", "admin", "quality")
        rows = json.loads(await command(it.hub, "ann", "admin", "quality", "--json"))["quality"]
        assert rows == [
            {
                "contributor": "a",
                "category": "mule_account",
                "confirmed_fraud": 6,
                "false_match": 0,
                "wrong_person": 0,
                "stale": 0,
                "victim": 0,
                "reports": 6,
                "precision": 1.0,
            }
        ]
        assert month in await command(it.hub, "a", "claims", "quality")
        assert "4 were sent" in await command(it.hub, "b", "report", "list")
