"""Which decisions rest on claims whose status changed since, and which of them somebody has dealt with.

Rules:

1. One row a decision and claim: a change of a higher version takes the place of an earlier one and opens the row again,
   any other is one that was told before. So the same page may be held against the log any number of times.
2. How far the feed was read is written with what was found in it, or not at all.
3. A claim that ended is a reason to look again, whenever that was: no verdict ever rests on one that was over. One that
   is disputed, suspended or restored is, unless the verdict was given in the knowledge of it.
4. A decision that is written down while a change is told is seen by one side or the other: both write first and look
   afterwards. So changes are kept for a day.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from alliance.clock import Clock
from alliance.taxonomy import DAY_MS, LIVE_STATUSES, ClaimStatus, Purpose, combined_action
from member_client._decision_records import LIFE_MS, by_entry, read
from member_client._framing import pack, unpack
from member_client._statuses import StatusChange
from member_client._store import Shelf, Store, Writes
from member_client.decisions import KeptDecision, Revisit
from member_client.errors import StoreDamaged

SLACK_MS: Final = 5 * 60_000
"""What clocks may differ by, and the time from an answer of the hub's to the verdict that rests on it."""
_OPEN: Final = b"open"
_CURSOR: Final = pack(b"cursor")
_RECALLED: Final = pack(b"recalled")
_ACKNOWLEDGED: Final = pack(b"acknowledged")


@dataclass(frozen=True, slots=True)
class _Row:
    """What is written of a revisit; the rest is in the decision's record."""

    receipt: str
    change: StatusChange
    ends_at: int
    done_at: int = 0
    note: str = ""

    @property
    def name(self) -> bytes:
        return _name(self.receipt, self.change.entry_id)

    def writes(self) -> Writes:
        texts = (self.receipt.encode(), self.note.encode())
        record = pack(*texts, _record(self.change), b"%d" % self.ends_at, b"%d" % self.done_at)
        value = (Shelf.REVISITS, self.name, record, self.ends_at)
        if self.done_at:
            return Writes([value], left=[(Shelf.REVISITS, _OPEN, self.name)])
        return Writes([value], topics=[(Shelf.REVISITS, _OPEN, self.name, self.ends_at)])


