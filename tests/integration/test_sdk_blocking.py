"""The client for synchronous code: threads, iterators that stop half way, generators that belong to their thread."""

import asyncio
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support.hub import RunningHub
from support.sdk import BASIS, PHONES, PORTFOLIO, row

from member_client import (
    AllianceClient,
    ConsentMissing,
    ContributionOutcome,
    ContributionRow,
    InvalidUse,
    PreviewOutcome,
    State,
    Subject,
)
from member_client.blocking import BlockingClient

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def beside(work: Callable[[], object]) -> None:
    """Run synchronous code on another thread, as the hub of these tests serves on this one's loop."""
    await asyncio.to_thread(work)


async def made(hub: RunningHub, tmp_path: Path, name: str) -> AllianceClient:
    profile = await hub.enrolled(f"{name}-{os.urandom(3).hex()}", tmp_path / name)
    return AllianceClient(profile, clock=hub.clock)


def subjects(count: int) -> Iterator[Subject]:
    return (Subject(f"C-{place}", phone=phone) for place, phone in enumerate(PHONES[:count]))


async def test_the_whole_job_without_a_loop(hub: RunningHub, tmp_path: Path) -> None:
    a, b = await made(hub, tmp_path, "a"), await made(hub, tmp_path, "b")
    rows = [row(phone, row_number=place) for place, phone in enumerate(PHONES[:50])]

    def contributes() -> None:
        with a.blocking as client:
            client.ready(10)
            assert {it.outcome for it in client.preview(rows)} == {PreviewOutcome.NEW}
            results = list(client.contribute(rows))
            assert [it.row_number for it in results] == list(range(50))
            assert {it.outcome for it in results} == {ContributionOutcome.ACCEPTED}
            assert len(list(client.claims(live_only=True))) == 50
            withdrawn = client.withdraw(results[7].entry_id, reason="filed_in_error")
            assert client.claim(results[7].entry_id) == withdrawn
            assert client.usage.evaluations == 50
            assert list(client.events())

    def screens() -> None:
        with b.blocking as client:
            done: list[int] = []
            verdicts = list(
                client.screen_many(subjects(900), purpose=PORTFOLIO, consent=BASIS, on_progress=done.append)
            )
            assert [it.ref for it in verdicts] == [f"C-{place}" for place in range(900)]
            expected = [State.MATCH] * 50 + [State.CLEAR] * 850
            expected[7] = State.CLEAR
            assert [it.state for it in verdicts] == expected
            assert done[-1] == 900
            one = client.screen(Subject("C-1", phone=PHONES[1]), purpose=PORTFOLIO, consent=BASIS)
            assert (one.state, one.receipt[:2]) == (State.MATCH, "R-")
            assert client.sync().members >= 2
            assert client.doctor()
        # What was closed may be used again.
        assert client.screen(Subject("C-1", phone=PHONES[1]), purpose=PORTFOLIO, consent=BASIS).state is State.MATCH
        client.close()

    await beside(contributes)
    await hub.settle()
    await beside(screens)


async def test_items_are_drawn_on_the_callers_thread(hub: RunningHub, tmp_path: Path) -> None:
    client = await made(hub, tmp_path, "b")
    threads: set[int] = set()

    def from_a_cursor() -> Iterator[Subject]:
        # A cursor of sqlite3 refuses to be used on another thread.
        with sqlite3.connect(":memory:") as database:
            database.execute("CREATE TABLE book (ref TEXT, phone TEXT)")
            database.executemany("INSERT INTO book VALUES (?, ?)", [(f"C-{n}", PHONES[n]) for n in range(700)])
            for ref, phone in database.execute("SELECT ref, phone FROM book ORDER BY rowid"):
                threads.add(threading.get_ident())
                yield Subject(ref, phone=phone)

    def screens() -> None:
        with client.blocking as blocking:
            verdicts = list(blocking.screen_many(from_a_cursor(), purpose=PORTFOLIO, consent=BASIS))
            assert len(verdicts) == 700
            assert threads == {threading.get_ident()}

    await beside(screens)


class Broken(Exception):
    """What a caller's own generator raises."""


async def test_failures_of_either_side_reach_the_caller(hub: RunningHub, tmp_path: Path) -> None:
    client = await made(hub, tmp_path, "b")

    def breaks() -> Iterator[Subject]:
        yield Subject("C-1", phone=PHONES[0])
        raise Broken

    def screens() -> None:
        with client.blocking as blocking:
            with pytest.raises(Broken):
                list(blocking.screen_many(breaks(), purpose=PORTFOLIO, consent=BASIS))
            with pytest.raises(ConsentMissing):
                list(blocking.screen_many(subjects(3), purpose="loan_application"))
            with pytest.raises(InvalidUse):
                blocking.screen_many(subjects(3), purpose="no_such_purpose")
            assert len(list(blocking.screen_many(subjects(3), purpose=PORTFOLIO, consent=BASIS))) == 3

    await beside(screens)


async def test_an_iterator_that_is_left_stops_drawing(hub: RunningHub, tmp_path: Path) -> None:
    client = await made(hub, tmp_path, "a")
    drawn: list[int] = []

    def endless() -> Iterator[ContributionRow]:
        while True:
            drawn.append(len(drawn))
            yield row(PHONES[len(drawn) % 1000], row_number=len(drawn))

    def contributes() -> None:
        with client.blocking as blocking:
            for result in blocking.contribute(endless()):
                assert result.outcome is ContributionOutcome.ACCEPTED
                break
            so_far = len(drawn)
            blocking.sync()
            assert len(drawn) == so_far

    await beside(contributes)


async def test_many_threads_share_one_client(hub: RunningHub, tmp_path: Path) -> None:
    client = await made(hub, tmp_path, "b")

    def screens() -> None:
        with client.blocking as blocking, ThreadPoolExecutor(8) as pool:
            asked = [Subject(f"C-{place}", phone=phone) for place, phone in enumerate(PHONES[500:580])]
            verdicts = list(pool.map(lambda it: blocking.screen(it, purpose=PORTFOLIO, consent=BASIS), asked))
            assert [verdict.ref for verdict in verdicts] == [it.ref for it in asked]
            assert all(verdict.is_final for verdict in verdicts)

    await beside(screens)


async def test_a_forked_process_is_told_to_make_its_own(
    hub: RunningHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = await made(hub, tmp_path, "b")
    await client.sync()
    blocking: BlockingClient = client.blocking
    await beside(blocking.sync)
    process = os.getpid()
    monkeypatch.setattr(os, "getpid", lambda: process + 1)
    with pytest.raises(InvalidUse, match="forked"):
        await client.sync()
    with pytest.raises(InvalidUse, match="forked"):
        blocking.sync()
    monkeypatch.undo()
    await beside(blocking.close)
    await client.close()
