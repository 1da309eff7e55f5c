"""`member-client case verify`: what it says of a bundle, and that it needs nothing but the bundle."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from cli_fakes import Cli
from support.bundles import MadeCase

from alliance.fingerprints import fingerprint


@pytest.fixture(scope="module")
def made() -> MadeCase:
    return MadeCase()


@pytest.fixture(scope="module")
def bundle(made: MadeCase, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bundle") / "case-A-17.tar"
    path.write_bytes(made.bundle())
    return path


def test_a_bundle_that_holds_says_under_which_key(made: MadeCase, bundle: Path) -> None:
    shown = Cli()("case", "verify", str(bundle))
    assert shown.exit_code == 0
    assert "case A-2030-17 of police" in shown.stdout
    assert shown.stdout.count("holds  ") == 11
    assert made.hub.public_key.hex() in shown.stdout
    assert fingerprint(made.hub.public_key) in shown.stdout


@pytest.mark.parametrize("form", ["hex", "words"])
def test_a_key_from_elsewhere_settles_whose_it_is(made: MadeCase, bundle: Path, form: str) -> None:
    told = {"hex": made.hub.public_key.hex(), "words": fingerprint(made.hub.public_key)}[form]
    assert "under the hub's key that you gave" in Cli()("case", "verify", str(bundle), "--hub-key", told).stdout
    other = {"hex": "00" * 32, "words": fingerprint(bytes(32))}[form]
    shown = Cli()("case", "verify", str(bundle), "--hub-key", other)
    assert shown.exit_code == 7
    assert "WRONG  manifest.json: names another hub's key" in shown.stdout


@pytest.mark.parametrize("told", ["", "abandon", "00" * 31, "x" * 64])
def test_what_is_no_key_is_refused(bundle: Path, told: str) -> None:
    shown = Cli()("case", "verify", str(bundle), "--hub-key", told)
    assert shown.exit_code == 2
    assert "--hub-key" in shown.stderr


def test_a_changed_byte_ends_with_7_and_its_place(bundle: Path, tmp_path: Path) -> None:
    content = bytearray(bundle.read_bytes())
    content[512] ^= 1
    content[-1] ^= 1
    path = tmp_path / "changed.tar"
    path.write_bytes(content)
    shown = Cli()("case", "verify", str(path))
    assert shown.exit_code == 7
    assert "WRONG  manifest.json: the manifest cannot be read" in shown.stdout
    document = json.loads(Cli()("--json", "case", "verify", str(path)).stdout)
    assert (document["holds"], document["held"]) == (False, [])
    assert document["faults"][0] == {"place": "manifest.json", "text": "the manifest cannot be read"}


def test_in_chinese_nothing_is_left_in_english(bundle: Path, tmp_path: Path) -> None:
    content = bytearray(bundle.read_bytes())
    content[-1] ^= 1
    path = tmp_path / "changed.tar"
    path.write_bytes(content)
    told = Cli()("--lang", "zh-CN", "case", "verify", str(path)).stdout
    assert "有误  归档结尾：被改动" in told
    assert not {"holds", "WRONG", "the "} & set(told.replace("：", " ").split())


def test_a_file_that_is_not_there_is_no_bundle(tmp_path: Path) -> None:
    assert Cli()("case", "verify", str(tmp_path / "none.tar")).exit_code == 2


@pytest.mark.parametrize("content", [b"", b"no bundle", bytes(2048)])
def test_what_is_no_bundle_does_not_hold(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other.tar"
    path.write_bytes(content)
    assert Cli()("case", "verify", str(path)).exit_code == 7


def test_it_needs_no_profile_and_writes_nothing(bundle: Path, tmp_path: Path) -> None:
    """As a court's expert runs it: another home, another working directory, no variable of ours."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("ALLIANCE")}
    command = [sys.executable, "-m", "member_client", "--json", "case", "verify", str(bundle)]
    run = subprocess.run(
        command, cwd=tmp_path, env=plain | {"HOME": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    assert (run.returncode, json.loads(run.stdout)["holds"]) == (0, True), run.stderr
    assert list(tmp_path.iterdir()) == []


def test_verifying_imports_no_server_and_opens_no_connection(bundle: Path) -> None:
    program = (
        "import io, sys; from alliance.cases.bundle.verifying import verify;"
        f"report = verify(open({str(bundle)!r}, 'rb'));"
        "loaded = {name.partition('.')[0] for name in sys.modules};"
        "sys.exit(0 if report.holds and not loaded & {'alliance_server', 'member_client', 'grpc', 'sqlalchemy'} else 1)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
