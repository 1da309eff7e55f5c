"""The registry of claims: contributed in chunks, seen by their contributor alone, withdrawn.

A row is refused by itself; the chunk goes on. A chunk is one unit of work with one audit event, and is acknowledged
once it is durable. Rows are idempotent on their entry id: the same row again is acknowledged again, another row
under the same id is refused.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from alliance.countersignatures import substance_sha256
from alliance.disputes import DisputeState
from alliance.errors import ClaimInvalid, Reason
from alliance.taxonomy import (
    COUNTERSIGNED_LEVELS,
    Action,
    ClaimStatus,
    EvidenceLevel,
    Ground,
    SubjectRole,
    permitted_action,
)
from alliance.v1.claim_pb2 import Claim
from alliance.v1.statement_pb2 import SignedStatement
from alliance_server.domain.claims import (
    ClaimRow,
    Stock,
    StoredClaim,
    check_retags,
    stored,
)
from alliance_server.domain.countersignatures import check_stands
from alliance_server.domain.epochs import Epoch, contributes, retags
from alliance_server.domain.errors import Refused
from alliance_server.domain.operators import Operator, check_still_active
from alliance_server.domain.ports import Store, Transaction
from alliance_server.services.budgets import Budgets
from alliance_server.services.call import Call
from alliance_server.services.claim_rows import CheckedRow, check_rows, kept_approvals, who_approved
from alliance_server.services.compute import Compute
from alliance_server.services.endings import Change, Ending
from alliance_server.services.flags import Flags
from alliance_server.services.paging import numbers, page_size

MAX_ROWS = 1024
ENDS = frozenset({ClaimStatus.WITHDRAWN, ClaimStatus.RECALLED})


@dataclass(frozen=True, slots=True)
class RowResult:
    """What became of a row; `refusal` is None where it is durable. `standing` is the live claim in its way."""

    entry_id: bytes
    refusal: Reason | None = None
    repeated: bool = False
    standing: StoredClaim | None = None


class RegistryService:
    """Takes and shows claims."""

    def __init__(self, store: Store, compute: Compute, budgets: Budgets, flags: Flags) -> None:
        self._store = store
        self._compute = compute
        self._budgets = budgets
        self._flags = flags

    async def contribute(self, call: Call, rows: Sequence[ClaimRow]) -> list[RowResult]:
        """File a chunk of 1 to 1,024 rows; raises Refused where the chunk as a whole is wrong."""
        if not 1 <= len(rows) <= MAX_ROWS:
            raise Refused(Reason.INVALID_BATCH, "a chunk has 1 to 1,024 rows")
        operators = await self._operators(call, rows)
        work = partial(check_rows, operators=operators)
        checked = await self._compute.run(len(rows), work, rows, call, self._compute.threads)
        return await self._store.write(lambda transaction: self._file(transaction, call, checked))

    async def _operators(self, call: Call, rows: Sequence[ClaimRow]) -> Mapping[str, Operator]:
        """Give the caller's operators, where some row has approvals."""
        if not any(row.approvals for row in rows):
            return {}
        return await self._store.read(lambda transaction: _known_operators(transaction, call))

    async def own(
        self, call: Call, asked_size: int, token: str, *, live_only: bool, before_epoch: int = 0
    ) -> tuple[list[StoredClaim], str]:
        """List a page of the caller's claims, and the token of the next; of epochs before one, if any."""
        size = page_size(asked_size)
        epoch, sequence = numbers(token, 2)

        member, after = call.caller.member_id, (epoch, sequence)
        wanted = partial(_own, member=member, after=after, size=size, live_only=live_only, before_epoch=before_epoch)
        claims = await self._store.read(wanted)
        await self._store.write(lambda transaction: transaction.record(call.event(items=len(claims))))
        more = f"{claims[-1].epoch}-{claims[-1].sequence}" if len(claims) == size else ""
        return claims, more

    async def get(self, call: Call, entry_id: bytes) -> StoredClaim:
        """Give one of the caller's claims; raises Refused(NOT_FOUND) alike for another's and for none."""

        def work(transaction: Transaction) -> StoredClaim:
            claim = _require_own(transaction, call, entry_id)
            transaction.record(call.event(items=1))
            return claim

        return await self._store.write(work)

    async def end(self, call: Call, statement: SignedStatement, of_twin: SignedStatement | None = None) -> StoredClaim:
        """Withdraw or recall one of the caller's claims, and the one that says the same elsewhere, as it signed."""
        ending = Ending.read(call.caller, statement, of_twin, ENDS)
        change = ending.change

        def work(transaction: Transaction) -> StoredClaim:
            known = _require_own(transaction, call, change.entry_id)
            claim = transaction.claims.hold([known.entry_id])[known.entry_id]
            transaction.record(call.event(items=1, epoch=claim.epoch))
            if claim.status_change == change.statement:
                return claim
            for due in ending.check(claim, transaction.claims.hold(claim.twins)):
                due.apply(transaction, call.now())
            return replace(claim, status=change.status, status_version=change.version, status_change=change.statement)

        return await self._store.write(work)

    def _file(self, transaction: Transaction, call: Call, checked: Sequence[CheckedRow]) -> list[RowResult]:
        now, member = call.now(), call.caller.member_id
        _check_approved(transaction, call, checked)
        _check_countersigned(transaction, checked)
        epoch = _open_epoch(transaction, checked, now)
        retagged = _check_retagged(transaction, checked, now)
        tags = list({item.claim.tag for item in checked if item.claim and item.claim.epoch == epoch})
        stock = transaction.claims.stock(member, epoch, tags, now)
        _refuse_revived(transaction, checked, stock)
        corrections = _corrections(transaction, checked, stock)
        results, fresh = _sort(transaction, call, checked, epoch, stock, corrections, self._budgets)
        if fresh:
            for item in fresh:
                for change in corrections.get(item.entry_id, ()):
                    change.apply(transaction, now)
            first = transaction.filters.advance(epoch, len(fresh))
            _require_still_open(transaction, epoch, fresh, now)
            transaction.claims.add(
                [
                    stored(
                        item.row,
                        item.claim,
                        digest=item.digest,
                        sequence=first + place,
                        now=now,
                        **kept_approvals(item, retagged.get(item.row.predecessor)),
                    )
                    for place, item in enumerate(fresh)
                    if item.claim
                ]
            )
            new_tags = {it.claim.tag for it in fresh if it.claim and not it.row.predecessor} - stock.known
            self._budgets.refund_contribution(transaction, member, len(new_tags), now)
        successors = _successors(checked, results, stock, retagged)
        transaction.claims.link(successors)
        self._flags.align(transaction, _contested(successors, stock, retagged), now)
        _show_standing(transaction, checked, results, stock)
        refused = sum(result.refusal is not None for result in results)
        transaction.record(call.event(epoch=epoch, items=len(checked), items_refused=refused, **who_approved(fresh)))
        return results


