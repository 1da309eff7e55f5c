"""The house's own rules, held against the sources."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from alliance_server.logs import ALLOWED_FIELDS

MADE_BY_THE_LOGGER = {"event", "level", "logger", "timestamp"}
ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("alliance", "alliance_audit", "alliance_server", "member_client")
SOURCES = sorted(
    path for package in PACKAGES for path in (ROOT / package).rglob("*.py") if "v1" not in path.relative_to(ROOT).parts
)


def imports(path: Path) -> set[str]:
    """Give the full names of what a file imports, type-checking imports included."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def within(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def reaches(path: Path, *packages: str) -> set[str]:
    return {name for name in imports(path) for package in packages if f"{name}.".startswith(f"{package}.")}


def test_there_are_sources() -> None:
    assert len(SOURCES) > 60


def test_import_contracts_are_kept() -> None:
    done = subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", within("alliance"), ids=str)
def test_the_core_has_no_sockets_no_sql_no_loop(path: Path) -> None:
    if path.name.endswith("_pb2_grpc.py"):
        return
    assert not reaches(path, "socket", "asyncio", "grpc", "sqlalchemy", "sqlmodel", "alliance_server", "member_client")


def test_services_know_ports_and_not_adapters() -> None:
    for path in within("alliance_server/services"):
        assert not reaches(path, "alliance_server.storage", "alliance_server.rpc", "sqlalchemy", "grpc"), path
    for path in within("alliance_server/domain"):
        forbidden = ("alliance_server.services", "alliance_server.storage", "alliance_server.rpc", "sqlalchemy", "grpc")
        assert not reaches(path, *forbidden), path
    for path in within("alliance_server/storage"):
        assert not reaches(path, "alliance_server.services", "alliance_server.rpc", "grpc"), path


def test_nothing_imports_the_wiring_but_programs() -> None:
    for path in within("alliance_server"):
        relative = path.relative_to(ROOT / "alliance_server").parts
        if relative[0] not in {"cli", "demo", "recovery", "testing", "bootstrap.py", "__main__.py"}:
            assert not reaches(path, "alliance_server.bootstrap", "alliance_server.cli", "alliance_server.demo"), path


def test_a_hubs_store_is_opened_with_its_purge_ledger() -> None:
    """What must not come back from a backup is remembered by every process: no program makes a store by itself.

    Making and upgrading a hub take nothing away, and who only looks needs no ledger.
    """
    made = [path for path in within("alliance_server") if re.search(r"\bSqlStore\(", path.read_text("utf-8"))]
    assert {str(path.relative_to(ROOT / "alliance_server")) for path in made} == {
        "hub_store.py",
        "cli/hub.py",
        "cli/tls.py",
    }
    assert "write_now" not in (ROOT / "alliance_server" / "cli" / "tls.py").read_text("utf-8")


def test_only_the_fixture_for_users_holds_both_programs_and_pytest() -> None:
    """The independence contract is lifted for it, and for the SDK's public face alone; pytest is nobody else's."""
    both = {path for path in within("alliance_server") if reaches(path, "member_client")}
    assert both
    assert {path.relative_to(ROOT).parts[:2] for path in both} == {("alliance_server", "testing")}
    names = {name for path in both for name in reaches(path, "member_client")}
    assert all(name.count(".") == 1 and not name.startswith("member_client._") for name in names)
    assert [path.name for path in SOURCES if reaches(path, "pytest")] == ["_fixture.py"]


def test_one_owner_of_the_clock() -> None:
    """Time is an argument: in the core and the hub, the clock module alone reads the machine's."""
    for path in [*within("alliance"), *within("alliance_server")]:
        if path == ROOT / "alliance" / "clock.py" or "demo" in path.parts:
            continue
        tree = ast.parse(path.read_text())
        calls = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
        assert not calls & {"time.time", "time.time_ns", "datetime.now", "datetime.utcnow", "datetime.datetime.now"}, (
            path
        )


def test_logs_have_no_field_that_would_be_left_out() -> None:
    """What is logged under a name that is not allowed would get out nowhere."""
    used: set[str] = set()
    for path in within("alliance_server"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("_log."):
                used |= {it.arg or "**" for it in node.keywords}
    assert used
    assert used <= ALLOWED_FIELDS - MADE_BY_THE_LOGGER


def test_stubs_are_those_of_the_protos(tmp_path: Path) -> None:
    subprocess.run([sys.executable, str(ROOT / "tools" / "protos.py"), str(tmp_path)], check=True, cwd=ROOT)
    made = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    kept = {path.name: path.read_bytes() for path in (ROOT / "alliance" / "v1").glob("*_pb2*") if path.is_file()}
    assert set(made) == set(kept)
    assert [name for name, content in made.items() if kept[name] != content] == []


def test_test_folders_are_no_packages() -> None:
    found = {path.parent.name for path in (ROOT / "tests").rglob("__init__.py")}
    assert found == {"support"}


def test_test_modules_have_names_of_their_own() -> None:
    names = [path.name for path in (ROOT / "tests").rglob("test_*.py")]
    assert sorted(names) == sorted(set(names))
