"""`watch status|rescreen`: how the watch stands, and what the hub learned to count."""

from dataclasses import asdict

import typer

from member_client import WatchStatus
from member_client.cli.language import exact_moment, tr
from member_client.cli.session import Session, session_of


def status(context: typer.Context) -> None:
    """Show how the watch stands, and what the hub learned to count.

    For example:

      member-client watch status
    """
    session = session_of(context)
    stands = session.run(_status(session))
    session.document(asdict(stands))
    for line in _stands(stands):
        session.say(line)


def _stands(stands: WatchStatus) -> list[str]:
    lines = [
        tr("{count:,} identifiers watched · {matches:,} matches", count=stands.identifiers, matches=stands.matches),
        tr(
            "events up to {newest:,} · not acknowledged {left:,} · dead letters {dead:,}",
            newest=stands.newest,
            left=stands.unacknowledged,
            dead=stands.dead_letters,
        ),
        tr("looked at {time}", time=_moment(stands.looked_at)),
        tr(
            "all hits fetched anew {count:,} times, at {time}",
            count=stands.rescreenings,
            time=_moment(stands.rescreened_at),
        ),
        tr(
            "hub learned: {evaluations:,} evaluations, {prefixes:,} bucket prefixes (cover included); 0 identifiers",
            evaluations=stands.evaluations,
            prefixes=stands.prefixes,
        ),
    ]
    if stands.unsettled:
        lines.append(tr("{count:,} hits could not be settled: their bucket is overfull", count=stands.unsettled))
    return lines


def _moment(ms: int) -> str:
    return exact_moment(ms) if ms else tr("never")


async def _status(session: Session) -> WatchStatus:
    async with session.client() as client:
        return await client.watch_status()


def rescreen(context: typer.Context) -> None:
    """Fetch the buckets of all that hits anew, as is done once a day.

    A second claim on somebody who is listed already changes nothing in the
    filter; it is found so, or as soon as the first one changes. Example:

      member-client watch rescreen
    """
    session = session_of(context)
    events, stands = session.run(_rescreened(session))
    session.document({"events": events} | asdict(stands))
    session.say(tr("{count:,} new events", count=events))
    for line in _stands(stands):
        session.say(line)


async def _rescreened(session: Session) -> tuple[int, WatchStatus]:
    async with session.client() as client:
        report = await client.watch_rescreen()
        return report.events, await client.watch_status()
