"""The pages of the documentation as programs: what each fenced block is, and a page run from top to bottom.

Every block has a verdict by its language, or by a comment right before it:

    <!-- test: skip REASON -->        not run; a page's first lines may say `skip page REASON` for all of it
    <!-- test: skip until NAME -->    not run before NAME is there; nothing about it is checked
    <!-- test: file NAME -->          written into the page's folder, for blocks that follow
    <!-- test: continues -->          Python: more of the program before it, which runs once with all its parts
    <!-- test: exit CODE -->          sh: ends with this code instead of 0
    <!-- test: start tutorial -->     among the page's first lines: it begins where the tutorial ends
    <!-- test: start police -->       the same, with a liaison that has a scope, and approvers of both functions

By language: `sh` runs, all blocks of a page in one shell, in a folder of its own; `python` runs as a script; `text` is
what the block before printed, `…` standing for anything; `sql` runs on the hub's database; `csv`, `ini`,
`json`, `toml` and `yaml` are parsed. Lines that set a machine up are left out: the page runs in what they made.
"""

import configparser
import csv
import io
import json
import os
import re
import runpy
import shlex
import shutil
import sqlite3
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import yaml

from support.forked import PYTHON_M

ROOT: Final = Path(__file__).resolve().parents[2]
SETUP: Final = ("make demo", "make test", "make backend", ". .venv/bin/activate")
PARSED: Final = ("csv", "ini", "json", "toml", "yaml")
RUN: Final = ("sh", "python", "sql")
SECONDS: Final = 500
"""A page starts our programs a dozen times; a busy machine takes its time."""
_FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.DOTALL | re.MULTILINE)
_DIRECTIVE = re.compile(r"<!-- test: (\w+) ?(.*?) -->")
_SERVERS = {r"alliance-server serve .*&": "hub serves", r"alliance-server dev .*&": "Ctrl-C ends it"}
"""What a server says once it serves: a page's next block waits for it, as its reader does."""


class NoVerdict(Exception):
    """A block that nothing says how to take."""


@dataclass(frozen=True)
class Block:
    """A fenced block: where it is, and what the comment before it says."""

    page: str
    number: int
    line: int
    language: str
    text: str
    directive: str = ""
    argument: str = ""

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def is_skipped(self) -> bool:
        return self.directive == "skip"

    @property
    def is_run(self) -> bool:
        return self.language in RUN and self.directive in ("", "continues", "exit")

    @property
    def waits_for_a_feature(self) -> bool:
        return self.is_skipped and self.argument.startswith("until ")

    def verdict(self) -> str:
        """Say what becomes of the block; raises NoVerdict."""
        if self.is_skipped:
            if len(self.argument.split()) < 2:
                raise NoVerdict(f"{self}: skip gives a reason")
            return f"skipped: {self.argument}"
        if self.directive not in ("", "file", "continues", "exit"):
            raise NoVerdict(f"{self}: there is no directive {self.directive!r}")
        if self.directive == "file":
            return f"written to {self.argument}"
        if self.is_run:
            return "run"
        if self.language in PARSED:
            return "parsed"
        if self.language == "text":
            return "compared with what the block before printed"
        raise NoVerdict(f"{self}: no rule for the language {self.language!r}; say `<!-- test: skip REASON -->`")

    def parse(self) -> None:
        """Parse what is data; raises what the parser raises."""
        if self.language == "csv":
            rows = list(csv.reader(io.StringIO(self.text), strict=True))
            assert len({len(row) for row in rows}) == 1, f"{self}: rows of several lengths"
        elif self.language == "ini":
            configparser.RawConfigParser(strict=False).read_string(self.text)  # systemd repeats settings
        elif self.language == "json":
            json.loads(self.text)
        elif self.language == "toml":
            tomllib.loads(self.text)
        elif self.language == "yaml":
            assert all(yaml.safe_load_all(self.text)), f"{self}: an empty document"
        elif self.language == "python":
            compile(self.text, str(self), "exec")


