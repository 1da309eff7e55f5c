"""What changes in a profile: damage is noticed, set aside and rebuilt; pins are not."""

import os
import sqlite3
from contextlib import suppress
from pathlib import Path

import pytest

from alliance.crypto.secret import Secret
from member_client import ConfigurationInvalid, PinsDamaged, StoreDamaged
from member_client._state import DECISIONS_FILE, PINS_FILE, STORE_FILE, State, files_set_aside, open_state
from member_client._store import Shelf

KEY = Secret(b"k" * 32)
NOISE = b"not a database, and longer than its header of a hundred bytes" * 4


def opened(folder: Path) -> State:
    return open_state(folder, KEY, 1_800_000_000_000)


def spoil(folder: Path, name: bytes = b"a") -> None:
    """Change the one value of a shelf as a bad sector would."""
    with sqlite3.connect(folder / STORE_FILE) as other:
        other.execute("UPDATE journal SET sealed = substr(sealed, 1, length(sealed) - 1) || x'00'")


def test_a_store_that_does_not_open_is_set_aside_and_rebuilt(tmp_path: Path) -> None:
    state = opened(tmp_path)
    state.pins.put(Shelf.PINS, b"epoch", b"pinned")
    state.store.put(Shelf.JOURNAL, b"a", b"row")
    state.close()
    (tmp_path / STORE_FILE).write_bytes(NOISE)
    again = opened(tmp_path)
    assert again.store.get(Shelf.JOURNAL, b"a") is None
    assert again.pins.get(Shelf.PINS, b"epoch") == b"pinned"
    (aside,) = files_set_aside(tmp_path)
    assert aside.read_bytes() == NOISE
    again.store.put(Shelf.JOURNAL, b"a", b"new")
    again.close()
    assert opened(tmp_path).store.get(Shelf.JOURNAL, b"a") == b"new"
    assert len(files_set_aside(tmp_path)) == 1


def test_damage_that_is_found_later_is_mended_by_whoever_opens_next(tmp_path: Path) -> None:
    state = opened(tmp_path)
    state.store.put(Shelf.JOURNAL, b"a", b"row")
    spoil(tmp_path)
    with pytest.raises(StoreDamaged):
        state.store.get(Shelf.JOURNAL, b"a")
    assert state.is_damaged
    state.close()
    again = opened(tmp_path)
    assert again.store.get(Shelf.JOURNAL, b"a") is None
    assert len(files_set_aside(tmp_path)) == 1
    assert not again.is_damaged


def test_a_damaged_log_of_decisions_is_set_aside_and_the_store_stays(tmp_path: Path) -> None:
    state = opened(tmp_path)
    state.store.put(Shelf.JOURNAL, b"a", b"row")
    state.decisions.put(Shelf.DECISIONS, b"r", b"decision")
    with sqlite3.connect(tmp_path / DECISIONS_FILE) as other:
        other.execute("UPDATE decisions SET sealed = substr(sealed, 1, length(sealed) - 1) || x'00'")
    with pytest.raises(StoreDamaged):
        state.decisions.get(Shelf.DECISIONS, b"r")
    assert state.is_damaged
    state.close()
    again = opened(tmp_path)
    assert again.decisions.get(Shelf.DECISIONS, b"r") is None
    assert again.store.get(Shelf.JOURNAL, b"a") == b"row"
    assert (len(files_set_aside(tmp_path, DECISIONS_FILE)), files_set_aside(tmp_path)) == (1, [])
    again.close()


def test_who_has_the_old_file_open_does_not_condemn_the_new_one(tmp_path: Path) -> None:
    first, second = opened(tmp_path), opened(tmp_path)
    first.store.put(Shelf.JOURNAL, b"a", b"row")
    spoil(tmp_path)
    for state in (first, second):
        with pytest.raises(StoreDamaged):
            state.store.get(Shelf.JOURNAL, b"a")
    first.close()
    third = opened(tmp_path)
    third.store.put(Shelf.JOURNAL, b"b", b"new")
    second.close()
    assert opened(tmp_path).store.get(Shelf.JOURNAL, b"b") == b"new"
    assert len(files_set_aside(tmp_path)) == 1


def test_damaged_pins_stop_everything_and_stay_as_they_are(tmp_path: Path) -> None:
    opened(tmp_path).close()
    (tmp_path / PINS_FILE).write_bytes(NOISE)
    with pytest.raises(PinsDamaged):
        opened(tmp_path)
    assert (tmp_path / PINS_FILE).read_bytes() == NOISE
    assert not files_set_aside(tmp_path)


def test_another_key_is_told_before_a_whole_store_is_set_aside(tmp_path: Path) -> None:
    opened(tmp_path).close()
    with pytest.raises(PinsDamaged):
        open_state(tmp_path, Secret(b"x" * 32), 1)
    assert not files_set_aside(tmp_path)


def test_a_folder_in_the_place_of_the_file_is_no_damage(tmp_path: Path) -> None:
    (tmp_path / STORE_FILE).mkdir()
    with pytest.raises(ConfigurationInvalid):
        opened(tmp_path)
    assert not files_set_aside(tmp_path)


@pytest.mark.parametrize("loss", ["removed", "emptied", "rows removed"])
def test_pins_that_are_gone_are_not_taken_for_new_ones(tmp_path: Path, loss: str) -> None:
    state = opened(tmp_path)
    state.pins.put(Shelf.PINS, b"epoch", b"pinned")
    state.close()
    path = tmp_path / PINS_FILE
    if loss == "rows removed":
        with sqlite3.connect(path) as other:
            other.execute("DELETE FROM pins")
    else:
        for part in ("", "-wal", "-shm"):
            path.with_name(path.name + part).unlink(missing_ok=True)
        if loss == "emptied":
            path.touch()
    for _ in range(2):
        with pytest.raises(PinsDamaged):
            opened(tmp_path)
    # Who wants to trust anew moves both away.
    path.unlink(missing_ok=True)
    (tmp_path / STORE_FILE).unlink()
    opened(tmp_path).close()


@pytest.mark.parametrize("offset", [0, 4096, 40_000, 100_000, 200_000])
def test_damage_anywhere_in_the_file_heals(tmp_path: Path, offset: int) -> None:
    state = opened(tmp_path)
    state.store.put_many([(Shelf.JOURNAL, b"%d" % number, b"v" * 400, 10**15) for number in range(800)])
    state.close()
    with (tmp_path / STORE_FILE).open("r+b") as file:
        file.seek(offset)
        file.write(os.urandom(16_384))
    for _ in range(3):
        with suppress(StoreDamaged):
            state = opened(tmp_path)
            state.store.get_many(Shelf.JOURNAL, [b"%d" % number for number in range(800)])
        state.close()
    again = opened(tmp_path)
    again.store.put(Shelf.JOURNAL, b"new", b"v")
    assert again.store.get(Shelf.JOURNAL, b"new") == b"v"
    assert len(files_set_aside(tmp_path)) == 1
