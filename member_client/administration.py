"""What an admin of the alliance does: propose changes, read what others proposed, decide.

Rules:

1. A proposal is shown only under the signature of an enrolled admin, whose key is pinned: the hub cannot have anybody
   approve what no admin proposed.
2. A decision names the digest of the proposal as it was read. It is made on what `proposals` or `proposal` gave, so
   that nobody approves what they did not see.
3. A key is confirmed by the words of its fingerprint, which whoever confirms and whoever approves heard from the
   member: nothing that the hub or another admin shows takes their place.
4. The token of an invitation is made here; the hub gets its digest. The bundle is written before the proposal is sent.
"""

import hmac
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from enum import IntEnum
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from google.protobuf.message import DecodeError

from alliance import statements
from alliance.bundles import enrolment_bundle
from alliance.errors import FingerprintDiffers, FingerprintUnreadable, SignatureInvalid
from alliance.fingerprints import check_fingerprint
from alliance.identifiers import SuppressionList
from alliance.keyring.store import write_atomically
from alliance.taxonomy import DAY_MS
from alliance.v1 import admin_pb2, succession_pb2
from alliance.v1.admin_pb2_grpc import AdminServiceStub
from alliance.v1.statement_pb2 import SignedStatement
from alliance.v1.succession_pb2_grpc import SuccessionServiceStub
from member_client._bundle import TOKEN_BYTES
from member_client._deadline import Deadline
from member_client._directory import Directory
from member_client._paging import pages
from member_client._session import Session
from member_client._transport import always
from member_client.changes import CategoryClaims, Change, Effect, MemberRole
from member_client.epoch_standings import EpochStanding, read_epoch_standing
from member_client.errors import FingerprintRefused, InvalidUse, NotFound, StatementInvalid, StorageFull
from member_client.quotas import Alarm, Standing, read_alarm, read_standing
from member_client.succession import Succession

PAGE_SIZE: Final = 100
CALL_SECONDS: Final = 30.0
PROPOSAL_ID_BYTES: Final = 16
MAX_REASON_BYTES: Final = 500


class ProposalState(IntEnum):
    """Where a proposal stands."""

    OPEN = admin_pb2.PROPOSAL_STATE_OPEN
    EFFECTIVE = admin_pb2.PROPOSAL_STATE_EFFECTIVE
    REJECTED = admin_pb2.PROPOSAL_STATE_REJECTED
    WITHDRAWN = admin_pb2.PROPOSAL_STATE_WITHDRAWN
    EXPIRED = admin_pb2.PROPOSAL_STATE_EXPIRED
    UNREVIEWED = admin_pb2.PROPOSAL_STATE_UNREVIEWED

    @property
    def word(self) -> str:
        """The word for it."""
        return self.name.lower()


class Decision(IntEnum):
    """What an admin decides about a proposal."""

    APPROVE = admin_pb2.DECISION_APPROVE
    REJECT = admin_pb2.DECISION_REJECT
    WITHDRAW = admin_pb2.DECISION_WITHDRAW


@dataclass(frozen=True, slots=True)
class Proposal:
    """A proposal that an admin signed, times in milliseconds UTC; `effect` is None where it would have none now."""

    id: bytes
    proposer: str
    change: Change
    reason: str
    proposed_at: int
    break_glass: bool
    state: ProposalState
    decide_by: int
    effect: Effect | None
    decided_by: str = ""
    decision: Decision | None = None
    decision_reason: str = ""
    digest: bytes = field(default=b"", repr=False)


