"""Exports of real hubs, verified offline; and what the owner of the database did to its rows is found, and where."""

import asyncio
import json
import shutil
import stat
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import sqlalchemy as sa
from support.cosigning import TestWitness, listing, sealed
from support.hub import RunningHub, mid_month, running_hub, to_mid_month
from support.postgres import Postgres
from support.recovery import backed_up, know_passphrase, restored
from support.stores import event
from support.wire import WireMember, enrol, valid_elements

from alliance.statements import SUCCESSION
from alliance.tlog.checkpoints import Checkpoint, read_checkpoint
from alliance.tlog.logs import LogName, month_of
from alliance.v1 import epoch_pb2
from alliance_audit.export import read_export
from alliance_audit.receipts import Promises, read_receipt
from alliance_audit.report import Report
from alliance_audit.trust import Trust
from alliance_audit.verifying import verify
from alliance_server.cli.audit import writing
from alliance_server.cli.audit.exporting import Exported, export_month
from alliance_server.domain.errors import Refused
from alliance_server.domain.members import Role
from alliance_server.domain.ports import Transaction
from alliance_server.domain.successions import SuccessionSignature

pytestmark = pytest.mark.asyncio(loop_scope="module")

EVENTS = 700


def quiet(_log: str, _done: int, _total: int) -> None:
    """Watch nothing."""


async def fill(hub: RunningHub, count: int) -> None:
    """Log events, and have them sealed."""
    records = [event(f"lender-{number % 3}", items=number) for number in range(count)]
    for record in records:
        record.time = hub.clock.now_ms()

    def work(transaction: Transaction) -> None:
        for record in records:
            transaction.record(record)

    await hub.hub.store.write(work)
    while await hub.hub.sealer.turn():
        pass


def month_now(hub: RunningHub) -> str:
    return month_of(hub.clock.now_ms())


def log_folder(hub: RunningHub) -> Path:
    return hub.hub.config.logs_folder / str(LogName("test", 1, month_now(hub)))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def export(hub: RunningHub, destination: Path, month: str = "") -> list[Exported]:
    return export_month(hub.hub.config, month or month_now(hub), destination, hub.clock, quiet)


def trusting(hub: RunningHub, *checkpoints: Checkpoint) -> Trust:
    return Trust(plain_keys=[hub.hub.keys.identity.public_key], checkpoints=checkpoints)


def checked(hub: RunningHub, folder: Path, *checkpoints: Checkpoint) -> Report:
    return verify(read_export(folder), trusting(hub, *checkpoints))


@pytest_asyncio.fixture(params=["sqlite", "postgresql"], scope="module", loop_scope="module")
async def filled(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[RunningHub, WireMember]]:
    """A hub of either kind with some hundreds of events, and a member that made a few of them."""
    folder, url = tmp_path_factory.mktemp("hub"), ""
    if request.param == "postgresql":
        postgres: Postgres = request.getfixturevalue("postgres")
        url = postgres.empty()
    async with running_hub(folder / "hub", url) as hub:
        member = await enrol(hub, "lender-a")
        to_mid_month(hub.clock)
        await member.evaluate(valid_elements(3))
        await fill(hub, EVENTS)
        yield hub, member
        await member.close()


async def test_an_export_beside_a_hub_that_serves_holds(filled: tuple[RunningHub, WireMember], tmp_path: Path) -> None:
    hub, _ = filled
    remembered = read_checkpoint(
        (hub.hub.config.logs_folder / str(LogName("test", 1, month_now(hub))) / "checkpoint").read_bytes()
    )
    await fill(hub, 10)
    (done,) = await asyncio.to_thread(export, hub, tmp_path / "export")
    assert done.entries == done.size > EVENTS
    report = checked(hub, tmp_path / "export", remembered)
    assert report.faults == []
    assert report.size == done.size


