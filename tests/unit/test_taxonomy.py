"""The tables of the domain, written out once more from `domain.md` and held against the code, exhaustively."""

import itertools

import pytest

from alliance.errors import UnknownWord
from alliance.identifiers import Kind
from alliance.taxonomy import (
    CONSENT_NEEDS,
    COUNTERSIGNED_LEVELS,
    DAY_MS,
    LEGAL_TRANSITIONS,
    LIVE_STATUSES,
    PERMITTED_ACTIONS,
    Action,
    Category,
    ClaimStatus,
    ConsentNeed,
    EvidenceLevel,
    Ground,
    Outcome,
    Purpose,
    SharingLevel,
    SubjectRole,
    Word,
    combined_action,
    permitted_action,
    policy_version,
    retention_ms,
)
from alliance.v1 import taxonomy_pb2

ACTIONS_TABLE = """
perpetrator      inform   step_up  decline_with_human  decline_with_human
broker_organiser inform   step_up  decline_with_human  decline_with_human
broker_agent     inform   step_up  decline_with_human  decline_with_human
recruiter        inform   step_up  decline_with_human  decline_with_human
mule_complicit   inform   step_up  decline_with_human  decline_with_human
mule_unwitting   inform   inform   step_up             step_up
mule_coerced     inform   inform   step_up             step_up
impersonated     step_up  step_up  step_up             step_up
protected        step_up  step_up  step_up             step_up
client_victim    inform   inform   inform              inform
"""
"""domain.md, "Permitted action": E1, E2, E3, and E4 with E5."""

EXPECTED_ACTIONS = {
    (SubjectRole.parse(role), evidence): Action.parse(words[min(evidence, 4) - 1])
    for role, *words in (line.split() for line in ACTIONS_TABLE.strip().splitlines())
    for evidence in EvidenceLevel
}

TRANSITIONS_TABLE = """
draft: pending_review active withdrawn
pending_review: active withdrawn
active: disputed suspended corrected withdrawn expired recalled
disputed: active suspended corrected withdrawn expired recalled
suspended: active corrected withdrawn expired recalled
corrected:
withdrawn:
expired:
recalled:
"""

PURPOSES_TABLE = {
    "loan_application": "consumer_consent",
    "account_opening": "consumer_consent",
    "transaction": "consumer_consent",
    "portfolio_screening": "statement_of_basis",
    "contribution": "statement_of_basis",
    "rotation": "none",
    "dispute": "consumer_request",
    "intersection": "statement_of_basis",
    "case": "legal_instrument",
}

P, V, R = SubjectRole.PERPETRATOR, SubjectRole.CLIENT_VICTIM, SubjectRole.PROTECTED
E1, E2, E3, E4, E5 = EvidenceLevel


@pytest.mark.parametrize(
    "enumeration", [Category, SubjectRole, EvidenceLevel, ClaimStatus, SharingLevel, Purpose, Outcome]
)
def test_words_are_those_of_the_wire_by_number_and_name(enumeration: type[Word]) -> None:
    wire = taxonomy_pb2.DESCRIPTOR.enum_types_by_name[enumeration.__name__]
    prefix = "".join(f"_{letter}" if letter.isupper() else letter.upper() for letter in enumeration.__name__)[1:]
    numbers = {value.name.removeprefix(f"{prefix}_"): value.number for value in wire.values}
    assert numbers.pop("UNSPECIFIED") == 0
    assert numbers == {member.name: member.value for member in enumeration}


def test_kinds_are_those_of_the_wire() -> None:
    names = {value.name.removeprefix("KIND_") for value in taxonomy_pb2.DESCRIPTOR.enum_types_by_name["Kind"].values}
    assert names - {"UNSPECIFIED"} == {kind.name for kind in Kind}


def test_categories_leave_debt_out() -> None:
    assert not {word for word in (category.word for category in Category) if "debt" in word or "evasion" in word}
    assert len(Category) == 12


@pytest.mark.parametrize("role", SubjectRole)
@pytest.mark.parametrize("evidence", EvidenceLevel)
@pytest.mark.parametrize("status", ClaimStatus)
def test_a_claim_permits_what_the_table_says(role: SubjectRole, evidence: EvidenceLevel, status: ClaimStatus) -> None:
    expected = EXPECTED_ACTIONS[role, evidence]
    if status is ClaimStatus.DISPUTED:
        expected = min(expected, Action.STEP_UP)
    elif status is ClaimStatus.SUSPENDED:
        expected = min(expected, Action.INFORM)
    elif status is not ClaimStatus.ACTIVE:
        expected = Action.NONE
    assert permitted_action(Ground(role, evidence, status)) is expected


def test_every_role_has_a_row() -> None:
    assert set(PERMITTED_ACTIONS) == set(SubjectRole) == {role for role, _ in EXPECTED_ACTIONS}


def test_live_statuses() -> None:
    assert {ClaimStatus.ACTIVE, ClaimStatus.DISPUTED, ClaimStatus.SUSPENDED} == LIVE_STATUSES


def test_nothing_is_permitted_without_a_claim() -> None:
    assert combined_action([]) is Action.NONE


