"""Purpose and consent as the command line takes them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from alliance.errors import UnknownWord
from alliance.notices import wording
from alliance.taxonomy import CONSENT_NEEDS, ConsentNeed, Purpose
from member_client.cli.group import UsageFault
from member_client.cli.language import listed, read_word, retold, spoken, tr
from member_client.errors import InvalidUse
from member_client.screening import SCREENING_PURPOSES
from member_client.screening import screening_purpose as sdk_screening_purpose
from member_client.subjects import Consent

PURPOSE_HELP: Final = "Why: " + ", ".join(purpose.word for purpose in SCREENING_PURPOSES) + "."
CONSENT_HELP: Final = (
    "What the purpose rests on: a reference to the consent or statement of basis in your records, or @FILE for the "
    "document. The hub gets a salted commitment to it and nothing else."
)


def screening_purpose(text: str) -> Purpose:
    """Read `--purpose`; raises UsageFault, which lists the purposes."""
    try:
        return sdk_screening_purpose(read_word(Purpose, text))
    except (UnknownWord, InvalidUse):
        known = listed(SCREENING_PURPOSES)
        raise UsageFault(tr("--purpose: people are screened for one of these purposes: {words}", words=known)) from None


def consent_of(text: str) -> Consent:
    """Read `--consent`: a reference, or `@FILE`; raises UsageFault."""
    try:
        return Consent.of(Path(text[1:]).expanduser() if text.startswith("@") else text)
    except InvalidUse as fault:
        raise UsageFault(tr("--consent: {fault}", fault=retold(str(fault)))) from None


def needed_consent(
    purpose: Purpose, consent: str | None, *, has_column: bool = False, takes_column: bool = False
) -> Consent | None:
    """Give the consent for a whole run; raises UsageFault where the purpose needs one and none was named."""
    if consent is not None and has_column:
        raise UsageFault(tr("--consent and --consent-column exclude each other"))
    if consent is not None:
        return consent_of(consent)
    if not has_column and CONSENT_NEEDS[purpose] is not ConsentNeed.NONE:
        need = wording(CONSENT_NEEDS[purpose]).label(spoken())
        by_column = takes_column and purpose is not Purpose.PORTFOLIO_SCREENING
        column = tr(" or --consent-column COLUMN") if by_column else ""
        fault = tr("purpose {purpose} needs a {need}: give --consent REF", purpose=purpose.word, need=need)
        raise UsageFault(fault + column)
    return None
