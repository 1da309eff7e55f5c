"""Looks for what keeps a hub from working, or will, and says how to mend it. Changes nothing; the hub may run or not.

It goes from the inside out, as far as it can: configuration, keys, what ends, database, members, files, clock.
"""

from pathlib import Path

from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from alliance.clock import Clock
from alliance.crypto import backend
from alliance.errors import AllianceError
from alliance.findings import Finding, Level, told
from alliance_server.config import HubConfig, load_config
from alliance_server.doctor.files import disk_findings, key_file_findings
from alliance_server.doctor.state import state_findings
from alliance_server.expiry import endings
from alliance_server.hub_keys import HubKeys, open_keys
from alliance_server.storage import schema
from alliance_server.storage.unit_of_work import SqlStore

__all__ = ["examine"]


def examine(folder: Path, clock: Clock) -> list[Finding]:
    """Examine a hub's folder and what it leads to."""
    try:
        config = load_config(folder)
    except AllianceError as error:
        return [Finding(Level.ERROR, f"configuration: {error}")]
    findings = [
        Finding(Level.OK, f"configuration: alliance '{config.alliance}'"),
        Finding(Level.OK, f"arithmetic: {backend.select().description}"),
        *key_file_findings(config.keys_folder),
    ]
    keys = None
    try:
        keys = open_keys(config.keys_folder, config.alliance, config.pkcs11)
        findings.append(Finding(Level.OK, "keys open, and fit their certificates"))
    except (AllianceError, OSError) as error:
        remedy = "Give the right passphrase first; where that is not it, restore the keys' folder from its backup."
        findings.append(Finding(Level.ERROR, f"keys: {told(error)}", remedy))
    return [*findings, *_of_database(config, keys, clock), *disk_findings(config)]


def _of_database(config: HubConfig, keys: HubKeys | None, clock: Clock) -> list[Finding]:
    path = make_url(config.database_url).database
    if config.database_url.startswith("sqlite") and path and not Path(path).exists():  # opening it would make it
        return [Finding(Level.ERROR, f"there is no database {path}", "Restore it from its backup.")]
    try:
        store = SqlStore(config.database_url)
        found = schema.version(store.engine)
    except (SQLAlchemyError, ImportError) as error:  # its text may hold a password
        return [Finding(Level.ERROR, f"the database cannot be reached: {type(error).__name__}", "See `database`.")]
    try:
        if found != schema.head():
            remedy = f"Back it up, then: alliance-server upgrade {config.folder}"
            return [Finding(Level.ERROR, f"the database's schema is {found}, and not {schema.head()}", remedy)]
        store.start()
        return [Finding(Level.OK, f"the database has the schema {found}"), *_of_hub(store, keys, clock.now_ms())]
    except SQLAlchemyError as error:
        return [Finding(Level.ERROR, f"the database fails: {type(error).__name__}", "Look at its own log.")]
    finally:
        store.close()


def _of_hub(store: SqlStore, keys: HubKeys | None, now: int) -> list[Finding]:
    findings = []
    if keys is not None:
        epochs = store.read_now(lambda transaction: transaction.epochs.all())
        for ending in endings(keys, epochs):
            days = ending.days_left(now)
            if now >= ending.ends:
                findings.append(Finding(Level.ERROR, f"{ending.what} is expired", ending.remedy))
            elif now >= ending.warn_at:
                findings.append(Finding(Level.WARNING, f"{ending.what} ends in {days} days", ending.remedy))
            else:
                findings.append(Finding(Level.OK, f"{ending.what} is good for {days} days"))
    return [*findings, *state_findings(store, keys, now)]
