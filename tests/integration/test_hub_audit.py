"""Audit: exactly one event a call, for its actor alone, of digests and counts and nothing else."""

import os
from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Any

import pytest
import pytest_asyncio
import sqlalchemy as sa
from grpc import aio
from support.attachments import ATTACHED, ask, hand_over, messages_of, statement_of
from support.cosigning import TestWitness, sealed
from support.countersigning import LiaisonDesk, sealed_claim, told
from support.countersigning import ask as ask_for
from support.hub import RunningHub
from support.police import entries, filed, reply_of, staffed
from support.rpcs import role_of
from support.sdk import PHONES
from support.wire import WireMember, enrol, refuses, row_of, valid_elements

from alliance import facts
from alliance.claims import SealedClaim
from alliance.crypto import merkle
from alliance.disputes import DisputeOutcome
from alliance.errors import Reason
from alliance.statements import SUCCESSION
from alliance.taxonomy import Purpose
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
    registry_pb2,
    succession_pb2,
    witness_pb2,
)
from alliance.v1.directory_pb2 import MEMBER_ROLE_MEMBER
from alliance.v1.enrolment_pb2 import RenewCertificateRequest
from alliance.witnesses import WitnessList
from alliance_server.domain.alarms import AlarmKind, Finding
from alliance_server.domain.members import Role
from alliance_server.domain.policy import POLICY, POLICY_VERSION
from alliance_server.domain.successions import Succession
from alliance_server.domain.witnesses import NumberedWitnesses

pytestmark = pytest.mark.asyncio(loop_scope="module")

Call = Callable[[WireMember], Awaitable[Any]]
SUSPECT, ANOTHER, NOBODY = PHONES[0], PHONES[1], PHONES[2]


async def drain(call: Any) -> None:
    async for _ in call:
        pass


async def base_of(member: WireMember) -> bytes:
    reply = await member.filters.GetFilter(filter_pb2.GetFilterRequest(epoch=1))
    return filter_pb2.FilterHeader.FromString(reply.header.payload).bits_sha256


async def a_claim(member: WireMember) -> bytes:
    sealed = member.seal()
    await member.file(row_of(sealed))
    return sealed.entry_id


async def get_claim(member: WireMember) -> Any:
    return await member.registry.GetClaim(registry_pb2.GetClaimRequest(entry_id=await a_claim(member)))


async def withdraw(member: WireMember) -> Any:
    return await member.withdraw(await a_claim(member))


async def retire_operator(member: WireMember) -> None:
    await member.register("op-2")
    await member.operators.RetireOperator(operator_pb2.RetireOperatorRequest(retirement=member.retirement("op-2")))


async def download(member: WireMember) -> None:
    request = filter_pb2.DownloadSnapshotRequest(bits_sha256=await base_of(member))
    await drain(member.filters.DownloadSnapshot(request))


async def deltas(member: WireMember) -> None:
    await drain(member.filters.ListDeltas(filter_pb2.ListDeltasRequest(base_sha256=await base_of(member))))


PREVIEW = admin_pb2.PreviewChangeRequest(
    change=admin_pb2.Change(
        invite=admin_pb2.Invite(member="late", display_name="Late", role=MEMBER_ROLE_MEMBER, token_sha256=bytes(32))
    )
)


async def decide(admin: WireMember) -> None:
    other = await enrol(admin.hub, f"other-{os.urandom(4).hex()}", Role.ADMIN)
    proposal = other.proposal(PREVIEW.change)
    await other.propose(proposal)
    await admin.decide(proposal, admin.decision(proposal, admin_pb2.DECISION_REJECT))
    await other.close()


async def acknowledge(member: WireMember) -> None:
    store, finding = member.hub.hub.store, Finding(AlarmKind.AT_NIGHT, None, 2, 1, 0)
    store.write_now(lambda it: it.watch.raise_alarm("lender", finding, 1, member.now))
    alarm = store.read_now(lambda it: it.watch.alarms(0, 1, open_only=False))[0]
    await member.admin.AcknowledgeAlarm(admin_pb2.AcknowledgeAlarmRequest(alarm=alarm.id, reason="looked into"))


async def report_outcomes(member: WireMember) -> None:
    other = await enrol(member.hub, f"other-{os.urandom(4).hex()}")
    await member.evaluate(valid_elements(1), Purpose.LOAN_APPLICATION)
    await member.outcomes.ReportOutcomes(member.outcome_report({(other.id, 4, 1): 1}))
    await other.close()


