"""A hub with police cases: a liaison with two officers and a scope, both approvers, and members.

Nothing of the SDK is used. Tests move the clocks, and are the hub's jobs.
"""

import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, cast

from alliance import statements
from alliance.cases.suspects import Suspect, SuspectTree, drawn, rows_digest
from alliance.cases.words import CaseState, CaseVerdict, InstrumentType
from alliance.claims import SealedClaim, draft_of, kind_number, seal_claim
from alliance.crypto import envelope, sealing, tagging
from alliance.crypto.secret import Secret
from alliance.crypto.signing import SigningKey
from alliance.crypto.tagging import Tags
from alliance.identifiers import Kind, canonicalise
from alliance.taxonomy import DAY_MS, Category, Purpose
from alliance.v1 import admin_pb2, case_pb2, taxonomy_pb2
from alliance.v1.case_pb2 import (
    CaseDecision,
    CaseEnding,
    CaseExtension,
    CaseRecord,
    CaseReply,
    CaseReplyContents,
    CaseRequest,
    CaseSuspects,
    SuspectContents,
    SuspectCount,
    SuspectRow,
)
from alliance.v1.statement_pb2 import SignedStatement
from alliance_server.domain.members import Role
from alliance_server.domain.ports import Transaction
from alliance_server.services.cases import scopes
from alliance_server.services.cases.clocks import CaseClocks
from support.hub import RunningHub, running_hub
from support.wire import WireMember, enrol, row_of

DOCUMENT: Final = b"Decision to open a criminal case, No. 7"
CATEGORIES: Final = (Category.MULE_ACCOUNT,)


@dataclass
class Case:
    """A case as its liaison has it."""

    request: CaseRequest
    suspects: Sequence[Suspect]
    tree: SuspectTree
    secret: Secret
    first: SignedStatement
    second: SignedStatement

    @property
    def id(self) -> bytes:
        return self.request.case_id

    @property
    def submission(self) -> case_pb2.SubmitCaseRequest:
        return case_pb2.SubmitCaseRequest(request=self.first, second=self.second)

    def contents(self, place: int, note: str = "") -> bytes:
        """Give what is sealed of a suspect."""
        proof = self.tree.proof(place)
        leaf = self.suspects[place].leaf
        return SuspectContents(
            leaf=leaf, index=place, tree_size=self.tree.size, proof=proof, note=note
        ).SerializeToString()


def state_of(record: Any) -> CaseState:
    return CaseState(record.state)


