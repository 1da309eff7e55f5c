"""The ledger: what many tasks write at once is durable for each of them, in few transactions."""

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from client_fixtures import new_store

from alliance.crypto.secret import Secret
from member_client import StorageFull
from member_client._ledger import Ledger
from member_client._state import STORE_FILE
from member_client._store import Shelf, Store
from member_client._workers import Workers

NAMES = [b"%d" % number for number in range(50)]


class CountingStore(Store):
    """A store that counts its transactions, and may be full."""

    transactions = 0
    full = False

    def put_many(self, values: Iterable[Any] = (), **others: Any) -> None:
        self.transactions += 1
        if self.full:
            raise StorageFull("the disk is full")
        super().put_many(values, **others)


async def test_what_was_put_at_once_is_durable_in_few_transactions(tmp_path: Path) -> None:
    store, workers = CountingStore(tmp_path / STORE_FILE, Secret(b"k" * 32)), Workers(1)
    ledger = Ledger(store, workers)
    await asyncio.gather(*(ledger.put(Shelf.VERDICTS, name, b"v" + name) for name in NAMES))
    assert new_store(tmp_path).get_many(Shelf.VERDICTS, NAMES) == [b"v" + name for name in NAMES]
    assert store.transactions == 1
    await asyncio.gather(*(_put_later(ledger, number, name) for number, name in enumerate(NAMES)))
    assert store.transactions < len(NAMES)
    await workers.close()


async def _put_later(ledger: Ledger, turns: int, name: bytes) -> None:
    for _ in range(turns):
        await asyncio.sleep(0)
    await ledger.put(Shelf.CONSENTS, name, name)


async def test_each_writer_is_told_that_nothing_was_written(tmp_path: Path) -> None:
    store, workers = CountingStore(tmp_path / STORE_FILE, Secret(b"k" * 32)), Workers(1)
    ledger = Ledger(store, workers)
    store.full = True
    puts = (ledger.put(Shelf.VERDICTS, name, name) for name in NAMES)
    outcomes = await asyncio.gather(*puts, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {StorageFull}
    store.full = False
    await ledger.put(Shelf.VERDICTS, NAMES[0], b"again")
    assert store.get(Shelf.VERDICTS, NAMES[0]) == b"again"
    await workers.close()


async def test_a_writer_that_gave_up_holds_up_no_other(tmp_path: Path) -> None:
    store, workers = new_store(tmp_path), Workers(1)
    ledger = Ledger(store, workers)
    writing = [asyncio.create_task(ledger.put(Shelf.VERDICTS, name, name)) for name in NAMES[:3]]
    await asyncio.sleep(0)
    writing[1].cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing[1]
    await asyncio.gather(writing[0], writing[2])
    assert store.get(Shelf.VERDICTS, NAMES[2]) == NAMES[2]
    await workers.close()
