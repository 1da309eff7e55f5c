"""What this member's own log of decisions gives back: verdicts that were not clear, with their time and purpose."""

from dataclasses import dataclass

from alliance.taxonomy import Action, Purpose
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
