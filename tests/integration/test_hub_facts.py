"""Facts at the hub: what is in force is published and proven, at once where it is asked for, and nothing else is."""

import asyncio
import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from support.hub import RunningHub, running_hub, to_mid_month
from support.wire import WireMember, enrol, refuses

from alliance import facts
from alliance.crypto import merkle
from alliance.errors import Reason
from alliance.testing import FakeClock
from alliance.tlog.checkpoints import Checkpoint, read_checkpoint
from alliance.tlog.logs import LogName
from alliance.v1 import audit_pb2, directory_pb2, epoch_pb2, filter_pb2
from alliance_server.domain.members import MemberState
from alliance_server.domain.policy import POLICY_VERSION
from alliance_server.domain.ports import Transaction
from alliance_server.services import fact_proofs, publication, sealing
from alliance_server.services.pace import BURST
from alliance_server.services.sealing import Sealer
from alliance_server.storage.witnesses import SqlWitnesses

pytestmark = pytest.mark.asyncio(loop_scope="module")

NewFolder = Callable[[], Path]


async def proofs_of(member: WireMember, *digests: bytes) -> audit_pb2.GetFactProofsResponse:
    reply: audit_pb2.GetFactProofsResponse = await member.audit.GetFactProofs(
        audit_pb2.GetFactProofsRequest(digests=digests)
    )
    return reply


def verified(hub: RunningHub, reply: audit_pb2.GetFactProofsResponse) -> list[audit_pb2.AuditEvent]:
    """Verify all proofs by the published formats alone; gives the events."""
    checkpoint: Checkpoint = read_checkpoint(reply.checkpoint)
    checkpoint.require_signed(LogName.parse(checkpoint.origin).key(hub.hub.keys.identity.public_key))
    events = []
    for proof in reply.proofs:
        record = proof.record
        leaf = merkle.leaf_hash(record.salt + record.event)
        merkle.verify_inclusion(leaf, record.leaf_index, checkpoint.size, proof.hashes, checkpoint.root)
        assert record.log == checkpoint.origin
        event = audit_pb2.AuditEvent.FromString(record.event)
        assert (event.action, event.actor, list(event.commitments)) == ("fact:publish", "hub", [proof.digest])
        events.append(event)
    return events


async def stated(member: WireMember) -> list[bytes]:
    """Give the digests of all that the hub states to a member, as a reader makes them."""
    members = await member.directory.ListMembers(directory_pb2.ListMembersRequest())
    listed = [directory_pb2.Member.FromString(it.payload) for it in members.members]
    epochs = await member.epochs.ListEpochs(epoch_pb2.ListEpochsRequest())
    begun = [epoch_pb2.Epoch.FromString(it.payload) for it in epochs.epochs]
    suppression = await member.epochs.GetSuppressionList(epoch_pb2.GetSuppressionListRequest())
    filters = await member.filters.GetFilter(filter_pb2.GetFilterRequest(epoch=1))
    return [
        *(facts.member(it.id, it.identity_key, it.role, it.state) for it in listed),
        *(facts.epoch(it.id, it.suite, it.public_key, it.not_before, it.not_after) for it in begun),
        facts.suppression_list(suppression.suppression_list.payload),
        facts.filter_header(filters.header.payload),
        facts.policy(POLICY_VERSION),
    ]


async def test_all_that_a_member_is_shown_is_proven(hub: RunningHub) -> None:
    member = await enrol(hub, "reads-facts")
    digests = await stated(member)
    reply = await proofs_of(member, *digests)
    assert [it.digest for it in reply.proofs] == digests
    assert len(verified(hub, reply)) == len(digests) >= 5
    await member.close()


async def test_what_came_into_force_just_now_is_proven_at_once(own_hub: RunningHub) -> None:
    member = await enrol(own_hub, "reads-at-once")
    await own_hub.stop_maintenance()
    await enrol(own_hub, "newcomer")
    digests = await stated(member)
    verified(own_hub, await proofs_of(member, *digests))
    await member.close()


async def test_what_is_not_in_force_is_neither_proven_nor_published(own_hub: RunningHub) -> None:
    member = await enrol(own_hub, "asks-for-nonsense")
    known = facts.policy(POLICY_VERSION)
    before = _published(own_hub)
    made_up = [os.urandom(32) for _ in range(999)]
    reply = await proofs_of(member, *made_up, known)
    assert [bool(it.record.event) for it in reply.proofs] == [False] * 999 + [True]
    assert not set(made_up) & set(_published(own_hub)) - set(before)
    again = await proofs_of(member, *made_up[:2])
    assert read_checkpoint(again.checkpoint).size
    await member.close()


async def test_a_call_asks_about_a_thousand_digests_at_most(hub: RunningHub) -> None:
    member = await enrol(hub, "asks-for-much")
    for digests in ([os.urandom(32)] * 1001, [b"short"], [bytes(33)]):
        with refuses(Reason.INVALID_REQUEST):
            await proofs_of(member, *digests)
    await member.close()


