"""Claims at E4 and E5 through the SDK: two operators, a liaison, readers who believe them, and what is taken back."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from support.hub import RunningHub, running_hub
from support.sdk import BASIS, PHONES, PORTFOLIO, lender, row, two_operators

from alliance.countersignatures import CountersignatureState
from alliance.taxonomy import DAY_MS, Action, ClaimStatus, EvidenceLevel
from alliance.v1 import countersignature_pb2
from alliance.v1.bucket_pb2 import ENTRY_FINDING_COUNTERSIGNATURE_MISSING
from alliance_server.domain.members import Role
from alliance_server.services import epochs, memberships
from member_client import (
    AllianceClient,
    ContributionOutcome,
    ContributionRow,
    CountersignatureClosed,
    CountersignatureDocument,
    InvalidUse,
    NotFound,
    Operator,
    State,
    StatementInvalid,
    Subject,
    Verdict,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

NewFolder = Callable[[], Path]
REFERENCE = "A-2027-0311"
JUDGMENT = CountersignatureDocument("Case 0311", sha256(b"the document").digest())
WAITS = ContributionOutcome.PENDING_COUNTERSIGNATURE


def founded(text: str, evidence: EvidenceLevel = EvidenceLevel.E4) -> ContributionRow:
    return row(text, evidence=evidence, evidence_digest=sha256(text.encode()).digest())


@dataclass
class Station:
    """A hub with a contributor, its two operators, a reader, and a liaison with an officer."""

    hub: RunningHub
    contributor: AllianceClient
    first: Operator
    second: Operator
    reader: AllianceClient
    liaison: AllianceClient
    officer: Operator

    async def approved(self, *rows: ContributionRow) -> list[bytes]:
        """Draw claims up and have both operators approve them; gives their names."""
        results = [it async for it in self.contributor.contribute(rows, operator=self.first)]
        assert {it.outcome for it in results} == {ContributionOutcome.PENDING_REVIEW}
        names = [it.entry_id for it in results]
        results = await self.contributor.approve_reviews(names, operator=self.second)
        assert {it.outcome for it in results} == {WAITS}
        return names

    async def asked(self, *rows: ContributionRow) -> list[bytes]:
        names = await self.approved(*rows)
        await self.contributor.countersigning.ask(names, liaison=self.liaison.profile.member, reference=REFERENCE)
        return names

    async def countersigned(self, *rows: ContributionRow) -> list[bytes]:
        names = await self.asked(*rows)
        for name in names:
            await self.liaison.countersigning.sign(name, officer=self.officer, document=JUDGMENT)
        return names

    async def filed(self, *rows: ContributionRow) -> list[bytes]:
        names = await self.countersigned(*rows)
        assert {it.outcome for it in await self.contributor.countersigning.file()} == {ContributionOutcome.ACCEPTED}
        await self.hub.settle()
        return names

    async def read(self, text: str, **options: Any) -> Verdict:
        return await read(self.reader, text, **options)


async def read(client: AllianceClient, text: str, ref: str = "C-1") -> Verdict:
    await client.sync()
    return await client.screen(Subject(ref, phone=text), purpose=PORTFOLIO, consent=BASIS)


@asynccontextmanager
async def station_at(hub: RunningHub) -> AsyncIterator[Station]:
    async with (
        lender(hub, "contributor") as contributor,
        lender(hub, "reader") as reader,
        lender(hub, "police", role=Role.LIAISON) as liaison,
    ):
        officer, _ = await two_operators(liaison)
        yield Station(hub, contributor, *await two_operators(contributor), reader, liaison, officer)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def at(new_hub_folder: NewFolder) -> AsyncIterator[Station]:
    """A station for the module; tests stay apart by the numbers that they are about."""
    async with own_station(new_hub_folder()) as made:
        yield made


@asynccontextmanager
async def own_station(folder: Path, **config: Any) -> AsyncIterator[Station]:
    async with running_hub(folder, config=config) as hub, station_at(hub) as made:
        yield made


async def test_a_claim_waits_for_the_liaison_is_filed_and_believed(at: Station) -> None:
    (name,) = await at.approved(founded(PHONES[2]))
    assert [it.entry_id for it in await at.contributor.countersigning.approved()] == [name]
    assert await at.contributor.pending_reviews() == []
    assert [it.outcome for it in await at.contributor.countersigning.file()] == [WAITS]
    again = [it async for it in at.contributor.contribute([founded(PHONES[2])], operator=at.first)]
    assert [(it.outcome, it.entry_id) for it in again] == [(WAITS, name)]

    asked = at.contributor.countersigning
    (request,) = await asked.ask([name], liaison="police", reference=REFERENCE)
    with pytest.raises(InvalidUse, match="under another reference"):
        await asked.ask([name], liaison="police", reference="another")
    assert (request.state, request.reference, request.evidence) == (
        CountersignatureState.WAITING,
        REFERENCE,
        EvidenceLevel.E4,
    )
    shown = await at.liaison.countersigning.request(name)
    assert (shown.contributor, shown.approved_by) == ("contributor", ("contributor-1", "contributor-2"))
    made = await at.liaison.countersigning.sign(name, officer=at.officer, document=JUDGMENT)
    assert (made.state, made.officer, made.document_sha256) == (
        CountersignatureState.COUNTERSIGNED,
        "police-1",
        JUDGMENT.sha256,
    )
    assert (await asked.request(name)).instrument_reference == JUDGMENT.reference

    assert [it.outcome for it in await asked.file()] == [ContributionOutcome.ACCEPTED]
    assert await asked.file() == []
    await at.hub.settle()
    verdict = await at.read(PHONES[2])
    (match,) = verdict.matches
    assert (match.evidence, match.status, verdict.action) == (
        EvidenceLevel.E4,
        ClaimStatus.ACTIVE,
        Action.DECLINE_WITH_HUMAN,
    )


async def test_a_revocation_changes_what_readers_say(at: Station) -> None:
    (name,) = await at.filed(founded(PHONES[4], EvidenceLevel.E5))
    assert (await at.read(PHONES[4])).action is Action.DECLINE_WITH_HUMAN
    gone = await at.liaison.countersigning.revoke(name, officer=at.officer, reason="judgment_reversed")
    assert (gone.state, gone.reason) == (CountersignatureState.REVOKED, "judgment_reversed")
    verdict = await at.read(PHONES[4], ref="C-2")
    assert [it.status for it in verdict.matches] == [ClaimStatus.SUSPENDED]
    assert verdict.action is Action.INFORM
    changes = [it async for it in at.reader.status_changes(follow=False)]
    assert [(it.entry_id, it.status, it.reason) for it in changes] == [
        (name, ClaimStatus.SUSPENDED, "countersignature_revoked")
    ]
    assert (await at.contributor.claim(name)).status is ClaimStatus.SUSPENDED


async def test_a_reader_that_knows_of_the_revocation_needs_no_word_of_the_hub(at: Station) -> None:
    (name,) = await at.filed(founded(PHONES[40]))
    assert (await at.read(PHONES[40])).action is Action.DECLINE_WITH_HUMAN
    await at.liaison.countersigning.revoke(name, officer=at.officer, reason="judgment_reversed")
    store = at.hub.hub.store
    store.write_now(lambda transaction: _forgive(transaction, name))
    at.hub.clock.advance(seconds=15 * 60)
    await at.hub.settle()
    verdict = await at.read(PHONES[40], ref="C-2")
    assert [it.status for it in verdict.matches] == [ClaimStatus.SUSPENDED]


def _forgive(transaction: Any, name: bytes) -> None:
    """Have the hub say nothing of a claim's suspension."""
    transaction._connection.exec_driver_sql(
        "UPDATE claims SET status = 3, status_change = NULL WHERE entry_id = ?", (name,)
    )


