"""What admins change is proposed and decided, and a member may have limits of its own."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "proposals",
        sa.Column("row", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("id", sa.LargeBinary(), nullable=False, unique=True),
        sa.Column("proposer", sa.String(32), nullable=False),
        sa.Column("change", sa.String(), nullable=False),
        sa.Column("statement", sa.LargeBinary(), nullable=False),
        sa.Column("payload_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("proposed_at", sa.BigInteger(), nullable=False),
        sa.Column("decide_by", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.SmallInteger(), nullable=False),
        sa.Column("decision", sa.LargeBinary(), nullable=True),
        sa.Column("decided_by", sa.String(32), nullable=False),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
    )
    op.create_table(
        "budget_limits",
        sa.Column("member_id", sa.String(32), primary_key=True),
        sa.Column("resource", sa.SmallInteger(), primary_key=True, autoincrement=False),
        sa.Column("items", sa.BigInteger(), nullable=False),
    )
