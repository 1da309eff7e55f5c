"""A light load on the hub: requests that were signed before the clock starts, replies that nobody looks at.

A member's arithmetic shares the machine with the hub; without it, the hub itself shows. Every request is one that a
member could have sent: its own header, request id and blinded elements, signed by an enrolled member's key.
"""

import asyncio
import os
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import grpc.aio

from alliance import statements
from alliance.clock import SystemClock
from alliance.crypto import tagging
from alliance.crypto.signing import SigningKey
from alliance.v1 import taxonomy_pb2
from alliance.v1.evaluation_pb2 import EvaluateRequest, EvaluationHeader
from benchmarks.measure.calls import Calls, called
from benchmarks.measure.failure import BenchmarkFailed
from benchmarks.measure.processes import Pipe
from benchmarks.stage.messages import CHECK
from benchmarks.stage.seeding import EPOCH
from member_client import Profile
from member_client._credentials import IDENTITY, TLS_CERTIFICATE, TLS_KEY
from member_client._transport import Address, ClientIdentity, open_channel

METHOD = "/alliance.v1.EvaluationService/Evaluate"
_WARM_UP = 50
_DIGEST_BYTES, _REQUEST_ID_BYTES = 32, 16


@dataclass(frozen=True, slots=True)
class Load:
    """So many calls, so many of them in flight."""

    count: int
    in_flight: int


def serve(pipe: Pipe, folder: Path) -> None:
    """Be the load of the member enrolled in the folder: takes `Load`, gives `Calls`, until ended."""
    try:
        asyncio.run(_serve(pipe, Profile.load(folder)))
    except EOFError:
        return
    except Exception as error:
        pipe.send(BenchmarkFailed(f"the load's process: {type(error).__name__}: {error}"))
        raise


async def _serve(pipe: Pipe, profile: Profile) -> None:
    keys = profile.open_keys()
    identity = SigningKey(keys.get(IDENTITY))
    tls = ClientIdentity(keys.get(TLS_KEY), keys.get(TLS_CERTIFICATE).reveal())
    channel = open_channel(Address(profile.hub, profile.server_name, profile.ca_pem()), tls)
    async with channel:
        pipe.send("ready")
        while True:
            order: Load = await asyncio.to_thread(pipe.recv)
            requests = list(_requests(profile, identity, order.count + _WARM_UP))
            await _called(channel, requests[:_WARM_UP], order.in_flight)
            pipe.send(await _called(channel, requests[_WARM_UP:], order.in_flight))


async def _called(channel: grpc.aio.Channel, requests: list[bytes], in_flight: int) -> Calls:
    method: Any = channel.unary_unary(METHOD, request_serializer=None, response_deserializer=None)

    async def call(number: int) -> None:
        await method(requests[number])

    return await called(call, len(requests), in_flight)


def _requests(profile: Profile, identity: SigningKey, count: int) -> Iterator[bytes]:
    calls_a_batch = tagging.MAX_BATCH // CHECK.items
    for first in range(0, count, calls_a_batch):
        calls = min(calls_a_batch, count - first)
        blinded = tagging.blind([os.urandom(_DIGEST_BYTES) for _ in range(calls * CHECK.items)]).message
        size = CHECK.items * tagging.TAG_BYTES
        for start in range(0, len(blinded), size):
            yield _request(profile, identity, blinded[start : start + size])


def _request(profile: Profile, identity: SigningKey, blinded: bytes) -> bytes:
    header = EvaluationHeader(
        member=profile.member,
        epoch=EPOCH,
        purpose=taxonomy_pb2.PURPOSE_LOAN_APPLICATION,
        count=CHECK.items,
        blinded_sha256=sha256(blinded).digest(),
        consent_root=os.urandom(_DIGEST_BYTES),
        request_id=os.urandom(_REQUEST_ID_BYTES),
        time=SystemClock().now_ms(),
        operator=profile.operator,
    )
    statement = identity.statement(statements.EVALUATION_HEADER, header.SerializeToString())
    return EvaluateRequest(header=statement, blinded=blinded).SerializeToString()
