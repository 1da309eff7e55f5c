"""What admins decide."""

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, LargeBinary
from sqlmodel import SQLModel

from alliance_server.storage.columns import Holds, Kept, column
from alliance_server.storage.tables.parts import big, blob, small


class ProposalTable(SQLModel, table=True):
    """Proposals of admins."""

    __tablename__ = "proposals"

    row: int | None = column(
        default=None,
        sa_column=Column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
        holds=Holds.WORKINGS,
        kept=Kept.EVIDENCE,
    )
    """Number by which lists go on."""
    id: bytes = column(
        sa_column=Column(LargeBinary, nullable=False, unique=True), holds=Holds.WORKINGS, kept=Kept.EVIDENCE
    )
    """16 random bytes, the proposer's."""
    proposer: str = column(max_length=32, holds=Holds.NAME, kept=Kept.EVIDENCE)
    """The admin who proposed."""
    change: str = column(holds=Holds.AUDIT, kept=Kept.EVIDENCE)
    """Name of the change, as the policy's table of controls has it."""
    statement: bytes = column(sa_column=blob(), holds=Holds.STATEMENT, kept=Kept.EVIDENCE)
    """SignedStatement `proposal`."""
    payload_sha256: bytes = column(sa_column=blob(), holds=Holds.DIGEST, kept=Kept.EVIDENCE)
    """Of what was signed; a decision names it."""
    proposed_at: int = column(sa_column=big(), holds=Holds.AUDIT, kept=Kept.EVIDENCE)
    """When it came."""
    decide_by: int = column(sa_column=big(), holds=Holds.WORKINGS, kept=Kept.EVIDENCE)
    """Exclusive. Of what break-glass did: when its review is due."""
    state: int = column(sa_column=small(), holds=Holds.AUDIT, kept=Kept.EVIDENCE, mutable=True)
    """Number of `ProposalState`; final once it is decided."""
    decision: bytes | None = column(
        default=None, sa_column=blob(nullable=True), holds=Holds.STATEMENT, kept=Kept.EVIDENCE, mutable=True
    )
    """SignedStatement `proposal-decision`. NULL: not decided, or there is nothing to decide."""
    decided_by: str = column(max_length=32, holds=Holds.NAME, kept=Kept.EVIDENCE, mutable=True)
    """The admin who decided. Empty: nobody."""
    decided_at: int | None = column(
        default=None, sa_column=big(nullable=True), holds=Holds.AUDIT, kept=Kept.EVIDENCE, mutable=True
    )
    """When it was decided. NULL: it is not."""


class SuccessionTable(SQLModel, table=True):
    """Origins of this hub after the first: one a restore."""

    __tablename__ = "successions"

    origin: int = column(
        sa_column=Column(Integer, primary_key=True, autoincrement=False), holds=Holds.PUBLISHED, kept=Kept.ALLIANCE
    )
    """From 2."""
    payload: bytes = column(sa_column=blob(), holds=Holds.PUBLISHED, kept=Kept.ALLIANCE)
    """Serialised Succession, as admins sign it."""
    made_at: int = column(sa_column=big(), holds=Holds.WORKINGS, kept=Kept.ALLIANCE)
    """When the hub was restored."""
    completed_at: int | None = column(
        default=None, sa_column=big(nullable=True), holds=Holds.WORKINGS, kept=Kept.ALLIANCE, mutable=True
    )
    """When the second admin signed. NULL: the hub waits, and serves nothing else."""


class SuccessionSignatureTable(SQLModel, table=True):
    """Admins' signatures of successions."""

    __tablename__ = "succession_signatures"

    origin: int = column(
        sa_column=Column(Integer, ForeignKey("successions.origin"), primary_key=True, autoincrement=False),
        holds=Holds.PUBLISHED,
        kept=Kept.ALLIANCE,
    )
    """What was signed."""
    admin: str = column(primary_key=True, max_length=32, holds=Holds.NAME, kept=Kept.ALLIANCE)
    """Who signed."""
    statement: bytes = column(sa_column=blob(), holds=Holds.PUBLISHED, kept=Kept.ALLIANCE)
    """SignedStatement `succession`."""
    signed_at: int = column(sa_column=big(), holds=Holds.WORKINGS, kept=Kept.ALLIANCE)
    """When."""


class PolicyTable(SQLModel, table=True):
    """Versions of the policy's tables that two admins adopted: only releases with one of them serve."""

    __tablename__ = "policies"

    policy_sha256: bytes = column(
        sa_column=Column(LargeBinary, primary_key=True), holds=Holds.PUBLISHED, kept=Kept.ALLIANCE
    )
    """SHA-256 of the tables, as audit events name it."""
    adopted_at: int = column(sa_column=big(), holds=Holds.WORKINGS, kept=Kept.ALLIANCE)
    """When it was adopted."""


class SuppressionListTable(SQLModel, table=True):
    """Suppression lists that two admins set; the one with the highest number is in force."""

    __tablename__ = "suppression_lists"

    number: int = column(
        sa_column=Column(Integer, primary_key=True, autoincrement=False), holds=Holds.PUBLISHED, kept=Kept.ALLIANCE
    )
    """From 1, one more each time."""
    content: bytes = column(sa_column=blob(), holds=Holds.PUBLISHED, kept=Kept.ALLIANCE)
    """The list in its one encoding: values that many people share or nobody has."""
    set_at: int = column(sa_column=big(), holds=Holds.WORKINGS, kept=Kept.ALLIANCE)
    """When it was set."""


class WitnessListTable(SQLModel, table=True):
    """Witness lists that two admins set; the one with the highest number is in force."""

    __tablename__ = "witness_lists"

    number: int = column(
        sa_column=Column(Integer, primary_key=True, autoincrement=False), holds=Holds.PUBLISHED, kept=Kept.ALLIANCE
    )
    """From 1, one more each time."""
    content: bytes = column(sa_column=blob(), holds=Holds.PUBLISHED, kept=Kept.ALLIANCE)
    """The list as the hub states it: witnesses' public keys, and how many must have cosigned."""
    set_at: int = column(sa_column=big(), holds=Holds.WORKINGS, kept=Kept.ALLIANCE)
    """When it was set."""
