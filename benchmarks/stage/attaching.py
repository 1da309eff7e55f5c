"""Attachments in a run: a case that asks, put into a hub's books, and the processes of the two who move a file."""

import asyncio
import os
import time
from dataclasses import dataclass, replace
from pathlib import Path

from alliance.cases.words import CaseState
from alliance.clock import SystemClock
from alliance.taxonomy import DAY_MS
from alliance.v1.case_pb2 import CaseRequest, ReleasedFile
from alliance.v1.statement_pb2 import SignedStatement
from alliance_server.domain.cases import Case, Match, Placed
from alliance_server.domain.ports import Transaction
from alliance_server.domain.statements import packed
from alliance_server.storage.unit_of_work import SqlStore
from benchmarks.measure.processes import Pipe
from benchmarks.stage.member import enrolled
from member_client._cases.attachments import download, prepared, upload
from member_client._session import Session


@dataclass(frozen=True, slots=True)
class Prepare:
    """Say how a file will be released."""

    path: Path
    case_id: bytes


@dataclass(frozen=True, slots=True)
class Upload:
    """Upload a file."""

    path: Path
    case_id: bytes
    released: bytes


@dataclass(frozen=True, slots=True)
class Download:
    """Download a file."""

    target: Path
    case_id: bytes
    member: str
    released: bytes


@dataclass(frozen=True, slots=True)
class Moved:
    """How long it took, and what the release says of the file."""

    seconds: float
    released: bytes


def ask(database: str, liaison: str, member: str) -> bytes:
    """Have a case of a liaison ask a member for a reply, which is handed over as soon as it comes; gives its id."""
    now, case_id = SystemClock().now_ms(), os.urandom(16)
    request = CaseRequest(case_id=case_id, liaison=liaison, time=now).SerializeToString()
    case = Case(
        id=case_id,
        liaison=liaison,
        state=CaseState.MATCHING,
        instrument_type=1,
        instrument_sha256=bytes(32),
        instrument_until=now + 90 * DAY_MS,
        items=1,
        requests=packed([SignedStatement(payload=request)] * 2),
        officers=b"",
        submitted_at=now,
        decide_by=now,
        awaited=0,
    )

    def work(transaction: Transaction) -> None:
        transaction.cases.add(case)
        match = Match(os.urandom(16), member, 1, 0, b"sealed")
        transaction.cases.add_place(Placed(case_id, 1, 0, 1, bytes(32), is_last=True), [match])
        transaction.cases.ask(case_id)
        opened = replace(case, state=CaseState.OPEN, asked=1, replied=1)
        transaction.cases.save(replace(opened, reply_from=now - DAY_MS, reply_by=now + DAY_MS))

    store = SqlStore(database)
    store.start()
    try:
        store.write_now(work)
    finally:
        store.close()
    return case_id


def serve(pipe: Pipe, bundle: Path, folder: Path) -> None:
    """Be one of the two: enrol, then move what is asked for."""
    asyncio.run(_serve(pipe, bundle, folder))


async def _serve(pipe: Pipe, bundle: Path, folder: Path) -> None:
    session = await Session.opened(await enrolled(bundle, folder), SystemClock(), None)
    pipe.send(None)
    while True:
        question = await asyncio.to_thread(pipe.recv)
        start = time.perf_counter()
        released = await _done(session, question)
        pipe.send(Moved(time.perf_counter() - start, released.SerializeToString()))


async def _done(session: Session, question: Prepare | Upload | Download) -> ReleasedFile:
    match question:
        case Prepare(path, case_id):
            return await prepared(session, case_id, path)
        case Upload(path, case_id, said):
            return await upload(session, case_id, path, released=ReleasedFile.FromString(said))
        case Download(target, case_id, member, said):
            released = ReleasedFile.FromString(said)
            await download(session, case_id, member, released, target)
            return released
