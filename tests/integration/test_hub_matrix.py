"""Role × method × state over real TLS, each cell: who gets an answer, who is refused and how, and what is recorded.

What is expected is derived from the policy table, which has a test of its own against every descriptor; here the hub
is held against it.
"""

from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta

import grpc
import pytest
import pytest_asyncio
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from grpc import aio
from support.bombardment import answer
from support.hub import RunningHub
from support.rpcs import AnswerLost, Rpc, good_requests, of_members_port, sender
from support.wire import Pem, WireMember, certificate_request, enrol, new_tls_key, pem_of

from alliance_server.authority import CertificateAuthority
from alliance_server.domain.members import MemberState, Role
from alliance_server.domain.policy import POLICY

pytestmark = pytest.mark.asyncio(loop_scope="module")

STATES = ("active", "unconfirmed", "suspended", "offboarded", "revoked", "expired", "wrong authority")
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
async def callers(hub: RunningHub) -> AsyncIterator[dict[tuple[Role, str], WireMember]]:
    made = {(role, state): await _in_state(hub, role, state) for role in Role for state in STATES}
    yield made
    for caller in made.values():
        await caller.close()


@of_members_port
@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("role", Role, ids=lambda role: role.word)
async def test_each_cell(callers: dict[tuple[Role, str], WireMember], rpc: Rpc, role: Role, state: str) -> None:
    caller = callers[role, state]
    send, content = sender(caller.channel, rpc), good_requests(caller)[rpc.path]().SerializeToString()
    if state in HANDSHAKE:
        before = caller.events()
        with pytest.raises(aio.AioRpcError) as caught:
            await send(content)
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
        assert caller.events() == before
        return
    said = ""
    while not said:
        before = caller.events()
        with suppress(AnswerLost):
            said = await answer(rpc, send, content)
    recorded = caller.events()[len(before) :]
    if rpc.is_plumbing:
        assert said == "ok"
        assert not recorded
    elif state == "unconfirmed":
        assert said == "KEY_NOT_CONFIRMED"
        assert not recorded
    elif state != "active":
        assert said == "NOT_AUTHENTICATED"
        assert not recorded
    elif role in POLICY[rpc.path].roles:
        assert said not in REFUSALS
        assert [event.outcome for event in recorded] == [said]
    else:
        assert said == "NOT_PERMITTED"
        assert [(event.action, event.outcome) for event in recorded] == [(POLICY[rpc.path].action, said)]
