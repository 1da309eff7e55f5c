"""Canonical forms in worker processes: the same as here, whoever computes, and nothing lost with a worker."""

import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alliance.identifiers import (
    Identifier,
    InvalidIdentifier,
    Kind,
    Reason,
    canonicalise,
    needs_general_parser,
)
from member_client._canonical import WORTH_A_HAND_OVER, Canon, Helpers
from member_client._canonical_worker import Worker

LANDLINES = [(Kind.PHONE, f"020-8333{number:04}") for number in range(400)]
MIXED = [
    (Kind.PHONE, "13123456789"),
    (Kind.PHONE, "+1 415 555 2671"),
    (Kind.PHONE, "nonsense"),
    (Kind.DOMAIN, "bücher.example.com"),
    (Kind.EMAIL, "someone@bücher.example.com"),
    (Kind.EMAIL, "x"),
    (Kind.RESIDENT_ID, "360426199101010071"),
]


@pytest.fixture(scope="module")
def helpers() -> Iterator[Helpers]:
    made = Helpers(2)
    yield made
    made.close()


def here(fields: list[tuple[Kind, str]]) -> list[Identifier | Reason]:
    return Canon("CN", "test").forms(fields)


def test_forms_are_those_of_this_process(helpers: Helpers) -> None:
    fields = [*MIXED, *LANDLINES, *MIXED]
    assert Canon("CN", "test", helpers=helpers).forms(fields) == here(fields)


@settings(max_examples=20, deadline=None)
@given(texts=st.lists(st.text("0123456789+-. @xß。", max_size=40), min_size=1, max_size=20))
def test_whatever_is_typed_has_one_outcome(helpers: Helpers, texts: list[str]) -> None:
    fields = [(kind, text) for kind in (Kind.PHONE, Kind.EMAIL, Kind.DOMAIN) for text in texts] + LANDLINES[:200]
    assert Canon("CN", "test", helpers=helpers).forms(fields) == here(fields)


class Listed:
    """A suppression list of one."""

    def __init__(self, identifier: Identifier) -> None:
        self._identifier = identifier

    def contains(self, identifier: Identifier) -> bool:
        return identifier == self._identifier


def test_the_list_in_force_is_looked_up_here(helpers: Helpers) -> None:
    listed = canonicalise(*LANDLINES[7])
    canon = Canon("CN", "test", Listed(listed), helpers)
    forms = canon.forms(LANDLINES)
    assert [place for place, form in enumerate(forms) if form is Reason.SUPPRESSED] == [7]


def test_few_texts_and_exact_ones_stay_here() -> None:
    helpers = Helpers(2)
    canon = Canon("CN", "test", helpers=helpers)
    mobiles = [(Kind.PHONE, f"131 2345 {number:04}") for number in range(1000)]
    canon.forms(LANDLINES[: WORTH_A_HAND_OVER - 1] + mobiles)
    assert helpers._started == 0
    canon.forms(LANDLINES[:WORTH_A_HAND_OVER])
    assert helpers._started == 1
    helpers.close()


def test_a_worker_that_dies_loses_nothing() -> None:
    helpers = Helpers(1)
    canon = Canon("CN", "test", helpers=helpers)
    assert canon.forms(LANDLINES) == here(LANDLINES)
    (worker,) = helpers._idle
    os.kill(worker._process.pid, signal.SIGKILL)
    assert canon.forms(LANDLINES) == here(LANDLINES)
    assert canon.forms(LANDLINES) == here(LANDLINES)
    assert len(helpers._idle) == 1  # a new one
    helpers.close()
    assert canon.forms(LANDLINES) == here(LANDLINES)


def test_where_no_process_can_be_started_it_is_done_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/no/such/interpreter")
    helpers = Helpers(3)
    canon = Canon("CN", "test", helpers=helpers)
    for _ in range(5):
        assert canon.forms(LANDLINES) == here(LANDLINES)
    assert helpers._started == 3


def test_many_threads_share_the_workers(helpers: Helpers) -> None:
    canon = Canon("CN", "test", helpers=helpers)
    expected = here(LANDLINES)
    with ThreadPoolExecutor(6) as pool:
        assert all(forms == expected for forms in pool.map(canon.forms, [LANDLINES] * 12))
    assert threading.active_count() >= 1


def test_a_worker_shows_no_text_outside_its_pipes() -> None:
    worker = Worker()
    worker.forms(LANDLINES, "CN")
    process = f"/proc/{worker._process.pid}"
    if not os.path.exists(process):  # noqa: PTH110 - no file
        pytest.skip("there is no /proc here")
    shown = b""
    for name in ("cmdline", "environ"):
        with open(f"{process}/{name}", "rb") as file:  # noqa: PTH123
            shown += file.read()
    assert not [text for _, text in LANDLINES if text.encode() in shown]
    worker.close()
    assert worker._process.returncode == 0


@pytest.mark.parametrize(
    ("kind", "text", "needs"),
    [
        (Kind.PHONE, "13123456789", False),
        (Kind.PHONE, "+86 131-2345-6789", False),
        (Kind.PHONE, "020-83338338", True),
        (Kind.DOMAIN, "example.com", False),
        (Kind.DOMAIN, "bücher.example.com", True),
        (Kind.RESIDENT_ID, "360426199101010071", False),
    ],
)
def test_which_texts_need_a_general_parser(kind: Kind, text: str, *, needs: bool) -> None:
    assert needs_general_parser(kind, text) is needs
    with pytest.raises(InvalidIdentifier):
        canonicalise(kind, text + "?!")


def test_what_lies_in_the_working_folder_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ALLIANCE_PASSPHRASE", "a passphrase")
    worker = Worker()
    assert worker.forms(LANDLINES[:1], "CN") == ["+862083330000"]
    environment = Path(f"/proc/{worker._process.pid}/environ")
    assert not environment.exists() or b"a passphrase" not in environment.read_bytes()
    worker.close()
