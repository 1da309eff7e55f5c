"""Who is in the alliance."""

from sqlalchemy import Column, LargeBinary, SmallInteger
from sqlmodel import SQLModel

from alliance_server.storage.columns import Holds, Kept, column
from alliance_server.storage.tables.parts import big, blob, small


class MemberTable(SQLModel, table=True):
    """Institutions."""

    __tablename__ = "members"

    id: str = column(primary_key=True, max_length=32, holds=Holds.NAME, kept=Kept.ALLIANCE)
    """Chosen at the invitation; in certificates, statements and events."""
    display_name: str = column(holds=Holds.NAME, kept=Kept.ALLIANCE, mutable=True)
    """For people. Changes where somebody who has not enrolled is invited again."""
    state: int = column(sa_column=small(), holds=Holds.NAME, kept=Kept.ALLIANCE, mutable=True)
    """Number of `MemberState`."""
    identity_key: bytes = column(sa_column=blob(), holds=Holds.KEY, kept=Kept.ALLIANCE, mutable=True)
    """Ed25519, 32 bytes. Empty until enrolled; never changed from then on."""
    stated_at: int = column(sa_column=big(), holds=Holds.NAME, kept=Kept.ALLIANCE, mutable=True)
    """When state or key last changed."""
    role: int = column(
        default=1,
        sa_column=Column(SmallInteger, nullable=False, server_default="1"),
        holds=Holds.NAME,
        kept=Kept.ALLIANCE,
    )
    """Number of `Role`."""


class CertificateTable(SQLModel, table=True):
    """TLS certificates that the hub issued."""

    __tablename__ = "certificates"

    serial: str = column(primary_key=True, max_length=40, holds=Holds.KEY, kept=Kept.CERTIFICATE)
    """Hexadecimal."""
    member_id: str = column(foreign_key="members.id", index=True, holds=Holds.NAME, kept=Kept.CERTIFICATE)
    """Its holder."""
    not_before: int = column(sa_column=big(), holds=Holds.KEY, kept=Kept.CERTIFICATE)
    """From when on it is valid."""
    not_after: int = column(sa_column=big(), holds=Holds.KEY, kept=Kept.CERTIFICATE)
    """Until when it is valid."""
    revoked_at: int | None = column(
        default=None, sa_column=big(nullable=True), holds=Holds.NAME, kept=Kept.CERTIFICATE, mutable=True
    )
    """NULL: not revoked. Never set back."""
    der: bytes = column(sa_column=blob(), holds=Holds.KEY, kept=Kept.CERTIFICATE)
    """The certificate itself, X.509 in DER."""


class InvitationTable(SQLModel, table=True):
    """Single-use enrolment tokens, by their SHA-256."""

    __tablename__ = "invitations"

    token_sha256: bytes = column(
        sa_column=Column(LargeBinary, primary_key=True), holds=Holds.TOKEN_HASH, kept=Kept.INVITATION
    )
    """Digest of the token, which the hub does not keep."""
    member_id: str = column(foreign_key="members.id", holds=Holds.NAME, kept=Kept.INVITATION)
    """Who is invited."""
    expires_at: int = column(sa_column=big(), holds=Holds.WORKINGS, kept=Kept.INVITATION, mutable=True)
    """Exclusive. Comes at once where another invitation takes its place."""
    request_sha256: bytes | None = column(
        default=None, sa_column=blob(nullable=True), holds=Holds.DIGEST, kept=Kept.INVITATION, mutable=True
    )
    """NULL: not used. Then the digest of the one request that it was used for."""
    serial: str | None = column(
        default=None, foreign_key="certificates.serial", holds=Holds.KEY, kept=Kept.INVITATION, mutable=True
    )
    """The certificate that it led to. NULL: not used."""


class OperatorTable(SQLModel, table=True):
    """Those of members' staff who approve claims, by pseudonym."""

    __tablename__ = "operators"

    member_id: str = column(primary_key=True, max_length=32, holds=Holds.NAME, kept=Kept.EVIDENCE)
    """Whose operator it is."""
    operator_id: str = column(primary_key=True, max_length=32, holds=Holds.AUDIT, kept=Kept.EVIDENCE)
    """Pseudonym; who it is, the member alone knows."""
    public_key: bytes = column(sa_column=blob(), holds=Holds.KEY, kept=Kept.EVIDENCE)
    """Ed25519, 32 bytes; each of a member's is another."""
    registered_at: int = column(sa_column=big(), holds=Holds.WORKINGS, kept=Kept.EVIDENCE)
    """When."""
    retired_at: int | None = column(
        default=None, sa_column=big(nullable=True), holds=Holds.WORKINGS, kept=Kept.EVIDENCE, mutable=True
    )
    """Since when it approves no more. NULL: it does."""
    statement: bytes = column(sa_column=blob(), holds=Holds.STATEMENT, kept=Kept.EVIDENCE)
    """The member's SignedStatement `operator`."""


class DepartureTable(SQLModel, table=True):
    """Members who left and whose claims are withdrawn after them: one row each, from the membership's end on."""

    __tablename__ = "departures"

    member_id: str = column(primary_key=True, max_length=32, holds=Holds.NAME, kept=Kept.ALLIANCE)
    """Who left."""
    asked_at: int = column(sa_column=big(), holds=Holds.WORKINGS, kept=Kept.ALLIANCE)
    """When the membership ended."""
    epoch: int = column(holds=Holds.WORKINGS, kept=Kept.ALLIANCE, mutable=True)
    """With `sequence` the last claim that was looked at, 0 before the first."""
    sequence: int = column(sa_column=big(), holds=Holds.WORKINGS, kept=Kept.ALLIANCE, mutable=True)
    """See `epoch`."""
    withdrawn: int = column(sa_column=big(), holds=Holds.VOLUME, kept=Kept.ALLIANCE, mutable=True)
    """Claims so far."""
    ended_at: int | None = column(
        default=None, sa_column=big(nullable=True), holds=Holds.WORKINGS, kept=Kept.ALLIANCE, mutable=True
    )
    """NULL: not all are withdrawn yet."""
