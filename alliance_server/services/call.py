"""The call that is being served: who, what, and its one audit event."""

from dataclasses import dataclass, field

from alliance.clock import Clock
from alliance.errors import Reason
from alliance.taxonomy import Purpose
from alliance_server.domain.actions import AuditAction
from alliance_server.domain.audit import AuditRecord, record_event
from alliance_server.domain.members import Caller


@dataclass(slots=True)
class Call:
    """A call of an authenticated caller. `event` makes the record that the unit of work keeps."""

    caller: Caller
    action: AuditAction
    clock: Clock
    recorded: bool = field(default=False, init=False)
    """Whether an event was made; a call that ends well without one is a fault of the hub."""
    latest: AuditRecord | None = field(default=None, init=False)
    """The record made last: of a unit of work that ran again that of its last run, which was committed."""
    request_sha256: bytes = field(default=b"", init=False)
    """SHA-256 of the message that is being answered, as it came: the last one of a stream, the first of an upload."""
    receipted: AuditRecord | None = field(default=None, init=False)
    """The record that the newest receipt is about."""
    refusal_recorded: bool = field(default=False, init=False)
    """Whether the service recorded the call's refusal together with what it charged for it."""

    def now(self) -> int:
        """Give milliseconds UTC."""
        return self.clock.now_ms()

    def event(
        self,
        *,
        operator: str = "",
        purpose: Purpose | None = None,
        epoch: int = 0,
        items: int = 0,
        items_refused: int = 0,
        commitments: tuple[bytes, ...] = (),
        refusal: Reason | None = None,
    ) -> AuditRecord:
        """Make the call's audit record."""
        self.recorded = True
        self.latest = record_event(
            time=self.now(),
            actor=self.caller.member_id,
            action=self.action,
            operator=operator,
            purpose=purpose,
            epoch=epoch,
            items=items,
            items_refused=items_refused,
            commitments=commitments,
            refusal=refusal,
        )
        return self.latest
