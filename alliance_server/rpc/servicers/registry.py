"""RegistryService."""

from collections.abc import AsyncIterator
from typing import Any

from grpc import aio

from alliance.errors import Reason
from alliance.v1 import error_reason_pb2, registry_pb2, registry_pb2_grpc, taxonomy_pb2
from alliance.v1.statement_pb2 import SignedStatement
from alliance_server.domain.claims import ClaimRow, StoredClaim
from alliance_server.domain.errors import Refused
from alliance_server.domain.evaluations import REQUEST_ID_BYTES
from alliance_server.rpc.interceptors.calls import current_call
from alliance_server.services.receipts import Receipts
from alliance_server.services.registry import RegistryService, RowResult

Context = aio.ServicerContext[Any, Any]


class RegistryServicer(registry_pb2_grpc.RegistryServiceServicer):
    """Takes and shows claims."""

    def __init__(self, service: RegistryService, receipts: Receipts) -> None:
        self._service = service
        self._receipts = receipts

    async def Contribute(
        self, request_iterator: AsyncIterator[registry_pb2.ContributeRequest], context: Context
    ) -> AsyncIterator[registry_pb2.ContributeResponse]:
        """Take chunks of claims and acknowledge each once it is durable."""
        call = current_call()
        async for chunk in request_iterator:
            if len(chunk.request_id) != REQUEST_ID_BYTES:
                raise Refused(Reason.INVALID_REQUEST, "a chunk's request id has 16 bytes")
            results = await self._service.contribute(call, [_row(row) for row in chunk.rows])
            yield registry_pb2.ContributeResponse(
                request_id=chunk.request_id,
                results=[_result(result) for result in results],
                receipt=await self._receipts.of(call),
            )
        call.recorded = True  # a stream without a chunk asked for nothing

    async def ListClaims(
        self, request: registry_pb2.ListClaimsRequest, context: Context
    ) -> registry_pb2.ListClaimsResponse:
        """List a page of the caller's own claims."""
        claims, more = await self._service.own(
            current_call(),
            request.page_size,
            request.page_token,
            live_only=request.live_only,
            before_epoch=request.before_epoch,
        )
        return registry_pb2.ListClaimsResponse(claims=[claim_record(claim) for claim in claims], next_page_token=more)

    async def GetClaim(self, request: registry_pb2.GetClaimRequest, context: Context) -> registry_pb2.GetClaimResponse:
        """Get one of the caller's own claims."""
        claim = await self._service.get(current_call(), request.entry_id)
        return registry_pb2.GetClaimResponse(claim=claim_record(claim))

    async def ChangeClaimStatus(
        self, request: registry_pb2.ChangeClaimStatusRequest, context: Context
    ) -> registry_pb2.ChangeClaimStatusResponse:
        """Withdraw or recall one of the caller's own claims."""
        of_twin = request.twin_status_change if request.HasField("twin_status_change") else None
        claim = await self._service.end(current_call(), request.status_change, of_twin)
        return registry_pb2.ChangeClaimStatusResponse(claim=claim_record(claim))


def _row(row: registry_pb2.ClaimRow) -> ClaimRow:
    correction = row.correction if row.HasField("correction") else None
    of_twin = row.twin_correction if row.HasField("twin_correction") else None
    approvals = tuple(row.approvals)
    return ClaimRow(row.claim, row.signature, row.handle, row.box, row.predecessor, correction, of_twin, approvals)


def _result(result: RowResult) -> registry_pb2.ClaimRowResult:
    return registry_pb2.ClaimRowResult(
        entry_id=result.entry_id,
        refusal=error_reason_pb2.ErrorReason.ValueType(result.refusal or 0),
        repeated_row=result.repeated,
        standing_claim=claim_record(result.standing) if result.standing else None,
    )


def claim_record(claim: StoredClaim) -> registry_pb2.ClaimRecord:
    """Show a claim as it is held."""
    change = SignedStatement.FromString(claim.status_change) if claim.status_change else None
    return registry_pb2.ClaimRecord(
        claim=claim.claim,
        signature=claim.signature,
        status=taxonomy_pb2.ClaimStatus.ValueType(claim.status),
        status_change=change,
        predecessor=claim.predecessor or b"",
        successor=claim.successor or b"",
        approved_by=claim.approved_by.split() if claim.approved_by else (),
    )
