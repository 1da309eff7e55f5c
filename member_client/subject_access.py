"""What a person may see about themselves: what members state, what this member stated, asked, and was answered.

Rules:

1. It is searched for the identifiers that the person gave and showed to be theirs, never for a ref: refs repeat.
2. Of an earlier question only those fields are told that these identifiers were in: an application can name several
   people.
3. It names no contributor, accuses nobody, and shows of what the person gave the last characters alone.
4. The search is itself a question to the hub, for the purpose dispute, on the consumer's request.
5. A police case about the person is told once it has ended; before that the answer is what it is without one.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from alliance.cases.templates import FIELD_WORDINGS
from alliance.cases.words import ReleaseOutcome
from alliance.identifiers import Identifier, Kind, Reason
from alliance.notices import KINDS, Language, wording
from alliance.taxonomy import (
    Action,
    Category,
    ClaimStatus,
    EvidenceLevel,
    Ground,
    Purpose,
    SubjectRole,
    Word,
    permitted_action,
)
from member_client import _notices
from member_client._access_words import WORDS, AccessWords
from member_client._cases.answered import AnsweredClaim
from member_client._cases.past import PastInquiry, past_inquiries
from member_client._letters import Letter, Part
from member_client._session import Session
from member_client.decisions import KeptDecision, Revisit
from member_client.errors import InvalidUse
from member_client.finding import found_claims
from member_client.own_claims import OwnClaim
from member_client.subjects import Subject
from member_client.verdicts import Match, State, Verdict

PURPOSE: Final = Purpose.DISPUTE
_SHOWN: Final = 4
_HIDDEN: Final = "…"


@dataclass(frozen=True, slots=True)
class GivenField:
    """An identifier that the person gave: its last characters, and why it could not be read, where it could not."""

    field: str
    kind: Kind
    masked: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class PastQuestion:
    """A question about the person that had an answer which is kept, and what became of its claims since."""

    decision: KeptDecision
    changes: tuple[Revisit, ...] = ()


@dataclass(frozen=True, slots=True)
class SubjectAccess:
    """All that there is; times in milliseconds UTC. `stated` is what other members state, `own` what this one did.

    `inquiries` are police cases that have ended; None where the hub could not be asked about them.
    """

    ref: str
    asked_at: int
    given: tuple[GivenField, ...]
    verdict: Verdict
    own: tuple[OwnClaim, ...]
    past: tuple[PastQuestion, ...]
    inquiries: tuple[PastInquiry, ...] | None = ()

    @property
    def stated(self) -> tuple[Match, ...]:
        """The claims of other members; a screening leaves this member's own out."""
        return self.verdict.matches

    @property
    def is_complete(self) -> bool:
        """Whether every question to the hub was settled."""
        return self.verdict.is_final and self.inquiries is not None

    def letter(self, language: str) -> str:
        """Write the letter to the person, in Markdown; raises InvalidUse for a language other than zh-CN and en."""
        return written(self, _notices.read_language(language)).markdown()

    def pdf(self, language: str) -> bytes:
        """Write the letter as a PDF; raises ConfigurationInvalid without the extra `letters`, and InvalidUse."""
        return written(self, _notices.read_language(language)).pdf()


async def gathered(session: Session, subject: Subject, ask: Callable[[Purpose], Awaitable[Verdict]]) -> SubjectAccess:
    """Gather what there is; `ask` screens the subject. Raises InvalidUse where nothing given is an identifier."""
    fields = list(subject.fields())
    canon = session.canon(await session.facts.now())
    forms = await session.workers.cpu(canon.forms, [(kind, text) for _, kind, text in fields])
    read = [form for form in forms if isinstance(form, Identifier)]
    if not read:
        raise InvalidUse("nothing that was given can be read as an identifier of its kind")
    texts = dict(subject.texts())
    given = [
        GivenField(name, kind, masked(texts[name]), form.value if isinstance(form, Reason) else "")
        for (name, kind, _), form in zip(fields, forms, strict=True)
    ]
    past = [
        await _with_changes(session, it) for it in await session.decisions.of_inputs([it.input_bytes for it in read])
    ]
    own = {
        claim.entry_id: claim
        for (_, kind, text), form in zip(fields, forms, strict=True)
        if isinstance(form, Identifier)
        for claim in await found_claims(session, kind, text)
    }
    verdict = await ask(PURPOSE)
    inquiries = await past_inquiries(session, read, own.values())
    facts = verdict, tuple(own.values()), tuple(past), inquiries
    return SubjectAccess(subject.ref, session.clock.now_ms(), tuple(given), *facts)


