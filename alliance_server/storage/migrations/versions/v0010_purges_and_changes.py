"""Claims are purged once they are over, and changes of their statuses are told to members in order."""

import sqlalchemy as sa
from alembic import op

from alliance.clock import SystemClock

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_KEPT_AFTER_END_MS = 30 * 24 * 60 * 60 * 1000
# Nobody wrote down when a claim was ended before: such ones stay as long from now on.
_FILL = (
    "UPDATE claims SET purge_at = CASE WHEN status IN (3, 4, 5) OR expires_at < {then} THEN expires_at ELSE {then} END"
)


def upgrade() -> None:
    op.add_column("claims", sa.Column("purge_at", sa.BigInteger(), nullable=False, server_default="0"))
    op.execute(_FILL.format(then=SystemClock().now_ms() + _KEPT_AFTER_END_MS))
    op.create_index("claims_by_purge", "claims", ["purge_at"])
    op.create_table(
        "claim_changes",
        sa.Column("number", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("entry_id", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(length=64), nullable=False),
        sa.Column("kept_until", sa.BigInteger(), nullable=False),
    )
    op.create_index("claim_changes_by_end", "claim_changes", ["kept_until"])
    op.create_index("claim_changes_by_status", "claim_changes", ["status", "number"])
    op.create_table(
        "recall_receipts",
        sa.Column("member_id", sa.String(length=32), primary_key=True),
        sa.Column("upto", sa.BigInteger(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("statement", sa.LargeBinary(), nullable=False),
    )
    op.create_table(
        "change_feeds",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("newest", sa.BigInteger(), nullable=False),
    )
