"""Restoring a hub from a backup: a new origin, with a new identity key, that waits for two admins.

Rules:

1. Into an empty folder and an empty database, and all or nothing: one transaction, and a folder that is renamed last.
2. What ended does not come back. Claims that are over by now, and those of retired epochs, are not loaded; what the
   purge ledger remembers is applied; unused invitations and open proposals end; filters are built anew.
3. The new identity key is made here. Until two admins have signed the succession the hub serves nothing else.
"""

import secrets
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from sqlalchemy.engine import Engine

from alliance.clock import Clock
from alliance.crypto.signing import SigningKey
from alliance.errors import Reason
from alliance.keyring import KeyStore, obtain_passphrase
from alliance.v1 import succession_pb2
from alliance_server.config import CONFIG_FILE, HubConfig, load_config
from alliance_server.domain.actions import AuditAction
from alliance_server.domain.audit import AuditRecord, record_event
from alliance_server.domain.epochs import EpochState
from alliance_server.domain.errors import Refused
from alliance_server.domain.members import HUB_ACTOR, Role
from alliance_server.domain.purges import PurgeKind
from alliance_server.domain.successions import SIGNERS, Succession
from alliance_server.recovery.backup import OnRows
from alliance_server.recovery.loading import copy_keys, load_rows, with_settings
from alliance_server.recovery.manifest import KEYS
from alliance_server.recovery.opening import Backup
from alliance_server.services import policies
from alliance_server.signing.sealed import IDENTITY
from alliance_server.storage import database, dump, restoration
from alliance_server.storage.audit_log import append
from alliance_server.storage.purge_ledger import Remembered, read_ledger
from alliance_server.storage.unit_of_work import SqlTransaction

SLACK_MS: Final = 10 * 60 * 1000
"""Entries so much older than the backup are applied all the same: they are written before they are committed."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is restored, and what is known besides."""

    backup: Backup
    ledger: Sequence[Remembered] | None
    """Entries since the backup, oldest first; None where it is done without the ledger."""
    now: int

    @property
    def retired(self) -> list[int]:
        """Epochs that are gone: in the backup already, after it, or begun after it, so that their keys are lost."""
        listed = self.backup.manifest.epochs
        gone = {int(epoch) for epoch, state in listed.items() if state == EpochState.RETIRED.name.lower()}
        for entry in self.ledger or ():
            epoch = entry.purge.values.get("epoch")
            begun_since = entry.purge.kind is PurgeKind.EPOCH_BEGUN and str(epoch) not in listed
            if entry.purge.kind is PurgeKind.EPOCH_RETIRED or begun_since:
                gone.add(int(str(epoch)))
        return sorted(gone)

    def succession(self, key: SigningKey) -> Succession:
        """Give the succession of the new origin."""
        manifest, ledger = self.backup.manifest, self.ledger or ()
        payload = succession_pb2.Succession(
            alliance=manifest.alliance,
            origin=manifest.origin + 1,
            previous_hub_key=self.backup.hub_key.public_key,
            hub_key=key.public_key,
            backup_taken_at=manifest.taken_at,
            audit_rows=manifest.audit_rows,
            manifest_sha256=sha256(self.backup.manifest_bytes).digest(),
            restored_at=self.now,
            ledger_used=self.ledger is not None,
            ledger_entries=len(ledger),
            ledger_until=ledger[-1].at if ledger else 0,
            retired_epochs=self.retired,
        )
        return Succession(manifest.origin + 1, payload.SerializeToString(), self.now)


def plan(backup: Backup, ledger: Path | None, clock: Clock) -> Plan:
    """Read a ledger for a backup; raises LedgerInvalid."""
    if ledger is None:
        return Plan(backup, None, clock.now_ms())
    since = backup.manifest.taken_at - SLACK_MS
    entries = [entry for entry in read_ledger(ledger, [backup.hub_key]) if entry.at >= since]
    return Plan(backup, entries, clock.now_ms())


