"""What a member remembers of the hub's log: it only ever grows, for this machine and for everybody alike.

Rules:

1. A checkpoint counts where the hub's pinned key signed it and it follows from the one that is remembered: by a proof
   of consistency, over months by the logs' first leaves, over a restore by the succession that two admins signed.
2. It is remembered, durably and for all processes of the member, before anybody uses it. The first one that
   verifies is remembered as it is.
3. Who shows a smaller log, or one that does not follow, is told once more after a moment: processes of a hub may be a
   moment apart. Then it is LogShrunken or LogForked, and both notes are kept in a file, as proof.
4. A checkpoint that came with another answer may be older than what is remembered, since others look as well. It is
   as good where it is part of what is remembered, and no older than what was known when the question was asked.
"""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol, TypeVar

import grpc.aio

from alliance.clock import Clock
from alliance.crypto import merkle
from alliance.errors import MerkleProofInvalid, NoteInvalid
from alliance.tlog.checkpoints import Checkpoint
from alliance.v1.audit_pb2 import GetCheckpointRequest, GetConsistencyProofRequest, ListLogsRequest
from alliance.v1.audit_pb2_grpc import AuditServiceStub
from member_client._hub import PinnedHub
from member_client._log import chain, evidence
from member_client._log.chain import Lost, Tree, read_note, tree_of
from member_client._log.memory import Remembered, recall, remember
from member_client._store import Store
from member_client._transport import UnaryCall
from member_client._workers import Workers
from member_client.config import Profile
from member_client.errors import (
    HubError,
    HubFault,
    HubUnavailable,
    LogForked,
    LogShrunken,
    NotFound,
    StatementInvalid,
    StoreBusy,
    WitnessesAwaited,
)
from member_client.succession import Origin, Succession

PAUSES: Final = (0.2, 1.0, 3.0)
"""Seconds after which somebody who showed a smaller log is asked once more."""
_TURNS: Final = 20

_log = logging.getLogger("member_client.log")

Request = TypeVar("Request", contravariant=True)
Response = TypeVar("Response", covariant=True)
Quorum = Callable[[Checkpoint], None]
"""Raises an IntegrityError where too few witnesses cosigned."""


class Asks(Protocol):
    """What makes calls: a `Transport`."""

    async def ask(
        self, method: Callable[[grpc.aio.Channel], UnaryCall[Request, Response]], request: Request
    ) -> Response:
        """Make a unary call."""


def no_quorum(checkpoint: Checkpoint) -> None:
    """Ask for no witness."""


def _is_not(_checkpoint: Checkpoint) -> bool:
    """Go by what is remembered alone."""
    return False


