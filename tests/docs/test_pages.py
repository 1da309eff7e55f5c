"""Every block of the documentation is run, or says why not: see support/pages.py for the rules."""

import asyncio
import re
import shlex
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import typer
from support.casework import set_scope
from support.pages import (
    PARSED,
    SECONDS,
    Block,
    NoVerdict,
    Page,
    check_printed,
    environment,
    pages,
    read_page,
    run_page,
)
from support.process import free_port, hub_process

from alliance.taxonomy import Category, EvidenceLevel, SubjectRole
from alliance_audit.app import app as auditors_app
from alliance_server.cli.app import app as hub_app
from alliance_server.domain.members import Role
from member_client import AllianceClient, ContributionRow, Kind
from member_client.cli.app import app as member_app

pytestmark = pytest.mark.shows_identifiers(reason="pages show what to type, and what their commands write is a page's")
PAGES = pages()
BLOCKS = [block for page in PAGES for block in page.blocks]
PROGRAMS: dict[str, Any] = {
    "member-client": typer.main.get_command(member_app),
    "alliance-server": typer.main.get_command(hub_app),
    "alliance-audit": typer.main.get_command(auditors_app),
}

AfterTutorial = Callable[..., Awaitable[None]]
OFFICES = {"police": Role.LIAISON, "legal": Role.LEGAL_APPROVER, "duty": Role.DUTY_OFFICER}
LISTED = ContributionRow(
    kind=Kind.PHONE,
    text="+86 131 2345 6789",
    category=Category.MULE_ACCOUNT,
    role=SubjectRole.PERPETRATOR,
    evidence=EvidenceLevel.E1,
)
"""What the tutorial contributes."""


NIGHTLY = (
    "docs/how-to/administer-the-alliance.md",
    "docs/how-to/answer-a-recall.md",
    "docs/how-to/approve-cases.md",
    "docs/how-to/back-up-and-restore.md",
    "docs/how-to/contribute-a-list.md",
    "docs/how-to/decision-engine.md",
    "docs/how-to/handle-disputes.md",
    "docs/how-to/renew-certificates.md",
    "docs/how-to/review-claims.md",
    "docs/how-to/rotate-the-key.md",
    "docs/how-to/run-a-witness.md",
    "docs/how-to/screen-a-portfolio.md",
    "docs/how-to/test-your-integration.md",
    "docs/how-to/watch-quotas-and-alarms.md",
    "docs/how-to/watch-your-book.md",
    "docs/how-to/when-things-fail.md",
    "docs/zh-CN/analyst-guide.md",
    "docs/zh-CN/case-guide.md",
)
"""Long pages about what other tests go through on every change; that their commands exist is seen then, too."""


