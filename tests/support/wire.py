"""A member on the raw wire: enrols through the real port, signs by `alliance.crypto`, calls generated stubs.

Nothing of the SDK is used, so that a fault of the SDK cannot hide one of the hub.
"""

import os
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from typing import Any, cast

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2
from google.rpc import status_pb2 as rpc_status_pb2
from grpc import aio

from alliance import approvals
from alliance.claims import Draft, SealedClaim, seal_claim
from alliance.crypto import merkle, sealing, tagging
from alliance.crypto.signing import SigningKey, VerifyingKey
from alliance.crypto.tagging import Tags
from alliance.disputes import ENDING_STATUSES, DisputeGround, DisputeOutcome, ReviewDecision
from alliance.errors import CATALOGUE, ERROR_DOMAIN, Reason
from alliance.identifiers import Kind
from alliance.statements import (
    CLAIM_STATUS,
    DISPUTE_ANSWER,
    DISPUTE_OPENING,
    DISPUTE_REVIEW,
    ENROLMENT,
    EVALUATION_HEADER,
    OPERATOR,
    OPERATOR_RETIREMENT,
    OUTCOME_REPORT,
    PROPOSAL,
    PROPOSAL_DECISION,
    RECALL_RECEIPT,
    RENEWAL,
    STATUS_CHANGES,
)
from alliance.taxonomy import (
    DAY_MS,
    Category,
    ClaimStatus,
    EvidenceLevel,
    Purpose,
    SharingLevel,
    SubjectRole,
    needs_approvals,
)
from alliance.v1 import (
    admin_pb2,
    admin_pb2_grpc,
    audit_pb2,
    audit_pb2_grpc,
    bucket_pb2_grpc,
    case_pb2_grpc,
    claim_pb2,
    countersignature_pb2_grpc,
    directory_pb2_grpc,
    dispute_pb2,
    dispute_pb2_grpc,
    enrolment_pb2,
    enrolment_pb2_grpc,
    epoch_pb2_grpc,
    evaluation_pb2,
    evaluation_pb2_grpc,
    filter_pb2_grpc,
    operator_pb2,
    operator_pb2_grpc,
    outcome_pb2,
    outcome_pb2_grpc,
    quota_pb2_grpc,
    registry_pb2,
    registry_pb2_grpc,
    status_pb2,
    status_pb2_grpc,
    succession_pb2_grpc,
    taxonomy_pb2,
    witness_pb2_grpc,
)
from alliance.v1.statement_pb2 import SignedStatement
from alliance_server.authority import server_name
from alliance_server.domain.members import Role
from alliance_server.domain.operators import Operator
from alliance_server.domain.ports import Transaction
from alliance_server.services import memberships
from support.hub import RunningHub

Pem = tuple[bytes, bytes]
"""Private key and certificate, PEM."""

CHANNEL_OPTIONS = [("grpc.max_receive_message_length", 16 * 1024 * 1024)]


@dataclass
class Refusal:
    """What a refused call said."""

    reason: Reason | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    message: str = ""


def refusal_of(error: aio.AioRpcError) -> Refusal:
    """Read a refusal, and hold it against the catalogue: one ErrorInfo, its code and its sentence."""
    metadata: Any = error.trailing_metadata()
    details = dict(metadata or ()).get("grpc-status-details-bin")
    assert details is not None, f"not an error of the catalogue: {error.code()} {error.details()}"
    status = rpc_status_pb2.Status.FromString(details if isinstance(details, bytes) else details.encode())
    (detail,) = status.details
    info = error_details_pb2.ErrorInfo()
    assert detail.Unpack(info)
    assert info.domain == ERROR_DOMAIN
    reason = Reason[info.reason]
    public = CATALOGUE[reason]
    assert (status.code, status.message) == (public.code, public.sentence)
    assert (error.code().value[0], error.details()) == (public.code, public.sentence)
    return Refusal(reason, dict(info.metadata), status.message)


