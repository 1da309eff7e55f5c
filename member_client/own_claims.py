"""A contributor's own claims, as the hub holds them, each verified to be the one that was signed here."""

import hmac
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from typing import Final

from google.protobuf.message import DecodeError

from alliance import claims, statements
from alliance.claims import is_reason_code
from alliance.crypto.signing import VerifyingKey
from alliance.errors import AllianceError, SignatureInvalid
from alliance.identifiers import Kind
from alliance.taxonomy import LIVE_STATUSES, Category, ClaimStatus, EvidenceLevel, SharingLevel, SubjectRole
from alliance.v1 import taxonomy_pb2
from alliance.v1.claim_pb2 import ClaimStatusChange
from alliance.v1.registry_pb2 import (
    ChangeClaimStatusRequest,
    ClaimRecord,
    GetClaimRequest,
    ListClaimsRequest,
    ListClaimsResponse,
)
from alliance.v1.registry_pb2_grpc import RegistryServiceStub
from alliance.v1.statement_pb2 import SignedStatement
from member_client._claim_stream import Correction
from member_client._journal import Journal
from member_client._paging import pages
from member_client._session import Session
from member_client.errors import ConflictingRetry, InvalidUse, NotFound, StatementInvalid

PAGE_SIZE: Final = 500
_ENTRY_ID_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class OwnClaim:
    """One of this member's claims and its status. Times in milliseconds UTC; the label is in the box alone.

    `version`, `changed_at` and `reason` are those of the last change of status, 0 and empty where there was none.
    `predecessor` and `successor` are the entry ids under which the hub says the same stands in the epochs before and
    after, empty where there is none.
    """

    entry_id: bytes
    epoch: int
    kind: Kind
    category: Category
    role: SubjectRole
    evidence: EvidenceLevel
    sharing: SharingLevel
    observed_from: int
    observed_to: int
    filed_at: int
    expires_at: int
    status: ClaimStatus
    version: int = 0
    changed_at: int = 0
    reason: str = ""
    predecessor: bytes = b""
    successor: bytes = b""


def read_record(record: ClaimRecord, *, member: str, own_key: VerifyingKey, hub_key: VerifyingKey) -> OwnClaim:
    """Verify a record of the hub; raises StatementInvalid where it is not what this member signed."""
    try:
        own_key.verify(statements.CLAIM, record.claim, record.signature)
        claim = claims.parse(record.claim)
        status = ClaimStatus(record.status)
    except (AllianceError, ValueError) as error:
        raise StatementInvalid("The hub shows a claim that this member did not sign.") from error
    if claim.contributor != member:
        raise StatementInvalid("The hub shows another member's claim.")
    change = ClaimStatusChange()
    if record.HasField("status_change"):
        change = _read_change(record.status_change, claim.entry_id, own_key, hub_key)
    # Only expiry needs nobody's word; else the hub could call a claim withdrawn that it goes on serving.
    if status is not ClaimStatus.EXPIRED and status != (change.status or ClaimStatus.ACTIVE):
        raise StatementInvalid("The hub shows a status of a claim that nobody signed.")
    return OwnClaim(
        entry_id=claim.entry_id,
        epoch=claim.epoch,
        kind=claims.kind_of(claim.kind),
        category=Category(claim.category),
        role=SubjectRole(claim.subject_role),
        evidence=EvidenceLevel(claim.evidence_level),
        sharing=SharingLevel(claim.sharing_level),
        observed_from=claim.observed_from,
        observed_to=claim.observed_to,
        filed_at=claim.filed_at,
        expires_at=claim.expires_at,
        status=status,
        version=change.version,
        changed_at=change.changed_at,
        reason=change.reason,
        predecessor=record.predecessor,
        successor=record.successor,
    )


def _read_change(
    statement: SignedStatement, entry_id: bytes, own_key: VerifyingKey, hub_key: VerifyingKey
) -> ClaimStatusChange:
    """Verify a change that this member or the hub decided."""
    change = ClaimStatusChange()
    for key in (own_key, hub_key):
        try:
            change.ParseFromString(key.verified_payload(statements.CLAIM_STATUS, statement))
        except SignatureInvalid:
            continue
        except DecodeError:
            break
        if change.entry_id == entry_id:
            return change
    raise StatementInvalid("The hub shows a change of a claim's status that nobody signed.")