async def sign_succession(admin: WireMember) -> None:
    """Sign a succession that was completed before, so that the module's hub goes on serving."""
    payload = succession_pb2.Succession(alliance="test", origin=2).SerializeToString()
    made = Succession(2, payload, admin.now, completed_at=admin.now)
    store = admin.hub.hub.store
    if not store.read_now(lambda it: it.successions.after(1)):
        store.write_now(lambda it: it.successions.add(made))
    statement = admin.key.statement(SUCCESSION, payload)
    await admin.succession.SignSuccession(succession_pb2.SignSuccessionRequest(statement=statement))


async def contested(
    hub: RunningHub, opener: WireMember | None = None, contributor: WireMember | None = None
) -> tuple[WireMember, WireMember, dispute_pb2.Dispute]:
    """Have a claim contested, by others where nobody is named."""
    made = [it or await enrol(hub, f"other-{os.urandom(4).hex()}") for it in (opener, contributor)]
    key = os.urandom(32)
    sealed = made[1].seal(None, key)
    await made[1].file(row_of(sealed))
    return made[0], made[1], await made[0].contest(sealed.entry_id, key)


async def escalate(member: WireMember) -> None:
    _, contributor, dispute = await contested(member.hub, opener=member)
    await contributor.respond(dispute, DisputeOutcome.UPHELD)
    await member.disputes.EscalateDispute(dispute_pb2.EscalateDisputeRequest(dispute_id=dispute.dispute_id))


async def answer(member: WireMember) -> None:
    _, _, dispute = await contested(member.hub, contributor=member)
    await member.respond(dispute, DisputeOutcome.WITHDRAWN)


async def review(reviewer: WireMember) -> None:
    opener, contributor, dispute = await contested(reviewer.hub)
    await contributor.respond(dispute, DisputeOutcome.UPHELD)
    await opener.disputes.EscalateDispute(dispute_pb2.EscalateDisputeRequest(dispute_id=dispute.dispute_id))
    await reviewer.disputes.DecideEscalation(reviewer.review(dispute.dispute_id))


async def cosign(member: WireMember) -> None:
    store, one = member.hub.hub.store, TestWitness()
    made = WitnessList(1, 1, (one.key,), member.now)
    store.write_now(lambda it: it.witnesses.add(NumberedWitnesses(1 + it.witnesses.number(), made.to_bytes(), 1)))
    await member.witnesses.AddCosignature(one.request(await sealed(member.hub), member.now))


async def submit_case(it: WireMember) -> Any:
    station = await staffed(it.hub, liaison=it)
    await station.submit(station.drawn_up(SUSPECT))


async def decide_case(it: WireMember) -> Any:
    station = await staffed(it.hub, legal=it)
    await station.submit(case := station.drawn_up(SUSPECT))
    await station.decide(it, case)


async def get_case(it: WireMember) -> Any:
    station = await staffed(it.hub, liaison=it)
    await station.submit(case := station.drawn_up(SUSPECT))
    await station.got(case)


async def submit_suspects(it: WireMember) -> Any:
    await (await staffed(it.hub, liaison=it)).opened(SUSPECT)


async def list_case_replies(it: WireMember) -> Any:
    station = await staffed(it.hub, liaison=it)
    await station.replies(await station.opened(NOBODY))


async def extend_case(it: WireMember) -> Any:
    station, lender = await staffed(it.hub, liaison=it), await enrol(it.hub, f"lender-{os.urandom(3).hex()}")
    await filed(lender, SUSPECT)
    await it.cases.ExtendCase(station.extension(await station.opened(SUSPECT)))


async def end_case(it: WireMember) -> Any:
    station = await staffed(it.hub, liaison=it)
    await station.submit(case := station.drawn_up(SUSPECT))
    await station.end(case)


async def list_inquiry_entries(it: WireMember) -> Any:
    await filed(it, SUSPECT)
    assert await entries(it, await (await staffed(it.hub)).opened(SUSPECT))


async def send_case_reply(it: WireMember) -> Any:
    await filed(it, ANOTHER)
    station = await staffed(it.hub)
    station.open_window(case := await station.opened(ANOTHER))
    await it.cases.SendCaseReply(reply_of(it, case))


