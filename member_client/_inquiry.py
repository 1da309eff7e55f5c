"""One batch under one epoch: blinded, asked, looked up in that epoch's filter, confirmed by its buckets.

What was blinded is sent again as the same request, and what was derived is not asked for again, so that a repetition is
charged once.
"""

from alliance.crypto.tagging import Tags
from alliance.taxonomy import Purpose
from member_client._buckets import Judged
from member_client._deadline import Deadline
from member_client._epochs import PinnedEpoch
from member_client._evaluation import Prepared, Reply, prepared
from member_client._facts import Facts
from member_client._filter import FilterKeeper, LiveFilter
from member_client._questions import Batch, Looked, looked_up
from member_client._runs import RunBatch
from member_client._session import Session
from member_client.errors import FilterChanged, HubUnavailable


class Stale(Exception):
    """No filter is fresh enough to clear anybody."""


class Inquiry:
    """A batch's questions under one epoch, and how far they are answered."""

    def __init__(self, session: Session, epoch: PinnedEpoch, identifiers: int) -> None:
        """Take the epoch, and how many identifiers the batch has: what they cost decides where they are computed."""
        self.epoch = epoch
        self.keeper: FilterKeeper | None = None
        self.looked: Looked | None = None
        self._session = session
        self._identifiers = identifiers
        self._request: Prepared | None = None
        self._tags: Tags | None = None

    @property
    def request(self) -> Prepared | None:
        """What is to be sent, and was not answered yet; None where nothing is."""
        return self._request if self._tags is None else None

    @property
    def request_id(self) -> str:
        """Id of the request, hexadecimal; empty before there is one."""
        return self._request.request_id.hex() if self._request else ""

    @property
    def is_stale(self) -> bool:
        """Whether there is a filter and it is too old."""
        return self.keeper is not None and self.keeper.live is not None and not self.keeper.is_fresh()

    def blind(self, batch: Batch, purpose: Purpose, record: RunBatch | None) -> None:
        """Blind the batch, as far as no earlier run did: arithmetic for a worker."""
        if self._request is None:
            earlier = record and record.asked_before(batch.inputs, purpose, self.epoch)
            self._request = earlier or prepared(batch.inputs, batch.digests, purpose, self.epoch)

    async def ensure_fresh(self, reached: int) -> FilterKeeper:
        """Have a fresh filter; nothing is evaluated that no fresh filter can answer. Raises HubUnavailable or Stale.

        Where it is asked alone it must hold all that was re-tagged: `reached` is the sequence from which on it does.
        """
        keeper = self.keeper = await self._session.keeper(self.epoch.id)
        try:
            await keeper.ensure_fresh()
            if keeper.sequence < reached:
                await keeper.refresh()
        except HubUnavailable:
            if keeper.live is None:
                raise
            if not keeper.is_fresh():
                raise Stale from None
        if keeper.sequence < reached:
            raise Stale
        return keeper

    async def look(self, batch: Batch, deadline: Deadline) -> None:
        """Have the batch evaluated, unless it was, and look its tags up; raises Stale and what the call raises."""
        request = self.request
        reply = await self._session.evaluator.asked(request, deadline) if request is not None else None
        self.looked = await self._looked_up(batch, reply)

    async def confirmed(self, batch: Batch, facts: Facts, deadline: Deadline) -> Judged:
        """Give the believed claims about the hits, and the faults."""
        assert self.looked is not None  # noqa: S101 - what was looked up is confirmed
        assert self.keeper is not None  # noqa: S101 - and it was in a filter
        try:
            return await self._session.confirmer.confirmed(self.looked, facts, deadline)
        except FilterChanged:
            # Prefixes are cut as the header in force says: take the new one, and look again.
            await self.keeper.refresh()
            self.looked = await self._looked_up(batch, None)
            return await self._session.confirmer.confirmed(self.looked, facts, deadline)

    async def _looked_up(self, batch: Batch, reply: Reply | None) -> Looked:
        """Look the tags up in a filter that is still fresh when it is done."""
        live = self.keeper.live if self.keeper else None
        if live is None:
            raise Stale
        looked = await self._session.workers.computed(self._identifiers, self._read, batch, reply, live)
        if self._session.clock.now_ms() >= live.fresh_until():
            raise Stale
        return looked

    def _read(self, batch: Batch, reply: Reply | None, live: LiveFilter) -> Looked:
        """Derive the tags from a reply, once, and look them up. A later run finds them here."""
        if reply is not None:
            assert self._request is not None  # noqa: S101 - a reply is to a request
            self._tags = self._request.finalized(reply)
        assert self._tags is not None  # noqa: S101 - without tags there was a reply
        return looked_up(batch, self._tags, live, self._session.cover)
