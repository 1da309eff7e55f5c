"""The witness list, and the cosignatures that witnesses hand in.

A hub keeps what verifies under a witness in force, and shows it under its checkpoints. It needs no trust for that: who
reads a checkpoint counts the cosignatures that verify under the list that two admins agreed on.
"""

from hashlib import sha256
from typing import Final

from alliance.crypto.merkle import MAX_SIZE
from alliance.crypto.signing import Signer
from alliance.errors import Reason
from alliance.statements import WITNESS_LIST
from alliance.tlog.checkpoints import read_checkpoint
from alliance.tlog.logs import LogName
from alliance.v1 import admin_pb2
from alliance.v1.witness_pb2 import AddCosignatureRequest, GetWitnessListResponse
from alliance.witnesses import WitnessList
from alliance_server.domain.actions import AuditAction
from alliance_server.domain.audit import record_event
from alliance_server.domain.errors import Refused
from alliance_server.domain.members import HUB_ACTOR
from alliance_server.domain.ports import Store, Transaction
from alliance_server.domain.proposals import Proposal
from alliance_server.domain.witnesses import (
    Cosignature,
    NumberedWitnesses,
    made_list,
    read_cosignature,
    with_cosignatures,
    witness_id,
)
from alliance_server.services.call import Call

WITNESSES = "witnesses"
"""What an effect's counts call them."""
_CHANGE: Final = "set_witnesses"
_LOOKED_AT: Final = 20
"""Proposals, from the newest back: what is in force is the last that took effect."""
_NONE = NumberedWitnesses(0, WitnessList().to_bytes(), 0)


class WitnessService:
    """Serves the witness list, and takes cosignatures."""

    def __init__(self, store: Store, key: Signer) -> None:
        self._store = store
        self._key = key
        self._stated: dict[int, GetWitnessListResponse] = {}

    async def list(self, call: Call) -> GetWitnessListResponse:
        """Give the witness list in force, with what two admins signed of it."""

        def work(transaction: Transaction) -> tuple[NumberedWitnesses, Proposal | None]:
            transaction.record(call.event())
            found = in_force(transaction)
            return found, None if found.number in self._stated else _proposal_of(transaction, found)

        found, proposal = await self._store.write(work)
        if found.number not in self._stated:
            self._stated = {found.number: self._state(found, proposal)}
        stated = GetWitnessListResponse()
        stated.CopyFrom(self._stated[found.number])
        return stated

    def _state(self, found: NumberedWitnesses, proposal: Proposal | None) -> GetWitnessListResponse:
        stated = GetWitnessListResponse(witness_list=self._key.statement(WITNESS_LIST, found.content))
        if proposal is not None and proposal.decision is not None:
            stated.proposal.ParseFromString(proposal.statement)
            stated.decision.ParseFromString(proposal.decision)
        return stated

    async def add(self, call: Call, request: AddCosignatureRequest) -> None:
        """Keep a cosignature; the first one of a witness for a checkpoint stays. Raises Refused."""

        def work(transaction: Transaction) -> None:
            log = transaction.logs.get(request.log)
            size = min(request.size, MAX_SIZE)
            signed = transaction.logs.checkpoint(log.number, size) if log else None
            if log is None or signed is None:
                raise Refused(Reason.NOT_FOUND, "the hub has no such checkpoint")
            checkpoint = read_checkpoint(signed[1])
            line = read_cosignature(request.line, checkpoint, in_force(transaction).witnesses, call.now())
            if transaction.witnesses.cosignature(log.number, size, witness_id(line)) is None:
                transaction.witnesses.add_cosignature(
                    Cosignature(log.number, size, witness_id(line), str(line), call.now())
                )
            digest = sha256(checkpoint.text.encode()).digest()
            transaction.record(call.event(items=1, commitments=(digest,)))

        await self._store.write(work)


def in_force(transaction: Transaction) -> NumberedWitnesses:
    """Give the list in force: the newest that admins set, else one without witnesses."""
    return transaction.witnesses.newest() or _NONE


def _proposal_of(transaction: Transaction, found: NumberedWitnesses) -> Proposal | None:
    """Give the proposal that put a list in force; None where a restore lost it."""
    made = transaction.proposals.effective(_CHANGE, _LOOKED_AT)
    return next((it for it in made if it.message.change.set_witnesses.number == found.number), None)


def set_list(transaction: Transaction, change: admin_pb2.SetWitnesses, now: int) -> None:
    """Put a list in force, from the next call on; raises Refused."""
    made = made_list(change, now)
    if made.number != transaction.witnesses.number() + 1:
        raise Refused(Reason.COMMON_RULES_CONFLICT, "the witness list's number is not the one after the last")
    transaction.witnesses.add(made)
    digest = sha256(made.content).digest()
    transaction.record(
        record_event(
            time=now,
            actor=HUB_ACTOR,
            action=AuditAction.WITNESS_LIST_SET,
            items=len(change.vkeys),
            commitments=(digest,),
        )
    )


def difference(transaction: Transaction, change: admin_pb2.SetWitnesses) -> tuple[int, int]:
    """Count the witnesses that a list adds to the one in force, and those that it leaves out; raises Refused."""
    new, old = set(made_list(change, 0).witnesses.keys), set(in_force(transaction).witnesses.keys)
    return len(new - old), len(old - new)


def cosigned_checkpoint(transaction: Transaction, log: int | None, count: int) -> tuple[int, bytes] | None:
    """Give the newest checkpoint that so many witnesses in force cosigned, with their lines: size and note, or None.

    `log` is a log's number. Without one it is the newest log; where cosignatures are asked for it is looked from there
    back, so that a month that just began has one to show. Not beyond a restore: nobody takes another origin's any more.
    """
    known = [f"{key.name}+{key.key_id.hex()}" for key in in_force(transaction).witnesses.keys]
    if count > len(known):
        return None  # nothing has so many, and looking for it would be to read all cosignatures
    if count:
        found = transaction.witnesses.cosigned(log, known, count)
    else:
        last = transaction.logs.newest() if log is None else None
        number = last.number if last is not None else log
        signed = transaction.logs.checkpoint(number) if number is not None else None
        found = (number, signed[0]) if number is not None and signed is not None else None
    signed = transaction.logs.checkpoint(*found) if found is not None else None
    if found is None or signed is None:
        return None
    if log is None and (newest := transaction.logs.newest()) is not None and not _is_of(newest.name, signed[1]):
        return None
    lines = transaction.witnesses.lines(*found, known) if known else []
    return signed[0], with_cosignatures(signed[1], lines)


def _is_of(newest: LogName, note: bytes) -> bool:
    """Say whether a checkpoint is of the same origin as the newest log."""
    return LogName.parse(note.split(b"\n", 1)[0].decode()).origin == newest.origin
