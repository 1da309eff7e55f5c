"""Certificates as the hub reads them: which CAs its members may come from, and whether what it shows holds together.

`ca.crt` holds one CA or several, one after the other: certificates of all of them are let in, and the first one issues.
"""

from datetime import timedelta
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from alliance.certificates import (
    UNREADABLE,
    is_authority,
    is_for,
    is_issued_by,
    lifetime_ms,
    load_key,
    pem_of,
    public_bytes,
)
from alliance.crypto.secret import Secret
from alliance.errors import KeyFileInvalid
from alliance_server.authority import server_name

CA_FILE: Final = "ca.crt"
HUB_FILE: Final = "hub.crt"


class Roots:
    """The CAs whose certificates are let in; the first issues, others are on their way in or out."""

    def __init__(self, pem: bytes) -> None:
        """Read a bundle; raises KeyFileInvalid where it holds no CA, or something else."""
        try:
            self.certificates = tuple(x509.load_pem_x509_certificates(pem))
            authorities = [is_authority(it) for it in self.certificates]
        except UNREADABLE:
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
    except UNREADABLE:
        raise KeyFileInvalid("a certificate cannot be read") from None


def read_files(folder: Path) -> tuple[Roots, x509.Certificate]:
    """Read the CAs and the hub's certificate of a folder of keys; raises OSError or KeyFileInvalid."""
    return Roots((folder / CA_FILE).read_bytes()), read_certificate((folder / HUB_FILE).read_bytes())


def check_server(pem: bytes, key: Secret, roots: Roots, alliance: str) -> None:
    """Raise KeyFileInvalid unless the hub's certificate is for this key and alliance, and of one of these CAs."""
    certificate = read_certificate(pem)
    if not is_for(certificate, load_key(key).public_key()):
        raise KeyFileInvalid("the hub's certificate was issued for another key")
    if not roots.issued(pem):
        raise KeyFileInvalid("the hub's certificate is not one of the alliance's CAs")
    if server_name(alliance) not in host_names(certificate):
        raise KeyFileInvalid("the hub's certificate does not name the hub of this alliance")


def host_names(certificate: x509.Certificate) -> list[str]:
    """Give the names and addresses in a certificate of the hub, as they are written."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return [*names.get_values_for_type(x509.DNSName), *map(str, names.get_values_for_type(x509.IPAddress))]


def time_left(certificate: x509.Certificate, now: int) -> timedelta:
    """Give how long a certificate is still good, from a time in milliseconds UTC; negative once it has ended."""
    return timedelta(milliseconds=lifetime_ms(certificate)[1] - now)


def fingerprint(certificate: x509.Certificate) -> str:
    """Give the first 16 hexadecimal digits of the SHA-256 of a public key: enough to tell CAs apart."""
    return sha256(public_bytes(certificate)).hexdigest()[:16]
