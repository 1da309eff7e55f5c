"""Counts over whole tables, for the hub's operator: ten million rows take some seconds."""

import sqlalchemy as sa

from alliance_server.domain.members import MemberState, Role
from alliance_server.domain.overview import Census
from alliance_server.storage.tables import LIVE_NUMBERS, AuditTable, CertificateTable, ClaimTable, MemberTable, table_of

_CLAIMS, _EVENTS = table_of(ClaimTable).c, table_of(AuditTable).c
_CERTIFICATES, _MEMBERS = table_of(CertificateTable).c, table_of(MemberTable).c


def read_census(connection: sa.Connection, now: int, soon: int) -> Census:
    """Count; `soon` is until when a certificate must last not to end soon. Times in milliseconds UTC."""

    def count(*conditions: sa.ColumnElement[bool]) -> int:
        return connection.execute(sa.select(sa.func.count()).where(*conditions)).scalar_one()

    members = sa.select(_MEMBERS.role, _MEMBERS.state, sa.func.count()).group_by(_MEMBERS.role, _MEMBERS.state)
    good = (_CERTIFICATES.revoked_at.is_(None), _CERTIFICATES.not_after > now)
    events = connection.execute(sa.select(sa.func.count(_EVENTS.id), sa.func.max(_EVENTS.id))).one()
    last = sa.select(_EVENTS.time).where(_EVENTS.id == events[1])
    return Census(
        members={(Role(role), MemberState(state)): number for role, state, number in connection.execute(members)},
        live_claims=count(_CLAIMS.status.in_(LIVE_NUMBERS), _CLAIMS.expires_at > now),
        certificates=count(*good),
        certificates_ending=count(*good, _CERTIFICATES.not_after <= soon),
        events=events[0],
        last_event_at=connection.execute(last).scalar(),
    )
