"""What must not come back: things that ended, or became known of somebody, after a backup was taken.

A backup knows nothing of what came after it. What a restored hub must not forget is written down elsewhere, before it
is acknowledged: claims that changed their status, countersignatures that were revoked, members and their certificates,
epochs that began and ended, adopted policies, suppression lists, witness lists and liaisons' scopes. It holds ids,
public keys and signed statements; never an identifier of a person, a tag or a secret.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from alliance.taxonomy import ClaimStatus
from alliance_server.domain.cases import Scope
from alliance_server.domain.epochs import Epoch
from alliance_server.domain.members import Certificate, Member, MemberState
from alliance_server.domain.policies import AdoptedPolicy
from alliance_server.domain.suppression import NumberedList
from alliance_server.domain.witnesses import NumberedWitnesses


class PurgeKind(StrEnum):
    """What became of something."""

    CERTIFICATE = "certificate"
    CERTIFICATES_REVOKED = "certificates-revoked"
    CLAIM = "claim"
    COUNTERSIGNATURE_REVOKED = "countersignature-revoked"
    EPOCH_BEGUN = "epoch-begun"
    EPOCH_RETIRED = "epoch-retired"
    LIAISON_SCOPE = "liaison-scope"
    MEMBER = "member"
    MEMBER_STATE = "member-state"
    POLICY_ADOPTED = "policy-adopted"
    SUPPRESSION_LIST = "suppression-list"
    SUCCESSION = "succession"
    WITNESS_LIST = "witness-list"


@dataclass(frozen=True, slots=True)
class Purge:
    """One thing to be remembered: its kind, and its values, each a text or a number."""

    kind: PurgeKind
    values: Mapping[str, Any]


@dataclass(slots=True)
class Purges:
    """Gathers what a unit of work must have remembered, with one line where it happens."""

    gathered: list[Purge] = field(default_factory=list)

    def claim_changed(
        self, entry_id: bytes, status: ClaimStatus, version: int, statement: bytes, *, now: int, reason: str
    ) -> None:
        """Have it remembered that a claim has another status."""
        self._add(
            PurgeKind.CLAIM,
            entry_id=entry_id.hex(),
            status=int(status),
            version=version,
            statement=statement.hex(),
            changed_at=now,
            reason=reason,
        )

    def countersignature_revoked(self, substance_sha256: bytes, revocation: bytes, officers: bytes, now: int) -> None:
        """Have it remembered that a countersignature does not stand."""
        self._add(
            PurgeKind.COUNTERSIGNATURE_REVOKED,
            substance=substance_sha256.hex(),
            revocation=revocation.hex(),
            officer=officers.hex(),
            revoked_at=now,
        )

    def epoch_begun(self, epoch: Epoch) -> None:
        """Have an epoch's number remembered, which never stands for another key."""
        self._add(
            PurgeKind.EPOCH_BEGUN,
            epoch=epoch.id,
            suite=epoch.suite,
            public_key=epoch.public_key.hex(),
            not_before=epoch.not_before,
            not_after=epoch.not_after,
        )

    def epoch_retired(self, epoch: int) -> None:
        """Have it remembered that an epoch's key, filter, tags and claims are gone for good."""
        self._add(PurgeKind.EPOCH_RETIRED, epoch=epoch)

    def member_enrolled(self, member: Member) -> None:
        """Have a member remembered with its key."""
        self._add(
            PurgeKind.MEMBER,
            id=member.id,
            display_name=member.display_name,
            state=int(member.state),
            identity_key=member.identity_key.hex(),
            stated_at=member.stated_at,
            role=int(member.role),
        )

    def member_changed(self, member_id: str, state: MemberState, now: int) -> None:
        """Have it remembered that a membership has another state."""
        self._add(PurgeKind.MEMBER_STATE, id=member_id, state=int(state), stated_at=now)

    def certificate_issued(self, certificate: Certificate) -> None:
        """Have a certificate remembered, so that its holder is known to a restored hub."""
        self._add(
            PurgeKind.CERTIFICATE,
            serial=certificate.serial,
            member_id=certificate.member_id,
            not_before=certificate.not_before,
            not_after=certificate.not_after,
            der=certificate.der.hex(),
        )

    def certificates_revoked(self, member_id: str, now: int) -> None:
        """Have it remembered that all certificates of a member so far are revoked for good."""
        self._add(PurgeKind.CERTIFICATES_REVOKED, member_id=member_id, revoked_at=now)

    def policy_adopted(self, adopted: AdoptedPolicy) -> None:
        """Have an adopted policy remembered, so that a restored hub of that release may serve."""
        self._add(PurgeKind.POLICY_ADOPTED, policy_sha256=adopted.policy_sha256.hex(), adopted_at=adopted.adopted_at)

    def suppression_list_set(self, numbered: NumberedList) -> None:
        """Have a suppression list remembered: members refuse one that is older than what they saw."""
        self._add(
            PurgeKind.SUPPRESSION_LIST,
            number=numbered.number,
            content=numbered.content.hex(),
            set_at=numbered.set_at,
        )

    def witness_list_set(self, numbered: NumberedWitnesses) -> None:
        """Have a witness list remembered: members refuse one that is older than what they saw."""
        self._add(
            PurgeKind.WITNESS_LIST,
            number=numbered.number,
            content=numbered.content.hex(),
            set_at=numbered.set_at,
        )

    def liaison_scope_set(self, scope: Scope) -> None:
        """Have it remembered what a liaison may ask for: what was taken from it does not come back."""
        self._add(
            PurgeKind.LIAISON_SCOPE,
            member_id=scope.member_id,
            instruments=bytes(sorted(scope.instruments)).hex(),
            categories=bytes(sorted(scope.categories)).hex(),
        )

    def succession_signed(self, origin: int, payload: bytes, admin: str, statement: bytes, signed_at: int) -> None:
        """Have an admin's signature of a succession remembered."""
        self._add(
            PurgeKind.SUCCESSION,
            origin=origin,
            payload=payload.hex(),
            admin=admin,
            statement=statement.hex(),
            signed_at=signed_at,
        )

    def _add(self, kind: PurgeKind, **values: Any) -> None:  # noqa: ANN401 - texts and numbers
        self.gathered.append(Purge(kind, values))
