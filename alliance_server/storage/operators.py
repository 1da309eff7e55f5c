"""Operators of members in SQL."""

from dataclasses import asdict, fields

import sqlalchemy as sa

from alliance_server.domain.operators import Operator
from alliance_server.storage.tables import OperatorTable, table_of

_OPERATORS = table_of(OperatorTable)
_COLUMNS = [_OPERATORS.c[field.name] for field in fields(Operator)]


class SqlOperators:
    """Those of members' staff whose agreement is asked for."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def of(self, member_id: str) -> list[Operator]:
        """Give a member's operators, retired ones included, by id."""
        query = sa.select(*_COLUMNS).where(_OPERATORS.c.member_id == member_id).order_by(_OPERATORS.c.operator_id)
        return [Operator(*row) for row in self._connection.execute(query)]

    def add(self, operator: Operator) -> None:
        """Add an operator."""
        self._connection.execute(sa.insert(_OPERATORS).values(asdict(operator)))

    def retire(self, member_id: str, operator_id: str, now: int) -> None:
        """Note that an operator approves no more."""
        one = (_OPERATORS.c.member_id == member_id, _OPERATORS.c.operator_id == operator_id)
        update = sa.update(_OPERATORS).where(*one, _OPERATORS.c.retired_at.is_(None))
        self._connection.execute(update.values(retired_at=now))
