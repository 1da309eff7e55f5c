"""Recalls: claims that should never have been, and who has dealt with them.

A recalled claim has members revisit what they decided because of it. Each holds recalls against its own decisions and
says up to which change it did so. Who has not said so in time is shown to admins.
"""

from dataclasses import dataclass
from typing import Final

RECEIPT_WITHIN_MS: Final = 24 * 60 * 60 * 1000


@dataclass(frozen=True, slots=True)
class Receipt:
    """A member's word that all recalls up to a change were held against its decisions; `received_at` ms UTC."""

    member_id: str
    upto: int
    received_at: int
    statement: bytes


@dataclass(frozen=True, slots=True)
class Recall:
    """A recalled claim, as the feed tells it, and who was to deal with it and did not say so."""

    number: int
    entry_id: bytes
    recalled_at: int
    reason: str
    outstanding: tuple[str, ...] = ()
