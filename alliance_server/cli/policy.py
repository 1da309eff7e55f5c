"""`alliance-server policy`: the tables of this release, and which ones the alliance adopted."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from alliance.clock import iso_time
from alliance_server.cli.database import open_existing
from alliance_server.cli.options import DEFAULT_FOLDER, HubFolder, stdout
from alliance_server.cli.printing import say
from alliance_server.config import CONFIG_FILE, load_config
from alliance_server.domain import policy
from alliance_server.domain.policies import AdoptedPolicy
from alliance_server.storage.policies import knows_policies
from alliance_server.storage.unit_of_work import SqlTransaction

policy_app = typer.Typer(no_args_is_help=True, help="Show the policy of this release, and which ones are adopted.")


@policy_app.command("show")
def show(
    folder: HubFolder = DEFAULT_FOLDER,
    *,
    tables: Annotated[bool, typer.Option("--tables", help="Print the tables, to read what is adopted.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Print the hash of this release's policy, and whether it is adopted.

    Two admins adopt it while the release before still serves. Where there is
    no hub's folder, as on an admin's machine, the hash is printed alone.

    Example: alliance-server policy show --dir hub --tables
    """
    adopted = _adopted(folder)
    if as_json:
        say(stdout, json.dumps(_document(adopted, tables=tables), indent=1))
        return
    for line in (*_lines(adopted), *(_table_lines() if tables else ())):
        say(stdout, line)


def _adopted(folder: Path) -> list[AdoptedPolicy] | None:
    """Give what is adopted, oldest first; None where there is no hub, or its schema has no policies yet.

    A folder that somebody named has to be a hub's: a misspelt one would pass for a machine without a hub.
    """
    if folder == DEFAULT_FOLDER and not (folder / CONFIG_FILE).exists():
        return None
    engine = open_existing(load_config(folder).database_url)
    try:
        with engine.connect() as connection, connection.begin():
            return SqlTransaction(connection).policies.all() if knows_policies(connection) else None
    finally:
        engine.dispose()


def _is_adopted(adopted: list[AdoptedPolicy] | None) -> bool | None:
    return None if adopted is None else policy.POLICY_VERSION in {it.policy_sha256 for it in adopted}


def _lines(adopted: list[AdoptedPolicy] | None) -> Iterator[str]:
    standing = {None: "not known here", True: "adopted", False: "not adopted"}[_is_adopted(adopted)]
    yield f"policy of this release  {policy.POLICY_VERSION.hex()}  {standing}"
    for it in adopted or ():
        yield f"adopted  {it.policy_sha256.hex()}  {iso_time(it.adopted_at)}"


def _table_lines() -> Iterator[str]:
    for name, rows in policy.shown_tables().items():
        yield ""
        yield name
        yield from (f"  {' · '.join(row)}" for row in rows)


def _document(adopted: list[AdoptedPolicy] | None, *, tables: bool) -> dict[str, Any]:
    known = None
    if adopted is not None:
        known = [{"policy": it.policy_sha256.hex(), "adopted_at": iso_time(it.adopted_at)} for it in adopted]
    shown = {"tables": policy.shown_tables()} if tables else {}
    return {"policy": policy.POLICY_VERSION.hex(), "is_adopted": _is_adopted(adopted), "adopted": known, **shown}
