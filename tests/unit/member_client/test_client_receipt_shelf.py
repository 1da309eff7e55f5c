"""The receipts that a machine keeps: sealed, bounded, shared by processes, and whole again after a crash."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from alliance.crypto.secret import Secret
from member_client._log import KeptReceipt, ReceiptShelf, shelf
from member_client._workers import Workers

KEY = Secret(b"r" * 32)


@pytest.fixture
async def workers() -> AsyncIterator[Workers]:
    pools = Workers(1)
    yield pools
    await pools.close()


def given(number: int) -> KeptReceipt:
    return KeptReceipt(b"statement %06d" % number, 1_790_000_000_000 + number)


async def kept(folder: Path, workers: Workers, *numbers: int) -> None:
    opened = ReceiptShelf(folder, KEY, workers)
    for number in numbers:
        opened.add(given(number))
    await opened.close()


def numbers(folder: Path, workers: Workers, key: Secret = KEY) -> list[int]:
    return [int(it.statement.split()[1]) for it in ReceiptShelf(folder, key, workers).all()]


async def test_what_was_kept_is_there_for_the_next_process_and_for_nobody_else(
    tmp_path: Path, workers: Workers
) -> None:
    await kept(tmp_path, workers, 1, 2)
    await kept(tmp_path, workers, 3)
    assert numbers(tmp_path, workers) == [1, 2, 3]
    assert numbers(tmp_path, workers, Secret(b"x" * 32)) == []
    (segment,) = (tmp_path / "receipts").glob("*.seg")
    assert segment.stat().st_mode & 0o077 == 0
    assert b"statement" not in segment.read_bytes()


async def test_several_open_shelves_append_to_one_segment(tmp_path: Path, workers: Workers) -> None:
    first, second = ReceiptShelf(tmp_path, KEY, workers), ReceiptShelf(tmp_path, KEY, workers)
    for number in range(6):
        one = (first, second)[number % 2]
        one.add(given(number))
        await one.flush()
    assert numbers(tmp_path, workers) == [0, 1, 2, 3, 4, 5]
    await first.close()
    await second.close()


@pytest.mark.parametrize("cut", [1, 5, 7, 30])
async def test_a_frame_that_was_cut_off_takes_nothing_else_with_it(tmp_path: Path, workers: Workers, cut: int) -> None:
    await kept(tmp_path, workers, 1)
    (segment,) = (tmp_path / "receipts").glob("*.seg")
    whole = segment.read_bytes()
    await kept(tmp_path, workers, 2)
    segment.write_bytes(segment.read_bytes()[: len(whole) + cut])
    assert numbers(tmp_path, workers) == [1]
    await kept(tmp_path, workers, 3)
    assert numbers(tmp_path, workers) == [1, 3]


async def test_a_changed_frame_is_passed_over(tmp_path: Path, workers: Workers) -> None:
    await kept(tmp_path, workers, 1)
    await kept(tmp_path, workers, 2)
    (segment,) = (tmp_path / "receipts").glob("*.seg")
    content = bytearray(segment.read_bytes())
    content[20] ^= 1
    segment.write_bytes(bytes(content))
    assert numbers(tmp_path, workers) == [2]


async def test_the_newest_are_kept_and_no_more(
    tmp_path: Path, workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shelf, "SEGMENT_RECEIPTS", 10)
    monkeypatch.setattr(shelf, "SEGMENTS", 3)
    opened = ReceiptShelf(tmp_path, KEY, workers)
    for number in range(100):
        opened.add(given(number))
        await opened.flush()
    await opened.close()
    left = numbers(tmp_path, workers)
    assert left == list(range(70, 100))
    assert {int(it.statement.split()[1]) for it in opened.sample(5)} <= set(left)


async def test_a_disk_that_takes_nothing_is_told_and_stops_nobody(
    tmp_path: Path, workers: Workers, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "receipts").write_text("in the way")
    await kept(tmp_path, workers, 1)
    assert "1 receipts cannot be kept" in caplog.text
