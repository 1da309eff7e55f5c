"""The auditor's wheel, alone in an environment of its own: an export of a real hub, as it is and bent."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
import venv
import zipfile
from collections.abc import Callable
from importlib.metadata import Distribution, distribution
from pathlib import Path
from typing import NamedTuple

import pytest
from packaging.requirements import Requirement
from support.exports import OTHER_KEY, checkpoint_of, put, rewrite
from support.hub import RunningHub, mid_month, running_hub
from support.stores import event

from alliance.tlog.logs import LogName, month_of
from alliance.tlog.tiles import Tile, packed_entries, unpacked_entries
from alliance_server.cli.audit.exporting import export_month
from alliance_server.domain.ports import Transaction

ROOT = Path(__file__).resolve().parents[2]
MOST_BYTES = 150_000
EVENTS = 600
INTEGRITY, USAGE = 7, 2


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--wheel-dir", str(folder), str(ROOT / "audit")], check=True)
    (made,) = folder.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def command(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel in a new environment, with what it says that it needs and nothing besides; no network is asked."""
    folder = tmp_path_factory.mktemp("auditor") / "venv"
    venv.create(folder, with_pip=False, symlinks=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    needed = distributions(distribution("alliance-hub"), {"cryptography", "protobuf", "typer"})
    for one in needed.values():
        link(one, packages)
    pip = [sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python"), "install", "--quiet", "--no-deps"]
    subprocess.run([*pip, "--no-index", str(wheel)], check=True)
    return folder / "bin" / "alliance-audit"


def distributions(of: Distribution, names: set[str]) -> dict[str, Distribution]:
    """Give what some distributions need, themselves included."""
    found: dict[str, Distribution] = {}
    todo = list(names)
    while todo:
        name = todo.pop()
        if name in found:
            continue
        found[name] = distribution(name)
        requirements = map(Requirement, found[name].requires or ())
        todo += [it.name for it in requirements if it.marker is None or it.marker.evaluate({"extra": ""})]
    assert of.metadata["Name"] not in found
    return found


def link(one: Distribution, packages: Path) -> None:
    for file in one.files or ():
        if ".." not in file.parts and "__pycache__" not in file.parts:
            target = packages / str(file)
            target.parent.mkdir(parents=True, exist_ok=True)
            if not target.exists():
                target.symlink_to(str(file.locate()))


class Exported(NamedTuple):
    folder: Path
    key: str
    checkpoint: Path


@pytest.fixture(scope="module")
def forked(programs: Path) -> Path:
    """The same command from here: what one finds the other does, and it starts at once."""
    return programs / "alliance-audit"


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """An export that a real hub made, its key, and a checkpoint that somebody remembered before."""
    return asyncio.run(export_of(tmp_path_factory.mktemp("real")))


async def export_of(folder: Path) -> Exported:
    async with running_hub(folder / "hub", clock=mid_month()) as hub:
        await fill(hub, EVENTS // 2)
        month = month_of(hub.clock.now_ms())
        log = hub.hub.config.logs_folder / str(LogName("test", 1, month))
        (folder / "remembered").write_bytes((log / "checkpoint").read_bytes())
        await fill(hub, EVENTS // 2)
        export_month(hub.hub.config, month, folder / "export", hub.clock, lambda *_: None)
        return Exported(folder / "export", hub.hub.keys.identity.public_key.hex(), folder / "remembered")


async def fill(hub: RunningHub, count: int) -> None:
    def work(transaction: Transaction) -> None:
        for number in range(count):
            transaction.record(event(f"lender-{number % 3}", items=number))

    await hub.hub.store.write(work)
    await hub.hub.sealer.turn()


@pytest.fixture
def copy(exported: Exported, tmp_path: Path) -> Exported:
    return exported._replace(folder=Path(shutil.copytree(exported.folder, tmp_path / "export")))


def run(command: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.run(
        [str(command), *map(str, arguments)], capture_output=True, text=True, env=environment, cwd="/", check=False
    )


def test_it_is_small_and_holds_neither_program(wheel: Path) -> None:
    assert wheel.stat().st_size < MOST_BYTES
    with zipfile.ZipFile(wheel) as content:
        assert not [name for name in content.namelist() if "server" in name or "client" in name or "grpc" in name]


def test_it_needs_nothing_that_is_not_in_it(command: Path) -> None:
    """All its modules, imported where there is nothing else of the alliance."""
    program = (
        "import alliance_audit, pkgutil, importlib, sys\n"
        "[importlib.import_module(f'alliance_audit.{it[1]}') for it in pkgutil.iter_modules(alliance_audit.__path__)]\n"
        "print('grpc' in sys.modules, 'rbcl' in sys.modules)"
    )
    done = run(command.with_name("python"), "-c", program)
    assert done.stdout == "False False\n", done.stderr


def test_an_export_of_a_real_hub_holds(command: Path, exported: Exported) -> None:
    for trust in (("--key", exported.key), ("--checkpoint", exported.checkpoint)):
        done = run(command, "verify", exported.folder, *trust)
        assert (done.returncode, done.stderr) == (0, "")
        assert "every entry is what was logged" in done.stdout
        assert "entries/s" in done.stdout
    told = json.loads(run(command, "verify", exported.folder, "--key", exported.key, "--json").stdout)
    assert told["holds"]
    assert told["entries"] > EVENTS


def test_an_export_does_not_vouch_for_itself(command: Path, forked: Path, exported: Exported) -> None:
    assert run(command, "verify", exported.folder).returncode == USAGE
    assert run(forked, "verify", exported.folder, "--key", "f" * 64).returncode == USAGE
    assert run(forked, "verify", exported.folder / "none", "--key", exported.key).returncode == USAGE
    other = exported.key[::-1] if exported.key[::-1] != exported.key else "1" * 64
    assert run(forked, "verify", exported.folder, "--key", other).returncode in {USAGE, INTEGRITY}


def bundle(folder: Path, number: int) -> Path:
    return folder / "1" / Tile(0, number).entries_path


def change(path: Path, how: Callable[[list[bytes]], list[bytes]]) -> None:
    rewrite(path, lambda content: packed_entries(how(unpacked_entries(content))))


def changed_event(folder: Path) -> None:
    change(bundle(folder, 1), lambda it: [*it[:44], it[44][:32] + event("else").event, *it[45:]])


def swapped_order(folder: Path) -> None:
    change(bundle(folder, 1), lambda it: [*it[:44], it[45], it[44], *it[46:]])


def deleted_entry(folder: Path) -> None:
    change(bundle(folder, 1), lambda it: [*it[:44], *it[45:]])


def truncated_tail(folder: Path) -> None:
    shutil.rmtree(folder / "1/tile/entries/002.p")


def swapped_salt(folder: Path) -> None:
    change(bundle(folder, 1), lambda it: [*it[:44], it[45][:32] + it[44][32:], it[44][:32] + it[45][32:], *it[46:]])


def changed_tile(folder: Path) -> None:
    rewrite(folder / "1/tile/0/001", lambda it: it[: 44 * 32] + bytes(32) + it[45 * 32 :])


def another_months(folder: Path) -> None:
    rewrite(folder / "export.json", lambda it: it.replace(b'"month": "', b'"month": "1'))


def replaced_checkpoint(folder: Path) -> None:
    origin = json.loads((folder / "export.json").read_bytes())["logs"][0]["origin"]
    put(folder / "1/checkpoint", str(checkpoint_of([b"x" * 40] * 3, LogName.parse(origin), OTHER_KEY).note).encode())


BENT: dict[Callable[[Path], None], str] = {
    changed_event: "entry 300 (tile/entries/001)",
    swapped_order: "entries 300…301 (tile/entries/001): are out of order",
    deleted_entry: "entry 300 was taken out, or put in",
    truncated_tail: "entries 512…",
    swapped_salt: "entries 300…301 (tile/entries/001)",
    changed_tile: "tile/0/001: hash 44 was changed",
    another_months: "export.json: the export is of 1",
    replaced_checkpoint: "checkpoint: is not signed by the log's key",
}


@pytest.fixture(params=["key", "checkpoint"])
def trust(request: pytest.FixtureRequest, exported: Exported) -> tuple[str, str]:
    return f"--{request.param}", str(getattr(exported, request.param))


@pytest.mark.parametrize("bend", BENT, ids=lambda it: it.__name__)
def test_a_bent_export_is_found_with_the_place(
    forked: Path, copy: Exported, bend: Callable[[Path], None], trust: tuple[str, str]
) -> None:
    bend(copy.folder)
    done = run(forked, "verify", copy.folder, *trust)
    assert done.returncode == INTEGRITY
    assert "WRONG   " in done.stdout
    assert BENT[bend] in done.stdout
    assert "NOT VERIFIED" in done.stdout


def test_a_sample_is_drawn_again_by_another_auditor(
    command: Path, forked: Path, exported: Exported, copy: Exported
) -> None:
    def drawn(seed: str, *more: object, by: Path = forked) -> list[str]:
        done = run(by, "sample", exported.folder, "--seed", seed, "--n", 7, "--key", exported.key, "--json", *more)
        assert done.returncode == 0, done.stdout
        return done.stdout.splitlines()

    assert len(drawn("a")) == 7
    assert drawn("a") == drawn("a", by=command)
    assert drawn("a") != drawn("b")
    assert {json.loads(line)["action"] for line in drawn("a", "--category", "claim")} == {"claim:list"}
    assert drawn("a", "--action", "nothing:*") == []
    changed_event(copy.folder)
    done = run(command, "sample", copy.folder, "--seed", "a", "--n", 7, "--key", copy.key)
    assert done.returncode == INTEGRITY
    assert "of lender" not in done.stdout


def test_what_an_export_says_of_itself_is_shown(forked: Path, exported: Exported) -> None:
    done = run(forked, "show", exported.folder)
    assert done.returncode == 0
    assert "nothing is verified yet" in done.stdout
    assert "test/audit/1/" in done.stdout
    first = run(forked, "show", exported.folder, "--index", 0, "--index", 3)
    assert "log:begin" in first.stdout.splitlines()[0]
    assert len(first.stdout.splitlines()) == 2


def test_an_export_that_cannot_be_read_is_one_sentence(forked: Path, copy: Exported) -> None:
    put(copy.folder / "export.json", b"[")
    done = run(forked, "verify", copy.folder, "--key", copy.key)
    assert done.returncode == INTEGRITY
    assert done.stderr == "error: export.json cannot be read as JSON\n"
