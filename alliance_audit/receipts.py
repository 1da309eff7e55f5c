"""Receipts held against an export: whatever the hub promised to log is in the log, or somebody left it out.

A receipt is the hub's statement `receipt`; its event is found by salt and event, as they are hashed. One that is
younger than the export's end, but for the delay that it grants, is not missed yet; nor is one of another month.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from google.protobuf.message import DecodeError

from alliance.statements import RECEIPT, key_id, signed_bytes
from alliance.tlog.logs import month_of
from alliance.tlog.notes import holds
from alliance.v1.audit_pb2 import AuditEvent, Receipt
from alliance.v1.statement_pb2 import SignedStatement
from alliance_audit.export import Export, ExportInvalid
from alliance_audit.leaves import Entry
from alliance_audit.report import LogReport
from alliance_audit.successions import believed
from alliance_audit.trust import Trust

MAX_BYTES: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class GivenReceipt:
    """A receipt that somebody gave, whose signature nobody verified yet."""

    name: str
    statement: SignedStatement
    receipt: Receipt
    event: AuditEvent

    @property
    def leaf(self) -> bytes:
        """What its leaf is made of."""
        return self.receipt.salt + self.receipt.event

    def is_signed_by(self, key: bytes) -> bool:
        """Say whether the hub of this key signed it."""
        signed = signed_bytes(RECEIPT, self.statement.payload)
        return self.statement.key_id == key_id(key) and holds(key, signed, self.statement.signature)


def read_receipt(path: Path) -> GivenReceipt:
    """Read a receipt; raises ExportInvalid where it is none."""
    try:
        with path.open("rb") as file:
            statement = SignedStatement.FromString(file.read(MAX_BYTES))
        receipt = Receipt.FromString(statement.payload)
        event = AuditEvent.FromString(receipt.event)
    except (OSError, DecodeError) as error:
        raise ExportInvalid(f"{path} is no receipt ({type(error).__name__})") from None
    if statement.type != RECEIPT:
        raise ExportInvalid(f"{path} is no receipt")
    return GivenReceipt(str(path), statement, receipt, event)


class Promises:
    """Looks for the events of receipts among entries as they pass."""

    def __init__(self, given: Sequence[GivenReceipt]) -> None:
        self._given = given
        self._wanted = {it.leaf for it in given}
        self._found: dict[bytes, tuple[str, int]] = {}
        self._newest = 0

    def see(self, entry: Entry) -> None:
        """Look at an entry."""
        self._newest = max(self._newest, entry.event.time)
        if self._wanted and (leaf := entry.salt + entry.content) in self._wanted:
            self._found[leaf] = (entry.log, entry.index)

    def tell(self, export: Export, trust: Trust, report: LogReport) -> None:
        """Say of each receipt where its event is; what was promised and is not there is a fault."""
        keys = {key.public_key for key in (*trust.keys, *export.keys.values())} | set(trust.plain_keys)
        for one in self._given:
            place = f"receipt {one.name}"
            if not any(one.is_signed_by(key) for key in keys):
                report.fault(place, "is not signed by the hub")
            elif one.leaf in self._found:
                log, index = self._found[one.leaf]
                report.vouched.append(f"{place}: its event is entry {index} of {log}")
            else:
                self._miss(one, place, export, trust, report)

    def _miss(self, one: GivenReceipt, place: str, export: Export, trust: Trust, report: LogReport) -> None:
        month = month_of(one.event.time)
        due = one.receipt.time + 1000 * one.receipt.merge_delay_seconds
        if month != export.month:
            report.notes.append(f"{place}: its event is of {month}, and this export of {export.month}")
        elif _was_lost(one.receipt.time, export, trust):
            report.notes.append(f"{place}: its event was lost in the restore that admins signed whose keys you gave")
        elif due > self._newest:
            report.notes.append(f"{place}: its event came at the end of this export: look into the next one")
        else:
            report.fault(place, "the hub promised to log its event, and did not")


def _was_lost(time: int, export: Export, trust: Trust) -> bool:
    found = (believed(export, str(log.name), trust.admins) for log in export.logs)
    return any(it is not None and it.backup_taken_at <= time <= it.restored_at for it in found)
