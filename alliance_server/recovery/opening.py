"""Opening a backup: believed once its manifest is the hub's and every file is that of the manifest."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from alliance.crypto.secret import Secret
from alliance.crypto.signing import VerifyingKey
from alliance.errors import KeyFileInvalid
from alliance.keyring import KeyStore, obtain_passphrase
from alliance.keyring.streams import KEY_BYTES, opened_chunks
from alliance_server.recovery.manifest import (
    BACKUP_KEY,
    CONFIGURATION,
    KEYS,
    TABLES,
    BackupInvalid,
    Manifest,
    check_files,
    check_signature,
    read_manifest,
)


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup that was found whole and genuine."""

    folder: Path
    manifest: Manifest
    manifest_bytes: bytes = field(repr=False)
    key: Secret = field(repr=False)
    hub_key: VerifyingKey = field(repr=False)

    def configuration(self) -> bytes:
        """Give hub.toml as it was; raises BackupInvalid."""
        return b"".join(self._chunks(CONFIGURATION))

    def lines(self, table: str) -> Iterator[bytes]:
        """Give a table's lines; raises BackupInvalid."""
        waiting = b""
        for chunk in self._chunks(f"{TABLES}/{table}.sealed"):
            *whole, waiting = (waiting + chunk).split(b"\n")
            yield from whole
        if waiting:
            raise BackupInvalid(f"{TABLES}/{table}.sealed ends within a line")

    @property
    def key_files(self) -> list[Path]:
        """Sealed keys and certificates, but for what opens the backup."""
        names = (name for name in self.manifest.files if name.startswith(f"{KEYS}/"))
        return [self.folder / name for name in names if Path(name).stem != BACKUP_KEY]

    def _chunks(self, name: str) -> Iterator[bytes]:
        with (self.folder / name).open("rb") as file:
            try:
                yield from opened_chunks(file, self.key, name)
            except KeyFileInvalid as error:
                raise BackupInvalid(str(error)) from None


def open_backup(folder: Path) -> Backup:
    """Check all of a backup; raises BackupInvalid, which names what is wrong, or KeyFileInvalid."""
    manifest, content = read_manifest(folder)
    try:
        opening = _keys(folder / KEYS).get(BACKUP_KEY).reveal()
    except KeyFileInvalid:
        check_files(folder, manifest)  # a damaged file looks like a wrong passphrase
        raise
    key, hub_key = Secret(opening[:KEY_BYTES]), VerifyingKey(opening[KEY_BYTES:])
    check_signature(folder, content, hub_key)
    check_files(folder, manifest)
    return Backup(folder, manifest, content, key, hub_key)


def _keys(folder: Path) -> KeyStore:
    passphrase = obtain_passphrase(folder)
    if not (folder / "keystore.json").is_file():
        raise KeyFileInvalid(f"there are no sealed keys in {folder}")
    return KeyStore(folder, passphrase)
