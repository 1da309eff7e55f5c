"""The suite searches what it wrote: no identifier that a test used is in any log, output, error, repr or file.

A hit fails the session; it says where, which kind of identifier and which test used it, and never the value. So does a
search that found nothing because it searched nothing, or that does not find what was planted.

A test that shows identifiers on purpose carries `@pytest.mark.shows_identifiers(reason="…")`: what it writes is left
out, what it uses is still looked for elsewhere.

Where workers share the tests (pytest-xdist) each searches what its own tests wrote, and the session that started them
sums up.
"""

import logging
import os
import shutil
import stat
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest

from alliance.identifiers import Kind
from alliance_server.demo.patterns import patterns_of
from support.leak_files import FileWatch, inputs
from support.leak_recorders import record, record_errors
from support.leak_spool import FILE, OUTPUT, PLACES, PLANTED, Hit, Piece, Spool
from support.leak_texts import Origin, UsedIdentifiers, watch_canonicaliser

NAME = "leak-search"
MARK = "shows_identifiers"
MIN_TEXTS = 1000
"""A whole suite that used fewer was not watched."""
_BETWEEN_TESTS = "between tests"
_PLANTED = "+8613140728366"
_SHOWN_HITS = 40


@dataclass(frozen=True)
class Result:
    """What came of a search: failures, the texts looked for, bytes by place, files, seconds."""

    failures: list[str]
    texts: int
    sizes: dict[str, int]
    files: int
    seconds: float


class LeakReport:
    """Sums up what searches found, and lets the session fail by it."""

    def __init__(self) -> None:
        self._results: list[Result] = []
        self._failures: list[str] = []

    def add(self, result: Result) -> None:
        self._results.append(result)
        self._failures += result.failures

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take a worker's result; one that ended without was not searched."""
        if (found := getattr(node, "workeroutput", {}).get(NAME)) is None:
            self._failures.append("A worker ended before it searched what its tests wrote.")
        else:
            self.add(Result(**found))

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if _is_whole(session):
            sizes = sum((Counter(result.sizes) for result in self._results), Counter[str]())
            self._failures += what_was_not_searched(sum(result.texts for result in self._results), sizes)
        if self._failures:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self._failures:
            terminalreporter.section("identifiers where none belong", red=True)
            for line in self._failures[:_SHOWN_HITS]:
                terminalreporter.line(line)
            if (more := len(self._failures) - _SHOWN_HITS) > 0:
                terminalreporter.line(f"… and {more} more")
        for result in self._results:
            terminalreporter.line(
                f"identifiers: {result.texts:,} texts and their hashes looked for in "
                f"{sum(result.sizes.values()) / 1e6:,.0f} MB, {result.files:,} files among them: "
                f"{len(result.failures)} found in {result.seconds:.1f} s"
            )


