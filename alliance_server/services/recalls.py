"""Recalls: members say that they dealt with them, and admins see who has not.

A receipt covers all recalls up to a number. It says that they were held against what the member decided, never what
they touched.
"""

from typing import Final

from alliance.errors import Reason
from alliance.statements import RECALL_RECEIPT
from alliance.v1.statement_pb2 import SignedStatement
from alliance.v1.status_pb2 import RecallReceipt
from alliance_server.domain.errors import Refused
from alliance_server.domain.ports import Store, Transaction
from alliance_server.domain.recalls import Recall, Receipt
from alliance_server.domain.statements import check_fresh, read_statement
from alliance_server.services.call import Call
from alliance_server.services.paging import numbers, page_size

MAX_STATEMENT_BYTES: Final = 512


class RecallService:
    """Keeps receipts of recalls, and shows what is outstanding."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def acknowledge(self, call: Call, statement: SignedStatement) -> None:
        """Keep the caller's word that all recalls up to a change were dealt with; an older one changes nothing."""
        receipt = read_statement(call.caller, RECALL_RECEIPT, statement, RecallReceipt(), MAX_STATEMENT_BYTES)
        now = call.now()
        check_fresh(call.caller, receipt.member, receipt.time, now)

        def work(transaction: Transaction) -> None:
            if receipt.upto > transaction.changes.newest():
                raise Refused(Reason.INVALID_REQUEST, "there is no such change")
            transaction.recalls.keep(Receipt(call.caller.member_id, receipt.upto, now, statement.SerializeToString()))
            transaction.record(call.event(items=1))

        await self._store.write(work)

    async def list(self, call: Call, asked_size: int, token: str) -> tuple[list[Recall], str]:
        """List a page of recalls with who has not dealt with them, oldest first, and the token of the next."""
        size = page_size(asked_size)
        (after,) = numbers(token, 1)
        recalls = await self._store.read(lambda transaction: transaction.recalls.after(after, size))
        await self._store.write(lambda transaction: transaction.record(call.event(items=len(recalls))))
        return recalls, str(recalls[-1].number) if len(recalls) == size else ""
