"""Suppression lists in SQL."""

from dataclasses import asdict

import sqlalchemy as sa

from alliance_server.domain.purges import Purges
from alliance_server.domain.suppression import NumberedList
from alliance_server.storage.tables import SuppressionListTable, table_of

_LISTS = table_of(SuppressionListTable)
_NEWEST = sa.select(_LISTS).order_by(_LISTS.c.number.desc()).limit(1)


class SqlSuppression:
    """Suppression lists that admins set."""

    def __init__(self, connection: sa.Connection, purges: Purges) -> None:
        self._connection = connection
        self._purges = purges

    def number(self) -> int:
        """Give the number of the newest; 0 where there is none."""
        return self._connection.execute(sa.select(sa.func.max(_LISTS.c.number))).scalar() or 0

    def newest(self) -> NumberedList | None:
        """Give the newest."""
        row = self._connection.execute(_NEWEST).first()
        return None if row is None else NumberedList(**row._mapping)

    def add(self, numbered: NumberedList) -> None:
        """Add one; raises where there is one of its number."""
        self._purges.suppression_list_set(numbered)
        self._connection.execute(sa.insert(_LISTS).values(asdict(numbered)))
