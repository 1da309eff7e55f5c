"""SIGKILL under a hub that seals, at seeded moments: every event that a client was promised is in the log, once.

Clients keep the receipts of all that was answered, and each checkpoint that they were shown. After each kill the hub
that comes back must have sealed what was promised, give proofs of it, and have one root for a size.
`ALLIANCE_CHAOS_SEED` repeats a run.
"""

import asyncio
import os
import random
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from grpc import aio
from support.hub import RunningHub
from support.kills import STARTING_SECONDS, seed_of, unforeseen, until
from support.postgres import Postgres
from support.process import HubProcess, another, hub_process
from support.wire import WireMember, enrol, row_of, valid_elements

from alliance.crypto import merkle
from alliance.crypto.signing import VerifyingKey
from alliance.statements import RECEIPT
from alliance.taxonomy import Purpose
from alliance.tlog.checkpoints import Checkpoint, read_checkpoint
from alliance.tlog.logs import LogName
from alliance.v1 import audit_pb2, epoch_pb2, evaluation_pb2, registry_pb2
from alliance.v1.statement_pb2 import SignedStatement
from alliance_server.domain.quotas import Resource
from alliance_server.services.sealing import LEASE, LEASE_MS
from alliance_server.storage.log_stream import LogStream
from alliance_server.verification import verify_logs

FEW, MANY = 3, 100
SEED = 20_261_130
MEMBERS = 3
NO_LIMIT = 10**12
MOST_LOCATED = 1000
KEY = "alliance-receipt-bin"


@dataclass
class Promised:
    """What clients were told."""

    receipts: dict[int, audit_pb2.Receipt] = field(default_factory=dict)
    seen: dict[tuple[str, int], Checkpoint] = field(default_factory=dict)
    places: dict[int, tuple[str, int]] = field(default_factory=dict)
    points: int = 0

    def keep(self, serialised: bytes, key: bytes) -> None:
        """Keep a receipt that the hub signed."""
        payload = VerifyingKey(key).verified_payload(RECEIPT, SignedStatement.FromString(serialised))
        receipt = audit_pb2.Receipt.FromString(payload)
        there = self.receipts.setdefault(receipt.row, receipt)
        assert (there.salt, there.event) == (receipt.salt, receipt.event), "one number was given to two events"

    def see(self, note: bytes, key: bytes) -> Checkpoint:
        """Keep a checkpoint that the hub signed."""
        shown = read_checkpoint(note)
        shown.require_signed(LogName.parse(shown.origin).key(key))
        there = self.seen.setdefault((shown.origin, shown.size), shown)
        assert there.root == shown.root, "one size has two roots"
        return shown


