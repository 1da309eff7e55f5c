"""Verdicts: strongest state, action and its floors, the sealed form."""

from itertools import product

import pytest

from alliance.identifiers import Kind
from alliance.taxonomy import Action, Category, ClaimStatus, EvidenceLevel, SubjectRole
from member_client import _codec, verdicts
from member_client.verdicts import FieldVerdict, Match, OnUnavailable, State, Verdict

ORDER = [State.MATCH, State.UNKNOWN, State.UNCONFIRMED, State.REFUSED, State.CLEAR]


def a_match(
    evidence: EvidenceLevel = EvidenceLevel.E3,
    status: ClaimStatus = ClaimStatus.ACTIVE,
    role: SubjectRole = SubjectRole.PERPETRATOR,
) -> Match:
    return Match(
        field="phone",
        kind=Kind.PHONE,
        category=Category.MULE_ACCOUNT,
        role=role,
        evidence=evidence,
        status=status,
        contributor="beta",
        observed_from=1,
        observed_to=2,
        filed_at=3,
        expires_at=4,
        entry_id=b"e" * 16,
        case_reference="K-1",
    )


def a_field(state: State, reason: str = "") -> FieldVerdict:
    matches = (a_match(EvidenceLevel.E1),) if state is State.MATCH else ()
    return FieldVerdict("phone", Kind.PHONE, state, reason, matches)


def judge(*fields: FieldVerdict, on_unavailable: OnUnavailable = "step_up") -> Verdict:
    return verdicts.verdict("ref", fields, on_unavailable=on_unavailable)


@pytest.mark.parametrize(("first", "second"), list(product(ORDER, ORDER)))
def test_the_strongest_field_decides_the_state(first: State, second: State) -> None:
    expected = ORDER[min(ORDER.index(first), ORDER.index(second))]
    assert judge(a_field(first), a_field(second)).state is expected


@pytest.mark.parametrize("state", [State.UNKNOWN, State.UNCONFIRMED, State.REFUSED])
def test_what_is_not_settled_asks_for_more_unless_told_to_proceed(state: State) -> None:
    assert judge(a_field(State.CLEAR), a_field(state)).action is Action.STEP_UP
    assert judge(a_field(state), on_unavailable="proceed").action is Action.NONE


def test_clear_permits_nothing_and_needs_nothing() -> None:
    verdict = judge(a_field(State.CLEAR))
    assert (verdict.action, verdict.is_final, verdict.integrity) == (Action.NONE, True, False)


def test_the_floor_never_lowers_a_match() -> None:
    severe = FieldVerdict("phone", Kind.PHONE, State.MATCH, "", (a_match(),))
    assert judge(severe, a_field(State.UNKNOWN)).action is Action.DECLINE_WITH_HUMAN


def test_integrity_steps_up_even_where_told_to_proceed() -> None:
    verdict = judge(a_field(State.UNCONFIRMED, verdicts.INTEGRITY), on_unavailable="proceed")
    assert (verdict.action, verdict.integrity) == (Action.STEP_UP, True)


def test_a_believed_claim_stands_beside_a_wrong_entry() -> None:
    field = verdicts.field_verdict("phone", Kind.PHONE, [a_match()], verdicts.INTEGRITY)
    assert field.state is State.MATCH
    assert judge(field).integrity


@pytest.mark.parametrize(
    ("status", "action"),
    [
        (ClaimStatus.ACTIVE, Action.DECLINE_WITH_HUMAN),
        (ClaimStatus.DISPUTED, Action.STEP_UP),
        (ClaimStatus.SUSPENDED, Action.INFORM),
    ],
)
def test_a_status_caps_the_action(status: ClaimStatus, action: Action) -> None:
    field = FieldVerdict("phone", Kind.PHONE, State.MATCH, "", (a_match(status=status),))
    assert judge(field).action is action


def test_a_subject_without_fields_never_reads_as_clear() -> None:
    assert judge().state is State.REFUSED


def test_a_verdict_survives_its_sealed_form() -> None:
    verdict = judge(FieldVerdict("phone", Kind.PHONE, State.MATCH, "", (a_match(),)), a_field(State.REFUSED, "empty"))
    assert _codec.decoded(_codec.encoded(verdict)) == verdict
