"""Who gets in: certificates of every wrong sort, and what members may not do to each other."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID
from grpc import aio
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from support.hub import RunningHub, running_hub
from support.rpcs import RPCS, good_requests, role_of
from support.wire import (
    Pem,
    WireMember,
    certificate_request,
    events_of,
    members_channel,
    new_tls_key,
    pem_of,
    refuses,
    row_of,
    valid_elements,
)

from alliance.errors import Reason
from alliance.v1 import epoch_pb2, epoch_pb2_grpc, registry_pb2, registry_pb2_grpc
from alliance.v1.admin_pb2 import Change, Resume, Suspend
from alliance.v1.evaluation_pb2 import EvaluateRequest
from alliance.v1.statement_pb2 import SignedStatement
from alliance_server.authority import CertificateAuthority
from alliance_server.domain.logs import Log
from alliance_server.domain.members import HUB_ACTOR, Certificate, MemberState, Role
from alliance_server.domain.policy import POLICY
from alliance_server.rpc.interceptors import calls
from alliance_server.services.buckets import BucketPart, BucketService
from alliance_server.services.cases.attachments import AttachmentService
from alliance_server.services.directory import DirectoryService
from alliance_server.services.filters import FilterService
from alliance_server.services.log_reading import LeafPage, LogReading
from alliance_server.services.statuses import StatusService

pytestmark = pytest.mark.asyncio(loop_scope="module")

LIST_EPOCHS = epoch_pb2.ListEpochsRequest()


def as_pem(certificate: Certificate) -> bytes:
    return x509.load_der_x509_certificate(certificate.der).public_bytes(serialization.Encoding.PEM)


def forged(hub: RunningHub, member_id: str, *, registered_as: str | None = None, **changes: Any) -> Pem:
    """Let the hub's own authority issue a certificate, and enter it into the registry or not."""
    key = new_tls_key()
    issued = hub.hub.keys.authority.issue(member_id, certificate_request(key), hub.clock.now_ms())
    if registered_as is not None:
        entry = replace(issued, member_id=registered_as, **changes)
        hub.hub.store.write_now(lambda transaction: transaction.members.add_certificate(entry))
    return pem_of(key), as_pem(issued)


async def call(hub: RunningHub, identity: Pem | None) -> Any:
    async with members_channel(hub, identity) as channel:
        return await epoch_pb2_grpc.EpochServiceStub(channel).ListEpochs(LIST_EPOCHS)


async def counted(hub: RunningHub) -> int:
    """Refusals before authentication, as the hub's own events tell after a flush."""
    await hub.hub.audit.flush(hub.clock.now_ms())
    refusals = [it for it in events_of(hub, HUB_ACTOR) if it.action == "call:unauthenticated:refuse"]
    assert all(it.items == it.items_refused and it.outcome == "NOT_AUTHENTICATED" for it in refusals)
    return sum(it.items for it in refusals)


# -- the TLS layer ----------------------------------------------------------------------------------------------


def strangers(now: datetime) -> dict[str, Pem | None]:
    """Identities that the members' port does not even shake hands with."""
    key = new_tls_key()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "lender")])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.UniformResourceIdentifier("spiffe://test/members/lender-1")]), False
        )
    )
    self_signed = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    other_key = new_tls_key()
    milliseconds = int(now.timestamp() * 1000)
    # Another authority of the very same name.
    other = CertificateAuthority.create(other_key, "test", milliseconds)
    theirs = other.issue("lender-1", certificate_request(key), milliseconds)
    return {
        "none": None,
        "self-signed": (pem_of(key), self_signed),
        "another authority's": (pem_of(key), as_pem(theirs)),
    }


@pytest.mark.parametrize("which", ["none", "self-signed", "another authority's"])
async def test_strangers_do_not_get_through_the_handshake(hub: RunningHub, members: Any, which: str) -> None:
    await members(hub)
    identity = strangers(datetime.now(UTC))[which]
    with pytest.raises(aio.AioRpcError) as caught:
        await call(hub, identity)
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_the_key_must_be_the_certificates(hub: RunningHub, members: Any) -> None:
    member = await members(hub)
    with pytest.raises((aio.AioRpcError, ValueError, RuntimeError)):
        await call(hub, (pem_of(new_tls_key()), member.identity[1]))


# -- the registry -----------------------------------------------------------------------------------------------