async def _with_changes(session: Session, decision: KeptDecision) -> PastQuestion:
    changes = await session.workers.disk(session.decisions.revisits.of, decision)
    return PastQuestion(decision, tuple(changes))


def masked(text: str) -> str:
    """Show the last characters of what somebody gave: four, or fewer where it is short."""
    text = " ".join(text.split())
    shown = _SHOWN if len(text) >= 2 * _SHOWN else len(text) // 5
    return _HIDDEN + text[len(text) - shown :]


# -- the letter ----------------------------------------------------------------------------------------------------


def written(access: SubjectAccess, language: Language) -> Letter:
    """Write the letter."""
    words = WORDS[language]
    writer = _Writer(access, words, language)
    decided, rights = _notices.decision_and_rights(language)
    materials, lifted, dates = _notices.remedies(language)
    clocks = {"dispute": _notices.DISPUTE_DAYS, "theft": _notices.IDENTITY_THEFT_DAYS}
    parts = [
        _text(words.opening.format(date=_notices.day(access.asked_at), ref=access.ref)),
        *writer.given(),
        *writer.stated(),
        *writer.own(),
        *writer.asked(),
        *writer.inquired(),
        _heading(words.decided),
        _text(_after_colon(decided)),
        _heading(words.wrong),
        Part("steps", tuple(step.format(**clocks) for step in words.steps)),
        _text(materials, lifted),
        *writer.for_staff(),
        _heading(words.rights),
        _text(_after_colon(rights), dates),
    ]
    return Letter(language, words.title, parts)


