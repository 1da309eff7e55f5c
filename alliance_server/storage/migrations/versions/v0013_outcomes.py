"""Members report what became of decisions, in counts that are told once enough of them stand together."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "outcome_batches",
        sa.Column("member_id", sa.String(length=32), primary_key=True),
        sa.Column("day", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("batch_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("reports", sa.BigInteger(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "waiting_outcomes",
        sa.Column("contributor", sa.String(length=32), primary_key=True),
        sa.Column("category", sa.SmallInteger(), primary_key=True, autoincrement=False),
        sa.Column("outcome", sa.SmallInteger(), primary_key=True, autoincrement=False),
        sa.Column("month", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("member_id", sa.String(length=32), primary_key=True),
        sa.Column("reports", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "told_outcomes",
        sa.Column("contributor", sa.String(length=32), primary_key=True),
        sa.Column("month", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("category", sa.SmallInteger(), primary_key=True, autoincrement=False),
        sa.Column("outcome", sa.SmallInteger(), primary_key=True, autoincrement=False),
        sa.Column("reports", sa.BigInteger(), nullable=False),
    )
    op.create_index("told_outcomes_by_month", "told_outcomes", ["month"])
    op.create_table(
        "outcome_months",
        sa.Column("month", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("told_at", sa.BigInteger(), nullable=False),
    )
