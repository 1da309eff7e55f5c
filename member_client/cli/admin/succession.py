"""`member-client admin succession`: what an admin is shown of a restored hub, and signs."""

from typing import Annotated

import typer

from alliance.clock import moment
from member_client import Succession
from member_client.cli.admin.options import done
from member_client.cli.asking import ask
from member_client.cli.group import UsageFault
from member_client.cli.language import tr
from member_client.cli.session import Session, session_of

succession_app = typer.Typer(no_args_is_help=True, help="After a restore: look at the hub's succession, and sign it.")


@succession_app.command("show")
def show(context: typer.Context) -> None:
    """Show the succession of a hub that was restored from a backup.

    For example:

      member-client admin succession show
    """
    session = session_of(context)
    found = done(session, lambda admin: admin.succession())
    _say(session, found)
    session.document(_document(found))


@succession_app.command("sign")
def sign(
    context: typer.Context,
    *,
    digest: Annotated[
        str,
        typer.Option(help="Sign only what has this digest, as another admin read it out.", metavar="HEX"),
    ] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask; what is signed is shown all the same.")] = False,
) -> None:
    """Sign the succession of a hub that was restored from a backup.

    Compare the new identity with the operator's by telephone first: who
    holds the backups could ask for this, too. Example:

      member-client admin succession sign
    """
    session = session_of(context)
    found = done(session, lambda admin: admin.succession())
    _say(session, found)
    if digest and found.digest.hex() != digest.strip().lower():
        raise UsageFault(tr("the hub shows a succession with another digest; nothing was signed"))
    ask(yes=yes, dry_run=False)
    signed = done(session, lambda admin: admin.sign_succession(found))
    session.say(tr("signed; signatures that hold here: {admins}", admins=", ".join(signed.signed_by)))
    if not signed.is_signed:
        session.note(tr("another admin signs: member-client admin succession sign"))
    session.document(_document(signed))


def _say(session: Session, succession: Succession) -> None:
    for line in _lines(succession):
        session.say(line)


def _lines(succession: Succession) -> list[str]:
    lines = [
        tr("the hub was restored: origin {origin}", origin=succession.origin),
        tr("identity until now: {key}", key=succession.previous_hub_key.hex()),
        tr("new identity: {key}", key=succession.hub_key.hex()),
        tr(
            "backup of {taken}, restored {restored}: what was acknowledged in between is lost",
            taken=moment(succession.backup_taken_at),
            restored=moment(succession.restored_at),
        ),
    ]
    if succession.ledger_used:
        lines.append(tr("purge ledger: {entries:,} entries since the backup", entries=succession.ledger_entries))
        if succession.ledger_until:
            lines.append(tr("the newest of them is of {until}", until=moment(succession.ledger_until)))
    else:
        lines.append(tr("WITHOUT the purge ledger: claims withdrawn and members suspended since may be back"))
    if succession.retired_epochs:
        epochs = ", ".join(map(str, succession.retired_epochs))
        lines.append(tr("epochs that are gone for good: {epochs}", epochs=epochs))
    admins = ", ".join(succession.signed_by) or "-"
    return [*lines, tr("signed by: {admins}", admins=admins), tr("digest: {digest}", digest=succession.digest.hex())]


def _document(succession: Succession) -> dict[str, object]:
    return {
        "origin": succession.origin,
        "previous_identity": succession.previous_hub_key.hex(),
        "identity": succession.hub_key.hex(),
        "backup_taken_at": succession.backup_taken_at,
        "restored_at": succession.restored_at,
        "audit_rows": succession.audit_rows,
        "ledger_used": succession.ledger_used,
        "ledger_entries": succession.ledger_entries,
        "ledger_until": succession.ledger_until or None,
        "retired_epochs": list(succession.retired_epochs),
        "signed_by": list(succession.signed_by),
        "is_signed": succession.is_signed,
        "digest": succession.digest.hex(),
    }
