"""Units of work with group commit: many units, one transaction, one sync to disk.

Rules:

1. One writer thread a process. It takes whatever units wait, runs each inside a savepoint where there are several (one
   that only leaves an event needs none), adds their audit records and commits once. Batching needs no delay: units
   gather while the commit before them syncs.
2. A unit that raises takes back its own savepoint and fails alone.
3. Callers are answered after the commit, never before. Where the commit fails, all units of it fail.
4. A unit that takes the whole transaction down (a full disk, a conflict that stays) fails alone as well: the others
   run again, each by itself.
5. A unit may run more than once: it must have no effect besides its transaction.
6. What must not come back from a backup goes to the purge ledger before the commit: who was answered finds it there.
7. An event has its number only where its commit stood: receipts are signed of events that have one.
"""

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Engine
from sqlalchemy.exc import DBAPIError

from alliance.errors import Reason
from alliance_server.domain.audit import AuditRecord
from alliance_server.domain.errors import Refused
from alliance_server.domain.ports import Transaction
from alliance_server.domain.purges import Purge, Purges
from alliance_server.storage import database, facts
from alliance_server.storage.attachments import SqlAttachments
from alliance_server.storage.audit_log import SqlAudit, append
from alliance_server.storage.cases import SqlCases, Step, append_steps
from alliance_server.storage.changes import SqlChanges
from alliance_server.storage.claims import SqlClaims
from alliance_server.storage.countersignatures import SqlCountersignatures
from alliance_server.storage.departures import SqlDepartures
from alliance_server.storage.disputes import SqlDisputes
from alliance_server.storage.facts import Publication, SqlFacts
from alliance_server.storage.filters import SqlFilters
from alliance_server.storage.logs import SqlLogs
from alliance_server.storage.members import SqlEpochs, SqlMembers
from alliance_server.storage.operators import SqlOperators
from alliance_server.storage.outcomes import SqlOutcomes
from alliance_server.storage.policies import SqlPolicies
from alliance_server.storage.proposals import SqlProposals
from alliance_server.storage.quotas import SqlLeases, SqlQuotas
from alliance_server.storage.recalls import SqlRecalls
from alliance_server.storage.successions import SqlSuccessions
from alliance_server.storage.suppression import SqlSuppression
from alliance_server.storage.watch import SqlWatch
from alliance_server.storage.witnesses import SqlWitnesses

T = TypeVar("T")

_MAX_UNITS = 256
_MAX_ATTEMPTS = 5
_READERS = 4


class SqlTransaction:
    """A unit of work's view of the database."""

    is_open = True
    """Whether anything may have been asked of the database."""

    def __init__(self, connection: sa.Connection) -> None:
        self.records: list[AuditRecord] = []
        self._open(connection)

    def _open(self, connection: sa.Connection) -> None:
        """Make all that a unit may work with, but for its events."""
        self._connection = connection
        self.publications: list[Publication] = []
        self.steps: list[Step] = []
        self.purges = Purges()
        self.members = SqlMembers(connection, self.purges)
        self.epochs = SqlEpochs(connection, self.purges)
        self.changes = SqlChanges(connection)
        self.claims = SqlClaims(connection, self.purges, self.changes)
        self.recalls = SqlRecalls(connection)
        self.disputes = SqlDisputes(connection)
        self.cases = SqlCases(connection, self.purges)
        self.attachments = SqlAttachments(connection)
        self.countersignatures = SqlCountersignatures(connection, self.purges)
        self.outcomes = SqlOutcomes(connection)
        self.filters = SqlFilters(connection)
        self.quotas = SqlQuotas(connection)
        self.audit = SqlAudit(connection)
        self.logs = SqlLogs(connection)
        self.facts = SqlFacts(connection)
        self.operators = SqlOperators(connection)
        self.proposals = SqlProposals(connection)
        self.departures = SqlDepartures(connection)
        self.leases = SqlLeases(connection)
        self.watch = SqlWatch(connection)
        self.successions = SqlSuccessions(connection, self.purges)
        self.policies = SqlPolicies(connection, self.purges)
        self.suppression = SqlSuppression(connection, self.purges)
        self.witnesses = SqlWitnesses(connection, self.purges)

    def record(self, record: AuditRecord) -> None:
        """Add an audit record to the unit of work."""
        self.records.append(record)

    def publish(self, digest: bytes, record: AuditRecord) -> None:
        """Add the publication of a fact, with its event."""
        self.record(record)
        self.publications.append((record, digest))

    def step(self, case_id: bytes, record: AuditRecord, statement: bytes = b"", *, of_member: bool = False) -> None:
        """Add a step of a case's life, with its event."""
        self.record(record)
        self.steps.append((record, case_id, statement, of_member))

    @contextmanager
    def undone(self) -> Iterator[None]:
        """Take back whatever is done inside the block."""
        kept, published, remembered = len(self.records), len(self.publications), len(self.purges.gathered)
        stepped = len(self.steps)
        savepoint = self._connection.begin_nested()
        try:
            yield
        finally:
            savepoint.rollback()
            del self.records[kept:]
            del self.publications[published:]
            del self.steps[stepped:]
            del self.purges.gathered[remembered:]


