"""Statements that a caller signs: read once, in one order: length, signature, content, whose it is, and when."""

from collections.abc import Sequence
from typing import TypeVar

from google.protobuf.message import DecodeError, Message

from alliance.crypto.signing import VerifyingKey
from alliance.errors import Reason
from alliance.v1.statement_pb2 import SignedStatement
from alliance_server.domain.errors import Refused
from alliance_server.domain.members import Caller

M = TypeVar("M", bound=Message)

MAX_SKEW_MS = 2 * 60 * 1000


def read_statement(caller: Caller, kind: str, statement: SignedStatement, into: M, most_bytes: int) -> M:
    """Fill a message from a statement that the caller signed; raises Refused or SignatureInvalid."""
    if statement.ByteSize() > most_bytes:
        raise Refused(Reason.INVALID_REQUEST, f"a statement {kind} of that length is not kept")
    payload = VerifyingKey(caller.identity_key).verified_payload(kind, statement)
    try:
        into.ParseFromString(payload)
    except DecodeError:
        raise Refused(Reason.INVALID_REQUEST, f"the statement {kind} cannot be read") from None
    return into


def packed(statements: Sequence[SignedStatement]) -> bytes:
    """Give some statements as one value, each after its length in 2 bytes."""
    return b"".join(len(it).to_bytes(2, "big") + it for it in (one.SerializeToString() for one in statements))


def unpacked(kept: bytes) -> list[SignedStatement]:
    """Give the statements that were packed."""
    statements, at = [], 0
    while at < len(kept):
        end = at + 2 + int.from_bytes(kept[at : at + 2], "big")
        statements.append(SignedStatement.FromString(kept[at + 2 : end]))
        at = end
    return statements


def check_fresh(caller: Caller, signer: str, time: int, now: int) -> None:
    """Raise Refused unless a statement names its caller and was made just now."""
    if signer != caller.member_id or abs(time - now) > MAX_SKEW_MS:
        raise Refused(Reason.REPLAYED, "the statement is another's, stale or from the future")
