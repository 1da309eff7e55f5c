"""Many rows at once: what goes wrong is told as for any other statement."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from alliance.errors import Reason
from alliance_server.storage import bulk, database
from alliance_server.storage.unit_of_work import SqlStore

ITEMS = sa.Table("items", sa.MetaData(), sa.Column("id", sa.LargeBinary, primary_key=True), sa.Column("n", sa.Integer))
BY_ID = bulk.Lookup(ITEMS, "id, n", "id = {key}", 4)
ADD = bulk.Insertion(ITEMS, ("id", "n"))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlStore]:
    made = SqlStore(f"sqlite:///{tmp_path / 'hub.db'}")
    with made.engine.begin() as connection:
        ITEMS.metadata.create_all(connection)
        ADD.run(connection, [(number.to_bytes(4, "big"), number) for number in range(5000)])
    yield made
    made.close()


def test_more_keys_than_a_statement_takes_parameters(store: SqlStore) -> None:
    keys = [number.to_bytes(4, "big") for number in range(0, 80_000, 2)]
    with store.engine.connect() as connection:
        found = BY_ID.run(connection, keys)
    assert sorted(number for _, number in found) == list(range(0, 5000, 2))


def test_keys_of_another_width_are_a_mistake_and_no_other_key(store: SqlStore) -> None:
    with store.engine.connect() as connection, pytest.raises(ValueError, match="4 bytes"):
        BY_ID.run(connection, [b"\x00\x00\x00\x01", b"\x00\x00\x00"])


def test_a_failure_while_rows_are_read_is_a_refusal(store: SqlStore) -> None:
    def second_row_fails(number: int) -> int:
        if number:
            raise OSError
        return number

    query = sa.text("SELECT read_row(n) FROM items ORDER BY id")
    with store.engine.connect() as connection:
        driver: Any = connection.connection.dbapi_connection
        driver.create_function("read_row", 1, second_row_fails)
        with pytest.raises(DBAPIError) as caught:
            bulk.rows(connection, query, {})
    assert database.refusal_of(caught.value).reason is Reason.UNAVAILABLE
