"""Development alliances: their one name, and magic identifiers, one phone and one email for each outcome.

Rules:

1. `dev` is the name of development alliances alone: no other hub can be made under it.
2. In every other alliance a magic identifier is refused before anything is sent, so that a test which is pointed at
   the wrong hub asks about nobody and lists nobody.
3. They are nobody's: telephone numbers that Ofcom keeps for drama (020 7946 0000 to 0999), and a domain below
   `.example` (RFC 2606).
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from alliance.identifiers import Identifier, Kind
from alliance.taxonomy import Action

DEVELOPMENT_ALLIANCE: Final = "dev"


class Outcome(StrEnum):
    """What a magic identifier leads to."""

    CLEAR = "clear"
    INFORM = "inform"
    STEP_UP = "step_up"
    DECLINE_WITH_HUMAN = "decline_with_human"
    VICTIM = "victim"
    PROTECTED = "protected"
    UNCONFIRMED = "unconfirmed"
    UNKNOWN = "unknown"
    REFUSED = "refused"
    INTEGRITY = "integrity"


@dataclass(frozen=True, slots=True)
class Magic:
    """An outcome, the identifiers that lead to it in canonical form, and the verdict that is then given.

    `action` is that of a client whose `on_unavailable` is `step_up`.
    """

    outcome: Outcome
    phone: str
    email: str
    state: str
    action: Action
    meaning: str

    def identifiers(self) -> tuple[Identifier, Identifier]:
        """Give both identifiers."""
        return Identifier(Kind.PHONE, self.phone), Identifier(Kind.EMAIL, self.email)


def _magic(number: int, outcome: Outcome, state: str, action: Action, meaning: str) -> Magic:
    return Magic(outcome, f"+442079460{number:03}", f"{outcome}@magic.example", state, action, meaning)


MAGIC: Final = (
    _magic(0, Outcome.CLEAR, "clear", Action.NONE, "nobody listed it"),
    _magic(1, Outcome.INFORM, "match", Action.INFORM, "a perpetrator, suspected (E1)"),
    _magic(2, Outcome.STEP_UP, "match", Action.STEP_UP, "a perpetrator, documented (E2)"),
    _magic(3, Outcome.DECLINE_WITH_HUMAN, "match", Action.DECLINE_WITH_HUMAN, "a perpetrator, reviewed by two (E3)"),
    _magic(4, Outcome.VICTIM, "match", Action.INFORM, "a broker's client, never adverse (E3)"),
    _magic(5, Outcome.PROTECTED, "match", Action.STEP_UP, "somebody who asked to be protected"),
    _magic(6, Outcome.UNCONFIRMED, "unconfirmed", Action.STEP_UP, "the filter hits, the bucket is late"),
    _magic(7, Outcome.UNKNOWN, "unknown", Action.STEP_UP, "the hub is away"),
    _magic(8, Outcome.REFUSED, "refused", Action.STEP_UP, "a value that many people share"),
    _magic(9, Outcome.INTEGRITY, "unconfirmed", Action.STEP_UP, "a box that does not open: exit code 7"),
)
"""The one table."""

_OUTCOMES: Final = {identifier: magic.outcome for magic in MAGIC for identifier in magic.identifiers()}


def outcome_of(identifier: Identifier) -> Outcome | None:
    """Give what a magic identifier leads to; None for every other."""
    return _OUTCOMES.get(identifier)
