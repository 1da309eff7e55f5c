"""A case's bundle that no hub made: its parties, a made-up log that proves what they did, and ways to bend it."""

import io
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from alliance import facts, statements
from alliance.audit_events import FACT_PUBLISH, HUB, LOG_BEGIN, OK
from alliance.cases.bundle import layout
from alliance.cases.bundle.report import BundleReport
from alliance.cases.bundle.verifying import verify
from alliance.cases.bundle.writing import Source, Titles, write
from alliance.cases.suspects import SuspectTree
from alliance.crypto.signing import SigningKey
from alliance.tlog.checkpoints import cosign, sign_checkpoint
from alliance.tlog.logs import LogName, month_of
from alliance.tlog.notes import COSIGNATURE, NoteKey
from alliance.v1 import case_pb2, directory_pb2
from alliance.v1.audit_pb2 import AuditEvent, AuditRecord, FactProof, InclusionProof
from alliance.v1.directory_pb2 import MEMBER_STATE_ACTIVE, Member
from alliance.v1.statement_pb2 import SignedStatement
from alliance.v1.taxonomy_pb2 import PURPOSE_CASE
from alliance.witnesses import WitnessList
from support.case_parts import DUTY, LEGAL, NOW, Office, Staff, approvals_of, release_of

CASE = b"\x07" * 16
ALLIANCE = "test-alliance"
LOG = LogName(ALLIANCE, 1, month_of(NOW))
ROLES = {
    "police": directory_pb2.MEMBER_ROLE_LIAISON,
    LEGAL: directory_pb2.MEMBER_ROLE_LEGAL_APPROVER,
    DUTY: directory_pb2.MEMBER_ROLE_DUTY_OFFICER,
}
PDF = b"%PDF-1.4 made up\n"


@dataclass
class Step:
    """An event of the case, with the statement that it commits to."""

    actor: str
    action: str
    statement: SignedStatement | None
    """None: the hub alone says so."""
    time: int = NOW
    outcome: str = OK
    event: dict[str, Any] = field(default_factory=dict)
    """What its event says besides."""


