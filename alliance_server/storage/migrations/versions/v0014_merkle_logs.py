"""Audit events become leaves of Merkle logs, and nothing of them may be changed or deleted."""

import sqlalchemy as sa
from alembic import op

from alliance_server.storage import append_only

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

TABLES = (
    "audit_events",
    "audit_logs",
    "audit_tree_heads",
    "audit_checkpoints",
    "audit_cosignatures",
    "published_facts",
)


def upgrade() -> None:
    op.create_table(
        "audit_logs",
        sa.Column("number", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("origin", sa.String(), nullable=False, unique=True),
        sa.Column("after_row", sa.BigInteger(), nullable=False),
        sa.Column("began_at", sa.BigInteger(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("event", sa.LargeBinary(), nullable=False),
    )
    op.create_table(
        "audit_tree_heads",
        sa.Column("log", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("size", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("last_row", sa.BigInteger(), nullable=False),
        sa.Column("nodes", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_at", sa.BigInteger(), nullable=False),
    )
    op.create_index("audit_tree_heads_by_row", "audit_tree_heads", ["last_row"])
    op.create_table(
        "audit_checkpoints",
        sa.Column("log", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("size", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("note", sa.LargeBinary(), nullable=False),
    )
    op.create_table(
        "audit_cosignatures",
        sa.Column("log", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("size", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("witness", sa.String(), primary_key=True),
        sa.Column("line", sa.String(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "published_facts",
        sa.Column("row", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
    )
    op.create_index("published_facts_by_digest", "published_facts", ["digest", "row"])
    dialect = op.get_bind().dialect.name
    for statement in append_only.function(dialect):
        op.execute(statement)
    for table in TABLES:
        for statement in append_only.statements(dialect, table):
            op.execute(statement)
