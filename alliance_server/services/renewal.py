"""Renewal: another certificate for somebody who is enrolled, by a statement that their identity key signs.

A stolen TLS key calls as its owner until it is revoked, and cannot make itself last longer.
"""

from alliance.errors import Reason
from alliance.statements import RENEWAL
from alliance.v1.enrolment_pb2 import Renewal
from alliance.v1.statement_pb2 import SignedStatement
from alliance_server.domain.errors import Refused
from alliance_server.domain.members import Certificate
from alliance_server.domain.ports import Store, Transaction
from alliance_server.domain.statements import check_fresh, read_statement
from alliance_server.services.call import Call
from alliance_server.services.enrolment import CertificateIssuer
from alliance_server.services.memberships import require_admitted

MAX_STATEMENT_BYTES = 8192
MAX_CERTIFICATES = 100
"""Good certificates of one member at a time: machines that renew, each for itself."""


class RenewalService:
    """Renews certificates."""

    def __init__(self, store: Store, issuer: CertificateIssuer) -> None:
        self._store = store
        self._issuer = issuer

    async def renew(self, call: Call, statement: SignedStatement) -> Certificate:
        """Issue a certificate for the key of a request; raises Refused or SignatureInvalid."""
        now, caller = call.now(), call.caller
        renewal = read_statement(caller, RENEWAL, statement, Renewal(), MAX_STATEMENT_BYTES)
        check_fresh(caller, renewal.member, renewal.time, now)

        def work(transaction: Transaction) -> Certificate:
            transaction.members.hold(caller.member_id)
            require_admitted(transaction, caller, now)
            fresh = self._issuer.issue(caller.member_id, renewal.certificate_request, now)
            good = transaction.members.certificates(caller.member_id, now)
            transaction.record(call.event(items=1))
            repeated = [it for it in good if self._issuer.key_of(it) == self._issuer.key_of(fresh)]
            if repeated:
                return repeated[-1]
            if len(good) >= MAX_CERTIFICATES:
                raise Refused(Reason.MEMBER_STATE_CONFLICT, "the member has as many certificates as it may")
            transaction.members.add_certificate(fresh)
            return fresh

        return await self._store.write(work)
