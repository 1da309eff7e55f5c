"""Magic identifiers (`alliance.development`): refused before anything is sent, but in a development alliance.

There, the hub is as blind as any other: what it cannot know, such as that it is away, is played here, and only for
these values. Where `on_unavailable` is `raise`, what is played as left open is raised as the real thing is.
"""

from typing import Final

from alliance.development import DEVELOPMENT_ALLIANCE, Outcome, outcome_of
from alliance.identifiers import Identifier, InvalidIdentifier, Reason
from member_client.verdicts import BUCKET_UNAVAILABLE, HUB_UNAVAILABLE, State

DEVELOPMENT_ONLY: Final = "development_only"
HOW_TO_FIX: Final = (
    "This is a magic identifier for tests, which only a development alliance knows: use a real one here, or enrol with "
    "`alliance-server dev`."
)
_SHARED: Final = Reason.SUPPRESSED
_PLAYED: Final = {
    Outcome.UNCONFIRMED: (State.UNCONFIRMED, BUCKET_UNAVAILABLE),
    Outcome.UNKNOWN: (State.UNKNOWN, HUB_UNAVAILABLE),
    Outcome.REFUSED: (State.REFUSED, _SHARED.value),
}


def settled_here(identifier: Identifier, alliance: str) -> tuple[State, str] | None:
    """Give state and reason of a magic identifier that the hub must not be asked about; None for all others."""
    outcome = outcome_of(identifier)
    if outcome is None:
        return None
    return _PLAYED.get(outcome) if alliance == DEVELOPMENT_ALLIANCE else (State.REFUSED, DEVELOPMENT_ONLY)


def refusal_of(identifier: Identifier, alliance: str) -> tuple[str, str] | None:
    """Give reason and advice where nothing may be contributed about a magic identifier; None for all others."""
    state, reason = settled_here(identifier, alliance) or (None, "")
    if state is not State.REFUSED:
        return None
    return reason, HOW_TO_FIX if reason == DEVELOPMENT_ONLY else InvalidIdentifier(identifier.kind, _SHARED).how_to_fix
