"""Contributors look at some of their own entries, as any reader does, and say so where one is kept from readers.

Rules:

1. What is looked at is drawn at random from what this machine filed, so that a hub cannot know what it may leave out.
2. The hub sees what it sees of a reader who follows a book: buckets that are fetched with decoys, at no time of its
   choosing. It is asked about a claim by its entry id only once something is missing.
3. An entry is served where the filter holds its tag, and its bucket has it with the claim, handle and box that were
   filed and a status that lives. What is missing is looked for once more after a while: filters are a moment behind.
4. A claim that has ended is missing rightly: this member signed its end, or a reviewed dispute ended it, or its time is
   over, which this machine knows by itself. A claim that the hub does not know is told apart: another machine of this
   member may have withdrawn it a month ago.
"""

import asyncio
import hmac
import logging
import os
import secrets
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

from alliance.crypto import bloom
from alliance.errors import SignatureInvalid
from alliance.taxonomy import LIVE_STATUSES, ClaimStatus
from alliance.v1.bucket_pb2 import BucketEntry
from member_client._buckets import read_status
from member_client._deadline import Deadline
from member_client._filter import LiveFilter
from member_client._journal import Journal, Standing, sealed_digest
from member_client._leading import leading
from member_client._session import Session
from member_client.errors import (
    AllianceClientError,
    BucketOverfull,
    EntryOmitted,
    FilterChanged,
    HubUnavailable,
    NotFound,
)
from member_client.own_claims import OwnClaims

GRACE_SECONDS: Final = 90.0
"""Until what is missing is looked for once more: three heartbeats of a filter."""
FETCH_SECONDS: Final = 60.0
EVERY_SECONDS: Final = 3600.0
FIRST_SECONDS: Final = 60.0
"""A client that is open for less leaves it to others."""
SAMPLE: Final = 4
MAX_SAMPLE: Final = 1000
_POINT_BYTES: Final = 32
_CHANGES: Final = 4
_NAMED: Final = 10
_LOCK: Final = "entries.lock"

_log = logging.getLogger("member_client.entries")


@dataclass(frozen=True, slots=True)
class EntryReport:
    """What became of a sample of this member's entries: how many readers are served, and which they are not.

    `ended` are over, and rightly missing. Of `unknown` this machine cannot say how they must look: they are in no
    filter that serves, or were filed by another release. `gone` the hub does not know any more.
    """

    served: int = 0
    ended: int = 0
    unknown: int = 0
    gone: tuple[bytes, ...] = ()
    omitted: tuple[bytes, ...] = ()

    @property
    def looked_at(self) -> int:
        """How many were drawn."""
        return self.served + self.ended + self.unknown + len(self.gone) + len(self.omitted)


def served(report: EntryReport) -> EntryReport:
    """Give a report, or raise EntryOmitted with the entries that are kept from readers."""
    if report.omitted:
        raise EntryOmitted(
            f"The hub keeps {len(report.omitted)} of {report.looked_at} own entries from readers: "
            + ", ".join(it.hex() for it in report.omitted[:_NAMED]),
            report.omitted,
        )
    return report


