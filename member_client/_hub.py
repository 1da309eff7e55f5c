"""The hub that is believed: its identity key, which only a succession changes.

A profile names the key of the origin at which its member enrolled. What a succession put in its place lies with the
other pins, and goes over it. A statement that does not verify is the occasion to ask for successions; so is a filter
that went back. Where there is none that may be believed, the statement stays what it was: wrong.
"""

import asyncio
import hmac
import logging
from typing import Final

from alliance.crypto.signing import VerifyingKey
from alliance.v1.directory_pb2 import MEMBER_ROLE_ADMIN
from alliance.v1.succession_pb2 import ListSuccessionsRequest, SuccessionRecord
from alliance.v1.succession_pb2_grpc import SuccessionServiceStub
from member_client import _directory, _epochs
from member_client._fact_proofs import FACT_LOG
from member_client._framing import pack, unpack
from member_client._state import State
from member_client._store import Shelf
from member_client._suppression import MARK, SUPPRESSION
from member_client._transport import Transport
from member_client._witness_list import WITNESSES
from member_client._workers import Workers
from member_client.config import Profile
from member_client.errors import AllianceClientError, IntegrityError, PinsDamaged, SuccessionRejected
from member_client.succession import Origin, Succession, believed, following, read_succession

_ORIGIN: Final = b"origin"

_log = logging.getLogger("member_client.hub")


class PinnedHub:
    """The hub's identity, for all parts of one session."""

    def __init__(self, profile: Profile, transport: Transport, state: State, workers: Workers) -> None:
        """Read what is pinned; blocks. Raises PinsDamaged."""
        self._profile = profile
        self._transport = transport
        self._state = state
        self._workers = workers
        self._asking = asyncio.Lock()
        self.accepted: Succession | None = None
        """What was believed last since this was opened."""
        self._set(self._pinned())

    def __repr__(self) -> str:
        return f"PinnedHub(origin {self.origin.number})"

    def _set(self, origin: Origin) -> None:
        self.origin, self.key = origin, VerifyingKey(origin.hub_key)

    async def succeeded(self) -> bool:
        """Ask whether another origin took the hub's place, and believe it where that is right.

        False where there is none, or the hub cannot be asked. Raises SuccessionRejected where it is not to be believed.
        """
        before = self.origin
        async with self._asking:
            # Another call, or another process of this member, may have believed it meanwhile.
            self._set(await self._workers.disk(self._pinned))
            if self.origin == before:
                await self._ask()
        return self.origin != before

    async def successions(self, after: Origin | None = None) -> list[Succession]:
        """Give what follows the hub that is pinned, or another origin, oldest first, signed or not.

        Raises SuccessionRejected.
        """
        first = after or self.origin
        request = ListSuccessionsRequest(after_origin=first.number)
        answer = await self._transport.ask(lambda channel: SuccessionServiceStub(channel).ListSuccessions, request)
        return following([await self.read(record) for record in answer.successions], first)

    async def believed_after(self, origin: Origin) -> list[Succession]:
        """Give the successions that lead from an origin to the hub that is pinned; raises SuccessionRejected."""
        return self._led_here(await self.successions(origin))

    async def believed_since(self, number: int) -> list[Succession]:
        """Do so from an origin whose key nobody knows here: it was before this member enrolled."""
        request = ListSuccessionsRequest(after_origin=number)
        answer = await self._transport.ask(lambda channel: SuccessionServiceStub(channel).ListSuccessions, request)
        found = [await self.read(record) for record in answer.successions]
        first = Origin(number, found[0].previous_hub_key if found else b"")
        return self._led_here(following(found, first))

    def _led_here(self, chain: list[Succession]) -> list[Succession]:
        led_to = [place for place, it in enumerate(chain) if hmac.compare_digest(it.hub_key, self.origin.hub_key)]
        if not led_to:
            raise SuccessionRejected("No succession leads from the hub whose log is known to the one that answers.")
        led = chain[: led_to[-1] + 1]
        believed(led)
        return led

    async def read(self, record: SuccessionRecord) -> Succession:
        """Read a record, its signatures held against the pins; raises SuccessionRejected."""
        return await self._workers.disk(read_succession, record, self._profile.alliance, self._admin_key)

    async def _ask(self) -> None:
        try:
            chain = await self.successions()
        except IntegrityError:
            raise
        except AllianceClientError as error:
            _log.warning("successions cannot be asked for: %s", type(error).__name__)
            return
        if not chain:
            return
        newest = believed(chain)
        await self._workers.disk(self._pin, chain)
        self._set(Origin(newest.origin, newest.hub_key))
        self.accepted = newest
        _log.warning("the hub was restored from a backup: origin %d is believed", newest.origin)

    def _admin_key(self, admin: str) -> bytes | None:
        """Give the pinned key of an admin. Blocks."""
        return _directory.pinned_key(admin, MEMBER_ROLE_ADMIN, self._state.pins)

    def _pinned(self) -> Origin:
        content = self._state.pins.get(Shelf.PINS, _ORIGIN)
        if content is None:
            return Origin(0, self._profile.hub_key)
        try:
            number, hub_key = unpack(content)
            return Origin(int(number), hub_key)
        except ValueError:
            raise PinsDamaged("The pinned identity of the hub cannot be read.") from None

    def _pin(self, chain: list[Succession]) -> None:
        """Pin the end of a chain, together with the epochs that are gone. Blocks."""
        newest = chain[-1]
        self._state.store.put_many(remove=[(Shelf.LISTS, SUPPRESSION)])
        retired = {epoch for it in chain for epoch in it.retired_epochs}
        origin = pack(b"%d" % newest.origin, newest.hub_key)
        self._state.pins.put_many(
            [(Shelf.PINS, _ORIGIN, origin, None), *((Shelf.PINS, *row, None) for row in _epochs.retired_rows(retired))],
            remove=[(Shelf.PINS, name) for name in (MARK, FACT_LOG, WITNESSES)],
        )
