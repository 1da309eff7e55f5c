"""`admin proposals`, `show`, `approve`, `reject`, `withdraw`: what is signed is what was shown."""

from pathlib import Path
from typing import Annotated, Final

import typer

from alliance.clock import moment
from member_client import Administration, Decision, Proposal, ProposalState
from member_client.cli.admin.listing import invited_by
from member_client.cli.admin.options import ProposalId, Reason, Yes, done
from member_client.cli.admin.showing import ID_DIGITS, STATES, document, named_line, say_all, shown
from member_client.cli.asking import ask, heard_words
from member_client.cli.group import UsageFault
from member_client.cli.language import retold, tr
from member_client.cli.session import Session, session_of
from member_client.cli.tables import print_table

_COLUMNS: Final = ("Proposal", "Change", "Member", "By", "State", "Decide by")
_DIGEST_DIGITS: Final = 64
"""All: whoever proposes could make two whose digests begin alike, and a hub show first the one, then the other."""


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

    found = done(session, work)
    session.document({"proposals": [document(it) for it in found]})
    if session.as_json:
        return
    if not found:
        session.say(tr("no proposals"))
        return
    rows = [
        [
            it.id.hex()[:ID_DIGITS],
            retold(it.change.kind),
            it.change.member,
            it.proposer,
            retold(STATES[it.state]),
            moment(it.decide_by) if it.state in (ProposalState.OPEN, ProposalState.UNREVIEWED) else "",
        ]
        for it in found
    ]
    print_table(session, _COLUMNS, rows, spared=("By", "Decide by"), whole=tr("admin show PROPOSAL or --json has them"))


def show(context: typer.Context, proposal: ProposalId) -> None:
    """Show a proposal, and what it would do now.

    For example:

      member-client admin show 5f0c2b7e
    """
    session = session_of(context)
    shown(session, done(session, lambda admin: admin.proposal(proposal)))


def approve(
    context: typer.Context,
    reason: Reason,
    proposal: Annotated[
        list[str] | None, typer.Argument(help="Ids of proposals, or their first digits.", metavar="PROPOSAL...")
    ] = None,
    *,
    all_of: Annotated[
        Path | None,
        typer.Option("--all-of", help="The invitations on this list, as admin invite --csv takes it.", metavar="FILE"),
    ] = None,
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
            help="With --yes: the whole digest that show printed; one for each proposal.",
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
    if bool(proposal) == (all_of is not None):
        raise UsageFault(tr("give the ids of proposals, or --all-of with a list"))
    session = session_of(context)
    found = invited_by(session, all_of) if all_of is not None else _found(session, proposal or [])
    if yes:
        _check_digests(found, digest or [])
    _decide(session, found, Decision.APPROVE, reason, yes=yes, fingerprint=fingerprint)


def reject(context: typer.Context, proposal: ProposalId, reason: Reason, *, yes: Yes = False) -> None:
    """Reject another admin's proposal. Or object to what break-glass did.

    For example:

      member-client admin reject 5f0c2b7e --reason "not agreed"
    """
    _deciding(session_of(context), proposal, Decision.REJECT, reason, yes=yes)


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

    found = done(session, work)
    say_all(session, found)
    return found


def _check_digests(proposals: list[Proposal], digests: list[str]) -> None:
    """Raise UsageFault unless each proposal is the one whose digest was read before."""
    if len(digests) != len(proposals) or any(len(digest) != _DIGEST_DIGITS for digest in digests):
        raise UsageFault(tr("--yes takes the whole --digest that admin show printed, one for each proposal"))
    for proposal, digest in zip(proposals, digests, strict=True):
        if proposal.digest.hex() != digest.lower():
            raise UsageFault(
                tr(
                    "{id} is another proposal than the digest says: nothing was signed",
                    id=proposal.id.hex()[:ID_DIGITS],
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
    heard = fingerprint if fingerprint is not None or not keys else heard_words()
    ask(yes=yes, dry_run=False)

    async def work(admin: Administration) -> list[Proposal]:
        decided = []
        for proposal in proposals:
            decided.append(await admin.decide(proposal, decision, reason, fingerprint=heard))
            session.say(f"{proposal.id.hex()[:ID_DIGITS]} {named_line('State', retold(STATES[decided[-1].state]))}")
        return decided

    decided = done(session, work)
    documents = [document(it) for it in decided]
    session.document(documents[0] if len(documents) == 1 else {"proposals": documents})
