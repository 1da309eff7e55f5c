"""The feed of changes of claims' statuses: told at once, in order, to whoever may know; and receipts of recalls."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from grpc import aio
from support.hub import RunningHub, running_hub
from support.wire import WireMember, enrol, refuses, row_of

from alliance.crypto.signing import SigningKey
from alliance.errors import Reason
from alliance.statements import CLAIM_STATUS
from alliance.taxonomy import ClaimStatus
from alliance.v1 import registry_pb2, status_pb2
from alliance_server.domain.members import MemberState
from alliance_server.domain.recalls import RECEIPT_WITHIN_MS
from alliance_server.services import statuses

pytestmark = pytest.mark.asyncio(loop_scope="module")
SECONDS = 30


@pytest_asyncio.fixture(loop_scope="module")
async def pair(new_hub_folder: Callable[[], Path]) -> AsyncIterator[tuple[WireMember, WireMember]]:
    async with running_hub(new_hub_folder()) as hub:
        first, second = await enrol(hub, "first"), await enrol(hub, "second")
        yield first, second
        await first.close()
        await second.close()


async def filed(member: WireMember) -> bytes:
    sealed = member.seal()
    await member.file(row_of(sealed))
    return sealed.entry_id


async def end(member: WireMember, entry_id: bytes, status: ClaimStatus, reason: str = "filed_in_error") -> None:
    statement = member.status_change(entry_id, status=status, reason=reason)
    await member.registry.ChangeClaimStatus(registry_pb2.ChangeClaimStatusRequest(status_change=statement))


async def changes_after(member: WireMember, number: int, count: int) -> list[status_pb2.StatusChange]:
    """Follow the feed until so many changes came."""
    found: list[status_pb2.StatusChange] = []
    async with asyncio.timeout(SECONDS), aclosing(member.status_pages(number)) as pages:
        async for page in pages:
            assert page.after == number
            number = page.upto
            found += page.changes
            if len(found) >= count:
                return found
    return found


async def test_an_open_stream_is_told_at_once_and_names_nobody(pair: tuple[WireMember, WireMember]) -> None:
    first, second = pair
    recalled, withdrawn = await filed(first), await filed(first)
    pages = second.status_pages()
    assert (await anext(pages)).changes == []
    await end(first, recalled, ClaimStatus.RECALLED)
    await end(first, withdrawn, ClaimStatus.WITHDRAWN, "settled")
    told: list[status_pb2.StatusChange] = []
    async with asyncio.timeout(SECONDS):
        while len(told) < 2:
            page = await anext(pages)
            assert b"first" not in page.SerializeToString()
            told += page.changes
    assert [(it.number, it.entry_id, int(it.status), it.version, it.reason) for it in told] == [
        (1, recalled, ClaimStatus.RECALLED, 1, "filed_in_error"),
        (2, withdrawn, ClaimStatus.WITHDRAWN, 1, "settled"),
    ]
    assert all(it.changed_at <= first.now for it in told)


async def test_a_stream_is_taken_up_where_it_was_by_pages(
    pair: tuple[WireMember, WireMember], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statuses, "CHANGES_A_PAGE", 2)
    first, second = pair
    entries = [await filed(first) for _ in range(5)]
    for entry_id in entries:
        await end(first, entry_id, ClaimStatus.WITHDRAWN)
    assert [it.entry_id for it in await changes_after(second, 0, 5)] == entries
    assert [it.entry_id for it in await changes_after(second, 3, 2)] == entries[3:]


async def test_a_number_that_was_never_given_begins_anew(pair: tuple[WireMember, WireMember]) -> None:
    first, second = pair
    entry_id = await filed(first)
    await end(first, entry_id, ClaimStatus.WITHDRAWN)
    page = await anext(second.status_pages(after=2**63))
    assert (page.after, [it.entry_id for it in page.changes]) == (0, [entry_id])


async def test_silence_is_broken_and_a_suspended_member_is_cut_off_by_it(
    pair: tuple[WireMember, WireMember], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statuses, "SILENCE_SECONDS", 0.05)
    first, second = pair
    pages = second.status_pages()
    async with asyncio.timeout(SECONDS):
        assert [(await anext(pages)).upto for _ in range(3)] == [0, 0, 0]
        hub: RunningHub = first.hub
        hub.hub.store.write_now(lambda it: it.members.set_state("second", MemberState.SUSPENDED, first.now))
        hub.clock.advance(seconds=61)
        with pytest.raises(aio.AioRpcError):
            await _to_the_end(pages)


async def _to_the_end(pages: AsyncIterator[Any]) -> None:
    async for _ in pages:
        pass


async def test_a_hub_that_ends_sends_its_streams_elsewhere(new_hub_folder: Callable[[], Path]) -> None:
    async with running_hub(new_hub_folder()) as hub:
        member = await enrol(hub, "first")
        pages = member.status_pages()
        await anext(pages)
        waiting = asyncio.ensure_future(anext(pages))
        await asyncio.sleep(0)
        async with asyncio.timeout(SECONDS):
            await hub.hub.stop()
            with pytest.raises(aio.AioRpcError) as caught:
                await waiting
        assert caught.value.code().name == "UNAVAILABLE"
        await member.close()


async def test_recalls_are_outstanding_until_each_member_says_that_it_dealt_with_them(
    pair: tuple[WireMember, WireMember],
) -> None:
    first, second = pair
    for status in (ClaimStatus.RECALLED, ClaimStatus.WITHDRAWN, ClaimStatus.RECALLED):
        first.hub.clock.advance(seconds=1)
        await end(first, await filed(first), status)

    def outstanding() -> list[tuple[int, tuple[str, ...]]]:
        recalls = first.hub.hub.store.read_now(lambda it: it.recalls.after(0, 10))
        return [(it.number, it.outstanding) for it in recalls]

    assert outstanding() == [(1, ("first", "second")), (3, ("first", "second"))]
    await second.statuses.AcknowledgeRecalls(second.recall_receipt(2))
    assert outstanding() == [(1, ("first",)), (3, ("first", "second"))]
    await second.statuses.AcknowledgeRecalls(second.recall_receipt(3))
    await second.statuses.AcknowledgeRecalls(second.recall_receipt(1))  # an older one takes nothing back
    await first.statuses.AcknowledgeRecalls(first.recall_receipt(1))
    assert outstanding() == [(1, ()), (3, ("first",))]
    now = first.now

    def overdue(at: int) -> dict[str, int]:
        recalls = first.hub.hub.store.read_now(lambda it: it.recalls.after(0, 10))
        late = [it for it in recalls if it.recalled_at + RECEIPT_WITHIN_MS <= at]
        return dict(Counter(member for it in late for member in it.outstanding))

    assert overdue(now) == {}
    assert overdue(now + RECEIPT_WITHIN_MS) == {"first": 1}


async def test_receipts_that_are_refused(pair: tuple[WireMember, WireMember]) -> None:
    first, second = pair
    await end(first, await filed(first), ClaimStatus.RECALLED)
    wrong: list[tuple[Reason, Any]] = [
        (Reason.INVALID_REQUEST, second.recall_receipt(2)),
        (Reason.REPLAYED, second.recall_receipt(1, member="first")),
        (Reason.REPLAYED, second.recall_receipt(1, time=second.now - 3 * 60 * 1000)),
        (Reason.SIGNATURE_INVALID, first.recall_receipt(1)),
        (Reason.SIGNATURE_INVALID, status_pb2.AcknowledgeRecallsRequest()),
    ]
    stranger, _ = SigningKey.generate()
    forged = second.recall_receipt(1)
    forged.receipt.CopyFrom(stranger.statement(CLAIM_STATUS, forged.receipt.payload))
    for reason, request in [*wrong, (Reason.SIGNATURE_INVALID, forged)]:
        with refuses(reason):
            await second.statuses.AcknowledgeRecalls(request)
    assert first.hub.hub.store.read_now(lambda it: it.recalls.receipt("second")) is None
