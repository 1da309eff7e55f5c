"""Departures: members who left and whose claims are withdrawn after them, bit by bit.

A departed member signs nothing any more, so the hub states the withdrawal. It begins a while after the membership
ended, when streams that were open at that moment are over: none files anything behind the withdrawal's back.
"""

from dataclasses import dataclass
from typing import Final

GRACE_MS: Final = 2 * 60 * 1000
"""Twice what a stream may outlive its member."""
REASON: Final = "member_departed"
"""Reason code in the hub's statements."""


@dataclass(frozen=True, slots=True)
class Departure:
    """Whose claims are to be withdrawn, and how far that is; times in milliseconds UTC."""

    member_id: str
    asked_at: int
    epoch: int = 0
    sequence: int = 0
    """The last claim that was looked at, by its epoch and its place there."""
    withdrawn: int = 0
    ended_at: int | None = None
