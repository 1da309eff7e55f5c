"""A row of a contribution on its way: drawn up, sealed, sent, and what came of it. No I/O.

The hub may answer that a claim of this member stands in a row's way, and shows it. Where that says the same, the row
stands, whoever filed it: another machine of this member, or this one before it lost its journal. What the label says
and which evidence lies behind it cannot be compared: the claim holds salted commitments of both.
"""

from dataclasses import dataclass
from typing import Final

from alliance.claims import SealedClaim, parse
from alliance.errors import Reason
from alliance.taxonomy import LIVE_STATUSES, needs_approvals
from alliance.v1.registry_pb2 import ClaimRowResult
from alliance.v1.statement_pb2 import SignedStatement
from member_client._contributions import ContributionOutcome, ContributionResult, ContributionRow
from member_client._drafting import Drafted, Refused
from member_client._journal import Drawn, Keepsake, Place, Settled
from member_client.own_claims import OwnClaim

PASSING: Final = frozenset(
    reason.name.lower()
    for reason in (
        Reason.STORAGE_FULL,
        Reason.UNAVAILABLE,
        Reason.INTERNAL,
        Reason.BUDGET_EXHAUSTED,
        Reason.TWO_OPERATORS_NEEDED,
    )
)
"""Refusals that pass: the sealed row is kept and sent again by the next run."""


WAITING: Final = (ContributionOutcome.PENDING_REVIEW, ContributionOutcome.PENDING_COUNTERSIGNATURE)
"""What was sealed and is not sent yet: somebody is to look at it."""


@dataclass(slots=True, repr=False)
class Row:
    """One row.

    `same_as` is an earlier row of this run that says the same, `standing` the claim that the hub showed in its way;
    `is_change` says that the journal knows of a claim there which says something else.
    """

    row: ContributionRow
    outcome: Drafted | Refused
    place: Place | None = None
    drawn: Drawn | None = None
    from_earlier_run: bool = False
    is_change: bool = False
    same_as: "Row | None" = None
    standing: OwnClaim | None = None
    approvals: tuple[SignedStatement, ...] = ()
    """What two operators signed of it, where they had to."""
    result: ContributionResult | None = None

    @property
    def sealed(self) -> SealedClaim | None:
        """The row as it is sent."""
        return None if self.drawn is None else self.drawn.sealed

    def refuse(self, refused: Refused) -> None:
        """End refused."""
        number = self.row.row_number
        self.result = ContributionResult(number, ContributionOutcome.REFUSED, refused.reason, refused.how_to_fix)

    def stand(self, outcome: ContributionOutcome, entry_id: bytes) -> None:
        """End standing at the hub."""
        self.result = ContributionResult(self.row.row_number, outcome, entry_id=entry_id)

    def take(self, answer: ClaimRowResult, *, amended: bool = False) -> None:
        """Take over the hub's answer."""
        if answer.refusal:
            self.refuse(Refused.by(_reason(answer)))
            return
        outcome = ContributionOutcome.AMENDED if amended else ContributionOutcome.ACCEPTED
        if self.from_earlier_run and answer.repeated_row:
            outcome = ContributionOutcome.UNCHANGED
        self.stand(outcome, self.sealed.entry_id if self.sealed else b"")

    @property
    def needs_approvals(self) -> bool:
        """Whether two operators must approve what it says."""
        return needs_approvals(self.row.role, self.row.evidence)

    @property
    def claim_bytes(self) -> bytes:
        """The claim as it is sent; empty before it is sealed."""
        return b"" if self.drawn is None else self.drawn.sealed.claim

    @property
    def is_refused(self) -> bool:
        """Whether it was refused so far."""
        return self.result is not None and self.result.outcome is ContributionOutcome.REFUSED

    def take_standing(self, claim: OwnClaim, now_ms: int) -> None:
        """Take over the claim in the row's way, about the same: where it lives and says the same, the row stands."""
        is_live = claim.status in LIVE_STATUSES and claim.expires_at > now_ms
        if is_live and not self.is_change and _says_the_same(claim, self.row):
            self.stand(ContributionOutcome.UNCHANGED, claim.entry_id)
        self.standing = claim

    def finished(self) -> ContributionResult:
        """Give the result; a row that says the same as an earlier one stands or falls with that."""
        first = self.same_as
        if first is not None and first.result is not None:
            if first.result.outcome is ContributionOutcome.REFUSED:
                self.refuse(Refused(first.result.reason, first.result.how_to_fix))
            elif first.result.outcome in WAITING:
                self.stand(first.result.outcome, first.result.entry_id)
            else:
                self.stand(ContributionOutcome.UNCHANGED, first.result.entry_id)
        assert self.result is not None  # noqa: S101 - every row was refused, stands, was sent, or follows one that was
        return self.result

    def settled(self) -> Settled | None:
        """Give what the journal keeps of a row that stands; None of one that does not."""
        if self.result is None or self.place is None or isinstance(self.outcome, Refused):
            return None
        if self.result.outcome is ContributionOutcome.REFUSED:
            return None
        drafted, standing = self.outcome, self.standing
        if standing is not None and self.result.entry_id == standing.entry_id:
            kept = Keepsake.of(drafted, b"")
            return Settled(self.place, standing.entry_id, standing.expires_at, kept, is_new_here=True)
        assert self.drawn is not None  # noqa: S101 - what was accepted was sent
        ends_at = parse(self.drawn.sealed.claim).expires_at
        kept = Keepsake.of(drafted, self.drawn.evidence_salt)
        return Settled(self.place, self.result.entry_id, ends_at, kept)

    def dropped(self) -> Place | None:
        """Give the place of a row that was refused for good, and so is not sent again as it is."""
        if self.result is None or self.result.outcome is not ContributionOutcome.REFUSED:
            return None
        return None if self.result.reason in PASSING else self.place


def _reason(answer: ClaimRowResult) -> Reason:
    try:
        return Reason(answer.refusal)
    except ValueError:
        return Reason.INTERNAL


def _says_the_same(claim: OwnClaim, row: ContributionRow) -> bool:
    """Compare what a claim says in clear; a time that the row leaves open is met by any."""
    times = (
        (row.expires_at, claim.expires_at),
        (row.observed_from, claim.observed_from),
        (row.observed_to, claim.observed_to),
    )
    said = (row.role, row.evidence, row.sharing) == (claim.role, claim.evidence, claim.sharing)
    return said and all(wanted is None or wanted == there for wanted, there in times)
