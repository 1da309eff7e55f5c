"""The purge ledger: files beside the hub and outside its backups, which a restore needs.

Rules:

1. A folder `purges/` for all processes of a hub; each process appends to a file of its own, made when it first has
   something to say. An append is on the disk before the unit of work that it belongs to is committed, and so before
   anybody is answered. What is written of a unit whose commit then failed was wanted all the same, and only takes away.
2. A line is what one commit said: JSON in base64, and the signature of the statement `purges` under the hub's identity
   key. A line holds the digest of the one before: none can be changed, left out or moved within a file.
3. A crash may leave a last line that is not whole: nobody was told that it was done. Lines or files that were taken
   from the end cannot be noticed; keep a copy on another machine, and show the admins how far the ledger reaches.
4. A file is of no use once a younger backup than its last line is the oldest that is kept.
"""

import errno
import json
import os
import secrets
from base64 import b64decode, b64encode
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import Final

from alliance.clock import Clock
from alliance.crypto.signing import Signer, VerifyingKey
from alliance.errors import AllianceError, SignatureInvalid
from alliance.keyring.store import sync
from alliance.statements import PURGES
from alliance_server.domain.purges import Purge, PurgeKind

SUFFIX: Final = ".purges"


class LedgerInvalid(AllianceError):
    """A purge ledger is damaged, was changed, or is another hub's; the text names the file."""


class PurgeLedger:
    """Appends to this process's file of a ledger."""

    def __init__(self, folder: Path, key: Signer, clock: Clock) -> None:
        """Use a folder; nothing is written yet."""
        self._folder = folder
        self._key = key
        self._clock = clock
        self._descriptor: int | None = None
        self._last = b""
        self._lock = Lock()

    def append(self, purges: Sequence[Purge]) -> None:
        """Write what one commit said, durably; raises OSError, and then the process goes on in another file."""
        if not purges:
            return
        with self._lock:
            try:
                line = self._line(purges)
                _write_durably(self._opened(), line)
                self._last = sha256(line).digest()
            except BaseException:
                self._close()
                raise

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._close()

    def _line(self, purges: Sequence[Purge]) -> bytes:
        said = [{"kind": purge.kind, **purge.values} for purge in purges]
        content = {"at": self._clock.now_ms(), "after": self._last.hex(), "purges": said}
        payload = json.dumps(content, separators=(",", ":")).encode()
        return b64encode(payload) + b" " + self._key.statement(PURGES, payload).signature.hex().encode() + b"\n"

    def _opened(self) -> int:
        if self._descriptor is None:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            path = self._folder / f"{self._clock.now_ms()}-{secrets.token_hex(8)}{SUFFIX}"
            self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
            sync(self._folder)
        return self._descriptor

    def _close(self) -> None:
        descriptor, self._descriptor, self._last = self._descriptor, None, b""
        if descriptor is not None:
            os.close(descriptor)


def _write_durably(descriptor: int, line: bytes) -> None:
    if os.write(descriptor, line) != len(line):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    os.fsync(descriptor)


@dataclass(frozen=True, slots=True)
class Remembered:
    """A purge, and when it was written, milliseconds UTC."""

    at: int
    purge: Purge


def read_ledger(folders: Sequence[Path], keys: Sequence[VerifyingKey]) -> list[Remembered]:
    """Give what the ledgers of a hub's origins say, oldest first, verified under these keys; raises LedgerInvalid."""
    for folder in folders:
        if not folder.is_dir():
            raise LedgerInvalid(f"there is no purge ledger in {folder}")
    paths = [path for folder in folders for path in sorted(folder.glob(f"*{SUFFIX}"))]
    return sorted((entry for path in paths for entry in _read_file(path, keys)), key=lambda entry: entry.at)


def claimed_successions(folder: Path) -> list[Purge]:
    """Give the signatures of successions that a ledger holds, nothing verified: each is held against its admin."""
    found = []
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        for line in path.read_bytes().split(b"\n"):
            with suppress(ValueError, KeyError, TypeError):
                said = _purges(b64decode(line.partition(b" ")[0], validate=True))
                found += [it.purge for it in said if it.purge.kind is PurgeKind.SUCCESSION]
    return found


def _read_file(path: Path, keys: Sequence[VerifyingKey]) -> Iterator[Remembered]:
    content = path.read_bytes()
    *lines, torn = content.split(b"\n")
    last = b""
    for number, line in enumerate(lines, 1):
        try:
            said = _read_line(line, last, keys)
        except (ValueError, KeyError, TypeError, SignatureInvalid):
            where = f"{path.name}, line {number}"
            raise LedgerInvalid(f"{where}: not what this hub wrote, or lines before it are gone") from None
        yield from said
        last = sha256(line + b"\n").digest()
    del torn  # its commit was not acknowledged


def _read_line(line: bytes, last: bytes, keys: Sequence[VerifyingKey]) -> list[Remembered]:
    encoded, _, signature = line.partition(b" ")
    payload = b64decode(encoded, validate=True)
    if not any(key.verify_many(PURGES, [payload], [bytes.fromhex(signature.decode())])[0] for key in keys):
        raise SignatureInvalid("no key of this hub signed the line")
    if json.loads(payload)["after"] != last.hex():
        raise ValueError("the line follows another one")
    return _purges(payload)


def _purges(payload: bytes) -> list[Remembered]:
    content = json.loads(payload)
    purges = [dict(it) for it in content["purges"]]
    return [Remembered(int(content["at"]), Purge(PurgeKind(it.pop("kind")), it)) for it in purges]
