"""The alliance's audit log as a member sees it: what it remembers of the logs, and the receipts that it was given."""

from member_client._log.checking import GivenReceipt, ReceiptChecker
from member_client._log.keeper import LogKeeper
from member_client._log.memory import Remembered

__all__ = ["GivenReceipt", "LogKeeper", "ReceiptChecker", "Remembered"]
