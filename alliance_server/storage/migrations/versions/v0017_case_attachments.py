"""Members upload sealed files with their replies to cases."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "case_attachments",
        sa.Column("case_id", sa.LargeBinary(), primary_key=True),
        sa.Column("member", sa.String(length=32), primary_key=True),
        sa.Column("attachment_id", sa.LargeBinary(), primary_key=True),
        sa.Column("sealed_size", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.LargeBinary(), nullable=False) for name in ("sealed_sha256", "statement")),
        sa.Column("begun_at", sa.BigInteger(), nullable=False),
        sa.Column("whole_at", sa.BigInteger(), nullable=True),
    )
