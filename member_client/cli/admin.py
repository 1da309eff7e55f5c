"""`member-client admin`: what admins of the alliance do, with what it would change shown before it is asked for."""

from collections.abc import Callable, Coroutine
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

import typer

from alliance.clock import moment as _moment
from member_client import Administration, Change, Decision, Effect, Proposal, ProposalState
from member_client.cli.asking import ask as _ask
from member_client.cli.group import UsageFault
from member_client.cli.language import retold, tr
from member_client.cli.session import Session, session_of
from member_client.cli.succession import succession_app
from member_client.cli.tables import print_table

admin_app = typer.Typer(no_args_is_help=True, help="For admins: propose changes, decide those of others.")
admin_app.add_typer(succession_app, name="succession")

T = TypeVar("T")


class ClaimsFate(StrEnum):
    """What becomes of a departed member's claims."""

    KEEP = "keep"
    WITHDRAW = "withdraw"


_COLUMNS: Final = ("Proposal", "Change", "Member", "By", "State", "Decide by")
_ID_DIGITS: Final = 8
_DIGEST_DIGITS: Final = 8
_STATES: Final = {
    ProposalState.OPEN: "open",
    ProposalState.EFFECTIVE: "effective",
    ProposalState.REJECTED: "rejected",
    ProposalState.WITHDRAWN: "withdrawn",
    ProposalState.EXPIRED: "expired",
    ProposalState.UNREVIEWED: "done by break-glass, to be reviewed",
}
_DETAILS: Final = {
    "member": "Member",
    "display_name": "Name",
    "role": "Role",
    "resource": "Budget of",
    "items": "Items",
    "applications_a_day": "Applications a day",
    "customers": "Customers",
    "epoch": "Epoch",
    "withdraw_claims": "Withdraw its claims",
    "policy": "Policy",
    "number": "Number of the list",
    "list_sha256": "Digest of the list",
}

