"""The words of the domain and the tables that follow from them: one source for wire, database, CLI and docs.

Rules that hold for every table here:

- A member of an enumeration carries its number on the wire and in the database; its `word` is what people type
  and read. Number and word are frozen: tables grow, they do not change.
- A claim by itself never permits more than its role and evidence allow; a status can only make it milder.
- Where claims conflict, the best evidence decides, and the mildest action wins among equals.

It holds no text for consumers and takes no decision about a person: it says what an institution may do at most.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Self

from alliance.errors import UnknownWord

DAY_MS = 24 * 60 * 60 * 1000


class Word(IntEnum):
    """A number of the wire that people know by a word."""

    @property
    def word(self) -> str:
        """The word, in lower case, as in files and commands."""
        return self.name.lower()

    def __str__(self) -> str:
        return self.word

    def __format__(self, spec: str) -> str:
        return format(self.word, spec)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a word; raises UnknownWord, which lists the words there are and not the text."""
        try:
            return cls[text.strip().upper()]
        except KeyError:
            words = ", ".join(member.word for member in cls)
            raise UnknownWord(f"unknown {cls.__name__}: one of {words} is needed") from None


class Category(Word):
    """What a contributor states about an identifier. Debt evasion is not among them: that is credit reporting."""

    FALSE_APPLICATION = 1
    SYNTHETIC_IDENTITY = 2
    ACCOUNT_TAKEOVER = 3
    MULE_ACCOUNT = 4
    BROKER_AGENCY_COMPLAINT = 5
    BROKER_POLICY_SURRENDER = 6
    BROKER_CREDIT_REPAIR = 7
    ILLEGAL_LOAN_BROKER = 8
    FORGED_DOCUMENTS = 9
    TELECOM_FRAUD = 10
    DEVICE_FARM = 11
    PHISHING = 12


class SubjectRole(Word):
    """The part that the subject played."""

    PERPETRATOR = 1
    MULE_UNWITTING = 2
    MULE_COERCED = 3
    MULE_COMPLICIT = 4
    BROKER_ORGANISER = 5
    BROKER_AGENT = 6
    RECRUITER = 7
    CLIENT_VICTIM = 8
    IMPERSONATED = 9
    PROTECTED = 10


class EvidenceLevel(Word):
    """How well a claim is founded: suspicion, documented, reviewed by two, accepted by police, judgment."""

    E1 = 1
    E2 = 2
    E3 = 3
    E4 = 4
    E5 = 5


class ClaimStatus(Word):
    """State of a claim's life."""

    DRAFT = 1
    PENDING_REVIEW = 2
    ACTIVE = 3
    DISPUTED = 4
    SUSPENDED = 5
    CORRECTED = 6
    WITHDRAWN = 7
    EXPIRED = 8
    RECALLED = 9


class SharingLevel(Word):
    """Who may see a claim, after TLP 2.0; red enters neither filter nor bucket."""

    RED = 1
    AMBER = 2
    GREEN = 3


class Purpose(Word):
    """Why an evaluation is asked for."""

    LOAN_APPLICATION = 1
    ACCOUNT_OPENING = 2
    TRANSACTION = 3
    PORTFOLIO_SCREENING = 4
    CONTRIBUTION = 5
    ROTATION = 6
    DISPUTE = 7
    INTERSECTION = 8
    CASE = 9


class Outcome(Word):
    """What became of a decision that rested on a claim."""

    CONFIRMED_FRAUD = 1
    """It was fraud, by this person."""
    FALSE_MATCH = 2
    """It was no fraud."""
    WRONG_PERSON = 3
    """Somebody else is meant, such as the identifier's holder before."""
    STALE = 4
    """It was so once, and holds no longer."""
    VICTIM = 5
    """The person is a victim of the conduct, and not its author."""


class Action(Word):
    """What an institution may do at most. Ordered from mild to severe."""

    NONE = 0
    INFORM = 1
    STEP_UP = 2
    DECLINE_WITH_HUMAN = 3


class ConsentNeed(Word):
    """What must be committed to in the header of an evaluation."""

    NONE = 0
    CONSUMER_CONSENT = 1
    CONSUMER_REQUEST = 2
    LEGAL_INSTRUMENT = 3
    STATEMENT_OF_BASIS = 4


