"""`member-client subject-access`: the answer to a person who asks what there is about them."""

import os
import sys
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from alliance.notices import KINDS, LANGUAGES, Language
from alliance.taxonomy import Purpose
from member_client import SubjectAccess
from member_client.cli.check import field_of
from member_client.cli.completing import complete_language
from member_client.cli.endings import NOT_SETTLED
from member_client.cli.group import UsageFault
from member_client.cli.language import read_language, spoken, tr
from member_client.cli.options import ConsentOption
from member_client.cli.purposes import needed_consent
from member_client.cli.session import Session, session_of
from member_client.subjects import FIELDS, Consent, Subject

FORMATS: Final = ("md", "pdf")
_ASKED_FOR: Final = "-"

ValueOption = Annotated[str | None, typer.Option(metavar="VALUE", help="- asks for it, out of the shell's history.")]
AlsoOption = Annotated[
    list[str] | None,
    typer.Option(help="Another identifier, such as oaid=- or account=-; once for each.", metavar="FIELD=VALUE"),
]


def _complete_format(incomplete: str) -> list[str]:
    return [name for name in FORMATS if name.startswith(incomplete)]


def subject_access(
    context: typer.Context,
    *,
    ref: Annotated[str, typer.Option(help="Your own number of the person's request.", metavar="REF")],
    phone: ValueOption = None,
    resident_id: ValueOption = None,
    bank_card: ValueOption = None,
    email: ValueOption = None,
    also: AlsoOption = None,
    consent: ConsentOption = None,
    lang: Annotated[
        str | None,
        typer.Option(
            help="Language of the letter, zh-CN or en; else yours.", metavar="LANG", autocompletion=complete_language
        ),
    ] = None,
    form: Annotated[
        str,
        typer.Option(
            "--format", help="md, or pdf with the extra letters.", metavar="FORMAT", autocompletion=_complete_format
        ),
    ] = "md",
    out: Annotated[Path | None, typer.Option(help="Write the letter here; else it is printed.", metavar="FILE")] = None,
) -> None:
    r"""Write the letter to a person who asks what there is about them.

    It says what members state, what you stated, what you asked within three
    years and what came of it, and how to dispute. Give the identifiers that
    the person showed to be theirs; of each the letter shows the last
    characters. The claims are looked for with the hub, for the purpose
    dispute, on the person's request:

      member-client subject-access --ref A-17 --phone - --resident-id - \
        --consent request-2026-17 --format pdf --out letter.pdf
    """
    session = session_of(context)
    language = _language(lang)
    if form not in FORMATS:
        raise UsageFault(tr("--format is md or pdf"))
    if form == "pdf" and out is None:
        raise UsageFault(tr("a PDF needs --out FILE"))
    basis = needed_consent(Purpose.DISPUTE, consent)
    given = {"phone": phone, "resident_id": resident_id, "bank_card": bank_card, "email": email} | others(also or [])
    named = {name: _typed(name, text) for name, text in given.items() if text is not None}
    if not named:
        raise UsageFault(tr("name what the person gave: --phone, --resident-id, --bank-card, --email or --also"))
    access = session.run(_gathered(session, Subject.of(ref, named), basis))
    content = access.pdf(language) if form == "pdf" else access.letter(language).encode()
    if out is not None:
        _write(out, content)
        session.note(tr("the letter is in {file}", file=out))
    elif not session.as_json:
        sys.stdout.write(content.decode())
    _tell(session, access, content if out is None else b"", out)


def _language(lang: str | None) -> Language:
    language = spoken() if lang is None else read_language(lang)
    if language is None:
        raise UsageFault(tr("--lang is zh-CN or en"))
    return next(known for known in LANGUAGES if known == language)


def others(also: list[str]) -> dict[str, str]:
    """Read identifiers that are given as FIELD=VALUE; raises UsageFault."""
    found: dict[str, str] = {}
    for pair in also:
        name, sign, text = pair.partition("=")
        if not sign:
            raise UsageFault(tr("--also is FIELD=VALUE, for example account=-"))
        found[field_of(name)] = text
    return found


def _typed(name: str, text: str) -> str:
    """Give a value, asked for where - stands for it, by what it is."""
    if text != _ASKED_FOR:
        return text
    if sys.stdin.isatty():
        return str(typer.prompt(KINDS[FIELDS[name][0]].label(spoken()), hide_input=True, err=True))
    return sys.stdin.readline().rstrip("\r\n")


async def _gathered(session: Session, subject: Subject, request: Consent | None) -> SubjectAccess:
    assert request is not None  # noqa: S101 - the purpose needs one
    async with session.client() as client:
        return await client.subject_access(subject, request=request)


def _write(path: Path, content: bytes) -> None:
    """Write a letter for its owner's eyes; raises UsageFault where that cannot be done."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
    except OSError as error:
        raise UsageFault(tr("{file} cannot be written ({reason})", file=path, reason=error.strerror)) from None


def _tell(session: Session, access: SubjectAccess, letter: bytes, out: Path | None) -> None:
    code = 0 if access.is_complete else NOT_SETTLED
    if refused := [it.field for it in access.given if it.reason]:
        session.note(tr("not searched for, since they cannot be read: {fields}", fields=", ".join(refused)))
    if code:
        session.note(tr("part of the search could not be completed; the letter says so. Repeat it later"))
    document: dict[str, Any] = {
        "ref": access.ref,
        "entries": [match.entry_id.hex() for match in access.stated],
        "own": [claim.entry_id.hex() for claim in access.own],
        "cases": [it.number for it in access.inquiries or ()],
        "receipts": [past.decision.receipt for past in access.past],
        "not_searched": refused,
        "complete": access.is_complete,
        "letter": letter.decode() if letter else "",
        "file": "" if out is None else str(out),
    }
    session.document(document)
    raise typer.Exit(code)
