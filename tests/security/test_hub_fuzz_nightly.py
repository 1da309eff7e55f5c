"""A hundred thousand hostile messages over every RPC, against a hub in a process of its own, whose memory stays flat.

The seed is another one in every run, and is printed; ALLIANCE_FUZZ_SEED repeats a run.
"""

import os
import random
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from support.bombardment import (
    Applicant,
    alive,
    answer,
    bombard,
    signed_header,
    signed_rows,
    signed_withdrawal,
)
from support.fuzzing import hostile
from support.hub import RunningHub
from support.misconduct import ACTS, garbage_metadata, hang_up, misbehave, over_the_limit, raw_misconduct
from support.process import HubProcess, hub_process
from support.raw_http2 import raw_connection
from support.rpcs import CONTRIBUTE, ENROL, RPCS, good_requests, role_of, sender
from support.wire import WireMember, enrol, enrolment_channel, invited, row_of

from alliance_server.domain.members import Role

pytestmark = [pytest.mark.nightly, pytest.mark.timeout(3600), pytest.mark.asyncio(loop_scope="module")]

TOTAL = 100_000
ROUNDS = 10
"""How often every attack comes; the first round warms the hub up."""
EACH = 500
"""Messages to a method as they come, a round."""
SIGNED = 500
"""Messages of each sort that is signed as it should be, a round."""
SLACK_BYTES = 40 * 1024 * 1024
"""What the hub may hold more at the end than after warming up: caches of the database and of the allocator."""


class Siege:
    """All attacks on one hub, counted."""

    def __init__(self, process: HubProcess, hub: RunningHub, folder: Path) -> None:
        self.process, self.hub, self.folder = process, hub, folder
        self.seed = os.environ.get("ALLIANCE_FUZZ_SEED") or os.urandom(8).hex()
        self.answers: Counter[str] = Counter()
        self.misconduct = 0
        self._names = iter(range(1, 1_000_000))

    def dice(self, what: str) -> random.Random:
        return random.Random(f"{self.seed} {what}")  # noqa: S311 - repeatable

    async def member(self) -> WireMember:
        """A member of its own for each attack, so that no budget of one ends another's."""
        member = await enrol(self.hub, f"lender-{next(self._names)}")
        await member.credit(500)
        return member

    async def caller(self, path: str) -> WireMember:
        """A caller of its own whose role may call a method."""
        role = role_of(path)
        if role is Role.MEMBER:
            return await self.member()
        return await enrol(self.hub, f"{role.word.replace('_', '-')}-{next(self._names)}", role)

    async def is_alive(self) -> bool:
        """Tell whether the hub still works for somebody new."""
        member = await self.member()
        try:
            return await alive(member)
        finally:
            await member.close()

    async def messages(self, count: int) -> None:
        """Send messages as they come to every method, one event a call."""
        for path in sorted(RPCS.keys() - {ENROL}):
            rpc, member = RPCS[path], await self.caller(path)
            contents = hostile(self.dice(path), good_requests(member)[path], count)
            before = len(member.events())
            self.answers += await bombard(rpc, sender(member.channel, rpc), contents)
            assert len(member.events()) - before == (0 if rpc.is_plumbing else count)
            assert await self.is_alive()
            await member.close()

    async def signed(self, count: int) -> None:
        """Send what is signed as it should be and hostile inside."""
        member = await self.member()
        sealed = member.seal()
        await member.contribute(row_of(sealed))
        dice = self.dice("signed")
        made: dict[str, Iterator[bytes]] = {
            "/alliance.v1.EvaluationService/Evaluate": (signed_header(dice, member) for _ in range(count)),
            CONTRIBUTE: (signed_rows(dice, member) for _ in range(count)),
            "/alliance.v1.RegistryService/ChangeClaimStatus": (
                signed_withdrawal(dice, member, sealed.entry_id) for _ in range(count)
            ),
        }
        for path, contents in made.items():
            self.answers += await bombard(RPCS[path], sender(member.channel, RPCS[path]), contents)
            assert await alive(member)
        await member.close()

    async def enrolments(self, count: int) -> None:
        """Send enrolments, none of which may succeed."""
        name = f"invited-{next(self._names)}"
        applicant = Applicant(invited(self.hub, name))
        dice = self.dice("enrolments")
        contents = [applicant.signed(dice) for _ in range(count // 2)] + applicant.spoilt(dice, count // 2)
        async with enrolment_channel(self.hub) as channel:
            self.answers += await bombard(RPCS[ENROL], sender(channel, RPCS[ENROL]), contents, at_once=4)

    async def broken_calls(self, rounds: int) -> None:
        """Break calls off, lie in metadata and frames."""
        for path in sorted(RPCS.keys() - {ENROL}):
            rpc, member, dice = RPCS[path], await self.caller(path), self.dice(f"broken {path}")
            make = good_requests(member)[path]
            noisy = sender(member.channel, rpc, lambda dice=dice: garbage_metadata(dice))  # type: ignore[misc]
            for _ in range(rounds):
                acts = [act for act in ACTS if act is not over_the_limit or dice.random() < 0.1]  # four megabytes each
                for act in acts:
                    await misbehave(dice, member.channel, rpc, lambda make=make: make().SerializeToString(), act)  # type: ignore[misc]
                await answer(rpc, noisy, make().SerializeToString())
                self.misconduct += len(acts) + 1
            assert await self.is_alive()
            await member.close()
            hang_up(self.process.ports[0])

    async def raw_frames(self, connections: int) -> None:
        """Send frames that no library would send."""
        member, dice = await self.member(), self.dice("frames")
        good = good_requests(member)
        for _ in range(connections):
            async with raw_connection(member, self.folder) as connection:
                for stream in range(1, 41, 2):
                    path = dice.choice(sorted(good))
                    self.misconduct += 1
                    if not await raw_misconduct(dice, connection, stream, path, good[path]().SerializeToString()):
                        break
                await connection.drained(0.01)
        assert await alive(member)
        await member.close()


@pytest_asyncio.fixture(loop_scope="module")
async def siege(tmp_path: Path) -> AsyncIterator[Siege]:
    async with hub_process(tmp_path / "hub") as (process, hub):
        yield Siege(process, hub, tmp_path)


async def test_a_hundred_thousand_hostile_messages(siege: Siege) -> None:
    print(f"seed {siege.seed}")  # noqa: T201 - repeats the run
    resident: list[int] = []
    for _ in range(ROUNDS):
        await siege.messages(EACH)
        await siege.signed(SIGNED)
        await siege.enrolments(EACH)
        await siege.broken_calls(max(1, EACH // 100))
        await siege.raw_frames(EACH // 20)
        resident.append(siege.process.resident_bytes())
    sent = siege.answers.total()
    series = ", ".join(str(size >> 20) for size in resident)
    print(f"{sent} messages, {siege.misconduct} broken calls; MB resident after each round: {series}")  # noqa: T201
    print(dict(siege.answers.most_common()))  # noqa: T201
    assert sent >= TOTAL
    assert resident[-1] - resident[0] <= SLACK_BYTES
    assert '"call failed"' not in siege.process.log.read_text()
