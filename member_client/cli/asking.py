"""What commands that change something share: asking first, and hearing a member's words."""

import typer

from member_client.cli.group import UsageFault
from member_client.cli.language import tr


def ask(*, yes: bool, dry_run: bool = True) -> None:
    """Ask whether to go on; leaves where the answer is no, raises UsageFault where nobody is there.

    `dry_run` says whether the command has that option, so that none is named that is refused.
    """
    if yes:
        return
    if not typer.get_text_stream("stdin").isatty():
        if dry_run:
            raise UsageFault(tr("nobody is there to be asked: --yes goes on, --dry-run only looks"))
        raise UsageFault(tr("nobody is there to be asked, and nothing was signed: --yes goes on"))
    if not typer.confirm(tr("Go on?")):
        raise typer.Exit


def heard_words() -> str:
    """Ask for the words that a member read; raises UsageFault where nobody is there."""
    if not typer.get_text_stream("stdin").isatty():
        raise UsageFault(tr("the words are missing that the member read to you: --fingerprint WORDS"))
    return str(typer.prompt(tr("The twelve words, as the member read them")))