class OwnEntries:
    """The look at this member's own entries."""

    def __init__(self, session: Session, grace_seconds: float | None = None) -> None:
        self._session = session
        self._journal = Journal(session.store)
        self._grace = GRACE_SECONDS if grace_seconds is None else grace_seconds

    async def check(self, sample: int) -> EntryReport:
        """Look at up to so many; raises what calls raise, and writes down what is kept from readers."""
        point, now = os.urandom(_POINT_BYTES), self._session.clock.now_ms()
        drawn = await self._session.workers.disk(self._journal.sample, point, sample, now)
        by_epoch, unknown = await self._by_epoch(drawn)
        missing = await self._missing(by_epoch)
        left, ended, gone = await self._excused(missing)
        if left:
            await asyncio.sleep(self._grace)
            again, _ = await self._by_epoch(left)
            left, also_ended, also_gone = await self._excused(await self._missing(again))
            ended, gone = ended + also_ended, gone + also_gone
            if left:
                await self._session.workers.disk(self._journal.note_omitted, left)
        served = len(drawn) - unknown - ended - len(gone) - len(left)
        return EntryReport(served, ended, unknown, tuple(gone), tuple(it.entry_id for it in left))

    async def follow(self) -> None:
        """Look at some at random times, for as long as it is let."""
        while True:
            await asyncio.sleep(secrets.SystemRandom().uniform(FIRST_SECONDS, 2 * EVERY_SECONDS))
            with leading(self._session.profile.state_folder / _LOCK) as is_leading:
                if is_leading:
                    await self._look()

    async def _look(self) -> None:
        try:
            report = await self.check(SAMPLE)
        except AllianceClientError as error:
            _log.info("own entries were not looked at: %s", type(error).__name__)
            return
        if report.omitted:
            counts = len(report.omitted), report.looked_at
            _log.error("%d of %d own entries are kept from readers: member-client audit entries", *counts)

    async def _by_epoch(self, drawn: Sequence[Standing]) -> tuple[dict[int, list[Standing]], int]:
        """Sort entries by the epochs whose filters serve; gives how many are of none, or not described here."""
        epochs = (await self._session.facts.now()).epochs
        serving = {it.id for it in (epochs.active, epochs.leaving) if it is not None}
        sorted_ones: dict[int, list[Standing]] = {}
        for it in drawn:
            if it.shown is not None and it.shown.epoch in serving:
                sorted_ones.setdefault(it.shown.epoch, []).append(it)
        return sorted_ones, len(drawn) - sum(map(len, sorted_ones.values()))

    async def _missing(self, by_epoch: dict[int, list[Standing]]) -> list[Standing]:
        """Give those that readers do not find."""
        missing: list[Standing] = []
        for epoch, entries in by_epoch.items():
            missing += await self._missing_in(epoch, entries)
        return missing

    async def _missing_in(self, epoch: int, entries: Sequence[Standing]) -> list[Standing]:
        keeper = await self._session.keeper(epoch)
        for _ in range(_CHANGES):
            await keeper.refresh()
            if keeper.live is None:
                break
            try:
                return await self._looked_up(epoch, entries, keeper.live)
            except FilterChanged:
                continue
        raise HubUnavailable("The filter changed again and again while own entries were looked for.")

    async def _looked_up(self, epoch: int, entries: Sequence[Standing], live: LiveFilter) -> list[Standing]:
        tags = [it.shown.tag for it in entries if it.shown is not None]
        held = await self._session.workers.cpu(live.hits, b"".join(tags))
        bits = live.header.prefix_bits
        prefixes = {bloom.prefix_of(tags[place], bits) for place in held}
        decoys = self._session.cover.decoys(b"".join(tags[place] for place in held), bits)
        wanted, found = {it.entry_id for it in entries}, dict[bytes, BucketEntry]()
        deadline = Deadline.after(FETCH_SECONDS)
        fetching = self._session.fetcher.buckets(epoch, bits, sorted(prefixes | decoys), deadline)
        try:
            async with aclosing(fetching) as buckets:
                async for bucket in buckets:
                    found.update((it.entry_id, it) for it in bucket if it.entry_id in wanted)
        except BucketOverfull as error:
            raise HubUnavailable("A bucket of own entries is overfull.") from error
        in_filter = {entries[place].entry_id for place in held}
        return [it for it in entries if it.entry_id not in in_filter or not self._is_served(it, found.get(it.entry_id))]

    def _is_served(self, standing: Standing, entry: BucketEntry | None) -> bool:
        """Say whether an entry is the one that was filed, and no status keeps readers from it."""
        shown = standing.shown
        if entry is None or shown is None:
            return False
        try:
            lives = not entry.HasField("status") or (
                read_status(entry.status, self._session.hub.key, entry.entry_id) in LIVE_STATUSES
            )
        except SignatureInvalid:
            return False
        is_same = hmac.compare_digest(sealed_digest(entry.handle, entry.box), shown.sealed_sha256)
        return lives and is_same and hmac.compare_digest(entry.claim_sha256, shown.claim_sha256)

    async def _excused(self, missing: Sequence[Standing]) -> tuple[list[Standing], int, list[bytes]]:
        """Ask the hub about what is missing; gives what it says lives, how many have ended, and what it does not know.

        An end counts where it is signed, which `OwnClaims` holds it against; that a claim expired this machine knows.
        """
        left: list[Standing] = []
        ended, gone = 0, list[bytes]()
        for it in missing:
            try:
                claim = await OwnClaims(self._session).one(it.entry_id)
            except NotFound:
                gone.append(it.entry_id)
                continue
            is_over = claim.status not in LIVE_STATUSES and claim.status is not ClaimStatus.EXPIRED
            if is_over or claim.expires_at <= self._session.clock.now_ms() or claim.entry_id != it.entry_id:
                ended += 1
            else:
                left.append(it)
        return left, ended, gone
