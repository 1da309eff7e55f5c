"""The hub's keys: sealed at rest, and those of identity and CA in a PKCS#11 token instead where one is set up.

Beside them lie `ca.crt`, the CAs that members may come from (the first issues), and `hub.crt`, which the ports show.
A new TLS key is sealed as `tls-next`, then its certificate replaces `hub.crt`, then it is sealed as `tls`: wherever
that breaks off, one of the two keys is the certificate's.
"""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from alliance.certificates import generate_key, is_for, lifetime_ms, load_key, pem_of
from alliance.crypto.group import deserialise_secret_scalar, scalar_mult_base
from alliance.crypto.secret import Secret
from alliance.crypto.signing import Signer
from alliance.crypto.tagging import generate_key_pair
from alliance.errors import KeyFileInvalid
from alliance.keyring import KeyStore, obtain_passphrase
from alliance.keyring.passphrase import secret_of_environment
from alliance.keyring.store import Stamp, stamp_of, write_atomically
from alliance_server.authority import CertificateAuthority, server_name
from alliance_server.certificates import CA_FILE, HUB_FILE, Roots, check_server, host_names, read_certificate
from alliance_server.config import Pkcs11Settings
from alliance_server.domain.epochs import EPOCH_LIFE_MS, SUITE, Epoch, EpochState
from alliance_server.signing import SealedSigningKeys, SigningKeys
from alliance_server.signing.pkcs11 import TokenSigningKeys
from alliance_server.signing.token import open_token

_CA_KEY, _TLS_KEY, _TLS_NEXT = "ca", "tls", "tls-next"
PIN_VARIABLE = "ALLIANCE_PKCS11_PIN"
PIN_FILE_VARIABLE = "ALLIANCE_PKCS11_PIN_FILE"
_WATCHED = (CA_FILE, HUB_FILE, f"{_TLS_KEY}.sealed", f"{_TLS_NEXT}.sealed")

Stamps = tuple[Stamp, ...]
"""Of each file that may change under a hub that runs."""


@dataclass(frozen=True, slots=True)
class ServerTls:
    """What the hub's ports show and whom they let in, PEM; the key is a secret."""

    key: bytes
    certificate: bytes
    client_ca: bytes

    def __repr__(self) -> str:
        return "ServerTls()"


@dataclass(frozen=True, slots=True)
class HubKeys:
    """An opened key folder."""

    store: KeyStore
    signing: SigningKeys
    identity: Signer
    authority: CertificateAuthority
    roots: Roots
    tls: ServerTls
    alliance: str
    stamps: Stamps
    _epoch_keys: dict[int, Secret] = field(default_factory=dict, repr=False)

    @property
    def folder(self) -> Path:
        """Where the keys lie."""
        return self.store.folder

    @property
    def tls_key(self) -> Secret:
        """The TLS key in use, PKCS #8 PEM."""
        return Secret(self.tls.key)

    @property
    def tls_certificate(self) -> bytes:
        """The hub's certificate in use, PEM."""
        return self.tls.certificate

    @property
    def hosts(self) -> list[str]:
        """Hosts and addresses that the hub's certificate names, the alliance's own name apart."""
        own = server_name(self.alliance)
        return [name for name in host_names(read_certificate(self.tls_certificate)) if name != own]

    def look(self) -> Stamps:
        """Look at the files that may change."""
        return _look(self.folder)

    def reread(self) -> "HubKeys":
        """Read what may have changed; raises KeyFileInvalid or OSError where it does not hold together."""
        return _read(self.store, self.signing, self.identity, self.alliance)

    def check_dates(self, now: int) -> None:
        """Raise KeyFileInvalid unless the hub's certificate and the CA that issues are valid now."""
        for what, certificate in (("hub's", read_certificate(self.tls.certificate)), ("CA's", self.roots.issuing)):
            begins, ends = lifetime_ms(certificate)
            if not begins <= now < ends:
                raise KeyFileInvalid(f"the {what} certificate is expired or not valid yet")

    def renew_certificate(self, hosts: Sequence[str], now: int) -> None:
        """Make a new TLS key and a certificate for these hosts; hubs that run take them up by themselves."""
        key = generate_key()
        certificate = self.authority.issue_hub(key, hosts, now)
        check_server(certificate, key, self.roots, self.alliance)
        self.store.put(_TLS_NEXT, key)
        write_atomically(self.folder / HUB_FILE, certificate, mode=0o644)
        self.store.put(_TLS_KEY, key)
        self.store.remove(_TLS_NEXT)

    def epoch_key(self, epoch: int) -> Secret:
        """Give an epoch's secret scalar, held in memory from then on; raises KeyFileInvalid where it is not here."""
        if (held := self._epoch_keys.get(epoch)) is None:
            held = self._epoch_keys[epoch] = self.store.get(epoch_key_name(epoch))
        return held

    def make_epoch_key(self, epoch: int) -> bytes:
        """Make an epoch's key, sealed, unless there is one already; returns its public half."""
        self.store.put_new(epoch_key_name(epoch), generate_key_pair(Secret(os.urandom(32))).secret_key)
        return scalar_mult_base(deserialise_secret_scalar(self.epoch_key(epoch).reveal()))

    def destroy_epoch_key(self, epoch: int) -> None:
        """Destroy an epoch's key; one that is gone already stays so."""
        self._epoch_keys.pop(epoch, None)
        self.store.remove(epoch_key_name(epoch))

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