@dataclass(frozen=True)
class Page:
    """A page's blocks.

    `starts_after_tutorial`: a hub that serves and two lenders are there. `has_police`: so are a liaison and approvers.
    """

    name: str
    blocks: tuple[Block, ...]
    starts_after_tutorial: bool
    has_police: bool = False

    @property
    def runs(self) -> bool:
        return any(block.is_run for block in self.blocks)

    def programs(self) -> dict[int, str]:
        """Give the Python programs by the number of the block at which each runs: that of its last part."""
        programs: dict[int, str] = {}
        last = -1
        for block in self.blocks:
            if block.language != "python" or block.is_skipped or block.directive == "file":
                continue
            before = programs.pop(last, "") if block.directive == "continues" else ""
            last = block.number
            programs[last] = f"{before}\n{block.text}"
        return programs


def read_page(path: Path) -> Page:
    """Find a page's blocks."""
    name, text = str(path.relative_to(ROOT)), path.read_text("utf-8")
    head = _directives(text[: text.find("```")] if "```" in text else text)
    whole = next((argument for word, argument in head if word == "skip" and argument.startswith("page ")), "")
    blocks = []
    for number, found in enumerate(_FENCE.finditer(text)):
        before = text[: found.start()].rstrip().rsplit("\n", 1)[-1]
        word, argument = ("skip", whole) if whole else next(iter(_directives(before)), ("", ""))
        if word == "start":
            word, argument = "", ""
        line = text.count("\n", 0, found.start()) + 1
        content = re.sub(rf"^{found[1]}", "", found[3], flags=re.MULTILINE)
        blocks.append(Block(name, number, line, found[2], content, word, argument))
    starts = {argument for word, argument in head if word == "start"}
    return Page(name, tuple(blocks), bool(starts & {"tutorial", "police"}), "police" in starts)


def _directives(text: str) -> list[tuple[str, str]]:
    return [(found[1], found[2].strip()) for found in _DIRECTIVE.finditer(text)]


def pages() -> list[Page]:
    """Give all pages, those without a block too."""
    paths = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("keys/*.md"), *ROOT.glob("native/*.md")]
    return [read_page(path) for path in sorted(paths)]


# -- running -----------------------------------------------------------------------------------------------------


@dataclass
class Run:
    """A page that ran: its folder, and what each block printed, by the block's number."""

    folder: Path
    printed: dict[int, str] = field(default_factory=dict)


def run_page(page: Page, folder: Path, environment: dict[str, str]) -> Run:
    """Run a page from top to bottom in one shell; raises AssertionError where a block fails or prints otherwise."""
    outputs = folder / ".printed"
    outputs.mkdir(exist_ok=True)
    python = PYTHON_M if shutil.which(PYTHON_M, path=environment["PATH"]) else "python"
    steps = "\n".join(_steps(page, outputs, python))
    script = f"set -eo pipefail\ntrap 'kill $(jobs -p) 2>{os.devnull} || true; wait || true' EXIT\n{steps}\n"
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    run = Run(folder)
    for block in page.blocks:
        parts = [outputs / f"{block.number}.{stream}" for stream in ("out", "err")]
        run.printed[block.number] = "".join(part.read_text("utf-8") for part in parts if part.exists())
    assert done.returncode == 0, _failure(page, run, done.stderr)
    for before, block in zip(page.blocks, page.blocks[1:], strict=False):
        if block.language == "text" and not block.is_skipped:
            check_printed(block, run.printed[before.number])
    return run


def _failure(page: Page, run: Run, errors: str) -> str:
    reached = [block for block in page.blocks if run.printed[block.number] or block.is_run]
    last = max((block for block in reached if run.printed[block.number]), key=lambda one: one.number, default=None)
    shown = f"{last} was the last to print:\n{run.printed[last.number]}" if last else "nothing was printed"
    return f"{page.name} ended early\n{shown}\n{errors}"