class Administration:
    """An admin's side of the alliance."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def preview(self, change: Change) -> Effect:
        """Say what a change would do now, and who must agree; raises Denied where it could not be made."""
        request = admin_pb2.PreviewChangeRequest(change=change.message)
        answer = await self._session.transport.call(
            lambda channel: AdminServiceStub(channel).PreviewChange, always(request), Deadline.after(CALL_SECONDS)
        )
        return _effect(answer.effect)

    async def propose(self, change: Change, reason: str, *, break_glass: bool = False) -> Proposal:
        """Propose a change; one that needs no other admin has taken effect when this returns. Raises Denied."""
        message = admin_pb2.Proposal(
            id=os.urandom(PROPOSAL_ID_BYTES),
            proposer=self._session.profile.member,
            change=change.message,
            reason=_checked_reason(reason),
            proposed_at=self._session.clock.now_ms(),
            break_glass=break_glass,
        )
        statement = self._session.identity.statement(statements.PROPOSAL, message.SerializeToString())
        request = admin_pb2.ProposeRequest(proposal=statement)
        answer = await self._session.transport.call(
            lambda channel: AdminServiceStub(channel).Propose, always(request), Deadline.after(CALL_SECONDS)
        )
        if answer.proposal.proposal != statement:
            raise StatementInvalid("The hub shows another proposal than was made.")
        return await self._read(answer.proposal)

    async def invite(
        self, member: str, destination: Path, reason: str, *, display_name: str = "", role: MemberRole | str = "member"
    ) -> Proposal:
        """Propose to invite somebody, and write the bundle that lets them enrol once another admin approved.

        Raises InvalidUse where there is a file already; it holds a token and is never overwritten.
        """
        token = os.urandom(TOKEN_BYTES)
        invite = admin_pb2.Invite(
            member=member,
            display_name=display_name or member,
            role=_role(role).value,
            token_sha256=sha256(token).digest(),
        )
        change = Change(admin_pb2.Change(invite=invite))
        await self.preview(change)
        await self._session.workers.disk(self._write_bundle, member, token, destination)
        return await self.propose(change, reason)

    async def confirm(self, member: str, fingerprint: str, reason: str) -> Proposal:
        """Propose to let a member call whose fingerprint was told by telephone; another admin hears it too.

        Raises NotFound where no key of the member waits, FingerprintRefused where the words are not that key's.
        """
        key = (await self._session.facts.refresh_directory()).unconfirmed.get(member)
        if key is None:
            raise NotFound("No key of this member waits to be confirmed.")
        _check_heard(fingerprint, key)
        confirm = admin_pb2.ConfirmKey(member=member, identity_key_sha256=sha256(key).digest())
        return await self.propose(Change(admin_pb2.Change(confirm_key=confirm)), reason)

    async def decide(
        self, proposal: Proposal, decision: Decision, reason: str, *, fingerprint: str | None = None
    ) -> Proposal:
        """Decide a proposal as it was read; raises Denied where this admin may not, or it is closed.

        To approve that a key is confirmed takes the `fingerprint` that this admin heard from the member; raises
        FingerprintRefused where the words are not that key's. Raises InvalidUse where they are missing, or where a
        change that this version does not know is to be approved.
        """
        if decision is Decision.APPROVE:
            await self._check_approval(proposal.change, fingerprint)
        message = admin_pb2.ProposalDecision(
            proposal_sha256=proposal.digest,
            admin=self._session.profile.member,
            decision=decision.value,
            reason=_checked_reason(reason),
            decided_at=self._session.clock.now_ms(),
        )
        statement = self._session.identity.statement(statements.PROPOSAL_DECISION, message.SerializeToString())
        request = admin_pb2.DecideRequest(proposal_id=proposal.id, decision=statement)
        answer = await self._session.transport.call(
            lambda channel: AdminServiceStub(channel).Decide, always(request), Deadline.after(CALL_SECONDS)
        )
        return await self._read(answer.proposal)

    async def proposals(self, *, undecided_only: bool = True) -> AsyncIterator[Proposal]:
        """List proposals, oldest first; raises StatementInvalid where one is no admin's."""

        async def fetch(token: str) -> admin_pb2.ListProposalsResponse:
            request = admin_pb2.ListProposalsRequest(
                page_size=PAGE_SIZE, page_token=token, undecided_only=undecided_only
            )
            return await self._session.transport.call(
                lambda channel: AdminServiceStub(channel).ListProposals, always(request), Deadline.after(CALL_SECONDS)
            )

        async for records in pages(fetch, lambda page: page.proposals):
            for record in records:
                yield await self._read(record)

    async def proposal(self, start: str) -> Proposal:
        """Give the proposal whose id starts so, in hexadecimal; raises NotFound, or InvalidUse where several do."""
        found = [it async for it in self.proposals(undecided_only=False) if it.id.hex().startswith(start.lower())]
        if not found:
            raise NotFound("There is no such proposal.")
        if len(found) > 1:
            raise InvalidUse("several proposals begin so: give more digits")
        return found[0]

    async def epochs(self) -> list[EpochStanding]:
        """List all epochs with how far re-tagging and destruction are, oldest first."""
        answer = await self._session.transport.call(
            lambda channel: AdminServiceStub(channel).ListEpochStandings,
            admin_pb2.ListEpochStandingsRequest,
            Deadline.after(CALL_SECONDS),
        )
        return [read_epoch_standing(it) for it in answer.epochs]

    async def standings(self) -> AsyncIterator[Standing]:
        """List the standings of all lenders, by id; raises HubError where one cannot be read."""

        async def fetch(token: str) -> admin_pb2.ListStandingsResponse:
            request = admin_pb2.ListStandingsRequest(page_size=PAGE_SIZE, page_token=token)
            return await self._session.transport.call(
                lambda channel: AdminServiceStub(channel).ListStandings, always(request), Deadline.after(CALL_SECONDS)
            )

        async for page in pages(fetch, lambda page: page.standings):
            for message in page:
                yield read_standing(message)

    async def alarms(self, *, open_only: bool = True) -> AsyncIterator[Alarm]:
        """List alarms about members' volumes, oldest first; raises HubError where one cannot be read."""

        async def fetch(token: str) -> admin_pb2.ListAlarmsResponse:
            request = admin_pb2.ListAlarmsRequest(page_size=PAGE_SIZE, page_token=token, open_only=open_only)
            return await self._session.transport.call(
                lambda channel: AdminServiceStub(channel).ListAlarms, always(request), Deadline.after(CALL_SECONDS)
            )

        async for page in pages(fetch, lambda page: page.alarms):
            for message in page:
                yield read_alarm(message)

    async def acknowledge(self, alarm: int, reason: str) -> Alarm:
        """Acknowledge an alarm by its id, with what was found; the first acknowledgement stays. Raises NotFound."""
        if not 0 < alarm < 2**63:
            raise InvalidUse("an alarm has a number, 1 or more")
        request = admin_pb2.AcknowledgeAlarmRequest(alarm=alarm, reason=_checked_reason(reason))
        answer = await self._session.transport.call(
            lambda channel: AdminServiceStub(channel).AcknowledgeAlarm, always(request), Deadline.after(CALL_SECONDS)
        )
        return read_alarm(answer.alarm)

    async def suppression_list(self) -> SuppressionList:
        """Give the suppression list in force; raises StatementInvalid where it is older than one that was seen."""
        return (await self._session.facts.refresh()).suppression

    async def _check_approval(self, change: Change, fingerprint: str | None) -> None:
        if not change.kind:
            raise InvalidUse("this version does not know the change: approve it with a newer one")
        if change.kind != "confirm_key":
            return
        if fingerprint is None:
            raise InvalidUse("approve a key by its fingerprint: have the member read it to you, too")
        key = (await self._session.facts.refresh_directory()).unconfirmed.get(change.member, b"")
        if not hmac.compare_digest(sha256(key).digest(), change.message.confirm_key.identity_key_sha256):
            raise FingerprintRefused("The member has enrolled with another key than the proposal names.")
        _check_heard(fingerprint, key)

    async def _read(self, record: admin_pb2.ProposalRecord) -> Proposal:
        """Verify a record under the keys of the admins; asks for the directory again where one is not known yet."""
        directory = (await self._session.facts.now()).directory
        try:
            return read_proposal(record, directory)
        except StatementInvalid:
            return read_proposal(record, await self._session.facts.refresh_directory())

    async def succession(self) -> Succession:
        """Give the newest succession that follows the hub known here; raises NotFound, or SuccessionRejected."""
        found = await self._session.hub.successions()
        if not found:
            raise NotFound("The hub shows no succession that is news here.")
        return found[-1]

    async def sign_succession(self, succession: Succession) -> Succession:
        """Sign a succession as it was read: its hub is believed by whoever knows this admin and another who signed.

        Raises NotPermitted for whoever is no admin, SuccessionConflict where the hub shows another one by now.
        """
        statement = self._session.identity.statement(statements.SUCCESSION, succession.payload)
        request = succession_pb2.SignSuccessionRequest(statement=statement)
        answer = await self._session.transport.call(
            lambda channel: SuccessionServiceStub(channel).SignSuccession, always(request), Deadline.after(CALL_SECONDS)
        )
        signed = await self._session.hub.read(answer.succession)
        if signed.payload != succession.payload:
            raise StatementInvalid("The hub shows another succession than was signed.")
        return signed

    def _write_bundle(self, member: str, token: bytes, destination: Path) -> None:
        if destination.exists():
            raise InvalidUse(f"{destination} exists; nothing was changed")
        profile = self._session.profile
        content = enrolment_bundle(
            alliance=profile.alliance,
            member=member,
            hub=profile.hub,
            enrolment=profile.enrolment,
            server_name=profile.server_name,
            ca_pem=profile.ca_pem(),
            hub_key=self._session.hub.origin.hub_key,
            token=token,
            expires_at=self._session.clock.now_ms() + _BUNDLE_LIFE_MS,
        )
        try:
            write_atomically(destination, content)
        except OSError as error:
            raise StorageFull(f"{destination} cannot be written; nothing was changed") from error


