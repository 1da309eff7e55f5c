"""What the hub states about the filter, believed only as far as it is signed and holds together. No I/O.

Order, for each of header, heartbeat and delta: signature under the pinned hub key, then parsing, then the shape or
range, then (`Marks`) that nothing goes back behind what this member has seen before.
"""

from dataclasses import dataclass, replace
from typing import Final, Self, TypeVar

from google.protobuf.message import DecodeError, Message

from alliance import statements
from alliance.crypto import bloom
from alliance.crypto.signing import VerifyingKey
from alliance.errors import FilterInvalid, SignatureInvalid
from alliance.v1.epoch_pb2 import EpochState
from alliance.v1.filter_pb2 import FilterDelta, FilterHeader, FilterHeartbeat
from alliance.v1.statement_pb2 import SignedStatement
from member_client._framing import pack, unpack
from member_client.errors import ClockWrong, FilterRolledBack, FilterTampered, StatementInvalid, StoreDamaged

FORMAT: Final = 1
HEARTBEAT_LIFE_MS: Final = 5 * 60 * 1000
MAX_SKEW_MS: Final = 2 * 60 * 1000
_DIGEST_BYTES: Final = 32

M = TypeVar("M", bound=Message)


@dataclass(frozen=True, slots=True)
class Header:
    """A snapshot's description, verified. Times in milliseconds UTC."""

    epoch: int
    listings: int
    shape: bloom.Shape
    sequence: int
    prefix_bits: int
    digest: bytes
    created_at: int
    not_after: int


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The hub's word that the filter was complete at a sequence and time, verified."""

    epoch: int
    base: bytes
    sequence: int
    time: int
    not_after: int
    epoch_state: "EpochState.ValueType"


@dataclass(frozen=True, slots=True)
class Delta:
    """Positions that the sequences (from, to] set, verified but for their range."""

    epoch: int
    base: bytes
    from_sequence: int
    to_sequence: int
    gaps: tuple[int, ...]


def read_header(statement: SignedStatement, hub_key: VerifyingKey, epoch: int) -> Header:
    """Verify a header; raises StatementInvalid, or FilterTampered where its numbers do not fit each other."""
    raw = _verified(statements.FILTER_HEADER, statement, hub_key, FilterHeader())
    if raw.epoch != epoch or raw.format != FORMAT or len(raw.bits_sha256) != _DIGEST_BYTES:
        raise StatementInvalid("The filter's header is of another epoch or format.")
    try:
        shape = bloom.Shape(raw.bits, raw.hashes, raw.seed)
        fits = raw.bits == bloom.bit_count_for(raw.listings) and raw.prefix_bits == bloom.prefix_bits(raw.listings)
    except FilterInvalid as error:
        raise FilterTampered("The filter's header states an impossible shape.") from error
    if not fits:
        raise FilterTampered("The filter's size or prefix does not fit its number of listings.")
    return Header(
        epoch=raw.epoch,
        listings=raw.listings,
        shape=shape,
        sequence=raw.sequence,
        prefix_bits=raw.prefix_bits,
        digest=raw.bits_sha256,
        created_at=raw.created_at,
        not_after=raw.not_after,
    )


def read_heartbeat(statement: SignedStatement, hub_key: VerifyingKey, header: Header, now_ms: int) -> Heartbeat:
    """Verify the heartbeat that came with a header; raises StatementInvalid, FilterTampered or ClockWrong."""
    raw = _verified(statements.FILTER_HEARTBEAT, statement, hub_key, FilterHeartbeat())
    if raw.epoch != header.epoch or raw.base_sha256 != header.digest or raw.sequence < header.sequence:
        raise FilterTampered("The filter's heartbeat is about another filter than its header.")
    if not raw.time < raw.not_after <= raw.time + HEARTBEAT_LIFE_MS:
        raise StatementInvalid("The filter's heartbeat claims to last longer than five minutes.")
    if max(raw.time, header.created_at) > now_ms + MAX_SKEW_MS:
        raise ClockWrong("The hub's filter lies in this machine's future by more than two minutes.")
    return Heartbeat(raw.epoch, raw.base_sha256, raw.sequence, raw.time, raw.not_after, raw.epoch_state)


def read_delta(statement: SignedStatement, hub_key: VerifyingKey) -> Delta:
    """Verify a delta's signature and order; raises StatementInvalid or FilterTampered."""
    raw = _verified(statements.FILTER_DELTA, statement, hub_key, FilterDelta())
    if not raw.from_sequence < raw.to_sequence:
        raise FilterTampered("A delta of the filter covers no sequence.")
    return Delta(raw.epoch, raw.base_sha256, raw.from_sequence, raw.to_sequence, tuple(raw.position_gaps))


def _verified(statement_type: str, statement: SignedStatement, hub_key: VerifyingKey, message: M) -> M:
    try:
        message.ParseFromString(hub_key.verified_payload(statement_type, statement))
    except (SignatureInvalid, DecodeError) as error:
        raise StatementInvalid(f"The hub's statement '{statement_type}' does not verify.") from error
    return message


@dataclass(frozen=True, slots=True)
class Marks:
    """The newest that this member has seen of an epoch's filter; kept durably, and only ever raised."""

    header_sequence: int = 0
    created_at: int = 0
    sequence: int = 0
    time: int = 0

    def past_header(self, header: Header) -> Self:
        """Raise the marks to a header; raises FilterRolledBack where that is older than one seen before."""
        if header.sequence < self.header_sequence or header.created_at < self.created_at:
            raise FilterRolledBack("The hub shows an older filter snapshot than before.")
        return replace(self, header_sequence=header.sequence, created_at=header.created_at)

    def past_heartbeat(self, heartbeat: Heartbeat) -> Self:
        """Raise the marks to a heartbeat; raises FilterRolledBack where that is older than one seen before."""
        if heartbeat.sequence < self.sequence or heartbeat.time < self.time:
            raise FilterRolledBack("The hub shows an older filter heartbeat than before.")
        return replace(self, sequence=heartbeat.sequence, time=heartbeat.time)

    def to_bytes(self) -> bytes:
        """Give the form that the store keeps."""
        numbers = (self.header_sequence, self.created_at, self.sequence, self.time)
        return pack(*(b"%d" % number for number in numbers))

    @classmethod
    def from_bytes(cls, data: bytes | None) -> Self:
        """Read what `to_bytes` gave; nothing seen yet where there is none."""
        if data is None:
            return cls()
        try:
            return cls(*(int(part) for part in unpack(data)))
        except (ValueError, TypeError):
            raise StoreDamaged("The marks of the filter in the local store cannot be read.") from None
