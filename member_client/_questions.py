"""A batch of subjects as questions: canonical forms, refusals, consent, and verdicts once answers are there. No I/O.

A field's place is its index among all fields of the batch; an item is one identifier to be evaluated, and its index is
that of its input and of its tag. A field that nobody listed costs its share of a verdict and nothing else.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import accumulate

from alliance.crypto.tagging import Tags
from alliance.identifiers import Kind, Reason
from alliance.taxonomy import Purpose
from member_client import _consents, verdicts
from member_client._buckets import Found, Hit
from member_client._canonical import Canon
from member_client._cover import Cover
from member_client._development import settled_here
from member_client._filter import LiveFilter
from member_client.errors import HubUnavailable
from member_client.subjects import FIELDS, Consent, Subject
from member_client.verdicts import FieldVerdict, Match, OnUnavailable, State, Verdict


@dataclass(frozen=True, slots=True, repr=False)
class Batch:
    """Subjects with their fields, the inputs to be evaluated, and the consent digests to be committed to."""

    subjects: Sequence[tuple[str, int]]
    """References, and how many fields each has."""
    fields: Sequence[str]
    """By place: the field's name."""
    refusals: Mapping[int, str]
    """By place: why a field was refused."""
    inputs: Sequence[bytes]
    places: Sequence[int]
    """By item: the place of its field."""
    digests: tuple[bytes, ...]
    magic: Mapping[int, tuple[State, str]] = field(default_factory=dict)
    """By place: state and reason of a magic identifier that the hub is not asked about."""

    def verdicts(
        self,
        found: Mapping[int, Sequence[Found]],
        doubts: Mapping[int, str],
        on_unavailable: OnUnavailable,
        request_id: str,
    ) -> list[Verdict]:
        """Judge every subject by believed claims and doubts, both by place; a field that has neither is clear."""

        def judge(place: int) -> FieldVerdict:
            name = self.fields[place]
            matches = [Match.of(name, one.claim, one.status) for one in found.get(place, ())]
            return verdicts.field_verdict(name, FIELDS[name][0], matches, doubts.get(place, ""))

        answers = {place: judge(place) for place in found.keys() | doubts.keys()}
        return self._judged(answers, on_unavailable, request_id)

    def unknown(self, reason: str, on_unavailable: OnUnavailable, request_id: str) -> list[Verdict]:
        """Judge every subject where nothing could be asked."""
        answers = {place: self._field(place, State.UNKNOWN, reason) for place in self.places}
        return self._judged(answers, on_unavailable, request_id)

    def inputs_of(self, subjects: Iterable[int]) -> list[dict[str, bytes]]:
        """Give the inputs of some subjects by their fields; a subject is named by its place in the batch."""
        ends = [0, *accumulate(count for _, count in self.subjects)]
        bounds = ([bisect_left(self.places, end) for end in ends[subject : subject + 2]] for subject in subjects)
        return [{self.fields[self.places[it]]: self.inputs[it] for it in range(*bound)} for bound in bounds]

    def _field(self, place: int, state: State, reason: str) -> FieldVerdict:
        name = self.fields[place]
        return FieldVerdict(name, FIELDS[name][0], state, reason)

    def _judged(
        self, answers: Mapping[int, FieldVerdict], on_unavailable: OnUnavailable, request_id: str
    ) -> list[Verdict]:
        if on_unavailable == "raise" and any(state is not State.REFUSED for state, _ in self.magic.values()):
            raise HubUnavailable("The hub could not be asked in time.")
        refused = {place: self._field(place, State.REFUSED, reason) for place, reason in self.refusals.items()}
        played = {place: self._field(place, state, reason) for place, (state, reason) in self.magic.items()}
        known = {**answers, **refused, **played}
        ahead = iter([*sorted(known), len(self.fields)])
        next_known = next(ahead)
        judged: list[Verdict] = []
        end = 0
        for ref, count in self.subjects:
            place, end = end, end + count
            fields = clear_fields(tuple(self.fields[place:end]))
            if end <= next_known and fields:
                judged.append(verdicts.clear(ref, fields, request_id, len(judged)))
                continue
            answered = [known.get(place + index, field) for index, field in enumerate(fields)]
            judged.append(
                verdicts.verdict(ref, answered, on_unavailable=on_unavailable, request_id=request_id, place=len(judged))
            )
            while next_known < end:
                next_known = next(ahead)
        return judged


@lru_cache(maxsize=1024)
def clear_fields(names: tuple[str, ...]) -> tuple[FieldVerdict, ...]:
    """Give the verdicts of fields that nobody listed: made once for all subjects that have the same fields."""
    return tuple(FieldVerdict(name, FIELDS[name][0], State.CLEAR) for name in names)


def check_consent(subjects: Iterable[Subject], purpose: Purpose, consent: Consent | None) -> None:
    """Raise ConsentMissing where a subject lacks what the purpose needs."""
    own = [subject.consent for subject in subjects]
    if own:
        _consents.needed(purpose, own, consent)


def canonical_batch(subjects: Iterable[Subject], purpose: Purpose, consent: Consent | None, canon: Canon) -> Batch:
    """Bring every field into its canonical form or refuse it: arithmetic for a worker."""
    rows: list[tuple[str, int]] = []
    fields: list[str] = []
    refusals: dict[int, str] = {}
    inputs: list[bytes] = []
    places: list[int] = []
    consents: list[Consent | None] = []
    magic: dict[int, tuple[State, str]] = {}
    texts: list[tuple[Kind, str]] = []
    of_fields: list[Consent | None] = []
    for subject in subjects:
        rows.append((subject.ref, subject.field_count()))
        for name, kind, text in subject.fields():
            fields.append(name)
            texts.append((kind, text))
            of_fields.append(subject.consent)
    for place, form in enumerate(canon.forms(texts)):
        if isinstance(form, Reason):
            refusals[place] = form.value
        elif (settled := settled_here(form, canon.alliance)) is not None:
            magic[place] = settled
        else:
            inputs.append(form.input_bytes)
            places.append(place)
            consents.append(of_fields[place])
    digests = _consents.needed(purpose, consents, consent) if inputs else ()
    return Batch(rows, fields, refusals, inputs, places, digests, magic)


@dataclass(frozen=True, slots=True, repr=False)
class Looked:
    """Tags after a look into the filter: the hits, and the prefixes that are fetched beside theirs as cover."""

    epoch: int
    prefix_bits: int
    hits: tuple[Hit, ...]
    cover: frozenset[int]


def looked_up(batch: Batch, tags: Tags, live: LiveFilter, cover: Cover) -> Looked:
    """Look a batch's tags up in the filter: arithmetic for a worker. Equal tags make one hit of several places."""
    bits = live.header.prefix_bits
    hit_items = live.hits(tags.packed)
    by_tag: dict[bytes, list[int]] = {}
    for item in hit_items:
        by_tag.setdefault(tags.tag(item), []).append(item)
    hits = []
    for tag, items in by_tag.items():
        places = tuple(batch.places[item] for item in items)
        hits.append(Hit(FIELDS[batch.fields[places[0]]][0], tag, tags.label_key(items[0]), places))
    return Looked(live.header.epoch, bits, tuple(hits), cover.prefixes(tags.packed, frozenset(hit_items), bits))
