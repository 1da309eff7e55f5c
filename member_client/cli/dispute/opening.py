"""`dispute open`: a consumer has come, and contests a claim."""

from pathlib import Path
from typing import Annotated

import typer

from alliance.disputes import DisputeGround
from member_client import Dispute
from member_client.cli.check import field_of, typed
from member_client.cli.claims import entry_id
from member_client.cli.completing import complete_field
from member_client.cli.dispute.words import completes, record, say
from member_client.cli.group import UsageFault
from member_client.cli.language import retold, tr
from member_client.cli.session import Session, session_of
from member_client.disputing import MAX_STATEMENT_BYTES
from member_client.errors import InvalidUse
from member_client.subjects import Consent, Subject

REF = "dispute"


def open_dispute(
    context: typer.Context,
    kind: Annotated[
        str, typer.Argument(help="What the value is, as for check.", metavar="KIND", autocompletion=complete_field)
    ],
    value: Annotated[
        str, typer.Argument(help="The identifier; - asks for it, out of the shell's history.", metavar="VALUE")
    ],
    *,
    entry: Annotated[
        str, typer.Option(help="Entry id of the claim: check --purpose dispute shows it.", metavar="ENTRY")
    ],
    ground: Annotated[
        str,
        typer.Option(
            help=f"Why: {', '.join(it.word for it in DisputeGround)}.",
            metavar="G",
            autocompletion=completes(DisputeGround),
        ),
    ],
    statement: Annotated[
        Path, typer.Option(help="What the consumer says, UTF-8; the contributor alone can read it.", metavar="FILE")
    ],
    request: Annotated[
        str,
        typer.Option(help="The consumer's request: a reference in your records, or @FILE.", metavar="REF"),
    ],
    evidence: Annotated[
        Path | None, typer.Option(help="What the consumer brings; it stays here.", metavar="FILE")
    ] = None,
) -> None:
    r"""Contest a claim of another member, for the consumer whom it is about.

    Every member sees it flagged at once, and may do no more than step up until
    its contributor has answered: within 20 days, 4 where an identity was
    stolen. The same again is the same dispute:

      member-client dispute open phone - --entry 5f0c2b7e9d4148f6a3b1c0d2e4f60718 \
        --ground identity_theft --statement told.txt --request complaint-117
    """
    session = session_of(context)
    subject = Subject.of(REF, {field_of(kind): typed(value)})
    opened = session.run(
        _opened(session, subject, entry_id(entry), ground, _text(statement), _request(request), evidence)
    )
    say(session, opened)
    session.document(record(opened, session.ports.clock.now_ms()))


async def _opened(
    session: Session, subject: Subject, entry: bytes, ground: str, text: str, request: Consent, evidence: Path | None
) -> Dispute:
    async with session.client() as client:
        await client.sync()
        return await client.open_dispute(
            subject, entry_id=entry, ground=ground, request=request, statement=text, evidence=evidence
        )


def _text(path: Path) -> str:
    try:
        if path.stat().st_size <= 4 * MAX_STATEMENT_BYTES:  # more is no statement, and is not read
            return path.read_text("utf-8")
    except UnicodeDecodeError:
        raise UsageFault(tr("--statement: the file is not UTF-8")) from None
    except OSError:
        raise UsageFault(tr("--statement: there is no such file")) from None
    raise UsageFault(tr("--statement: {bytes:,} bytes fit, and no more", bytes=MAX_STATEMENT_BYTES))


def _request(text: str) -> Consent:
    try:
        return Consent.of(Path(text[1:]).expanduser() if text.startswith("@") else text)
    except InvalidUse as fault:
        raise UsageFault(tr("--request: {fault}", fault=retold(str(fault)))) from None
