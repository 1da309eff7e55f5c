"""What became of others' claims, as a member's program follows it: told at once, and not lost when the hub restarts."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc import aio
from support.hub import RunningHub, running_hub
from support.sdk import Tamper, command, contribute, lender, row, screen

from alliance.taxonomy import ClaimStatus
from alliance.v1.statement_pb2 import SignedStatement
from alliance.v1.status_pb2 import StatusChanges, WatchStatusesResponse
from alliance_server.domain.members import Role
from alliance_server.services import statuses
from member_client import AllianceClient, IllegalTransition, InvalidUse, StatementInvalid, StatusChange, _following

NewFolder = Callable[[], Path]
NUMBERS = [f"1385550{number:04}" for number in range(4)]
SECONDS = 60


@pytest.fixture(autouse=True)
def by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody acknowledges a recall before a test does."""
    monkeypatch.setattr(_following, "DELAY_SECONDS", 3600.0)


async def entries(client: AllianceClient, numbers: list[str]) -> list[bytes]:
    return [it.entry_id for it in await contribute(client, [row(number) for number in numbers])]


async def followed(client: AllianceClient, since: int, count: int) -> list[StatusChange]:
    found: list[StatusChange] = []
    async with asyncio.timeout(SECONDS), aclosing(client.status_changes(since)) as changes:  # type: ignore[type-var]
        async for change in changes:
            found.append(change)
            if len(found) == count:
                break
    return found


async def test_a_recall_reaches_whoever_matched_and_names_the_entry_that_matched(new_hub_folder: NewFolder) -> None:
    async with running_hub(new_hub_folder()) as hub, lender(hub, "a") as a, lender(hub, "b") as b:
        first, second, third = await entries(a, NUMBERS[:3])
        await hub.settle()
        (seen,) = await screen(b, NUMBERS[:1])
        assert [match.entry_id for match in seen.matches] == [first]
        following = asyncio.create_task(followed(b, 0, 2))
        recalled = await a.recall(first, reason="wrong_person")
        assert (recalled.status, recalled.reason) == (ClaimStatus.RECALLED, "wrong_person")
        await a.withdraw(second, reason="settled")
        told = await following
        assert [(it.entry_id, it.status, it.version, it.reason) for it in told] == [
            (first, ClaimStatus.RECALLED, 1, "wrong_person"),
            (second, ClaimStatus.WITHDRAWN, 1, "settled"),
        ]
        gone, stands = await screen(b, [NUMBERS[0], NUMBERS[2]])
        assert (gone.matches, [match.entry_id for match in stands.matches]) == ((), [third])
        assert [it async for it in b.status_changes(told[0].number, follow=False)] == told[1:]
        with pytest.raises(IllegalTransition):
            await a.withdraw(first, reason="filed_in_error")


async def test_an_admin_sees_who_has_not_dealt_with_a_recall(new_hub_folder: NewFolder) -> None:
    async with (
        running_hub(new_hub_folder()) as hub,
        lender(hub, "a") as a,
        lender(hub, "b") as b,
        lender(hub, "ann", role=Role.ADMIN) as ann,
    ):
        assert "no recalls" in await command(hub, "ann", "admin", "recalls")
        (entry,) = await entries(a, NUMBERS[3:])
        hub.clock.advance(seconds=1)
        await a.recall(entry, reason="filed_in_error")
        (change,) = [it async for it in b.status_changes(follow=False)]
        await b.acknowledge_recalls(change.number)
        (recall,) = await (await ann.administration()).recalls()
        assert (recall.entry_id, recall.outstanding, recall.reason) == (entry, ("a",), "filed_in_error")
        assert [recall.is_overdue(recall.due_at + late) for late in (-1, 0)] == [False, True]
        shown = await command(hub, "ann", "--json", "admin", "recalls")
        assert [it["outstanding"] for it in json.loads(shown)["recalls"]] == [["a"]]
        assert entry.hex()[:8] in await command(hub, "ann", "admin", "recalls")
        await a.acknowledge_recalls(change.number)
        assert "no recalls" in await command(hub, "ann", "admin", "recalls")
        assert "nobody" in await command(hub, "ann", "admin", "recalls", "--all")
        for wrong in (-1, 2**63):
            with pytest.raises(InvalidUse):
                await b.acknowledge_recalls(wrong)