class LeakSearch:
    """Watches the tests of a process, and searches at its end."""

    def __init__(self, config: pytest.Config, report: LeakReport) -> None:
        self.config = config
        self.used = UsedIdentifiers()
        self.roots: list[Path] = []
        self._report = report
        self._workshop = Path(tempfile.mkdtemp(prefix="leak-search-"))
        self._spool = Spool(self._workshop / "spool")
        self._test = _BETWEEN_TESTS
        self._is_shown = False
        self._left_out: set[Path] = set()

    def start(self) -> None:
        watch_canonicaliser(self.used, lambda: self._test)
        record(self.note)
        FileWatch(self.config.rootpath, self._note_file).start()

    def note(self, place: str, content: str | bytes) -> None:
        """Take what was written at a place."""
        if not self._is_shown and not self._spool.is_closed:
            encoded = content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass")
            self._spool.add(Piece(place, self._test), encoded)

    def _note_file(self, name: str) -> None:
        if not self._is_shown and not self._spool.is_closed:
            self._spool.add_file(Piece(FILE, f"{Path(name).name}, of {self._test}"), Path(name))

    # -- hooks ---------------------------------------------------------------------------------------------------

    def pytest_collection_finish(self) -> None:
        record_errors(self.note)  # of modules that were imported since

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self._test = item.nodeid.partition("[")[0]  # parameters may be identifiers
        self._is_shown = item.get_closest_marker(MARK) is not None
        before = self._folders() if self._is_shown else set()
        try:
            return (yield)
        finally:
            if self._is_shown:
                self._left_out |= self._folders() - before
            self._test, self._is_shown = _BETWEEN_TESTS, False

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self) -> None:
        logging.getLogger().setLevel(logging.DEBUG)  # in-process programs set it for themselves

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        for title, content in report.sections:
            if title.startswith(("Captured stdout", "Captured stderr")):
                self.note(OUTPUT, content)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        if self.config.option.collectonly:
            return
        try:
            result = self._search()
        finally:
            shutil.rmtree(self._workshop)
        if hasattr(self.config, "workeroutput"):
            self.config.workeroutput[NAME] = asdict(result)
        else:
            self._report.add(result)

    # -- at the end ----------------------------------------------------------------------------------------------

    def _folders(self) -> set[Path]:
        return {entry for root in self.roots for entry in root.iterdir()}

    def _search(self) -> Result:
        started = time.perf_counter()
        files = self._take_files()
        planted = UsedIdentifiers()
        planted.note(Kind.PHONE, _PLANTED, _PLANTED, PLANTED)
        for text in planted.texts():
            for pattern in patterns_of(text):
                self._spool.add(Piece(PLANTED, PLANTED), pattern)
        self._spool.close()
        texts = self.used.texts()
        hits = self._spool.hits(texts.keys() | planted.texts().keys())
        found = [hit for hit in hits if hit.piece.place != PLANTED]
        failures = lines_of(found, texts | planted.texts())
        if {hit.text for hit in hits if hit.piece.place == PLANTED} != set(planted.texts()):
            failures.append("The search does not find what was planted: it shows nothing.")
        return Result(failures, len(texts), dict(self._spool.sizes), files, time.perf_counter() - started)

    def _take_files(self) -> int:
        """Take what the tests' folders hold; returns how many files that were."""
        taken = 0
        for root in self.roots:
            for folder, below, names in os.walk(root):
                if Path(folder) in self._left_out or "pyvenv.cfg" in names:  # other people's, in their environments
                    below.clear()
                    continue
                below.sort()
                for name in sorted(names):
                    path = os.path.join(folder, name)  # noqa: PTH118 - a hundred thousand of them
                    if path not in inputs and _is_file(path):
                        taken += 1
                        self._spool.add_file(Piece(FILE, path.removeprefix(f"{root}{os.sep}")), Path(path))
        return taken


def _is_file(path: str) -> bool:
    """Tell whether something is a file of its own, no link to one; false where it is gone by now."""
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except OSError:
        return False


def lines_of(hits: list[Hit], texts: dict[bytes, Origin]) -> list[str]:
    """Say of hits where they are and whose, and nothing of what they are."""
    told = Counter(
        f"{hit.piece.place} ({hit.piece.where}): {texts[hit.text].kind}, "
        f"{'plain' if hit.is_plain else 'hashed or encoded'}, used by {texts[hit.text].test}"
        for hit in hits
    )
    return [f"{line} ×{count}" for line, count in told.items()]


def what_was_not_searched(texts: int, sizes: Counter[str]) -> list[str]:
    """Say what is missing of a search that would be worth something."""
    missing = [f"Nothing of the place {place!r} was searched." for place in PLACES if not sizes[place]]
    if texts < MIN_TEXTS:
        missing.append(f"Only {texts} texts were looked for: the canonicaliser was not watched.")
    return missing


def _is_whole(session: pytest.Session) -> bool:
    """Tell whether the whole suite ran, as far as its first failure may have let it."""
    config = session.config
    is_chosen = config.args_source is not pytest.Config.ArgsSource.TESTPATHS or config.option.keyword
    return not is_chosen and config.option.capture != "no" and not (session.shouldstop or session.shouldfail)


@pytest.fixture(autouse=True, scope="session")
def _searched_root(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> None:
    search = request.config.pluginmanager.get_plugin(NAME)
    assert isinstance(search, LeakSearch)
    search.roots.append(tmp_path_factory.getbasetemp())


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", f"{MARK}(reason): writes identifiers on purpose; what it writes is not searched")
    report = LeakReport()
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(report, f"{NAME}-report")
    if hasattr(config, "workerinput") or config.getoption("dist", "no") == "no":
        search = LeakSearch(config, report)
        search.start()
        config.pluginmanager.register(search, NAME)
