"""What may be filed: every combination held against the rules as they are told, and every refusal's sentence."""

from itertools import product

import pytest

from alliance import claims, published
from alliance.claims import Draft
from alliance.errors import ClaimInvalid, Reason
from alliance.identifiers import Kind
from alliance.taxonomy import (
    DAY_MS,
    FILING_RULES,
    Category,
    EvidenceLevel,
    SubjectRole,
    broken_filing_rule,
    needs_commitment,
    policy_version,
)
from alliance.taxonomy import filing as rules

NOW = 1_800_000_000_000
BROKERAGE = {
    Category.BROKER_AGENCY_COMPLAINT,
    Category.BROKER_POLICY_SURRENDER,
    Category.BROKER_CREDIT_REPAIR,
    Category.ILLEGAL_LOAN_BROKER,
}
BROKERS = {SubjectRole.BROKER_ORGANISER, SubjectRole.BROKER_AGENT, SubjectRole.RECRUITER}


def draft(category: Category, kind: Kind, role: SubjectRole, evidence: EvidenceLevel, age_ms: int = 0) -> Draft:
    return Draft(
        kind=kind,
        category=category,
        role=role,
        evidence=evidence,
        observed_from=NOW - age_ms,
        observed_to=NOW - age_ms,
        filed_at=NOW,
        expires_at=NOW + DAY_MS,
        evidence_commitment=bytes(32),
    )


def refusal(one: Draft) -> ClaimInvalid | None:
    try:
        claims.check(one, contributor="lender-a")
    except ClaimInvalid as error:
        return error
    return None


def test_every_combination_is_taken_or_refused_as_the_published_table_tells() -> None:
    told = {
        Category.parse(category): (
            {Kind(kind) for kind in kinds.split(", ")},
            {SubjectRole.parse(role) for role in roles.split(", ")},
            EvidenceLevel[least],
        )
        for category, kinds, roles, least, _ in published.tables()["filing"].rows
    }
    assert set(told) == set(Category)
    for category, kind, role, evidence in product(Category, Kind, SubjectRole, EvidenceLevel):
        kinds, roles, least = told[category]
        allowed = kind in kinds and role in roles and evidence >= least
        error = refusal(draft(category, kind, role, evidence))
        assert (error is None) == allowed, (category, kind, role, evidence)
        assert error is None or error.reason is Reason.FILING_RULE_BROKEN


@pytest.mark.parametrize("category", Category)
def test_conduct_that_ended_too_long_ago_is_refused(category: Category) -> None:
    rule = FILING_RULES[category]
    kind, role = min(rule.kinds), min(rule.roles)
    for age_ms, is_taken in ((rule.longest_age_ms, True), (rule.longest_age_ms + 1, False)):
        assert (refusal(draft(category, kind, role, EvidenceLevel.E3, age_ms)) is None) == is_taken


def test_what_the_domain_says_of_some() -> None:
    assert FILING_RULES[Category.DEVICE_FARM].kinds == {Kind.DEVICE, Kind.IMEI, Kind.IP}
    assert FILING_RULES[Category.PHISHING].kinds == {Kind.DOMAIN, Kind.EMAIL, Kind.PHONE, Kind.ACCOUNT, Kind.IP}
    for category in BROKERAGE:  # having complained is never a ground: there is no part for who did, but the victim's
        assert FILING_RULES[category].roles == BROKERS | {SubjectRole.CLIENT_VICTIM}
    for rule in FILING_RULES.values():
        assert rule.kinds
        assert rule.roles
        assert 0 < rule.longest_age_ms <= 5 * 365 * DAY_MS


def test_who_is_protected_has_consented() -> None:
    for role, evidence in product(SubjectRole, EvidenceLevel):
        needed = role is SubjectRole.PROTECTED or evidence is not EvidenceLevel.E1
        assert needs_commitment(role, evidence) is needed


def test_a_refusal_tells_the_rule_and_what_it_allows() -> None:
    said = broken_filing_rule(Category.DEVICE_FARM, Kind.PHONE, SubjectRole.PERPETRATOR, EvidenceLevel.E1)
    assert said == "the category device_farm is about these kinds alone: imei, device, ip"
    said = broken_filing_rule(Category.PHISHING, Kind.DOMAIN, SubjectRole.BROKER_AGENT, EvidenceLevel.E1)
    assert said.startswith("the category phishing knows these roles alone: perpetrator, mule_unwitting,")
    said = broken_filing_rule(Category.FORGED_DOCUMENTS, Kind.PHONE, SubjectRole.PERPETRATOR, EvidenceLevel.E1)
    assert said == "the category forged_documents needs evidence of this level at least: E2"


def test_the_rules_are_under_the_policy_version(monkeypatch: pytest.MonkeyPatch) -> None:
    before = policy_version()
    other = dict(FILING_RULES) | {Category.PHISHING: FILING_RULES[Category.MULE_ACCOUNT]}
    monkeypatch.setattr(rules, "FILING_RULES", other)
    assert policy_version() != before
    monkeypatch.undo()
    monkeypatch.setattr(rules, "needs_commitment", lambda *_: True)
    assert policy_version() != before


def test_every_published_table_is_whole() -> None:
    shown = published.tables()
    assert tuple(shown) == published.NAMES
    for table in shown.values():
        assert table.rows
        assert all(len(row) == len(table.columns) and all(row[:1]) for row in table.rows)
        assert len({row[0] for row in table.rows}) == len(table.rows)
