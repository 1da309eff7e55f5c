"""SQLModel records of every table. They are not the domain: repositories map them.

Times are milliseconds UTC. Every column is made by `column`: what it holds, how long that is kept, and `mutable` where
code updates it; below it stands what it means, and what NULL means where it may be. No column holds an identifier;
tags are those of claims, never of queries.
"""

from alliance_server.storage.tables.administration import (
    PolicyTable,
    ProposalTable,
    SuccessionSignatureTable,
    SuccessionTable,
    SuppressionListTable,
    WitnessListTable,
)
from alliance_server.storage.tables.attachments import CaseAttachmentTable
from alliance_server.storage.tables.audit import (
    AuditTable,
    CheckpointTable,
    CosignatureTable,
    FactTable,
    LogTable,
    TreeHeadTable,
)
from alliance_server.storage.tables.cases import (
    CaseDecisionTable,
    CaseEpochTable,
    CaseMatchTable,
    CaseMemberTable,
    CasePlaceTable,
    CaseStepTable,
    CaseTable,
    LiaisonScopeTable,
)
from alliance_server.storage.tables.countersignatures import CountersignatureTable, CountersigningTable
from alliance_server.storage.tables.disputes import DisputeTable
from alliance_server.storage.tables.hub import LeaseTable
from alliance_server.storage.tables.members import (
    CertificateTable,
    DepartureTable,
    InvitationTable,
    MemberTable,
    OperatorTable,
)
from alliance_server.storage.tables.outcomes import (
    OutcomeBatchTable,
    OutcomeMonthTable,
    ToldOutcomeTable,
    WaitingOutcomeTable,
)
from alliance_server.storage.tables.parts import LIVE, LIVE_NUMBERS, table_of
from alliance_server.storage.tables.quotas import (
    AlarmTable,
    BudgetTable,
    BurstTable,
    BusinessTable,
    CreditTable,
    EvaluationTable,
    LimitTable,
    StandingTable,
    UsageHourTable,
)
from alliance_server.storage.tables.registry import (
    ChangeFeedTable,
    ClaimChangeTable,
    ClaimTable,
    DeltaTable,
    EntryReportTable,
    EpochTable,
    FilterStateTable,
    RecallReceiptTable,
    SnapshotTable,
)

__all__ = [
    "LIVE",
    "LIVE_NUMBERS",
    "AlarmTable",
    "AuditTable",
    "BudgetTable",
    "BurstTable",
    "BusinessTable",
    "CaseAttachmentTable",
    "CaseDecisionTable",
    "CaseEpochTable",
    "CaseMatchTable",
    "CaseMemberTable",
    "CasePlaceTable",
    "CaseStepTable",
    "CaseTable",
    "CertificateTable",
    "ChangeFeedTable",
    "CheckpointTable",
    "ClaimChangeTable",
    "ClaimTable",
    "CosignatureTable",
    "CountersignatureTable",
    "CountersigningTable",
    "CreditTable",
    "DeltaTable",
    "DepartureTable",
    "DisputeTable",
    "EntryReportTable",
    "EpochTable",
    "EvaluationTable",
    "FactTable",
    "FilterStateTable",
    "InvitationTable",
    "LeaseTable",
    "LiaisonScopeTable",
    "LimitTable",
    "LogTable",
    "MemberTable",
    "OperatorTable",
    "OutcomeBatchTable",
    "OutcomeMonthTable",
    "PolicyTable",
    "ProposalTable",
    "RecallReceiptTable",
    "SnapshotTable",
    "StandingTable",
    "SuccessionSignatureTable",
    "SuccessionTable",
    "SuppressionListTable",
    "ToldOutcomeTable",
    "TreeHeadTable",
    "UsageHourTable",
    "WaitingOutcomeTable",
    "WitnessListTable",
    "table_of",
]