async def get_attachment(it: WireMember) -> Any:
    await it.cases.GetAttachment(case_pb2.GetAttachmentRequest(case_id=ask(it.hub, it.id), attachment_id=bytes(16)))


async def upload_attachment(it: WireMember) -> Any:
    messages = messages_of(statement_of(it, ask(it.hub, it.id), ATTACHED), ATTACHED)
    await it.cases.UploadAttachment(iter(messages))


async def download_attachment(it: WireMember) -> Any:
    lender = await enrol(it.hub, f"lender-{os.urandom(3).hex()}")
    case_id = ask(it.hub, lender.id, liaison=it.id)
    statement = statement_of(lender, case_id, ATTACHED)
    await lender.cases.UploadAttachment(iter(messages_of(statement, ATTACHED)))
    hand_over(it.hub, case_id)
    asked = case_pb2.DownloadAttachmentRequest(case_id=case_id, member=lender.id, attachment_id=b"a" * 16)
    await drain(it.cases.DownloadAttachment(asked))


async def asked_of(liaison: WireMember) -> tuple[LiaisonDesk, SealedClaim]:
    """Have somebody ask a liaison to countersign a claim."""
    some = os.urandom(3).hex()
    desk, lender = await LiaisonDesk.opened(liaison, f"desk-{some}"), await enrol(liaison.hub, f"lender-{some}")
    await ask_for(lender, of := sealed_claim(lender), liaison.id)
    await lender.close()
    return desk, of


async def request_countersignature(member: WireMember) -> None:
    liaison = await enrol(member.hub, f"liaison-{os.urandom(3).hex()}", Role.LIAISON)
    await ask_for(member, sealed_claim(member), liaison.id)
    await liaison.close()


async def countersign(liaison: WireMember) -> None:
    desk, of = await asked_of(liaison)
    await desk.countersign(of)


async def refuse_countersignature(liaison: WireMember) -> None:
    desk, of = await asked_of(liaison)
    await desk.refuse(of)


async def revoke_countersignature(liaison: WireMember) -> None:
    desk, of = await asked_of(liaison)
    await desk.countersign(of)
    await desk.revoke(of)


