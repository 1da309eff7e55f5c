"""Checks of what the hub opens: sealed keys, certificates, the database."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from sqlalchemy.exc import SQLAlchemyError

from alliance.clock import SystemClock
from alliance.errors import AllianceError, KeyFileInvalid
from alliance.findings import told
from alliance_server.authority import server_name
from alliance_server.certificates import CA_FILE, HUB_FILE, host_names, is_issued_by, read_files, time_left
from alliance_server.cli.config.findings import Finding, error, warning
from alliance_server.cli.database import DatabaseUnusable, open_existing
from alliance_server.config import HubConfig
from alliance_server.domain.epochs import SERVING, Epoch
from alliance_server.hub_keys import HubKeys, open_keys
from alliance_server.services import policies
from alliance_server.storage import schema
from alliance_server.storage.unit_of_work import SqlTransaction

SOON: Final = timedelta(days=30)


def check_contents(config: HubConfig, skipped: set[str]) -> Iterator[Finding]:
    """Check keys, certificates and database, and that they belong together; `skipped` names settings that are wrong."""
    keys = None
    if "keys" not in skipped and config.keys_folder.is_dir():
        yield from _check_certificates(config)
        try:
            keys = _opened(config)
        except (AllianceError, OSError, ValueError, TypeError) as failure:
            yield error("keys", told(failure), "restore the keys from their backup, or name their passphrase")
    if "database" not in skipped:
        yield from _check_database(config, keys)


def _opened(config: HubConfig) -> HubKeys:
    """Open the keys; raises what opening raises, and KeyFileInvalid for an empty folder, which would be made one."""
    if not any(config.keys_folder.glob("*.sealed")):
        raise KeyFileInvalid(f"there are no sealed keys in {config.keys_folder}")
    return open_keys(config.keys_folder, config.alliance, config.pkcs11)


def _check_certificates(config: HubConfig) -> Iterator[Finding]:
    try:
        roots, hub = read_files(config.keys_folder)
    except (OSError, AllianceError) as failure:
        yield error("keys", f"a certificate cannot be read: {told(failure)}", "restore it from the backup")
        return
    for name, certificate in ((CA_FILE, roots.issuing), (HUB_FILE, hub)):
        yield from _check_age(config.keys_folder / name, certificate)
    if server_name(config.alliance) not in host_names(hub):
        problem = "the hub's certificate is another alliance's"
        yield error("alliance", problem, "set the name that the hub was made with: it never changes")
    if not any(is_issued_by(hub, it) for it in roots.certificates):
        yield error("keys", "the hub's certificate is not of this CA", "restore both files from one backup")


def _check_age(path: Path, certificate: x509.Certificate) -> Iterator[Finding]:
    left = time_left(certificate, SystemClock().now_ms())
    if left <= timedelta():
        yield error(str(path), "the certificate has ended", "issue another: members refuse this one")
    elif left < SOON:
        yield warning(str(path), f"the certificate ends in {left.days} days", "issue another in time")


def _check_database(config: HubConfig, keys: HubKeys | None) -> Iterator[Finding]:
    try:
        engine = open_existing(config.database_url)
    except DatabaseUnusable as failure:
        yield error("database", str(failure), failure.fix)
        return
    try:
        found, wanted = schema.version(engine), schema.head()
        yield from _check_schema(config.folder, found, wanted)
        if found == wanted:
            with engine.connect() as connection, connection.begin():
                transaction = SqlTransaction(connection)
                is_served, epochs = policies.is_served(transaction), transaction.epochs.all()
            yield from _check_policy(is_served=is_served)
            yield from _check_epochs(epochs, keys)
    except SQLAlchemyError as failure:
        yield error("database", f"a query failed ({type(failure).__name__})", "see the database's own log")
    finally:
        engine.dispose()


def _check_schema(folder: Path, found: str | None, wanted: str | None) -> Iterator[Finding]:
    if found is None:
        fix = "correct the URL, or restore the database from its backup"
        yield error("database", "there is no hub in the database", fix)
    elif found != wanted:
        fix = f"stop all hubs, back it up, then: alliance-server upgrade {folder}"
        yield error("database", f"its schema is {found}, this release's is {wanted}", fix)


def _check_policy(*, is_served: bool) -> Iterator[Finding]:
    if not is_served:
        yield error("policy", policies.not_adopted(), policies.how_to_adopt())


def _check_epochs(epochs: Sequence[Epoch], keys: HubKeys | None) -> Iterator[Finding]:
    for epoch in epochs:
        if epoch.state in SERVING:
            yield from _check_epoch(epoch, keys)


def _check_epoch(epoch: Epoch, keys: HubKeys | None) -> Iterator[Finding]:
    left = timedelta(milliseconds=epoch.not_after - SystemClock().now_ms())
    if left <= timedelta():
        yield error(f"epoch {epoch.id}", "it has ended: nothing is evaluated under it", "begin another epoch")
    elif left < SOON:
        yield warning(f"epoch {epoch.id}", f"it ends in {left.days} days", "begin another epoch in time")
    try:
        if keys:
            keys.check_epoch(epoch)
    except AllianceError as failure:
        yield error("keys", told(failure), "restore the keys of this database from their backup")
