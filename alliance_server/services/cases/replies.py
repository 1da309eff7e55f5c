"""What a liaison gets: the members' replies once they are handed over, and the events of a case's life."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from alliance.errors import Reason
from alliance_server.domain.attachments import Attachment
from alliance_server.domain.audit import AuditRecord
from alliance_server.domain.cases import Asked
from alliance_server.domain.errors import Refused
from alliance_server.domain.logs import Position
from alliance_server.domain.members import Role
from alliance_server.domain.ports import Store, Transaction
from alliance_server.services.call import Call
from alliance_server.services.cases.showing import ShownCase, of_caller, shown
from alliance_server.services.paging import name

PAGE: Final = 16
"""Replies of 131,120 bytes fit into a message."""


@dataclass(frozen=True, slots=True, repr=False)
class ShownStep:
    """An event of a case's life, where it is, and the statement that it commits to; empty where there is none."""

    record: AuditRecord
    position: Position | None
    statement: bytes


class ReplyService:
    """Hands over."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def case(self, call: Call, case_id: bytes) -> tuple[ShownCase, Sequence[ShownStep]]:
        """Give a case with its steps; those of members once their replies are handed over, and to its liaison alone."""

        def work(transaction: Transaction) -> tuple[ShownCase, Sequence[ShownStep]]:
            case = of_caller(transaction, call, case_id)
            members_too = call.caller.role is Role.LIAISON and case.is_handed_over(call.now())
            steps = transaction.cases.steps(case_id, members_too=members_too)
            rows = [row for row, _ in steps]
            records, places = transaction.facts.events(rows), transaction.logs.positions(rows)
            return (
                shown(transaction, case)[0],
                [ShownStep(records[row], places.get(row), statement) for row, statement in steps],
            )

        found = await self._store.read(work)
        await self._store.write(lambda transaction: transaction.record(call.event(items=len(found[1]))))
        return found

    async def list(self, call: Call, case_id: bytes, token: str) -> tuple[list[tuple[Asked, list[Attachment]]], str]:
        """List a page of the members that are asked, with their replies and what they uploaded whole; raises Refused.

        Gives the token of the next page as well.
        """
        after = name(token)

        def work(transaction: Transaction) -> list[tuple[Asked, list[Attachment]]]:
            case = of_caller(transaction, call, case_id)
            if not case.is_handed_over(call.now()):
                raise Refused(Reason.CASE_STATE_CONFLICT, "replies are not handed over yet")
            asked = transaction.cases.replies(case_id, after, PAGE)
            files = transaction.attachments.whole(case_id, [it.member for it in asked])
            return [(it, [file for file in files if file.member == it.member]) for it in asked]

        found = await self._store.read(work)
        await self._store.write(lambda transaction: transaction.record(call.event(items=len(found))))
        return found, found[-1][0].member if len(found) == PAGE else ""
