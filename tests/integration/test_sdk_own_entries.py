"""Contributors look at their own entries as readers do: an entry that is kept from readers does not stay unseen."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from support.hub import RunningHub, running_hub
from support.sdk import PHONES, Tamper, command, contribute, flipped, lender, row
from typer.testing import CliRunner

from alliance.statements import CLAIM_STATUS
from alliance.taxonomy import ClaimStatus, SharingLevel
from alliance.v1 import taxonomy_pb2
from alliance.v1.bucket_pb2 import GetBucketsResponse
from alliance.v1.claim_pb2 import ClaimStatusChange
from alliance_server.storage.tables import ClaimTable, table_of
from member_client import AllianceClient, EntryOmitted, EntryReport, IntegrityError, InvalidUse, Level, _own_entries
from member_client._own_entries import OwnEntries, served
from member_client._store import Shelf
from member_client.cli.app import app

NewFolder = Callable[[], Path]
MANY = 200
"""More than there are, so that each is looked at."""


@asynccontextmanager
async def listing(
    folder: Path, count: int = 3, tamper: Tamper | None = None
) -> AsyncIterator[tuple[RunningHub, AllianceClient, Sequence[bytes]]]:
    """A hub, a lender with some claims there, and their entry ids."""
    async with (
        running_hub(folder, interceptors=[tamper] if tamper else []) as hub,
        lender(hub, "a") as a,
    ):
        filed = await contribute(a, [row(phone) for phone in PHONES[:count]])
        await hub.settle()
        yield hub, a, [it.entry_id for it in filed]


async def look(client: AllianceClient, sample: int = MANY) -> EntryReport:
    """Look without waiting for a filter that is behind."""
    return await OwnEntries(await client._session(), grace_seconds=0).check(sample)


async def hide(hub: RunningHub, entry_id: bytes) -> None:
    """Keep an entry from readers, as its owner is not told: neither filter nor bucket have it any more."""
    claims = table_of(ClaimTable)
    with hub.hub.store.engine.begin() as connection:
        hidden = sa.update(claims).where(claims.c.entry_id == entry_id).values(sharing_level=int(SharingLevel.RED))
        assert connection.execute(hidden).rowcount == 1
    hub.clock.advance(seconds=1)
    await hub.hub.maintenance.rebuild(1)
    await hub.settle()


async def test_entries_that_readers_are_served_are_found(new_hub_folder: NewFolder) -> None:
    async with listing(new_hub_folder()) as (_, a, _entries):
        report = await look(a)
        assert (report.served, report.looked_at, report.omitted) == (3, 3, ())
        assert served(report) is report
        assert (await a.check_own_entries(1)).served >= 1
        for sample in (0, 1001):
            with pytest.raises(InvalidUse):
                await a.check_own_entries(sample)


async def test_an_entry_that_neither_filter_nor_bucket_has_is_told(new_hub_folder: NewFolder) -> None:
    async with listing(new_hub_folder()) as (hub, a, (hidden, *_)):
        await hide(hub, hidden)
        report = await look(a)
        assert (report.omitted, report.served) == ((hidden,), 2)
        with pytest.raises(EntryOmitted, match=hidden.hex()) as caught:
            served(report)
        assert caught.value.exit_code == 7
        assert isinstance(caught.value, IntegrityError)
        assert caught.value.entries == (hidden,)
        (finding,) = [it for it in await a.doctor() if "own entries" in it.what]
        assert finding.level is Level.ERROR


def _without_entries(reply: GetBucketsResponse) -> None:
    reply.ClearField("entries")


def _with_another_handle(reply: GetBucketsResponse) -> None:
    for entry in reply.entries:
        entry.handle = flipped(entry.handle)


def _with_another_box(reply: GetBucketsResponse) -> None:
    for entry in reply.entries:
        entry.box = flipped(entry.box, 300)


def _with_another_claim(reply: GetBucketsResponse) -> None:
    for entry in reply.entries:
        entry.claim_sha256 = flipped(entry.claim_sha256)


@pytest.mark.parametrize("bend", [_without_entries, _with_another_handle, _with_another_box, _with_another_claim])
async def test_an_entry_that_is_not_served_as_it_was_filed_is_told(
    new_hub_folder: NewFolder, bend: Callable[[Any], None]
) -> None:
    tamper = Tamper("GetBuckets", bend)
    async with listing(new_hub_folder(), 2, tamper) as (_, a, entries):
        assert (await look(a)).served == 2
        tamper.active = True
        assert sorted((await look(a)).omitted) == sorted(entries)


async def test_a_status_that_keeps_readers_away_is_told(new_hub_folder: NewFolder) -> None:
    holder: list[RunningHub] = []

    def end(reply: GetBucketsResponse) -> None:
        for entry in reply.entries:
            change = ClaimStatusChange(
                entry_id=entry.entry_id,
                version=1,
                status=taxonomy_pb2.ClaimStatus.ValueType(ClaimStatus.WITHDRAWN),
                changed_at=1,
            )
            signed = holder[0].hub.keys.identity.statement(CLAIM_STATUS, change.SerializeToString())
            entry.status.CopyFrom(signed)

    tamper = Tamper("GetBuckets", end)
    async with listing(new_hub_folder(), 1, tamper) as (hub, a, entries):
        holder.append(hub)
        tamper.active = True
        assert list((await look(a)).omitted) == entries


async def test_what_has_ended_is_missing_rightly(new_hub_folder: NewFolder) -> None:
    async with listing(new_hub_folder()) as (hub, a, (first, second, _)):
        await a.withdraw(first, reason="filed_in_error")
        session = await a._session()
        report = await look(a)
        assert (report.served, report.looked_at) == (2, 2)  # this machine knows what it withdrew
        # Another machine of this member knows nothing of it.
        await a.withdraw(second, reason="filed_in_error")
        names = [name for name, record in session.store.rows(Shelf.JOURNAL) if not record]
        session.store.remove_rows(Shelf.JOURNAL, names)
        await hub.hub.maintenance.rebuild(1)
        await hub.settle()
        report = await look(a)
        assert (report.served, report.ended, report.omitted) == (1, 2, ())


async def test_what_the_hub_does_not_know_is_told_apart(new_hub_folder: NewFolder) -> None:
    async with listing(new_hub_folder(), 2) as (hub, a, (lost, _)):
        claims = table_of(ClaimTable)
        with hub.hub.store.engine.begin() as connection:
            connection.execute(sa.delete(claims).where(claims.c.entry_id == lost))
        await hub.hub.maintenance.rebuild(1)
        await hub.settle()
        report = await look(a)
        assert (report.gone, report.served, report.omitted) == ((lost,), 1, ())


async def test_an_expiry_before_its_time_is_no_excuse(new_hub_folder: NewFolder) -> None:
    async with listing(new_hub_folder(), 1) as (hub, a, entries):
        claims = table_of(ClaimTable)
        with hub.hub.store.engine.begin() as connection:
            connection.execute(sa.update(claims).values(status=int(ClaimStatus.EXPIRED)))
        await hub.hub.maintenance.rebuild(1)
        await hub.settle()
        assert list((await look(a)).omitted) == entries


async def test_what_was_filed_just_now_is_waited_for(new_hub_folder: NewFolder) -> None:
    async with running_hub(new_hub_folder()) as hub, lender(hub, "a") as a:
        await a.sync()
        await hub.stop_maintenance()
        await contribute(a, [row(PHONES[0])])
        looking = asyncio.create_task(OwnEntries(await a._session(), grace_seconds=1.0).check(MANY))
        hub.clock.advance(seconds=1)
        await hub.settle()
        report = await looking
        assert (report.served, report.omitted) == (1, ())


async def test_the_hub_sees_what_it_sees_of_a_reader(new_hub_folder: NewFolder) -> None:
    """Buckets with decoys, and no call that names an entry, as long as nothing is missing."""
    async with listing(new_hub_folder()) as (hub, a, _entries):
        await a.sync()
        before = _actions(hub)
        await look(a)
        asked = _actions(hub)[len(before) :]
        assert set(asked) <= {"filter:header:get", "bucket:entry:get", "filter:delta:list", "audit:fact:prove"}
        assert "bucket:entry:get" in asked


async def test_the_command_draws_and_fails_where_one_is_kept_back(
    new_hub_folder: NewFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_own_entries, "GRACE_SECONDS", 0)
    async with listing(new_hub_folder()) as (hub, a, (hidden, *_)):
        await a.close()
        assert "3 served to readers" in await command(hub, "a", "audit", "entries", "--sample", "200")
        await hide(hub, hidden)
        arguments = ["--profile", str(hub.folder.parent / "a"), "audit", "entries", "--sample", "200"]
        done = await asyncio.to_thread(CliRunner().invoke, app, arguments)
        assert done.exit_code == 7
        assert hidden.hex() in done.output


def _actions(hub: RunningHub) -> list[str]:
    found = hub.hub.store.read_now(lambda transaction: transaction.audit.page("a", 0, 10_000))
    return [it.action for it in found]
