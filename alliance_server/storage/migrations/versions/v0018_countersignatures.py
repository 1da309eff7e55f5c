"""Liaisons countersign claims, and members read which."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "countersignings",
        sa.Column("row", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("entry_id", sa.LargeBinary(), nullable=False, unique=True),
        sa.Column("claim_id", sa.LargeBinary(), nullable=False),
        *(sa.Column(name, sa.String(length=32), nullable=False) for name in ("contributor", "liaison")),
        sa.Column("substance_sha256", sa.LargeBinary(), nullable=False, unique=True),
        *(sa.Column(name, sa.LargeBinary(), nullable=False) for name in ("substance", "claim_sha256")),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("evidence_level", sa.SmallInteger(), nullable=False),
        sa.Column("reference", sa.String(length=64), nullable=False),
        sa.Column("request", sa.LargeBinary(), nullable=False),
        sa.Column("approved_by", sa.String(length=80), nullable=False),
        sa.Column("state", sa.SmallInteger(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("requested_at", "answer_by", "purge_at")),
        *(sa.Column(name, sa.LargeBinary(), nullable=True) for name in ("answer", "officer_answer", "grounds")),
        sa.Column("answered_at", sa.BigInteger(), nullable=True),
        *(sa.Column(name, sa.LargeBinary(), nullable=True) for name in ("revocation", "officer_revocation")),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
    )
    op.create_index("countersignings_by_claim", "countersignings", ["claim_id"])
    op.create_index("countersignings_by_contributor", "countersignings", ["contributor", "row"])
    op.create_index("countersignings_by_liaison", "countersignings", ["liaison", "row"])
    op.create_index("countersignings_by_purge", "countersignings", ["purge_at"])
    op.create_table(
        "countersignatures",
        sa.Column("number", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("statement", sa.LargeBinary(), nullable=False),
        sa.Column("kept_until", sa.BigInteger(), nullable=False),
    )
    op.create_index("countersignatures_by_end", "countersignatures", ["kept_until"])
