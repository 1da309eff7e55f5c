"""The evaluator of a hub that holds the whole key: for development and pilots.

Whoever has both the key and the database can try identifiers one by one. Production splits the key among
custodians, behind the same port.
"""

from collections.abc import Callable
from functools import cache

from alliance.crypto import tagging
from alliance.crypto.secret import Secret
from alliance.v1.statement_pb2 import SignedStatement
from alliance_server.domain.evaluations import ELEMENT_BYTES
from alliance_server.domain.ports import Share
from alliance_server.services.compute import Compute


class LocalEvaluator:
    """Evaluates in this process."""

    def __init__(self, key_of: Callable[[int], Secret], compute: Compute) -> None:
        """Take a look-up of epoch keys, which raises KeyFileInvalid where there is none."""
        self._key_of = cache(key_of)
        self._compute = compute

    async def validate(self, blinded: bytes) -> None:
        """Raise InvalidElement or InvalidBatch unless every element decodes."""
        await self._compute.run(_count(blinded), tagging.validate, blinded)

    async def evaluate(self, epoch: int, blinded: bytes, header: SignedStatement) -> tuple[Share, ...]:  # noqa: ARG002 - custodians need the header
        """Evaluate a validated batch as the only share."""
        evaluation = await self._compute.run(_count(blinded), tagging.evaluate, self._key_of(epoch), blinded)
        return (Share(1, evaluation.elements, evaluation.proof),)


def _count(blinded: bytes) -> int:
    return len(blinded) // ELEMENT_BYTES