class _LateTransaction(SqlTransaction):
    """The view of a unit beside others: its savepoint and its repositories are made once it asks for one of them.

    Many a call reads, and then leaves an event and nothing else: it costs the database no word.
    """

    def __init__(self, connection: sa.Connection) -> None:
        self.records = []
        self.is_open = False
        self._beside = connection

    def __enter__(self) -> None:
        pass

    def __exit__(self, *failure: Any) -> None:  # noqa: ANN401 - as Python has it
        """Keep what was done, or take it back."""
        if self.is_open:
            self._savepoint.__exit__(*failure)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whichever attribute is not there yet
        if self.is_open or name.startswith("__"):
            raise AttributeError(name)
        self._savepoint = self._beside.begin_nested()
        self.is_open = True
        self._open(self._beside)
        return getattr(self, name)


class _Unit:
    """A unit that waits for its commit."""

    def __init__(self, work: Callable[[Transaction], Any]) -> None:
        self.work = work
        self.future: Future[Any] = Future()
        self.result: Any = None
        self.error: BaseException | None = None


class _TakenBack(Exception):
    """Nothing of a transaction took effect; whether it may be run again as it was, and whether one unit did it."""

    def __init__(self, refusal: Refused, *, retryable: bool, by_unit: bool) -> None:
        super().__init__(str(refusal))
        self.refusal = refusal
        self.retryable = retryable
        self.by_unit = by_unit


class Ledger(Protocol):
    """Remembers durably what must not come back from a backup."""

    def append(self, purges: Sequence[Purge]) -> None:
        """Write what one commit says; raises OSError."""

    def close(self) -> None:
        """Close it."""


