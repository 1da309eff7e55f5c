"""What tests of the registry say often."""

from typing import Any

import sqlalchemy as sa

from alliance.statements import CLAIM
from alliance.v1 import claim_pb2, registry_pb2
from alliance.v1.registry_pb2 import ListClaimsRequest
from support.hub import RunningHub
from support.wire import WireMember

OK = (0, False)
REPEATED = (0, True)
UNKNOWN_FIELD = b"\x9a\x06\xe8\x07" + bytes(1000)
"""Field 99, a thousand bytes."""


async def outcome(member: WireMember, *rows: registry_pb2.ClaimRow) -> list[tuple[int, bool]]:
    return [(int(it.refusal), it.repeated_row) for it in await member.contribute(*rows)]


async def own(member: WireMember) -> list[claim_pb2.Claim]:
    reply = await member.registry.ListClaims(ListClaimsRequest(page_size=1000))
    return [claim_pb2.Claim.FromString(record.claim) for record in reply.claims]


def resigned(member: WireMember, row: registry_pb2.ClaimRow, **changes: Any) -> registry_pb2.ClaimRow:
    """Change a claim behind `validate`'s back and sign it again."""
    claim = claim_pb2.Claim.FromString(row.claim)
    for name, value in changes.items():
        setattr(claim, name, value)
    payload = claim.SerializeToString()
    return registry_pb2.ClaimRow(
        claim=payload, signature=member.key.sign(CLAIM, payload), handle=row.handle, box=row.box
    )


def credit_left(hub: RunningHub, member: WireMember) -> int:
    with hub.hub.store.engine.connect() as connection:
        query = sa.text("SELECT remaining FROM contribution_credits WHERE member_id = :it")
        return int(connection.execute(query, {"it": member.id}).scalar() or 0)
