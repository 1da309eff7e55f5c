"""Whether events are in the log: for receipts that the hub gave, and for events that it lists.

Rules:

1. Where an event is comes from the hub; that it is there from the proof alone, under a checkpoint that is remembered.
2. An event that is in no log after its delay, or whose proof does not hold, is broken: the hub signed that it would be
   there. Clocks may differ by two minutes.
3. Where witnesses are asked for, an event may be in the log and no checkpoint that enough of them cosigned have it yet:
   it waits for them, for a day.
4. What a restore lost is lost, and not broken, where the succession says so: events behind its newest audit row.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from alliance.clock import Clock
from alliance.crypto import merkle
from alliance.crypto.signing import VerifyingKey
from alliance.errors import MerkleProofInvalid, SignatureInvalid
from alliance.v1.audit_pb2 import GetInclusionProofsRequest, LocateEventsRequest
from alliance.v1.audit_pb2_grpc import AuditServiceStub
from member_client._hub import PinnedHub
from member_client._log.chain import Tree
from member_client._log.checking import GivenReceipt, read_receipt
from member_client._log.keeper import Asks, LogKeeper
from member_client._workers import Workers
from member_client.config import Profile
from member_client.errors import HubError, HubFault, ReceiptInvalid
from member_client.succession import FIRST_ORIGIN, Origin, Succession

BATCH: Final = 1000
CLOCKS_MS: Final = 120_000
WITNESSES_MS: Final = 24 * 60 * 60 * 1000
_SECOND_MS: Final = 1000


class EventState(StrEnum):
    """What became of an event that was to be in the log."""

    PROVEN = "proven"
    PENDING = "pending"
    LOST = "lost"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Due:
    """An event that is to be in the log: its number, its leaf's hash, and by when, milliseconds UTC."""

    row: int
    leaf: bytes
    due_at: int
    origin: int = 0
    """Number of the hub's origin that promised it; 0 is the one that is pinned."""


@dataclass(frozen=True, slots=True)
class EventPlace:
    """Where an event is, as far as it is proven; `log` is empty where it is not."""

    row: int
    state: EventState
    log: str = ""
    leaf_index: int = 0
    due_at: int = 0
    """Of one that is pending: from then on it can be asked for, milliseconds UTC."""


