"""The stream of contributions: a chunk out, its acknowledgement back, and the same chunk again after a cut."""

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from alliance.claims import SealedClaim
from alliance.v1.registry_pb2 import ClaimRow, ClaimRowResult, ContributeRequest, ContributeResponse
from alliance.v1.registry_pb2_grpc import RegistryServiceStub
from alliance.v1.statement_pb2 import SignedStatement
from member_client._deadline import Deadline
from member_client._transport import Transport, own_errors, readable, retried
from member_client.errors import HubError, HubUnavailable

MAX_ROWS: Final = 1024
CHUNK_SECONDS: Final = 60.0
TOTAL_SECONDS: Final = 180.0
_REQUEST_ID_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class Correction:
    """A signed change to `corrected`, and that of the claim that says the same in another epoch, if it lives."""

    change: SignedStatement
    of_twin: SignedStatement | None = None


class ClaimStream:
    """One stream, opened anew where it is cut; for one task at a time."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._call: Any = None

    async def send(
        self,
        rows: Sequence[SealedClaim],
        *,
        predecessors: Sequence[bytes] = (),
        corrections: Sequence[Correction] = (),
        approvals: Sequence[Sequence[SignedStatement]] = (),
    ) -> list[ClaimRowResult]:
        """Send up to 1,024 rows until they are acknowledged; gives their results, in order.

        `predecessors` are the entry ids of the claims that the rows re-tag, `corrections` what was signed of the claims
        whose places they take, `approvals` what operators signed of the rows; one each, or none.
        """
        made = [
            ClaimRow(claim=row.claim, signature=row.signature, handle=row.handle, box=row.box, predecessor=of)
            for row, of in zip(rows, predecessors or [b""] * len(rows), strict=True)
        ]
        for row, correction in zip(made if corrections else (), corrections, strict=True):
            row.correction.CopyFrom(correction.change)
            if correction.of_twin is not None:
                row.twin_correction.CopyFrom(correction.of_twin)
        for row, signed in zip(made if approvals else (), approvals, strict=True):
            row.approvals.extend(signed)
        request = ContributeRequest(request_id=os.urandom(_REQUEST_ID_BYTES), rows=made)
        response = await retried(lambda: self._exchange(request), Deadline.after(TOTAL_SECONDS, patient=True))
        if len(response.results) != len(rows):
            raise HubError("The hub acknowledges another number of rows than were sent.")
        return list(response.results)

    async def close(self) -> None:
        """Say that nothing more comes."""
        call, self._call = self._call, None
        if call is not None:
            call.cancel()

    async def _exchange(self, request: ContributeRequest) -> ContributeResponse:
        try:
            async with asyncio.timeout(CHUNK_SECONDS), own_errors():
                if self._call is None:
                    contribute: Any = RegistryServiceStub(self._transport.channel()).Contribute
                    self._call = contribute()
                await self._call.write(request)
                response = readable(await self._call.read())
        except (TimeoutError, asyncio.InvalidStateError) as error:
            await self.close()
            raise HubUnavailable("The hub did not acknowledge a chunk in time.") from error
        except BaseException:
            await self.close()
            raise
        if not isinstance(response, ContributeResponse):  # grpc.aio.EOF
            await self.close()
            raise HubUnavailable("The stream of contributions was cut off.")
        if response.request_id != request.request_id:
            await self.close()
            raise HubError("The hub acknowledges another chunk than was sent.")
        return response
