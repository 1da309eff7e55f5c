"""Goes from the inside out, as far as it can: settings, addresses, files, keys, what ends, database, the hub on it."""

from collections.abc import Iterator
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from alliance.clock import Clock
from alliance.crypto import backend
from alliance.errors import AllianceError, KeyFileInvalid
from alliance.findings import Finding, Level, error, told
from alliance_server.cli.database import DatabaseUnusable, open_existing
from alliance_server.cli.doctor.addresses import address_findings
from alliance_server.cli.doctor.files import file_findings
from alliance_server.cli.doctor.settings import read_what_is_right, settings_of
from alliance_server.cli.doctor.state import epoch_findings, policy_findings, state_findings
from alliance_server.config import HubConfig
from alliance_server.domain.epochs import Epoch
from alliance_server.expiry import endings
from alliance_server.hub_keys import HubKeys, open_keys
from alliance_server.storage import schema
from alliance_server.storage.unit_of_work import SqlTransaction


def check(folder: Path, clock: Clock) -> list[Finding]:
    """Look at a hub's configuration and what it names: whether a hub could serve with it."""
    return list(_findings(folder, clock, of_hub=False))


def examine(folder: Path, clock: Clock) -> list[Finding]:
    """Look at all of that, and at what the database tells of the hub that runs on it."""
    return list(_findings(folder, clock, of_hub=True))


def _findings(folder: Path, clock: Clock, *, of_hub: bool) -> Iterator[Finding]:
    config, wrong = read_what_is_right(folder)
    yield from wrong
    if config is None:
        return
    if not any(it.level is Level.ERROR for it in wrong):
        yield Finding(Level.OK, f"configuration: alliance '{config.alliance}'")
    yield Finding(Level.OK, f"arithmetic: {backend.select().description}")
    yield from address_findings(config)
    yield from file_findings(config)
    skipped = settings_of(wrong)
    keys = None
    if "keys" not in skipped and config.keys_folder.is_dir():
        try:
            keys = _opened(config)
            yield Finding(Level.OK, "keys open, and fit their certificates")
        except (AllianceError, OSError, ValueError, TypeError) as failure:
            remedy = "Give the right passphrase first; where that is not it, restore the keys' folder from its backup."
            yield error(told(failure), remedy, about="keys")
    if "database" not in skipped:
        yield from _of_database(config, keys, clock, of_hub=of_hub)


def _opened(config: HubConfig) -> HubKeys:
    """Open the keys; raises what opening raises, and KeyFileInvalid for an empty folder, which would be made one."""
    if not any(config.keys_folder.glob("*.sealed")):
        raise KeyFileInvalid(f"there are no sealed keys in {config.keys_folder}")
    return open_keys(config.keys_folder, config.alliance, config.pkcs11)


def _of_database(config: HubConfig, keys: HubKeys | None, clock: Clock, *, of_hub: bool) -> Iterator[Finding]:
    try:
        engine = open_existing(config.database_url)
    except DatabaseUnusable as failure:
        yield error(str(failure), failure.fix, about="database")
        return
    try:
        found, wanted = schema.version(engine), schema.head()
        if found != wanted:
            yield _another_schema(config.folder, found, wanted)
            return
        yield Finding(Level.OK, f"the database has the schema {found}")
        with engine.connect() as connection, connection.begin():
            transaction, now = SqlTransaction(connection), clock.now_ms()
            epochs = transaction.epochs.all()
            yield from _endings(keys, epochs, now)
            yield from policy_findings(transaction)
            yield from epoch_findings(epochs, keys)
            if of_hub:
                yield from state_findings(transaction, now)
    except SQLAlchemyError as failure:  # its text may hold a password
        yield error(f"a query failed ({type(failure).__name__})", "Look at the database's own log.", about="database")
    finally:
        engine.dispose()


def _another_schema(folder: Path, found: str | None, wanted: str | None) -> Finding:
    if found is None:
        remedy = "Correct the URL, or restore the database from its backup."
        return error("there is no hub in the database", remedy, about="database")
    remedy = f"Stop all hubs, back it up, then: alliance-server upgrade {folder}"
    return error(f"its schema is {found}, this release's is {wanted}", remedy, about="database")


def _endings(keys: HubKeys | None, epochs: list[Epoch], now: int) -> Iterator[Finding]:
    for ending in endings(keys, epochs):
        days = ending.days_left(now)
        if now >= ending.ends:
            yield error(f"{ending.what} is expired", ending.remedy)
        elif now >= ending.warn_at:
            yield Finding(Level.WARNING, f"{ending.what} ends in {days} days", ending.remedy)
        else:
            yield Finding(Level.OK, f"{ending.what} is good for {days} days")
