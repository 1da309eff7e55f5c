"""Who may do what: the frozen tables of role, method, purpose and dual control, under one version hash.

- A method that is not in the table is refused; a test holds the table against every descriptor.
- Every audit event names the version of the tables that decided, those of the taxonomy among them.
- A change of a table is a release: no call and no configuration changes one, and two admins adopt it before it serves.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from types import MappingProxyType
from typing import Final

from alliance.taxonomy import CONSENT_NEEDS, ConsentNeed, Purpose, policy_version
from alliance_server.domain.actions import AuditAction
from alliance_server.domain.members import Role

_V1 = "/alliance.v1."
EVERYBODY: frozenset[Role] = frozenset()
MEMBERS = frozenset({Role.MEMBER})
ADMINS = frozenset({Role.ADMIN})
REVIEWERS = frozenset({Role.REVIEWER})
AUDITORS = frozenset({Role.AUDITOR})
LIAISONS = frozenset({Role.LIAISON})
APPROVERS = frozenset({Role.LEGAL_APPROVER, Role.DUTY_OFFICER})
ENROLLED = frozenset(Role)


@dataclass(frozen=True, slots=True)
class Rule:
    """Roles that may call a method, and the action under which calls are audited.

    A rule without an action belongs to the plumbing: it needs no registered caller and leaves no event.
    """

    roles: frozenset[Role]
    action: AuditAction | None = None
    service_admits: bool = False
    """Whether the service looks the caller up, in the unit of work that charges the call, and not the guard."""
    before_succession: bool = False
    """Whether a restored hub serves it before two admins signed its succession."""


POLICY: Final[Mapping[str, Rule]] = MappingProxyType(
    {
        f"{_V1}AdminService/AcknowledgeAlarm": Rule(ADMINS, AuditAction.ALARM_ACKNOWLEDGE),
        f"{_V1}AdminService/ListAlarms": Rule(ADMINS, AuditAction.ALARM_LIST),
        f"{_V1}AdminService/ListStandings": Rule(ADMINS, AuditAction.STANDING_LIST),
        f"{_V1}AdminService/Decide": Rule(ADMINS, AuditAction.PROPOSAL_DECIDE),
        f"{_V1}AdminService/ListEpochStandings": Rule(ADMINS, AuditAction.EPOCH_STANDINGS),
        f"{_V1}AdminService/ListProposals": Rule(ADMINS, AuditAction.PROPOSAL_LIST),
        f"{_V1}AdminService/ListRecalls": Rule(ADMINS, AuditAction.RECALL_LIST),
        f"{_V1}AdminService/PreviewChange": Rule(ADMINS, AuditAction.PROPOSAL_PREVIEW),
        f"{_V1}AdminService/Propose": Rule(ADMINS, AuditAction.PROPOSAL_MAKE),
        f"{_V1}AuditService/GetCheckpoint": Rule(ENROLLED, AuditAction.AUDIT_CHECKPOINT),
        f"{_V1}AuditService/GetConsistencyProof": Rule(ENROLLED, AuditAction.AUDIT_CONSISTENCY),
        f"{_V1}AuditService/GetFactProofs": Rule(ENROLLED, AuditAction.AUDIT_FACTS),
        f"{_V1}AuditService/GetInclusionProofs": Rule(ENROLLED, AuditAction.AUDIT_INCLUSION),
        f"{_V1}AuditService/ListEvents": Rule(ENROLLED, AuditAction.AUDIT_LIST),
        f"{_V1}AuditService/ListLogs": Rule(ENROLLED, AuditAction.AUDIT_LOGS),
        f"{_V1}AuditService/LocateEvents": Rule(ENROLLED, AuditAction.AUDIT_LOCATE),
        f"{_V1}AuditService/ReadLog": Rule(AUDITORS, AuditAction.AUDIT_READ),
        f"{_V1}BucketService/GetBuckets": Rule(MEMBERS, AuditAction.BUCKET_GET),
        f"{_V1}BucketService/ReportEntry": Rule(MEMBERS, AuditAction.BUCKET_REPORT),
        f"{_V1}CaseService/DecideCase": Rule(APPROVERS, AuditAction.CASE_DECIDE),
        f"{_V1}CaseService/DownloadAttachment": Rule(LIAISONS, AuditAction.ATTACHMENT_DOWNLOAD),
        f"{_V1}CaseService/GetAttachment": Rule(MEMBERS, AuditAction.ATTACHMENT_GET),
        f"{_V1}CaseService/UploadAttachment": Rule(MEMBERS, AuditAction.ATTACHMENT_UPLOAD),
        f"{_V1}CaseService/EndCase": Rule(LIAISONS, AuditAction.CASE_END),
        f"{_V1}CaseService/ExtendCase": Rule(LIAISONS, AuditAction.CASE_EXTEND),
        f"{_V1}CaseService/GetCase": Rule(LIAISONS | APPROVERS, AuditAction.CASE_GET),
        f"{_V1}CaseService/ListCaseReplies": Rule(LIAISONS, AuditAction.CASE_REPLIES),
        f"{_V1}CaseService/ListCases": Rule(LIAISONS | APPROVERS, AuditAction.CASE_LIST),
        f"{_V1}CaseService/ListInquiries": Rule(MEMBERS, AuditAction.INQUIRY_LIST),
        f"{_V1}CaseService/ListInquiryEntries": Rule(MEMBERS, AuditAction.INQUIRY_ENTRIES),
        f"{_V1}CaseService/SendCaseReply": Rule(MEMBERS, AuditAction.INQUIRY_REPLY),
        f"{_V1}CaseService/SubmitCase": Rule(LIAISONS, AuditAction.CASE_SUBMIT),
        f"{_V1}CaseService/SubmitSuspects": Rule(LIAISONS, AuditAction.CASE_SUSPECTS),
        f"{_V1}CertificateService/RenewCertificate": Rule(ENROLLED, AuditAction.MEMBER_RENEW),
        f"{_V1}CountersignatureService/CountersignClaim": Rule(LIAISONS, AuditAction.COUNTERSIGNATURE_GIVE),
        f"{_V1}CountersignatureService/ListCountersignatureRequests": Rule(
            MEMBERS | LIAISONS, AuditAction.COUNTERSIGNATURE_WAITING
        ),
        f"{_V1}CountersignatureService/ListCountersignatures": Rule(MEMBERS, AuditAction.COUNTERSIGNATURE_LIST),
        f"{_V1}CountersignatureService/RefuseCountersignature": Rule(LIAISONS, AuditAction.COUNTERSIGNATURE_REFUSE),
        f"{_V1}CountersignatureService/RequestCountersignature": Rule(MEMBERS, AuditAction.COUNTERSIGNATURE_REQUEST),
        f"{_V1}CountersignatureService/RevokeCountersignature": Rule(LIAISONS, AuditAction.COUNTERSIGNATURE_REVOKE),
        f"{_V1}DirectoryService/ListMembers": Rule(ENROLLED, AuditAction.MEMBER_LIST),
        f"{_V1}DisputeService/AnswerDispute": Rule(MEMBERS, AuditAction.DISPUTE_ANSWER),
        f"{_V1}DisputeService/DecideEscalation": Rule(REVIEWERS, AuditAction.ESCALATION_DECIDE),
        f"{_V1}DisputeService/EscalateDispute": Rule(MEMBERS, AuditAction.DISPUTE_ESCALATE),
        f"{_V1}DisputeService/ListDisputes": Rule(MEMBERS, AuditAction.DISPUTE_LIST),
        f"{_V1}DisputeService/ListEscalations": Rule(REVIEWERS, AuditAction.ESCALATION_LIST),
        f"{_V1}DisputeService/ListOverdueDisputes": Rule(ADMINS, AuditAction.OVERDUE_LIST),
        f"{_V1}DisputeService/OpenDispute": Rule(MEMBERS, AuditAction.DISPUTE_OPEN),
        f"{_V1}EpochService/GetSuppressionList": Rule(ENROLLED, AuditAction.SUPPRESSION_GET),
        f"{_V1}EpochService/ListEpochs": Rule(ENROLLED, AuditAction.EPOCH_LIST),
        f"{_V1}EvaluationService/Evaluate": Rule(MEMBERS | LIAISONS, AuditAction.EVALUATION, service_admits=True),
        f"{_V1}FilterService/DownloadSnapshot": Rule(MEMBERS, AuditAction.FILTER_DOWNLOAD),
        f"{_V1}FilterService/GetFilter": Rule(MEMBERS, AuditAction.FILTER_GET),
        f"{_V1}FilterService/ListDeltas": Rule(MEMBERS, AuditAction.FILTER_DELTAS),
        f"{_V1}OutcomeService/ListOutcomes": Rule(MEMBERS, AuditAction.OUTCOME_LIST),
        f"{_V1}OutcomeService/ListQuality": Rule(ADMINS, AuditAction.OUTCOME_QUALITY),
        f"{_V1}OutcomeService/ReportOutcomes": Rule(MEMBERS, AuditAction.OUTCOME_REPORT),
        f"{_V1}OperatorService/ListOperators": Rule(MEMBERS | LIAISONS, AuditAction.OPERATOR_LIST),
        f"{_V1}OperatorService/RegisterOperator": Rule(MEMBERS | LIAISONS, AuditAction.OPERATOR_REGISTER),
        f"{_V1}OperatorService/RetireOperator": Rule(MEMBERS | LIAISONS, AuditAction.OPERATOR_RETIRE),
        f"{_V1}QuotaService/GetStanding": Rule(MEMBERS, AuditAction.STANDING_GET),
        f"{_V1}RegistryService/Contribute": Rule(MEMBERS, AuditAction.CLAIM_CONTRIBUTE),
        f"{_V1}RegistryService/GetClaim": Rule(MEMBERS, AuditAction.CLAIM_GET),
        f"{_V1}RegistryService/ListClaims": Rule(MEMBERS, AuditAction.CLAIM_LIST),
        f"{_V1}RegistryService/ChangeClaimStatus": Rule(MEMBERS, AuditAction.CLAIM_CHANGE),
        f"{_V1}StatusService/AcknowledgeRecalls": Rule(MEMBERS, AuditAction.RECALL_ACKNOWLEDGE),
        f"{_V1}StatusService/WatchStatuses": Rule(MEMBERS, AuditAction.STATUS_WATCH),
        f"{_V1}SuccessionService/ListSuccessions": Rule(ENROLLED, AuditAction.SUCCESSION_LIST, before_succession=True),
        f"{_V1}SuccessionService/SignSuccession": Rule(ADMINS, AuditAction.SUCCESSION_SIGN, before_succession=True),
        f"{_V1}WitnessService/AddCosignature": Rule(ENROLLED, AuditAction.AUDIT_COSIGN),
        f"{_V1}WitnessService/GetWitnessList": Rule(ENROLLED, AuditAction.WITNESS_LIST_GET),
        # On the enrolment port, which has no client certificates: the token is the authority, and the service audits.
        f"{_V1}EnrolmentService/Enrol": Rule(EVERYBODY),
        # Plumbing, on the port that asks for client certificates of the alliance's CA.
        "/grpc.health.v1.Health/Check": Rule(EVERYBODY, before_succession=True),
        "/grpc.health.v1.Health/Watch": Rule(EVERYBODY, before_succession=True),
        "/grpc.health.v1.Health/List": Rule(EVERYBODY, before_succession=True),
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": Rule(EVERYBODY, before_succession=True),
    }
)

_MEMBERS_PURPOSES = (
    Purpose.LOAN_APPLICATION,
    Purpose.ACCOUNT_OPENING,
    Purpose.TRANSACTION,
    Purpose.PORTFOLIO_SCREENING,
    Purpose.CONTRIBUTION,
    Purpose.ROTATION,
    Purpose.DISPUTE,
    Purpose.CASE,
)
PURPOSES: Final[Mapping[Role, Mapping[Purpose, ConsentNeed]]] = MappingProxyType(
    {
        Role.MEMBER: MappingProxyType({purpose: CONSENT_NEEDS[purpose] for purpose in _MEMBERS_PURPOSES}),
        Role.LIAISON: MappingProxyType({Purpose.CASE: CONSENT_NEEDS[Purpose.CASE]}),
    }
)
"""Purposes open to each role, with the consent that each needs; under a case, which permits each evaluation by itself.

