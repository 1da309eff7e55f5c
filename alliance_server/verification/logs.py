"""Walks all logs, leaf by leaf, in as much memory as a page of events takes.

Of each log it makes the tree anew, and holds against it: every tree that was sealed, its checkpoint and the hub's
signature, the tiles, the shown checkpoint, what somebody remembers, and the first leaf of the next log.
Events behind the newest tree are only counted, and looked at one by one: nothing is sealed over them yet.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from google.protobuf.message import DecodeError

from alliance.audit_events import SALT_BYTES
from alliance.crypto.merkle import Frontier
from alliance.errors import NoteInvalid
from alliance.tlog.checkpoints import Checkpoint, checkpoint_text, read_checkpoint
from alliance.tlog.logs import LogName
from alliance.tlog.notes import NoteKey
from alliance.v1.audit_pb2 import AuditEvent
from alliance_server.domain.actions import AuditAction
from alliance_server.domain.logs import Log, TreeHead
from alliance_server.domain.members import HUB_ACTOR
from alliance_server.storage.log_files import LogFiles
from alliance_server.storage.log_stream import LogStream, SignedHead
from alliance_server.verification.events import Leaves
from alliance_server.verification.faults import Enough, Fault, Faults
from alliance_server.verification.keys import keys_by_origin, read_succession
from alliance_server.verification.tiles import TileCheck, check_shown

OnEvents = Callable[[int], None]
"""Told how many events were read so far."""


@dataclass(slots=True)
class Verification:
    """What was looked at, and what was found."""

    logs: int = 0
    trees: int = 0
    sealed: int = 0
    """Events in trees."""
    unsealed: int = 0
    """Events behind the newest tree, which nothing binds yet but members' receipts."""
    faults: list[Fault] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether nothing was found."""
        return not self.faults


def verify_logs(
    stream: LogStream,
    folder: Path,
    alliance: str,
    hub_key: bytes,
    remembered: Sequence[Checkpoint] = (),
    on_events: OnEvents = lambda _done: None,
) -> Verification:
    """Verify the logs of a hub by its public key; `folder` holds their tiles."""
    faults = Faults()
    walk = _Walk(stream, folder, alliance, faults, on_events)
    try:
        walk.run(hub_key, remembered)
    except Enough:
        faults.found.append(Fault("the log", "more is not looked at"))
    walk.found.faults = faults.found
    return walk.found


@dataclass(slots=True)
class _Tree:
    """A log's tree as it grows out of its leaves, held against what was sealed; the first difference ends that."""

    where: str
    tiles: TileCheck
    remembered: list[Checkpoint]
    faults: Faults
    frontier: Frontier = field(default_factory=Frontier)
    is_over: bool = False

    def add(self, leaf_hashes: list[bytes]) -> None:
        """Add leaves, and stop at the sizes that somebody remembers."""
        self.tiles.add(leaf_hashes)
        at = 0
        while self.remembered and self.remembered[0].size <= self.frontier.size + len(leaf_hashes) - at:
            until = at + self.remembered[0].size - self.frontier.size
            self.frontier = self.frontier.extended(leaf_hashes[at:until])
            at = until
            if self.frontier.root() != self.remembered.pop(0).root:
                size = self.frontier.size
                self.faults.add(self.where, f"its first {size:,} leaves are not those of the checkpoint you remember")
        self.frontier = self.frontier.extended(leaf_hashes[at:])

    def compare(self, head: TreeHead, before: TreeHead | None) -> None:
        """Hold it against a tree that was sealed."""
        if self.is_over:
            return
        if self.frontier.size != head.size:
            count, found = head.size - (before.size if before else 0), self.frontier.size
            found -= before.size if before else 0
            self._differ(f"{_between(before, head)} there are {found:,} leaves where {count:,} were sealed")
        elif self.frontier.root() != head.root or b"".join(self.frontier.nodes) != head.nodes:
            self._differ(f"{_between(before, head)} the leaves are not those that were sealed, or are in another order")

    def _differ(self, what: str) -> None:
        self.is_over = True
        self.faults.add(f"{self.where}, tree of {self.frontier.size:,} leaves", what)