def _known_operators(transaction: Transaction, call: Call) -> Mapping[str, Operator]:
    return {it.operator_id: it for it in transaction.operators.of(call.caller.member_id)}


def _check_approved(transaction: Transaction, call: Call, checked: Sequence[CheckedRow]) -> None:
    """Refuse rows whose approvers were retired since their signatures were verified."""
    if not any(item.approved for item in checked):
        return
    operators = _known_operators(transaction, call)
    for item in checked:
        if item.claim and item.approved:
            try:
                check_still_active(item.approved, operators)
            except ClaimInvalid as error:
                item.refuse(error.reason)


def _check_countersigned(transaction: Transaction, checked: Sequence[CheckedRow]) -> None:
    """Refuse rows that need a countersignature of a liaison who acts, and have none that stands.

    What is re-tagged had one when it was filed; where that was revoked, the claim is suspended, and so is its twin.
    """
    asked = [(it, it.claim) for it in checked if it.claim and not it.row.predecessor and _is_countersigned(it.claim)]
    if not asked:
        return
    known = transaction.countersignatures.hold(sorted({substance_sha256(claim) for _, claim in asked}))
    liaisons = {name: transaction.members.get(name) for name in sorted({it.liaison for it in known.values()})}
    for item, claim in asked:
        found = known.get(substance_sha256(claim))
        try:
            check_stands(found, liaisons.get(found.liaison) if found else None, item.row.claim, claim.contributor)
        except ClaimInvalid as error:
            item.refuse(error.reason)


