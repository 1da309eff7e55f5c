"""`alliance-server status` beside a hub that serves: it says what there is, and what there is to do."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import sqlalchemy as sa
from conftest import Members
from rich.console import Console
from support.hub import RunningHub, running_hub
from support.wire import row_of
from typer.testing import CliRunner

from alliance.taxonomy import DAY_MS
from alliance.v1 import admin_pb2
from alliance_server.cli.app import app
from alliance_server.cli.hub import init_hub
from alliance_server.domain.members import Role

pytestmark = pytest.mark.asyncio(loop_scope="module")

NewFolder = Callable[[], Path]


@pytest_asyncio.fixture(loop_scope="module", params=["sqlite", "postgresql"])
async def hub(
    request: pytest.FixtureRequest, new_hub_folder: NewFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[RunningHub]:
    if request.param == "sqlite":
        folder, database = new_hub_folder(), ""
    else:
        folder, database = tmp_path / "hub", request.getfixturevalue("postgres").empty()
    async with running_hub(folder, database) as running:
        monkeypatch.setenv("ALLIANCE_HUB_LISTEN", running.address)
        yield running


async def status(folder: Path, code: int = 0) -> dict[str, Any]:
    done = await asyncio.to_thread(CliRunner().invoke, app, ["status", str(folder), "--json"])
    assert done.exit_code == code, done.output
    document = done.stdout[done.stdout.index("{\n") :]  # the hub of this process logs where the command prints
    found: dict[str, Any] = json.JSONDecoder().raw_decode(document)[0]
    return found


async def text(folder: Path) -> str:
    return (await asyncio.to_thread(CliRunner().invoke, app, ["status", str(folder)])).output


async def port_code(folder: Path) -> int:
    return (await asyncio.to_thread(CliRunner().invoke, app, ["status", str(folder), "--port"])).exit_code


def execute(hub: RunningHub, statement: str) -> None:
    with hub.hub.store.engine.begin() as connection:
        connection.execute(sa.text(statement))


async def test_a_hub_that_is_well(hub: RunningHub, own_members: Members) -> None:
    member = await own_members(hub)
    await hub.invite("invited")
    for _ in range(2):
        await own_members(hub, role=Role.ADMIN)
    await member.file(member.row(), member.row(), member.row())
    sealed = member.seal()
    await member.credit(1)
    await member.contribute(row_of(sealed))
    await member.withdraw(sealed.entry_id)
    await hub.settle()
    await hub.hub.publication.turn()
    await hub.hub.sealer.turn()
    found = await status(hub.folder)
    assert found["alliance"] == "test"
    assert found["schema"]["found"] == found["schema"]["wanted"]
    assert found["port"] == {"address": hub.address, "answer": "serves"}
    assert found["live_claims"] == 3
    assert found["member_certificates"] == {"good": 3, "ending": 0}
    assert {(it["role"], it["state"], it["count"]) for it in found["members"]} == {
        ("member", "active", 1),
        ("member", "invited", 1),
        ("admin", "active", 2),
    }
    (epoch,) = found["epochs"]
    assert (epoch["epoch"], epoch["state"], epoch["sequence"], epoch["filter_sequence"]) == (1, "active", 4, 4)
    assert epoch["snapshot_present"] is True
    assert 179 < epoch["days_left"] <= 180
    assert epoch["filter_age_seconds"] < 60
    assert 364 < found["certificate_days_left"]["hub"] < 366
    assert found["audit"]["events"] == len(execute_all(hub, "SELECT id FROM audit_events"))
    assert found["audit"]["last"]
    assert (found["log"]["origin"], found["log"]["leaves"] > 1) == (member.log, True)
    assert found["log"]["waiting_seconds"] < 60
    assert found["needs"] == []
    shown = await text(hub.folder)
    for words in ("serves", "live claims", "leaves", "179", "nothing to do", "admin"):
        assert words in shown


def execute_all(hub: RunningHub, query: str) -> list[Any]:
    with hub.hub.store.engine.connect() as connection:
        return list(connection.execute(sa.text(query)))


async def test_what_there_is_to_do(hub: RunningHub, own_members: Members) -> None:
    first, _ = [await own_members(hub, role=Role.ADMIN) for _ in range(2)]
    member = await own_members(hub)
    change = admin_pb2.Change(offboard=admin_pb2.Offboard(member=member.id))
    await first.propose(first.proposal(change))
    budget = admin_pb2.Change(set_budget=admin_pb2.SetBudget(member=member.id, resource="transaction", items=9_000_000))
    await first.propose(first.proposal(budget, break_glass=True))
    await hub.stop_maintenance()
    now = hub.clock.now_ms()
    execute(hub, f"UPDATE epochs SET not_after = {now + 12 * DAY_MS + 60_000}")  # noqa: S608 - our own figures
    execute(hub, f"UPDATE certificates SET not_after = {now + 20 * DAY_MS} WHERE member_id = '{member.id}'")  # noqa: S608
    execute(hub, f"UPDATE proposals SET decide_by = {now - 1} WHERE change = 'raise_budget'")  # noqa: S608
    with hub.hub.store.engine.begin() as connection:
        connection.execute(sa.text("UPDATE filter_states SET heartbeat = :none"), {"none": b""})
    shutil.rmtree(hub.hub.config.snapshots_folder)
    found = await status(hub.folder)
    assert found["proposals"] == {"waiting": 1, "unreviewed": 1, "overdue": 1}
    assert found["member_certificates"]["ending"] == 1
    assert found["epochs"][0]["snapshot_present"] is False
    told = "\n".join(found["needs"])
    for words in ("ends in 12 days", "overdue", "stale", "has no file", "1 member certificate(s)"):
        assert words in told
    assert told in "\n".join(line.removeprefix("to do    ") for line in (await text(hub.folder)).splitlines())


async def test_a_port_where_nobody_or_somebody_else_answers(
    new_hub_folder: NewFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = new_hub_folder()
    async with running_hub(folder) as served:
        other = tmp_path / "other"
        init_hub(Console(quiet=True), other, "other", ["127.0.0.1"], served.address, "127.0.0.1:0", "")
        found = await status(other)
        assert found["port"]["answer"] == "answers, and is not this alliance's hub"
        certificate = folder / "keys" / "hub.crt"
        authority, tls_key = served.hub.keys.authority, served.hub.keys.tls_key
        certificate.write_bytes(authority.issue_hub(tls_key, ["127.0.0.1"], served.clock.now_ms()))
        monkeypatch.setenv("ALLIANCE_HUB_LISTEN", served.address)
        assert (await status(folder))["port"]["answer"] == "serves another certificate than the file's"
        certificate.write_bytes(served.hub.keys.tls_certificate)
        assert await port_code(folder) == 0
    assert await port_code(folder) == 3
    found = await status(folder)
    assert found["port"]["answer"] == "nobody answers"
    assert any("nobody answers" in it for it in found["needs"])


async def test_a_database_that_cannot_be_read(new_hub_folder: NewFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = new_hub_folder()
    monkeypatch.setenv("ALLIANCE_HUB_DATABASE", "postgresql+psycopg://hub:hunter2@127.0.0.1:1/alliance")
    found = await status(folder, code=3)
    assert (found["epochs"], found["live_claims"], found["proposals"]) == (None, None, None)
    assert "cannot be reached" in found["needs"][0]
    assert "hunter2" not in json.dumps(found) + await text(folder)
    monkeypatch.delenv("ALLIANCE_HUB_DATABASE")
    engine = sa.create_engine(f"sqlite:///{folder / 'hub.db'}")
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '0001'"))
    engine.dispose()
    assert "alliance-server upgrade" in (await status(folder, code=3))["needs"][0]
