"""Admins adopt policies, and change the suppression list.

Nobody could adopt a policy before there was a table of them: of a founded alliance the version that is in force now,
that of the release that upgrades, is taken as adopted. A hub that is not founded adopts its own when it starts.
"""

import sqlalchemy as sa
from alembic import op

from alliance.clock import SystemClock
from alliance_server.domain.actions import AuditAction
from alliance_server.domain.audit import record_event
from alliance_server.domain.members import HUB_ACTOR
from alliance_server.domain.policy import POLICY_VERSION

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_FOUNDERS = 2
_CONFIRMED_ADMINS = "SELECT count(*) FROM members WHERE role = 2 AND state NOT IN (1, 5) AND length(identity_key) > 0"
_EVENT = ("actor", "time", "action", "salt", "event", "leaf_hash")


def upgrade() -> None:
    policies = op.create_table(
        "policies",
        sa.Column("policy_sha256", sa.LargeBinary(), primary_key=True),
        sa.Column("adopted_at", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "suppression_lists",
        sa.Column("number", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("set_at", sa.BigInteger(), nullable=False),
    )
    if op.get_bind().exec_driver_sql(_CONFIRMED_ADMINS).scalar_one() >= _FOUNDERS:
        _adopt(policies)


def _adopt(policies: sa.Table) -> None:
    now = SystemClock().now_ms()
    op.bulk_insert(policies, [{"policy_sha256": POLICY_VERSION, "adopted_at": now}])
    made = record_event(
        time=now, actor=HUB_ACTOR, action=AuditAction.POLICY_ADOPT, items=1, commitments=(POLICY_VERSION,)
    )
    events = sa.table("audit_events", *(sa.column(name) for name in _EVENT))
    op.bulk_insert(events, [{name: getattr(made, name) for name in _EVENT}])
