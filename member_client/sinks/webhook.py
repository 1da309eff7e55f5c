"""Events to a webhook, signed as the Standard Webhooks convention has it.

`webhook-id` is the event's name, the same in each try, so that a receiver drops repetitions; `webhook-timestamp` is
Unix seconds of the try; `webhook-signature` is `v1,` and the Base64 of HMAC-SHA256 over `id.timestamp.body`.

Rules:

1. HTTPS with the system's certificates; plain HTTP to this machine alone. Redirects are refused: what is signed for one
   receiver goes to no other.
2. Any answer but 2xx is a failure, and so is none within the time. Of an answer nothing but its status is read.
3. No text names more of the address than its host: paths of webhooks hold secrets.
"""

import base64
import binascii
import hmac
import http.client
import ipaddress
import socket
import ssl
import threading
from contextlib import suppress
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from alliance.clock import Clock, SystemClock
from alliance.crypto.secret import Secret
from member_client._documents import dumped
from member_client.errors import InvalidUse, WebhookFailed
from member_client.watch_events import WatchEvent, moment

TIMEOUT_SECONDS: Final = 10.0
"""For which a receiver may be silent."""
DELIVERY_SECONDS: Final = 30.0
"""For which a delivery may take as a whole: a receiver that says a little now and then would hold it for good."""
MIN_SECRET_BYTES: Final = 24
_PREFIX: Final = "whsec_"


class WebhookSink:
    """One receiver."""

    def __init__(
        self, url: str, secret: Secret, *, clock: Clock | None = None, tls: ssl.SSLContext | None = None
    ) -> None:
        """Take an address and the shared secret; raises InvalidUse. Connects to nothing."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            raise _wrong_url() from None
        is_local = parts.scheme == "http" and _is_loopback(host)
        if not host or parts.username or parts.password or not (parts.scheme == "https" or is_local):
            raise _wrong_url()
        if len(secret) < MIN_SECRET_BYTES:
            raise InvalidUse(f"a webhook's secret has {MIN_SECRET_BYTES} bytes at least")
        self._host, self._port, self._is_plain = host, port, is_local
        self._target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._secret = secret
        self._clock = clock or SystemClock()
        self._tls = None if is_local else tls or ssl.create_default_context()

    def __repr__(self) -> str:
        return f"WebhookSink({self._host})"

    def post(self, event: WatchEvent) -> None:
        """Send an event once; raises WebhookFailed unless the receiver takes it. Blocks."""
        body = dumped({"type": event.kind.value, "timestamp": moment(event.at), "data": event.record()}).encode()
        connection = self._connection()
        too_late = threading.Timer(DELIVERY_SECONDS, _hang_up, [connection])
        too_late.start()
        try:
            connection.request("POST", self._target, body, self._headers(event.event_id, body))
            answer = connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            raise WebhookFailed(f"The webhook at {self._host} cannot be reached: {type(error).__name__}.") from None
        finally:
            too_late.cancel()
            connection.close()
        if not 200 <= answer.status < 300:  # noqa: PLR2004, RUF100 - what HTTP calls success
            raise WebhookFailed(f"The webhook at {self._host} answered {answer.status}.")

    def _connection(self) -> http.client.HTTPConnection:
        if self._tls is None:
            return http.client.HTTPConnection(self._host, self._port, timeout=TIMEOUT_SECONDS)
        return http.client.HTTPSConnection(self._host, self._port, timeout=TIMEOUT_SECONDS, context=self._tls)

    def _headers(self, event_id: str, body: bytes) -> dict[str, str]:
        seconds = str(self._clock.now_ms() // 1000)
        return {
            "content-type": "application/json",
            "user-agent": "alliance-member-client",
            "webhook-id": event_id,
            "webhook-timestamp": seconds,
            "webhook-signature": signature(self._secret, event_id, seconds, body),
        }


def _hang_up(connection: http.client.HTTPConnection) -> None:
    if connection.sock is not None:
        with suppress(OSError):
            connection.sock.shutdown(socket.SHUT_RDWR)


def signature(secret: Secret, event_id: str, seconds: str, body: bytes) -> str:
    """Sign what is sent, as Standard Webhooks has it."""
    digest = hmac.digest(secret.reveal(), f"{event_id}.{seconds}.".encode() + body, "sha256")
    return "v1," + base64.b64encode(digest).decode()


def read_secret(path: Path) -> Secret:
    """Read a secret from a file: `whsec_` and Base64, or as it stands; raises InvalidUse."""
    try:
        content = path.read_bytes().strip()
    except OSError as error:
        raise InvalidUse(f"{path} cannot be read ({error.strerror})") from error
    if content.startswith(_PREFIX.encode()):
        try:
            content = base64.b64decode(content[len(_PREFIX) :], validate=True)
        except binascii.Error:
            raise InvalidUse(f"{path}: after whsec_ comes Base64") from None
    if len(content) < MIN_SECRET_BYTES:
        raise InvalidUse(f"a webhook's secret has {MIN_SECRET_BYTES} bytes at least")
    return Secret(content)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _wrong_url() -> InvalidUse:
    return InvalidUse("a webhook's address is https://HOST/PATH, without a user; http:// is for this machine alone")