async def test_more_witnesses_than_there_are_are_not_waited_nor_looked_for(
    own_hub: RunningHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    member = await enrol(own_hub, "asks-for-witnesses")
    monkeypatch.setattr(fact_proofs, "WAIT_SECONDS", 3600.0)
    monkeypatch.setattr(SqlWitnesses, "cosigned", None)
    request = audit_pb2.GetFactProofsRequest(digests=[facts.policy(POLICY_VERSION)], cosignatures=2**31)
    with refuses(Reason.WITNESSES_AWAITED):
        await member.audit.GetFactProofs(request, timeout=20)
    with refuses(Reason.NOT_FOUND):
        await member.audit.GetCheckpoint(audit_pb2.GetCheckpointRequest(cosignatures=2**31))
    await member.close()


async def test_whoever_wakes_the_sealer_all_the_time_has_it_turn_no_faster(
    own_hub: RunningHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealing, "PAUSE_SECONDS", 3600.0)
    sealer = Sealer(own_hub.hub.store, own_hub.hub._log_files, own_hub.hub.keys.identity, "test", own_hub.clock)
    for _ in range(BURST):
        sealer.wake()
        await sealer.wait(3600)
    await sealer.wait(0)  # the turns that nobody asks for go on
    sealer.wake()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(sealer.wait(0), 0.05)


async def test_facts_that_all_ask_for_at_once_are_published_in_turns_no_faster(
    own_hub: RunningHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publication, "PAUSE_SECONDS", 3600.0)
    publishing = publication.Publication(own_hub.hub.store, own_hub.clock)
    for _ in range(BURST):
        await asyncio.gather(*(publishing.catch_up() for _ in range(10)))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(publishing.catch_up(), 0.05)


async def test_a_key_that_nobody_confirmed_is_no_fact(own_hub: RunningHub) -> None:
    member = await enrol(own_hub, "confirmed")
    key = member.key.public_key

    def of(state: MemberState) -> bytes:
        return facts.member("confirmed", key, directory_pb2.MEMBER_ROLE_MEMBER, state)

    await own_hub.hub.publication.turn()
    assert of(MemberState.ACTIVE) in _published(own_hub)
    change = partial(_set_state, state=MemberState.UNCONFIRMED, now=own_hub.clock.now_ms())
    own_hub.hub.store.write_now(change)
    await own_hub.hub.publication.turn()
    assert of(MemberState.UNCONFIRMED) not in _published(own_hub)
    await member.close()


async def test_a_new_month_has_all_facts_again(new_hub_folder: NewFolder) -> None:
    clock = FakeClock()
    async with running_hub(new_hub_folder(), clock=clock) as hub:
        member = await enrol(hub, "reads-monthly")
        digests = await stated(member)
        first = await proofs_of(member, *digests)
        to_mid_month(clock)
        await hub.hub.sealer.turn()
        await hub.settle()  # a filter of last month is renewed
        second = await proofs_of(member, *await stated(member))
        verified(hub, first)
        verified(hub, second)
        origins = [read_checkpoint(it.checkpoint).origin for it in (first, second)]
        assert LogName.parse(origins[0]) < LogName.parse(origins[1])
        await member.close()


async def test_a_hub_whose_log_has_no_facts_yet_publishes_all_as_it_starts(new_hub_folder: NewFolder) -> None:
    """As one of the release before: its tables are full, and nothing is published."""
    folder = new_hub_folder()
    async with running_hub(folder) as hub:
        member = await enrol(hub, "from-before")
        await hub.stop_maintenance()
    _forget_publications(folder)
    async with running_hub(folder, clock=hub.clock) as later:
        again = WireMember(later, member.id, member.key, member.identity)
        verified(later, await proofs_of(again, *await stated(again)))
        await again.close()
    await member.close()


def _set_state(transaction: Transaction, state: MemberState, now: int) -> None:
    transaction.members.set_state("confirmed", state, now)


def _published(hub: RunningHub) -> Sequence[bytes]:
    with hub.hub.store.engine.connect() as connection:
        return [bytes(row.digest) for row in connection.execute(sa.text("SELECT digest FROM published_facts"))]


def _forget_publications(folder: Path) -> None:
    engine = sa.create_engine(f"sqlite:///{folder / 'hub.db'}")
    with engine.begin() as connection:
        for statement in ("DROP TRIGGER published_facts_no_delete", "DELETE FROM published_facts"):
            connection.execute(sa.text(statement))
    engine.dispose()


def test_an_event_of_a_publication_tells_nothing_but_its_digest(hub: RunningHub) -> None:
    def events(transaction: Transaction) -> list[Any]:
        return transaction.audit.page("hub", 0, 1000)

    found = [audit_pb2.AuditEvent.FromString(it.event) for it in hub.hub.store.read_now(events)]
    publications = [it for it in found if it.action == "fact:publish"]
    assert publications
    for event in publications:
        fields = {field.name for field, _ in event.ListFields()}
        assert fields == {"time", "actor", "action", "items", "commitments", "policy_version", "outcome"}
        assert len(event.commitments) == 1
