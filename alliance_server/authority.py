"""The alliance's certificate authority: TLS identities of the hub and of members, X.509 by `cryptography`.

TLS keys are ECDSA P-256. A member's identity is the one URI in its certificate,
`spiffe://<alliance>/members/<id>`; nothing that a request asks for is copied but its public key. No certificate ends
after the CA's own.

The CA's key may be one that signs inside a token: of it only `sign` and `public_key` are used.
"""

import ipaddress
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from alliance.certificates import load_key
from alliance.crypto.secret import Secret
from alliance.errors import Reason
from alliance_server.domain.errors import Refused
from alliance_server.domain.members import CERTIFICATE_LIFE_MS, Certificate

_CA_LIFE = timedelta(days=10 * 365)
_HUB_LIFE_MS = 365 * 24 * 60 * 60 * 1000
BACKDATE_MS = 5 * 60 * 1000
"""Clocks of members may be a little behind."""


def server_name(alliance: str) -> str:
    """Give the name in the hub's certificate, which members check whatever the address."""
    return f"hub.{alliance}"


class CertificateAuthority:
    """Issues certificates of one alliance."""

    def __init__(self, key: ec.EllipticCurvePrivateKey, certificate_pem: bytes, alliance: str) -> None:
        self._key = key
        self._certificate = x509.load_pem_x509_certificate(certificate_pem)
        self._alliance = alliance
        self.certificate_pem = certificate_pem

    def __repr__(self) -> str:
        return f"CertificateAuthority({self._alliance!r})"

    @property
    def ends(self) -> int:
        """When the CA's certificate ends, milliseconds UTC."""
        return int(self._certificate.not_valid_after_utc.timestamp() * 1000)

    @classmethod
    def create(
        cls, key: ec.EllipticCurvePrivateKey, alliance: str, now: int, serial: int | None = None
    ) -> "CertificateAuthority":
        """Make the self-signed root of an alliance."""
        name, start = _name(f"{alliance} alliance CA"), _moment(now)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number() if serial is None else serial)
            .not_valid_before(start)
            .not_valid_after(start + _CA_LIFE)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_key_usage(signs_certificates=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )
        return cls(key, certificate.public_bytes(serialization.Encoding.PEM), alliance)

    def issue_hub(self, key: Secret, hosts: Sequence[str], now: int) -> bytes:
        """Issue the hub's own certificate, PEM."""
        names: list[x509.GeneralName] = [x509.DNSName(server_name(self._alliance))]
        names += [_general_name(host) for host in hosts]
        public_key = load_key(key).public_key()
        certificate = self._build("hub", public_key, names, ExtendedKeyUsageOID.SERVER_AUTH, now, _HUB_LIFE_MS)
        return certificate.public_bytes(serialization.Encoding.PEM)

    def issue(self, member_id: str, certificate_request: bytes, now: int) -> Certificate:
        """Issue a member's certificate for a PKCS #10 request in DER; raises Refused."""
        public_key = _requested_key(certificate_request)
        names = [x509.UniformResourceIdentifier(f"spiffe://{self._alliance}/members/{member_id}")]
        usage = ExtendedKeyUsageOID.CLIENT_AUTH
        certificate = self._build(member_id, public_key, names, usage, now, BACKDATE_MS + CERTIFICATE_LIFE_MS)
        return Certificate(
            serial=f"{certificate.serial_number:x}",
            member_id=member_id,
            not_before=now - BACKDATE_MS,
            not_after=min(now + CERTIFICATE_LIFE_MS, self.ends),
            revoked_at=None,
            der=certificate.public_bytes(serialization.Encoding.DER),
        )

    def key_of(self, certificate: Certificate) -> bytes:
        """Give the public key of a certificate, DER."""
        encoding, form = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        return x509.load_der_x509_certificate(certificate.der).public_key().public_bytes(encoding, form)

    def _build(
        self,
        common_name: str,
        public_key: ec.EllipticCurvePublicKey,
        names: Sequence[x509.GeneralName],
        usage: x509.ObjectIdentifier,
        now: int,
        life_ms: int,
    ) -> x509.Certificate:
        if now >= self.ends:
            raise Refused(Reason.UNAVAILABLE, "the alliance's CA is expired: see 'renew certificates' in the manual")
        start = _moment(now)
        end = min(start + timedelta(milliseconds=life_ms), self._certificate.not_valid_after_utc)
        return (
            x509.CertificateBuilder()
            .subject_name(_name(common_name))
            .issuer_name(self._certificate.subject)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(end)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )


_UNREADABLE = (ValueError, UnsupportedAlgorithm, x509.InvalidVersion, x509.UnsupportedGeneralNameType)
"""What the library raises for bytes that are no request; not all of it is a ValueError."""


def _requested_key(certificate_request: bytes) -> ec.EllipticCurvePublicKey:
    try:
        request = x509.load_der_x509_csr(certificate_request)
        public_key = request.public_key()
        valid = request.is_signature_valid
    except (*_UNREADABLE, InvalidSignature):
        raise Refused(Reason.INVALID_REQUEST, "the certificate request cannot be read") from None
    if not valid or not isinstance(public_key, ec.EllipticCurvePublicKey) or public_key.curve.name != "secp256r1":
        raise Refused(Reason.INVALID_REQUEST, "the certificate request is not a signed one for P-256")
    return public_key


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _moment(now: int) -> datetime:
    return datetime.fromtimestamp((now - BACKDATE_MS) / 1000, UTC)


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
