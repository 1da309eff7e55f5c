"""Role × method × state over real TLS, each cell: who gets an answer, who is refused and how, and what is recorded.

What is expected is derived from the policy table, which has a test of its own against every descriptor; here the hub
is held against it.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from datetime import timedelta

import pytest
import pytest_asyncio
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from google.protobuf.message import Message
from grpc import aio
from support.bombardment import answer
from support.hub import RunningHub
from support.rpcs import AnswerLost, Rpc, Send, good_requests, of_members_port, sender
from support.wire import Pem, WireMember, certificate_request, enrol, new_tls_key, pem_of

from alliance_server.authority import CertificateAuthority
from alliance_server.domain.members import MemberState, Role
from alliance_server.domain.policy import POLICY

pytestmark = pytest.mark.asyncio(loop_scope="module")

STATES = ("active", "unconfirmed", "suspended", "offboarded", "revoked", "expired", "wrong authority")
Cell = tuple[Role, str]
Requests = Mapping[str, Callable[[], Message]]
Found = tuple[str, list[tuple[str, str]]]
"""What was said, and action and outcome of each event."""
HANDSHAKE = frozenset({"expired", "wrong authority"})
"""States that TLS itself refuses."""
REFUSALS = frozenset({"NOT_AUTHENTICATED", "NOT_PERMITTED"})


def _identity(hub: RunningHub, authority: CertificateAuthority, member_id: str, now: int) -> Pem:
    """Issue a certificate, and enter it into the registry: what is wrong with it is not that nobody knows it."""
    key = new_tls_key()
    issued = authority.issue(member_id, certificate_request(key), now)
    hub.hub.store.write_now(lambda transaction: transaction.members.add_certificate(issued))
    pem = x509.load_der_x509_certificate(issued.der).public_bytes(serialization.Encoding.PEM)
    return pem_of(key), pem


async def _in_state(hub: RunningHub, role: Role, state: str) -> WireMember:
    caller = await enrol(hub, f"{role.word}-{state}".replace(" ", "-").replace("_", "-"), role)
    store, now = hub.hub.store, hub.clock.now_ms()
    identity = caller.identity
    match state:
        case "unconfirmed" | "suspended" | "offboarded":
            store.write_now(lambda it: it.members.set_state(caller.id, MemberState[state.upper()], now))
        case "revoked":
            store.write_now(lambda it: it.members.revoke_certificates(caller.id, now))
        case "expired":
            long_ago = now - int(timedelta(days=800).total_seconds() * 1000)
            identity = _identity(hub, hub.hub.keys.authority, caller.id, long_ago)
        case "wrong authority":
            other = CertificateAuthority.create(new_tls_key(), "test", now)
            identity = _identity(hub, other, caller.id, now)
    await caller.close()
    return WireMember(hub, caller.id, caller.key, identity)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def callers(hub: RunningHub) -> AsyncIterator[dict[Cell, tuple[WireMember, Requests]]]:
    made = {(role, state): await _in_state(hub, role, state) for role in Role for state in STATES}
    yield {cell: (caller, good_requests(caller)) for cell, caller in made.items()}
    for caller in made.values():
        await caller.close()


@of_members_port
async def test_each_role_and_state(callers: dict[Cell, tuple[WireMember, Requests]], rpc: Rpc) -> None:
    found = {cell: await _said_and_recorded(rpc, cell[1], *caller) for cell, caller in callers.items()}
    assert not {cell: it for cell, it in found.items() if not _is_right(rpc, *cell, *it)}


async def _unreached(send: Send, content: bytes) -> str:
    """Call a hub that TLS does not let us reach; gives the code."""
    with pytest.raises(aio.AioRpcError) as caught:
        await send(content)
    return str(caught.value.code().name)


async def _said_and_recorded(rpc: Rpc, state: str, caller: WireMember, good: Requests) -> Found:
    """Call; gives what was said, and action and outcome of each event that it left."""
    send, content = sender(caller.channel, rpc), good[rpc.path]().SerializeToString()
    said = ""
    while not said:
        before = len(caller.events())
        with suppress(AnswerLost):
            said = await (_unreached(send, content) if state in HANDSHAKE else answer(rpc, send, content))
    return said, [(event.action, event.outcome) for event in caller.events()[before:]]


def _is_right(rpc: Rpc, role: Role, state: str, said: str, recorded: list[tuple[str, str]]) -> bool:
    """Hold a cell against the policy."""
    rule = POLICY[rpc.path]
    if state == "active" and role in rule.roles and not rpc.is_plumbing:
        return said not in REFUSALS and [outcome for _, outcome in recorded] == [said]
    if state in HANDSHAKE:
        return (said, recorded) == ("UNAVAILABLE", [])
    if rpc.is_plumbing:
        return (said, recorded) == ("ok", [])
    if state == "unconfirmed":
        return (said, recorded) == ("KEY_NOT_CONFIRMED", [])
    if state != "active":
        return (said, recorded) == ("NOT_AUTHENTICATED", [])
    return (said, recorded) == ("NOT_PERMITTED", [(rule.action, said)])
