"""How people name a case: by its number, or by how its id begins in hexadecimal."""

from typing import Final

from alliance.cases.rules import ID_BYTES
from alliance.v1.case_pb2 import CaseRequest
from member_client.errors import InvalidUse

MIN_DIGITS: Final = 4
"""Digits of a case's id that are enough, where no other case begins so."""


def checked_case_id(case_id: bytes) -> bytes:
    """Give a case's id as it is; raises InvalidUse where it has another length."""
    if len(case_id) != ID_BYTES:
        raise InvalidUse(f"a case's id has {ID_BYTES} bytes")
    return case_id


def goes_by(request: CaseRequest, name: str) -> bool:
    """Tell whether a case claims to go by a name without spaces around it."""
    is_start = len(name) >= MIN_DIGITS and request.case_id.hex().startswith(name.lower())
    return request.number == name or is_start


def several() -> InvalidUse:
    """Say that a name is not enough."""
    return InvalidUse("several cases go by this: give the first digits of the id, as lists show it")