async def test_an_export_is_its_owners_alone_and_leaves_nothing_beside_it(
    filled: tuple[RunningHub, WireMember], tmp_path: Path
) -> None:
    export(filled[0], tmp_path / "export")
    assert names(tmp_path) == ["export"]
    assert not (tmp_path / "export/plan.json").exists()
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "export").rglob("*") if path.is_file()}
    assert modes == {0o600}
    assert stat.S_IMODE((tmp_path / "export").stat().st_mode) == 0o700


async def test_an_export_says_what_its_words_mean(filled: tuple[RunningHub, WireMember], tmp_path: Path) -> None:
    export(filled[0], tmp_path / "export")
    about = json.loads((tmp_path / "export/export.json").read_bytes())
    assert about["actions"]["evaluation:evaluate"]["of"] == "/alliance.v1.EvaluationService/Evaluate"
    named: set[str] = set()
    verify(read_export(tmp_path / "export"), trusting(filled[0]), lambda it: named.add(it.event.action))
    assert named <= set(about["actions"])
    (adopted,) = about["policies"]["adopted"]
    assert adopted["policy"] in about["policies"]["tables"]


async def test_what_is_there_is_not_overwritten_and_what_is_not_there_is_refused(
    filled: tuple[RunningHub, WireMember], tmp_path: Path
) -> None:
    (tmp_path / "export").mkdir()
    with pytest.raises(Refused, match="exists"):
        export(filled[0], tmp_path / "export")
    with pytest.raises(Refused, match=f"no sealed log of 1999-01; there are logs of: .*{month_now(filled[0])}"):
        export(filled[0], tmp_path / "other", "1999-01")
    assert names(tmp_path) == ["export"]


