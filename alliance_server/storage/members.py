"""Members, certificates, invitations and epochs in SQL."""

from dataclasses import asdict
from typing import Any

import sqlalchemy as sa

from alliance_server.domain.epochs import MAX_EPOCH, Epoch, EpochState
from alliance_server.domain.members import Certificate, Invitation, Member, MemberState, Role
from alliance_server.domain.purges import Purges
from alliance_server.storage.tables import (
    CertificateTable,
    EpochTable,
    FilterStateTable,
    InvitationTable,
    MemberTable,
    table_of,
)

_MEMBERS = table_of(MemberTable)
_CERTIFICATES = table_of(CertificateTable)
_INVITATIONS = table_of(InvitationTable)
_EPOCHS = table_of(EpochTable)
_STATES = table_of(FilterStateTable)

# Built once: every call asks for these.
_BY_SERIAL = (
    sa.select(_MEMBERS, _CERTIFICATES)
    .join_from(_CERTIFICATES, _MEMBERS, _MEMBERS.c.id == _CERTIFICATES.c.member_id)
    .where(_CERTIFICATES.c.serial == sa.bindparam("serial_number"))
)
_PAGE = (
    sa.select(_MEMBERS)
    .where(_MEMBERS.c.id > sa.bindparam("after"))
    .order_by(_MEMBERS.c.id)
    .limit(sa.bindparam("most", type_=sa.Integer))
)
_ALL_EPOCHS = sa.select(_EPOCHS).order_by(_EPOCHS.c.id)
_EPOCH = sa.select(_EPOCHS).where(_EPOCHS.c.id == sa.bindparam("number"))


def _member(row: sa.Row[tuple[object, ...]]) -> Member:
    return Member(row.id, row.display_name, MemberState(row.state), row.identity_key, row.stated_at, Role(row.role))


def _certificate(row: sa.Row[tuple[object, ...]]) -> Certificate:
    return Certificate(row.serial, row.member_id, row.not_before, row.not_after, row.revoked_at, row.der)


