"""The hub's two certificates as they lie in the keys' folder; reading them needs no passphrase."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature

CA_FILE: Final = "ca.crt"
HUB_FILE: Final = "hub.crt"


@dataclass(frozen=True, slots=True)
class CertificateFile:
    """A certificate and where it lies."""

    path: Path
    certificate: x509.Certificate

    def left(self, now: int) -> timedelta:
        """Give how long it is still good, from a time in milliseconds UTC; negative once it has ended."""
        return time_left(self.certificate, now)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of hosts that it is for."""
        try:
            found = self.certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        except x509.ExtensionNotFound:
            return ()
        return tuple(found.get_values_for_type(x509.DNSName))

    def is_issued_by(self, authority: "CertificateFile") -> bool:
        """Say whether an authority signed it."""
        try:
            self.certificate.verify_directly_issued_by(authority.certificate)
        except (InvalidSignature, ValueError, TypeError):
            return False
        return True


def time_left(certificate: x509.Certificate, now: int) -> timedelta:
    """Give how long a certificate is still good, from a time in milliseconds UTC; negative once it has ended."""
    return timedelta(milliseconds=certificate.not_valid_after_utc.timestamp() * 1000 - now)


def read_certificates(folder: Path) -> tuple[CertificateFile, CertificateFile]:
    """Read the CA's certificate and the hub's; raises OSError or ValueError."""
    authority, hub = (
        CertificateFile(path, x509.load_pem_x509_certificate(path.read_bytes()))
        for path in (folder / CA_FILE, folder / HUB_FILE)
    )
    return authority, hub
