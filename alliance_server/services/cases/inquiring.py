"""Cases as those see them who are asked: what about, and their replies. To everybody else there are none.

A member that is not asked takes the same steps and gets the same bytes as one of an alliance without cases: its look-up
finds no row of its own in the same index.
"""

import asyncio
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Final

from alliance.cases.rules import DIGEST_BYTES
from alliance.crypto.envelope import REPLY_BYTES
from alliance.crypto.sealing import ENTRY_ID_BYTES
from alliance.errors import Reason
from alliance.statements import CASE_REPLY
from alliance.v1.case_pb2 import CaseReply
from alliance.v1.statement_pb2 import SignedStatement
from alliance_server.domain.cases import MAX_STATEMENT_BYTES, Asked, Case, Decision, Match, check_window
from alliance_server.domain.claims import StoredClaim
from alliance_server.domain.errors import Refused
from alliance_server.domain.ports import Store, Transaction
from alliance_server.domain.statements import check_fresh, read_statement
from alliance_server.services.call import Call
from alliance_server.services.cases.showing import shown
from alliance_server.services.memberships import require_admitted
from alliance_server.services.paging import numbers, page_size

MAX_PAGE: Final = 128
"""Cases that come with their statements fit into a message."""


@dataclass(frozen=True, slots=True, repr=False)
class ShownInquiry:
    """A case as a member that is asked sees it."""

    case: Case
    decisions: Sequence[Decision]
    asked: Asked


@dataclass(frozen=True, slots=True, repr=False)
class ShownMatch:
    """A claim that a case asks about, as its contributor sees it; None where it is gone."""

    match: Match
    claim: StoredClaim | None


class InquiryService:
    """Shows members what they are asked, and takes their replies."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def entries(self, call: Call, case_id: bytes, asked_size: int, token: str) -> tuple[list[ShownMatch], str]:
        """List a page of the caller's claims that a case asks about, and the token of the next; raises Refused."""
        size, after = page_size(asked_size), _entry(token)

        def work(transaction: Transaction) -> list[ShownMatch]:
            _of_caller(transaction, call, case_id)
            page = transaction.cases.entries(case_id, call.caller.member_id, after, size)
            claims = transaction.claims.get_many([it.entry_id for it in page])
            transaction.record(call.event(items=len(page)))
            return [ShownMatch(it, claims.get(it.entry_id)) for it in page]

        page = await self._store.write(work)
        return page, page[-1].match.entry_id.hex() if len(page) == size else ""

    async def list(self, call: Call, asked_size: int, token: str) -> tuple[list[ShownInquiry], str]:
        """List a page of the cases that ask the caller, and the token of the next."""
        size = min(page_size(asked_size), MAX_PAGE)
        (after,) = numbers(token, 1)

        def work(transaction: Transaction) -> tuple[list[ShownInquiry], str]:
            page = transaction.cases.inquiries(call.caller.member_id, after, size)
            decided = {it.case.id: it.decisions for it in shown(transaction, *(case for _, case, _ in page))}
            transaction.record(call.event(items=len(page)))
            more = str(page[-1][0]) if len(page) == size else ""
            return [ShownInquiry(case, decided[case.id], asked) for _, case, asked in page], more

        return await self._store.write(work)

    async def reply(self, call: Call, statement: SignedStatement, sealed: bytes) -> ShownInquiry:
        """Take the caller's reply within the case's window; raises Refused or SignatureInvalid."""
        said = read_statement(call.caller, CASE_REPLY, statement, CaseReply(), MAX_STATEMENT_BYTES)
        now, member = call.now(), call.caller.member_id
        check_fresh(call.caller, said.member, said.time, now)
        digest = (await asyncio.to_thread(sha256, sealed)).digest()
        if len(sealed) != REPLY_BYTES or not hmac.compare_digest(digest, said.sealed_sha256):
            raise Refused(Reason.INVALID_REQUEST, "the sealed reply is not the one that was signed for")
        if len(said.contents_sha256) != DIGEST_BYTES:
            raise Refused(Reason.INVALID_REQUEST, "what is sealed has a digest of 32 bytes")

        def work(transaction: Transaction) -> ShownInquiry:
            require_admitted(transaction, call.caller, now)
            case, asked = _of_caller(transaction, call, said.case_id)
            event = call.event(items=1, commitments=(sha256(statement.payload).digest(),))
            if asked.reply is not None:
                earlier = CaseReply.FromString(SignedStatement.FromString(asked.reply).payload)
                if earlier.sealed_sha256 != said.sealed_sha256:
                    raise Refused(Reason.CONFLICTING_RETRY, "the member replied otherwise")
                transaction.record(event)
                return _shown(transaction, case, asked)
            check_window(case, now)
            transaction.cases.reply(case.id, member, statement.SerializeToString(), sealed, now)
            after = replace(case, replied=case.replied + 1)
            transaction.cases.save(after)
            transaction.step(case.id, event, statement.SerializeToString(), of_member=True)
            return _shown(transaction, after, replace(asked, replied_at=now))

        return await self._store.write(work)


def _of_caller(transaction: Transaction, call: Call, case_id: bytes) -> tuple[Case, Asked]:
    """Give a case that asks the caller, held, and what it asks; raises Refused where none does.

    Nobody looks for the case of who is not asked: it takes no longer where there is one.
    """
    asked = transaction.cases.asked(case_id, call.caller.member_id)
    case = transaction.cases.get(case_id) if asked is not None else None
    if case is None or asked is None:
        raise Refused(Reason.NOT_FOUND, "no such case asks the caller")
    return case, asked


def _shown(transaction: Transaction, case: Case, asked: Asked) -> ShownInquiry:
    (one,) = shown(transaction, case)
    return ShownInquiry(case, one.decisions, asked)


def _entry(token: str) -> bytes:
    """Read a token that is an entry id, or empty; raises Refused."""
    try:
        entry_id = bytes.fromhex(token)
    except ValueError:
        entry_id = b"\x00"
    if len(entry_id) not in (0, ENTRY_ID_BYTES):
        raise Refused(Reason.INVALID_REQUEST, "the page token is not one of ours")
    return entry_id
