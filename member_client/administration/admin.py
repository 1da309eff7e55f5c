"""An admin's side of the alliance, as the SDK gives it."""

import os
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Final

from alliance import statements
from alliance.identifiers import SuppressionList
from alliance.invitees import Invitee
from alliance.v1 import admin_pb2, dispute_pb2, succession_pb2
from alliance.v1.admin_pb2_grpc import AdminServiceStub
from alliance.v1.dispute_pb2_grpc import DisputeServiceStub
from alliance.v1.succession_pb2_grpc import SuccessionServiceStub
from alliance.witnesses import WitnessList
from member_client import witnessing
from member_client._bundle import TOKEN_BYTES
from member_client._dispute_records import OverdueDisputes
from member_client._paging import pages
from member_client._session import Session
from member_client.administration.bundles import write_bundle
from member_client.administration.changes import Change, Effect, MemberRole, read_effect, role_of
from member_client.administration.heard import check_approval, check_heard
from member_client.administration.listed import (
    InviteStep,
    Known,
    Obstacle,
    PlannedInvite,
    invite_change,
    token_of,
)
from member_client.administration.members import ListedMember
from member_client.administration.proposals import Decision, Proposal, read_proposal
from member_client.administration.recalls import OutstandingRecall, read_recalls
from member_client.administration.watching import PAGE_SIZE, read_alarms, read_standings
from member_client.epoch_standings import EpochStanding, read_epoch_standing
from member_client.errors import InvalidUse, MemberStateConflict, NotFound, StatementInvalid
from member_client.outcomes import ClaimQuality, read_quality
from member_client.quotas import Alarm, Standing, read_alarm
from member_client.succession import Succession

PROPOSAL_ID_BYTES: Final = 16
MAX_REASON_BYTES: Final = 500


