"""Renewal on the wire: another certificate for whoever is enrolled, signed for by the identity key."""

from collections.abc import Callable
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from support.hub import RunningHub
from support.wire import WireMember, certificate_request, new_tls_key, pem_of, refuses

from alliance.errors import Reason
from alliance.v1 import registry_pb2
from alliance.v1.enrolment_pb2 import RenewCertificateRequest
from alliance.v1.statement_pb2 import SignedStatement
from alliance_server.services import renewal

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def renew(member: WireMember, statement: SignedStatement) -> bytes:
    reply = await member.certificates.RenewCertificate(RenewCertificateRequest(renewal=statement))
    return bytes(reply.certificate)


def good(member: WireMember) -> int:
    return member.hub.hub.store.read_now(lambda it: it.members.count_certificates(member.id, member.now))


async def test_the_new_certificate_works_and_the_old_one_still_does(member: WireMember) -> None:
    key = new_tls_key()
    der = await renew(member, member.renewal(key))
    pem = x509.load_der_x509_certificate(der).public_bytes(serialization.Encoding.PEM)
    again = WireMember(member.hub, member.id, member.key, (pem_of(key), pem))
    for caller in (again, member):
        await caller.registry.ListClaims(registry_pb2.ListClaimsRequest())
    await again.close()
    assert good(member) == 2


async def test_the_same_key_gives_the_same_certificate(member: WireMember) -> None:
    key = new_tls_key()
    assert await renew(member, member.renewal(key)) == await renew(member, member.renewal(key))
    assert good(member) == 2


WRONG: dict[str, tuple[Callable[[WireMember, WireMember], SignedStatement], Reason]] = {
    "another member's": (lambda it, other: other.renewal(member=it.id), Reason.SIGNATURE_INVALID),
    "about another member": (lambda it, other: it.renewal(member=other.id), Reason.REPLAYED),
    "stale": (lambda it, _: it.renewal(time=it.now - 10**7), Reason.REPLAYED),
    "of no request": (lambda it, _: it.renewal(certificate_request=b""), Reason.INVALID_REQUEST),
    "of another statement": (lambda it, _: it.header(bytes(32)), Reason.SIGNATURE_INVALID),
    "too long": (lambda it, _: it.renewal(certificate_request=bytes(9000)), Reason.INVALID_REQUEST),
    "of a request that was changed": (
        lambda it, _: it.renewal(certificate_request=certificate_request(new_tls_key())[:-1] + b"\0"),
        Reason.INVALID_REQUEST,
    ),
}


@pytest.mark.parametrize("what", WRONG)
async def test_a_renewal_that_is_wrong(hub: RunningHub, members: Any, member: WireMember, what: str) -> None:
    make, reason = WRONG[what]
    with refuses(reason):
        await renew(member, make(member, await members(hub)))
    assert good(member) == 1


async def test_a_member_has_so_many_certificates_and_no_more(
    member: WireMember, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(renewal, "MAX_CERTIFICATES", 3)
    await renew(member, member.renewal())
    await renew(member, member.renewal())
    with refuses(Reason.MEMBER_STATE_CONFLICT):
        await renew(member, member.renewal())
    assert good(member) == 3
