"""The two commands: `config show` and `config check`."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from alliance.findings import Level
from alliance_server.cli.config.addresses import check_addresses
from alliance_server.cli.config.contents import check_contents
from alliance_server.cli.config.findings import Finding
from alliance_server.cli.config.places import check_places
from alliance_server.cli.config.reading import read_what_is_right, wrong_settings
from alliance_server.cli.config.settings import DEFAULT, settings, unknown_variables
from alliance_server.cli.options import DEFAULT_FOLDER, stdout
from alliance_server.cli.printing import say
from alliance_server.config import CONFIG_FILE, load_config

NOT_CONFIGURED = 3

config_app = typer.Typer(no_args_is_help=True, help="Show the settings in force, and find what is wrong with them.")
_Folder = Annotated[Path, typer.Argument(help="The hub's folder.")]
_AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


def findings_of(folder: Path) -> list[Finding]:
    """Find everything that is wrong with a hub's configuration and with what it names."""
    config, findings = read_what_is_right(folder)
    if config is not None:
        findings += check_addresses(config)
        findings += check_places(config)
        findings += check_contents(config, set(wrong_settings(findings)))
    return sorted(findings, key=lambda it: it.level is not Level.ERROR)


@config_app.command()
def show(folder: _Folder = DEFAULT_FOLDER, *, as_json: _AsJson = False) -> None:
    """Print each setting with its value and its origin: default, hub.toml or a variable.

    Passwords are not shown.

    Example: alliance-server config show hub
    """
    found = settings(load_config(folder))
    unknown = [f"{name}: names no setting{meant}" for name, meant in unknown_variables()]
    if as_json:
        say(stdout, json.dumps({"settings": [asdict(it) for it in found], "unknown_variables": unknown}, indent=1))
        return
    table = Table("setting", "value", "origin", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for it in found:
        table.add_row(
            it.name, Text(str(it.value), overflow="fold"), Text(it.origin, "dim" if it.origin == DEFAULT else "")
        )
    stdout.print(table)
    for line in unknown:
        say(stdout, f"warning  {line}")


@config_app.command()
def check(folder: _Folder = DEFAULT_FOLDER, *, as_json: _AsJson = False) -> None:
    """Find everything that is wrong with the configuration, and say how to mend it.

    It looks at settings, files and their modes, keys, certificates and the
    database, changes nothing, and needs no hub that runs. It ends with 0
    where the hub can serve, warnings or not, and with 3 where it cannot.

    Example: alliance-server config check hub
    """
    findings = findings_of(folder)
    errors = sum(it.level is Level.ERROR for it in findings)
    if as_json:
        say(stdout, json.dumps({"ok": not errors, "findings": [asdict(it) for it in findings]}, indent=1))
    else:
        _print(folder, findings, errors)
    if errors:
        raise typer.Exit(NOT_CONFIGURED)


def _print(folder: Path, findings: list[Finding], errors: int) -> None:
    for it in findings:
        say(stdout, f"{it.level.value:<9}{it.about}: {it.problem}")
        say(stdout, f"         {it.fix}")
    if not findings:
        say(stdout, f"ok       {folder / CONFIG_FILE} and what it names: nothing is wrong")
    else:
        say(stdout, f"{errors} error(s), {len(findings) - errors} warning(s)")
