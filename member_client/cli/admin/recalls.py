"""`admin recalls`: recalled claims, and who has not dealt with them."""

from dataclasses import asdict
from typing import Annotated, Final

import typer

from member_client import OutstandingRecall
from member_client.cli.admin.options import done
from member_client.cli.language import exact_moment, retold, tr
from member_client.cli.session import session_of
from member_client.cli.tables import print_table

_COLUMNS: Final = ("Entry", "Recalled", "Reason", "To be dealt with by", "Outstanding")


def recalls(
    context: typer.Context,
    *,
    every: Annotated[bool, typer.Option("--all", help="Those that everybody has dealt with, too.")] = False,
) -> None:
    """List recalled claims that members have not dealt with, and which members.

    Each member holds a recall against what it decided and says that it did,
    never what it found; the limit is 24 hours. For example:

      member-client admin recalls
    """
    session = session_of(context)
    listed = done(session, lambda admin: admin.recalls())
    found = [it for it in listed if every or it.outstanding]
    now_ms = session.ports.clock.now_ms()
    session.document({"recalls": [_document(it, now_ms) for it in found]})
    if session.as_json:
        return
    if not found:
        session.say(tr("no recalls are outstanding"))
        return
    rows = [
        [
            it.entry_id.hex(),
            exact_moment(it.recalled_at),
            it.reason,
            tr("overdue since {time}", time=exact_moment(it.due_at))
            if it.is_overdue(now_ms)
            else exact_moment(it.due_at),
            ", ".join(it.outstanding) or retold("nobody"),
        ]
        for it in found
    ]
    print_table(session, _COLUMNS, rows, spared=("Recalled",), whole=tr("--json has them"))


def _document(recall: OutstandingRecall, now_ms: int) -> dict[str, object]:
    return asdict(recall) | {"entry_id": recall.entry_id.hex(), "overdue": recall.is_overdue(now_ms)}
