"""The alliance's audit log as a member sees it: what it remembers of the logs, and the receipts that it was given."""

from member_client._log.auditing import Auditor, AuditProgress
from member_client._log.checking import GivenReceipt, ReceiptChecker
from member_client._log.keeper import LogKeeper
from member_client._log.memory import Remembered
from member_client._log.proving import Due, EventPlace, EventProver, EventState, due_by
from member_client._log.shelf import KeptReceipt, ReceiptShelf

__all__ = [
    "AuditProgress",
    "Auditor",
    "Due",
    "EventPlace",
    "EventProver",
    "EventState",
    "GivenReceipt",
    "KeptReceipt",
    "LogKeeper",
    "ReceiptChecker",
    "ReceiptShelf",
    "Remembered",
    "due_by",
]
