"""Epochs follow each other: a claim knows the one that it re-tags, and the one that re-tags it."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("claims", sa.Column("predecessor", sa.LargeBinary(), nullable=True))
    op.add_column("claims", sa.Column("successor", sa.LargeBinary(), nullable=True))
    op.drop_index("claims_by_contributor", "claims")
    op.create_index("claims_by_contributor", "claims", ["contributor", "epoch", "successor", "sequence"])
    op.add_column("epochs", sa.Column("retagged_at", sa.BigInteger(), nullable=True))
    op.add_column("epochs", sa.Column("destroyed_at", sa.BigInteger(), nullable=True))
    op.add_column("epochs", sa.Column("filter_sequence", sa.BigInteger(), nullable=True))