def _is_countersigned(claim: Claim) -> bool:
    return EvidenceLevel(claim.evidence_level) in COUNTERSIGNED_LEVELS


def _open_epoch(transaction: Transaction, checked: Sequence[CheckedRow], now: int) -> int:
    """Give the epoch whose rows a chunk may file: the first one named that takes claims; 0 where none does."""
    known = {epoch.id: epoch for epoch in transaction.epochs.all()}
    named = ((known.get(item.claim.epoch), item) for item in checked if item.claim)
    return next((epoch.id for epoch, item in named if epoch is not None and _takes(epoch, item.row, now)), 0)


def _takes(epoch: Epoch, row: ClaimRow, now: int) -> bool:
    """Say whether an epoch takes a row now."""
    return retags(epoch, now) if row.predecessor else contributes(epoch, now)


def _require_still_open(transaction: Transaction, number: int, fresh: Sequence[CheckedRow], now: int) -> None:
    """Raise Refused where the epoch was closed while this unit waited for its registry: the chunk is sent again."""
    epoch = transaction.epochs.get(number)
    if epoch is None or not all(_takes(epoch, item.row, now) for item in fresh):
        raise Refused(Reason.UNAVAILABLE, "the epoch changed meanwhile")


def _check_retagged(transaction: Transaction, checked: Sequence[CheckedRow], now: int) -> Mapping[bytes, StoredClaim]:
    """Hold the claims that rows re-tag, and refuse rows that say something else; gives them by entry id."""
    named = sorted({item.row.predecessor for item in checked if item.claim and item.row.predecessor})
    held = transaction.claims.hold(named) if named else {}
    for item in checked:
        if item.claim and item.row.predecessor:
            try:
                of = held.get(item.row.predecessor)
                check_retags(item.claim, of, now)
                item.is_retagged_already = of is not None and of.successor is not None
            except ClaimInvalid as error:
                item.refuse(error.reason)
    return held


def _refuse_revived(transaction: Transaction, checked: Sequence[CheckedRow], stock: Stock) -> None:
    """Refuse rows that say again, and to more effect than to inform, what a reviewer had suspended.

    Its contributor may end such a claim. It does not come back by another name while the ended one is on record.
    """
    asked = [(it, _ended(stock, it.claim)) for it in checked if it.claim and not it.row.predecessor]
    about = sorted({entry_id for _, ended in asked for entry_id in ended})
    disputes = transaction.disputes.about(about) if about else ()
    suspended = {it.claim_id for it in disputes if it.state is DisputeState.CLAIM_SUSPENDED}
    for item, ended in asked:
        if item.claim and not suspended.isdisjoint(ended) and _permits(item.claim) > Action.INFORM:
            item.refuse(Reason.ILLEGAL_TRANSITION)


def _ended(stock: Stock, claim: Claim) -> Sequence[bytes]:
    return stock.ended.get((claim.tag, claim.category), ())


def _permits(claim: Claim) -> Action:
    return permitted_action(Ground(SubjectRole(claim.subject_role), EvidenceLevel(claim.evidence_level)))


