"""Full disks, real ones, on either side: what was acknowledged stays, it is said what is wrong, and room mends it."""

import csv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.books import Books
from support.hub import RunningHub, running_hub
from support.lender_process import member_client
from support.postgres import Postgres
from support.process import hub_process
from support.sdk import PHONES, PORTFOLIO, contribute, lender, row, screen
from support.small_disk import SmallDisk, small_disk

from alliance.errors import CATALOGUE, Reason
from alliance.taxonomy import Purpose
from member_client import AllianceClient, Consent, ContributionResult, ContributionRow, State, Subject
from member_client.cli.endings import NOT_SETTLED
from member_client.contributing import OPEN_CHUNKS
from member_client.errors import StorageFull

NewFolder = Callable[[], Path]
MANY_ROUNDS = 200


def phone_rows(count: int, start: int = 0) -> list[ContributionRow]:
    return [row(f"+8613123{number:06d}", row_number=number) for number in range(start, start + count)]


async def contributed_until_full(client: AllianceClient, start: int) -> tuple[StorageFull, set[bytes], int]:
    """Contribute lists until the hub has no room; gives what it said, what it acknowledged, and the next row."""
    stand: set[bytes] = set()
    for _ in range(MANY_ROUNDS):
        rows, start = phone_rows(100, start), start + 100
        try:
            async for result in client.contribute(rows):
                if result.entry_id:
                    stand.add(result.entry_id)
        except StorageFull as full:
            return full, stand, start
    raise AssertionError("the disk never was full")


# -- the hub's ---------------------------------------------------------------------------------------------------


@pytest.fixture
def disk() -> Iterator[SmallDisk]:
    with small_disk(24) as mounted:
        yield mounted


@pytest.fixture(params=["sqlite", "postgresql"])
def database_on_disk(request: pytest.FixtureRequest, disk: SmallDisk) -> Iterator[str]:
    """A database whose files lie on the small disk."""
    if request.param == "sqlite":
        yield ""
        return
    postgres: Postgres = request.getfixturevalue("postgres")
    with postgres.on_disk(disk.folder) as url:
        yield url
        disk.make_room()


async def test_a_hub_without_room_says_so_and_works_again_when_it_has_some(
    tmp_path: Path, disk: SmallDisk, database_on_disk: str
) -> None:
    (disk.folder / "hub").mkdir()
    (tmp_path / "hub").symlink_to(disk.folder / "hub")
    async with hub_process(tmp_path / "hub", database_on_disk) as (process, hub), lender(hub, "a") as client:
        books = Books(hub, "a")
        before = await contribute(client, phone_rows(300))
        disk.fill()
        full, stand, rows = await contributed_until_full(client, 300)
        assert (full.exit_code, str(full)) == (NOT_SETTLED, CATALOGUE[Reason.STORAGE_FULL].sentence)
        assert process.is_alive
        assert {it.entry_id for it in before} | stand <= {bytes.fromhex(it) for it in books.entries()}
        # A short record may still fit into a page that is there: what is not on record is not answered.
        (verdict,) = await screen(client, [PHONES[0]])
        assert verdict.state in {State.UNKNOWN, State.CLEAR}
        assert books.evaluated(Purpose.PORTFOLIO_SCREENING) == (verdict.state is State.CLEAR)

        disk.make_room()
        assert process.is_alive
        results = await contribute(client, phone_rows(rows))
        assert {it.entry_id for it in before} | stand <= {it.entry_id for it in results}
        assert books.filed() == len(books.entries()) == rows
        books.check_registry()
        books.check_charges()
        assert not (await screen(client, [PHONES[0]]))[0].matches
        if not database_on_disk:
            assert books.rows("PRAGMA integrity_check") == [("ok",)]


# -- the member's ------------------------------------------------------------------------------------------------


@pytest.fixture
def members_disk() -> Iterator[SmallDisk]:
    with small_disk(16) as mounted:
        yield mounted


async def enrolled_on(disk: SmallDisk, hub: RunningHub, name: str = "a", **options: Any) -> AllianceClient:
    return AllianceClient(await hub.enrolled(name, disk.folder / name), clock=hub.clock, **options)


