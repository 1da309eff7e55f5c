"""What the hub states about members, epochs and the suppression list."""

from collections.abc import Callable, Sequence

from alliance.crypto.signing import Signer
from alliance.identifiers import SuppressionList
from alliance.v1.statement_pb2 import SignedStatement
from alliance_server.domain.members import MemberState, Role
from alliance_server.domain.ports import Store, Transaction
from alliance_server.services.call import Call
from alliance_server.services.paging import name, page_size
from alliance_server.services.statements import (
    epoch_statement,
    member_statement,
    roots_statement,
    suppression_statement,
)
from alliance_server.services.suppression import in_force

_NOT_YET = {MemberState.INVITED, MemberState.UNCONFIRMED}


class DirectoryService:
    """Serves statements of the hub."""

    def __init__(self, store: Store, key: Signer, roots: Callable[[], Sequence[bytes]]) -> None:
        """Take, beside the rest, what gives the CAs in force, DER, the one that issues first."""
        self._roots = roots
        self._store = store
        self._key = key
        self._suppression: dict[int, SignedStatement] = {}

    async def members(self, call: Call, asked_size: int, token: str) -> tuple[list[SignedStatement], str]:
        """List a page of enrolled members, past ones included, and the token of the next.

        Keys that are not confirmed yet are shown to admins, who confirm them, and to nobody else.
        """
        size, after = page_size(asked_size), name(token)
        hidden = {MemberState.INVITED} if call.caller.role is Role.ADMIN else _NOT_YET

        def work(transaction: Transaction) -> tuple[list[SignedStatement], str]:
            members = transaction.members.page(after, size)
            enrolled = [member for member in members if member.state not in hidden]
            transaction.record(call.event(items=len(enrolled)))
            more = members[-1].id if len(members) == size else ""
            return [member_statement(self._key, member) for member in enrolled], more

        return await self._store.write(work)

    async def epochs(self, call: Call) -> tuple[list[SignedStatement], SignedStatement]:
        """List the epochs that are begun or serve; with the statement of the CAs in force."""

        def work(transaction: Transaction) -> list[SignedStatement]:
            epochs = [epoch for epoch in transaction.epochs.all() if epoch.has_filter]
            transaction.record(call.event(items=len(epochs)))
            return [epoch_statement(self._key, epoch, call.now()) for epoch in epochs]

        epochs = await self._store.write(work)
        return epochs, roots_statement(self._key, self._roots(), call.now())

    async def suppression_list(self, call: Call) -> SignedStatement:
        """Give the suppression list in force: the newest that admins set, else the release's own."""

        def work(transaction: Transaction) -> SuppressionList | SignedStatement:
            transaction.record(call.event())
            return self._suppression.get(transaction.suppression.number()) or in_force(transaction)

        found = await self._store.write(work)
        if isinstance(found, SignedStatement):
            return found
        self._suppression = {found.number: suppression_statement(self._key, found)}
        return self._suppression[found.number]