def _steps(page: Page, outputs: Path, python: str) -> Iterator[str]:
    programs = page.programs()
    for block in page.blocks:
        if block.is_skipped:
            continue
        out, err = (shlex.quote(str(outputs / f"{block.number}.{stream}")) for stream in ("out", "err"))
        if block.directive == "file":
            kept = outputs / f"{block.number}.file"
            kept.write_text(block.text, "utf-8")
            target = shlex.quote(block.argument)
            yield f"mkdir -p $(dirname {target}); cp {shlex.quote(str(kept))} {target}"
        elif block.language == "sh":
            yield _shell(block, out, err)
        elif block.number in programs:
            program = outputs / f"{block.number}.py"
            program.write_text(programs[block.number], "utf-8")
            run = f"{python} -m support.pages" if python == PYTHON_M else python
            yield f"{run} {shlex.quote(str(program))} >{out} 2>{err}"
        elif block.language == "sql":
            query = outputs / f"{block.number}.sql"
            query.write_text(block.text, "utf-8")
            yield f"{python} -m support.pages {shlex.quote(str(query))} >{out} 2>{err}"


def _shell(block: Block, out: str, err: str) -> str:
    commands = "\n".join(line for line in block.text.splitlines() if not line.startswith(SETUP)) or ":"
    # A development hub takes its port from the command line alone.
    commands = commands.replace("alliance-server dev", "alliance-server dev --port ${ALLIANCE_HUB_LISTEN##*:}")
    step = f"{{ {commands}\n}} >{out} 2>{err}"
    for server, says in _SERVERS.items():
        if re.search(server, commands):
            said = f"grep -qs '{says}' {out} {err}"
            return f"{step}\nfor i in $(seq 600); do {said} && break; sleep 0.1; done; {said}"
    if block.directive == "exit":
        return f"set +e; {step}\ncode=$?; set -e; test $code = {int(block.argument)}"
    return step


def check_printed(block: Block, printed: str) -> None:
    """Hold an output in a page against what was printed: its lines in their order, `…` standing for anything."""
    lines = iter(line.rstrip() for line in printed.splitlines())
    for wanted in filter(None, (line.rstrip() for line in block.text.splitlines())):
        pattern = ".*".join(re.escape(" ".join(part.split())) for part in wanted.split("…"))
        pattern = pattern.replace("\\ .*", ".*").replace(".*\\ ", ".*")
        assert any(re.fullmatch(pattern, " ".join(line.split())) for line in lines), (
            f"{block}: nobody printed {wanted!r}\n{printed}"
        )


def environment(folder: Path, ports: tuple[int, int] | None = None, programs: Path | None = None) -> dict[str, str]:
    """Give a page's environment: the programs of this interpreter, this source, and ports for a hub of its own.

    `programs` is a folder of other programs that come first.
    """
    places = [*([str(programs)] if programs else []), str(Path(sys.executable).parent), os.environ["PATH"]]
    settings = {
        "PATH": ":".join(places),
        "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}",
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        # A page's own pytest would take others' rights to the common root away, and with them PostgreSQL its files.
        "PYTEST_DEBUG_TEMPROOT": str(folder),
    }
    if ports is not None:
        listen, enrolment = (f"127.0.0.1:{port}" for port in ports)
        settings |= {"ALLIANCE_HUB_LISTEN": listen, "ALLIANCE_HUB_ENROLMENT_LISTEN": enrolment}
    return settings


def _run_block(path: Path) -> None:
    """Run a program, or a block of SQL on the database of the page's hub."""
    if path.suffix == ".py":
        runpy.run_path(str(path), run_name="__main__")
        return
    for row in sqlite3.connect("hub/hub.db").execute(path.read_text("utf-8")):
        print(*row)  # noqa: T201 - what the page's reader would see


if __name__ == "__main__":
    _run_block(Path(sys.argv[1]))
