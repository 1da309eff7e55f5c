"""`audit entries`: whether the hub serves this member's own entries to readers."""

from dataclasses import asdict
from typing import Annotated

import typer

from member_client import EntryReport
from member_client.cli.language import tr
from member_client.cli.session import session_of


def entries(
    context: typer.Context,
    *,
    sample: Annotated[int, typer.Option(help="How many to draw.", min=1, max=1000)] = 20,
) -> None:
    """Look at some of this member's own entries, as any reader does.

    They are drawn at random from those that this machine filed. A client that
    stays open looks at a few about once an hour. One that the hub keeps from
    readers, while it says that it lives, ends with exit code 7:

      member-client audit entries --sample 50
    """
    session = session_of(context)

    async def work() -> EntryReport:
        async with session.client() as client:
            return await client.check_own_entries(sample)

    report = session.run(work())
    named = {"gone": [it.hex() for it in report.gone], "omitted": [it.hex() for it in report.omitted]}
    session.document(asdict(report) | named | {"looked_at": report.looked_at})
    session.say(
        tr(
            "{looked_at:,} own entries drawn · {served:,} served to readers · {ended:,} ended · {unknown:,} unknown",
            looked_at=report.looked_at,
            served=report.served,
            ended=report.ended,
            unknown=report.unknown,
        )
    )
    if report.gone:
        session.say(
            tr(
                "{count:,} the hub does not know: where no other machine withdrew them, tell the alliance's auditor",
                count=len(report.gone),
            )
        )
        session.say("\n".join(it.hex() for it in report.gone))
