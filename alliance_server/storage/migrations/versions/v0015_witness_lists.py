"""Admins set who the witnesses of the audit log are; a list that was set is never changed or deleted."""

import sqlalchemy as sa
from alembic import op

from alliance_server.storage import append_only

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

TABLE = "witness_lists"


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("number", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("set_at", sa.BigInteger(), nullable=False),
    )
    for statement in append_only.statements(op.get_bind().dialect.name, TABLE):
        op.execute(statement)
