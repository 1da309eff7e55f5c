"""OutcomeService."""

from typing import Any

from grpc import aio

from alliance.taxonomy import Outcome
from alliance.v1 import outcome_pb2, outcome_pb2_grpc, taxonomy_pb2
from alliance_server.domain.outcomes import Quality, Told
from alliance_server.rpc.interceptors.calls import current_call
from alliance_server.services.outcomes import OutcomeService

Context = aio.ServicerContext[Any, Any]


class OutcomeServicer(outcome_pb2_grpc.OutcomeServiceServicer):
    """Takes and tells what became of decisions."""

    def __init__(self, service: OutcomeService) -> None:
        self._service = service

    async def ReportOutcomes(
        self, request: outcome_pb2.ReportOutcomesRequest, context: Context
    ) -> outcome_pb2.ReportOutcomesResponse:
        """Count the caller's batch."""
        await self._service.report(current_call(), request.report)
        return outcome_pb2.ReportOutcomesResponse()

    async def ListOutcomes(
        self, request: outcome_pb2.ListOutcomesRequest, context: Context
    ) -> outcome_pb2.ListOutcomesResponse:
        """List a page of what was told of the caller's own claims."""
        told, more = await self._service.told(current_call(), request.page_size, request.page_token)
        return outcome_pb2.ListOutcomesResponse(counts=map(_count, told), next_page_token=more)

    async def ListQuality(
        self, request: outcome_pb2.ListQualityRequest, context: Context
    ) -> outcome_pb2.ListQualityResponse:
        """List how the claims of a page of contributors fared."""
        rows, more = await self._service.quality(current_call(), request.page_size, request.page_token)
        return outcome_pb2.ListQualityResponse(rows=map(_quality, rows), next_page_token=more)


def _count(told: Told) -> outcome_pb2.OutcomeCount:
    return outcome_pb2.OutcomeCount(
        month=told.month,
        category=taxonomy_pb2.Category.ValueType(told.cell.category),
        outcome=taxonomy_pb2.Outcome.ValueType(told.cell.outcome),
        count=told.reports,
    )


def _quality(row: Quality) -> outcome_pb2.Quality:
    counts = {Outcome(number).word: count for number, count in row.counts.items()}
    category = taxonomy_pb2.Category.ValueType(row.category)
    return outcome_pb2.Quality(contributor=row.contributor, category=category, **counts)
