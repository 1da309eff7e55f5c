"""The hub's keys, sealed at rest: CA, TLS, identity, and one secret key an epoch."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
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

_CA_KEY, _TLS_KEY, _IDENTITY = "ca", "tls", "identity"
_CA_FILE, _TLS_FILE = "ca.crt", "hub.crt"


@dataclass(frozen=True, slots=True)
class HubKeys:
    """An opened key folder."""

    store: KeyStore
    identity: SigningKey
    authority: CertificateAuthority
    tls_certificate: bytes
    _epoch_keys: dict[int, Secret] = field(default_factory=dict, repr=False)

    @property
    def tls_key(self) -> Secret:
        """The TLS key, PKCS #8 PEM."""
        return self.store.get(_TLS_KEY)

    def epoch_key(self, epoch: int) -> Secret:
        """Give an epoch's secret scalar, held in memory from then on; raises KeyFileInvalid where it is not here."""
        if (held := self._epoch_keys.get(epoch)) is None:
            held = self._epoch_keys[epoch] = self.store.get(_epoch_name(epoch))
        return held

    def make_epoch_key(self, epoch: int) -> bytes:
        """Make an epoch's key, sealed, unless there is one already; returns its public half."""
        self.store.put_new(_epoch_name(epoch), generate_key_pair(Secret(os.urandom(32))).secret_key)
        return scalar_mult_base(deserialise_secret_scalar(self.epoch_key(epoch).reveal()))

    def destroy_epoch_key(self, epoch: int) -> None:
        """Destroy an epoch's key; one that is gone already stays so."""
        self._epoch_keys.pop(epoch, None)
        self.store.remove(_epoch_name(epoch))

    def forget_epoch_keys(self, kept: Iterable[int]) -> None:
        """Hold no key in memory but those of some epochs."""
        for epoch in self._epoch_keys.keys() - set(kept):
            self._epoch_keys.pop(epoch, None)

    def check_epoch(self, epoch: Epoch) -> None:
        """Raise KeyFileInvalid unless the sealed key is the one whose public half the alliance knows."""
        if scalar_mult_base(deserialise_secret_scalar(self.epoch_key(epoch.id).reveal())) != epoch.public_key:
            raise KeyFileInvalid(f"the sealed key of epoch {epoch.id} is not the one that was announced")

    def create_epoch(self, epoch: int, now: int) -> Epoch:
        """Make an epoch's key pair, seal the secret half and give the epoch, active from now."""
        return Epoch(epoch, SUITE, self.make_epoch_key(epoch), EpochState.ACTIVE, now, now + EPOCH_LIFE_MS)


def _epoch_name(epoch: int) -> str:
    return f"epoch-{epoch}"


def create_keys(folder: Path, alliance: str, hosts: list[str], now: int) -> HubKeys:
    """Make all keys of a new hub, but the epochs'; raises FileExistsError where there are some."""
    if (folder / _CA_FILE).exists():
        raise FileExistsError(f"{folder} holds keys already")
    store = KeyStore(folder, obtain_passphrase(folder, create=True))
    ca_key, tls_key = generate_key(), generate_key()
    _, seed = SigningKey.generate()
    authority = CertificateAuthority.create(ca_key, alliance, now)
    for name, secret in ((_CA_KEY, ca_key), (_TLS_KEY, tls_key), (_IDENTITY, seed)):
        store.put(name, secret)
    write_atomically(folder / _TLS_FILE, authority.issue_hub(tls_key, hosts, now), mode=0o644)
    write_atomically(folder / _CA_FILE, authority.certificate_pem, mode=0o644)
    return open_keys(folder, alliance)


def open_keys(folder: Path, alliance: str) -> HubKeys:
    """Open a hub's keys; raises KeyFileInvalid or FileNotFoundError."""
    store = KeyStore(folder, obtain_passphrase(folder))
    authority = CertificateAuthority(store.get(_CA_KEY), (folder / _CA_FILE).read_bytes(), alliance)
    return HubKeys(store, SigningKey(store.get(_IDENTITY)), authority, (folder / _TLS_FILE).read_bytes())
