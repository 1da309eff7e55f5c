"""A restored hub is a new origin, which two admins sign."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "successions",
        sa.Column("origin", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("completed_at", sa.BigInteger(), nullable=True),
    )
    op.create_table(
        "succession_signatures",
        sa.Column("origin", sa.Integer(), sa.ForeignKey("successions.origin"), primary_key=True, autoincrement=False),
        sa.Column("admin", sa.String(32), primary_key=True),
        sa.Column("statement", sa.LargeBinary(), nullable=False),
        sa.Column("signed_at", sa.BigInteger(), nullable=False),
    )
