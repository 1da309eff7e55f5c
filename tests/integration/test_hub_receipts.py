"""Receipts on the wire: each answer and each refusal of a known caller has the hub's word that its event is durable."""

import sqlite3
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import pytest
import pytest_asyncio
import sqlalchemy as sa
from grpc import aio
from support.hub import RunningHub, running_hub
from support.rpcs import CONTRIBUTE, RPCS, WATCHES, Rpc, good_requests, role_of
from support.wire import WireMember, enrol, members_channel, refuses, valid_elements

from alliance.crypto.signing import Signer, VerifyingKey
from alliance.errors import Reason, SignatureInvalid
from alliance.statements import RECEIPT
from alliance.v1 import audit_pb2, registry_pb2
from alliance.v1.evaluation_pb2 import EvaluateRequest
from alliance.v1.statement_pb2 import SignedStatement
from alliance_server.domain.members import Role
from alliance_server.domain.policy import POLICY
from alliance_server.signing.token import TokenFailed
from alliance_server.storage.database import WRITES
from alliance_server.storage.tables import AuditTable, table_of

pytestmark = pytest.mark.asyncio(loop_scope="module")

KEY = "alliance-receipt-bin"
AUDITED = [rpc for rpc in RPCS.values() if rpc.path in POLICY and POLICY[rpc.path].action is not None]
each_method = pytest.mark.parametrize("rpc", AUDITED, ids=lambda rpc: rpc.name)
UNREADABLE = b"\xff\xff"


@dataclass
class Heard:
    """What came back: replies' bytes, the trailing metadata's receipt, and whether the call ended well."""

    replies: list[bytes] = field(default_factory=list)
    receipt: bytes | None = None
    is_ok: bool = True


async def heard(channel: Any, rpc: Rpc, *contents: bytes) -> Heard:
    """Make a call with these messages, and listen to its end."""
    found = Heard()
    call: Any
    if rpc.many_requests:
        begin = channel.stream_stream if rpc.many_replies else channel.stream_unary
        call = begin(rpc.path)(_each(contents))
    elif rpc.many_replies:
        call = channel.unary_stream(rpc.path)(contents[0])
    else:
        call = channel.unary_unary(rpc.path)(contents[0])
    try:
        if rpc.many_replies:
            async for reply in call:
                found.replies.append(reply)
                if rpc.path in WATCHES:
                    call.cancel()
                    return found
        else:
            found.replies.append(await call)
        trailing: Any = await call.trailing_metadata()
    except aio.AioRpcError as error:
        found.is_ok, trailing = False, error.trailing_metadata()
    found.receipt = dict(trailing or ()).get(KEY)
    return found


async def _each(contents: Any) -> AsyncIterator[bytes]:
    for content in contents:
        yield content


def read(member: WireMember, serialised: bytes | None, content: bytes | None) -> audit_pb2.AuditEvent:
    """Verify a receipt and hold it against the request (None: none was taken) and the database; gives its event."""
    assert serialised is not None, "there is no receipt"
    statement = SignedStatement.FromString(serialised)
    key = VerifyingKey(member.hub.hub.keys.identity.public_key)
    receipt = audit_pb2.Receipt.FromString(key.verified_payload(RECEIPT, statement))
    assert receipt.request_sha256 == (b"" if content is None else sha256(content).digest())
    assert (len(receipt.salt), receipt.merge_delay_seconds) == (32, 60)
    table = table_of(AuditTable)
    with member.hub.hub.store.engine.connect() as connection:
        kept = connection.execute(sa.select(table).where(table.c.id == receipt.row)).one()
    assert (kept.salt, kept.event, kept.actor) == (receipt.salt, receipt.event, member.id)
    return audit_pb2.AuditEvent.FromString(receipt.event)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def callers(hub: RunningHub) -> AsyncIterator[dict[Role, WireMember]]:
    made = {role: await enrol(hub, f"receipted-{role.word.replace('_', '-')}", role) for role in Role}
    yield made
    for caller in made.values():
        await caller.close()


@each_method
async def test_each_answer_and_each_refusal_by_a_service_has_its_receipt(
    callers: dict[Role, WireMember], rpc: Rpc
) -> None:
    caller = callers[role_of(rpc.path)]
    content = good_requests(caller)[rpc.path]().SerializeToString()
    found = await heard(caller.channel, rpc, content)
    if found.is_ok and rpc.path in WATCHES:
        return  # it ends with its caller alone
    receipt = found.receipt
    if rpc.path == CONTRIBUTE and found.is_ok:
        assert receipt is None
        acknowledged = registry_pb2.ContributeResponse.FromString(found.replies[0])
        receipt = acknowledged.receipt.SerializeToString()
    event = read(caller, receipt, content)
    assert event.action == POLICY[rpc.path].action
    assert (event.outcome == "ok") is found.is_ok


@each_method
async def test_a_refusal_of_a_role_has_its_receipt(callers: dict[Role, WireMember], rpc: Rpc) -> None:
    refused = set(Role) - POLICY[rpc.path].roles
    if not refused:
        return  # everybody enrolled may call it
    caller = callers[min(refused)]
    content = good_requests(caller)[rpc.path]().SerializeToString()
    found = await heard(caller.channel, rpc, content)
    assert not found.is_ok
    event = read(caller, found.receipt, None if rpc.many_requests else content)
    assert event.outcome == "NOT_PERMITTED"


@each_method
async def test_a_message_that_cannot_be_read_has_its_receipt(callers: dict[Role, WireMember], rpc: Rpc) -> None:
    caller = callers[role_of(rpc.path)]
    found = await heard(caller.channel, rpc, UNREADABLE)
    assert not found.is_ok
    assert read(caller, found.receipt, UNREADABLE).outcome == "INVALID_REQUEST"


