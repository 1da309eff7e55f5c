"""Cases for synchronous code: the same calls, run where the blocking client runs everything."""

from collections.abc import Callable, Coroutine, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from alliance.cases.words import CaseVerdict
from member_client._cases.exporting import ExportedBundle, OnStage
from member_client._cases.records import Case
from member_client._cases.replies import CaseReply
from member_client._cases.requesting import CaseStanding
from member_client._cases.terms import CasePreview, CaseTerms, SuspectRow
from member_client.operators import Operator
from member_client.screening import OnProgress

if TYPE_CHECKING:
    from member_client.cases import Cases

T = TypeVar("T")


class BlockingCases:
    """Cases, for a liaison and for those who approve them; see `Cases` for what each call does."""

    def __init__(self, cases: "Cases", run: Callable[[Coroutine[Any, Any, Any]], Any]) -> None:
        """Take the calls, and what runs one to its end."""
        self._cases = cases
        self._run = run

    def preview(self, terms: CaseTerms, suspects: Iterable[SuspectRow]) -> CasePreview:
        """Say what a case would ask for, and how much of what its instrument covers."""
        return self._result(self._cases.preview(terms, tuple(suspects)))

    def open(self, preview: CasePreview, *, officer: Operator) -> Case:
        """Sign a case as it was previewed, as its first officer, and keep it as a draft."""
        return self._result(self._cases.open(preview, officer=officer))

    def draft(self, case_id: bytes) -> CasePreview:
        """Give a draft on this machine as its second officer looks at it before they sign."""
        return self._result(self._cases.draft(case_id))

    def submit(self, case_id: bytes, *, officer: Operator) -> Case:
        """Sign a draft as its second officer, and submit it to the approvers."""
        return self._result(self._cases.submit(case_id, officer=officer))

    def match(self, case_id: bytes, *, officer: Operator, on_progress: OnProgress | None = None) -> Case:
        """Evaluate the suspects of an approved case and submit them."""
        return self._result(self._cases.match(case_id, officer=officer, on_progress=on_progress))

    def replies(self, case_id: bytes) -> tuple[CaseReply, ...]:
        """Open and verify the replies of the members that were asked."""
        return self._result(self._cases.replies(case_id))

    def export(
        self,
        case_id: bytes,
        out: Path,
        *,
        officer: Operator,
        force: bool = False,
        on_stage: OnStage | None = None,
    ) -> ExportedBundle:
        """Write a case's bundle, signed by an officer."""
        return self._result(self._cases.export(case_id, out, officer=officer, force=force, on_stage=on_stage))

    def extend(self, case_id: bytes, *, officer: Operator, reason: str = "") -> Case:
        """Ask for more time for the replies, once a case."""
        return self._result(self._cases.extend(case_id, officer=officer, reason=reason))

    def withdraw(self, case_id: bytes, *, officer: Operator, reason: str) -> Case:
        """Take a case back, or forget a draft."""
        return self._result(self._cases.withdraw(case_id, officer=officer, reason=reason))

    def close(self, case_id: bytes, *, officer: Operator, reason: str) -> Case:
        """Close a case whose replies were handed over."""
        return self._result(self._cases.close(case_id, officer=officer, reason=reason))

    def listed(self, *, waiting_only: bool = False) -> Iterator[Case]:
        """List cases, oldest first."""

        async def gathered() -> tuple[Case, ...]:
            return tuple([case async for case in self._cases.listed(waiting_only=waiting_only)])

        return iter(self._result(gathered()))

    def find(self, name: str) -> Case:
        """Give the case of a number, or whose id starts so in hexadecimal."""
        return self._result(self._cases.find(name))

    def status(self, case_id: bytes) -> CaseStanding:
        """Give a case with the events of its life."""
        return self._result(self._cases.status(case_id))

    def decide(self, case: Case, verdict: CaseVerdict | str, *, reason: str, document: Path) -> Case:
        """Approve or refuse a case as it was read, with the legal instrument's document at hand."""
        return self._result(self._cases.decide(case, verdict, reason=reason, document=document))

    def _result(self, work: Coroutine[Any, Any, T]) -> T:
        result: T = self._run(work)
        return result