def runnable(*, after_tutorial: bool) -> list[Any]:
    found = [page for page in PAGES if page.runs and page.starts_after_tutorial is after_tutorial]
    return [
        pytest.param(page, id=page.name, marks=[pytest.mark.nightly] if page.name in NIGHTLY else []) for page in found
    ]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def after_tutorial(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[AfterTutorial]:
    """Give what puts `hub`, `lender-a` and `lender-b` into a folder, the claim of the tutorial in the hub's filter."""
    folder = tmp_path_factory.mktemp("tutorial")
    numbers = count()
    async with hub_process(folder / "hub") as (process, hub):

        async def stage(scratch: Path, *, has_police: bool = False) -> None:
            number = next(numbers)
            (scratch / "hub").symlink_to(process.folder)
            for name in ("lender-a", "lender-b"):
                await hub.enrolled(f"{name}-{number}", scratch / name)
            for name, role in OFFICES.items() if has_police else ():
                await hub.enrolled(f"{name}-{number}", scratch / name, role)
            if has_police:
                set_scope(hub, f"police-{number}")

        profile = await hub.enrolled("tutorial", folder / "profile")
        async with AllianceClient(profile) as client:
            assert [str(result.outcome) async for result in client.contribute([LISTED])] == ["accepted"]
            while (await client.sync()).listings == 0:
                pass
        yield stage


@contextmanager
def naming(block: Block) -> Iterator[None]:
    """Say of what fails in which block it is."""
    try:
        yield
    except Exception as error:
        error.add_note(str(block))
        raise


def test_there_are_pages_and_most_of_what_can_run_does() -> None:
    assert len(PAGES) > 20
    runnable = [block for block in BLOCKS if block.language in ("sh", "python") and "reference" not in block.page]
    assert sum(block.is_run for block in runnable) > len(runnable) / 2


def test_no_block_is_without_a_verdict() -> None:
    assert all(block.verdict() for block in BLOCKS)


def test_data_and_programs_parse() -> None:
    for block in BLOCKS:
        if block.language in (*PARSED, "python") and "reference/" not in block.page:
            with naming(block):
                block.parse()


@pytest.mark.timeout(2 * SECONDS)
@pytest.mark.shows_identifiers(reason="the blocks of a page write their input by the shell")
@pytest.mark.parametrize("page", runnable(after_tutorial=False))
def test_a_page_runs(page: Page, tmp_path: Path, programs: Path) -> None:
    run_page(page, tmp_path, environment(tmp_path, (free_port(), free_port()), programs))


@pytest.mark.nightly
@pytest.mark.timeout(2 * SECONDS)
@pytest.mark.shows_identifiers(reason="the blocks of a page write their input by the shell")
def test_the_first_page_runs_as_its_readers_run_it(tmp_path: Path) -> None:
    """Other tests fork the programs of pages (`support/forked.py`)."""
    (page,) = [page for page in PAGES if page.name == "README.md"]
    run_page(page, tmp_path, environment(tmp_path, (free_port(), free_port())))


@pytest.mark.timeout(2 * SECONDS)
@pytest.mark.shows_identifiers(reason="the blocks of a page write their input by the shell")
@pytest.mark.parametrize("page", runnable(after_tutorial=True))
@pytest.mark.asyncio(loop_scope="session")
async def test_a_page_runs_after_the_tutorial(
    page: Page, tmp_path: Path, after_tutorial: AfterTutorial, programs: Path
) -> None:
    await after_tutorial(tmp_path, has_police=page.has_police)
    await asyncio.to_thread(run_page, page, tmp_path, environment(tmp_path, programs=programs))


# -- commands and options, also of blocks that are not run -------------------------------------------------------


def commands(block: Block) -> list[list[str]]:
    """Give the calls of our programs in a block of the shell, each as its words."""
    text = re.sub(r"\\\n", " ", block.text)
    found = []
    for line in text.splitlines():
        words: list[str] | None = None
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        for word in lexer:
            if word in PROGRAMS:
                words = [word]
                found.append(words)
            elif re.fullmatch(r"[;&|<>()]+", word):
                words = None
            elif words is not None:
                words.append(word)
    return found


def check_call(words: list[str]) -> None:
    """Raise AssertionError where a command or an option of a call is none."""
    root = command = PROGRAMS[words[0]]
    known = {name for parameter in root.params for name in parameter.opts} | {"--help", "-h"}
    for word in words[1:]:
        if word.startswith("--"):
            assert word.partition("=")[0] in known, f"{shlex.join(words)}: no option {word}"
        elif word in getattr(command, "commands", {}):
            command = command.commands[word]
            known |= {name for parameter in command.params for name in parameter.opts}
        elif default := getattr(command, "default_command", ""):
            command = command.commands[default]
            known |= {name for parameter in command.params for name in parameter.opts}
    assert not getattr(command, "commands", {}) or known & set(words), f"{shlex.join(words)}: no such command"


def test_commands_and_options_exist() -> None:
    for block in BLOCKS:
        if block.language == "sh" and not block.waits_for_a_feature:
            with naming(block):
                for words in commands(block):
                    check_call(words)


def test_a_call_of_what_is_not_there_is_found() -> None:
    check_call(["member-client", "--profile", "x", "check", "phone", "1", "--purpose", "dispute"])
    with pytest.raises(AssertionError, match="no option"):
        check_call(["member-client", "check", "phone", "--nonsense"])
    with pytest.raises(AssertionError, match="no such command"):
        check_call(["member-client", "chekc", "phone"])


# -- the runner itself -------------------------------------------------------------------------------------------


def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> Page:
    monkeypatch.setattr("support.pages.ROOT", tmp_path)
    (tmp_path / "page.md").write_text(text, "utf-8")
    return read_page(tmp_path / "page.md")


@pytest.mark.parametrize(
    "text",
    [
        "```\nwhat\n```\n",
        "```cobol\nwhat\n```\n",
        "<!-- test: skip -->\n```sh\nfalse\n```\n",
        "<!-- test: ignore me -->\n```sh\nfalse\n```\n",
    ],
)
def test_a_block_without_a_verdict_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    (block,) = made(tmp_path, monkeypatch, text).blocks
    with pytest.raises(NoVerdict):
        block.verdict()


def test_a_page_is_one_shell_and_a_program_runs_with_all_its_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (
        "<!-- test: file sub/data.json -->\n```json\n{}\n```\n"
        "```sh\nexport WORD=kept\n```\n"
        "<!-- test: exit 4 -->\n```sh\necho $WORD; (exit 4)\n```\n"
        "```text\nk…t\n```\n"
        "```python\nfrom pathlib import Path\n```\n"
        "<!-- test: continues -->\n```python\nprint(Path('sub/data.json').read_text())\n```\n"
        "```text\n{}\n```\n"
    )
    page = made(tmp_path, monkeypatch, text)
    run_page(page, tmp_path, environment(tmp_path))


def test_tests_of_a_page_leave_the_folders_of_this_run_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (
        "<!-- test: file test_it.py -->\n```python\ndef test_it(tmp_path):\n    print(tmp_path)\n```\n"
        f"```sh\npython -m pytest -q -s -p no:cacheprovider test_it.py | grep {tmp_path}/pytest-of-\n```\n"
    )
    run_page(made(tmp_path, monkeypatch, text), tmp_path, environment(tmp_path))


@pytest.mark.parametrize("block", ["```sh\nfalse\n```\n", "```sh\necho one\n```\n```text\ntwo\n```\n"])
def test_a_block_that_fails_or_prints_otherwise_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: str
) -> None:
    page = made(tmp_path, monkeypatch, block)
    with pytest.raises(AssertionError, match=r"ended early|nobody printed"):
        run_page(page, tmp_path, environment(tmp_path))


def test_an_output_is_compared_line_by_line() -> None:
    block = Block("page.md", 1, 1, "text", "match … found\n…\nclear   7\n")
    check_printed(block, "x\nmatch 12 found\nanything\nclear 7\n")
    with pytest.raises(AssertionError):
        check_printed(block, "clear 7\nmatch 12 found\n")
