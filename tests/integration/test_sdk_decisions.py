"""The member's own log of decisions: what was not clear is found again, and nothing in it shows whom it was about."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.hub import running_hub
from support.sdk import BASIS, HASTY_MS, PORTFOLIO, Silence, contribute, lender, row, screen

from alliance.taxonomy import DAY_MS, Action, Purpose
from member_client import (
    AllianceClient,
    FieldVerdict,
    HubUnavailable,
    InvalidUse,
    KeptDecision,
    State,
    StorageFull,
    Subject,
    Verdict,
)
from member_client._decision_records import LIFE_MS
from member_client._state import DECISIONS_FILE
from member_client._store import Store

NewFolder = Callable[[], Path]
LISTED, OTHER, NOBODY = "13855600001", "13855600002", "13855600003"
REF = "case-ref-4711"


def asked(ref: str, phone: str, **fields: str) -> Subject:
    return Subject.of(ref, {"phone": phone, **fields})


async def screened(client: AllianceClient, *subjects: Subject, request_id: str | None = None) -> list[Verdict]:
    asking = client.screen_many(list(subjects), purpose=PORTFOLIO, consent=BASIS, request_id=request_id)
    return [verdict async for verdict in asking]


def records(client: AllianceClient) -> int:
    """Count what is in the log."""
    session = client._open_session()
    assert session is not None
    with session.state.decisions._reading:
        (count,) = session.state.decisions._reader.execute("SELECT count(*) FROM decisions").fetchone()
    return int(count)


async def test_what_was_not_clear_is_found_by_receipt_and_by_ref(new_hub_folder: NewFolder) -> None:
    async with running_hub(new_hub_folder()) as hub, lender(hub, "a") as a, lender(hub, "b") as b:
        await contribute(a, [row(LISTED), row(OTHER)])
        await hub.settle()
        before = hub.clock.now_ms()
        many = await screened(b, asked("1", NOBODY), asked(REF, LISTED, email="x"), asked("3", OTHER))
        then = hub.clock.now_ms()
        hub.clock.advance(seconds=1)
        (one,) = await screen(b, [NOBODY])
        refused, _ = await screened(b, asked(REF, "no number"), asked("4", NOBODY))
        assert (refused.state, refused.receipt != "") == (State.REFUSED, True)
        later = await b.screen(asked(REF, LISTED), purpose=PORTFOLIO, consent=BASIS)
        kept = await b.decision(many[1].receipt.lower())
        assert kept is not None
        assert kept == KeptDecision(many[1], Purpose.PORTFOLIO_SCREENING, kept.decided_at)
        assert before <= kept.decided_at <= then
        assert [it.verdict for it in await b.decisions_for(REF)] == [many[1], later]
        assert [await b.decision(it) for it in (many[0].receipt, one.receipt, refused.receipt, "R-NONE-0")] == [
            None
        ] * 4
        assert await a.decision(later.receipt) is None
        with pytest.raises(InvalidUse):
            await b.decision(later)  # type: ignore[arg-type]
        async with AllianceClient(b.profile, clock=hub.clock) as again:
            kept = await again.decision(later.receipt)
            assert kept is not None
            assert (kept.ref, kept.action, kept.matches) == (REF, later.action, later.matches)
        found = await asyncio.to_thread(b.blocking.decisions_for, "3")
        assert [it.receipt for it in found] == [many[2].receipt]
        files = [path for path in b.profile.folder.rglob("*") if path.is_file()]
        assert any(path.name == DECISIONS_FILE for path in files)
        needles = [REF.encode(), LISTED.encode(), OTHER.encode(), later.matches[0].entry_id]
        assert not [path for path in files for needle in needles if needle in path.read_bytes()]


async def test_an_answer_that_is_asked_for_again_is_one_record(new_hub_folder: NewFolder) -> None:
    async with running_hub(new_hub_folder()) as hub, lender(hub, "a") as a, lender(hub, "b") as b:
        await contribute(a, [row(LISTED)])
        await hub.settle()
        question: dict[str, Any] = {"purpose": PORTFOLIO, "consent": BASIS, "request_id": "app-1"}
        first = await b.screen(asked(REF, LISTED), **question)
        assert await b.screen(asked(REF, LISTED), **question) == first
        (run,) = await screened(b, asked(REF, LISTED), request_id="run-1")
        assert await screened(b, asked(REF, LISTED), request_id="run-1") == [run]
        assert {it.receipt for it in await b.decisions_for(REF)} == {first.receipt, run.receipt}
        assert records(b) == 2


async def test_what_could_not_be_settled_is_kept_until_it_is(new_hub_folder: NewFolder) -> None:
    silence = Silence("GetBuckets")
    async with (
        running_hub(new_hub_folder(), interceptors=[silence]) as hub,
        lender(hub, "a") as a,
        lender(hub, "b", deadline_ms=HASTY_MS) as b,
    ):
        await contribute(a, [row(LISTED)])
        await hub.settle()
        await b.sync()
        silence.active = True
        question: dict[str, Any] = {"purpose": PORTFOLIO, "consent": BASIS, "request_id": "app-1"}
        opened = await b.screen(asked(REF, LISTED), **question)
        kept = await b.decision(opened.receipt)
        assert kept is not None
        assert (kept.state, kept.action) == (State.UNCONFIRMED, Action.STEP_UP)
        silence.active = False
        settled = await b.screen(asked(REF, LISTED), **question)
        assert settled.receipt == opened.receipt
        assert [it.verdict for it in await b.decisions_for(REF)] == [settled]


async def test_a_claim_that_was_answered_is_not_lost_by_asking_again(new_hub_folder: NewFolder) -> None:
    async with running_hub(new_hub_folder()) as hub, lender(hub, "a") as a, lender(hub, "b") as b:
        await contribute(a, [row(LISTED)])
        await hub.settle()
        verdict = await b.screen(asked(REF, LISTED), purpose=PORTFOLIO, consent=BASIS)
        session = b._open_session()
        assert session is not None
        opened = FieldVerdict("phone", verdict.fields[0].kind, State.UNCONFIRMED, "bucket_unavailable")
        later = replace(verdict, state=State.UNCONFIRMED, fields=(opened,), action=Action.STEP_UP)
        await session.decisions.keep([later], None, Purpose.PORTFOLIO_SCREENING, "step_up")
        kept = await b.decision(verdict.receipt)
        assert kept is not None
        assert (kept.matches, kept.state, kept.action) == (verdict.matches, State.MATCH, Action.STEP_UP)
        assert records(b) == 1


async def test_after_three_years_it_is_gone(new_hub_folder: NewFolder) -> None:
    async with running_hub(new_hub_folder()) as hub, lender(hub, "a") as a, lender(hub, "b") as b:
        await contribute(a, [row(LISTED)])
        await hub.settle()
        (verdict,) = await screened(b, asked(REF, LISTED))
        hub.clock.advance(seconds=(LIFE_MS - DAY_MS) / 1000)
        assert await b.decision(verdict.receipt) is not None
        hub.clock.advance(seconds=DAY_MS / 1000)
        assert await b.decision(verdict.receipt) is None
        assert await b.decisions_for(REF) == []
        async with AllianceClient(b.profile, clock=hub.clock) as again:
            assert await again.decision(verdict.receipt) is None
            assert records(again) == 0


class FullLog:
    """Lets the log of decisions have no room."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.is_full = True
        rewrite = Store.rewrite

        def written(store: Store, *values: Any) -> None:
            if self.is_full and store.path.name == DECISIONS_FILE:
                raise StorageFull("the disk is full")
            rewrite(store, *values)

        monkeypatch.setattr(Store, "rewrite", written)


