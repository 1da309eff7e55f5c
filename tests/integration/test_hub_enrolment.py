"""Enrolment on its own port: one token, one answer, keys that were proven."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID
from grpc import aio
from support.hub import RunningHub, running_hub
from support.wire import (
    Refusal,
    WireMember,
    certificate_request,
    enrol_request,
    enrolment_channel,
    events_of,
    new_tls_key,
    pem_of,
    refuses,
)

from alliance.crypto.signing import SigningKey, VerifyingKey
from alliance.errors import FingerprintDiffers, FingerprintUnreadable, Reason
from alliance.fingerprints import fingerprint
from alliance.statements import MEMBER
from alliance.v1 import directory_pb2, epoch_pb2
from alliance.v1.enrolment_pb2 import EnrolmentRequest, EnrolRequest, EnrolResponse
from alliance.v1.enrolment_pb2_grpc import EnrolmentServiceStub
from alliance.v1.statement_pb2 import SignedStatement
from alliance_server.authority import CertificateAuthority
from alliance_server.domain.errors import Refused
from alliance_server.domain.members import HUB_ACTOR, MemberState

pytestmark = pytest.mark.asyncio(loop_scope="module")

_names = iter(range(10_000))


async def invite(hub: RunningHub) -> tuple[str, bytes]:
    name = f"guest-{next(_names)}"
    return name, (await hub.hub.enrolment.invite(name, name)).token


async def send(hub: RunningHub, request: EnrolRequest) -> EnrolResponse:
    async with enrolment_channel(hub) as channel:
        reply: EnrolResponse = await EnrolmentServiceStub(channel).Enrol(request)
        return reply


def a_request(token: bytes, **changes: Any) -> EnrolRequest:
    return enrol_request(token, SigningKey.generate()[0], certificate_request(new_tls_key()), **changes)


def state_of(hub: RunningHub, name: str) -> MemberState:
    member = hub.hub.store.read_now(lambda transaction: transaction.members.get(name))
    assert member is not None
    return member.state


async def test_a_member_enrols_and_calls_once_its_key_is_confirmed(hub: RunningHub) -> None:
    name, token = await invite(hub)
    key, tls_key = SigningKey.generate()[0], new_tls_key()
    reply = await send(hub, enrol_request(token, key, certificate_request(tls_key)))

    certificate = x509.load_der_x509_certificate(reply.certificate)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [it.value for it in names] == [f"spiffe://test/members/{name}"]
    assert certificate.public_key() == tls_key.public_key()
    stated = directory_pb2.Member.FromString(
        VerifyingKey(hub.hub.keys.identity.public_key).verified_payload(MEMBER, reply.member)
    )
    waits = directory_pb2.MEMBER_STATE_UNCONFIRMED
    assert (stated.id, stated.identity_key, stated.state) == (name, key.public_key, waits)

    member = WireMember(hub, name, key, (pem_of(tls_key), certificate.public_bytes(serialization.Encoding.PEM)))
    with refuses(Reason.KEY_NOT_CONFIRMED):
        await member.epochs.ListEpochs(epoch_pb2.ListEpochsRequest())
    await hub.hub.enrolment.confirm(name, fingerprint(key.public_key))
    await member.epochs.ListEpochs(epoch_pb2.ListEpochsRequest())
    await member.close()
    assert [it.action for it in member.events()] == ["member:enrol", "epoch:list"]
    confirmed = [it for it in events_of(hub, HUB_ACTOR) if it.action == "member:key:confirm"][-1]
    assert list(confirmed.commitments) == [sha256(name.encode()).digest(), sha256(key.public_key).digest()]


async def test_the_operator_confirms_by_the_words_of_the_key_that_enrolled_and_no_others(hub: RunningHub) -> None:
    name, token = await invite(hub)
    key = SigningKey.generate()[0]
    with pytest.raises(Refused) as early:
        await hub.hub.enrolment.confirm(name, fingerprint(key.public_key))
    await send(hub, enrol_request(token, key, certificate_request(new_tls_key())))
    for words, error in (
        (fingerprint(SigningKey.generate()[0].public_key), FingerprintDiffers),
        ("", FingerprintUnreadable),
        (fingerprint(key.public_key).rpartition(" ")[0], FingerprintUnreadable),
    ):
        with pytest.raises(error):
            await hub.hub.enrolment.confirm(name, words)
    assert state_of(hub, name) is MemberState.UNCONFIRMED
    await hub.hub.enrolment.confirm(name, fingerprint(key.public_key).upper())
    assert state_of(hub, name) is MemberState.ACTIVE
    with pytest.raises(Refused) as late:
        await hub.hub.enrolment.confirm(name, fingerprint(key.public_key))
    assert {early.value.reason, late.value.reason} == {Reason.MEMBER_STATE_CONFLICT}


async def test_whoever_took_an_invitees_place_is_gone_once_the_invitee_is_invited_again(hub: RunningHub) -> None:
    name, token = await invite(hub)
    taken = a_request(token)
    await send(hub, taken)
    again = (await hub.hub.enrolment.invite(name, name)).token
    with refuses(Reason.TOKEN_REFUSED):
        await send(hub, taken)
    good = hub.hub.store.read_now(lambda it: it.members.count_certificates(name, hub.clock.now_ms()))
    assert good == 0
    key = SigningKey.generate()[0]
    await send(hub, enrol_request(again, key, certificate_request(new_tls_key())))
    await hub.hub.enrolment.confirm(name, fingerprint(key.public_key))
    assert state_of(hub, name) is MemberState.ACTIVE


async def test_the_same_request_again_gives_the_same_answer(hub: RunningHub) -> None:
    name, token = await invite(hub)
    request = a_request(token)
    first, again = await send(hub, request), await send(hub, request)
    assert first == again
    hub.clock.advance(hours=25)  # a lost reply may be asked for later
    assert (await send(hub, request)).certificate == first.certificate
    hub.clock.advance(hours=-25)
    assert len(events_of(hub, name)) == 1


async def test_the_token_works_for_no_other_request(hub: RunningHub) -> None:
    name, token = await invite(hub)
    first = await send(hub, a_request(token))
    with refuses(Reason.TOKEN_REFUSED):
        await send(hub, a_request(token))
    found = hub.hub.store.read_now(lambda transaction: transaction.members.get(name))
    assert found is not None
    assert found.identity_key == directory_pb2.Member.FromString(first.member.payload).identity_key


async def test_of_two_at_once_one_gets_in(hub: RunningHub) -> None:
    name, token = await invite(hub)
    replies = await asyncio.gather(*(send(hub, a_request(token)) for _ in range(6)), return_exceptions=True)
    assert sorted(isinstance(it, EnrolResponse) for it in replies) == [False] * 5 + [True]
    assert len(events_of(hub, name)) == 1


@pytest.mark.parametrize(("hours", "works"), [(23.9, True), (24.1, False), (25, False)])
async def test_a_token_lasts_a_day(own_hub: RunningHub, hours: float, works: bool) -> None:
    name, token = await invite(own_hub)
    own_hub.clock.advance(hours=hours)
    if works:
        await send(own_hub, a_request(token))
    else:
        with refuses(Reason.TOKEN_REFUSED):
            await send(own_hub, a_request(token))
        assert state_of(own_hub, name) is MemberState.INVITED
    own_hub.clock.advance(hours=-hours)


async def test_unknown_used_and_expired_tokens_are_refused_alike(own_hub: RunningHub) -> None:
    _, used = await invite(own_hub)
    await send(own_hub, a_request(used))
    _, expired = await invite(own_hub)
    own_hub.clock.advance(hours=25)
    said = set()
    for token in (os.urandom(32), used, expired, b"", os.urandom(31), os.urandom(33)):
        with refuses(Reason.TOKEN_REFUSED) as refusal:
            await send(own_hub, a_request(token))
        said.add(refusal.message)
    assert len(said) == 1
    # Counted with the refusals before authentication, so that guessing shows.
    await own_hub.hub.audit.flush(own_hub.clock.now_ms())
    events = [it for it in events_of(own_hub, HUB_ACTOR) if it.action == "call:unauthenticated:refuse"]
    assert sum(event.items for event in events) == 6  # one event, or two where the hub's own turn came in between


async def test_a_second_invitation_ends_the_first_and_undoes_no_enrolment(hub: RunningHub) -> None:
    name, token = await invite(hub)
    again = (await hub.hub.enrolment.invite(name, name)).token
    with refuses(Reason.TOKEN_REFUSED):
        await send(hub, a_request(token))
    await send(hub, a_request(again))
    hub.confirm(name)
    with pytest.raises(Refused) as caught:
        await hub.hub.enrolment.invite(name, name)
    assert caught.value.reason is Reason.CONFLICTING_RETRY


@pytest.mark.parametrize(
    "name", ["", "hub", "-a", "a-", "A", "a_b", "a.b", "a/b", "贷", "x" * 33, "a\n", "a\x00", " a", "../a"]
)
async def test_names_that_no_member_may_have(hub: RunningHub, name: str) -> None:
    with pytest.raises(Refused) as caught:
        await hub.hub.enrolment.invite(name, "x")
    assert caught.value.reason is Reason.INVALID_REQUEST


# -- certificate requests ---------------------------------------------------------------------------------------


def altered(der: bytes, old: bytes, new: bytes) -> bytes:
    assert der.count(old) == 1
    return der.replace(old, new)


def bad_requests() -> dict[str, bytes]:
    key = new_tls_key()
    good = certificate_request(key)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "member")])
    builder = x509.CertificateSigningRequestBuilder().subject_name(name)
    der = serialization.Encoding.DER
    p256 = bytes.fromhex("06082a8648ce3d030107")  # the curve's object identifier
    ecdsa = bytes.fromhex("06082a8648ce3d040302")  # ecdsa-with-SHA256
    return {
        "empty": b"",
        "noise": b"\xff" * 100,
        "cut": good[:-1],
        "bad signature": good[:-1] + bytes([good[-1] ^ 1]),
        "another subject under the signature": altered(good, b"member", b"hacker"),
        "RSA": builder.sign(rsa.generate_private_key(65537, 2048), hashes.SHA256()).public_bytes(der),
        "Ed25519": builder.sign(ed25519.Ed25519PrivateKey.generate(), None).public_bytes(der),
        "P-384": builder.sign(ec.generate_private_key(ec.SECP384R1()), hashes.SHA256()).public_bytes(der),
        "secp256k1": builder.sign(ec.generate_private_key(ec.SECP256K1()), hashes.SHA256()).public_bytes(der),
        "a curve that nobody knows": altered(good, p256, p256[:-1] + b"\x7f"),
        "a signature that nobody knows": altered(good, ecdsa, ecdsa[:-1] + b"\x7f"),
        "a certificate": b"\x30\x03\x02\x01\x01",
    }


@pytest.mark.parametrize("which", bad_requests())
async def test_a_certificate_request_that_will_not_do(hub: RunningHub, which: str) -> None:
    name, token = await invite(hub)
    key = SigningKey.generate()[0]
    with refuses(Reason.INVALID_REQUEST):
        await send(hub, enrol_request(token, key, bad_requests()[which]))
    assert state_of(hub, name) is MemberState.INVITED
    await send(hub, a_request(token))  # the token is not spent


async def test_nothing_is_copied_from_a_request_but_its_key(hub: RunningHub) -> None:
    name, token = await invite(hub)
    csr = certificate_request(
        new_tls_key(),
        "hub.test",
        x509.SubjectAlternativeName(
            [
                x509.UniformResourceIdentifier("spiffe://test/members/somebody-else"),
                x509.DNSName("hub.test"),
            ]
        ),
        x509.BasicConstraints(ca=True, path_length=None),
        x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.SERVER_AUTH]),
    )
    reply = await send(hub, enrol_request(token, SigningKey.generate()[0], csr))
    certificate = x509.load_der_x509_certificate(reply.certificate)
    extensions = certificate.extensions
    names = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [it.value for it in names] == [f"spiffe://test/members/{name}"]
    assert extensions.get_extension_for_class(x509.BasicConstraints).value == x509.BasicConstraints(False, None)
    usage = extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [x509.oid.ExtendedKeyUsageOID.CLIENT_AUTH]
    assert not extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
    assert [it.value for it in certificate.subject] == [name]
    life = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    assert life.days == 365


# -- identity keys ----------------------------------------------------------------------------------------------


async def test_the_identity_key_must_sign_for_itself(hub: RunningHub) -> None:
    name, token = await invite(hub)
    other = SigningKey.generate()[0].public_key
    for request in (
        a_request(token, identity_key=other),
        a_request(token, identity_key=b""),
        a_request(token, identity_key=bytes(31)),
        a_request(token, identity_key=hub.hub.keys.identity.public_key),
        a_request(token, bound_to=os.urandom(32)),
        a_request(token, bound_to=b""),
    ):
        with refuses(Reason.SIGNATURE_INVALID):
            await send(hub, request)
    assert state_of(hub, name) is MemberState.INVITED
    await send(hub, a_request(token))


async def test_a_signature_over_another_token_does_not_serve_this_one(hub: RunningHub) -> None:
    _, first = await invite(hub)
    _, second = await invite(hub)
    request = a_request(first)
    with refuses(Reason.SIGNATURE_INVALID):
        await send(hub, EnrolRequest(token=second, enrolment=request.enrolment))


async def test_statements_of_another_kind(hub: RunningHub) -> None:
    _, token = await invite(hub)
    key = SigningKey.generate()[0]
    payload = a_request(token).enrolment.payload
    bound = EnrolmentRequest.FromString(payload)
    bound.identity_key = key.public_key
    for statement in (
        key.statement("claim", bound.SerializeToString()),
        SignedStatement(),
        SignedStatement(payload=payload),
    ):
        with refuses(Reason.SIGNATURE_INVALID, Reason.INVALID_REQUEST):
            await send(hub, EnrolRequest(token=token, enrolment=statement))
    with refuses(Reason.INVALID_REQUEST):
        await send(hub, EnrolRequest(token=token, enrolment=key.statement("enrolment", b"\xff\xff")))


# -- the port ---------------------------------------------------------------------------------------------------


async def test_the_enrolment_port_offers_nothing_else(hub: RunningHub, members: Any) -> None:
    await members(hub)
    methods = [
        "/alliance.v1.EpochService/ListEpochs",
        "/alliance.v1.EvaluationService/Evaluate",
        "/alliance.v1.RegistryService/ListClaims",
        "/grpc.health.v1.Health/Check",
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
    ]
    async with enrolment_channel(hub) as channel:
        for method in methods:
            with pytest.raises(aio.AioRpcError) as caught:
                await channel.unary_unary(method)(b"")
            assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_a_message_that_cannot_be_read(hub: RunningHub) -> None:
    async with enrolment_channel(hub) as channel:
        with refuses(Reason.INVALID_REQUEST):
            await channel.unary_unary("/alliance.v1.EnrolmentService/Enrol")(b"\xff\xff\xff")


async def test_the_hub_proves_who_it_is(hub: RunningHub) -> None:
    other = CertificateAuthority.create(new_tls_key(), "test", hub.clock.now_ms())
    credentials = grpc.ssl_channel_credentials(other.certificate_pem)
    options = [("grpc.ssl_target_name_override", "hub.test")]
    channel: Any = aio.secure_channel(hub.enrolment_address, credentials, options)
    with pytest.raises(aio.AioRpcError) as caught:
        await EnrolmentServiceStub(channel).Enrol(a_request(os.urandom(32)))
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    await channel.close()


async def test_the_enrolment_port_reads_little(hub: RunningHub) -> None:
    async with enrolment_channel(hub) as channel:
        with pytest.raises(aio.AioRpcError) as caught:
            await channel.unary_unary("/alliance.v1.EnrolmentService/Enrol")(bytes(17 * 1024))
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


# -- guesses ----------------------------------------------------------------------------------------------------


@asynccontextmanager
async def limited(folder: Path, a_minute: int = 3, in_all: int = 100) -> AsyncIterator[RunningHub]:
    limits = {"refusals_a_minute": a_minute, "refusals_a_minute_in_all": in_all}
    async with running_hub(folder, config={"enrolment": limits}) as hub:
        yield hub


async def guess(hub: RunningHub, token: bytes | None = None) -> Refusal:
    with refuses(Reason.TOKEN_REFUSED, Reason.TOO_MANY_ATTEMPTS) as refusal:
        await send(hub, a_request(token or os.urandom(32)))
    return refusal


async def test_whoever_guesses_tokens_has_to_wait_and_an_alarm_says_so_once(
    new_hub_folder: Callable[[], Path], capfd: pytest.CaptureFixture[str]
) -> None:
    async with limited(new_hub_folder()) as hub:
        name, token = await invite(hub)
        _, other = await invite(hub)
        await send(hub, a_request(other))  # enrolling costs nothing
        spent = [await guess(hub, it) for it in (None, other, b"short")]  # unknown, used, malformed: all alike
        assert {it.reason for it in spent} == {Reason.TOKEN_REFUSED}
        for _ in range(3):
            refusal = await guess(hub)
            assert refusal.reason is Reason.TOO_MANY_ATTEMPTS
        with refuses(Reason.TOO_MANY_ATTEMPTS):
            await send(hub, a_request(token))  # not looked at: whoever guesses learns nothing
        assert state_of(hub, name) is MemberState.INVITED
        assert capfd.readouterr().err.count("somebody tries enrolment tokens") == 1
        until = int(refusal.metadata["retry_at_ms"]) - hub.clock.now_ms()
        assert 0 < until <= 20_000
        hub.clock.advance(seconds=20)
        await send(hub, a_request(token))
        await hub.hub.audit.flush(hub.clock.now_ms())
        counted = [it for it in events_of(hub, HUB_ACTOR) if it.action == "call:unauthenticated:refuse"]
        assert sum(event.items for event in counted) == 7


async def test_those_who_come_at_once_do_not_slip_through(new_hub_folder: Callable[[], Path]) -> None:
    async with limited(new_hub_folder()) as hub:
        said = [it.reason for it in await asyncio.gather(*(guess(hub) for _ in range(12)))]
        assert said.count(Reason.TOKEN_REFUSED) == 3


async def test_the_whole_port_has_a_measure_of_its_own(new_hub_folder: Callable[[], Path]) -> None:
    async with limited(new_hub_folder(), a_minute=100, in_all=2) as hub:
        said = [(await guess(hub)).reason for _ in range(3)]
        assert said == [Reason.TOKEN_REFUSED, Reason.TOKEN_REFUSED, Reason.TOO_MANY_ATTEMPTS]