def restore(made: Plan, destination: Path, database_url: str, on_rows: OnRows) -> Succession:
    """Make a hub of a backup; an empty `database_url` is the one that the backup's configuration names.

    Raises Refused where folder or database are not empty, or too few admins could sign; BackupInvalid.
    """
    destination = destination.absolute()
    _check_empty(destination)
    scratch = destination.with_name(f".{destination.name}.{secrets.token_hex(8)}.restoring")
    scratch.mkdir(mode=0o700)
    try:
        config = _write_configuration(made.backup, scratch, database_url)
        key = _write_keys(made, scratch / KEYS)
        succession = made.succession(key)
        engine = database.connect(config.database_url)
        try:
            _restore_rows(engine, made, succession, on_rows)
        finally:
            engine.dispose()
        scratch.rename(destination)
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise
    return succession


def _check_empty(destination: Path) -> None:
    if destination.is_symlink() or (destination.exists() and (not destination.is_dir() or any(destination.iterdir()))):
        raise Refused(Reason.CONFLICTING_RETRY, f"{destination} is no empty folder; nothing was changed")
    if not destination.parent.is_dir():
        raise Refused(Reason.INVALID_REQUEST, f"there is no folder {destination.parent}; nothing was changed")


def _write_configuration(backup: Backup, scratch: Path, database_url: str) -> HubConfig:
    settings = {"keys": KEYS} | ({"database": database_url} if database_url else {})
    (scratch / CONFIG_FILE).write_bytes(with_settings(backup.configuration(), **settings))
    return load_config(scratch)


def _write_keys(made: Plan, folder: Path) -> SigningKey:
    """Copy the keys, those of retired epochs apart, and make another identity."""
    copy_keys(made.backup, folder)
    for epoch in made.retired:
        (folder / f"epoch-{epoch}.sealed").unlink(missing_ok=True)
    key, seed = SigningKey.generate()
    KeyStore(folder, obtain_passphrase(made.backup.folder / KEYS)).put(IDENTITY, seed)
    return key


def _restore_rows(engine: Engine, made: Plan, succession: Succession, on_rows: OnRows) -> None:
    if not dump.is_empty(engine):
        raise Refused(Reason.CONFLICTING_RETRY, "the database is not empty; nothing was changed")
    retired = frozenset(made.retired)
    with dump.writing(engine) as connection, connection.begin():
        load_rows(
            connection,
            made.backup,
            lambda claim: claim["expires_at"] > made.now and claim["epoch"] not in retired,
            on_rows,
        )
        restoration.forget_filters(connection)
        restoration.end_what_was_open(connection, made.now)
        transaction = SqlTransaction(connection)
        restoration.remember(transaction, connection, [entry.purge for entry in made.ledger or ()])
        restoration.retire_epochs(connection, made.retired)
        transaction.successions.add(succession)
        _check_signers(transaction, made.now)
        _check_policy(transaction)
        append(connection, [_event(succession, made.now)])


def _check_signers(transaction: SqlTransaction, now: int) -> None:
    if transaction.members.count_able(Role.ADMIN, now, but="") < SIGNERS:
        raise Refused(
            Reason.NOT_PERMITTED,
            "fewer than two admins of the backup can act, and nobody else could sign the succession; nothing was made",
        )


def _check_policy(transaction: SqlTransaction) -> None:
    """Refuse what would not serve, so that nobody could sign: the admins adopted other releases."""
    if not policies.is_served(transaction):
        adopted = ", ".join(it.policy_sha256.hex() for it in transaction.policies.all())
        raise Refused(
            Reason.NOT_PERMITTED,
            f"{policies.not_adopted()}: restore with a release of an adopted one ({adopted}); nothing was made",
        )


def _event(succession: Succession, now: int) -> AuditRecord:
    digest = sha256(succession.payload).digest()
    return record_event(time=now, actor=HUB_ACTOR, action=AuditAction.HUB_RESTORE, items=1, commitments=(digest,))
