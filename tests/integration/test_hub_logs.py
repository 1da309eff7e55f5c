"""What the hub's logs prove, over the wire: held against the hub's key alone, as a member would."""

from typing import Any

import pytest
from support.hub import RunningHub, running_hub
from support.wire import WireMember, refuses

from alliance.crypto import merkle
from alliance.errors import MerkleProofInvalid, Reason
from alliance.tlog.checkpoints import Checkpoint, read_checkpoint
from alliance.tlog.logs import LogName
from alliance.v1 import audit_pb2, epoch_pb2

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def asked(member: WireMember, times: int) -> None:
    for _ in range(times):
        await member.epochs.ListEpochs(epoch_pb2.ListEpochsRequest())


async def checkpoint_of(member: WireMember, log: str = "") -> Checkpoint:
    reply = await member.audit.GetCheckpoint(audit_pb2.GetCheckpointRequest(log=log))
    checkpoint = read_checkpoint(reply.checkpoint)
    checkpoint.require_signed(LogName.parse(checkpoint.origin).key(member.hub.hub.keys.identity.public_key))
    return checkpoint


async def own_records(member: WireMember) -> list[audit_pb2.AuditRecord]:
    reply = await member.audit.ListEvents(audit_pb2.ListEventsRequest(page_size=1000))
    return list(reply.records)


async def proofs_of(member: WireMember, checkpoint: Checkpoint, indices: list[int]) -> list[audit_pb2.InclusionProof]:
    request = audit_pb2.GetInclusionProofsRequest(
        log=checkpoint.origin, tree_size=checkpoint.size, leaf_indices=indices
    )
    return list((await member.audit.GetInclusionProofs(request)).proofs)


async def test_own_events_are_in_the_log(hub: RunningHub, members: Any) -> None:
    member = await members(hub)
    await asked(member, 5)
    await hub.hub.sealer.turn()
    records = await own_records(member)
    checkpoint = await checkpoint_of(member)
    assert len(records) == 6
    assert {record.log for record in records} == {checkpoint.origin}
    proofs = await proofs_of(member, checkpoint, [record.leaf_index for record in records])
    for record, proof in zip(records, proofs, strict=True):
        leaf = merkle.leaf_hash(record.salt + record.event)
        merkle.verify_inclusion(leaf, record.leaf_index, checkpoint.size, proof.hashes, checkpoint.root)
        with pytest.raises(MerkleProofInvalid):
            merkle.verify_inclusion(leaf, record.leaf_index + 1, checkpoint.size, proof.hashes, checkpoint.root)
    rows = [record.row for record in records]
    located = await member.audit.LocateEvents(audit_pb2.LocateEventsRequest(rows=[*rows, 2**60, 0]))
    assert [it.leaf_index for it in located.positions] == [*(record.leaf_index for record in records), 0, 0]
    assert [it.log for it in located.positions[-2:]] == ["", ""]


async def test_a_larger_tree_begins_with_the_smaller(hub: RunningHub, members: Any) -> None:
    member = await members(hub)
    await hub.hub.sealer.turn()
    first = await checkpoint_of(member)
    await asked(member, 3)
    await hub.hub.sealer.turn()
    second = await checkpoint_of(member)
    assert second.size >= first.size + 4
    request = audit_pb2.GetConsistencyProofRequest(log=first.origin, first=first.size, second=second.size)
    reply = await member.audit.GetConsistencyProof(request)
    merkle.verify_consistency(first.size, first.root, second.size, second.root, reply.hashes)


async def test_a_tile_that_a_disk_spoilt_makes_no_member_believe_in_a_fork(
    own_hub: RunningHub, own_members: Any
) -> None:
    member = await own_members(own_hub)
    await own_hub.hub.sealer.turn()
    first = await checkpoint_of(member)
    await asked(member, 3)
    await own_hub.hub.sealer.turn()
    second = await checkpoint_of(member)
    folder = own_hub.hub.config.logs_folder / second.origin / "tile" / "0"
    for path in [it for it in folder.rglob("*") if it.is_file()]:
        content = path.read_bytes()
        path.write_bytes(bytes([content[0] ^ 1]) + content[1:])
    request = audit_pb2.GetConsistencyProofRequest(log=first.origin, first=first.size, second=second.size)
    with refuses(Reason.UNAVAILABLE):
        await member.audit.GetConsistencyProof(request)
    with refuses(Reason.UNAVAILABLE):
        await proofs_of(member, second, [1])


