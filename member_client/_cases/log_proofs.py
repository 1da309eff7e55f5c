"""What proves to others that a case went as it did: facts and steps, each in the hub's log under its checkpoint.

Where the hub says that something is, and the checkpoint that it shows, are held against the log as this machine
remembers it, before anything is written down. A step that no checkpoint has yet is waited for.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from alliance.crypto import merkle
from alliance.errors import MerkleProofInvalid
from alliance.v1.audit_pb2 import (
    FactProof,
    GetFactProofsRequest,
    GetInclusionProofsRequest,
    InclusionProof,
    ListLogsRequest,
)
from alliance.v1.audit_pb2_grpc import AuditServiceStub
from alliance.v1.case_pb2 import CaseStep, GetCaseResponse
from member_client._fact_proofs import MAX_DIGESTS, check_proofs
from member_client._log.chain import Tree, leaf_of, read_note, tree_of
from member_client._session import Session
from member_client.errors import HubError, HubUnavailable, InvalidUse, StatementInvalid

TRIES: Final = 90
PAUSE_SECONDS: Final = 1.0
"""A checkpoint has every step within a minute; one that witnesses cosign takes its time."""
_BATCH: Final = 1000


@dataclass(frozen=True, slots=True)
class Proven:
    """A case as it was fetched, and what proves its steps and the facts that were asked about, in their order."""

    case: GetCaseResponse
    steps: Sequence[InclusionProof]
    facts: Sequence[FactProof]
    notes: Mapping[str, bytes]
    """Checkpoints by their logs, as the hub signed them."""


async def proven(session: Session, fetch: Callable[[], Awaitable[GetCaseResponse]], digests: Sequence[bytes]) -> Proven:
    """Prove facts and a case's steps; raises FactNotPublished, HubUnavailable where the log is late, as calls do."""
    if len(digests) > MAX_DIGESTS:
        raise InvalidUse("more parties took part in this case than can be proven at once")
    for _ in range(TRIES):
        case = await fetch()
        if all(it.record.log for it in case.steps):
            found = await _proven(session, case, digests)
            if found is not None:
                return found
        await asyncio.sleep(PAUSE_SECONDS)
    raise HubUnavailable("The hub's log does not have every step of the case yet.")


async def _proven(session: Session, case: GetCaseResponse, digests: Sequence[bytes]) -> Proven | None:
    """Give the proofs; None where the checkpoint is older than a step."""
    known = await session.log.remembered()
    request = GetFactProofsRequest(digests=digests, cosignatures=session.prover.cosignatures)
    answer = await session.transport.ask(lambda channel: AuditServiceStub(channel).GetFactProofs, request)
    checkpoint = await session.log.accept(answer.checkpoint, known)
    await session.workers.cpu(check_proofs, digests, answer.proofs, checkpoint)
    newest = tree_of(checkpoint, session.profile.alliance)
    notes = {checkpoint.origin: answer.checkpoint}
    trees = {checkpoint.origin: newest}
    for log in sorted({it.record.log for it in case.steps} - {checkpoint.origin}):
        trees[log] = await session.log.tree(log, checkpoint)
        notes[log] = await _note(session, trees[log])
    if any(it.record.leaf_index >= trees[it.record.log].size for it in case.steps):
        return None
    steps: dict[tuple[str, int], InclusionProof] = {}
    for log, tree in trees.items():
        within = [it for it in case.steps if it.record.log == log]
        for start in range(0, len(within), _BATCH):
            for proof in await _included(session, tree, within[start : start + _BATCH]):
                steps[log, proof.leaf_index] = proof
    for fact in answer.proofs:
        fact.record.log = checkpoint.origin
    in_order = [steps[it.record.log, it.record.leaf_index] for it in case.steps]
    return Proven(case, in_order, list(answer.proofs), notes)


async def _note(session: Session, tree: Tree) -> bytes:
    """Give the checkpoint of a log that is over, which is of exactly this tree; raises StatementInvalid."""
    answer = await session.transport.ask(lambda channel: AuditServiceStub(channel).ListLogs, ListLogsRequest())
    for log in answer.logs:
        if log.origin == str(tree.log) and tree_of(read_note(log.checkpoint), session.profile.alliance) == tree:
            return log.checkpoint
    raise StatementInvalid("The hub lists a log that ended otherwise than the one after it says.")


async def _included(session: Session, tree: Tree, steps: Sequence[CaseStep]) -> list[InclusionProof]:
    indices = [it.record.leaf_index for it in steps]
    request = GetInclusionProofsRequest(log=str(tree.log), tree_size=tree.size, leaf_indices=indices)
    answer = await session.transport.ask(lambda channel: AuditServiceStub(channel).GetInclusionProofs, request)
    if [it.leaf_index for it in answer.proofs] != indices:
        raise HubError("The hub proves other events than it was asked about.")
    try:
        for step, proof in zip(steps, answer.proofs, strict=True):
            merkle.verify_inclusion(leaf_of(step.record), proof.leaf_index, tree.size, proof.hashes, tree.root)
    except MerkleProofInvalid as error:
        raise StatementInvalid("A step of a case is not in the hub's log.") from error
    return list(answer.proofs)
