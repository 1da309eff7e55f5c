"""Recalls and their receipts in SQL."""

from dataclasses import asdict, fields

import sqlalchemy as sa

from alliance.taxonomy import ClaimStatus
from alliance_server.domain.members import MemberState, Role
from alliance_server.domain.recalls import Recall, Receipt
from alliance_server.storage.tables import (
    CertificateTable,
    ClaimChangeTable,
    MemberTable,
    RecallReceiptTable,
    table_of,
)

_RECEIPTS = table_of(RecallReceiptTable)
_CHANGES = table_of(ClaimChangeTable)
_MEMBERS = table_of(MemberTable)
_CERTIFICATES = table_of(CertificateTable)
_COLUMNS = [_RECEIPTS.c[field.name] for field in fields(Receipt)]


class SqlRecalls:
    """Recalled claims, and who has dealt with them."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def receipt(self, member_id: str) -> Receipt | None:
        """Give a member's newest receipt; held until the unit of work ends."""
        query = sa.select(*_COLUMNS).where(_RECEIPTS.c.member_id == member_id).with_for_update()
        row = self._connection.execute(query).first()
        return None if row is None else Receipt(*row)

    def keep(self, receipt: Receipt) -> None:
        """Keep a receipt unless there is one that reaches as far."""
        there = self.receipt(receipt.member_id)
        if there is None:
            self._connection.execute(sa.insert(_RECEIPTS).values(asdict(receipt)))
        elif receipt.upto > there.upto:
            key = _RECEIPTS.c.member_id == receipt.member_id
            self._connection.execute(sa.update(_RECEIPTS).where(key).values(asdict(receipt)))

    def after(self, number: int, limit: int) -> list[Recall]:
        """Give recalls after a number, in order, with the members that have not said that they dealt with them."""
        columns = _CHANGES.c
        query = (
            sa.select(columns.number, columns.entry_id, columns.changed_at, columns.reason)
            .where(columns.status == int(ClaimStatus.RECALLED), columns.number > number)
            .order_by(columns.number)
            .limit(limit)
        )
        recalls = [Recall(*row) for row in self._connection.execute(query)]
        reached = self._reached() if recalls else {}
        return [
            Recall(
                it.number,
                it.entry_id,
                it.recalled_at,
                it.reason,
                tuple(
                    member for member, (upto, since) in reached.items() if upto < it.number and since < it.recalled_at
                ),
            )
            for it in recalls
        ]

    def _reached(self) -> dict[str, tuple[int, int]]:
        """Give how far each member that is to deal with recalls has come, and since when it is one; by member id."""
        upto = sa.func.coalesce(_RECEIPTS.c.upto, 0)
        enrolled = (
            sa.select(sa.func.min(_CERTIFICATES.c.not_before))
            .where(_CERTIFICATES.c.member_id == _MEMBERS.c.id)
            .scalar_subquery()
        )
        query = (
            sa.select(_MEMBERS.c.id, upto, sa.func.coalesce(enrolled, _MEMBERS.c.stated_at))
            .outerjoin(_RECEIPTS, _RECEIPTS.c.member_id == _MEMBERS.c.id)
            .where(_MEMBERS.c.role == int(Role.MEMBER), _MEMBERS.c.state == int(MemberState.ACTIVE))
            .order_by(_MEMBERS.c.id)
        )
        return {member: (reached, since) for member, reached, since in self._connection.execute(query)}
