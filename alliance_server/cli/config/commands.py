"""The two commands: `config show` and `config check`."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from alliance.clock import SystemClock
from alliance.findings import Level
from alliance_server.cli import doctor
from alliance_server.cli.config.settings import DEFAULT, settings, unknown_variables
from alliance_server.cli.doctor.printing import print_findings
from alliance_server.cli.options import DEFAULT_FOLDER, stdout
from alliance_server.cli.printing import say
from alliance_server.config import load_config

config_app = typer.Typer(no_args_is_help=True, help="Show the settings in force, and find what is wrong with them.")
_Folder = Annotated[Path, typer.Argument(help="The hub's folder.")]
_AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


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
    found = [it for it in doctor.check(folder, SystemClock()) if it.level is not Level.OK]
    found.sort(key=lambda it: it.level is not Level.ERROR)
    raise typer.Exit(print_findings(stdout, found, as_json=as_json))
