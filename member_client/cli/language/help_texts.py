"""Help in the reader's language.

Typer builds its commands anew for every run, so their texts can be set in place before anything is parsed. Examples
are commands and stay as they are; headings come from each parameter's panel. The few words that Typer keeps in its
module for help (`[required]` …) are lent for the run and given back, with what breaks lines of Chinese.
"""

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import typer
from rich.text import Text

from member_client.cli.language.breaking import ChineseText
from member_client.cli.language.speaking import spoken, told_help, tr


def localise(command: Any, parent: typer.Context | None = None) -> None:  # noqa: ANN401 - Click's, wherever it lives
    """Put a command's texts, and those of the commands below it, into the language that is spoken."""
    if spoken() == "en":
        return
    command.help = _paragraphs(command.help)
    command.short_help = _paragraphs(command.short_help)
    command.options_metavar = tr("[OPTIONS]")
    command.rich_help_panel = tr("Commands")
    command.format_usage = _usage(command)
    context = typer.Context(command, parent=parent, info_name=command.name, **command.context_settings)
    for parameter in command.get_params(context):
        parameter.help = _paragraphs(parameter.help)
        is_argument = parameter.param_type_name == "argument"
        parameter.rich_help_panel = tr("Arguments") if is_argument else tr("Options")
    if hasattr(command, "commands"):
        command.subcommand_metavar = tr("COMMAND [ARGS]...")
        for below in command.commands.values():
            localise(below, context)


@contextmanager
def translated_help() -> Iterator[None]:
    """Lend Typer's help the words that it takes from its own module; a Typer that has none there speaks English."""
    if spoken() == "en":
        yield
        return
    from typer import rich_utils  # for those who read English it is loaded with the help only

    lent = _lent(rich_utils.highlighter)
    before = {name: getattr(rich_utils, name) for name in lent if hasattr(rich_utils, name)}
    for name in before:
        setattr(rich_utils, name, lent[name])
    try:
        yield
    finally:
        for name, own in before.items():
            setattr(rich_utils, name, own)


def _lent(highlight: Callable[[str | Text], Text]) -> dict[str, object]:
    """Give what Typer's help uses for the run: three words, and its marking of options, in texts that break rightly."""
    return {
        "REQUIRED_LONG_STRING": tr("[required]"),
        "DEFAULT_STRING": tr("[default: {{}}]"),
        "ENVVAR_STRING": tr("[env var: {{}}]"),
        "highlighter": lambda text: ChineseText.of(highlight(text)),
    }


def _usage(command: Any) -> Any:  # noqa: ANN401 - Click's types
    def format_usage(context: Any, formatter: Any) -> None:  # noqa: ANN401 - Click's types
        pieces = " ".join(command.collect_usage_pieces(context))
        formatter.write_usage(context.command_path, pieces, prefix=tr("Usage: "))

    return format_usage


def _paragraphs(text: str | None) -> str | None:
    """Translate a help text by its paragraphs, whose line breaks mean nothing unless it is an example."""
    if not text:
        return text
    return "\n\n".join(_paragraph(paragraph) for paragraph in inspect.cleandoc(text).split("\n\n"))


def _paragraph(paragraph: str) -> str:
    running = " ".join(paragraph.split())
    said = told_help(running)
    return paragraph if said == running else said
