"""The dictionary of actions that goes with an export: what each one's events come from, and who may cause them."""

from alliance_server.domain.actions import AuditAction
from alliance_server.domain.policy import POLICY, Rule

THE_HUBS: str = "the hub's own jobs, its operator, what admins have done, or enrolment"


def actions() -> dict[str, dict[str, str]]:
    """Give for each action the call that it is the event of, and the roles that may make it."""
    calls = {rule.action: (method, rule) for method, rule in POLICY.items() if rule.action is not None}
    return {str(action): _described(calls.get(action)) for action in sorted(AuditAction)}


def _described(call: tuple[str, Rule] | None) -> dict[str, str]:
    if call is None:
        return {"of": THE_HUBS}
    method, rule = call
    return {"of": method, "roles": ", ".join(sorted(role.word for role in rule.roles))}
