"""What this member's own log of decisions gives back: verdicts with a match or left open, with time and purpose."""

from dataclasses import dataclass

from alliance.taxonomy import Action, ClaimStatus, Purpose
from member_client.verdicts import FieldVerdict, Match, State, Verdict


@dataclass(frozen=True, slots=True)
class KeptDecision:
    """A verdict as it was given, with its purpose; `decided_at` in milliseconds UTC. It holds no identifier."""

    verdict: Verdict
    purpose: Purpose
    decided_at: int

    @property
    def receipt(self) -> str:
        """The name of the answer."""
        return self.verdict.receipt

    @property
    def ref(self) -> str:
        """The caller's own reference."""
        return self.verdict.ref

    @property
    def state(self) -> State:
        """What was known then."""
        return self.verdict.state

    @property
    def action(self) -> Action:
        """What was permitted then, at most."""
        return self.verdict.action

    @property
    def fields(self) -> tuple[FieldVerdict, ...]:
        """What was known then of each field."""
        return self.verdict.fields

    @property
    def matches(self) -> tuple[Match, ...]:
        """The claims that it rested on, as they stood then."""
        return self.verdict.matches


@dataclass(frozen=True, slots=True)
class Revisit:
    """A decision that rests on a claim whose status changed afterwards; times in milliseconds UTC.

    `action` is what was permitted then. `would_be` is what the same matches permit now, those apart that ended since;
    it says nothing of claims that came after. Of two changes of a claim the higher `version` stands.
    """

    receipt: str
    ref: str
    entry_id: bytes
    status: ClaimStatus
    reason: str
    version: int
    changed_at: int
    purpose: Purpose
    decided_at: int
    action: Action
    would_be: Action
    done_at: int = 0
    note: str = ""

    @property
    def is_open(self) -> bool:
        """Whether nobody has dealt with it."""
        return not self.done_at


@dataclass(frozen=True, slots=True)
class RecallReport:
    """What catching up brought: changes read, decisions that are to be revisited because of them, and all open ones."""

    changes: int
    revisits: int
    open: int
