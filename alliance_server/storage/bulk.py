"""Many rows in one statement: written and looked up without an object or a parameter a row.

- `Insertion`: SQLite takes the driver's own executemany, PostgreSQL COPY in binary, inside the same transaction.
- `rows`: what is read in thousands, as plain tuples.
- `Lookup`: the rows of many keys, which travel as one packed parameter: no limit on the number of parameters is met,
  and one statement serves every number of keys.
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Engine
from sqlalchemy.exc import DBAPIError

_POSTGRESQL: sa.Dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
_COPY_TYPES = "alliance_copy_types"
"""Execution option of a COPY: its columns' types."""
_EACH = "WITH RECURSIVE wanted(place) AS (SELECT 0 UNION ALL SELECT place + 1 FROM wanted WHERE place + 1 < :count) "
"""Opens a statement with `wanted`, the places 0 to `:count` − 1 of the packed keys."""


class Lookup:
    """A query for the rows of many keys of one width: `condition` names the key `{key}`, which an index must serve.

    Each database is told in its own words to go from the keys to the table. Left to themselves, SQLite may read the
    table once for every key, and PostgreSQL all of it, as long as the table was never analysed.
    """

    def __init__(self, table: sa.Table, columns: str, condition: str, width: int) -> None:
        self._width = width
        met = condition.format(key=f"substr(:keys, wanted.place * {width} + 1, {width})")
        rows = f"SELECT {columns} FROM {table.name} WHERE {met} OFFSET 0"  # noqa: S608 - constants
        statements = {
            "sqlite": f"{_EACH}SELECT {columns} FROM wanted CROSS JOIN {table.name} WHERE {met}",  # noqa: S608
            "postgresql": f"{_EACH}SELECT found.* FROM wanted CROSS JOIN LATERAL ({rows}) AS found",  # noqa: S608
        }
        keys = sa.bindparam("keys", type_=sa.LargeBinary())
        self._statements = {name: sa.text(statement).bindparams(keys) for name, statement in statements.items()}

    def run(self, connection: sa.Connection, keys: Sequence[bytes], **parameters: object) -> list[tuple[Any, ...]]:
        """Give the rows of all keys; their order is not theirs."""
        if not keys:
            return []
        packed = b"".join(keys)
        if len(packed) != self._width * len(keys):
            raise ValueError(f"a key has {self._width} bytes")
        statement = self._statements[connection.dialect.name]
        return rows(connection, statement, {**parameters, "keys": packed, "count": len(keys)})


def rows(connection: sa.Connection, statement: sa.Executable, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Give a query's rows as the driver gives them: the usual ones cost more than many a query does."""
    result = connection.execute(statement, parameters)
    failures = connection.dialect.loaded_dbapi.Error
    try:
        return list(result.cursor.fetchall())
    except failures as error:
        # SQLite looks for the rows only now: its failure is translated as it would have been a line earlier.
        raise DBAPIError.instance("", None, error, failures, hide_parameters=True) from error
    finally:
        result.close()


def prepare(engine: Engine) -> None:
    """Let an engine run COPY as any other statement, so that its errors are translated like any other's."""
    if engine.dialect.name == "postgresql":
        event.listen(engine, "do_executemany", _copy)


class Insertion:
    """An INSERT of whole rows into one table; made once, for all columns in the order that is given."""

    def __init__(self, table: sa.Table, columns: Sequence[str]) -> None:
        self._table = table
        self._columns = tuple(columns)
        self._insert = sa.insert(table)
        names = ", ".join(columns)
        self._of_driver = f"INSERT INTO {table.name} ({names}) VALUES ({', '.join('?' * len(columns))})"  # noqa: S608
        self._copy = f"COPY {table.name} ({names}) FROM STDIN (FORMAT BINARY)"
        self._types = {_COPY_TYPES: [_type_name(table.c[name]) for name in columns]}

    def run(self, connection: sa.Connection, rows: Sequence[tuple[Any, ...]]) -> None:
        """Insert rows; raises what any statement raises."""
        if not rows:
            return
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql(self._of_driver, list(rows))
        elif len(rows) > 1:
            # Measured: COPY is cheaper from two rows on, and takes a third of the time of executemany for many.
            connection.exec_driver_sql(self._copy, list(rows), execution_options=self._types)
        else:
            connection.execute(self._insert, [dict(zip(self._columns, row, strict=True)) for row in rows])


def _copy(cursor: Any, statement: str, rows: Sequence[tuple[Any, ...]], context: Any) -> bool:  # noqa: ANN401
    """Run a COPY where SQLAlchemy would call the driver's executemany; says whether it did."""
    types = context.execution_options.get(_COPY_TYPES)
    if types is None:
        return False
    with cursor.copy(statement) as copy:
        copy.set_types(types)
        for row in rows:
            copy.write_row(row)
    return True


def _type_name(column: sa.Column[Any]) -> str:
    """Give PostgreSQL's name of a column's type: COPY in binary converts nothing, so the driver is told each."""
    return column.type.compile(dialect=_POSTGRESQL).partition("(")[0].lower()