async def test_a_certificate_of_our_authority_that_the_registry_does_not_know(hub: RunningHub, members: Any) -> None:
    member = await members(hub)
    with refuses(Reason.NOT_AUTHENTICATED):
        await call(hub, forged(hub, member.id))


async def test_the_name_in_the_certificate_must_be_the_registrys(hub: RunningHub, members: Any) -> None:
    first, second = await members(hub), await members(hub)
    with refuses(Reason.NOT_AUTHENTICATED):
        await call(hub, forged(hub, first.id, registered_as=second.id))
    await call(hub, forged(hub, first.id, registered_as=first.id))


async def test_the_hubs_own_certificate_is_no_members(hub: RunningHub) -> None:
    keys = hub.hub.keys
    with pytest.raises(aio.AioRpcError) as caught:
        await call(hub, (keys.tls_key.reveal(), keys.tls_certificate))
    assert caught.value.code() in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.UNAUTHENTICATED}


async def test_revocation_cuts_off_at_the_next_call_of_an_open_connection(hub: RunningHub, members: Any) -> None:
    member = await members(hub)
    await member.epochs.ListEpochs(LIST_EPOCHS)
    assert await hub.hub.enrolment.revoke(member.id) == 1
    with refuses(Reason.NOT_AUTHENTICATED):
        await member.epochs.ListEpochs(LIST_EPOCHS)
    assert await hub.hub.enrolment.revoke(member.id) == 0


@pytest.mark.parametrize("state", [MemberState.SUSPENDED, MemberState.OFFBOARDED, MemberState.INVITED])
async def test_only_active_members_call(hub: RunningHub, members: Any, state: MemberState) -> None:
    member = await members(hub)
    now = hub.clock.now_ms()
    hub.hub.store.write_now(lambda transaction: transaction.members.set_state(member.id, state, now))
    with refuses(Reason.NOT_AUTHENTICATED):
        await member.epochs.ListEpochs(LIST_EPOCHS)
    hub.hub.store.write_now(lambda transaction: transaction.members.set_state(member.id, MemberState.ACTIVE, now))
    await member.epochs.ListEpochs(LIST_EPOCHS)


@pytest.mark.parametrize(("days", "admitted"), [(364, True), (366, False), (-1, False)])
async def test_certificates_have_their_time(own_hub: RunningHub, own_members: Any, days: int, admitted: bool) -> None:
    member = await own_members(own_hub)
    own_hub.clock.advance(days=days)
    if admitted:
        await member.epochs.ListEpochs(LIST_EPOCHS)
    else:
        with refuses(Reason.NOT_AUTHENTICATED):
            await member.epochs.ListEpochs(LIST_EPOCHS)


async def test_grounds_are_told_alike(hub: RunningHub, members: Any) -> None:
    revoked, suspended, unknown = await members(hub), await members(hub), await members(hub)
    await hub.hub.enrolment.revoke(revoked.id)
    hub.hub.store.write_now(
        lambda transaction: transaction.members.set_state(suspended.id, MemberState.SUSPENDED, hub.clock.now_ms())
    )
    said = set()
    for identity in (revoked.identity, suspended.identity, forged(hub, unknown.id)):
        with refuses(Reason.NOT_AUTHENTICATED) as refusal:
            await call(hub, identity)
        said.add((refusal.message, tuple(refusal.metadata)))
    assert len(said) == 1


async def test_refusals_before_authentication_become_one_event(own_hub: RunningHub, own_members: Any) -> None:
    member = await own_members(own_hub)
    await own_hub.hub.enrolment.revoke(member.id)
    before = len(member.events())
    for _ in range(20):
        with refuses(Reason.NOT_AUTHENTICATED):
            await member.epochs.ListEpochs(LIST_EPOCHS)
    with refuses(Reason.NOT_AUTHENTICATED):
        await call(own_hub, forged(own_hub, member.id))
    assert await counted(own_hub) == 21
    assert await counted(own_hub) == 21  # nothing new, no event
    events = [it for it in events_of(own_hub, HUB_ACTOR) if it.action == "call:unauthenticated:refuse"]
    assert len(events) == 1
    assert len(member.events()) == before


async def test_the_count_is_kept_when_the_hub_stops(new_hub_folder: Any, members: Any) -> None:
    folder = new_hub_folder()
    async with running_hub(folder) as hub:
        member = await members(hub, "stopping")
        await hub.hub.enrolment.revoke(member.id)
        with refuses(Reason.NOT_AUTHENTICATED):
            await member.epochs.ListEpochs(LIST_EPOCHS)
        await member.close()
    async with running_hub(folder) as again:
        events = [it for it in events_of(again, HUB_ACTOR) if it.action == "call:unauthenticated:refuse"]
        assert [it.items for it in events] == [1]


