"""Claims are contested, and disputes have clocks."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "disputes",
        sa.Column("row", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("id", sa.LargeBinary(), nullable=False, unique=True),
        *(sa.Column(name, sa.LargeBinary(), nullable=False) for name in ("entry_id", "claim_id")),
        *(sa.Column(name, sa.String(length=32), nullable=False) for name in ("contributor", "opener")),
        *(sa.Column(name, sa.SmallInteger(), nullable=False) for name in ("ground", "state")),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("opened_at", "due_at")),
        *(
            sa.Column(name, sa.LargeBinary(), nullable=False)
            for name in ("content_sha256", "request_commitment", "evidence_digest", "opening")
        ),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.Column("answer_reason", sa.String(length=64), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=True) for name in ("answered_at", "escalated_at")),
        sa.Column("review", sa.LargeBinary(), nullable=True),
        sa.Column("decision_reason", sa.String(length=64), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=True) for name in ("decided_at", "closed_at")),
    )
    op.create_index("disputes_by_claim", "disputes", ["claim_id"])
    op.create_index("disputes_by_contributor", "disputes", ["contributor", "row"])
    op.create_index("disputes_by_opener", "disputes", ["opener", "row"])
    op.create_index("disputes_by_state", "disputes", ["state", "due_at"])
    op.create_index("disputes_by_closing", "disputes", ["closed_at"])
