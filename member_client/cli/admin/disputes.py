"""`admin disputes`: whose answers to disputes are overdue, and about whose claims a reviewer is late."""

from dataclasses import asdict
from typing import Final

import typer

from member_client.cli.admin.options import done
from member_client.cli.language import exact_moment, tr
from member_client.cli.session import session_of
from member_client.cli.tables import print_table

_COLUMNS: Final = ("Member", "Unanswered", "Not reviewed", "Overdue since")


def disputes(context: typer.Context) -> None:
    """List by member what is overdue of disputes about its claims.

    Unanswered counts what the member has not answered in time, not reviewed
    what a reviewer has not decided within 20 days. For example:

      member-client admin disputes
    """
    session = session_of(context)
    found = done(session, lambda admin: admin.overdue_disputes())
    session.document({"overdue": [asdict(it) for it in found]})
    if session.as_json:
        return
    if not found:
        session.say(tr("no disputes are overdue"))
        return
    rows = [[it.contributor, f"{it.unanswered:,}", f"{it.undecided:,}", exact_moment(it.since)] for it in found]
    print_table(session, _COLUMNS, rows, spared=("Overdue since",), whole=tr("--json has them"))
