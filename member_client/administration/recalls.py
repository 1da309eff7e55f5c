"""Recalled claims, as admins see them: who has dealt with them, and who has not."""

from dataclasses import dataclass
from typing import Final

from alliance.v1 import admin_pb2
from alliance.v1.admin_pb2_grpc import AdminServiceStub
from member_client._paging import pages
from member_client._session import Session

PAGE_SIZE: Final = 100


@dataclass(frozen=True, slots=True)
class OutstandingRecall:
    """A recalled claim; times in milliseconds UTC.

    `outstanding` names the members that did not say yet that they held it against their decisions. It says nothing of
    whether they ever saw the claim.
    """

    number: int
    entry_id: bytes
    recalled_at: int
    due_at: int
    reason: str
    outstanding: tuple[str, ...]

    def is_overdue(self, now_ms: int) -> bool:
        """Tell whether somebody let the time for it pass."""
        return bool(self.outstanding) and now_ms >= self.due_at


async def read_recalls(session: Session) -> list[OutstandingRecall]:
    """Read all recalls, oldest first."""

    async def fetch(token: str) -> admin_pb2.ListRecallsResponse:
        request = admin_pb2.ListRecallsRequest(page_size=PAGE_SIZE, page_token=token)
        return await session.transport.ask(lambda channel: AdminServiceStub(channel).ListRecalls, request)

    found: list[OutstandingRecall] = []
    async for page in pages(fetch, lambda page: page.recalls):
        found += [
            OutstandingRecall(it.number, it.entry_id, it.recalled_at, it.due_at, it.reason, tuple(it.outstanding))
            for it in page
        ]
    return found
