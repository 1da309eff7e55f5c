"""Restoring a hub from a backup: a new origin, with a new identity key, that waits for two admins.

Rules:

1. Into an empty folder and an empty database, and all or nothing: one transaction, and a folder that is renamed last.
2. What ended does not come back. Claims that are over by now, and those of retired epochs, are not loaded; what the
   purge ledger remembers is applied; unused invitations and open proposals end; filters are built anew.
3. The new identity key is made here: in the token, under a label of its own, where the backup's keys lie in one. Until
   two admins have signed the succession the hub serves nothing else.
4. A key that was made in a token is destroyed where the restore fails.
"""

import secrets
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from sqlalchemy.engine import Engine

from alliance.clock import Clock
from alliance.errors import Reason
from alliance.keyring import KeyStore, obtain_passphrase
from alliance.v1 import succession_pb2
from alliance_server.config import CONFIG_FILE, PREFIX, ConfigurationInvalid, HubConfig, load_config
from alliance_server.domain.actions import AuditAction
from alliance_server.domain.audit import AuditRecord, record_event
from alliance_server.domain.epochs import EpochState
from alliance_server.domain.errors import Refused
from alliance_server.domain.members import HUB_ACTOR, Role
from alliance_server.domain.purges import PurgeKind
from alliance_server.domain.successions import SIGNERS, Succession
from alliance_server.hub_keys import epoch_key_name, make_successor
from alliance_server.recovery.backup import OnRows
from alliance_server.recovery.loading import copy_keys, load_rows, with_section, with_settings
from alliance_server.recovery.manifest import KEYS
from alliance_server.recovery.opening import Backup
from alliance_server.recovery.origins import FollowingOrigin, following_origins, newest_tree
from alliance_server.services import policies
from alliance_server.signing.sealed import IDENTITY
from alliance_server.signing.token import TokenFailed
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
    following: Sequence[FollowingOrigin]
    """Origins that two admins signed after the backup was taken."""
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

    @property
    def origin(self) -> int:
        """Number of the new origin."""
        return self.backup.manifest.origin + len(self.following) + 1

    def succession(self, key: bytes) -> Succession:
        """Give the succession of the new origin."""
        manifest, ledger = self.backup.manifest, self.ledger or ()
        previous = self.following[-1].key if self.following else self.backup.hub_key
        log_origin, log_size, log_root = newest_tree(self.backup)
        payload = succession_pb2.Succession(
            alliance=manifest.alliance,
            origin=self.origin,
            previous_hub_key=previous.public_key,
            hub_key=key,
            backup_taken_at=manifest.taken_at,
            audit_rows=manifest.audit_rows,
            manifest_sha256=sha256(self.backup.manifest_bytes).digest(),
            restored_at=self.now,
            ledger_used=self.ledger is not None,
            ledger_entries=len(ledger),
            ledger_until=ledger[-1].at if ledger else 0,
            retired_epochs=self.retired,
            log_origin=log_origin,
            log_size=log_size,
            log_root=log_root,
        )
        return Succession(self.origin, payload.SerializeToString(), self.now)


def plan(backup: Backup, ledgers: Sequence[Path] | None, clock: Clock) -> Plan:
    """Read the ledgers of the hub's origins since a backup; raises LedgerInvalid. None goes without."""
    now = clock.now_ms()
    if ledgers is None:
        return Plan(backup, None, (), now)
    following = following_origins(backup, ledgers, now)
    keys = [backup.hub_key, *(origin.key for origin in following)]
    since = backup.manifest.taken_at - SLACK_MS
    return Plan(backup, [entry for entry in read_ledger(ledgers, keys) if entry.at >= since], following, now)


def restore(
    made: Plan, destination: Path, database_url: str, on_rows: OnRows, token: Mapping[str, str] | None = None
) -> Succession:
    """Make a hub of a backup; an empty `database_url` is the one that the backup's configuration names.

    `token` are settings of `[pkcs11]` in the place of the backup's. Raises Refused where folder or database are not
    empty, too few admins could sign, or the token is not reachable; BackupInvalid, or KeyFileInvalid.
    """
    destination = destination.absolute()
    _check_empty(destination)
    scratch = destination.with_name(f".{destination.name}.{secrets.token_hex(8)}.restoring")
    scratch.mkdir(mode=0o700)
    try:
        config = _write_configuration(made, scratch, database_url, token or {})
        with _written_keys(made, scratch / KEYS, config) as key:
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


def _write_configuration(made: Plan, scratch: Path, database_url: str, token: Mapping[str, str]) -> HubConfig:
    settings = {"keys": KEYS} | ({"database": database_url} if database_url else {})
    content, identity = with_settings(made.backup.configuration(), **settings), None
    if not made.backup.manifest.identity_is_sealed:
        # Neither the lost hub's label nor that of a rehearsal: nothing is made over a key that is there.
        identity = f"{IDENTITY}-{made.origin}-{secrets.token_hex(4)}"
        content = with_section(content, "pkcs11", **token, identity=identity)
    elif token:
        raise Refused(Reason.INVALID_REQUEST, "the backup's keys lie in sealed files, and in no token")
    (scratch / CONFIG_FILE).write_bytes(content)
    config = load_config(scratch)
    if identity != (config.pkcs11.identity if config.pkcs11 else None):
        raise ConfigurationInvalid(f"unset {PREFIX}PKCS11…: it leads away from where the backup's keys lie")
    return config


@contextmanager
def _written_keys(made: Plan, folder: Path, config: HubConfig) -> Iterator[bytes]:
    """Copy the keys, those of retired epochs apart, and make another identity; gives its public key.

    Where the block fails the identity is destroyed.
    """
    copy_keys(made.backup, folder)
    for name in (IDENTITY, *map(epoch_key_name, made.retired)):
        (folder / f"{name}.sealed").unlink(missing_ok=True)
    store = KeyStore(folder, obtain_passphrase(made.backup.folder / KEYS))
    try:
        keys = make_successor(store, config.alliance, config.pkcs11)
    except TokenFailed as error:
        raise Refused(
            Reason.UNAVAILABLE,
            f"{error}; nothing was made. The CA's key lies in that token and nowhere else: reach it, or restore it "
            "from its own backup. Where it is lost for good: docs/how-to/keep-keys-in-an-hsm.md#a-token-that-is-lost",
        ) from None
    try:
        yield keys.identity.public_key
    except BaseException:
        keys.signing.destroy_identity()
        raise


def _restore_rows(engine: Engine, made: Plan, succession: Succession, on_rows: OnRows) -> None:
    if not dump.is_empty(engine):
        raise Refused(Reason.CONFLICTING_RETRY, "the database is not empty; nothing was changed")
    retired = frozenset(made.retired)
    with database.writing(engine) as connection, connection.begin():
        load_rows(
            connection,
            made.backup,
            lambda claim: claim["expires_at"] > made.now and claim["epoch"] not in retired,
            on_rows,
        )
        restoration.forget_filters(connection)
        restoration.end_what_was_open(connection, made.now)
        restoration.number_changes_anew(connection)
        transaction = SqlTransaction(connection)
        restoration.remember(transaction, connection, [entry.purge for entry in made.ledger or ()])
        restoration.retire_epochs(connection, made.retired)
        for origin in made.following:
            transaction.successions.add(origin.succession)
            for signature in origin.signatures:
                transaction.successions.sign(signature, origin.succession.payload)
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
