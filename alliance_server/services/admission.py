"""Admission of checked evaluations, in one unit of work: membership, epoch, replay cache, budget, credit, audit event.

Several are admitted with about as many statements as one needs, and each is admitted or refused as though it came
alone, after those before it.
"""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import NamedTuple, TypeVar

from alliance.errors import Reason
from alliance.taxonomy import Purpose
from alliance_server.domain.audit import AuditRecord
from alliance_server.domain.epochs import Epoch, EpochState, require_evaluating
from alliance_server.domain.errors import Refused
from alliance_server.domain.evaluations import Evaluation, RequestKey
from alliance_server.domain.members import Caller, Certificate, Member, Role, admit
from alliance_server.domain.ports import Transaction
from alliance_server.services.budgets import Budgets
from alliance_server.services.call import Call
from alliance_server.services.cases.evaluating import count_under_case, require_under_case

LOST_EVALUATIONS = 65_536
_FOR_ROWS = frozenset({Purpose.CONTRIBUTION, Purpose.ROTATION})
"""Purposes whose evaluations are for rows to be filed."""

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Admission:
    """Admits evaluations."""

    def __init__(self, budgets: Budgets) -> None:
        self._budgets = budgets

    def admit(self, transaction: Transaction, asked: Sequence[tuple[Call, Evaluation]]) -> list[Refused | None]:
        """Admit each call or say why not; those admitted are charged and recorded once the unit commits."""
        outcomes: list[Refused | None] = [None] * len(asked)
        rounds: dict[int, list[int]] = defaultdict(list)
        times: Counter[RequestKey] = Counter()
        for place, (_, evaluation) in enumerate(asked):
            # A request that is there twice is looked at again once it is settled what became of it the first time.
            rounds[times[evaluation.key]].append(place)
            times[evaluation.key] += 1
        holders = {it: transaction.members.by_serial(it) for it in {call.caller.serial for call, _ in asked}}
        epochs = {it: transaction.epochs.get(it) for it in {evaluation.epoch for _, evaluation in asked}}
        for places in rounds.values():
            admitted = self._admit(transaction, [asked[it] for it in places], holders, epochs)
            for place, outcome in zip(places, admitted, strict=True):
                outcomes[place] = outcome
        return outcomes

    def _admit(
        self,
        transaction: Transaction,
        asked: Sequence[tuple[Call, Evaluation]],
        holders: Mapping[str, tuple[Member, Certificate] | None],
        epochs: Mapping[int, Epoch | None],
    ) -> list[Refused | None]:
        """Admit distinct requests."""
        now = asked[0][0].now()
        evaluations = [evaluation for _, evaluation in asked]
        contents = transaction.quotas.evaluation_contents([it.key for it in evaluations])
        outcomes = [
            _refusal(call.caller, holders[call.caller.serial], it, epochs[it.epoch], contents.get(it.key), now)
            for call, it in asked
        ]
        fresh = [place for place, it in enumerate(evaluations) if outcomes[place] is None and it.key not in contents]
        under_cases = [place for place, it in enumerate(evaluations) if it.purpose is Purpose.CASE]
        for place in under_cases:
            if outcomes[place] is None:
                outcomes[place] = self._under_case(transaction, asked[place], epochs, is_fresh=place in fresh, now=now)
        others = (place for place in fresh if place not in under_cases)
        for budget, places in _grouped((_budget(evaluations[place], epochs), place) for place in others).items():
            items = [evaluations[place].count for place in places]
            if budget.purpose is Purpose.ROTATION:
                charged = _retagging(transaction, budget, items, now)
            else:
                charged = self._budgets.charge_each(transaction, budget.member_id, budget.resource, items, now)
            for place, outcome in zip(places, charged, strict=True):
                outcomes[place] = outcome
        _remember(transaction, [evaluations[place] for place in fresh if outcomes[place] is None], now)
        for place, ((call, evaluation), outcome) in enumerate(zip(asked, outcomes, strict=True)):
            if outcome is None:
                _record(transaction, call, evaluation, is_fresh=place in fresh)
        return outcomes

    def _under_case(
        self,
        transaction: Transaction,
        asked: tuple[Call, Evaluation],
        epochs: Mapping[int, Epoch | None],
        *,
        is_fresh: bool,
        now: int,
    ) -> Refused | None:
        """Admit an evaluation that a case permits, one after the other: each is counted before the next."""
        call, evaluation = asked
        more = evaluation.count if is_fresh else 0
        try:
            require_under_case(transaction, call.caller, evaluation, now, more=more)
            if is_fresh:
                resource = _budget(evaluation, epochs).resource
                self._budgets.charge(transaction, evaluation.member_id, resource, evaluation.count, now)
                count_under_case(transaction, call.caller, evaluation, now)
        except Refused as refusal:
            return refusal
        return None


