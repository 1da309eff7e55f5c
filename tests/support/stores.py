"""Stores on a database of either kind, and rows to put into them."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from hashlib import sha256
from typing import Any

import sqlalchemy as sa

from alliance.cases.words import CaseState, InstrumentType
from alliance.crypto import tagging
from alliance.disputes import DisputeGround, DisputeState
from alliance.taxonomy import DAY_MS, ClaimStatus, Purpose
from alliance.v1.case_pb2 import CaseRequest
from alliance.v1.statement_pb2 import SignedStatement
from alliance_server.domain.actions import AuditAction
from alliance_server.domain.audit import AuditRecord, record_event
from alliance_server.domain.cases import Case
from alliance_server.domain.claims import StoredClaim
from alliance_server.domain.disputes import Dispute
from alliance_server.domain.epochs import SUITE, Epoch, EpochState
from alliance_server.domain.evaluations import Evaluation
from alliance_server.domain.members import Certificate, Member, MemberState, Role
from alliance_server.domain.ports import Transaction
from alliance_server.domain.statements import packed
from alliance_server.storage import append_only
from alliance_server.storage.unit_of_work import SqlStore

NOW = 1_800_000_000_000
LATER = NOW + 1_000_000


UNDONE_CASES = tuple(
    f"DROP TABLE {name}"
    for name in (
        "liaison_scopes",
        "cases",
        "case_decisions",
        "case_epochs",
        "case_places",
        "case_matches",
        "case_members",
        "case_steps",
        "case_attachments",
        "countersignings",
        "countersignatures",
    )
)
"""Statements that take a database back to before there were police cases and countersignatures."""


def undone_logs() -> list[str]:
    """Give the statements that take a SQLite database back to before there were logs."""
    tables = [table for table in append_only.TABLES if table != "audit_events"]
    triggers = [f"DROP TRIGGER audit_events_no_{verb}" for verb in ("update", "delete", "replace")]
    return [*triggers, *(f"DROP TABLE {table}" for table in tables)]


class Databases:
    """One database, opened by as many stores as a test asks for."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._stores: list[SqlStore] = []

    @property
    def is_sqlite(self) -> bool:
        return self.url.startswith("sqlite")

    def open(self, prepare: Callable[[SqlStore], None] | None = None) -> SqlStore:
        """Open a started store; `prepare` sees its engine before the first connection."""
        store = SqlStore(self.url)
        self._stores.append(store)
        if prepare:
            prepare(store)
        store.start()
        return store

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """Run a query on a connection of its own: what it sees is committed."""
        engine = sa.create_engine(self.url)
        try:
            with engine.connect() as connection:
                return [tuple(row) for row in connection.execute(sa.text(statement))]
        finally:
            engine.dispose()

    def close(self) -> None:
        for store in self._stores:
            store.close()


@contextmanager
def held_writer(store: SqlStore) -> Iterator[None]:
    """Hold a store's writer inside a unit, so that what is submitted meanwhile shares the next transaction."""
    entered, release = threading.Event(), threading.Event()

    def hold(_transaction: Any) -> None:
        entered.set()
        assert release.wait(60)

    future = store._submit(hold)
    assert entered.wait(60)
    try:
        yield
    finally:
        release.set()
        future.result(60)


def given(work: Callable[..., Any], *arguments: Any) -> Callable[[Transaction], Any]:
    """Bind the arguments of a unit of work."""
    return lambda transaction: work(transaction, *arguments)


def add(store: SqlStore, *claims: Any) -> None:
    store.write_now(lambda transaction: transaction.claims.add(claims))


def event(actor: str = "lender-a", **fields: Any) -> AuditRecord:
    return record_event(time=NOW, actor=actor, action=AuditAction.CLAIM_LIST, **fields)


def member(member_id: str = "lender-a", state: MemberState = MemberState.ACTIVE, role: Role = Role.MEMBER) -> Member:
    return Member(member_id, member_id, state, bytes(32), NOW, role)


def certificate(serial: str, member_id: str = "lender-a") -> Certificate:
    return Certificate(serial, member_id, NOW, LATER, None, b"der")


def epoch(number: int = 1, state: EpochState = EpochState.ACTIVE) -> Epoch:
    return Epoch(number, SUITE, bytes(32), state, NOW, LATER)


ELEMENTS = tagging.decode(tagging.blind([b"x"]).message)


def evaluation(request_id: bytes = bytes(16), content: bytes = bytes(32), member_id: str = "lender-a") -> Evaluation:
    return Evaluation(member_id, request_id, 1, Purpose.CONTRIBUTION, 1, "", bytes(32), content, b"header", ELEMENTS)


def claim(sequence: int, **changes: Any) -> StoredClaim:
    """Give a live claim on a random tag."""
    made = StoredClaim(
        entry_id=os.urandom(16),
        contributor="lender-a",
        epoch=1,
        tag=os.urandom(32),
        sequence=sequence,
        kind=1,
        category=4,
        subject_role=4,
        evidence_level=2,
        observed_from=NOW - 2,
        observed_to=NOW - 1,
        filed_at=NOW,
        expires_at=LATER,
        sharing_level=2,
        status=ClaimStatus.ACTIVE,
        status_version=0,
        status_change=None,
        received_at=NOW,
        row_sha256=os.urandom(32),
        purge_at=LATER,
        claim=b"claim",
        claim_sha256=sha256(b"claim").digest(),
        signature=bytes(64),
        handle=bytes(16),
        box=bytes(512),
    )
    return replace(made, **changes)


def dispute(claim_id: bytes | None = None, **changes: Any) -> Dispute:
    """Give an open dispute about a claim."""
    about = claim_id or os.urandom(16)
    made = Dispute(
        id=os.urandom(16),
        entry_id=about,
        claim_id=about,
        contributor="lender-a",
        opener="lender-b",
        ground=DisputeGround.INACCURATE,
        state=DisputeState.OPEN,
        opened_at=NOW,
        due_at=NOW + 20 * DAY_MS,
        content_sha256=bytes(32),
        request_commitment=os.urandom(32),
        evidence_digest=b"",
        opening=b"statement",
        sealed=b"sealed",
    )
    return replace(made, **changes)


def police_case(**changes: Any) -> Case:
    """Give a case that was just submitted, of a request that nobody signed."""
    request = CaseRequest(case_id=changes.get("id", os.urandom(16)), liaison="police", suspects_root=bytes(32))
    signed = packed([SignedStatement(payload=request.SerializeToString())] * 2)
    made = Case(
        id=request.case_id,
        liaison="police",
        state=CaseState.SUBMITTED,
        instrument_type=int(InstrumentType.EVIDENCE_NOTICE),
        instrument_sha256=sha256(b"document").digest(),
        instrument_until=LATER,
        items=2,
        requests=signed,
        officers=b"",
        submitted_at=NOW,
        decide_by=NOW + 10,
        awaited=2,
    )
    return replace(made, **changes)
