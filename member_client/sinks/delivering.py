"""From the book to a sink: an event is acknowledged once the sink has it, and never before.

A webhook that does not take an event is tried again, with pauses that grow and vary; after so many tries the event is
set aside as a dead letter, and later ones go on.
"""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Final, Protocol

from member_client._book.keeping import WatchStatus
from member_client.errors import WebhookFailed
from member_client.sinks.jsonl import JsonlSink
from member_client.sinks.webhook import WebhookSink
from member_client.watch_events import WatchEvent

ATTEMPTS: Final = 10
FIRST_PAUSE_SECONDS: Final = 1.0
MAX_PAUSE_SECONDS: Final = 300.0

_log = logging.getLogger("member_client.watch")

Take = Callable[[Sequence[WatchEvent]], None]
"""Takes events, for good, before it returns."""
Sink = JsonlSink | WebhookSink | Take


class Watched(Protocol):
    """What is used of AllianceClient."""

    def watch_batches(self, after: int = 0, *, follow: bool = True) -> AsyncIterator[list[WatchEvent]]:
        """Give events as there are."""

    async def watch_acknowledge(self, number: int) -> None:
        """Drop events up to a number."""

    async def watch_status(self) -> WatchStatus:
        """Tell how the watch stands."""

    async def watch_dead_letters(self) -> list[WatchEvent]:
        """Give the events that were set aside."""

    async def watch_set_aside(self, event: WatchEvent) -> None:
        """Set an event aside."""

    async def watch_forget_dead_letter(self, number: int) -> None:
        """Drop an event that was set aside."""


@dataclass(slots=True)
class Delivered:
    """How many events a sink took, and how many were set aside."""

    taken: int = 0
    dead_letters: int = 0


async def deliver(
    client: Watched, sink: Sink, *, follow: bool = True, attempts: int = ATTEMPTS, delivered: Delivered | None = None
) -> Delivered:
    """Hand events to a sink as they come; ends with the newest where `follow` is False. Counts in `delivered`."""
    delivered = delivered or Delivered()
    after = await _already_there(client, sink)
    batches: Any = client.watch_batches(after, follow=follow)
    async with aclosing(batches):
        async for events in batches:
            if isinstance(sink, WebhookSink):
                for event in events:
                    await _posted(client, sink, event, attempts, delivered)
                continue
            await asyncio.to_thread(sink.take if isinstance(sink, JsonlSink) else sink, events)
            await client.watch_acknowledge(events[-1].number)
            delivered.taken += len(events)
    return delivered


async def retry_dead_letters(client: Watched, webhook: WebhookSink) -> Delivered:
    """Send each dead letter once more; what is taken is one no longer."""
    delivered = Delivered()
    for event in await client.watch_dead_letters():
        if await _sent(webhook, event):
            await client.watch_forget_dead_letter(event.number)
            delivered.taken += 1
        else:
            delivered.dead_letters += 1
    return delivered


async def _already_there(client: Watched, sink: Sink) -> int:
    """Give the number from which on events are missing in a file; those before it are acknowledged now."""
    if not isinstance(sink, JsonlSink):
        return 0
    status = await client.watch_status()
    cursor = min(sink.cursor(status.book), status.newest)
    if cursor > status.acknowledged:
        await client.watch_acknowledge(cursor)
    return cursor


async def _posted(
    client: Watched, webhook: WebhookSink, event: WatchEvent, attempts: int, delivered: Delivered
) -> None:
    for attempt in range(attempts):
        if attempt:
            pause = min(MAX_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** (attempt - 1))
            await asyncio.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - so that many do not come at once
        if await _sent(webhook, event):
            delivered.taken += 1
            break
    else:
        _log.error("event %d was not taken in %d tries and is set aside", event.number, attempts)
        await client.watch_set_aside(event)
        delivered.dead_letters += 1
    await client.watch_acknowledge(event.number)


async def _sent(webhook: WebhookSink, event: WatchEvent) -> bool:
    try:
        await asyncio.to_thread(webhook.post, event)
    except WebhookFailed as error:
        _log.warning("event %d is not delivered: %s", event.number, error)
        return False
    return True
