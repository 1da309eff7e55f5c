"""Every RPC that the hub serves: what the descriptors say of it, a good request of it, and how to send bytes to it."""

import asyncio
import importlib
import os
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest
from google.protobuf.descriptor import FileDescriptor
from google.protobuf.message import Message
from grpc import aio
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2

import alliance.v1
from alliance.crypto.signing import SigningKey
from alliance.disputes import DisputeOutcome
from alliance.errors import Reason
from alliance.statements import SUCCESSION
from alliance.v1 import (
    admin_pb2,
    audit_pb2,
    bucket_pb2,
    case_pb2,
    countersignature_pb2,
    directory_pb2,
    dispute_pb2,
    epoch_pb2,
    filter_pb2,
    operator_pb2,
    outcome_pb2,
    quota_pb2,
    status_pb2,
    succession_pb2,
    witness_pb2,
)
from alliance.v1.enrolment_pb2 import RenewCertificateRequest
from alliance.v1.evaluation_pb2 import EvaluateRequest
from alliance.v1.registry_pb2 import (
    ChangeClaimStatusRequest,
    ContributeRequest,
    ContributeResponse,
    GetClaimRequest,
    ListClaimsRequest,
)
from alliance_server.domain.members import Role
from alliance_server.domain.policy import POLICY
from support.attachments import ATTACHED, messages_of, statement_of
from support.countersigning import LiaisonDesk, request_of, sealed_claim
from support.police import Station, reply_of
from support.sdk import PHONES
from support.wire import WireMember, valid_elements

Send = Callable[[bytes], Any]
"""Makes a call with one message, and reads it to its end."""

FAULTS = {Reason.INTERNAL, Reason.UNAVAILABLE, Reason.STORAGE_FULL}
"""Reasons that say that the hub has trouble of its own."""

ENROL = "/alliance.v1.EnrolmentService/Enrol"
WATCH = "/grpc.health.v1.Health/Watch"
WATCHES = {WATCH, "/alliance.v1.StatusService/WatchStatuses"}
"""Which end with their caller alone."""
CONTRIBUTE = "/alliance.v1.RegistryService/Contribute"
BLINDED = valid_elements(2)
SUSPENSION = admin_pb2.Change(suspend=admin_pb2.Suspend(member="nobody"))


@dataclass(frozen=True)
class Rpc:
    """A method as its descriptor describes it."""

    path: str
    many_requests: bool
    many_replies: bool

    @property
    def is_plumbing(self) -> bool:
        """Whether it is gRPC's own, which leaves no event and answers by its own protocol."""
        return not self.path.startswith("/alliance.")

    @property
    def name(self) -> str:
        return self.path.rpartition(".")[2]


def _files() -> Iterator[FileDescriptor]:
    for module in pkgutil.iter_modules(alliance.v1.__path__):
        if module.name.endswith("_pb2"):
            yield importlib.import_module(f"alliance.v1.{module.name}").DESCRIPTOR
    yield health_pb2.DESCRIPTOR
    yield reflection_pb2.DESCRIPTOR


RPCS = {
    rpc.path: rpc
    for file in _files()
    for service in file.services_by_name.values()
    for method in service.methods
    for rpc in [Rpc(f"/{service.full_name}/{method.name}", method.client_streaming, method.server_streaming)]
}
"""By path: what the generated descriptors describe, and so what somebody adds to them."""

of_members_port = pytest.mark.parametrize(
    "rpc", [pytest.param(rpc, id=rpc.name) for rpc in RPCS.values() if rpc.path != ENROL]
)


