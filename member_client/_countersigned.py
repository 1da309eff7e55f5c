"""Which claims have a liaison behind them: the hub's feed of countersignatures and revocations, kept in the store.

Rules:

1. The feed is read whole, from the number on that was read last: nobody learns which claim is looked at. It is brought
   up to date with the buckets, whatever is in them, every ten minutes at most; once more where a claim has none.
2. A statement counts under the key of a liaison of the directory alone. What does not verify is left out, and the claim
   that would need it is not believed.
3. What was revoked stays revoked, also where the feed is read anew.

A hub may keep a newer revocation back, as it may keep back anything new; the claim's own status tells of it besides.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from alliance.clock import Clock
from alliance.countersignatures import (
    LONGEST_LIFE_MS,
    Countersigned,
    read_countersignature,
    read_revocation,
    said_by,
)
from alliance.errors import SignatureInvalid
from alliance.statements import COUNTERSIGNATURE, COUNTERSIGNATURE_REVOCATION
from alliance.taxonomy import EvidenceLevel
from alliance.v1.countersignature_pb2 import ListCountersignaturesRequest, ListCountersignaturesResponse
from alliance.v1.countersignature_pb2_grpc import CountersignatureServiceStub
from alliance.v1.statement_pb2 import SignedStatement
from member_client._directory import Directory
from member_client._facts import FactKeeper
from member_client._framing import pack, unpack
from member_client._store import Shelf, Store, Write
from member_client._transport import Transport
from member_client._workers import Workers
from member_client.errors import AllianceClientError, HubError, StoreDamaged

LIFE_MS: Final = 10 * 60 * 1000
PATIENCE_SECONDS: Final = 5.0
"""So long a verdict waits for the feed; what is not read by then is read for the next one."""
MAX_STATEMENTS: Final = 1024
_UPTO: Final = b"upto"
_OF_CLAIM: Final = b"claim/"

_log = logging.getLogger("member_client.countersignatures")


@dataclass(frozen=True, slots=True)
class Standing:
    """A countersignature, and whether it was revoked."""

    said: Countersigned
    is_revoked: bool

    def to_bytes(self) -> bytes:
        """Give the form that the store keeps."""
        said = self.said
        numbers = (said.epoch, int(said.evidence), said.time, int(self.is_revoked))
        digests = (said.substance_sha256, said.claim_sha256, said.grounds_sha256)
        return pack(*digests, said.liaison.encode(), *(b"%d" % it for it in numbers))

    @classmethod
    def from_bytes(cls, data: bytes) -> "Standing":
        """Read what `to_bytes` gave; raises StoreDamaged."""
        try:
            substance, claim, grounds, liaison, *rest = unpack(data)
            epoch, evidence, time, is_revoked = map(int, rest)
            level = EvidenceLevel(evidence)
            said = Countersigned(substance, claim, epoch, level, liaison.decode(), grounds, time)
            return cls(said, bool(is_revoked))
        except ValueError:
            raise StoreDamaged("The store's countersignatures cannot be read.") from None


class CountersignedKeeper:
    """The countersignatures that this member knows of."""

    def __init__(
        self, transport: Transport, facts: FactKeeper, *, store: Store, workers: Workers, clock: Clock
    ) -> None:
        self._transport = transport
        self._facts = facts
        self._store = store
        self._workers = workers
        self._clock = clock
        self._read_at = 0
        self._reading: asyncio.Task[None] | None = None

    def standing(self, substance_sha256: bytes) -> Standing | None:
        """Give what is known of a claim's substance; None where no liaison stands behind it. Blocks."""
        kept = self._store.get(Shelf.COUNTERSIGNED, _OF_CLAIM + substance_sha256)
        return None if kept is None else Standing.from_bytes(kept)

    async def bring_up(self, *, now: bool = False) -> None:
        """Read what is new, where that was not done lately or is asked for; a moment at most, and raises nothing."""
        if not now and abs(self._clock.now_ms() - self._read_at) < LIFE_MS:
            return
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read(), name="alliance-countersignatures")
        await asyncio.wait({self._reading}, timeout=PATIENCE_SECONDS)

    async def close(self) -> None:
        """End what is under way."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)

    async def _read(self) -> None:
        try:
            await self._read_all()
            self._read_at = self._clock.now_ms()
        except AllianceClientError as error:
            _log.warning("countersignatures were not read: %s", type(error).__name__)

    async def _read_all(self) -> None:
        upto = await self._workers.disk(self._upto)
        directory = (await self._facts.now()).directory
        while True:
            page = await self._page(upto)
            if any(directory.liaison_key(name) is None for name in _signers(page.statements)):
                directory = await self._facts.refresh_directory()
            read = await self._workers.cpu(_verified, page.statements, directory)
            upto = page.upto
            await self._workers.disk(self._keep, read, upto)
            if upto >= page.newest:
                return

    async def _page(self, after: int) -> ListCountersignaturesResponse:
        page = await self._transport.ask(
            lambda channel: CountersignatureServiceStub(channel).ListCountersignatures,
            ListCountersignaturesRequest(after=after),
        )
        goes_on = page.after < page.upto or page.upto == page.newest
        fits = page.after in (after, 0) and page.after <= page.upto <= page.newest and goes_on
        if not fits or len(page.statements) > MAX_STATEMENTS:
            raise HubError("The hub's countersignatures leave a gap, or do not end.")
        return page

    def _upto(self) -> int:
        kept = self._store.get(Shelf.COUNTERSIGNED, _UPTO)
        return 0 if kept is None else int(kept)

    def _keep(self, read: Sequence["Countersigned | _Revoked"], upto: int) -> None:
        """Write down what a page says, and how far it goes."""
        names = [_OF_CLAIM + it.substance_sha256 for it in read]
        known = {
            name: Standing.from_bytes(kept)
            for name, kept in zip(names, self._store.get_many(Shelf.COUNTERSIGNED, names), strict=True)
            if kept is not None
        }
        for name, it in zip(names, read, strict=True):
            before = known.get(name)
            if isinstance(it, Countersigned):
                known[name] = before if before is not None and before.is_revoked else Standing(it, is_revoked=False)
            elif before is not None and before.said.liaison == it.liaison:
                known[name] = Standing(before.said, is_revoked=True)
        writes: list[Write] = [
            (Shelf.COUNTERSIGNED, name, it.to_bytes(), it.said.time + LONGEST_LIFE_MS) for name, it in known.items()
        ]
        self._store.put_many([*writes, (Shelf.COUNTERSIGNED, _UPTO, b"%d" % upto, None)])


@dataclass(frozen=True, slots=True)
class _Revoked:
    """What a liaison took back."""

    substance_sha256: bytes
    liaison: str


def _signers(signed: Sequence[SignedStatement]) -> set[str]:
    """Give who signed, as far as it can be read."""
    names = set()
    for statement in signed:
        try:
            names.add(said_by(statement))
        except SignatureInvalid:
            continue
    return names


def _verified(signed: Sequence[SignedStatement], directory: Directory) -> list[Countersigned | _Revoked]:
    """Give what liaisons of the directory signed; the rest is left out."""
    read: list[Countersigned | _Revoked] = []
    for statement in signed:
        try:
            read.append(_said(statement, directory))
        except SignatureInvalid as error:
            _log.error("the hub tells a countersignature that is none: %s", error)
    return read


def _said(statement: SignedStatement, directory: Directory) -> Countersigned | _Revoked:
    key = directory.liaison_key(said_by(statement))
    if key is None:
        raise SignatureInvalid("nobody of that name is a liaison")
    if statement.type == COUNTERSIGNATURE:
        return read_countersignature(statement, key)
    if statement.type != COUNTERSIGNATURE_REVOCATION:
        raise SignatureInvalid("the statement is of another type")
    revoked = read_revocation(statement, key)
    return _Revoked(revoked.substance_sha256, revoked.liaison)