@contextmanager
def refuses(*reasons: Reason) -> Iterator[Refusal]:
    """Expect a call inside to be refused for one of these reasons."""
    seen = Refusal()
    with pytest.raises(aio.AioRpcError) as caught:
        yield seen
    found = refusal_of(caught.value)
    assert found.reason in reasons, f"refused as {found.reason!r} instead"
    seen.reason, seen.metadata, seen.message = found.reason, found.metadata, found.message


def new_tls_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def pem_of(key: Any) -> bytes:
    encoded: bytes = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return encoded


def certificate_request(key: Any, common_name: str = "member", *extensions: x509.ExtensionType) -> bytes:
    """Make a PKCS #10 request in DER."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    )
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def enrol_request(
    token: bytes, key: SigningKey, csr: bytes, *, identity_key: bytes | None = None, bound_to: bytes | None = None
) -> enrolment_pb2.EnrolRequest:
    """Make an enrolment; `identity_key` and `bound_to` are for those that should be refused."""
    payload = enrolment_pb2.EnrolmentRequest(
        token_sha256=sha256(token if bound_to is None else bound_to).digest(),
        certificate_request=csr,
        identity_key=key.public_key if identity_key is None else identity_key,
    )
    return enrolment_pb2.EnrolRequest(token=token, enrolment=key.statement(ENROLMENT, payload.SerializeToString()))


def enrolment_channel(hub: RunningHub) -> Any:
    """Open the enrolment port: server TLS alone."""
    return _channel(hub, hub.enrolment_address, None)


def members_channel(hub: RunningHub, identity: Pem | None) -> Any:
    """Open the members' port with a certificate, or with none."""
    return _channel(hub, hub.address, identity)


def _channel(hub: RunningHub, address: str, identity: Pem | None) -> Any:  # the stubs' channels lack much
    key, certificate = identity or (None, None)
    credentials = grpc.ssl_channel_credentials(hub.hub.keys.authority.certificate_pem, key, certificate)
    name = server_name(hub.hub.config.alliance)
    return aio.secure_channel(address, credentials, [("grpc.ssl_target_name_override", name), *CHANNEL_OPTIONS])


def invited(hub: RunningHub, member_id: str, role: Role = Role.MEMBER) -> bytes:
    """Invite somebody, whether or not there are admins who would have to agree; gives the token."""
    token, now = os.urandom(32), hub.clock.now_ms()
    digest = sha256(token).digest()
    hub.hub.store.write_now(lambda it: memberships.invite(it, member_id, f"{member_id} Ltd", role, digest, now))
    return token


async def enrol_by_token(hub: RunningHub, member_id: str, token: bytes, key: SigningKey | None = None) -> "WireMember":
    """Enrol whom a token was made for through the enrolment port; the key is not confirmed yet."""
    tls_key, key = new_tls_key(), key or SigningKey.generate()[0]
    async with enrolment_channel(hub) as channel:
        request = enrol_request(token, key, certificate_request(tls_key))
        reply = await enrolment_pb2_grpc.EnrolmentServiceStub(channel).Enrol(request)
    return WireMember(hub, member_id, key, (pem_of(tls_key), _as_pem(reply.certificate)))


async def enrol(hub: RunningHub, member_id: str, role: Role = Role.MEMBER) -> "WireMember":
    """Invite somebody, enrol them whatever the enrolment port does at the moment, and let them call."""
    tls_key, key = new_tls_key(), SigningKey.generate()[0]
    request = enrol_request(invited(hub, member_id, role), key, certificate_request(tls_key))
    issued, _ = await hub.hub.enrolment.enrol(request.token, request.enrolment)
    hub.confirm(member_id)
    return WireMember(hub, member_id, key, (pem_of(tls_key), _as_pem(issued.der)))


def _as_pem(certificate: bytes) -> bytes:
    return x509.load_der_x509_certificate(certificate).public_bytes(serialization.Encoding.PEM)