SUCCEEDS: dict[str, Call] = {
    "CountersignatureService/CountersignClaim": countersign,
    "CountersignatureService/ListCountersignatureRequests": lambda it: (
        it.countersignatures.ListCountersignatureRequests(countersignature_pb2.ListCountersignatureRequestsRequest())
    ),
    "CountersignatureService/ListCountersignatures": told,
    "CountersignatureService/RefuseCountersignature": refuse_countersignature,
    "CountersignatureService/RequestCountersignature": request_countersignature,
    "CountersignatureService/RevokeCountersignature": revoke_countersignature,
    "AdminService/AcknowledgeAlarm": acknowledge,
    "AdminService/ListAlarms": lambda it: it.admin.ListAlarms(admin_pb2.ListAlarmsRequest()),
    "AdminService/ListStandings": lambda it: it.admin.ListStandings(admin_pb2.ListStandingsRequest()),
    "AdminService/Decide": decide,
    "AdminService/ListEpochStandings": lambda it: it.admin.ListEpochStandings(admin_pb2.ListEpochStandingsRequest()),
    "AdminService/ListProposals": lambda it: it.admin.ListProposals(admin_pb2.ListProposalsRequest()),
    "AdminService/ListRecalls": lambda it: it.admin.ListRecalls(admin_pb2.ListRecallsRequest()),
    "AdminService/PreviewChange": lambda it: it.admin.PreviewChange(PREVIEW),
    "AdminService/Propose": lambda it: it.propose(it.proposal(PREVIEW.change)),
    "AuditService/GetCheckpoint": lambda it: it.audit.GetCheckpoint(audit_pb2.GetCheckpointRequest()),
    "AuditService/GetConsistencyProof": lambda it: it.audit.GetConsistencyProof(
        audit_pb2.GetConsistencyProofRequest(log=it.log, first=1, second=1)
    ),
    "AuditService/GetInclusionProofs": lambda it: it.audit.GetInclusionProofs(
        audit_pb2.GetInclusionProofsRequest(log=it.log, tree_size=1, leaf_indices=[0])
    ),
    "AuditService/GetFactProofs": lambda it: it.audit.GetFactProofs(
        audit_pb2.GetFactProofsRequest(digests=[facts.policy(POLICY_VERSION)])
    ),
    "AuditService/ListEvents": lambda it: it.audit.ListEvents(audit_pb2.ListEventsRequest()),
    "AuditService/ListLogs": lambda it: it.audit.ListLogs(audit_pb2.ListLogsRequest()),
    "AuditService/LocateEvents": lambda it: it.audit.LocateEvents(audit_pb2.LocateEventsRequest(rows=[1])),
    "AuditService/ReadLog": lambda it: drain(it.audit.ReadLog(audit_pb2.ReadLogRequest(log=it.log))),
    "BucketService/GetBuckets": lambda it: drain(
        it.buckets.GetBuckets(bucket_pb2.GetBucketsRequest(epoch=1, prefixes=[0]))
    ),
    "BucketService/ReportEntry": lambda it: it.buckets.ReportEntry(
        bucket_pb2.ReportEntryRequest(entry_id=bytes(16), finding=bucket_pb2.ENTRY_FINDING_BOX_INVALID)
    ),
    "CaseService/DecideCase": decide_case,
    "CaseService/DownloadAttachment": download_attachment,
    "CaseService/EndCase": end_case,
    "CaseService/GetAttachment": get_attachment,
    "CaseService/UploadAttachment": upload_attachment,
    "CaseService/ExtendCase": extend_case,
    "CaseService/GetCase": get_case,
    "CaseService/ListCaseReplies": list_case_replies,
    "CaseService/ListCases": lambda it: it.cases.ListCases(case_pb2.ListCasesRequest()),
    "CaseService/ListInquiries": lambda it: it.cases.ListInquiries(case_pb2.ListInquiriesRequest()),
    "CaseService/ListInquiryEntries": list_inquiry_entries,
    "CaseService/SendCaseReply": send_case_reply,
    "CaseService/SubmitCase": submit_case,
    "CaseService/SubmitSuspects": submit_suspects,
    "CertificateService/RenewCertificate": lambda it: it.certificates.RenewCertificate(
        RenewCertificateRequest(renewal=it.renewal())
    ),
    "DirectoryService/ListMembers": lambda it: it.directory.ListMembers(directory_pb2.ListMembersRequest()),
    "DisputeService/AnswerDispute": answer,
    "DisputeService/DecideEscalation": review,
    "DisputeService/EscalateDispute": escalate,
    "DisputeService/ListDisputes": lambda it: it.listed(),
    "DisputeService/ListEscalations": lambda it: it.disputes.ListEscalations(dispute_pb2.ListEscalationsRequest()),
    "DisputeService/ListOverdueDisputes": lambda it: it.disputes.ListOverdueDisputes(
        dispute_pb2.ListOverdueDisputesRequest()
    ),
    "DisputeService/OpenDispute": lambda it: contested(it.hub, opener=it),
    "EpochService/GetSuppressionList": lambda it: it.epochs.GetSuppressionList(epoch_pb2.GetSuppressionListRequest()),
    "EpochService/ListEpochs": lambda it: it.epochs.ListEpochs(epoch_pb2.ListEpochsRequest()),
    "EvaluationService/Evaluate": lambda it: it.evaluate(valid_elements(3)),
    "FilterService/DownloadSnapshot": download,
    "FilterService/GetFilter": lambda it: it.filters.GetFilter(filter_pb2.GetFilterRequest(epoch=1)),
    "FilterService/ListDeltas": deltas,
    "OutcomeService/ListOutcomes": lambda it: it.outcomes.ListOutcomes(outcome_pb2.ListOutcomesRequest()),
    "OutcomeService/ListQuality": lambda it: it.outcomes.ListQuality(outcome_pb2.ListQualityRequest()),
    "OutcomeService/ReportOutcomes": report_outcomes,
    "OperatorService/ListOperators": lambda it: it.operators.ListOperators(operator_pb2.ListOperatorsRequest()),
    "OperatorService/RegisterOperator": lambda it: it.register("op-1"),
    "OperatorService/RetireOperator": retire_operator,
    "QuotaService/GetStanding": lambda it: it.quotas.GetStanding(quota_pb2.GetStandingRequest()),
    "RegistryService/Contribute": lambda it: it.file(it.row()),
    "RegistryService/GetClaim": get_claim,
    "RegistryService/ListClaims": lambda it: it.registry.ListClaims(registry_pb2.ListClaimsRequest()),
    "RegistryService/ChangeClaimStatus": withdraw,
    "StatusService/AcknowledgeRecalls": lambda it: it.statuses.AcknowledgeRecalls(it.recall_receipt(0)),
    "StatusService/WatchStatuses": lambda it: anext(it.status_pages()),
    "SuccessionService/ListSuccessions": lambda it: it.succession.ListSuccessions(
        succession_pb2.ListSuccessionsRequest()
    ),
    "SuccessionService/SignSuccession": sign_succession,
    "WitnessService/AddCosignature": cosign,
    "WitnessService/GetWitnessList": lambda it: it.witnesses.GetWitnessList(witness_pb2.GetWitnessListRequest()),
}
"""Every call, made well."""

