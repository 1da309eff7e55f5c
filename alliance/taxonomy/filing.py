"""The filing rules: what may be stated in each category at all, as one table.

Rules that hold for it:

- It says which kinds of identifier a category is about, who may be named in it, how well a claim must be founded, and
  how long ago the conduct may have ended. Contributor, hub and reader hold every claim against it.
- It may grow; a row that shrinks makes live claims unbelievable to readers, so shrinking waits until they are over.
- No label is required: it is sealed, so that the hub could not ask for one.
- A refusal names the rule and what it allows, never what was filed.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any, Final

from alliance.identifiers import Kind
from alliance.taxonomy.tables import DAY_MS, Category, EvidenceLevel, SubjectRole

_PEOPLE: Final = frozenset({Kind.PHONE, Kind.RESIDENT_ID, Kind.USCC, Kind.BANK_CARD, Kind.EMAIL, Kind.ACCOUNT})
_MACHINES: Final = frozenset({Kind.IMEI, Kind.DEVICE, Kind.IP})
_SITES: Final = frozenset({Kind.DOMAIN})

_MULES: Final = frozenset({SubjectRole.MULE_UNWITTING, SubjectRole.MULE_COERCED, SubjectRole.MULE_COMPLICIT})
_BROKERS: Final = frozenset({SubjectRole.BROKER_ORGANISER, SubjectRole.BROKER_AGENT, SubjectRole.RECRUITER})
_DOERS: Final = frozenset({SubjectRole.PERPETRATOR, SubjectRole.RECRUITER})
_HARMED: Final = frozenset({SubjectRole.CLIENT_VICTIM, SubjectRole.IMPERSONATED, SubjectRole.PROTECTED})
_CLIENTS: Final = frozenset({SubjectRole.CLIENT_VICTIM})

_YEAR_MS: Final = 365 * DAY_MS


@dataclass(frozen=True, slots=True)
class FilingRule:
    """What may be filed in a category."""

    kinds: frozenset[Kind]
    """Kinds of identifier that it is about."""
    roles: frozenset[SubjectRole]
    """Parts that somebody may have played in it."""
    longest_age_ms: int
    """How long before the filing the conduct may have ended, milliseconds."""
    least_evidence: EvidenceLevel = EvidenceLevel.E1
    """How well a claim must be founded at least."""


# A broker's client is a victim and nothing else: having complained, or having surrendered a policy, is never a ground.
_BROKERAGE: Final = FilingRule(_PEOPLE | _MACHINES | _SITES, _BROKERS | _CLIENTS, 3 * _YEAR_MS)

FILING_RULES: Final[Mapping[Category, FilingRule]] = MappingProxyType(
    {
        Category.FALSE_APPLICATION: FilingRule(
            # Who lends a name to an application is a mule, too.
            _PEOPLE | _MACHINES,
            _DOERS | _MULES | _BROKERS | _HARMED,
            5 * _YEAR_MS,
        ),
        Category.SYNTHETIC_IDENTITY: FilingRule(
            _PEOPLE | _MACHINES, _DOERS | {SubjectRole.IMPERSONATED, SubjectRole.PROTECTED}, 5 * _YEAR_MS
        ),
        Category.ACCOUNT_TAKEOVER: FilingRule(_PEOPLE | _MACHINES, _DOERS | _MULES | _HARMED, 3 * _YEAR_MS),
        Category.MULE_ACCOUNT: FilingRule(_PEOPLE | _MACHINES, _DOERS | _MULES | _HARMED, 5 * _YEAR_MS),
        Category.BROKER_AGENCY_COMPLAINT: _BROKERAGE,
        Category.BROKER_POLICY_SURRENDER: _BROKERAGE,
        Category.BROKER_CREDIT_REPAIR: _BROKERAGE,
        Category.ILLEGAL_LOAN_BROKER: _BROKERAGE,
        # Who holds a forged document has one to show: a suspicion is no claim here.
        Category.FORGED_DOCUMENTS: FilingRule(
            _PEOPLE, _DOERS | _BROKERS | _HARMED, 5 * _YEAR_MS, least_evidence=EvidenceLevel.E2
        ),
        Category.TELECOM_FRAUD: FilingRule(_PEOPLE | _MACHINES | _SITES, _DOERS | _MULES | _HARMED, 5 * _YEAR_MS),
        Category.DEVICE_FARM: FilingRule(_MACHINES, _DOERS | {SubjectRole.MULE_COMPLICIT}, _YEAR_MS),
        Category.PHISHING: FilingRule(
            # A mailbox or a telephone that messages went out from may be lent, or taken over.
            _SITES | {Kind.EMAIL, Kind.PHONE, Kind.ACCOUNT, Kind.IP},
            _DOERS | _MULES | _HARMED,
            2 * _YEAR_MS,
        ),
    }
)
"""What may be filed, by category."""

COMMITMENT_FROM: Final = EvidenceLevel.E2
"""From this evidence on, in every category, a claim commits to the file behind it."""


def needs_commitment(role: SubjectRole, evidence: EvidenceLevel) -> bool:
    """Tell whether a claim commits to a file: what its evidence rests on, or the consent of whom it protects."""
    return role is SubjectRole.PROTECTED or evidence >= COMMITMENT_FROM


APPROVED_FROM: Final = EvidenceLevel.E3
"""From this evidence on two operators of the contributor approve a claim: it says that two people looked at it."""


def needs_approvals(role: SubjectRole, evidence: EvidenceLevel) -> bool:
    """Tell whether two operators of the contributor must approve a claim; one that protects somebody always."""
    return role is SubjectRole.PROTECTED or evidence >= APPROVED_FROM


@cache
def broken_filing_rule(category: Category, kind: Kind, role: SubjectRole, evidence: EvidenceLevel) -> str:
    """Give a sentence about the rule that these break, empty where they break none. What it allows stands in it."""
    rule = FILING_RULES[category]
    if kind not in rule.kinds:
        return f"the category {category} is about these kinds alone: {listed(rule.kinds, Kind)}"
    if role not in rule.roles:
        return f"the category {category} knows these roles alone: {listed(rule.roles, SubjectRole)}"
    if evidence < rule.least_evidence:
        return f"the category {category} needs evidence of this level at least: {rule.least_evidence.name}"
    return ""


def frozen() -> tuple[object, ...]:
    """Give the rules in one order, for the version that audit events name."""
    rules = (
        (
            category.word,
            sorted(kind.value for kind in rule.kinds),
            sorted(role.word for role in rule.roles),
            rule.least_evidence.word,
            rule.longest_age_ms,
        )
        for category, rule in FILING_RULES.items()
    )
    pairs = [(role, level) for role in SubjectRole for level in EvidenceLevel]
    commitments = [(role.word, level.word) for role, level in pairs if needs_commitment(role, level)]
    approvals = [(role.word, level.word) for role, level in pairs if needs_approvals(role, level)]
    return (sorted(rules), commitments, approvals)


def listed(some: frozenset[Any], words: Iterable[Any]) -> str:
    """List some words of an enumeration, in its order."""
    return ", ".join(str(word) for word in words if word in some)
