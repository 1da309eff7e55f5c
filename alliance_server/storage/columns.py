"""What every column says of itself: what it holds, and how long that stays.

`column` is SQLModel's `Field` with two keywords more, which nothing may leave out: `holds` and `kept`. A column that
code updates says `mutable=True` besides. The reference of the data model is made of them (`tools/reference_data.py`).
"""

import ast
import inspect
from dataclasses import dataclass
from enum import Enum, IntEnum
from itertools import pairwise
from typing import Any

from sqlalchemy import Column
from sqlalchemy.dialects import postgresql
from sqlmodel import Field

_ABOUT = "about"


class Level(IntEnum):
    """How far a value is nobody's business; in the order of the levels of JR/T 0197-2020, up to its fourth."""

    PUBLIC = 1
    """Anybody may see it."""
    INTERNAL = 2
    """Members and the hub's operator may see it."""
    SENSITIVE = 3
    """Tells of an institution's business, or of what is said of people without saying of whom."""
    CONFIDENTIAL = 4
    """Tells of people together with a key that is kept elsewhere."""


class Holds(Enum):
    """What a column holds: its level, and what that is."""

    KEY = Level.PUBLIC, "a public key or a certificate; members pin it"
    NAME = Level.INTERNAL, "who an institution is: its id, its name, its role and state"
    WORKINGS = Level.INTERNAL, "what the hub works by: numbers, times, states and the like"
    PUBLISHED = Level.INTERNAL, "what the hub signs for all members"
    DIGEST = Level.INTERNAL, "SHA-256 of what somebody sent, to know it again; nobody can guess what was sent"
    TOKEN_HASH = Level.SENSITIVE, "SHA-256 of a secret of 32 random bytes that was shown once"
    VOLUME = Level.SENSITIVE, "how much a member asks or files: its business"
    STATEMENT = Level.SENSITIVE, "what a member signed, as it came, so that nobody can deny it"
    AUDIT = Level.SENSITIVE, "who did what, when and why; never an identifier, a query's tag or a prefix"
    OUTCOME = Level.SENSITIVE, "how often members reported what became of decisions; of none by itself"
    CLAIM = Level.SENSITIVE, "what is said about somebody whom the tag alone names"
    TAG = Level.CONFIDENTIAL, "a keyed pseudonym of an identifier: who has the epoch's key can try them all"
    SEALED = Level.CONFIDENTIAL, "what only those can open or find again who hold the identifier"
    RELEASE = Level.CONFIDENTIAL, "what only one officer of a liaison can open, with a key of that case alone"

    def __init__(self, level: Level, meaning: str) -> None:
        self.level = level
        self.meaning = meaning


class Kept(Enum):
    """How long a value stays, and what in the code ends it; empty where nothing does yet."""

    ALLIANCE = "while there is the alliance: members pin it, or verify by it", "nothing shall"
    CURRENT = "until the next one takes its place", "each write"
    SNAPSHOT = "while it is in force, and an hour at least", "the filter's maintenance, with its deltas and its file"
    CLAIM = (
        "until the claim's time is over, which the [table](#how-long-a-claim-lasts) bounds, or 30 days after its end",
        "the purge, which leaves an event; the end of its epoch at the latest",
    )
    CHANGE = (
        "until the claim's time would be over, 90 days at least, a recall three years: who saw it learns",
        "the purge",
    )
    BATCH = "90 days after it came: a retry is known by it", "the end of a month"
    WAITING = "until it is told with others, a year at most", "the end of a month"
    TOLD = "three years after its month", "the end of a month"
    REPORT = "as long as the claim that it is about", "the claim's purge"
    CONTESTED = "until 30 days after the dispute is closed", "the disputes' job"
    DISPUTE = "until three years after the dispute is closed", "the disputes' job, which leaves an event"
    CASE_SEALED = (
        "until 30 days after the case's end; of a case that ends before it asks anybody, until then",
        "the cases' job",
    )
    CASE = "until three years after the case's end", "the cases' job, which leaves an event"
    COUNTERSIGNING = (
        "until the claim's time is over; where it was refused or nobody answered, 30 days more",
        "the purge, which leaves an event",
    )
    COUNTERSIGNED = "until the claim's time is over", "the purge"
    CERTIFICATE = "three years after it ended: what was done under it names its holder", ""
    INVITATION = "90 days after it was used or ended", ""
    CREDIT = "while its epoch takes contributions", "the end of the epoch"
    DAY = "90 days after its day", ""
    HOUR = "90 days after its hour", "the watch over volumes"
    EVIDENCE = "three years at least, as the event that it stands behind", ""
    AUDIT = "three years at least", ""

    def __init__(self, how_long: str, ended_by: str) -> None:
        self.how_long = how_long
        self.ended_by = ended_by


@dataclass(frozen=True, slots=True)
class About:
    """What a column says of itself; `mutable`: code updates it."""

    holds: Holds
    kept: Kept
    mutable: bool


def column(
    *,
    holds: Holds,
    kept: Kept,
    mutable: bool = False,
    sa_column: "Column[Any] | None" = None,
    **options: Any,  # noqa: ANN401 - those of `Field`
) -> Any:  # noqa: ANN401 - as `Field` itself
    """Give a record's field as SQLModel's `Field` does, which takes the other options."""
    info = {_ABOUT: About(holds, kept, mutable)}
    if sa_column is None:
        return Field(sa_column_kwargs={"info": info}, **options)
    sa_column.info.update(info)
    return Field(sa_column=sa_column, **options)


def about(made: "Column[Any]") -> About:
    """Give what a column says of itself; raises KeyError where it says nothing."""
    said: About = made.info[_ABOUT]
    return said


def meanings(made: type) -> dict[str, str]:
    """Give the strings that stand below the fields of a class, by field; those without one are left out."""
    fields = [line for part in ast.parse(inspect.getsource(made)).body for line in getattr(part, "body", ())]
    found = {}
    for field, below in pairwise(fields):
        target = field.target if isinstance(field, ast.AnnAssign) else getattr(field, "targets", [None])[0]
        if isinstance(target, ast.Name) and isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
            found[target.id] = " ".join(str(below.value.value).split())
    return found


def type_of(made: "Column[Any]") -> str:
    """Give a column's type as PostgreSQL has it, with its keys and whether it may be NULL."""
    name = made.type.compile(dialect=postgresql.dialect())  # type: ignore[no-untyped-call]
    keys = ["key"] if made.primary_key else []
    keys += [f"→ {key.target_fullname}" for key in made.foreign_keys]
    return ", ".join([name.lower(), *keys, *(["NULL"] if made.nullable else [])])