def _corrections(transaction: Transaction, checked: Sequence[CheckedRow], stock: Stock) -> Mapping[bytes, list[Change]]:
    """Hold the claims that rows correct; gives the changes that are due by the row's entry id, or refuses the row."""
    asked = {
        item.entry_id: item
        for item in checked
        if item.claim and item.correction and item.correction.change.entry_id == _standing(stock, item.claim)
    }
    named = sorted({item.correction.change.entry_id for item in asked.values() if item.correction})
    held = transaction.claims.hold(named) if named else {}
    twins = transaction.claims.hold(sorted({it for claim in held.values() for it in claim.twins})) if held else {}
    reviewed = _reviewed(transaction, [*held, *twins])
    due: dict[bytes, list[Change]] = {}
    for entry_id, item in asked.items():
        assert item.correction is not None  # noqa: S101 - for the type checker: those alone are asked for
        claim = held[item.correction.change.entry_id]
        if not reviewed.isdisjoint((claim.entry_id, *claim.twins)):
            item.refuse(Reason.ILLEGAL_TRANSITION)
            continue
        try:
            due[entry_id] = item.correction.check(claim, twins)
        except Refused as refusal:
            item.refuse(refusal.reason)
    return due


def _reviewed(transaction: Transaction, entry_ids: Sequence[bytes]) -> set[bytes]:
    """Give those claims that wait for a reviewer: nobody replaces one under the reviewer's eyes."""
    disputes = transaction.disputes.about(sorted(entry_ids)) if entry_ids else ()
    return {it.claim_id for it in disputes if it.state is DisputeState.ESCALATED}


def _standing(stock: Stock, claim: Claim) -> bytes | None:
    return stock.standing.get((claim.tag, claim.category))


def _successors(
    checked: Sequence[CheckedRow], results: Sequence[RowResult], stock: Stock, retagged: Mapping[bytes, StoredClaim]
) -> dict[bytes, bytes]:
    """Give what each claim is re-tagged by now: a row that landed, or the caller's own claim that stood in its way."""
    successors: dict[bytes, bytes] = {}
    for item, result in zip(checked, results, strict=True):
        of = retagged.get(item.row.predecessor) if item.claim else None
        if item.claim is None or of is None or of.successor or of.entry_id in successors:
            continue
        if result.refusal is None and not result.repeated:
            successors[of.entry_id] = item.claim.entry_id
        elif result.refusal is Reason.LIVE_CLAIM_EXISTS:
            standing = _standing(stock, item.claim)
            successors |= {of.entry_id: standing} if standing else {}
    return successors


def _contested(
    successors: Mapping[bytes, bytes], stock: Stock, retagged: Mapping[bytes, StoredClaim]
) -> dict[bytes, bytes]:
    """Give those links by which a status may have to pass: from a claim that is not active, or to one that stood."""
    stood = set(stock.standing.values())
    return {
        entry_id: successor
        for entry_id, successor in successors.items()
        if retagged[entry_id].status is not ClaimStatus.ACTIVE or successor in stood
    }


def _sort(
    transaction: Transaction,
    call: Call,
    checked: Sequence[CheckedRow],
    epoch: int,
    stock: Stock,
    corrections: Mapping[bytes, list[Change]],
    budgets: Budgets,
) -> tuple[list[RowResult], list[CheckedRow]]:
    """Decide row by row what is fresh, repeated or refused; only one epoch's rows are fresh in a chunk."""
    seen = transaction.claims.digests([item.entry_id for item in checked if item.claim])
    standing = set(stock.standing)
    results: list[RowResult] = []
    fresh: list[tuple[int, CheckedRow]] = []
    followed: set[bytes] = set()
    corrected: set[tuple[bytes, int]] = set()
    for item in checked:
        item.is_retagged_already |= item.row.predecessor in followed
        about = (item.claim.tag, item.claim.category) if item.claim else None
        corrects = item.correction is not None and item.correction.change.entry_id == stock.standing.get(
            about or (b"", 0)
        )
        is_free = about not in standing or (corrects and item.entry_id in corrections and about not in corrected)
        result = _judge(item, epoch, seen, is_free=is_free)
        lands = about is not None and result.refusal is None and not result.repeated
        if item.row.predecessor and (lands or (about in stock.standing and not result.repeated)):
            followed.add(item.row.predecessor)
        if lands and about is not None:
            seen[item.entry_id] = item.digest
            standing.add(about)
            corrected.add(about)
            fresh.append((len(results), item))
        results.append(result)
    fresh = _within_protective(transaction, call, results, fresh, budgets)
    for retagging in (False, True):
        asked = [it for it in fresh if bool(it[1].row.predecessor) is retagging]
        member, quotas = call.caller.member_id, transaction.quotas
        affordable = quotas.spend_credit(member, epoch, len(asked), retagging=retagging) if asked else 0
        for place, item in asked[affordable:]:
            results[place] = RowResult(item.entry_id, Reason.NO_EVALUATION_LEFT)
    return results, [item for place, item in fresh if results[place].refusal is None]


