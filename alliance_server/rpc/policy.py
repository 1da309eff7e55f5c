"""Who may call what: one table over every RPC of every service, frozen here.

A method that is not in the table is refused; a test holds the table against every descriptor.
"""

from dataclasses import dataclass

from alliance_server.domain.audit import AuditAction
from alliance_server.domain.members import Role

_V1 = "/alliance.v1."
EVERYBODY: frozenset[Role] = frozenset()
MEMBERS = frozenset({Role.MEMBER})


@dataclass(frozen=True, slots=True)
class Rule:
    """Roles that may call a method, and the action under which calls are audited.

    A rule without an action belongs to the plumbing: it needs no registered caller and leaves no event.
    """

    roles: frozenset[Role]
    action: AuditAction | None = None
    service_admits: bool = False
    """Whether the service looks the caller up, in the unit of work that charges the call, and not the guard."""


POLICY: dict[str, Rule] = {
    f"{_V1}AuditService/ListEvents": Rule(MEMBERS, AuditAction.AUDIT_LIST),
    f"{_V1}BucketService/GetBuckets": Rule(MEMBERS, AuditAction.BUCKET_GET),
    f"{_V1}BucketService/ReportEntry": Rule(MEMBERS, AuditAction.BUCKET_REPORT),
    f"{_V1}DirectoryService/ListMembers": Rule(MEMBERS, AuditAction.MEMBER_LIST),
    f"{_V1}EpochService/GetSuppressionList": Rule(MEMBERS, AuditAction.SUPPRESSION_GET),
    f"{_V1}EpochService/ListEpochs": Rule(MEMBERS, AuditAction.EPOCH_LIST),
    f"{_V1}EvaluationService/Evaluate": Rule(MEMBERS, AuditAction.EVALUATION, service_admits=True),
    f"{_V1}FilterService/DownloadSnapshot": Rule(MEMBERS, AuditAction.FILTER_DOWNLOAD),
    f"{_V1}FilterService/GetFilter": Rule(MEMBERS, AuditAction.FILTER_GET),
    f"{_V1}FilterService/ListDeltas": Rule(MEMBERS, AuditAction.FILTER_DELTAS),
    f"{_V1}RegistryService/Contribute": Rule(MEMBERS, AuditAction.CLAIM_CONTRIBUTE),
    f"{_V1}RegistryService/GetClaim": Rule(MEMBERS, AuditAction.CLAIM_GET),
    f"{_V1}RegistryService/ListClaims": Rule(MEMBERS, AuditAction.CLAIM_LIST),
    f"{_V1}RegistryService/WithdrawClaim": Rule(MEMBERS, AuditAction.CLAIM_WITHDRAW),
    # On the enrolment port, which has no client certificates: the token is the authority, and the service audits.
    f"{_V1}EnrolmentService/Enrol": Rule(EVERYBODY),
    # Plumbing, on the port that asks for client certificates of the alliance's CA.
    "/grpc.health.v1.Health/Check": Rule(EVERYBODY),
    "/grpc.health.v1.Health/Watch": Rule(EVERYBODY),
    "/grpc.health.v1.Health/List": Rule(EVERYBODY),
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": Rule(EVERYBODY),
}
