"""Configuration: `hub.toml` in the hub's folder, over which `ALLIANCE_HUB_…` variables go."""

import difflib
import os
import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from alliance.crypto.backend import ENVIRONMENT_VARIABLE
from alliance.errors import AllianceError
from alliance.quotas import MIN_BURST
from alliance_server.domain.quotas import DEFAULT_BUDGETS

CONFIG_FILE = "hub.toml"
PREFIX = "ALLIANCE_HUB_"
"""What the names of variables that set a hub up begin with."""

_ADDRESS = re.compile(r"\S+:([0-9]{1,5})")


class ConfigurationInvalid(AllianceError):
    """The hub's folder or configuration cannot be used."""


def settings_of_others(variables: Iterable[str]) -> list[str]:
    """Name those variables that set up hubs and profiles; the choice of a backend belongs to the machine."""
    return [name for name in variables if name.startswith("ALLIANCE_") and name != ENVIRONMENT_VARIABLE]


def _alliance(name: str) -> str:
    if not re.fullmatch(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?", name):
        raise ValueError("an alliance's name has 1 to 32 of a-z, 0-9 and inner hyphens")
    return name


def address(text: str) -> str:
    """Give an address HOST:PORT as it is; raises ValueError for what is none."""
    found = _ADDRESS.fullmatch(text)
    if found is None or int(found[1]) > 65535:
        raise ValueError("an address is HOST:PORT, for example 0.0.0.0:7443 or [::]:7443")
    return text


def _as_text(value: object) -> object:
    """Take a port that is written as a number."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _metrics_address(text: str) -> str:
    """Read an address, or a port alone, which is one of this machine; empty stays empty."""
    return address(f"127.0.0.1:{text}" if text.isdecimal() else text) if text else ""


def _known(by_resource: dict[str, int]) -> dict[str, int]:
    if unknown := sorted(set(by_resource) - set(DEFAULT_BUDGETS)):
        raise ValueError(f"unknown budgets {unknown}; there are {sorted(DEFAULT_BUDGETS)}")
    return by_resource


def _known_budgets(budgets: dict[str, int]) -> dict[str, int]:
    return DEFAULT_BUDGETS | _known(budgets)


class Pkcs11Settings(BaseModel):
    """Where the identity's and the CA's keys lie in a token. The PIN is never part of it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    module: Path
    """The token's PKCS#11 library."""
    token: Annotated[str, Field(min_length=1, max_length=32)]
    """The token's label."""
    prefix: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,32}$")] = "alliance"
    """Keys have the labels `<prefix>-identity`, `<prefix>-ca`."""
    identity: Annotated[str, Field(pattern=r"^identity[A-Za-z0-9-]{0,24}$")] = "identity"
    """What the identity's label ends with: a restored hub has another identity than the one that was lost."""


class EnrolmentLimits(BaseModel):
    """How many enrolments may be refused a minute before further ones are not looked at."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    refusals_a_minute: int = Field(default=10, ge=1, le=1_000_000)
    """Of one address, or of one IPv6 network of 64 bits."""
    refusals_a_minute_in_all: int = Field(default=600, ge=1, le=1_000_000)


class HubConfig(BaseSettings):
    """Settings of a hub. Paths are relative to its folder."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True)

    folder: Path
    alliance: Annotated[str, AfterValidator(_alliance)] = "alliance"
    listen: Annotated[str, AfterValidator(address)] = "127.0.0.1:7443"
    """Members' port, mutual TLS."""
    enrolment_listen: Annotated[str, AfterValidator(address)] = "127.0.0.1:7444"
    """Enrolment's port, server TLS."""
    public_host: str = "127.0.0.1"
    """Host that invitations name."""
    database: str = ""
    """SQLAlchemy URL; empty: SQLite in the folder."""
    keys: Path = Path("keys")
    pkcs11: Pkcs11Settings | None = None
    """Where identity and CA sign, if not in sealed files."""
    compute_threads: int = Field(default_factory=lambda: os.cpu_count() or 2, ge=1, le=256)
    maintenance_seconds: float = Field(default=1.0, gt=0, le=60)
    """Pause between turns of filter maintenance."""
    drain_seconds: float = Field(default=5.0, ge=0, le=3600)
    """So long calls under way may take to finish once the hub is asked to end."""
    metrics_listen: Annotated[str, BeforeValidator(_as_text), AfterValidator(_metrics_address)] = ""
    """Port for metrics, plain HTTP; empty: none. A port alone is one of this machine."""
    budgets: Annotated[dict[str, Annotated[int, Field(ge=0)]], AfterValidator(_known_budgets)] = Field(
        default_factory=dict, validate_default=True
    )
    """Items a member and day, by resource; those not named keep their default."""
    bursts: Annotated[dict[str, Annotated[int, Field(ge=MIN_BURST)]], AfterValidator(_known)] = Field(
        default_factory=dict
    )
    """Items a member may use at once, by resource; those not named are derived from the budget."""

    reciprocity: Literal["shown", "in_force"] = "shown"
    """Whether members' standings change their default budgets, or are only shown."""
    night_utc: int = Field(default=16, ge=0, le=23)
    """Hour of the UTC day at which the members' night of six hours begins; 16 is midnight in Beijing."""
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

    @property
    def attachments_folder(self) -> Path:
        """Where sealed attachments of replies to police cases lie."""
        return self.folder / "attachments"

    @property
    def logs_folder(self) -> Path:
        """Where the logs' tiles and checkpoints lie, for everybody to read."""
        return self.folder / "log"

    @property
    def purges_folder(self) -> Path:
        """Where the purge ledger lies."""
        return self.folder / "purges"

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


class Fault(NamedTuple):
    """Something wrong with a configuration: the setting or file, and what. Never a value, which may be a secret."""

    about: str
    problem: str

    def __str__(self) -> str:
        return f"{self.about}: {self.problem}"


def load_config(folder: Path) -> HubConfig:
    """Read a hub's configuration; raises ConfigurationInvalid, which names settings and not their values."""
    config, faults = read_config(folder)
    if config is None:
        raise ConfigurationInvalid("; ".join(map(str, faults)))
    return config


def read_config(folder: Path) -> tuple[HubConfig | None, list[Fault]]:
    """Read a hub's configuration, or say everything that is wrong with it."""
    path = folder / CONFIG_FILE
    if not path.is_file():
        return None, [Fault(str(folder), f"no hub's folder: make one with 'alliance-server init {folder}'")]
    try:
        return HubConfig(folder=folder.resolve()), []
    except ValidationError as error:
        return None, [_fault(it["loc"], it["type"], it["msg"]) for it in error.errors()]
    except SettingsError:
        return None, [Fault(f"{PREFIX}BUDGETS", 'takes a table as JSON, such as {"transaction": 1000}')]
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"\(at .*\)", str(error))  # the rest of the parser's text may quote the file
        return None, [Fault(str(path), f"not valid TOML {place[0] if place else ''}".rstrip())]
    except UnicodeDecodeError:
        return None, [Fault(str(path), "not valid TOML: it is not UTF-8")]


def _fault(place: tuple[int | str, ...], kind: str, message: str) -> Fault:
    name = ".".join(map(str, place))
    if kind == "extra_forbidden":
        return Fault(name, f"there is no such setting{meant(name, HubConfig.model_fields)}")
    return Fault(name, message.removeprefix("Value error, "))


def meant(name: str, known: Iterable[str]) -> str:
    """Give a question for a name that is wrong by a letter or two, else nothing."""
    near = difflib.get_close_matches(name, list(known), n=1)
    return f"; is {near[0]} meant?" if near else ""
