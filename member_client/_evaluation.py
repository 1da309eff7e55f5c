"""One evaluation: blinded here, signed for, evaluated by the hub, and believed only with its proof.

Order: consent is committed to and written down, then the call goes out; the reply's proof is checked against the
epoch key that this member pinned, never one that comes with it, before anything is unblinded.

A repetition of a call sends the same request id and the same blinded bytes under a header signed anew, because the
hub accepts a header for two minutes only; it is charged once.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from alliance import statements
from alliance.clock import Clock
from alliance.crypto import tagging
from alliance.crypto.secret import Secret
from alliance.crypto.signing import SigningKey
from alliance.errors import AllianceError
from alliance.taxonomy import Purpose
from alliance.v1 import taxonomy_pb2
from alliance.v1.evaluation_pb2 import EvaluateRequest, EvaluateResponse, EvaluationHeader
from alliance.v1.evaluation_pb2_grpc import EvaluationServiceStub
from member_client._consents import Commitment, committed
from member_client._deadline import Deadline
from member_client._epochs import PinnedEpoch
from member_client._framing import pack
from member_client._ledger import Ledger
from member_client._store import Shelf
from member_client._transport import Transport
from member_client._workers import Workers
from member_client.errors import HubError, HubUnavailable, ProofRejected

MAX_BATCH: Final = tagging.MAX_BATCH
REQUEST_ID_BYTES: Final = 16
WHOLE_KEY_INDEX: Final = 1


@dataclass(frozen=True, slots=True, repr=False)
class Reply:
    """What the hub answers, not yet believed: evaluated elements and their proof."""

    evaluated: bytes
    proof: bytes


@dataclass(frozen=True, slots=True)
class Prepared:
    """A blinded batch that is ready to be sent, once or again."""

    purpose: Purpose
    epoch: PinnedEpoch
    request_id: bytes
    message: bytes = field(repr=False)
    blinded_sha256: bytes
    state: tagging.BlindState
    commitment: Commitment = field(repr=False)
    case_id: bytes = b""
    """The case under which it is asked, where the purpose is `case`; else empty."""

    @property
    def count(self) -> int:
        """Elements in it."""
        return len(self.message) // tagging.TAG_BYTES

    def finalized(self, reply: Reply) -> tagging.Tags:
        """Believe a reply, once, with its proof: arithmetic for a worker; raises ProofRejected."""
        try:
            return self.state.finalize(reply.evaluated, reply.proof, self.epoch.public_key)
        except tagging.StateSpentError as error:
            raise HubUnavailable("Another call is reading this answer: ask again.") from error
        except AllianceError as error:
            raise ProofRejected("The hub's evaluation does not verify under the epoch's key.") from error


def prepared(inputs: Sequence[bytes], digests: Sequence[bytes], purpose: Purpose, epoch: PinnedEpoch) -> Prepared:
    """Blind 1 to 4,096 inputs and commit to the consent for them: arithmetic for a worker."""
    blinded = tagging.blind(inputs)
    return Prepared(
        purpose=purpose,
        epoch=epoch,
        request_id=os.urandom(REQUEST_ID_BYTES),
        message=blinded.message,
        blinded_sha256=sha256(blinded.message).digest(),
        state=blinded.state,
        commitment=committed(digests),
    )


def prepared_for_case(
    inputs: Sequence[bytes],
    epoch: PinnedEpoch,
    case_id: bytes,
    suspects_root: bytes,
    sent: tuple[bytes, Secret] | None = None,
) -> Prepared:
    """Blind 1 to 4,096 inputs that are evaluated under a police case: arithmetic for a worker.

    The case's approved request is the basis, so that nothing else is committed to than its suspects. `sent` are the
    request id and the blinds of a request that may have gone out: the same inputs make the same request of them, which
    is charged once.
    """
    request_id, blinds = sent or (os.urandom(REQUEST_ID_BYTES), None)
    blinded = tagging.blind(inputs) if blinds is None else tagging.blind_again(inputs, blinds)
    return Prepared(
        purpose=Purpose.CASE,
        epoch=epoch,
        request_id=request_id,
        message=blinded.message,
        blinded_sha256=sha256(blinded.message).digest(),
        state=blinded.state,
        commitment=Commitment(root=suspects_root),
        case_id=case_id,
    )


class Evaluator:
    """Evaluates for one member."""

    def __init__(
        self,
        *,
        member: str,
        operator: str,
        identity: SigningKey,
        transport: Transport,
        ledger: Ledger,
        workers: Workers,
        clock: Clock,
    ) -> None:
        self._member = member
        self._operator = operator
        self._identity = identity
        self._transport = transport
        self._ledger = ledger
        self._workers = workers
        self._clock = clock
        self.evaluations = 0

    async def evaluate(self, batch: Prepared, deadline: Deadline) -> tagging.Tags:
        """Have a prepared batch evaluated, and verify it; raises ProofRejected and what the call raises."""
        reply = await self.asked(batch, deadline)
        return await self._workers.cpu(batch.finalized, reply)

    async def asked(self, batch: Prepared, deadline: Deadline) -> Reply:
        """Send a prepared batch until there is a reply; raises what the call raises.

        May be called again for the same batch as long as no reply to it was believed: it is the same request.
        """
        header = self._header(batch)

        def request() -> EvaluateRequest:
            header.time = self._clock.now_ms()
            signed = self._identity.statement(statements.EVALUATION_HEADER, header.SerializeToString())
            return EvaluateRequest(header=signed, blinded=batch.message)

        if batch.commitment.digests:
            record = pack(header.SerializeToString(), batch.commitment.to_bytes())
            await self._ledger.put(Shelf.CONSENTS, batch.request_id, record)
        response = await self._transport.call(
            lambda channel: EvaluationServiceStub(channel).Evaluate, request, deadline
        )
        reply = _whole_share(response)
        self.evaluations += batch.count
        return reply

    def _header(self, batch: Prepared) -> EvaluationHeader:
        return EvaluationHeader(
            member=self._member,
            epoch=batch.epoch.id,
            purpose=taxonomy_pb2.Purpose.ValueType(batch.purpose),
            count=batch.count,
            blinded_sha256=batch.blinded_sha256,
            consent_root=batch.commitment.root,
            request_id=batch.request_id,
            time=self._clock.now_ms(),
            operator=self._operator,
            case_id=batch.case_id,
        )


def _whole_share(response: EvaluateResponse) -> Reply:
    if len(response.shares) != 1 or response.shares[0].index != WHOLE_KEY_INDEX:
        raise HubError("The hub answers with shares of a split key, which this version cannot combine.")
    return Reply(response.shares[0].evaluated, response.shares[0].proof)
