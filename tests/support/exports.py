"""Exports that no hub made: logs of made-up events, written by the formats alone, and ways to bend them."""

import base64
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from alliance.crypto.merkle import leaf_hash
from alliance.tlog.checkpoints import Checkpoint, cosign, sign_checkpoint
from alliance.tlog.exports import FORMAT
from alliance.tlog.growing import GrowingTree
from alliance.tlog.logs import LogName
from alliance.tlog.notes import COSIGNATURE, NoteKey
from alliance.tlog.tiles import WIDTH, Tile, packed_entries
from alliance.v1.audit_pb2 import AuditEvent

MONTH = "2026-11"
NAME = LogName("test", 1, MONTH)
NOVEMBER = 1_793_500_000_000
KEY = Ed25519PrivateKey.from_private_bytes(bytes(31) + b"\x01")
OTHER_KEY = Ed25519PrivateKey.from_private_bytes(bytes(31) + b"\x02")
WITNESS_KEY = Ed25519PrivateKey.from_private_bytes(bytes(31) + b"\x03")


def entry_of(number: int, **event: Any) -> bytes:
    """Give a made-up entry: salt ‖ event."""
    fields: dict[str, Any] = {
        "time": NOVEMBER + number,
        "actor": f"lender-{number % 3}",
        "action": "claim:list",
        "outcome": "ok",
        "items": number,
    }
    made = AuditEvent(**(fields | event))
    return hashlib.sha256(b"%d" % number).digest() + made.SerializeToString()


def first_entry(*commitments: bytes, size: int = 0) -> bytes:
    """Give a log's first leaf."""
    return entry_of(0, actor="hub", action="log:begin", commitments=commitments, items=size)


def public(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes_raw()


def checkpoint_of(entries: Sequence[bytes], name: LogName = NAME, key: Ed25519PrivateKey = KEY) -> Checkpoint:
    """Sign the tree over some entries as a log."""
    tree = GrowingTree()
    for _ in tree.add([leaf_hash(entry) for entry in entries]):
        pass
    return sign_checkpoint(len(entries), tree.root(), name.key(public(key)), key.sign)


def cosigned(checkpoint: Checkpoint, time: int = 1_793_500) -> bytes:
    """Give a checkpoint's note with a witness's line."""
    line = cosign(checkpoint.text, WITNESS, time, WITNESS_KEY.sign)
    return str(checkpoint.note.with_signatures([line])).encode()


WITNESS = NoteKey("witness-a", public(WITNESS_KEY), COSIGNATURE)


@dataclass
class MadeLog:
    """A log that an export is made of."""

    entries: Sequence[bytes]
    name: LogName = NAME
    previous: Checkpoint | None = None
    key: Ed25519PrivateKey = KEY

    def write(self, folder: Path) -> None:
        """Write the log's folder."""
        folder.mkdir(parents=True)
        tree = GrowingTree()
        filled = list(tree.add([leaf_hash(entry) for entry in self.entries]))
        for tile, hashes in [*filled, *tree.rest()]:
            put(folder / tile.path, b"".join(hashes))
        for number in range(-(-len(self.entries) // WIDTH)):
            write_bundle(folder, number, self.entries[number * WIDTH : (number + 1) * WIDTH])
        put(folder / "checkpoint", str(checkpoint_of(self.entries, self.name, self.key).note).encode())
        if self.previous is not None:
            put(folder / "previous", str(self.previous.note).encode())


def write_bundle(folder: Path, number: int, entries: Sequence[bytes]) -> None:
    """Write a bundle under the name that its width gives it."""
    put(folder / Tile(0, number, len(entries)).entries_path, packed_entries(entries))


def put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def write_export(folder: Path, *logs: MadeLog, successions: Sequence[bytes] = (), month: str = MONTH) -> Path:
    """Write an export of some logs."""
    for log in logs:
        log.write(folder / str(log.name.origin))
    told = [{"origin": str(log.name), "folder": str(log.name.origin), "size": len(log.entries)} for log in logs]
    keys = {str(log.name): log.name.key(public(log.key)).vkey for log in logs}
    shown = [{"payload": base64.b64encode(it).decode(), "signatures": []} for it in successions]
    put(folder / "export.json", json.dumps({"format": FORMAT, "month": month, "logs": told}).encode())
    put(folder / "hub-keys.json", json.dumps({"logs": keys, "successions": shown}).encode())
    return folder


def rewrite(path: Path, change: Callable[[bytes], bytes]) -> None:
    """Change a file."""
    path.write_bytes(change(path.read_bytes()))