REFUSED: dict[str, Call] = {
    "AdminService/AcknowledgeAlarm": lambda it: it.admin.AcknowledgeAlarm(admin_pb2.AcknowledgeAlarmRequest(alarm=1)),
    "AdminService/ListAlarms": lambda it: it.admin.ListAlarms(admin_pb2.ListAlarmsRequest(page_token="x")),
    "AdminService/ListStandings": lambda it: it.admin.ListStandings(admin_pb2.ListStandingsRequest(page_token="É")),
    "AdminService/Decide": lambda it: it.admin.Decide(admin_pb2.DecideRequest()),
    "AdminService/ListProposals": lambda it: it.admin.ListProposals(admin_pb2.ListProposalsRequest(page_token="x")),
    "AdminService/ListRecalls": lambda it: it.admin.ListRecalls(admin_pb2.ListRecallsRequest(page_token="x")),
    "AdminService/PreviewChange": lambda it: it.admin.PreviewChange(admin_pb2.PreviewChangeRequest()),
    "AdminService/Propose": lambda it: it.admin.Propose(admin_pb2.ProposeRequest()),
    "AuditService/GetCheckpoint": lambda it: it.audit.GetCheckpoint(audit_pb2.GetCheckpointRequest(log="x")),
    "AuditService/GetConsistencyProof": lambda it: it.audit.GetConsistencyProof(
        audit_pb2.GetConsistencyProofRequest(log=it.log, first=2, second=1)
    ),
    "AuditService/GetInclusionProofs": lambda it: it.audit.GetInclusionProofs(
        audit_pb2.GetInclusionProofsRequest(log=it.log, tree_size=1, leaf_indices=[1])
    ),
    "AuditService/GetFactProofs": lambda it: it.audit.GetFactProofs(audit_pb2.GetFactProofsRequest(digests=[b"x"])),
    "AuditService/ListEvents": lambda it: it.audit.ListEvents(audit_pb2.ListEventsRequest(page_token="x")),
    "AuditService/ListLogs": lambda it: it.audit.ListLogs(audit_pb2.ListLogsRequest(after="x")),
    "AuditService/LocateEvents": lambda it: it.audit.LocateEvents(audit_pb2.LocateEventsRequest(rows=range(1001))),
    "AuditService/ReadLog": lambda it: drain(it.audit.ReadLog(audit_pb2.ReadLogRequest(log=it.log, end_index=2**40))),
    "BucketService/GetBuckets": lambda it: drain(it.buckets.GetBuckets(bucket_pb2.GetBucketsRequest(epoch=1))),
    "BucketService/ReportEntry": lambda it: it.buckets.ReportEntry(bucket_pb2.ReportEntryRequest()),
    "CaseService/DecideCase": lambda it: it.cases.DecideCase(case_pb2.DecideCaseRequest()),
    "CaseService/DownloadAttachment": lambda it: drain(
        it.cases.DownloadAttachment(case_pb2.DownloadAttachmentRequest())
    ),
    "CaseService/EndCase": lambda it: it.cases.EndCase(case_pb2.EndCaseRequest()),
    "CaseService/GetAttachment": lambda it: it.cases.GetAttachment(case_pb2.GetAttachmentRequest()),
    "CaseService/UploadAttachment": lambda it: it.cases.UploadAttachment(iter([case_pb2.UploadAttachmentRequest()])),
    "CaseService/ExtendCase": lambda it: it.cases.ExtendCase(case_pb2.ExtendCaseRequest()),
    "CaseService/GetCase": lambda it: it.cases.GetCase(case_pb2.GetCaseRequest()),
    "CaseService/ListCaseReplies": lambda it: it.cases.ListCaseReplies(case_pb2.ListCaseRepliesRequest()),
    "CaseService/ListCases": lambda it: it.cases.ListCases(case_pb2.ListCasesRequest(page_token="x")),
    "CaseService/ListInquiries": lambda it: it.cases.ListInquiries(case_pb2.ListInquiriesRequest(page_token="x")),
    "CaseService/ListInquiryEntries": lambda it: it.cases.ListInquiryEntries(
        case_pb2.ListInquiryEntriesRequest(case_id=bytes(16))
    ),
    "CaseService/SendCaseReply": lambda it: it.cases.SendCaseReply(case_pb2.SendCaseReplyRequest()),
    "CaseService/SubmitCase": lambda it: it.cases.SubmitCase(case_pb2.SubmitCaseRequest()),
    "CaseService/SubmitSuspects": lambda it: it.cases.SubmitSuspects(case_pb2.SubmitSuspectsRequest()),
    "CertificateService/RenewCertificate": lambda it: it.certificates.RenewCertificate(RenewCertificateRequest()),
    "DirectoryService/ListMembers": lambda it: it.directory.ListMembers(
        directory_pb2.ListMembersRequest(page_size=5000)
    ),
    "DisputeService/AnswerDispute": lambda it: it.disputes.AnswerDispute(dispute_pb2.AnswerDisputeRequest()),
    "DisputeService/DecideEscalation": lambda it: it.disputes.DecideEscalation(it.review(bytes(16))),
    "DisputeService/EscalateDispute": lambda it: it.disputes.EscalateDispute(dispute_pb2.EscalateDisputeRequest()),
    "DisputeService/ListDisputes": lambda it: it.listed(dispute_pb2.DISPUTE_VIEW_UNSPECIFIED),
    "DisputeService/ListEscalations": lambda it: it.disputes.ListEscalations(
        dispute_pb2.ListEscalationsRequest(page_token="x")
    ),
    "DisputeService/OpenDispute": lambda it: it.contest(os.urandom(16), os.urandom(32)),
    "EvaluationService/Evaluate": lambda it: it.evaluate(b""),
    "FilterService/DownloadSnapshot": lambda it: drain(
        it.filters.DownloadSnapshot(filter_pb2.DownloadSnapshotRequest(bits_sha256=bytes(32)))
    ),
    "FilterService/GetFilter": lambda it: it.filters.GetFilter(filter_pb2.GetFilterRequest(epoch=9)),
    "FilterService/ListDeltas": lambda it: drain(it.filters.ListDeltas(filter_pb2.ListDeltasRequest())),
    "OutcomeService/ListOutcomes": lambda it: it.outcomes.ListOutcomes(outcome_pb2.ListOutcomesRequest(page_token="1")),
    "OutcomeService/ListQuality": lambda it: it.outcomes.ListQuality(outcome_pb2.ListQualityRequest(page_token="É")),
    "OutcomeService/ReportOutcomes": lambda it: it.outcomes.ReportOutcomes(it.outcome_report({(it.id, 4, 1): 1})),
    "CountersignatureService/CountersignClaim": lambda it: it.countersignatures.CountersignClaim(
        countersignature_pb2.CountersignClaimRequest(entry_id=bytes(16))
    ),
    "CountersignatureService/ListCountersignatureRequests": lambda it: (
        it.countersignatures.ListCountersignatureRequests(
            countersignature_pb2.ListCountersignatureRequestsRequest(page_token="x")
        )
    ),
    "CountersignatureService/RefuseCountersignature": lambda it: it.countersignatures.RefuseCountersignature(
        countersignature_pb2.RefuseCountersignatureRequest(entry_id=bytes(16))
    ),
    "CountersignatureService/RequestCountersignature": lambda it: ask_for(it, sealed_claim(it), "nobody"),
    "CountersignatureService/RevokeCountersignature": lambda it: it.countersignatures.RevokeCountersignature(
        countersignature_pb2.RevokeCountersignatureRequest(entry_id=bytes(16))
    ),
    "OperatorService/RegisterOperator": lambda it: it.register("Not A Name"),
    "OperatorService/RetireOperator": lambda it: it.operators.RetireOperator(operator_pb2.RetireOperatorRequest()),
    "RegistryService/Contribute": lambda it: it.contribute(),
    "RegistryService/GetClaim": lambda it: it.registry.GetClaim(registry_pb2.GetClaimRequest()),
    "RegistryService/ListClaims": lambda it: it.registry.ListClaims(registry_pb2.ListClaimsRequest(page_token="-")),
    "RegistryService/ChangeClaimStatus": lambda it: it.withdraw(bytes(16)),
    "StatusService/AcknowledgeRecalls": lambda it: it.statuses.AcknowledgeRecalls(it.recall_receipt(2**40)),
    "SuccessionService/SignSuccession": lambda it: it.succession.SignSuccession(succession_pb2.SignSuccessionRequest()),
    "WitnessService/AddCosignature": lambda it: it.witnesses.AddCosignature(witness_pb2.AddCosignatureRequest()),
}
"""Every call that can be refused by its content, refused."""