def _within_protective(
    transaction: Transaction,
    call: Call,
    results: list[RowResult],
    fresh: list[tuple[int, CheckedRow]],
    budgets: Budgets,
) -> list[tuple[int, CheckedRow]]:
    """Refuse protective rows that the day's quota of them does not hold; what is re-tagged was counted before."""
    asked = [place for place, item in fresh if not item.row.predecessor and _protects(item)]
    if not asked:
        return fresh
    member, ones = call.caller.member_id, [1] * len(asked)
    answers = budgets.charge_each(transaction, member, "protective_claims", ones, call.now())
    over = {place: answer.reason for place, answer in zip(asked, answers, strict=True) if answer}
    for place, reason in over.items():
        results[place] = RowResult(results[place].entry_id, reason)
    return [(place, item) for place, item in fresh if place not in over]


def _protects(item: CheckedRow) -> bool:
    return item.claim is not None and int(item.claim.subject_role) == SubjectRole.PROTECTED


def _show_standing(
    transaction: Transaction, checked: Sequence[CheckedRow], results: list[RowResult], stock: Stock
) -> None:
    """Show the contributor its own claims that stood before and are in a row's way."""
    in_the_way = {
        place: _standing(stock, item.claim) or b""
        for place, (item, result) in enumerate(zip(checked, results, strict=True))
        if item.claim and result.refusal is Reason.LIVE_CLAIM_EXISTS
    }
    claims = transaction.claims.get_many(list({entry_id for entry_id in in_the_way.values() if entry_id}))
    for place, entry_id in in_the_way.items():
        results[place] = replace(results[place], standing=claims.get(entry_id))


def _judge(item: CheckedRow, epoch: int, seen: dict[bytes, bytes], *, is_free: bool) -> RowResult:
    claim = item.claim
    if claim is None:
        return RowResult(item.entry_id, item.refusal)
    earlier = seen.get(claim.entry_id)
    if earlier is not None:
        same = earlier == item.digest
        return RowResult(claim.entry_id, None if same else Reason.CONFLICTING_RETRY, repeated=same)
    if claim.epoch != epoch:
        return RowResult(claim.entry_id, Reason.EPOCH_NOT_SERVED)
    if not is_free or item.is_retagged_already:
        return RowResult(claim.entry_id, Reason.LIVE_CLAIM_EXISTS)
    return RowResult(claim.entry_id)


def _own(
    transaction: Transaction, *, member: str, after: tuple[int, int], size: int, live_only: bool, before_epoch: int
) -> list[StoredClaim]:
    return transaction.claims.own(member, after, size, live_only=live_only, before_epoch=before_epoch)


def _require_own(transaction: Transaction, call: Call, entry_id: bytes) -> StoredClaim:
    claim = transaction.claims.get(entry_id)
    if claim is None or claim.contributor != call.caller.member_id:
        raise Refused(Reason.NOT_FOUND, "no such claim of the caller")
    return claim
