"""Filters on the wire: signed, complete, fresh while maintenance runs, and stale when it does not."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from support.filters import beats_at, download, read_deltas, read_filter, read_head
from support.hub import RunningHub, running_hub
from support.wire import WireMember, refuses, row_of

from alliance.crypto import bloom
from alliance.errors import Reason
from alliance.taxonomy import DAY_MS, ClaimStatus, SharingLevel
from alliance.testing import FakeClock
from alliance.v1 import bucket_pb2, filter_pb2
from alliance_server.services import filter_maintenance
from alliance_server.services.filter_maintenance import HEARTBEAT_LIFE_MS, SNAPSHOT_LIFE_MS

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def quiet(hub: RunningHub) -> RunningHub:
    """Stop the job, so that turns are taken by the test alone."""
    await hub.stop_maintenance()
    return hub


async def test_a_new_hub_has_a_filter_that_holds_together(own_hub: RunningHub, own_members: Any) -> None:
    member = await own_members(own_hub)
    read = await read_filter(member)
    header = read.header
    assert (header.format, header.epoch, header.sequence, header.hashes) == (1, 1, 0, 10)
    assert header.bits == bloom.M_MIN
    assert header.prefix_bits == 0
    assert header.not_after - header.created_at == SNAPSHOT_LIFE_MS == 7 * DAY_MS
    assert read.heartbeat.not_after - read.heartbeat.time == HEARTBEAT_LIFE_MS == 300_000
    shape = bloom.Shape(header.bits, header.hashes, header.seed)
    bloom.check_population(bloom.Filter(shape, read.bits).popcount(), shape, header.listings)
    assert not read.has(os.urandom(32))


async def test_every_contributed_tag_is_in_base_and_deltas(own_hub: RunningHub, own_members: Any) -> None:
    hub = await quiet(own_hub)
    first, second = await own_members(hub), await own_members(hub)
    tags = [os.urandom(32) for _ in range(60)]
    base, _ = await read_head(first)
    for start in range(0, 60, 20):
        await first.file(*(first.row(tag) for tag in tags[start : start + 20]))
        await hub.settle()
    await second.file(second.row(tags[0]))
    await hub.settle()
    read = await read_filter(second)
    assert read.header.bits_sha256 == base.bits_sha256
    assert read.sequence == read.heartbeat.sequence == 61
    assert all(read.has(tag) for tag in tags)
    assert sum(read.has(os.urandom(32)) for _ in range(1000)) < 10
    # After a rebuild, the base alone has them.
    await hub.hub.maintenance.rebuild(1)
    rebuilt = await read_filter(first)
    assert rebuilt.header.bits_sha256 != base.bits_sha256
    assert (rebuilt.header.listings, rebuilt.header.sequence) == (60, 61)
    assert all(rebuilt.has(tag) for tag in tags)


async def test_a_heartbeat_never_tells_more_than_the_filter_holds(own_hub: RunningHub, own_members: Any) -> None:
    hub = await quiet(own_hub)
    member = await own_members(hub)
    await member.file(member.row())
    _, before = await read_head(member)
    assert before.sequence == 0
    await hub.settle()
    _, after = await read_head(member)
    assert after.sequence == 1
    assert len(await read_deltas(member, after.base_sha256, 0)) == 1
    assert await read_deltas(member, after.base_sha256, 1) == []


async def test_heartbeats_come_every_half_minute_and_stop_with_maintenance(
    own_hub: RunningHub, own_members: Any
) -> None:
    hub = await quiet(own_hub)
    member = await own_members(hub)
    _, first = await read_head(member)
    await hub.settle()
    assert (await read_head(member))[1] == first
    hub.clock.advance(seconds=31)
    assert (await read_head(member))[1] == first  # nobody beats: the filter goes stale by itself
    await hub.settle()
    _, second = await read_head(member)
    assert second.time >= first.time + 31_000
    hub.clock.advance(minutes=6)
    _, stale = await read_head(member)
    assert stale.not_after < hub.clock.now_ms()


async def test_maintenance_that_fails_beats_no_more(
    own_hub: RunningHub, own_members: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = await quiet(own_hub)
    member = await own_members(hub)
    await member.file(member.row())
    await hub.settle()
    _, before = await read_head(member)
    await member.file(member.row())

    def broken(*_arguments: Any) -> list[int]:
        raise RuntimeError("the builder is gone")

    monkeypatch.setattr(bloom.FilterBuilder, "add_many", broken)
    hub.clock.advance(seconds=31)
    with pytest.raises(RuntimeError):
        await hub.settle()
    assert (await read_head(member))[1] == before
    monkeypatch.undo()
    await hub.settle()
    assert (await read_head(member))[1].sequence == 2


async def test_a_delta_that_was_not_stored_is_made_again_whole(
    own_hub: RunningHub, own_members: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from alliance_server.storage.filters import SqlFilters

    hub = await quiet(own_hub)
    member = await own_members(hub)
    tag = os.urandom(32)
    await member.file(member.row(tag))

    def broken(*_arguments: Any) -> None:
        raise RuntimeError("the disk is gone")

    monkeypatch.setattr(SqlFilters, "add_delta", broken)
    with pytest.raises(RuntimeError):
        await hub.settle()
    monkeypatch.undo()
    await hub.settle()
    assert (await read_filter(member)).has(tag)


async def test_a_withdrawn_tag_leaves_buckets_at_once_and_the_filter_at_its_rebuild(
    own_hub: RunningHub, own_members: Any
) -> None:
    hub = await quiet(own_hub)
    member = await own_members(hub)
    sealed = member.seal(tag := os.urandom(32))
    await member.file(row_of(sealed), member.row())
    await hub.settle()
    request = bucket_pb2.GetBucketsRequest(epoch=1, prefixes=[0])
    assert sum([len(it.entries) async for it in member.buckets.GetBuckets(request)]) == 2
    await member.withdraw(sealed.entry_id)
    assert sum([len(it.entries) async for it in member.buckets.GetBuckets(request)]) == 1
    assert (await read_filter(member)).has(tag)
    await hub.hub.maintenance.rebuild(1)
    read = await read_filter(member)
    assert not read.has(tag)
    assert read.header.listings == 1


async def test_red_and_expired_tags_are_in_no_filter(own_hub: RunningHub, own_members: Any) -> None:
    hub = await quiet(own_hub)
    member = await own_members(hub)
    red, short, amber = (os.urandom(32) for _ in range(3))
    await member.file(
        member.row(red, sharing=SharingLevel.RED),
        member.row(short, expires_at=member.now + 60_000),
        member.row(amber),
    )
    await hub.settle()
    read = await read_filter(member)
    assert (read.has(red), read.has(short), read.has(amber)) == (False, True, True)
    hub.clock.advance(minutes=2)
    await hub.hub.maintenance.rebuild(1)
    read = await read_filter(member)
    assert (read.has(red), read.has(short), read.has(amber)) == (False, False, True)


async def test_a_filter_of_nothing_can_be_built_again_and_again(own_hub: RunningHub, own_members: Any) -> None:
    hub = await quiet(own_hub)
    member = await own_members(hub)
    seen = set()
    for _ in range(3):
        seen.add((await read_filter(member)).header.bits_sha256)
        hub.clock.advance(days=1.01)
        await hub.settle()
    assert len(seen) == 3  # deltas go by the digest: no two bases may share one
    sealed = member.seal(tag := os.urandom(32))
    await member.file(row_of(sealed))
    await hub.settle()
    assert (await read_filter(member)).has(tag)
    await member.withdraw(sealed.entry_id)
    await hub.hub.maintenance.rebuild(1)
    assert not (await read_filter(member)).has(tag)


async def test_a_second_epoch_has_a_filter_of_its_own(own_hub: RunningHub, own_members: Any) -> None:
    hub = await quiet(own_hub)
    member = await own_members(hub)
    second = hub.hub.keys.create_epoch(2, member.now)
    hub.hub.store.write_now(lambda transaction: transaction.epochs.add(second))
    await hub.settle()
    heads = [
        filter_pb2.FilterHeader.FromString(
            (await member.filters.GetFilter(filter_pb2.GetFilterRequest(epoch=epoch))).header.payload
        )
        for epoch in (1, 2)
    ]
    assert [it.epoch for it in heads] == [1, 2]
    assert heads[0].bits_sha256 != heads[1].bits_sha256


async def test_a_filter_that_is_too_full_is_built_anew(
    own_hub: RunningHub, own_members: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = await quiet(own_hub)
    member = await own_members(hub)
    base, _ = await read_head(member)
    original = bloom.bit_count_for
    # As if the smallest filter held sixteen listings.
    monkeypatch.setattr(bloom, "bit_count_for", lambda n: original(n * 225))
    tags = [os.urandom(32) for _ in range(40)]
    await member.file(*(member.row(tag) for tag in tags[:10]))
    await hub.settle()
    assert (await read_head(member))[0].bits_sha256 == base.bits_sha256
    await member.file(*(member.row(tag) for tag in tags[10:]))
    await hub.settle()
    read = await read_filter(member)
    assert read.header.bits_sha256 != base.bits_sha256
    assert read.header.bits > base.bits
    assert read.header.sequence == 40
    assert all(read.has(tag) for tag in tags)


async def test_a_filter_is_built_anew_every_day_and_old_ones_go(own_hub: RunningHub, own_members: Any) -> None:
    hub = await quiet(own_hub)
    member = await own_members(hub)
    await member.file(member.row())
    await hub.settle()
    base, _ = await read_head(member)
    hub.clock.advance(days=1.01)
    await hub.settle()
    header, _ = await read_head(member)
    assert header.bits_sha256 != base.bits_sha256
    hub.clock.advance(hours=2)
    await hub.settle()
    with refuses(Reason.FILTER_CHANGED):
        await download(member, base.bits_sha256)
    with refuses(Reason.FILTER_CHANGED):
        await read_deltas(member, base.bits_sha256, 0)
    names = {path.name for path in (hub.folder / "snapshots").iterdir()}
    assert names == {f"{header.bits_sha256.hex()}.bits"}


# -- downloads and deltas ---------------------------------------------------------------------------------------


async def test_a_download_resumes_where_it_was_cut(hub: RunningHub, members: Any) -> None:
    member = await members(hub)
    header, _ = await read_head(member)
    whole = await download(member, header.bits_sha256)
    for offset in (0, 1, 4095, len(whole) - 1, len(whole)):
        assert whole[:offset] + await download(member, header.bits_sha256, offset) == whole


@pytest.mark.parametrize("offset", ["past", 2**31, 2**63, 2**64 - 1])
async def test_an_offset_past_the_end(hub: RunningHub, members: Any, offset: Any) -> None:
    member = await members(hub)
    header, _ = await read_head(member)
    with refuses(Reason.INVALID_REQUEST):
        await download(member, header.bits_sha256, header.bits // 8 + 1 if offset == "past" else offset)


@pytest.mark.parametrize("digest", [b"", bytes(32), bytes(31), b"../../hub.toml", bytes(range(32))])
async def test_snapshots_that_are_not_there(hub: RunningHub, members: Any, digest: bytes) -> None:
    member = await members(hub)
    with refuses(Reason.FILTER_CHANGED):
        await download(member, digest)
    with refuses(Reason.FILTER_CHANGED):
        await read_deltas(member, digest, 0)


@pytest.mark.parametrize("after", [10**6, 2**63 - 1, 2**63, 2**64 - 1])
async def test_a_sequence_past_everything_has_no_deltas(hub: RunningHub, members: Any, after: int) -> None:
    member = await members(hub)
    header, _ = await read_head(member)
    assert await read_deltas(member, header.bits_sha256, after) == []


@pytest.mark.parametrize("epoch", [0, 2, 2**31, 2**32 - 1])
async def test_filters_of_epochs_that_do_not_serve(hub: RunningHub, members: Any, epoch: int) -> None:
    member = await members(hub)
    with refuses(Reason.EPOCH_NOT_SERVED):
        await member.filters.GetFilter(filter_pb2.GetFilterRequest(epoch=epoch))


async def test_a_snapshot_whose_file_is_gone(own_hub: RunningHub, own_members: Any) -> None:
    hub = await quiet(own_hub)
    member = await own_members(hub)
    header, _ = await read_head(member)
    for path in (hub.folder / "snapshots").iterdir():
        path.unlink()
    with refuses(Reason.FILTER_CHANGED):
        await download(member, header.bits_sha256)


# -- processes --------------------------------------------------------------------------------------------------


async def test_a_restarted_hub_goes_on_from_base_and_deltas(
    new_hub_folder: Callable[[], Path], own_members: Any
) -> None:
    folder = new_hub_folder()
    tags = [os.urandom(32) for _ in range(3)]
    async with running_hub(folder) as hub:
        member = await own_members(hub)
        await member.file(member.row(tags[0]))
        await hub.settle()
        base, _ = await read_head(member)
        await member.file(member.row(tags[1]))
    async with running_hub(folder) as again:
        # The lease of the process before runs out first.
        again.clock.advance(seconds=31)
        reader = await own_members(again)
        await reader.file(reader.row(tags[2]))
        await again.settle()
        read = await read_filter(reader)
        assert read.header.bits_sha256 == base.bits_sha256
        assert all(read.has(tag) for tag in tags)


@pytest.mark.parametrize(("days", "keeps"), [(0.9, True), (1.1, True), (6.9, True), (7.1, False)])
async def test_a_hub_that_starts_serves_the_snapshot_it_has_as_long_as_members_take_it(
    new_hub_folder: Callable[[], Path], own_members: Any, days: float, *, keeps: bool
) -> None:
    folder, clock = new_hub_folder(), FakeClock()
    tags = [os.urandom(32) for _ in range(2)]
    async with running_hub(folder, clock=clock) as hub:
        await quiet(hub)
        member = await own_members(hub)
        await member.file(member.row(tags[0]))
        await hub.settle()
        base, _ = await read_head(member)
        await member.file(member.row(tags[1]))  # in no delta yet
    clock.advance(days=days)
    async with running_hub(folder, clock=clock, config={"maintenance_seconds": 60}) as again:
        # Its certificate is older than a new one's, which would not be valid yet on the clock of TLS.
        reader = WireMember(again, member.id, member.key, member.identity)
        read = await read_filter(reader)
        assert (read.header.bits_sha256 == base.bits_sha256) == keeps
        assert read.heartbeat.time > clock.now_ms() - DAY_MS / 2
        assert all(read.has(tag) for tag in tags)
        # The first turn after that renews what is due.
        await again.settle()
        renewed = await read_filter(reader)
        assert (renewed.header.bits_sha256 == base.bits_sha256) == (days < 1)
        assert all(renewed.has(tag) for tag in tags)
        await reader.close()


async def test_a_hub_that_starts_without_its_snapshots_file_builds_one(
    new_hub_folder: Callable[[], Path], own_members: Any
) -> None:
    folder, clock = new_hub_folder(), FakeClock()
    tag = os.urandom(32)
    async with running_hub(folder, clock=clock) as hub:
        member = await own_members(hub)
        await member.file(member.row(tag))
        await hub.settle()
        base, _ = await read_head(member)
    for path in (folder / "snapshots").iterdir():
        path.unlink()
    clock.advance(seconds=31)  # the lease of the process before
    async with running_hub(folder, clock=clock, config={"maintenance_seconds": 60}) as again:
        read = await read_filter(await own_members(again))
        assert read.header.bits_sha256 != base.bits_sha256
        assert read.has(tag)


async def test_two_hubs_on_one_database_share_the_work(new_hub_folder: Callable[[], Path], own_members: Any) -> None:
    folder = new_hub_folder()
    async with running_hub(folder) as first, running_hub(folder) as second:
        await quiet(first)
        await quiet(second)
        assert [await first.hub.maintenance.turn(), await second.hub.maintenance.turn()] == [True, False]
        at_first, at_second = await own_members(first, "one"), await own_members(second, "two")
        tags = [os.urandom(32) for _ in range(8)]
        await asyncio.gather(
            at_first.file(*(at_first.row(tag) for tag in tags[:4])),
            at_second.file(*(at_second.row(tag) for tag in tags[4:])),
        )
        assert await second.hub.maintenance.turn() is False
        assert await first.hub.maintenance.turn() is True
        for member in (at_first, at_second):
            read = await read_filter(member)
            assert read.sequence == 8
            assert all(read.has(tag) for tag in tags)
        # The other takes over when the holder stays away, and goes on with the same base.
        base = read.header.bits_sha256
        late = os.urandom(32)
        await at_first.file(at_first.row(late))
        second.clock.advance(seconds=31)
        assert await second.hub.maintenance.turn() is True
        assert await first.hub.maintenance.turn() is False
        after = await read_filter(at_first)
        assert after.header.bits_sha256 == base
        assert after.has(late)


async def test_the_job_itself_keeps_filters_fresh(new_hub_folder: Callable[[], Path], own_members: Any) -> None:
    async with running_hub(new_hub_folder(), config={"maintenance_seconds": 0.01}) as hub:
        member = await own_members(hub)
        await member.file(member.row())
        await beats_at(member, 1)


async def test_maintenance_survives_a_turn_that_fails(
    new_hub_folder: Callable[[], Path], own_members: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_hub(new_hub_folder(), config={"maintenance_seconds": 0.01}) as hub:
        failed = asyncio.Event()

        async def fail(_epoch: int, **_options: bool) -> None:
            failed.set()
            raise RuntimeError("once")

        monkeypatch.setattr(hub.hub.maintenance, "turn_epoch", fail)
        member = await own_members(hub)
        await asyncio.wait_for(failed.wait(), 10)
        monkeypatch.undo()
        await member.file(member.row())
        await beats_at(member, 1)


async def test_large_registries_are_caught_up_in_several_deltas(
    own_hub: RunningHub, own_members: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filter_maintenance, "TAGS_A_DELTA", 3)
    hub = await quiet(own_hub)
    member = await own_members(hub)
    tags = [os.urandom(32) for _ in range(10)]
    await member.file(*(member.row(tag) for tag in tags))
    await hub.settle()
    read = await read_filter(member)
    deltas = await read_deltas(member, read.header.bits_sha256, 0)
    assert [(it.from_sequence, it.to_sequence) for it in deltas] == [(0, 3), (3, 6), (6, 9), (9, 10)]
    assert all(read.has(tag) for tag in tags)
    assert len(await read_deltas(member, read.header.bits_sha256, 6)) == 2


async def test_disputed_and_suspended_tags_stay(own_hub: RunningHub, own_members: Any) -> None:
    hub = await quiet(own_hub)
    member = await own_members(hub)
    sealed = [member.seal(os.urandom(32)) for _ in range(2)]
    await member.file(*map(row_of, sealed))
    for it, status in zip(sealed, (ClaimStatus.DISPUTED, ClaimStatus.SUSPENDED), strict=True):
        with hub.hub.store.engine.begin() as connection:
            connection.execute(
                sa.text("UPDATE claims SET status = :status WHERE entry_id = :entry"),
                {"status": int(status), "entry": it.entry_id},
            )
    await hub.hub.maintenance.rebuild(1)
    assert (await read_head(member))[0].listings == 2