async def test_a_contributor_without_room_sends_nothing_that_it_could_not_write_down(
    new_hub_folder: NewFolder, members_disk: SmallDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("member_client.contributing.MAX_ROWS", 32)
    rows = phone_rows(400)
    async with running_hub(new_hub_folder()) as hub, await enrolled_on(members_disk, hub) as client:
        books = Books(hub, "a")
        before: list[ContributionResult] = []

        async def contribute_until_full() -> None:
            async for result in client.contribute(rows):
                before.append(result)
                if len(before) == 100:
                    members_disk.fill()

        with pytest.raises(StorageFull) as raised:
            await contribute_until_full()
        assert raised.value.exit_code == NOT_SETTLED
        assert "full" in str(raised.value)
        assert {it.entry_id.hex() for it in before} <= books.entries()
        others = phone_rows(200, 10_000)
        with pytest.raises(StorageFull):
            await contribute(client, others)

        members_disk.make_room()
        results = await contribute(client, [*rows, *others])
        assert [it.entry_id for it in results[: len(before)]] == [it.entry_id for it in before]
        # Whatever was filed is what was written down before.
        assert {it.entry_id.hex() for it in results} == books.entries()
        assert books.filed() == len(rows) + len(others)
        assert books.evaluated(Purpose.CONTRIBUTION) <= books.filed() + 2 * OPEN_CHUNKS * 32
        books.check_registry()
        books.check_charges()


async def test_a_screening_without_room_is_left_open_and_settled_when_there_is_some(
    new_hub_folder: NewFolder, members_disk: SmallDisk
) -> None:
    async with running_hub(new_hub_folder()) as hub, await enrolled_on(members_disk, hub) as client:
        async with lender(hub, "lister") as lister:
            await contribute(lister, [row(PHONES[0])])
        await hub.settle()
        await client.sync()

        async def ask(number: int, request_id: str | None) -> Any:
            signed = Consent.of("signed")
            subject = Subject(f"C-{number}", phone=PHONES[number])
            return await client.screen(subject, purpose="loan_application", consent=signed, request_id=request_id)

        kept = await ask(0, "app-0")
        assert kept.state is State.MATCH
        members_disk.fill()

        for number in range(1, MANY_ROUNDS):
            verdict = await ask(number, f"app-{number}")
            if verdict.state is not State.CLEAR:
                break
        # No call of a decision engine fails for it: nothing can be asked that cannot be written down first.
        assert (verdict.state, verdict.action.word) == (State.UNKNOWN, "step_up")
        assert (await ask(0, "app-0")).request_id == kept.request_id  # what was kept is read without room
        for verdict in await screen(client, PHONES[:3]):
            assert (verdict.state, verdict.action.word) == (State.UNKNOWN, "step_up")
        evaluated = Books(hub, "a").evaluated(Purpose.LOAN_APPLICATION)

        members_disk.make_room()
        settled = await ask(MANY_ROUNDS, f"app-{MANY_ROUNDS}")
        assert settled.state is State.CLEAR
        assert (await ask(MANY_ROUNDS, f"app-{MANY_ROUNDS}")).request_id == settled.request_id
        assert Books(hub, "a").evaluated(Purpose.LOAN_APPLICATION) == evaluated + 1
        Books(hub, "a").check_charges()


async def test_a_filter_that_finds_no_room_is_downloaded_when_there_is_some(
    new_hub_folder: NewFolder, members_disk: SmallDisk
) -> None:
    async with running_hub(new_hub_folder()) as hub, await enrolled_on(members_disk, hub) as client:
        async with lender(hub, "lister") as lister:
            await contribute(lister, phone_rows(3_000))
        await hub.hub.maintenance.rebuild(1)
        await hub.settle()
        failures: list[StorageFull] = []
        for spare in range(0, 256 * 1024, 8 * 1024):
            members_disk.fill(spare)
            try:
                report = await client.sync()
            except StorageFull as full:
                failures.append(full)
                await client.close()
            else:
                break
            finally:
                members_disk.make_room()
        assert {full.exit_code for full in failures} == {NOT_SETTLED}
        assert report.sequence == 3_000
        assert (await screen(client, [phone_rows(1)[0].text]))[0].state is State.MATCH


async def test_result_files_that_find_no_room_say_so_and_leave_the_old_ones(
    new_hub_folder: NewFolder, tmp_path: Path, members_disk: SmallDisk
) -> None:
    count = 1000
    out = members_disk.folder / "verdicts.csv"
    (tmp_path / "customers.csv").write_text(
        "\n".join(["ref,mobile", *(f"C-{number},+8613123{number:06d}" for number in range(count))])
    )
    async with running_hub(new_hub_folder()) as hub:
        async with lender(hub, "b") as client:
            await client.sync()
        profile = str(hub.folder.parent / "b")
        options = ["--purpose", PORTFOLIO, "--consent", "basis", "--map", "phone=mobile", "--ref", "ref"]
        command = ["--profile", profile, "screen", "customers.csv", *options, "--out", str(out)]
        out.write_text("of an earlier run\n")
        members_disk.fill(16 * 1024)
        code, said = await run(command, tmp_path)
        assert (code, out.read_text()) == (NOT_SETTLED, "of an earlier run\n")
        assert "full" in said
        assert sorted(path.name for path in members_disk.folder.iterdir()) == ["ballast", "verdicts.csv"]

        members_disk.make_room()
        code, said = await run(command, tmp_path)
        assert code == 0
        with out.open() as file:
            assert len(list(csv.DictReader(file))) == count


async def run(command: list[str], folder: Path) -> tuple[int | None, str]:
    process = await member_client(command, folder)
    _, complaint = await process.communicate()
    return process.returncode, complaint.decode()