Member = Annotated[str, typer.Argument(help="Id of the member.", metavar="MEMBER")]
ProposalId = Annotated[str, typer.Argument(help="The proposal's id, or its first digits.", metavar="PROPOSAL")]
Reason = Annotated[str, typer.Option("--reason", help="Why, for the other admins; no person's data.", metavar="TEXT")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask; the preview is shown all the same.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what it would do, and propose nothing.")]
BreakGlass = Annotated[
    bool,
    typer.Option("--break-glass", help="At once, with an alarm, and reviewed by another admin afterwards."),
]


@admin_app.command("invite")
def invite(
    context: typer.Context,
    member: Member,
    out: Annotated[Path, typer.Option("--out", help="Enrolment bundle to write.", metavar="FILE")],
    reason: Reason,
    *,
    display_name: Annotated[str, typer.Option(help="Name of the institution or office.", metavar="NAME")] = "",
    role: Annotated[str, typer.Option(help="member, admin, liaison or auditor.", metavar="ROLE")] = "member",
) -> None:
    r"""Propose to invite somebody, and write their enrolment bundle.

    The bundle works once another admin approved, for 24 hours from then on.
    Send it by a channel that both sides trust. Example:

      member-client admin invite lender-b --out lender-b.json \
        --display-name "Lender B" --reason "board of 3 March"
    """
    session = session_of(context)

    async def work(admin: Administration) -> Proposal:
        return await admin.invite(member, out, reason, display_name=display_name, role=role)

    _shown(session, _done(session, work))
    session.note(tr("{file} holds a token: send it by a channel that both sides trust", file=out))


@admin_app.command("confirm")
def confirm(
    context: typer.Context,
    member: Member,
    words: Annotated[
        list[str] | None, typer.Argument(help="The twelve words that the member read to you.", metavar="WORDS")
    ] = None,
    *,
    reason: Reason,
) -> None:
    r"""Propose to let a member in that has enrolled, by the fingerprint that it read to you.

    Call a number that you know from elsewhere. Whoever approves calls, too:
    the bundle went through other hands. Words of another key mean that
    somebody else has enrolled: confirm nothing, and invite again. Example:

      member-client admin confirm lender-b --reason "called Ms Li" \
        flush outer expand home boost wide quote power book drastic text labor
    """
    session = session_of(context)
    heard = " ".join(words or ()) or _heard()
    _shown(session, _done(session, lambda admin: admin.confirm(member, heard, reason)))


def _heard() -> str:
    if not typer.get_text_stream("stdin").isatty():
        raise UsageFault(tr("the words are missing that the member read to you"))
    return str(typer.prompt(tr("The twelve words, as the member read them")))


def _changing(
    session: Session, change: Change, reason: str, *, yes: bool, dry_run: bool, break_glass: bool = False
) -> None:
    """Show what a change would do, ask, and propose it."""
    effect = _done(session, lambda admin: admin.preview(change))
    for line in _lines(effect):
        session.say(line)
    if dry_run:
        session.document({"change": change.kind, "member": change.member, "effect": _record(effect)})
        return
    _ask(yes=yes)
    _shown(session, _done(session, lambda admin: admin.propose(change, reason, break_glass=break_glass)))


@admin_app.command("suspend")
def suspend(
    context: typer.Context,
    member: Member,
    reason: Reason,
    *,
    break_glass: BreakGlass = False,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:
    """Refuse every call of a member from the next one on; needs no other admin, except against an admin.

    For example:

      member-client admin suspend lender-b --reason "keys were stolen"
    """
    change = Change.suspend(member)
    _changing(session_of(context), change, reason, yes=yes, dry_run=dry_run, break_glass=break_glass)


@admin_app.command("resume")
def resume(
    context: typer.Context,
    member: Member,
    reason: Reason,
    *,
    break_glass: BreakGlass = False,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:
    """Propose to end a suspension.

    For example:

      member-client admin resume lender-b --reason "new keys, checked"
    """
    change = Change.resume(member)
    _changing(session_of(context), change, reason, yes=yes, dry_run=dry_run, break_glass=break_glass)


@admin_app.command("revoke")
def revoke(
    context: typer.Context,
    member: Member,
    reason: Reason,
    *,
    break_glass: BreakGlass = False,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:
    """Propose to revoke all certificates of a member, for good: it does not come back under its id.

    Suspend it first: that needs nobody else. Example:

      member-client admin revoke lender-b --reason "machine was lost"
    """
    change = Change.revoke_certificates(member)
    _changing(session_of(context), change, reason, yes=yes, dry_run=dry_run, break_glass=break_glass)


@admin_app.command("offboard")
def offboard(
    context: typer.Context,
    member: Member,
    reason: Reason,
    claims: Annotated[
        ClaimsFate, typer.Option("--claims", help="keep: they stand until they expire. withdraw: the hub ends them.")
    ],
    *,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:
    """Propose to end a membership, for good: certificates are revoked, and its claims are kept or withdrawn.

    What it filed is shown first, by category and expiry. Others may rely on
    claims; withdrawn ones are gone for all. Example:

      member-client admin offboard lender-b --claims keep --reason "left us"
    """
    change = Change.offboard(member, withdraw_claims=claims is ClaimsFate.WITHDRAW)
    _changing(session_of(context), change, reason, yes=yes, dry_run=dry_run)


@admin_app.command("budget")
def budget(
    context: typer.Context,
    member: Member,
    resource: Annotated[
        str, typer.Argument(help="A purpose, bucket_prefixes or contribution_refunds.", metavar="RESOURCE")
    ],
    items: Annotated[int, typer.Argument(help="Items a day.", min=0, metavar="ITEMS")],
    reason: Reason,
    *,
    break_glass: BreakGlass = False,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:
    r"""Set how many items a member may use a day; raising it needs another admin.

    For example:

      member-client admin budget lender-b loan_application 2000000 \
        --reason "autumn campaign"
    """
    change = Change.set_budget(member, resource, items)
    _changing(session_of(context), change, reason, yes=yes, dry_run=dry_run, break_glass=break_glass)


@admin_app.command("burst")
def burst(
    context: typer.Context,
    member: Member,
    resource: Annotated[
        str, typer.Argument(help="A purpose, bucket_prefixes or contribution_refunds.", metavar="RESOURCE")
    ],
    items: Annotated[int, typer.Argument(help="Items at once, 4,096 or more.", min=0, metavar="ITEMS")],
    reason: Reason,
    *,
    break_glass: BreakGlass = False,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:
    r"""Set how many items a member may use at once; raising it needs another admin.

    For example:

      member-client admin burst lender-b portfolio_screening 5000000 \
        --reason "their book in one night"
    """
    change = Change.set_burst(member, resource, items)
    _changing(session_of(context), change, reason, yes=yes, dry_run=dry_run, break_glass=break_glass)


@admin_app.command("business")
def business(
    context: typer.Context,
    member: Member,
    reason: Reason,
    *,
    applications: Annotated[int, typer.Option(help="Applications a day.", min=0, metavar="NUMBER")],
    customers: Annotated[int, typer.Option(help="Customers on its books.", min=0, metavar="NUMBER")],
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:
    r"""Declare how large a member's business is; a larger one needs another admin.

    Its volumes are held against it. Example:

      member-client admin business lender-b --applications 800 \
        --customers 120000 --reason "their letter of 3 March"
    """
    change = Change.declare_business(member, applications_a_day=applications, customers=customers)
    _changing(session_of(context), change, reason, yes=yes, dry_run=dry_run)


@admin_app.command("proposals")
def proposals(
    context: typer.Context,
    *,
    every: Annotated[bool, typer.Option("--all", help="Those that are decided, too.")] = False,
) -> None:
    """List the proposals that wait for a decision.

    For example:

      member-client admin proposals
    """
    session = session_of(context)

    async def work(admin: Administration) -> list[Proposal]:
        return [it async for it in admin.proposals(undecided_only=not every)]

    found = _done(session, work)
    session.document({"proposals": [_document(it) for it in found]})
    if session.as_json:
        return
    if not found:
        session.say(tr("no proposals"))
        return
    rows = [
        [
            it.id.hex()[:_ID_DIGITS],
            retold(it.change.kind),
            it.change.member,
            it.proposer,
            retold(_STATES[it.state]),
            _moment(it.decide_by) if it.state in (ProposalState.OPEN, ProposalState.UNREVIEWED) else "",
        ]
        for it in found
    ]
    print_table(session, _COLUMNS, rows, spared=("By", "Decide by"), whole=tr("admin show PROPOSAL or --json has them"))


@admin_app.command("show")
def show(context: typer.Context, proposal: ProposalId) -> None:
    """Show a proposal, and what it would do now.

    For example:

      member-client admin show 5f0c2b7e
    """
    session = session_of(context)
    _shown(session, _done(session, lambda admin: admin.proposal(proposal)))


@admin_app.command("approve")
def approve(
    context: typer.Context,
    proposal: Annotated[
        list[str], typer.Argument(help="Ids of proposals, or their first digits.", metavar="PROPOSAL...")
    ],
    reason: Reason,
    *,
    fingerprint: Annotated[
        str | None,
        typer.Option(
            "--fingerprint",
            help="To confirm a key: the twelve words that the member read to you.",
            metavar="WORDS",
        ),
    ] = None,
    digest: Annotated[
        list[str] | None,
        typer.Option(
            "--digest",
            help="With --yes: the digest that show printed, or its first 8 digits; one for each proposal.",
            metavar="HEX",
        ),
    ] = None,
    yes: Yes = False,
) -> None:
    """Approve another admin's proposals: they take effect at once. Or uphold what break-glass did.

    All are shown first, then you are asked; each is signed by itself. For
    example:

      member-client admin approve 5f0c2b7e --reason "spoke to their desk"
    """
    session = session_of(context)
    found = _found(session, proposal)
    if yes:
        _check_digests(found, digest or [])
    _decide(session, found, Decision.APPROVE, reason, yes=yes, fingerprint=fingerprint)


@admin_app.command("reject")
def reject(context: typer.Context, proposal: ProposalId, reason: Reason, *, yes: Yes = False) -> None:
    """Reject another admin's proposal. Or object to what break-glass did.

    For example:

      member-client admin reject 5f0c2b7e --reason "not agreed"
    """
    _deciding(session_of(context), proposal, Decision.REJECT, reason, yes=yes)


@admin_app.command("withdraw")
def withdraw(context: typer.Context, proposal: ProposalId, reason: Reason, *, yes: Yes = False) -> None:
    """Take your own proposal back.

    For example:

      member-client admin withdraw 5f0c2b7e --reason "wrong member"
    """
    _deciding(session_of(context), proposal, Decision.WITHDRAW, reason, yes=yes)


def _deciding(session: Session, start: str, decision: Decision, reason: str, *, yes: bool) -> None:
    _decide(session, _found(session, [start]), decision, reason, yes=yes)


def _found(session: Session, starts: list[str]) -> list[Proposal]:
    """Read proposals and show them."""

    async def work(admin: Administration) -> list[Proposal]:
        return [await admin.proposal(start) for start in dict.fromkeys(starts)]

    found = _done(session, work)
    for proposal in found:
        for line in _description(proposal):
            session.say(line)
        session.say("")
    return found


def _check_digests(proposals: list[Proposal], digests: list[str]) -> None:
    """Raise UsageFault unless each proposal is the one whose digest was read before."""
    if len(digests) != len(proposals) or any(len(digest) < _DIGEST_DIGITS for digest in digests):
        raise UsageFault(
            tr("--yes takes the --digest that admin show printed, 8 digits at least, one for each proposal")
        )
    for proposal, digest in zip(proposals, digests, strict=True):
        if not proposal.digest.hex().startswith(digest.lower()):
            raise UsageFault(
                tr(
                    "{id} is another proposal than the digest says: nothing was signed",
                    id=proposal.id.hex()[:_ID_DIGITS],
                )
            )


def _decide(
    session: Session,
    proposals: list[Proposal],
    decision: Decision,
    reason: str,
    *,
    yes: bool,
    fingerprint: str | None = None,
) -> None:
    """Ask, and decide one after the other; those before one that is refused stay decided."""
    keys = [it for it in proposals if it.change.kind == "confirm_key" and decision is Decision.APPROVE]
    if keys and len(proposals) > 1:
        raise UsageFault(tr("keys are confirmed one at a time: each member is called"))
    heard = fingerprint if fingerprint is not None or not keys else _heard()
    _ask(yes=yes)

    async def work(admin: Administration) -> list[Proposal]:
        decided = []
        for proposal in proposals:
            decided.append(await admin.decide(proposal, decision, reason, fingerprint=heard))
            session.say(f"{proposal.id.hex()[:_ID_DIGITS]} {_line('State', retold(_STATES[decided[-1].state]))}")
        return decided

    decided = _done(session, work)
    documents = [_document(it) for it in decided]
    session.document(documents[0] if len(documents) == 1 else {"proposals": documents})


def _done(session: Session, work: Callable[[Administration], Coroutine[Any, Any, T]]) -> T:
    async def run() -> T:
        async with session.client() as client:
            return await work(await client.administration())

    return session.run(run())


def _shown(session: Session, proposal: Proposal) -> None:
    session.document(_document(proposal))
    for line in _description(proposal):
        session.say(line)
    if proposal.state is ProposalState.OPEN:
        session.note(tr("another admin decides: member-client admin approve {id}", id=proposal.id.hex()[:_ID_DIGITS]))


def _description(proposal: Proposal) -> list[str]:
    lines = [
        _line("Proposal", proposal.id.hex()),
        _line("Digest", proposal.digest.hex()),
        _line("Change", retold(proposal.change.kind)),
        *(_line(_DETAILS[name], _told(value)) for name, value in proposal.change.details.items()),
        _line("By", proposal.proposer),
        _line("Reason", proposal.reason),
        _line("State", retold(_STATES[proposal.state])),
    ]
    if proposal.state in (ProposalState.OPEN, ProposalState.UNREVIEWED):
        lines.append(_line("Decide by", _moment(proposal.decide_by)))
    if proposal.decided_by:
        lines += [_line("Decided by", proposal.decided_by), _line("Because", proposal.decision_reason)]
    return lines + (_lines(proposal.effect) if proposal.effect else [])


def _lines(effect: Effect) -> list[str]:
    """Say what a change would touch."""
    lines = []
    if effect.calls_an_hour:
        lines.append(tr("calls of the member in the last hour: {calls:,}", calls=effect.calls_an_hour))
    if effect.live_claims:
        lines.append(tr("live claims of the member: {claims:,}", claims=effect.live_claims))
    if effect.claims_to_retag:
        lines.append(tr("live claims that wait to be re-tagged: {claims:,}", claims=effect.claims_to_retag))
    lines += [
        tr(
            "  {category}: {claims:,}, expiring from {first} to {last}",
            category=retold(it.category),
            claims=it.claims,
            first=_moment(it.first_expiry),
            last=_moment(it.last_expiry),
        )
        for it in effect.claims
    ]
    if effect.budget:
        lines.append(
            tr("budget now: {items:,} a day, {used:,} used today", items=effect.budget, used=effect.used_today)
        )
    if effect.burst:
        lines.append(tr("burst now: {items:,} at once", items=effect.burst))
    if effect.applications_a_day or effect.customers:
        lines.append(
            tr(
                "declared now: {applications:,} applications a day, {customers:,} customers",
                applications=effect.applications_a_day,
                customers=effect.customers,
            )
        )
    for kind in sorted({*effect.entries_added, *effect.entries_removed}):
        counts = {"added": effect.entries_added.get(kind, 0), "removed": effect.entries_removed.get(kind, 0)}
        lines.append(tr("entries of {kind}: {added:,} added, {removed:,} removed", kind=kind, **counts))
    lines.append(tr("another admin must approve") if effect.needs_approval else tr("takes effect at once"))
    return lines


def _told(value: str | int) -> str:
    return (retold("yes") if value else retold("no")) if isinstance(value, bool) else str(value)


def _line(name: str, value: str) -> str:
    return f"{retold(name)}: {value}"


def _record(effect: Effect) -> dict[str, object]:
    return asdict(effect)


def _document(proposal: Proposal) -> dict[str, object]:
    return {
        "proposal": proposal.id.hex(),
        "digest": proposal.digest.hex(),
        "change": proposal.change.kind,
        "details": proposal.change.details,
        "proposer": proposal.proposer,
        "reason": proposal.reason,
        "break_glass": proposal.break_glass,
        "state": proposal.state.word,
        "proposed_at": proposal.proposed_at,
        "decide_by": proposal.decide_by,
        "decided_by": proposal.decided_by or None,
        "decision_reason": proposal.decision_reason or None,
        "effect": _record(proposal.effect) if proposal.effect else None,
    }