class Ordeal:
    """A hub that is killed under clients, and what they hold it to."""

    def __init__(
        self, process: HubProcess, hub: RunningHub, members: Sequence[WireMember], chance: random.Random
    ) -> None:
        self.promised = Promised()
        self._process, self._hub, self.members, self._chance = process, hub, list(members), chance
        self._key = hub.hub.keys.identity.public_key

    async def run(self, points: int) -> None:
        for point in range(points):
            load = asyncio.gather(*(self.load(member) for member in self.members))
            await asyncio.sleep(self._chance.uniform(0, 1.2))
            self._process.kill()
            await load
            self.promised.points += 1
            if self._chance.random() < 0.2:  # and once more while it starts
                self._process.launch()
                await asyncio.sleep(self._chance.uniform(0, STARTING_SECONDS))
                self._process.kill()
                self.promised.points += 1
            end_lease(self._hub)
            await self._process.start()
            await self._reconnected()
            await self.check(whole=point % 10 == 9 or point == points - 1)

    async def _reconnected(self) -> None:
        for member in self.members:
            await member.close()
        self.members = [member.again() for member in self.members]

    async def load(self, member: WireMember) -> None:
        """Call until the hub is gone; keep what it promised."""
        with suppress(aio.AioRpcError):
            while True:
                await self._evaluate(member, Purpose.TRANSACTION)
                await self._evaluate(member, Purpose.CONTRIBUTION)
                await self._contribute(member)
                await self._call(member.epochs.ListEpochs, epoch_pb2.ListEpochsRequest())
                shown = await self._call(member.audit.GetCheckpoint, audit_pb2.GetCheckpointRequest())
                self.promised.see(shown.checkpoint, self._key)

    async def _call(self, method: Any, request: Any) -> Any:
        call = method(request)
        reply = await call
        self.promised.keep(dict(await call.trailing_metadata())[KEY], self._key)
        return reply

    async def _evaluate(self, member: WireMember, purpose: Purpose) -> None:
        blinded = valid_elements(1)
        request = evaluation_pb2.EvaluateRequest(header=member.header(blinded, purpose), blinded=blinded)
        await self._call(member.evaluation.Evaluate, request)

    async def _contribute(self, member: WireMember) -> None:
        call = member.registry.Contribute()
        row = row_of(member.seal())
        await call.write(registry_pb2.ContributeRequest(request_id=os.urandom(16), rows=[row]))
        reply = await call.read()
        if isinstance(reply, registry_pb2.ContributeResponse):
            self.promised.keep(reply.receipt.SerializeToString(), self._key)
            await call.done_writing()

    # -- what must hold ------------------------------------------------------------------------------------

    async def check(self, *, whole: bool) -> None:
        """Hold the hub that came back to all that was promised and is not found yet."""
        member = self.members[0]
        missing = sorted(self.promised.receipts.keys() - self.promised.places.keys())
        async with asyncio.timeout(60):
            for begin in range(0, len(missing), MOST_LOCATED):
                await until(lambda begin=begin: self._located(member, missing[begin : begin + MOST_LOCATED]))  # type: ignore[misc]
        assert len(set(self.promised.places.values())) == len(self.promised.places), "two events have one index"
        for row in self._chance.sample(sorted(self.promised.places), min(20, len(self.promised.places))):
            await self._proven(member, row)
        if self.promised.seen:
            newest = max(self.promised.seen, key=lambda it: (LogName.parse(it[0]), it[1]))
            await self._grown(member, self.promised.seen[newest])
        if whole:
            self.verify()

    async def _located(self, member: WireMember, rows: Sequence[int]) -> bool:
        reply = await member.audit.LocateEvents(audit_pb2.LocateEventsRequest(rows=rows))
        found = [place for place in reply.positions if place.log]
        for place in found:
            self.promised.places[place.row] = (place.log, place.leaf_index)
        return len(found) == len(rows)

    async def _proven(self, member: WireMember, row: int) -> None:
        receipt, (log, index) = self.promised.receipts[row], self.promised.places[row]
        reply = await member.audit.GetCheckpoint(audit_pb2.GetCheckpointRequest(log=log))
        shown = self.promised.see(reply.checkpoint, self._key)
        request = audit_pb2.GetInclusionProofsRequest(log=log, tree_size=shown.size, leaf_indices=[index])
        (proof,) = (await member.audit.GetInclusionProofs(request)).proofs
        leaf = merkle.leaf_hash(receipt.salt + receipt.event)
        merkle.verify_inclusion(leaf, index, shown.size, proof.hashes, shown.root)

    async def _grown(self, member: WireMember, before: Checkpoint) -> None:
        """The newest tree of a log begins with whichever was seen before."""
        reply = await member.audit.GetCheckpoint(audit_pb2.GetCheckpointRequest(log=before.origin))
        now = self.promised.see(reply.checkpoint, self._key)
        request = audit_pb2.GetConsistencyProofRequest(log=before.origin, first=before.size, second=now.size)
        proof = (await member.audit.GetConsistencyProof(request)).hashes
        merkle.verify_consistency(before.size, before.root, now.size, now.root, proof)

    def verify(self) -> None:
        """Verify the whole log: events, trees, signatures, tiles, and every checkpoint that anybody saw."""
        config = self._hub.hub.config
        stream = LogStream(self._hub.hub.store.engine)
        found = verify_logs(stream, config.logs_folder, config.alliance, self._key, list(self.promised.seen.values()))
        assert found.faults == [], [str(fault) for fault in found.faults]
        rows = {}
        with self._hub.hub.store.engine.connect() as connection:
            for row, salt, event in connection.execute(sa.text("SELECT id, salt, event FROM audit_events")):
                rows[row] = bytes(salt), bytes(event)
        for row, receipt in self.promised.receipts.items():
            assert rows[row] == (receipt.salt, receipt.event)


