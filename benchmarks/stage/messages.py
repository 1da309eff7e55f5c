"""The sizes of the product's messages: requests and replies as on the wire, with random content."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from alliance.clock import SystemClock
from alliance.crypto.sealing import BOX_BYTES, ENTRY_ID_BYTES, HANDLE_BYTES
from alliance.crypto.signing import SIGNATURE_BYTES, SigningKey
from alliance.v1 import taxonomy_pb2
from alliance.v1.evaluation_pb2 import EvaluateRequest, EvaluateResponse, EvaluationHeader, EvaluationShare
from alliance.v1.registry_pb2 import ClaimRow, ClaimRowResult, ContributeRequest, ContributeResponse

CLAIM_BYTES: Final = 220
"""Roughly what a contributor signs for a row."""
_PROOF_BYTES = 64


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and its reply; both have the same length each time."""

    name: str
    items: int
    request: Callable[[int], bytes]
    reply: Callable[[int], bytes]

    def request_bytes(self) -> bytes:
        """Make a request."""
        return self.request(self.items)

    def reply_bytes(self) -> bytes:
        """Make a reply."""
        return self.reply(self.items)


def _evaluate_request(items: int) -> bytes:
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


def _evaluate_reply(items: int) -> bytes:
    share = EvaluationShare(index=1, evaluated=os.urandom(32 * items), proof=os.urandom(_PROOF_BYTES))
    return EvaluateResponse(shares=[share]).SerializeToString()


def _contribute_request(items: int) -> bytes:
    row = ClaimRow(
        claim=os.urandom(CLAIM_BYTES),
        signature=os.urandom(SIGNATURE_BYTES),
        handle=os.urandom(HANDLE_BYTES),
        box=os.urandom(BOX_BYTES),
    )
    return ContributeRequest(request_id=os.urandom(16), rows=[row] * items).SerializeToString()


def _contribute_reply(items: int) -> bytes:
    result = ClaimRowResult(entry_id=os.urandom(ENTRY_ID_BYTES))
    return ContributeResponse(request_id=os.urandom(16), results=[result] * items).SerializeToString()


CHECK: Final = Exchange("check of 3", 3, _evaluate_request, _evaluate_reply)
BATCH: Final = Exchange("batch of 4,096", 4096, _evaluate_request, _evaluate_reply)
CHUNK: Final = Exchange("chunk of 1,024 claims", 1024, _contribute_request, _contribute_reply)
EXCHANGES: Final = (CHECK, BATCH, CHUNK)
"""An online check's evaluation, a screening's, and a contribution's message."""
