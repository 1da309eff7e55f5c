"""The store: sealed, bound to its place, durable, and noticing damage."""

import sqlite3
from pathlib import Path

import pytest
from client_fixtures import new_store

from member_client import StoreDamaged
from member_client._state import STORE_FILE
from member_client._store import Shelf

NAME, VALUE = b"13800138000", b"PLAINTEXT-OF-A-VERDICT"


def test_values_come_back_and_go(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    store.put_many([(Shelf.JOURNAL, b"%d" % i, b"v%d" % i, None) for i in range(1500)])
    found = store.get_many(Shelf.JOURNAL, [b"7", b"none", b"1499", b"7"])
    assert found == [b"v7", None, b"v1499", b"v7"]
    store.put_many(remove=[(Shelf.JOURNAL, b"7")])
    assert store.get(Shelf.JOURNAL, b"7") is None
    assert store.get(Shelf.VERDICTS, b"8") is None


def test_nothing_is_on_disk_in_clear(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    store.put(Shelf.VERDICTS, NAME, VALUE)
    files = [path.read_bytes() for path in tmp_path.iterdir()]
    assert len(files) >= 2  # the write-ahead log too
    assert not any(secret in content for content in files for secret in (NAME, VALUE, NAME.hex().encode()))
    assert (tmp_path / STORE_FILE).stat().st_mode & 0o077 == 0


def test_what_was_written_survives_without_a_close(tmp_path: Path) -> None:
    new_store(tmp_path).put(Shelf.PINS, NAME, VALUE)
    assert new_store(tmp_path).get(Shelf.PINS, NAME) == VALUE


def test_a_claimed_name_stays_with_its_first_value(tmp_path: Path) -> None:
    one, other = new_store(tmp_path), new_store(tmp_path)
    assert one.claim(Shelf.PINS, NAME, b"first") == b"first"
    assert other.claim(Shelf.PINS, NAME, b"second") == b"first"


def test_reading_does_not_wait_for_a_writer(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    store.put(Shelf.VERDICTS, NAME, VALUE)
    with sqlite3.connect(tmp_path / STORE_FILE, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("DELETE FROM verdicts")
        assert store.get(Shelf.VERDICTS, NAME) == VALUE
        other.execute("COMMIT")
    assert store.get(Shelf.VERDICTS, NAME) is None


def test_what_has_ended_is_purged(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    store.put_many([(Shelf.VERDICTS, b"a", VALUE, 10), (Shelf.VERDICTS, b"b", VALUE, 11)])
    store.purge(10)
    assert store.get_many(Shelf.VERDICTS, [b"a", b"b"]) == [None, VALUE]


def test_rows_are_found_by_their_topics(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    rows = [(Shelf.DECISIONS, b"%d" % number, b"v%d" % number, 10 + number) for number in range(3)]
    topics = [(Shelf.DECISIONS, NAME, b"%d" % number, 10 + number) for number in (0, 1, 2, 1)]
    store.put_many(rows, topics=[*topics, (Shelf.DECISIONS, b"other", b"2", 12)])
    assert sorted(store.about(Shelf.DECISIONS, NAME)) == [b"v0", b"v1", b"v2"]
    assert store.about(Shelf.VERDICTS, NAME) == []
    found = store.about_many(Shelf.DECISIONS, [b"none", b"other", *(b"%d" % number for number in range(1000)), NAME])
    assert {topic: len(values) for topic, values in found.items()} == {b"other": 1, NAME: 3}
    store.purge(11)
    assert store.about(Shelf.DECISIONS, NAME) == [b"v2"]
    assert not any(NAME in path.read_bytes() for path in tmp_path.iterdir())


def test_another_key_does_not_open_it(tmp_path: Path) -> None:
    new_store(tmp_path)
    with pytest.raises(StoreDamaged):
        new_store(tmp_path, b"x" * 32)


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE pins SET sealed = substr(sealed, 1, length(sealed) - 1) || x'00'",
        "UPDATE pins SET sealed = x''",
        "UPDATE pins SET sealed = (SELECT sealed FROM pins ORDER BY name LIMIT 1)",
    ],
)
def test_changed_and_moved_values_are_noticed(tmp_path: Path, damage: str) -> None:
    store = new_store(tmp_path)
    names = [b"one", b"two", b"three"]
    store.put_many([(Shelf.PINS, name, VALUE, None) for name in names])
    with sqlite3.connect(tmp_path / STORE_FILE) as other:
        other.execute(damage)
    with pytest.raises(StoreDamaged):
        store.get_many(Shelf.PINS, names)


def test_a_file_that_is_no_store_is_refused(tmp_path: Path) -> None:
    (tmp_path / STORE_FILE).write_bytes(b"not a database, and longer than its header of a hundred bytes" * 4)
    with pytest.raises(StoreDamaged):
        new_store(tmp_path)
