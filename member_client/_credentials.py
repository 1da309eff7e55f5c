"""The keys of a profile, and its certificate and CA as they are renewed on disk.

Who renews by hand replaces files one after the other, the key before its certificate: until both fit each other, and
the CA issued the certificate to this member, what was in use stays in use. What this program renewed lies in a secret
of its own, key and certificate together, so that no crash parts them; the pair that lasts longer is used.
"""

import logging
from typing import Final

from alliance.certificates import generate_key
from alliance.clock import Clock
from alliance.crypto.secret import Secret
from alliance.errors import AllianceError, KeyFileInvalid
from alliance.keyring import KeyStore
from alliance.keyring.store import Stamp, stamp_of
from member_client._certificates import check_certificate, is_named, read_lifetime_ms
from member_client._transport import Address, ClientIdentity, Credentials
from member_client.config import Profile
from member_client.errors import AllianceClientError, ConfigurationInvalid

TLS_KEY: Final = "tls-key"
TLS_CERTIFICATE: Final = "tls-certificate"
TLS_RENEWED: Final = "tls-renewed"
TLS_PENDING: Final = "tls-pending"
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

    def has_ended(self) -> bool:
        """Say whether the certificate in use is over."""
        return read_lifetime_ms(self.certificate_pem)[1] <= self._clock.now_ms()

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

    def pending_key(self) -> Secret:
        """Give the key for which a certificate was asked and not kept, or seal a new one; raises as `keep` does.

        It is sealed before anybody asks: a program that dies in between asks for the same key again, and the hub
        gives the certificate that it gave already.
        """
        keys = self._profile.open_keys()
        if TLS_PENDING in keys:
            try:
                pending = keys.get(TLS_PENDING)
                if pending not in _kept_keys(keys):
                    return pending
            except KeyFileInvalid as error:
                _log.warning("a key that waits for its certificate is given up: %s", type(error).__name__)
        pending = generate_key()
        keys.put(TLS_PENDING, pending)
        return pending

    def keep(self, key_pem: Secret, certificate_pem: bytes) -> None:
        """Keep a renewed pair, in one step; raises ConfigurationInvalid or OSError. `renewed` gives it."""
        keys = self._profile.open_keys()
        keys.put(TLS_RENEWED, Secret(key_pem.reveal() + _BETWEEN + certificate_pem))
        keys.remove(TLS_PENDING)


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


def _kept_keys(keys: KeyStore) -> list[Secret]:
    """Give the keys that have their certificate: one of them is not asked for again."""
    found = [keys.get(TLS_KEY)] if TLS_KEY in keys else []
    if TLS_RENEWED in keys:
        found.append(Secret(keys.get(TLS_RENEWED).reveal().partition(_BETWEEN)[0]))
    return found


def _ends(certificate_pem: bytes) -> int:
    try:
        return read_lifetime_ms(certificate_pem)[1]
    except ValueError:
        return 0


def _credentials(profile: Profile, secrets: dict[str, Secret]) -> Credentials:
    address = Address(profile.hub, profile.server_name, profile.ca_pem())
    return Credentials(address, ClientIdentity(secrets[TLS_KEY], secrets[TLS_CERTIFICATE].reveal()))