# -- within a stream --------------------------------------------------------------------------------------------


STREAMS: dict[str, tuple[type, str, Any]] = {
    "CaseService/DownloadAttachment": (AttachmentService, "download", b"sealed"),
    "AuditService/ReadLog": (LogReading, "read", LeafPage(Log(1, "test/audit/1/2026-11", 0, 0, b"", b""), 0, [])),
    "BucketService/GetBuckets": (BucketService, "get", BucketPart(1, (), complete=True)),
    "FilterService/DownloadSnapshot": (FilterService, "download", (0, b"bits")),
    "FilterService/ListDeltas": (FilterService, "deltas", SignedStatement(payload=b"delta")),
    "StatusService/WatchStatuses": (StatusService, "watch", SignedStatement(payload=b"page")),
}
"""Methods that answer by a stream: what makes their answers, and one of these."""


async def test_every_stream_of_the_members_port_is_tried_here() -> None:
    streams = {it.path.removeprefix("/alliance.v1.") for it in RPCS.values() if it.many_replies and not it.is_plumbing}
    assert streams == {*STREAMS, "RegistryService/Contribute"}


async def suspended(hub: RunningHub, members: Any, member: WireMember) -> Callable[[], Awaitable[None]]:
    """Have an admin suspend a member; gives what has two admins resume it."""
    first, second = await members(hub, role=Role.ADMIN), await members(hub, role=Role.ADMIN)
    await first.propose(first.proposal(Change(suspend=Suspend(member=member.id))))

    async def resume() -> None:
        proposal = first.proposal(Change(resume=Resume(member=member.id)))
        await first.propose(proposal)
        await second.decide(proposal, second.decision(proposal))

    return resume


