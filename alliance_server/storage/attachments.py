"""Attachments of replies in SQL; their bytes lie in files."""

from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Final

import sqlalchemy as sa

from alliance.cases.words import SEALED_KEPT_MS
from alliance_server.domain.attachments import Attachment, Key
from alliance_server.storage.tables import CaseAttachmentTable, CaseTable, table_of

_ATTACHMENTS = table_of(CaseAttachmentTable)
_CASES = table_of(CaseTable)
_COLUMNS: Final = [_ATTACHMENTS.c[field.name] for field in fields(Attachment)]


class SqlAttachments:
    """Attachments of replies."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def get(self, key: Key) -> Attachment | None:
        """Give an attachment."""
        row = self._connection.execute(sa.select(*_COLUMNS).where(_is(key))).first()
        return None if row is None else Attachment(*row)

    def add(self, attachment: Attachment) -> None:
        """Add an attachment that is begun."""
        self._connection.execute(sa.insert(_ATTACHMENTS).values(asdict(attachment)))

    def complete(self, key: Key, now: int) -> bool:
        """Note that an attachment is whole; false where it is so already, or there is none."""
        open_one = (_is(key), _ATTACHMENTS.c.whole_at.is_(None))
        return self._connection.execute(sa.update(_ATTACHMENTS).where(*open_one).values(whole_at=now)).rowcount > 0

    def remove(self, key: Key) -> bool:
        """Forget an attachment; false where there is none."""
        return self._connection.execute(sa.delete(_ATTACHMENTS).where(_is(key))).rowcount > 0

    def used(self, case_id: bytes, member: str) -> tuple[int, int]:
        """Give how many attachments a member has to a case, and their sizes' sum."""
        columns = _ATTACHMENTS.c
        of_member = (columns.case_id == case_id, columns.member == member)
        row = self._connection.execute(
            sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(columns.sealed_size), 0)).where(*of_member)
        ).one()
        return int(row[0]), int(row[1])

    def whole(self, case_id: bytes, members: Sequence[str]) -> list[Attachment]:
        """Give those that some members uploaded whole to a case, each member's together."""
        columns = _ATTACHMENTS.c
        wanted = (columns.case_id == case_id, columns.member.in_(members), columns.whole_at.is_not(None))
        query = sa.select(*_COLUMNS).where(*wanted).order_by(columns.member, columns.attachment_id)
        return [Attachment(*row) for row in self._connection.execute(query)]

    def due_to_purge(self, now: int, most: int) -> list[Key]:
        """Give up to so many whose case ended long enough ago, or is gone."""
        columns = _ATTACHMENTS.c
        query = (
            sa.select(columns.case_id, columns.member, columns.attachment_id)
            .outerjoin(_CASES, _CASES.c.id == columns.case_id)
            .where(sa.or_(_CASES.c.id.is_(None), _CASES.c.ended_at <= now - SEALED_KEPT_MS))
            .limit(most)
        )
        return [(row.case_id, row.member, row.attachment_id) for row in self._connection.execute(query)]


def _is(key: Key) -> sa.ColumnElement[bool]:
    columns = _ATTACHMENTS.c
    case_id, member, attachment_id = key
    return sa.and_(columns.case_id == case_id, columns.member == member, columns.attachment_id == attachment_id)