class OwnClaims:
    """The registry, as this member sees it."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._own_key = VerifyingKey(session.identity.public_key)

    async def listed(self, *, live_only: bool) -> AsyncIterator[OwnClaim]:
        """List own claims, oldest first."""

        async def fetch(token: str) -> ListClaimsResponse:
            request = ListClaimsRequest(page_size=PAGE_SIZE, page_token=token, live_only=live_only)
            return await self._session.transport.ask(lambda channel: RegistryServiceStub(channel).ListClaims, request)

        async for records in pages(fetch, lambda page: page.claims):
            for claim in await self._session.workers.cpu(self._read_all, records):
                yield claim

    async def one(self, entry_id: bytes) -> OwnClaim:
        """Get one own claim; raises NotFound."""
        return (await self.with_tag(entry_id))[0]

    async def with_tag(self, entry_id: bytes) -> tuple[OwnClaim, bytes]:
        """Get one own claim and its tag, under the name that it has by now; raises NotFound."""
        try:
            return await self._fetched(entry_id)
        except NotFound:
            journal = Journal(self._session.store)
            successor = await self._session.workers.disk(journal.successor, entry_id)
            if successor is None:
                raise
            return await self._fetched(successor)

    async def _shown(self, entry_id: bytes) -> OwnClaim:
        return (await self._fetched(entry_id))[0]

    async def _fetched(self, entry_id: bytes) -> tuple[OwnClaim, bytes]:
        request = GetClaimRequest(entry_id=_entry_id(entry_id))
        answer = await self._session.transport.ask(lambda channel: RegistryServiceStub(channel).GetClaim, request)
        return self.read_with_tag(entry_id, answer.claim)

    def read_with_tag(self, entry_id: bytes, record: ClaimRecord) -> tuple[OwnClaim, bytes]:
        """Verify what the hub shows as an own claim; gives its tag with it. Raises StatementInvalid."""
        return self._checked(entry_id, record), claims.parse(record.claim).tag

    async def end(self, entry_id: bytes, to: ClaimStatus, reason: str) -> OwnClaim:
        """Withdraw or recall a claim; one that is so already is given as it is. Raises IllegalTransition otherwise."""
        if not is_reason_code(reason):
            raise InvalidUse("ending a claim needs a reason code: up to 64 lower-case letters, digits and _")
        return await self.end_claim(await self.one(entry_id), to, reason)

    async def end_claim(self, claim: OwnClaim, to: ClaimStatus, reason: str) -> OwnClaim:
        """Withdraw or recall a claim as it was just seen."""
        twin = await self._live_twin(claim)
        if claim.status is not to:
            try:
                claim = await self._end(claim, twin, to, reason)
            except ConflictingRetry:
                # It may have been re-tagged a moment ago, and then both end together.
                newer = await self.one(claim.entry_id)
                if (newer.version, newer.successor) == (claim.version, claim.successor):
                    raise
                twin = await self._live_twin(newer)
                claim = await self._end(newer, twin, to, reason)
        await self.forget(*filter(None, (claim, twin)))
        return claim

    async def correction(
        self, claim: OwnClaim, reason: str, to: ClaimStatus = ClaimStatus.CORRECTED
    ) -> tuple[Correction, tuple[OwnClaim, ...]]:
        """Sign that another claim takes the place of one as it was just seen; gives all that end with it, too.

        `to` another status: that it ends so, as the answer to a dispute.
        """
        twin = await self._live_twin(claim)
        of_twin = self._change(twin, to, reason) if twin else None
        ending = tuple(filter(None, (claim, twin)))
        return Correction(self._change(claim, to, reason), of_twin), ending

    async def forget(self, *ended: OwnClaim) -> None:
        """Write down that claims were ended from here."""
        journal = Journal(self._session.store)
        for claim in ended:
            await self._session.workers.disk(journal.withdraw, claim.entry_id, claim.expires_at)

    async def _end(self, claim: OwnClaim, twin: OwnClaim | None, to: ClaimStatus, reason: str) -> OwnClaim:
        request = ChangeClaimStatusRequest(
            status_change=self._change(claim, to, reason),
            twin_status_change=self._change(twin, to, reason) if twin else None,
        )
        answer = await self._session.transport.ask(
            lambda channel: RegistryServiceStub(channel).ChangeClaimStatus, request
        )
        ended = self._checked(claim.entry_id, answer.claim)
        if ended.status is not to:
            raise StatementInvalid("The hub took a claim's end and shows the claim as it was.")
        return ended

    async def _live_twin(self, claim: OwnClaim) -> OwnClaim | None:
        """Give the claim that says the same in another epoch, while it lives."""
        for entry_id in filter(None, (claim.successor, claim.predecessor)):
            try:
                twin = await self._shown(entry_id)
            except NotFound:
                continue  # destroyed with its epoch
            await self._session.workers.disk(self._check_twins, claim, twin)
            if twin.status in LIVE_STATUSES:
                return twin
        return None

    def _check_twins(self, claim: OwnClaim, twin: OwnClaim) -> None:
        """Raise StatementInvalid unless one claim re-tags the other: else the hub could have any claim withdrawn."""
        kept = Journal(self._session.store).keepsakes([claim.entry_id, twin.entry_id])
        about = {it.identifier for it in kept if it is not None}
        if claim.epoch == twin.epoch or _said(claim) != _said(twin) or len(about) > 1:
            raise StatementInvalid("The hub shows a claim as re-tagged by one that says something else.")

    def _change(self, claim: OwnClaim, to: ClaimStatus, reason: str) -> SignedStatement:
        change = ClaimStatusChange(
            entry_id=claim.entry_id,
            version=claim.version + 1,
            status=taxonomy_pb2.ClaimStatus.ValueType(to),
            changed_at=self._session.clock.now_ms(),
            reason=reason,
        )
        return self._session.identity.statement(statements.CLAIM_STATUS, change.SerializeToString())

    def _checked(self, entry_id: bytes, record: ClaimRecord) -> OwnClaim:
        claim = self.read(record)
        if claim.entry_id != entry_id:
            raise StatementInvalid("The hub shows another claim than was asked for.")
        return claim

    def _read_all(self, records: Iterable[ClaimRecord]) -> list[OwnClaim]:
        return [self.read(record) for record in records]

    def standing(self, record: ClaimRecord, row: bytes) -> OwnClaim:
        """Verify a claim that the hub shows in the way of a row, claim bytes of this member; raises StatementInvalid.

        It must be about the same: tag, epoch, kind and category. Else a hub could pass any claim off for a row that it
        never filed, or have an unrelated one withdrawn.
        """
        shown = self.read(record)
        there, sent = claims.parse(record.claim), claims.parse(row)
        about = ((it.epoch, it.kind, it.category) for it in (there, sent))
        if not hmac.compare_digest(there.tag, sent.tag) or len(set(about)) > 1:
            raise StatementInvalid("The hub shows a claim in a row's way that is about something else.")
        return shown

    def read(self, record: ClaimRecord) -> OwnClaim:
        """Verify a record of one of this member's claims; raises StatementInvalid."""
        return read_record(
            record, member=self._session.profile.member, own_key=self._own_key, hub_key=self._session.hub.key
        )


def _said(claim: OwnClaim) -> tuple[object, ...]:
    """Give all that re-tagging copies, as far as it is in clear."""
    times = claim.observed_from, claim.observed_to, claim.filed_at, claim.expires_at
    return claim.kind, claim.category, claim.role, claim.evidence, claim.sharing, *times


def _entry_id(entry_id: bytes) -> bytes:
    if len(entry_id) != _ENTRY_ID_BYTES:
        raise InvalidUse(f"an entry id has {_ENTRY_ID_BYTES} bytes")
    return entry_id
