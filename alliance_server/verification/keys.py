"""The keys of the hub's origins: the newest is known, and each succession names the one before."""

from collections.abc import Mapping

from google.protobuf.message import DecodeError

from alliance.v1.succession_pb2 import Succession
from alliance_server.domain.successions import FIRST_ORIGIN
from alliance_server.verification.faults import Faults


def keys_by_origin(newest_key: bytes, payloads: Mapping[int, bytes], faults: Faults) -> dict[int, bytes]:
    """Give the public key of each origin, as far as the successions lead back from the newest."""
    newest = max(payloads, default=FIRST_ORIGIN)
    keys = {newest: newest_key}
    for origin in range(newest, FIRST_ORIGIN, -1):
        succession = read_succession(payloads.get(origin, b""))
        if succession is None or succession.hub_key != keys[origin]:
            faults.add(f"succession to origin {origin}", "it is missing, or names another key than the hub's")
            break
        keys[origin - 1] = succession.previous_hub_key
    return keys


def read_succession(payload: bytes) -> Succession | None:
    """Read a succession; None where it is none."""
    try:
        return Succession.FromString(payload) if payload else None
    except DecodeError:
        return None
