"""Police cases. No column holds a suspect's tag: it is matched and forgotten."""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, SmallInteger
from sqlmodel import SQLModel

from alliance_server.storage.columns import Holds, Kept, column
from alliance_server.storage.tables.parts import big, blob, small


class LiaisonScopeTable(SQLModel, table=True):
    """What each liaison may ask for, as two admins set it."""

    __tablename__ = "liaison_scopes"

    member_id: str = column(primary_key=True, max_length=32, holds=Holds.NAME, kept=Kept.CURRENT)
    """The liaison."""
    instruments: bytes = column(sa_column=blob(), holds=Holds.WORKINGS, kept=Kept.CURRENT, mutable=True)
    """Numbers of `InstrumentType`, a byte each, ascending. Empty: it may ask for nothing."""
    categories: bytes = column(sa_column=blob(), holds=Holds.WORKINGS, kept=Kept.CURRENT, mutable=True)
    """Numbers of `Category`, a byte each, ascending."""


class CaseTable(SQLModel, table=True):
    """Police cases, from their submission on."""

    __tablename__ = "cases"
    __table_args__ = (
        Index("cases_by_liaison", "liaison", "row"),
        Index("cases_by_instrument", "liaison", "instrument_sha256"),
        Index("cases_by_state", "state"),
        Index("cases_by_end", "ended_at"),
    )

    row: int | None = column(
        default=None,
        sa_column=Column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
        holds=Holds.WORKINGS,
        kept=Kept.CASE,
    )
    """Number by which lists go on."""
    id: bytes = column(sa_column=Column(LargeBinary, nullable=False, unique=True), holds=Holds.WORKINGS, kept=Kept.CASE)
    """16 random bytes, the liaison's."""
    liaison: str = column(max_length=32, holds=Holds.NAME, kept=Kept.CASE)
    """Whose case it is."""
    state: int = column(sa_column=small(), holds=Holds.AUDIT, kept=Kept.CASE, mutable=True)
    """Number of `CaseState`."""
    instrument_type: int = column(sa_column=small(), holds=Holds.AUDIT, kept=Kept.CASE)
    """Number of `InstrumentType`."""
    instrument_sha256: bytes = column(sa_column=blob(), holds=Holds.DIGEST, kept=Kept.CASE)
    """Of the instrument's document: cases under the same one share what it covers."""
    instrument_until: int = column(sa_column=big(), holds=Holds.AUDIT, kept=Kept.CASE)
    """When the instrument ends; exclusive."""
    items: int = column(holds=Holds.VOLUME, kept=Kept.CASE)
    """Suspects that it is about."""
    requests: bytes = column(sa_column=blob(), holds=Holds.STATEMENT, kept=Kept.CASE)
    """SignedStatements `case-request` of both officers, each after its length in 2 bytes."""
    officers: bytes = column(sa_column=blob(), holds=Holds.STATEMENT, kept=Kept.CASE)
    """SignedStatements `operator` of both officers, the same way."""
    submitted_at: int = column(sa_column=big(), holds=Holds.AUDIT, kept=Kept.CASE)
    """When it was submitted."""
    decide_by: int = column(sa_column=big(), holds=Holds.WORKINGS, kept=Kept.CASE)
    """When the approvers are due; exclusive."""
    awaited: int = column(sa_column=small(), holds=Holds.WORKINGS, kept=Kept.CASE, mutable=True)
    """Approvals that are waited for, of the request or of the extension."""
    extensions: bytes | None = column(
        default=None, sa_column=blob(nullable=True), holds=Holds.STATEMENT, kept=Kept.CASE, mutable=True
    )
    """SignedStatements `case-extension` of both officers. NULL: none was asked for."""
    is_extended: bool = column(holds=Holds.WORKINGS, kept=Kept.CASE, mutable=True)
    """Whether the extension was approved."""
    reply_from: int = column(sa_column=big(), holds=Holds.WORKINGS, kept=Kept.CASE, mutable=True)
    """When the first reply is taken. 0: nobody is asked yet."""
    reply_by: int = column(sa_column=big(), holds=Holds.WORKINGS, kept=Kept.CASE, mutable=True)
    """When the last reply is taken; exclusive. 0: nobody is asked yet."""
    asked: int = column(holds=Holds.VOLUME, kept=Kept.CASE, mutable=True)
    """Members that are asked."""
    replied: int = column(holds=Holds.VOLUME, kept=Kept.CASE, mutable=True)
    """Members that replied."""
    ended_at: int | None = column(
        default=None, sa_column=big(nullable=True), holds=Holds.AUDIT, kept=Kept.CASE, mutable=True
    )
    """When it was refused, closed or withdrawn, or a clock ran out. NULL: it goes on."""


class CaseDecisionTable(SQLModel, table=True):
    """What approvers decided about requests and extensions: one of each function, once."""

    __tablename__ = "case_decisions"

    case_id: bytes = column(sa_column=Column(LargeBinary, primary_key=True), holds=Holds.WORKINGS, kept=Kept.CASE)
    """The case."""
    subject_sha256: bytes = column(sa_column=Column(LargeBinary, primary_key=True), holds=Holds.DIGEST, kept=Kept.CASE)
    """Of what both officers signed: the request, or the extension."""
    role: int = column(
        sa_column=Column(SmallInteger, primary_key=True, autoincrement=False), holds=Holds.NAME, kept=Kept.CASE
    )
    """The approver's function: number of `Role`."""
    approver: str = column(max_length=32, holds=Holds.NAME, kept=Kept.CASE)
    """Who decided."""
    verdict: int = column(sa_column=small(), holds=Holds.AUDIT, kept=Kept.CASE)
    """Number of `CaseVerdict`."""
    statement: bytes = column(sa_column=blob(), holds=Holds.STATEMENT, kept=Kept.CASE)
    """SignedStatement `case-decision`."""
    decided_at: int = column(sa_column=big(), holds=Holds.AUDIT, kept=Kept.CASE)
    """When."""


