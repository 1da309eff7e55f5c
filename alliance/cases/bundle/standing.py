"""Who is who in a bundle: members as the hub signed them, and as its log proves that it told everybody.

Checkpoints are believed under the hub's key alone. A key counts with the role that stands beside it: an approver's for
nothing but approvals, a member's for nothing but releases.
"""

import hmac
from typing import Final

from alliance import facts, statements
from alliance.audit_events import FACT_PUBLISH, HUB, OK, SALT_BYTES
from alliance.cases.bundle import layout
from alliance.cases.bundle.reading import Contents
from alliance.cases.bundle.report import BundleReport
from alliance.crypto import merkle
from alliance.crypto.signing import VerifyingKey
from alliance.errors import MerkleProofInvalid, NoteInvalid, SignatureInvalid
from alliance.tlog.checkpoints import Checkpoint, cosigners, read_checkpoint
from alliance.tlog.logs import LogName
from alliance.v1.audit_pb2 import AuditEvent, AuditRecord, FactProof
from alliance.v1.directory_pb2 import Member
from alliance.witnesses import WitnessList

_NOT_PROVEN: Final = "the log does not prove that the hub published it"


class Standing:
    """Keys and roles, and the checkpoints that everything is proven by."""

    def __init__(self, contents: Contents, report: BundleReport) -> None:
        self._contents = contents
        self._report = report
        self._known: dict[str, tuple[VerifyingKey, int]] = {}
        self._checkpoints: dict[str, Checkpoint] = {}

    def verify(self) -> None:
        """Verify checkpoints, the witness list where there is one, and members; notes what does not hold."""
        with self._report.at(layout.CHECKPOINTS):
            VerifyingKey(self._report.hub_key)
        for name in self._contents.named(layout.CHECKPOINTS):
            with self._report.at(name):
                self._checkpoint(name)
        if layout.WITNESSES + layout.STATEMENT in self._contents.files:
            with self._report.at(layout.WITNESSES + layout.STATEMENT):
                self._witnesses()
        for name in self._contents.named(layout.MEMBERS, layout.STATEMENT):
            with self._report.at(name):
                self._member(name)

    def key(self, member: str, role: int) -> VerifyingKey:
        """Give the identity key of who has an id and a role; raises SignatureInvalid."""
        known = self._known.get(member)
        if known is None or known[1] != role:
            raise SignatureInvalid("the directory of the bundle has nobody of this name and role")
        return known[0]

    def approver(self, member: str) -> tuple[VerifyingKey, int] | None:
        """Give the key and the role of who has an id."""
        return self._known.get(member)

    def proven(self, record: AuditRecord, hashes: list[bytes]) -> AuditEvent:
        """Give an event that a checkpoint's tree has; raises DecodeError, MerkleProofInvalid or NoteInvalid."""
        if (checkpoint := self._checkpoints.get(record.log)) is None:
            raise NoteInvalid("there is no checkpoint of its log that holds")
        if len(record.salt) != SALT_BYTES:
            raise MerkleProofInvalid("an event of the log has 32 bytes of salt")
        leaf = merkle.leaf_hash(record.salt + record.event)
        merkle.verify_inclusion(leaf, record.leaf_index, checkpoint.size, hashes, checkpoint.root)
        return AuditEvent.FromString(record.event)

    def _checkpoint(self, name: str) -> None:
        checkpoint = read_checkpoint(self._contents.files[name])
        log = LogName.parse(checkpoint.origin)
        if layout.checkpoint(checkpoint.origin) != name or log.alliance != self._contents.manifest.alliance:
            raise NoteInvalid("is the checkpoint of another log than its name says")
        checkpoint.require_signed(log.key(self._report.hub_key))
        self._checkpoints[checkpoint.origin] = checkpoint

    def _witnesses(self) -> None:
        statement = self._contents.statement(layout.WITNESSES + layout.STATEMENT)
        payload = self._hub().verified_payload(statements.WITNESS_LIST, statement)
        self._published(layout.WITNESSES + layout.FACT, facts.witness_list(payload))
        listed = WitnessList.from_bytes(payload)
        for checkpoint in self._checkpoints.values():
            names = sorted(key.name for key in cosigners(checkpoint.note, listed.keys))
            if names:
                self._report.notes.append(f"{checkpoint.origin} was cosigned by {', '.join(names)}")

    def _member(self, name: str) -> None:
        statement = self._contents.statement(name)
        said = Member.FromString(self._hub().verified_payload(statements.MEMBER, statement))
        if name != layout.MEMBERS + said.id + layout.STATEMENT:
            raise SignatureInvalid("is about somebody else than its name says")
        self._published(
            layout.MEMBERS + said.id + layout.FACT, facts.member(said.id, said.identity_key, said.role, said.state)
        )
        self._known[said.id] = (VerifyingKey(said.identity_key), said.role)

    def _published(self, name: str, digest: bytes) -> None:
        proof = self._contents.message(name, FactProof)
        event = self.proven(proof.record, list(proof.hashes))
        is_publication = (event.action, event.actor, event.outcome) == (FACT_PUBLISH, HUB, OK)
        told = list(event.commitments)
        if not is_publication or len(told) != 1 or not hmac.compare_digest(told[0], digest):
            raise SignatureInvalid(_NOT_PROVEN)

    def _hub(self) -> VerifyingKey:
        return VerifyingKey(self._report.hub_key)
