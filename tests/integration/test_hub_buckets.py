"""Buckets on the wire: what they show, to whom, and what they cost; reports of entries."""

import os
from hashlib import sha256
from typing import Any

import pytest
import sqlalchemy as sa
from support.hub import RunningHub
from support.wire import WireMember, refuses, row_of

from alliance.claims import open_box
from alliance.crypto import sealing
from alliance.crypto.signing import VerifyingKey
from alliance.errors import Reason
from alliance.statements import CLAIM_STATUS
from alliance.taxonomy import DAY_MS, Category, ClaimStatus, SharingLevel
from alliance.v1 import bucket_pb2, claim_pb2
from alliance.v1.bucket_pb2 import GetBucketsRequest, ReportEntryRequest
from alliance_server.domain.quotas import DEFAULT_BUDGETS, Resource
from alliance_server.services import buckets as bucket_service

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def fetch(
    member: WireMember, prefixes: list[int], bits: int = 0, epoch: int = 1
) -> dict[int, list[bucket_pb2.BucketEntry]]:
    """Fetch buckets and hold their stream together: ascending, each complete exactly once, at its end."""
    found: dict[int, list[bucket_pb2.BucketEntry]] = {}
    done: list[int] = []
    request = GetBucketsRequest(epoch=epoch, prefix_bits=bits, prefixes=prefixes)
    async for part in member.buckets.GetBuckets(request):
        assert part.prefix not in done
        found.setdefault(part.prefix, []).extend(part.entries)
        if part.complete:
            done.append(part.prefix)
    assert done == prefixes == list(found)
    return found


def ids(entries: list[bucket_pb2.BucketEntry]) -> set[bytes]:
    return {entry.entry_id for entry in entries}


def tag_at(first_byte: int) -> bytes:
    return bytes([first_byte]) + os.urandom(31)


async def test_a_holder_of_the_identifier_finds_and_opens_the_box(own_hub: RunningHub, own_members: Any) -> None:
    filer, reader = await own_members(own_hub), await own_members(own_hub)
    tags = await filer.tags(b"the identifier")
    sealed = filer.seal(tags.tag(0), tags.label_key(0).reveal())
    await filer.contribute(row_of(sealed))

    mine = await reader.tags(b"the identifier", purpose=1)
    label_key = mine.label_key(0).reveal()
    (entry,) = (await fetch(reader, [0]))[0]
    assert entry.handle == sealing.handle(label_key, entry.entry_id)
    assert entry.box == sealed.box
    assert entry.claim_sha256 == sha256(sealed.claim).digest()
    assert not entry.HasField("status")
    opened = open_box(
        entry.box,
        entry_id=entry.entry_id,
        epoch=1,
        tag=mine.tag(0),
        label_key=label_key,
        claim_sha256=sha256(sealed.claim).digest(),
        key_of=lambda name: VerifyingKey(filer.key.public_key) if name == filer.id else None,
    )
    assert opened.contributor == filer.id


async def test_no_tag_leaves_the_hub() -> None:
    names = {field.name for field in bucket_pb2.BucketEntry.DESCRIPTOR.fields}
    assert names == {"entry_id", "handle", "box", "status", "claim_sha256"}


async def test_entries_lie_in_the_bucket_of_their_prefix(own_hub: RunningHub, own_members: Any) -> None:
    member = await own_members(own_hub)
    sealed = {byte: member.seal(tag_at(byte)) for byte in (0x00, 0x3F, 0x40, 0x7F, 0x80, 0xFF)}
    await member.file(*map(row_of, sealed.values()))
    found = await fetch(member, [0, 1, 2, 3], bits=2)
    assert {prefix: ids(entries) for prefix, entries in found.items()} == {
        0: {sealed[0x00].entry_id, sealed[0x3F].entry_id},
        1: {sealed[0x40].entry_id, sealed[0x7F].entry_id},
        2: {sealed[0x80].entry_id},
        3: {sealed[0xFF].entry_id},
    }
    found = await fetch(member, [0x00, 0x41, 0xFF], bits=8)
    assert [len(entries) for entries in found.values()] == [1, 0, 1]
    deep = int.from_bytes(claim_pb2.Claim.FromString(sealed[0x80].claim).tag[:3], "big") >> 4
    assert ids((await fetch(member, [deep], bits=20))[deep]) == {sealed[0x80].entry_id}
    assert len((await fetch(member, [0]))[0]) == 6


