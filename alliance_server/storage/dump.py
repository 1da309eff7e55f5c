"""The content of a database as lines of JSON, by table: read in one snapshot, written into one of either kind.

Rules:

1. What is read is one state of the database, whatever is written meanwhile: a read transaction of SQLite in WAL mode, a
   REPEATABLE READ READ ONLY one of PostgreSQL. Nobody waits for it.
2. The tables are those that the database has, in an order in which no row points to a later table. So a dump of another
   version of the schema can be read, and is written into tables of that version before they are upgraded.
3. A line is a row: a list of its values, bytes as a list of one text in base64. The first line names the columns.
4. Rows are read and written in pages: memory does not grow with the table.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from alliance.errors import AllianceError
from alliance_server.storage import bulk

ROWS_A_PAGE: Final = 1000
LEFT_OUT: Final = frozenset({"alembic_version", "case_attachments", "filter_deltas", "filter_snapshots", "leases"})
"""Tables that hold nothing of worth elsewhere: filters are built anew, a lease belongs to a process, and attachments go
with the hub that has their files."""


class DumpInvalid(AllianceError):
    """Lines of a dump do not fit the tables."""


@contextmanager
def snapshot(engine: Engine) -> Iterator[sa.Connection]:
    """Give a connection that sees one state of the database until the block ends."""
    options = {} if engine.dialect.name == "sqlite" else {"isolation_level": "REPEATABLE READ"}
    with engine.connect().execution_options(**options) as connection, connection.begin():
        if engine.dialect.name != "sqlite":
            connection.exec_driver_sql("SET TRANSACTION READ ONLY")
        # The state is that of the first read.
        connection.exec_driver_sql("SELECT version_num FROM alembic_version").all()
        yield connection


def tables(connection: sa.Connection) -> list[sa.Table]:
    """Give the tables that are dumped, each after those that it points to."""
    known = sa.MetaData()
    known.reflect(connection)
    return [table for table in known.sorted_tables if table.name not in LEFT_OUT]


def count(connection: sa.Connection, table: sa.Table) -> int:
    """Count a table's rows."""
    return connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()


def lines(connection: sa.Connection, table: sa.Table) -> Iterator[bytes]:
    """Give a table as lines."""
    yield _line([column.name for column in table.columns])
    streaming = connection.execution_options(stream_results=True, yield_per=ROWS_A_PAGE)
    for row in streaming.execute(sa.select(table)):
        yield _line([_written(value) for value in row])


def load(
    connection: sa.Connection,
    table: sa.Table,
    content: Iterable[bytes],
    *,
    keep: Callable[[Mapping[str, Any]], bool] | None = None,
    on_rows: Callable[[int], None] = lambda _rows: None,
) -> int:
    """Write lines into an empty table, but for rows that are not to be kept; returns the rows read.

    What is not kept never reaches the database's files. Raises DumpInvalid.
    """
    given = iter(content)
    columns = _read(next(given, b""))
    if not all(isinstance(name, str) and name in table.columns for name in columns):
        raise DumpInvalid(f"the table '{table.name}' has other columns")
    insertion, read = bulk.Insertion(table, columns), 0
    while page := [tuple(map(_value, _read(line))) for line in islice(given, ROWS_A_PAGE)]:
        if any(len(row) != len(columns) for row in page):
            raise DumpInvalid(f"a row of '{table.name}' has another number of values")
        kept = page if keep is None else [row for row in page if keep(dict(zip(columns, row, strict=True)))]
        insertion.run(connection, kept)
        read += len(page)
        on_rows(read)
    return read


def records(content: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """Give lines as rows by the names of their columns; raises DumpInvalid."""
    given = iter(content)
    columns = _read(next(given, b""))
    for line in given:
        yield dict(zip(columns, map(_value, _read(line)), strict=True))


def number_on(connection: sa.Connection, table: sa.Table) -> None:
    """Let rows that are added later be numbered after those that were loaded."""
    numbered = table.autoincrement_column
    if connection.dialect.name != "postgresql" or numbered is None:
        return
    sequence = connection.execute(sa.select(sa.func.pg_get_serial_sequence(table.name, numbered.name))).scalar_one()
    if sequence is not None:
        last = sa.select(sa.func.setval(sequence, sa.func.coalesce(sa.func.max(numbered), 0) + 1, sa.false()))
        connection.execute(last)


def newest_origin(connection: sa.Connection) -> tuple[int, bool]:
    """Give the number of the hub's origin, and whether it waits for its succession; a schema may know of none."""
    if "successions" not in sa.inspect(connection).get_table_names():
        return 1, False
    query = "SELECT origin, completed_at FROM successions ORDER BY origin DESC LIMIT 1"
    row = connection.exec_driver_sql(query).first()
    return (1, False) if row is None else (int(row.origin), row.completed_at is None)


def is_empty(engine: Engine) -> bool:
    """Whether a database has no table at all."""
    return not sa.inspect(engine).get_table_names()


def _line(values: list[Any]) -> bytes:
    return json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _written(value: object) -> object:
    return [b64encode(value).decode()] if isinstance(value, bytes | memoryview) else value


def _read(line: bytes) -> list[Any]:
    try:
        values = json.loads(line)
    except ValueError:
        raise DumpInvalid("a line is no JSON") from None
    if not isinstance(values, list):
        raise DumpInvalid("a line is no row")
    return values


def _value(value: Any) -> Any:  # noqa: ANN401 - of whatever type the column has
    return b64decode(value[0], validate=True) if isinstance(value, list) else value
