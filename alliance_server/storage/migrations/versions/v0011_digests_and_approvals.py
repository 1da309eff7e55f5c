"""Every claim has its digest and its approvals beside it, and members have operators.

Buckets serve the digest, and readers hold the claim in the box against it.

Rows are filled in pages, in the order of their key, by the database itself: no claim travels. What stays empty would
be refused by every reader.
"""

from hashlib import sha256

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_ROWS_A_PAGE = 10_000
_END_OF_PAGE = sa.text(
    "SELECT entry_id FROM (SELECT entry_id FROM claims WHERE entry_id > :after ORDER BY entry_id LIMIT :rows) AS page "
    "ORDER BY entry_id DESC LIMIT 1"
)
_FILL = sa.text("UPDATE claims SET claim_sha256 = sha256(claim) WHERE entry_id > :after AND entry_id <= :upto")


def upgrade() -> None:
    op.add_column("claims", sa.Column("claim_sha256", sa.LargeBinary(), nullable=False, server_default=sa.text("''")))
    fill(op.get_bind(), _ROWS_A_PAGE)
    op.add_column("claims", sa.Column("approved_by", sa.String(length=80), nullable=True))
    op.add_column("claims", sa.Column("approvals", sa.LargeBinary(), nullable=True))
    op.create_table(
        "operators",
        sa.Column("member_id", sa.String(length=32), primary_key=True),
        sa.Column("operator_id", sa.String(length=32), primary_key=True),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("registered_at", sa.BigInteger(), nullable=False),
        sa.Column("retired_at", sa.BigInteger(), nullable=True),
        sa.Column("statement", sa.LargeBinary(), nullable=False),
    )


def fill(connection: sa.Connection, page: int) -> None:
    if connection.dialect.name == "sqlite":  # PostgreSQL has such a function
        connection.connection.create_function("sha256", 1, _sha256)
    after = b""
    while upto := connection.execute(_END_OF_PAGE, {"after": after, "rows": page}).scalar_one_or_none():
        connection.execute(_FILL, {"after": after, "upto": upto})
        after = upto


def _sha256(value: bytes) -> bytes:
    return sha256(value).digest()