class _Writer:
    """Puts the facts into words."""

    def __init__(self, access: SubjectAccess, words: AccessWords, language: Language) -> None:
        self._access = access
        self._words = words
        self._language: Language = language
        self._masked = {it.field: it.masked for it in access.given}

    def given(self) -> list[Part]:
        lines = [
            (self._words.refused_field if it.reason else self._words.field).format(
                kind=KINDS[it.kind].label(self._language), masked=it.masked
            )
            for it in self._access.given
        ]
        return [_heading(self._words.given), Part("items", tuple(lines)), _text(self._words.given_note)]

    def stated(self) -> list[Part]:
        words, access = self._words, self._access
        parts = [_heading(words.stated)]
        if not access.verdict.is_final:
            parts.append(_text(words.not_completed))
        elif not access.stated:
            parts.append(_text(words.nothing_stated))
        if access.stated:
            parts.append(_text(words.statement_note))
        for match in access.stated:
            about = words.about.format(kind=KINDS[match.kind].label(self._language), masked=self._masked[match.field])
            parts += self._entry(_Facts.of(match), about)
        return parts

    def own(self) -> list[Part]:
        words = self._words
        parts = [_heading(words.own)]
        if not self._access.own:
            parts.append(_text(words.nothing_own))
        for claim in self._access.own:
            about = words.about.format(kind=KINDS[claim.kind].label(self._language), masked=self._masks_of(claim.kind))
            parts += self._entry(_Facts.of(claim), about)
        return parts

    def asked(self) -> list[Part]:
        words = self._words
        lines = tuple(self._question(it) for it in self._access.past)
        answer = Part("items", lines) if lines else _text(words.nothing_asked)
        return [_heading(words.asked), answer, _text(words.asked_note)]

    def inquired(self) -> list[Part]:
        words, inquiries = self._words, self._access.inquiries
        if inquiries is None:
            answer = _text(words.not_looked_up)
        elif inquiries:
            answer = Part("items", tuple(map(self._inquiry, inquiries)))
        else:
            answer = _text(words.nothing_inquired)
        return [_heading(words.inquired), answer, _text(words.inquired_note)]

    def for_staff(self) -> list[Part]:
        stated = self._access.stated
        lines = tuple(self._words.staff.format(field=it.field, entry=it.entry_id.hex()) for it in stated)
        return [Part("items", lines)] if lines else []

    def _entry(self, facts: "_Facts", about: str) -> list[Part]:
        words = self._words
        lines = [about]
        if facts.role is not SubjectRole.PROTECTED:  # what is protected is no case of the category it was filed under
            lines.append(words.matter.format(matter=self._plain(facts.category)))
        lines.append(words.role.format(role=self._plain(facts.role)))
        lines.append(words.since.format(date=_notices.day(facts.filed_at)))
        if observed := _notices.day(facts.observed_from):
            lines.append(words.observed.format(date=observed))
        lines += [
            words.until.format(date=_notices.day(facts.expires_at)),
            words.evidence.format(evidence=self._plain(facts.evidence)),
            words.status.format(status=wording(facts.status).label(self._language)),
            words.most.format(action=self._plain(facts.action)),
        ]
        heading = Part("subheading", (words.entry.format(entry=facts.entry_id.hex()),))
        return [heading, Part("items", tuple(lines))]

    def _question(self, past: PastQuestion) -> str:
        words, decision = self._words, past.decision
        changes = [
            words.changed.format(status=wording(it.status).label(self._language), date=_notices.day(it.changed_at))
            for it in past.changes
        ]
        return words.question.format(
            date=_notices.day(decision.decided_at),
            purpose=wording(decision.purpose).label(self._language),
            receipt=decision.receipt,
            result=self._result(decision) + "".join(changes),
        )

    def _inquiry(self, past: PastInquiry) -> str:
        words = self._words
        if past.answers:
            answer = words.aside.join(map(self._answer, past.answers))
        elif past.replied_at:
            answer = words.answered.format(date=_notices.day(past.replied_at))
        else:
            answer = words.not_answered
        return words.inquiry.format(
            date=_notices.day(past.asked_at),
            instrument=self._plain(past.instrument_type),
            number=past.number,
            answer=answer,
        )

    def _answer(self, answered: AnsweredClaim) -> str:
        words = self._words
        if answered.outcome is not ReleaseOutcome.RELEASED:
            return words.declined if answered.outcome is ReleaseOutcome.DECLINED else words.nothing_released
        named = [FIELD_WORDINGS[name].label(self._language) for name in answered.fields if name in FIELD_WORDINGS]
        if answered.files:
            named.append((words.one_file if answered.files == 1 else words.files).format(count=answered.files))
        return words.released.format(fields=words.joint.join(named))

    def _result(self, decision: KeptDecision) -> str:
        words = self._words
        if decision.matches:
            named = [
                self._plain(it.role if it.role is SubjectRole.PROTECTED else it.category) for it in decision.matches
            ]
            action = wording(decision.action).label(self._language)
            return words.found.format(categories=words.joint.join(dict.fromkeys(named)), action=action)
        return words.found_nothing if decision.state is State.CLEAR else words.left_open

    def _masks_of(self, kind: Kind) -> str:
        return self._words.joint.join(it.masked for it in self._access.given if it.kind == kind)

    def _plain(self, word: Word) -> str:
        return wording(word).plain(self._language)


@dataclass(frozen=True, slots=True)
class _Facts:
    """What is told of a claim, another member's or an own one."""

    entry_id: bytes
    category: Category
    role: SubjectRole
    evidence: EvidenceLevel
    status: ClaimStatus
    observed_from: int
    filed_at: int
    expires_at: int
    action: Action

    @classmethod
    def of(cls, claim: Match | OwnClaim) -> "_Facts":
        return cls(
            entry_id=claim.entry_id,
            category=claim.category,
            role=claim.role,
            evidence=claim.evidence,
            status=claim.status,
            observed_from=claim.observed_from,
            filed_at=claim.filed_at,
            expires_at=claim.expires_at,
            action=permitted_action(Ground(claim.role, claim.evidence, claim.status)),
        )


def _heading(text: str) -> Part:
    return Part("heading", (text,))


def _text(*texts: str) -> Part:
    return Part("text", texts)


def _after_colon(text: str) -> str:
    """Leave out what a notice begins the paragraph with, where a heading says it here."""
    places: Sequence[int] = [place for mark in (": ", "：") if (place := text.find(mark)) >= 0]
    said = text[min(places) + 1 :].strip() if places else text
    return said[:1].upper() + said[1:]