class Cut(aio.ServerInterceptor):  # type: ignore[type-arg]  # generic in its stubs alone
    """Cuts the first streams of changes off after a page."""

    def __init__(self, times: int) -> None:
        self.left = times

    async def intercept_service(self, continuation: Any, handler_call_details: Any) -> Any:
        handler = await continuation(handler_call_details)
        if handler is None or not handler_call_details.method.endswith("WatchStatuses"):
            return handler
        stream = handler.unary_stream

        async def cut(request: Any, context: Any) -> AsyncIterator[Any]:
            async for reply in stream(request, context):
                yield reply
                if self.left:
                    self.left -= 1
                    await context.abort(grpc.StatusCode.UNAVAILABLE, "cut")

        return handler._replace(unary_stream=cut)


async def test_a_stream_that_is_cut_off_is_taken_up_where_it_was(
    new_hub_folder: NewFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statuses, "CHANGES_A_PAGE", 1)
    cut = Cut(2)
    async with running_hub(new_hub_folder(), interceptors=[cut]) as hub, lender(hub, "a") as a, lender(hub, "b") as b:
        listed = await entries(a, NUMBERS[:3])
        for entry in listed:
            await a.recall(entry, reason="filed_in_error")
        assert [it.entry_id for it in await followed(b, 0, 3)] == listed
        assert cut.left == 0


def _forged(hub: RunningHub, change: Callable[[StatusChanges], None]) -> Callable[[WatchStatusesResponse], None]:
    def forge(reply: WatchStatusesResponse) -> None:
        said = StatusChanges.FromString(reply.page.payload)
        change(said)
        reply.page.CopyFrom(hub.hub.keys.identity.statement("status-changes", said.SerializeToString()))

    return forge


def _gap(said: StatusChanges) -> None:
    said.after += 1
    said.upto = said.newest = said.upto + 1


def _backwards(said: StatusChanges) -> None:
    said.changes.extend([said.changes[0]])


def _beyond(said: StatusChanges) -> None:
    said.changes[0].number = said.upto + 1


def _unknown_status(said: StatusChanges) -> None:
    said.changes[0].status = 77  # type: ignore[assignment]


def _out_of_time(said: StatusChanges) -> None:
    said.changes[0].changed_at = 2**62


def _free_text(said: StatusChanges) -> None:
    said.changes[0].reason = "\x1b[2J pay here"


@pytest.mark.parametrize("change", [_gap, _backwards, _beyond, _unknown_status, _out_of_time, _free_text, None])
async def test_pages_that_are_not_the_hubs_or_leave_gaps_are_refused(
    new_hub_folder: NewFolder, change: Callable[[StatusChanges], None] | None
) -> None:
    tamper = Tamper("WatchStatuses", lambda _reply: None)
    async with (
        running_hub(new_hub_folder(), interceptors=[tamper]) as hub,
        lender(hub, "a") as a,
        lender(hub, "b") as b,
    ):
        (entry,) = await entries(a, NUMBERS[:1])
        await a.recall(entry, reason="filed_in_error")

        def another_key(reply: WatchStatusesResponse) -> None:
            reply.page.CopyFrom(a_statement(a, reply.page))

        tamper.change, tamper.active = another_key if change is None else _forged(hub, change), True
        with pytest.raises(StatementInvalid):
            [it async for it in b.status_changes(follow=False)]


def a_statement(client: AllianceClient, page: SignedStatement) -> SignedStatement:
    """Sign a page with a member's key."""
    session = client._open_session()
    assert session is not None
    return session.identity.statement("status-changes", page.payload)
