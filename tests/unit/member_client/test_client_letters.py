"""The letter that answers a person's request: what is in it, in both languages, as Markdown and on paper."""

import io
import sys
from dataclasses import replace
from typing import Any

import pypdf
import pytest
from cli_fakes import NOW_MS, a_match, a_revisit, an_own_claim

from alliance.cases.templates import FIELD_WORDINGS
from alliance.cases.words import InstrumentType, ReleaseOutcome
from alliance.identifiers import Kind
from alliance.notices import CATEGORIES, EVIDENCE, INSTRUMENTS, LANGUAGES, STATUSES, Language, wording
from alliance.taxonomy import Action, Category, ClaimStatus, EvidenceLevel, Purpose, SubjectRole
from member_client import (
    AnsweredClaim,
    ConfigurationInvalid,
    GivenField,
    InvalidUse,
    KeptDecision,
    PastInquiry,
    PastQuestion,
    SubjectAccess,
)
from member_client._access_words import WORDS
from member_client.subject_access import masked
from member_client.verdicts import FieldVerdict, State, verdict

GIVEN = (GivenField("phone", Kind.PHONE, "…8011"), GivenField("email", Kind.EMAIL, "…", "no_at_sign"))
ENTRY = bytes(range(16))


def judged(*matches: Any, state: State = State.CLEAR, ref: str = "A-17") -> Any:
    field = FieldVerdict("phone", Kind.PHONE, State.MATCH if matches else state, "", tuple(matches))
    return verdict(ref, [field], on_unavailable="step_up", request_id="00" * 16)


def access(**changes: Any) -> SubjectAccess:
    matches = (
        a_match("phone", Kind.PHONE, entry_id=ENTRY, evidence=EvidenceLevel.E2, status=ClaimStatus.DISPUTED),
        a_match("phone", Kind.PHONE, "bank-c", entry_id=ENTRY[::-1], role=SubjectRole.PROTECTED),
    )
    past = [
        PastQuestion(KeptDecision(judged(matches[0]), Purpose.LOAN_APPLICATION, NOW_MS), (a_revisit(),)),
        PastQuestion(KeptDecision(judged(state=State.UNKNOWN), Purpose.TRANSACTION, NOW_MS)),
    ]
    facts = {"ref": "A-17", "asked_at": NOW_MS, "given": GIVEN, "verdict": judged(*matches)}
    facts |= {"own": (an_own_claim(7),), "past": tuple(past)}
    return SubjectAccess(**{**facts, **changes})


def on_paper(content: bytes) -> str:
    """Give what a PDF says, without the breaks of its lines."""
    pages = pypdf.PdfReader(io.BytesIO(content)).pages
    return "".join("".join(page.extract_text().split()) for page in pages)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_letter_says_what_there_is(language: Language) -> None:
    letter, words = access().letter(language), WORDS[language]
    headings = [line[3:] for line in letter.splitlines() if line.startswith("## ")]
    facts = [words.given, words.stated, words.own, words.asked, words.inquired]
    assert headings == [*facts, words.decided, words.wrong, words.rights]
    assert letter.startswith(f"# {words.title}\n")
    for entry in (ENTRY, ENTRY[::-1], an_own_claim(7).entry_id):
        assert entry.hex() in letter
    assert f"member-client dispute open phone - --entry {ENTRY.hex()}" in letter
    for told in (CATEGORIES[Category.MULE_ACCOUNT], EVIDENCE[EvidenceLevel.E2], wording(Action.STEP_UP)):
        assert told.plain(language) in letter
    for status in (ClaimStatus.DISPUTED, ClaimStatus.RECALLED):
        assert STATUSES[status].label(language) in letter
    for word in ("…8011", "2026-09-21", "2029-02-28", "20", "4", words.left_open, "R-AAAAAAAAAAAAAAAAAAAAAAAAAA-0"):
        assert word in letter


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_names_no_contributor_and_no_case_of_whoever_is_protected(language: Language) -> None:
    letter = access(own=(), past=()).letter(language)
    assert "bank-" not in letter
    (protected,) = [part for part in letter.split("### ") if part.split("\n")[0].endswith(ENTRY[::-1].hex())]
    assert CATEGORIES[Category.MULE_ACCOUNT].plain(language) not in protected.split("## ")[0]


@pytest.mark.parametrize("language", LANGUAGES)
def test_where_there_is_nothing_it_says_so(language: Language) -> None:
    words = WORDS[language]
    letter = access(verdict=judged(), own=(), past=()).letter(language)
    for sentence in (words.nothing_stated, words.nothing_own, words.nothing_asked, words.nothing_inquired):
        assert sentence in letter
    assert "dispute open" not in letter
    unsettled = access(verdict=judged(state=State.UNKNOWN), own=(), past=())
    assert not unsettled.is_complete
    assert words.not_completed in unsettled.letter(language)
    assert words.nothing_stated not in unsettled.letter(language)