CANNOT_BE_WRONG = {
    "AdminService/ListEpochStandings",
    "CountersignatureService/ListCountersignatures",
    "DisputeService/ListOverdueDisputes",
    "EpochService/GetSuppressionList",
    "EpochService/ListEpochs",
    "OperatorService/ListOperators",
    "QuotaService/GetStanding",
    "StatusService/WatchStatuses",
    "SuccessionService/ListSuccessions",
    "WitnessService/GetWitnessList",
}


async def test_all_audited_calls_are_here() -> None:
    audited = {method.removeprefix("/alliance.v1.") for method, rule in POLICY.items() if rule.action}
    assert audited == set(SUCCEEDS) == set(REFUSED) | CANNOT_BE_WRONG


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def refused(hub: RunningHub, members: Any) -> dict[Role, WireMember]:
    """One of each role for calls that leave nothing but their event."""
    return {role: await members(hub, role=role) for role in Role}


def action_of(method: str) -> str:
    return str(POLICY[f"/alliance.v1.{method}"].action)


@pytest.mark.parametrize("method", SUCCEEDS)
async def test_one_event_for_a_call_that_succeeds(hub: RunningHub, members: Any, method: str) -> None:
    member = await members(hub, role=role_of(f"/alliance.v1.{method}"))
    await SUCCEEDS[method](member)
    events = [it for it in member.events() if it.action == action_of(method)]
    assert len(events) == 1
    assert events[0].outcome == "ok"


