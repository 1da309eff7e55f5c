"""One batch of subjects on its way to its verdicts.

What fails is contained where it can be: a bad field in its field, an entry in its field, a hub that is away in what
`on_unavailable` says. Integrity errors, denials and misuse are raised.

Where members are re-tagging their claims from one epoch into the next, both are asked: each alone lacks some.

`run` may be called again after it left something open: what was blinded is then sent again as the same request, and
what was derived is not asked for again, so that a repetition is charged once.
"""

import logging
from collections.abc import Mapping, Sequence

from alliance.taxonomy import Purpose
from member_client import verdicts
from member_client._buckets import Found, Judged, matches_by_place
from member_client._canonical import Canon
from member_client._deadline import Deadline
from member_client._epochs import PinnedEpoch
from member_client._facts import Facts
from member_client._inquiry import Inquiry, Stale
from member_client._questions import Batch, canonical_batch, check_consent
from member_client._runs import RunBatch
from member_client._session import Session
from member_client._transport import retried
from member_client.config import Profile
from member_client.errors import EpochNotServed, HubUnavailable
from member_client.subjects import Consent, Subject
from member_client.verdicts import OnUnavailable, Verdict

_log = logging.getLogger("member_client.screening")


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
        self._forget()

    def _forget(self) -> None:
        self._batch: Batch | None = None
        self._inquiries: dict[int, Inquiry] = {}

    async def run(self, deadline: Deadline) -> list[Verdict]:
        """Give the verdicts, in order, once those that are kept are in the log of decisions.

        Raises HubUnavailable where `on_unavailable` says so.
        """
        answer = await self._answer(deadline)
        await self._session.decisions.keep(answer, self._batch, self._purpose, self._on_unavailable)
        return answer

    async def _answer(self, deadline: Deadline) -> list[Verdict]:
        for inquiry in self._inquiries.values():
            inquiry.looked = None
        try:
            async with deadline.scope():
                if not deadline.patient:
                    confirmed = await self._under_epochs_that_serve(deadline)
                else:
                    # Facts and filters are fetched for whoever comes first, impatiently: this batch can wait for them.
                    confirmed = await retried(lambda: self._under_epochs_that_serve(deadline), deadline)
        except (HubUnavailable, TimeoutError, Stale) as cause:
            return await self._left_open(cause)
        return self._settled(*confirmed)

    async def found(self, deadline: Deadline) -> list[Found]:
        """Give the believed claims of others about the batch, with the keys by which they were found.

        Nothing is left open: raises HubUnavailable where the hub, the filter or the time does not suffice.
        """
        try:
            async with deadline.scope():
                _, judged = await self._under_epochs_that_serve(deadline)
        except (TimeoutError, Stale) as cause:
            raise HubUnavailable("The hub could not be asked in time.") from cause
        return [one for found, _ in judged for one in found]

    # -- steps ---------------------------------------------------------------------------------------------------

    async def _under_epochs_that_serve(self, deadline: Deadline) -> tuple[Batch, list[Judged]]:
        try:
            return await self._confirmed(deadline)
        except EpochNotServed:
            # The epoch changed since the facts were fetched: once more under those that serve now.
            self._forget()
            await self._session.facts.refresh()
            return await self._confirmed(deadline)

    def _settled(self, batch: Batch, judged: Sequence[Judged]) -> list[Verdict]:
        doubts = {place: verdicts.INTEGRITY for _, bad in judged for fault in bad for place in fault.hit.places}
        return self._judged(batch, matches_by_place(*(found for found, _ in judged)), doubts)

    async def _confirmed(self, deadline: Deadline) -> tuple[Batch, list[Judged]]:
        """Have the batch asked and confirmed under each epoch; faults are reported."""
        facts, batch, inquiries = await self._prepared()
        if not batch.inputs:
            return batch, []
        if self._record is not None and (requests := [it.request for it in inquiries if it.request is not None]):
            await self._record.asked(requests)
        for inquiry in inquiries:
            await inquiry.look(batch, deadline)
        judged = [await inquiry.confirmed(batch, facts, deadline) for inquiry in inquiries]
        self._session.confirmer.report([fault for _, bad in judged for fault in bad])
        return batch, judged

    async def _prepared(self) -> tuple[Facts, Batch, list[Inquiry]]:
        """Blind the batch for every epoch that must be asked, each with a fresh filter."""
        facts = await self._session.facts.now()
        batch, inquiries = await self._blinded_for(facts)
        if batch.inputs and not await self._have_filters(facts, inquiries):
            # A filter says that its epoch is in another state than was known: others may have to be asked by now.
            facts = await self._session.facts.refresh()
            batch, inquiries = await self._blinded_for(facts)
            await self._have_filters(facts, inquiries)
        return facts, batch, inquiries

    async def _have_filters(self, facts: Facts, inquiries: Sequence[Inquiry]) -> bool:
        """Have a fresh filter of each epoch; says whether none of them tells of a later state than is known here."""
        reached = facts.epoch.filter_sequence if len(inquiries) == 1 else 0
        keepers = [await inquiry.ensure_fresh(reached) for inquiry in inquiries]
        return all((keeper.epoch_state or 0) <= it.epoch.state for keeper, it in zip(keepers, inquiries, strict=True))

    async def _blinded_for(self, facts: Facts) -> tuple[Batch, list[Inquiry]]:
        asked = facts.epochs.screened((await self._session.keeper(facts.epoch.id)).sequence)
        return await self._session.workers.computed(self._identifiers, self._blinded, facts, asked)

    def _blinded(self, facts: Facts, asked: Sequence[PinnedEpoch]) -> tuple[Batch, list[Inquiry]]:
        """Make fields canonical and blind them for each epoch that must be asked; nothing where all are refused."""
        batch = self._batch = self._batch or self._canonical(facts)
        kept = {epoch.id: self._inquiries.get(epoch.id) for epoch in asked}
        self._inquiries = {it.id: kept[it.id] or Inquiry(self._session, it, self._identifiers) for it in asked}
        for inquiry in self._inquiries.values():
            if batch.inputs:
                inquiry.blind(batch, self._purpose, self._record)
        return batch, list(self._inquiries.values())

    def _canonical(self, facts: Facts | None) -> Batch:
        return canonical_batch(self._subjects, self._purpose, self._consent, self._session.canon(facts))

    # -- endings -------------------------------------------------------------------------------------------------

    def _judged(self, batch: Batch, found: Mapping[int, Sequence[Found]], doubts: Mapping[int, str]) -> list[Verdict]:
        return batch.verdicts(found, doubts, self._on_unavailable, self._request_id())

    async def _left_open(self, cause: Exception) -> list[Verdict]:
        """Give what is known when the hub, the filter or the time does not suffice."""
        _log.info("a batch is left open: %s", type(cause).__name__)
        batch, looked = self._batch, [it.looked for it in self._inquiries.values() if it.looked is not None]
        if batch is not None and looked and len(looked) == len(self._inquiries):
            hits = [hit for one in looked for hit in one.hits]
            if self._on_unavailable == "raise" and hits:
                raise HubUnavailable("The hub's buckets cannot be had: hits stay unconfirmed.") from cause
            doubts = {place: verdicts.BUCKET_UNAVAILABLE for hit in hits for place in hit.places}
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
        is_stale = isinstance(cause, Stale) or any(inquiry.is_stale for inquiry in self._inquiries.values())
        return verdicts.STALE if is_stale else verdicts.DEADLINE

    def _request_id(self) -> str:
        return next((inquiry.request_id for inquiry in self._inquiries.values()), "")


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