async def test_a_record_without_room_waits_and_the_answer_is_given(
    new_hub_folder: NewFolder, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with running_hub(new_hub_folder()) as hub, lender(hub, "a") as a, lender(hub, "b") as b:
        await contribute(a, [row(LISTED), row(OTHER)])
        await hub.settle()
        full = FullLog(monkeypatch)
        first = (await screened(b, asked(REF, LISTED)))[0]
        assert first.matches
        assert "1 decisions cannot be kept yet: StorageFull" in caplog.text
        full.is_full = False
        (second,) = await screened(b, asked("2", OTHER))
        assert await receipts(b, [first, second]) == [first.receipt, second.receipt]
        full.is_full = True
        (third,) = await screened(b, asked("3", OTHER))
        full.is_full = False
        await b.close()
        assert await receipts(b, [third]) == [third.receipt]


async def receipts(client: AllianceClient, verdicts: Sequence[Verdict]) -> list[str]:
    kept = [await client.decision(it.receipt) for it in verdicts]
    return [it.receipt for it in kept if it is not None]


async def test_a_record_without_room_is_an_error_where_the_institution_chose_that(
    new_hub_folder: NewFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with (
        running_hub(new_hub_folder()) as hub,
        lender(hub, "a") as a,
        lender(hub, "b", on_unavailable="raise") as b,
    ):
        await contribute(a, [row(LISTED)])
        await hub.settle()
        full = FullLog(monkeypatch)
        with pytest.raises(HubUnavailable):
            await b.screen(asked(REF, LISTED), purpose=PORTFOLIO, consent=BASIS, request_id="app-1")
        spent = b.usage.evaluations
        full.is_full = False
        verdict = await b.screen(asked(REF, LISTED), purpose=PORTFOLIO, consent=BASIS, request_id="app-1")
        assert b.usage.evaluations == spent
        assert await receipts(b, [verdict]) == [verdict.receipt]
