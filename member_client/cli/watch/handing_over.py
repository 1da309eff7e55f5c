"""`watch run|dead-letters`: what happens, handed over."""

from pathlib import Path
from typing import Annotated, Any, Final

import typer

from alliance.taxonomy import Category, ClaimStatus, EvidenceLevel, SubjectRole
from member_client import WatchEvent
from member_client._documents import dumped
from member_client.cli.group import UsageFault
from member_client.cli.language import exact_moment, tr, word
from member_client.cli.matches import may
from member_client.cli.session import Session, session_of
from member_client.cli.tables import print_table
from member_client.cli.watch.targets import SecretOption, Target, ToOption, retried, run_to, target_of
from member_client.sinks.delivering import ATTEMPTS

_COLUMNS: Final = ("Event", "At", "What", "Ref", "Field", "Category", "Role", "Ev", "Status", "You may")
_SPARED: Final = ("At", "Ev", "Role", "Field")
DEAD_LETTER: Final = 5


def run(
    context: typer.Context,
    to: ToOption = "",
    secret_file: SecretOption = None,
    attempts: Annotated[
        int, typer.Option(help="Tries until an event that a webhook does not take is set aside.", min=1)
    ] = ATTEMPTS,
    *,
    once: Annotated[bool, typer.Option("--once", help="Look once, hand over what there is, and end.")] = False,
) -> None:
    r"""Watch, and hand over what happens, until it is interrupted.

    Events are match.new, match.changed, match.cleared, recall and dispute.
    Each is acknowledged once the file or the webhook has it, and comes again
    where that was cut off, under the same number:

      member-client watch run --to jsonl:events.jsonl

      member-client watch run --to webhook:https://risk.example.org/alliance \
        --secret-file webhook.secret

    Without --to, events are printed; with --json, one document a line. A
    webhook is signed as Standard Webhooks has it; an event that it does not
    take goes to the dead letters, and later ones go on.
    """
    session = session_of(context)
    target = target_of(to, secret_file)
    delivered = session.run(run_to(session, target, lambda event: _line(session, event), attempts, follow=not once))
    if target is not None:
        session.say(tr("{count:,} events handed over", count=delivered.taken))
    if delivered.dead_letters:
        session.say(tr("{count:,} events set aside: see watch dead-letters", count=delivered.dead_letters))
        raise typer.Exit(DEAD_LETTER)


def _line(session: Session, event: WatchEvent) -> None:
    """Print an event as it comes."""
    if session.as_json:
        typer.echo(dumped(event.record()))
        return
    cells = _cells(event)
    session.say(" ".join(cells))
    session.out.file.flush()


def dead_letters(
    context: typer.Context,
    to: ToOption = "",
    secret_file: SecretOption = None,
    *,
    retry: Annotated[bool, typer.Option("--retry", help="Send each once more, to the webhook of --to.")] = False,
) -> None:
    r"""List events that a webhook did not take, or send them again.

    For example:

      member-client watch dead-letters --retry \
        --to webhook:https://risk.example.org/alliance \
        --secret-file webhook.secret
    """
    session = session_of(context)
    target = _webhook(to, secret_file) if retry else None
    if target is not None:
        delivered = session.run(retried(session, target))
        session.say(tr("{count:,} events handed over", count=delivered.taken))
    left = session.run(_dead(session))
    session.document({"dead_letters": [event.record() for event in left]})
    if left and not session.as_json:
        print_table(session, _COLUMNS, map(_cells, left), spared=_SPARED, whole=tr("--json has them"))
    elif not left:
        session.say(tr("no dead letters"))
    raise typer.Exit(DEAD_LETTER if retry and left else 0)


def _webhook(to: str, secret_file: Path | None) -> Target:
    target = target_of(to, secret_file)
    if target is None or target.webhook is None:
        raise UsageFault(tr("--retry needs --to webhook:URL and --secret-file"))
    return target


async def _dead(session: Session) -> list[WatchEvent]:
    async with session.client() as client:
        return await client.watch_dead_letters()


def _cells(event: WatchEvent) -> list[str]:
    record: dict[str, Any] = event.record()
    return [
        str(event.number),
        exact_moment(event.at),
        event.kind.value,
        event.ref,
        event.field,
        word(Category, record["category"]),
        word(SubjectRole, record["role"]),
        word(EvidenceLevel, record["evidence"]),
        word(ClaimStatus, record["status"]),
        may(record["action"]),
    ]