CONSENT_NEEDS: dict[Purpose, ConsentNeed] = {
    Purpose.LOAN_APPLICATION: ConsentNeed.CONSUMER_CONSENT,
    Purpose.ACCOUNT_OPENING: ConsentNeed.CONSUMER_CONSENT,
    Purpose.TRANSACTION: ConsentNeed.CONSUMER_CONSENT,
    Purpose.PORTFOLIO_SCREENING: ConsentNeed.STATEMENT_OF_BASIS,
    Purpose.CONTRIBUTION: ConsentNeed.STATEMENT_OF_BASIS,
    Purpose.ROTATION: ConsentNeed.NONE,
    Purpose.DISPUTE: ConsentNeed.CONSUMER_REQUEST,
    Purpose.INTERSECTION: ConsentNeed.STATEMENT_OF_BASIS,
    Purpose.CASE: ConsentNeed.LEGAL_INSTRUMENT,
}
"""The purpose table: data contributed against fraud is usable for nothing else."""

LIVE_STATUSES = frozenset({ClaimStatus.ACTIVE, ClaimStatus.DISPUTED, ClaimStatus.SUSPENDED})

COUNTERSIGNED_LEVELS = frozenset({EvidenceLevel.E4, EvidenceLevel.E5})
"""Levels that need a liaison's countersignature."""

LEGAL_TRANSITIONS: dict[ClaimStatus, frozenset[ClaimStatus]] = {
    ClaimStatus.DRAFT: frozenset({ClaimStatus.PENDING_REVIEW, ClaimStatus.ACTIVE, ClaimStatus.WITHDRAWN}),
    ClaimStatus.PENDING_REVIEW: frozenset({ClaimStatus.ACTIVE, ClaimStatus.WITHDRAWN}),
    ClaimStatus.ACTIVE: frozenset(
        {
            ClaimStatus.DISPUTED,
            ClaimStatus.SUSPENDED,
            ClaimStatus.CORRECTED,
            ClaimStatus.WITHDRAWN,
            ClaimStatus.EXPIRED,
            ClaimStatus.RECALLED,
        }
    ),
    ClaimStatus.DISPUTED: frozenset(
        {
            ClaimStatus.ACTIVE,
            ClaimStatus.SUSPENDED,
            ClaimStatus.CORRECTED,
            ClaimStatus.WITHDRAWN,
            ClaimStatus.EXPIRED,
            ClaimStatus.RECALLED,
        }
    ),
    ClaimStatus.SUSPENDED: frozenset(
        {
            ClaimStatus.ACTIVE,
            ClaimStatus.CORRECTED,
            ClaimStatus.WITHDRAWN,
            ClaimStatus.EXPIRED,
            ClaimStatus.RECALLED,
        }
    ),
    ClaimStatus.CORRECTED: frozenset(),
    ClaimStatus.WITHDRAWN: frozenset(),
    ClaimStatus.EXPIRED: frozenset(),
    ClaimStatus.RECALLED: frozenset(),
}
"""Changes of status that are legal; every other is an error."""

_ADVERSE = (Action.INFORM, Action.STEP_UP, Action.DECLINE_WITH_HUMAN, Action.DECLINE_WITH_HUMAN)
_MISLED_MULE = (Action.INFORM, Action.INFORM, Action.STEP_UP, Action.STEP_UP)
_CAREFUL = (Action.STEP_UP,) * 4
_VICTIM = (Action.INFORM,) * 4

PERMITTED_ACTIONS: dict[SubjectRole, tuple[Action, Action, Action, Action]] = {
    SubjectRole.PERPETRATOR: _ADVERSE,
    SubjectRole.BROKER_ORGANISER: _ADVERSE,
    SubjectRole.BROKER_AGENT: _ADVERSE,
    SubjectRole.RECRUITER: _ADVERSE,
    SubjectRole.MULE_COMPLICIT: _ADVERSE,
    SubjectRole.MULE_UNWITTING: _MISLED_MULE,
    SubjectRole.MULE_COERCED: _MISLED_MULE,
    SubjectRole.IMPERSONATED: _CAREFUL,
    SubjectRole.PROTECTED: _CAREFUL,
    SubjectRole.CLIENT_VICTIM: _VICTIM,
}
"""What a claim of a role permits at most, by evidence: E1, E2, E3, and E4 with E5."""

