"""The words of the domain and the tables that follow from them: one source for wire, database, CLI and docs.

`tables` holds the words and what a claim permits, `filing` what may be filed at all. Both are under one version.
"""

from hashlib import sha256

from alliance.taxonomy import filing, tables
from alliance.taxonomy.filing import (
    APPROVED_FROM,
    COMMITMENT_FROM,
    FILING_RULES,
    FilingRule,
    broken_filing_rule,
    needs_approvals,
    needs_commitment,
)
from alliance.taxonomy.tables import (
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
    retention_ms,
)

__all__ = [
    "APPROVED_FROM",
    "COMMITMENT_FROM",
    "CONSENT_NEEDS",
    "COUNTERSIGNED_LEVELS",
    "DAY_MS",
    "FILING_RULES",
    "LEGAL_TRANSITIONS",
    "LIVE_STATUSES",
    "PERMITTED_ACTIONS",
    "Action",
    "Category",
    "ClaimStatus",
    "ConsentNeed",
    "EvidenceLevel",
    "FilingRule",
    "Ground",
    "Outcome",
    "Purpose",
    "SharingLevel",
    "SubjectRole",
    "Word",
    "broken_filing_rule",
    "combined_action",
    "needs_approvals",
    "needs_commitment",
    "permitted_action",
    "policy_version",
    "retention_ms",
]


def policy_version() -> bytes:
    """Give the SHA-256 of all tables of the taxonomy: the version that audit events name."""
    return sha256(repr((*tables.frozen(), *filing.frozen())).encode()).digest()
