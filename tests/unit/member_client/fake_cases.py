"""Cases for the tests of commands: what they are given, and what was decided and asked for."""

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from alliance.cases.rules import INSTRUMENT_RULES
from alliance.identifiers import BUILTIN
from alliance.taxonomy import DAY_MS, Category
from alliance.v1 import case_pb2, taxonomy_pb2
from member_client import (
    Case,
    CaseDecision,
    CasePreview,
    CaseReply,
    CaseStanding,
    CaseState,
    CaseStep,
    CaseTerms,
    CaseVerdict,
    ExportedBundle,
    ExportStage,
    InstrumentType,
    Kind,
    MemberRole,
    NotFound,
    Operator,
    SuspectRow,
)
from member_client._canonical import Canon
from member_client._cases.terms import draw_up, preview_of, sort_out

NOW_MS = 1_790_000_000_000


def a_request(items: int = 3) -> bytes:
    """A request in form, about so many telephone numbers."""
    request = case_pb2.CaseRequest(
        case_id=bytes.fromhex("0b1c2d3e4f5061728394a5b6c7d8e9f0"),
        liaison="cyber-desk",
        number="C-2026-88",
        instrument_type=case_pb2.INSTRUMENT_TYPE_EVIDENCE_NOTICE,
        instrument_reference="X-2026-0117",
        instrument_sha256=bytes(32),
        instrument_until=NOW_MS + 60 * DAY_MS,
        categories=[taxonomy_pb2.CATEGORY_MULE_ACCOUNT],
        suspects=[case_pb2.SuspectCount(kind=taxonomy_pb2.KIND_PHONE, items=items)],
        period_from=NOW_MS - 90 * DAY_MS,
        period_to=NOW_MS,
        suspects_root=bytes(32),
        officer="officer-1",
        second_officer="officer-2",
        sealing_key=bytes(32),
        time=NOW_MS,
    )
    return request.SerializeToString()


def a_case(**changes: Any) -> Case:
    facts: dict[str, Any] = {
        "id": bytes.fromhex("0b1c2d3e4f5061728394a5b6c7d8e9f0"),
        "number": "C-2026-88",
        "liaison": "cyber-desk",
        "state": CaseState.SUBMITTED,
        "instrument": InstrumentType.EVIDENCE_NOTICE,
        "reference": "X-2026-0117",
        "instrument_sha256": bytes(32),
        "instrument_until": NOW_MS + 60 * DAY_MS,
        "categories": (Category.MULE_ACCOUNT, Category.TELECOM_FRAUD),
        "suspects": {Kind.PHONE: 2, Kind.BANK_CARD: 1},
        "period_from": NOW_MS - 90 * DAY_MS,
        "period_to": NOW_MS,
        "officers": ("officer-1", "officer-2"),
        "urgency": None,
        "drawn_up_at": NOW_MS,
        "submitted_at": NOW_MS,
        "decide_by": NOW_MS + 3 * DAY_MS,
        "request": a_request(),
    }
    return Case(**(facts | changes))


def a_decision(verdict: CaseVerdict = CaseVerdict.APPROVE, **changes: Any) -> CaseDecision:
    facts: dict[str, Any] = {
        "approver": "lin-legal",
        "function": MemberRole.LEGAL_APPROVER,
        "reason": "in order",
        "time": NOW_MS,
    }
    return CaseDecision(verdict=verdict, **(facts | changes))


@dataclass
class FakeCases:
    """Remembers what is asked of it."""

    known: list[Case] = field(default_factory=list)
    steps: tuple[CaseStep, ...] = ()
    replied: Sequence[CaseReply] = ()
    terms: list[CaseTerms] = field(default_factory=list)
    rows: list[SuspectRow] = field(default_factory=list)
    decided: list[tuple[bytes, CaseVerdict, str, Path]] = field(default_factory=list)
    left: int | None = None
    exported: list[tuple[bytes, Path, str, bool]] = field(default_factory=list)
    faulty: tuple[str, ...] = ()
    rubbish: tuple[str, ...] = ()

    async def preview(self, terms: CaseTerms, suspects: Iterable[SuspectRow]) -> CasePreview:
        self.terms.append(terms)
        self.rows = list(suspects)
        found = sort_out(self.rows, Canon("CN", "aif", BUILTIN))
        request, secret = draw_up(terms, bytes(32), found, liaison="cyber-desk", now_ms=NOW_MS)
        leaves = [it.leaf for it in found.suspects]
        payload = request.SerializeToString()
        return preview_of(request, payload, self.left, leaves=leaves, secret=secret, note=terms.note, found=found)

    async def draft(self, case_id: bytes) -> CasePreview:
        case = await self.find(case_id.hex())
        return CasePreview(case, INSTRUMENT_RULES[case.instrument], 1_000)

    async def listed(self, *, waiting_only: bool = False) -> AsyncIterator[Case]:
        for case in self.known:
            if case.subject is not None or not waiting_only:
                yield case

    async def find(self, name: str) -> Case:
        for case in self.known:
            if case.number == name or case.id.hex().startswith(name):
                return case
        raise NotFound("There is no such case.")

    async def status(self, case_id: bytes) -> CaseStanding:
        return CaseStanding(await self.find(case_id.hex()), self.steps)

    async def replies(self, case_id: bytes) -> tuple[CaseReply, ...]:
        await self.find(case_id.hex())
        return tuple(self.replied)

    async def export(
        self, case_id: bytes, out: Path, *, officer: Operator, force: bool = False, on_stage: Any = None
    ) -> ExportedBundle:
        self.exported.append((case_id, out, officer.name, force))
        case = await self.find(case_id.hex())
        for stage in ExportStage:
            on_stage(stage, 1, 2)
        missing = "attachments/lender-a/x", *self.rubbish
        return ExportedBundle(out, case, 12, 34_567, ("lender-a", "lender-b"), self.faulty, missing, self.rubbish)

    async def decide(self, case: Case, verdict: CaseVerdict, *, reason: str, document: Path) -> Case:
        self.decided.append((case.id, verdict, reason, document))
        state = CaseState.REFUSED if verdict is CaseVerdict.REFUSE else case.state
        return replace(case, state=state, decisions=(a_decision(verdict, reason=reason),))
