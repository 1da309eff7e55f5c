"""The succession of a restored hub: shown to whoever is enrolled, signed by admins, and until then nothing else served.

Signatures are taken after the second one, too: a client believes those of admins whom it knew before, and may have
known others than the first two.
"""

from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Final

from alliance.errors import Reason
from alliance.v1.statement_pb2 import SignedStatement
from alliance_server.domain.errors import Refused
from alliance_server.domain.members import MemberState, Role
from alliance_server.domain.ports import Store, Transaction
from alliance_server.domain.successions import SIGNERS, Succession, SuccessionSignature, check_signature
from alliance_server.services.call import Call
from alliance_server.services.memberships import require_admitted

NOT_SERVED: Final = "the hub was restored: it serves nobody before two admins have signed its succession"
HOW_TO_SERVE: Final = "serve it, and have two admins sign: member-client admin succession sign"


def awaited(transaction: Transaction) -> bool:
    """Say whether the hub was restored, and two admins have not signed its succession yet."""
    newest = transaction.successions.newest()
    return newest is not None and newest.completed_at is None


@dataclass(frozen=True, slots=True)
class SignedSuccession:
    """A succession with its signatures."""

    succession: Succession
    signatures: list[SuccessionSignature]


class SuccessionService:
    """Shows successions, takes signatures, and says whether the hub waits for some."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._serves = False

    async def require_complete(self) -> None:
        """Raise Refused while the newest succession waits; another process may have taken the last signature."""
        if await self.is_awaited():
            raise Refused(Reason.SUCCESSION_AWAITED, "two admins have not signed the succession yet")

    async def is_awaited(self) -> bool:
        """Whether the hub was restored and waits; once it does not, it never does again."""
        if not self._serves:
            self._serves = not await self._store.read(awaited)
        return not self._serves

    async def after(self, call: Call, origin: int) -> list[SignedSuccession]:
        """List successions after an origin, oldest first."""

        def work(transaction: Transaction) -> list[SignedSuccession]:
            found = [_with_signatures(transaction, it) for it in transaction.successions.after(min(origin, _MAX))]
            transaction.record(call.event(items=len(found)))
            return found

        return await self._store.write(work)

    async def sign(self, call: Call, statement: SignedStatement) -> SignedSuccession:
        """Take the caller's signature of the newest succession; raises Refused or SignatureInvalid."""
        now = call.now()

        def work(transaction: Transaction) -> SignedSuccession:
            transaction.members.hold_all(Role.ADMIN)
            require_admitted(transaction, call.caller, now)
            newest = transaction.successions.newest()
            if newest is None:
                raise Refused(Reason.NOT_FOUND, "the hub was never restored")
            check_signature(call.caller, statement, newest)
            signed = {it.admin for it in transaction.successions.signatures(newest.origin)}
            if call.caller.member_id not in signed:
                _sign(transaction, call, newest, statement, now)
            transaction.record(call.event(items=1, commitments=(sha256(newest.payload).digest(),)))
            return _with_signatures(transaction, _completed(transaction, newest, now))

        return await self._store.write(work)


_MAX = 2**31 - 1
"""The wire's uint32 is wider than the column."""


def _sign(transaction: Transaction, call: Call, succession: Succession, statement: SignedStatement, now: int) -> None:
    serialised = statement.SerializeToString(deterministic=True)
    signature = SuccessionSignature(succession.origin, call.caller.member_id, serialised, now)
    transaction.successions.sign(signature, succession.payload)


def _completed(transaction: Transaction, succession: Succession, now: int) -> Succession:
    """Complete a succession that enough admins signed who still may."""
    signers = (transaction.members.get(it.admin) for it in transaction.successions.signatures(succession.origin))
    able = {it.identity_key for it in signers if it and (it.role, it.state) == (Role.ADMIN, MemberState.ACTIVE)}
    if succession.completed_at is not None or len(able) < SIGNERS:
        return succession
    transaction.successions.complete(succession.origin, now)
    return replace(succession, completed_at=now)


def _with_signatures(transaction: Transaction, succession: Succession) -> SignedSuccession:
    return SignedSuccession(succession, transaction.successions.signatures(succession.origin))