async def test_a_claim_that_no_liaison_stands_behind_is_not_believed(at: Station) -> None:
    """A hub that lets one through makes readers wait for a word of the liaison, and hear of it."""
    (name,) = await at.filed(founded(PHONES[50]))
    at.hub.hub.store.write_now(lambda transaction: _forgotten(transaction, name))
    verdict = await at.read(PHONES[50], ref="C-50")
    assert (verdict.matches, verdict.state) == ((), State.UNCONFIRMED)
    await at.reader.close()  # once what it found was reported
    assert at.hub.hub.store.read_now(_reports) == [(name, ENTRY_FINDING_COUNTERSIGNATURE_MISSING)]


def _reports(transaction: Any) -> list[tuple[bytes, int]]:
    found = transaction._connection.exec_driver_sql("SELECT entry_id, finding FROM entry_reports")
    return [tuple(it) for it in found]


def _forgotten(transaction: Any, name: bytes) -> None:
    """Have the hub know nothing of a countersignature that it told last."""
    run = transaction._connection.exec_driver_sql
    run("DELETE FROM countersignings WHERE entry_id = ?", (name,))
    run("DELETE FROM countersignatures WHERE number = (SELECT max(number) FROM countersignatures)")


async def test_what_was_refused_or_taken_back_is_dropped_and_drawn_up_anew(at: Station) -> None:
    refused, revoked = await at.asked(founded(PHONES[6]), founded(PHONES[7]))
    desk = at.liaison.countersigning
    said = await desk.refuse(refused, officer=at.officer, reason="not_our_matter")
    assert (said.state, said.reason, said.officer) == (CountersignatureState.REFUSED, "not_our_matter", "police-1")
    with pytest.raises(CountersignatureClosed):
        await desk.sign(refused, officer=at.officer, document=JUDGMENT)
    await desk.sign(revoked, officer=at.officer, document=JUDGMENT)
    await desk.revoke(revoked, officer=at.officer, reason="signed_in_error")
    results = await at.contributor.countersigning.file()
    assert {it.entry_id: it.reason for it in results} == {
        refused: "countersignature_refused",
        revoked: "countersignature_revoked",
    }
    assert await at.contributor.countersigning.approved() == []
    (anew,) = await at.filed(founded(PHONES[6]))
    assert anew != refused


