"""A sealed log to bend: two months of events, on a database of either kind, its files and its keys."""

import asyncio
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from alliance.crypto.signing import SigningKey
from alliance.tlog.checkpoints import Checkpoint, read_checkpoint
from alliance.tlog.logs import month_ends, month_of
from alliance_server.domain.actions import AuditAction
from alliance_server.domain.audit import AuditRecord, record_event
from alliance_server.domain.members import HUB_ACTOR
from alliance_server.domain.ports import Transaction
from alliance_server.services.sealing import Sealer
from alliance_server.storage import append_only
from alliance_server.storage.log_files import LogFiles
from alliance_server.storage.log_stream import LogStream
from alliance_server.storage.tables import FactTable, table_of
from alliance_server.storage.unit_of_work import SqlStore
from alliance_server.verification import Verification, verify_logs
from support.stores import NOW

ALLIANCE = "unit"
FIRST_MONTH, SECOND_MONTH = (300, 1, 250), (90, 7)
"""Events of each seal."""


class SetClock:
    """A clock that is set."""

    def __init__(self) -> None:
        self.now = NOW

    def now_ms(self) -> int:
        return self.now


@dataclass
class SealedLog:
    """A log, whoever holds its database."""

    url: str
    folder: Path
    identity: SigningKey
    clock: SetClock = field(default_factory=SetClock)

    @property
    def public_key(self) -> bytes:
        return self.identity.public_key

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        engine = sa.create_engine(self.url)
        try:
            with engine.connect() as connection:
                return [tuple(row) for row in connection.execute(sa.text(statement))]
        finally:
            engine.dispose()

    def value(self, statement: str) -> Any:
        return self.rows(statement)[0][0]

    def bend(self, *statements: str | tuple[str, dict[str, Any]]) -> None:
        """Change the database as its owner: triggers are no hindrance."""
        engine = sa.create_engine(self.url)
        with engine.begin() as connection:
            for statement in dropped_triggers(connection.dialect.name):
                connection.exec_driver_sql(statement)
            for each in statements:
                text, parameters = (each, {}) if isinstance(each, str) else each
                connection.execute(sa.text(text), parameters)
        engine.dispose()

    def checkpoint(self, log: int) -> Checkpoint:
        """What somebody remembers who asked in time."""
        query = f"SELECT note FROM audit_checkpoints WHERE log = {log} ORDER BY size DESC LIMIT 1"  # noqa: S608
        return read_checkpoint(bytes(self.value(query)))

    def verify(self, *remembered: Checkpoint, key: bytes = b"") -> Verification:
        engine = sa.create_engine(self.url)
        try:
            return verify_logs(LogStream(engine), self.folder, ALLIANCE, key or self.public_key, remembered)
        finally:
            engine.dispose()

    def working(self, do: Callable[[SqlStore, Sealer], Any]) -> None:
        """Do something with the hub's own parts."""
        store = SqlStore(self.url)
        store.start()
        with store.engine.begin() as connection:  # whoever held one is gone
            connection.exec_driver_sql("DELETE FROM leases")
        try:
            asyncio.run(do(store, Sealer(store, LogFiles(self.folder), self.identity, ALLIANCE, self.clock)))
        finally:
            store.close()

    def moved(self, url: str, folder: Path) -> "SealedLog":
        """Give a copy of it whose database was copied already."""
        shutil.copytree(self.folder, folder)
        return SealedLog(url, folder, self.identity, self.clock)


def dropped_triggers(dialect: str) -> list[str]:
    """Give the statements that drop all triggers of the append-only tables."""
    if dialect == "sqlite":
        verbs = ("update", "delete", "replace")
        return [f"DROP TRIGGER IF EXISTS {table}_no_{verb}" for table in append_only.TABLES for verb in verbs]
    names = ("append_only", "no_truncate")
    return [f"DROP TRIGGER IF EXISTS {table}_{name} ON {table}" for table in append_only.TABLES for name in names]


def records(count: int, now: int) -> list[AuditRecord]:
    """Give events of several members."""
    return [
        record_event(time=now, actor=f"lender-{number % 3}", action=AuditAction.CLAIM_LIST, items=number)
        for number in range(count)
    ]


def _add(transaction: Transaction, *, events: list[AuditRecord]) -> None:
    for record in events:
        transaction.record(record)


async def _publish(store: SqlStore, now: int) -> None:
    """Publish a fact."""
    fact = record_event(time=now, actor=HUB_ACTOR, action=AuditAction.FACT_PUBLISH, items=1, commitments=(bytes(32),))
    await store.write(partial(_add, events=[fact]))
    with store.engine.begin() as connection:
        connection.execute(sa.insert(table_of(FactTable)).values(row=fact.row, digest=bytes(32)))


def make(url: str, folder: Path) -> SealedLog:
    """Make a log of two months in a migrated database."""
    log = SealedLog(url, folder, SigningKey.generate()[0])

    async def work(store: SqlStore, sealer: Sealer) -> None:
        for month in (FIRST_MONTH, SECOND_MONTH):
            for count in month:
                await store.write(partial(_add, events=records(count, log.clock.now)))
                await sealer.turn()
                log.clock.now += 1000
            await _publish(store, log.clock.now)
            await sealer.turn()
            if month is FIRST_MONTH:
                log.clock.now = month_ends(month_of(NOW))
        await store.write(partial(_add, events=records(2, log.clock.now)))  # nobody sealed these yet

    log.working(work)
    return log