@pytest.mark.parametrize("method", REFUSED)
async def test_one_event_for_a_call_that_is_refused(refused: dict[Role, WireMember], method: str) -> None:
    member = refused[role_of(f"/alliance.v1.{method}")]
    before = len(member.events())
    with pytest.raises(aio.AioRpcError):
        await REFUSED[method](member)
    (event,) = member.events()[before:]
    assert event.action == action_of(method)
    assert Reason[event.outcome] not in {Reason.INTERNAL, Reason.UNAVAILABLE}


@pytest.mark.parametrize("method", SUCCEEDS)
async def test_a_message_that_cannot_be_read_is_refused_and_audited(
    refused: dict[Role, WireMember], method: str
) -> None:
    path = f"/alliance.v1.{method}"
    member = refused[role_of(path)]
    before = len(member.events())
    with refuses(Reason.INVALID_REQUEST):
        if method == "RegistryService/Contribute":
            stream = member.channel.stream_stream(path)()
            await stream.write(b"\xff\xff\xff")
            await drain(stream)
        elif method.split("/")[1] in {"GetBuckets", "DownloadAttachment", "DownloadSnapshot", "ListDeltas", "ReadLog"}:
            await drain(member.channel.unary_stream(path)(b"\xff\xff\xff"))
        else:
            await member.channel.unary_unary(path)(b"\xff\xff\xff")
    (event,) = member.events()[before:]
    assert (event.action, event.outcome) == (action_of(method), "INVALID_REQUEST")


async def test_an_event_says_who_when_what_and_under_which_policy(hub: RunningHub, members: Any) -> None:
    member = await members(hub)
    before = hub.clock.now_ms()
    await SUCCEEDS["EpochService/ListEpochs"](member)
    (event,) = [it for it in member.events() if it.action == "epoch:list"]
    assert event.actor == member.id
    assert before <= event.time <= hub.clock.now_ms()
    assert event.policy_version == POLICY_VERSION
    assert event.items == 1