class SqlMembers:
    """Members, their certificates and invitations."""

    def __init__(self, connection: sa.Connection, purges: Purges) -> None:
        self._connection = connection
        self._purges = purges

    def get(self, member_id: str) -> Member | None:
        """Give a member."""
        return self._one(sa.select(_MEMBERS).where(_MEMBERS.c.id == member_id))

    def hold(self, member_id: str) -> Member | None:
        """Give a member, held until the unit of work ends: what is decided on it stays true."""
        return self._one(sa.select(_MEMBERS).where(_MEMBERS.c.id == member_id).with_for_update())

    def _one(self, query: sa.Select[Any]) -> Member | None:
        row = self._connection.execute(query).first()
        return None if row is None else _member(row)

    def hold_all(self, role: Role) -> None:
        """Hold all of a role until the unit of work ends; in one order, so that two who do wait for each other."""
        query = sa.select(_MEMBERS.c.id).where(_MEMBERS.c.role == role).order_by(_MEMBERS.c.id).with_for_update()
        self._connection.execute(query).all()

    def page(self, after: str, limit: int) -> list[Member]:
        """Give members by id, after one."""
        page = self._connection.execute(_PAGE, {"after": after, "most": limit})
        return [_member(row) for row in page]

    def save(self, member: Member) -> None:
        """Add a member or replace it."""
        values = {
            "display_name": member.display_name,
            "state": member.state,
            "identity_key": member.identity_key,
            "stated_at": member.stated_at,
            "role": member.role,
        }
        changed = self._connection.execute(sa.update(_MEMBERS).where(_MEMBERS.c.id == member.id).values(values))
        if changed.rowcount == 0:
            self._connection.execute(sa.insert(_MEMBERS).values(id=member.id, **values))
        if member.state is not MemberState.INVITED:  # an invitation ends within a day, and with a restore
            self._purges.member_enrolled(member)

    def set_state(self, member_id: str, state: MemberState, now: int) -> None:
        """Change a membership's state."""
        self._purges.member_changed(member_id, state, now)
        self._connection.execute(
            sa.update(_MEMBERS).where(_MEMBERS.c.id == member_id).values(state=state, stated_at=now)
        )

    def count_ever_confirmed(self, role: Role) -> int:
        """Count those of a role whose key was confirmed, whatever became of them."""
        columns = _MEMBERS.c
        before = (MemberState.INVITED, MemberState.UNCONFIRMED)
        confirmed = (columns.role == role, columns.identity_key != b"", columns.state.not_in(before))
        return self._connection.execute(sa.select(sa.func.count()).where(*confirmed)).scalar_one()

    def count_able(self, role: Role, now: int, *, but: str) -> int:
        """Count those of a role, one apart, who are active and have a certificate that is good."""
        columns = _CERTIFICATES.c
        good = sa.exists().where(
            columns.member_id == _MEMBERS.c.id, columns.revoked_at.is_(None), columns.not_after > now
        )
        able = (_MEMBERS.c.role == role, _MEMBERS.c.state == MemberState.ACTIVE, _MEMBERS.c.id != but, good)
        return self._connection.execute(sa.select(sa.func.count()).where(*able)).scalar_one()

    def count_certificates(self, member_id: str, now: int) -> int:
        """Count a member's certificates that are good."""
        columns = _CERTIFICATES.c
        good = (columns.member_id == member_id, columns.revoked_at.is_(None), columns.not_after > now)
        return self._connection.execute(sa.select(sa.func.count()).where(*good)).scalar_one()

    def ending(self, before: int) -> list[tuple[str, int]]:
        """Give active members whose last unrevoked certificate ends before a time, and when it does; soonest first."""
        last = sa.func.max(_CERTIFICATES.c.not_after)
        query = (
            sa.select(_MEMBERS.c.id, last.label("ends"))
            .join_from(_CERTIFICATES, _MEMBERS, _MEMBERS.c.id == _CERTIFICATES.c.member_id)
            .where(_MEMBERS.c.state == MemberState.ACTIVE, _CERTIFICATES.c.revoked_at.is_(None))
            .group_by(_MEMBERS.c.id)
            .having(last < before)
            .order_by(last, _MEMBERS.c.id)
        )
        return [(row.id, row.ends) for row in self._connection.execute(query)]

    def certificates(self, member_id: str, now: int) -> list[Certificate]:
        """Give a member's certificates that are good, oldest first; the member is held until the unit of work ends."""
        self.hold(member_id)
        columns = _CERTIFICATES.c
        good = (columns.member_id == member_id, columns.revoked_at.is_(None), columns.not_after > now)
        rows = self._connection.execute(sa.select(_CERTIFICATES).where(*good).order_by(columns.not_before))
        return [_certificate(row) for row in rows]

    def by_serial(self, serial: str) -> tuple[Member, Certificate] | None:
        """Give the holder of a certificate."""
        row = self._connection.execute(_BY_SERIAL, {"serial_number": serial}).first()
        if row is None:
            return None
        return _member(row), _certificate(row)

    def add_certificate(self, certificate: Certificate) -> None:
        """Add a certificate."""
        self._purges.certificate_issued(certificate)
        self._connection.execute(
            sa.insert(_CERTIFICATES).values(
                serial=certificate.serial,
                member_id=certificate.member_id,
                not_before=certificate.not_before,
                not_after=certificate.not_after,
                revoked_at=certificate.revoked_at,
                der=certificate.der,
            )
        )

    def revoke_certificates(self, member_id: str, now: int) -> int:
        """Revoke all certificates of a member; returns how many were not revoked before."""
        self._purges.certificates_revoked(member_id, now)
        columns = _CERTIFICATES.c
        changed = self._connection.execute(
            sa.update(_CERTIFICATES)
            .where(columns.member_id == member_id, columns.revoked_at.is_(None))
            .values(revoked_at=now)
        )
        return changed.rowcount

    def invitation(self, token_sha256: bytes) -> Invitation | None:
        """Give an invitation; held until the unit of work ends, so that two processes cannot both use it."""
        query = sa.select(_INVITATIONS).where(_INVITATIONS.c.token_sha256 == token_sha256).with_for_update()
        row = self._connection.execute(query).first()
        if row is None:
            return None
        return Invitation(row.token_sha256, row.member_id, row.expires_at, row.request_sha256, row.serial)

    def save_invitation(self, invitation: Invitation) -> None:
        """Add an invitation or replace it."""
        values = {
            "member_id": invitation.member_id,
            "expires_at": invitation.expires_at,
            "request_sha256": invitation.request_sha256,
            "serial": invitation.serial,
        }
        key = _INVITATIONS.c.token_sha256 == invitation.token_sha256
        changed = self._connection.execute(sa.update(_INVITATIONS).where(key).values(values))
        if changed.rowcount == 0:
            self._connection.execute(sa.insert(_INVITATIONS).values(token_sha256=invitation.token_sha256, **values))

    def end_invitations(self, member_id: str, now: int) -> None:
        """Let a member's invitations end that were not used."""
        self._end_unused(now, _INVITATIONS.c.member_id == member_id)

    def end_all_invitations(self, now: int) -> None:
        """Let all invitations end that were not used."""
        self._end_unused(now)

    def _end_unused(self, now: int, *those: sa.ColumnElement[bool]) -> None:
        columns = _INVITATIONS.c
        unused = (columns.request_sha256.is_(None), columns.expires_at > now, *those)
        self._connection.execute(sa.update(_INVITATIONS).where(*unused).values(expires_at=now))