class Revisits:
    """The shelves of revisits and of changes; its methods block."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    # -- changes -----------------------------------------------------------------------------------------------------

    def cursor(self) -> int:
        """Give the number of the change up to which all were held against the log."""
        return self._mark(_CURSOR)

    def hold(self, changes: Sequence[StatusChange], upto: int) -> int:
        """Hold changes against the log, and write down how far that went; gives how many decisions are to be revisited.

        Raises what the store raises; then nothing is written, and the same changes must come again.
        """
        if not changes:
            if upto != self.cursor():
                self._store.put(Shelf.CHANGES, _CURSOR, b"%d" % upto)
            return 0
        newest = _newest(changes)
        self._remember(newest)
        found = self._store.about_many(Shelf.DECISIONS, [by_entry(entry_id) for entry_id in newest])
        decisions = {it.receipt: it for records in found.values() for it in map(read, records)}.values()
        recalled = max((it.number for it in changes if it.status is ClaimStatus.RECALLED), default=0)
        marks = [(Shelf.CHANGES, _CURSOR, b"%d" % upto, None)]
        if recalled:
            marks.append((Shelf.CHANGES, _RECALLED, b"%d" % recalled, None))
        return self._open([(it, newest[entry]) for it in decisions for entry in _entries(it) if entry in newest], marks)

    def hold_new(self, decisions: Sequence[KeptDecision]) -> int:
        """Hold decisions that were just written down against changes that came meanwhile."""
        pairs = [(it, entry) for it in decisions for entry in _entries(it)]
        if not pairs:
            return 0
        told = self._store.get_many(Shelf.CHANGES, [_entry(entry) for _, entry in pairs])
        changed = [(it, _change(record)) for (it, _), record in zip(pairs, told, strict=True) if record is not None]
        return self._open(changed, []) if changed else 0

    def unacknowledged(self) -> int:
        """Give the number of the newest recall that was held against the log and not acknowledged; 0 for none."""
        recalled = self._mark(_RECALLED)
        return recalled if recalled > self._mark(_ACKNOWLEDGED) else 0

    def acknowledged(self, number: int) -> None:
        """Write down that recalls up to a change were acknowledged."""
        self._store.raise_to(Shelf.CHANGES, _ACKNOWLEDGED, number)

    def _mark(self, name: bytes) -> int:
        return int(self._store.get(Shelf.CHANGES, name) or 0)

    def _remember(self, newest: dict[bytes, StatusChange]) -> None:
        """Keep changes of the last day; of two about a claim the higher version."""
        since = self._clock.now_ms() - DAY_MS
        recent = [it for it in newest.values() if it.changed_at > since]

        def higher(known: list[bytes | None]) -> Writes:
            kept = [
                it
                for it, record in zip(recent, known, strict=True)
                if record is None or _change(record).version < it.version
            ]
            return Writes([(Shelf.CHANGES, _entry(it.entry_id), _record(it), it.changed_at + DAY_MS) for it in kept])

        if recent:
            self._store.rewrite(Shelf.CHANGES, [_entry(it.entry_id) for it in recent], higher)

    def _open(
        self,
        pairs: Sequence[tuple[KeptDecision, StatusChange]],
        marks: Sequence[tuple[Shelf, bytes, bytes, int | None]],
    ) -> int:
        """Open a row for each decision and change that is news, and write marks with them."""
        opened: list[_Row] = []

        def news(known: list[bytes | None]) -> Writes:
            opened[:] = [
                _Row(decision.receipt, change, decision.decided_at + LIFE_MS)
                for (decision, change), before in zip(pairs, known, strict=True)
                if _is_news(decision, change, None if before is None else _row(before))
            ]
            return _together((row.writes() for row in opened), marks)

        self._store.rewrite(Shelf.REVISITS, [_name(it.receipt, change.entry_id) for it, change in pairs], news)
        return len(opened)

    # -- decisions that are to be revisited ----------------------------------------------------------------------------

    def listed(self, *, include_done: bool = False) -> list[Revisit]:
        """Give those that are open, or all, by the time of the change.

        Whoever looked somebody up for a consumer decided nothing: that is told in the next letter, and to nobody else.
        """
        if include_done:
            rows = [_row(record) for _, record in self._store.rows(Shelf.REVISITS)]
        else:
            rows = [_row(record) for record in self._store.about(Shelf.REVISITS, _OPEN)]
        decided = [it for it in self._read(rows) if it.purpose is not Purpose.DISPUTE]
        return sorted(decided, key=lambda it: (it.changed_at, it.receipt, it.entry_id))

    def of(self, decision: KeptDecision) -> list[Revisit]:
        """Give those of one decision, done ones too."""
        return self._read([row for row in self._rows_of(decision) if row is not None])

    def close(self, decision: KeptDecision, entry_ids: Sequence[bytes], note: str) -> list[Revisit]:
        """Write down that somebody dealt with a decision, as far as it rests on some claims; gives those it closed."""
        now = self._clock.now_ms()
        closed: list[_Row] = []

        def done(known: list[bytes | None]) -> Writes:
            rows = [_row(record) for record in known if record is not None]
            closed[:] = [replace(row, done_at=now, note=note) for row in rows if not row.done_at]
            return _together((row.writes() for row in closed), ())

        self._store.rewrite(Shelf.REVISITS, [_name(decision.receipt, it) for it in entry_ids], done)
        return self._read(closed)

    def _rows_of(self, decision: KeptDecision) -> list[_Row | None]:
        records = self._store.get_many(Shelf.REVISITS, [_name(decision.receipt, it) for it in _entries(decision)])
        return [None if record is None else _row(record) for record in records]

    def _read(self, rows: Sequence[_Row]) -> list[Revisit]:
        now = self._clock.now_ms()
        receipts = list(dict.fromkeys(row.receipt for row in rows if now < row.ends_at))
        records = self._store.get_many(Shelf.DECISIONS, [receipt.encode() for receipt in receipts])
        decisions = {it.receipt: it for it in (read(record) for record in records if record is not None)}
        return [self._revisit(row, decisions[row.receipt]) for row in rows if row.receipt in decisions]

    def _revisit(self, row: _Row, decision: KeptDecision) -> Revisit:
        statuses = {it.change.entry_id: it.change.status for it in self._rows_of(decision) if it is not None}
        now = self._clock.now_ms()
        matches = [replace(it, status=statuses.get(it.entry_id, it.status)) for it in decision.matches]
        return Revisit(
            receipt=decision.receipt,
            ref=decision.ref,
            entry_id=row.change.entry_id,
            status=row.change.status,
            reason=row.change.reason,
            version=row.change.version,
            changed_at=row.change.changed_at,
            purpose=decision.purpose,
            decided_at=decision.decided_at,
            action=decision.action,
            would_be=combined_action(it.ground for it in matches if now < it.expires_at),
            done_at=row.done_at,
            note=row.note,
        )


def _is_news(decision: KeptDecision, change: StatusChange, before: _Row | None) -> bool:
    if before is not None:
        return before.change.version < change.version
    if change.status not in LIVE_STATUSES:
        return True
    seen = {it.status for it in decision.matches if it.entry_id == change.entry_id}
    return seen != {change.status} and change.changed_at > decision.decided_at - SLACK_MS


def _newest(changes: Iterable[StatusChange]) -> dict[bytes, StatusChange]:
    """Give the change of the highest version of each claim."""
    newest: dict[bytes, StatusChange] = {}
    for change in changes:
        if change.entry_id not in newest or newest[change.entry_id].version < change.version:
            newest[change.entry_id] = change
    return newest


def _together(parts: Iterable[Writes], marks: Iterable[tuple[Shelf, bytes, bytes, int | None]]) -> Writes:
    known = list(parts)
    return Writes(
        [*(it for part in known for it in part.values), *marks],
        [it for part in known for it in part.topics],
        [it for part in known for it in part.left],
    )


def _entries(decision: KeptDecision) -> list[bytes]:
    return list(dict.fromkeys(match.entry_id for match in decision.matches))


def _name(receipt: str, entry_id: bytes) -> bytes:
    return pack(receipt.encode(), entry_id)


def _entry(entry_id: bytes) -> bytes:
    return pack(b"entry", entry_id)


def _record(change: StatusChange) -> bytes:
    numbers = (change.number, change.status, change.version, change.changed_at)
    return pack(change.entry_id, change.reason.encode(), *(b"%d" % number for number in numbers))


def _change(record: bytes) -> StatusChange:
    try:
        entry_id, reason, number, status, version, changed_at = unpack(record)
        known = ClaimStatus(int(status))
        return StatusChange(int(number), entry_id, known, int(version), int(changed_at), reason.decode())
    except ValueError:
        raise _unreadable() from None


def _row(record: bytes) -> _Row:
    try:
        receipt, note, change, ends_at, done_at = unpack(record)
        return _Row(receipt.decode(), _change(change), int(ends_at), int(done_at), note.decode())
    except ValueError:
        raise _unreadable() from None


def _unreadable() -> StoreDamaged:
    return StoreDamaged("A change of a status in the local store cannot be read.")
