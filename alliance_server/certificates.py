"""Certificates as the hub reads them: which CAs its members may come from, and whether what it shows holds together.

`ca.crt` holds one CA or several, one after the other: certificates of all of them are let in, and the first one issues.
"""

from datetime import timedelta
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from alliance.crypto.secret import Secret
from alliance.errors import KeyFileInvalid
from alliance_server.authority import load_key, server_name

CA_FILE: Final = "ca.crt"
HUB_FILE: Final = "hub.crt"
_UNREADABLE = (ValueError, UnsupportedAlgorithm, x509.InvalidVersion, x509.UnsupportedGeneralNameType)
"""What the library raises for bytes that are no certificate; not all of it is a ValueError."""


class Roots:
    """The CAs whose certificates are let in; the first issues, others are on their way in or out."""

    def __init__(self, pem: bytes) -> None:
        """Read a bundle; raises KeyFileInvalid where it holds no CA, or something else."""
        try:
            self.certificates = tuple(x509.load_pem_x509_certificates(pem))
            authorities = [is_authority(it) for it in self.certificates]
        except _UNREADABLE:
            raise KeyFileInvalid("the bundle of CAs cannot be read") from None
        if not all(authorities):
            raise KeyFileInvalid("the bundle of CAs holds a certificate that is no CA's")
        self.pem = b"".join(pem_of(it) for it in self.certificates)
        self.der = [it.public_bytes(serialization.Encoding.DER) for it in self.certificates]
        # Asked at every call: a signature is verified once for each certificate.
        self.issued = lru_cache(maxsize=4096)(self._issued)

    def __repr__(self) -> str:
        return f"Roots({len(self.certificates)})"

    @property
    def issuing(self) -> x509.Certificate:
        """The CA that issues."""
        return self.certificates[0]

    def _issued(self, pem: bytes) -> bool:
        """Say whether one of these CAs issued a certificate, PEM; dates are not looked at."""
        certificate = read_certificate(pem)
        return any(is_issued_by(certificate, it) for it in self.certificates)


def read_certificate(pem: bytes) -> x509.Certificate:
    """Read the first certificate of a file; raises KeyFileInvalid."""
    try:
        return x509.load_pem_x509_certificate(pem)
    except _UNREADABLE:
        raise KeyFileInvalid("a certificate cannot be read") from None


def read_files(folder: Path) -> tuple[Roots, x509.Certificate]:
    """Read the CAs and the hub's certificate of a folder of keys; raises OSError or KeyFileInvalid."""
    return Roots((folder / CA_FILE).read_bytes()), read_certificate((folder / HUB_FILE).read_bytes())


def is_authority(certificate: x509.Certificate) -> bool:
    """Say whether a certificate is a CA's."""
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def is_issued_by(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    """Say whether a CA issued a certificate."""
    try:
        certificate.verify_directly_issued_by(authority)
    except (*_UNREADABLE, TypeError, InvalidSignature):
        return False
    return True


def check_server(pem: bytes, key: Secret, roots: Roots, alliance: str) -> None:
    """Raise KeyFileInvalid unless the hub's certificate is for this key and alliance, and of one of these CAs."""
    certificate = read_certificate(pem)
    if not is_for(certificate, load_key(key).public_key()):
        raise KeyFileInvalid("the hub's certificate was issued for another key")
    if not roots.issued(pem):
        raise KeyFileInvalid("the hub's certificate is not one of the alliance's CAs")
    if server_name(alliance) not in host_names(certificate):
        raise KeyFileInvalid("the hub's certificate does not name the hub of this alliance")


def is_for(certificate: x509.Certificate, public_key: ec.EllipticCurvePublicKey) -> bool:
    """Say whether a certificate was issued for a key."""
    return public_bytes(certificate.public_key()) == public_bytes(public_key)


def host_names(certificate: x509.Certificate) -> list[str]:
    """Give the names and addresses in a certificate of the hub, as they are written."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return [*names.get_values_for_type(x509.DNSName), *map(str, names.get_values_for_type(x509.IPAddress))]


def lifetime_ms(certificate: x509.Certificate) -> tuple[int, int]:
    """Give when a certificate begins and ends, milliseconds UTC."""
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return int(begins.timestamp() * 1000), int(ends.timestamp() * 1000)


def time_left(certificate: x509.Certificate, now: int) -> timedelta:
    """Give how long a certificate is still good, from a time in milliseconds UTC; negative once it has ended."""
    return timedelta(milliseconds=lifetime_ms(certificate)[1] - now)


def fingerprint(certificate: x509.Certificate) -> str:
    """Give the first 16 hexadecimal digits of the SHA-256 of a public key: enough to tell CAs apart."""
    return sha256(public_bytes(certificate.public_key())).hexdigest()[:16]


def pem_of(certificate: x509.Certificate) -> bytes:
    """Give a certificate as PEM."""
    return certificate.public_bytes(serialization.Encoding.PEM)


def public_bytes(key: object) -> bytes:
    """Give an elliptic-curve public key, DER; raises KeyFileInvalid for one of another sort."""
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise KeyFileInvalid("a certificate holds a key of another sort")
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
