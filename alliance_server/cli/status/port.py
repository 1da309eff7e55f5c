"""Whether the members' port answers, and as whom: a TLS handshake, which needs no certificate of a member."""

import socket
import ssl
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from alliance_server.authority import server_name
from alliance_server.certificates import Roots
from alliance_server.cli.doctor.addresses import host_of
from alliance_server.config import HubConfig

_WAIT_SECONDS: Final = 3.0
_EVERYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - where to look, not where to listen


class Answer(StrEnum):
    """What came back."""

    SERVES = "serves"
    OTHER_CERTIFICATE = "serves another certificate than the file's"
    NOT_THE_HUB = "answers, and is not this alliance's hub"
    NOBODY = "nobody answers"
    NOT_KNOWN = "the port is chosen at the start"


@dataclass(frozen=True, slots=True)
class Port:
    """An address and what answers there."""

    address: str
    answer: Answer


def look_at(config: HubConfig, roots: Roots, hub: x509.Certificate) -> Port:
    """Connect to the members' port."""
    number = int(config.listen.rpartition(":")[2])
    if not number:
        return Port(config.listen, Answer.NOT_KNOWN)
    host = host_of(config.listen)
    return Port(config.listen, _answer((_EVERYWHERE.get(host, host), number), config.alliance, roots, hub))


def _answer(place: tuple[str, int], alliance: str, roots: Roots, hub: x509.Certificate) -> Answer:
    context = ssl.create_default_context(cadata=roots.pem.decode())
    context.set_alpn_protocols(["h2"])
    try:
        with (
            socket.create_connection(place, _WAIT_SECONDS) as plain,
            context.wrap_socket(plain, server_hostname=server_name(alliance)) as channel,
        ):
            shown = channel.getpeercert(binary_form=True)
    except ssl.SSLError:
        return Answer.NOT_THE_HUB
    except OSError:
        return Answer.NOBODY
    return Answer.SERVES if shown == hub.public_bytes(Encoding.DER) else Answer.OTHER_CERTIFICATE
