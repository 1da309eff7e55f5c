"""Reads a configuration however wrong it is: what is right of it, and everything that is not."""

import tomllib
from pathlib import Path

from pydantic import ValidationError
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource

from alliance.findings import Finding, error, warning
from alliance_server.cli.config.settings import unknown_variables
from alliance_server.config import CONFIG_FILE, Fault, HubConfig, read_config

_IN_FORCE = f"Correct it in {CONFIG_FILE}, or the variable that goes over it."


class _AsGiven(HubConfig):
    """Settings that are given in the code alone."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - pydantic's signature
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read neither file nor variables."""
        return (init_settings,)


def read_what_is_right(folder: Path) -> tuple[HubConfig | None, list[Finding]]:
    """Give the configuration without its faulty settings, None where it cannot be read at all, and the findings."""
    config, faults = read_config(folder)
    findings = [error(it.problem, _fix(folder), about=it.about) for it in faults]
    findings += [
        warning(f"the variable names no setting{meant}", "Correct its name, or unset it.", about=name)
        for name, meant in unknown_variables()
    ]
    return config or _rest(folder, faults), findings


def _fix(folder: Path) -> str:
    if not (folder / CONFIG_FILE).is_file():
        return f"Name the hub's folder, or make one: alliance-server init {folder}"
    return _IN_FORCE


def _rest(folder: Path, faults: list[Fault]) -> HubConfig | None:
    wrong = {fault.about.partition(".")[0] for fault in faults}
    try:
        content = tomllib.loads((folder / CONFIG_FILE).read_text("utf-8")) | EnvSettingsSource(HubConfig)()
        known = {name: value for name, value in content.items() if name in HubConfig.model_fields}
        right = {name: value for name, value in known.items() if name not in {*wrong, "folder"}}
        return _AsGiven(folder=folder.resolve(), **right)
    except (OSError, ValueError, ValidationError):
        return None


def settings_of(findings: list[Finding]) -> set[str]:
    """Give the settings that findings are about, whose defaults stand in for them."""
    return {finding.about.partition(".")[0] for finding in findings}