def good_requests(member: WireMember) -> Mapping[str, Callable[[], Message]]:
    """Give, by path, makers of good requests of the members' port."""
    entry_id = os.urandom(16)
    station = Station(member.hub, member, member, member, {name: SigningKey.generate()[0] for name in ("a", "b")})
    case = station.drawn_up(PHONES[0])
    desk, of = LiaisonDesk(member, "a", SigningKey.generate()[0]), sealed_claim(member)
    made: dict[str, Callable[[], Message]] = {
        "AdminService/AcknowledgeAlarm": lambda: admin_pb2.AcknowledgeAlarmRequest(alarm=7, reason="looked into"),
        "AdminService/ListAlarms": lambda: admin_pb2.ListAlarmsRequest(page_size=3, page_token="1", open_only=True),
        "AdminService/ListStandings": lambda: admin_pb2.ListStandingsRequest(page_size=3, page_token="a"),
        "AdminService/Decide": lambda: admin_pb2.DecideRequest(
            proposal_id=entry_id, decision=member.decision(member.proposal(SUSPENSION))
        ),
        "AdminService/ListEpochStandings": lambda: admin_pb2.ListEpochStandingsRequest(),
        "AdminService/ListProposals": lambda: admin_pb2.ListProposalsRequest(page_size=3, page_token="1"),
        "AdminService/ListRecalls": lambda: admin_pb2.ListRecallsRequest(page_size=3, page_token="1"),
        "AdminService/PreviewChange": lambda: admin_pb2.PreviewChangeRequest(change=SUSPENSION),
        "AdminService/Propose": lambda: admin_pb2.ProposeRequest(proposal=member.proposal(SUSPENSION)),
        "AuditService/GetCheckpoint": lambda: audit_pb2.GetCheckpointRequest(log=member.log),
        "AuditService/GetConsistencyProof": lambda: audit_pb2.GetConsistencyProofRequest(
            log=member.log, first=1, second=1
        ),
        "AuditService/GetInclusionProofs": lambda: audit_pb2.GetInclusionProofsRequest(
            log=member.log, tree_size=1, leaf_indices=[0]
        ),
        "AuditService/ListLogs": lambda: audit_pb2.ListLogsRequest(),
        "AuditService/LocateEvents": lambda: audit_pb2.LocateEventsRequest(rows=[1, 2, 3]),
        "AuditService/GetFactProofs": lambda: audit_pb2.GetFactProofsRequest(digests=[os.urandom(32)]),
        "AuditService/ReadLog": lambda: audit_pb2.ReadLogRequest(log=member.log, first_index=0, end_index=1),
        "AuditService/ListEvents": lambda: audit_pb2.ListEventsRequest(page_size=3, page_token="1"),
        "BucketService/GetBuckets": lambda: bucket_pb2.GetBucketsRequest(epoch=1, prefix_bits=4, prefixes=[1, 2]),
        "BucketService/ReportEntry": lambda: bucket_pb2.ReportEntryRequest(
            entry_id=entry_id, finding=bucket_pb2.ENTRY_FINDING_BOX_INVALID
        ),
        "CaseService/DecideCase": lambda: station.decision(member, case),
        "CaseService/DownloadAttachment": lambda: case_pb2.DownloadAttachmentRequest(
            case_id=case.id, member=member.id, attachment_id=entry_id, offset=3
        ),
        "CaseService/GetAttachment": lambda: case_pb2.GetAttachmentRequest(case_id=case.id, attachment_id=entry_id),
        "CaseService/UploadAttachment": lambda: messages_of(statement_of(member, case.id, ATTACHED), ATTACHED)[0],
        "CaseService/EndCase": lambda: station.ending(case),
        "CaseService/ExtendCase": lambda: station.extension(case),
        "CaseService/GetCase": lambda: case_pb2.GetCaseRequest(case_id=case.id),
        "CaseService/ListCaseReplies": lambda: case_pb2.ListCaseRepliesRequest(case_id=case.id, page_token="a"),
        "CaseService/ListCases": lambda: case_pb2.ListCasesRequest(page_size=3, page_token="1", waiting_only=True),
        "CaseService/ListInquiries": lambda: case_pb2.ListInquiriesRequest(page_size=3, page_token="1"),
        "CaseService/ListInquiryEntries": lambda: case_pb2.ListInquiryEntriesRequest(
            case_id=case.id, page_size=3, page_token=bytes(16).hex()
        ),
        "CaseService/SendCaseReply": lambda: reply_of(member, case),
        "CaseService/SubmitCase": lambda: station.drawn_up(PHONES[0]).submission,
        "CaseService/SubmitSuspects": lambda: station.suspects(
            case, [case_pb2.SuspectRow(tag=os.urandom(32), sealed=bytes(1536))]
        ),
        "CertificateService/RenewCertificate": lambda: RenewCertificateRequest(renewal=member.renewal()),
        "CountersignatureService/CountersignClaim": lambda: desk.countersigning(of),
        "CountersignatureService/ListCountersignatureRequests": lambda: (
            countersignature_pb2.ListCountersignatureRequestsRequest(page_size=3, page_token="1", waiting_only=True)
        ),
        "CountersignatureService/ListCountersignatures": lambda: countersignature_pb2.ListCountersignaturesRequest(
            after=1
        ),
        "CountersignatureService/RefuseCountersignature": lambda: desk.refusing(of),
        "CountersignatureService/RequestCountersignature": lambda: request_of(member, of, "police"),
        "CountersignatureService/RevokeCountersignature": lambda: desk.revoking(of),
        "DirectoryService/ListMembers": lambda: directory_pb2.ListMembersRequest(page_size=3, page_token="a"),
        "DisputeService/AnswerDispute": lambda: member.answer(
            dispute_pb2.Dispute(dispute_id=entry_id, entry_id=entry_id), DisputeOutcome.WITHDRAWN
        ),
        "DisputeService/DecideEscalation": lambda: member.review(entry_id),
        "DisputeService/EscalateDispute": lambda: dispute_pb2.EscalateDisputeRequest(dispute_id=entry_id),
        "DisputeService/ListDisputes": lambda: dispute_pb2.ListDisputesRequest(
            view=dispute_pb2.DISPUTE_VIEW_ABOUT_OWN, page_size=3, page_token="1", waiting_only=True
        ),
        "DisputeService/ListEscalations": lambda: dispute_pb2.ListEscalationsRequest(page_size=3, page_token="1"),
        "DisputeService/ListOverdueDisputes": dispute_pb2.ListOverdueDisputesRequest,
        "DisputeService/OpenDispute": lambda: member.opening(entry_id, os.urandom(32)),
        "EpochService/GetSuppressionList": epoch_pb2.GetSuppressionListRequest,
        "EpochService/ListEpochs": epoch_pb2.ListEpochsRequest,
        "EvaluationService/Evaluate": lambda: EvaluateRequest(header=member.header(BLINDED), blinded=BLINDED),
        "FilterService/DownloadSnapshot": lambda: filter_pb2.DownloadSnapshotRequest(bits_sha256=bytes(32), offset=1),
        "FilterService/GetFilter": lambda: filter_pb2.GetFilterRequest(epoch=1),
        "FilterService/ListDeltas": lambda: filter_pb2.ListDeltasRequest(base_sha256=bytes(32), after_sequence=1),
        "OutcomeService/ListOutcomes": lambda: outcome_pb2.ListOutcomesRequest(page_size=3, page_token="1-1-1"),
        "OutcomeService/ListQuality": lambda: outcome_pb2.ListQualityRequest(page_size=3, page_token="a"),
        "OutcomeService/ReportOutcomes": lambda: member.outcome_report({("nobody", 4, 1): 1}),
        "OperatorService/ListOperators": operator_pb2.ListOperatorsRequest,
        "OperatorService/RegisterOperator": lambda: operator_pb2.RegisterOperatorRequest(
            operator=member.operator(f"op-{os.urandom(4).hex()}", SigningKey.generate()[0])
        ),
        "OperatorService/RetireOperator": lambda: operator_pb2.RetireOperatorRequest(
            retirement=member.retirement("nobody")
        ),
        "QuotaService/GetStanding": quota_pb2.GetStandingRequest,
        "RegistryService/GetClaim": lambda: GetClaimRequest(entry_id=entry_id),
        "RegistryService/ListClaims": lambda: ListClaimsRequest(page_size=3, page_token="1-1", live_only=True),
        "RegistryService/ChangeClaimStatus": lambda: ChangeClaimStatusRequest(
            status_change=member.status_change(entry_id)
        ),
        "RegistryService/Contribute": lambda: ContributeRequest(
            request_id=os.urandom(16), rows=[member.row(), member.row()]
        ),
        "StatusService/AcknowledgeRecalls": lambda: member.recall_receipt(0),
        "StatusService/WatchStatuses": lambda: status_pb2.WatchStatusesRequest(after=3),
        "SuccessionService/ListSuccessions": lambda: succession_pb2.ListSuccessionsRequest(after_origin=1),
        "SuccessionService/SignSuccession": lambda: succession_pb2.SignSuccessionRequest(
            statement=member.key.statement(SUCCESSION, succession_pb2.Succession(origin=2).SerializeToString())
        ),
        "WitnessService/AddCosignature": lambda: witness_pb2.AddCosignatureRequest(
            log="alliance/audit/1/2026-11", size=7, line="— witness AAAAAAA=\n"
        ),
        "WitnessService/GetWitnessList": witness_pb2.GetWitnessListRequest,
    }
    plumbing: dict[str, Callable[[], Message]] = {
        "/grpc.health.v1.Health/Check": lambda: health_pb2.HealthCheckRequest(service=""),
        WATCH: lambda: health_pb2.HealthCheckRequest(service=""),
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": lambda: (
            reflection_pb2.ServerReflectionRequest(
                file_containing_extension=reflection_pb2.ExtensionRequest(
                    containing_type="alliance.v1.Claim", extension_number=7
                )
            )
        ),
    }
    return {f"/alliance.v1.{name}": make for name, make in made.items()} | plumbing


