"""What a hub's database tells: policy, epoch keys, filters, clock, members' certificates, decisions that wait."""

from collections.abc import Iterator
from typing import Final

from alliance.clock import moment
from alliance.errors import AllianceError
from alliance.findings import Finding, Level, error, told, warning
from alliance.taxonomy import DAY_MS
from alliance_server.domain.epochs import SERVING, Epoch
from alliance_server.domain.ports import Transaction
from alliance_server.domain.statements import MAX_SKEW_MS
from alliance_server.hub_keys import HubKeys
from alliance_server.services import policies, succession
from alliance_server.services.filter_maintenance import HEARTBEAT_LIFE_MS
from alliance_server.services.overview import read_vitals

MEMBER_WARNING_MS: Final = 30 * DAY_MS
MOST_NAMED: Final = 10


def state_findings(transaction: Transaction, now: int) -> Iterator[Finding]:
    """Look at how the hub is that runs on the database."""
    serving = [epoch for epoch in transaction.epochs.all() if epoch.state in SERVING]
    yield from _succession(transaction)
    yield from _filters(transaction, serving, now)
    yield from _certificates(transaction, now)
    yield from _decisions(transaction, now)


def policy_findings(transaction: Transaction) -> Iterator[Finding]:
    """Look at whether the alliance adopted the tables of this release."""
    if policies.is_served(transaction):
        yield Finding(Level.OK, "the policy of this release may serve")
    else:
        yield error(policies.not_adopted(), f"{policies.how_to_adopt()}.", about="policy")


def _succession(transaction: Transaction) -> Iterator[Finding]:
    if succession.awaited(transaction):
        yield error(succession.NOT_SERVED, f"{succession.HOW_TO_SERVE}.")


def epoch_findings(epochs: list[Epoch], keys: HubKeys | None) -> Iterator[Finding]:
    """Look at whether epochs serve, and whether the keys are theirs."""
    serving = [epoch for epoch in epochs if epoch.state in SERVING]
    if not serving:
        yield error("no epoch serves: nobody can screen or contribute", "Begin an epoch.")
    if keys is None:
        return
    for epoch in serving:
        try:
            keys.check_epoch(epoch)
        except AllianceError as failure:
            yield error(told(failure), "Restore the keys' folder from its backup.", about="keys")
        else:
            yield Finding(Level.OK, f"the key of epoch {epoch.id} is the announced one")


def _filters(transaction: Transaction, serving: list[Epoch], now: int) -> Iterator[Finding]:
    for epoch in serving:
        state = transaction.filters.state(epoch.id)
        if state is None or not state.heartbeat:
            yield Finding(Level.WARNING, f"epoch {epoch.id} has no filter yet", "Start the hub: it builds one.")
            continue
        beat = state.last_heartbeat.time
        if beat - now > MAX_SKEW_MS:
            yield Finding(
                Level.ERROR,
                f"this machine's clock is behind: the filter of epoch {epoch.id} beat at {moment(beat)}",
                "Synchronise it (NTP) before the hub serves: what it signs now is refused.",
            )
        elif now - beat > HEARTBEAT_LIFE_MS:
            yield Finding(
                Level.WARNING,
                f"no hub keeps the filter of epoch {epoch.id}: it last beat at {moment(beat)}",
                "Start the hub; where it runs, look for 'maintenance failed' in its log.",
            )
        else:
            yield Finding(Level.OK, f"the filter of epoch {epoch.id} is {(now - beat) // 1000} s old")


def _certificates(transaction: Transaction, now: int) -> Iterator[Finding]:
    near = transaction.members.ending(now + MEMBER_WARNING_MS)
    ended = [member for member, ends in near if ends <= now]
    ending = [member for member, ends in near if ends > now]
    if ended:
        yield Finding(
            Level.WARNING,
            f"{len(ended)} active member(s) let their certificate expire: {_named(ended)}",
            "They are shut out: they need new invitations, under other ids.",
        )
    if ending:
        yield Finding(
            Level.WARNING,
            f"{len(ending)} active member(s) have certificates that end within 30 days: {_named(ending)}",
            "Call them: their clients have not been in use, or cannot renew. There: member-client renew",
        )
    if not near:
        yield Finding(Level.OK, "no member's certificate ends within 30 days")


def _decisions(transaction: Transaction, now: int) -> Iterator[Finding]:
    vitals = read_vitals(transaction, now)
    in_time = vitals.reviews_open - vitals.reviews_overdue
    remedy = "Ask another admin to review: member-client admin proposals"
    if vitals.reviews_overdue:
        yield error(f"{vitals.reviews_overdue} review(s) of break-glass are overdue", remedy)
    if in_time:
        yield warning(f"{in_time} change(s) by break-glass wait for another admin's review", remedy)
    if vitals.proposals_waiting:
        yield warning(f"{vitals.proposals_waiting} proposal(s) wait for an admin", "Ask the admins to decide.")
    if not vitals.reviews_open and not vitals.proposals_waiting:
        yield Finding(Level.OK, "no proposal waits for an admin")


def _named(members: list[str]) -> str:
    more = len(members) - MOST_NAMED
    return ", ".join(members[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
