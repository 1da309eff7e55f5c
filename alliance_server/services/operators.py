"""Operators: a member says who of its staff approves claims, by pseudonym and key."""

from typing import Final

from alliance.statements import OPERATOR, OPERATOR_RETIREMENT
from alliance.v1 import operator_pb2
from alliance.v1.statement_pb2 import SignedStatement
from alliance_server.domain import operators
from alliance_server.domain.operators import Operator
from alliance_server.domain.ports import Store, Transaction
from alliance_server.domain.statements import check_fresh, read_statement
from alliance_server.services.call import Call

MAX_STATEMENT_BYTES: Final = 512


class OperatorService:
    """Registers, retires and lists operators."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def register(self, call: Call, statement: SignedStatement) -> Operator:
        """Register an operator that the caller states."""
        said = read_statement(call.caller, OPERATOR, statement, operator_pb2.Operator(), MAX_STATEMENT_BYTES)
        now = call.now()
        check_fresh(call.caller, said.member, said.time, now)
        operator = operators.registered(call.caller, said, statement, now)

        def work(transaction: Transaction) -> Operator:
            transaction.members.hold(call.caller.member_id)  # two at once do not pass the limit together
            known = operators.check_new(operator, transaction.operators.of(call.caller.member_id))
            if known is None:
                transaction.operators.add(operator)
            transaction.record(call.event(items=1, operator=operator.operator_id))
            return known or operator

        return await self._store.write(work)

    async def retire(self, call: Call, statement: SignedStatement) -> Operator:
        """Retire an operator that the caller names; one who is retired stays so."""
        message = operator_pb2.OperatorRetirement()
        said = read_statement(call.caller, OPERATOR_RETIREMENT, statement, message, MAX_STATEMENT_BYTES)
        now, member = call.now(), call.caller.member_id
        check_fresh(call.caller, said.member, said.time, now)

        def work(transaction: Transaction) -> Operator:
            known = {it.operator_id: it for it in transaction.operators.of(member)}
            operator = operators.retired(known.get(said.operator), now)
            transaction.operators.retire(member, operator.operator_id, now)
            transaction.record(call.event(items=1, operator=operator.operator_id))
            return operator

        return await self._store.write(work)

    async def list(self, call: Call) -> list[Operator]:
        """List the caller's operators."""
        found = await self._store.read(lambda transaction: transaction.operators.of(call.caller.member_id))
        await self._store.write(lambda transaction: transaction.record(call.event(items=len(found))))
        return found
