"""Origins that followed a backup: it may be older than a succession, and then the ledger holds what admins signed.

They are believed as clients believe them: two admins of the backup signed the same payload, in an unbroken chain from
the key that signed the backup.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from google.protobuf.message import DecodeError

from alliance.crypto.signing import VerifyingKey
from alliance.errors import SignatureInvalid
from alliance.statements import SUCCESSION
from alliance.v1 import succession_pb2
from alliance.v1.statement_pb2 import SignedStatement
from alliance_server.domain.members import Role
from alliance_server.domain.purges import Purge
from alliance_server.domain.successions import SIGNERS, Succession, SuccessionSignature
from alliance_server.recovery.opening import Backup
from alliance_server.storage import dump
from alliance_server.storage.purge_ledger import claimed_successions


@dataclass(frozen=True, slots=True)
class FollowingOrigin:
    """An origin after the backup's, with its key and signatures."""

    succession: Succession
    key: VerifyingKey
    signatures: tuple[SuccessionSignature, ...]


def following_origins(backup: Backup, ledgers: Sequence[Path], now: int) -> list[FollowingOrigin]:
    """Give the chain of origins that followed a backup, as far as its admins signed it."""
    admins = {
        row["id"]: row["identity_key"] for row in dump.records(backup.lines("members")) if row["role"] == Role.ADMIN
    }
    candidates = _signed(admins, [purge for folder in ledgers for purge in claimed_successions(folder)])
    chain: list[FollowingOrigin] = []
    number, key = backup.manifest.origin, backup.hub_key.public_key
    while (found := _after(candidates, number, key)) is not None:
        complete = replace(found.succession, completed_at=now)
        chain.append(replace(found, succession=complete))
        number, key = found.succession.origin, found.key.public_key
    return chain


def _after(candidates: Iterable[FollowingOrigin], number: int, key: bytes) -> FollowingOrigin | None:
    for it in candidates:
        message = succession_pb2.Succession.FromString(it.succession.payload)
        if (message.origin, message.previous_hub_key) == (number + 1, key):
            return it
    return None


def _signed(admins: dict[str, bytes], claimed: Iterable[Purge]) -> list[FollowingOrigin]:
    """Give the successions that two of the admins signed."""
    signatures: dict[bytes, dict[bytes, SuccessionSignature]] = defaultdict(dict)
    for purge in claimed:
        try:
            payload, statement = bytes.fromhex(purge.values["payload"]), bytes.fromhex(purge.values["statement"])
            key = admins[purge.values["admin"]]
            signed = VerifyingKey(key).verified_payload(SUCCESSION, SignedStatement.FromString(statement))
        except (KeyError, ValueError, DecodeError, SignatureInvalid):
            continue
        if signed == payload:
            signature = SuccessionSignature(
                int(purge.values["origin"]), purge.values["admin"], statement, int(purge.values["signed_at"])
            )
            signatures[payload].setdefault(key, signature)
    return [_origin(payload, by_key) for payload, by_key in signatures.items() if len(by_key) >= SIGNERS]


def _origin(payload: bytes, by_key: dict[bytes, SuccessionSignature]) -> FollowingOrigin:
    message = succession_pb2.Succession.FromString(payload)
    succession = Succession(message.origin, payload, message.restored_at)
    return FollowingOrigin(succession, VerifyingKey(message.hub_key), tuple(by_key.values()))


def newest_tree(backup: Backup) -> tuple[str, int, bytes]:
    """Give origin, size and root of the newest tree in a backup; of one from before there were logs nothing."""
    if "audit_tree_heads" not in backup.manifest.tables:
        return "", 0, b""
    newest = max(
        ((row["log"], row["size"], row["root"]) for row in dump.records(backup.lines("audit_tree_heads"))), default=None
    )
    if newest is None:
        return "", 0, b""
    number, size, root = newest
    origins = {row["number"]: row["origin"] for row in dump.records(backup.lines("audit_logs"))}
    return origins[number], size, root
