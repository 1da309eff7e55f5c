"""The enrolment bundle, written alike by whoever invites; see docs/reference/enrolment-bundle.md."""

import json
from typing import Final

FORMAT: Final = "alliance-enrolment/1"


def enrolment_bundle(
    *,
    alliance: str,
    member: str,
    hub: str,
    enrolment: str,
    server_name: str,
    ca_pem: bytes,
    hub_key: bytes,
    token: bytes,
    expires_at: int,
) -> bytes:
    """Give a bundle as a file's content; the token in it is a secret. `expires_at` in milliseconds UTC."""
    content = {
        "format": FORMAT,
        "alliance": alliance,
        "member": member,
        "hub": hub,
        "enrolment": enrolment,
        "server_name": server_name,
        "ca": ca_pem.decode("ascii"),
        "hub_key": hub_key.hex(),
        "token": token.hex(),
        "expires_at": expires_at,
    }
    return json.dumps(content, indent=1).encode()
