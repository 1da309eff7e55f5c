"""Logs over the audit events: one a month of each origin of the hub (protocol reference, section 8)."""

from dataclasses import dataclass
from hashlib import sha256
from typing import Final, NamedTuple

from alliance.crypto import merkle
from alliance.crypto.merkle import HASH_BYTES, Frontier
from alliance.tlog.checkpoints import checkpoint_text
from alliance.tlog.logs import LogName, month_ends
from alliance_server.domain.actions import AuditAction
from alliance_server.domain.audit import AuditRecord, record_event
from alliance_server.domain.members import HUB_ACTOR

MAX_ROW: Final = 2**63 - 1
"""Of an event's number: larger ones no database knows."""
CLOSING_MS: Final = 60_000
"""So long after its month a log waits for a first event of the next one."""


@dataclass(frozen=True, slots=True)
class Log:
    """A log; its leaves are `salt ‖ event`, and then the events behind `after_row` up to the next log's."""

    number: int
    origin: str
    after_row: int
    began_at: int
    salt: bytes
    event: bytes

    @property
    def name(self) -> LogName:
        """Its name, of which the origin line is made."""
        return LogName.parse(self.origin)

    @property
    def first_leaf(self) -> bytes:
        """Hash of the first leaf."""
        return merkle.leaf_hash(self.salt + self.event)


@dataclass(frozen=True, slots=True)
class TreeHead:
    """A log's tree at a size; `nodes` are the hashes of its complete subtrees, largest first."""

    log: int
    size: int
    root: bytes
    last_row: int
    nodes: bytes
    sealed_at: int

    @property
    def frontier(self) -> Frontier:
        """What the tree goes on from."""
        at = range(0, len(self.nodes), HASH_BYTES)
        return Frontier(self.size, tuple(self.nodes[begin : begin + HASH_BYTES] for begin in at))


class Leaf(NamedTuple):
    """What the sealer needs of an event."""

    row: int
    time: int
    leaf_hash: bytes


@dataclass(frozen=True, slots=True)
class Position:
    """Where an event is: its log, by number and origin, and the index of its leaf."""

    log: int
    origin: str
    leaf_index: int


def head_of(log: Log, frontier: Frontier, last_row: int, now: int) -> TreeHead:
    """Give the head of a log's tree."""
    return TreeHead(log.number, frontier.size, frontier.root(), last_row, b"".join(frontier.nodes), now)


def beginning(name: LogName, before: tuple[Log, TreeHead] | None, succession: bytes, now: int) -> Log:
    """Give the log after another, bound to its last tree, and to a succession's payload where there was a restore."""
    commitments: list[bytes] = []
    number, after_row, size = 1, 0, 0
    if before is not None:
        log, head = before
        text = checkpoint_text(log.origin, head.size, head.root)
        number, after_row, size = log.number + 1, head.last_row, head.size
        commitments.append(sha256(text.encode()).digest())
        if succession:
            commitments.append(sha256(succession).digest())
    first: AuditRecord = record_event(
        time=now, actor=HUB_ACTOR, action=AuditAction.LOG_BEGIN, items=size, commitments=tuple(commitments)
    )
    return Log(number, str(name), after_row, now, first.salt, first.event)


def is_over(month: str, now: int) -> bool:
    """Say whether a month is over for good."""
    return now >= month_ends(month) + CLOSING_MS
