"""Every bit of a certificate and of a request for one, flipped: each is refused in a typed way, on either side.

Left out is the octet that counts the signature's unused bits: where its last bit is 0 that may be said in two ways.
"""

from collections.abc import Iterator

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from support.sdk import flipped
from support.wire import certificate_request, new_tls_key, pem_of

from alliance.certificates import generate_key, load_key
from alliance.crypto.secret import Secret
from alliance.errors import Reason
from alliance_server.authority import CertificateAuthority
from alliance_server.domain.errors import Refused
from member_client import CertificateInvalid
from member_client._certificates import checked_certificate

NOW = 1_800_000_000_000
KEY = new_tls_key()
AUTHORITY = CertificateAuthority.create(load_key(generate_key()), "test", NOW)
REQUEST = certificate_request(KEY)


def each_flipped(content: bytes, signature: bytes) -> Iterator[bytes]:
    unused_bits = len(content) - len(signature) - 1
    assert content.endswith(b"\0" + signature)
    for place in range(len(content)):
        for bit in range(8):
            if place != unused_bits:
                yield flipped(content, place, bit)


def test_a_request_with_any_bit_flipped_is_refused() -> None:
    assert AUTHORITY.issue("a", REQUEST, NOW).member_id == "a"
    for request in each_flipped(REQUEST, x509.load_der_x509_csr(REQUEST).signature):
        with pytest.raises(Refused) as caught:
            AUTHORITY.issue("a", request, NOW)
        assert caught.value.reason is Reason.INVALID_REQUEST


@pytest.mark.filterwarnings("ignore:Parsed a serial number")
def test_a_certificate_with_any_bit_flipped_is_refused() -> None:
    der = AUTHORITY.issue("a", REQUEST, NOW).der

    def check(certificate: bytes) -> bytes:
        return checked_certificate(
            certificate,
            ca_pem=AUTHORITY.certificate_pem,
            key_pem=Secret(pem_of(KEY)),
            spiffe_id="spiffe://test/members/a",
            now_ms=NOW,
        )

    good = x509.load_der_x509_certificate(der)
    assert check(der) == good.public_bytes(serialization.Encoding.PEM)
    for certificate in each_flipped(der, good.signature):
        with pytest.raises(CertificateInvalid):
            check(certificate)
