"""Attachments of replies to police cases."""

from sqlalchemy import Column, LargeBinary
from sqlmodel import SQLModel

from alliance_server.storage.columns import Holds, Kept, column
from alliance_server.storage.tables.parts import big, blob


class CaseAttachmentTable(SQLModel, table=True):
    """Sealed files that members upload to cases. Their bytes lie in the folder `attachments`, and go with the row."""

    __tablename__ = "case_attachments"

    case_id: bytes = column(
        sa_column=Column(LargeBinary, primary_key=True), holds=Holds.WORKINGS, kept=Kept.CASE_SEALED
    )
    """The case."""
    member: str = column(primary_key=True, max_length=32, holds=Holds.NAME, kept=Kept.CASE_SEALED)
    """Who uploads it."""
    attachment_id: bytes = column(
        sa_column=Column(LargeBinary, primary_key=True), holds=Holds.WORKINGS, kept=Kept.CASE_SEALED
    )
    """16 bytes, the member's; they follow from a secret of its own, the case and the content."""
    sealed_size: int = column(sa_column=big(), holds=Holds.VOLUME, kept=Kept.CASE_SEALED)
    """Bytes as it is sealed: one of 17 sizes."""
    sealed_sha256: bytes = column(sa_column=blob(), holds=Holds.DIGEST, kept=Kept.CASE_SEALED)
    """As it is sealed."""
    statement: bytes = column(sa_column=blob(), holds=Holds.STATEMENT, kept=Kept.CASE_SEALED)
    """SignedStatement `case-attachment` with which it was begun."""
    begun_at: int = column(sa_column=big(), holds=Holds.WORKINGS, kept=Kept.CASE_SEALED)
    """When it was begun."""
    whole_at: int | None = column(
        default=None, sa_column=big(nullable=True), holds=Holds.WORKINGS, kept=Kept.CASE_SEALED, mutable=True
    )
    """When all of it was here and had its digest. NULL: not yet."""
