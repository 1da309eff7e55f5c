"""Authentication: a certificate of the alliance's CA, known to the registry, of an active member, at every call.

gRPC checks the chain and the dates when a connection opens; connections live longer than decisions, so the CA, serial,
dates, revocation and membership are looked up on every call, and every 60 s within a stream. Where a service looks them
up itself, in the unit of work that admits the call, the guard only recognises a caller that it admitted before.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from grpc import aio

from alliance.clock import Clock
from alliance.errors import Reason
from alliance_server.domain.errors import Refused
from alliance_server.domain.members import Caller, admit
from alliance_server.domain.ports import Store

RECHECK_MS = 60_000


@dataclass(frozen=True, slots=True)
class PeerCertificate:
    """What a peer's certificate says of it, and the certificate's SHA-256."""

    serial: str
    identities: tuple[str, ...]
    digest: bytes


class Authenticator:
    """Turns a connection's certificate into a caller."""

    def __init__(self, store: Store, alliance: str, clock: Clock, trusts: Callable[[bytes], bool]) -> None:
        """Take, beside the rest, what says of a certificate, PEM, whether a CA in force issued it."""
        self._trusts = trusts
        self._store = store
        self._prefix = f"spiffe://{alliance}/members/"
        self._clock = clock
        self._known: dict[PeerCertificate, Caller] = {}

    def recognise(self, context: "aio.ServicerContext[Any, Any]") -> Caller | None:
        """Give the caller whose certificate was admitted when it was last looked up; None for all others."""
        peer = self._peer(context)
        return None if peer is None else self._known.get(peer)

    def forget(self, context: "aio.ServicerContext[Any, Any]") -> None:
        """Recognise this caller no more."""
        if (peer := self._peer(context)) is not None:
            self._known.pop(peer, None)

    async def authenticate(self, context: "aio.ServicerContext[Any, Any]") -> Caller:
        """Give the caller, looked up now; raises Refused(NOT_AUTHENTICATED), whatever the ground."""
        peer = self._peer(context)
        if peer is None:
            raise Refused(Reason.NOT_AUTHENTICATED, "no client certificate of a CA in force")
        found = await self._store.read(lambda transaction: transaction.members.by_serial(peer.serial))
        if found is None:
            raise Refused(Reason.NOT_AUTHENTICATED, "the certificate is not in the registry")
        member, certificate = found
        if peer.identities != (f"{self._prefix}{member.id}",):
            raise Refused(Reason.NOT_AUTHENTICATED, "the certificate names another identity than the registry")
        if peer.digest != sha256(certificate.der).digest():
            raise Refused(Reason.NOT_AUTHENTICATED, "the certificate is another than the registered one of its serial")
        caller = admit(member, certificate, self._clock.now_ms())
        self._known[peer] = caller
        return caller

    def _peer(self, context: "aio.ServicerContext[Any, Any]") -> PeerCertificate | None:
        """Read the certificate of a connection; None where it shows none, or one of a CA that is gone."""
        pem = _pem(context)
        return None if pem is None or not self._trusts(pem) else _read(pem)


class StreamWatch:
    """Repeats the authentication of a long stream."""

    def __init__(self, authenticator: Authenticator, context: "aio.ServicerContext[Any, Any]", clock: Clock) -> None:
        self._authenticator = authenticator
        self._context = context
        self._clock = clock
        self._looked_at = clock.now_ms()

    async def check(self) -> None:
        """Raise Refused where the caller is no longer admitted; looks at most once in 60 s."""
        now = self._clock.now_ms()
        if abs(now - self._looked_at) >= RECHECK_MS:  # a clock that is put back makes nobody wait
            await self._authenticator.authenticate(self._context)
            self._looked_at = now


def peer_certificate(context: "aio.ServicerContext[Any, Any]") -> PeerCertificate | None:
    """Read the certificate of a connection; None where it shows none."""
    pem = _pem(context)
    return None if pem is None else _read(pem)


def _pem(context: "aio.ServicerContext[Any, Any]") -> bytes | None:
    return next(iter(context.auth_context().get("x509_pem_cert", ())), None)


@lru_cache(maxsize=4096)
def _read(pem: bytes) -> PeerCertificate:
    certificate = x509.load_pem_x509_certificate(pem)
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        identities = tuple(names.get_values_for_type(x509.UniformResourceIdentifier))
    except x509.ExtensionNotFound:
        identities = ()
    return PeerCertificate(f"{certificate.serial_number:x}", identities, certificate.fingerprint(hashes.SHA256()))
