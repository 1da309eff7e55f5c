"""Countersigning for synchronous code: the same calls, run where the blocking client runs everything."""

from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from member_client._contributions import ContributionResult
from member_client._countersign_records import CountersignatureRequest
from member_client._reviews import PendingReview
from member_client.operators import Operator

if TYPE_CHECKING:
    from member_client.countersigning import CountersignatureDocument, Countersigning

T = TypeVar("T")


class BlockingCountersigning:
    """What members ask of liaisons, and what these say to it; see `Countersigning` for what each call does."""

    def __init__(self, calls: "Countersigning", run: Callable[[Coroutine[Any, Any, Any]], Any]) -> None:
        """Take the calls, and what runs one to its end."""
        self._calls = calls
        self._run = run

    def requests(self, *, waiting_only: bool = False) -> list[CountersignatureRequest]:
        """List the requests to this liaison, or this member's own, oldest first."""

        async def listed() -> list[CountersignatureRequest]:
            return [it async for it in self._calls.requests(waiting_only=waiting_only)]

        return self._result(listed())

    def request(self, entry_id: bytes) -> CountersignatureRequest:
        """Give one request by its claim."""
        return self._result(self._calls.request(entry_id))

    def approved(self) -> list[PendingReview]:
        """List claims on this machine that two operators approved and that wait for a liaison, asked or not."""
        return self._result(self._calls.approved())

    def ask(self, entry_ids: Sequence[bytes], *, liaison: str, reference: str) -> list[CountersignatureRequest]:
        """Ask a liaison to countersign claims that two operators approved."""
        return self._result(self._calls.ask(entry_ids, liaison=liaison, reference=reference))

    def file(self) -> list[ContributionResult]:
        """File the claims on this machine that were countersigned."""
        return self._result(self._calls.file())

    def sign(
        self, entry_id: bytes, *, officer: Operator, document: "CountersignatureDocument"
    ) -> CountersignatureRequest:
        """Countersign a claim that this liaison is asked about."""
        return self._result(self._calls.sign(entry_id, officer=officer, document=document))

    def refuse(self, entry_id: bytes, *, officer: Operator, reason: str) -> CountersignatureRequest:
        """Refuse to countersign a claim, by a reason code."""
        return self._result(self._calls.refuse(entry_id, officer=officer, reason=reason))

    def revoke(self, entry_id: bytes, *, officer: Operator, reason: str) -> CountersignatureRequest:
        """Take a countersignature back for good, by a reason code."""
        return self._result(self._calls.revoke(entry_id, officer=officer, reason=reason))

    def _result(self, call: Coroutine[Any, Any, T]) -> T:
        result: T = self._run(call)
        return result
