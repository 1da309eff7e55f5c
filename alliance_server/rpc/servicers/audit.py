"""AuditService."""

from collections.abc import AsyncIterator
from typing import Any

from grpc import aio

from alliance.v1 import audit_pb2, audit_pb2_grpc
from alliance_server.domain.audit import AuditRecord
from alliance_server.domain.logs import Log, Position
from alliance_server.rpc.interceptors.calls import current_call
from alliance_server.rpc.interceptors.draining import Drain
from alliance_server.services.audit import AuditService
from alliance_server.services.fact_proofs import FactProofService, ProvenFact
from alliance_server.services.log_reading import LeafPage, LogReading
from alliance_server.services.logs import LogService, ShownLog

Context = aio.ServicerContext[Any, Any]


class AuditServicer(audit_pb2_grpc.AuditServiceServicer):
    """Shows actors their events, and everybody enrolled what the logs prove."""

    def __init__(
        self, service: AuditService, logs: LogService, facts: FactProofService, reading: LogReading, drain: Drain
    ) -> None:
        self._service = service
        self._facts = facts
        self._logs = logs
        self._reading = reading
        self._drain = drain

    async def ListEvents(self, request: audit_pb2.ListEventsRequest, context: Context) -> audit_pb2.ListEventsResponse:
        """List a page of the caller's own events."""
        records, more = await self._service.own(current_call(), request.page_size, request.page_token)
        return audit_pb2.ListEventsResponse(
            records=[record_message(record, place) for record, place in records], next_page_token=more
        )

    async def ListLogs(self, request: audit_pb2.ListLogsRequest, context: Context) -> audit_pb2.ListLogsResponse:
        """List the logs."""
        found = await self._logs.logs(current_call(), request.after)
        return audit_pb2.ListLogsResponse(logs=[_log(it) for it in found])

    async def GetCheckpoint(
        self, request: audit_pb2.GetCheckpointRequest, context: Context
    ) -> audit_pb2.GetCheckpointResponse:
        """Give a log's newest checkpoint."""
        note = await self._logs.checkpoint(current_call(), request.log, request.cosignatures)
        return audit_pb2.GetCheckpointResponse(checkpoint=note)

    async def LocateEvents(
        self, request: audit_pb2.LocateEventsRequest, context: Context
    ) -> audit_pb2.LocateEventsResponse:
        """Say where events are."""
        found = await self._logs.locate(current_call(), request.rows)
        positions = [
            audit_pb2.EventPosition(row=row, log=it.origin if it else "", leaf_index=it.leaf_index if it else 0)
            for row, it in zip(request.rows, found, strict=True)
        ]
        return audit_pb2.LocateEventsResponse(positions=positions)

    async def GetInclusionProofs(
        self, request: audit_pb2.GetInclusionProofsRequest, context: Context
    ) -> audit_pb2.GetInclusionProofsResponse:
        """Prove that leaves are in a log."""
        indices = request.leaf_indices
        proofs = await self._logs.inclusion(current_call(), request.log, request.tree_size, indices)
        return audit_pb2.GetInclusionProofsResponse(
            proofs=[
                audit_pb2.InclusionProof(leaf_index=index, hashes=hashes)
                for index, hashes in zip(indices, proofs, strict=True)
            ]
        )

    async def GetConsistencyProof(
        self, request: audit_pb2.GetConsistencyProofRequest, context: Context
    ) -> audit_pb2.GetConsistencyProofResponse:
        """Prove that a log's tree begins with a smaller one."""
        hashes = await self._logs.consistency(current_call(), request.log, request.first, request.second)
        return audit_pb2.GetConsistencyProofResponse(hashes=hashes)

    async def GetFactProofs(
        self, request: audit_pb2.GetFactProofsRequest, context: Context
    ) -> audit_pb2.GetFactProofsResponse:
        """Prove that facts are published."""
        proven = await self._facts.prove(current_call(), request.digests, request.cosignatures)
        return audit_pb2.GetFactProofsResponse(
            proofs=[_fact(digest, proven.facts.get(digest)) for digest in request.digests],
            checkpoint=proven.checkpoint,
        )

    async def ReadLog(
        self, request: audit_pb2.ReadLogRequest, context: Context
    ) -> AsyncIterator[audit_pb2.ReadLogResponse]:
        """Read a log's leaves."""
        pages = self._reading.read(current_call(), request.log, request.first_index, request.end_index)
        async for page in pages:
            self._drain.check()  # the caller goes on at this index
            yield audit_pb2.ReadLogResponse(records=_leaves(page))


def record_message(record: AuditRecord, place: Position | None) -> audit_pb2.AuditRecord:
    """Give an event as the wire has it, with its place in a log where it has one."""
    return audit_pb2.AuditRecord(
        salt=record.salt,
        event=record.event,
        leaf_hash=record.leaf_hash,
        row=record.row,
        log=place.origin if place else "",
        leaf_index=place.leaf_index if place else 0,
    )


def first_message(log: Log) -> audit_pb2.AuditRecord:
    """Give a log's first leaf as the wire has it."""
    return audit_pb2.AuditRecord(salt=log.salt, event=log.event, leaf_hash=log.first_leaf, log=log.origin)


def _leaves(page: LeafPage) -> list[audit_pb2.AuditRecord]:
    if page.first == 0:
        return [first_message(page.log)]
    return [
        record_message(record, Position(page.log.number, page.log.origin, page.first + place))
        for place, record in enumerate(page.records)
    ]


def _log(shown: ShownLog) -> audit_pb2.Log:
    return audit_pb2.Log(
        origin=shown.log.origin,
        first=first_message(shown.log),
        checkpoint=shown.note,
        is_complete=shown.is_complete,
        first_proof=shown.first_proof,
    )


def _fact(digest: bytes, fact: ProvenFact | None) -> audit_pb2.FactProof:
    if fact is None:
        return audit_pb2.FactProof(digest=digest)
    return audit_pb2.FactProof(digest=digest, record=record_message(fact.record, fact.position), hashes=fact.hashes)
