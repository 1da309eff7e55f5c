"""Configuration: `hub.toml` in the hub's folder, over which `ALLIANCE_HUB_…` variables go."""

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from alliance.crypto.backend import ENVIRONMENT_VARIABLE
from alliance.errors import AllianceError
from alliance_server.domain.quotas import DEFAULT_BUDGETS

CONFIG_FILE = "hub.toml"


class ConfigurationInvalid(AllianceError):
    """The hub's folder or configuration cannot be used."""


def settings_of_others(variables: Iterable[str]) -> list[str]:
    """Name those variables that set up hubs and profiles; the choice of a backend belongs to the machine."""
    return [name for name in variables if name.startswith("ALLIANCE_") and name != ENVIRONMENT_VARIABLE]


def _alliance(name: str) -> str:
    if not re.fullmatch(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?", name):
        raise ValueError("an alliance's name has 1 to 32 of a-z, 0-9 and inner hyphens")
    return name


def _known_budgets(budgets: dict[str, int]) -> dict[str, int]:
    if unknown := sorted(set(budgets) - set(DEFAULT_BUDGETS)):
        raise ValueError(f"unknown budgets {unknown}; there are {sorted(DEFAULT_BUDGETS)}")
    return DEFAULT_BUDGETS | budgets


class EnrolmentLimits(BaseModel):
    """How many enrolments may be refused a minute before further ones are not looked at."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    refusals_a_minute: int = Field(default=10, ge=1, le=1_000_000)
    """Of one address, or of one IPv6 network of 64 bits."""
    refusals_a_minute_in_all: int = Field(default=600, ge=1, le=1_000_000)


class HubConfig(BaseSettings):
    """Settings of a hub. Paths are relative to its folder."""

    model_config = SettingsConfigDict(env_prefix="ALLIANCE_HUB_", extra="forbid", frozen=True)

    folder: Path
    alliance: Annotated[str, AfterValidator(_alliance)] = "alliance"
    listen: str = "127.0.0.1:7443"
    """Members' port, mutual TLS."""
    enrolment_listen: str = "127.0.0.1:7444"
    """Enrolment's port, server TLS."""
    public_host: str = "127.0.0.1"
    """Host that invitations name."""
    database: str = ""
    """SQLAlchemy URL; empty: SQLite in the folder."""
    keys: Path = Path("keys")
    compute_threads: int = Field(default_factory=lambda: os.cpu_count() or 2, ge=1, le=256)
    maintenance_seconds: float = Field(default=1.0, gt=0, le=60)
    """Pause between turns of filter maintenance."""
    budgets: Annotated[dict[str, Annotated[int, Field(ge=0)]], AfterValidator(_known_budgets)] = Field(
        default_factory=dict, validate_default=True
    )
    """Items a member and day, by resource; those not named keep their default."""
    enrolment: EnrolmentLimits = EnrolmentLimits()

    @property
    def database_url(self) -> str:
        """The URL in force."""
        return self.database or f"sqlite:///{self.folder / 'hub.db'}"

    @property
    def keys_folder(self) -> Path:
        """Where the sealed keys lie."""
        return self.folder / self.keys

    @property
    def snapshots_folder(self) -> Path:
        """Where filter bits lie."""
        return self.folder / "snapshots"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic's signature
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let variables win over the file, and the folder be given by the command alone."""
        folder = Path(init_settings()["folder"])
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, folder / CONFIG_FILE)


def load_config(folder: Path) -> HubConfig:
    """Read a hub's configuration; raises ConfigurationInvalid, which names settings and not their values."""
    if not (folder / CONFIG_FILE).is_file():
        raise ConfigurationInvalid(f"{folder} is no hub's folder: make one with 'alliance-server init {folder}'")
    try:
        return HubConfig(folder=folder.resolve())
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        raise ConfigurationInvalid(f"{folder / CONFIG_FILE}: {faults}") from None
    except ValueError:
        raise ConfigurationInvalid(f"{folder / CONFIG_FILE} is not valid TOML") from None
