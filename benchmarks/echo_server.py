"""The bare echo's server, its messages and its certificates: the product's TLS and sizes, nothing of it behind them.

The server has a process of its own and the event loop that the hub has; handlers take bytes and give bytes.
"""

import asyncio
import os
from dataclasses import dataclass
from typing import Any

import grpc
import grpc.aio
import uvloop
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from alliance.clock import SystemClock
from alliance.crypto.signing import SigningKey
from alliance.v1 import taxonomy_pb2
from alliance.v1.evaluation_pb2 import EvaluateRequest, EvaluateResponse, EvaluationHeader, EvaluationShare
from alliance_server.authority import CertificateAuthority, generate_key
from benchmarks.processes import Pipe

ONLINE, BULK = 3, 4096
"""Identifiers in a message of an online check, and of a screening."""
ALLIANCE = "benchmark"
LOOPBACK = "127.0.0.1"
OPTIONS = [("grpc.max_receive_message_length", 4 * 1024 * 1024)]
_PROOF_BYTES = 64


@dataclass(frozen=True, slots=True)
class Tls:
    """PEM material of one side."""

    key: bytes
    certificate: bytes
    authority: bytes

    def __repr__(self) -> str:
        return "Tls()"


def request_of(items: int) -> bytes:
    """Give an Evaluate request of a size as on the wire, with random content."""
    signer, _ = SigningKey.generate()
    header = EvaluationHeader(
        member="lender-a",
        epoch=1,
        purpose=taxonomy_pb2.PURPOSE_LOAN_APPLICATION,
        count=items,
        blinded_sha256=os.urandom(32),
        consent_root=os.urandom(32),
        request_id=os.urandom(16),
        time=SystemClock().now_ms(),
    )
    statement = signer.statement("evaluation-header", header.SerializeToString())
    return EvaluateRequest(header=statement, blinded=os.urandom(32 * items)).SerializeToString()


def reply_of(items: int) -> bytes:
    """Give an Evaluate reply of a size as on the wire, with random content."""
    share = EvaluationShare(index=1, evaluated=os.urandom(32 * items), proof=os.urandom(_PROOF_BYTES))
    return EvaluateResponse(shares=[share]).SerializeToString()


def made_tls() -> tuple[Tls, Tls]:
    """Make a certificate authority of the alliance's sort, and the server's and a member's side under it."""
    now = SystemClock().now_ms()
    authority = CertificateAuthority.create(generate_key(), ALLIANCE, now)
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
    replies = {items: reply_of(items) for items in (ONLINE, BULK)}
    methods = {f"Echo{items}": grpc.unary_unary_rpc_method_handler(_handler(replies[items])) for items in replies}
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("benchmarks.Echo", methods)])
    credentials = grpc.ssl_server_credentials(
        [(tls.key, tls.certificate)], root_certificates=tls.authority, require_client_auth=True
    )
    ports = {0: server.add_secure_port(f"{LOOPBACK}:0", credentials)}
    await server.start()
    for items, reply in replies.items():
        plain = await asyncio.start_server(_plain_echo(len(request_of(items)), reply), LOOPBACK, 0)
        ports[items] = plain.sockets[0].getsockname()[1]
    pipe.send(ports)
    await server.wait_for_termination()


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