async def test_leaves_are_hashed_as_rfc_9162_says_and_salted_apart(hub: RunningHub, members: Any) -> None:
    member = await members(hub)
    for _ in range(3):
        await SUCCEEDS["EpochService/ListEpochs"](member)
    reply = await member.audit.ListEvents(audit_pb2.ListEventsRequest())
    assert len(reply.records) == 4  # the enrolment and three more; the listing itself comes after
    for record in reply.records:
        assert len(record.salt) == 32
        assert record.leaf_hash == sha256(b"\x00" + record.salt + record.event).digest()
        assert record.leaf_hash == merkle.leaf_hash(record.salt + record.event)
    assert len({record.salt for record in reply.records}) == 4


async def test_members_read_their_own_events_alone_and_by_pages(hub: RunningHub, members: Any) -> None:
    first, second = await members(hub), await members(hub)
    for _ in range(4):
        await SUCCEEDS["EpochService/ListEpochs"](first)
        await SUCCEEDS["FilterService/GetFilter"](second)
    actions, token = [], ""
    for _ in range(3):
        reply = await first.audit.ListEvents(audit_pb2.ListEventsRequest(page_size=2, page_token=token))
        events = [audit_pb2.AuditEvent.FromString(record.event) for record in reply.records]
        assert {it.actor for it in events} == {first.id}
        actions += [it.action for it in events]
        token = reply.next_page_token
    assert actions == ["member:enrol", *["epoch:list"] * 4, "audit:event:list"]


@pytest.mark.parametrize("token", ["x", "-1", "1-1", "1 ", "9" * 19, "１", "\x00", "1" * 1000])
async def test_page_tokens_that_are_not_ours(refused: dict[Role, WireMember], token: str) -> None:
    with refuses(Reason.INVALID_REQUEST):
        await refused[Role.MEMBER].audit.ListEvents(audit_pb2.ListEventsRequest(page_token=token))


async def test_events_hold_no_tag_prefix_blinded_element_or_key(own_hub: RunningHub, own_members: Any) -> None:
    member = await own_members(own_hub)
    tags = await member.tags(b"alliance/v1\0phone\0+8613800138000", os.urandom(8))
    query = await member.tags(b"alliance/v1\0phone\0+8613900139000", purpose=1)
    sealed = member.seal(tags.tag(0), tags.label_key(0).reveal())
    await member.contribute(row_of(sealed))
    await own_hub.settle()
    others: dict[Role, WireMember] = {
        role: await own_members(own_hub, role=role) for role in Role if role is not Role.MEMBER
    }
    for method in SUCCEEDS:
        await SUCCEEDS[method](others.get(role_of(f"/alliance.v1.{method}"), member))
    await drain(member.buckets.GetBuckets(bucket_pb2.GetBucketsRequest(epoch=1, prefix_bits=20, prefixes=[0xABCDE])))
    with own_hub.hub.store.engine.connect() as connection:
        stored = [bytes(it) for it in connection.execute(sa.text("SELECT event FROM audit_events")).scalars()]
    assert len(stored) > 20
    forbidden = [
        tags.tag(0),
        query.tag(0),
        tags.label_key(0).reveal(),
        sealed.handle,
        sealed.entry_id,
        b"13800138000",
        sha256(b"+8613800138000").digest(),
        sha256(tags.tag(0)).digest(),
        0xABCDE.to_bytes(3, "big"),
        member.key.sign("claim", sealed.claim)[:16],
    ]
    for event in stored:
        for secret in forbidden:
            assert secret not in event
            assert secret.hex().encode() not in event
    fields = {field.name for field in audit_pb2.AuditEvent.DESCRIPTOR.fields}
    assert fields == {
        "time",
        "actor",
        "operator",
        "action",
        "purpose",
        "items",
        "items_refused",
        "commitments",
        "policy_version",
        "outcome",
        "epoch",
    }


async def test_fetches_are_audited_by_their_number(hub: RunningHub, members: Any) -> None:
    member = await members(hub)
    request = bucket_pb2.GetBucketsRequest(epoch=1, prefix_bits=3, prefixes=[0, 3, 7])
    await drain(member.buckets.GetBuckets(request))
    event = member.events()[-1]
    assert (event.items, list(event.commitments)) == (3, [])