async def test_only_live_listed_claims_are_shown(own_hub: RunningHub, own_members: Any) -> None:
    member, other = await own_members(own_hub), await own_members(own_hub)
    tag = tag_at(0x11)
    live, withdrawn, short = member.seal(tag), member.seal(), member.seal(expires_at=member.now + 60_000)
    red = member.seal(sharing=SharingLevel.RED)
    await member.file(*map(row_of, (live, withdrawn, short, red)))
    theirs = other.seal(tag)
    second = other.seal(tag, category=Category.PHISHING)
    await other.file(*map(row_of, (theirs, second)))
    await member.withdraw(withdrawn.entry_id)
    listed = {it.entry_id for it in (live, theirs, second)}
    assert ids((await fetch(member, [0]))[0]) == listed | {short.entry_id}
    own_hub.clock.advance(minutes=2)
    assert ids((await fetch(member, [0]))[0]) == listed


@pytest.mark.parametrize("status", [ClaimStatus.DISPUTED, ClaimStatus.SUSPENDED])
async def test_a_contested_claim_comes_with_the_hubs_word(
    own_hub: RunningHub, own_members: Any, status: ClaimStatus
) -> None:
    member = await own_members(own_hub)
    contested, plain = member.seal(), member.seal()
    await member.file(row_of(contested), row_of(plain))
    now = own_hub.clock.now_ms()
    own_hub.hub.store.write_now(lambda it: it.claims.change_status(contested.entry_id, status, 1, b"", now=now))
    entries = {entry.entry_id: entry for entry in (await fetch(member, [0]))[0]}
    assert not entries[plain.entry_id].HasField("status")
    key = VerifyingKey(own_hub.hub.keys.identity.public_key)
    change = claim_pb2.ClaimStatusChange.FromString(
        key.verified_payload(CLAIM_STATUS, entries[contested.entry_id].status)
    )
    assert (change.entry_id, change.version, int(change.status)) == (contested.entry_id, 1, int(status))


@pytest.mark.parametrize("status", [ClaimStatus.CORRECTED, ClaimStatus.EXPIRED, ClaimStatus.RECALLED])
async def test_a_claim_that_ended_is_gone(own_hub: RunningHub, own_members: Any, status: ClaimStatus) -> None:
    member = await own_members(own_hub)
    sealed = member.seal()
    await member.file(row_of(sealed))
    now = own_hub.clock.now_ms()
    own_hub.hub.store.write_now(lambda it: it.claims.change_status(sealed.entry_id, status, 1, b"", now=now))
    assert (await fetch(member, [0]))[0] == []


async def test_a_large_bucket_comes_in_parts(
    own_hub: RunningHub, own_members: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bucket_service, "ENTRIES_A_MESSAGE", 4)
    monkeypatch.setattr(bucket_service, "PREFIXES_A_READ", 2)
    member = await own_members(own_hub)
    sealed = [member.seal(tag_at(byte)) for byte in (0x10, 0x20, 0x30, 0x31, 0x90, 0xA0, 0xB0, 0xC0, 0xC1)]
    await member.file(*map(row_of, sealed))
    request = GetBucketsRequest(epoch=1, prefix_bits=1, prefixes=[0, 1])
    parts = [part async for part in member.buckets.GetBuckets(request)]
    assert [(it.prefix, len(it.entries), it.complete) for it in parts] == [(0, 4, True), (1, 4, False), (1, 1, True)]
    found = await fetch(member, list(range(16)), bits=4)
    assert sum(map(len, found.values())) == 9


@pytest.mark.parametrize(
    ("bits", "prefixes", "reason"),
    [
        (3, [], Reason.INVALID_BATCH),
        (20, list(range(4097)), Reason.INVALID_BATCH),
        (3, [1, 0], Reason.INVALID_REQUEST),
        (3, [7, 0], Reason.INVALID_REQUEST),
        (3, [1, 1], Reason.INVALID_REQUEST),
        (3, [8], Reason.INVALID_REQUEST),
        (3, [0, 8], Reason.INVALID_REQUEST),
        (3, [8, 0], Reason.INVALID_REQUEST),
        (0, [1], Reason.INVALID_REQUEST),
        (0, [0, 1], Reason.INVALID_REQUEST),
        (21, [0], Reason.INVALID_REQUEST),
        (2**32 - 1, [0], Reason.INVALID_REQUEST),
        (20, [2**20], Reason.INVALID_REQUEST),
        (20, [2**32 - 1], Reason.INVALID_REQUEST),
    ],
)
async def test_prefixes_that_are_not_as_they_should_be(
    hub: RunningHub, members: Any, bits: int, prefixes: list[int], reason: Reason
) -> None:
    member = await members(hub)
    with refuses(reason):
        await fetch(member, prefixes, bits=bits)
    assert member.used(Resource.BUCKET_PREFIXES) == 0