class _Walk:
    """One verification."""

    def __init__(self, stream: LogStream, folder: Path, alliance: str, faults: Faults, on_events: OnEvents) -> None:
        self.found = Verification()
        self._stream = stream
        self._folder = folder
        self._alliance = alliance
        self._faults = faults
        self._on_events = on_events
        self._keys: Mapping[int, bytes] = {}
        self._payloads: Mapping[int, bytes] = {}

    def run(self, hub_key: bytes, remembered: Sequence[Checkpoint]) -> None:
        """Do it; raises Enough."""
        self._payloads = self._stream.successions()
        self._keys = keys_by_origin(hub_key, self._payloads, self._faults)
        check_shown(self._folder, self._key, self._stream, self._faults)
        logs = self._stream.logs()
        by_log = self._believed(remembered)
        for origin in sorted(by_log.keys() - {log.origin for log in logs}):
            self._faults.add(origin, "the log of a checkpoint that you remember is not there")
        if not logs:  # as a hub is in its first second, or after its upgrade
            self.found.unsealed = Leaves(self._stream, self._faults, None, None).rest()
        before: tuple[Log, TreeHead] | None = None
        for place, log in enumerate(logs):
            following = logs[place + 1] if place + 1 < len(logs) else None
            before = self._walk(log, before, following, by_log.get(log.origin, []))
        for what in self._stream.homeless():
            self._faults.add("the log", what)

    def _believed(self, remembered: Sequence[Checkpoint]) -> dict[str, list[Checkpoint]]:
        """Give what is remembered of each log, smallest first."""
        by_log: dict[str, list[Checkpoint]] = {}
        for checkpoint in sorted(remembered, key=lambda it: it.size):
            try:
                checkpoint.require_signed(self._key(checkpoint.origin))
            except NoteInvalid:
                self._faults.add(checkpoint.origin, "the hub's key did not sign the checkpoint that you remember")
                continue
            by_log.setdefault(checkpoint.origin, []).append(checkpoint)
        return by_log

    def _key(self, origin: str) -> NoteKey:
        name = LogName.parse(origin)
        if name.alliance != self._alliance or name.origin not in self._keys:
            raise NoteInvalid("the log is none of this hub's")
        return name.key(self._keys[name.origin])

    def _walk(
        self, log: Log, before: tuple[Log, TreeHead] | None, following: Log | None, remembered: list[Checkpoint]
    ) -> tuple[Log, TreeHead] | None:
        """Verify one log; gives it with its newest tree, or None where it has none."""
        self.found.logs += 1
        self._check_first(log, before)
        newest = self._stream.newest(log.number)
        if newest is None:
            self._faults.add(log.origin, "it has no tree")
            return None
        size, last_row = newest
        for checkpoint in remembered:
            if checkpoint.size > size:
                self._faults.add(log.origin, f"it has {size:,} leaves, and a checkpoint that you remember more")
        signed = self._stream.newest_signed(log.number)
        tiles = TileCheck(LogFiles(self._folder), log.origin, signed, self._faults)
        tree = _Tree(log.origin, tiles, [it for it in remembered if it.size <= size], self._faults)
        leaves = Leaves(self._stream, self._faults, log.after_row if log.number > 1 else None, last_row)
        tree.add([log.first_leaf])
        head: TreeHead | None = None
        for each in self._stream.heads(log.number):
            if each.head.size > size:
                break
            self._take(leaves, tree, each.head)
            tree.compare(each.head, head)
            self._check_signature(
                log, each, may_be_unsigned=each.head.size == size and _may_be_unsigned(log, following)
            )
            head = each.head
            self.found.trees += 1
        tiles.finish()
        if following is None:
            self.found.unsealed = Leaves(self._stream, self._faults, last_row, None).rest()
        return None if head is None else (log, head)

    def _take(self, leaves: Leaves, tree: _Tree, head: TreeHead) -> None:
        for some in leaves.up_to(head.last_row):
            tree.add(some)
            self.found.sealed += len(some)
            self._on_events(self.found.sealed)

    def _check_signature(self, log: Log, signed: SignedHead, *, may_be_unsigned: bool) -> None:
        head, where = signed.head, f"{log.origin}, tree of {signed.head.size:,} leaves"
        if signed.note is None:
            if not may_be_unsigned:
                self._faults.add(where, "its checkpoint is missing")
            return
        try:
            checkpoint = read_checkpoint(signed.note)
            checkpoint.require_signed(self._key(log.origin))
        except NoteInvalid as error:
            self._faults.add(where, f"its checkpoint does not hold: {error}")
        else:
            if checkpoint.text != checkpoint_text(log.origin, head.size, head.root):
                self._faults.add(where, "its checkpoint is about another tree")

    def _check_first(self, log: Log, before: tuple[Log, TreeHead] | None) -> None:
        """Hold a log's first leaf against the log before it."""
        first = AuditEvent()
        try:
            name = LogName.parse(log.origin)
            self._key(log.origin)
            first.ParseFromString(log.event)
        except (NoteInvalid, DecodeError):
            self._faults.add(log.origin, "its name or its first leaf cannot be read, or it is none of this hub's")
            return
        said = (first.action, first.actor, first.time, len(log.salt))
        if said != (AuditAction.LOG_BEGIN, HUB_ACTOR, log.began_at, SALT_BYTES):
            self._faults.add(log.origin, "its first leaf is not the beginning of a log")
        if log.number != (before[0].number + 1 if before else 1):
            self._faults.add(log.origin, "the log before it is missing")
            return
        expected: list[bytes] = []
        if before is not None:
            expected = self._bound(before, name)
        size, after_row = (before[1].size, before[1].last_row) if before else (0, 0)
        if (list(first.commitments), first.items, log.after_row) != (expected, size, after_row):
            self._faults.add(log.origin, "its first leaf does not bind it to the log before as that one is now")

    def _bound(self, before: tuple[Log, TreeHead], name: LogName) -> list[bytes]:
        """Give the commitments of a log's first leaf to the log before."""
        log, head = before
        text = checkpoint_text(log.origin, head.size, head.root)
        commitments = [sha256(text.encode()).digest()]
        if log.name.origin == name.origin:
            return commitments
        payload = self._payloads.get(name.origin, b"")
        said = read_succession(payload)
        if said is None or (said.log_origin, said.log_size, said.log_root) != (log.origin, head.size, head.root):
            self._faults.add(str(name), "the succession says something else of the log before")
        return [*commitments, sha256(payload).digest()]


def _may_be_unsigned(log: Log, following: Log | None) -> bool:
    """Say whether a log's newest tree may wait for its checkpoint: for a second, or for ever where the hub was lost."""
    return following is None or following.origin.rsplit("/", 2)[1] != log.origin.rsplit("/", 2)[1]


def _between(before: TreeHead | None, head: TreeHead) -> str:
    return f"behind event {before.last_row if before else 0:,}, up to event {head.last_row:,}"
