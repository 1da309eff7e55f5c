"""SIGKILL at seeded points: a lender's run is killed, or its hub under it, until enough points were hit.

Whoever was killed is started again, and the run is taken up as the manual says: a contribution by running it again, a
screening by screening what has no verdict yet. A point counts if the run was under way when the signal was sent.
"""

import asyncio
import os
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from support.books import Books
from support.lender_process import Job, LenderProcess
from support.process import HubProcess

SEED_VARIABLE = "ALLIANCE_CHAOS_SEED"
HUB_AWAY = 5
STARTING_SECONDS = 0.5
"""About what a process takes until it works."""


def seed_of(default: int) -> int:
    """Give the seed of a run, and print it: pytest shows it where the run fails."""
    seed = int(os.environ.get(SEED_VARIABLE, "") or default)
    print(f"{SEED_VARIABLE}={seed}")  # noqa: T201 - what repeats the run
    return seed


def unforeseen() -> int:
    """A seed for a soak: another every time."""
    return time.time_ns() % 1_000_000


async def until(holds: Callable[[], bool | Awaitable[bool]]) -> None:
    """Look again and again until something holds that nobody tells."""
    while True:
        held = holds()
        if held if isinstance(held, bool) else await held:
            return
        await asyncio.sleep(0.02)


@dataclass
class Tally:
    """What was done to a run."""

    points: int = 0
    victims: Counter[str] = field(default_factory=Counter)
    stages: Counter[str] = field(default_factory=Counter)
    runs: int = 0
    given_up: int = 0

    @property
    def interrupted(self) -> int:
        """Runs that did not come to their end."""
        return self.victims["lender"] + self.given_up


class Ordeal:
    """One lender's job under kills."""

    def __init__(self, hub: HubProcess, books: Books, job: Job, chance: random.Random) -> None:
        self.tally = Tally()
        self.results: dict[int, dict[str, Any]] = {}
        self.entries: dict[int, str] = {}
        self._hub, self._books, self._job, self._chance = hub, books, job, chance

    async def run(self, points: int, rows_between: int) -> None:
        """Kill until there were so many points or the job is done; then let it end."""
        while self._left():
            await self._one_run(points, rows_between)

    def _left(self) -> Sequence[int]:
        """Rows to be done: all of a contribution until a run of it ended, what is not settled of a screening."""
        if self._job.kind == "contribute":
            return () if len(self.results) == len(self._job.numbers) else self._job.numbers
        return [number for number in self._job.numbers if number not in self.results]

    async def _one_run(self, points: int, rows_between: int) -> None:
        job = Job(self._job.kind, self._job.profile, self._left(), self._job.batch, self._job.ends_at)
        lender = LenderProcess(job, self._hub.folder.parent)
        await lender.start()
        self.tally.runs += 1
        try:
            while lender.runs and self.tally.points < points:
                await self._moment(lender, rows_between)
                if lender.runs:
                    await self._kill(lender)
            self._settle(lender, await lender.ended())
        finally:
            lender.kill()

    async def _moment(self, lender: LenderProcess, rows_between: int) -> None:
        """Wait for a point: a time while it starts up, or a number of new rows and part of a batch's time."""
        if not lender.said and self._chance.random() < 0.3:
            await asyncio.sleep(self._chance.uniform(0, STARTING_SECONDS))
            return
        goal = self._fresh(lender) + self._chance.randint(1, 2 * rows_between)
        await lender.until(lambda: self._fresh(lender) >= goal)
        await asyncio.sleep(self._chance.uniform(0, 0.05))

    @staticmethod
    def _fresh(lender: LenderProcess) -> int:
        """Count rows that are news, not what stood before."""
        return sum(said.get("outcome") != "unchanged" for said in lender.said.values())

    async def _kill(self, lender: LenderProcess) -> None:
        victim = ("hub", "lender")[self.tally.points % 2]
        self.tally.points += 1
        self.tally.victims[victim] += 1
        if victim == "lender":
            lender.kill()
            await lender.ended()
            self.tally.stages[self._stage(lender)] += 1
            return
        self._hub.kill()
        self.tally.stages[self._stage(lender)] += 1
        if self._chance.random() < 0.2:  # and once more while it starts
            self._hub.launch()
            await asyncio.sleep(self._chance.uniform(0, STARTING_SECONDS))
            self._hub.kill()
        await self._hub.start()

    def _stage(self, lender: LenderProcess) -> str:
        """Say how far the run was, as far as the hub's books and the lender's word tell."""
        if not lender.said:
            return "starting"
        if self._job.kind != "contribute":
            return "under way"
        reported = {it["entry"] for it in lender.said.values() if it["entry"]} | set(self.entries.values())
        if self._books.filed() > len(reported):
            return "filed, not acknowledged"
        return "evaluated, not filed" if self._books.credit() else "between chunks"

    def _settle(self, lender: LenderProcess, code: int) -> None:
        """Take over what a run said before it ended, in whatever way."""
        if code == HUB_AWAY:
            self.tally.given_up += 1
        else:
            assert code in {0, -9}, f"the lender ended with {code}"
        for number, said in lender.said.items():
            if self._job.kind != "contribute":
                if said["final"]:
                    self.results[number] = said
            elif said["entry"]:
                # A row that was once said to stand keeps its name for ever.
                assert self.entries.setdefault(number, said["entry"]) == said["entry"]
        if self._job.kind == "contribute" and code == 0:
            self.results = lender.said
