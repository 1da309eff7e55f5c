"""The suite's search of itself finds an identifier in each place where one could be, and says nothing of its value."""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from support.leak_files import ROOT
from support.leak_plugin import what_was_not_searched
from support.leak_spool import FILE, PLACES, Piece, Spool
from support.leak_texts import UsedIdentifiers, is_significant

from alliance.identifiers import Kind
from alliance_server.demo.patterns import MAX_BYTES, patterns_of

NUMBERS = [f"+86139{number:08d}" for number in range(52_817_364, 52_817_364 + 40)]

PRELUDE = """
import hashlib, logging, os, shutil, sqlite3, subprocess, sys
import pytest
from alliance.errors import AllianceError
from alliance.identifiers import Kind, canonicalise
from alliance.keyring.store import write_atomically
from member_client import Category, ContributionRow, EvidenceLevel, HubError, Subject, SubjectRole

ECHO = [sys.executable, "-c", "import sys; print(sys.argv[1])"]

def used(number):
    return canonicalise(Kind.PHONE, number).canonical
"""

LEAKS = {
    "log": 'logging.getLogger("some").debug("asked for %s", it)',
    "log of an error": """
    try:
        int(it + "x")
    except ValueError:
        logging.getLogger("some").exception("failed")""",
    "output": "print(it)",
    "output of a process": "subprocess.run([*ECHO, it], capture_output=True)",
    "error": 'HubError(f"no answer for {it}")',
    "error raised over another": """
    with pytest.raises(AllianceError):
        try:
            int(it + "x")
        except ValueError:
            raise AllianceError("no number") from None""",
    "repr": "Subject(it)",
    "file": 'write_atomically(tmp_path / "state", it.encode(), 0o600)',
    "file with a hash": 'write_atomically(tmp_path / "state", hashlib.sha256(it.encode()).digest(), 0o600)',
    "file that was removed": 'write_atomically(tmp_path / "state", it.encode(), 0o600); (tmp_path / "state").unlink()',
    "file that was replaced": """
    write_atomically(tmp_path / "state", it.encode(), 0o600)
    write_atomically(tmp_path / "state", b"nothing", 0o600)""",
    "file that was copied": """
    write_atomically(tmp_path / "state", it.encode(), 0o600)
    shutil.copy(tmp_path / "state", tmp_path / "copy")""",
    "file of a database": """
    with sqlite3.connect(tmp_path / "base") as base:
        base.execute("create table t (c text)")
        base.execute("insert into t values (?)", (it,))""",
    "file of a process": """
    with (tmp_path / "stderr").open("wb") as out:
        subprocess.run([*ECHO, it], stdout=out)""",
}
"""By what is found: a test that leaks `it` there. The first word is the place's."""

INNOCENT = {
    "input": '(tmp_path / "a.csv").write_text(it)',
    "copied input": '(tmp_path / "a.csv").write_text(it); shutil.copy(tmp_path / "a.csv", tmp_path / "b.csv")',
    "renamed input": '(tmp_path / "a.csv").write_text(it); (tmp_path / "a.csv").rename(tmp_path / "b.csv")',
    "program": """
    (tmp_path / "pyvenv.cfg").touch()
    with (tmp_path / "compiled").open("wb") as out:
        subprocess.run([*ECHO, it], stdout=out)""",
    "subject": 'Subject("C-1", phone=it)',
    "row": "ContributionRow(Kind.PHONE, it, Category.PHISHING, SubjectRole.PERPETRATOR, EvidenceLevel.E1)",
}


