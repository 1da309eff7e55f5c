"""One batch of subjects on its way to its verdicts.

What fails is contained where it can be: a bad field in its field, an entry in its field, a hub that is away in what
`on_unavailable` says. Integrity errors, denials and misuse are raised.

`run` may be called again after it left something open: what was blinded is then sent again as the same request, and
what was derived is not asked for again, so that a repetition is charged once.
"""

import logging
from collections.abc import Mapping, Sequence

from alliance.crypto.tagging import Tags
from alliance.taxonomy import Purpose
from member_client import verdicts
from member_client._buckets import Found, matches_by_place
from member_client._canonical import Canon
from member_client._deadline import Deadline
from member_client._evaluation import Prepared, Reply, prepared
from member_client._facts import Facts
from member_client._filter import FilterKeeper, LiveFilter
from member_client._questions import Batch, Looked, canonical_batch, check_consent, looked_up
from member_client._runs import RunBatch
from member_client._session import Session
from member_client.config import Profile
from member_client.errors import EpochNotServed, FilterChanged, HubUnavailable
from member_client.subjects import Consent, Subject
from member_client.verdicts import OnUnavailable, Verdict

_log = logging.getLogger("member_client.screening")


class _Stale(Exception):
    """No filter is fresh enough to clear anybody."""


