"""`member-client claims`: the member's own claims, as the hub holds them."""

from typing import Annotated, Any, Final

import typer
from rich.cells import set_cell_size

from alliance.claims import is_reason_code
from alliance.identifiers import Kind
from alliance.taxonomy import Category, ClaimStatus, EvidenceLevel, SubjectRole, Word, retention_ms
from member_client import ContributionRow, OwnClaim
from member_client.cli.check import field_of, typed
from member_client.cli.claim_rows import Defaults, option_expiry, option_word
from member_client.cli.completing import complete_field
from member_client.cli.countersign import countersign_app
from member_client.cli.group import UsageFault
from member_client.cli.language import retold, tr, word
from member_client.cli.options import (
    AmendedEvidenceFileOption,
    AmendedEvidenceOption,
    AmendedRoleOption,
    ExpiresOption,
)
from member_client.cli.outputs import readable
from member_client.cli.session import Session, session_of
from member_client.cli.tables import print_table
from member_client.files import shown_date
from member_client.subjects import as_kind

claims_app = typer.Typer(
    no_args_is_help=True,
    help="List, find, show, amend, withdraw and recall your own claims; have them countersigned.",
)
claims_app.add_typer(countersign_app, name="countersign")

_DEFAULT_LIMIT: Final = 100
_ENTRY_ID_BYTES: Final = 16
_COLUMNS: Final = ("Entry", "Kind", "Category", "Role", "Ev", "Filed", "Until", "Status")
_SPARED: Final = ("Ev", "Filed", "Role")
_WORDS: Final[dict[str, type[Word]]] = {"category": Category, "role": SubjectRole, "status": ClaimStatus}
_NAME_WIDTH: Final = 9

EntryId = Annotated[str, typer.Argument(help="Entry id, 32 hexadecimal digits.", metavar="ENTRY")]


@claims_app.command("list")
def list_claims(
    context: typer.Context,
    *,
    live: Annotated[bool, typer.Option("--live", help="Only claims that stand.")] = False,
    limit: Annotated[int, typer.Option(help="Claims to list at most; 0 lists all.", min=0)] = _DEFAULT_LIMIT,
) -> None:
    """List your own claims, oldest first.

    For example:

      member-client claims list --live --limit 20
    """
    session = session_of(context)
    found, more = session.run(_listed(session, live_only=live, limit=limit))
    _list(session, found, more=more)


def _list(session: Session, found: list[OwnClaim], *, more: bool) -> None:
    session.document({"claims": [record(claim) for claim in found], "more": more})
    if session.as_json:
        return
    if found:
        rows = [list(_read(claim).values())[: len(_COLUMNS)] for claim in found]
        print_table(session, _COLUMNS, rows, spared=_SPARED, whole=tr("claims show ENTRY or --json has them"))
    else:
        session.say(tr("no claims"))
    if more:
        session.say(tr(" … more; --limit 0 lists all (shown: {shown:,})", shown=len(found)))


@claims_app.command("show")
def show_claim(context: typer.Context, entry: EntryId) -> None:
    """Show one of your own claims.

    For example:

      member-client claims show 5f0c2b7e9d4148f6a3b1c0d2e4f60718
    """
    session = session_of(context)
    _print(session, session.run(_claim(session, entry_id(entry))))


@claims_app.command("find")
def find_claims(
    context: typer.Context,
    kind: Annotated[
        str, typer.Argument(help="What the value is, as for check.", metavar="KIND", autocompletion=complete_field)
    ],
    value: Annotated[
        str, typer.Argument(help="The identifier; - asks for it, out of the shell's history.", metavar="VALUE")
    ],
) -> None:
    """Find your own claims about an identifier, among those filed from here.

    The value is looked up in the journal of this machine and sent nowhere:

      member-client claims find phone -
    """
    session = session_of(context)
    found = session.run(_found(session, *as_kind(field_of(kind), typed(value))))
    _list(session, found, more=False)


@claims_app.command("withdraw")
def withdraw_claim(
    context: typer.Context,
    entry: EntryId,
    reason: Annotated[
        str, typer.Option(help="Reason code such as filed_in_error, never free text.", metavar="CODE")
    ] = "withdrawn_by_contributor",
) -> None:
    r"""Withdraw one of your own claims, for good.

    For example:

      member-client claims withdraw 5f0c2b7e9d4148f6a3b1c0d2e4f60718 \
        --reason filed_in_error
    """
    session = session_of(context)
    _print(session, session.run(_withdrawn(session, entry_id(entry), reason_code(reason))))


@claims_app.command("recall")
def recall_claim(
    context: typer.Context,
    entry: EntryId,
    reason: Annotated[
        str, typer.Option(help="Reason code such as filed_in_error, never free text.", metavar="CODE")
    ] = "filed_in_error",
) -> None:
    r"""Recall one of your own claims: it should never have been.

    A withdrawal says that a claim holds no longer. A recall is told to every
    member at once, and each revisits what it decided because of the claim:

      member-client claims recall 5f0c2b7e9d4148f6a3b1c0d2e4f60718 \
        --reason wrong_person
    """
    session = session_of(context)
    _print(session, session.run(_recalled(session, entry_id(entry), reason_code(reason))))