def epoch_key_name(epoch: int) -> str:
    """Give the name under which an epoch's key is sealed."""
    return f"epoch-{epoch}"


def create_keys(
    folder: Path, alliance: str, hosts: list[str], now: int, pkcs11: Pkcs11Settings | None = None
) -> HubKeys:
    """Make all keys of a new hub, but the epochs'; raises FileExistsError where there are some, or TokenFailed."""
    if (folder / CA_FILE).exists():
        raise FileExistsError(f"{folder} holds keys already")
    store = KeyStore(folder, obtain_passphrase(folder, create=True))
    signing = _signing(store, pkcs11)
    signing.make_identity()
    authority = CertificateAuthority.create(signing.make_certifier(_CA_KEY), alliance, now)
    tls_key = generate_key()
    store.put(_TLS_KEY, tls_key)
    write_atomically(folder / HUB_FILE, authority.issue_hub(tls_key, hosts, now), mode=0o644)
    write_atomically(folder / CA_FILE, authority.certificate_pem, mode=0o644)
    return open_keys(folder, alliance, pkcs11)


def open_keys(folder: Path, alliance: str, pkcs11: Pkcs11Settings | None = None) -> HubKeys:
    """Open a hub's keys; raises KeyFileInvalid, TokenFailed or FileNotFoundError. Dates are not looked at."""
    store = KeyStore(folder, obtain_passphrase(folder))
    signing = _signing(store, pkcs11)
    return _read(store, signing, signing.identity(), alliance)


def make_successor(store: KeyStore, alliance: str, pkcs11: Pkcs11Settings | None) -> HubKeys:
    """Make an identity beside the keys of a hub that lost its own, or leaves it behind.

    Raises KeyFileInvalid or TokenFailed where the other keys are not all here, and FileExistsError where there is an
    identity; no key is made then.
    """
    signing = _signing(store, pkcs11)
    _certifier(signing, Roots((store.folder / CA_FILE).read_bytes()).issuing)
    identity = signing.make_identity()
    try:
        return _read(store, signing, identity, alliance)
    except BaseException:
        signing.destroy_identity()
        raise


def _signing(store: KeyStore, pkcs11: Pkcs11Settings | None) -> SigningKeys:
    if pkcs11 is None:
        return SealedSigningKeys(store)
    pin = secret_of_environment(PIN_VARIABLE, PIN_FILE_VARIABLE)
    if pin is None:
        raise KeyFileInvalid(f"no PIN of the token: set {PIN_VARIABLE}, or {PIN_FILE_VARIABLE} to a file that holds it")
    return TokenSigningKeys(open_token(str(pkcs11.module), pkcs11.token, pin), pkcs11.prefix, pkcs11.identity)


def _read(store: KeyStore, signing: SigningKeys, identity: Signer, alliance: str) -> HubKeys:
    folder = store.folder
    stamps = _look(folder)  # before the reading: what changes meanwhile is seen at the next look
    roots = Roots((folder / CA_FILE).read_bytes())
    certificate = (folder / HUB_FILE).read_bytes()
    key = _tls_key(store, certificate)
    check_server(certificate, key, roots, alliance)
    authority = CertificateAuthority(_certifier(signing, roots.issuing), pem_of(roots.issuing), alliance)
    tls = ServerTls(key.reveal(), certificate, roots.pem)
    return HubKeys(store, signing, identity, authority, roots, tls, alliance, stamps)


def _tls_key(store: KeyStore, certificate: bytes) -> Secret:
    """Give the sealed key of the hub's certificate; it may be the next one, where a renewal broke off."""
    parsed = read_certificate(certificate)
    for name in (_TLS_KEY, _TLS_NEXT):
        if name in store and is_for(parsed, load_key(key := store.get(name)).public_key()):
            return key
    raise KeyFileInvalid(f"the key of {HUB_FILE} is not in {store.folder}")


def new_certifier_serial() -> int:
    """Give the serial number of a new CA's certificate, which names its key too."""
    return x509.random_serial_number()


def certifier_names(serial: int) -> tuple[str, str]:
    """Give the names under which the key of a CA may lie: by its certificate's serial number, or the first one's."""
    return f"{_CA_KEY}-{serial:040x}"[:19], _CA_KEY


def _certifier(signing: SigningKeys, issuing: x509.Certificate) -> ec.EllipticCurvePrivateKey:
    """Give the key of the CA that issues."""
    for name in certifier_names(issuing.serial_number):
        key = signing.certifier(name)
        if key is not None and is_for(issuing, key.public_key()):
            return key
    raise KeyFileInvalid(f"the key of the first CA in {CA_FILE} is not here")


def _look(folder: Path) -> Stamps:
    return tuple(stamp_of(folder / name) for name in _WATCHED)
