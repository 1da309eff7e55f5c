"""Auditors read whole logs over the wire, in pages; nobody else does."""

from typing import Any

import pytest
import sqlalchemy as sa
from support.hub import RunningHub, running_hub, to_mid_month
from support.postgres import Postgres
from support.stores import event
from support.wire import WireMember, enrol, refuses

from alliance.crypto import merkle
from alliance.errors import Reason
from alliance.tlog.checkpoints import read_checkpoint
from alliance.v1 import audit_pb2
from alliance_server.domain.members import Role
from alliance_server.domain.ports import Transaction
from alliance_server.services.log_reading import PAGE
from alliance_server.storage import database

pytestmark = pytest.mark.asyncio(loop_scope="module")

EVENTS = 2 * PAGE + 100


async def fill(hub: RunningHub, count: int) -> None:
    def work(transaction: Transaction) -> None:
        for number in range(count):
            transaction.record(event(items=number))

    await hub.hub.store.write(work)
    await hub.hub.sealer.turn()


async def read(auditor: WireMember, first: int = 0, end: int = 0, log: str = "") -> list[list[audit_pb2.AuditRecord]]:
    request = audit_pb2.ReadLogRequest(log=log or auditor.log, first_index=first, end_index=end)
    return [list(reply.records) async for reply in auditor.audit.ReadLog(request)]


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_an_auditor_reads_a_log_to_the_root_of_its_checkpoint(
    request: pytest.FixtureRequest, tmp_path: Any, kind: str
) -> None:
    url = ""
    if kind == "postgresql":
        postgres: Postgres = request.getfixturevalue("postgres")
        url = postgres.empty()
    async with running_hub(tmp_path / "hub", url) as hub:
        auditor = await enrol(hub, "auditor", Role.AUDITOR)
        to_mid_month(hub.clock)
        await fill(hub, EVENTS)
        checkpoint = read_checkpoint((await auditor.audit.GetCheckpoint(audit_pb2.GetCheckpointRequest())).checkpoint)
        pages = await read(auditor, end=checkpoint.size)
        records = [record for page in pages for record in page]
        assert max(map(len, pages)) <= PAGE
        assert [record.leaf_index for record in records] == list(range(checkpoint.size))
        assert {record.log for record in records} == {checkpoint.origin}
        assert merkle.root(record.salt + record.event for record in records) == checkpoint.root
        for first, end in ((0, 1), (1, 2), (PAGE, PAGE + 3), (EVENTS - 1, EVENTS + 1), (7, 7)):
            assert [it for page in await read(auditor, first, end) for it in page] == records[first:end]
        await auditor.close()


async def test_reading_is_one_event_that_says_how_much(hub: RunningHub, members: Any) -> None:
    auditor: WireMember = await members(hub, role=Role.AUDITOR)
    await fill(hub, EVENTS)
    before = len(auditor.events())
    await read(auditor, 3, 3 + 2 * PAGE)
    (made,) = auditor.events()[before:]
    assert (made.action, made.items, made.outcome) == ("audit:log:read", 2 * PAGE, "ok")


async def test_what_no_checkpoint_has_is_not_read(hub: RunningHub, members: Any) -> None:
    auditor: WireMember = await members(hub, role=Role.AUDITOR)
    for first, end in ((0, 2**63), (2**64 - 1, 0), (5, 4)):
        with refuses(Reason.INVALID_REQUEST):
            await read(auditor, first, end)
    with refuses(Reason.NOT_FOUND):
        await read(auditor, log="test/audit/1/1999-01")


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.AUDITOR}))
async def test_others_are_refused(hub: RunningHub, members: Any, role: Role) -> None:
    other: WireMember = await members(hub, role=role)
    with refuses(Reason.NOT_PERMITTED):
        await read(other)


async def test_events_that_are_missing_end_the_stream_as_a_fault(tmp_path: Any) -> None:
    async with running_hub(tmp_path / "hub") as hub:
        auditor = await enrol(hub, "auditor", Role.AUDITOR)
        to_mid_month(hub.clock)
        await fill(hub, EVENTS)
        with database.writing(hub.hub.store.engine) as connection, connection.begin():
            triggers = sa.text("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit_events'")
            for name in connection.execute(triggers).scalars().all():
                connection.execute(sa.text(f"DROP TRIGGER {name}"))
            connection.execute(sa.text(f"DELETE FROM audit_events WHERE id > {PAGE}"))  # noqa: S608
        with refuses(Reason.INTERNAL):
            await read(auditor, end=EVENTS)
        await auditor.close()
