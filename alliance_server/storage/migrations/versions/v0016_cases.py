"""Police cases: liaisons have scopes, approvers decide, suspects are matched, members reply."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "liaison_scopes",
        sa.Column("member_id", sa.String(length=32), primary_key=True),
        *(sa.Column(name, sa.LargeBinary(), nullable=False) for name in ("instruments", "categories")),
    )
    op.create_table(
        "cases",
        sa.Column("row", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("id", sa.LargeBinary(), nullable=False, unique=True),
        sa.Column("liaison", sa.String(length=32), nullable=False),
        *(sa.Column(name, sa.SmallInteger(), nullable=False) for name in ("state", "instrument_type")),
        sa.Column("instrument_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("instrument_until", sa.BigInteger(), nullable=False),
        sa.Column("items", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.LargeBinary(), nullable=False) for name in ("requests", "officers")),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("submitted_at", "decide_by")),
        sa.Column("awaited", sa.SmallInteger(), nullable=False),
        sa.Column("extensions", sa.LargeBinary(), nullable=True),
        sa.Column("is_extended", sa.Boolean(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("reply_from", "reply_by")),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("asked", "replied")),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
    )
    op.create_index("cases_by_liaison", "cases", ["liaison", "row"])
    op.create_index("cases_by_instrument", "cases", ["liaison", "instrument_sha256"])
    op.create_index("cases_by_state", "cases", ["state"])
    op.create_index("cases_by_end", "cases", ["ended_at"])
    op.create_table(
        "case_decisions",
        *(sa.Column(name, sa.LargeBinary(), primary_key=True) for name in ("case_id", "subject_sha256")),
        sa.Column("role", sa.SmallInteger(), primary_key=True, autoincrement=False),
        sa.Column("approver", sa.String(length=32), nullable=False),
        sa.Column("verdict", sa.SmallInteger(), nullable=False),
        sa.Column("statement", sa.LargeBinary(), nullable=False),
        sa.Column("decided_at", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "case_epochs",
        sa.Column("case_id", sa.LargeBinary(), primary_key=True),
        sa.Column("epoch", sa.Integer(), primary_key=True, autoincrement=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("evaluated", "placed")),
    )
    op.create_table(
        "case_places",
        sa.Column("case_id", sa.LargeBinary(), primary_key=True),
        *(sa.Column(name, sa.Integer(), primary_key=True, autoincrement=False) for name in ("epoch", "first_index")),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("rows_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("is_last", sa.Boolean(), nullable=False),
    )
    op.create_table(
        "case_matches",
        *(sa.Column(name, sa.LargeBinary(), primary_key=True) for name in ("case_id", "entry_id")),
        sa.Column("member", sa.String(length=32), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("epoch", "place")),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
    )
    op.create_index("case_matches_by_member", "case_matches", ["case_id", "member", "entry_id"])
    op.create_table(
        "case_members",
        sa.Column("case_id", sa.LargeBinary(), primary_key=True),
        sa.Column("member", sa.String(length=32), primary_key=True),
        sa.Column("case_row", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("entries", "evaluated")),
        sa.Column("replied_at", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.LargeBinary(), nullable=True) for name in ("reply", "sealed")),
    )
    op.create_index("case_members_by_member", "case_members", ["member", "case_row"])
    op.create_table(
        "case_steps",
        sa.Column("event", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("case_id", sa.LargeBinary(), nullable=False),
        sa.Column("of_member", sa.Boolean(), nullable=False),
        sa.Column("statement", sa.LargeBinary(), nullable=False),
    )
    op.create_index("case_steps_by_case", "case_steps", ["case_id", "event"])
