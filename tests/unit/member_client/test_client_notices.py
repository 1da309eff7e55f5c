"""The notice for a person: what the law wants told is in it, and nothing that accuses, names or gives away."""

import itertools

import pytest
from cli_fakes import LISTED, NOW_MS, a_match

from alliance.identifiers import Kind
from alliance.notices import LANGUAGES, Language, wording
from alliance.taxonomy import Action, Category, ClaimStatus, EvidenceLevel, SubjectRole, combined_action
from member_client import InvalidUse
from member_client.verdicts import FieldVerdict, Match, State, Verdict, field_verdict, verdict

DAY_MS = 86_400_000
REMEDY = {
    "zh-CN": ("工作人员", "有权知悉", "更正", "异议", "本机构提出", "20 日", "4 日", "有效身份证件", "立即解除"),
    "en": ("member of staff", "may know", "corrected", "dispute", "at this institution", "20 days", "4 days"),
}
FINDING = {"zh-CN": "不代表对您有过错的认定", "en": "no finding that you did anything wrong"}


def matched(*matches: Match) -> Verdict:
    return verdict("C-0118", [field_verdict("phone", Kind.PHONE, matches)], on_unavailable="step_up")


def open_verdict(state: State, reason: str = "") -> Verdict:
    return verdict("C-0118", [FieldVerdict("phone", Kind.PHONE, state, reason)], on_unavailable="step_up")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("category", "role", "evidence"),
    list(itertools.product(Category, SubjectRole, (EvidenceLevel.E1, EvidenceLevel.E3))),
)
def test_a_match_is_told_with_reason_limit_and_remedy(
    language: Language, category: Category, role: SubjectRole, evidence: EvidenceLevel
) -> None:
    match = a_match("phone", Kind.PHONE, category=category, role=role, evidence=evidence)
    told = matched(match).notice(language)
    for part in (*REMEDY[language], FINDING[language]):
        assert part in told
    assert wording(combined_action([match.ground])).plain(language) in told
    assert wording(role).plain(language) in told
    assert (wording(category).plain(language) in told) == (role is not SubjectRole.PROTECTED)
    for hidden in ("bank-b", "C-0118", LISTED, category.word, match.entry_id.hex()):
        assert hidden not in told


@pytest.mark.parametrize("language", LANGUAGES)
def test_members_are_counted_and_dates_span_all_claims(language: Language) -> None:
    told = matched(
        a_match("phone", Kind.PHONE, "bank-b", observed_from=NOW_MS - 10 * DAY_MS),
        a_match("phone", Kind.PHONE, "bank-c", expires_at=NOW_MS + 10 * DAY_MS),
        a_match("phone", Kind.PHONE, "bank-c"),
    ).notice(language)
    count = {"zh-CN": "2 家成员机构", "en": "2 members"}[language]
    for part in (count, "2026-09-11", "2029-02-28"):
        assert part in told
    assert told.count(wording(Category.MULE_ACCOUNT).plain(language)) == 1


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("role", "evidence", "is_mild"),
    [
        (SubjectRole.CLIENT_VICTIM, EvidenceLevel.E3, True),
        (SubjectRole.PERPETRATOR, EvidenceLevel.E1, True),
        (SubjectRole.PERPETRATOR, EvidenceLevel.E3, False),
        (SubjectRole.PROTECTED, EvidenceLevel.E1, False),
    ],
)
def test_where_nothing_adverse_may_follow_the_opening_threatens_no_measure(
    language: Language, role: SubjectRole, evidence: EvidenceLevel, is_mild: bool
) -> None:
    opening = matched(a_match("phone", Kind.PHONE, role=role, evidence=evidence)).notice(language).split("\n\n")[1]
    threat = {"zh-CN": "采取下述措施", "en": "may lead to the measure below"}[language]
    comfort = {"zh-CN": "不会因该记录对您采取不利措施", "en": "Nothing adverse follows for you"}[language]
    assert (threat in opening, comfort in opening) == (not is_mild, is_mild)


@pytest.mark.parametrize(("status", "word"), [(ClaimStatus.DISPUTED, "异议处理中"), (ClaimStatus.SUSPENDED, "已中止")])
def test_a_claim_under_dispute_is_told_as_such(status: ClaimStatus, word: str) -> None:
    assert word in matched(a_match("phone", Kind.PHONE, status=status)).notice("zh-CN")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("state", [State.UNKNOWN, State.UNCONFIRMED, State.REFUSED])
def test_what_is_open_asks_for_verification_and_says_nothing_of_a_record(state: State, language: Language) -> None:
    told = open_verdict(state, "integrity" if state is State.UNCONFIRMED else "").notice(language)
    for part in REMEDY[language]:
        assert part in told
    assert {"zh-CN": "并不表示存在与您有关的记录", "en": "does not mean that there is any record"}[language] in told
    assert not any(wording(category).plain(language) in told for category in Category)


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_open_field_beside_a_match_is_told_apart(language: Language) -> None:
    victim = a_match("phone", Kind.PHONE, role=SubjectRole.CLIENT_VICTIM)
    fields = [field_verdict("phone", Kind.PHONE, [victim]), FieldVerdict("email", Kind.EMAIL, State.UNKNOWN)]
    judged = verdict("C", fields, on_unavailable="step_up")
    assert judged.action is Action.STEP_UP
    told = judged.notice(language)
    assert wording(Action.INFORM).plain(language) in told
    assert wording(Action.STEP_UP).plain(language) not in told
    assert {"zh-CN": "部分核验未能完成", "en": "Part of the check could not be completed"}[language] in told


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_receipt_is_named_where_there_is_one(language: Language) -> None:
    fields = [field_verdict("phone", Kind.PHONE, [a_match("phone", Kind.PHONE)])]
    asked = verdict("C", fields, on_unavailable="step_up", request_id="ab" * 16)
    assert asked.receipt in asked.notice(language)
    assert "R-" not in matched(a_match("phone", Kind.PHONE)).notice(language)


def test_a_clear_verdict_owes_no_notice() -> None:
    clear = verdict("C", [field_verdict("phone", Kind.PHONE, [])], on_unavailable="step_up")
    assert [clear.notice(language) for language in LANGUAGES] == ["", ""]


@pytest.mark.parametrize("language", ["fr", "zh", "", "EN"])
def test_another_language_is_refused_and_the_two_are_named(language: str) -> None:
    with pytest.raises(InvalidUse, match="zh-CN and en"):
        matched(a_match("phone", Kind.PHONE)).notice(language)  # type: ignore[arg-type]
