"""One batch of subjects on its way to its verdicts.

What fails is contained where it can be: a bad field in its field, an entry in its field, a hub that is away in what
`on_unavailable` says. Integrity errors, denials and misuse are raised.

`run` may be called again after it left something open: what was blinded is then sent again as the same request, and
what was derived is not asked for again, so that a repetition is charged once.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence

from alliance.crypto.tagging import Tags
from alliance.taxonomy import Purpose
from member_client import verdicts
from member_client._buckets import Fault, Found, matches_by_place
from member_client._deadline import Deadline
from member_client._evaluation import Prepared, prepared
from member_client._facts import Facts
from member_client._filter import FilterKeeper
from member_client._questions import Batch, Looked, canonical_batch, check_consent, looked_up
from member_client._session import Session
from member_client.errors import EpochNotServed, FilterChanged, HubUnavailable
from member_client.subjects import Consent, Subject
from member_client.verdicts import OnUnavailable, Verdict

_log = logging.getLogger("member_client.screening")


class _LeftOpen(Exception):
    """Ends a run with one reason for all its fields."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Attempt:
    """A batch of up to 4,096 identifiers for one purpose."""

    def __init__(
        self,
        session: Session,
        subjects: Sequence[Subject],
        purpose: Purpose,
        consent: Consent | None,
        on_unavailable: OnUnavailable,
    ) -> None:
        """Take subjects; raises ConsentMissing before anything else happens."""
        check_consent(subjects, purpose, consent)
        self._session = session
        self._subjects = subjects
        self._purpose = purpose
        self._consent = consent
        self._on_unavailable = on_unavailable
        self._forget()

    def _forget(self) -> None:
        self._keeper: FilterKeeper | None = None
        self._batch: Batch | None = None
        self._prepared: Prepared | None = None
        self._evaluating: asyncio.Task[Tags] | None = None

    async def run(self, deadline: Deadline) -> list[Verdict]:
        """Give the verdicts, in order; raises HubUnavailable where `on_unavailable` says so."""
        try:
            try:
                return await self._run(deadline)
            except EpochNotServed:
                # The epoch changed since the facts were fetched: once more under the one that serves now.
                self._forget()
                async with deadline.scope():
                    await self._session.facts.refresh()
                return await self._run(deadline)
        except TimeoutError as error:
            return await self._unknown(self._why_late(), error)
        except HubUnavailable as error:
            _log.info("a batch stays unknown: %s", type(error).__name__)
            return await self._unknown(verdicts.HUB_UNAVAILABLE, error)
        except _LeftOpen as end:
            return await self._unknown(end.reason, end)

    def abandon(self) -> None:
        """Stop what is still under way."""
        if self._evaluating is not None:
            self._evaluating.cancel()

    # -- steps ---------------------------------------------------------------------------------------------------

    async def _run(self, deadline: Deadline) -> list[Verdict]:
        async with deadline.scope():
            facts = await self._session.facts.now()
            batch = await self._canonical(facts)
            if not batch.items:
                return self._judged(batch, {}, {})
            keeper = await self._fresh_keeper(facts)
            tags = await self._tags(batch, facts, deadline)
            looked = await self._looked(batch, tags, keeper)
        try:
            async with deadline.scope():
                found, faults = await self._confirmed(batch, tags, looked, facts, keeper, deadline)
        except (HubUnavailable, TimeoutError, _LeftOpen) as error:
            return self._unconfirmed(batch, looked, error)
        self._session.confirmer.report(faults)
        doubts = {place: verdicts.INTEGRITY for fault in faults for place in fault.hit.places}
        return self._judged(batch, matches_by_place(found), doubts)

    async def _canonical(self, facts: Facts) -> Batch:
        if self._batch is None:
            self._batch = await self._session.workers.cpu(
                canonical_batch,
                self._subjects,
                self._purpose,
                self._consent,
                self._session.profile.default_region,
                facts.suppression,
            )
        return self._batch

    async def _fresh_keeper(self, facts: Facts) -> FilterKeeper:
        """Give the filter's keeper; nothing is evaluated that no fresh filter can answer."""
        keeper = self._keeper = await self._session.keeper(facts.epoch.id)
        try:
            await keeper.ensure_fresh()
        except HubUnavailable:
            if not keeper.is_fresh():
                raise _LeftOpen(verdicts.STALE if keeper.live else verdicts.HUB_UNAVAILABLE) from None
        return keeper

    async def _tags(self, batch: Batch, facts: Facts, deadline: Deadline) -> Tags:
        """Have the tags derived. A reply is believed once: who stops waiting finds it here when asking again."""
        if self._prepared is not None and self._prepared.epoch.id != facts.epoch.id:
            self._prepared, self._evaluating = None, None
        if self._prepared is None:
            inputs = [item.input_bytes for item in batch.items]
            self._prepared = await self._session.workers.cpu(
                prepared, inputs, batch.digests, self._purpose, facts.epoch
            )
        task = self._evaluating
        if task is None or (task.done() and (task.cancelled() or task.exception() is not None)):
            work = self._session.evaluator.evaluate(self._prepared, deadline)
            task = self._evaluating = asyncio.create_task(work, name="alliance-evaluation")
            task.add_done_callback(lambda done: done.cancelled() or done.exception())
        return await asyncio.shield(task)

    async def _looked(self, batch: Batch, tags: Tags, keeper: FilterKeeper) -> Looked:
        """Look the tags up in a filter that is still fresh when it is done."""
        live = keeper.live
        if live is None:
            raise _LeftOpen(verdicts.STALE)
        looked = await self._session.workers.cpu(looked_up, batch, tags, live)
        if self._session.clock.now_ms() >= live.fresh_until():
            raise _LeftOpen(verdicts.STALE)
        return looked

    async def _confirmed(
        self, batch: Batch, tags: Tags, looked: Looked, facts: Facts, keeper: FilterKeeper, deadline: Deadline
    ) -> tuple[list[Found], list[Fault]]:
        confirmer = self._session.confirmer
        try:
            return await confirmer.confirmed(looked, facts, deadline)
        except FilterChanged:
            # Prefixes are cut as the header in force says: take the new one, and look again.
            await keeper.refresh()
            return await confirmer.confirmed(await self._looked(batch, tags, keeper), facts, deadline)

    # -- endings -------------------------------------------------------------------------------------------------

    def _judged(self, batch: Batch, found: Mapping[int, Sequence[Found]], doubts: Mapping[int, str]) -> list[Verdict]:
        return batch.verdicts(found, doubts, self._on_unavailable, self._request_id())

    def _unconfirmed(self, batch: Batch, looked: Looked, cause: Exception) -> list[Verdict]:
        if self._on_unavailable == "raise" and looked.hits:
            raise HubUnavailable("The hub's buckets cannot be had: hits stay unconfirmed.") from cause
        doubts = {place: verdicts.BUCKET_UNAVAILABLE for hit in looked.hits for place in hit.places}
        return self._judged(batch, {}, doubts)

    async def _unknown(self, reason: str, cause: Exception) -> list[Verdict]:
        if self._on_unavailable == "raise":
            raise HubUnavailable("The hub could not be asked in time.") from cause
        # Where not even the list in force is known, the built-in rules tell what is no identifier at all.
        batch = self._batch
        if batch is None:
            batch = await self._session.workers.cpu(
                canonical_batch, self._subjects, self._purpose, self._consent, self._session.profile.default_region
            )
        return batch.unknown(reason, self._on_unavailable, self._request_id())

    def _why_late(self) -> str:
        keeper = self._keeper
        is_stale = keeper is not None and keeper.live is not None and not keeper.is_fresh()
        return verdicts.STALE if is_stale else verdicts.DEADLINE

    def _request_id(self) -> str:
        return self._prepared.request_id.hex() if self._prepared else ""


def unasked(
    subjects: Sequence[Subject],
    purpose: Purpose,
    consent: Consent | None,
    default_region: str,
    on_unavailable: OnUnavailable,
    cause: Exception,
) -> list[Verdict]:
    """Give the verdicts of subjects for whom the time ran out before anything was open."""
    check_consent(subjects, purpose, consent)
    if on_unavailable == "raise":
        raise HubUnavailable("The hub could not be asked in time.") from cause
    return canonical_batch(subjects, purpose, consent, default_region).unknown(verdicts.DEADLINE, on_unavailable, "")
