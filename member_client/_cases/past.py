"""Cases that asked this member about a person, once they have ended: what the person may see.

Rules:

1. A case that has not ended is left out, and leaves no trace: the answer is what it would be if there were no case.
2. Whether it has ended, the hub says, now. Where the hub cannot be asked there is no answer; a case that does not
   verify, or of which the claims are not known, is left out.
3. What was answered is told from this machine's own record: names of fields, never a value.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from alliance.cases.words import InstrumentType
from alliance.identifiers import Identifier
from member_client._cases import inquiries
from member_client._cases.answered import AnsweredClaim, AnsweredClaims
from member_client._session import Session
from member_client.errors import AllianceClientError
from member_client.own_claims import OwnClaim

_log = logging.getLogger("member_client.cases")


@dataclass(frozen=True, slots=True)
class PastInquiry:
    """A case that asked about a person and has ended. Times in milliseconds UTC; `replied_at` 0: not answered.

    `answers` are those about this person's claims, empty where this machine has no record of any.
    """

    number: str
    instrument_type: InstrumentType
    asked_at: int
    replied_at: int
    answers: tuple[AnsweredClaim, ...] = ()


async def past_inquiries(
    session: Session, identifiers: Sequence[Identifier], own: Iterable[OwnClaim]
) -> tuple[PastInquiry, ...] | None:
    """Give the ended cases that asked about a person's claims, oldest first; None where the hub cannot be asked."""
    names = {name for it in own for name in (it.entry_id, it.predecessor, it.successor) if name}
    answers = await session.workers.disk(AnsweredClaims(session.state.decisions).about, identifiers, names)
    names |= {it.entry_id for it in answers}
    try:
        shown = [message async for message in inquiries.messages(session)]
    except AllianceClientError as error:
        _log.warning("cases that have ended cannot be looked up: %s", type(error).__name__)
        return None
    found = []
    for message in shown:
        try:
            inquiry = await inquiries.believed(session, message)
            if not inquiry.is_over:
                continue
            asked = {it.entry_id for it in await inquiries.entries(session, inquiry)}
        except AllianceClientError as error:
            _log.warning("a case is left out: %s", type(error).__name__)
            continue
        if asked & names:
            ours = tuple(it for it in answers if it.case_id == inquiry.case_id)
            times = inquiry.asked_at, inquiry.replied_at
            found.append(PastInquiry(inquiry.number, inquiry.instrument_type, *times, ours))
    return tuple(found)
