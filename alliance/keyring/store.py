"""Sealed key files: scrypt (RFC 7914) turns a passphrase into a key, AES-256-GCM seals each secret under it.

Rules:

1. One folder, one passphrase, one salt (`keystore.json`); scrypt runs once, when the folder is opened.
2. A file is bound to its name: a secret that was moved to another name does not open.
3. Files are mode 0600 in a folder of mode 0700, and are replaced atomically, after an fsync.

It does not protect against somebody who reads both the folder and the passphrase.
"""

import json
import os
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from alliance.crypto.secret import Secret
from alliance.errors import KeyFileInvalid

_HEADER = "keystore.json"
_SUFFIX = ".sealed"
_FORMAT = "alliance-keystore/1"
_SALT_BYTES, _NONCE_BYTES = 16, 12
SCRYPT = {"n": 2**15, "r": 8, "p": 1}
"""Cost of the derivation: 32 MiB and about 0.1 s."""
_SCRYPT_LIMITS = {"n": 2**20, "r": 16, "p": 4}
_CHECK = "check"


class KeyStore:
    """A folder of sealed secrets."""

    def __init__(self, folder: Path, passphrase: Secret) -> None:
        """Open the folder, or make it; raises KeyFileInvalid where the passphrase is not the one it was made with."""
        self.folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        header = folder / _HEADER
        if header.exists():
            self._aead = _derive(passphrase, _read_header(header))
            self.get(_CHECK)
            return
        if any(folder.glob(f"*{_SUFFIX}")):
            raise KeyFileInvalid(f"{header} is missing beside sealed files: restore it from the backup")
        parameters = {"format": _FORMAT, "salt": os.urandom(_SALT_BYTES).hex(), **SCRYPT}
        self._aead = _derive(passphrase, parameters)
        self.put(_CHECK, Secret(_FORMAT.encode()))
        write_atomically(header, json.dumps(parameters, indent=1).encode())

    def __repr__(self) -> str:
        return f"KeyStore({str(self.folder)!r})"

    def __contains__(self, name: str) -> bool:
        return self._path(name).exists()

    def names(self) -> list[str]:
        """List the secrets' names."""
        return sorted(path.stem for path in self.folder.glob(f"*{_SUFFIX}") if path.stem != _CHECK)

    def put(self, name: str, secret: Secret) -> None:
        """Seal a secret under a name, in place of an earlier one."""
        write_atomically(self._path(name), self._sealed(name, secret))

    def put_new(self, name: str, secret: Secret) -> bool:
        """Seal a secret under a name that is not taken; says whether it was. Of two that do so at once, one does."""
        try:
            _write_linked(self._path(name), self._sealed(name, secret))
        except FileExistsError:
            return False
        return True

    def get(self, name: str) -> Secret:
        """Open a secret; raises KeyFileInvalid where it is missing, damaged or sealed otherwise."""
        try:
            content = self._path(name).read_bytes()
        except FileNotFoundError:
            raise KeyFileInvalid(f"there is no sealed '{name}' in {self.folder}") from None
        try:
            opened = self._aead.decrypt(content[:_NONCE_BYTES], content[_NONCE_BYTES:], self._context(name))
        except (InvalidTag, ValueError):
            raise KeyFileInvalid(
                f"'{name}' in {self.folder} does not open: wrong passphrase, or the file is damaged"
            ) from None
        return Secret(opened)

    def remove(self, name: str) -> None:
        """Destroy a secret: its bytes are written over and its name is gone, durably; one that is not there stays so.

        A disk may keep what was written over (copies on write, wear levelling): what is left there is sealed.
        """
        path = self._path(name)
        try:
            with path.open("r+b") as file:
                file.write(os.urandom(path.stat().st_size))
                file.flush()
                os.fsync(file.fileno())
            path.unlink()
        except FileNotFoundError:
            return
        sync(path.parent)

    def _sealed(self, name: str, secret: Secret) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._aead.encrypt(nonce, secret.reveal(), self._context(name))

    def _path(self, name: str) -> Path:
        if not name.replace("-", "").isalnum():
            raise ValueError("names of secrets are letters, digits and hyphens")
        return self.folder / f"{name}{_SUFFIX}"

    @staticmethod
    def _context(name: str) -> bytes:
        return f"{_FORMAT}/{name}".encode()


def _read_header(header: Path) -> dict[str, object]:
    try:
        parameters = json.loads(header.read_bytes())
        costs = {name: parameters[name] for name in _SCRYPT_LIMITS}
        salt = bytes.fromhex(parameters["salt"])
        whole = all(type(cost) is int for cost in costs.values()) and len(salt) == _SALT_BYTES
        within = whole and all(0 < costs[name] <= limit for name, limit in _SCRYPT_LIMITS.items())
        if parameters["format"] != _FORMAT or not within or costs["n"] < 2 or costs["n"] & (costs["n"] - 1):
            raise KeyFileInvalid(f"{header} asks for another format or an absurd cost")
    except (ValueError, KeyError, TypeError, RecursionError):
        raise KeyFileInvalid(f"{header} is damaged") from None
    return dict(parameters)


def _derive(passphrase: Secret, parameters: dict[str, object]) -> AESGCM:
    salt = bytes.fromhex(str(parameters["salt"]))
    n, r, p = (int(str(parameters[name])) for name in ("n", "r", "p"))
    return AESGCM(Scrypt(salt=salt, length=32, n=n, r=r, p=p).derive(passphrase.reveal()))


Stamp = tuple[int, int, int]
"""Inode, time of change in nanoseconds and size of a file; zeros where there is none."""


def stamp_of(path: Path) -> Stamp:
    """Give what tells a file from what was there before."""
    try:
        status = path.stat()
    except OSError:
        return (0, 0, 0)
    return status.st_ino, status.st_mtime_ns, status.st_size


def write_new(path: Path, content: bytes | bytearray, mode: int = 0o600) -> None:
    """Write a file that was not there, whole or not at all; raises FileExistsError, also where another was faster."""
    try:
        _write_linked(path, content, mode)
    except FileExistsError:
        raise
    except OSError:  # a file system without links, on a stick say
        if os.path.lexists(path):
            raise FileExistsError(path) from None
        write_atomically(path, content, mode)


def _write_linked(path: Path, content: bytes | bytearray, mode: int = 0o600) -> None:
    """Do the same by a link, which unlike a rename never takes the place of another: not every file system has them."""
    scratch = path.with_name(f".{path.name}.{secrets.token_hex(8)}.whole")
    write_atomically(scratch, content, mode)
    try:
        os.link(scratch, path)
    finally:
        scratch.unlink(missing_ok=True)
    sync(path.parent)


def write_atomically(path: Path, content: bytes | bytearray, mode: int = 0o600) -> None:
    """Write a file so that a crash leaves the old content or the new, never a part."""
    # A name that nobody can guess, and a file that was not there: in a shared folder somebody else might lay one out.
    scratch = path.with_name(f".{path.name}.{secrets.token_hex(8)}.new")
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)
    sync(path.parent)


def sync(path: Path) -> None:
    """Have what a file holds, or which names a folder has, on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
