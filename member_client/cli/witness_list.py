"""The witness list as commands tell it: one line and the keys, or a document."""

from typing import Any

from alliance.witnesses import WitnessList
from member_client.cli.language import tr


def list_line(listed: WitnessList) -> str:
    """Say which list it is, and what it asks for."""
    return tr(
        "list {number}: {quorum} of {count} witnesses must cosign",
        number=listed.number,
        quorum=listed.quorum,
        count=len(listed.keys),
    )


def list_document(listed: WitnessList) -> dict[str, Any]:
    """Give it for programs."""
    return {"number": listed.number, "quorum": listed.quorum, "vkeys": [key.vkey for key in listed.keys]}
