"""Receipts: what the hub signs of an answer, so that whoever has it can prove that the event is in the log.

- A receipt is made once the event is durable, and before the answer goes out: an event without a number gives none.
- It is bound to the request by its digest, and to nothing else that was asked: neither holds what was asked.
- Each event is receipted once: a stream's acknowledgements have theirs, and its end has none besides.
"""

import asyncio
from hashlib import sha256
from typing import Final

from alliance.audit_events import MERGE_DELAY_MS
from alliance.crypto.signing import Signer
from alliance.statements import RECEIPT
from alliance.v1.audit_pb2 import Receipt
from alliance.v1.statement_pb2 import SignedStatement
from alliance_server.services.call import Call

_HASHED_AT_ONCE: Final = 64 * 1024
"""A larger message is hashed on another thread."""


class Receipts:
    """Makes receipts."""

    def __init__(self, key: Signer) -> None:
        self._key = key

    async def of(self, call: Call) -> SignedStatement | None:
        """Give the receipt of a call's newest event; None where it is not durable, or has one. Raises Refused."""
        record = call.latest
        if record is None or not record.row or record is call.receipted:
            return None
        receipt = Receipt(
            salt=record.salt,
            event=record.event,
            request_sha256=call.request_sha256,
            time=call.now(),
            merge_delay_seconds=MERGE_DELAY_MS // 1000,
            row=record.row,
        )
        signed = await self._signed(receipt.SerializeToString())
        call.receipted = record
        return signed

    async def _signed(self, payload: bytes) -> SignedStatement:
        if self._key.signs_at_once:
            return self._key.statement(RECEIPT, payload)
        return await asyncio.to_thread(self._key.statement, RECEIPT, payload)


async def digest_of(message: bytes) -> bytes:
    """Give the SHA-256 of a request's message."""
    if len(message) <= _HASHED_AT_ONCE:
        return sha256(message).digest()
    return (await asyncio.to_thread(sha256, message)).digest()