@pytest.mark.parametrize("name", STREAMS)
async def test_a_suspension_ends_an_open_stream_within_a_minute(
    hub: RunningHub, members: Any, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    service, method, answer = STREAMS[name]
    turns: asyncio.Queue[None] = asyncio.Queue()

    async def answers(_: object, call: Any, *_arguments: object) -> AsyncIterator[Any]:
        call.event()
        while True:
            await turns.get()
            yield answer

    monkeypatch.setattr(service, method, answers)
    path = f"/alliance.v1.{name}"
    member: WireMember = await members(hub, role=role_of(path))
    open_stream = member.channel.unary_stream(path)
    request = good_requests(member)[path]().SerializeToString()
    stream = open_stream(request)
    turns.put_nowait(None)
    await stream.read()
    resume = await suspended(hub, members, member)
    hub.clock.advance(seconds=59)
    turns.put_nowait(None)
    await stream.read()  # not looked up again within the minute
    hub.clock.advance(seconds=1)
    turns.put_nowait(None)
    with refuses(Reason.NOT_AUTHENTICATED):
        await stream.read()
    assert member.events()[-1].outcome == "NOT_AUTHENTICATED"
    with refuses(Reason.NOT_AUTHENTICATED):
        await open_stream(request).read()
    await resume()
    stream = open_stream(request)
    turns.put_nowait(None)
    await stream.read()
    stream.cancel()
    hub.clock.advance(minutes=-1)


async def test_a_suspension_ends_an_open_contribution_within_a_minute(hub: RunningHub, members: Any) -> None:
    member: WireMember = await members(hub)
    await member.credit(3)
    stream = member.registry.Contribute()

    async def filed() -> int:
        await stream.write(registry_pb2.ContributeRequest(request_id=os.urandom(16), rows=[member.row()]))
        return len((await stream.read()).results)

    assert await filed() == 1
    resume = await suspended(hub, members, member)
    hub.clock.advance(seconds=59)
    assert await filed() == 1
    hub.clock.advance(seconds=1)
    with refuses(Reason.NOT_AUTHENTICATED):
        await filed()
    kept = hub.hub.store.read_now(lambda transaction: transaction.claims.own(member.id, (0, 0), 10, live_only=True))
    assert len(kept) == 2
    assert (member.events()[-1].action, member.events()[-1].outcome) == ("claim:contribute", "NOT_AUTHENTICATED")
    await resume()
    hub.clock.advance(minutes=-1)
    assert len(await member.contribute(member.row())) == 1


# -- between members --------------------------------------------------------------------------------------------


async def test_a_members_statement_does_not_serve_another(hub: RunningHub, members: Any) -> None:
    first, second = await members(hub), await members(hub)
    blinded = valid_elements(1)
    stolen = first.header(blinded)
    with refuses(Reason.SIGNATURE_INVALID):
        await second.evaluation.Evaluate(EvaluateRequest(header=stolen, blinded=blinded))
    with refuses(Reason.REPLAYED):
        await second.evaluate(blinded, member=first.id)
    assert first.used(5) == second.used(5) == 0


async def test_methods_that_are_not_there(hub: RunningHub, members: Any) -> None:
    member = await members(hub)
    for method in (
        "/alliance.v1.RegistryService/DropEverything",
        "/alliance.v1.EnrolmentService/Enrol",
        "/nothing.at.All/Here",
    ):
        with pytest.raises(aio.AioRpcError) as caught:
            await member.channel.unary_unary(method)(b"")
        assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_a_method_that_the_policy_forgot_is_refused(
    hub: RunningHub, members: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    member = await members(hub)
    known = {method: rule for method, rule in POLICY.items() if not method.endswith("/ListEpochs")}
    monkeypatch.setattr(calls, "POLICY", known)
    with refuses(Reason.NOT_PERMITTED):
        await member.epochs.ListEpochs(LIST_EPOCHS)


async def test_health_and_reflection_need_our_certificate_and_leave_no_event(hub: RunningHub, members: Any) -> None:
    member = await members(hub)
    before = len(member.events())
    status = await health_pb2_grpc.HealthStub(member.channel).Check(health_pb2.HealthCheckRequest())
    assert status.status == health_pb2.HealthCheckResponse.SERVING
    watch = health_pb2_grpc.HealthStub(member.channel).Watch(health_pb2.HealthCheckRequest())
    assert (await watch.read()).status == health_pb2.HealthCheckResponse.SERVING
    watch.cancel()
    stream = reflection_pb2_grpc.ServerReflectionStub(member.channel).ServerReflectionInfo()
    await stream.write(reflection_pb2.ServerReflectionRequest(list_services=""))
    listed = {it.name for it in (await stream.read()).list_services_response.service}
    await stream.done_writing()
    assert "alliance.v1.EvaluationService" in listed
    assert "alliance.v1.EnrolmentService" not in listed
    assert len(member.events()) == before
    async with members_channel(hub, None) as channel:
        with pytest.raises(aio.AioRpcError):
            await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())


async def test_a_reply_that_was_not_recorded_is_never_given(
    hub: RunningHub, members: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def forgetful(_self: Any, _call: Any) -> list[Any]:
        return []

    member = await members(hub)
    monkeypatch.setattr(DirectoryService, "epochs", forgetful)
    with refuses(Reason.INTERNAL):
        await member.epochs.ListEpochs(LIST_EPOCHS)
    assert member.events()[-1].outcome == "INTERNAL"


async def test_an_unforeseen_fault_tells_nothing(
    hub: RunningHub, members: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_self: Any, _call: Any) -> list[Any]:
        raise RuntimeError("13800138000")

    member = await members(hub)
    monkeypatch.setattr(DirectoryService, "epochs", broken)
    with pytest.raises(aio.AioRpcError) as caught:
        await member.epochs.ListEpochs(LIST_EPOCHS)
    assert "13800138000" not in str(caught.value) + repr(caught.value.trailing_metadata())
    assert caught.value.code() is grpc.StatusCode.INTERNAL
    assert member.events()[-1].outcome == "INTERNAL"


async def test_a_claim_of_another_member_stays_unknown(hub: RunningHub, members: Any) -> None:
    owner, thief = await members(hub), await members(hub)
    sealed = owner.seal()
    await owner.credit(1)
    await owner.contribute(row_of(sealed))
    stub = registry_pb2_grpc.RegistryServiceStub(thief.channel)
    with refuses(Reason.NOT_FOUND):
        await stub.GetClaim(registry_pb2.GetClaimRequest(entry_id=sealed.entry_id))
    # Even the owner's own signed statement does not serve a thief.
    request = registry_pb2.ChangeClaimStatusRequest(status_change=owner.status_change(sealed.entry_id))
    with refuses(Reason.SIGNATURE_INVALID):
        await stub.ChangeClaimStatus(request)
    assert [it.outcome for it in thief.events()[-2:]] == ["NOT_FOUND", "SIGNATURE_INVALID"]
