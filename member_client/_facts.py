"""What the hub states about itself and its members: the serving epoch, the suppression list, the directory.

Fetched together when first needed and again every ten minutes; one fetch at a time. What is fetched is held against the
pins, then the audit log has to prove that the hub published it, all of it in one call, and only then it is pinned and
used. Where the hub is away, what is known goes on being used; where something does not verify or is not proven, nothing
is replaced and the error is raised, unless the hub was restored and its succession is believed.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from alliance import facts
from alliance.clock import Clock
from alliance.identifiers import SuppressionList
from alliance.v1.directory_pb2 import MEMBER_ROLE_ADMIN
from alliance.v1.epoch_pb2 import GetSuppressionListRequest, ListEpochsRequest
from alliance.v1.epoch_pb2_grpc import EpochServiceStub
from alliance.v1.statement_pb2 import SignedStatement
from alliance.v1.witness_pb2 import GetWitnessListResponse
from alliance.witnesses import WitnessList
from member_client import _directory, _epochs, _suppression, _witness_list
from member_client._deadline import Deadline
from member_client._directory import Directory
from member_client._epochs import Epochs, PinnedEpoch
from member_client._fact_proofs import Prover
from member_client._hub import PinnedHub
from member_client._roots import RootKeeper
from member_client._store import Shelf, Store
from member_client._suppression import SUPPRESSION
from member_client._transport import Transport
from member_client._workers import Workers
from member_client.errors import FactNotPublished, HubUnavailable, NotFound, StatementInvalid

LIFE_MS: Final = 10 * 60 * 1000
CALL_SECONDS: Final = 30.0
MAX_POLICIES: Final = 100
"""Versions of the policy that wait to be proven: a hub has one, and two while it is upgraded."""
CHANGES: Final = 2
"""So often what is fetched may change before it is proven."""

_log = logging.getLogger("member_client.facts")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Facts:
    """What holds now; `fetched_at` in milliseconds UTC."""

    epochs: Epochs
    suppression: SuppressionList
    directory: Directory
    fetched_at: int

    @property
    def epoch(self) -> PinnedEpoch:
        """The one in which claims are filed."""
        return self.epochs.active


class FactKeeper:
    """Facts, fetched when needed."""

    def __init__(
        self,
        transport: Transport,
        hub: PinnedHub,
        *,
        store: Store,
        pins: Store,
        roots: RootKeeper,
        prover: Prover,
        workers: Workers,
        clock: Clock,
    ) -> None:
        self.believed: Callable[[WitnessList], None] = lambda _listed: None
        """Hears of the witness list in force, before anything is proven and where it changed."""
        self.told: Callable[[Facts], None] = lambda _facts: None
        """Hears of facts that were fetched."""
        self._policies: set[bytes] = set()
        self._transport = transport
        self._hub = hub
        self._store = store
        self._pins = pins
        self._roots = roots
        self._prover = prover
        self._workers = workers
        self._clock = clock
        self._heeded = 0
        """Number of the witness list whose quorum is asked for."""
        self._facts: Facts | None = None
        self._fetching: asyncio.Task[Facts] | None = None

    def decided_by(self, policy_version: bytes) -> None:
        """Take notice of the policy that decided about a call: with the next fetch it has to be proven, too."""
        if policy_version and len(self._policies) < MAX_POLICIES:
            self._policies.add(policy_version)

    async def now(self) -> Facts:
        """Give the facts; cancelling the caller does not cancel a fetch."""
        known = self._facts
        if known is None:
            return await self.refresh()
        if abs(self._clock.now_ms() - known.fetched_at) < LIFE_MS and self._serves(known.epoch):
            return known
        try:
            return await self.refresh()
        except HubUnavailable as error:
            _log.info("facts were not refreshed: %s", type(error).__name__)
            return known

    async def refresh(self) -> Facts:
        """Fetch anew, joining a fetch that is under way."""
        if self._fetching is None or self._fetching.done():
            self._fetching = asyncio.create_task(self._fetch(), name="alliance-facts")
            self._fetching.add_done_callback(lambda task: task.cancelled() or task.exception())
        return await asyncio.shield(self._fetching)

    async def refresh_directory(self) -> Directory:
        """Fetch the directory alone: somebody signed whom it does not know yet."""
        directory = await self._believed(self._directory_alone)
        if self._facts is not None:
            self._facts = replace(self._facts, directory=directory)
        return directory

    async def close(self) -> None:
        """End a fetch that is under way."""
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.gather(self._fetching, return_exceptions=True)

    def _serves(self, epoch: PinnedEpoch) -> bool:
        return epoch.not_before <= self._clock.now_ms() < epoch.not_after

    async def _fetch(self) -> Facts:
        return await self._believed(self._fetched)

    async def _believed(self, fetch: Callable[[], Awaitable[T]]) -> T:
        """Fetch, and once more where the hub turns out to have another origin; raises what does not verify.

        So it goes with what was no longer in force when its proof was asked for, and may not have been published.
        """
        for _ in range(CHANGES):
            try:
                return await fetch()
            except StatementInvalid:
                if not await self._hub.succeeded():
                    raise
            except FactNotPublished:
                _log.info("what the hub states is not proven, and is fetched once more")
        return await fetch()

    async def _fetched(self) -> Facts:
        deadline = Deadline.after(CALL_SECONDS)
        epochs = await self._listed_epochs(deadline)
        listed = await self._suppression_list(deadline)
        witnesses = await self._listed_witnesses(deadline)
        directory = await _directory.fetch(self._transport, self._hub.key, deadline)
        await self._workers.disk(_epochs.hold, epochs, self._pins)
        await self._workers.disk(_directory.hold, directory, self._pins)
        of_list = [facts.suppression_list(listed.payload)] if listed is not None else []
        of_list += [facts.witness_list(witnesses.payload)] if witnesses is not None else []
        policies = set(self._policies)
        stated = [*_epochs.facts_of(epochs), *of_list, *map(facts.policy, policies), *_directory.facts_of(directory)]
        await self._prover.prove(stated, deadline)
        self._policies -= policies
        await self._workers.disk(_epochs.pin, epochs, self._pins)
        await self._workers.disk(_directory.pin, directory, self._pins)
        suppression = await self._workers.disk(self._in_force, listed)
        if witnesses is not None:
            self._heed(await self._workers.disk(self._pin_witnesses, witnesses))
        await self._workers.disk(self._store.purge, self._clock.now_ms())  # what has ended goes while a client is open
        serving = _epochs.serving(epochs, self._clock.now_ms())
        self._facts = Facts(serving, suppression, directory, self._clock.now_ms())
        self.told(self._facts)
        return self._facts

    async def _directory_alone(self) -> Directory:
        deadline = Deadline.after(CALL_SECONDS)
        directory = await _directory.fetch(self._transport, self._hub.key, deadline)
        await self._workers.disk(_directory.hold, directory, self._pins)
        await self._prover.prove(_directory.facts_of(directory), deadline)
        await self._workers.disk(_directory.pin, directory, self._pins)
        return directory

    async def _listed_epochs(self, deadline: Deadline) -> list[PinnedEpoch]:
        answer = await self._transport.call(
            lambda channel: EpochServiceStub(channel).ListEpochs, ListEpochsRequest, deadline
        )
        if answer.HasField("trust_roots"):
            await self._workers.disk(self._roots.take, answer.trust_roots)
        return _epochs.read_epochs(answer.epochs, self._hub.key)

    async def _suppression_list(self, deadline: Deadline) -> SignedStatement | None:
        """Fetch the list in force, verified; None where the hub has none."""
        try:
            answer = await self._transport.call(
                lambda channel: EpochServiceStub(channel).GetSuppressionList, GetSuppressionListRequest, deadline
            )
        except NotFound:
            return None
        _suppression.verified(answer.suppression_list, self._hub.key)
        return answer.suppression_list

    async def _listed_witnesses(self, deadline: Deadline) -> SignedStatement | None:
        """Fetch the witness list in force, held against the one that was seen; None where the hub has none."""
        known = await self._workers.disk(_witness_list.pinned, self._pins)
        self._heed(known)
        try:
            found, answer = await _witness_list.fetch(
                self._transport, self._hub.key, self._pins, self._workers, deadline
            )
        except NotFound:
            return None
        if found.number > known.number and await self._workers.disk(self._is_approved, found, answer):
            self._heed(found)
        return answer.witness_list

    async def renew_witnesses(self) -> bool:
        """Ask for the witness list where too few of the one that is heeded cosigned; says whether another one is."""
        before = self._heeded
        await self._listed_witnesses(Deadline.after(CALL_SECONDS))
        return self._heeded > before

    def _heed(self, listed: WitnessList) -> None:
        self._heeded = listed.number
        self.believed(listed)

    def _is_approved(self, found: WitnessList, answer: GetWitnessListResponse) -> bool:
        """Say whether two admins whom this machine knows signed a witness list. Blocks."""
        return _witness_list.is_approved(
            found, answer, lambda admin: _directory.pinned_key(admin, MEMBER_ROLE_ADMIN, self._pins)
        )

    def _pin_witnesses(self, stated: SignedStatement) -> WitnessList:
        """Remember a witness list that was proven; gives the one in force. Blocks."""
        return _witness_list.pin(_witness_list.verified(stated, self._hub.key), stated.payload, self._pins)

    def _in_force(self, listed: SignedStatement | None) -> SuppressionList:
        """Give the list that was fetched and remember it; else the last one seen, or the built-in one. Blocks."""
        if listed is None:
            return _suppression.kept(self._store, self._hub.key, self._pins)
        suppression = _suppression.read(listed, self._hub.key, self._pins)
        self._store.put(Shelf.LISTS, SUPPRESSION, listed.SerializeToString())
        return suppression
