"""The folder of a development hub: `hub/`, and a folder for each lender with its profile and its lists."""

import json
import shutil
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import Final

from rich.console import Console

from alliance.development import DEVELOPMENT_ALLIANCE
from alliance.keyring.store import write_atomically
from alliance_server.cli.hub import make_hub
from alliance_server.config import CONFIG_FILE, ConfigurationInvalid, HubConfig, load_config

DEFAULT_FOLDER: Final = Path("alliance-dev")
_HUB, _UNFINISHED = "hub", "hub.unfinished"
_PROFILE_FILE: Final = "profile.toml"


@contextmanager
def working_folder(folder: Path, *, memory: bool) -> Iterator[Path]:
    """Give the development hub's folder, or a temporary one that is removed in the end."""
    if not memory:
        yield folder.absolute()
        return
    made = Path(mkdtemp(prefix="alliance-dev-"))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def opened_config(home: Path, port: int) -> HubConfig:
    """Give the configuration of the hub in a folder, which is made now where there is none.

    Raises ConfigurationInvalid for a folder that holds anything else.
    """
    hub = home / _HUB
    _check_own(home)
    addresses = f"127.0.0.1:{port}", f"127.0.0.1:{port + 1}"
    if not (hub / CONFIG_FILE).is_file():
        _make(home, *addresses)
    listen, enrolment_listen = addresses
    return HubConfig(folder=hub.resolve(), listen=listen, enrolment_listen=enrolment_listen)


def _check_own(home: Path) -> None:
    """Raise ConfigurationInvalid where a folder is somebody else's."""
    if not home.exists():
        return
    hub = home / _HUB
    if home.is_dir() and (hub / CONFIG_FILE).is_file() and load_config(hub).alliance == DEVELOPMENT_ALLIANCE:
        return
    # What a start that was cut off left behind is no hub yet, and is made anew.
    if not home.is_dir() or {path.name for path in home.iterdir()} - {_UNFINISHED}:
        raise ConfigurationInvalid(
            f"{home} holds something else than a development hub; nothing was changed. Start in another folder, or "
            "with --memory"
        )


def _make(home: Path, listen: str, enrolment_listen: str) -> None:
    """Make the hub aside and put it in its place whole."""
    unfinished = home / _UNFINISHED
    shutil.rmtree(unfinished, ignore_errors=True)
    quiet = Console(quiet=True)
    make_hub(quiet, unfinished, DEVELOPMENT_ALLIANCE, ["127.0.0.1", "localhost"], listen, enrolment_listen, "")
    unfinished.rename(home / _HUB)


def is_enrolled(profile: Path) -> bool:
    """Tell whether a profile is whole: its settings are written last."""
    return (profile / _PROFILE_FILE).is_file()


def point_to(profile: Path, hub: str, enrolment: str) -> None:
    """Let an enrolled profile find the hub at the ports of this run."""
    path = profile / _PROFILE_FILE
    settings = tomllib.loads(path.read_text("utf-8"))
    pointed = settings | {"hub": hub, "enrolment": enrolment}
    if pointed != settings:
        lines = [f"{name} = {json.dumps(value)}\n" for name, value in pointed.items()]
        write_atomically(path, "".join(lines).encode())
