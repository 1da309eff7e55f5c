"""`case countersign`: a liaison's officer stands behind members' claims, refuses to, or takes it back."""

from pathlib import Path
from typing import Annotated, Final

import typer

from alliance.countersignatures import CountersignatureState
from alliance.identifiers import Kind
from alliance.notices import KINDS
from alliance.taxonomy import Category, SharingLevel, SubjectRole
from member_client import CountersignatureDocument, CountersignatureRequest
from member_client.cli.asking import ask
from member_client.cli.case.words import CaseReason, OfficerOption, say_facts
from member_client.cli.claims import entry_id, reason_code
from member_client.cli.countersign import record, requests, show
from member_client.cli.group import UsageFault
from member_client.cli.language import exact_moment, spoken, tr, word
from member_client.cli.operating import opened_operator
from member_client.cli.session import Session, session_of
from member_client.files import shown_date

countersign_app = typer.Typer(
    no_args_is_help=True, help="Stand behind members' claims at E4 and E5, refuse to, or take it back."
)

Entry = Annotated[str, typer.Argument(metavar="ENTRY", help="Entry id, 32 hexadecimal digits.")]
YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask; what is signed is shown all the same.")]
_WORDS: Final = {
    "category": Category,
    "role": SubjectRole,
    "sharing": SharingLevel,
    "state": CountersignatureState,
}
_NAMES: Final = {
    "entry": "Entry",
    "contributor": "Contributor",
    "liaison": "Liaison",
    "reference": "Reference",
    "state": "State",
    "kind": "Kind",
    "category": "Category",
    "role": "Role",
    "evidence": "Evidence",
    "observed_from": "Observed from",
    "observed_to": "Observed to",
    "filed_at": "Drawn up",
    "expires_at": "Until",
    "sharing": "Sharing",
    "evidence_commitment": "Commitment",
    "approved_by": "Approved by",
    "requested_at": "Requested",
    "answer_by": "Answer by",
    "answered_at": "Answered",
    "officer": "Officer",
    "instrument_reference": "Instrument",
    "document_sha256": "Document",
    "reason": "Reason",
    "revoked_at": "Taken back",
}
_DATES: Final = frozenset({"observed_from", "observed_to", "filed_at", "expires_at"})
_MOMENTS: Final = frozenset({"requested_at", "answer_by", "answered_at", "revoked_at"})


@countersign_app.command("list")
def list_requests(
    context: typer.Context,
    *,
    everything: Annotated[bool, typer.Option("--all", help="Those that were answered, too.")] = False,
) -> None:
    """List the claims that members ask you to countersign.

    For example:

      member-client case countersign list
    """
    session = session_of(context)

    async def work() -> list[CountersignatureRequest]:
        async with session.client() as client:
            return await requests(client, waiting_only=not everything)

    show(session, session.run(work()))


@countersign_app.command("show")
def show_request(context: typer.Context, entry: Entry) -> None:
    """Show what a claim states, and under which reference you know the matter.

    Of whom it is stated is not shown: it stands in the evidence that the
    member sends you. For example:

      member-client case countersign show 5f0c2b7e9d4148f6a3b1c0d2e4f60718
    """
    session = session_of(context)
    found = session.run(_found(session, entry))
    session.document({"request": record(found)})
    _say(session, found)


@countersign_app.command("sign")
def sign(
    context: typer.Context,
    entry: Entry,
    *,
    officer: OfficerOption,
    instrument: Annotated[
        str, typer.Option("--instrument", metavar="NO", help="Number of the acceptance, or of the judgment.")
    ],
    document: Annotated[
        Path, typer.Option("--document", metavar="FILE", help="Its document; it stays here, its SHA-256 is signed.")
    ],
    yes: YesOption = False,
) -> None:
    r"""Countersign a claim, as it is shown: police accepted it, or it was judged.

    From then on every member goes by it, until you revoke it. For example:

      member-client case countersign sign 5f0c2b7e9d4148f6a3b1c0d2e4f60718 \
        --officer officer-1 --instrument A-2026-88 --document acceptance.pdf
    """
    session = session_of(context)
    asked = session.run(_found(session, entry))
    if not document.is_file():
        raise UsageFault(tr("--document: there is no such file"))
    rests_on = CountersignatureDocument.of(document, instrument)
    _say(session, asked)
    ask(yes=yes, dry_run=False)
    signer = opened_operator(session, officer)

    async def work() -> CountersignatureRequest:
        async with session.client() as client:
            return await client.countersigning.sign(asked.entry_id, officer=signer, document=rests_on)

    made = session.run(work())
    session.document({"request": record(made)})
    session.say(tr("countersigned: the member may file it"))


@countersign_app.command("refuse")
def refuse(
    context: typer.Context, entry: Entry, *, officer: OfficerOption, reason: CaseReason, yes: YesOption = False
) -> None:
    r"""Refuse to countersign a claim, as it is shown.

    For example:

      member-client case countersign refuse 5f0c2b7e9d4148f6a3b1c0d2e4f60718 \
        --officer officer-1 --reason not_our_matter
    """
    session = session_of(context)
    _end(session, entry, officer, reason, yes=yes, is_standing=False)
    session.say(tr("refused: the member is told, and may file it at a lower level"))


@countersign_app.command("revoke")
def revoke(
    context: typer.Context, entry: Entry, *, officer: OfficerOption, reason: CaseReason, yes: YesOption = False
) -> None:
    r"""Take a countersignature back, for good: the claim is suspended at once.

    For example:

      member-client case countersign revoke 5f0c2b7e9d4148f6a3b1c0d2e4f60718 \
        --officer officer-1 --reason judgment_reversed
    """
    session = session_of(context)
    _end(session, entry, officer, reason, yes=yes, is_standing=True)
    session.say(tr("revoked: the claim informs, and no more"))


def _end(session: Session, entry: str, officer: str, reason: str, *, yes: bool, is_standing: bool) -> None:
    """Revoke a countersignature that stands, or refuse what waits for one: shown, and asked about first."""
    code = reason_code(reason)
    asked = session.run(_found(session, entry))
    _say(session, asked)
    ask(yes=yes, dry_run=False)
    signer = opened_operator(session, officer)

    async def work() -> CountersignatureRequest:
        async with session.client() as client:
            end = client.countersigning.revoke if is_standing else client.countersigning.refuse
            return await end(asked.entry_id, officer=signer, reason=code)

    session.document({"request": record(session.run(work()))})


async def _found(session: Session, entry: str) -> CountersignatureRequest:
    async with session.client() as client:
        return await client.countersigning.request(entry_id(entry))


def _say(session: Session, one: CountersignatureRequest) -> None:
    held = {name: value for name, value in record(one).items() if value not in (None, [])}
    say_facts(session, {_NAMES[name]: _text(name, value) for name, value in held.items()})


def _text(name: str, value: object) -> str:
    if name in _WORDS:
        return word(_WORDS[name], str(value))
    if name == "kind":
        return KINDS[Kind(str(value))].label(spoken())
    if name in _DATES:
        return shown_date(int(str(value)))
    if name in _MOMENTS:
        return exact_moment(int(str(value)))
    return ", ".join(value) if isinstance(value, list) else str(value)