class WireMember:
    """An enrolled member with a channel of its own."""

    def __init__(self, hub: RunningHub, member_id: str, key: SigningKey, identity: Pem) -> None:
        self.hub, self.id, self.key, self.identity = hub, member_id, key, identity
        self.channel = members_channel(hub, identity)
        self.approves = True
        """Whether rows that need two operators get the approvals of two as they are filed."""
        self._approvers: dict[str, SigningKey] = {}
        self.admin: Any = admin_pb2_grpc.AdminServiceStub(self.channel)
        self.audit: Any = audit_pb2_grpc.AuditServiceStub(self.channel)
        self.certificates: Any = enrolment_pb2_grpc.CertificateServiceStub(self.channel)
        self.buckets: Any = bucket_pb2_grpc.BucketServiceStub(self.channel)
        self.cases: Any = case_pb2_grpc.CaseServiceStub(self.channel)
        self.countersignatures: Any = countersignature_pb2_grpc.CountersignatureServiceStub(self.channel)
        self.directory: Any = directory_pb2_grpc.DirectoryServiceStub(self.channel)
        self.disputes: Any = dispute_pb2_grpc.DisputeServiceStub(self.channel)
        self.epochs: Any = epoch_pb2_grpc.EpochServiceStub(self.channel)
        self.evaluation: Any = evaluation_pb2_grpc.EvaluationServiceStub(self.channel)
        self.filters: Any = filter_pb2_grpc.FilterServiceStub(self.channel)
        self.outcomes: Any = outcome_pb2_grpc.OutcomeServiceStub(self.channel)
        self.operators: Any = operator_pb2_grpc.OperatorServiceStub(self.channel)
        self.quotas: Any = quota_pb2_grpc.QuotaServiceStub(self.channel)
        self.registry: Any = registry_pb2_grpc.RegistryServiceStub(self.channel)
        self.statuses: Any = status_pb2_grpc.StatusServiceStub(self.channel)
        self.succession: Any = succession_pb2_grpc.SuccessionServiceStub(self.channel)
        self.witnesses: Any = witness_pb2_grpc.WitnessServiceStub(self.channel)

    async def close(self) -> None:
        await self.channel.close()

    def again(self) -> "WireMember":
        """The same member over a new connection."""
        return self.at(self.hub)

    def at(self, hub: RunningHub) -> "WireMember":
        """The same member at a hub made of the folder of the one that it enrolled at."""
        return WireMember(hub, self.id, self.key, self.identity)

    @property
    def now(self) -> int:
        return self.hub.clock.now_ms()

    @property
    def log(self) -> str:
        """Origin of the newest log."""
        newest = self.hub.hub.store.read_now(lambda transaction: transaction.logs.newest())
        assert newest is not None
        return newest.origin

    @property
    def epoch_key(self) -> bytes:
        epoch = self.hub.hub.store.read_now(lambda transaction: transaction.epochs.get(1))
        assert epoch is not None
        return epoch.public_key

    # -- evaluations ---------------------------------------------------------------------------------------

    def header(self, blinded: bytes, purpose: int = Purpose.CONTRIBUTION, **changes: Any) -> SignedStatement:
        """Sign a header for packed elements; `changes` replace its fields."""
        fields: dict[str, Any] = {
            "member": self.id,
            "epoch": 1,
            "purpose": purpose,
            "count": len(blinded) // 32,
            "blinded_sha256": sha256(blinded).digest(),
            "consent_root": merkle.root([os.urandom(32)]),
            "request_id": os.urandom(16),
            "time": self.now,
        }
        payload = evaluation_pb2.EvaluationHeader(**(fields | changes))
        return self.key.statement(EVALUATION_HEADER, payload.SerializeToString())

    async def evaluate(
        self, blinded: bytes, purpose: int = Purpose.CONTRIBUTION, **changes: Any
    ) -> evaluation_pb2.EvaluateResponse:
        """Evaluate packed elements under a header of its own."""
        header = self.header(blinded, purpose, **changes)
        reply: evaluation_pb2.EvaluateResponse = await self.evaluation.Evaluate(
            evaluation_pb2.EvaluateRequest(header=header, blinded=blinded)
        )
        return reply

    async def tags(self, *inputs: bytes, purpose: int = Purpose.CONTRIBUTION) -> Tags:
        """Derive tags of inputs as a member does."""
        blinded = tagging.blind(inputs)
        (share,) = (await self.evaluate(blinded.message, purpose)).shares
        return blinded.state.finalize(share.evaluated, share.proof, self.epoch_key)

    # -- operators -----------------------------------------------------------------------------------------

    def operator(self, name: str, key: SigningKey, **changes: Any) -> SignedStatement:
        """State an operator of this member, right unless changed."""
        fields: dict[str, Any] = {"member": self.id, "operator": name, "public_key": key.public_key, "time": self.now}
        return self.key.statement(OPERATOR, operator_pb2.Operator(**(fields | changes)).SerializeToString())

    def retirement(self, name: str, **changes: Any) -> SignedStatement:
        """State that an operator is retired."""
        fields: dict[str, Any] = {"member": self.id, "operator": name, "time": self.now}
        payload = operator_pb2.OperatorRetirement(**(fields | changes)).SerializeToString()
        return self.key.statement(OPERATOR_RETIREMENT, payload)

    async def register(self, name: str, key: SigningKey | None = None, **changes: Any) -> SigningKey:
        """Register an operator by its RPC; gives its key."""
        key = key or SigningKey.generate()[0]
        statement = self.operator(name, key, **changes)
        await self.operators.RegisterOperator(operator_pb2.RegisterOperatorRequest(operator=statement))
        return key

    def approve(self, *rows: registry_pb2.ClaimRow) -> None:
        """Add the approvals of two operators, registered beside the wire, to rows that need them and have none."""
        for row in rows:
            try:
                claim = claim_pb2.Claim.FromString(row.claim)
                needed = needs_approvals(SubjectRole(claim.subject_role), EvidenceLevel(claim.evidence_level))
            except (DecodeError, ValueError):
                continue
            if needed and not row.approvals and not row.predecessor:
                for name, key in self.two_operators().items():
                    signed = approvals.approve(key, name, entry_id=claim.entry_id, claim=row.claim, now_ms=self.now)
                    row.approvals.append(signed)

    def two_operators(self) -> dict[str, SigningKey]:
        """Give the keys of two operators, registered beside the wire, by their names."""
        store = self.hub.hub.store
        if not self._approvers:
            self._approvers = {f"op-{os.urandom(4).hex()}": SigningKey.generate()[0] for _ in range(2)}
            keys = self._approvers.items()
            made = [Operator(self.id, name, key.public_key, self.now, None, b"") for name, key in keys]
            for one in made:
                store.write_now(partial(_add_operator, operator=one))
        return self._approvers

    # -- claims --------------------------------------------------------------------------------------------

    def draft(self, **changes: Any) -> Draft:
        """Give a harmless draft, E2, valid now."""
        now = self.now
        fields: dict[str, Any] = {
            "kind": Kind.PHONE,
            "category": Category.MULE_ACCOUNT,
            "role": SubjectRole.MULE_COMPLICIT,
            "evidence": EvidenceLevel.E2,
            "observed_from": now - 30 * DAY_MS,
            "observed_to": now - 10 * DAY_MS,
            "filed_at": now - 1000,
            "expires_at": now + 100 * DAY_MS,
            "sharing": SharingLevel.AMBER,
            "evidence_commitment": os.urandom(32),
        }
        return Draft(**(fields | changes))

    def seal(
        self,
        tag: bytes | None = None,
        label_key: bytes | None = None,
        *,
        epoch: int = 1,
        entry_id: bytes | None = None,
        contributor: str | None = None,
        **changes: Any,
    ) -> SealedClaim:
        """Seal a claim on a tag, a random one where none is given: the hub cannot tell."""
        return seal_claim(
            self.draft(**changes),
            epoch=epoch,
            tag=tag or os.urandom(32),
            label_key=label_key or os.urandom(32),
            contributor=contributor or self.id,
            signing_key=self.key,
            entry_id=entry_id,
        )

    def row(self, *arguments: Any, **options: Any) -> registry_pb2.ClaimRow:
        """Seal a claim and give its row."""
        return row_of(self.seal(*arguments, **options))

    async def credit(self, rows: int) -> None:
        """Evaluate as many elements for contribution as rows shall be filed."""
        await self.evaluate(valid_elements(rows))

    async def contribute(
        self, *rows: registry_pb2.ClaimRow, request_id: bytes | None = None
    ) -> list[registry_pb2.ClaimRowResult]:
        """File one chunk in a stream of its own."""
        (reply,) = await self.contribute_chunks([rows], request_ids=[request_id or os.urandom(16)])
        return list(reply.results)

    async def contribute_chunks(
        self, chunks: Sequence[Sequence[registry_pb2.ClaimRow]], request_ids: Sequence[bytes] | None = None
    ) -> list[registry_pb2.ContributeResponse]:
        """File several chunks in one stream; each acknowledgement is awaited before the next chunk."""
        ids = request_ids or [os.urandom(16) for _ in chunks]
        call = self.registry.Contribute()
        replies = []
        for name, rows in zip(ids, chunks, strict=True):
            if self.approves:
                self.approve(*rows)
            await call.write(registry_pb2.ContributeRequest(request_id=name, rows=rows))
            reply = await call.read()
            if not isinstance(reply, registry_pb2.ContributeResponse):  # the end of the stream
                break
            assert reply.request_id == name
            replies.append(reply)
        await call.done_writing()
        if (code := await call.code()) is not grpc.StatusCode.OK:
            metadata = await call.initial_metadata(), await call.trailing_metadata()
            raise aio.AioRpcError(code, *metadata, await call.details(), None)
        return replies

    async def file(self, *rows: registry_pb2.ClaimRow) -> None:
        """Credit and file rows that must be accepted."""
        await self.credit(len(rows))
        results = await self.contribute(*rows)
        assert [(result.refusal, result.repeated_row) for result in results] == [(0, False)] * len(rows)

    def status_change(self, entry_id: bytes, version: int = 1, **changes: Any) -> SignedStatement:
        """Sign a change of status, a withdrawal unless said otherwise."""
        fields: dict[str, Any] = {
            "entry_id": entry_id,
            "version": version,
            "status": taxonomy_pb2.ClaimStatus.ValueType(changes.pop("status", ClaimStatus.WITHDRAWN)),
            "changed_at": self.now,
            "reason": "filed_in_error",
        }
        payload = claim_pb2.ClaimStatusChange(**(fields | changes))
        return self.key.statement(CLAIM_STATUS, payload.SerializeToString())

    async def withdraw(self, entry_id: bytes, version: int = 1) -> registry_pb2.ClaimRecord:
        request = registry_pb2.ChangeClaimStatusRequest(status_change=self.status_change(entry_id, version))
        reply: registry_pb2.ChangeClaimStatusResponse = await self.registry.ChangeClaimStatus(request)
        return reply.claim

    async def status_pages(self, after: int = 0) -> AsyncGenerator[status_pb2.StatusChanges, None]:
        """Follow the feed of changes; every page is verified."""
        key = VerifyingKey(self.hub.hub.keys.identity.public_key)
        async for reply in self.statuses.WatchStatuses(status_pb2.WatchStatusesRequest(after=after)):
            payload = key.verified_payload(STATUS_CHANGES, reply.page)
            yield status_pb2.StatusChanges.FromString(payload)

    def recall_receipt(self, upto: int, **changes: Any) -> status_pb2.AcknowledgeRecallsRequest:
        """Sign that recalls up to a change were dealt with."""
        fields: dict[str, Any] = {"member": self.id, "upto": upto, "time": self.now}
        payload = status_pb2.RecallReceipt(**(fields | changes)).SerializeToString()
        return status_pb2.AcknowledgeRecallsRequest(receipt=self.key.statement(RECALL_RECEIPT, payload))

    # -- disputes ------------------------------------------------------------------------------------------

    def opening(
        self,
        entry_id: bytes,
        label_key: bytes,
        *,
        token: bytes | None = None,
        evidence: bytes = b"",
        text: bytes = b"It was not me.",
        **changes: Any,
    ) -> dispute_pb2.OpenDisputeRequest:
        """Ask to open a dispute, right unless changed; `changes` replace the statement's fields."""
        dispute_id = changes.get("dispute_id") or os.urandom(16)
        token = sealing.dispute_token(label_key, entry_id) if token is None else token
        sealed = sealing.seal_statement(label_key, dispute_id, text)
        fields: dict[str, Any] = {
            "member": self.id,
            "dispute_id": dispute_id,
            "entry_id": entry_id,
            "token_sha256": sha256(token).digest(),
            "ground": dispute_pb2.DisputeGround.ValueType(changes.pop("ground", DisputeGround.INACCURATE)),
            "request_commitment": os.urandom(32),
            "evidence_digest": sealing.evidence_digest(label_key, sha256(evidence).digest()) if evidence else b"",
            "sealed_sha256": sha256(sealed).digest(),
            "time": self.now,
        }
        payload = dispute_pb2.DisputeOpening(**(fields | changes)).SerializeToString()
        return dispute_pb2.OpenDisputeRequest(
            opening=self.key.statement(DISPUTE_OPENING, payload), token=token, sealed_statement=sealed
        )

    async def contest(self, entry_id: bytes, label_key: bytes, **options: Any) -> dispute_pb2.Dispute:
        """Open a dispute."""
        reply = await self.disputes.OpenDispute(self.opening(entry_id, label_key, **options))
        return cast("dispute_pb2.Dispute", reply.dispute)

    def answer(
        self, dispute: dispute_pb2.Dispute, outcome: DisputeOutcome, version: int = 2, **changes: Any
    ) -> dispute_pb2.AnswerDisputeRequest:
        """Answer a dispute, with the claim's next change of status where the answer ends it."""
        fields: dict[str, Any] = {
            "member": self.id,
            "dispute_id": dispute.dispute_id,
            "outcome": dispute_pb2.DisputeOutcome.ValueType(changes.pop("stated", outcome)),
            "reason": "checked",
            "time": self.now,
        }
        payload = dispute_pb2.DisputeAnswer(**(fields | changes)).SerializeToString()
        status = ENDING_STATUSES.get(outcome)
        return dispute_pb2.AnswerDisputeRequest(
            answer=self.key.statement(DISPUTE_ANSWER, payload),
            status_change=self.status_change(dispute.entry_id, version, status=status) if status else None,
        )

    async def respond(self, dispute: dispute_pb2.Dispute, outcome: DisputeOutcome, **options: Any) -> Any:
        """Answer a dispute; gives it as it is then."""
        return (await self.disputes.AnswerDispute(self.answer(dispute, outcome, **options))).dispute

    def review(
        self, dispute_id: bytes, decision: ReviewDecision = ReviewDecision.CLAIM_SUSPENDED, **changes: Any
    ) -> dispute_pb2.DecideEscalationRequest:
        """Decide about a claim as a reviewer."""
        fields: dict[str, Any] = {
            "reviewer": self.id,
            "dispute_id": dispute_id,
            "decision": dispute_pb2.ReviewDecision.ValueType(changes.pop("stated", decision)),
            "reason": "evidence_too_thin",
            "time": self.now,
        }
        payload = dispute_pb2.DisputeReview(**(fields | changes)).SerializeToString()
        return dispute_pb2.DecideEscalationRequest(review=self.key.statement(DISPUTE_REVIEW, payload))

    async def listed(
        self, view: int = dispute_pb2.DISPUTE_VIEW_ABOUT_OWN, *, waiting_only: bool = False
    ) -> list[dispute_pb2.Dispute]:
        """List disputes about its own claims, or those that it opened."""
        request = dispute_pb2.ListDisputesRequest(
            view=dispute_pb2.DisputeView.ValueType(view), waiting_only=waiting_only
        )
        return list((await self.disputes.ListDisputes(request)).disputes)

    def outcome_report(
        self, counts: Mapping[tuple[str, int, int], int], **changes: Any
    ) -> outcome_pb2.ReportOutcomesRequest:
        """Sign counts for yesterday by (contributor, category, outcome), right unless changed."""
        rows = [
            outcome_pb2.OutcomeRow(
                contributor=contributor,
                category=taxonomy_pb2.Category.ValueType(category),
                outcome=taxonomy_pb2.Outcome.ValueType(outcome),
                count=count,
            )
            for (contributor, category, outcome), count in sorted(counts.items())
        ]
        fields: dict[str, Any] = {
            "member": self.id,
            "day": self.now // DAY_MS - 1,
            "rows": rows,
            "nonce": os.urandom(16),
            "time": self.now,
        }
        payload = outcome_pb2.OutcomeReport(**(fields | changes)).SerializeToString()
        return outcome_pb2.ReportOutcomesRequest(report=self.key.statement(OUTCOME_REPORT, payload))

    # -- what the hub holds of it, read beside the wire ----------------------------------------------------

    def renewal(self, key: ec.EllipticCurvePrivateKey | None = None, **changes: Any) -> SignedStatement:
        """A renewal of this caller's certificate, right unless changed."""
        request = certificate_request(key or new_tls_key())
        fields: dict[str, Any] = {"member": self.id, "certificate_request": request, "time": self.now}
        return self.key.statement(RENEWAL, enrolment_pb2.Renewal(**(fields | changes)).SerializeToString())

    def proposal(self, change: admin_pb2.Change, **changes: Any) -> SignedStatement:
        """A proposal of this admin, right unless changed."""
        fields: dict[str, Any] = {
            "id": os.urandom(16),
            "proposer": self.id,
            "change": change,
            "reason": "a test",
            "proposed_at": self.now,
        }
        return self.key.statement(PROPOSAL, admin_pb2.Proposal(**(fields | changes)).SerializeToString())

    def decision(
        self, proposal: SignedStatement, decision: int = admin_pb2.DECISION_APPROVE, **changes: Any
    ) -> SignedStatement:
        """A decision of this admin about a proposal, right unless changed."""
        fields: dict[str, Any] = {
            "proposal_sha256": sha256(proposal.payload).digest(),
            "admin": self.id,
            "decision": decision,
            "reason": "read and agreed",
            "decided_at": self.now,
        }
        return self.key.statement(
            PROPOSAL_DECISION, admin_pb2.ProposalDecision(**(fields | changes)).SerializeToString()
        )

    async def propose(self, proposal: SignedStatement) -> admin_pb2.ProposalRecord:
        """Send a proposal."""
        reply = await self.admin.Propose(admin_pb2.ProposeRequest(proposal=proposal))
        return cast("admin_pb2.ProposalRecord", reply.proposal)

    async def decide(self, proposal: SignedStatement, decision: SignedStatement) -> admin_pb2.ProposalRecord:
        """Send a decision."""
        proposal_id = admin_pb2.Proposal.FromString(proposal.payload).id
        reply = await self.admin.Decide(admin_pb2.DecideRequest(proposal_id=proposal_id, decision=decision))
        return cast("admin_pb2.ProposalRecord", reply.proposal)

    def events(self) -> list[audit_pb2.AuditEvent]:
        """All its audit events, read from the database, so that reading leaves none."""
        return events_of(self.hub, self.id)

    def used(self, resource: int) -> int:
        """What it used of a resource today, without charging."""
        day = self.now // DAY_MS
        total: int = self.hub.hub.store.write_now(lambda transaction: transaction.quotas.used(self.id, resource, day))
        return total


def _add_operator(transaction: Transaction, operator: Operator) -> None:
    transaction.operators.add(operator)


def events_of(hub: RunningHub, actor: str) -> list[audit_pb2.AuditEvent]:
    """All events of an actor, oldest first."""
    rows = hub.hub.store.read_now(lambda transaction: transaction.audit.page(actor, 0, 100_000))
    return [audit_pb2.AuditEvent.FromString(record.event) for record in rows]


def row_of(sealed: SealedClaim, **changes: Any) -> registry_pb2.ClaimRow:
    """Give a sealed claim as a row; `changes` replace its fields."""
    fields: dict[str, Any] = {name: getattr(sealed, name) for name in ("claim", "signature", "handle", "box")}
    return registry_pb2.ClaimRow(**(fields | changes))


def valid_elements(count: int) -> bytes:
    """Give packed elements that decode, cheaply: one multiple of the generator, again and again."""
    return bytes.fromhex("e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76") * count
