"""What keeps a hub under test apart from the machine that it runs on: its settings, and its certificates' time."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from alliance.clock import SystemClock
from alliance_server.authority import CertificateAuthority
from alliance_server.config import settings_of_others
from alliance_server.domain.members import Certificate


@contextmanager
def no_settings() -> Iterator[None]:
    """Take variables `ALLIANCE_…` away while a hub is made or opened; the choice of a backend stays."""
    taken = {name: os.environ.pop(name) for name in settings_of_others(os.environ)}
    try:
        yield
    finally:
        os.environ.update(taken)


class IssuerInMachineTime:
    """The alliance's authority, issuing by the machine's clock whatever the hub's shows.

    TLS goes by the machine's clock: a certificate that begins in the future of it lets nobody connect.
    """

    def __init__(self, authority: CertificateAuthority) -> None:
        self._authority = authority
        self._clock = SystemClock()

    def issue(self, member_id: str, certificate_request: bytes, now: int) -> Certificate:  # noqa: ARG002 - the port's
        """Issue a member's certificate; raises Refused."""
        return self._authority.issue(member_id, certificate_request, self._clock.now_ms())

    def key_of(self, certificate: Certificate) -> bytes:
        """Give the public key of a certificate, DER."""
        return self._authority.key_of(certificate)
