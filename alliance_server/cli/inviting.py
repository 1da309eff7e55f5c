"""`member invite --csv`: the operator invites all on a list, before the alliance has its admins."""

import asyncio
import json
import secrets
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table
from rich.text import Text

from alliance.clock import SystemClock
from alliance.errors import Reason
from alliance.invitees import BadInvitee, Invitee, InviteesInvalid, read_invitees
from alliance.keyring.store import write_new
from alliance_server.cli.invite_plan import FINE, TO_DO, Planned, plan_invitations
from alliance_server.cli.members import addresses, bundle, opened
from alliance_server.cli.printing import say
from alliance_server.config import HubConfig
from alliance_server.domain.errors import Refused
from alliance_server.domain.members import INVITATION_LIFE_MS, Role
from alliance_server.hub_keys import HubKeys
from alliance_server.services.enrolment import TOKEN_BYTES, EnrolmentService, Ticket

ROWS_REFUSED: Final = 4


def invite_listed(
    out: Console,
    folder: Path,
    path: Path,
    destination: Path,
    *,
    skip_bad: bool,
    yes: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Show what a list would do, ask, and invite all on it; leaves with 4 where rows were refused."""
    read = _read(path)
    err = Console(stderr=True)
    with opened(folder) as (config, keys, store, enrolment):
        plan = store.read_now(lambda it: plan_invitations(it, config, keys, read, destination))
        refused = _refused(read, plan)
        _show(out, err, plan, refused, as_json=as_json)
        to_do = [it for it in plan if it.step in TO_DO]
        made: list[str] = []
        if refused and not skip_bad:
            say(err, "nothing was done: correct these rows, or leave them out by --skip-bad")
        elif to_do and not dry_run:
            _ask(yes=yes)
            destination.mkdir(mode=0o700, exist_ok=True)
            for planned in track(to_do, "Inviting", console=err, disable=not err.is_terminal, transient=True):
                asyncio.run(_invite(config, keys, enrolment, planned))
                made.append(planned.invitee.id)
    if as_json:
        out.print_json(json.dumps(_document(plan, refused, made)))
    elif made:
        say(out, f"{len(made)} invited; the tokens in {destination} work once, within 24 hours")
        say(out, "send each by a trusted channel, and confirm the keys: alliance-server member confirm ID")
    if refused:
        raise typer.Exit(ROWS_REFUSED)


def _read(path: Path) -> Sequence[Invitee | BadInvitee]:
    try:
        found = read_invitees(path)
    except InviteesInvalid as error:
        raise Refused(Reason.INVALID_REQUEST, f"{path}: {error}") from None
    if not found:
        raise Refused(Reason.INVALID_REQUEST, f"{path} names nobody")
    return found


def _refused(read: Sequence[Invitee | BadInvitee], plan: Sequence[Planned]) -> dict[int, str]:
    found = {it.row: str(it.fault) for it in read if isinstance(it, BadInvitee)}
    found |= {it.invitee.row: str(it.step) for it in plan if it.step not in FINE}
    return dict(sorted(found.items()))


def _show(out: Console, err: Console, plan: Sequence[Planned], refused: dict[int, str], *, as_json: bool) -> None:
    if not as_json:
        table = Table("row", "member", "name", "role", "what is done", box=None, pad_edge=False, padding=(0, 2, 0, 0))
        for it in plan:
            what = str(it.step) if it.step in FINE else "refused"
            table.add_row(str(it.invitee.row), it.invitee.id, Text(it.invitee.display_name), it.invitee.role, what)
        out.print(table)
        counts = Counter(it.step in TO_DO for it in plan if it.step in FINE)
        say(out, f"{counts[True]} to invite, {counts[False]} done before, {len(refused)} refused")
    for row, why in refused.items():
        say(err, f"row {row} is refused: {why}")


def _ask(*, yes: bool) -> None:
    if yes:
        return
    if not typer.get_text_stream("stdin").isatty():
        raise Refused(Reason.INVALID_REQUEST, "nobody is there to be asked: --yes goes on, --dry-run only looks")
    if not typer.confirm("Go on?"):
        raise typer.Exit


async def _invite(config: HubConfig, keys: HubKeys, enrolment: EnrolmentService, planned: Planned) -> None:
    one, token = planned.invitee, planned.token
    if token is None:
        token = secrets.token_bytes(TOKEN_BYTES)
        ticket = Ticket(one.id, token, SystemClock().now_ms() + INVITATION_LIFE_MS)
        write_new(planned.file, bundle(config, keys, ticket, *addresses(config)))
    await enrolment.invite(one.id, one.display_name, Role[one.role.upper()], token)


def _document(plan: Sequence[Planned], refused: dict[int, str], made: Sequence[str]) -> dict[str, object]:
    rows = [
        {
            "row": it.invitee.row,
            "member": it.invitee.id,
            "role": it.invitee.role,
            "step": it.step.name.lower() if it.step in FINE else "refused",
            "bundle": str(it.file),
            "invited": it.invitee.id in made,
        }
        for it in plan
    ]
    return {"rows": rows, "invited": len(made), "refused": [{"row": it, "why": why} for it, why in refused.items()]}
