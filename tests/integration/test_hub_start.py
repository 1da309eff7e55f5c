"""A hub that does not start: other keys, another schema, another configuration."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from rich.console import Console
from support.hub import make_config, running_hub
from support.stores import UNDONE_CASES, undone_logs

from alliance.crypto.secret import Secret
from alliance.crypto.tagging import generate_key_pair
from alliance.errors import AllianceError, KeyFileInvalid
from alliance_server.bootstrap import Hub
from alliance_server.cli.hub import init_hub, upgrade_hub
from alliance_server.config import ConfigurationInvalid, HubConfig, load_config
from alliance_server.hub_keys import open_keys

pytestmark = pytest.mark.asyncio(loop_scope="module")

NewFolder = Callable[[], Path]


async def start(folder: Path) -> None:
    async with running_hub(folder):
        pass


def execute(folder: Path, *statements: str) -> None:
    engine = sa.create_engine(f"sqlite:///{folder / 'hub.db'}")
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(sa.text(statement))
    engine.dispose()


async def test_another_epoch_key_than_the_announced_one(new_hub_folder: NewFolder) -> None:
    folder = new_hub_folder()
    keys = open_keys(folder / "keys", "test")
    keys.store.put("epoch-1", generate_key_pair(Secret(bytes(32))).secret_key)
    with pytest.raises(KeyFileInvalid, match="epoch 1 is not the one"):
        await start(folder)


async def test_an_epoch_key_that_is_missing(new_hub_folder: NewFolder) -> None:
    folder = new_hub_folder()
    (folder / "keys" / "epoch-1.sealed").unlink()
    with pytest.raises(KeyFileInvalid, match="epoch-1"):
        await start(folder)


async def test_an_epoch_key_that_is_no_scalar(new_hub_folder: NewFolder) -> None:
    folder = new_hub_folder()
    for value in (bytes(32), b"\xff" * 32, b"short"):
        open_keys(folder / "keys", "test").store.put("epoch-1", Secret(value))
        with pytest.raises(AllianceError):
            await start(folder)


async def test_swapped_key_files(new_hub_folder: NewFolder) -> None:
    folder = new_hub_folder()
    shutil.copy(folder / "keys" / "identity.sealed", folder / "keys" / "tls.sealed")
    with pytest.raises(KeyFileInvalid):
        await start(folder)


async def test_another_passphrase(new_hub_folder: NewFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = new_hub_folder()
    monkeypatch.setenv("ALLIANCE_PASSPHRASE", "another")
    with pytest.raises(KeyFileInvalid, match="passphrase"):
        await start(folder)


@pytest.mark.parametrize(
    "change",
    ["UPDATE alembic_version SET version_num = '0000'", "DELETE FROM alembic_version", "DROP TABLE alembic_version"],
)
async def test_another_schema(new_hub_folder: NewFolder, change: str) -> None:
    folder = new_hub_folder()
    execute(folder, change)
    with pytest.raises(ConfigurationInvalid, match="schema"):
        await start(folder)


async def test_a_retired_epoch_needs_no_key(new_hub_folder: NewFolder) -> None:
    folder = new_hub_folder()
    execute(folder, "UPDATE epochs SET state = 4")
    (folder / "keys" / "epoch-1.sealed").unlink()
    await start(folder)


async def test_a_folder_is_made_once(new_hub_folder: NewFolder) -> None:
    folder = new_hub_folder()
    before = {path.name: path.read_bytes() for path in (folder / "keys").iterdir()}
    with pytest.raises(ConfigurationInvalid, match="already"):
        init_hub(Console(quiet=True), folder, "test", ["127.0.0.1"], "127.0.0.1:0", "127.0.0.1:0", "")
    (folder / "hub.toml").unlink()
    with pytest.raises(ConfigurationInvalid, match="keys"):
        init_hub(Console(quiet=True), folder, "test", ["127.0.0.1"], "127.0.0.1:0", "127.0.0.1:0", "")
    assert {path.name: path.read_bytes() for path in (folder / "keys").iterdir()} == before


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ('alliance = "Not A Name"', "alliance"),
        ('surprise = "x"', "surprise"),
        ("compute_threads = 0", "compute_threads"),
        ("[budgets]\ntransaction = -1", "budgets"),
        ("[budgets]\nnonsense = 1", "nonsense"),
        ("not toml at all [", "not valid TOML"),
        ('database = ["postgresql://user:hunter2@host"]', "database"),
    ],
)
async def test_a_configuration_that_will_not_do(new_hub_folder: NewFolder, content: str, told: str) -> None:
    folder = new_hub_folder()
    (folder / "hub.toml").write_text(content)
    with pytest.raises(ConfigurationInvalid, match=told) as caught:
        load_config(folder)
    assert "hunter2" not in str(caught.value)


async def test_a_folder_without_a_configuration(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationInvalid, match="no hub's folder"):
        load_config(tmp_path)


async def test_budgets_not_named_keep_their_default(new_hub_folder: NewFolder) -> None:
    folder = new_hub_folder()
    config: HubConfig = make_config(folder, budgets={"transaction": 7})
    assert (config.budgets["transaction"], config.budgets["contribution"]) == (7, 1_000_000)


async def test_a_budget_of_nothing_refuses_everything(new_hub_folder: NewFolder, own_members: Any) -> None:
    from support.wire import refuses, valid_elements

    from alliance.errors import Reason

    async with running_hub(new_hub_folder(), config={"budgets": {"transaction": 0}}) as hub:
        member = await own_members(hub)
        with refuses(Reason.BUDGET_EXHAUSTED):
            await member.evaluate(valid_elements(1), 3)
        await member.evaluate(valid_elements(1), 1)


APPROVED = ("approved_by", "approvals")


async def test_a_hub_of_the_release_before_is_upgraded_once(new_hub_folder: NewFolder) -> None:
    folder, said = new_hub_folder(), Console(quiet=True)
    execute(
        folder,
        "DROP TABLE departures",
        *UNDONE_CASES,
        *undone_logs(),
        *(f"DROP TABLE {name}" for name in ("outcome_batches", "waiting_outcomes", "told_outcomes", "outcome_months")),
        *(f"DROP TABLE {name}" for name in ("burst_limits", "usage_hours", "businesses", "standings", "alarms")),
        "DROP INDEX budgets_by_day",
        "ALTER TABLE budgets DROP COLUMN full_at",
        *(f"DROP TABLE {name}" for name in ("policies", "suppression_lists", "claim_changes", "change_feeds")),
        "DROP TABLE recall_receipts",
        "DROP TABLE disputes",
        "DROP INDEX claims_by_purge",
        *(f"ALTER TABLE claims DROP COLUMN {name}" for name in ("purge_at", "claim_sha256", *APPROVED)),
        "DROP TABLE operators",
        "DROP TABLE succession_signatures",
        "DROP TABLE successions",
        "DROP TABLE proposals",
        "DROP TABLE budget_limits",
        "DROP INDEX claims_by_contributor",
        *(f"ALTER TABLE claims DROP COLUMN {name}" for name in ("predecessor", "successor")),
        *(f"ALTER TABLE epochs DROP COLUMN {name}" for name in ("retagged_at", "destroyed_at", "filter_sequence")),
        "CREATE INDEX claims_by_contributor ON claims (contributor, epoch, sequence)",
        "ALTER TABLE members DROP COLUMN role",
        "DROP INDEX claims_by_tag",
        "CREATE INDEX claims_by_tag ON claims (epoch, tag)",
        "UPDATE alembic_version SET version_num = '0001'",
    )
    with pytest.raises(ConfigurationInvalid, match="alliance-server upgrade"):
        await start(folder)
    upgrade_hub(said, folder)
    await start(folder)
    upgrade_hub(said, folder)
    execute(folder, "DELETE FROM alembic_version")
    with pytest.raises(ConfigurationInvalid, match="holds no hub"):
        upgrade_hub(said, folder)


async def test_the_hub_is_built_before_it_starts(new_hub_folder: NewFolder) -> None:
    hub = Hub(make_config(new_hub_folder()))
    assert (hub.port, hub.enrolment_port) == (0, 0)
    hub.store.close()
    hub.compute.close()
