"""What all who read audit events go by: how a leaf is made, the words of the hub's own events, and how one is shown.

Hub, members and auditors read the same events; the hub's table of actions has the rest of the words.
"""

from typing import Any, Final

from alliance.clock import MAX_TIME_MS, iso_time
from alliance.v1 import taxonomy_pb2
from alliance.v1.audit_pb2 import AuditEvent

SALT_BYTES: Final = 32
"""An entry of a log is so much salt, and the event."""
HUB: Final = "hub"
"""Actor of what the hub does by itself."""
OK: Final = "ok"
"""Outcome of what was not refused."""
LOG_BEGIN: Final = "log:begin"
"""Action of each log's first leaf."""
FACT_PUBLISH: Final = "fact:publish"
MERGE_DELAY_MS: Final = 60_000
"""So long after an answer, at most, a checkpoint has its event."""


def purpose_of(event: AuditEvent) -> str:
    """Give the word of an event's purpose; empty where it has none, its number where this release knows no word."""
    number = event.purpose
    try:
        return taxonomy_pb2.Purpose.Name(number).removeprefix("PURPOSE_").lower() if number else ""
    except ValueError:
        return str(number)


def fields_of(event: AuditEvent) -> dict[str, Any]:
    """Give what an event says, but for its time, as JSON has it."""
    return {
        "actor": event.actor,
        "operator": event.operator,
        "action": event.action,
        "purpose": purpose_of(event),
        "epoch": event.epoch,
        "items": event.items,
        "items_refused": event.items_refused,
        "outcome": event.outcome,
        "commitments": [it.hex() for it in event.commitments],
        "policy_version": event.policy_version.hex(),
    }


def line_of(event: AuditEvent) -> str:
    """Give an event as people read it, on a line."""
    who = f"{event.actor}/{event.operator}" if event.operator else event.actor
    purpose = purpose_of(event)
    what = f"{event.action} for {purpose}" if purpose else event.action
    refused = f", {event.items_refused} refused" if event.items_refused else ""
    return f"{_time(event.time)}  {who}  {what}  {event.items} items{refused}  {event.outcome}"


def _time(milliseconds: int) -> str:
    return iso_time(milliseconds) if 0 <= milliseconds <= MAX_TIME_MS else str(milliseconds)