Intersection opens with the feature that needs it.
"""


@dataclass(frozen=True, slots=True)
class Control:
    """Whether another admin must approve a change, and whether one may do it at once and be reviewed afterwards."""

    dual: bool
    may_break_glass: bool = False


CONTROLS: Final[Mapping[str, Control]] = MappingProxyType(
    {
        "activate_epoch": Control(dual=True),
        "adopt_policy": Control(dual=True),
        "begin_epoch": Control(dual=True),
        # Whoever proposed an invitation holds its token: two admins compare the fingerprint, so one of them does not.
        "confirm_key": Control(dual=True),
        "invite": Control(dual=True),
        "offboard": Control(dual=True),
        "raise_budget": Control(dual=True, may_break_glass=True),
        "raise_burst": Control(dual=True, may_break_glass=True),
        "raise_business": Control(dual=True),
        "resume": Control(dual=True, may_break_glass=True),
        "retire_epoch": Control(dual=True),
        # Cannot be undone, and a suspension stops the same: at once it is for what must not come back.
        "revoke_certificates": Control(dual=True, may_break_glass=True),
        "revoke_certificates_of_admin": Control(dual=True),
        "set_liaison_scope": Control(dual=True),
        "set_suppression_list": Control(dual=True),
        "set_witnesses": Control(dual=True),
        "suspend_admin": Control(dual=True, may_break_glass=True),
        # What only protects needs no second admin, so that it never waits.
        "lower_budget": Control(dual=False),
        "lower_burst": Control(dual=False),
        "lower_business": Control(dual=False),
        "suspend": Control(dual=False),
    }
)
"""Who must agree, by what a change does."""


def _version() -> bytes:
    tables = (
        policy_version().hex(),
        sorted(
            (method, sorted(it.word for it in rule.roles), str(rule.action), rule.before_succession)
            for method, rule in POLICY.items()
        ),
        sorted((role.word, purpose.word, need.word) for role, row in PURPOSES.items() for purpose, need in row.items()),
        sorted((name, control.dual, control.may_break_glass) for name, control in CONTROLS.items()),
    )
    return sha256(repr(tables).encode()).digest()


POLICY_VERSION: Final = _version()
"""SHA-256 of all tables."""


def shown_tables() -> dict[str, list[list[str]]]:
    """Give the tables for people to read, by name; the taxonomy's by its own version."""
    return {
        "methods: who may call": [
            [method, ", ".join(sorted(it.word for it in rule.roles)) or "everybody", str(rule.action or "not audited")]
            + (["before a succession is signed"] if rule.before_succession else [])
            for method, rule in sorted(POLICY.items())
        ],
        "purposes: open to whom, with which consent": [
            [role.word, purpose.word, need.word] for role, row in PURPOSES.items() for purpose, need in row.items()
        ],
        "changes: who must agree": [
            [name, "two admins" if control.dual else "one admin"]
            + (["break-glass does it at once"] if control.may_break_glass else [])
            for name, control in sorted(CONTROLS.items())
        ],
        "taxonomy": [[policy_version().hex()]],
    }
