"""Whether one tree of the alliance's logs follows from another: what has to be proven, and what a restore lost.

Rules:

1. Trees are in the order of their logs (origin, month), and in one log in the order of their sizes.
2. The first leaf of a log names the text of the last checkpoint of the log before; which one that is does not come from
   the hub's word, but from the tree that was followed so far.
3. Between two origins stands a succession that two known admins signed. It says where the old origin's log ended: what
   was seen beyond is lost, and is told as such. Without a succession nothing is ever lost.
4. Nothing in here asks anybody: `plan` says which proofs of consistency are needed, and `keeper.py` gets them.
"""

import hmac
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise
from typing import Self

from google.protobuf.message import DecodeError

from alliance.audit_events import HUB, LOG_BEGIN, SALT_BYTES
from alliance.crypto import merkle
from alliance.errors import MerkleProofInvalid, NoteInvalid
from alliance.tlog.checkpoints import Checkpoint, checkpoint_text, read_checkpoint
from alliance.tlog.logs import LogName
from alliance.v1.audit_pb2 import AuditEvent, AuditRecord, Log
from member_client.errors import LogForked, StatementInvalid
from member_client.succession import Succession


@dataclass(frozen=True, slots=True)
class Tree:
    """The tree of a log at a size."""

    log: LogName
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """What a checkpoint of it says."""
        return checkpoint_text(str(self.log), self.size, self.root)

    def is_before(self, other: Self) -> bool:
        """Say whether this one is of an earlier log, or smaller."""
        return (self.log, self.size) < (other.log, other.size)


@dataclass(frozen=True, slots=True)
class ListedLog:
    """A log as the hub lists it: its first leaf, and its newest tree, which nobody signed for here."""

    newest: Tree
    first: AuditEvent
    first_leaf: bytes

    @property
    def log(self) -> LogName:
        """Its name."""
        return self.newest.log

    @property
    def begin(self) -> Tree:
        """The tree of its first leaf alone."""
        return Tree(self.log, 1, self.first_leaf)


@dataclass(frozen=True, slots=True)
class Lost:
    """What a succession declares lost: the tree that was seen, and how far the new origin knew it."""

    seen: Tree
    kept: Tree | None


@dataclass(frozen=True, slots=True)
class Plan:
    """What has to be proven so that one tree follows from another: pairs of trees of one log, the smaller first."""

    proofs: Sequence[tuple[Tree, Tree]]
    lost: Sequence[Lost] = ()


def tree_of(checkpoint: Checkpoint, alliance: str) -> Tree:
    """Give the tree that a checkpoint names; raises StatementInvalid where it is none of this alliance's logs."""
    try:
        log = LogName.parse(checkpoint.origin)
    except NoteInvalid as error:
        raise StatementInvalid("The hub shows a checkpoint of something else than its log.") from error
    if log.alliance != alliance or not checkpoint.size:
        raise StatementInvalid("The hub shows a checkpoint of another alliance's log, or of an empty one.")
    return Tree(log, checkpoint.size, checkpoint.root)


def read_note(note: bytes) -> Checkpoint:
    """Read a checkpoint that nobody verified yet; raises StatementInvalid."""
    try:
        return read_checkpoint(note)
    except NoteInvalid as error:
        raise StatementInvalid("The hub's checkpoint of its log cannot be read.") from error


def read_logs(listed: Iterable[Log], alliance: str) -> list[ListedLog]:
    """Read the logs as they are listed, oldest first; raises StatementInvalid."""
    logs = [_read_log(log, alliance) for log in listed]
    if any(not before.log < log.log for before, log in pairwise(logs)):
        raise StatementInvalid("The hub lists its logs in no order.")
    return logs


def _read_log(log: Log, alliance: str) -> ListedLog:
    newest = tree_of(read_note(log.checkpoint), alliance)
    if str(newest.log) != log.origin:
        raise StatementInvalid("The hub lists a log with another one's checkpoint.")
    leaf = leaf_of(log.first)
    try:
        merkle.verify_inclusion(leaf, 0, newest.size, log.first_proof, newest.root)
    except MerkleProofInvalid as error:
        raise StatementInvalid("The hub lists a log whose first leaf is not in it.") from error
    first = read_event(log.first.event)
    if first.action != LOG_BEGIN or first.actor != HUB:
        raise StatementInvalid("The hub lists a log that does not begin as logs do.")
    return ListedLog(newest, first, leaf)


