"""The page of the command lines: every command with its help, arguments and options, as the programs hold them."""

import inspect
from collections.abc import Iterator, Sequence
from typing import Protocol, cast

import typer
from reference_text import NOTICE, table

from alliance_audit.app import app as auditors_app
from alliance_server.cli.app import app as hub_app
from member_client.cli.app import app as member_app

_HEAD = f"""{NOTICE}

# Command line

Exit codes and what to do about each: [errors](errors.md). `COMMAND --help` says the same as this page.
"""
_COMPLETION = {
    "--install-completion": "Install completion for the current shell.",
    "--show-completion": "Print the completion script of the current shell.",
}
"""Typer's own options; what it says of them changes with its version."""
_PROGRAMS = (("member-client", member_app), ("alliance-server", hub_app), ("alliance-audit", auditors_app))


class Parameter(Protocol):
    """What is read of Typer's parameters; its own classes moved between versions. `is_flag` is an option's alone."""

    name: str
    opts: Sequence[str]
    secondary_opts: Sequence[str]
    required: bool
    multiple: bool
    default: object
    envvar: str | None
    help: str | None
    metavar: str | None
    is_flag: bool


class Command(Protocol):
    """What is read of Typer's commands."""

    help: str | None
    params: Sequence[Parameter]


def page() -> str:
    """Write the page."""
    parts = [_HEAD]
    for name, app in _PROGRAMS:
        parts.extend(_described(name, cast("Command", typer.main.get_command(app)), 2))
    return "\n".join(parts).rstrip() + "\n"


def _described(path: str, command: Command, depth: int) -> Iterator[str]:
    """Describe a command and those below it."""
    yield f"{'#' * depth} {path}\n"
    yield f"```text\n{inspect.cleandoc(command.help or '')}\n```\n"
    parameters = [one for one in command.params if one.name not in ("help",) and not getattr(one, "hidden", False)]
    arguments = [one for one in parameters if not one.opts[0].startswith("-")]
    options = [one for one in parameters if one.opts[0].startswith("-")]
    if arguments:
        yield from table(("argument", ""), ((f"`{_metavar(one)}`", one.help or "") for one in arguments))
    if options:
        rows = ((_names(one), _meaning(one)) for one in options)
        yield from table(("option", ""), rows)
    for name, below in getattr(command, "commands", {}).items():
        if not getattr(below, "hidden", False):
            yield from _described(f"{path} {name}", below, min(depth + 1, 4))


def _metavar(parameter: Parameter) -> str:
    return str(parameter.metavar or parameter.name.upper())


def _names(option: Parameter) -> str:
    names = " ".join(f"`{name}`" for name in (*option.opts, *option.secondary_opts))
    return names if option.is_flag else f"{names} `{_metavar(option)}`"


def _meaning(option: Parameter) -> str:
    notes = []
    if option.required:
        notes.append("required")
    if option.multiple:
        notes.append("may be repeated")
    default = option.default() if callable(option.default) else option.default
    if default not in (None, "", (), []) and not isinstance(default, bool):
        notes.append(f"default `{default}`")
    if option.envvar:
        notes.append(f"variable `{option.envvar}`")
    text = _COMPLETION.get(option.opts[0]) or (option.help or "").strip()
    return f"{text} *({'; '.join(notes)})*" if notes else text