async def test_who_is_not_known_is_given_none(callers: dict[Role, WireMember], hub: RunningHub) -> None:
    rpc = RPCS["/alliance.v1.EpochService/ListEpochs"]
    async with members_channel(hub, None) as channel:
        found = await heard(channel, rpc, b"")
    assert (found.is_ok, found.receipt) == (False, None)
    health = await heard(callers[Role.MEMBER].channel, RPCS["/grpc.health.v1.Health/Check"], b"")
    assert (health.is_ok, health.receipt) == (True, None)


async def test_each_acknowledgement_has_the_receipt_of_its_own_chunk(callers: dict[Role, WireMember]) -> None:
    caller = callers[Role.MEMBER]
    make = good_requests(caller)[CONTRIBUTE]
    contents = [make().SerializeToString() for _ in range(3)]
    found = await heard(caller.channel, RPCS[CONTRIBUTE], *contents, UNREADABLE)
    assert not found.is_ok
    for reply, content in zip(found.replies, contents, strict=True):
        receipt = registry_pb2.ContributeResponse.FromString(reply).receipt
        assert read(caller, receipt.SerializeToString(), content).outcome == "ok"
    assert read(caller, found.receipt, UNREADABLE).outcome == "INVALID_REQUEST"


async def test_a_receipt_of_a_large_message_is_bound_to_it(callers: dict[Role, WireMember]) -> None:
    caller = callers[Role.MEMBER]
    blinded = valid_elements(4096)
    content = EvaluateRequest(header=caller.header(blinded), blinded=blinded).SerializeToString()
    found = await heard(caller.channel, RPCS["/alliance.v1.EvaluationService/Evaluate"], content)
    assert read(caller, found.receipt, content).items == 4096
    assert found.receipt is not None
    assert len(found.receipt) < 1024  # and not with it
    assert blinded[:32] not in found.receipt


async def test_receipts_differ_and_are_no_other_statements(callers: dict[Role, WireMember]) -> None:
    caller, rpc = callers[Role.MEMBER], RPCS["/alliance.v1.EpochService/ListEpochs"]
    first, second = [(await heard(caller.channel, rpc, b"")).receipt for _ in range(2)]
    assert first is not None
    assert second is not None
    events = [audit_pb2.Receipt.FromString(SignedStatement.FromString(it).payload) for it in (first, second)]
    assert events[0].row < events[1].row
    assert events[0].salt != events[1].salt
    statement = SignedStatement.FromString(first)
    statement.type = "member"
    with pytest.raises(SignatureInvalid):
        VerifyingKey(caller.hub.hub.keys.identity.public_key).verified_payload("member", statement)


async def test_a_receipt_verifies_after_the_hub_began_again(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder, rpc = tmp_path_factory.mktemp("again") / "hub", RPCS["/alliance.v1.EpochService/ListEpochs"]
    async with running_hub(folder) as first:
        member = await enrol(first, "lender")
        receipt = (await heard(member.channel, rpc, b"")).receipt
        await member.close()
    async with running_hub(folder) as second:
        again = WireMember(second, member.id, member.key, member.identity)
        read(again, receipt, b"")
        await again.close()


class Token:
    """A key in a device: it is slow, notes on which thread it is asked, and may be pulled out."""

    signs_at_once = False

    def __init__(self, key: Signer) -> None:
        self._key = key
        self.public_key = key.public_key
        self.threads: set[str] = set()
        self.is_gone = False

    def statement(self, statement_type: str, payload: bytes) -> SignedStatement:
        self.threads.add(threading.current_thread().name)
        if self.is_gone:
            raise TokenFailed("the token is gone")
        return self._key.statement(statement_type, payload)

    def sign_text(self, text: bytes) -> bytes:
        return self._key.sign_text(text)


async def test_a_token_signs_beside_the_loop_and_without_one_nobody_is_answered(
    callers: dict[Role, WireMember], hub: RunningHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller, rpc = callers[Role.MEMBER], RPCS["/alliance.v1.EpochService/ListEpochs"]
    token = Token(hub.hub.keys.identity)
    monkeypatch.setattr(hub.hub._receipts, "_key", token)
    read(caller, (await heard(caller.channel, rpc, b"")).receipt, b"")
    assert token.threads
    assert threading.main_thread().name not in token.threads
    token.is_gone = True
    with refuses(Reason.UNAVAILABLE):
        await caller.channel.unary_unary(rpc.path)(b"")
    token.is_gone = False
    read(caller, (await heard(caller.channel, rpc, b"")).receipt, b"")


async def test_an_event_whose_commit_failed_is_promised_to_nobody(
    callers: dict[Role, WireMember], hub: RunningHub
) -> None:
    caller, rpc = callers[Role.MEMBER], RPCS["/alliance.v1.EpochService/ListEpochs"]
    engine = hub.hub.store.engine

    def fails(connection: sa.Connection) -> None:
        if not connection.get_execution_options().get(WRITES):
            return
        full = sqlite3.OperationalError("database or disk is full")
        full.sqlite_errorcode = sqlite3.SQLITE_FULL
        raise sa.exc.OperationalError("COMMIT", {}, full)

    sa.event.listen(engine, "commit", fails)
    try:
        found = await heard(caller.channel, rpc, b"")
    finally:
        sa.event.remove(engine, "commit", fails)
    assert not found.is_ok
    assert found.receipt is None
    read(caller, (await heard(caller.channel, rpc, b"")).receipt, b"")