def an_answer(**changes: Any) -> AnsweredClaim:
    facts = {"case_id": bytes(16), "entry_id": ENTRY, "number": "A-2026-17", "asked_at": NOW_MS, "answered_at": NOW_MS}
    facts |= {"instrument_type": InstrumentType.COURT_ORDER, "outcome": ReleaseOutcome.RELEASED}
    return AnsweredClaim(**{**facts, **changes})


def a_past_inquiry(*answers: AnsweredClaim, number: str = "A-2026-17", replied_at: int = NOW_MS) -> PastInquiry:
    return PastInquiry(number, InstrumentType.COURT_ORDER, NOW_MS, replied_at, answers)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_case_that_has_ended_is_told_with_what_was_released(language: Language) -> None:
    words = WORDS[language]
    released = an_answer(fields=("account_number", "full_name"), files=2)
    past = (
        a_past_inquiry(released, an_answer(outcome=ReleaseOutcome.DECLINED)),
        a_past_inquiry(an_answer(outcome=ReleaseOutcome.NOTHING), number="B-1"),
        a_past_inquiry(number="B-2"),
        a_past_inquiry(number="B-3", replied_at=0),
        a_past_inquiry(an_answer(fields=(), files=1), number="B-4"),
    )
    one = access(inquiries=past)
    letter, paper = one.letter(language), on_paper(one.pdf(language))
    told = [
        INSTRUMENTS[InstrumentType.COURT_ORDER].label(language),
        FIELD_WORDINGS["account_number"].label(language),
        FIELD_WORDINGS["full_name"].label(language),
        *(past_one.number for past_one in past),
        words.declined,
        words.nothing_released,
        words.not_answered,
        words.one_file,
        words.answered.format(date="2026-09-21"),
        words.files.format(count=2),
    ]
    for word in told:
        assert word in letter.replace("\\", "")
        assert "".join(word.split()) in paper
    assert words.nothing_inquired not in letter


@pytest.mark.parametrize("language", LANGUAGES)
def test_where_cases_could_not_be_looked_up_it_says_so(language: Language) -> None:
    one = access(inquiries=None)
    assert not one.is_complete
    assert WORDS[language].not_looked_up in one.letter(language)
    assert WORDS[language].nothing_inquired not in one.letter(language)
    assert WORDS[language].not_completed not in one.letter(language)  # the search for claims was settled


@pytest.mark.parametrize("language", LANGUAGES)
def test_on_paper_it_says_the_same(language: Language) -> None:
    one = access()
    paper = on_paper(one.pdf(language))
    for line in one.letter(language).splitlines():
        said = "".join(line.lstrip("#-").replace("\\", "").split())
        assert said in paper
    information = pypdf.PdfReader(io.BytesIO(one.pdf(language))).metadata
    assert information is not None
    assert (information.title, information.author) == (WORDS[language].title, "")


def test_what_people_wrote_is_text_and_no_markup() -> None:
    one = access(ref="A<b>_1_\n# heading *x* & [y](z)", past=())
    assert "\n# heading" not in one.letter("en")
    assert r"A\<b\>\_1\_ # heading \*x\* & \[y\](z)" in one.letter("en")
    assert "A<b>_1_#heading*x*&[y](z)" in on_paper(one.pdf("en"))


def test_another_language_is_refused() -> None:
    for write in (access().letter, access().pdf):
        with pytest.raises(InvalidUse):
            write("fr")


def test_without_the_extra_a_letter_is_markdown_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("reportlab")] + ["reportlab"]:
        monkeypatch.setitem(sys.modules, name, None)
    assert access().letter("en")
    with pytest.raises(ConfigurationInvalid, match=r"alliance-hub\[letters\]"):
        access().pdf("en")


@pytest.mark.parametrize(
    ("text", "shown"),
    [("13800138011", "…8011"), (" 138 0013 8011 ", "…8011"), ("12345", "…5"), ("ab", "…"), ("", "…")],
)
def test_of_what_was_given_the_last_characters_are_shown(text: str, shown: str) -> None:
    assert masked(text) == shown


def test_an_own_claim_that_ended_permits_nothing() -> None:
    ended = replace(an_own_claim(7), status=ClaimStatus.WITHDRAWN)
    letter = access(own=(ended,), verdict=judged(), past=()).letter("en")
    assert wording(Action.NONE).plain("en") in letter
