"""Made-up claims put into a hub's database before it starts, through the hub's own storage layer.

As contributed ones in shape: claim bytes, signature, handle and box have their lengths, columns their values; tags
and boxes are random, since nobody will hold their keys. They come in the order of arrival, tags spread over the whole
range. Indices are dropped before and made anew after, by the schema's own definitions: ten million rows would
otherwise spend hours in them. Filters are left to the hub.
"""

import os
import struct
from collections.abc import Callable, Iterator
from functools import partial
from hashlib import sha256
from typing import Final

from alliance.clock import SystemClock
from alliance.crypto.sealing import BOX_BYTES, ENTRY_ID_BYTES, HANDLE_BYTES
from alliance.crypto.signing import SIGNATURE_BYTES
from alliance.taxonomy import (
    DAY_MS,
    Category,
    ClaimStatus,
    EvidenceLevel,
    SharingLevel,
    SubjectRole,
)
from alliance_server.domain.claims import StoredClaim
from alliance_server.domain.ports import Transaction
from alliance_server.storage.tables import ClaimTable, table_of
from alliance_server.storage.unit_of_work import SqlStore
from benchmarks.stage.messages import CLAIM_BYTES

SEEDER: Final = "lender-z"
EPOCH: Final = 1
_CHUNK_ROWS: Final = 20_000
_TAG_BYTES = _DIGEST_BYTES = 32
_ROW: Final = struct.Struct(
    f"={ENTRY_ID_BYTES}s{_TAG_BYTES}s{_DIGEST_BYTES}s{CLAIM_BYTES}s{SIGNATURE_BYTES}s{HANDLE_BYTES}s{BOX_BYTES}s"
)
_LIFE_MS = 365 * DAY_MS

Say = Callable[[int], None]


def seed(database: str, claims: int, say: Say = lambda _done: None) -> None:
    """Put so many claims into a database that no hub serves; tells now and then how many are in."""
    store = SqlStore(database)
    store.start()
    indices = table_of(ClaimTable).indexes
    try:
        for index in indices:
            index.drop(store.engine)
        for first in range(0, claims, _CHUNK_ROWS):
            rows = min(_CHUNK_ROWS, claims - first)
            store.write_now(partial(_add, rows=rows))
            say(first + rows)
        for index in indices:
            index.create(store.engine)
    finally:
        store.close()


def _add(transaction: Transaction, rows: int) -> None:
    sequence = transaction.filters.advance(EPOCH, rows)
    transaction.claims.add(list(_claims(sequence, rows)))


def _claims(sequence: int, rows: int) -> Iterator[StoredClaim]:
    now = SystemClock().now_ms()
    parts = _ROW.iter_unpack(os.urandom(rows * _ROW.size))
    for place, (entry_id, tag, digest, claim, signature, handle, box) in enumerate(parts):
        yield StoredClaim(
            entry_id=(sequence + place).to_bytes(8, "big") + entry_id[8:],  # its index grows at one end, as it must
            contributor=SEEDER,
            epoch=EPOCH,
            tag=tag,
            sequence=sequence + place,
            kind=1,
            category=int(Category.FALSE_APPLICATION),
            subject_role=int(SubjectRole.PERPETRATOR),
            evidence_level=int(EvidenceLevel.E1),
            observed_from=now,
            observed_to=now,
            filed_at=now,
            expires_at=now + _LIFE_MS,
            sharing_level=int(SharingLevel.AMBER),
            status=ClaimStatus.ACTIVE,
            status_version=0,
            status_change=None,
            received_at=now,
            row_sha256=digest,
            purge_at=now + _LIFE_MS,
            claim=claim,
            claim_sha256=sha256(claim).digest(),
            signature=signature,
            handle=handle,
            box=box,
        )
