"""A lender in a process of its own that screens, contributes, withdraws and re-tags without an end, while keys change.

    python -m support.rotating_lender PROFILE NUMBER

It says what it knows to be acknowledged the moment it is, a line each: `filed TEXT`, `withdrawn TEXT`, and for each
round of screening `round N` or `wrong WORDS`. It ends when its standard input does.
"""

import asyncio
import itertools
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any
from unittest import mock

from member_client import AllianceClient, ContributionOutcome, HubUnavailable, Profile, State, Subject
from member_client import _following as following
from support.forked import ForkedWithPipes, environment, forked
from support.sdk import BASIS, PORTFOLIO, row

LISTED = tuple(f"+8613124{number:06d}" for number in range(60))
"""Listed by somebody else before anything changes, and for good."""
CLEAR = tuple(f"+8613125{number:06d}" for number in range(20))
"""Nobody's in particular, and never listed."""
PAUSE_SECONDS = 0.2


def own_text(lender: int, serial: int) -> str:
    """The identifier that a lender lists in its rounds: nobody else's."""
    return f"+8613126{lender}{serial:05d}"


def listed_by(lender: int) -> tuple[str, ...]:
    """What a lender listed before anything changed."""
    return LISTED[lender::3]


async def rounds(client: AllianceClient, lender: int, start: int) -> AsyncIterator[str]:
    """Work; gives what is acknowledged."""
    others = [text for text in LISTED if text not in listed_by(lender)]
    for serial in itertools.count(start):
        subjects = [Subject(f"listed-{place}", phone=text) for place, text in enumerate(others)]
        subjects += [Subject(f"clear-{place}", phone=text) for place, text in enumerate(CLEAR)]
        verdicts = [it async for it in client.screen_many(subjects, purpose=PORTFOLIO, consent=BASIS)]
        wrong = {
            f"{it.state.value} ({it.fields[0].reason}) for {it.ref}"
            for it in verdicts
            if it.state is not (State.MATCH if it.ref.startswith("listed") else State.CLEAR)
        }
        yield f"wrong {'; '.join(sorted(wrong))}" if wrong else f"round {serial}"
        text = own_text(lender, serial)
        results = [it async for it in client.contribute([row(text)])]
        if results[0].outcome is not ContributionOutcome.REFUSED:
            yield f"filed {text}"
            if serial % 2:
                await client.withdraw(results[0].entry_id, reason="filed_in_error")
                yield f"withdrawn {text}"
        else:
            yield f"wrong refused: {results[0].reason}"
        await client.retag()


async def work(profile: Path, lender: int, start: int, say: Callable[[str], Any]) -> None:
    """Work until standard input ends; where the hub is away for long, begin the round again."""
    ended = asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    async with AllianceClient(Profile.load(profile)) as client:
        while not ended.done():
            try:
                async for said in rounds(client, lender, start):
                    say(said)
                    start += said.startswith("round")
                    if ended.done():
                        return
                    await asyncio.sleep(PAUSE_SECONDS)
            except HubUnavailable:
                await asyncio.sleep(PAUSE_SECONDS)


class RotatingLender:
    """Such a process, and all that it ever said, over its deaths."""

    def __init__(self, profile: Path, lender: int) -> None:
        self.said: list[str] = []
        self._profile, self._lender, self._serial = profile, lender, 0
        self._process: ForkedWithPipes | None = None
        self._reading: asyncio.Task[None] | None = None

    async def start(self) -> None:
        arguments = [str(self._profile), str(self._lender), str(self._serial)]
        asked = "support.rotating_lender", arguments
        self._process = await forked(*asked, environment=environment(), takes_errors=False)
        self._reading = asyncio.create_task(self._read(self._process))

    async def _read(self, process: ForkedWithPipes) -> None:
        async for line in process.stdout:
            if line.endswith(b"\n"):
                self.said.append(line.decode().strip())

    def count(self, word: str) -> int:
        return sum(line.startswith(word) for line in self.said)

    def texts(self, word: str) -> set[str]:
        return {line.partition(" ")[2] for line in self.said if line.startswith(word)}

    async def gets_on(self, rounds: int = 1) -> None:
        """Wait until it went through so many rounds more."""
        goal = self.count("round") + rounds
        async with asyncio.timeout(120):
            while self.count("round") < goal:
                assert self._process is not None
                assert self._process.returncode is None, self.said[-3:]
                await asyncio.sleep(0.05)

    async def kill(self) -> None:
        """End it as a power cut would, and start it again."""
        assert self._process is not None
        self._process.kill()
        await self._gone()
        # What it was about to file when it died may stand or not: later rounds use other numbers.
        self._serial += self.count("round") + 1000
        await self.start()

    def abandon(self) -> None:
        """Leave nothing running, whatever became of the test."""
        if self._process is not None:
            self._process.kill()

    async def end(self) -> None:
        assert self._process is not None
        self._process.close_stdin()
        await self._gone()

    async def _gone(self) -> None:
        assert self._process is not None
        assert self._reading is not None
        async with asyncio.timeout(120):
            await self._process.wait()
            await self._reading


def main() -> None:
    profile, lender, start = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    say: Callable[[str], Awaitable[None] | None] = lambda said: print(said, flush=True)  # noqa: E731, T201
    try:
        with mock.patch.object(following, "DELAY_SECONDS", 0.2):
            asyncio.run(work(profile, lender, start, say))
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is said
        say(f"wrong {type(error).__name__}")
        os._exit(1)  # the thread that reads standard input would hold it up


if __name__ == "__main__":
    main()
