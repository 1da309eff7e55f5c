"""Evaluation of blinded identifiers: checked, charged and recorded first, evaluated after.

Order, so that nobody computes for free and nothing is answered that is not on record:

1. header and elements are checked (CPU, off the loop);
2. one unit of work: epoch, replay cache, budget, credit, the header itself, the audit event;
3. evaluation and proof;
4. the reply.

A repeated call with the same content skips the charge and is evaluated again: its elements are the same, so it
tells nothing new. It is an event of its own.
"""

from alliance.errors import Reason
from alliance.taxonomy import Purpose
from alliance.v1.statement_pb2 import SignedStatement
from alliance_server.domain.epochs import require_contributing, require_serving
from alliance_server.domain.errors import Refused
from alliance_server.domain.evaluations import Evaluation, check_header
from alliance_server.domain.ports import Evaluator, Share, Store, Transaction
from alliance_server.services.budgets import Budgets
from alliance_server.services.call import Call


class EvaluationService:
    """Evaluates batches."""

    def __init__(self, store: Store, evaluator: Evaluator, budgets: Budgets) -> None:
        self._store = store
        self._evaluator = evaluator
        self._budgets = budgets

    async def evaluate(self, call: Call, header: SignedStatement, blinded: bytes) -> tuple[Share, ...]:
        """Evaluate 1 to 4,096 elements; raises Refused, SignatureInvalid, InvalidElement or InvalidBatch."""
        evaluation = check_header(header, blinded, caller=call.caller, now=call.now())
        await self._evaluator.validate(blinded)
        await self._store.write(lambda transaction: self._admit(transaction, call, evaluation))
        return await self._evaluator.evaluate(evaluation.epoch, blinded, header)

    def _admit(self, transaction: Transaction, call: Call, evaluation: Evaluation) -> None:
        now = call.now()
        require = require_contributing if evaluation.purpose is Purpose.CONTRIBUTION else require_serving
        require(transaction.epochs.get(evaluation.epoch), now)
        earlier = transaction.quotas.evaluation_content(evaluation.member_id, evaluation.request_id)
        if earlier is None:
            self._charge(transaction, evaluation, now)
            transaction.quotas.add_evaluation(evaluation, now)
        elif earlier != evaluation.content_sha256:
            raise Refused(Reason.CONFLICTING_RETRY, "the request id was used with other content")
        transaction.record(
            call.event(
                operator=evaluation.operator,
                purpose=evaluation.purpose,
                epoch=evaluation.epoch,
                items=evaluation.count,
                commitments=(evaluation.content_sha256, evaluation.consent_root),
            )
        )

    def _charge(self, transaction: Transaction, evaluation: Evaluation, now: int) -> None:
        self._budgets.charge(transaction, evaluation.member_id, evaluation.purpose.word, evaluation.count, now)
        if evaluation.purpose is Purpose.CONTRIBUTION:
            transaction.quotas.add_credit(evaluation.member_id, evaluation.epoch, evaluation.count)
