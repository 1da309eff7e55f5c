"""`alliance-server audit list`: the newest events, on the hub's machine."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy.engine import Engine

from alliance.audit_events import fields_of, line_of
from alliance.clock import iso_time
from alliance.v1.audit_pb2 import AuditEvent
from alliance_server.storage.log_exports import newest_events


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events are asked for."""

    actor: str = ""
    action: str = ""
    """A pattern: `*` stands for anything."""
    since: int = 0
    limit: int = 100


def since_ms(text: str) -> int:
    """Read a day or a time, UTC where it names no zone; raises ValueError."""
    moment = datetime.fromisoformat(text)
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def listed(engine: Engine, wanted: Wanted) -> Iterator[tuple[int, AuditEvent]]:
    """Give the newest events that are asked for, oldest first, with their rows."""
    with engine.connect() as connection, connection.begin():
        found = newest_events(connection, wanted.actor, wanted.action, wanted.since, wanted.limit)
    yield from ((row, AuditEvent.FromString(event)) for row, event in reversed(found))


def as_line(row: int, event: AuditEvent) -> str:
    """Give an event as people read it."""
    return f"{row:>9,}  {line_of(event)}"


def as_json(row: int, event: AuditEvent) -> str:
    """Give an event as one JSON document."""
    return json.dumps({"row": row, "time": iso_time(event.time), **fields_of(event)})
