"""The unit of systemd and the container file: what they name is there, and what they promise is set."""

import configparser
import json
import re
import shutil
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest
import typer
from support.pages import ROOT

from alliance.keyring.passphrase import PASSPHRASE_FILE_VARIABLE, PASSPHRASE_VARIABLE
from alliance_server.cli.app import app
from alliance_server.cli.doctor.files import ENOUGH_FILES
from alliance_server.config import HubConfig

UNIT = (ROOT / "deploy" / "systemd" / "alliance-hub.service").read_text("utf-8")
CONTAINER = (ROOT / "deploy" / "container" / "Containerfile").read_text("utf-8")
IGNORED = [it for it in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if it and not it.startswith("#")]
COMMAND = typer.main.get_command(app)
DRAIN_SECONDS = HubConfig.model_fields["drain_seconds"].default


def is_command(words: list[str]) -> bool:
    """Say whether words after the program's name are a command with its options."""
    command = getattr(COMMAND, "commands", {}).get(words[0])
    options = {name for parameter in command.params for name in parameter.opts} if command else set()
    return command is not None and {it for it in words[1:] if it.startswith("-")} <= options


# -- systemd ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def service() -> dict[str, str]:
    parsed = configparser.RawConfigParser(strict=False)
    parsed.optionxform = str  # type: ignore[assignment,method-assign]  # systemd minds capitals
    parsed.read_string(UNIT)
    return dict(parsed["Service"])


def test_the_unit_serves_and_can_be_told_to_end(service: dict[str, str]) -> None:
    program, *words = service["ExecStart"].split()
    assert Path(program).name == "alliance-server"
    assert words[0] == "serve"
    assert is_command(words)
    assert service["Type"] == "notify"  # the hub says READY=1
    assert int(service["WatchdogSec"]) >= 30
    assert int(service["TimeoutStopSec"]) > 2 * DRAIN_SECONDS
    assert int(service["LimitNOFILE"]) >= ENOUGH_FILES


def test_the_unit_keeps_secrets_to_the_hub(service: dict[str, str]) -> None:
    name, _, source = service["LoadCredential"].partition(":")
    assert source.startswith("/etc/")
    assert service["Environment"] == f"{PASSPHRASE_FILE_VARIABLE}=%d/{name}"
    assert f"{PASSPHRASE_VARIABLE}=" not in UNIT
    assert (service["LimitCORE"], service["MemorySwapMax"]) == ("0", "0")
    assert service["User"] != "root"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_itself_takes_the_unit(tmp_path: Path) -> None:
    program = Path(sys.executable).with_name("alliance-server")
    unit = tmp_path / "alliance-hub.service"
    unit.write_text(UNIT.replace("/opt/alliance-hub/bin/alliance-server", str(program)))
    for arguments in (["verify"], ["security", "--offline=true", "--threshold=15"]):
        command = ["systemd-analyze", *arguments, str(unit)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "Unknown" not in done.stderr


# -- container -------------------------------------------------------------------------------------------------


def instructions(name: str) -> list[str]:
    joined = CONTAINER.replace("\\\n", " ")
    return re.findall(rf"^{name} (.*)$", joined, re.MULTILINE)


def is_ignored(path: str) -> bool:
    """Say whether a build would not see a path of the repository's root: the last line that matches decides."""
    verdict = False
    for line in IGNORED:
        if fnmatch(path, line.removeprefix("!")):
            verdict = not line.startswith("!")
    return verdict


def test_what_the_container_copies_is_there_and_is_not_ignored() -> None:
    copied = [it.split()[:-1] for it in instructions("COPY") if not it.startswith("--from")]
    assert len(copied) >= 5
    for path in (it for sources in copied for it in sources):
        assert (ROOT / path).exists(), path
        assert not is_ignored(path), path


@pytest.mark.parametrize("path", ["keys", "hub", "lender-a", "lender-a.json", ".git", ".venv", "tests", "deploy"])
def test_what_may_hold_secrets_is_ignored(path: str) -> None:
    assert is_ignored(path)


def test_all_of_the_package_is_copied() -> None:
    packages = re.search(r'packages = \["(.*?)"\]', (ROOT / "pyproject.toml").read_text("utf-8"))
    assert packages
    for package in packages[1].split('", "'):
        assert any(it.split()[0] == package for it in instructions("COPY"))


def test_the_container_runs_as_nobody_and_holds_no_secret() -> None:
    assert instructions("USER")[-1] == "10001:10001"
    last_stage = CONTAINER.rpartition("\nFROM ")[2]
    assert "USER 10001" in last_stage
    assert "COPY --from=hub" in last_stage
    settings = dict(re.findall(r"(\w+)=(\S+)", instructions("ENV")[-1]))
    assert settings[PASSPHRASE_FILE_VARIABLE].startswith("/run/secrets/")
    assert PASSPHRASE_VARIABLE not in settings
    assert not instructions("ARG")


def test_the_containers_commands_exist() -> None:
    (entry,), (arguments,) = (json.loads(instructions("ENTRYPOINT")[-1]), (instructions("CMD")[-1],))
    assert entry == "alliance-server"
    assert is_command(json.loads(arguments))
    (health,) = instructions("HEALTHCHECK")
    program, *words = json.loads(health.partition("CMD ")[2])
    assert program == "alliance-server"
    assert is_command(words)
    assert instructions("STOPSIGNAL") == ["SIGTERM"]