@dataclass
class Station:
    """A liaison, the approvers, and the hub whose clocks the tests move."""

    hub: RunningHub
    liaison: WireMember
    legal: WireMember
    duty: WireMember
    officers: Mapping[str, SigningKey]

    @property
    def names(self) -> list[str]:
        """Pseudonyms of the officers, the first one first."""
        return list(self.officers)

    @property
    def now(self) -> int:
        return self.hub.clock.now_ms()

    def _signed(self, kind: str, payload: bytes, signers: Sequence[str]) -> list[SignedStatement]:
        return [self.officers[name].statement(kind, payload) for name in signers or self.names]

    # -- requests ----------------------------------------------------------------------------------------------------

    def drawn_up(self, *phones: str, signers: Sequence[str] = (), **changes: Any) -> Case:
        """Draw a case about some telephones up and have both officers sign it; `changes` replace its fields."""
        suspects = [drawn(Kind.PHONE, canonicalise(Kind.PHONE, phone).canonical) for phone in phones]
        tree = SuspectTree([it.leaf for it in suspects])
        sealing_key, secret = envelope.generate()
        fields: dict[str, Any] = {
            "case_id": os.urandom(16),
            "liaison": self.liaison.id,
            "number": "A-2026-17",
            "instrument_type": int(InstrumentType.EVIDENCE_NOTICE),
            "instrument_reference": "公调证字〔2026〕17号",
            "instrument_sha256": sha256(DOCUMENT).digest(),
            "instrument_until": self.now + 90 * DAY_MS,
            "categories": [int(it) for it in CATEGORIES],
            "suspects": [SuspectCount(kind=kind_number(Kind.PHONE), items=len(suspects))],
            "period_from": self.now - 365 * DAY_MS,
            "period_to": self.now - DAY_MS,
            "suspects_root": tree.root,
            "officer": self.names[0],
            "second_officer": self.names[1],
            "sealing_key": sealing_key,
            "time": self.now,
        }
        request = CaseRequest(**(fields | changes))
        payload = request.SerializeToString()
        first, second = (
            self.officers[name].statement(statements.CASE_REQUEST, payload) for name in signers or self.names
        )
        return Case(request, suspects, tree, secret, first, second)

    async def submit(self, case: Case) -> CaseRecord:
        return cast("CaseRecord", (await self.liaison.cases.SubmitCase(case.submission)).case)

    def decision(
        self, approver: WireMember, case: Case, verdict: CaseVerdict = CaseVerdict.APPROVE, /, **changes: Any
    ) -> case_pb2.DecideCaseRequest:
        """Decide about a case's request, right unless changed."""
        fields: dict[str, Any] = {
            "case_id": case.id,
            "subject_sha256": sha256(case.first.payload).digest(),
            "approver": approver.id,
            "verdict": int(verdict),
            "reason": "the document is in order",
            "instrument_sha256": case.request.instrument_sha256,
            "time": self.now,
        }
        payload = CaseDecision(**(fields | changes)).SerializeToString()
        return case_pb2.DecideCaseRequest(decision=approver.key.statement(statements.CASE_DECISION, payload))

    async def decide(self, approver: WireMember, case: Case, /, *arguments: Any, **changes: Any) -> CaseRecord:
        reply = await approver.cases.DecideCase(self.decision(approver, case, *arguments, **changes))
        return cast("CaseRecord", reply.case)

    async def approved(self, *phones: str, **changes: Any) -> Case:
        """Submit a case and have both approve it."""
        case = self.drawn_up(*phones, **changes)
        await self.submit(case)
        for approver in (self.legal, self.duty):
            await self.decide(approver, case)
        return case

    # -- suspects ----------------------------------------------------------------------------------------------------

    async def tags(self, member: WireMember, case: Case, *phones: str, epoch: int = 1, **changes: Any) -> Tags:
        """Evaluate telephones under a case, as its liaison or as a member that is asked."""
        blinded = tagging.blind([canonicalise(Kind.PHONE, phone).input_bytes for phone in phones])
        fields = {"case_id": case.id, "consent_root": case.request.suspects_root, "epoch": epoch} | changes
        (share,) = (await member.evaluate(blinded.message, Purpose.CASE, **fields)).shares
        return blinded.state.finalize(share.evaluated, share.proof, key_of(self.hub, epoch))

    async def evaluated(self, case: Case, epoch: int = 1) -> list[SuspectRow]:
        """Evaluate all suspects of a case and give their rows."""
        tags = await self.tags(self.liaison, case, *(it.canonical for it in case.suspects), epoch=epoch)
        return [
            SuspectRow(
                tag=tags.tag(place),
                sealed=sealing.seal_suspect(tags.label_key(place).reveal(), case.id, case.contents(place)),
            )
            for place in range(len(case.suspects))
        ]

    def suspects(
        self, case: Case, rows: Sequence[SuspectRow], *, first: int = 0, is_last: bool = True, **changes: Any
    ) -> case_pb2.SubmitSuspectsRequest:
        """Sign rows as an officer, right unless changed."""
        fields: dict[str, Any] = {
            "case_id": case.id,
            "epoch": 1,
            "first_index": first,
            "count": len(rows),
            "rows_sha256": rows_digest(rows),
            "is_last": is_last,
            "officer": self.names[0],
            "time": self.now,
        }
        key = changes.pop("key", self.officers[self.names[0]])
        payload = CaseSuspects(**(fields | changes)).SerializeToString()
        return case_pb2.SubmitSuspectsRequest(suspects=key.statement(statements.CASE_SUSPECTS, payload), rows=rows)

    async def match(self, case: Case, rows: Sequence[SuspectRow], **options: Any) -> CaseRecord:
        reply = await self.liaison.cases.SubmitSuspects(self.suspects(case, rows, **options))
        return cast("CaseRecord", reply.case)

    async def opened(self, *phones: str, **changes: Any) -> Case:
        """Take a case to where members are asked."""
        case = await self.approved(*phones, **changes)
        await self.match(case, await self.evaluated(case))
        return case

    # -- later steps -------------------------------------------------------------------------------------------------

    def extension(self, case: Case, signers: Sequence[str] = (), **changes: Any) -> case_pb2.ExtendCaseRequest:
        """Ask for more time, right unless changed."""
        fields: dict[str, Any] = {
            "case_id": case.id,
            "request_sha256": sha256(case.first.payload).digest(),
            "reason": "banks_asked",
            "time": self.now,
        }
        payload = CaseExtension(**(fields | changes)).SerializeToString()
        first, second = (
            self.officers[name].statement(statements.CASE_EXTENSION, payload) for name in signers or self.names
        )
        return case_pb2.ExtendCaseRequest(extension=first, second=second)

    def ending(self, case: Case, state: CaseState = CaseState.WITHDRAWN, **changes: Any) -> case_pb2.EndCaseRequest:
        """End a case, right unless changed."""
        fields: dict[str, Any] = {
            "case_id": case.id,
            "state": int(state),
            "reason": "solved",
            "officer": self.names[1],
            "time": self.now,
        }
        key = changes.pop("key", self.officers[self.names[1]])
        payload = CaseEnding(**(fields | changes)).SerializeToString()
        return case_pb2.EndCaseRequest(ending=key.statement(statements.CASE_ENDING, payload))

    async def end(self, case: Case, *arguments: Any, **changes: Any) -> CaseRecord:
        return cast("CaseRecord", (await self.liaison.cases.EndCase(self.ending(case, *arguments, **changes))).case)

    async def got(self, case: Case, by: WireMember | None = None) -> case_pb2.GetCaseResponse:
        """Get a case with its steps."""
        reply = await (by or self.liaison).cases.GetCase(case_pb2.GetCaseRequest(case_id=case.id))
        return cast("case_pb2.GetCaseResponse", reply)

    async def replies(self, case: Case, token: str = "") -> case_pb2.ListCaseRepliesResponse:
        reply = await self.liaison.cases.ListCaseReplies(
            case_pb2.ListCaseRepliesRequest(case_id=case.id, page_token=token)
        )
        return cast("case_pb2.ListCaseRepliesResponse", reply)

    def set_scope(
        self, instruments: Sequence[int] = tuple(InstrumentType), categories: Sequence[int] = CATEGORIES
    ) -> None:
        """Say what the liaison may ask for, as two admins do."""
        change = admin_pb2.SetLiaisonScope(
            member=self.liaison.id,
            instruments=[case_pb2.InstrumentType.ValueType(it) for it in instruments],
            categories=[taxonomy_pb2.Category.ValueType(it) for it in categories],
        )
        self.hub.hub.store.write_now(lambda it: scopes.set_scope(it, change, self.now))

    def open_window(self, case: Case) -> None:
        """Have replies to a case be taken from now on, for a hub whose clock is others' as well."""

        def work(transaction: Transaction) -> None:
            found = transaction.cases.get(case.id)
            assert found is not None
            transaction.cases.save(replace(found, reply_from=self.now))

        self.hub.hub.store.write_now(work)

    async def close(self) -> None:
        for one in (self.liaison, self.legal, self.duty):
            await one.close()

    # -- clocks ------------------------------------------------------------------------------------------------------

    def job(self) -> CaseClocks:
        """The job of another process, or of this one after it was killed."""
        return CaseClocks(self.hub.hub.store, self.hub.clock)

    def pass_by(self, milliseconds: int) -> None:
        self.hub.clock.advance(seconds=milliseconds / 1000)


