"""A batch of subjects as questions: canonical forms, refusals, consent, and verdicts once answers are there. No I/O.

An item is one identifier that will be evaluated; its place is its index in the batch, and the index of its tag.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from alliance.crypto.tagging import Tags
from alliance.identifiers import BUILTIN, Identifier, InvalidIdentifier, Kind, canonicalise
from alliance.identifiers import Suppression as SuppressedValues
from alliance.taxonomy import Purpose
from member_client import _consents, verdicts
from member_client._buckets import Found, Hit
from member_client._filter import LiveFilter
from member_client.subjects import Consent, Subject
from member_client.verdicts import FieldVerdict, Match, OnUnavailable, State, Verdict


@dataclass(frozen=True, slots=True)
class Asked:
    """A field of a subject: a place among the items, or the reason why it was refused."""

    field: str
    kind: Kind
    place: int = -1
    refusal: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class Batch:
    """Subjects with their fields, the identifiers to be evaluated, and the consent digests to be committed to."""

    subjects: tuple[tuple[str, tuple[Asked, ...]], ...]
    items: tuple[Identifier, ...]
    digests: tuple[bytes, ...]

    def verdicts(
        self,
        found: Mapping[int, Sequence[Found]],
        doubts: Mapping[int, str],
        on_unavailable: OnUnavailable,
        request_id: str,
    ) -> list[Verdict]:
        """Judge every subject by believed claims and doubts, both by place."""

        def judge(asked: Asked) -> FieldVerdict:
            matches = [Match.of(asked.field, one.claim, one.status) for one in found.get(asked.place, ())]
            return verdicts.field_verdict(asked.field, asked.kind, matches, doubts.get(asked.place, ""))

        return self._judged(judge, on_unavailable, request_id)

    def unknown(self, reason: str, on_unavailable: OnUnavailable, request_id: str) -> list[Verdict]:
        """Judge every subject where nothing could be asked."""
        return self._judged(
            lambda asked: FieldVerdict(asked.field, asked.kind, State.UNKNOWN, reason), on_unavailable, request_id
        )

    def _judged(
        self, judge: Callable[[Asked], FieldVerdict], on_unavailable: OnUnavailable, request_id: str
    ) -> list[Verdict]:
        def field(asked: Asked) -> FieldVerdict:
            if asked.refusal:
                return FieldVerdict(asked.field, asked.kind, State.REFUSED, asked.refusal)
            return judge(asked)

        return [
            verdicts.verdict(ref, [field(one) for one in asked], on_unavailable=on_unavailable, request_id=request_id)
            for ref, asked in self.subjects
        ]


def check_consent(subjects: Sequence[Subject], purpose: Purpose, consent: Consent | None) -> None:
    """Raise ConsentMissing where a subject lacks what the purpose needs."""
    if subjects:
        _consents.needed(purpose, [subject.consent for subject in subjects], consent)


def canonical_batch(
    subjects: Sequence[Subject],
    purpose: Purpose,
    consent: Consent | None,
    default_region: str,
    suppression: SuppressedValues = BUILTIN,
) -> Batch:
    """Bring every field into its canonical form or refuse it: work for a thread."""
    items: list[Identifier] = []
    consents: list[Consent | None] = []
    rows: list[tuple[str, tuple[Asked, ...]]] = []
    for subject in subjects:
        fields: list[Asked] = []
        for name, kind, text in subject.fields():
            try:
                identifier = canonicalise(kind, text, default_region=default_region, suppression=suppression)
            except InvalidIdentifier as refusal:
                fields.append(Asked(name, kind, refusal=refusal.reason.value))
                continue
            fields.append(Asked(name, kind, len(items)))
            items.append(identifier)
            consents.append(subject.consent)
        rows.append((subject.ref, tuple(fields)))
    digests = _consents.needed(purpose, consents, consent) if items else ()
    return Batch(tuple(rows), tuple(items), digests)


@dataclass(frozen=True, slots=True, repr=False)
class Looked:
    """Tags after a look into the filter: hits with their places, and the tags of misses."""

    epoch: int
    prefix_bits: int
    hits: tuple[Hit, ...]
    misses: tuple[bytes, ...]


def looked_up(batch: Batch, tags: Tags, live: LiveFilter) -> Looked:
    """Look a batch's tags up in the filter: work for a thread. Equal tags make one hit of several places."""
    wanted = [tags.tag(place) for place in range(len(tags))]
    places: dict[bytes, list[int]] = {}
    misses: list[bytes] = []
    for place, (tag, is_hit) in enumerate(zip(wanted, live.might_contain_many(wanted), strict=True)):
        if is_hit:
            places.setdefault(tag, []).append(place)
        else:
            misses.append(tag)
    hits = tuple(Hit(batch.items[own[0]].kind, tag, tags.label_key(own[0]), tuple(own)) for tag, own in places.items())
    return Looked(live.header.epoch, live.header.prefix_bits, hits, tuple(misses))