class Administration:
    """An admin's side of the alliance."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def preview(self, change: Change) -> Effect:
        """Say what a change would do now, and who must agree; raises Denied where it could not be made."""
        request = admin_pb2.PreviewChangeRequest(change=change.message)
        answer = await self._session.transport.ask(lambda channel: AdminServiceStub(channel).PreviewChange, request)
        return read_effect(answer.effect)

    async def propose(self, change: Change, reason: str, *, break_glass: bool = False) -> Proposal:
        """Propose a change; one that needs no other admin has taken effect when this returns. Raises Denied."""
        message = admin_pb2.Proposal(
            id=os.urandom(PROPOSAL_ID_BYTES),
            proposer=self._session.profile.member,
            change=change.message,
            reason=checked_reason(reason),
            proposed_at=self._session.clock.now_ms(),
            break_glass=break_glass,
        )
        statement = self._session.identity.statement(statements.PROPOSAL, message.SerializeToString())
        request = admin_pb2.ProposeRequest(proposal=statement)
        answer = await self._session.transport.ask(lambda channel: AdminServiceStub(channel).Propose, request)
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
        change = invite_change(Invitee(0, member, display_name or member, role_of(role).word), token)
        await self.preview(change)
        await self._session.workers.disk(write_bundle, self._session, member, token, destination)
        return await self.propose(change, reason)

    async def plan_invites(self, invitees: Sequence[Invitee], folder: Path) -> list[PlannedInvite]:
        """Say what is to be done for each on a list whose bundles lie in `folder` as ID.json; changes nothing.

        `alliance.invitees.read_invitees` reads a list. Those that cannot be invited are REFUSED, with the obstacle.
        """
        unconfirmed = frozenset((await self._session.facts.refresh_directory()).unconfirmed)
        proposals = [it async for it in self.proposals(undecided_only=False)]
        known = Known(self._session, proposals, unconfirmed)
        plan = [await self._session.workers.disk(known.planned, it, folder) for it in invitees]
        return [await self._possible(it) for it in plan]

    async def _possible(self, planned: PlannedInvite) -> PlannedInvite:
        """Ask the hub whether it would invite somebody for whom something is to be done."""
        if planned.step not in (InviteStep.INVITE, InviteStep.PROPOSE):
            return planned
        try:
            await self.preview(invite_change(planned.invitee, os.urandom(TOKEN_BYTES)))
        except (InvalidUse, MemberStateConflict):
            return replace(planned, step=InviteStep.REFUSED, obstacle=Obstacle.NOT_POSSIBLE)
        return planned

    async def invite_planned(self, planned: PlannedInvite, reason: str) -> Proposal:
        """Write the bundle of a planned invitation where it is not there yet, and propose it.

        Raises TooManyProposals where this admin has as many open ones as one may: plan again once some are decided,
        and it goes on. A bundle that was written by then is taken up.
        """
        checked_reason(reason)
        token = await self._session.workers.disk(token_of, self._session, planned)
        return await self.propose(invite_change(planned.invitee, token), reason)

    async def confirm(self, member: str, fingerprint: str, reason: str) -> Proposal:
        """Propose to let a member call whose fingerprint was told by telephone; another admin hears it too.

        Raises NotFound where no key of the member waits, FingerprintRefused where the words are not that key's.
        """
        key = (await self._session.facts.refresh_directory()).unconfirmed.get(member)
        if key is None:
            raise NotFound("No key of this member waits to be confirmed.")
        check_heard(fingerprint, key)
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
            await check_approval(self._session, proposal.change, fingerprint)
        message = admin_pb2.ProposalDecision(
            proposal_sha256=proposal.digest,
            admin=self._session.profile.member,
            decision=decision.value,
            reason=checked_reason(reason),
            decided_at=self._session.clock.now_ms(),
        )
        statement = self._session.identity.statement(statements.PROPOSAL_DECISION, message.SerializeToString())
        request = admin_pb2.DecideRequest(proposal_id=proposal.id, decision=statement)
        answer = await self._session.transport.ask(lambda channel: AdminServiceStub(channel).Decide, request)
        return await self._read(answer.proposal)

    async def proposals(self, *, undecided_only: bool = True) -> AsyncIterator[Proposal]:
        """List proposals, oldest first; raises StatementInvalid where one is no admin's."""

        async def fetch(token: str) -> admin_pb2.ListProposalsResponse:
            request = admin_pb2.ListProposalsRequest(
                page_size=PAGE_SIZE, page_token=token, undecided_only=undecided_only
            )
            return await self._session.transport.ask(lambda channel: AdminServiceStub(channel).ListProposals, request)

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

    async def members(self) -> list[ListedMember]:
        """List all who belong to the alliance or did, by id; raises StatementInvalid where one does not verify."""
        return [ListedMember.of(it) for it in (await self._session.facts.refresh_directory()).stated]

    async def epochs(self) -> list[EpochStanding]:
        """List all epochs with how far re-tagging and destruction are, oldest first."""
        request = admin_pb2.ListEpochStandingsRequest()
        answer = await self._session.transport.ask(
            lambda channel: AdminServiceStub(channel).ListEpochStandings, request
        )
        return [read_epoch_standing(it) for it in answer.epochs]

    async def standings(self) -> AsyncIterator[Standing]:
        """List the standings of all lenders, by id; raises HubError where one cannot be read."""
        async for standing in read_standings(self._session):
            yield standing

    async def alarms(self, *, open_only: bool = True) -> AsyncIterator[Alarm]:
        """List alarms about members' volumes, oldest first; raises HubError where one cannot be read."""
        async for alarm in read_alarms(self._session, open_only=open_only):
            yield alarm

    async def acknowledge(self, alarm: int, reason: str) -> Alarm:
        """Acknowledge an alarm by its id, with what was found; the first acknowledgement stays. Raises NotFound."""
        if not 0 < alarm < 2**63:
            raise InvalidUse("an alarm has a number, 1 or more")
        request = admin_pb2.AcknowledgeAlarmRequest(alarm=alarm, reason=checked_reason(reason))
        answer = await self._session.transport.ask(lambda channel: AdminServiceStub(channel).AcknowledgeAlarm, request)
        return read_alarm(answer.alarm)

    async def quality(self) -> list[ClaimQuality]:
        """Give how each contributor's claims fared within the last twelve months, as far as enough was reported."""
        return await read_quality(self._session)

    async def recalls(self) -> list[OutstandingRecall]:
        """List recalled claims, oldest first, with the members that did not say yet that they dealt with them."""
        return await read_recalls(self._session)

    async def overdue_disputes(self) -> list[OverdueDisputes]:
        """Count by contributor what is overdue: its answers to disputes, and reviewers' decisions about its claims."""
        request = dispute_pb2.ListOverdueDisputesRequest()
        answer = await self._session.transport.ask(
            lambda channel: DisputeServiceStub(channel).ListOverdueDisputes, request
        )
        return [OverdueDisputes(it.contributor, it.unanswered, it.undecided, it.since) for it in answer.contributors]

    async def suppression_list(self) -> SuppressionList:
        """Give the suppression list in force; raises StatementInvalid where it is older than one that was seen."""
        return (await self._session.facts.refresh()).suppression

    async def witness_list(self) -> WitnessList:
        """Give the witness list in force; raises StatementInvalid where it is older than one that was seen."""
        return await witnessing.fetched_list(self._session)

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
        answer = await self._session.transport.ask(
            lambda channel: SuccessionServiceStub(channel).SignSuccession, request
        )
        signed = await self._session.hub.read(answer.succession)
        if signed.payload != succession.payload:
            raise StatementInvalid("The hub shows another succession than was signed.")
        return signed


def checked_reason(reason: str) -> str:
    """Give a reason as it is; raises InvalidUse where it is empty or too long."""
    if not reason.strip() or len(reason.encode()) > MAX_REASON_BYTES:
        raise InvalidUse(f"a reason has 1 to {MAX_REASON_BYTES} bytes")
    return reason
