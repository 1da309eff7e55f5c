"""The bare echo's server and its certificates: the product's TLS and sizes of messages, nothing of it behind them.

The server has a process of its own and the event loop that the hub has; handlers take bytes and give bytes.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import grpc
import grpc.aio
import uvloop
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from alliance.certificates import generate_key, load_key
from alliance.clock import SystemClock
from alliance_server.authority import CertificateAuthority
from benchmarks.measure.ports import LOOPBACK
from benchmarks.measure.processes import Pipe
from benchmarks.stage.messages import EXCHANGES, Exchange

ALLIANCE = "benchmark"
SERVICE = "benchmarks.Echo"
OPTIONS = [("grpc.max_receive_message_length", 4 * 1024 * 1024)]


@dataclass(frozen=True, slots=True)
class Tls:
    """PEM material of one side."""

    key: bytes
    certificate: bytes
    authority: bytes

    def __repr__(self) -> str:
        return "Tls()"


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the server listens: gRPC, and TCP by the exchange's name."""

    grpc: int
    tcp: dict[str, int] = field(default_factory=dict)


def method_of(exchange: Exchange) -> str:
    """Give the method that answers with an exchange's reply."""
    return f"Echo{exchange.items}"


def made_tls() -> tuple[Tls, Tls]:
    """Make a certificate authority of the alliance's sort, and the server's and a member's side under it."""
    now = SystemClock().now_ms()
    authority = CertificateAuthority.create(load_key(generate_key()), ALLIANCE, now)
    key, root = generate_key(), authority.certificate_pem
    server = Tls(key.reveal(), authority.issue_hub(key, [LOOPBACK], now), root)
    private = ec.generate_private_key(ec.SECP256R1())
    request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(private, hashes.SHA256())
    issued = authority.issue("lender-a", request.public_bytes(serialization.Encoding.DER), now)
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    certificate = x509.load_der_x509_certificate(issued.der).public_bytes(serialization.Encoding.PEM)
    return server, Tls(pem, certificate, root)


# -- the server's process ------------------------------------------------------------------------------------


def serve(pipe: Pipe, tls: Tls) -> None:
    """Serve until ended; sends its ports."""
    uvloop.run(_serve(pipe, tls))


async def _serve(pipe: Pipe, tls: Tls) -> None:
    server = grpc.aio.server(options=OPTIONS)
    replies = {exchange: exchange.reply_bytes() for exchange in EXCHANGES}
    methods = {
        method_of(exchange): grpc.unary_unary_rpc_method_handler(_handler(reply)) for exchange, reply in replies.items()
    }
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(SERVICE, methods)])
    credentials = grpc.ssl_server_credentials(
        [(tls.key, tls.certificate)], root_certificates=tls.authority, require_client_auth=True
    )
    ports = Ports(server.add_secure_port(f"{LOOPBACK}:0", credentials))
    await server.start()
    for exchange, reply in replies.items():
        plain = await asyncio.start_server(_plain_echo(len(exchange.request_bytes()), reply), LOOPBACK, 0)
        ports.tcp[exchange.name] = plain.sockets[0].getsockname()[1]
    pipe.send(ports)
    await asyncio.to_thread(pipe.poll, None)  # nothing is ever sent: true once the benchmark is gone


def _handler(reply: bytes) -> Any:  # noqa: ANN401 - gRPC's handlers are untyped
    async def echo(_request: bytes, _context: object) -> bytes:
        return reply

    return echo


def _plain_echo(size: int, reply: bytes) -> Any:  # noqa: ANN401 - asyncio's callback
    async def serve_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                await reader.readexactly(size)
                writer.write(reply)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    return serve_one
