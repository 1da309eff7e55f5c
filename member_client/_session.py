"""Everything that is open once a client works: keys, store, channel, and what keeps facts and filters."""

import asyncio
from typing import Final, Self

from alliance.clock import Clock
from alliance.crypto.secret import Secret
from alliance.crypto.signing import SigningKey, VerifyingKey
from alliance.errors import AllianceError
from member_client._bucket_fetch import BucketFetcher
from member_client._confirming import Confirmer
from member_client._cover import Cover
from member_client._evaluation import Evaluator
from member_client._facts import FactKeeper
from member_client._filter import FilterKeeper
from member_client._filter.archive import FilterArchive
from member_client._ledger import Ledger
from member_client._state import State, open_state
from member_client._transport import Address, ClientIdentity, Transport
from member_client._workers import Workers
from member_client.config import Profile
from member_client.errors import ConfigurationInvalid

TLS_KEY: Final = "tls-key"
TLS_CERTIFICATE: Final = "tls-certificate"
IDENTITY: Final = "identity"
STORE_KEY: Final = "store"
FILTER_FOLDER: Final = "filter"


class Session:
    """The open parts of one client; made by `opened`."""

    def __init__(
        self, profile: Profile, clock: Clock, workers: Workers, secrets: dict[str, Secret], state: State
    ) -> None:
        """Wire the parts."""
        self.profile = profile
        self.clock = clock
        self.workers = workers
        self.hub_key = VerifyingKey(profile.hub_key)
        self.identity = SigningKey(secrets[IDENTITY])
        self.certificate_pem = secrets[TLS_CERTIFICATE].reveal()
        self.state = state
        self.store = state.store
        self.cover = Cover(self.store.derived_key(b"cover"))
        self.ledger = Ledger(self.store, workers)
        address = Address(profile.hub, profile.server_name, profile.ca_pem())
        self.transport = Transport(address, ClientIdentity(secrets[TLS_KEY], self.certificate_pem))
        self.facts = FactKeeper(
            self.transport, self.hub_key, store=self.store, pins=state.pins, workers=workers, clock=clock
        )
        self.fetcher = BucketFetcher(self.transport)
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
            hub_key=self.hub_key,
            fetcher=self.fetcher,
            facts=self.facts,
            workers=workers,
            clock=clock,
        )
        self._keepers: dict[int, FilterKeeper] = {}
        self._loading = asyncio.Lock()

    @classmethod
    async def opened(cls, profile: Profile, clock: Clock, cpu_threads: int | None) -> Self:
        """Open keys and store; raises ConfigurationInvalid, PinsDamaged, StorageFull or StoreBusy. Sends nothing."""
        workers = Workers(cpu_threads)
        try:
            secrets = await workers.disk(_opened_secrets, profile)
            state = await workers.disk(open_state, profile.state_folder, secrets[STORE_KEY], clock.now_ms())
            session = cls(profile, clock, workers, secrets, state)
            await workers.disk(session.store.purge, clock.now_ms())
        except BaseException:
            await workers.close()
            raise
        return session

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
                    hub_key=self.hub_key,
                    workers=self.workers,
                    clock=self.clock,
                )
                await keeper.load()
                self._keepers[epoch] = keeper
            return self._keepers[epoch]

    async def close(self) -> None:
        """End what is under way and close channel, store and threads."""
        await self.confirmer.close()
        for keeper in self._keepers.values():
            await keeper.close()
        await self.facts.close()
        await self.transport.close()
        await self.workers.disk(self.state.close)
        await self.workers.close()


def _opened_secrets(profile: Profile) -> dict[str, Secret]:
    keys = profile.open_keys()
    try:
        return {name: keys.get(name) for name in (TLS_KEY, TLS_CERTIFICATE, IDENTITY, STORE_KEY)}
    except AllianceError as error:
        raise ConfigurationInvalid(str(error)) from error
