"""Successions: a restored hub is a new origin, believed once two admins of the alliance have signed it."""

import hmac
from dataclasses import dataclass

from alliance.errors import Reason
from alliance.statements import SUCCESSION
from alliance.v1 import succession_pb2
from alliance.v1.statement_pb2 import SignedStatement
from alliance_server.domain.errors import Refused
from alliance_server.domain.members import Caller
from alliance_server.domain.statements import read_statement

SIGNERS = 2
"""Admins who must sign."""
FIRST_ORIGIN = 1
MAX_STATEMENT_BYTES = 8192


@dataclass(frozen=True, slots=True)
class Succession:
    """An origin after the first; times in milliseconds UTC. `completed_at` is None while the hub waits."""

    origin: int
    payload: bytes
    made_at: int
    completed_at: int | None = None


@dataclass(frozen=True, slots=True)
class SuccessionSignature:
    """An admin's signature; `statement` is a serialised SignedStatement."""

    origin: int
    admin: str
    statement: bytes
    signed_at: int


def check_signature(caller: Caller, statement: SignedStatement, succession: Succession) -> None:
    """Raise Refused or SignatureInvalid unless the caller signed this very succession."""
    read_statement(caller, SUCCESSION, statement, succession_pb2.Succession(), MAX_STATEMENT_BYTES)
    if not hmac.compare_digest(statement.payload, succession.payload):
        raise Refused(Reason.SUCCESSION_CONFLICT, "another succession was signed than the newest one")
