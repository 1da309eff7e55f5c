"""The schema: migrated and modelled are the same thing, on both databases."""

from collections.abc import Iterator
from dataclasses import fields
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Engine
from sqlmodel import SQLModel
from support.stores import claim

from alliance.taxonomy import LIVE_STATUSES
from alliance_server.domain.claims import StoredClaim
from alliance_server.storage import database, schema, tables
from alliance_server.storage.tables import ClaimTable, table_of


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    sqlite = request.param == "sqlite"
    url = f"sqlite:///{tmp_path / 'hub.db'}" if sqlite else request.getfixturevalue("postgres").empty()
    made = database.connect(url)
    yield made
    made.dispose()


def test_an_empty_database_has_no_version(engine: Engine) -> None:
    assert schema.version(engine) is None


def test_migration_reaches_the_head_and_can_be_repeated(engine: Engine) -> None:
    for _ in range(2):
        schema.upgrade(engine)
        assert schema.version(engine) == schema.head()


def test_versions_are_what_the_scripts_names_say_each_following_the_one_before() -> None:
    newest_first = list(_scripts().walk_revisions())
    assert [script.revision for script in reversed(newest_first)] == list(schema.versions())
    assert _scripts().get_heads() == [schema.head()]
    assert schema.knows("0001")
    assert not schema.knows("0000")


def test_the_migrated_schema_is_the_models(engine: Engine) -> None:
    schema.upgrade(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True, "include_object": _ours}
        )
        assert compare_metadata(context, SQLModel.metadata) == []
        names = set(sa.inspect(connection).get_table_names()) - {"alembic_version"}
    assert names == set(SQLModel.metadata.tables)
    assert len(names) >= 14


def test_claims_of_before_get_their_digest(engine: Engine) -> None:
    claims = [claim(number, claim=f"claim {number}".encode()) for number in range(1, 8)]
    added = {"claim_sha256", "approved_by", "approvals"}
    names = [field.name for field in fields(StoredClaim) if field.name not in added]
    table = sa.table("claims", *(sa.column(name) for name in names))
    with database.writing(engine) as connection, connection.begin():
        schema.upgrade_within(connection, "0010")
        rows = [{name: getattr(it, name) for name in names} for it in claims]
        connection.execute(sa.insert(table), [row | {"status": int(row["status"])} for row in rows])
    schema.upgrade(engine)
    expected = {it.claim: sha256(it.claim).digest() for it in claims}
    assert _digests(engine) == expected

    script = _scripts().get_revision("0011")
    assert script is not None
    for page in (1, 3, 7):
        with database.writing(engine) as connection, connection.begin():
            connection.execute(sa.update(table_of(ClaimTable)).values(claim_sha256=b""))
            script.module.fill(connection, page)
        assert _digests(engine) == expected


def _digests(engine: Engine) -> dict[bytes, bytes]:
    with engine.connect() as connection:
        rows = connection.execute(sa.text("SELECT claim, claim_sha256 FROM claims")).all()
    return {bytes(row.claim): bytes(row.claim_sha256) for row in rows}


def _scripts() -> ScriptDirectory:
    return ScriptDirectory(str(Path(schema.__file__).parent / "migrations"))


def _ours(_object: Any, name: str | None, kind: str, *_more: Any) -> bool:
    return not (kind == "table" and name == "alembic_version")


def test_the_partial_index_is_there_and_partial(engine: Engine) -> None:
    schema.upgrade(engine)
    with engine.connect() as connection:
        (index,) = [it for it in sa.inspect(connection).get_indexes("claims") if it["name"] == "one_live_claim"]
    assert index["unique"]
    assert index["column_names"] == ["contributor", "epoch", "tag", "category"]
    condition = str(index["dialect_options"][f"{engine.dialect.name}_where"])
    for status in LIVE_STATUSES:
        assert str(int(status)) in condition
    assert f"status IN ({', '.join(str(int(status)) for status in sorted(LIVE_STATUSES))})" == tables.LIVE


def test_a_failed_migration_leaves_nothing(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: object) -> None:
        raise RuntimeError("half way")

    from alembic.operations import Operations

    original = Operations.create_index
    calls: list[int] = []

    def create_index(self: Operations, *arguments: Any, **options: Any) -> None:
        calls.append(1)
        if len(calls) == 3:
            fail()
        original(self, *arguments, **options)

    monkeypatch.setattr("alembic.op.create_index", lambda *a, **o: create_index(_proxy(), *a, **o))
    with pytest.raises(RuntimeError, match="half way"):
        schema.upgrade(engine)
    with engine.connect() as connection:
        assert set(sa.inspect(connection).get_table_names()) <= {"alembic_version"}
    assert schema.version(engine) is None


def _proxy() -> Any:
    from alembic import op

    return op._proxy  # type: ignore[attr-defined]
