"""Bursts are bounded beside the day's budget; volumes by the hour, standings and alarms are kept."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
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
    op.create_index("budgets_by_day", "budgets", ["day"])
    op.create_table(
        "usage_hours",
        sa.Column("member_id", sa.String(32), primary_key=True),
        sa.Column("resource", sa.SmallInteger(), primary_key=True, autoincrement=False),
        sa.Column("hour", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("items", sa.BigInteger(), nullable=False),
    )
    op.create_index("usage_hours_by_hour", "usage_hours", ["hour"])
    op.create_table(
        "businesses",
        sa.Column("member_id", sa.String(32), primary_key=True),
        sa.Column("applications_a_day", sa.BigInteger(), nullable=False),
        sa.Column("customers", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "standings",
        sa.Column("member_id", sa.String(32), primary_key=True),
        sa.Column("score", sa.SmallInteger(), nullable=False),
        sa.Column("tier", sa.SmallInteger(), nullable=False),
        sa.Column("budget_percent", sa.SmallInteger(), nullable=False),
        sa.Column("is_in_force", sa.Boolean(), nullable=False),
        sa.Column("claims", sa.BigInteger(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("queried", sa.BigInteger(), nullable=False),
        sa.Column("upheld_disputes", sa.BigInteger(), nullable=False),
        sa.Column("computed_at", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "alarms",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("member_id", sa.String(32), nullable=False),
        sa.Column("kind", sa.SmallInteger(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("resource", sa.SmallInteger(), nullable=True),
        sa.Column("observed", sa.BigInteger(), nullable=False),
        sa.Column("threshold", sa.BigInteger(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("raised_at", sa.BigInteger(), nullable=False),
        sa.Column("acknowledged_by", sa.String(32), nullable=False),
        sa.Column("acknowledged_at", sa.BigInteger(), nullable=True),
        sa.Column("acknowledgement", sa.String(), nullable=False),
    )
    op.create_index("one_alarm_a_day", "alarms", ["member_id", "kind", "day"], unique=True)
