"""A book for the tests of commands: what they hand in, and events that they are given."""

from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from alliance.identifiers import InvalidIdentifier, canonicalise
from member_client import Consent, LookReport, RefusedField, Subject, WatchAddReport, WatchEvent, WatchStatus

NOTHING = WatchStatus("b00c", 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)


@dataclass
class FakeBook:
    """Remembers what is asked of it."""

    watched: list[Subject] = field(default_factory=list)
    watch_events: list[WatchEvent] = field(default_factory=list)
    acknowledged: int = 0
    dead: list[WatchEvent] = field(default_factory=list)
    standing: WatchStatus = NOTHING
    bases: list[Consent] = field(default_factory=list)
    followed: list[bool] = field(default_factory=list)

    async def watch_add(
        self, subjects: AsyncIterable[Subject], *, consent: Consent, on_progress: Callable[[int], None] | None = None
    ) -> WatchAddReport:
        self.bases.append(consent)
        given = [subject async for subject in subjects]
        refused = []
        for place, subject in enumerate(given):
            for name, kind, text in subject.fields():
                try:
                    canonicalise(kind, text)
                except InvalidIdentifier as refusal:
                    refused.append(RefusedField(place, subject.ref, name, str(refusal.reason)))
        bad = {one.place for one in refused}
        self.watched += [subject for place, subject in enumerate(given) if place not in bad]
        if on_progress is not None:
            on_progress(len(given))
        return WatchAddReport(len(given), len(given) - len(bad), 0, tuple(refused))

    async def watch_remove(self, refs: Iterable[str]) -> int:
        before = len(self.watched)
        self.watched = [subject for subject in self.watched if subject.ref not in set(refs)]
        return before - len(self.watched)

    async def watch_fields(self) -> Mapping[str, int]:
        return {name: 1 for subject in self.watched for name in subject.names}

    async def watch_status(self) -> WatchStatus:
        return replace(self.standing, newest=len(self.watch_events), acknowledged=self.acknowledged)

    async def watch_batches(self, after: int = 0, *, follow: bool = True) -> AsyncIterator[list[WatchEvent]]:
        self.followed.append(follow)
        if events := [event for event in self.watch_events if event.number > max(after, self.acknowledged)]:
            yield events

    async def watch_acknowledge(self, number: int) -> None:
        self.acknowledged = number

    async def watch_rescreen(self) -> LookReport:
        return LookReport(events=2)

    async def watch_dead_letters(self) -> list[WatchEvent]:
        return self.dead

    async def watch_set_aside(self, event: WatchEvent) -> None:
        self.dead.append(event)

    async def watch_forget_dead_letter(self, number: int) -> None:
        self.dead = [event for event in self.dead if event.number != number]