class _Budget(NamedTuple):
    """What evaluations are charged to."""

    member_id: str
    purpose: Purpose
    epoch: int
    """0 but for re-tagging, which is bounded by the epoch and not by the day."""
    resource: str


def _budget(evaluation: Evaluation, epochs: Mapping[int, Epoch | None]) -> _Budget:
    """Say what an evaluation is charged to: where two epochs serve, both must be asked, and each has its own."""
    epoch, purpose = epochs[evaluation.epoch], evaluation.purpose
    is_retiring = epoch is not None and epoch.state is EpochState.RETIRING
    resource = f"retiring_{purpose.word}" if is_retiring else purpose.word
    return _Budget(evaluation.member_id, purpose, evaluation.epoch if purpose is Purpose.ROTATION else 0, resource)


def _retagging(transaction: Transaction, budget: _Budget, items: Sequence[int], now: int) -> list[Refused | None]:
    """Admit evaluations for re-tagging up to the claims that wait for it: nobody asks for free about anybody else.

    Those that a member lost between the answer and the row that it was for may be asked once more, up to a bound.
    """
    open_ones = transaction.quotas.credit(budget.member_id, budget.epoch, retagging=True)
    wanted = open_ones + sum(items)
    waiting = transaction.claims.count_to_retag(budget.member_id, budget.epoch, wanted, now)
    allowed = 2 * waiting + LOST_EVALUATIONS if waiting else 0
    outcomes: list[Refused | None] = []
    for count in items:
        if open_ones + count <= allowed:
            open_ones += count
            outcomes.append(None)
        else:
            outcomes.append(Refused(Reason.NOTHING_TO_RETAG, "fewer claims wait to be re-tagged"))
    return outcomes


def _refusal(
    caller: Caller,
    holder: tuple[Member, Certificate] | None,
    evaluation: Evaluation,
    epoch: Epoch | None,
    earlier: bytes | None,
    now: int,
) -> Refused | None:
    """Say why a request is refused, budgets apart; `earlier` is the content that its id was used with before."""
    if holder is None:
        return Refused(Reason.NOT_AUTHENTICATED, "the certificate is not in the registry")
    try:
        is_as_recognised = admit(*holder, now) == caller
        require_evaluating(epoch, evaluation.purpose, now)
    except Refused as refusal:
        return refusal
    if not is_as_recognised:
        return Refused(Reason.NOT_AUTHENTICATED, "role or key changed since the caller was recognised")
    if earlier not in {None, evaluation.content_sha256}:
        return Refused(Reason.CONFLICTING_RETRY, "the request id was used with other content")
    return None


def _remember(transaction: Transaction, fresh: Sequence[Evaluation], now: int) -> None:
    transaction.quotas.add_evaluations(fresh, now)
    for_rows = [it for it in fresh if it.purpose in _FOR_ROWS]
    by_kind = (((it.member_id, it.epoch, it.purpose is Purpose.ROTATION), it.count) for it in for_rows)
    for (member_id, epoch, retagging), counts in _grouped(by_kind).items():
        transaction.quotas.add_credit(member_id, epoch, sum(counts), retagging=retagging)


def _record(transaction: Transaction, call: Call, evaluation: Evaluation, *, is_fresh: bool) -> None:
    """Record an evaluation; a liaison's is a step of its case."""
    event = _event(call, evaluation)
    if evaluation.purpose is Purpose.CASE and call.caller.role is Role.LIAISON and is_fresh:
        transaction.step(evaluation.case_id, event)
    else:
        transaction.record(event)


def _event(call: Call, evaluation: Evaluation) -> AuditRecord:
    return call.event(
        operator=evaluation.operator,
        purpose=evaluation.purpose,
        epoch=evaluation.epoch,
        items=evaluation.count,
        commitments=(evaluation.content_sha256, evaluation.consent_root),
    )


def _grouped(pairs: Iterable[tuple[K, V]]) -> dict[K, list[V]]:
    groups: dict[K, list[V]] = defaultdict(list)
    for key, value in pairs:
        groups[key].append(value)
    return groups
