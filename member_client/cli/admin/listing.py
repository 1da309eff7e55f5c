"""`admin invite --csv`: many are invited from a list, shown first, and what was cut short goes on."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import typer

from alliance.invitees import BadInvitee, Invitee, InviteesInvalid, read_invitees
from member_client import Administration, InviteStep, PlannedInvite, Proposal, ProposalState
from member_client.cli.admin.options import done
from member_client.cli.admin.showing import say_all
from member_client.cli.asking import ask
from member_client.cli.endings import ROWS_REFUSED
from member_client.cli.group import UsageFault
from member_client.cli.language import retold, tr
from member_client.cli.progress import counting
from member_client.cli.session import Session
from member_client.cli.tables import print_table
from member_client.errors import AllianceClientError, IntegrityError, TooManyProposals

_COLUMNS: Final = ("Row", "Member", "Name", "Role", "What is done")
_STEPS: Final = {
    InviteStep.INVITE: "invite",
    InviteStep.PROPOSE: "propose; its bundle is there",
    InviteStep.DONE: "nothing: it is done",
}
_TO_DO: Final = (InviteStep.INVITE, InviteStep.PROPOSE)


@dataclass(slots=True)
class _Run:
    """A list, what is planned for it, and what was proposed of it."""

    bad: list[BadInvitee]
    plan: list[PlannedInvite]
    made: dict[int, Proposal] = field(default_factory=dict)
    """By row."""
    stopped: TooManyProposals | None = None

    @property
    def to_do(self) -> list[PlannedInvite]:
        return [it for it in self.plan if it.step in _TO_DO]

    @property
    def refused(self) -> dict[int, str]:
        """Why each row that is refused is, by row."""
        found = {it.row: str(it.fault) for it in self.bad}
        return found | {it.invitee.row: str(it.obstacle) for it in self.plan if it.obstacle is not None}


def invite_listed(
    session: Session, path: Path, folder: Path, reason: str, *, skip_bad: bool, yes: bool, dry_run: bool
) -> None:
    """Plan, show, ask, and invite all on a list; leaves with the code that tells how it went."""
    read = _read(path)
    good = [it for it in read if isinstance(it, Invitee)]
    plan = done(session, lambda admin: admin.plan_invites(good, folder))
    run = _Run([it for it in read if isinstance(it, BadInvitee)], plan)
    _show(session, run)
    if run.refused and not skip_bad:
        session.note(tr("nothing was done: correct these rows, or leave them out by --skip-bad"))
    elif run.to_do and not dry_run:
        ask(yes=yes)
        with _resumable(run):
            done(session, lambda admin: _invite(session, admin, run, reason))
        _tell(session, run, folder)
    session.document(_document(run))
    if run.stopped is not None:
        raise typer.Exit(run.stopped.exit_code)
    if run.refused:
        raise typer.Exit(ROWS_REFUSED)


def invited_by(session: Session, path: Path) -> list[Proposal]:
    """Read the open invitations of those on a list, and show them; raises UsageFault where one is not as listed."""
    rows = _read(path)
    bad = [it.row for it in rows if isinstance(it, BadInvitee)]
    if bad:
        raise UsageFault(tr("row {row} of the list cannot be used: nothing was signed", row=bad[0]))
    listed = {it.id: it for it in rows if isinstance(it, Invitee)}

    async def work(admin: Administration) -> list[Proposal]:
        return [it async for it in admin.proposals() if it.change.kind == "invite" and it.change.member in listed]

    found = [it for it in done(session, work) if it.state is ProposalState.OPEN]
    seen: set[str] = set()
    for proposal in found:
        one = listed[proposal.change.member]
        if one.id in seen:
            raise UsageFault(tr("row {row} is proposed more than once: nothing was signed", row=one.row))
        if proposal.change.details != {"member": one.id, "display_name": one.display_name, "role": one.role}:
            raise UsageFault(tr("row {row} is proposed with another name or role: nothing was signed", row=one.row))
        seen.add(one.id)
    if not found:
        raise UsageFault(tr("no invitation of this list waits"))
    say_all(session, found)
    return found


def _read(path: Path) -> Sequence[Invitee | BadInvitee]:
    try:
        found = read_invitees(path)
    except InviteesInvalid as error:
        raise UsageFault(retold(str(error))) from None
    except OSError:
        raise UsageFault(tr("{file}: the list cannot be read", file=path)) from None
    if not found:
        raise UsageFault(tr("the list names nobody"))
    return found


def _show(session: Session, run: _Run) -> None:
    if not session.as_json:
        print_table(session, _COLUMNS, [_row(it) for it in run.plan], spared=(), whole=tr("--json has them"))
    for row, why in sorted(run.refused.items()):
        session.say(tr("row {row} is refused: {why}", row=row, why=retold(why)))
    session.say(
        tr(
            "{todo:,} to invite, {ready:,} done before, {refused:,} refused",
            todo=len(run.to_do),
            ready=sum(it.step is InviteStep.DONE for it in run.plan),
            refused=len(run.refused),
        )
    )


def _row(planned: PlannedInvite) -> list[str]:
    one = planned.invitee
    what = retold("refused") if planned.obstacle else retold(_STEPS[planned.step])
    return [str(one.row), one.id, one.display_name, one.role, what]


@contextmanager
def _resumable(run: _Run) -> Iterator[None]:
    """Let whatever stops the run say how far it came, and how it goes on."""
    try:
        yield
    except IntegrityError:
        raise  # the same again would end the same way
    except (AllianceClientError, KeyboardInterrupt, OSError) as stop:
        stop.add_note(tr("{made:,} were proposed; run the same command again, and it goes on", made=len(run.made)))
        raise


async def _invite(session: Session, admin: Administration, run: _Run, reason: str) -> None:
    with counting(session, tr("Inviting")) as advance:
        for planned in run.to_do:
            try:
                run.made[planned.invitee.row] = await admin.invite_planned(planned, reason)
            except TooManyProposals as error:
                run.stopped = error
                return
            advance(len(run.made))


def _tell(session: Session, run: _Run, folder: Path) -> None:
    session.say(tr("{made:,} proposed; another admin decides: member-client admin proposals", made=len(run.made)))
    if run.stopped is not None:
        session.note(
            tr(
                "stopped: this admin has as many open proposals as one may, and {left:,} are left. Once another admin "
                "has decided some, run the same command again: it goes on where it stopped",
                left=len(run.to_do) - len(run.made),
            )
        )
    session.note(tr("the bundles in {folder} hold tokens: send each by a channel that both sides trust", folder=folder))


def _document(run: _Run) -> dict[str, object]:
    rows = [_entry(it, run.made.get(it.invitee.row)) for it in run.plan]
    rows += [{"row": it.row, "step": InviteStep.REFUSED.value, "why": str(it.fault)} for it in run.bad]
    return {
        "rows": sorted(rows, key=lambda it: int(str(it["row"]))),
        "proposed": len(run.made),
        "left": len(run.to_do) - len(run.made),
        "refused": len(run.refused),
        "stopped": "too_many_proposals" if run.stopped is not None else None,
    }


def _entry(planned: PlannedInvite, made: Proposal | None) -> dict[str, object]:
    one = planned.invitee
    return {
        "row": one.row,
        "member": one.id,
        "display_name": one.display_name,
        "role": one.role,
        "step": planned.step.value,
        "why": str(planned.obstacle) if planned.obstacle else None,
        "bundle": str(planned.bundle),
        "proposal": made.id.hex() if made else None,
        "digest": made.digest.hex() if made else None,
    }