class EventProver:
    """Proves events, for one session."""

    def __init__(
        self,
        profile: Profile,
        transport: Asks,
        hub: PinnedHub,
        keeper: LogKeeper,
        *,
        workers: Workers,
        clock: Clock,
    ) -> None:
        self._profile = profile
        self._transport = transport
        self._hub = hub
        self._keeper = keeper
        self._workers = workers
        self._clock = clock

    async def read(self, statements: Sequence[bytes]) -> list[tuple[GivenReceipt, int]]:
        """Verify receipts under the hub's key or that of an origin before, which is given. Raises ReceiptInvalid."""
        origins = [(VerifyingKey(it.hub_key), it.number) for it in reversed(await self._origins())]
        return await self._workers.cpu(lambda: [_read(statement, origins) for statement in statements])

    async def prove(self, due: Sequence[Due]) -> list[EventPlace]:
        """Say what became of events, in their order; raises what `LogKeeper.advance` and calls raise."""
        found: list[EventPlace] = []
        for start in range(0, len(due), BATCH):
            found += await self._prove(due[start : start + BATCH])
        return found

    async def _prove(self, due: Sequence[Due]) -> list[EventPlace]:
        request = LocateEventsRequest(rows=[it.row for it in due])
        answer = await self._transport.ask(lambda channel: AuditServiceStub(channel).LocateEvents, request)
        positions = list(answer.positions)
        if [it.row for it in positions] != list(request.rows):
            raise HubError("The hub says where other events are than it was asked about.")
        newest = await self._keeper.advance()
        lost = await self._lost_behind(due)
        places = [self._unsealed(it) for it in due]
        by_log: dict[str, list[int]] = {}
        for place, (it, position) in enumerate(zip(due, positions, strict=True)):
            if it.row > lost.get(it.origin, it.row):
                places[place] = EventPlace(it.row, EventState.LOST)
            elif position.log:
                by_log.setdefault(position.log, []).append(place)
        for log, asked in by_log.items():
            tree = await self._keeper.tree(log, newest)
            within = [place for place in asked if positions[place].leaf_index < tree.size]
            waits = self._keeper.cosignatures and log == newest.origin  # else what was shown is all there is
            for place in set(asked) - set(within):
                places[place] = self._unsealed(due[place], WITNESSES_MS if waits else 0)
            found = await self._included(tree, [(due[place], positions[place].leaf_index) for place in within])
            for place, proven in zip(within, found, strict=True):
                places[place] = proven
        return places

    def _unsealed(self, due: Due, patience_ms: int = 0) -> EventPlace:
        is_late = self._clock.now_ms() > due.due_at + CLOCKS_MS + patience_ms
        return EventPlace(due.row, EventState.BROKEN if is_late else EventState.PENDING, due_at=due.due_at)

    async def _included(self, tree: Tree, within: Sequence[tuple[Due, int]]) -> list[EventPlace]:
        """Verify that leaves are in a tree, at the indices that are given with them."""
        if not within:
            return []
        request = GetInclusionProofsRequest(
            log=str(tree.log), tree_size=tree.size, leaf_indices=[index for _, index in within]
        )
        try:
            answer = await self._transport.ask(lambda channel: AuditServiceStub(channel).GetInclusionProofs, request)
        except HubFault:
            raise
        except HubError:
            return [EventPlace(due.row, EventState.BROKEN) for due, _ in within]
        if len(answer.proofs) != len(within):
            raise HubError("The hub proves another number of events than it was asked about.")
        proofs = [list(proof.hashes) for proof in answer.proofs]
        return await self._workers.cpu(_held, tree, within, proofs)

    async def _origins(self) -> list[Origin]:
        """Give the origins from the one at which this member enrolled to the one that is pinned."""
        first = Origin(0, self._profile.hub_key)
        if self._hub.origin.hub_key == first.hub_key:
            return [self._hub.origin]
        led = await self._hub.believed_after(first)
        return [Origin(led[0].origin - 1, first.hub_key), *(Origin(it.origin, it.hub_key) for it in led)]

    async def _lost_behind(self, due: Iterable[Due]) -> dict[int, int]:
        """Give the number of the newest event of an origin that the next one kept, by origins that are past."""
        now = self._hub.origin.number
        first = min((it.origin for it in due if 0 < it.origin < now), default=now)
        if first == now or self._hub.origin.hub_key == self._profile.hub_key:
            return {}
        led: list[Succession] = await self._hub.believed_after(Origin(0, self._profile.hub_key))
        kept: dict[int, int] = {}
        rows = 2**63
        for succession in reversed(led):
            rows = min(rows, succession.audit_rows)
            kept[max(succession.origin - 1, FIRST_ORIGIN)] = rows
        return kept


def _read(statement: bytes, origins: Sequence[tuple[VerifyingKey, int]]) -> tuple[GivenReceipt, int]:
    for key, number in origins:
        try:
            return read_receipt(statement, key), number
        except SignatureInvalid:
            continue
    raise ReceiptInvalid("No hub that is known here signed this receipt.")


def _held(tree: Tree, leaves: Sequence[tuple[Due, int]], proofs: Sequence[Sequence[bytes]]) -> list[EventPlace]:
    found: list[EventPlace] = []
    for (due, index), proof in zip(leaves, proofs, strict=True):
        try:
            merkle.verify_inclusion(due.leaf, index, tree.size, proof, tree.root)
        except MerkleProofInvalid:
            found.append(EventPlace(due.row, EventState.BROKEN))
        else:
            found.append(EventPlace(due.row, EventState.PROVEN, str(tree.log), index))
    return found


def due_by(given: GivenReceipt, origin: int, received_at: int | None = None) -> Due:
    """Give what a receipt promises; by this machine's clock where it was received here."""
    begins = given.receipt.time if received_at is None else received_at
    return Due(given.row, given.leaf, begins + given.receipt.merge_delay_seconds * _SECOND_MS, origin)
