"""A member that a case does not match cannot tell that there is one: it sends, gets and keeps what it would without."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from grpc import aio
from support.asked import DECLINED, NOBODYS, OTHERS, OURS, Asked, asking, observed_row, police
from support.kills import until
from support.sdk import BASIS, PORTFOLIO, contribute, lender, two_operators

from alliance.cases.words import REPLY_AFTER_MS, CaseState
from member_client import AllianceClient, Consent, InquiryAnswer, Profile, Subject, _following
from member_client._cases import waiting

NewFolder = Callable[[], Path]
REQUEST = Consent.of("request-2026-17")
CASE_SHELVES = ("inquiries", "case_answers")


class Sizes(aio.ServerInterceptor):  # type: ignore[type-arg]  # generic in its stubs alone
    """Writes down what passes: each message's method, way and size, as it is on the wire, of one member's calls."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str, int]] = []

    async def intercept_service(self, continuation: Any, handler_call_details: Any) -> Any:
        handler = await continuation(handler_call_details)
        if handler is None:
            return handler
        name = handler_call_details.method.rpartition("/")[2]
        read, write = handler.request_deserializer, handler.response_serializer

        def reading(data: bytes) -> Any:
            self.seen.append((name, "up", len(data)))
            return data if read is None else read(data)

        def writing(message: Any) -> bytes:
            data: bytes = message if write is None else write(message)
            self.seen.append((name, "down", len(data)))
            return data

        return handler._replace(request_deserializer=reading, response_serializer=writing)


async def a_days_work(client: AllianceClient) -> None:
    """All that a member does, in which a case could show."""
    await client.sync()
    await client.screen(Subject("C-1", phone=OURS), purpose=PORTFOLIO, consent=BASIS)
    assert [it async for it in client.inquiries.listed()] == []
    assert await client.inquiries.send() == []
    assert [it async for it in client.claims()] != []
    await client.subject_access(Subject("C-2", phone=OTHERS), request=REQUEST)
    await client.operators()
    await client.quota()


async def observed(folder: Path, sizes: Sizes, clock: Any) -> list[tuple[str, str, int]]:
    """Do a day's work as a process of its own would, and give method, way and size of every message.

    What TLS makes of them follows from these; what gRPC adds, pings and windows, follows from the time alone.
    """
    sizes.seen.clear()
    async with AllianceClient(Profile.load(folder), clock=clock) as client:
        await a_days_work(client)
    return sorted(sizes.seen)


def kept(folder: Path) -> dict[str, int]:
    """Count the rows of what a profile keeps of cases."""
    with closing(sqlite3.connect(f"file:{folder / 'store.sqlite3'}?mode=ro", uri=True)) as store:
        return {shelf: store.execute(f"SELECT count(*) FROM {shelf}").fetchone()[0] for shelf in CASE_SHELVES}  # noqa: S608


async def test_who_holds_no_matching_claim_sees_sends_and_keeps_what_it_would_without_a_case(
    new_hub_folder: NewFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_following, "DELAY_SECONDS", 3600.0)
    monkeypatch.setattr(waiting, "DELAY_SECONDS", 0.0)
    sizes = Sizes()
    async with (
        police(new_hub_folder(), interceptors=[sizes]) as station,
        lender(station.hub, "bank-a") as matching,
        lender(station.hub, "bank-b") as other,
    ):
        (claim,) = await contribute(matching, [observed_row(station, OURS)])
        await contribute(other, [observed_row(station, OTHERS)])
        operators = await two_operators(matching)
        await station.hub.settle()
        folder, clock = other.profile.folder, station.hub.clock
        await other.close()
        await observed(folder, sizes, clock)  # what a first look fetches, nobody fetches twice
        without = await observed(folder, sizes, clock)
        assert without == await observed(folder, sizes, clock)
        case = await station.opened(OURS, NOBODYS)
        asked = Asked(station, matching, claim.entry_id, case, operators)
        assert (await asked.inquiry()).claims == 1
        await matching.close()
        assert await observed(folder, sizes, clock) == without
        await asked.ready()
        await matching.close()
        assert await observed(folder, sizes, clock) == without
        await station.end(case, CaseState.WITHDRAWN)
        assert await observed(folder, sizes, clock) == without
        assert set(kept(other.profile.state_folder).values()) == {0}
        assert kept(matching.profile.state_folder)["inquiries"] > 0


async def test_whoever_has_no_reply_asks_nothing_when_it_sends(new_hub_folder: NewFolder) -> None:
    sizes = Sizes()
    async with police(new_hub_folder(), interceptors=[sizes]) as station, lender(station.hub, "bank-a") as client:
        one = await asking(station, client)
        sizes.seen.clear()
        assert await client.inquiries.send() == []
        await one.drafted()
        sizes.seen.clear()
        assert await client.inquiries.send() == []  # a draft is nobody's to send
        assert sizes.seen == []


async def test_an_open_client_sends_what_is_ready_once_its_window_is_open(
    new_hub_folder: NewFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "DELAY_SECONDS", 0.0)
    monkeypatch.setattr(waiting, "LOOK_SECONDS", 0.01)
    sizes = Sizes()
    async with police(new_hub_folder(), interceptors=[sizes]) as station, lender(station.hub, "bank-a") as client:
        one = await asking(station, client)
        await one.ready()
        assert not [it for it in sizes.seen if it[0] == "SendCaseReply"]
        one.pass_by(REPLY_AFTER_MS)
        await until(lambda: bool([it for it in sizes.seen if it[:2] == ("SendCaseReply", "down")]))
        await client.close()
        assert (await one.inquiry()).replied_at
        assert len([it for it in sizes.seen if it[0] == "SendCaseReply"]) == 2  # asked and answered, once


async def test_every_reply_has_one_size(new_hub_folder: NewFolder) -> None:
    seen = set()
    for number in range(2):
        sizes = Sizes()
        async with police(new_hub_folder(), interceptors=[sizes]) as station, lender(station.hub, "bank-a") as client:
            one = await asking(station, client)
            answer = one.released(what_happened="x" * 10_000) if number else InquiryAnswer(one.entry_id, DECLINED)
            await one.ready(answer)
            one.pass_by(REPLY_AFTER_MS)
            await client.inquiries.send()
            seen |= {it for it in sizes.seen if it[0] == "SendCaseReply"}
    assert len(seen) == 2  # one on its way up, and one down
