"""A liaison on the raw wire: what a member asks of it, and what it and its officer sign."""

import os
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from alliance import approvals
from alliance.claims import SealedClaim, parse
from alliance.countersignatures import substance_of, substance_sha256
from alliance.crypto.signing import SigningKey
from alliance.statements import (
    COUNTERSIGNATURE,
    COUNTERSIGNATURE_REFUSAL,
    COUNTERSIGNATURE_REQUEST,
    COUNTERSIGNATURE_REVOCATION,
)
from alliance.taxonomy import EvidenceLevel
from alliance.v1 import countersignature_pb2 as wire
from alliance.v1.countersignature_pb2 import (
    ClaimCountersignature,
    CountersignatureGrounds,
    CountersignatureRecord,
    CountersignClaimRequest,
    ListCountersignaturesRequest,
    RefuseCountersignatureRequest,
    RequestCountersignatureRequest,
    RevokeCountersignatureRequest,
)
from alliance.v1.statement_pb2 import SignedStatement
from support.wire import WireMember

REFERENCE = "A-2027-0311"


def sealed_claim(member: WireMember, evidence: EvidenceLevel = EvidenceLevel.E4, **changes: Any) -> SealedClaim:
    """Seal a claim that needs a countersignature."""
    return member.seal(evidence=evidence, **changes)


def request_of(
    member: WireMember, of: SealedClaim, liaison: str, *, approvers: int = 2, **changes: Any
) -> RequestCountersignatureRequest:
    """Ask a liaison to countersign, right unless changed; `changes` replace the statement's fields."""
    claim = parse(of.claim)
    fields: dict[str, Any] = {
        "entry_id": of.entry_id,
        "claim_sha256": sha256(of.claim).digest(),
        "substance_sha256": substance_sha256(claim),
        "epoch": claim.epoch,
        "member": member.id,
        "liaison": liaison,
        "reference": REFERENCE,
        "time": member.now,
    }
    payload = wire.CountersignatureRequest(**(fields | changes)).SerializeToString()
    keys = list(member.two_operators().items())[:approvers]
    return RequestCountersignatureRequest(
        request=member.key.statement(COUNTERSIGNATURE_REQUEST, payload),
        claim=of.claim,
        approvals=[
            approvals.approve(key, name, entry_id=of.entry_id, claim=of.claim, now_ms=member.now) for name, key in keys
        ],
    )


async def ask(member: WireMember, of: SealedClaim, liaison: str, **options: Any) -> CountersignatureRecord:
    """Ask a liaison to countersign."""
    asked = request_of(member, of, liaison, **options)
    reply: wire.RequestCountersignatureResponse = await member.countersignatures.RequestCountersignature(asked)
    return reply.record


@dataclass
class LiaisonDesk:
    """A liaison with an officer of its own."""

    member: WireMember
    officer: str
    key: SigningKey

    @property
    def id(self) -> str:
        return self.member.id

    @classmethod
    async def opened(cls, member: WireMember, officer: str = "wang") -> "LiaisonDesk":
        return cls(member, officer, await member.register(officer))

    def both(self, statement_type: str, payload: bytes) -> tuple[SignedStatement, SignedStatement]:
        """Sign as the liaison, and as its officer."""
        return self.member.key.statement(statement_type, payload), self.key.statement(statement_type, payload)

    def countersigning(
        self, of: SealedClaim, *, grounds: dict[str, Any] | None = None, **changes: Any
    ) -> CountersignClaimRequest:
        """Countersign a claim, right unless changed; `grounds` and `changes` replace fields of both."""
        claim = parse(of.claim)
        made = {
            "salt": os.urandom(32),
            "officer": self.officer,
            "instrument_reference": REFERENCE,
            "document_sha256": os.urandom(32),
        }
        stated = CountersignatureGrounds(**(made | (grounds or {}))).SerializeToString()
        fields: dict[str, Any] = {
            "substance_sha256": substance_sha256(substance_of(claim)),
            "claim_sha256": sha256(of.claim).digest(),
            "epoch": claim.epoch,
            "evidence_level": claim.evidence_level,
            "liaison": self.id,
            "grounds_sha256": sha256(stated).digest(),
            "time": self.member.now,
        }
        payload = ClaimCountersignature(**(fields | changes)).SerializeToString()
        ours, officers = self.both(COUNTERSIGNATURE, payload)
        return CountersignClaimRequest(entry_id=of.entry_id, countersignature=ours, officer=officers, grounds=stated)

    async def countersign(self, of: SealedClaim, **options: Any) -> CountersignatureRecord:
        reply: wire.CountersignClaimResponse = await self.member.countersignatures.CountersignClaim(
            self.countersigning(of, **options)
        )
        return reply.record

    def refusing(self, of: SealedClaim, **changes: Any) -> RefuseCountersignatureRequest:
        """Refuse to countersign a claim, right unless changed."""
        fields: dict[str, Any] = {
            "entry_id": of.entry_id,
            "claim_sha256": sha256(of.claim).digest(),
            "liaison": self.id,
            "officer": self.officer,
            "reason": "not_our_matter",
            "time": self.member.now,
        }
        payload = wire.CountersignatureRefusal(**(fields | changes)).SerializeToString()
        ours, officers = self.both(COUNTERSIGNATURE_REFUSAL, payload)
        return RefuseCountersignatureRequest(entry_id=of.entry_id, refusal=ours, officer=officers)

    async def refuse(self, of: SealedClaim, **changes: Any) -> CountersignatureRecord:
        reply: wire.RefuseCountersignatureResponse = await self.member.countersignatures.RefuseCountersignature(
            self.refusing(of, **changes)
        )
        return reply.record

    def revoking(self, of: SealedClaim, **changes: Any) -> RevokeCountersignatureRequest:
        """Revoke the countersignature of a claim, right unless changed."""
        fields: dict[str, Any] = {
            "substance_sha256": substance_sha256(parse(of.claim)),
            "liaison": self.id,
            "officer": self.officer,
            "reason": "judgment_reversed",
            "time": self.member.now,
        }
        payload = wire.CountersignatureRevocation(**(fields | changes)).SerializeToString()
        ours, officers = self.both(COUNTERSIGNATURE_REVOCATION, payload)
        return RevokeCountersignatureRequest(entry_id=of.entry_id, revocation=ours, officer=officers)

    async def revoke(self, of: SealedClaim, **changes: Any) -> CountersignatureRecord:
        reply: wire.RevokeCountersignatureResponse = await self.member.countersignatures.RevokeCountersignature(
            self.revoking(of, **changes)
        )
        return reply.record


async def told(member: WireMember, after: int = 0) -> wire.ListCountersignaturesResponse:
    """Read what was countersigned and revoked."""
    reply: wire.ListCountersignaturesResponse = await member.countersignatures.ListCountersignatures(
        ListCountersignaturesRequest(after=after)
    )
    return reply
