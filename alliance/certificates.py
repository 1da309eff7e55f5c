"""X.509 (RFC 5280) as both programs read it: TLS keys, who issued a certificate, for which key and time."""

from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from alliance.crypto.secret import Secret
from alliance.errors import KeyFileInvalid

UNREADABLE: Final = (ValueError, UnsupportedAlgorithm, x509.InvalidVersion, x509.UnsupportedGeneralNameType)
"""What the library raises for bytes that are no certificate; not all of it is a ValueError."""
_DER: Final = serialization.Encoding.DER
_SPKI: Final = serialization.PublicFormat.SubjectPublicKeyInfo


def generate_key() -> Secret:
    """Make an ECDSA P-256 key, PKCS #8 PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return Secret(key.private_bytes(encoding, form, serialization.NoEncryption()))


def load_key(pem: Secret) -> ec.EllipticCurvePrivateKey:
    """Load such a key; raises KeyFileInvalid."""
    try:
        loaded = serialization.load_pem_private_key(pem.reveal(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise KeyFileInvalid("a sealed key cannot be read") from None
    if not isinstance(loaded, ec.EllipticCurvePrivateKey):
        raise KeyFileInvalid("a sealed key is of another sort")
    return loaded


def is_authority(certificate: x509.Certificate) -> bool:
    """Tell whether a certificate is a CA's."""
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def is_issued_by(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    """Tell whether a CA issued a certificate; dates are not looked at."""
    try:
        certificate.verify_directly_issued_by(authority)
    except (*UNREADABLE, TypeError, InvalidSignature):
        return False
    return True


def is_for(certificate: x509.Certificate, public_key: ec.EllipticCurvePublicKey) -> bool:
    """Tell whether a certificate was issued for a key."""
    return public_bytes(certificate) == public_key.public_bytes(_DER, _SPKI)


def lifetime_ms(certificate: x509.Certificate) -> tuple[int, int]:
    """Give when a certificate begins and ends, milliseconds UTC."""
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return int(begins.timestamp() * 1000), int(ends.timestamp() * 1000)


def pem_of(certificate: x509.Certificate) -> bytes:
    """Give a certificate as PEM."""
    return certificate.public_bytes(serialization.Encoding.PEM)


def public_bytes(certificate: x509.Certificate) -> bytes:
    """Give the key that a certificate is for, SubjectPublicKeyInfo, DER."""
    return certificate.public_key().public_bytes(_DER, _SPKI)
