"""Rows between reading and results: in order, whoever is faster, and nothing is kept that need not be."""

import random
import threading

import pytest

from member_client.cli.reading import RowsInOrder
from member_client.files import Refusal


def refusal(number: int) -> Refusal:
    return Refusal(number, "", "", "empty", "")


def test_a_file_of_bad_rows_is_done_with_as_it_is_read() -> None:
    done: list[int] = []
    rows: RowsInOrder[int] = RowsInOrder(lambda it: done.append(it.row))
    for number in range(1000):
        rows.refused(refusal(number))
        assert len(done) == number + 1


def test_a_refused_row_waits_for_those_before_it() -> None:
    done: list[int] = []
    rows: RowsInOrder[int] = RowsInOrder(lambda it: done.append(it.row))
    rows.sent(1)
    rows.refused(refusal(2))
    rows.sent(3)
    rows.refused(refusal(4))
    assert done == []
    assert rows.next_sent() == 1
    rows.catch_up()
    assert done == [2]
    assert rows.next_sent() == 3
    rows.catch_up()
    assert done == [2, 4]


@pytest.mark.parametrize("seed", range(5))
def test_two_threads_keep_the_order_of_the_file(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - repeatable
    plan = [chance.random() < 0.5 for _ in range(3000)]
    done: list[int] = []
    rows: RowsInOrder[int] = RowsInOrder(lambda it: done.append(it.row))
    sent = threading.Semaphore(0)

    def read() -> None:
        for number, is_good in enumerate(plan):
            if is_good:
                rows.sent(number)
                sent.release()
            else:
                rows.refused(refusal(number))

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(sum(plan)):
        sent.acquire()
        with rows.lock:
            done.append(rows.next_sent())
            rows.catch_up()
    reader.join()
    rows.catch_up()
    assert done == list(range(3000))
