"""What each call is called in the audit log: an event that says something else is not that call's.

The hub's table of methods says the same. An action keeps its name for good, as a method does.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_SERVICES: Final = "/alliance.v1."
_ACTIONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "AdminService/AcknowledgeAlarm": "alarm:acknowledge",
        "AdminService/ListAlarms": "alarm:list",
        "AdminService/ListStandings": "standing:list",
        "AdminService/Decide": "proposal:decide",
        "AdminService/ListEpochStandings": "epoch:standing:list",
        "AdminService/ListProposals": "proposal:list",
        "AdminService/ListRecalls": "recall:list",
        "AdminService/PreviewChange": "proposal:preview",
        "AdminService/Propose": "proposal:make",
        "AuditService/GetCheckpoint": "audit:checkpoint:get",
        "AuditService/GetConsistencyProof": "audit:consistency:prove",
        "AuditService/GetFactProofs": "audit:fact:prove",
        "AuditService/GetInclusionProofs": "audit:inclusion:prove",
        "AuditService/ListEvents": "audit:event:list",
        "AuditService/ListLogs": "audit:log:list",
        "AuditService/LocateEvents": "audit:event:locate",
        "AuditService/ReadLog": "audit:log:read",
        "BucketService/GetBuckets": "bucket:entry:get",
        "BucketService/ReportEntry": "bucket:entry:report",
        "CaseService/DecideCase": "case:decide",
        "CaseService/EndCase": "case:end",
        "CaseService/ExtendCase": "case:extend",
        "CaseService/GetCase": "case:get",
        "CaseService/ListCaseReplies": "case:reply:list",
        "CaseService/ListCases": "case:list",
        "CaseService/ListInquiries": "inquiry:list",
        "CaseService/ListInquiryEntries": "inquiry:entry:list",
        "CaseService/SendCaseReply": "inquiry:reply",
        "CaseService/SubmitCase": "case:submit",
        "CaseService/SubmitSuspects": "case:suspects:submit",
        "CaseService/DownloadAttachment": "case:attachment:download",
        "CaseService/GetAttachment": "case:attachment:get",
        "CaseService/UploadAttachment": "case:attachment:upload",
        "CertificateService/RenewCertificate": "member:certificate:renew",
        "CountersignatureService/CountersignClaim": "countersignature:give",
        "CountersignatureService/ListCountersignatureRequests": "countersignature:request:list",
        "CountersignatureService/ListCountersignatures": "countersignature:list",
        "CountersignatureService/RefuseCountersignature": "countersignature:refuse",
        "CountersignatureService/RequestCountersignature": "countersignature:request",
        "CountersignatureService/RevokeCountersignature": "countersignature:revoke",
        "DirectoryService/ListMembers": "member:list",
        "DisputeService/AnswerDispute": "dispute:answer",
        "DisputeService/DecideEscalation": "dispute:escalation:decide",
        "DisputeService/EscalateDispute": "dispute:escalate",
        "DisputeService/ListDisputes": "dispute:list",
        "DisputeService/ListEscalations": "dispute:escalation:list",
        "DisputeService/ListOverdueDisputes": "dispute:overdue:list",
        "DisputeService/OpenDispute": "dispute:open",
        "EpochService/GetSuppressionList": "suppression:list:get",
        "EpochService/ListEpochs": "epoch:list",
        "EvaluationService/Evaluate": "evaluation:evaluate",
        "FilterService/DownloadSnapshot": "filter:snapshot:download",
        "FilterService/GetFilter": "filter:header:get",
        "FilterService/ListDeltas": "filter:delta:list",
        "OutcomeService/ListOutcomes": "outcome:list",
        "OutcomeService/ListQuality": "outcome:quality:list",
        "OutcomeService/ReportOutcomes": "outcome:report",
        "OperatorService/ListOperators": "operator:list",
        "OperatorService/RegisterOperator": "operator:register",
        "OperatorService/RetireOperator": "operator:retire",
        "QuotaService/GetStanding": "standing:get",
        "RegistryService/Contribute": "claim:contribute",
        "RegistryService/GetClaim": "claim:get",
        "RegistryService/ListClaims": "claim:list",
        "RegistryService/ChangeClaimStatus": "claim:status:change",
        "StatusService/AcknowledgeRecalls": "recall:acknowledge",
        "StatusService/WatchStatuses": "status:change:watch",
        "WitnessService/AddCosignature": "audit:checkpoint:cosign",
        "WitnessService/GetWitnessList": "witness:list:get",
    }
)


def action_of(path: str) -> str | None:
    """Give the action of a method by its path; None for one that is not known here."""
    return _ACTIONS.get(path.removeprefix(_SERVICES))