def key_of(hub: RunningHub, epoch: int) -> bytes:
    """Give an epoch's public key, read beside the wire."""
    found = hub.hub.store.read_now(lambda transaction: transaction.epochs.get(epoch))
    assert found is not None
    return found.public_key


async def retagged(member: WireMember, claim: SealedClaim, phone: str, epoch: int) -> SealedClaim:
    """Re-tag a claim about a telephone for the epoch that follows."""
    blinded = tagging.blind([canonicalise(Kind.PHONE, phone).input_bytes])
    (share,) = (await member.evaluate(blinded.message, Purpose.ROTATION, epoch=epoch, consent_root=b"")).shares
    tags = blinded.state.finalize(share.evaluated, share.proof, key_of(member.hub, epoch))
    label_key = tags.label_key(0).reveal()
    draft = draft_of(claim.claim, b"")
    later = seal_claim(
        draft, epoch=epoch, tag=tags.tag(0), label_key=label_key, contributor=member.id, signing_key=member.key
    )
    (result,) = await member.contribute(row_of(later, predecessor=claim.entry_id))
    assert not result.refusal
    return later


async def filed(member: WireMember, phone: str, **changes: Any) -> SealedClaim:
    """File a claim about a telephone."""
    tags = await member.tags(canonicalise(Kind.PHONE, phone).input_bytes)
    sealed = member.seal(tags.tag(0), tags.label_key(0).reveal(), **changes)
    member.approve(row := row_of(sealed))
    results = await member.contribute(row)
    assert [result.refusal for result in results] == [0]
    return sealed