class SqlEpochs:
    """Key epochs."""

    def __init__(self, connection: sa.Connection, purges: Purges) -> None:
        self._connection = connection
        self._purges = purges

    def get(self, epoch: int) -> Epoch | None:
        """Give an epoch."""
        if epoch > MAX_EPOCH:
            return None  # PostgreSQL would refuse the comparison
        row = self._connection.execute(_EPOCH, {"number": epoch}).first()
        return None if row is None else _epoch(row)

    def all(self) -> list[Epoch]:
        """Give all epochs, oldest first."""
        return [_epoch(row) for row in self._connection.execute(_ALL_EPOCHS)]

    def add(self, epoch: Epoch) -> None:
        """Add an epoch and its empty filter state."""
        self._purges.epoch_begun(epoch)
        self._connection.execute(sa.insert(_EPOCHS).values(asdict(epoch)))
        self._connection.execute(
            sa.insert(_STATES).values(
                epoch=epoch.id, sequence=0, base_sha256=b"", delta_sequence=0, header=b"", heartbeat=b""
            )
        )

    def hold(self) -> list[Epoch]:
        """Give all epochs, oldest first, held until the unit of work ends, with the registries of each.

        Who files claims holds its epoch's registry while it does: what is in an epoch that takes no more is all of it.
        """
        epochs = sa.select(_EPOCHS).order_by(_EPOCHS.c.id).with_for_update()
        held = [_epoch(row) for row in self._connection.execute(epochs)]
        self._connection.execute(sa.select(_STATES.c.epoch).order_by(_STATES.c.epoch).with_for_update()).all()
        return held

    def save(self, epoch: Epoch) -> None:
        """Replace an epoch."""
        if epoch.state is EpochState.RETIRED:
            self._purges.epoch_retired(epoch.id)
        else:
            self._purges.epoch_begun(epoch)
        self._connection.execute(sa.update(_EPOCHS).where(_EPOCHS.c.id == epoch.id).values(asdict(epoch)))


def _epoch(row: sa.Row[tuple[object, ...]]) -> Epoch:
    return Epoch(**{**row._mapping, "state": EpochState(row.state)})