@dataclass
class MadeCase:
    """A case from its request to two replies, and everything that its bundle is made of; bend it before `bundle`."""

    office: Office = field(default_factory=Office)
    hub: SigningKey = field(default_factory=lambda: SigningKey.generate()[0])
    witness: SigningKey = field(default_factory=lambda: SigningKey.generate()[0])
    members: dict[str, Staff] = field(default_factory=lambda: {name: Staff(name) for name in ("lender-a", "lender-b")})
    roles: dict[str, int] = field(default_factory=lambda: dict(ROLES))
    attachment: bytes = b"contract, made up\n"
    request: case_pb2.CaseRequest = field(init=False)
    steps: list[Step] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    signer: str = "first"
    missing: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.request = self.office.request()
        self.draw()

    def draw(self) -> None:
        """Make what the parties sign, of the request as it is now."""
        self.steps.clear()
        self.files = {layout.README: b"made up\n", **dict.fromkeys(layout.SUMMARIES, PDF)}
        payload = self.request.SerializeToString()
        for name, by in zip(layout.REQUESTS, ("first", "second"), strict=True):
            self.keep(name, self.office.signed(payload, by))
        for name, registration in zip(("first", "second"), self.office.liaison.registrations(), strict=False):
            self.keep(layout.OFFICERS + name + layout.STATEMENT, registration)
        self.step("police", "case:submit", self.office.signed(payload, "first"))
        for approver in (LEGAL, DUTY):
            decision = self.office.decision(payload, approver)
            self.keep(layout.DECISIONS + approver + layout.STATEMENT, decision)
            self.step(approver, "case:decide", decision)
        self.evaluated()
        said = case_pb2.CaseSuspects(case_id=CASE, count=3, is_last=True, officer="first", time=NOW)
        self.step(
            "police",
            "case:suspects:submit",
            self.office.signed(said.SerializeToString(), "first", statements.CASE_SUSPECTS),
        )
        self.steps[-1].event = {"epoch": 1, "items": 3}
        for index in (0, 2):
            self.suspect(index)
        self.reply("lender-a", [self.released(0)])
        self.reply("lender-b", [self.declined(2)])

    def keep(self, name: str, statement: SignedStatement) -> None:
        self.files[name] = statement.SerializeToString()

    def step(self, actor: str, action: str, statement: SignedStatement) -> None:
        self.steps.append(Step(actor, action, statement, NOW + len(self.steps)))

    def evaluated(self, **changes: Any) -> None:
        """Have the suspects evaluated as the approvers agreed, unless changed; the hub alone says so."""
        self.steps.append(Step("police", "evaluation:evaluate", None, NOW + len(self.steps)))
        said = {"commitments": [bytes(32), self.office.tree.root], "purpose": PURPOSE_CASE, "epoch": 1, "items": 3}
        self.steps[-1].event = said | changes

    def suspect(self, index: int) -> None:
        tree, leaf = self.office.tree, self.office.suspects[index].leaf
        contents = case_pb2.SuspectContents(leaf=leaf, index=index, tree_size=tree.size, proof=tree.proof(index))
        self.files[layout.numbered(layout.SUSPECTS, index, layout.CONTENTS)] = contents.SerializeToString()

    def released(self, index: int) -> case_pb2.EntryAnswer:
        """Make an answer that releases a field and the attachment about a suspect."""
        file = case_pb2.ReleasedFile(
            attachment_id=b"\x0a" * 16,
            name="合同.pdf",
            size=len(self.attachment),
            sha256=sha256(self.attachment).digest(),
            key=b"\x0b" * 16,
        )
        self.files[layout.attachment("lender-a", file)] = self.attachment
        return case_pb2.EntryAnswer(
            entry_id=b"\x01" * 16,
            outcome=case_pb2.RELEASE_OUTCOME_RELEASED,
            fields=[case_pb2.ReleasedField(name="loan_amount", value="20000")],
            files=[file],
            leaf=self.office.suspects[index].leaf,
        )

    def declined(self, index: int) -> case_pb2.EntryAnswer:
        """Make an answer that declines, of a member that looked whom it is about."""
        leaf = self.office.suspects[index].leaf
        return case_pb2.EntryAnswer(entry_id=b"\x02" * 16, outcome=case_pb2.RELEASE_OUTCOME_DECLINED, leaf=leaf)

    def reply(self, member: str, answers: list[case_pb2.EntryAnswer]) -> None:
        staff = self.members[member]
        release = release_of(staff, self.request.SerializeToString(), answers)
        contents = case_pb2.CaseReplyContents(
            release=release, approvals=approvals_of(staff, release, "first", "second"), operators=staff.registrations()
        ).SerializeToString()
        sent = case_pb2.CaseReply(
            case_id=CASE, member=member, sealed_sha256=bytes(32), time=NOW, contents_sha256=sha256(contents).digest()
        )
        reply = staff.key.statement(statements.CASE_REPLY, sent.SerializeToString())
        self.files[layout.REPLIES + member + layout.CONTENTS] = contents
        said = case_pb2.CaseRelease.FromString(release.payload)
        self.files[layout.REPLIES + member + layout.TEXT] = layout.released_text(said)
        self.keep(layout.REPLIES + member + layout.STATEMENT, reply)
        self.step(member, "case:reply", reply)

    def parties(self) -> dict[str, bytes]:
        """Give everybody's identity key."""
        approvers = {name: key.public_key for name, key in self.office.approvers.items()}
        institutions = (self.office.liaison, *self.members.values())
        return approvers | {it.name: it.key.public_key for it in institutions}

    def logged(self) -> dict[str, bytes]:
        """Make the log: facts and steps, their proofs, and its checkpoint, which a witness cosigned."""
        files: dict[str, bytes] = {}
        events = [AuditEvent(time=NOW, actor=HUB, action=LOG_BEGIN, outcome=OK)]
        digests: dict[str, bytes] = {}
        for name, key in self.parties().items():
            role = self.roles.get(name, directory_pb2.MEMBER_ROLE_MEMBER)
            said = Member(id=name, identity_key=key, role=role, state=MEMBER_STATE_ACTIVE, stated_at=NOW)  # type: ignore[arg-type]
            statement = self.hub.statement(statements.MEMBER, said.SerializeToString())
            files[layout.MEMBERS + name + layout.STATEMENT] = statement.SerializeToString()
            digests[layout.MEMBERS + name + layout.FACT] = facts.member(name, key, role, MEMBER_STATE_ACTIVE)
        vkey = NoteKey("witness.example", self.witness.public_key, COSIGNATURE)
        listed = WitnessList(1, 1, (vkey,), NOW).to_bytes()
        files[layout.WITNESSES + layout.STATEMENT] = self.hub.statement(
            statements.WITNESS_LIST, listed
        ).SerializeToString()
        digests[layout.WITNESSES + layout.FACT] = facts.witness_list(listed)
        events += [
            AuditEvent(time=NOW, actor=HUB, action=FACT_PUBLISH, outcome=OK, commitments=[it])
            for it in digests.values()
        ]
        events += [
            AuditEvent(
                time=it.time,
                actor=it.actor,
                action=it.action,
                outcome=it.outcome,
                **({"commitments": _commitments(it)} | it.event),
            )
            for it in self.steps
        ]
        leaves = [os.urandom(32) + event.SerializeToString() for event in events]
        tree = SuspectTree(leaves)

        def record(index: int) -> AuditRecord:
            salt, event = leaves[index][:32], leaves[index][32:]
            return AuditRecord(salt=salt, event=event, row=index, log=str(LOG), leaf_index=index)

        for index, (name, digest) in enumerate(digests.items(), 1):
            fact = FactProof(digest=digest, record=record(index), hashes=tree.proof(index))
            files[name] = fact.SerializeToString()
        for number, step in enumerate(self.steps, 1):
            index = len(digests) + number
            kept = case_pb2.CaseStep(record=record(index), statement=step.statement)
            proof = InclusionProof(leaf_index=index, hashes=tree.proof(index))
            files[layout.numbered(layout.STEPS, number, layout.STEP)] = kept.SerializeToString()
            files[layout.numbered(layout.STEPS, number, layout.PROOF)] = proof.SerializeToString()
        signed = sign_checkpoint(tree.size, tree.root, LOG.key(self.hub.public_key), self.hub.sign_text)
        line = cosign(signed.text, vkey, NOW // 1000, self.witness.sign_text)
        files[layout.checkpoint(str(LOG))] = str(signed.note.with_signatures([line])).encode()
        return files

    def bundle(
        self, *, bend: Callable[[dict[str, bytes]], None] = lambda _: None, key: SigningKey | None = None
    ) -> bytes:
        """Write the bundle; `bend` changes its files before the officer signs, and another `key` may sign."""
        files = self.files | self.logged()
        bend(files)
        titles = Titles(
            ALLIANCE, self.hub.public_key, CASE, self.request.number, self.signer, NOW + 1_000, self.missing
        )
        out = io.BytesIO()
        signing = key or self.office.liaison.operators[self.signer]
        write(out, titles, [Source.of(name, content) for name, content in files.items()], signing)
        return out.getvalue()


def _commitments(step: Step) -> list[bytes]:
    return [] if step.statement is None else [sha256(step.statement.payload).digest()]


def verified(bundle: bytes, hub_key: bytes | None = None) -> BundleReport:
    """Verify a bundle that is in memory."""
    return verify(io.BytesIO(bundle), None if hub_key is None else hub_key.__eq__)