async def test_as_many_prefixes_as_there_may_be(hub: RunningHub, members: Any) -> None:
    member = await members(hub)
    assert len(await fetch(member, list(range(0, 2**20, 256)), bits=20)) == 4096
    assert member.used(Resource.BUCKET_PREFIXES) == 4096


@pytest.mark.parametrize("epoch", [0, 2, 2**31, 2**32 - 1])
async def test_epochs_that_do_not_serve(hub: RunningHub, members: Any, epoch: int) -> None:
    member = await members(hub)
    with refuses(Reason.EPOCH_NOT_SERVED):
        await fetch(member, [0], epoch=epoch)


async def test_wider_prefixes_than_the_filters_are_a_sweep(own_hub: RunningHub, own_members: Any) -> None:
    member = await own_members(own_hub)
    with own_hub.hub.store.engine.begin() as connection:
        connection.execute(sa.text("UPDATE filter_snapshots SET prefix_bits = 6"))
    for bits in (0, 4):
        with refuses(Reason.FILTER_CHANGED):
            await fetch(member, [0], bits=bits)
    for bits in (5, 6, 7, 20):  # one less is a client that holds the snapshot before
        await fetch(member, [0], bits=bits)
    assert member.used(Resource.BUCKET_PREFIXES) == 4


async def test_fetches_have_a_budget(own_hub: RunningHub, own_members: Any) -> None:
    member = await own_members(own_hub)
    day = member.now // DAY_MS
    used = DEFAULT_BUDGETS["bucket_prefixes"] - 2
    own_hub.hub.store.write_now(
        lambda transaction: transaction.quotas.charge(member.id, Resource.BUCKET_PREFIXES, day, used)
    )
    with refuses(Reason.BUDGET_EXHAUSTED) as refusal:
        await fetch(member, [0, 1, 2], bits=4)
    assert refusal.metadata == {"retry_at_ms": str((day + 1) * DAY_MS)}
    await fetch(member, [0, 1], bits=4)
    with refuses(Reason.BUDGET_EXHAUSTED):
        await fetch(member, [0], bits=4)
    assert member.events()[-1].outcome == "BUDGET_EXHAUSTED"
    own_hub.clock.advance(days=1)
    await fetch(member, [0], bits=4)


# -- reports ----------------------------------------------------------------------------------------------------


async def report(member: WireMember, entry_id: bytes, finding: int = bucket_pb2.ENTRY_FINDING_BOX_INVALID) -> None:
    request = ReportEntryRequest(entry_id=entry_id, finding=bucket_pb2.EntryFinding.ValueType(finding))
    await member.buckets.ReportEntry(request)


def reports(hub: RunningHub) -> list[tuple[str, int]]:
    with hub.hub.store.engine.connect() as connection:
        query = sa.text("SELECT reporter, finding FROM entry_reports ORDER BY reporter, finding")
        return [(row[0], row[1]) for row in connection.execute(query)]


async def test_reports_are_kept_once_and_those_of_nothing_are_taken_in_silence(
    own_hub: RunningHub, own_members: Any
) -> None:
    first, second = await own_members(own_hub), await own_members(own_hub)
    sealed = first.seal()
    await first.file(row_of(sealed))
    for _ in range(2):
        await report(second, sealed.entry_id)
    await report(second, sealed.entry_id, bucket_pb2.ENTRY_FINDING_SIGNATURE_INVALID)
    await report(first, sealed.entry_id)
    await report(second, os.urandom(16))
    assert reports(own_hub) == [(first.id, 1), (second.id, 1), (second.id, 3)]
    assert [it.outcome for it in second.events() if it.action == "bucket:entry:report"] == ["ok"] * 4


@pytest.mark.parametrize("finding", [0, 5, 2**31 - 1, -1, -(2**31)])
async def test_findings_that_are_none(hub: RunningHub, members: Any, finding: int) -> None:
    member = await members(hub)
    with refuses(Reason.INVALID_REQUEST):
        await report(member, os.urandom(16), finding)


@pytest.mark.parametrize("length", [0, 15, 17])
async def test_entry_ids_of_another_length(hub: RunningHub, members: Any, length: int) -> None:
    member = await members(hub)
    with refuses(Reason.INVALID_REQUEST):
        await report(member, bytes(length))