async def test_only_what_waits_here_is_asked_about_and_of_liaisons_alone(at: Station) -> None:
    results = [it async for it in at.contributor.contribute([founded(PHONES[8])], operator=at.first)]
    asked = at.contributor.countersigning
    for names, liaison in (([results[0].entry_id], "police"), ([bytes(16)], "police")):
        with pytest.raises(NotFound):
            await asked.ask(names, liaison=liaison, reference=REFERENCE)
    (name,) = await at.approved(founded(PHONES[9]))
    for nobody in ("reader", "nobody"):
        with pytest.raises(NotFound):
            await asked.ask([name], liaison=nobody, reference=REFERENCE)
    for reference in ("", f"A-{PHONES[9]}"):
        with pytest.raises(InvalidUse, match="no nine digits in a row"):
            await asked.ask([name], liaison="police", reference=reference)
    with pytest.raises(InvalidUse, match="Two operators"):
        await at.contributor.approve_reviews([name], operator=at.second)
    with pytest.raises(NotFound):
        await at.liaison.countersigning.sign(name, officer=at.officer, document=JUDGMENT)


async def test_countersignatures_follow_claims_into_the_next_epoch(new_hub_folder: NewFolder) -> None:
    async with own_station(new_hub_folder(), maintenance_seconds=60) as at:
        stays, goes, gone = await at.filed(*map(founded, PHONES[:3]))
        await at.liaison.countersigning.revoke(gone, officer=at.officer, reason="judgment_reversed")
        await _next_epoch(at)
        await at.liaison.countersigning.revoke(goes, officer=at.officer, reason="judgment_reversed")
        now = {it.predecessor: it async for it in at.contributor.claims(live_only=True)}
        assert {name: (now[name].epoch, now[name].status) for name in (stays, goes, gone)} == {
            stays: (2, ClaimStatus.ACTIVE),
            goes: (2, ClaimStatus.SUSPENDED),
            gone: (2, ClaimStatus.SUSPENDED),
        }
        await _step(at, epochs.retire, 1)
        statuses = (ClaimStatus.ACTIVE, ClaimStatus.SUSPENDED, ClaimStatus.SUSPENDED)
        for number, status in enumerate(statuses):
            verdict = await at.read(PHONES[number], ref=f"C-{number}")
            assert [(it.evidence, it.status) for it in verdict.matches] == [(EvidenceLevel.E4, status)]
        await at.liaison.countersigning.revoke(stays, officer=at.officer, reason="judgment_reversed")
        assert (await at.contributor.claim(now[stays].entry_id)).status is ClaimStatus.SUSPENDED

        # A liaison that left stands behind what was filed, and nothing more.
        await at.filed(founded(PHONES[3]))
        await at.countersigned(founded(PHONES[4]))
        left = at.hub.clock.now_ms()
        at.hub.hub.store.write_now(lambda transaction: memberships.offboard(transaction, "police", left))
        assert [it.reason for it in await at.contributor.countersigning.file()] == ["countersignature_missing"]
        assert (await at.read(PHONES[3], ref="C-3")).action is Action.DECLINE_WITH_HUMAN


async def _next_epoch(at: Station) -> None:
    await _step(at, epochs.begin, 2)
    for client in (at.contributor, at.reader):
        await client.sync()
    assert (await at.contributor.retag()).retagged
    await _step(at, epochs.activate, 2)


async def _step(at: Station, work: Callable[[Any, int, int], object], number: int) -> None:
    hub = at.hub
    await hub.hub.store.write(lambda transaction: work(transaction, number, hub.clock.now_ms()))
    for _ in range(2):
        await hub.hub.epochs.turn()
        await hub.settle()


async def test_a_liaison_signs_nothing_that_the_contributor_did_not(at: Station) -> None:
    """A hub that shows another substance, digest or epoch than the contributor signed is found out."""
    (name,) = await at.asked(founded(PHONES[10]))
    store = at.hub.hub.store
    kept = store.write_now(lambda transaction: transaction.countersignatures.get(name))
    assert kept is not None
    substance = countersignature_pb2.ClaimSubstance.FromString(kept.substance)
    substance.expires_at += DAY_MS
    bent = replace(kept, substance=substance.SerializeToString())
    store.write_now(lambda transaction: _replaced(transaction, bent))
    with pytest.raises(StatementInvalid):
        await at.liaison.countersigning.sign(name, officer=at.officer, document=JUDGMENT)


def _replaced(transaction: Any, bent: Any) -> None:
    transaction._connection.exec_driver_sql(
        "UPDATE countersignings SET substance = ? WHERE entry_id = ?", (bent.substance, bent.entry_id)
    )
