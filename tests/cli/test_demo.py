"""The demo: processes, TLS and files, on small data and by forked processes in the suite, as people run it nightly."""

import io
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from rich.console import Console
from support.forked import PYTHON_M

from alliance_server.demo import run_demo
from alliance_server.demo.made_up import Sizes
from alliance_server.demo.real_lists import intersections, read_lists
from alliance_server.demo.running import run_sized

patiently = pytest.mark.timeout(600)
"""A demo starts some twenty processes; a busy machine takes its time."""
SMALL = Sizes(claims=60, customers=150, matches=11, own=4, malformed=6, checks=5)
REAL = Path(__file__).parents[2].parent / "shared" / "data" / "real"
needs_real_lists = pytest.mark.skipif(not REAL.is_dir(), reason="the real lists are not here")

TRIALS = (
    r"  hub database, files, logs and captured traffic searched for every identifier and its plain hashes: 0 found\n"
    r"  hub answering with another key: refused \(proof\)\s+filter with one bit flipped: refused \(signature\)\n"
    r"  online check p50 [\d.]+ ms  p99 [\d.]+ ms\s+audit: [\d,]+ events, one per call\n"
    r"  own events proven in the log: [\d,]+\s+event changed in the database: found\n"
)


@pytest.fixture
def forked(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have what the demo starts be forked."""
    monkeypatch.setattr(sys, "executable", str(programs / PYTHON_M))


def run(sizes: Sizes, lists: Path | None = None, keep: Path | None = None) -> tuple[int, str]:
    text = io.StringIO()
    out = Console(file=text, width=200, highlight=False, markup=False, soft_wrap=True)
    return run_sized(sizes, lists, keep, out), text.getvalue()


@patiently
@pytest.mark.usefixtures("forked")
@pytest.mark.shows_identifiers(reason="the demo makes the lenders' own lists, and searches its files itself")
def test_the_demo_shows_what_the_readme_says(tmp_path: Path) -> None:
    code, text = run(SMALL, keep=tmp_path / "kept")
    screen = (
        r"  contributed   180 claims by 3 lenders\s+[\d,]+ rows/s\n"
        r"  screened      150 customers of the third lender\s+expected 11 · found 11 · missed 0 · wrong 0\n"
    )
    assert re.search(f"{screen}{TRIALS}everything is kept in .*\ndemo ok\n$", text), text
    assert code == 0
    assert (tmp_path / "kept" / "hub" / "hub.db").is_file()
    assert (tmp_path / "kept" / "lender-c" / "verdicts.jsonl").is_file()


@patiently
def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ended by a signal in mid-work, the demo takes its processes and its folder with it."""
    lists, temporary = tmp_path / "lists", tmp_path / "tmp"
    for folder in (lists, temporary):
        folder.mkdir()
    for name, numbers in (("a", range(2)), ("b", range(1, 3))):
        write_list(lists / f"member_{name}.csv", numbers)
    monkeypatch.setenv("TMPDIR", str(temporary))
    command = [sys.executable, "-m", "alliance_server", "demo", "--lists", str(lists)]
    demo = subprocess.Popen(command, stdout=subprocess.PIPE)
    try:
        children = wait_for_a_hub(psutil.Process(demo.pid))
        demo.send_signal(signal.SIGTERM)
        assert demo.wait(30) == 130
    finally:
        demo.kill()
    assert children
    gone, alive = psutil.wait_procs(children, timeout=10)
    assert not alive, gone
    assert list(temporary.iterdir()) == []


def wait_for_a_hub(demo: psutil.Process) -> list[psutil.Process]:
    until = time.monotonic() + 300
    while time.monotonic() < until:
        children = demo.children(recursive=True)
        if any("alliance_server.demo.hub" in words_of(child) for child in children):
            return children
        time.sleep(0.1)
    raise AssertionError("no hub was started")


def words_of(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:  # it ended meanwhile
        return []


def test_a_folder_in_use_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("precious")
    code, text = run(SMALL, keep=tmp_path)
    assert code == 1
    assert f"demo FAILED: {tmp_path} is not empty; nothing was changed" in text
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_folder_without_lists_fails(tmp_path: Path) -> None:
    code, text = run(SMALL, lists=tmp_path)
    assert code == 1
    assert text.endswith("holds no two lists member_*.csv\n")


def write_list(path: Path, numbers: range, *others: str) -> None:
    rows = [f"phone,+86 131 23{number:02d} {number:04d},mule_account" for number in numbers]
    path.write_text("\n".join(("kind,identifier,category", *rows, *others)) + "\n", "utf-8")


@pytest.mark.nightly
@patiently
@pytest.mark.usefixtures("forked")
@pytest.mark.shows_identifiers(reason="the demo makes the lenders' own lists, and searches its files itself")
def test_lists_match_as_a_plain_intersection_does(tmp_path: Path) -> None:
    """Two small lists: what the real ones show, wherever they are not to be had."""
    write_list(tmp_path / "member_a.csv", range(30), "domain,Evil.example.net,phishing", "phone,nonsense,phishing")
    write_list(tmp_path / "member_b.csv", range(20, 50), "domain,evil.example.net.,phishing", "phone,,phishing")
    expected = {pair: len(both) for pair, both in intersections(read_lists(tmp_path)).items()}
    assert expected == {("a", "b"): 11}
    code, text = run(SMALL, lists=tmp_path)
    assert "  a∩b           expected 11 · found 11\n" in text
    assert re.search(f"{TRIALS}demo ok\n$", text), text
    assert code == 0


@pytest.mark.nightly
@pytest.mark.shows_identifiers(reason="the demo makes the lenders' own lists, and searches its files itself")
def test_the_whole_demo(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_demo(None, None) == 0
    text = capsys.readouterr().out
    assert "expected 300 · found 300 · missed 0 · wrong 0" in text
    assert re.search(f"{TRIALS}demo ok\n$", text)


@pytest.mark.nightly
@pytest.mark.shows_identifiers(reason="the demo makes the lenders' own lists, and searches its files itself")
@needs_real_lists
def test_the_whole_of_the_real_lists(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_demo(REAL, None) == 0
    text = capsys.readouterr().out
    for pair in (
        "a∩b           expected 28 · found 28",
        "a∩c           expected 484 · found 484",
        "b∩c           expected 2,048 · found 2,048",
    ):
        assert pair in text
