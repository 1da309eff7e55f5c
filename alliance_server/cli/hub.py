"""Making and upgrading a hub."""

import json
import re
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from rich.console import Console
from sqlalchemy.engine import Engine
from sqlalchemy.exc import ArgumentError

from alliance.clock import SystemClock
from alliance.development import DEVELOPMENT_ALLIANCE
from alliance.keyring.store import write_atomically
from alliance_server.cli.printing import say
from alliance_server.config import CONFIG_FILE, ConfigurationInvalid, HubConfig, load_config
from alliance_server.domain.actions import AuditAction
from alliance_server.domain.audit import record_event
from alliance_server.domain.epochs import Epoch
from alliance_server.domain.members import HUB_ACTOR
from alliance_server.domain.ports import Transaction
from alliance_server.hub_keys import create_keys
from alliance_server.services import policies
from alliance_server.storage import schema
from alliance_server.storage.policies import knows_policies
from alliance_server.storage.unit_of_work import SqlStore, SqlTransaction

_ADDRESS = re.compile(r".+:[0-9]{1,5}")
_HOST = re.compile(r"[A-Za-z0-9._:-]+")


def init_hub(
    out: Console,
    folder: Path,
    alliance: str,
    hosts: list[str],
    listen: str,
    enrolment_listen: str,
    database: str,
    pkcs11: dict[str, str] | None = None,
) -> None:
    """Make a hub's folder; raises ConfigurationInvalid where there is one already, or the name is not to be had."""
    if alliance == DEVELOPMENT_ALLIANCE:
        raise ConfigurationInvalid(
            f"the name '{alliance}' is kept for development hubs, which 'alliance-server dev' makes; nothing was made"
        )
    make_hub(out, folder, alliance, hosts, listen, enrolment_listen, database, pkcs11)


def make_hub(
    out: Console,
    folder: Path,
    alliance: str,
    hosts: list[str],
    listen: str,
    enrolment_listen: str,
    database: str,
    pkcs11: dict[str, str] | None = None,
) -> None:
    """Do the same under any name."""
    if (folder / CONFIG_FILE).exists():
        raise ConfigurationInvalid(f"{folder} is a hub's folder already; nothing was changed")
    _check_addresses(hosts, listen, enrolment_listen)
    settings: dict[str, Any] = {
        "alliance": alliance,
        "listen": listen,
        "enrolment_listen": enrolment_listen,
        "public_host": hosts[0],
        "database": database,
    }
    if pkcs11:
        settings["pkcs11"] = pkcs11
    config = _configured(folder, settings)
    store = _store_of(config)
    # The configuration is written last: a folder with one is a whole hub.
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _check_unused(store)
    now = SystemClock().now_ms()
    try:
        keys = create_keys(config.keys_folder, alliance, hosts, now, config.pkcs11)
    except FileExistsError as error:
        raise ConfigurationInvalid(f"{error}; move them away, or restore {CONFIG_FILE}") from None
    epoch = keys.create_epoch(1, now)
    schema.upgrade(store.engine)
    store.start()
    try:
        store.write_now(lambda transaction: _begin(transaction, epoch, now))
    finally:
        store.close()
    write_atomically(folder / CONFIG_FILE, _toml(settings).encode(), mode=0o640)
    say(out, f"hub made in {folder}: alliance '{alliance}', epoch 1, {store.engine.dialect.name}")
    say(out, f"identity {keys.identity.public_key.hex()}")
    say(out, "members pin this identity through their bundles")
    say(out, f"next: alliance-server serve {folder}")


def _toml(settings: dict[str, Any]) -> str:
    """Write settings as TOML: texts and numbers first, then tables. A JSON text is a TOML basic string."""
    plain = [f"{name} = {json.dumps(value)}" for name, value in settings.items() if not isinstance(value, dict)]
    for table, values in settings.items():
        if isinstance(values, dict):
            plain += ["", f"[{table}]", *(f"{name} = {json.dumps(value)}" for name, value in values.items())]
    return "\n".join(plain) + "\n"


def upgrade_hub(out: Console, folder: Path) -> None:
    """Bring the database to this release's schema, whole or not at all; raises ConfigurationInvalid without a hub."""
    engine = SqlStore(load_config(folder).database_url).engine
    before, wanted = schema.version(engine), schema.head()
    if before is None:
        raise ConfigurationInvalid("the database holds no hub: restore it, or correct the URL in hub.toml")
    if before == wanted:
        say(out, f"the schema is {wanted} already; nothing to do")
        return
    _check_policy(engine)
    say(out, f"upgrading the schema from {before} to {wanted}; ten million claims take about a minute")
    schema.upgrade(engine)
    say(out, f"the schema is {wanted}; next: alliance-server serve {folder}")


def _check_policy(engine: Engine) -> None:
    """Refuse where this release would not serve afterwards, and the one before could not any more."""
    with engine.connect() as connection, connection.begin():
        if knows_policies(connection) and not policies.is_served(SqlTransaction(connection)):
            raise ConfigurationInvalid(f"{policies.not_adopted()}: {policies.how_to_adopt()}; nothing was changed")


def _check_addresses(hosts: list[str], listen: str, enrolment_listen: str) -> None:
    for option, address in (("--listen", listen), ("--enrolment-listen", enrolment_listen)):
        if not _ADDRESS.fullmatch(address) or int(address.rpartition(":")[2]) > 65535:
            raise ConfigurationInvalid(f"{option} takes HOST:PORT, for example 0.0.0.0:7443; nothing was made")
    if listen == enrolment_listen and not listen.endswith(":0"):
        raise ConfigurationInvalid("--listen and --enrolment-listen must differ; nothing was made")
    check_hosts(hosts)


def check_hosts(hosts: list[str]) -> None:
    """Raise ConfigurationInvalid unless these can stand in the hub's certificate."""
    if not all(_HOST.fullmatch(host) for host in hosts):
        raise ConfigurationInvalid("--host takes a host name or an address, without a port; nothing was made")


def _check_unused(store: SqlStore) -> None:
    """Look at the database before keys are made; raises what SQLAlchemy does where it is not there."""
    if schema.version(store.engine) == schema.head() and store.read_now(lambda transaction: transaction.epochs.all()):
        raise ConfigurationInvalid(
            "the database belongs to a hub already; for one more process of that hub, copy its hub.toml and keys"
        )


def _configured(folder: Path, settings: dict[str, Any]) -> HubConfig:
    try:
        return HubConfig(folder=folder.resolve(), **settings)
    except ValidationError as error:
        faults = "; ".join(str(fault["msg"]).removeprefix("Value error, ") for fault in error.errors())
        raise ConfigurationInvalid(f"{faults}; nothing was made") from None


def _store_of(config: HubConfig) -> SqlStore:
    try:
        return SqlStore(config.database_url)
    except (ArgumentError, ImportError):  # the text may hold a password
        raise ConfigurationInvalid(
            "--db takes sqlite:///PATH or postgresql+psycopg://USER@HOST/DATABASE; nothing was made"
        ) from None


def _begin(transaction: Transaction, epoch: Epoch, now: int) -> None:
    policies.settled(transaction, now)
    transaction.epochs.add(epoch)
    transaction.record(
        record_event(
            time=now,
            actor=HUB_ACTOR,
            action=AuditAction.EPOCH_BEGIN,
            epoch=epoch.id,
            items=1,
            commitments=(epoch.public_key,),
        )
    )