_BUNDLE_LIFE_MS: Final = 4 * DAY_MS
"""Three days for the approval and one for the token."""


def read_proposal(record: admin_pb2.ProposalRecord, directory: Directory) -> Proposal:
    """Verify and read a proposal, and the decision about it; raises StatementInvalid."""
    proposal, decision = admin_pb2.Proposal(), admin_pb2.ProposalDecision()
    _verified(statements.PROPOSAL, record.proposal, proposal, "proposer", directory)
    digest = sha256(record.proposal.payload).digest()
    if record.HasField("decision"):
        _verified(statements.PROPOSAL_DECISION, record.decision, decision, "admin", directory)
        if decision.proposal_sha256 != digest:
            raise StatementInvalid("The hub shows a decision about another proposal.")
    try:
        return Proposal(
            id=proposal.id,
            proposer=proposal.proposer,
            change=Change(proposal.change),
            reason=proposal.reason,
            proposed_at=proposal.proposed_at,
            break_glass=proposal.break_glass,
            state=ProposalState(record.state),
            decide_by=record.decide_by,
            effect=_effect(record.effect) if record.HasField("effect") else None,
            decided_by=decision.admin,
            decision=Decision(decision.decision) if decision.admin else None,
            decision_reason=decision.reason,
            digest=digest,
        )
    except ValueError as error:
        raise StatementInvalid("The hub shows a proposal that this version cannot read.") from error


