"""`member-client admin policy` and `admin suppression`: what holds for everybody, agreed on by two admins."""

import json
import tomllib
from pathlib import Path
from typing import Annotated

import typer

from alliance.identifiers import SuppressionList, SuppressionListInvalid, suppression_list
from member_client import Change
from member_client.cli.admin.changing import changing
from member_client.cli.admin.options import DryRun, Reason, Yes, done
from member_client.cli.group import UsageFault
from member_client.cli.language import tr
from member_client.cli.session import Session, session_of

policy_app = typer.Typer(no_args_is_help=True, help="Propose to adopt the policy of a release.")
suppression_app = typer.Typer(no_args_is_help=True, help="Show the suppression list, propose another.")


@policy_app.command("adopt")
def adopt(
    context: typer.Context,
    policy: Annotated[
        str, typer.Argument(help="The hash that alliance-server policy show prints in the new release.", metavar="HASH")
    ],
    reason: Reason,
    *,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:
    """Propose to let a release serve whose tables have this hash.

    Read the tables first, with the new release on your own machine:
    alliance-server policy show --tables. Example:

      member-client admin policy adopt HASH --reason "read the tables"
    """
    changing(session_of(context), Change.adopt_policy(policy), reason, yes=yes, dry_run=dry_run)


@suppression_app.command("show")
def show(
    context: typer.Context,
    proposal: Annotated[
        str | None, typer.Argument(help="Id of a proposal, or its first digits: show its list.", metavar="PROPOSAL")
    ] = None,
) -> None:
    """Print the suppression list in force, or one that is proposed, as a file to edit.

    For example:

      member-client admin suppression show > list.toml
    """
    session = session_of(context)
    found = _in_force(session) if proposal is None else _proposed(session, proposal)
    session.document({"number": found.number, **found.document()})
    for line in _toml(found):
        session.say(line)


@suppression_app.command("propose")
def propose(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="The whole list, as suppression show prints it.", metavar="FILE")],
    reason: Reason,
    *,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:
    r"""Propose another suppression list: values that many people share, or nobody has.

    It takes the place of the one in force, and is public: nothing in it may
    name a person. Example:

      member-client admin suppression propose list.toml \
        --reason "a new test number"
    """
    session = session_of(context)
    made = _read(file, _in_force(session).number + 1)
    session.say(tr("how many live claims it concerns the hub cannot know"))
    changing(session, Change.set_suppression_list(made), reason, yes=yes, dry_run=dry_run)


def _in_force(session: Session) -> SuppressionList:
    return done(session, lambda admin: admin.suppression_list())


def _proposed(session: Session, start: str) -> SuppressionList:
    found = done(session, lambda admin: admin.proposal(start)).change.suppression
    if found is None:
        raise UsageFault(tr("the proposal is about something else than the suppression list"))
    return found


def _read(file: Path, number: int) -> SuppressionList:
    """Read a file; raises UsageFault, which names no value of it."""
    try:
        raw = tomllib.loads(file.read_text("utf-8"))
        return suppression_list(**{**raw, "number": number})
    except OSError as error:
        raise UsageFault(f"{file}: {error.strerror}") from error
    except (SuppressionListInvalid, ValueError, TypeError, AttributeError):
        raise UsageFault(
            tr(
                "{file} is no suppression list: version, domains, networks and [values], all in canonical form",
                file=file,
            )
        ) from None


def _toml(found: SuppressionList) -> list[str]:
    """Write a list as TOML; a JSON text is a TOML basic string."""
    document = found.document()
    lines = [f"# {found.number}", f"version = {json.dumps(document['version'])}"]
    for name in ("domains", "networks"):
        lines.append(f"{name} = {json.dumps(document[name])}")
    return [*lines, "", "[values]", *(f"{kind} = {json.dumps(texts)}" for kind, texts in document["values"].items())]
