"""A screening that stops half way and is taken up: a hub and a command line, each a process of its own."""

import asyncio
import json
import re
import signal
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from support.books import Books
from support.forked import ForkedWithPipes
from support.hub import RunningHub
from support.lender_process import member_client
from support.process import hub_process
from support.sdk import contribute, lender, row

from alliance.taxonomy import Purpose
from member_client.cli.endings import ROWS_REFUSED

pytestmark = pytest.mark.asyncio(loop_scope="module")

INTERRUPTED = 130
ROWS = 8_000
LISTED = range(0, ROWS, 97)
NONSENSE = range(50, ROWS, 1_000)
IDENTIFIERS = ROWS - len(NONSENSE)
GIVEN = "book-of-january"
USED = "SELECT coalesce(sum(used), 0) FROM budgets WHERE member_id = :it AND resource = :resource"


@pytest.fixture(autouse=True)
def interruptible() -> Iterator[None]:
    """Children must hear SIGINT, also where whoever runs the tests ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def phone(number: int) -> str:
    return f"+8613123{number:06d}"


def write_book(path: Path) -> None:
    cells = ("nonsense" if number in NONSENSE else phone(number) for number in range(ROWS))
    lines = [f"C-{number},{cell}" for number, cell in enumerate(cells)]
    path.write_text("\n".join(("no,mobile", *lines)) + "\n", "utf-8")


@dataclass(frozen=True)
class Member:
    """A member at its command line, and what the hub charged it."""

    hub: RunningHub
    name: str

    @property
    def folder(self) -> Path:
        return self.hub.folder.parent

    @property
    def out(self) -> Path:
        return self.folder / f"{self.name}.csv"

    @property
    def files(self) -> list[str]:
        """The results but for the receipts, which are each member's own, and the refused rows."""
        results = re.sub(r"R-[A-Z2-7]{26}-[0-9]+", "R", self.out.read_text("utf-8"))
        return [results, self.out.with_suffix(".refused.csv").read_text("utf-8")]

    async def start(self, *options: str) -> ForkedWithPipes:
        """Screen the book."""
        command = ("screen", "book.csv", "--map", "phone=mobile", "--ref", "no", "--purpose", "portfolio_screening")
        files = ("--out", str(self.out), "--refused", str(self.out.with_suffix(".refused.csv")))
        told = ("--profile", str(self.folder / self.name), *command, "--consent", "basis-7", *files, "--json", *options)
        return await member_client(told, self.folder)

    def charged(self) -> int:
        return Books(self.hub, self.name).number(USED, resource=int(Purpose.PORTFOLIO_SCREENING))

    async def stopped_half_way(self, number: signal.Signals, *options: str) -> tuple[int, bytes, bytes]:
        """Screen the book until the hub charged some of it; gives the exit code, and what was printed."""
        process = await self.start(*options)
        while process.returncode is None and self.charged() == 0:  # noqa: ASYNC110 - the hub tells nobody
            await asyncio.sleep(0.01)
        process.send_signal(number)
        said, told = await process.communicate()
        assert 0 < self.charged() < IDENTIFIERS, "the run ended before it was stopped"
        assert not await asyncio.to_thread(self.out.exists)
        return await process.wait(), said, told

    async def finished(self, *options: str) -> dict[str, Any]:
        """Screen the book to its end; gives the document."""
        process = await self.start(*options)
        said, _ = await process.communicate()
        assert process.returncode == ROWS_REFUSED
        assert phone(LISTED[1]) not in said.decode()
        return dict(json.loads(said))


@dataclass(frozen=True)
class Calm:
    """A run that nobody stopped: what it printed, its files, and what it was charged."""

    document: dict[str, Any]
    files: list[str]
    charged: int


@dataclass(frozen=True)
class Stage:
    """A hub that lists some of the book, and a run to compare others with."""

    hub: RunningHub
    calm: Calm

    async def member(self, name: str) -> Member:
        """Enrol a member whose filter knows of all that is listed."""
        async with lender(self.hub, name) as client:
            while (await client.sync()).sequence < len(LISTED):  # noqa: ASYNC110 - it happens in the hub
                await asyncio.sleep(0.1)
        return Member(self.hub, name)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    folder = tmp_path_factory.mktemp("resumed")
    write_book(folder / "book.csv")
    async with hub_process(folder / "hub") as (_, hub):
        async with lender(hub, "lister") as lister:
            await contribute(lister, [row(phone(number)) for number in LISTED])
        calm = await Stage(hub, Calm({}, [], 0)).member("calm")
        yield Stage(hub, Calm(await calm.finished(), calm.files, calm.charged()))


async def _ends_like_the_other(calm: Calm, stopped: Member, run_id: str) -> None:
    document = await stopped.finished("--resume", run_id)
    assert document["run"] == run_id
    assert document["states"] == calm.document["states"]
    assert document["states"]["match"] == len(set(LISTED) - set(NONSENSE))
    assert stopped.files == calm.files
    assert stopped.charged() == calm.charged == IDENTIFIERS


async def test_an_interrupted_screening_says_how_it_goes_on_and_is_charged_once(stage: Stage) -> None:
    stopped = await stage.member("interrupted")
    code, said, told = await stopped.stopped_half_way(signal.SIGINT)
    assert code == INTERRUPTED
    note = told.decode().splitlines()[-1]
    found = re.search(r"--resume (S-[A-Z2-7]{16}), within a day$", note)
    assert found is not None
    assert [f"member-client: {it}" for it in json.loads(said)["error"]["notes"]] == [note]
    await _ends_like_the_other(stage.calm, stopped, found[1])


async def test_a_killed_screening_is_taken_up_by_the_id_that_it_was_given(stage: Stage) -> None:
    stopped = await stage.member("killed")
    code, said, told = await stopped.stopped_half_way(signal.SIGKILL, "--run-id", GIVEN)
    assert (code, said, told) == (-signal.SIGKILL, b"", b"")
    await _ends_like_the_other(stage.calm, stopped, GIVEN)
