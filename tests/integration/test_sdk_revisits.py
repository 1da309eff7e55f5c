"""Decisions that rest on a claim whose status changed: an open client finds them, whoever was away catches up."""

import asyncio
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
from support.books import Books
from support.hub import RunningHub, running_hub
from support.kills import until as when
from support.sdk import BASIS, PORTFOLIO, contribute, lender, row, screen

from alliance.taxonomy import Action, ClaimStatus, EvidenceLevel
from alliance_server.domain.members import Role
from member_client import (
    AllianceClient,
    InvalidUse,
    Level,
    RecallReport,
    Revisit,
    StorageFull,
    Subject,
    Verdict,
    _following,
    _revisiting,
)
from member_client._revisits import Revisits
from member_client._state import DECISIONS_FILE
from member_client._store import Store

NewFolder = Callable[[], Path]
PHONE, OTHER, THIRD = "13855500001", "13855500002", "13855500003"
REF = "case-ref-0815"
SECONDS = 60


@pytest.fixture(autouse=True)
def by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody follows before a test says so."""
    monkeypatch.setattr(_following, "DELAY_SECONDS", 3600.0)


async def listed(client: AllianceClient, *phones: str, **changes: Any) -> list[bytes]:
    return [it.entry_id for it in await contribute(client, [row(phone, **changes) for phone in phones])]


async def judged(client: AllianceClient, ref: str = REF, **fields: str) -> Verdict:
    subject = Subject.of(ref, {"phone": PHONE, **fields})
    verdict = await client.screen(subject, purpose=PORTFOLIO, consent=BASIS)
    assert verdict.matches
    return verdict


async def revisits(client: AllianceClient, **options: bool) -> list[Revisit]:
    return [it async for it in client.revisits(**options)]


async def until(holds: Callable[[], Any]) -> None:
    async with asyncio.timeout(SECONDS):
        await when(holds)


async def outstanding(admin: AllianceClient) -> set[str]:
    recalls = await (await admin.administration()).recalls()
    return {member for it in recalls for member in it.outstanding}


async def test_an_open_client_is_told_of_a_recall_and_acknowledges_it(
    new_hub_folder: NewFolder, caplog: pytest.LogCaptureFixture
) -> None:
    async with (
        running_hub(new_hub_folder()) as hub,
        lender(hub, "a") as a,
        lender(hub, "b") as b,
        lender(hub, "ann", role=Role.ADMIN) as ann,
    ):
        first, _ = await listed(a, PHONE, OTHER)
        await hub.settle()
        verdict = await judged(b)
        await judged(b, "other", phone=OTHER)
        following: AsyncIterator[Revisit] = b.revisits(follow=True)
        async with asyncio.timeout(SECONDS), aclosing(following) as told:  # type: ignore[type-var]
            waiting = asyncio.ensure_future(anext(told))
            await a.recall(first, reason="wrong_person")
            revisit = await waiting
        assert (revisit.receipt, revisit.ref, revisit.entry_id) == (verdict.receipt, REF, first)
        assert (revisit.status, revisit.reason) == (ClaimStatus.RECALLED, "wrong_person")
        assert (revisit.action, revisit.would_be, revisit.is_open) == (Action.INFORM, Action.NONE, True)
        await until(lambda: _is(ann, {"a"}))
        assert await revisits(b) == [revisit]
        (closed,) = await b.close_revisit(verdict.receipt, note="restored")
        assert (closed.note, closed.is_open) == ("restored", False)
        assert await revisits(b) == []
        assert await revisits(b, include_done=True) == [closed]
        assert await b.close_revisit(verdict.receipt) == []
        for wrong in ("R-NONE-0", verdict.receipt):
            with pytest.raises(InvalidUse):
                await b.close_revisit(wrong, note="Free text")
        with pytest.raises(InvalidUse):
            await b.close_revisit("R-NONE-0")
        assert "1 decisions are to be revisited" in caplog.text
        assert not [secret for secret in (REF, verdict.receipt, first.hex()) if secret in caplog.text]


async def _has_some(client: AllianceClient) -> bool:
    return bool(await revisits(client))


async def _is(admin: AllianceClient, members: set[str]) -> bool:
    return await outstanding(admin) == members


async def test_a_client_follows_by_itself(new_hub_folder: NewFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_following, "DELAY_SECONDS", 0.0)
    async with (
        running_hub(new_hub_folder()) as hub,
        lender(hub, "a") as a,
        lender(hub, "b") as b,
        lender(hub, "ann", role=Role.ADMIN) as ann,
    ):
        (entry,) = await listed(a, PHONE)
        await hub.settle()
        await judged(b)
        await a.recall(entry, reason="filed_in_error")
        await until(lambda: _has_some(b))
        await until(lambda: _is(ann, set()))


async def test_who_was_away_catches_up_and_is_told_of_each_once(new_hub_folder: NewFolder) -> None:
    async with (
        running_hub(new_hub_folder()) as hub,
        lender(hub, "a") as a,
        lender(hub, "ann", role=Role.ADMIN) as ann,
    ):
        entries = await listed(a, PHONE, OTHER, THIRD)
        await hub.settle()
        async with lender(hub, "b") as b:
            verdict = await judged(b)
        await a.recall(entries[0], reason="filed_in_error")
        await a.withdraw(entries[1], reason="settled")  # nobody decided on it
        assert await outstanding(ann) == {"a", "b"}
        async with lender(hub, "b") as b:
            assert await b.sync_recalls() == RecallReport(changes=2, revisits=1, open=1)
            assert await b.sync_recalls() == RecallReport(changes=0, revisits=0, open=1)
            assert [it.receipt for it in await revisits(b)] == [verdict.receipt]
            (finding,) = [it for it in await b.doctor() if "revisited" in it.what]
            assert (finding.level, finding.what) == (Level.WARNING, "1 decisions are to be revisited")
            await b.close_revisit(verdict.receipt)
            assert not [it for it in await b.doctor() if "revisited" in it.what]
        assert await outstanding(ann) == {"a"}
        files = [path for path in b.profile.folder.rglob("*") if path.is_file()]
        needles = [REF.encode(), PHONE.encode(), entries[0], entries[0].hex().encode(), verdict.receipt.encode()]
        assert not [path for path in files for needle in needles if needle in path.read_bytes()]


async def test_what_is_told_again_is_one_record(new_hub_folder: NewFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running_hub(new_hub_folder()) as hub, lender(hub, "a") as a, lender(hub, "b") as b:
        (entry,) = await listed(a, PHONE)
        await hub.settle()
        verdict = await judged(b)
        await a.recall(entry, reason="filed_in_error")
        # Killed after what was found was written down, before it was known how far the feed was read.
        monkeypatch.setattr(Revisits, "cursor", lambda _: 0)
        assert await b.sync_recalls() == RecallReport(1, 1, 1)
        assert await b.sync_recalls() == RecallReport(1, 0, 1)
        await b.close_revisit(verdict.receipt)
        assert await b.sync_recalls() == RecallReport(1, 0, 0)


async def test_what_cannot_be_written_is_read_again(new_hub_folder: NewFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    async with (
        running_hub(new_hub_folder()) as hub,
        lender(hub, "a") as a,
        lender(hub, "b") as b,
        lender(hub, "ann", role=Role.ADMIN) as ann,
    ):
        (entry,) = await listed(a, PHONE)
        await hub.settle()
        await judged(b)
        await a.recall(entry, reason="filed_in_error")
        rewrite = Store.rewrite

        def full(store: Store, *values: Any) -> None:
            if store.path.name == DECISIONS_FILE:
                raise StorageFull("the disk is full")
            rewrite(store, *values)

        monkeypatch.setattr(Store, "rewrite", full)
        with pytest.raises(StorageFull):
            await b.sync_recalls()
        assert await outstanding(ann) == {"a", "b"}
        monkeypatch.setattr(Store, "rewrite", rewrite)
        assert await b.sync_recalls() == RecallReport(1, 1, 1)
        assert await outstanding(ann) == {"a"}


async def test_a_decision_written_down_after_the_recall_was_read_is_found_too(
    new_hub_folder: NewFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_hub(new_hub_folder()) as hub, lender(hub, "a") as a, lender(hub, "b") as b:
        (entry,) = await listed(a, PHONE)
        await hub.settle()
        await b.sync()
        session = b._open_session()
        assert session is not None
        keep = session.decisions.keep

        async def late(*values: Any) -> None:
            await a.recall(entry, reason="filed_in_error")
            assert (await b.sync_recalls()).revisits == 0
            await keep(*values)

        monkeypatch.setattr(session.decisions, "keep", late)
        verdict = await judged(b)
        assert [it.receipt for it in await revisits(b)] == [verdict.receipt]


async def test_what_is_permitted_now_follows_from_the_matches_that_stand(new_hub_folder: NewFolder) -> None:
    document = new_hub_folder() / "document"
    document.write_text("what two people saw")
    async with (
        running_hub(new_hub_folder()) as hub,
        lender(hub, "a") as a,
        lender(hub, "c") as c,
        lender(hub, "b") as b,
    ):
        (strong,) = await listed(a, PHONE, evidence=EvidenceLevel.E2, evidence_file=document)
        (weak,) = await listed(c, PHONE)
        await hub.settle()
        verdict = await judged(b)
        assert verdict.action is Action.STEP_UP
        await a.recall(strong, reason="filed_in_error")
        await b.sync_recalls()
        assert [(it.entry_id, it.would_be) for it in await revisits(b)] == [(strong, Action.INFORM)]
        await c.withdraw(weak, reason="settled")
        await b.sync_recalls()
        assert {(it.entry_id, it.status, it.would_be) for it in await revisits(b)} == {
            (strong, ClaimStatus.RECALLED, Action.NONE),
            (weak, ClaimStatus.WITHDRAWN, Action.NONE),
        }
        await b.close_revisit(verdict.receipt, strong)
        assert [it.entry_id for it in await revisits(b)] == [weak]


LEADS = """
import fcntl, os, sys
descriptor = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
fcntl.lockf(descriptor, fcntl.LOCK_EX)
print("leads", flush=True)
sys.stdin.read()
"""


async def test_one_process_of_a_machine_follows_for_all(
    new_hub_folder: NewFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_revisiting, "LOOK_SECONDS", 0.05)
    async with running_hub(new_hub_folder()) as hub, lender(hub, "a") as a, lender(hub, "b") as b:
        first, second = await listed(a, PHONE, OTHER)
        await hub.settle()
        await judged(b)
        await judged(b, "other", phone=OTHER)
        other = await asyncio.create_subprocess_exec(
            sys.executable, "-c", LEADS, b.profile.state_folder / "recalls.lock", stdin=PIPE, stdout=PIPE
        )
        assert other.stdout is not None
        assert await other.stdout.readline() == b"leads\n"
        async with asyncio.timeout(SECONDS), aclosing(b.revisits(follow=True)) as told:  # type: ignore[type-var]
            waiting = asyncio.ensure_future(anext(told))
            await a.recall(first, reason="wrong_person")
            await b.sync_recalls()  # as the process that leads would have written it down
            assert (await waiting).entry_id == first
            assert watched(hub) == 1
            waiting = asyncio.ensure_future(anext(told))
            assert other.stdin is not None
            other.stdin.close()
            await other.wait()
            await a.recall(second, reason="wrong_person")
            assert (await waiting).entry_id == second


def watched(hub: RunningHub) -> int:
    """Count the streams of changes that were begun, as the audit tables tell."""
    return Books(hub, "b").number(
        "SELECT count(*) FROM audit_events WHERE action = 'status:change:watch' AND actor = :it"
    )


async def test_an_iterator_ends_with_its_client(new_hub_folder: NewFolder) -> None:
    async with running_hub(new_hub_folder()) as hub, lender(hub, "b") as b:
        waiting = asyncio.ensure_future(anext(b.revisits(follow=True)))
        await until(lambda: _follows(b))
        await b.close()
        with pytest.raises(InvalidUse):
            await waiting


def _follows(client: AllianceClient) -> bool:
    return client._revisiting is not None and client._revisiting._following is not None


async def test_synchronous_code_has_the_same(new_hub_folder: NewFolder) -> None:
    async with running_hub(new_hub_folder()) as hub, lender(hub, "a") as a, lender(hub, "b") as b:
        (entry,) = await listed(a, PHONE)
        await hub.settle()
        (verdict,) = await screen(b, [PHONE])
        await a.recall(entry, reason="filed_in_error")

        def work() -> tuple[RecallReport, list[str], int]:
            with b.blocking as blocking:
                report = blocking.sync_recalls()
                receipts = [it.receipt for it in blocking.revisits()]
                return report, receipts, len(blocking.close_revisit(verdict.receipt))

        assert await asyncio.to_thread(work) == (RecallReport(1, 1, 1), [verdict.receipt], 1)
