"""Connections: one engine for SQLite or PostgreSQL, set up so that what is committed is durable.

- SQLite: WAL, `synchronous=FULL`, foreign keys on, `BEGIN IMMEDIATE` for writes, a busy timeout.
- PostgreSQL: psycopg 3, READ COMMITTED; who stands still inside a transaction is put out.
- Parameters never appear in errors: they hold tags.
"""

import sqlite3
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.exc import DBAPIError, OperationalError

from alliance.errors import Reason
from alliance_server.domain.errors import Refused
from alliance_server.storage import bulk

WRITES = "alliance_writes"
"""Execution option of connections that write."""

_BUSY_TIMEOUT_MS = 15_000
IDLE_MS = 30_000
"""So long a transaction may stand still on PostgreSQL: a process that is frozen inside one holds the sealing of the log
up for all, and receipts promise a minute."""
_RETRYABLE_STATES = frozenset({"25P03", "40001", "40P01", "23505"})
_FULL_STATES = frozenset({"53100", "53200"})


def connect(url: str) -> Engine:
    """Make the engine for `sqlite:///PATH` or `postgresql+psycopg://…`."""
    engine = sa.create_engine(url, hide_parameters=True, pool_size=8, max_overflow=4)
    if engine.dialect.name == "sqlite":
        _prepare_sqlite(engine)
    else:
        _prepare_postgresql(engine)
    bulk.prepare(engine)
    return engine


def _prepare_postgresql(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: Any) -> None:  # noqa: ANN401 - psycopg's, which only servers need
        connection.execute(f"SET idle_in_transaction_session_timeout = {IDLE_MS:d}")
        connection.commit()


def _prepare_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def configure(connection: sqlite3.Connection, _record: Any) -> None:  # noqa: ANN401 - SQLAlchemy's own type
        connection.isolation_level = None  # the driver begins nothing by itself
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            # 32 MB: a chunk of claims touches pages all over the indexes, and a checkpoint writes each once more.
            "wal_autocheckpoint=8000",
            "foreign_keys=ON",
            f"busy_timeout={_BUSY_TIMEOUT_MS}",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        writes = connection.get_execution_options().get(WRITES, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def writing(engine: Engine) -> sa.Connection:
    """Give a connection whose transaction writes, and waits for its turn as it begins."""
    return engine.connect().execution_options(**{WRITES: True})


def is_retryable(error: DBAPIError) -> bool:
    """Whether a unit of work that failed so may be run again: it met another process's."""
    state = getattr(error.orig, "sqlstate", None)
    if state is not None:
        return state in _RETRYABLE_STATES
    return isinstance(error.orig, sqlite3.OperationalError) and "locked" in str(error.orig)


def lost_transaction(connection: sa.Connection) -> bool:
    """Whether a failed statement took the transaction around it along, so that nothing more may run in it.

    SQLite takes a transaction back by itself when the disk is full, savepoints and all.
    """
    return not getattr(connection.connection.dbapi_connection, "in_transaction", True)


def refusal_of(error: DBAPIError) -> Refused:
    """Translate a database's failure for the caller; the text names no value."""
    state = getattr(error.orig, "sqlstate", None)
    if state in _FULL_STATES or any(_is_full(cause) for cause in _causes(error)):
        return Refused(Reason.STORAGE_FULL, "the database has no room")
    if error.connection_invalidated or is_retryable(error) or isinstance(error, OperationalError):
        return Refused(Reason.UNAVAILABLE, f"the database is not available ({type(error.orig).__name__})")
    return Refused(Reason.INTERNAL, f"the database refused ({type(error.orig).__name__}, {state})")


def _causes(error: BaseException | None) -> Iterator[str]:
    """Give the texts of an error and of those that it hides: a savepoint that is gone hides the full disk."""
    while error is not None:
        yield str(error.orig) if isinstance(error, DBAPIError) else ""
        error = error.__context__


def _is_full(text: str) -> bool:
    return "disk is full" in text or "disk I/O error" in text
