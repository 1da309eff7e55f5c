"""Bursts are bounded beside the day's budget."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("budgets", sa.Column("full_at", sa.BigInteger(), nullable=False, server_default="0"))
    op.create_table(
        "burst_limits",
        sa.Column("member_id", sa.String(32), primary_key=True),
        sa.Column("resource", sa.SmallInteger(), primary_key=True, autoincrement=False),
        sa.Column("items", sa.BigInteger(), nullable=False),
    )
