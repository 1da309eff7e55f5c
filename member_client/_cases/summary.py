"""The summary of a case that lies in its bundle: for people, in two languages, of what was verified before."""

from collections.abc import Sequence
from dataclasses import dataclass

from alliance.cases.bundle.layout import attachment
from alliance.cases.suspects import read_leaf
from alliance.cases.templates import FIELD_WORDINGS
from alliance.cases.words import ReleaseOutcome
from alliance.clock import iso_time
from alliance.notices import KINDS, Language, wording
from alliance.v1.case_pb2 import CaseRelease, EntryAnswer, ReleasedFile
from member_client._cases.records import Case
from member_client._cases.summary_words import WORDS
from member_client._letters import Letter, Part
from member_client.administration.changes import MemberRole


@dataclass(frozen=True, slots=True, repr=False)
class SummarisedReply:
    """What a member replied: its release, and who of its staff agreed; without one it did not, or it is faulty."""

    member: str
    release: CaseRelease | None = None
    approved_by: Sequence[str] = ()
    is_faulty: bool = False


@dataclass(frozen=True, slots=True, repr=False)
class Summary:
    """What is told of a case; `made_at` in milliseconds UTC."""

    case: Case
    replies: Sequence[SummarisedReply]
    alliance: str
    hub_key: bytes
    officer: str
    made_at: int
    missing: frozenset[str] = frozenset()
    """Attachments that are not in the bundle, by the names that they would have there."""
    rubbish: frozenset[str] = frozenset()
    """Those of them for which their members uploaded another file."""

    def letter(self, language: Language) -> Letter:
        """Write it."""
        return _Writer(self, language).letter()


class _Writer:
    def __init__(self, summary: Summary, language: Language) -> None:
        self._summary = summary
        self._case = summary.case
        self._language: Language = language
        self._words = WORDS[language]

    def letter(self) -> Letter:
        words, summary = self._words, self._summary
        opening = words.opening.format(
            officer=summary.officer,
            liaison=self._case.liaison,
            alliance=summary.alliance,
            time=iso_time(summary.made_at),
        )
        how = tuple(step.format(key=summary.hub_key.hex()) for step in words.how)
        parts = [
            Part("text", (opening,)),
            Part("heading", (words.request,)),
            Part("items", tuple(self._request())),
            Part("heading", (words.approvals,)),
            Part("items", tuple(self._approvals())),
            Part("heading", (words.replies,)),
            Part("text", (words.asked.format(asked=self._case.asked, replied=self._case.replied),)),
            *(part for reply in summary.replies for part in self._reply(reply)),
            Part("heading", (words.verify,)),
            Part("steps", how),
        ]
        return Letter(self._language, words.title.format(number=self._case.number), parts)

    def _request(self) -> list[str]:
        words, case = self._words, self._case
        lines = [
            words.number.format(case=case.id.hex(), number=case.number),
            words.instrument.format(
                instrument=wording(case.instrument).label(self._language),
                reference=case.reference,
                digest=case.instrument_sha256.hex(),
            ),
            words.valid.format(time=iso_time(case.instrument_until)),
            words.scope.format(
                categories=words.joint.join(wording(it).label(self._language) for it in case.categories)
            ),
            words.suspects.format(
                suspects=words.joint.join(
                    f"{KINDS[kind].label(self._language)} {count:,}" for kind, count in case.suspects.items()
                )
            ),
            words.period.format(start=iso_time(case.period_from), end=iso_time(case.period_to)),
            words.officers.format(officers=words.joint.join(case.officers)),
        ]
        if case.urgency is not None:
            lines.append(words.urgent.format(ground=wording(case.urgency).label(self._language)))
        return lines

    def _approvals(self) -> list[str]:
        words = self._words
        return [
            words.approval.format(
                approver=it.approver,
                function=words.legal if it.function is MemberRole.LEGAL_APPROVER else words.duty,
                time=iso_time(it.time),
                reason=it.reason,
            )
            for it in self._case.decisions
        ]

    def _reply(self, reply: SummarisedReply) -> list[Part]:
        words = self._words
        if reply.release is None:
            said = words.faulty if reply.is_faulty else words.no_reply
            return [Part("text", (said.format(member=reply.member),))]
        head = words.member.format(member=reply.member, time=iso_time(reply.release.time))
        lines = [
            words.basis.format(basis=reply.release.legal_basis),
            words.agreed.format(operators=words.joint.join(reply.approved_by)),
        ]
        for answer in reply.release.answers:
            lines += self._answer(reply.member, answer)
        return [Part("subheading", (head,)), Part("items", tuple(lines))]

    def _answer(self, member: str, answer: EntryAnswer) -> list[str]:
        words = self._words
        suspect = read_leaf(answer.leaf) if answer.leaf else None
        outcome = wording(ReleaseOutcome(answer.outcome)).label(self._language)
        about = words.about.format(
            kind="" if suspect is None else KINDS[suspect.kind].label(self._language),
            identifier="" if suspect is None else suspect.canonical,
            entry=answer.entry_id.hex(),
            outcome=outcome,
        )
        fields = [words.field.format(name=self._named(it.name), value=it.value) for it in answer.fields]
        return [about, *fields, *(self._file(member, it) for it in answer.files)]

    def _named(self, name: str) -> str:
        return FIELD_WORDINGS[name].label(self._language) if name in FIELD_WORDINGS else name

    def _file(self, member: str, file: ReleasedFile) -> str:
        place = attachment(member, file)
        if place in self._summary.rubbish:
            return self._words.rubbish.format(name=file.name, member=member)
        if place in self._summary.missing:
            return self._words.absent.format(name=file.name)
        return self._words.file.format(name=file.name, size=f"{file.size:,}", digest=file.sha256.hex(), place=place)
