"""Whoever is enrolled has a role: members so far, and admins, liaisons and auditors from now on."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("members", sa.Column("role", sa.SmallInteger(), nullable=False, server_default="1"))
