"""Facts that the hub states, accepted only where its log proves that it published them (`alliance.facts`).

Rules:

1. A key, a filter's header, a list or a policy is pinned or used only after its fact was proven: by an event of the
   hub that holds its digest and no other, in a log whose checkpoint this member holds against all that it remembers.
   So what the hub shows one member alone, it shows to all who read the log.
2. What was proven is remembered, under the log that it was proven in. Each month's log has all facts in force again,
   and so has that of a restored hub: there they are proven anew, and what is no longer in force cannot be.
3. A log whose month is long over by this machine's clock proves nothing: a hub whose month never ends could show old
   facts for good.
4. A hub that is away proves nothing, and what was proven before goes on being used. A hub that is there and has no
   proof is not believed: FactNotPublished.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Final, Protocol

from google.protobuf.message import DecodeError

from alliance.audit_events import FACT_PUBLISH, HUB, OK, SALT_BYTES
from alliance.clock import Clock
from alliance.crypto import merkle
from alliance.errors import MerkleProofInvalid
from alliance.tlog.checkpoints import Checkpoint
from alliance.tlog.logs import LogName, month_ends
from alliance.v1.audit_pb2 import AuditEvent, FactProof, GetFactProofsRequest
from alliance.v1.audit_pb2_grpc import AuditServiceStub
from member_client._deadline import Deadline
from member_client._store import Shelf, Store
from member_client._transport import Transport, always
from member_client._workers import Workers
from member_client.errors import FactNotPublished, QuorumMissing

MAX_DIGESTS: Final = 1000
FACT_LOG: Final = b"fact-log"
"""Name of the newest log that facts were proven in, on the shelf of pins: a succession removes it."""
OVER_MS: Final = 24 * 60 * 60 * 1000
"""So long after its month a log still proves: clocks differ, and the next log may wait for witnesses."""


class Log(Protocol):
    """The log as this member remembers it: a `LogKeeper`."""

    async def remembered(self) -> Any:  # noqa: ANN401 - given back as it is
        """Give what is remembered now."""

    async def accept(self, note: bytes, known: Any = None) -> Checkpoint:  # noqa: ANN401 - as it was given
        """Take a checkpoint that came with an answer; raises where it does not follow from what is remembered."""


class Prover(Protocol):
    """What facts are held against before they are used."""

    async def prove(self, digests: Iterable[bytes], deadline: Deadline) -> None:
        """Have facts proven that were not yet; raises FactNotPublished, or what calls raise."""

    def knows(self, digest: bytes) -> bool:
        """Tell whether a fact was proven. Blocks."""


class FactProver:
    """Has facts proven, for all parts of one session."""

    def __init__(self, transport: Transport, log: Log, *, pins: Store, workers: Workers, clock: Clock) -> None:
        self.cosignatures = 0
        """So many witnesses have to have cosigned the checkpoint that proofs lead to."""
        self.doubted: Callable[[], Awaitable[bool]] = _never
        """Asked where too few did: whether other witnesses are to be asked for by now."""
        self._transport = transport
        self._log = log
        self._pins = pins
        self._workers = workers
        self._clock = clock

    async def prove(self, digests: Iterable[bytes], deadline: Deadline) -> None:
        """Have facts proven that were not yet in the newest log; raises FactNotPublished, or what calls raise."""
        unproven = await self._workers.disk(self._unproven, list(dict.fromkeys(digests)))
        for start in range(0, len(unproven), MAX_DIGESTS):
            batch = unproven[start : start + MAX_DIGESTS]
            try:
                await self._prove(batch, deadline)
            except QuorumMissing:
                if not await self.doubted():
                    raise
                await self._prove(batch, deadline)

    async def _prove(self, batch: Sequence[bytes], deadline: Deadline) -> None:
        known = await self._log.remembered()
        request = GetFactProofsRequest(digests=batch, cosignatures=self.cosignatures)
        answer = await self._transport.call(
            lambda channel: AuditServiceStub(channel).GetFactProofs, always(request), deadline
        )
        checkpoint = await self._log.accept(answer.checkpoint, known)
        if self._is_long_over(checkpoint.origin):
            raise FactNotPublished("The hub proves what it states in the log of a month that is over.")
        await self._workers.cpu(check_proofs, batch, answer.proofs, checkpoint)
        await self._workers.disk(self._remember, batch, checkpoint.origin.encode())

    def knows(self, digest: bytes) -> bool:
        """Tell whether a fact was proven in the newest log. Blocks."""
        return not self._unproven([digest])

    def _unproven(self, digests: Sequence[bytes]) -> list[bytes]:
        newest, *logs = self._pins.get_many(Shelf.PINS, [FACT_LOG, *map(_name, digests)])
        if newest is not None and self._is_long_over(newest.decode()):
            return list(digests)
        return [digest for digest, log in zip(digests, logs, strict=True) if log is None or log != newest]

    def _is_long_over(self, log: str) -> bool:
        return self._clock.now_ms() > month_ends(LogName.parse(log).month) + OVER_MS

    def _remember(self, digests: Sequence[bytes], log: bytes) -> None:
        newest = self._pins.get(Shelf.PINS, FACT_LOG)
        if newest is None or LogName.parse(newest.decode()) < LogName.parse(log.decode()):
            newest = log  # it never goes back: what was proven in a log before would count again
        self._pins.put_many(
            [(Shelf.PINS, FACT_LOG, newest, None), *((Shelf.PINS, _name(digest), log, None) for digest in digests)]
        )


def check_proofs(digests: Sequence[bytes], proofs: Sequence[FactProof], checkpoint: Checkpoint) -> None:
    """Raise FactNotPublished unless each fact has a publication of its own under the checkpoint."""
    if len(proofs) != len(digests):
        raise FactNotPublished("The hub proves other facts than it was asked about.")
    for digest, proof in zip(digests, proofs, strict=True):
        _check(digest, proof, checkpoint)


def _check(digest: bytes, proof: FactProof, checkpoint: Checkpoint) -> None:
    record = proof.record
    if not record.event:
        raise FactNotPublished("The hub states what it did not publish in its log.")
    try:
        event = AuditEvent.FromString(record.event)
        leaf = merkle.leaf_hash(record.salt + record.event)
        merkle.verify_inclusion(leaf, record.leaf_index, checkpoint.size, proof.hashes, checkpoint.root)
    except (DecodeError, MerkleProofInvalid) as error:
        raise FactNotPublished("The hub's proof that it published what it states does not hold.") from error
    # A salt of another length would let bytes move between it and the event.
    is_publication = len(record.salt) == SALT_BYTES and (event.action, event.actor) == (FACT_PUBLISH, HUB)
    if not is_publication or event.outcome != OK or list(event.commitments) != [digest]:
        raise FactNotPublished("The hub proves another event than the publication of what it states.")


async def _never() -> bool:
    """Go on asking for the same witnesses."""
    return False


def _name(digest: bytes) -> bytes:
    return b"fact/" + digest