def leaf_of(record: AuditRecord) -> bytes:
    """Give an event's leaf hash, SHA-256(0x00 ‖ salt ‖ event); raises StatementInvalid for a salt that is none."""
    if len(record.salt) != SALT_BYTES:
        raise StatementInvalid("The hub shows an audit event without its salt.")
    return merkle.leaf_hash(record.salt + record.event)


def read_event(content: bytes) -> AuditEvent:
    """Read an event; raises StatementInvalid."""
    try:
        return AuditEvent.FromString(content)
    except DecodeError as error:
        raise StatementInvalid("An audit event cannot be read.") from error


def plan(older: Tree, newer: Tree, logs: Sequence[ListedLog], successions: Mapping[int, Succession]) -> Plan:
    """Say what has to be proven so that the newer tree follows from the older one.

    `logs` are all that the hub lists, `successions` those that are believed, by the origin that each begins. They are
    looked at where the trees are of two logs. Raises LogForked where the logs do not follow each other.
    """
    if older.log == newer.log:
        return Plan([(older, newer)])
    by_name = {it.log: it for it in logs}
    after = [it for it in logs if older.log < it.log <= newer.log]
    if not after or after[-1].log != newer.log:
        raise LogForked("The hub's list of logs leaves out the one that it shows.")
    proofs: list[tuple[Tree, Tree]] = []
    lost: list[Lost] = []
    at = older
    for it in after:
        end, payload = _end_before(it, at, by_name, successions)
        _require_begins(it.first, end, payload)
        if end is not None and end.log == at.log and not end.is_before(at):
            proofs.append((at, end))
        elif payload is None or (end is not None and at.log < end.log):
            raise LogForked("The hub's log ended otherwise than this machine knows, or a log is left out.")
        else:
            lost.append(Lost(at, end))
        at = it.begin
    return Plan([*proofs, (at, newer)], lost)


def _end_before(
    log: ListedLog, at: Tree, by_name: Mapping[LogName, ListedLog], successions: Mapping[int, Succession]
) -> tuple[Tree | None, bytes | None]:
    """Give where the log before ended, and the payload of the succession in between; None where there is none."""
    if log.log.origin == at.log.origin:
        before = by_name.get(at.log)
        if before is None:
            raise LogForked("The hub does not list a log any more that this machine knows.")
        return before.newest, None
    succession = successions.get(log.log.origin)
    if succession is None:
        raise LogForked("The hub shows a log of an origin that no succession leads to.")
    return end_of(succession, at.log.alliance), succession.payload


def end_of(succession: Succession, alliance: str) -> Tree | None:
    """Give where a succession says that the log before ended; None where the backup had no log."""
    if not succession.log_origin:
        return None
    try:
        log = LogName.parse(succession.log_origin)
    except NoteInvalid as error:
        raise StatementInvalid("A succession names something else than a log.") from error
    if log.alliance != alliance or log.origin >= succession.origin or len(succession.log_root) != merkle.HASH_BYTES:
        raise StatementInvalid("A succession names a log that cannot have come before.")
    return Tree(log, succession.log_size, succession.log_root)


def _require_begins(first: AuditEvent, end: Tree | None, payload: bytes | None) -> None:
    """Raise LogForked unless a log's first leaf names where the one before ended, and the succession.

    After a backup from before there were logs there is nothing to name.
    """
    told = list(first.commitments)
    if end is not None:
        is_named = bool(told) and first.items == end.size and hmac.compare_digest(told[0], digest_of(end.text))
        if not is_named:
            raise LogForked("A log of the hub's does not follow the one before: its first leaf names another.")
    if (
        payload is not None
        and end is not None
        and not (told and hmac.compare_digest(told[-1], sha256(payload).digest()))
    ):
        raise LogForked("A log of a restored hub does not name the succession that leads to it.")


def digest_of(text: str) -> bytes:
    """Give the digest by which a first leaf names a checkpoint."""
    return sha256(text.encode()).digest()
