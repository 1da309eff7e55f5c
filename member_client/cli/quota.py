"""`member-client quota`: what a member may use, has used, and how it stands."""

from dataclasses import asdict
from typing import Final

import typer

from member_client import QuotaReport, Standing, StandingTier
from member_client.cli.language import exact_moment, retold, tr
from member_client.cli.session import session_of
from member_client.cli.tables import print_table

_QUOTA_COLUMNS: Final = ("Resource", "Used today", "A day", "At once now", "At once")
TIERS: Final = {
    StandingTier.UNKNOWN: "not computed yet",
    StandingTier.TAKING: "taking",
    StandingTier.BALANCED: "balanced",
    StandingTier.GIVING: "giving",
}


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
    session.document({"quotas": [asdict(it) for it in report.quotas], "standing": standing_document(report.standing)})
    if session.as_json:
        return
    rows = [
        [it.resource, f"{it.used_today:,}", f"{it.budget:,}", f"{it.burst_left:,}", f"{it.burst:,}"]
        for it in report.quotas
    ]
    print_table(session, _QUOTA_COLUMNS, rows, spared=("At once",), whole=tr("--json has them"))
    if report.quotas:
        session.say(tr("budgets renew at {time}", time=exact_moment(report.quotas[0].renews_at)))
    for line in _standing_lines(report.standing):
        session.say(line)


def _standing_lines(standing: Standing) -> list[str]:
    if not standing.computed_at:
        return [tr("the standing is not computed yet")]
    lines = [
        tr("score {score} of 100 · {tier}", score=standing.score, tier=retold(TIERS[standing.tier])),
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


def standing_document(standing: Standing) -> dict[str, object]:
    """Give a standing as a document."""
    return asdict(standing) | {"tier": standing.tier.word}
