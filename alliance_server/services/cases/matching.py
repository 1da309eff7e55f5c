"""Suspects are submitted and matched: their tags are held against live claims, and forgotten.

- What matches is kept with the claim's contributor, in the unit of work that takes the rows; what does not leaves no
  trace but its place. Members are asked once the last rows are in.
- Nobody is told what matched: not the liaison, and not who has no matching claim.
"""

import hmac
from collections.abc import Sequence
from hashlib import sha256
from typing import Final

from alliance.cases.rules import MAX_ROWS
from alliance.cases.suspects import rows_digest
from alliance.crypto.sealing import SUSPECT_BYTES
from alliance.errors import Reason
from alliance.statements import CASE_SUSPECTS
from alliance.v1.case_pb2 import CaseSuspects, SuspectRow
from alliance.v1.statement_pb2 import SignedStatement
from alliance_server.domain.cases import (
    MAX_STATEMENT_BYTES,
    Case,
    Match,
    Placed,
    check_evaluating,
    check_place,
    opened,
)
from alliance_server.domain.claims import TaggedClaim
from alliance_server.domain.epochs import require_serving
from alliance_server.domain.errors import Refused
from alliance_server.domain.members import MemberState
from alliance_server.domain.ports import Store, Transaction
from alliance_server.services.call import Call
from alliance_server.services.cases.requesting import check_moment, read, verified_by_officer
from alliance_server.services.cases.showing import ShownCase, of_caller, shown
from alliance_server.services.memberships import require_admitted

TAG_BYTES: Final = 32
_MAX_PLACE: Final = 2**31 - 1


class MatchingService:
    """Takes suspects that were evaluated under an approved case."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def submit(self, call: Call, statement: SignedStatement, rows: Sequence[SuspectRow]) -> ShownCase:
        """Match suspects, and ask their claims' contributors once the last ones are in.

        Raises Refused or SignatureInvalid.
        """
        if statement.ByteSize() > MAX_STATEMENT_BYTES:
            raise Refused(Reason.INVALID_REQUEST, "a statement of that length is not kept")
        said = read(CaseSuspects(), statement.payload)
        check_moment(said.time, call.now())
        _check_form(said, rows)
        commitment = sha256(statement.payload).digest()

        def verify(transaction: Transaction) -> None:
            if not hmac.compare_digest(rows_digest(rows), said.rows_sha256):
                raise Refused(Reason.INVALID_REQUEST, "the rows are not those that were signed for")
            case = of_caller(transaction, call, said.case_id)
            verified_by_officer(transaction, CASE_SUSPECTS, statement, case, said.officer, call.caller)

        await self._store.read(verify)

        def work(transaction: Transaction) -> ShownCase:
            now = call.now()
            require_admitted(transaction, call.caller, now)
            case = of_caller(transaction, call, said.case_id)
            event = call.event(epoch=said.epoch, items=said.count, commitments=(commitment,))
            asked = Placed(case.id, said.epoch, said.first_index, said.count, said.rows_sha256, said.is_last)
            known = transaction.cases.place(case.id, said.epoch, said.first_index)
            if known is not None:
                if known != asked:
                    raise Refused(Reason.CONFLICTING_RETRY, "other suspects were submitted for these places")
                transaction.record(event)
                return shown(transaction, case)[0]
            check_evaluating(case, transaction.cases.scope(case.liaison), now)
            require_serving(transaction.epochs.get(said.epoch), now)
            evaluated, before = transaction.cases.progress(case.id, said.epoch)
            check_place(case, asked, before, evaluated)
            transaction.cases.add_place(asked, _matches(transaction, case, asked, rows, now))
            after = _ask(transaction, case, now) if said.is_last else case
            transaction.step(case.id, event, statement.SerializeToString())
            return shown(transaction, after)[0]

        return await self._store.write(work)


def _check_form(said: CaseSuspects, rows: Sequence[SuspectRow]) -> None:
    if not 1 <= len(rows) <= MAX_ROWS or said.count != len(rows) or said.first_index > _MAX_PLACE - MAX_ROWS:
        raise Refused(Reason.INVALID_REQUEST, "a submission has 1 to 256 rows, as many as were signed for")
    if any(len(row.tag) != TAG_BYTES or len(row.sealed) != SUSPECT_BYTES for row in rows):
        raise Refused(Reason.INVALID_REQUEST, "a row has a tag of 32 bytes and 1,536 sealed ones")


def _matches(transaction: Transaction, case: Case, asked: Placed, rows: Sequence[SuspectRow], now: int) -> list[Match]:
    """Give what a case asks about: live claims on the tags, within what was approved, of members who are there."""
    places = {row.tag: place for place, row in reversed(list(enumerate(rows)))}
    found = [it for it in transaction.claims.on_tags(asked.epoch, [*places], now) if _is_covered(case, it)]
    present = {name for name in {it.contributor for it in found} if _is_there(transaction, name)}
    return [
        Match(it.entry_id, it.contributor, asked.epoch, asked.first_index + place, rows[place].sealed)
        for it in sorted(found, key=lambda one: one.entry_id)
        if it.contributor in present
        for place in (places[it.tag],)
    ]


def _is_covered(case: Case, claim: TaggedClaim) -> bool:
    request = case.request
    return (
        claim.category in request.categories
        and any(count.kind == claim.kind for count in request.suspects)
        and claim.observed_from <= request.period_to
        and claim.observed_to >= request.period_from
    )


def _is_there(transaction: Transaction, name: str) -> bool:
    member = transaction.members.get(name)
    return member is not None and member.state is MemberState.ACTIVE


def _ask(transaction: Transaction, case: Case, now: int) -> Case:
    transaction.cases.drop_retagged(case.id)
    after = opened(case, transaction.cases.ask(case.id), now)
    transaction.cases.save(after)
    return after