_LOST = "Internal error from Core"


class AnswerLost(Exception):
    """A call was refused while its message was on the way, and gRPC told of that and not of the refusal: ask again."""


def role_of(path: str) -> Role:
    """Give a role that may call a method: a member's where it may."""
    roles = POLICY[path].roles
    return Role.MEMBER if not roles or Role.MEMBER in roles else min(roles)


def sender(channel: Any, rpc: Rpc, metadata: Callable[[], Any] = lambda: None) -> Send:
    """Give what sends one message over a channel, without a serialiser in between."""
    if not rpc.many_replies:
        unary = channel.unary_unary(rpc.path)

        async def once(content: bytes) -> None:
            await unary(content, metadata=metadata())

        return once
    if not rpc.many_requests:
        stream = channel.unary_stream(rpc.path)

        async def read(content: bytes) -> None:
            await _read(rpc, stream(content, metadata=metadata()))

        return read
    both = channel.stream_stream(rpc.path)

    async def exchanged(content: bytes) -> None:
        call = both(metadata=metadata())
        with suppress(aio.AioRpcError, asyncio.InvalidStateError):  # refused before it was sent: the reading says how
            await call.write(content)
            await call.done_writing()
        try:
            await _read(rpc, call)
        except aio.AioRpcError as error:
            if error.details() == _LOST:
                raise AnswerLost from error
            raise

    return exchanged


async def _read(rpc: Rpc, call: Any) -> None:
    async for reply in call:
        if rpc.path == CONTRIBUTE:
            check_results(reply)
        if rpc.path in WATCHES:
            call.cancel()
            return


def check_results(reply: bytes) -> None:
    """Hold an acknowledgement against the rule that no row is answered with the hub's own trouble."""
    refused = {int(result.refusal) for result in ContributeResponse.FromString(reply).results}
    assert not refused & {int(fault) for fault in FAULTS}