class CaseEpochTable(SQLModel, table=True):
    """How far each case is under each epoch's key."""

    __tablename__ = "case_epochs"

    case_id: bytes = column(sa_column=Column(LargeBinary, primary_key=True), holds=Holds.WORKINGS, kept=Kept.CASE)
    """The case."""
    epoch: int = column(
        sa_column=Column(Integer, primary_key=True, autoincrement=False), holds=Holds.WORKINGS, kept=Kept.CASE
    )
    """The epoch."""
    evaluated: int = column(holds=Holds.VOLUME, kept=Kept.CASE, mutable=True)
    """Suspects that were evaluated."""
    placed: int = column(holds=Holds.VOLUME, kept=Kept.CASE, mutable=True)
    """Suspects that were submitted: the place of the next."""


class CasePlaceTable(SQLModel, table=True):
    """Submissions of suspects: which places, and a digest of the rows, by which a retry is known."""

    __tablename__ = "case_places"

    case_id: bytes = column(sa_column=Column(LargeBinary, primary_key=True), holds=Holds.WORKINGS, kept=Kept.CASE)
    """The case."""
    epoch: int = column(
        sa_column=Column(Integer, primary_key=True, autoincrement=False), holds=Holds.WORKINGS, kept=Kept.CASE
    )
    """The epoch of the tags."""
    first_index: int = column(
        sa_column=Column(Integer, primary_key=True, autoincrement=False), holds=Holds.WORKINGS, kept=Kept.CASE
    )
    """Place of the first row."""
    count: int = column(holds=Holds.VOLUME, kept=Kept.CASE)
    """Rows."""
    rows_sha256: bytes = column(sa_column=blob(), holds=Holds.DIGEST, kept=Kept.CASE)
    """Over the rows. What is sealed has random bytes in it, so that no tag can be tried out on it."""
    is_last: bool = column(holds=Holds.WORKINGS, kept=Kept.CASE)
    """Whether members were asked from then on."""


class CaseMatchTable(SQLModel, table=True):
    """Claims that cases ask their contributors about."""

    __tablename__ = "case_matches"
    __table_args__ = (Index("case_matches_by_member", "case_id", "member", "entry_id"),)

    case_id: bytes = column(sa_column=Column(LargeBinary, primary_key=True), holds=Holds.WORKINGS, kept=Kept.CASE)
    """The case."""
    entry_id: bytes = column(sa_column=Column(LargeBinary, primary_key=True), holds=Holds.CLAIM, kept=Kept.CASE)
    """The claim."""
    member: str = column(max_length=32, holds=Holds.NAME, kept=Kept.CASE)
    """Its contributor."""
    epoch: int = column(holds=Holds.WORKINGS, kept=Kept.CASE)
    """Its epoch."""
    place: int = column(holds=Holds.CLAIM, kept=Kept.CASE)
    """Place of the suspect in the tree that was approved."""
    sealed: bytes | None = column(
        default=None, sa_column=blob(nullable=True), holds=Holds.SEALED, kept=Kept.CASE_SEALED, mutable=True
    )
    """The suspect, sealed for holders of the identifier. NULL: it was deleted."""


class CaseMemberTable(SQLModel, table=True):
    """Members that cases ask, and their replies."""

    __tablename__ = "case_members"
    __table_args__ = (Index("case_members_by_member", "member", "case_row"),)

    case_id: bytes = column(sa_column=Column(LargeBinary, primary_key=True), holds=Holds.WORKINGS, kept=Kept.CASE)
    """The case."""
    member: str = column(primary_key=True, max_length=32, holds=Holds.NAME, kept=Kept.CASE)
    """Who is asked."""
    case_row: int = column(sa_column=big(), holds=Holds.WORKINGS, kept=Kept.CASE)
    """Number of the case, by which lists go on."""
    entries: int = column(holds=Holds.VOLUME, kept=Kept.CASE)
    """Claims of its own that it is asked about."""
    evaluated: int = column(holds=Holds.VOLUME, kept=Kept.CASE, mutable=True)
    """Identifiers that it evaluated under the case."""
    replied_at: int = column(sa_column=big(), holds=Holds.AUDIT, kept=Kept.CASE, mutable=True)
    """When it replied. 0: it did not."""
    reply: bytes | None = column(
        default=None, sa_column=blob(nullable=True), holds=Holds.STATEMENT, kept=Kept.CASE, mutable=True
    )
    """SignedStatement `case-reply`. NULL: there is none."""
    sealed: bytes | None = column(
        default=None, sa_column=blob(nullable=True), holds=Holds.RELEASE, kept=Kept.CASE_SEALED, mutable=True
    )
    """What it replied, sealed to the officer. NULL: nothing, or it was deleted."""


class CaseStepTable(SQLModel, table=True):
    """Events of cases' lives."""

    __tablename__ = "case_steps"
    __table_args__ = (Index("case_steps_by_case", "case_id", "event"),)

    event: int = column(
        sa_column=Column(BigInteger, primary_key=True, autoincrement=False), holds=Holds.WORKINGS, kept=Kept.CASE
    )
    """Number of the audit event."""
    case_id: bytes = column(sa_column=blob(), holds=Holds.WORKINGS, kept=Kept.CASE)
    """The case."""
    of_member: bool = column(holds=Holds.WORKINGS, kept=Kept.CASE)
    """Whether a member that is asked took the step."""
    statement: bytes = column(sa_column=blob(), holds=Holds.STATEMENT, kept=Kept.CASE)
    """SignedStatement that the event commits to. Empty: it is an evaluation, or the hub's clock took the step."""
