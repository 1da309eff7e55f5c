"""The witness list in force: verified, never an older one than was seen, and what it asks of checkpoints.

Rules:

1. A list counts only under the pinned hub key, and where its number is not below that of the one that lies with the
   pins. A list of the same number says the same.
2. A new list is believed like any other fact: by a proof under a checkpoint. Where two admins whom this machine knows
   signed the list its own witnesses must have cosigned that; else a quorum of the list before. So a hub alone cannot
   put others in the place of witnesses who refuse, and admins can where witnesses are gone.
3. A restored hub's list takes the place of any: two admins signed for it, and the ledger has brought the newest back.
"""

import hmac
from collections.abc import Callable
from hashlib import sha256
from typing import Final

from google.protobuf.message import DecodeError

from alliance import statements
from alliance.clock import Clock
from alliance.crypto.signing import VerifyingKey
from alliance.errors import SignatureInvalid
from alliance.tlog.checkpoints import Checkpoint
from alliance.v1 import admin_pb2
from alliance.v1.statement_pb2 import SignedStatement
from alliance.v1.witness_pb2 import GetWitnessListRequest, GetWitnessListResponse
from alliance.v1.witness_pb2_grpc import WitnessServiceStub
from alliance.witnesses import WitnessList, WitnessListInvalid
from member_client._deadline import Deadline
from member_client._store import Shelf, Store
from member_client._transport import Transport, always
from member_client._workers import Workers
from member_client.errors import PinsDamaged, QuorumMissing, StatementInvalid

WITNESSES: Final = b"witness-list"
"""Name of the list in force on the shelf of pins: an origin's own."""
RECENT_MS: Final = 15 * 60 * 1000
"""So old a cosignature may be where its checkpoint is older than one that is remembered."""

AdminKey = Callable[[str], bytes | None]
"""Gives the key of an admin that is pinned."""


def verified(statement: SignedStatement, hub_key: VerifyingKey) -> WitnessList:
    """Verify and read a list; raises StatementInvalid."""
    try:
        return WitnessList.from_bytes(hub_key.verified_payload(statements.WITNESS_LIST, statement))
    except (SignatureInvalid, WitnessListInvalid) as error:
        raise StatementInvalid("The hub's witness list does not verify.") from error


async def fetch(
    transport: Transport, hub_key: VerifyingKey, pins: Store, workers: Workers, within: Deadline | None = None
) -> tuple[WitnessList, GetWitnessListResponse]:
    """Ask for the list in force, and hold it against the one that was seen; raises StatementInvalid, or NotFound."""
    answer = await transport.call(
        lambda channel: WitnessServiceStub(channel).GetWitnessList, always(GetWitnessListRequest()), within
    )
    found = verified(answer.witness_list, hub_key)
    await workers.disk(hold, found, pins)
    return found, answer


def pinned(pins: Store) -> WitnessList:
    """Give the list that was seen last, one without witnesses before the first; blocks. Raises PinsDamaged."""
    content = pins.get(Shelf.PINS, WITNESSES)
    if content is None:
        return WitnessList()
    try:
        return WitnessList.from_bytes(content)
    except WitnessListInvalid:
        raise PinsDamaged("The pinned witness list cannot be read.") from None


def hold(found: WitnessList, pins: Store) -> None:
    """Raise StatementInvalid where a list is older than what was seen, or another of its number. Blocks."""
    known = pinned(pins)
    if found.number < known.number or (found.number == known.number and found != known):
        raise StatementInvalid("The hub shows an older witness list than was seen, or another of its number.")


def pin(found: WitnessList, content: bytes, pins: Store) -> WitnessList:
    """Remember a list that was proven; gives the one in force. Blocks."""
    while (known := pins.get(Shelf.PINS, WITNESSES)) is None or pinned(pins).number < found.number:
        if not found.number or pins.swap(Shelf.PINS, WITNESSES, known, [(Shelf.PINS, WITNESSES, content, None)]):
            break
    return pinned(pins)


def is_approved(found: WitnessList, answer: GetWitnessListResponse, admin_key: AdminKey) -> bool:
    """Say whether two known admins signed a list: one proposed it, and another one approved that very proposal."""
    proposal, decision = admin_pb2.Proposal(), admin_pb2.ProposalDecision()
    try:
        proposal.ParseFromString(answer.proposal.payload)
        decision.ParseFromString(answer.decision.payload)
        proposer, approver = admin_key(proposal.proposer), admin_key(decision.admin)
        if proposer is None or approver is None or hmac.compare_digest(proposer, approver):
            return False
        VerifyingKey(proposer).verified_payload(statements.PROPOSAL, answer.proposal)
        VerifyingKey(approver).verified_payload(statements.PROPOSAL_DECISION, answer.decision)
    except (DecodeError, SignatureInvalid):
        return False
    made = proposal.change.set_witnesses
    return (
        decision.decision == admin_pb2.DECISION_APPROVE
        and hmac.compare_digest(decision.proposal_sha256, sha256(answer.proposal.payload).digest())
        and (made.number, made.quorum, list(made.vkeys))
        == (found.number, found.quorum, [key.vkey for key in found.keys])
    )


def quorum_of(listed: WitnessList) -> Callable[[Checkpoint], None]:
    """Give what raises QuorumMissing for a checkpoint that fewer witnesses cosigned than a list asks for."""

    def require(checkpoint: Checkpoint) -> None:
        if not listed.has_quorum(checkpoint):
            raise QuorumMissing("Fewer witnesses cosigned the hub's checkpoint of its log than must have.")

    return require


def recency_of(listed: WitnessList, clock: Clock) -> Callable[[Checkpoint], bool]:
    """Give what says whether a quorum cosigned a checkpoint lately."""

    def is_recent(checkpoint: Checkpoint) -> bool:
        return clock.now_ms() - listed.cosigned_at(checkpoint) * 1000 <= RECENT_MS

    return is_recent
