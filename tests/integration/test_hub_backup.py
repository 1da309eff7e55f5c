"""Backups beside hubs that serve: one state under load, whole or not there, on full disks too."""

import asyncio
from pathlib import Path

import pytest
import sqlalchemy as sa
from support.hub import RunningHub, running_hub
from support.kills import until
from support.postgres import Postgres
from support.recovery import backed_up, contributing, know_passphrase, quiet
from support.small_disk import small_disk
from support.wire import enrol

from alliance_server.config import ConfigurationInvalid
from alliance_server.domain.errors import Refused
from alliance_server.recovery.backup import take_backup
from alliance_server.recovery.loading import load_rows
from alliance_server.recovery.opening import Backup, open_backup
from alliance_server.recovery.trial import try_backup
from alliance_server.storage import database, dump

pytestmark = pytest.mark.asyncio(loop_scope="module")


def glob(folder: Path, pattern: str = "*") -> list[Path]:
    return list(folder.glob(pattern))


def rows_in(backup: Backup, folder: Path, query: str) -> list[sa.Row]:  # type: ignore[type-arg]
    """Load a backup into a database of its own and ask it something."""
    engine = database.connect(f"sqlite:///{folder / 'loaded.db'}")
    try:
        if dump.is_empty(engine):
            with database.writing(engine) as connection, connection.begin():
                load_rows(connection, backup, lambda _claim: True, quiet)
        with engine.connect() as connection:
            return list(connection.exec_driver_sql(query))
    finally:
        engine.dispose()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_a_backup_under_load_is_one_state_and_its_hub_answers(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    postgres: Postgres | None = request.getfixturevalue("postgres") if kind == "postgresql" else None
    url = postgres.migrated() if postgres else ""
    async with running_hub(tmp_path / "hub", url) as hub:
        first, second = await enrol(hub, "first"), await enrol(hub, "second")
        async with contributing(first) as one, contributing(second) as other:
            await until(lambda: min(len(one), len(other)) >= 20)
            before = [*one, *other]
            await backed_up(hub, tmp_path / "backup")
            after = len(one) + len(other)
            await until(lambda: len(one) + len(other) > after)  # the hub goes on
        for member in (first, second):
            await member.close()
    know_passphrase(monkeypatch, tmp_path / "hub")
    opened = open_backup(tmp_path / "backup")
    entries = {row.entry_id for row in rows_in(opened, tmp_path, "SELECT entry_id FROM claims")}
    assert set(before) <= entries
    (state,) = rows_in(opened, tmp_path, "SELECT sequence FROM filter_states")
    (claims,) = rows_in(opened, tmp_path, "SELECT count(*) AS number, max(sequence) AS newest FROM claims")
    assert state.sequence == claims.number == claims.newest
    # A chunk and its event commit together: one of them without the other is no state that ever was.
    events = rows_in(opened, tmp_path, "SELECT count(*) FROM audit_events WHERE action = 'claim:contribute'")
    assert events[0][0] * 4 == claims.number
    trial = await asyncio.to_thread(try_backup, opened, hub.clock, quiet, tmp_path)
    assert (trial.epoch, trial.claim_found) == (1, True)
    assert trial.listings == claims.number
    assert not glob(tmp_path, "alliance-trial-*")


async def test_nothing_is_overwritten_and_nothing_is_made_where_it_cannot_be(
    own_hub: RunningHub, tmp_path: Path
) -> None:
    (tmp_path / "there").mkdir()
    with pytest.raises(Refused, match="exists"):
        await backed_up(own_hub, tmp_path / "there")
    with pytest.raises(Refused, match="no folder"):
        await backed_up(own_hub, tmp_path / "nowhere" / "backup")
    empty = own_hub.hub.config.model_copy(update={"database": f"sqlite:///{tmp_path / 'empty.db'}"})
    with pytest.raises(ConfigurationInvalid, match="no hub"):
        take_backup(empty, tmp_path / "backup", own_hub.clock, quiet)
    assert {path.name for path in glob(tmp_path)} <= {"there", "empty.db"}


async def test_a_full_disk_leaves_no_backup(own_hub: RunningHub, monkeypatch: pytest.MonkeyPatch) -> None:
    member = await enrol(own_hub, "lender")
    await member.file(*(member.row() for _ in range(200)))
    await member.close()
    know_passphrase(monkeypatch, own_hub.folder)
    with small_disk(2) as disk:
        destination = disk.folder / "backup"
        for spare in (0, 40_000, 200_000):
            disk.make_room()
            disk.fill(spare)
            with pytest.raises(OSError, match="No space"):
                await backed_up(own_hub, destination)
            assert [path.name for path in glob(disk.folder)] == ["ballast"]
        disk.make_room()
        await backed_up(own_hub, destination)
        assert open_backup(destination).manifest.tables["claims"] == 200
