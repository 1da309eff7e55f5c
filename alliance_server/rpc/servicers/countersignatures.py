"""CountersignatureService."""

from typing import Any

from grpc import aio

from alliance.v1 import countersignature_pb2, countersignature_pb2_grpc
from alliance.v1.countersignature_pb2 import ClaimSubstance, CountersignatureRecord
from alliance.v1.statement_pb2 import SignedStatement
from alliance_server.domain.countersignatures import Countersigning
from alliance_server.rpc.interceptors.calls import current_call
from alliance_server.services.call import Call
from alliance_server.services.countersignatures import STATEMENTS_A_PAGE, CountersignatureService

Context = aio.ServicerContext[Any, Any]


class CountersignatureServicer(countersignature_pb2_grpc.CountersignatureServiceServicer):
    """Takes requests for countersignatures and what liaisons say to them."""

    def __init__(self, service: CountersignatureService) -> None:
        self._service = service

    async def RequestCountersignature(
        self, request: countersignature_pb2.RequestCountersignatureRequest, context: Context
    ) -> countersignature_pb2.RequestCountersignatureResponse:
        """Ask a liaison to countersign a claim."""
        made = await self._service.request(current_call(), request)
        return countersignature_pb2.RequestCountersignatureResponse(record=_record(made, current_call()))

    async def ListCountersignatureRequests(
        self, request: countersignature_pb2.ListCountersignatureRequestsRequest, context: Context
    ) -> countersignature_pb2.ListCountersignatureRequestsResponse:
        """List requests to the caller, or its own."""
        found, token = await self._service.requests(
            current_call(), request.page_size, request.page_token, waiting_only=request.waiting_only
        )
        return countersignature_pb2.ListCountersignatureRequestsResponse(
            records=[_record(it, current_call()) for it in found], next_page_token=token
        )

    async def CountersignClaim(
        self, request: countersignature_pb2.CountersignClaimRequest, context: Context
    ) -> countersignature_pb2.CountersignClaimResponse:
        """Countersign a claim."""
        made = await self._service.countersign(current_call(), request)
        return countersignature_pb2.CountersignClaimResponse(record=_record(made, current_call()))

    async def RefuseCountersignature(
        self, request: countersignature_pb2.RefuseCountersignatureRequest, context: Context
    ) -> countersignature_pb2.RefuseCountersignatureResponse:
        """Refuse to countersign a claim."""
        made = await self._service.refuse(current_call(), request)
        return countersignature_pb2.RefuseCountersignatureResponse(record=_record(made, current_call()))

    async def RevokeCountersignature(
        self, request: countersignature_pb2.RevokeCountersignatureRequest, context: Context
    ) -> countersignature_pb2.RevokeCountersignatureResponse:
        """Revoke a countersignature."""
        made = await self._service.revoke(current_call(), request)
        return countersignature_pb2.RevokeCountersignatureResponse(record=_record(made, current_call()))

    async def ListCountersignatures(
        self, request: countersignature_pb2.ListCountersignaturesRequest, context: Context
    ) -> countersignature_pb2.ListCountersignaturesResponse:
        """List what was countersigned and revoked."""
        after, newest, told = await self._service.after(current_call(), request.after)
        return countersignature_pb2.ListCountersignaturesResponse(
            after=after,
            upto=told[-1].number if len(told) == STATEMENTS_A_PAGE else newest,
            newest=newest,
            statements=[SignedStatement.FromString(it.statement) for it in told],
        )


def _record(made: Countersigning, call: Call) -> CountersignatureRecord:
    return CountersignatureRecord(
        request=_statement(made.request),
        substance=ClaimSubstance.FromString(made.substance),
        approved_by=made.approved_by.split(),
        state=countersignature_pb2.CountersignatureState.ValueType(made.state_at(call.now())),
        requested_at=made.requested_at,
        answer_by=made.answer_by,
        answer=_statement(made.answer),
        officer_answer=_statement(made.officer_answer),
        grounds=made.grounds or b"",
        answered_at=made.answered_at or 0,
        revocation=_statement(made.revocation),
        officer_revocation=_statement(made.officer_revocation),
        revoked_at=made.revoked_at or 0,
    )


def _statement(kept: bytes | None) -> SignedStatement | None:
    return None if kept is None else SignedStatement.FromString(kept)
