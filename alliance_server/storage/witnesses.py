"""Witness lists and cosignatures in SQL. Rows are added, and never changed."""

from collections.abc import Collection
from dataclasses import asdict

import sqlalchemy as sa

from alliance_server.domain.purges import Purges
from alliance_server.domain.witnesses import Cosignature, NumberedWitnesses
from alliance_server.storage.tables import CosignatureTable, WitnessListTable, table_of

_LISTS = table_of(WitnessListTable)
_LINES = table_of(CosignatureTable)
_NEWEST = sa.select(_LISTS).order_by(_LISTS.c.number.desc()).limit(1)


class SqlWitnesses:
    """Witness lists that admins set, and what witnesses handed in."""

    def __init__(self, connection: sa.Connection, purges: Purges) -> None:
        self._connection = connection
        self._purges = purges

    def number(self) -> int:
        """Give the number of the newest list; 0 where there is none."""
        return self._connection.execute(sa.select(sa.func.max(_LISTS.c.number))).scalar() or 0

    def newest(self) -> NumberedWitnesses | None:
        """Give the newest list."""
        row = self._connection.execute(_NEWEST).first()
        return None if row is None else NumberedWitnesses(**row._mapping)

    def add(self, numbered: NumberedWitnesses) -> None:
        """Add a list; raises where there is one of its number."""
        self._purges.witness_list_set(numbered)
        self._connection.execute(sa.insert(_LISTS).values(asdict(numbered)))

    def cosignature(self, log: int, size: int, witness: str) -> str | None:
        """Give the line of a witness under a checkpoint."""
        columns = _LINES.c
        wanted = sa.select(columns.line).where(columns.log == log, columns.size == size, columns.witness == witness)
        return self._connection.execute(wanted).scalar()

    def add_cosignature(self, cosignature: Cosignature) -> None:
        """Add a line; raises where the witness has one under this checkpoint."""
        self._connection.execute(sa.insert(_LINES).values(asdict(cosignature)))

    def lines(self, log: int, size: int, witnesses: Collection[str]) -> list[str]:
        """Give the lines of some witnesses under a checkpoint, in the order in which they came."""
        columns = _LINES.c
        wanted = sa.select(columns.line).where(columns.log == log, columns.size == size, columns.witness.in_(witnesses))
        return list(self._connection.execute(wanted.order_by(columns.received_at, columns.witness)).scalars())

    def cosigned(self, log: int | None, witnesses: Collection[str], count: int) -> tuple[int, int] | None:
        """Give log and size of the newest checkpoint, of one log or of any, that so many of some witnesses cosigned."""
        columns = _LINES.c
        wanted = sa.select(columns.log, columns.size).where(columns.witness.in_(witnesses))
        if log is not None:
            wanted = wanted.where(columns.log == log)
        wanted = wanted.group_by(columns.log, columns.size).having(sa.func.count() >= count)
        row = self._connection.execute(wanted.order_by(columns.log.desc(), columns.size.desc()).limit(1)).first()
        return None if row is None else (row.log, row.size)