async def test_an_export_that_was_cut_off_is_taken_up(
    filled: tuple[RunningHub, WireMember], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub, _ = filled
    monkeypatch.setattr(writing, "_NOTE_EVERY", 1)

    def stop(_log: str, done: int, _total: int) -> None:
        if done >= 512:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export_month(hub.hub.config, month_now(hub), tmp_path / "export", hub.clock, stop)
    assert not (tmp_path / "export").exists()
    planned = json.loads((tmp_path / ".export.partial/plan.json").read_bytes())["logs"]
    await fill(hub, 300)
    reached: list[int] = []

    def note(_log: str, done: int, _total: int) -> None:
        reached.append(done)

    (done,) = export_month(hub.hub.config, month_now(hub), tmp_path / "export", hub.clock, note)
    assert reached[0] > 512
    assert done.size == planned[done.origin]["size"]
    assert checked(hub, tmp_path / "export").holds


async def test_a_partial_export_of_another_hub_is_not_taken_up(
    filled: tuple[RunningHub, WireMember], tmp_path: Path
) -> None:
    hub, _ = filled
    (tmp_path / ".export.partial").mkdir(mode=0o700)
    plan = {"month": "x", "logs": {str(LogName("test", 1, month_now(hub))): {"size": 1, "first": "00"}}}
    (tmp_path / ".export.partial/plan.json").write_text(json.dumps(plan))
    with pytest.raises(Refused, match="remove it"):
        export(hub, tmp_path / "export")


async def test_a_folder_that_somebody_laid_out_is_not_written_into(
    filled: tuple[RunningHub, WireMember], tmp_path: Path
) -> None:
    partial = tmp_path / ".export.partial"
    (tmp_path / "theirs").mkdir()
    partial.symlink_to(tmp_path / "theirs")
    for _ in range(2):
        with pytest.raises(Refused, match="remove it"):
            export(filled[0], tmp_path / "export")
        partial.unlink(missing_ok=True)
        partial.write_bytes(b"")
    assert names(tmp_path / "theirs") == []


async def test_tiles_that_are_gone_are_made_of_what_lies_beside_the_events(
    filled: tuple[RunningHub, WireMember], tmp_path: Path
) -> None:
    hub, _ = filled
    tiles = log_folder(hub) / "tile"
    kept = tiles.with_name("kept")
    tiles.rename(kept)
    try:
        export(hub, tmp_path / "export")
    finally:
        shutil.rmtree(tiles, ignore_errors=True)
        kept.rename(tiles)
    assert checked(hub, tmp_path / "export").holds


Bend = Callable[[sa.Connection, int], None]


def run(connection: sa.Connection, statement: str, **values: Any) -> None:
    connection.execute(sa.text(statement), values)


def change_event(connection: sa.Connection, row: int) -> None:
    other = event("nobody").event
    run(connection, "UPDATE audit_events SET event = :event WHERE id = :row", event=other, row=row)


def change_event_and_hash(connection: sa.Connection, row: int) -> None:
    other = event("nobody")
    run(
        connection,
        "UPDATE audit_events SET event = :event, salt = :salt, leaf_hash = :hash WHERE id = :row",
        event=other.event,
        salt=other.salt,
        hash=other.leaf_hash,
        row=row,
    )


def swap_salts(connection: sa.Connection, row: int) -> None:
    both = connection.execute(sa.text(f"SELECT id, salt FROM audit_events WHERE id IN ({row}, {row + 1})"))  # noqa: S608
    salts = {found.id: found.salt for found in both}
    for one, other in ((row, row + 1), (row + 1, row)):
        run(connection, "UPDATE audit_events SET salt = :salt WHERE id = :row", salt=salts[other], row=one)


def swap_order(connection: sa.Connection, row: int) -> None:
    for before, after in ((row, -1), (row + 1, row), (-1, row + 1)):
        run(connection, "UPDATE audit_events SET id = :after WHERE id = :before", before=before, after=after)


def delete(connection: sa.Connection, row: int) -> None:
    run(connection, "DELETE FROM audit_events WHERE id = :row", row=row)


def cut_off(connection: sa.Connection, row: int) -> None:
    run(connection, "DELETE FROM audit_events WHERE id >= :row", row=row)


BENT: dict[Bend, str] = {
    change_event: "entry 301 (tile/entries/001) · is not what was logged",
    change_event_and_hash: "entry 301 (tile/entries/001) · is not what was logged",
    swap_salts: "entries 301…302 (tile/entries/001) · is not what was logged",
    swap_order: "entries 301…302 (tile/entries/001) · are out of order",
    delete: "entry 301 was taken out, or put in",
    cut_off: "entries 301…",
}


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    if request.param == "sqlite":
        return ""
    postgres: Postgres = request.getfixturevalue("postgres")
    return postgres.empty()


@pytest.mark.parametrize("bend", BENT, ids=lambda it: it.__name__)
async def test_what_the_owner_of_the_database_does_is_found(tmp_path: Path, url: str, bend: Bend) -> None:
    async with running_hub(tmp_path / "hub", url, clock=mid_month()) as hub:
        await fill(hub, EVENTS)
        await hub.stop_jobs()  # SQLite lets nobody write who read before somebody else wrote
        engine = hub.hub.store.engine
        with engine.begin() as connection:
            row = connection.execute(sa.text("SELECT id FROM audit_events ORDER BY id LIMIT 1 OFFSET 300")).scalar_one()
            if connection.dialect.name == "sqlite":
                names = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit_events'"
                for name in connection.execute(sa.text(names)).scalars().all():
                    run(connection, f"DROP TRIGGER {name}")
            else:
                run(connection, "ALTER TABLE audit_events DISABLE TRIGGER ALL")
            bend(connection, row)
        export(hub, tmp_path / "export")
        faults = "\n".join(map(str, checked(hub, tmp_path / "export").faults))
        assert BENT[bend] in faults


async def test_a_restored_hub_exports_both_origins_and_the_gap_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_hub(tmp_path / "lost") as lost:
        admins = [await enrol(lost, name, Role.ADMIN) for name in ("admin-a", "admin-b")]
        await fill(lost, 20)
        await backed_up(lost, tmp_path / "backup")
        await fill(lost, 30)
        newest = read_checkpoint((log_folder(lost) / "checkpoint").read_bytes())
    succession = restored(tmp_path / "backup", tmp_path / "again", lost)
    async with running_hub(tmp_path / "again", clock=lost.clock) as again:
        payload = again.hub.store.read_now(lambda transaction: transaction.successions.after(1))[0].payload

        def sign(transaction: Transaction) -> None:
            for admin in admins:
                statement = admin.key.statement(SUCCESSION, payload).SerializeToString()
                transaction.successions.sign(SuccessionSignature(2, admin.id, statement, 1), payload)

        await again.hub.store.write(sign)
        await fill(again, 10)
        know_passphrase(monkeypatch, again.folder)
        logs = await asyncio.to_thread(export, again, tmp_path / "export")
        keys = [succession.previous_hub_key, succession.hub_key]
    assert [it.origin.split("/")[2] for it in logs] == ["1", "2"]
    exported = read_export(tmp_path / "export")
    report = verify(exported, Trust(plain_keys=keys))
    assert report.faults == []
    assert "it says that admin-a, admin-b signed this" in "\n".join(report.logs[1].notes)
    # What a member remembers of the lost hub is missing, and is a declared gap only where known admins signed it.
    faults = verify(exported, Trust(plain_keys=keys, checkpoints=[newest])).faults
    assert ["are cut off or missing" in str(faults[0]), "ended at" in str(faults[1])] == [True, True]
    known = [admin.key.public_key for admin in admins]
    report = verify(exported, Trust(plain_keys=keys, checkpoints=[newest], admins=known))
    assert report.faults == []
    assert "were lost in the restore, as admins signed whose keys you gave" in "\n".join(report.logs[0].notes)
    faults = verify(exported, Trust(plain_keys=keys, admins=[known[0], keys[0]])).faults
    assert "1 of the admins whose keys you gave signed the succession" in str(faults[0])
    for admin in admins:
        await admin.close()


async def test_cosignatures_and_receipts_of_a_real_hub_hold(tmp_path: Path) -> None:
    witness, stranger = TestWitness(), TestWitness()
    async with running_hub(tmp_path / "hub") as hub:
        admins = [await enrol(hub, name, Role.ADMIN) for name in ("admin-a", "admin-b")]
        member = await enrol(hub, "lender-a")
        to_mid_month(hub.clock)
        proposal = admins[0].proposal(listing(1, 1, witness))
        await admins[0].propose(proposal)
        await admins[1].decide(proposal, admins[1].decision(proposal))
        call = member.epochs.ListEpochs(epoch_pb2.ListEpochsRequest())
        await call
        (receipt,) = [value for name, value in await call.trailing_metadata() if name == "alliance-receipt-bin"]
        (tmp_path / "receipt").write_bytes(receipt)
        await hub.stop_maintenance()
        await member.witnesses.AddCosignature(witness.request(await sealed(hub), member.now))
        await fill(hub, 5)
        hub.clock.advance(minutes=2)
        await fill(hub, 5)
        export(hub, tmp_path / "export")
        for one in (*admins, member):
            await one.close()
    exported = read_export(tmp_path / "export")
    report = verify(exported, Trust(witnesses=[witness.key], quorum=1))
    assert report.faults == []
    assert "cosigned by" in report.logs[0].vouched[0]
    assert any("came after what you gave" in note for note in report.logs[0].notes)
    assert not verify(exported, Trust(witnesses=[stranger.key], quorum=1)).holds
    trust = trusting(hub)
    promises = Promises([read_receipt(tmp_path / "receipt")])
    report = verify(exported, trust, promises.see)
    promises.tell(exported, trust, report.logs[0])
    assert report.faults == []
    assert "its event is entry" in report.logs[0].vouched[-1]
