"""Adopting a policy: two admins agree to a release's tables before it serves, and what was adopted stays so.

Until the alliance is founded a hub adopts its own: there is nobody yet to ask. So a release can always be gone back to,
and one whose tables nobody approved serves nobody.
"""

from alliance.errors import Reason
from alliance_server.domain import policy
from alliance_server.domain.actions import AuditAction
from alliance_server.domain.audit import record_event
from alliance_server.domain.errors import Refused
from alliance_server.domain.members import HUB_ACTOR, Role
from alliance_server.domain.policies import POLICY_SHA256_BYTES, AdoptedPolicy
from alliance_server.domain.ports import Transaction
from alliance_server.services.memberships import is_founded


def adopt(transaction: Transaction, policy_sha256: bytes, now: int) -> None:
    """Let releases with these tables serve, for good; raises Refused."""
    if len(policy_sha256) != POLICY_SHA256_BYTES:
        raise Refused(Reason.INVALID_REQUEST, "a policy's version has 32 bytes")
    if transaction.policies.is_adopted(policy_sha256):
        raise Refused(Reason.COMMON_RULES_CONFLICT, "the policy is adopted already")
    transaction.policies.adopt(AdoptedPolicy(policy_sha256, now))
    transaction.record(
        record_event(time=now, actor=HUB_ACTOR, action=AuditAction.POLICY_ADOPT, items=1, commitments=(policy_sha256,))
    )


def is_served(transaction: Transaction) -> bool:
    """Say whether this release may serve: its tables are adopted, or nobody has to agree yet."""
    return transaction.policies.is_adopted(policy.POLICY_VERSION) or not is_founded(transaction)


def settled(transaction: Transaction, now: int) -> bool:
    """Adopt this release's tables where nobody has to agree yet; says whether it may serve."""
    transaction.members.hold_all(Role.ADMIN)
    if not is_served(transaction):
        return False
    if not transaction.policies.is_adopted(policy.POLICY_VERSION):
        adopt(transaction, policy.POLICY_VERSION, now)
    return True


def not_adopted() -> str:
    """Say that this release's tables are not adopted."""
    return f"the policy of this release, {policy.POLICY_VERSION.hex()}, is not adopted"


def how_to_adopt() -> str:
    """Say what has to be done about that."""
    return (
        "serve the release before, and have two admins adopt it by "
        f"'member-client admin policy adopt {policy.POLICY_VERSION.hex()}'"
    )
