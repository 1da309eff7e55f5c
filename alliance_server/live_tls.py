"""What the hub's ports show and whom they let in, taken up from the files when they change: no restart.

Rules:

1. What is in use is replaced as a whole, by what holds together and is in its time; else it stays, and the log says so.
2. Connections that are open live on. Whoever came with a certificate of a CA that is gone is refused at its next call.
3. gRPC asks for what to show on threads of its own: what it reads is immutable, and nothing waits for the event loop.
"""

from dataclasses import replace

import structlog

from alliance.clock import Clock
from alliance.errors import AllianceError
from alliance_server.domain.members import Certificate
from alliance_server.hub_keys import HubKeys, ServerTls, Stamps

_log = structlog.get_logger("alliance.tls")


class LiveTls:
    """The keys of a hub that runs, as far as they may change under it. It issues under the CA that is in force."""

    def __init__(self, keys: HubKeys, clock: Clock) -> None:
        """Begin with what was opened."""
        self.keys = keys
        self._clock = clock
        self._refused: Stamps | None = None

    def __repr__(self) -> str:
        return f"LiveTls({self.keys.folder})"

    def server(self) -> ServerTls:
        """Give what ports show now; for any thread."""
        return self.keys.tls

    def trusts(self, certificate_pem: bytes) -> bool:
        """Say whether a CA in force issued a certificate; for any thread."""
        return self.keys.roots.issued(certificate_pem)

    def root_certificates(self) -> list[bytes]:
        """Give the CAs in force, DER, the one that issues first."""
        return self.keys.roots.der

    def look(self) -> bool:
        """Take up what changed on disk, if it holds together; returns whether it did. Blocks."""
        stamps = self.keys.look()
        if stamps == self.keys.stamps:
            return False
        try:
            fresh = self.keys.reread()
            fresh.check_dates(self._clock.now_ms())
        except Exception as error:  # noqa: BLE001 - whatever is wrong with a file, the hub goes on with what it has
            if stamps != self._refused:
                self._refused = stamps
                detail = str(error) if isinstance(error, AllianceError) else ""  # others may quote what they read
                _log.error("changed certificates are not taken up", error=type(error).__name__, detail=detail)
            return False
        self._refused = None
        changed = fresh.tls != self.keys.tls
        self.keys = fresh if changed else replace(self.keys, stamps=fresh.stamps)
        if changed:
            _log.info("certificates are taken up", items=len(fresh.roots.certificates))
        return changed

    def issue(self, member_id: str, certificate_request: bytes, now: int) -> Certificate:
        """Issue a member's certificate; raises Refused."""
        return self.keys.authority.issue(member_id, certificate_request, now)

    def key_of(self, certificate: Certificate) -> bytes:
        """Give the public key of a certificate, DER."""
        return self.keys.authority.key_of(certificate)
