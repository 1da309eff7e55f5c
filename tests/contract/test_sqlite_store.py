"""What is SQLite's own: settings for durability, and a disk that is full."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from support.stores import Databases, event, held_writer

from alliance.errors import Reason
from alliance_server.domain.errors import Refused
from alliance_server.domain.ports import Transaction
from alliance_server.storage import database, schema
from alliance_server.storage.unit_of_work import SqlStore

ROOM_PAGES = 24
BIG = 400_000


@pytest.fixture
def databases(tmp_path: Path) -> Iterator[Databases]:
    url = f"sqlite:///{tmp_path / 'hub.db'}"
    engine = database.connect(url)
    schema.upgrade(engine)
    engine.dispose()
    opened = Databases(url)
    yield opened
    opened.close()


def limited(store: SqlStore) -> None:
    """Leave a database some pages to grow."""

    @sa.event.listens_for(store.engine, "connect")
    def limit(connection: Any, _record: Any) -> None:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages + ROOM_PAGES}")


def keep(name: str, size: int = 10) -> Callable[[Transaction], str]:
    """A unit of some size, with its audit record."""

    def work(transaction: Transaction) -> str:
        transaction.leases.acquire(name, "x" * size, 0, 1)
        transaction.record(event(name))
        return name

    return work


def stored(databases: Databases) -> tuple[list[str], list[str]]:
    names = [row[0] for row in databases.rows("SELECT name FROM leases ORDER BY name")]
    return names, [row[0] for row in databases.rows("SELECT actor FROM audit_events ORDER BY actor")]


@pytest.mark.parametrize(
    ("pragma", "value"),
    [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1), ("busy_timeout", 15_000)],
)
def test_every_connection_is_set_up_to_be_durable(databases: Databases, pragma: str, value: object) -> None:
    with databases.open().engine.connect() as connection:
        assert connection.exec_driver_sql(f"PRAGMA {pragma}").scalar() == value


def test_foreign_keys_hold(databases: Databases) -> None:
    from support.stores import certificate

    with pytest.raises(Refused):
        databases.open().write_now(lambda transaction: transaction.members.add_certificate(certificate("1", "nobody")))


async def test_a_full_disk_is_said_so_and_spoils_nothing(databases: Databases) -> None:
    store = databases.open(limited)
    assert await store.write(keep("before")) == "before"
    with pytest.raises(Refused) as caught:
        await store.write(keep("big", BIG))
    assert caught.value.reason is Reason.STORAGE_FULL
    assert stored(databases) == (["before"], ["before"])
    assert await store.write(keep("after")) == "after"
    assert stored(databases) == (["after", "before"], ["after", "before"])


async def test_a_unit_that_fills_the_disk_takes_no_acknowledged_one_along(databases: Databases) -> None:
    store = databases.open(limited)
    sizes = {f"unit-{number}": BIG if number in {2, 5} else 10 for number in range(8)}
    with held_writer(store):
        units = {name: asyncio.ensure_future(store.write(keep(name, size))) for name, size in sizes.items()}
        await asyncio.sleep(0)
    results = await asyncio.gather(*units.values(), return_exceptions=True)
    acknowledged = [result for result in results if isinstance(result, str)]
    refused = [result for result in results if not isinstance(result, str)]
    assert stored(databases) == (acknowledged, acknowledged)
    assert acknowledged == [name for name, size in sizes.items() if size < BIG]
    assert [error.reason for error in refused if isinstance(error, Refused)] == [Reason.STORAGE_FULL] * 2


async def test_a_disk_that_fills_up_while_events_are_written(databases: Databases) -> None:
    store = databases.open(limited)
    acknowledged = []
    refused: list[Reason] = []
    for number in range(400):
        name = f"unit-{number:03}"
        try:
            acknowledged.append(await store.write(keep(name, 2000)))
        except Refused as error:
            refused.append(error.reason)
    assert set(refused) == {Reason.STORAGE_FULL}
    assert acknowledged
    assert stored(databases) == (acknowledged, acknowledged)


async def test_a_writer_that_holds_the_database_is_waited_for(databases: Databases) -> None:
    store, other = databases.open(), databases.open()
    with held_writer(other):
        waiting = asyncio.ensure_future(store.write(keep("late")))
        reading = await store.read(lambda transaction: transaction.epochs.all())
        assert reading == []
        assert not waiting.done()
    assert await waiting == "late"


async def test_a_database_that_stays_locked_is_unavailable(
    databases: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_BUSY_TIMEOUT_MS", 1)
    store, other = databases.open(), databases.open()
    with held_writer(other):
        results = await asyncio.gather(*(store.write(keep(name)) for name in ("one", "two")), return_exceptions=True)
    assert [error.reason for error in results if isinstance(error, Refused)] == [Reason.UNAVAILABLE] * 2
    assert await store.write(keep("after")) == "after"
    assert stored(databases) == (["after"], ["after"])