class SqlStore:
    """Runs units of work on one database."""

    def __init__(
        self, url: str, ledger: Ledger | None = None, on_commit: Callable[[int, float], None] | None = None
    ) -> None:
        """Prepare the engine; `start` must follow before the first write. A hub's own stores have a ledger.

        `on_commit` is told, on the writer's thread, how many units shared a commit and how many seconds it took.
        """
        self.engine: Engine = database.connect(url)
        self._ledger = ledger
        self._units: queue.SimpleQueue[_Unit | None] = queue.SimpleQueue()
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="store-read")
        self._writer = threading.Thread(target=self._write_loop, name="store-write", daemon=True)
        self._closed = False
        self._on_commit = on_commit or (lambda _units, _seconds: None)

    @property
    def waiting(self) -> int:
        """Units that wait for the writer, about."""
        return self._units.qsize()

    def start(self) -> None:
        """Start the writer."""
        self._writer.start()

    def close(self) -> None:
        """Commit what waits, then stop."""
        self._closed = True
        if self._writer.is_alive():
            self._units.put(None)
            self._writer.join()
        self._readers.shutdown()
        self.engine.dispose()
        if self._ledger is not None:
            self._ledger.close()

    async def write(self, work: Callable[[Transaction], T]) -> T:
        """Run a unit of work and answer once it is durable."""
        return await asyncio.wrap_future(self._submit(work))

    def write_now(self, work: Callable[[Transaction], T]) -> T:
        """Do the same for code without an event loop."""
        return self._submit(work).result()

    async def read(self, work: Callable[[Transaction], T]) -> T:
        """Run a read in a thread."""
        if self._closed:
            raise Refused(Reason.UNAVAILABLE, "the store is closed")
        return await asyncio.get_running_loop().run_in_executor(self._readers, self.read_now, work)

    def read_now(self, work: Callable[[Transaction], T]) -> T:
        """Run a read in this thread."""
        try:
            with self.engine.connect() as connection, connection.begin():
                return work(SqlTransaction(connection))
        except DBAPIError as error:
            raise database.refusal_of(error) from None

    def _submit(self, work: Callable[[Transaction], T]) -> "Future[T]":
        if self._closed:
            raise Refused(Reason.UNAVAILABLE, "the store is closed")
        unit = _Unit(work)
        self._units.put(unit)
        return unit.future

    def _write_loop(self) -> None:
        while (first := self._units.get()) is not None:
            units, more = self._gather(first)
            # Nobody waits for those that were cancelled before they began: a flood of such must not hold up others.
            if wanted := [unit for unit in units if not unit.future.cancelled()]:
                began = time.perf_counter()
                self._commit(wanted)
                self._on_commit(len(wanted), time.perf_counter() - began)
            if not more:
                return

    def _gather(self, first: _Unit) -> tuple[list[_Unit], bool]:
        units = [first]
        while len(units) < _MAX_UNITS:
            try:
                unit = self._units.get_nowait()
            except queue.Empty:
                break
            if unit is None:
                return units, False
            units.append(unit)
        return units, True

    def _commit(self, units: Sequence[_Unit]) -> None:
        failure: BaseException | None = None
        for _attempt in range(_MAX_ATTEMPTS):
            failure = self._try(units)
            if not isinstance(failure, _TakenBack) or not failure.retryable:
                break
        if isinstance(failure, _TakenBack):
            if failure.by_unit and len(units) > 1:
                for unit in units:
                    self._commit([unit])
                return
            failure = failure.refusal
        for unit in units:
            _answer(unit, failure or unit.error)

    def _try(self, units: Sequence[_Unit]) -> BaseException | None:
        try:
            self._run(units)
        except _TakenBack as taken_back:
            return taken_back
        except DBAPIError as error:
            refusal = database.refusal_of(error)
            return _TakenBack(refusal, retryable=True, by_unit=False) if database.is_retryable(error) else refusal
        except Exception as error:  # noqa: BLE001 - whatever it is, every unit must be answered
            return error
        return None

    def _run(self, units: Sequence[_Unit]) -> None:
        records: list[AuditRecord] = []
        try:
            with database.writing(self.engine) as connection, connection.begin():
                for unit in units:
                    unit.error = None
                work = _work_alone if len(units) == 1 else _work_beside_others
                done = [transaction for unit in units if (transaction := work(unit, connection)) is not None]
                records += [record for transaction in done for record in transaction.records]
                append(connection, records)
                used = [transaction for transaction in done if transaction.is_open]
                facts.append(connection, [it for transaction in used for it in transaction.publications])
                append_steps(connection, [it for transaction in used for it in transaction.steps])
                self._remember([purge for transaction in used for purge in transaction.purges.gathered])
        except BaseException:
            for record in records:
                record.row = 0  # another event will have the number: no receipt may name it
            raise

    def _remember(self, purges: Sequence[Purge]) -> None:
        """Have it in the ledger before the commit; raises _TakenBack where there is no room for it."""
        if self._ledger is None or not purges:
            return
        try:
            self._ledger.append(purges)
        except OSError as error:
            refusal = Refused(Reason.STORAGE_FULL, f"the purge ledger cannot be written ({type(error).__name__})")
            raise _TakenBack(refusal, retryable=False, by_unit=True) from None


def _work_alone(unit: _Unit, connection: sa.Connection) -> SqlTransaction:
    """Run a unit that has the transaction to itself: what it raises takes the whole of it back."""
    transaction = SqlTransaction(connection)
    unit.result = unit.work(transaction)
    return transaction


def _work_beside_others(unit: _Unit, connection: sa.Connection) -> SqlTransaction | None:
    """Run a unit inside a savepoint and keep what it raises, unless that took the transaction along."""
    transaction = _LateTransaction(connection)
    try:
        with transaction:
            unit.result = unit.work(transaction)
    except DBAPIError as error:
        if error.connection_invalidated:
            raise
        retryable = database.is_retryable(error)
        if retryable or database.lost_transaction(connection):
            raise _TakenBack(database.refusal_of(error), retryable=retryable, by_unit=True) from None
        unit.error = database.refusal_of(error)
        return None
    except Exception as error:  # noqa: BLE001 - it belongs to the unit's caller
        unit.error = error
        return None
    return transaction


def _answer(unit: _Unit, error: BaseException | None) -> None:
    if not unit.future.set_running_or_notify_cancel():
        return  # the caller went away; the commit stands
    if error is None:
        unit.future.set_result(unit.result)
    else:
        unit.future.set_exception(error)