class LogKeeper:
    """The log, for all parts of one session."""

    def __init__(
        self,
        profile: Profile,
        transport: Asks,
        hub: PinnedHub,
        *,
        pins: Store,
        workers: Workers,
        clock: Clock,
        quorum: Quorum = no_quorum,
    ) -> None:
        self._alliance = profile.alliance
        self._folder: Path = profile.state_folder
        self._transport = transport
        self._hub = hub
        self._pins = pins
        self._workers = workers
        self._clock = clock
        self.quorum = quorum
        """Asked before a checkpoint is remembered."""
        self.cosignatures = 0
        """So many witnesses have to have cosigned what is asked for."""
        self.is_recent: Callable[[Checkpoint], bool] = _is_not
        """Says whether a quorum cosigned a checkpoint so lately that it may be older than what is remembered."""
        self._one = asyncio.Lock()
        self._ended: dict[str, Tree] = {}

    async def remembered(self) -> Remembered | None:
        """Give what is remembered; None before the first look."""
        return await self._workers.disk(recall, self._pins)

    async def advance(self, cosignatures: int | None = None) -> Checkpoint:
        """Get the newest checkpoint that so many witnesses cosigned (None: the quorum), and remember it.

        Raises LogForked or LogShrunken, StatementInvalid, SuccessionRejected, what the quorum and what calls raise;
        WitnessesAwaited while no quorum has cosigned anything.
        """
        async with self._one:
            try:
                checkpoint = await self._newest(self.cosignatures if cosignatures is None else cosignatures)
            except NotFound as error:
                if cosignatures is None and self.cosignatures:
                    raise WitnessesAwaited("Too few witnesses have cosigned the hub's log.") from error
                raise
            return await self._taken(checkpoint)

    async def accept(self, note: bytes, known: Remembered | None = None) -> Checkpoint:
        """Take a checkpoint that came with another answer; raises as `advance` does.

        `known` is what was remembered before that answer was asked for: an older one is LogShrunken, unless a quorum
        cosigned it lately. The newest of all may have none yet, and no quorum of a list that is new.
        """
        async with self._one:
            checkpoint = await self._signed(note)
            tree = tree_of(checkpoint, self._alliance)
            if known is not None and tree.is_before(self._tree(known)) and not self.is_recent(checkpoint):
                await self._require_succeeded(known, checkpoint)
                self._verified(checkpoint)
            return await self._taken(checkpoint)

    async def tree(self, log: str, newest: Checkpoint) -> Tree:
        """Give the tree of a log as it leads to a checkpoint that was believed: where it ended, of one that is over.

        Raises LogForked where the hub's logs do not lead there, StatementInvalid for what is no log.
        """
        last = tree_of(newest, self._alliance)
        if log == str(last.log):
            return last
        if (known := self._ended.get(log)) is None:
            try:
                known = await self._end_of(log, last)
            except LogForked as error:
                raise await self._evidence(error, newest, None) from error
            self._ended[log] = known
        return known

    async def _end_of(self, name: str, last: Tree) -> Tree:
        logs = await self._listed()
        listed = next((it.newest for it in logs if str(it.log) == name), None)
        if listed is None or last.is_before(listed):
            raise StatementInvalid("The hub names a log that it does not list.")
        successions: dict[int, Succession] = {}
        if listed.log.origin != last.log.origin:
            found = await self._hub.believed_since(listed.log.origin)
            successions = {it.origin: it for it in found}
        ends = [chain.end_of(it, self._alliance) for it in successions.values()]
        end = next((it for it in ends if it is not None and it.log == listed.log), listed)
        plan = chain.plan(end, last, logs, successions)
        if plan.lost:
            raise LogForked("The hub lists a log that ended otherwise than the one after it says.")
        for smaller, larger in plan.proofs:
            await self._require_consistent(smaller, larger)
        return end

    async def _listed(self) -> list[chain.ListedLog]:
        answer = await self._transport.ask(lambda channel: AuditServiceStub(channel).ListLogs, ListLogsRequest())
        return chain.read_logs(answer.logs, self._alliance)

    async def _newest(self, cosignatures: int) -> Checkpoint:
        """Get the newest checkpoint, whose log is not smaller than what is remembered when it is asked for."""
        known = await self.remembered()
        for pause in (*PAUSES, None):
            try:
                plain = await self._get(0)
            except NotFound:
                if known is None:
                    raise
                plain = None
            if known is None or (plain is not None and not self._is_before(plain, known)):
                return plain if plain is not None and not cosignatures else await self._get(cosignatures)
            if pause is not None:
                await asyncio.sleep(pause)
        assert known is not None  # noqa: S101 - for the type checker: else it was given
        await self._require_succeeded(known, plain)
        return await self._get(cosignatures)

    async def _require_succeeded(self, known: Remembered, shown: Checkpoint | None) -> None:
        """Raise LogShrunken unless another origin took the hub's place, whose log is to be asked for."""
        if not await self._hub.succeeded():
            raise await self._evidence(LogShrunken(_SMALLER), known.checkpoint, shown)

    async def _get(self, cosignatures: int) -> Checkpoint:
        request = GetCheckpointRequest(cosignatures=cosignatures)
        answer = await self._transport.ask(lambda channel: AuditServiceStub(channel).GetCheckpoint, request)
        return await self._signed(answer.checkpoint)

    async def _signed(self, note: bytes) -> Checkpoint:
        """Read a checkpoint that the hub signed; where another key did, a succession has its chance."""
        checkpoint = read_note(note)
        try:
            return self._verified(checkpoint)
        except StatementInvalid:
            if not await self._hub.succeeded():
                raise
        return self._verified(checkpoint)

    def _verified(self, checkpoint: Checkpoint) -> Checkpoint:
        log, origin = tree_of(checkpoint, self._alliance).log, self._hub.origin
        if origin.number and log.origin < origin.number:
            raise HubUnavailable("The restored hub has not begun its log yet.")
        try:
            checkpoint.require_signed(log.key(origin.hub_key))
        except NoteInvalid as error:
            raise StatementInvalid("The hub's checkpoint of its log does not verify.") from error
        if origin.number and log.origin != origin.number:
            raise StatementInvalid("The hub signs a log of an origin that it is not.")
        return checkpoint

    async def _taken(self, checkpoint: Checkpoint) -> Checkpoint:
        """Hold a checkpoint against what is remembered, and remember it where it is newer."""
        self.quorum(checkpoint)
        tree = tree_of(checkpoint, self._alliance)
        now = Remembered(checkpoint, self._hub.origin.hub_key, self._clock.now_ms())
        for _ in range(_TURNS):  # another process of this member may go further meanwhile
            known = await self.remembered()
            if known is not None:
                await self._require_one_log(known, now)
                if not self._tree(known).is_before(tree):
                    return checkpoint
            if await self._workers.disk(remember, self._pins, known, now):
                return checkpoint
        raise StoreBusy("Other processes of this member go on with the hub's log at this moment.")

    async def _require_one_log(self, known: Remembered, now: Remembered) -> None:
        """Raise LogForked unless the later of two trees follows from the other; keeps both notes as evidence."""
        older, newer = (now, known) if self._is_before(now.checkpoint, known) else (known, now)
        try:
            await self._require_follows(older, newer)
        except LogForked as error:
            raise await self._evidence(error, known.checkpoint, now.checkpoint) from error

    async def _require_follows(self, older: Remembered, newer: Remembered) -> None:
        first, second = self._tree(older), self._tree(newer)
        if first == second:
            return
        if first.log.origin == second.log.origin and older.hub_key != newer.hub_key:
            raise LogForked("Two keys signed the log of one origin.")
        logs: list[chain.ListedLog] = []
        successions: dict[int, Succession] = {}
        if first.log != second.log:
            logs = await self._listed()
        if first.log.origin != second.log.origin:
            found = await self._hub.believed_after(Origin(first.log.origin, older.hub_key))
            successions = {it.origin: it for it in found}
        plan = chain.plan(first, second, logs, successions)
        for smaller, larger in plan.proofs:
            await self._require_consistent(smaller, larger)
        for lost in plan.lost:
            _tell(lost)

    async def _require_consistent(self, smaller: Tree, larger: Tree) -> None:
        hashes: list[bytes] = []
        if smaller.size != larger.size:
            request = GetConsistencyProofRequest(log=str(larger.log), first=smaller.size, second=larger.size)
            try:
                answer = await self._transport.ask(
                    lambda channel: AuditServiceStub(channel).GetConsistencyProof, request
                )
            except HubFault:
                raise
            except HubError as error:
                raise LogForked("The hub does not prove that its log only grew.") from error
            hashes = list(answer.hashes)
        try:
            merkle.verify_consistency(smaller.size, smaller.root, larger.size, larger.root, hashes)
        except MerkleProofInvalid as error:
            raise LogForked(
                "The hub shows this machine another log than before, or it was changed: the proof does not hold."
            ) from error

    async def _evidence(
        self, error: LogForked | LogShrunken, known: Checkpoint, shown: Checkpoint | None
    ) -> LogForked | LogShrunken:
        """Keep both notes, and give the error with where they lie."""
        notes = {"known": str(known.note), "shown": "" if shown is None else str(shown.note)}
        content = {"what": str(error), "noticed_at": self._clock.now_ms(), **notes}
        path = await self._workers.disk(
            evidence.keep, self._folder, "log-fork", "\0".join(notes.values()).encode(), content
        )
        _log.error("the hub's log does not follow what is remembered of it: %s", path.name)
        return type(error)(f"{error} Both checkpoints are kept in {path.name}.")

    def _tree(self, remembered: Remembered) -> Tree:
        return tree_of(remembered.checkpoint, self._alliance)

    def _is_before(self, checkpoint: Checkpoint, known: Remembered) -> bool:
        return tree_of(checkpoint, self._alliance).is_before(self._tree(known))


_SMALLER: Final = "The hub's log is smaller than this machine has seen it."


def _tell(lost: Lost) -> None:
    """Say what a succession declares lost."""
    kept = f"ends at {lost.kept.size} leaves of {lost.kept.log}" if lost.kept is not None else "had no log"
    _log.warning(
        "the hub was restored: %d leaves of %s were seen, and the backup %s; what is beyond is lost, as admins signed",
        lost.seen.size,
        lost.seen.log,
        kept,
    )
