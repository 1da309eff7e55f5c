"""`admin members`, `standings`, `alarms`, `acknowledge`: whom and what admins watch."""

from dataclasses import asdict
from typing import Annotated, Final

import typer

from member_client import Administration, Alarm, AlarmKind, MemberRole, MemberState, Standing
from member_client.cli.admin.options import Reason, done
from member_client.cli.language import exact_moment, retold, tr
from member_client.cli.quota import TIERS, standing_document
from member_client.cli.session import session_of
from member_client.cli.tables import print_table

_MEMBER_COLUMNS: Final = ("Member", "Name", "Is", "State")
_ROLES: Final = {
    MemberRole.MEMBER: "member institution",
    MemberRole.ADMIN: "admin",
    MemberRole.LIAISON: "police liaison",
    MemberRole.LEGAL_APPROVER: "legal approver",
    MemberRole.DUTY_OFFICER: "duty officer",
    MemberRole.REVIEWER: "reviewer",
    MemberRole.AUDITOR: "auditor",
}
_STATES: Final = {
    MemberState.INVITED: "invited",
    MemberState.UNCONFIRMED: "enrolled, to be confirmed",
    MemberState.ACTIVE: "active",
    MemberState.SUSPENDED: "suspended",
    MemberState.OFFBOARDED: "offboarded",
}
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

AlarmNumber = Annotated[int, typer.Argument(help="Number of the alarm.", min=1, metavar="ALARM")]


def members(
    context: typer.Context,
    *,
    every: Annotated[bool, typer.Option("--all", help="Those that were offboarded, too.")] = False,
) -> None:
    """List who enrolled in the alliance: members, admins, liaisons, approvers, auditors and reviewers.

    For example:

      member-client admin members
    """
    session = session_of(context)
    listed = done(session, lambda admin: admin.members())
    found = [it for it in listed if every or it.state is not MemberState.OFFBOARDED]
    session.document({"members": [asdict(it) | {"role": it.role.word, "state": it.state.word} for it in found]})
    if session.as_json:
        return
    rows = [[it.member, it.display_name, retold(_ROLES[it.role]), retold(_STATES[it.state])] for it in found]
    print_table(session, _MEMBER_COLUMNS, rows, spared=("Name",), whole=tr("--json has them"))


def standings(context: typer.Context) -> None:
    """List what every lender gives beside what it asks, as computed last night.

    For example:

      member-client admin standings
    """
    session = session_of(context)

    async def work(admin: Administration) -> list[Standing]:
        return [it async for it in admin.standings()]

    found = done(session, work)
    session.document({"standings": [standing_document(it) for it in found]})
    if session.as_json:
        return
    rows = [
        [
            it.member,
            str(it.score) if it.computed_at else "",
            retold(TIERS[it.tier]),
            f"{it.budget_percent} %" if it.computed_at else "",
            f"{it.claims:,}",
            f"{it.queried:,}",
            _business(it),
        ]
        for it in found
    ]
    print_table(session, _STANDING_COLUMNS, rows, spared=("Business",), whole=tr("--json has them"))


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

    found = done(session, work)
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
            exact_moment(it.since),
            it.acknowledged_by or retold("nobody yet"),
        ]
        for it in found
    ]
    print_table(session, _ALARM_COLUMNS, rows, spared=("Since",), whole=tr("--json has them"))


def acknowledge(context: typer.Context, alarm: AlarmNumber, reason: Reason) -> None:
    """Acknowledge an alarm, with what was found.

    For example:

      member-client admin acknowledge 12 --reason "new branch, called their desk"
    """
    session = session_of(context)

    async def work(admin: Administration) -> Alarm:
        return await admin.acknowledge(alarm, reason)

    made = done(session, work)
    session.document(_alarm(made))
    session.say(tr("acknowledged by {admin}: {reason}", admin=made.acknowledged_by, reason=made.acknowledgement))


def _business(standing: Standing) -> str:
    if not (standing.applications_a_day or standing.customers):
        return retold("not declared")
    return tr(
        "{applications:,} applications a day, {customers:,} customers",
        applications=standing.applications_a_day,
        customers=standing.customers,
    )


def _alarm(alarm: Alarm) -> dict[str, object]:
    return asdict(alarm) | {"kind": alarm.kind.word}
