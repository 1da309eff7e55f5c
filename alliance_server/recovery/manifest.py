"""A backup's manifest: what it holds, of when, signed by the hub's identity key.

`manifest.json` is the payload of the statement `backup`, `manifest.signature` the 64 bytes of its signature. It says
nothing that a key would be needed for: anybody may read which backup this is; only the hub can have written it.
"""

import json
import re
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, Self

from alliance.crypto.signing import Signer, VerifyingKey
from alliance.errors import AllianceError, SignatureInvalid
from alliance.keyring.passphrase import PASSPHRASE_FILE
from alliance.statements import BACKUP
from alliance_server.signing.sealed import IDENTITY

FORMAT: Final = "alliance-backup/2"
MANIFEST: Final = "manifest.json"
SIGNATURE: Final = "manifest.signature"
KEYS: Final = "keys"
TABLES: Final = "tables"
CONFIGURATION: Final = "hub.toml.sealed"
BACKUP_KEY: Final = "backup"
"""Name of the secret that opens a backup, among the sealed ones: the backup's own key, then the identity's public key.

Whoever knows the passphrase wrote it: it says whose signature the manifest must bear, wherever the identity signs.
"""
_NAME: Final = re.compile(rf"(?:{KEYS}|{TABLES})/[A-Za-z0-9][A-Za-z0-9._-]*|{re.escape(CONFIGURATION)}")
_MAX_BYTES: Final = 1 << 20
_READ_BYTES: Final = 1 << 20


class BackupInvalid(AllianceError):
    """A backup is damaged, was changed, or cannot be used here; the text names the file."""


@dataclass(frozen=True, slots=True)
class FileFacts:
    """One file of a backup: its length, its SHA-256 in hexadecimal, and rows, where it is a table."""

    length: int
    sha256: str
    rows: int = 0


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds; times in milliseconds UTC."""

    alliance: str
    schema: str
    """Version of the database's schema."""
    taken_at: int
    """Just before the state was read: everything acknowledged before is in it."""
    origin: int
    """Number of the hub's origin, from 1."""
    hub_key: str
    """Identity key that signs, in hexadecimal."""
    audit_rows: int
    """Number of the newest audit row: what came later is not in the backup."""
    epochs: dict[str, str]
    """State of each epoch, by its number."""
    files: dict[str, FileFacts]

    def to_bytes(self) -> bytes:
        """Give the bytes that are signed."""
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=1, sort_keys=True).encode()

    @classmethod
    def from_bytes(cls, content: bytes) -> Self:
        """Read what `to_bytes` gave; raises BackupInvalid."""
        try:
            fields: dict[str, Any] = json.loads(content)
            if fields.pop("format") != FORMAT:
                raise BackupInvalid(f"{MANIFEST}: another format than {FORMAT}: use the release that wrote it")
            if not all(map(_NAME.fullmatch, fields["files"])):
                raise BackupInvalid(f"{MANIFEST} names a file that no backup has")
            files = {str(name): FileFacts(**facts) for name, facts in fields.pop("files").items()}
            return cls(**fields, files=files)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            raise BackupInvalid(f"{MANIFEST} cannot be read") from None

    @property
    def identity_is_sealed(self) -> bool:
        """Whether identity and CA lie in sealed files, and not in a token."""
        return f"{KEYS}/{IDENTITY}.sealed" in self.files

    @property
    def tables(self) -> dict[str, int]:
        """Rows by table."""
        return {Path(name).stem: facts.rows for name, facts in self.files.items() if name.startswith(f"{TABLES}/")}

    def sign(self, folder: Path, key: Signer) -> None:
        """Write manifest and signature."""
        content = self.to_bytes()
        (folder / MANIFEST).write_bytes(content)
        (folder / SIGNATURE).write_bytes(key.statement(BACKUP, content).signature)


def read_manifest(folder: Path) -> tuple[Manifest, bytes]:
    """Read a manifest and the bytes that are signed, nothing of it verified; raises BackupInvalid."""
    content = _read(folder / MANIFEST)
    return Manifest.from_bytes(content), content


def check_signature(folder: Path, content: bytes, key: VerifyingKey) -> None:
    """Raise BackupInvalid unless the hub's key signed the manifest."""
    try:
        key.verify(BACKUP, content, _read(folder / SIGNATURE))
    except SignatureInvalid:
        raise BackupInvalid(f"{MANIFEST} is not what the hub signed, or {SIGNATURE} was changed") from None


def check_files(folder: Path, manifest: Manifest) -> None:
    """Raise BackupInvalid unless the files are those of the manifest, every byte of them, and no others."""
    for name, facts in manifest.files.items():
        path = folder / name
        if not path.is_file() or path.is_symlink():
            raise BackupInvalid(f"{name} is missing")
        if path.stat().st_size != facts.length:
            raise BackupInvalid(f"{name} has another length than when the backup was taken")
        if digest_of(path) != facts.sha256:
            raise BackupInvalid(f"{name} was changed since the backup was taken")
    there = {str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir()}
    if extra := sorted(there - manifest.files.keys() - {MANIFEST, SIGNATURE, f"{KEYS}/{PASSPHRASE_FILE}"}):
        raise BackupInvalid(f"{extra[0]} is no part of the backup")


def digest_of(path: Path) -> str:
    """Give a file's SHA-256 in hexadecimal."""
    digest = sha256()
    with path.open("rb") as file:
        while chunk := file.read(_READ_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise BackupInvalid(f"{path.name} is too large")
        return path.read_bytes()
    except FileNotFoundError:
        raise BackupInvalid(f"{path.parent} is no backup: {path.name} is missing") from None