async def test_logs_are_listed_with_what_binds_them(own_hub: RunningHub, own_members: Any) -> None:
    member = await own_members(own_hub)
    await own_hub.hub.sealer.turn()
    before = await checkpoint_of(member)
    own_hub.clock.advance(days=32)
    await asked(member, 1)
    await own_hub.hub.sealer.turn()
    reply = await member.audit.ListLogs(audit_pb2.ListLogsRequest())
    old, new = reply.logs
    assert (old.is_complete, new.is_complete) == (True, False)
    final = read_checkpoint(old.checkpoint)
    assert (final.origin, new.origin) == (before.origin, (await checkpoint_of(member)).origin)
    newest = read_checkpoint(new.checkpoint)
    merkle.verify_inclusion(new.first.leaf_hash, 0, newest.size, new.first_proof, newest.root)
    assert new.first.leaf_hash == merkle.leaf_hash(new.first.salt + new.first.event)
    after = await member.audit.ListLogs(audit_pb2.ListLogsRequest(after=old.origin))
    assert [log.origin for log in after.logs] == [new.origin]
    # Events of the month that is over are proven by its last checkpoint.
    record = next(it for it in await own_records(member) if it.log == old.origin)
    (proof,) = await proofs_of(member, final, [record.leaf_index])
    merkle.verify_inclusion(record.leaf_hash, record.leaf_index, final.size, proof.hashes, final.root)


async def test_nothing_is_proven_of_a_tree_that_nobody_signed(hub: RunningHub, members: Any) -> None:
    member = await members(hub)
    size = (await checkpoint_of(member)).size
    for request in (
        audit_pb2.GetInclusionProofsRequest(log=member.log, tree_size=size + 10_000, leaf_indices=[0]),
        audit_pb2.GetInclusionProofsRequest(log="alliance/audit/1/1999-01", tree_size=1, leaf_indices=[0]),
        audit_pb2.GetInclusionProofsRequest(log=member.log, tree_size=2**63, leaf_indices=[2**62]),
    ):
        with refuses(Reason.NOT_FOUND):
            await member.audit.GetInclusionProofs(request)
    with refuses(Reason.NOT_FOUND):
        await member.audit.GetConsistencyProof(
            audit_pb2.GetConsistencyProofRequest(log=member.log, first=1, second=size + 10_000)
        )
    with refuses(Reason.INVALID_REQUEST):
        await member.audit.GetInclusionProofs(audit_pb2.GetInclusionProofsRequest(log=member.log, leaf_indices=[0]))
    with refuses(Reason.INVALID_REQUEST):
        await member.audit.GetInclusionProofs(
            audit_pb2.GetInclusionProofsRequest(log=member.log, tree_size=1, leaf_indices=[0] * 1001)
        )


async def test_the_log_goes_on_after_a_restart(new_hub_folder: Any, own_members: Any) -> None:
    folder = new_hub_folder()
    async with running_hub(folder) as hub:
        member = await own_members(hub)
        await hub.hub.sealer.turn()
        first = await checkpoint_of(member)
        records = await own_records(member)
    async with running_hub(folder) as hub:
        again = WireMember(hub, member.id, member.key, member.identity)
        await asked(again, 2)
        await hub.hub.sealer.turn()
        second = await checkpoint_of(again)
        assert (second.origin, second.size > first.size) == (first.origin, True)
        proof = await again.audit.GetConsistencyProof(
            audit_pb2.GetConsistencyProofRequest(log=first.origin, first=first.size, second=second.size)
        )
        merkle.verify_consistency(first.size, first.root, second.size, second.root, proof.hashes)
        (inclusion,) = await proofs_of(again, second, [records[0].leaf_index])
        merkle.verify_inclusion(records[0].leaf_hash, records[0].leaf_index, second.size, inclusion.hashes, second.root)
        await again.close()
