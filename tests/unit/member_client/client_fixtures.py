"""What several tests of the member's SDK need: signed filters of a hub that lives in memory, sealed claims, a store."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from alliance import statements
from alliance.claims import Draft, SealedClaim, seal_claim
from alliance.crypto import bloom
from alliance.crypto.secret import Secret
from alliance.crypto.signing import SigningKey
from alliance.identifiers import Kind
from alliance.taxonomy import DAY_MS, Category, EvidenceLevel, SubjectRole
from alliance.v1 import filter_pb2
from alliance.v1.bucket_pb2 import BucketEntry
from alliance.v1.statement_pb2 import SignedStatement
from member_client._state import STORE_FILE
from member_client._store import Store
from member_client.errors import FilterChanged

NOW = 1_800_000_000_000
CHUNK = 4096


def new_store(folder: Path, key: bytes = b"k" * 32) -> Store:
    return Store(folder / STORE_FILE, Secret(key))


def new_signing_key(number: int = 1) -> SigningKey:
    return SigningKey(Secret(bytes([number]) * 32))


def tag(number: int) -> bytes:
    return sha256(b"tag %d" % number).digest()


@dataclass
class FilterHub:
    """Builds and serves filters; every number of a statement can be bent."""

    key: SigningKey = field(default_factory=new_signing_key)
    now: int = NOW
    epoch: int = 1
    sequence: int = 0
    bits: bytearray = field(default_factory=bytearray)
    header: filter_pb2.FilterHeader = field(default_factory=filter_pb2.FilterHeader)
    heartbeat: filter_pb2.FilterHeartbeat = field(default_factory=filter_pb2.FilterHeartbeat)
    deltas: list[filter_pb2.FilterDelta] = field(default_factory=list)
    downloads: list[int] = field(default_factory=list)
    changes: int = 0

    def build(self, tags: list[bytes], sequence: int, /, **bent: Any) -> None:
        shape = bloom.Shape.for_listings(len(tags), 7)
        builder = bloom.FilterBuilder(shape)
        builder.fill(b"".join(tags))
        self.bits = bytearray(builder.bits)
        self.sequence = sequence
        self.deltas = []
        numbers = {
            "format": 1,
            "epoch": self.epoch,
            "listings": len(tags),
            "bits": shape.m,
            "hashes": shape.k,
            "seed": shape.seed,
            "sequence": sequence,
            "prefix_bits": bloom.prefix_bits(len(tags)),
            "bits_sha256": sha256(self.bits).digest(),
            "created_at": self.now,
            "not_after": self.now + 7 * DAY_MS,
        }
        self.header = filter_pb2.FilterHeader(**{**numbers, **bent})
        self.beat()

    def beat(self, **bent: Any) -> None:
        numbers = {
            "epoch": self.epoch,
            "base_sha256": self.header.bits_sha256,
            "sequence": self.sequence,
            "time": self.now,
            "not_after": self.now + 300_000,
        }
        self.heartbeat = filter_pb2.FilterHeartbeat(**{**numbers, **bent})

    def add(self, tags: list[bytes], to_sequence: int, /, **bent: Any) -> None:
        builder = bloom.FilterBuilder(bloom.Shape(self.header.bits, self.header.hashes, self.header.seed), self.bits)
        numbers = {
            "epoch": self.epoch,
            "base_sha256": self.header.bits_sha256,
            "from_sequence": self.sequence,
            "to_sequence": to_sequence,
            "position_gaps": bloom.encode_positions(builder.add_many(b"".join(tags))),
        }
        self.deltas.append(filter_pb2.FilterDelta(**{**numbers, **bent}))
        self.sequence = to_sequence
        self.beat()

    def signed(self, statement_type: str, message: Any) -> SignedStatement:
        return self.key.statement(statement_type, message.SerializeToString())

    @property
    def signed_header(self) -> SignedStatement:
        return self.signed(statements.FILTER_HEADER, self.header)

    @property
    def signed_heartbeat(self) -> SignedStatement:
        return self.signed(statements.FILTER_HEARTBEAT, self.heartbeat)


class FilterStub:
    """The filter service's stub, on a hub in memory. `served` are the bits as sent, which may be wrong."""

    def __init__(self, hub: FilterHub, served: bytes) -> None:
        self._hub = hub
        self.served = served

    async def GetFilter(  # noqa: N802 - the method's name on the wire
        self, _request: filter_pb2.GetFilterRequest, **_options: Any
    ) -> filter_pb2.GetFilterResponse:
        return filter_pb2.GetFilterResponse(header=self._hub.signed_header, heartbeat=self._hub.signed_heartbeat)

    async def DownloadSnapshot(  # noqa: N802
        self, request: filter_pb2.DownloadSnapshotRequest, **_options: Any
    ) -> AsyncIterator[filter_pb2.DownloadSnapshotResponse]:
        self._hub.downloads.append(request.offset)
        if self._hub.changes:
            self._hub.changes -= 1
            raise FilterChanged("replaced")
        for offset in range(request.offset, len(self.served), CHUNK):
            yield filter_pb2.DownloadSnapshotResponse(offset=offset, chunk=self.served[offset : offset + CHUNK])

    async def ListDeltas(  # noqa: N802
        self, request: filter_pb2.ListDeltasRequest, **_options: Any
    ) -> AsyncIterator[filter_pb2.ListDeltasResponse]:
        for delta in self._hub.deltas:
            if delta.to_sequence > request.after_sequence:
                yield filter_pb2.ListDeltasResponse(delta=self._hub.signed(statements.FILTER_DELTA, delta))


class StubTransport:
    """A transport whose channel is a stub: the module under test takes it for its service's stub."""

    def __init__(self, stub: Any) -> None:
        self.stub = stub

    def channel(self) -> Any:
        return self.stub

    async def call(self, method: Any, request: Any, _deadline: Any) -> Any:
        return await method(self.stub)(request(), timeout=1.0)


@dataclass
class StillClock:
    """A clock that stands until it is set."""

    now: int = NOW

    def now_ms(self) -> int:
        return self.now


def sealed_claim(signer: SigningKey, contributor: str, of_tag: bytes, label_key: bytes, **bent: Any) -> SealedClaim:
    facts: dict[str, Any] = {
        "kind": Kind.PHONE,
        "category": Category.MULE_ACCOUNT,
        "role": SubjectRole.PERPETRATOR,
        "evidence": EvidenceLevel.E1,
        "observed_from": NOW - DAY_MS,
        "observed_to": NOW - DAY_MS,
        "filed_at": NOW - 1000,
        "expires_at": NOW + DAY_MS,
    }
    epoch = bent.pop("epoch", 1)
    return seal_claim(
        Draft(**{**facts, **bent}),
        epoch=epoch,
        tag=of_tag,
        label_key=label_key,
        contributor=contributor,
        signing_key=signer,
    )


def bucket_entry(claim: SealedClaim, **bent: Any) -> BucketEntry:
    digest = sha256(claim.claim).digest()
    shown = {"entry_id": claim.entry_id, "handle": claim.handle, "box": claim.box, "claim_sha256": digest}
    return BucketEntry(**{**shown, **bent})