def end_lease(hub: RunningHub) -> None:
    """Whoever held it was killed: nobody waits until it is over."""
    with hub.hub.store.engine.begin() as connection:
        connection.execute(sa.text("DELETE FROM leases WHERE name = :name"), {"name": LEASE})


@asynccontextmanager
async def staged(folder: Path, database: str, seed: int) -> AsyncIterator[tuple[Ordeal, HubProcess, RunningHub]]:
    os.environ["ALLIANCE_HUB_MAINTENANCE_SECONDS"] = "0.05"
    try:
        async with hub_process(folder / "hub", database) as (process, hub):
            members = [await enrol(hub, f"lender-{number}") for number in range(MEMBERS)]
            for member in members:
                for resource in (Resource.TRANSACTION, Resource.CONTRIBUTION, Resource.CONTRIBUTION_REFUNDS):
                    hub.hub.store.write_now(
                        lambda it, name=member.id, what=resource: it.quotas.set_limit(name, what, NO_LIMIT)  # type: ignore[misc]
                    )
            ordeal = Ordeal(process, hub, members, random.Random(seed))  # noqa: S311 - seeded on purpose
            yield ordeal, process, hub
            for member in ordeal.members:
                await member.close()
    finally:
        del os.environ["ALLIANCE_HUB_MAINTENANCE_SECONDS"]


@pytest.mark.timeout(7200)
@pytest.mark.parametrize("database", ["sqlite", pytest.param("postgresql", marks=pytest.mark.nightly)])
@pytest.mark.parametrize("points", [FEW, pytest.param(MANY, marks=pytest.mark.nightly)])
async def test_what_was_promised_is_in_the_log_whenever_the_hub_is_killed(
    tmp_path: Path, request: pytest.FixtureRequest, database: str, points: int
) -> None:
    url = "" if database == "sqlite" else str(request.getfixturevalue("postgres").migrated())
    seed = seed_of(SEED if points == FEW else unforeseen())
    async with staged(tmp_path, url, seed) as (ordeal, _, _):
        await ordeal.run(points)
        told = ordeal.promised
        print(f"{told.points} kills, {len(told.receipts)} receipts, {len(told.seen)} checkpoints")  # noqa: T201
        assert told.points >= points
        assert told.receipts


# -- a process that stands still -------------------------------------------------------------------------------


@pytest.mark.nightly
async def test_a_sealer_that_stands_still_past_its_lease_forks_nothing(tmp_path: Path, postgres: Postgres) -> None:
    """Each process in turn is stopped for longer than a lease, in whatever it does, and goes on where it was."""
    async with staged(tmp_path, postgres.migrated(), SEED) as (ordeal, process, hub):
        with another(hub.folder) as (more, port):
            hub.hub.port, own = port, hub.hub.port
            ordeal.members += [await _at(member.again()) for member in ordeal.members]
            hub.hub.port = own
            load = [asyncio.create_task(ordeal.load(member)) for member in ordeal.members]
            for stop, go_on in ((process.send, process.send), (more.send_signal, more.send_signal)):
                await _grown_by(hub, 1)
                stop(signal.SIGSTOP)
                with suppress(TimeoutError):  # one that was stopped within a commit is waited for: nothing is left out
                    async with asyncio.timeout(2 * LEASE_MS / 1000):
                        await _grown_by(hub, 2)
                go_on(signal.SIGCONT)
                await _grown_by(hub, 2)
            for task in load:
                task.cancel()
            await asyncio.gather(*load, return_exceptions=True)
            await ordeal.check(whole=True)
            assert ordeal.promised.receipts


async def _at(member: WireMember) -> WireMember:
    """Wait until the hub behind a member's channel serves."""
    async with asyncio.timeout(60):
        await member.channel.channel_ready()
    return member


async def _grown_by(hub: RunningHub, trees: int) -> None:
    """Wait until so many more trees were signed."""

    def signed() -> int:
        with hub.hub.store.engine.connect() as connection:
            return int(connection.execute(sa.text("SELECT count(*) FROM audit_checkpoints")).scalar_one())

    goal = signed() + trees
    await until(lambda: signed() >= goal)
