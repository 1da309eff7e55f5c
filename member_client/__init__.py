"""The member's side of the alliance hub: screen subjects, contribute claims, and keep every identifier at home.

```python
async with AllianceClient.from_env(deadline_ms=80) as client:
    verdict = await client.screen(
        Subject(ref=app.id, phone=app.phone), purpose="loan_application", consent=Consent.of(app.consent_pdf)
    )
```

Names that begin with an underscore are nobody's business; everything public is here, and every exception that leaves
the package is an AllianceClientError (`member_client.errors`).
"""

from alliance.identifiers import Kind
from alliance.taxonomy import Action, Category, ClaimStatus, EvidenceLevel, Purpose, SharingLevel, SubjectRole
from member_client._contributions import (
    ContributionOutcome,
    ContributionPreview,
    ContributionResult,
    ContributionRow,
    PreviewOutcome,
)
from member_client.administration import (
    Administration,
    CategoryClaims,
    Change,
    Decision,
    Effect,
    MemberRole,
    Proposal,
    ProposalState,
)
from member_client.audit import AuditEntry
from member_client.blocking import BlockingClient
from member_client.client import AllianceClient, SyncReport, Usage
from member_client.config import Profile, default_folder
from member_client.doctor import Finding, Level
from member_client.enrolment import enrol, fingerprint
from member_client.errors import (
    AllianceClientError,
    AlreadyEnrolled,
    BucketOverfull,
    BudgetExhausted,
    CertificateEnded,
    CertificateInvalid,
    ClockWrong,
    ConfigurationInvalid,
    ConflictingRetry,
    ConsentMissing,
    Denied,
    EpochKeyChanged,
    EpochNotServed,
    FilterChanged,
    FilterRolledBack,
    FilterTampered,
    FingerprintRefused,
    HubError,
    HubFault,
    HubUnavailable,
    IllegalTransition,
    IntegrityError,
    InvalidUse,
    KeyNotConfirmed,
    MemberKeyChanged,
    MemberStateConflict,
    NotAuthenticated,
    NotEnrolled,
    NotFound,
    NotPermitted,
    PinsDamaged,
    ProofRejected,
    ProposalClosed,
    PurposeNotPermitted,
    Replayed,
    StatementInvalid,
    StorageFull,
    StoreBusy,
    StoreDamaged,
    TokenRefused,
    TooManyAttempts,
    TooManyProposals,
)
from member_client.own_claims import OwnClaim
from member_client.subjects import Consent, Subject
from member_client.verdicts import FieldVerdict, Match, State, Verdict

__all__ = [
    "Action",
    "Administration",
    "AllianceClient",
    "AllianceClientError",
    "AlreadyEnrolled",
    "AuditEntry",
    "BlockingClient",
    "BucketOverfull",
    "BudgetExhausted",
    "Category",
    "CategoryClaims",
    "CertificateEnded",
    "CertificateInvalid",
    "Change",
    "ClaimStatus",
    "ClockWrong",
    "ConfigurationInvalid",
    "ConflictingRetry",
    "Consent",
    "ConsentMissing",
    "ContributionOutcome",
    "ContributionPreview",
    "ContributionResult",
    "ContributionRow",
    "Decision",
    "Denied",
    "Effect",
    "EpochKeyChanged",
    "EpochNotServed",
    "EvidenceLevel",
    "FieldVerdict",
    "FilterChanged",
    "FilterRolledBack",
    "FilterTampered",
    "Finding",
    "FingerprintRefused",
    "HubError",
    "HubFault",
    "HubUnavailable",
    "IllegalTransition",
    "IntegrityError",
    "InvalidUse",
    "KeyNotConfirmed",
    "Kind",
    "Level",
    "Match",
    "MemberKeyChanged",
    "MemberRole",
    "MemberStateConflict",
    "NotAuthenticated",
    "NotEnrolled",
    "NotFound",
    "NotPermitted",
    "OwnClaim",
    "PinsDamaged",
    "PreviewOutcome",
    "Profile",
    "ProofRejected",
    "Proposal",
    "ProposalClosed",
    "ProposalState",
    "Purpose",
    "PurposeNotPermitted",
    "Replayed",
    "SharingLevel",
    "State",
    "StatementInvalid",
    "StorageFull",
    "StoreBusy",
    "StoreDamaged",
    "Subject",
    "SubjectRole",
    "SyncReport",
    "TokenRefused",
    "TooManyAttempts",
    "TooManyProposals",
    "Usage",
    "Verdict",
    "default_folder",
    "enrol",
    "fingerprint",
]
