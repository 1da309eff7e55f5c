"""The steps of a case as the hub's log has them: each proven, each bound to what was signed, and in their order.

Where an event stands in the log says what came first: clocks may differ, leaves do not.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from google.protobuf.message import DecodeError

from alliance import statements
from alliance.audit_events import OK
from alliance.cases.bundle import layout
from alliance.cases.bundle.reading import Contents
from alliance.cases.bundle.report import BundleReport
from alliance.cases.bundle.standing import Standing
from alliance.cases.rules import items_of
from alliance.crypto.signing import VerifyingKey
from alliance.errors import SignatureInvalid
from alliance.tlog.logs import LogName
from alliance.v1 import taxonomy_pb2
from alliance.v1.audit_pb2 import AuditEvent, InclusionProof
from alliance.v1.case_pb2 import CaseDecision, CaseRequest, CaseStep, CaseSuspects
from alliance.v1.statement_pb2 import SignedStatement

CLOCKS_MS = 120_000
"""So far apart may clocks be that signed about one thing."""


@dataclass(frozen=True, slots=True)
class _Step:
    place: tuple[LogName, int]
    event: AuditEvent
    statement: SignedStatement


class Chronicle:
    """The proven steps of one case."""

    def __init__(
        self,
        contents: Contents,
        standing: Standing,
        request: CaseRequest,
        officers: Mapping[str, VerifyingKey],
        report: BundleReport,
    ) -> None:
        self._contents = contents
        self._standing = standing
        self._request = request
        self._officers = officers
        self._report = report
        self._steps: list[_Step] = []

    def events(self) -> None:
        """Verify every step, and that no step is missing that the case cannot have done without."""
        there = self._contents.named(layout.STEPS)
        for number in range(1, len(there) // 2 + 1):
            name = layout.numbered(layout.STEPS, number, layout.STEP)
            with self._report.at(name):
                self._steps.append(self._proven(name))
        for statement, actor, place in self._needed():
            if self._of(statement, actor) is None:
                self._report.fault(place, "the log does not prove that it came to the hub")
        if not self._suspects():
            self._report.fault(layout.STEPS, "the log does not prove that suspects were submitted")

    def order(self) -> None:
        """Hold the steps against each other, and against the instrument's time."""
        request, until = self._request, self._request.instrument_until
        submitted = [it for it in self._steps if it.statement.type == statements.CASE_REQUEST]
        decided = [it for it in map(self._decision, self._contents.named(layout.DECISIONS)) if it is not None]
        matched = self._suspects()
        answered = [it for it in self._steps if it.statement.type == statements.CASE_REPLY]
        evaluated = [it for it in self._steps if self._is_evaluation(it.event)]
        asked, placed = _counted(evaluated), _counted(matched)
        if max(asked.values(), default=0) > items_of(request):
            self._report.fault(layout.STEPS, "more was evaluated than was approved")
        if any(count > asked[epoch] for epoch, count in placed.items()):
            self._report.fault(layout.STEPS, "suspects were submitted that were not evaluated under this case")
        for earlier, later, text in (
            (submitted, decided, "was decided before it was submitted"),
            (decided, evaluated, "suspects were evaluated before both had approved"),
            (decided, matched, "suspects were submitted before both had approved"),
            (matched, answered, "was answered before it was matched"),
        ):
            if earlier and later and max(it.place for it in earlier) > min(it.place for it in later):
                self._report.fault(layout.STEPS, text)
        for steps, text in (
            (decided, "was approved when the instrument's time was over"),
            (matched, "suspects were submitted when the instrument's time was over"),
        ):
            if any(it.event.time >= until for it in steps):
                self._report.fault(layout.STEPS, text)
        for name in self._contents.named(layout.DECISIONS):
            with self._report.at(name):
                said = CaseDecision.FromString(self._contents.statement(name).payload)
                if said.time < request.time - CLOCKS_MS:
                    raise SignatureInvalid("was signed before the request was drawn up")
        if self._steps and self._contents.manifest.made_at < max(it.event.time for it in self._steps) - CLOCKS_MS:
            self._report.fault(layout.STEPS, "the bundle was made before the case's last step")

    def _proven(self, name: str) -> _Step:
        step = self._contents.message(name, CaseStep)
        proof = self._contents.message(name.removesuffix(layout.STEP) + layout.PROOF, InclusionProof)
        event = self._standing.proven(step.record, list(proof.hashes))
        if step.HasField("statement") and sha256(step.statement.payload).digest() not in event.commitments:
            raise SignatureInvalid("the log has an event of something else")
        if self._is_evaluation(event) and self._request.suspects_root not in event.commitments:
            raise SignatureInvalid("something else was evaluated than the suspects of this case")
        if event.outcome != OK:
            raise SignatureInvalid("the log has an event of a refusal")
        return _Step((LogName.parse(step.record.log), step.record.leaf_index), event, step.statement)

    def _is_evaluation(self, event: AuditEvent) -> bool:
        """Say whether the liaison had something evaluated under a case; such an event names the suspects' root."""
        return event.actor == self._request.liaison and event.purpose == taxonomy_pb2.PURPOSE_CASE

    def _needed(self) -> list[tuple[SignedStatement, str, str]]:
        """Give what must have come to the hub: the statement, who sent it, and its file."""
        needed: list[tuple[SignedStatement, str, str]] = []
        first = layout.REQUESTS[0]
        with self._report.at(first):
            needed.append((self._contents.statement(first), self._request.liaison, first))
        for folder in (layout.DECISIONS, layout.REPLIES):
            for name in self._contents.named(folder, layout.STATEMENT):
                with self._report.at(name):
                    actor = name.removeprefix(folder).removesuffix(layout.STATEMENT)
                    needed.append((self._contents.statement(name), actor, name))
        return needed

    def _of(self, statement: SignedStatement, actor: str) -> _Step | None:
        digest = sha256(statement.payload).digest()
        return next((it for it in self._steps if it.event.actor == actor and digest in it.event.commitments), None)

    def _decision(self, name: str) -> _Step | None:
        try:
            statement = self._contents.statement(name)
        except DecodeError:
            return None
        return self._of(statement, name.removeprefix(layout.DECISIONS).removesuffix(layout.STATEMENT))

    def _suspects(self) -> list[_Step]:
        """Give the steps in which suspects of this case were submitted."""
        found: list[_Step] = []
        for it in self._steps:
            if it.statement.type == statements.CASE_SUSPECTS and it.event.actor == self._request.liaison:
                with self._report.at(layout.STEPS):
                    said = CaseSuspects.FromString(it.statement.payload)
                    if (key := self._officers.get(said.officer)) is None or said.case_id != self._request.case_id:
                        raise SignatureInvalid("suspects were submitted by no officer of this case")
                    key.verified_payload(statements.CASE_SUSPECTS, it.statement)
                    found.append(it)
        return found


def _counted(steps: Sequence[_Step]) -> Counter[int]:
    """Count the items of steps by their epochs."""
    counts: Counter[int] = Counter()
    for it in steps:
        counts[it.event.epoch] += it.event.items
    return counts
