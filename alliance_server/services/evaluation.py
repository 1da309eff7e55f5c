"""Evaluation of blinded identifiers: checked, charged and recorded first, evaluated after.

Order, so that nobody computes for free and nothing is answered that is not on record:

1. headers and elements are checked (CPU, off the loop);
2. one unit of work: epoch, replay cache, budget, credit, the header itself, the audit event;
3. evaluation and proof;
4. the reply.

Small calls take these steps together, those that came while the batch before them was under way; bulk calls take them
each by itself, on other threads. A batch is a crossing into the native core a step, and one unit of work; checks,
charges, events, proofs and failures are each call's own. A batch keeps its thread until it is answered, also while it
waits for its commit: handing it on would cost a small call more than the work itself.

A repeated call with the same content skips the charge and is evaluated again: its elements are the same, so it
tells nothing new. It is an event of its own.
"""

from collections.abc import Sequence
from functools import partial
from typing import TypeAlias

from alliance.errors import AllianceError
from alliance.v1.statement_pb2 import SignedStatement
from alliance_server.domain.evaluations import Evaluation, Query, check_queries
from alliance_server.domain.ports import Evaluator, Share, Store
from alliance_server.services.admission import Admission
from alliance_server.services.call import Call
from alliance_server.services.coalescer import Coalescer
from alliance_server.services.compute import SMALL_ITEMS, Compute

Asked: TypeAlias = tuple[Call, Query]
Checked: TypeAlias = Evaluation | AllianceError
"""What became of a call so far."""
Answer: TypeAlias = tuple[Share, ...] | AllianceError


class EvaluationService:
    """Evaluates batches."""

    def __init__(self, store: Store, evaluator: Evaluator, admission: Admission, compute: Compute) -> None:
        self._store = store
        self._evaluator = evaluator
        self._admission = admission
        self._compute = compute
        self._small = Coalescer(self._answered)

    async def evaluate(self, call: Call, header: SignedStatement, blinded: bytes) -> tuple[Share, ...]:
        """Evaluate 1 to 4,096 elements; raises Refused, SignatureInvalid, InvalidElement or InvalidBatch."""
        query = Query(call.caller, header, blinded)
        if query.count <= SMALL_ITEMS:
            return await self._small.ask((call, query))
        (answer,) = await self._answered([(call, query)])
        if isinstance(answer, AllianceError):
            raise answer
        return answer

    async def _answered(self, asked: Sequence[Asked]) -> list[Answer]:
        return await self._compute.run(max(query.count for _, query in asked), self._answer, asked)

    def _answer(self, asked: Sequence[Asked]) -> list[Answer]:
        checked = check_queries([query for _, query in asked], asked[0][0].now())
        sound = [(call, it) for (call, _), it in zip(asked, checked, strict=True) if isinstance(it, Evaluation)]
        if sound:
            refusals = self._store.write_now(partial(self._admission.admit, asked=sound))
            checked = _marked(checked, refusals)
        admitted = [it for it in checked if isinstance(it, Evaluation)]
        shares = iter(self._evaluator.evaluate(admitted) if admitted else ())
        return [next(shares) if isinstance(it, Evaluation) else it for it in checked]


def _marked(checked: Sequence[Checked], faults: Sequence[AllianceError | None]) -> list[Checked]:
    """Put the faults of those that were sound so far in their places."""
    found = iter(faults)
    return [(next(found) or it) if isinstance(it, Evaluation) else it for it in checked]
