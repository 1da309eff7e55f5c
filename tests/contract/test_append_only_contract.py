"""What is written to the audit tables stays as it is: the database refuses every statement that would change it."""

from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlmodel import SQLModel
from support.stores import Databases, event

from alliance.errors import Reason
from alliance_server.domain.errors import Refused
from alliance_server.storage import append_only, database

TABLES = tuple(append_only.TABLES)
ROWS = 3


def table_named(name: str) -> sa.Table:
    return SQLModel.metadata.tables[name]


def value_of(column: sa.Column[Any], number: int) -> Any:
    """Give a value of a column's type, another for each number."""
    if isinstance(column.type, sa.Integer):
        return number
    return bytes([number] * 32) if isinstance(column.type, sa.LargeBinary) else f"{column.name}-{number}"


def row_of(table: sa.Table, number: int) -> dict[str, Any]:
    return {column.name: value_of(column, number) for column in table.columns}


def keys_of(table: sa.Table) -> list[list[str]]:
    """Give what is unique in a table, as the database has it."""
    unique = [[column.name for column in table.primary_key.columns]]
    for constraint in table.constraints:
        if isinstance(constraint, sa.UniqueConstraint):
            unique.append([column.name for column in constraint.columns])
    return [*unique, *([column.name for column in it.columns] for it in table.indexes if it.unique)]


class Filled:
    """A database whose append-only tables hold some rows each, and a connection of somebody who is not the hub."""

    def __init__(self, databases: Databases) -> None:
        self.databases = databases
        self.engine = sa.create_engine(databases.url)
        with self.engine.begin() as connection:
            for name in TABLES:
                table = table_named(name)
                connection.execute(sa.insert(table), [row_of(table, number) for number in range(1, ROWS + 1)])

    def content(self, name: str) -> list[tuple[Any, ...]]:
        return sorted(self.databases.rows(f"SELECT * FROM {name}"), key=str)  # noqa: S608 - a table of ours

    def refuses(self, name: str, statement: Any, parameters: Any = None) -> None:
        """Run a statement that must be refused, with the reason, and leave the table as it was."""
        before = self.content(name)
        with pytest.raises(DBAPIError) as caught, self.engine.begin() as connection:
            connection.execute(sa.text(statement) if isinstance(statement, str) else statement, parameters or {})
        assert f"{name} is append-only" in str(caught.value)
        assert not database.is_retryable(caught.value)
        assert self.content(name) == before


@pytest.fixture
def filled(databases: Databases) -> Any:
    made = Filled(databases)
    yield made
    made.engine.dispose()


@pytest.mark.parametrize("name", TABLES)
def test_no_row_is_changed(filled: Filled, name: str) -> None:
    table = table_named(name)
    first = next(iter(table.primary_key.columns))
    for column in table.columns:
        change = sa.update(table).where(first == value_of(first, 1))
        filled.refuses(name, change.values({column.name: value_of(column, 9)}))


@pytest.mark.parametrize("name", TABLES)
def test_no_row_is_deleted(filled: Filled, name: str) -> None:
    table = table_named(name)
    first = next(iter(table.primary_key.columns))
    filled.refuses(name, sa.delete(table))
    filled.refuses(name, sa.delete(table).where(first == value_of(first, ROWS)))
    if not filled.databases.is_sqlite:
        filled.refuses(name, f"TRUNCATE {name}")
        filled.refuses(name, f"TRUNCATE {name} CASCADE")


def conflicts(table: sa.Table) -> list[dict[str, Any]]:
    """Give rows of new content that share one of the keys with a row that is there."""
    there = row_of(table, 1)
    return [row_of(table, 9) | {name: there[name] for name in key} for key in keys_of(table)]


