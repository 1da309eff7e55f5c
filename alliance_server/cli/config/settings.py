"""The settings in force: each with its value, as far as it may be shown, and its origin."""

import json
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from pydantic import BaseModel
from sqlalchemy.exc import ArgumentError

from alliance.crypto.backend import ENVIRONMENT_VARIABLE as BACKEND_VARIABLE
from alliance.keyring.passphrase import PASSPHRASE_FILE, PASSPHRASE_FILE_VARIABLE, PASSPHRASE_VARIABLE
from alliance_server.config import CONFIG_FILE, PREFIX, HubConfig, meant

DEFAULT: Final = "default"
HIDDEN: Final = "***"
_SECRET_PARAMETER = re.compile(r"pass|secret|token|key", re.IGNORECASE)
_COMMAND_LINE = f"{PREFIX}DIR"
"""The folder itself, which the command line reads."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting: its value as it may be shown, and where that was set: default, hub.toml or a variable."""

    name: str
    value: Any
    origin: str


def settings(config: HubConfig) -> list[Setting]:
    """Give all settings of a hub that can be read."""
    variables = _set_up()
    content = tomllib.loads((config.folder / CONFIG_FILE).read_text("utf-8"))
    found = [Setting("folder", str(config.folder), "command line")]
    for name in HubConfig.model_fields:
        if name == "budgets":
            found += _budgets(config, variables, content)
        elif name != "folder":
            value = getattr(config, name)
            shown = shown_url(config.database_url) if name == "database" else _plain(value)
            found.append(Setting(name, shown, _origin(name, variables, content)))
    return [*found, *_of_the_machine(config)]


def unknown_variables() -> Iterator[tuple[str, str]]:
    """Give variables that look like a setting and are none, each with what may be meant."""
    known = [f"{PREFIX}{name.upper()}" for name in HubConfig.model_fields if name != "folder"]
    for name in sorted(os.environ):
        if name.upper().startswith(PREFIX) and name.upper() not in (*known, _COMMAND_LINE):
            yield name, meant(name.upper(), known)


def shown_url(url: str) -> str:
    """Give a database's URL without what it may hold of secrets."""
    try:
        parsed = sa.make_url(url)
    except (ArgumentError, ValueError):
        return f"{HIDDEN} (not a URL)"
    query = {name: HIDDEN if _SECRET_PARAMETER.search(name) else value for name, value in parsed.query.items()}
    return parsed.set(query=query).render_as_string(hide_password=True).replace("%2A", "*")


def has_secret(url: str) -> bool:
    """Say whether a database's URL holds something that must not be shown."""
    return HIDDEN in shown_url(url)


def _set_up() -> dict[str, str]:
    """Give the variables that set a hub up, by their names in capitals; pydantic reads them in any case."""
    return {name.upper(): name for name in os.environ if name.upper().startswith(PREFIX)}


def _origin(name: str, variables: Mapping[str, str], content: Mapping[str, Any]) -> str:
    if variable := variables.get(f"{PREFIX}{name.upper()}"):
        return f"variable {variable}"
    return CONFIG_FILE if name in content else DEFAULT


def _budgets(config: HubConfig, variables: Mapping[str, str], content: Mapping[str, Any]) -> Iterator[Setting]:
    variable = variables.get(f"{PREFIX}BUDGETS")
    named = json.loads(os.environ[variable]) if variable else {}
    for name, items in sorted(config.budgets.items()):
        origin = f"variable {variable}" if name in named else DEFAULT
        if name not in named and name in content.get("budgets", {}):
            origin = CONFIG_FILE
        yield Setting(f"budgets.{name}", items, origin)


def _of_the_machine(config: HubConfig) -> Iterator[Setting]:
    """Give what variables without the prefix decide, which belong to the machine."""
    backend = os.environ.get(BACKEND_VARIABLE)
    yield Setting("backend", backend or "auto", f"variable {BACKEND_VARIABLE}" if backend else DEFAULT)
    if os.environ.get(PASSPHRASE_VARIABLE):
        yield Setting("passphrase", HIDDEN, f"variable {PASSPHRASE_VARIABLE}")
    elif named := os.environ.get(PASSPHRASE_FILE_VARIABLE):
        yield Setting("passphrase", f"in {named}", f"variable {PASSPHRASE_FILE_VARIABLE}")
    else:
        yield Setting("passphrase", f"in {config.keys_folder / PASSPHRASE_FILE}", DEFAULT)


def _plain(value: Any) -> Any:  # noqa: ANN401 - whatever a setting holds
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    return str(value) if isinstance(value, Path) else value
