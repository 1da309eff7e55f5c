"""Tags are counted, listed and looked up from their index alone: a filter's build read every row of the registry."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("claims_by_tag", "claims")
    op.create_index(
        "claims_by_tag",
        "claims",
        ["epoch", "tag", "status", "sharing_level", "expires_at", "sequence"],
        unique=False,
    )
