"""The member's TLS key, its request for a certificate, and what a certificate must show before it is believed."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from alliance.crypto.secret import Secret
from member_client.errors import CertificateInvalid, ConfigurationInvalid

_SKEW: Final = timedelta(minutes=5)
UNREADABLE: Final = (ValueError, UnsupportedAlgorithm, x509.InvalidVersion, x509.UnsupportedGeneralNameType)
"""What the library raises for bytes that are no certificate; not all of it is a ValueError."""
_NOT_OURS: Final = (*UNREADABLE, x509.ExtensionNotFound, x509.DuplicateExtension)
"""What it raises where a certificate lacks what we look for in it."""


def new_key() -> Secret:
    """Make an ECDSA P-256 key, PEM (PKCS #8)."""
    key = ec.generate_private_key(ec.SECP256R1())
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return Secret(key.private_bytes(encoding, form, serialization.NoEncryption()))


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
        _check_issuer(certificate, ca_certificates(ca_pem))
        uris = _uris(certificate)
        public_key = certificate.public_key()
    except (*_NOT_OURS, TypeError, InvalidSignature) as error:
        raise CertificateInvalid("The certificate is not one that the alliance's CA issued to a member.") from error
    if _spki(public_key) != _spki(_key(key_pem).public_key()):
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


def _check_issuer(certificate: x509.Certificate, authorities: list[x509.Certificate]) -> None:
    """Raise as the library does unless one of several CAs issued a certificate."""
    for authority in authorities[:-1]:
        try:
            return certificate.verify_directly_issued_by(authority)
        except (ValueError, TypeError, InvalidSignature):
            continue
    return certificate.verify_directly_issued_by(authorities[-1])


def ca_certificates(pem: bytes) -> list[x509.Certificate]:
    """Read the CAs that are believed, one or several; raises ConfigurationInvalid."""
    try:
        return x509.load_pem_x509_certificates(pem)
    except UNREADABLE as error:
        raise ConfigurationInvalid("the CA's certificate cannot be read") from error


def lifetime_ms(pem: bytes) -> tuple[int, int]:
    """Give when a certificate begins and ends, milliseconds UTC."""
    certificate = x509.load_pem_x509_certificate(pem)
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return int(begins.timestamp() * 1000), int(ends.timestamp() * 1000)


def is_of_the_issuing_ca(pem: bytes, ca_pem: bytes) -> bool:
    """Tell whether a certificate is of the CA that issues, the first of several."""
    try:
        x509.load_pem_x509_certificate(pem).verify_directly_issued_by(ca_certificates(ca_pem)[0])
    except (*UNREADABLE, TypeError, InvalidSignature):
        return False
    return True


def ca_ends_ms(pem: bytes) -> int:
    """Give when the last of several CAs ends, milliseconds UTC; raises ConfigurationInvalid."""
    return max(int(it.not_valid_after_utc.timestamp() * 1000) for it in ca_certificates(pem))


def _key(pem: Secret) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(pem.reveal(), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ConfigurationInvalid("the sealed TLS key is of another sort")
    return key


def _spki(key: object) -> bytes:
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise CertificateInvalid("The certificate holds a key of another sort.")
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
