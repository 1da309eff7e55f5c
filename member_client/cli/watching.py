"""`member-client quota`, and what admins watch: standings and alarms."""

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Annotated, Final, TypeVar

import typer

from member_client import Administration, Alarm, AlarmKind, QuotaReport, Standing, StandingTier
from member_client.cli.admin import Reason, admin_app
from member_client.cli.language import moment, retold, tr
from member_client.cli.session import Session, session_of
from member_client.cli.tables import print_table

_QUOTA_COLUMNS: Final = ("Resource", "Used today", "A day", "At once now", "At once")
_STANDING_COLUMNS: Final = ("Member", "Score", "Tier", "Budgets", "Identifiers", "Asked in 30 days", "Business")
_ALARM_COLUMNS: Final = ("Alarm", "Member", "What", "Counted", "Against", "Since", "Acknowledged by")
_KINDS: Final = {
    AlarmKind.HOUR_ABOVE_USUAL: "more in an hour than usual",
    AlarmKind.DAY_ABOVE_USUAL: "more in a day than usual",
    AlarmKind.BEYOND_BUSINESS: "more than its business explains",
    AlarmKind.AT_NIGHT: "much at night",
    AlarmKind.MANY_BUCKETS: "many buckets for what was asked",
    AlarmKind.FEW_BUCKETS: "hardly any buckets for what was asked",
    AlarmKind.CONTRIBUTION_WITHOUT_ROWS: "contribution evaluations without rows",
}
_TIERS: Final = {
    StandingTier.UNKNOWN: "not computed yet",
    StandingTier.TAKING: "taking",
    StandingTier.BALANCED: "balanced",
    StandingTier.GIVING: "giving",
}

T = TypeVar("T")
AlarmNumber = Annotated[int, typer.Argument(help="Number of the alarm.", min=1, metavar="ALARM")]


def quota(context: typer.Context) -> None:
    """Show what this member may use and has used today, and its standing.

    Budgets renew at 00:00 UTC. A score rises with live claims, those of better
    evidence and of the last 90 days first, and with fewer questions. Example:

      member-client quota
    """
    session = session_of(context)

    async def work() -> QuotaReport:
        async with session.client() as client:
            return await client.quota()

    report = session.run(work())
    session.document({"quotas": [asdict(it) for it in report.quotas], "standing": _standing(report.standing)})
    if session.as_json:
        return
    rows = [
        [it.resource, f"{it.used_today:,}", f"{it.budget:,}", f"{it.burst_left:,}", f"{it.burst:,}"]
        for it in report.quotas
    ]
    print_table(session, _QUOTA_COLUMNS, rows, spared=("At once",), whole=tr("--json has them"))
    if report.quotas:
        session.say(tr("budgets renew at {time}", time=moment(report.quotas[0].renews_at)))
    for line in _standing_lines(report.standing):
        session.say(line)


@admin_app.command("standings")
def standings(context: typer.Context) -> None:
    """List what every lender gives beside what it asks, as computed last night.

    For example:

      member-client admin standings
    """
    session = session_of(context)

    async def work(admin: Administration) -> list[Standing]:
        return [it async for it in admin.standings()]

    found = _asked(session, work)
    session.document({"standings": [_standing(it) for it in found]})
    if session.as_json:
        return
    rows = [
        [
            it.member,
            str(it.score) if it.computed_at else "",
            retold(_TIERS[it.tier]),
            f"{it.budget_percent} %" if it.computed_at else "",
            f"{it.claims:,}",
            f"{it.queried:,}",
            _business(it),
        ]
        for it in found
    ]
    print_table(session, _STANDING_COLUMNS, rows, spared=("Business",), whole=tr("--json has them"))


@admin_app.command("alarms")
def alarms(
    context: typer.Context,
    *,
    every: Annotated[bool, typer.Option("--all", help="Those that were acknowledged, too.")] = False,
) -> None:
    """List alarms about members' volumes that nobody acknowledged yet.

    For example:

      member-client admin alarms
    """
    session = session_of(context)

    async def work(admin: Administration) -> list[Alarm]:
        return [it async for it in admin.alarms(open_only=not every)]

    found = _asked(session, work)
    session.document({"alarms": [_alarm(it) for it in found]})
    if session.as_json:
        return
    if not found:
        session.say(tr("no alarms"))
        return
    rows = [
        [
            str(it.id),
            it.member,
            retold(_KINDS[it.kind]),
            f"{it.observed:,}",
            f"{it.threshold:,}",
            moment(it.since),
            it.acknowledged_by or retold("nobody yet"),
        ]
        for it in found
    ]
    print_table(session, _ALARM_COLUMNS, rows, spared=("Since",), whole=tr("--json has them"))


@admin_app.command("acknowledge")
def acknowledge(context: typer.Context, alarm: AlarmNumber, reason: Reason) -> None:
    """Acknowledge an alarm, with what was found.

    For example:

      member-client admin acknowledge 12 --reason "new branch, called their desk"
    """
    session = session_of(context)

    async def work(admin: Administration) -> Alarm:
        return await admin.acknowledge(alarm, reason)

    made = _asked(session, work)
    session.document(_alarm(made))
    session.say(tr("acknowledged by {admin}: {reason}", admin=made.acknowledged_by, reason=made.acknowledgement))


def _asked(session: Session, work: Callable[[Administration], Awaitable[T]]) -> T:
    async def run() -> T:
        async with session.client() as client:
            return await work(await client.administration())

    return session.run(run())


def _standing_lines(standing: Standing) -> list[str]:
    if not standing.computed_at:
        return [tr("the standing is not computed yet")]
    lines = [
        tr("score {score} of 100 · {tier}", score=standing.score, tier=retold(_TIERS[standing.tier])),
        tr(
            "{claims:,} live identifiers contributed · {queried:,} asked about in 30 days",
            claims=standing.claims,
            queried=standing.queried,
        ),
    ]
    if standing.is_in_force:
        lines.append(tr("default budgets in force: {percent} %", percent=standing.budget_percent))
    else:
        lines.append(tr("the standing is shown only: it changes no budget"))
    return lines


def _business(standing: Standing) -> str:
    if not (standing.applications_a_day or standing.customers):
        return retold("not declared")
    return tr(
        "{applications:,} applications a day, {customers:,} customers",
        applications=standing.applications_a_day,
        customers=standing.customers,
    )


def _standing(standing: Standing) -> dict[str, object]:
    return asdict(standing) | {"tier": standing.tier.word}


def _alarm(alarm: Alarm) -> dict[str, object]:
    return asdict(alarm) | {"kind": alarm.kind.word}