def reason_code(reason: str) -> str:
    """Read a reason code; raises UsageFault."""
    if not is_reason_code(reason):
        raise UsageFault(tr("--reason is a code of lower-case letters, digits and _, for example filed_in_error"))
    return reason


@claims_app.command("amend")
def amend_claim(
    context: typer.Context,
    entry: EntryId,
    value: Annotated[
        str,
        typer.Argument(help="The identifier once more; - asks for it, out of the shell's history.", metavar="VALUE"),
    ],
    *,
    role: AmendedRoleOption = None,
    evidence: AmendedEvidenceOption = None,
    evidence_file: AmendedEvidenceFileOption = None,
    expires: ExpiresOption = None,
) -> None:
    r"""Replace one of your own claims by one that says something else.

    Identifier, kind and category stay, and so does what is not named; the end
    comes earlier where the new claim may not live as long. The old claim ends
    as the new one lands, which has an entry id of its own. The identifier is
    asked for where - stands for it:

      member-client claims amend 5f0c2b7e9d4148f6a3b1c0d2e4f60718 - \
        --role client_victim
    """
    session = session_of(context)
    entry_bytes = entry_id(entry)
    if role is None and evidence is None and evidence_file is None and expires is None:
        raise UsageFault(tr("nothing to amend: name what is to change, see member-client claims amend --help"))
    now_ms = session.ports.clock.now_ms()
    defaults = Defaults(
        role=option_word(SubjectRole, "--role", role),
        evidence=option_word(EvidenceLevel, "--evidence", evidence) or EvidenceLevel.E1,
        expires_at=option_expiry(expires, now_ms),
        evidence_file=readable(evidence_file),
    )
    text = typed(value)
    _print(session, session.run(_amended(session, entry_bytes, text, defaults, keeps_evidence=evidence is None)))


def entry_id(text: str) -> bytes:
    """Read an entry id; raises UsageFault."""
    try:
        found = bytes.fromhex(text.strip())
    except ValueError:
        found = b""
    if len(found) != _ENTRY_ID_BYTES:
        raise UsageFault(tr("ENTRY is a claim's entry id, 32 hexadecimal digits: claims list, or check, shows it"))
    return found


async def _listed(session: Session, *, live_only: bool, limit: int) -> tuple[list[OwnClaim], bool]:
    found: list[OwnClaim] = []
    async with session.client() as client:
        async for claim in client.claims(live_only=live_only):
            if limit and len(found) == limit:
                return found, True
            found.append(claim)
    return found, False


async def _found(session: Session, kind: Kind, text: str) -> list[OwnClaim]:
    async with session.client() as client:
        return await client.find_claims(kind, text)


async def _claim(session: Session, entry: bytes) -> OwnClaim:
    async with session.client() as client:
        return await client.claim(entry)


async def _amended(session: Session, entry: bytes, text: str, defaults: Defaults, *, keeps_evidence: bool) -> OwnClaim:
    async with session.client() as client:
        claim = await client.claim(entry)
        evidence = claim.evidence if keeps_evidence else defaults.evidence
        if evidence > EvidenceLevel.E1 and defaults.evidence_file is None:
            raise UsageFault(tr("evidence above E1 needs its file: give --evidence-file"))
        row = ContributionRow(
            kind=claim.kind,
            text=text,
            category=claim.category,
            role=defaults.role or claim.role,
            evidence=evidence,
            expires_at=defaults.expires_at or _kept_end(session, claim, defaults.role or claim.role, evidence),
            observed_from=claim.observed_from,
            observed_to=claim.observed_to,
            evidence_file=defaults.evidence_file,
            sharing=claim.sharing,
        )
        result = await client.amend(entry, row)
        return await client.claim(result.entry_id)


def _kept_end(session: Session, claim: OwnClaim, role: SubjectRole, evidence: EvidenceLevel) -> int:
    """Give the claim's end, or the latest that its new role and evidence allow."""
    return min(claim.expires_at, session.ports.clock.now_ms() + retention_ms(claim.kind, role, evidence))


async def _withdrawn(session: Session, entry: bytes, reason: str) -> OwnClaim:
    async with session.client() as client:
        return await client.withdraw(entry, reason=reason)


async def _recalled(session: Session, entry: bytes, reason: str) -> OwnClaim:
    async with session.client() as client:
        return await client.recall(entry, reason=reason)


def record(claim: OwnClaim) -> dict[str, Any]:
    """Give a claim for the JSON document; it holds no tag and no identifier."""
    return {
        "entry": claim.entry_id.hex(),
        "kind": str(claim.kind),
        "category": claim.category.word,
        "role": claim.role.word,
        "evidence": claim.evidence.name,
        "filed": shown_date(claim.filed_at),
        "until": shown_date(claim.expires_at),
        "status": claim.status.word,
        "reason": claim.reason,
    }


def _read(claim: OwnClaim) -> dict[str, str]:
    """Give a claim for people: the record, with its words in the reader's language."""
    return {name: word(_WORDS[name], fact) if name in _WORDS else str(fact) for name, fact in record(claim).items()}


def _print(session: Session, claim: OwnClaim) -> None:
    for name, fact in _read(claim).items():
        session.say(f"{set_cell_size(retold(name), _NAME_WIDTH)} {fact}")
    session.document(record(claim))
