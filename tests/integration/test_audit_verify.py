"""`alliance-server audit verify` beside a hub that serves: 0 where the log holds, 7 where somebody changed it."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from support.hub import RunningHub, running_hub
from support.sealed import dropped_triggers
from support.wire import WireMember, enrol, valid_elements
from typer.testing import CliRunner

from alliance_server.cli.app import app

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", params=["sqlite", "postgresql"])
async def hub(
    request: pytest.FixtureRequest, new_hub_folder: Callable[[], Path], tmp_path: Path
) -> AsyncIterator[RunningHub]:
    is_sqlite = request.param == "sqlite"
    folder = new_hub_folder() if is_sqlite else tmp_path / "hub"
    database = "" if is_sqlite else request.getfixturevalue("postgres").empty()
    async with running_hub(folder, database) as running:
        yield running


async def verify(hub: RunningHub, *arguments: str) -> Any:
    return await asyncio.to_thread(CliRunner().invoke, app, ["audit", "verify", "--dir", str(hub.folder), *arguments])


async def asked(hub: RunningHub, member: WireMember) -> None:
    for _ in range(5):
        await member.evaluate(valid_elements(1), 3)
    await hub.hub.sealer.turn()


def execute(hub: RunningHub, *statements: str) -> None:
    with hub.hub.store.engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


async def test_a_log_holds_while_it_grows_and_not_once_it_was_changed(hub: RunningHub, tmp_path: Path) -> None:
    member = await enrol(hub, "lender")
    await asked(hub, member)
    (shown,) = hub.folder.glob("log/*/*/*/*/checkpoint")
    kept = tmp_path / "kept"
    kept.write_bytes(shown.read_bytes())
    await asked(hub, member)
    done = await verify(hub, "--checkpoint", str(kept))
    assert done.exit_code == 0, done.output
    assert "the log is what was sealed, and what you remember" in done.stdout
    by_key = await verify(hub, "--key", hub.hub.keys.identity.public_key.hex())
    assert (by_key.exit_code, "give --checkpoint" in by_key.stdout) == (0, True), by_key.output

    await hub.stop_jobs()  # on PostgreSQL a trigger cannot go while a job reads
    execute(
        hub, *dropped_triggers(hub.hub.store.engine.dialect.name), "DELETE FROM audit_events WHERE actor = 'lender'"
    )
    done = await verify(hub, "--json")
    assert done.exit_code == 7
    document: dict[str, Any] = json.loads(done.stdout)
    assert document["holds"] is False
    assert any("were sealed" in fault["what"] for fault in document["faults"])
    assert "the log is NOT what was sealed" in (await verify(hub)).stdout
    await member.close()


async def test_what_is_no_key_or_checkpoint_is_refused(hub: RunningHub, tmp_path: Path) -> None:
    (tmp_path / "nonsense").write_text("nonsense")
    assert (await verify(hub, "--checkpoint", str(tmp_path / "nonsense"))).exit_code != 0
    assert (await verify(hub, "--key", "00")).exit_code == 2
    assert (await verify(hub, "--key", "00" * 32)).exit_code == 7
