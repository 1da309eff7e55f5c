"""`alliance-server audit clocks`: how long what has a limit took, by the hub's tables."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from sqlalchemy.engine import Engine

from alliance.audit_events import MERGE_DELAY_MS
from alliance.disputes import REVIEW_WITHIN_MS, DisputeGround, answer_within_ms
from alliance.taxonomy import DAY_MS
from alliance.tlog.logs import month_begins, month_ends
from alliance_server.domain.recalls import RECEIPT_WITHIN_MS
from alliance_server.storage.clock_readings import DisputeTimes, disputes, outstanding_recalls, sealing_delays
from alliance_server.storage.logs import SqlLogs

CANNOT_TELL: Final = (
    "When a recall reached a member's SDK, and when a protective claim was live: neither tells the hub. "
    "When recalls were dealt with: of each member the hub keeps the newest receipt alone."
)
_UNITS: Final = ((DAY_MS, "d"), (60 * 60 * 1000, "h"), (60 * 1000, "min"), (1000, "s"))


@dataclass(frozen=True, slots=True)
class Reading:
    """A clock: its limit, and what was measured, in milliseconds; None where there is nothing to measure."""

    clock: str
    limit_ms: int
    measured: int
    p50_ms: int | None
    worst_ms: int | None
    breaches: int
    open: int = 0
    """What is not done yet; it counts as a breach once it is late."""


def read_clocks(engine: Engine, month: str, now: int) -> list[Reading]:
    """Read the clocks of what began in a month."""
    begin, end = month_begins(month), month_ends(month)
    with engine.connect() as connection, connection.begin():
        logs = [log for log in SqlLogs(connection).all() if log.name.month == month]
        sealing = sealing_delays(connection, logs)
        opened = disputes(connection, begin, end)
        recalls = list(outstanding_recalls(connection, begin, end))
    return [
        reading("an event is in a checkpoint's tree", MERGE_DELAY_MS, sealing),
        *_answers(opened, now),
        _reviews(opened, now),
        reading(
            "a recall is dealt with by every member",
            RECEIPT_WITHIN_MS,
            (),
            [now - recalled_at for recalled_at, members in recalls if members],
        ),
    ]


def reading(clock: str, limit: int, took: Iterable[int], waits: Sequence[int] = ()) -> Reading:
    """Sum up what took so long, and what waits so long already."""
    done = sorted(took)
    late = sum(it > limit for it in done) + sum(it > limit for it in waits)
    worst = max([*done[-1:], *waits], default=None)
    return Reading(clock, limit, len(done), done[(len(done) - 1) // 2] if done else None, worst, late, len(waits))


def _answers(opened: Sequence[DisputeTimes], now: int) -> list[Reading]:
    thefts = [it for it in opened if it.ground is DisputeGround.IDENTITY_THEFT]
    others = [it for it in opened if it.ground is not DisputeGround.IDENTITY_THEFT]
    limits = answer_within_ms(DisputeGround.IDENTITY_THEFT), answer_within_ms(DisputeGround.INACCURATE)
    return [
        _answered("a dispute about identity theft is answered", limits[0], thefts, now),
        _answered("any other dispute is answered", limits[1], others, now),
    ]


def _answered(clock: str, limit: int, about: Sequence[DisputeTimes], now: int) -> Reading:
    took = [it.answered_at - it.opened_at for it in about if it.answered_at is not None]
    # Without an answer it is open, or over with its claim: then nobody was to answer any more.
    waits = [now - it.opened_at for it in about if it.answered_at is None and it.closed_at is None]
    return reading(clock, limit, took, waits)


def _reviews(opened: Sequence[DisputeTimes], now: int) -> Reading:
    escalated = [(it.escalated_at, it) for it in opened if it.escalated_at is not None]
    took = [it.decided_at - at for at, it in escalated if it.decided_at is not None]
    waits = [now - at for at, it in escalated if it.decided_at is None and it.closed_at is None]
    return reading("an escalated dispute is reviewed", REVIEW_WITHIN_MS, took, waits)


def as_line(it: Reading) -> str:
    """Give a reading as people read it."""
    took = f"p50 {_shown(it.p50_ms)}, worst {_shown(it.worst_ms)}, {it.breaches:,} breaches"
    return f"{it.clock}: limit {_shown(it.limit_ms)}, {it.measured:,} measured, {took}, {it.open:,} open"


def as_document(found: Sequence[Reading]) -> dict[str, Any]:
    """Give readings for programs."""
    return {"clocks": [asdict(it) for it in found], "cannot_tell": CANNOT_TELL}


def _shown(milliseconds: int | None) -> str:
    if milliseconds is None:
        return "none"
    for unit, name in _UNITS:
        if abs(milliseconds) >= unit:
            return f"{milliseconds / unit:.1f}".removesuffix(".0") + f" {name}"
    return f"{milliseconds} ms"
