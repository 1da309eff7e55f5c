"""Successions as the auditor may believe them: signed by two admins whose keys the auditor has from elsewhere."""

from collections.abc import Sequence
from typing import Final

from google.protobuf.message import DecodeError

from alliance.statements import SUCCESSION, signed_bytes
from alliance.tlog.notes import holds
from alliance.v1.statement_pb2 import SignedStatement
from alliance.v1.succession_pb2 import Succession
from alliance_audit.export import Export, ToldSuccession

SIGNERS: Final = 2
"""Admins who must sign, as members demand it."""


def signers(told: ToldSuccession, admins: Sequence[bytes]) -> int:
    """Count the admins, by the identity keys that the auditor has, who signed this very succession."""
    statements = [statement for _, content in told.statements if (statement := _read(content)) is not None]
    signatures = [it.signature for it in statements if (it.type, it.payload) == (SUCCESSION, told.payload)]
    signed = signed_bytes(SUCCESSION, told.payload)
    return sum(any(holds(key, signed, it) for it in signatures) for key in set(admins))


def believed(export: Export, log: str, admins: Sequence[bytes]) -> Succession | None:
    """Give the succession that ended a log, where enough admins signed it; else None."""
    for told in export.successions:
        if told.succession.log_origin == log and signers(told, admins) >= SIGNERS:
            return told.succession
    return None


def _read(content: bytes) -> SignedStatement | None:
    try:
        return SignedStatement.FromString(content)
    except DecodeError:
        return None
