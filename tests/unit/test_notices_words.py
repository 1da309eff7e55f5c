"""Every word of the taxonomy reads in both languages, and what people are told accuses nobody."""

import pytest

from alliance import taxonomy
from alliance.cases.words import CaseState, CaseVerdict, InstrumentType, ReleaseOutcome, UrgencyGround
from alliance.countersignatures import CountersignatureState
from alliance.disputes import DisputeGround, DisputeOutcome, DisputeState, ReviewDecision
from alliance.identifiers import Kind
from alliance.notices import KINDS, LANGUAGES, Language, wording
from alliance.taxonomy import Action, Category, SubjectRole, Word

WORDS = [member for words in Word.__subclasses__() for member in words]
ACCUSING = (
    "骗子",
    "罪犯",
    "欺诈分子",
    "黑名单",
    "不法分子",
    "fraudster",
    "criminal",
    "guilty",
    "blacklist",
    "offender",
)


def has_chinese(text: str) -> bool:
    return any("\u4e00" <= character <= "\u9fff" for character in text)


def test_there_are_words() -> None:
    assert {type(word) for word in WORDS} == {
        getattr(taxonomy, name)
        for name in (
            "Category",
            "SubjectRole",
            "EvidenceLevel",
            "ClaimStatus",
            "SharingLevel",
            "Purpose",
            "Action",
            "ConsentNeed",
            "Outcome",
        )
    } | {
        *(DisputeGround, DisputeState, DisputeOutcome, ReviewDecision),
        *(InstrumentType, UrgencyGround, CaseState, CaseVerdict, ReleaseOutcome, CountersignatureState),
    }


@pytest.mark.parametrize("word", WORDS, ids=lambda word: f"{type(word).__name__}.{word.name}")
def test_every_word_has_a_label_in_both_languages(word: Word) -> None:
    assert has_chinese(wording(word).label("zh-CN"))
    assert wording(word).label("en").isascii()
    assert wording(word).label("en")


@pytest.mark.parametrize("words", [Category, SubjectRole, Action])
@pytest.mark.parametrize("language", LANGUAGES)
def test_what_people_are_told_is_more_than_a_label_and_accuses_nobody(words: type[Word], language: Language) -> None:
    for word in words:
        told = wording(word).plain(language)
        assert told != wording(word).label(language)
        assert not any(accusation in told.lower() for accusation in ACCUSING)


@pytest.mark.parametrize("language", LANGUAGES)
def test_labels_of_one_kind_of_word_are_different(language: Language) -> None:
    for words in Word.__subclasses__():
        labels = [wording(word).label(language) for word in words]
        assert len(set(labels)) == len(labels)


def test_every_kind_of_identifier_has_a_label() -> None:
    assert set(KINDS) == set(Kind)
    assert all(has_chinese(KINDS[kind].label("zh-CN")) and KINDS[kind].label("en").isascii() for kind in Kind)