@pytest.mark.parametrize(
    ("grounds", "expected"),
    [
        # The best evidence decides.
        ([Ground(P, E1), Ground(P, E3)], Action.DECLINE_WITH_HUMAN),
        ([Ground(V, E3), Ground(P, E2)], Action.INFORM),
        ([Ground(V, E1), Ground(P, E2)], Action.STEP_UP),
        # Among equals the mildest wins.
        ([Ground(P, E3), Ground(V, E3)], Action.INFORM),
        ([Ground(P, E3), Ground(SubjectRole.MULE_COERCED, E3)], Action.STEP_UP),
        ([Ground(P, E3), Ground(P, E3, ClaimStatus.DISPUTED)], Action.STEP_UP),
        ([Ground(P, E3), Ground(P, E3, ClaimStatus.SUSPENDED)], Action.INFORM),
        # E4 and E5 are equals.
        ([Ground(P, E5), Ground(V, E4)], Action.INFORM),
        ([Ground(V, E5), Ground(P, E4)], Action.INFORM),
        # What is not live has no say.
        ([Ground(P, E3), Ground(V, E5, ClaimStatus.WITHDRAWN)], Action.DECLINE_WITH_HUMAN),
        ([Ground(P, E5, ClaimStatus.EXPIRED)], Action.NONE),
        # A protective entry forces step-up, and neither hides nor outranks E3 and above.
        ([Ground(R, E1)], Action.STEP_UP),
        ([Ground(R, E5), Ground(P, E1)], Action.STEP_UP),
        ([Ground(R, E5), Ground(P, E2)], Action.STEP_UP),
        ([Ground(R, E5), Ground(P, E3)], Action.DECLINE_WITH_HUMAN),
        ([Ground(R, E1), Ground(P, E4)], Action.DECLINE_WITH_HUMAN),
        ([Ground(R, E1), Ground(V, E3)], Action.STEP_UP),
        ([Ground(R, E1), Ground(P, E3), Ground(V, E3)], Action.STEP_UP),
        ([Ground(R, E1, ClaimStatus.WITHDRAWN), Ground(P, E1)], Action.INFORM),
        # One that is suspended forces nothing, and hides nothing either.
        ([Ground(R, E5, ClaimStatus.SUSPENDED)], Action.INFORM),
        ([Ground(R, E5, ClaimStatus.SUSPENDED), Ground(P, E2)], Action.STEP_UP),
        ([Ground(R, E5, ClaimStatus.DISPUTED), Ground(P, E1)], Action.STEP_UP),
        # A protective entry of less evidence than the rest still does not count among the rest.
        ([Ground(R, E3), Ground(P, E3)], Action.DECLINE_WITH_HUMAN),
    ],
)
def test_several_claims_together(grounds: list[Ground], expected: Action) -> None:
    for order in itertools.permutations(grounds):
        assert combined_action(order) is expected


def test_together_never_more_than_the_most_severe_alone() -> None:
    everything = itertools.product(SubjectRole, (E1, E3, E5), LIVE_STATUSES)
    grounds = [Ground(*combination) for combination in everything]
    for left, right in itertools.combinations(grounds, 2):
        most = max(permitted_action(left), permitted_action(right))
        assert combined_action([left, right]) <= most


def test_victims_and_the_protected_are_never_declined() -> None:
    for role in (V, R, SubjectRole.IMPERSONATED):
        for level in EvidenceLevel:
            assert combined_action([Ground(role, level)] * 3) < Action.DECLINE_WITH_HUMAN


@pytest.mark.parametrize("role", SubjectRole)
@pytest.mark.parametrize("evidence", EvidenceLevel)
@pytest.mark.parametrize("kind", Kind)
def test_retention(kind: Kind, role: SubjectRole, evidence: EvidenceLevel) -> None:
    days = {E1: 90, E2: 365, E3: 3 * 365, E4: 5 * 365, E5: 5 * 365}[evidence]
    if role is SubjectRole.CLIENT_VICTIM:
        days = min(days, 396)
    if role is SubjectRole.PROTECTED:
        days = 730
    if kind in {Kind.DEVICE, Kind.IMEI, Kind.IP}:
        days = min(days, 180)
    assert retention_ms(kind, role, evidence) == days * DAY_MS


@pytest.mark.parametrize("current", ClaimStatus)
@pytest.mark.parametrize("to", ClaimStatus)
def test_transitions(current: ClaimStatus, to: ClaimStatus) -> None:
    table = dict(line.split(":") for line in TRANSITIONS_TABLE.strip().splitlines())
    assert (to in LEGAL_TRANSITIONS[current]) == (to.word in table[current.word].split())


def test_the_purpose_table() -> None:
    assert {purpose.word: need.word for purpose, need in CONSENT_NEEDS.items()} == PURPOSES_TABLE
    assert set(CONSENT_NEEDS) == set(Purpose)
    assert {need.word for need in ConsentNeed} == set(PURPOSES_TABLE.values())


def test_levels_that_need_a_countersignature() -> None:
    assert {E4, E5} == COUNTERSIGNED_LEVELS


def test_words_are_read_kindly_and_refused_without_repeating_the_text() -> None:
    assert Category.parse(" Mule_Account ") is Category.MULE_ACCOUNT
    with pytest.raises(UnknownWord) as caught:
        Category.parse("13800138000")
    assert "13800138000" not in str(caught.value)
    assert "mule_account" in str(caught.value)


def test_words_are_written_as_words() -> None:
    assert f"{Category.MULE_ACCOUNT}" == str(Category.MULE_ACCOUNT) == "mule_account"
    assert f"{Action.STEP_UP:>8}|{Purpose.PORTFOLIO_SCREENING}" == " step_up|portfolio_screening"


def test_the_policy_version_follows_the_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    before = policy_version()
    assert len(before) == 32
    assert policy_version() == before
    monkeypatch.setitem(PERMITTED_ACTIONS, V, (Action.INFORM, Action.INFORM, Action.INFORM, Action.STEP_UP))
    assert policy_version() != before
