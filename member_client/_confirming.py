"""Confirms the filter's hits: fetches their buckets with cover, judges the entries, reports what is wrong."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from alliance.v1 import bucket_pb2
from member_client._buckets import Circumstances, Fault, Found, by_prefix, cover_prefixes, judged
from member_client._deadline import Deadline
from member_client._facts import Facts
from member_client._questions import Looked
from member_client.errors import AllianceClientError, HubUnavailable

if TYPE_CHECKING:
    from member_client._session import Session

REPORT_SECONDS: Final = 10.0

_log = logging.getLogger("member_client.buckets")


class Confirmer:
    """What the buckets say, for one member."""

    def __init__(self, session: "Session") -> None:
        self._session = session
        self._reports: set[asyncio.Task[None]] = set()

    async def confirmed(self, looked: Looked, facts: Facts, deadline: Deadline) -> tuple[list[Found], list[Fault]]:
        """Give believed claims and faults about the hits; raises what the bucket call raises."""
        session = self._session
        wanted = by_prefix(looked.hits, looked.prefix_bits)
        cover = await session.workers.cpu(cover_prefixes, looked.misses, session.cover_key, looked.prefix_bits)
        prefixes = sorted(wanted.keys() | cover)
        circumstances = Circumstances(
            epoch=looked.epoch,
            member=session.profile.member,
            hub_key=session.hub_key,
            key_of=facts.directory.key_of,
            now_ms=session.clock.now_ms(),
        )
        found: list[Found] = []
        faults: list[Fault] = []
        async with aclosing(session.fetcher.buckets(looked.epoch, looked.prefix_bits, prefixes, deadline)) as buckets:
            async for prefix, entries in buckets:
                if prefix in wanted:
                    good, bad = await session.workers.cpu(judged, entries, wanted[prefix], circumstances)
                    found += good
                    faults += bad
        if any(fault.unknown_contributor for fault in faults):
            good, faults = await self._with_newer_directory(faults, circumstances)
            found += good
        return found, faults

    async def _with_newer_directory(
        self, faults: Sequence[Fault], circumstances: Circumstances
    ) -> tuple[list[Found], list[Fault]]:
        """Judge entries of unknown contributors once more: one may have joined since the directory was fetched."""
        try:
            directory = await self._session.facts.refresh_directory()
        except HubUnavailable:
            return [], list(faults)
        newer = replace(circumstances, key_of=directory.key_of)
        found: list[Found] = []
        left: list[Fault] = []
        for fault in faults:
            if not fault.unknown_contributor:
                left.append(fault)
                continue
            good, bad = await self._session.workers.cpu(judged, [fault.entry], [fault.hit], newer)
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
            await self._session.fetcher.report(entry_id, finding, Deadline.after(REPORT_SECONDS))
        except AllianceClientError as error:
            _log.warning("an entry could not be reported: %s", type(error).__name__)