def reply_of(
    member: WireMember, case: Case, text: bytes = b"release", /, **changes: Any
) -> case_pb2.SendCaseReplyRequest:
    """Reply to a case, right unless changed."""
    contents = CaseReplyContents(release=SignedStatement(payload=text)).SerializeToString()
    sealed = changes.pop("sealed", None) or envelope.seal_reply(case.request.sealing_key, case.id, member.id, contents)
    fields: dict[str, Any] = {
        "case_id": case.id,
        "member": member.id,
        "sealed_sha256": sha256(sealed).digest(),
        "contents_sha256": sha256(contents).digest(),
        "time": member.now,
    }
    payload = CaseReply(**(fields | changes)).SerializeToString()
    return case_pb2.SendCaseReplyRequest(reply=member.key.statement(statements.CASE_REPLY, payload), sealed=sealed)


async def inquiries(member: WireMember) -> list[case_pb2.Inquiry]:
    """List what a member is asked."""
    return list((await member.cases.ListInquiries(case_pb2.ListInquiriesRequest())).inquiries)


async def entries(member: WireMember, case: Case) -> list[case_pb2.InquiryEntry]:
    """List the claims of a member that a case asks about."""
    request = case_pb2.ListInquiryEntriesRequest(case_id=case.id)
    return list((await member.cases.ListInquiryEntries(request)).entries)


async def staffed(
    hub: RunningHub,
    liaison: WireMember | None = None,
    legal: WireMember | None = None,
    duty: WireMember | None = None,
) -> Station:
    """Have a liaison with two officers and a scope, and both approvers: those who are given, and others enrolled."""
    some = os.urandom(3).hex()
    liaison = liaison or await enrol(hub, f"police-{some}", Role.LIAISON)
    legal = legal or await enrol(hub, f"legal-{some}", Role.LEGAL_APPROVER)
    duty = duty or await enrol(hub, f"duty-{some}", Role.DUTY_OFFICER)
    officers = {name: await liaison.register(name) for name in (f"officer-{some}-1", f"officer-{some}-2")}
    station = Station(hub, liaison, legal, duty, officers)
    station.set_scope()
    return station


@asynccontextmanager
async def station_of(folder: Path, database: str = "", **config: Any) -> AsyncIterator[Station]:
    """Run a hub with a liaison and approvers; its jobs stand still."""
    async with running_hub(folder, database, config={"maintenance_seconds": 60, **config}) as hub:
        await hub.stop_maintenance()
        station = await staffed(hub)
        yield station
        await station.close()