class Attempt:
    """A batch of up to 4,096 identifiers for one purpose."""

    def __init__(
        self,
        session: Session,
        subjects: Sequence[Subject],
        purpose: Purpose,
        consent: Consent | None,
        on_unavailable: OnUnavailable,
        record: RunBatch | None = None,
    ) -> None:
        """Take subjects; raises ConsentMissing before anything else happens.

        With `record`, what is sent is written down there first, and sent again as it was where it is there already.
        """
        check_consent(subjects, purpose, consent)
        self._record = record
        self._session = session
        self._subjects = subjects
        self._identifiers = sum(subject.field_count() for subject in subjects)
        self._purpose = purpose
        self._consent = consent
        self._on_unavailable = on_unavailable
        self._keeper: FilterKeeper | None = None
        self._forget()

    def _forget(self) -> None:
        self._batch: Batch | None = None
        self._request: Prepared | None = None
        self._tags: Tags | None = None
        self._looked: Looked | None = None

    async def run(self, deadline: Deadline) -> list[Verdict]:
        """Give the verdicts, in order; raises HubUnavailable where `on_unavailable` says so."""
        self._looked = None
        try:
            async with deadline.scope():
                try:
                    return await self._settled(deadline)
                except EpochNotServed:
                    # The epoch changed since the facts were fetched: once more under the one that serves now.
                    self._forget()
                    await self._session.facts.refresh()
                    return await self._settled(deadline)
        except (HubUnavailable, TimeoutError, _Stale) as cause:
            return await self._left_open(cause)

    # -- steps ---------------------------------------------------------------------------------------------------

    async def _settled(self, deadline: Deadline) -> list[Verdict]:
        session = self._session
        facts = await session.facts.now()
        batch, request = await session.workers.computed(self._identifiers, self._blinded, facts)
        if request is None:
            return self._judged(batch, {}, {})
        keeper = self._keeper = await self._fresh_keeper(facts)
        reply = await self._asked(request, deadline) if self._tags is None else None
        looked = await self._look(batch, request, reply, keeper)
        try:
            found, faults = await session.confirmer.confirmed(looked, facts, deadline)
        except FilterChanged:
            # Prefixes are cut as the header in force says: take the new one, and look again.
            await keeper.refresh()
            looked = await self._look(batch, request, None, keeper)
            found, faults = await session.confirmer.confirmed(looked, facts, deadline)
        session.confirmer.report(faults)
        doubts = {place: verdicts.INTEGRITY for fault in faults for place in fault.hit.places}
        return self._judged(batch, matches_by_place(found), doubts)

    def _blinded(self, facts: Facts) -> tuple[Batch, Prepared | None]:
        """Make fields canonical and blind them, as far as no earlier run did; nothing is blinded if all are refused."""
        batch = self._batch = self._batch or self._canonical(facts)
        if batch.inputs and (self._request is None or self._request.epoch.id != facts.epoch.id):
            earlier = self._record and self._record.asked_before(batch.inputs, self._purpose, facts.epoch)
            self._request = earlier or prepared(batch.inputs, batch.digests, self._purpose, facts.epoch)
            self._tags = None
        return batch, self._request

    def _canonical(self, facts: Facts | None) -> Batch:
        return canonical_batch(self._subjects, self._purpose, self._consent, self._session.canon(facts))

    async def _asked(self, request: Prepared, deadline: Deadline) -> Reply:
        if self._record is not None:
            await self._record.asked(request)
        return await self._session.evaluator.asked(request, deadline)

    async def _fresh_keeper(self, facts: Facts) -> FilterKeeper:
        """Give the filter's keeper; nothing is evaluated that no fresh filter can answer."""
        keeper = self._keeper = await self._session.keeper(facts.epoch.id)
        try:
            await keeper.ensure_fresh()
        except HubUnavailable:
            if keeper.live is None:
                raise
            if not keeper.is_fresh():
                raise _Stale from None
        return keeper

    async def _look(self, batch: Batch, request: Prepared, reply: Reply | None, keeper: FilterKeeper) -> Looked:
        """Look the tags up in a filter that is still fresh when it is done."""
        live = keeper.live
        if live is None:
            raise _Stale
        looked = await self._session.workers.computed(self._identifiers, self._read, batch, request, reply, live)
        if self._session.clock.now_ms() >= live.fresh_until():
            raise _Stale
        self._looked = looked
        return looked

    def _read(self, batch: Batch, request: Prepared, reply: Reply | None, live: LiveFilter) -> Looked:
        """Derive the tags from a reply, once, and look them up. A later run finds them here."""
        if reply is not None:
            self._tags = request.finalized(reply)
        assert self._tags is not None  # noqa: S101 - without tags there was a reply
        return looked_up(batch, self._tags, live, self._session.cover)

    # -- endings -------------------------------------------------------------------------------------------------

    def _judged(self, batch: Batch, found: Mapping[int, Sequence[Found]], doubts: Mapping[int, str]) -> list[Verdict]:
        return batch.verdicts(found, doubts, self._on_unavailable, self._request_id())

    async def _left_open(self, cause: Exception) -> list[Verdict]:
        """Give what is known when the hub, the filter or the time does not suffice."""
        _log.info("a batch is left open: %s", type(cause).__name__)
        batch, looked = self._batch, self._looked
        if batch is not None and looked is not None:
            if self._on_unavailable == "raise" and looked.hits:
                raise HubUnavailable("The hub's buckets cannot be had: hits stay unconfirmed.") from cause
            doubts = {place: verdicts.BUCKET_UNAVAILABLE for hit in looked.hits for place in hit.places}
            return self._judged(batch, {}, doubts)
        if self._on_unavailable == "raise":
            raise HubUnavailable("The hub could not be asked in time.") from cause
        # Where not even the list in force is known, the built-in rules tell what is no identifier at all.
        if batch is None:
            batch = await self._session.workers.computed(self._identifiers, self._canonical, None)
        return batch.unknown(self._reason(cause), self._on_unavailable, self._request_id())

    def _reason(self, cause: Exception) -> str:
        if isinstance(cause, HubUnavailable) or self._session.transport.is_failing:
            return verdicts.HUB_UNAVAILABLE
        keeper = self._keeper
        is_stale = keeper is not None and keeper.live is not None and not keeper.is_fresh()
        return verdicts.STALE if is_stale or isinstance(cause, _Stale) else verdicts.DEADLINE

    def _request_id(self) -> str:
        return self._request.request_id.hex() if self._request else ""


def unasked(
    subjects: Sequence[Subject],
    purpose: Purpose,
    consent: Consent | None,
    profile: Profile,
    on_unavailable: OnUnavailable,
    cause: Exception,
) -> list[Verdict]:
    """Give the verdicts of subjects for whom the time ran out before anything was open."""
    check_consent(subjects, purpose, consent)
    if on_unavailable == "raise":
        raise HubUnavailable("The hub could not be asked in time.") from cause
    batch = canonical_batch(subjects, purpose, consent, Canon(profile.default_region, profile.alliance))
    return batch.unknown(verdicts.DEADLINE, on_unavailable, "")
