"""The hub's keys, sealed at rest: CA, TLS, identity, and one secret key an epoch."""

import os
from dataclasses import dataclass
from pathlib import Path

from alliance.crypto.group import deserialise_secret_scalar, scalar_mult_base
from alliance.crypto.secret import Secret
from alliance.crypto.signing import SigningKey
from alliance.crypto.tagging import generate_key_pair
from alliance.errors import KeyFileInvalid
from alliance.keyring import KeyStore, obtain_passphrase
from alliance.keyring.store import write_atomically
from alliance_server.authority import CertificateAuthority, generate_key
from alliance_server.domain.epochs import EPOCH_LIFE_MS, SUITE, Epoch, EpochState

IDENTITY = "identity"
_CA_KEY, _TLS_KEY = "ca", "tls"
_CA_FILE, _TLS_FILE = "ca.crt", "hub.crt"


@dataclass(frozen=True, slots=True)
class HubKeys:
    """An opened key folder."""

    store: KeyStore
    identity: SigningKey
    authority: CertificateAuthority
    tls_certificate: bytes

    @property
    def tls_key(self) -> Secret:
        """The TLS key, PKCS #8 PEM."""
        return self.store.get(_TLS_KEY)

    def epoch_key(self, epoch: int) -> Secret:
        """Give an epoch's secret scalar; raises KeyFileInvalid where it is not here."""
        return self.store.get(f"epoch-{epoch}")

    def check_epoch(self, epoch: Epoch) -> None:
        """Raise KeyFileInvalid unless the sealed key is the one whose public half the alliance knows."""
        if scalar_mult_base(deserialise_secret_scalar(self.epoch_key(epoch.id).reveal())) != epoch.public_key:
            raise KeyFileInvalid(f"the sealed key of epoch {epoch.id} is not the one that was announced")

    def create_epoch(self, epoch: int, now: int) -> Epoch:
        """Make an epoch's key pair, seal the secret half and give the epoch, active from now."""
        pair = generate_key_pair(Secret(os.urandom(32)))
        self.store.put(f"epoch-{epoch}", pair.secret_key)
        return Epoch(epoch, SUITE, pair.public_key, EpochState.ACTIVE, now, now + EPOCH_LIFE_MS)


def create_keys(folder: Path, alliance: str, hosts: list[str], now: int) -> HubKeys:
    """Make all keys of a new hub, but the epochs'; raises FileExistsError where there are some."""
    if (folder / _CA_FILE).exists():
        raise FileExistsError(f"{folder} holds keys already")
    store = KeyStore(folder, obtain_passphrase(folder, create=True))
    ca_key, tls_key = generate_key(), generate_key()
    _, seed = SigningKey.generate()
    authority = CertificateAuthority.create(ca_key, alliance, now)
    for name, secret in ((_CA_KEY, ca_key), (_TLS_KEY, tls_key), (IDENTITY, seed)):
        store.put(name, secret)
    write_atomically(folder / _TLS_FILE, authority.issue_hub(tls_key, hosts, now), mode=0o644)
    write_atomically(folder / _CA_FILE, authority.certificate_pem, mode=0o644)
    return open_keys(folder, alliance)


def open_keys(folder: Path, alliance: str) -> HubKeys:
    """Open a hub's keys; raises KeyFileInvalid or FileNotFoundError."""
    store = KeyStore(folder, obtain_passphrase(folder))
    authority = CertificateAuthority(store.get(_CA_KEY), (folder / _CA_FILE).read_bytes(), alliance)
    return HubKeys(store, SigningKey(store.get(IDENTITY)), authority, (folder / _TLS_FILE).read_bytes())
