"""Everything that is open once a client works: keys, store, channel, and what keeps facts and filters."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, Self

from alliance.clock import Clock
from alliance.crypto.signing import SigningKey
from alliance.identifiers import BUILTIN
from alliance.witnesses import WitnessList
from member_client._bucket_fetch import BucketFetcher
from member_client._canonical import Canon, Helpers
from member_client._confirming import Confirmer
from member_client._countersigned import CountersignedKeeper
from member_client._cover import Cover
from member_client._credentials import ProfileKeys
from member_client._decision_log import DecisionLog
from member_client._evaluation import Evaluator
from member_client._fact_proofs import FactProver
from member_client._facts import FactKeeper, Facts
from member_client._filter import FilterKeeper
from member_client._filter.archive import FilterArchive
from member_client._hub import PinnedHub
from member_client._ledger import Ledger
from member_client._log import (
    Auditor,
    EventProver,
    GivenReceipt,
    KeptReceipt,
    LogKeeper,
    ReceiptChecker,
    ReceiptShelf,
)
from member_client._quota_wait import OnQuotaWait, QuotaWait
from member_client._renewal import Renewer
from member_client._roots import RootKeeper
from member_client._state import State, open_state
from member_client._transport import Credentials, Transport
from member_client._witness_list import pinned, quorum_of, recency_of
from member_client._workers import Workers
from member_client.config import Profile

FILTER_FOLDER: Final = "filter"


class Session:
    """The open parts of one client; made by `opened`."""

    def __init__(
        self,
        profile: Profile,
        clock: Clock,
        workers: Workers,
        keys: ProfileKeys,
        state: State,
        on_quota_wait: OnQuotaWait,
        listed: WitnessList,
    ) -> None:
        """Wire the parts; `listed` are the witnesses that were believed last."""
        self.profile = profile
        self.clock = clock
        self.workers = workers
        self.keys = keys
        self.identity = SigningKey(keys.identity)
        self.state = state
        self.store = state.store
        self.cover = Cover(self.store.derived_key(b"cover"))
        self.ledger = Ledger(self.store, workers)
        self.decisions = DecisionLog(state.decisions, workers, clock)
        self.transport = Transport(keys.credentials, self._renewed, keys.has_ended)
        self.hub = PinnedHub(profile, self.transport, state, workers)
        self.receipts = ReceiptShelf(profile.state_folder, self.store.derived_key(b"receipts"), workers)
        self.transport.receipts = ReceiptChecker(profile.member, self.hub, self._keep_receipt)
        self.log = LogKeeper(profile, self.transport, self.hub, pins=state.pins, workers=workers, clock=clock)
        events = EventProver(profile, self.transport, self.hub, self.log, workers=workers, clock=clock)
        self.auditor = Auditor(
            profile.state_folder, events, self.receipts, store=self.store, workers=workers, clock=clock
        )
        self.renewer = Renewer(
            profile, keys, identity=self.identity, transport=self.transport, workers=workers, clock=clock
        )
        self.prover = FactProver(self.transport, self.log, pins=state.pins, workers=workers, clock=clock)
        self.facts = FactKeeper(
            self.transport,
            self.hub,
            store=self.store,
            pins=state.pins,
            roots=RootKeeper(profile, self.hub, state.pins),
            prover=self.prover,
            workers=workers,
            clock=clock,
        )
        self._heed(listed)
        self.facts.believed = self._heed
        self.prover.doubted = self.facts.renew_witnesses
        self.fetcher = BucketFetcher(self.transport)
        self.countersigned = CountersignedKeeper(
            self.transport, self.facts, store=self.store, workers=workers, clock=clock
        )
        self.evaluator = Evaluator(
            member=profile.member,
            operator=profile.operator,
            identity=self.identity,
            transport=self.transport,
            ledger=self.ledger,
            workers=workers,
            clock=clock,
        )
        self.confirmer = Confirmer(
            member=profile.member,
            hub=self.hub,
            fetcher=self.fetcher,
            facts=self.facts,
            countersigned=self.countersigned,
            workers=workers,
            clock=clock,
        )
        self.closing: Callable[[], Awaitable[None]] = _nothing
        """Ends what others do in this session."""
        self.quota_wait = QuotaWait(clock, on_quota_wait)
        self.recovering = asyncio.Lock()
        """Held while own claims are held against a restored hub's."""
        self.replying = asyncio.Lock()
        """Held while a reply to a case is sent: its files go out once."""
        self._helpers = Helpers()
        self._keepers: dict[int, FilterKeeper] = {}
        self._loading = asyncio.Lock()

    @classmethod
    async def opened(
        cls, profile: Profile, clock: Clock, cpu_threads: int | None, on_quota_wait: OnQuotaWait = lambda _until: None
    ) -> Self:
        """Open keys and store; raises ConfigurationInvalid, PinsDamaged, StorageFull or StoreBusy. Sends nothing."""
        workers = Workers(cpu_threads)
        try:
            keys = await workers.disk(ProfileKeys, profile, clock)
            state = await workers.disk(open_state, profile.state_folder, keys.store_key, clock.now_ms())
            listed = await workers.disk(pinned, state.pins)
            return cls(profile, clock, workers, keys, state, on_quota_wait, listed)
        except BaseException:
            await workers.close()
            raise

    async def keeper(self, epoch: int) -> FilterKeeper:
        """Give the keeper of an epoch's filter, with what an earlier run left."""
        if (known := self._keepers.get(epoch)) is not None:
            return known
        async with self._loading:
            if epoch not in self._keepers:
                keeper = FilterKeeper(
                    epoch,
                    folder=self.profile.state_folder / FILTER_FOLDER / str(epoch),
                    archive=FilterArchive(self.store, self.state.pins),
                    transport=self.transport,
                    hub=self.hub,
                    prover=self.prover,
                    workers=self.workers,
                    clock=self.clock,
                )
                await keeper.load()
                self._keepers[epoch] = keeper
            return self._keepers[epoch]

    def canon(self, facts: Facts | None) -> Canon:
        """Give how texts are read; where not even the list in force is known, by the built-in one."""
        suppression = BUILTIN if facts is None else facts.suppression
        return Canon(self.profile.default_region, self.profile.alliance, suppression, self._helpers)

    def _heed(self, listed: WitnessList) -> None:
        """Ask of checkpoints what a witness list does."""
        self.log.quorum = quorum_of(listed)
        self.log.is_recent = recency_of(listed, self.clock)
        self.log.cosignatures = listed.quorum
        self.prover.cosignatures = listed.quorum

    async def close(self) -> None:
        """End what is under way and close channel, store and threads."""
        await self.closing()
        await self.confirmer.close()
        await self.countersigned.close()
        await self.renewer.close()
        for keeper in self._keepers.values():
            await keeper.close()
        await self.auditor.close()
        await self.facts.close()
        await self.transport.close()
        await self.workers.disk(self._helpers.close)
        await self.decisions.close()
        await self.workers.disk(self.state.close)
        await self.workers.close()

    def _keep_receipt(self, given: GivenReceipt) -> None:
        self.facts.decided_by(given.event.policy_version)
        self.receipts.add(KeptReceipt(given.statement, self.clock.now_ms()))

    async def _renewed(self) -> Credentials | None:
        """Give what was renewed on disk since this was asked last; else have it renewed once it is due."""
        credentials = await self.workers.disk(self.keys.renewed)
        if credentials is None:
            self.renewer.look()
        return credentials


async def _nothing() -> None:
    """Close nothing."""
