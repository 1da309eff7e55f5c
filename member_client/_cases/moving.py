"""What uploads and downloads of attachments have in common."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from member_client._deadline import Deadline

T = TypeVar("T")

OnProgress = Callable[[int, int], None]
"""Told how many of how many sealed bytes went over the line; after a cut it may be told of fewer than before."""

PART_BYTES: Final = 256 * 1024
PART_SECONDS: Final = 120.0
"""So long one part may take; the hub reads what it has once more before it goes on."""
TOTAL_SECONDS: Final = 180.0
"""So long nothing may go on at all."""


def soon() -> Deadline:
    """Give the time until which something has to go on; nobody waits for it at this moment."""
    return Deadline.after(TOTAL_SECONDS, patient=True)


async def in_time(work: Awaitable[T]) -> T:
    """Wait for one message; raises TimeoutError where nothing moves any more."""
    async with asyncio.timeout(PART_SECONDS):
        return await work
