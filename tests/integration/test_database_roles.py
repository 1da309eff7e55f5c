"""`deploy/postgresql/roles.sql`: a hub serves as a role that cannot change what it recorded, and auditors only read."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
import pytest
import pytest_asyncio
import sqlalchemy as sa
from support.hub import RunningHub, make_config, running_hub
from support.postgres import Postgres
from support.sdk import PHONES, contribute, lender, row, screen
from typer.testing import CliRunner

from alliance_server.cli.app import app
from alliance_server.domain.claims import KEPT_AFTER_END_MS
from alliance_server.storage import append_only, database, schema
from member_client import State

pytestmark = pytest.mark.asyncio(loop_scope="module")

SCRIPT = Path(__file__).parents[2] / "deploy/postgresql/roles.sql"
OWNER, HUB, AUDITOR = "alliance_owner", "alliance_hub", "alliance_auditor"


def as_role(url: str, role: str) -> str:
    return sa.make_url(url).set(username=role).render_as_string(hide_password=False)


def run(url: str, *statements: str) -> None:
    plain = sa.make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain) as connection:
        for statement in statements:
            connection.execute(statement.encode())


@pytest.fixture(scope="module")
def url(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> str:
    return postgres.empty()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hub(url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningHub]:
    """A hub whose tables the script was run on, twice, and which serves as its own role."""
    folder = tmp_path_factory.mktemp("roles") / "hub"
    make_config(folder, url)
    run(url, SCRIPT.read_text(), SCRIPT.read_text())
    config = folder / "hub.toml"
    config.write_text(config.read_text().replace(url, as_role(url, HUB)))
    async with running_hub(folder) as running:
        assert sa.make_url(running.hub.config.database_url).username == HUB
        yield running


def test_the_script_knows_the_tables() -> None:
    (named,) = re.findall(r"append_only CONSTANT text\[\] := ARRAY\[(.*?)\]", SCRIPT.read_text(), re.DOTALL)
    assert set(re.findall(r"'(\w+)'", named)) == set(append_only.TABLES)


async def test_a_hub_does_its_whole_work_as_its_role(hub: RunningHub, url: str) -> None:
    async with lender(hub, "contributor") as contributor, lender(hub, "reader") as reader:
        (filed,) = await contribute(contributor, [row(PHONES[0])])
        await hub.settle()
        assert [it.state for it in await screen(reader, PHONES[:2])] == [State.MATCH, State.CLEAR]
        await contributor.withdraw(filed.entry_id, reason="filed_in_error")
        await hub.settle()
        await reader.sync()
        assert [it.state for it in await screen(reader, PHONES[:1])] == [State.CLEAR]
        await hub.hub.sealer.turn()
    hub.clock.advance(seconds=KEPT_AFTER_END_MS / 1000 + 1)
    assert await hub.hub.purging.turn() == 1
    await hub.hub.sealer.turn()
    config = hub.folder / "hub.toml"
    as_hub = config.read_text()
    config.write_text(as_hub.replace(f"{HUB}@", f"{AUDITOR}@"))  # who verifies needs no more than an auditor has
    done = await asyncio.to_thread(CliRunner().invoke, app, ["audit", "verify", "--dir", str(hub.folder)])
    config.write_text(as_hub)
    assert done.exit_code == 0, done.output


FORBIDDEN_TO_HUB = (
    "UPDATE {} SET {} = {}",
    "DELETE FROM {}",
    "TRUNCATE {}",
    "DROP TABLE {}",
    "ALTER TABLE {} DISABLE TRIGGER ALL",
    "DROP TRIGGER {}_append_only ON {}",
    "CREATE TRIGGER another BEFORE INSERT ON {} FOR EACH ROW EXECUTE FUNCTION alliance_append_only()",
    "ALTER TABLE {} OWNER TO alliance_hub",
)


@pytest.mark.parametrize("statement", FORBIDDEN_TO_HUB)
@pytest.mark.parametrize("table", append_only.TABLES)
def test_the_hub_changes_nothing_of_the_audit_tables(hub: RunningHub, url: str, table: str, statement: str) -> None:
    column = append_only.TABLES[table][0].split(", ")[0]
    words = statement.format(table, column, column) if "SET" in statement else statement.replace("{}", table)
    with pytest.raises(psycopg.errors.InsufficientPrivilege) as caught:
        run(as_role(url, HUB), words)
    assert "append-only" not in str(caught.value)  # it does not come as far as the trigger


@pytest.mark.parametrize(
    "statement",
    [
        "SET session_replication_role = replica",
        "CREATE TABLE public.own (id int)",
        "CREATE OR REPLACE FUNCTION alliance_append_only() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
        "SELECT setval('audit_events_id_seq', 1)",
        "UPDATE alembic_version SET version_num = '0001'",
        "SET ROLE alliance_owner",
        "CREATE ROLE another",
    ],
)
def test_the_hub_finds_no_way_around(hub: RunningHub, url: str, statement: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        run(as_role(url, HUB), statement)


def test_an_auditor_reads_the_audit_tables_and_nothing_else(hub: RunningHub, url: str) -> None:
    readable = {*append_only.TABLES, "successions", "alembic_version"}
    engine = sa.create_engine(url)
    names = set(sa.inspect(engine).get_table_names())
    engine.dispose()
    for table in sorted(names):
        if table in readable:
            run(as_role(url, AUDITOR), f"SELECT count(*) FROM {table}")  # noqa: S608 - tables of ours
        else:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                run(as_role(url, AUDITOR), f"SELECT count(*) FROM {table}")  # noqa: S608
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            run(as_role(url, AUDITOR), f"DELETE FROM {table}")  # noqa: S608
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            run(as_role(url, AUDITOR), f"INSERT INTO {table} DEFAULT VALUES")
    for statement in ("SELECT nextval('audit_events_id_seq')", "CREATE TABLE public.own (id int)"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            run(as_role(url, AUDITOR), statement)


def test_the_owner_upgrades_and_everybody_else_has_nothing(postgres: Postgres) -> None:
    url = postgres.empty()
    run(url, SCRIPT.read_text())  # before there are tables
    engine = database.connect(as_role(url, OWNER))
    schema.upgrade(engine)
    engine.dispose()
    run(url, SCRIPT.read_text(), "DROP ROLE IF EXISTS stranger", "CREATE ROLE stranger LOGIN")
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        run(as_role(url, "stranger"), "SELECT 1")
    run(url, "DROP ROLE stranger")
