"""A filter in use: a private mapping of a snapshot's bits, and the deltas applied to it so far. No network.

Bits are only ever set, by one thread, so that look-ups may go on meanwhile; the sequence rises after its bits are in.
"""

import hmac
import mmap
from hashlib import sha256
from pathlib import Path
from typing import Final, Self

from alliance.crypto import bloom
from alliance.errors import FilterInvalid
from member_client._filter.facts import Delta, Header, Heartbeat
from member_client.errors import FilterTampered

FULLEST: Final = 0.55
"""Share of bits set, at most: half of them when a filter is full, and some for chance."""


class LiveFilter:
    """A verified snapshot with its deltas."""

    def __init__(self, header: Header, bits: mmap.mmap) -> None:
        """Take bits that `opened` has verified."""
        self.header = header
        self.sequence = header.sequence
        self.heartbeat: Heartbeat | None = None
        self._bits = bits
        self._filter = bloom.Filter(header.shape, bits)
        self._set_bits = self._filter.popcount()

    @classmethod
    def opened(cls, path: Path, header: Header) -> Self:
        """Map a snapshot's file and hold it against its header.

        The mapping is private: deltas never reach the file, and what was verified is what is used. Raises
        FilterTampered where length, hash or number of set bits do not fit; OSError where there is no file.
        """
        with path.open("rb") as file:
            if path.stat().st_size != header.shape.byte_length:
                raise FilterTampered("The filter's bits have another length than its header says.")
            bits = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
        if not hmac.compare_digest(sha256(bits).digest(), header.digest):
            raise FilterTampered("The filter's bits are not those that the hub signed.")
        live = cls(header, bits)
        try:
            bloom.check_population(live._set_bits, header.shape, header.listings)
        except FilterInvalid as error:
            raise FilterTampered("The filter's bits do not fit its number of listings.") from error
        return live

    def __repr__(self) -> str:
        return f"LiveFilter(epoch {self.header.epoch}, sequence {self.sequence})"

    def apply(self, delta: Delta) -> bool:
        """Apply the next delta; False where it lies wholly behind what is reached already.

        Raises FilterTampered where it is another filter's, leaves a gap, does not fit the bits, or would fill them
        more than any hub that rebuilds in time: a full filter takes everything for a hit, and each hit tells the hub
        a prefix.
        """
        if delta.epoch != self.header.epoch or delta.base != self.header.digest:
            raise FilterTampered("A delta is for another filter.")
        if delta.to_sequence <= self.sequence:
            return False
        if delta.from_sequence != self.sequence:
            raise FilterTampered("The deltas of the filter leave a gap.")
        try:
            positions = bloom.decode_positions(delta.gaps, self.header.shape.m)
            too_many = len(positions) > bloom.K * (delta.to_sequence - delta.from_sequence)
            if too_many or self._set_bits + len(positions) > FULLEST * self.header.shape.m:
                raise FilterTampered("A delta sets more bits than its claims could, or fills the filter.")
            bloom.apply_positions(self._bits, positions)
        except FilterInvalid as error:
            raise FilterTampered("A delta does not fit the filter's bits.") from error
        self._set_bits += len(positions)
        self.sequence = delta.to_sequence
        return True

    def believe(self, heartbeat: Heartbeat) -> None:
        """Take over a heartbeat; raises FilterTampered unless the filter has reached its sequence."""
        if heartbeat.base != self.header.digest or heartbeat.sequence > self.sequence:
            raise FilterTampered("The heartbeat tells of changes that the hub did not give.")
        self.heartbeat = heartbeat

    def fresh_until(self) -> int:
        """Give the time, milliseconds UTC, from which on it clears nobody."""
        return min(self.heartbeat.not_after, self.header.not_after) if self.heartbeat else 0

    def age_ms(self, now_ms: int) -> int:
        """Give the age of its heartbeat."""
        return max(0, now_ms - self.heartbeat.time) if self.heartbeat else now_ms

    def hits(self, tags: bytes) -> list[int]:
        """Give the places, increasing, of those packed tags that may be listed."""
        return self._filter.hits(tags)
