"""Confirms the filter's hits: fetches their buckets with cover, judges the entries, reports what is wrong."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Final

from alliance.clock import Clock
from alliance.v1 import bucket_pb2
from member_client._bucket_fetch import Bucket, BucketFetcher
from member_client._buckets import Circumstances, Fault, Found, Hit, Judged, by_prefix, judged, judged_in_turn
from member_client._countersigned import CountersignedKeeper
from member_client._deadline import Deadline
from member_client._facts import FactKeeper, Facts
from member_client._hub import PinnedHub
from member_client._questions import Looked
from member_client._workers import Workers
from member_client.errors import AllianceClientError, HubUnavailable

REPORT_SECONDS: Final = 10.0
ENTRIES_IN_A_LOT: Final = 4096
"""Entries that are held to be judged together: two megabytes, and one hand-over for dozens of buckets."""

_log = logging.getLogger("member_client.buckets")


class Confirmer:
    """What the buckets say, for one member."""

    def __init__(
        self,
        *,
        member: str,
        hub: PinnedHub,
        fetcher: BucketFetcher,
        facts: FactKeeper,
        countersigned: CountersignedKeeper,
        workers: Workers,
        clock: Clock,
    ) -> None:
        self._countersigned = countersigned
        self._member = member
        self._hub = hub
        self._fetcher = fetcher
        self._facts = facts
        self._workers = workers
        self._clock = clock
        self._reports: set[asyncio.Task[None]] = set()

    async def confirmed(self, looked: Looked, facts: Facts, deadline: Deadline) -> Judged:
        """Give believed claims and faults about the hits; raises what the bucket call raises."""
        if not looked.hits and not looked.cover:
            return [], []
        wanted = by_prefix(looked.hits, looked.prefix_bits)
        circumstances = Circumstances(
            epoch=looked.epoch,
            member=self._member,
            hub_key=self._hub.key,
            key_of=facts.directory.key_of,
            now_ms=self._clock.now_ms(),
            standing_of=self._countersigned.standing,
        )
        await self._countersigned.bring_up()
        found: list[Found] = []
        faults: list[Fault] = []
        async with aclosing(self._lots(looked, wanted, deadline)) as lots:
            async for lot in lots:
                good, bad = await self._workers.cpu(judged_in_turn, lot, circumstances)
                found += good
                faults += bad
        if any(fault.may_be_new for fault in faults):
            good, faults = await self._with_newer_facts(faults, circumstances)
            found += good
        return found, faults

    async def _lots(
        self, looked: Looked, wanted: Mapping[int, Sequence[Hit]], deadline: Deadline
    ) -> AsyncGenerator[list[tuple[Bucket, Sequence[Hit]]], None]:
        """Fetch all buckets, and give those of hits in lots that are worth a hand-over."""
        prefixes = sorted(wanted.keys() | looked.cover)
        lot: list[tuple[Bucket, Sequence[Hit]]] = []
        entries = 0
        async with aclosing(self._fetcher.buckets(looked.epoch, looked.prefix_bits, prefixes, deadline)) as buckets:
            async for bucket in buckets:
                if bucket.prefix not in wanted:
                    continue
                lot.append((bucket, wanted[bucket.prefix]))
                entries += len(bucket)
                if entries >= ENTRIES_IN_A_LOT:
                    yield lot
                    lot, entries = [], 0
        if lot:
            yield lot

    async def _with_newer_facts(self, faults: Sequence[Fault], circumstances: Circumstances) -> Judged:
        """Judge entries once more whose contributor or countersignature is unknown: they may have come since."""
        newer = circumstances
        try:
            if any(fault.unknown_contributor for fault in faults):
                newer = replace(circumstances, key_of=(await self._facts.refresh_directory()).key_of)
        except HubUnavailable:
            return [], list(faults)
        await self._countersigned.bring_up(now=True)
        found: list[Found] = []
        left: list[Fault] = []
        for fault in faults:
            if not fault.may_be_new:
                left.append(fault)
                continue
            good, bad = await self._workers.cpu(judged, [fault.entry], [fault.hit], newer)
            found += good
            left += bad
        return found, left

    def report(self, faults: Sequence[Fault]) -> None:
        """Tell the hub's operator, aside: a verdict does not wait for that."""
        for entry_id, finding in {(fault.entry.entry_id, fault.finding) for fault in faults}:
            _log.error("an entry of the hub is not what it should be: %s", entry_id.hex())
            task = asyncio.create_task(self._reported(entry_id, finding), name="alliance-report")
            self._reports.add(task)
            task.add_done_callback(self._reports.discard)

    async def close(self) -> None:
        """Let reports that are under way end; each is bounded in time."""
        await asyncio.gather(*self._reports, return_exceptions=True)

    async def _reported(self, entry_id: bytes, finding: bucket_pb2.EntryFinding.ValueType) -> None:
        try:
            await self._fetcher.report(entry_id, finding, Deadline.after(REPORT_SECONDS))
        except AllianceClientError as error:
            _log.warning("an entry could not be reported: %s", type(error).__name__)