def session(folder: Path, content: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a session of its own with the search on."""
    folder.mkdir()
    (folder / "pytest.ini").write_text("[pytest]\ntestpaths = .\n")
    (folder / "test_inner.py").write_text(content)
    command = [sys.executable, "-m", "pytest", "-p", "support.leak_plugin", "-p", "no:cacheprovider"]
    return subprocess.run(
        [*command, "--basetemp", str(folder.parent / f"{folder.name}-files"), *arguments],
        cwd=folder,
        env=os.environ | {"PYTEST_ADDOPTS": "", "PYTHONPATH": os.pathsep.join([str(ROOT / "tests"), str(ROOT)])},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def bodies_of(bodies: dict[str, str], mark: str = "", name: str = "test") -> str:
    return PRELUDE + "\n".join(
        f"{mark}\ndef {name}_{place}(tmp_path):\n    it = used({number!r})\n    {body.strip()}\n"
        for place, (body, number) in enumerate(zip(bodies.values(), NUMBERS, strict=False))
    )


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The lines of a session in which each test leaks."""
    done = session(tmp_path_factory.mktemp("leaking") / "inner", bodies_of(LEAKS), "test_inner.py")
    assert f"{len(LEAKS)} passed" in done.stdout, done.stdout
    assert done.returncode == pytest.ExitCode.TESTS_FAILED
    assert not [number for number in NUMBERS if number[3:] in done.stdout + done.stderr]
    return [line for line in done.stdout.splitlines() if "used by" in line]


@pytest.mark.parametrize("leak", LEAKS)
def test_a_leak_is_found(found: list[str], leak: str) -> None:
    number = list(LEAKS).index(leak)
    lines = [line for line in found if line.partition(" ×")[0].endswith(f"::test_{number}")]
    assert [line for line in lines if line.startswith(f"{leak.split()[0]} (") and ": phone, " in line], found
    assert any(("hashed" in line) == ("hash" in leak) for line in lines)


def test_what_tests_wrote_themselves_is_no_leak_and_a_marked_test_may_show_what_it_uses(tmp_path: Path) -> None:
    mark = '@pytest.mark.shows_identifiers(reason="a test")'
    content = bodies_of(INNOCENT) + bodies_of(LEAKS, mark, "test_marked")
    done = session(tmp_path / "inner", content, "test_inner.py", "--strict-markers")
    assert f"{len(INNOCENT) + len(LEAKS)} passed" in done.stdout, done.stdout
    assert done.returncode == 0, done.stdout
    assert ": 0 found" in done.stdout


def test_workers_search_what_their_own_tests_wrote(tmp_path: Path) -> None:
    done = session(tmp_path / "inner", bodies_of(LEAKS), "test_inner.py", "-n", "2")
    assert f"{len(LEAKS)} passed" in done.stdout, done.stdout
    assert done.returncode == pytest.ExitCode.TESTS_FAILED
    assert not [number for number in NUMBERS if number[3:] in done.stdout + done.stderr]
    leaking = {line.rpartition("::")[2].partition(" ")[0] for line in done.stdout.splitlines() if "used by" in line}
    assert leaking == {f"test_{place}" for place in range(len(LEAKS))}


@pytest.mark.nightly
def test_workers_that_find_nothing_let_the_session_pass(tmp_path: Path) -> None:
    done = session(tmp_path / "inner", bodies_of(INNOCENT), "test_inner.py", "-n", "2")
    assert (done.returncode, done.stdout.count(": 0 found")) == (0, 2), done.stdout


@pytest.mark.nightly
def test_a_worker_that_ends_before_it_searched_fails_the_session(tmp_path: Path) -> None:
    done = session(tmp_path / "inner", "import os\n\ndef test_end():\n    os._exit(0)\n", "test_inner.py", "-n", "2")
    assert done.returncode == pytest.ExitCode.TESTS_FAILED
    assert "ended before it searched" in done.stdout, done.stdout


def test_a_whole_suite_that_nothing_was_searched_of_fails(tmp_path: Path) -> None:
    done = session(tmp_path / "inner", "def test_nothing():\n    pass\n")
    assert done.returncode == pytest.ExitCode.TESTS_FAILED, done.stdout
    assert "was searched" in done.stdout


def test_what_is_missing_of_a_search_is_named() -> None:
    assert what_was_not_searched(5000, Counter(dict.fromkeys(PLACES, 1))) == []
    assert len(what_was_not_searched(5000, Counter())) == len(PLACES)
    assert len(what_was_not_searched(5, Counter(dict.fromkeys(PLACES, 1)))) == 1


@pytest.mark.parametrize("edge", [4096, 4096 * 1024])
@pytest.mark.parametrize("shift", [-MAX_BYTES - 13, -13, -7, -1, 0])
def test_nothing_hides_across_the_edge_of_a_block(tmp_path: Path, edge: int, shift: int) -> None:
    """Nor where the blocks on either side are known from other files."""
    first, second, content = (bytearray(os.urandom(2 * edge)) for _ in range(3))
    content[:edge], content[edge:] = first[:edge], second[edge:]
    number = NUMBERS[0].encode()
    content[edge + shift : edge + shift + len(number)] = number
    spool = Spool(tmp_path / "spool")
    for name, written in (("first", first), ("second", second), ("content", content)):
        (tmp_path / name).write_bytes(written)
        spool.add_file(Piece(FILE, name), tmp_path / name)
    spool.close()
    assert [hit.piece.where for hit in spool.hits([number])] == ["content"]


def test_blocks_that_were_seen_are_kept_once(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    (tmp_path / "file").write_bytes(os.urandom(100_000))
    for _ in range(5):
        spool.add_file(Piece(FILE, "file"), tmp_path / "file")
    spool.close()
    assert spool.sizes[FILE] == 500_000
    assert spool.size < 110_000 + 2000


def test_what_occurs_by_chance_is_not_looked_for() -> None:
    assert is_significant("+86 139 1234 5678")
    assert not [text for text in ("127.0.0.1", "123456789", "000000000000000", "example.com") if is_significant(text)]
    used = UsedIdentifiers()
    used.note(Kind.IP, "127.0.0.1", "127.0.0.1", "a test")
    used.note(Kind.IMEI, "Contribute", None, "a test that draws from the sources")
    used.note(Kind.DOMAIN, "profile.toml", "profile.toml", "a test")
    assert not used.texts()
    used.note(Kind.PHONE, "139 5281 7364", "+8613952817364", "a test")
    used.note(Kind.PHONE, "1395281736O", None, "another")
    texts = used.texts()
    assert {b"139 5281 7364", b"+8613952817364", b"13952817364", b"1395281736O"} <= set(texts)
    assert texts[b"1395281736O"].test == "another"
    assert all(list(patterns_of(text)) for text in texts)
