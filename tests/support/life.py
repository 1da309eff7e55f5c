"""What must be so of claims, told apart from the code that makes it so: a model that tests hold an alliance against.

It keeps what was filed and what became of it, and says at any time which claims are live, what may be done about
their subject, and which changes a member must be able to learn of. Its rules are written out here a second time, from
the words of the domain, and share nothing with `alliance.taxonomy` but the words.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final

from alliance.disputes import DisputeGround, DisputeOutcome
from alliance.taxonomy import DAY_MS, Action, Category, ClaimStatus, EvidenceLevel, SubjectRole

LIVE: Final = (ClaimStatus.ACTIVE, ClaimStatus.DISPUTED, ClaimStatus.SUSPENDED)
LONGEST_MS: Final = {EvidenceLevel.E1: 90 * DAY_MS, EvidenceLevel.E2: 365 * DAY_MS}
KEPT_AFTER_END_MS: Final = 30 * DAY_MS
_TOLD_FOR_MS: Final = dict.fromkeys(ClaimStatus, 90 * DAY_MS) | {ClaimStatus.RECALLED: 3 * 365 * DAY_MS}
ANSWER_WITHIN_MS: Final = dict.fromkeys(DisputeGround, 20 * DAY_MS) | {DisputeGround.IDENTITY_THEFT: 4 * DAY_MS}
ANSWERS: Final = {
    DisputeOutcome.UPHELD: ClaimStatus.ACTIVE,
    DisputeOutcome.CORRECTED: ClaimStatus.CORRECTED,
    DisputeOutcome.WITHDRAWN: ClaimStatus.WITHDRAWN,
    DisputeOutcome.RECALLED: ClaimStatus.RECALLED,
}
"""The status of a claim after its contributor's answer."""

_BY_ROLE: Final = {
    SubjectRole.PERPETRATOR: (Action.INFORM, Action.STEP_UP),
    SubjectRole.MULE_COERCED: (Action.INFORM, Action.INFORM),
    SubjectRole.IMPERSONATED: (Action.STEP_UP, Action.STEP_UP),
    SubjectRole.CLIENT_VICTIM: (Action.INFORM, Action.INFORM),
}
ROLES: Final = tuple(_BY_ROLE)
HARMED: Final = (SubjectRole.IMPERSONATED, SubjectRole.CLIENT_VICTIM)


@dataclass(frozen=True)
class Filed:
    """A claim as the model knows it; times in milliseconds UTC."""

    entry_id: bytes
    contributor: str
    subject: int
    category: Category
    role: SubjectRole
    evidence: EvidenceLevel
    expires_at: int
    status: ClaimStatus = ClaimStatus.ACTIVE
    version: int = 0
    ended_at: int = 0

    def is_live(self, now: int) -> bool:
        return self.status in LIVE and self.expires_at > now

    def is_kept(self, now: int) -> bool:
        """Whether the hub still holds its row."""
        over = min(self.expires_at, self.ended_at + KEPT_AFTER_END_MS) if self.ended_at else self.expires_at
        return over > now

    @property
    def most(self) -> Action:
        """What it permits by itself while it is live."""
        of_role = _BY_ROLE[self.role][self.evidence - 1]
        caps = {ClaimStatus.ACTIVE: of_role, ClaimStatus.DISPUTED: Action.STEP_UP, ClaimStatus.SUSPENDED: Action.INFORM}
        return min(of_role, caps[self.status])


@dataclass(frozen=True)
class Contested:
    """A dispute that waits for its answer."""

    dispute_id: bytes
    entry_id: bytes
    due_at: int


Change = tuple[bytes, ClaimStatus, int]
"""Entry id, status and version of a change."""


@dataclass
class Life:
    """All claims, by entry id, and the changes of their statuses in order."""

    claims: dict[bytes, Filed] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    changed_at: list[int] = field(default_factory=list)
    """When each of them was made."""
    waiting: dict[bytes, Contested] = field(default_factory=dict)
    """Disputes that wait for an answer, by entry id."""

    def file(self, claim: Filed) -> None:
        assert claim.entry_id not in self.claims, "an entry id was used twice"
        self.claims[claim.entry_id] = claim

    def change(self, entry_id: bytes, status: ClaimStatus, now: int) -> None:
        """Let a claim's status change."""
        claim = self.claims[entry_id]
        ended_at = 0 if status in LIVE else now
        self.claims[entry_id] = replace(claim, status=status, version=claim.version + 1, ended_at=ended_at)
        self.changes.append((entry_id, status, claim.version + 1))
        self.changed_at.append(now)
        if status is not ClaimStatus.DISPUTED and status is not ClaimStatus.SUSPENDED:
            self.waiting.pop(entry_id, None)

    def contest(self, dispute_id: bytes, entry_id: bytes, ground: DisputeGround, now: int) -> None:
        """Let a claim be contested."""
        self.change(entry_id, ClaimStatus.DISPUTED, now)
        self.waiting[entry_id] = Contested(dispute_id, entry_id, now + ANSWER_WITHIN_MS[ground])

    def let_clocks_run_out(self, now: int) -> list[Filed]:
        """Suspend what nobody answered for in time, as the hub must; gives those claims."""
        late = [
            self.claims[it.entry_id]
            for it in self.waiting.values()
            if it.due_at <= now and self.claims[it.entry_id].status is ClaimStatus.DISPUTED
        ]
        late = [claim for claim in late if claim.is_live(now)]
        for claim in late:
            self.change(claim.entry_id, ClaimStatus.SUSPENDED, now)
        return late

    def answerable(self, now: int) -> list[Contested]:
        """Give the disputes that may be answered: those of live claims."""
        return [it for it in self.waiting.values() if self.claims[it.entry_id].is_live(now)]

    def standing(self, contributor: str, subject: int, category: Category, now: int) -> Filed | None:
        """Give the contributor's live claim about a subject in a category; there is one at most."""
        about = (contributor, subject, category)
        live = [it for it in self.live(now) if (it.contributor, it.subject, it.category) == about]
        assert len(live) <= 1
        return live[0] if live else None

    def live(self, now: int) -> list[Filed]:
        return [claim for claim in self.claims.values() if claim.is_live(now)]

    def matches(self, reader: str, subject: int, now: int) -> list[Filed]:
        """Give the claims that a reader must be shown of a subject: live ones of others."""
        return [it for it in self.live(now) if it.subject == subject and it.contributor != reader]

    def told(self, now: int) -> list[Change]:
        """Give the changes that a member must be able to learn of: for the claim's time, and for a while at least."""
        return [
            change
            for change, at in zip(self.changes, self.changed_at, strict=True)
            if max(self.claims[change[0]].expires_at, at + _TOLD_FOR_MS[change[1]]) > now
        ]


def permitted(claims: Iterable[Filed]) -> Action:
    """Give what claims about one subject permit: of the best evidence, the mildest."""
    live = list(claims)
    best = max((claim.evidence for claim in live), default=None)
    return min((claim.most for claim in live if claim.evidence == best), default=Action.NONE)
