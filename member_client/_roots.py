"""The alliance's CAs as its hub states them: how a member comes to believe a new one before the old one goes.

Rules:

1. A statement `trust-roots` counts only under the pinned hub key. One that is older than the last that changed
   something is passed over: nobody brings back a CA that is gone.
2. They replace the profile's CA file in one step. Channels are opened anew with it, as with any CA that is renewed on
   disk; a certificate of a CA that does not issue any more is renewed (`_renewal`).
3. Where the file cannot be written (a profile that is shared and read-only), what is known goes on being used.
"""

import logging
from dataclasses import dataclass
from typing import Final

from cryptography import x509
from google.protobuf.message import DecodeError

from alliance import statements
from alliance.certificates import UNREADABLE, is_authority, pem_of
from alliance.crypto.signing import VerifyingKey
from alliance.errors import SignatureInvalid
from alliance.keyring.store import write_atomically
from alliance.v1.enrolment_pb2 import TrustRoots
from alliance.v1.statement_pb2 import SignedStatement
from member_client._certificates import ca_certificates
from member_client._hub import PinnedHub
from member_client._store import Shelf, Store
from member_client.config import Profile
from member_client.errors import StatementInvalid

MOST: Final = 8
_MARK: Final = b"trust-roots"

_log = logging.getLogger("member_client.roots")


@dataclass(frozen=True, slots=True)
class StatedRoots:
    """CAs, the one that issues first, and when the hub stated them, milliseconds UTC."""

    certificates: tuple[x509.Certificate, ...]
    stated_at: int

    @property
    def pem(self) -> bytes:
        """All of them, one after the other."""
        return b"".join(map(pem_of, self.certificates))


def read_roots(statement: SignedStatement, hub_key: VerifyingKey) -> StatedRoots:
    """Verify and read a statement; raises StatementInvalid."""
    payload = TrustRoots()
    try:
        payload.ParseFromString(hub_key.verified_payload(statements.TRUST_ROOTS, statement))
        certificates = tuple(x509.load_der_x509_certificate(der) for der in payload.certificates)
        are_authorities = all(is_authority(it) for it in certificates)
    except (SignatureInvalid, DecodeError, *UNREADABLE) as error:
        raise StatementInvalid("The hub's statement about the alliance's CAs does not verify.") from error
    if not 0 < len(certificates) <= MOST or not are_authorities:
        raise StatementInvalid("The hub's statement names no CA, or what is none.")
    return StatedRoots(certificates, payload.stated_at)


class RootKeeper:
    """Keeps the CAs of one profile."""

    def __init__(self, profile: Profile, hub: PinnedHub, pins: Store) -> None:
        self._profile = profile
        self._hub = hub
        self._pins = pins

    def take(self, statement: SignedStatement) -> None:
        """Take up what the hub states, where it differs; raises StatementInvalid or ConfigurationInvalid. Blocks."""
        roots = read_roots(statement, self._hub.key)
        if list(roots.certificates) == ca_certificates(self._profile.ca_pem()):
            return
        mark = self._pins.get(Shelf.PINS, _MARK)
        if mark is not None and roots.stated_at < int.from_bytes(mark, "big"):
            return
        try:
            write_atomically(self._profile.ca_file, roots.pem, 0o644)
        except OSError as error:
            _log.warning("the alliance's new CAs cannot be kept: %s", type(error).__name__)
            return
        self._pins.put(Shelf.PINS, _MARK, roots.stated_at.to_bytes(8, "big"))
        _log.warning("the alliance's CAs changed: %d are believed now", len(roots.certificates))
