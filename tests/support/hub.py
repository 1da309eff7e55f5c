"""A real hub in this process: gRPC over TLS on free loopback ports, SQLite or PostgreSQL underneath."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from rich.console import Console

from alliance.testing import FakeClock
from alliance_server.bootstrap import Hub
from alliance_server.cli.hub import init_hub
from alliance_server.cli.members import bundle
from alliance_server.config import HubConfig
from alliance_server.domain.members import Role
from alliance_server.domain.ports import Transaction
from alliance_server.services import memberships
from member_client import Profile, enrol

ALLIANCE = "test"


@dataclass
class RunningHub:
    """A hub that serves."""

    hub: Hub
    folder: Path
    clock: FakeClock

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.hub.port}"

    @property
    def enrolment_address(self) -> str:
        return f"127.0.0.1:{self.hub.enrolment_port}"

    async def invite(self, member: str, role: Role = Role.MEMBER) -> Path:
        """Invite somebody and give the bundle's path."""
        ticket = await self.hub.enrolment.invite(member, member, role)
        path = self.folder / f"{member}.bundle.json"
        path.write_bytes(bundle(self.hub.config, self.hub.keys, ticket, self.address, self.enrolment_address))
        return path

    def confirm(self, member: str) -> None:
        """Let somebody call who has enrolled, as those do who compared the key's fingerprint with them."""

        def work(transaction: Transaction) -> None:
            found = transaction.members.get(member)
            assert found is not None
            digest = sha256(found.identity_key).digest()
            memberships.confirm_key(transaction, member, digest, self.clock.now_ms())

        self.hub.store.write_now(work)

    async def enrolled(self, member: str, folder: Path, role: Role = Role.MEMBER, **options: Any) -> Profile:
        """Enrol somebody by the SDK and let them call; options go to the SDK."""
        profile = await enrol(await self.invite(member, role), folder, **options)
        self.confirm(member)
        return profile

    async def stop_maintenance(self) -> None:
        """End the jobs that keep filters fresh, as a hub that hangs would; its log goes on."""
        await self._stop(job for job in self.hub._jobs if job.get_name() != "sealing")

    async def stop_sealing(self) -> None:
        """End the job that seals the log."""
        await self._stop(job for job in self.hub._jobs if job.get_name() == "sealing")

    async def stop_jobs(self) -> None:
        """End both: the hub writes nothing by itself any more."""
        await self._stop(self.hub._jobs)

    async def _stop(self, jobs: Iterable[asyncio.Task[None]]) -> None:
        ended = list(jobs)
        for job in ended:
            job.cancel()
        await asyncio.gather(*ended, return_exceptions=True)

    async def step(self, work: Callable[[Transaction, int, int], object], number: int) -> None:
        """Have an epoch begin, serve or end, and do what follows from it."""
        await self.hub.store.write(lambda transaction: work(transaction, number, self.clock.now_ms()))
        for _ in range(2):
            await self.hub.epochs.turn()
            await self.settle()

    async def settle(self) -> None:
        """Bring the filter up to the registry now."""
        await self.hub.maintenance.turn()


def make_config(folder: Path, database: str = "", **settings: Any) -> HubConfig:
    """Make a hub's folder and give its configuration, on free ports."""
    if not (folder / "hub.toml").exists():
        quiet = Console(quiet=True)
        init_hub(quiet, folder, ALLIANCE, ["127.0.0.1"], "127.0.0.1:0", "127.0.0.1:0", database)
    # One address refuses for all tests of a module, on a clock that hardly moves.
    settings.setdefault("enrolment", {"refusals_a_minute": 1_000_000, "refusals_a_minute_in_all": 1_000_000})
    return HubConfig(
        folder=folder, compute_threads=2, maintenance_seconds=settings.pop("maintenance_seconds", 0.2), **settings
    )


def to_mid_month(clock: FakeClock) -> None:
    """Go on to noon of the 10th of the next month: no test meets the end of a day or a month by chance."""
    now = datetime.fromtimestamp(clock.now_ms() / 1000, UTC)
    begins = (now.replace(day=1) + timedelta(days=32)).replace(day=10, hour=12)
    clock.advance(seconds=(begins - now).total_seconds())


def mid_month() -> FakeClock:
    """Give a clock on which no test meets the end of a month."""
    clock = FakeClock()
    to_mid_month(clock)
    return clock


@asynccontextmanager
async def running_hub(folder: Path, database: str = "", **options: Any) -> AsyncIterator[RunningHub]:
    """Run a hub until the block ends. `config` holds settings; other options go to Hub."""
    clock = options.pop("clock", None) or FakeClock()
    config = make_config(folder, database, **options.pop("config", {}))
    hub = Hub(config, clock=clock, **options)
    await hub.start()
    try:
        yield RunningHub(hub, folder, clock)
    finally:
        await hub.stop()
