"""Facts: what a hub states is in force, each as one digest that it publishes in the audit log.

A reader accepts a member's key, an epoch's key, a filter's header, a list or a policy only where the log proves that
the hub published it: so whatever one member is shown, everybody who reads the log sees.

- `digest = SHA-256("alliance/v1/fact/" ‖ kind ‖ 0x00 ‖ canonical)`.
- `canonical` is the payload of a statement as the hub signed it (filter header, suppression list, witness list), or
  the fact's fields, each behind its length: texts as UTF-8, numbers in 8 bytes, most significant first. It is never
  a message encoded once more: protobuf promises nobody the same bytes twice.
- A member's state is part of its fact: who suspends, resumes or offboards publishes. An epoch's state is not: its key
  and its time are, and a state between them tells nobody apart.
"""

from enum import StrEnum
from hashlib import sha256
from typing import Final

DIGEST_BYTES: Final = 32
_DOMAIN: Final = b"alliance/v1/fact/"
_LENGTH_BYTES: Final = 4
_NUMBER_BYTES: Final = 8


class FactKind(StrEnum):
    """What a fact is about; part of its digest."""

    MEMBER = "member"
    EPOCH = "epoch"
    FILTER_HEADER = "filter-header"
    SUPPRESSION_LIST = "suppression-list"
    POLICY = "policy"
    WITNESS_LIST = "witness-list"


def digest(kind: FactKind, canonical: bytes) -> bytes:
    """Give a fact's digest, 32 bytes."""
    return sha256(_DOMAIN + kind.encode() + b"\x00" + canonical).digest()


def member(member_id: str, identity_key: bytes, role: int, state: int) -> bytes:
    """Give the digest of a member's key, role and state; both numbers are the wire's."""
    return digest(FactKind.MEMBER, _fields(member_id, identity_key, role, state))


def epoch(number: int, suite: str, public_key: bytes, not_before: int, not_after: int) -> bytes:
    """Give the digest of an epoch's key; times in milliseconds UTC."""
    return digest(FactKind.EPOCH, _fields(number, suite, public_key, not_before, not_after))


def filter_header(payload: bytes) -> bytes:
    """Give the digest of a filter's header, as signed."""
    return digest(FactKind.FILTER_HEADER, payload)


def suppression_list(payload: bytes) -> bytes:
    """Give the digest of a suppression list, as signed."""
    return digest(FactKind.SUPPRESSION_LIST, payload)


def policy(version: bytes) -> bytes:
    """Give the digest of a version of the policy's tables, itself a SHA-256 over them."""
    return digest(FactKind.POLICY, version)


def witness_list(payload: bytes) -> bytes:
    """Give the digest of a list of witnesses, as signed."""
    return digest(FactKind.WITNESS_LIST, payload)


def _fields(*values: str | bytes | int) -> bytes:
    fields = map(_field, values)
    return b"".join(len(it).to_bytes(_LENGTH_BYTES) + it for it in fields)


def _field(value: str | bytes | int) -> bytes:
    if isinstance(value, bytes):
        return value
    return value.encode() if isinstance(value, str) else value.to_bytes(_NUMBER_BYTES)