@pytest.mark.parametrize("name", TABLES)
def test_no_row_takes_the_place_of_another(filled: Filled, name: str) -> None:
    table = table_named(name)
    names = table.columns.keys()
    columns, values = ", ".join(names), ", ".join(f":{column}" for column in names)
    insertion = f"INTO {name} ({columns}) VALUES ({values})"
    changes = ", ".join(f"{column} = excluded.{column}" for column in names)
    for row, key in zip(conflicts(table), keys_of(table), strict=True):
        upsert = f"INSERT {insertion} ON CONFLICT ({', '.join(key)}) DO UPDATE SET {changes}"
        filled.refuses(name, upsert, row)
        if filled.databases.is_sqlite:
            filled.refuses(name, f"INSERT OR REPLACE {insertion}", row)
            filled.refuses(name, f"REPLACE {insertion}", row)
    if filled.databases.is_sqlite:
        # The key that SQLite hides, or that its own name stands for.
        shown = [column for column in names if [column] != keys_of(table)[0] or name == "published_facts"]
        columns, values = ", ".join(shown), ", ".join(f":{column}" for column in shown)
        hidden = f"INSERT OR REPLACE INTO {name} (rowid, {columns}) VALUES (1, {values})"  # noqa: S608 - a table of ours
        filled.refuses(name, hidden, row_of(table, 9))
        filled.refuses(name, sa.text(f"UPDATE OR REPLACE {name} SET rowid = 1 WHERE rowid = 2"))  # noqa: S608
    else:
        on = " AND ".join(f"old.{column} = new.{column}" for column in keys_of(table)[0])
        merge = f"MERGE INTO {name} old USING (SELECT * FROM {name}) new ON {on} WHEN MATCHED THEN"  # noqa: S608
        filled.refuses(name, f"{merge} DELETE")
        filled.refuses(name, f"{merge} UPDATE SET {names[-1]} = new.{names[-1]}")


@pytest.mark.parametrize("name", TABLES)
def test_rows_are_added_as_before(filled: Filled, name: str) -> None:
    with filled.engine.begin() as connection:
        connection.execute(sa.insert(table_named(name)), [row_of(table_named(name), 8)])
    assert len(filled.content(name)) == ROWS + 1


def test_the_triggers_know_every_key(databases: Databases) -> None:
    for name, keys in append_only.TABLES.items():
        known = {tuple(key.split(", ")) for key in keys if key != "rowid"}
        assert known == {tuple(key) for key in keys_of(table_named(name))}


@pytest.mark.parametrize(
    "work",
    [sa.update(table_named("audit_events")).values(actor="nobody"), sa.delete(table_named("audit_events"))],
    ids=["update", "delete"],
)
def test_the_hub_itself_is_refused_once_and_clearly(databases: Databases, work: Any) -> None:
    store = databases.open()
    store.write_now(lambda transaction: transaction.record(event("lender-a")))
    runs: list[int] = []

    def change(transaction: Any) -> None:
        runs.append(1)
        transaction._connection.execute(work)

    with pytest.raises(Refused) as caught:
        store.write_now(change)
    assert caught.value.reason is Reason.INTERNAL
    assert runs == [1]
    assert [row[0] for row in databases.rows("SELECT actor FROM audit_events")] == ["lender-a"]


def test_a_partition_refuses_as_its_table_does(databases: Databases) -> None:
    """None is partitioned. Who does it one day finds the row trigger on each partition, and puts the other there."""
    if databases.is_sqlite:
        pytest.skip("SQLite has no partitions")
    engine = sa.create_engine(databases.url)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE parted (id bigint PRIMARY KEY, word text) PARTITION BY RANGE (id)")
        for statement in append_only.statements("postgresql", "parted"):
            connection.exec_driver_sql(statement)
        connection.exec_driver_sql("CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (10)")
        connection.exec_driver_sql(append_only.statements("postgresql", "parted_1")[1])
        connection.exec_driver_sql("INSERT INTO parted VALUES (1, 'one')")
    for verb in ("UPDATE {} SET word = 'two'", "DELETE FROM {}", "TRUNCATE {}"):
        for name in ("parted", "parted_1"):
            with pytest.raises(DBAPIError, match="is append-only"), engine.begin() as connection:
                connection.exec_driver_sql(verb.format(name))
    assert databases.rows("SELECT word FROM parted") == [("one",)]
    engine.dispose()
