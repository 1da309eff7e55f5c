"""Buckets: the sealed entries whose tags share a prefix, and reports of entries that are wrong.

Prefixes are charged and audited by their number alone. What a bucket shows is all that a member ever sees of
others' claims: no tag leaves the hub.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

from alliance.crypto import bloom
from alliance.crypto.sealing import ENTRY_ID_BYTES
from alliance.crypto.signing import Signer
from alliance.errors import Reason
from alliance.statements import CLAIM_STATUS
from alliance.taxonomy import ClaimStatus
from alliance.v1 import bucket_pb2, taxonomy_pb2
from alliance.v1.claim_pb2 import ClaimStatusChange
from alliance.v1.statement_pb2 import SignedStatement
from alliance_server.domain.claims import ListedEntry
from alliance_server.domain.epochs import require_serving
from alliance_server.domain.errors import Refused
from alliance_server.domain.ports import Store, Transaction
from alliance_server.services.budgets import Budgets
from alliance_server.services.call import Call

MAX_PREFIXES = 4096
ENTRIES_A_MESSAGE = 256
PREFIXES_A_READ = 64
TAG_BITS = 256
FINDINGS = frozenset(bucket_pb2.EntryFinding.values()) - {bucket_pb2.ENTRY_FINDING_UNSPECIFIED}


@dataclass(frozen=True, slots=True)
class BucketPart:
    """Part of a bucket; `complete` on its last one."""

    prefix: int
    entries: Sequence[tuple[ListedEntry, SignedStatement | None]]
    complete: bool


class BucketService:
    """Serves buckets."""

    def __init__(self, store: Store, budgets: Budgets, key: Signer) -> None:
        self._store = store
        self._budgets = budgets
        self._key = key

    async def get(self, call: Call, epoch: int, prefix_bits: int, prefixes: Sequence[int]) -> AsyncIterator[BucketPart]:
        """Give the buckets of ascending prefixes; raises Refused."""
        _check_prefixes(prefix_bits, prefixes)
        await self._store.write(lambda transaction: self._admit(transaction, call, epoch, prefix_bits, prefixes))
        for start in range(0, len(prefixes), PREFIXES_A_READ):
            wanted = prefixes[start : start + PREFIXES_A_READ]
            buckets = await self._store.read(
                partial(_read, epoch=epoch, bits=prefix_bits, wanted=wanted, now=call.now())
            )
            for prefix, entries in zip(wanted, buckets, strict=True):
                for part in self._parts(prefix, entries):
                    yield part

    async def report(self, call: Call, entry_id: bytes, finding: int) -> None:
        """Record that an entry was found wrong; one that does not exist is taken in silence."""
        if len(entry_id) != ENTRY_ID_BYTES or finding not in FINDINGS:
            raise Refused(Reason.INVALID_REQUEST, "entry id or finding is missing or unknown")

        def work(transaction: Transaction) -> None:
            if transaction.claims.get(entry_id) is not None:
                transaction.claims.report(entry_id, call.caller.member_id, finding, call.now())
            transaction.record(call.event(items=1))

        await self._store.write(work)

    def _admit(
        self, transaction: Transaction, call: Call, epoch: int, prefix_bits: int, prefixes: Sequence[int]
    ) -> None:
        require_serving(transaction.epochs.get(epoch), call.now())
        state = transaction.filters.state(epoch)
        snapshot = transaction.filters.snapshot(state.base_sha256) if state else None
        if snapshot is None or prefix_bits < snapshot.prefix_bits - 1:
            # One bit less is a client that holds the snapshot before; anything wider would be a sweep.
            raise Refused(Reason.FILTER_CHANGED, "the prefixes are wider than the filter's")
        self._budgets.charge(transaction, call.caller.member_id, "bucket_prefixes", len(prefixes), call.now())
        transaction.record(call.event(epoch=epoch, items=len(prefixes)))

    def _parts(self, prefix: int, entries: Sequence[ListedEntry]) -> list[BucketPart]:
        active = ClaimStatus.ACTIVE
        shown = [(entry, None if entry.status is active else self._status(entry)) for entry in entries]
        starts = range(0, max(len(shown), 1), ENTRIES_A_MESSAGE)
        return [
            BucketPart(prefix, shown[start : start + ENTRIES_A_MESSAGE], complete=start == starts[-1])
            for start in starts
        ]

    def _status(self, entry: ListedEntry) -> SignedStatement:
        change = ClaimStatusChange(
            entry_id=entry.entry_id,
            version=entry.status_version,
            status=taxonomy_pb2.ClaimStatus.ValueType(entry.status),
            changed_at=entry.filed_at,
        )
        return self._key.statement(CLAIM_STATUS, change.SerializeToString())


def _read(
    transaction: Transaction, *, epoch: int, bits: int, wanted: Sequence[int], now: int
) -> list[list[ListedEntry]]:
    return transaction.claims.in_ranges(epoch, [_range(prefix, bits) for prefix in wanted], now)


def _check_prefixes(prefix_bits: int, prefixes: Sequence[int]) -> None:
    if not 1 <= len(prefixes) <= MAX_PREFIXES:
        raise Refused(Reason.INVALID_BATCH, "a fetch has 1 to 4,096 prefixes")
    if prefix_bits > bloom.MAX_PREFIX_BITS or prefixes[-1] >> prefix_bits:
        raise Refused(Reason.INVALID_REQUEST, "a prefix has more bits than stated, or more than 20")
    if any(later <= earlier for earlier, later in pairwise(prefixes)):
        raise Refused(Reason.INVALID_REQUEST, "prefixes ascend, each once")


def _range(prefix: int, bits: int) -> tuple[bytes, bytes]:
    shift = TAG_BITS - bits
    low = prefix << shift
    return low.to_bytes(32, "big"), (low | ((1 << shift) - 1)).to_bytes(32, "big")