def _verified(kind: str, statement: SignedStatement, into: Any, signer: str, directory: Directory) -> None:  # noqa: ANN401
    """Read a statement whose signer it names; it must be an admin, and have signed it."""
    try:
        into.ParseFromString(statement.payload)
        key = directory.admin_key(getattr(into, signer))
        if key is None:
            raise StatementInvalid("The hub shows a proposal that no admin signed.")
        key.verified_payload(kind, statement)
    except (SignatureInvalid, DecodeError) as error:
        raise StatementInvalid("The hub shows a proposal that no admin signed.") from error


def _check_heard(fingerprint: str, key: bytes) -> None:
    try:
        check_fingerprint(fingerprint, key)
    except FingerprintUnreadable as error:
        raise FingerprintRefused("These are not the twelve words of a fingerprint.") from error
    except FingerprintDiffers as error:
        raise FingerprintRefused("These are the words of another key: somebody else may have enrolled.") from error


def _effect(effect: admin_pb2.Effect) -> Effect:
    found: dict[str, Any] = {it.name: getattr(effect, it.name) for it in effect.DESCRIPTOR.fields}
    found |= {name: dict(found[name]) for name in ("entries_added", "entries_removed")}
    return Effect(**found | {"claims": tuple(CategoryClaims.of(it) for it in effect.claims)})


def _role(role: MemberRole | str) -> MemberRole:
    if isinstance(role, MemberRole):
        return role
    try:
        return MemberRole[role.upper()]
    except KeyError:
        raise InvalidUse("a role is member, admin, liaison or auditor") from None


def _checked_reason(reason: str) -> str:
    if not reason.strip() or len(reason.encode()) > MAX_REASON_BYTES:
        raise InvalidUse(f"a reason has 1 to {MAX_REASON_BYTES} bytes")
    return reason
