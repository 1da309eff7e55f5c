"""Names of what is audited: object, then what was done to it."""

from enum import StrEnum


class AuditAction(StrEnum):
    """Typed names of what is audited."""

    AUDIT_LIST = "audit:event:list"
    BUCKET_GET = "bucket:entry:get"
    BUCKET_REPORT = "bucket:entry:report"
    CALL_REFUSE = "call:unauthenticated:refuse"
    CLAIM_CONTRIBUTE = "claim:contribute"
    CLAIM_GET = "claim:get"
    CLAIM_LIST = "claim:list"
    CLAIM_WITHDRAW = "claim:withdraw"
    EPOCH_BEGIN = "epoch:begin"
    EPOCH_LIST = "epoch:list"
    EVALUATION = "evaluation:evaluate"
    FILTER_BUILD = "filter:snapshot:build"
    FILTER_DELTAS = "filter:delta:list"
    FILTER_DOWNLOAD = "filter:snapshot:download"
    FILTER_GET = "filter:header:get"
    MEMBER_ENROL = "member:enrol"
    MEMBER_INVITE = "member:invite"
    MEMBER_LIST = "member:list"
    MEMBER_REVOKE = "member:certificate:revoke"
    SUPPRESSION_GET = "suppression:list:get"