_STATUS_CAPS = {ClaimStatus.DISPUTED: Action.STEP_UP, ClaimStatus.SUSPENDED: Action.INFORM}

_RETENTION_BY_EVIDENCE = {
    EvidenceLevel.E1: 90 * DAY_MS,
    EvidenceLevel.E2: 365 * DAY_MS,
    EvidenceLevel.E3: 3 * 365 * DAY_MS,
    EvidenceLevel.E4: 5 * 365 * DAY_MS,
    EvidenceLevel.E5: 5 * 365 * DAY_MS,
}
_RETENTION_BY_ROLE = {SubjectRole.CLIENT_VICTIM: 396 * DAY_MS, SubjectRole.PROTECTED: 730 * DAY_MS}
_RETENTION_BY_KIND = {"device": 180 * DAY_MS, "imei": 180 * DAY_MS, "ip": 180 * DAY_MS}


@dataclass(frozen=True, slots=True)
class Ground:
    """What of a claim decides the permitted action."""

    role: SubjectRole
    evidence: EvidenceLevel
    status: ClaimStatus = ClaimStatus.ACTIVE


def retention_ms(kind: str, role: SubjectRole, evidence: EvidenceLevel) -> int:
    """Give the longest life of a claim, in milliseconds from its filing.

    A protective claim lives two years whatever its evidence; for all others the shortest of the limits holds.
    """
    limits = [_RETENTION_BY_ROLE.get(role, _RETENTION_BY_EVIDENCE[evidence])]
    if role is not SubjectRole.PROTECTED:
        limits.append(_RETENTION_BY_EVIDENCE[evidence])
    if kind in _RETENTION_BY_KIND:
        limits.append(_RETENTION_BY_KIND[kind])
    return min(limits)


def permitted_action(ground: Ground) -> Action:
    """Give what one live claim permits at most; a claim that is not live permits nothing."""
    if ground.status not in LIVE_STATUSES:
        return Action.NONE
    action = PERMITTED_ACTIONS[ground.role][min(ground.evidence, EvidenceLevel.E4) - 1]
    return min(action, _STATUS_CAPS.get(ground.status, action))


def combined_action(grounds: Iterable[Ground]) -> Action:
    """Give what several live claims about one subject permit at most.

    The claims of the best evidence decide, and among these the mildest action wins (E4 and E5 count as equals).
    A protective entry stands apart and sets a floor of step-up: it neither hides nor outranks other conduct. What
    stands below E3 never goes beyond step-up anyway.
    """
    live = [ground for ground in grounds if ground.status in LIVE_STATUSES]
    protected = [ground for ground in live if ground.role is SubjectRole.PROTECTED]
    others = [ground for ground in live if ground.role is not SubjectRole.PROTECTED]
    action = _mildest_of_best(others)
    if not protected:
        return action
    return max(action, *(permitted_action(ground) for ground in protected))


def _mildest_of_best(grounds: list[Ground]) -> Action:
    if not grounds:
        return Action.NONE
    best = max(min(ground.evidence, EvidenceLevel.E4) for ground in grounds)
    return min(permitted_action(ground) for ground in grounds if min(ground.evidence, EvidenceLevel.E4) == best)


def frozen() -> tuple[object, ...]:
    """Give all tables above in one order, for the version that audit events name."""
    return (
        sorted((purpose.word, need.word) for purpose, need in CONSENT_NEEDS.items()),
        sorted((role.word, [action.word for action in row]) for role, row in PERMITTED_ACTIONS.items()),
        sorted((status.word, sorted(to.word for to in targets)) for status, targets in LEGAL_TRANSITIONS.items()),
        sorted((level.word, limit) for level, limit in _RETENTION_BY_EVIDENCE.items()),
        sorted((role.word, limit) for role, limit in _RETENTION_BY_ROLE.items()),
        sorted(_RETENTION_BY_KIND.items()),
    )
