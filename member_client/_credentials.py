"""The keys of a profile, and its certificate and CA as they are renewed on disk.

Who renews by hand replaces files one after the other, the key before its certificate: until both fit each other, and
the CA issued the certificate to this member, what was in use stays in use. What this program renewed lies in a secret
of its own, key and certificate together, so that no crash parts them; the pair that lasts longer is used.
"""

import logging
from typing import Final

from alliance.clock import Clock
from alliance.crypto.secret import Secret
from alliance.errors import AllianceError
from alliance.keyring.store import Stamp, stamp_of
from member_client._certificates import check_certificate, is_named, lifetime_ms
from member_client._transport import Address, ClientIdentity, Credentials
from member_client.config import Profile
from member_client.errors import AllianceClientError, ConfigurationInvalid

TLS_KEY: Final = "tls-key"
TLS_CERTIFICATE: Final = "tls-certificate"
TLS_RENEWED: Final = "tls-renewed"
IDENTITY: Final = "identity"
STORE_KEY: Final = "store"
_NAMES: Final = (TLS_KEY, TLS_CERTIFICATE, IDENTITY, STORE_KEY)

_log = logging.getLogger("member_client.credentials")

_BETWEEN: Final = b"\n\n"
"""Stands between key and certificate; no PEM has an empty line."""

Stamps = tuple[Stamp, ...]


class ProfileKeys:
    """What a profile holds sealed, and what its channel to the hub is opened with; its methods block."""

    def __init__(self, profile: Profile, clock: Clock) -> None:
        """Open the keys (about 0.1 s); raises ConfigurationInvalid."""
        self._profile = profile
        self._clock = clock
        self._stamp = self._look()
        secrets = _opened(profile)
        self.identity = secrets[IDENTITY]
        self.store_key = secrets[STORE_KEY]
        self.credentials = _credentials(profile, secrets)
        if not is_named(self.certificate_pem, profile.spiffe_id):
            # The alliance's name decides what the SDK believes, so the text of a profile alone must not set it.
            raise ConfigurationInvalid(f"{profile.folder}: alliance or member is not what the certificate names")

    def __repr__(self) -> str:
        return f"ProfileKeys({self._profile.member})"

    @property
    def certificate_pem(self) -> bytes:
        """The member's certificate in use."""
        identity = self.credentials.identity
        return identity.certificate_pem if identity is not None else b""

    def renewed(self) -> Credentials | None:
        """Give the credentials if what lies in the profile changed since it was looked at last, and holds together."""
        stamp = self._look()
        if stamp == self._stamp:
            return None
        self._stamp = stamp
        try:
            secrets = _opened(self._profile)
            credentials = _credentials(self._profile, secrets)
            check_certificate(
                secrets[TLS_CERTIFICATE].reveal(),
                ca_pem=credentials.address.ca_pem,
                key_pem=secrets[TLS_KEY],
                spiffe_id=self._profile.spiffe_id,
                now_ms=self._clock.now_ms(),
            )
        except AllianceClientError as error:
            _log.warning("a renewed certificate is not taken up yet: %s", type(error).__name__)
            return None
        self.credentials = credentials
        return credentials

    def _look(self) -> Stamps:
        keys = self._profile.folder / "keys"
        sealed = (keys / f"{name}.sealed" for name in (TLS_KEY, TLS_CERTIFICATE, TLS_RENEWED))
        return tuple(stamp_of(path) for path in (self._profile.ca_file, *sealed))

    def keep(self, key_pem: Secret, certificate_pem: bytes) -> None:
        """Keep a renewed pair, in one step; raises ConfigurationInvalid or OSError. `renewed` gives it."""
        self._profile.open_keys().put(TLS_RENEWED, Secret(key_pem.reveal() + _BETWEEN + certificate_pem))


def _opened(profile: Profile) -> dict[str, Secret]:
    keys = profile.open_keys()
    try:
        secrets = {name: keys.get(name) for name in _NAMES}
        if TLS_RENEWED in keys:
            key, _, certificate = keys.get(TLS_RENEWED).reveal().partition(_BETWEEN)
            if _ends(certificate) >= _ends(secrets[TLS_CERTIFICATE].reveal()):
                secrets |= {TLS_KEY: Secret(key), TLS_CERTIFICATE: Secret(certificate)}
    except AllianceError as error:
        raise ConfigurationInvalid(str(error)) from error
    return secrets


def _ends(certificate_pem: bytes) -> int:
    try:
        return lifetime_ms(certificate_pem)[1]
    except ValueError:
        return 0


def _credentials(profile: Profile, secrets: dict[str, Secret]) -> Credentials:
    address = Address(profile.hub, profile.server_name, profile.ca_pem())
    return Credentials(address, ClientIdentity(secrets[TLS_KEY], secrets[TLS_CERTIFICATE].reveal()))
