"""The member's TLS key, its request for a certificate, and what a certificate must show before it is believed."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from alliance.certificates import UNREADABLE, is_for, is_issued_by, lifetime_ms, load_key
from alliance.crypto.secret import Secret
from alliance.errors import KeyFileInvalid
from member_client.errors import CertificateInvalid, ConfigurationInvalid

_SKEW: Final = timedelta(minutes=5)
_NOT_OURS: Final = (*UNREADABLE, x509.ExtensionNotFound, x509.DuplicateExtension)
"""What it raises where a certificate lacks what we look for in it."""


def request_for(key_pem: Secret, member: str) -> bytes:
    """Make a PKCS #10 request with the member's id as common name, DER."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, member)])
    request = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(_key(key_pem), hashes.SHA256())
    return request.public_bytes(serialization.Encoding.DER)


def checked_certificate(der: bytes, *, ca_pem: bytes, key_pem: Secret, spiffe_id: str, now_ms: int) -> bytes:
    """Give the certificate, PEM, once it is believed; raises CertificateInvalid.

    It must be issued by the CA, for our key, now valid, and name us by exactly one URI.
    """
    return _checked(x509.load_der_x509_certificate, der, ca_pem, key_pem, spiffe_id, now_ms)


def check_certificate(pem: bytes, *, ca_pem: bytes, key_pem: Secret, spiffe_id: str, now_ms: int) -> None:
    """Check a certificate that lies in a profile as `checked_certificate` does; raises CertificateInvalid."""
    _checked(x509.load_pem_x509_certificate, pem, ca_pem, key_pem, spiffe_id, now_ms)


def _checked(
    load: Callable[[bytes], x509.Certificate],
    encoded: bytes,
    ca_pem: bytes,
    key_pem: Secret,
    spiffe_id: str,
    now_ms: int,
) -> bytes:
    try:
        certificate = load(encoded)
    except UNREADABLE as error:
        raise CertificateInvalid("The certificate cannot be read.") from error
    try:
        is_ours = any(is_issued_by(certificate, authority) for authority in ca_certificates(ca_pem))
        uris = _uris(certificate)
        has_our_key = is_for(certificate, _key(key_pem).public_key())
    except _NOT_OURS as error:
        raise CertificateInvalid("The certificate is not one that the alliance's CA issued to a member.") from error
    if not is_ours:
        raise CertificateInvalid("The certificate is not one that the alliance's CA issued to a member.")
    if not has_our_key:
        raise CertificateInvalid("The certificate was issued for another key.")
    if uris != [spiffe_id]:
        raise CertificateInvalid("The certificate names another member.")
    now = datetime.fromtimestamp(now_ms / 1000, UTC)
    if certificate.not_valid_after_utc <= now:
        raise CertificateInvalid("The certificate is expired.")
    if certificate.not_valid_before_utc > now + _SKEW:
        raise CertificateInvalid("The certificate is not valid yet.")
    return certificate.public_bytes(serialization.Encoding.PEM)


def is_named(pem: bytes, spiffe_id: str) -> bool:
    """Tell whether a certificate names exactly this identity."""
    try:
        return _uris(x509.load_pem_x509_certificate(pem)) == [spiffe_id]
    except _NOT_OURS:
        return False


def _uris(certificate: x509.Certificate) -> list[str]:
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return names.get_values_for_type(x509.UniformResourceIdentifier)


def ca_certificates(pem: bytes) -> list[x509.Certificate]:
    """Read the CAs that are believed, one or several; raises ConfigurationInvalid."""
    try:
        return x509.load_pem_x509_certificates(pem)
    except UNREADABLE as error:
        raise ConfigurationInvalid("the CA's certificate cannot be read") from error


def read_lifetime_ms(pem: bytes) -> tuple[int, int]:
    """Give when a certificate begins and ends, milliseconds UTC."""
    return lifetime_ms(x509.load_pem_x509_certificate(pem))


def is_of_the_issuing_ca(pem: bytes, ca_pem: bytes) -> bool:
    """Tell whether a certificate is of the CA that issues, the first of several."""
    return is_issued_by(x509.load_pem_x509_certificate(pem), ca_certificates(ca_pem)[0])


def ca_ends_ms(pem: bytes) -> int:
    """Give when the last of several CAs ends, milliseconds UTC; raises ConfigurationInvalid."""
    return max(lifetime_ms(it)[1] for it in ca_certificates(pem))


def _key(pem: Secret) -> ec.EllipticCurvePrivateKey:
    try:
        return load_key(pem)
    except KeyFileInvalid as error:
        raise ConfigurationInvalid(str(error)) from error
