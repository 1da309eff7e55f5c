"""Whether a receipt is the hub's word for what was just asked: signature, request, whose event, and that it is fresh.

Rules:

1. A receipt binds the request as it was sent, and never a time: clocks differ. Its event says which method was called:
   else a hub could log another one, and the receipt would be kept and proven all the same.
2. Each event is receipted once: one that was shown for another answer before is not believed again, under another
   number neither. What is proven later is its leaf.
3. A receipt that another key signed is the occasion to ask whether another origin is to be believed. Successions
   themselves are asked for without one: what they say is signed by admins.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from google.protobuf.message import DecodeError

from alliance import statements
from alliance.audit_events import OK, SALT_BYTES
from alliance.crypto import merkle
from alliance.crypto.signing import VerifyingKey
from alliance.errors import SignatureInvalid
from alliance.v1.audit_pb2 import AuditEvent, Receipt
from alliance.v1.statement_pb2 import SignedStatement
from member_client._hub import PinnedHub
from member_client._log.actions import action_of
from member_client._log.saying import says_what_was_sent
from member_client.errors import ReceiptInvalid

MAX_MERGE_DELAY_SECONDS: Final = 600
_EXEMPT: Final = "/alliance.v1.SuccessionService/"
_REMEMBERED: Final = 10_000


@dataclass(frozen=True, slots=True)
class GivenReceipt:
    """A receipt whose signature holds, with what it says."""

    statement: bytes
    """As the hub gave it: a serialised SignedStatement."""
    receipt: Receipt
    event: AuditEvent

    @property
    def row(self) -> int:
        """Number of the event."""
        return self.receipt.row

    @property
    def leaf(self) -> bytes:
        """Hash of the event's leaf: SHA-256(0x00 ‖ salt ‖ event)."""
        return merkle.leaf_hash(self.receipt.salt + self.receipt.event)


def read_receipt(serialised: bytes, hub_key: VerifyingKey) -> GivenReceipt:
    """Verify a receipt; raises SignatureInvalid for the signature and ReceiptInvalid for the rest."""
    try:
        statement = SignedStatement.FromString(serialised)
    except DecodeError as error:
        raise ReceiptInvalid("The hub's receipt cannot be read.") from error
    payload = hub_key.verified_payload(statements.RECEIPT, statement)
    try:
        receipt = Receipt.FromString(payload)
        event = AuditEvent.FromString(receipt.event)
    except DecodeError as error:
        raise ReceiptInvalid("The hub's receipt cannot be read.") from error
    if len(receipt.salt) != SALT_BYTES or not receipt.row or receipt.merge_delay_seconds > MAX_MERGE_DELAY_SECONDS:
        raise ReceiptInvalid("The hub's receipt names no event, or promises it for another day.")
    return GivenReceipt(serialised, receipt, event)


class ReceiptChecker:
    """Looks at the receipt of each answer of one session."""

    def __init__(self, member: str, hub: PinnedHub, keep: Callable[[GivenReceipt], None]) -> None:
        """Check for a member; what holds is given to `keep`, on the event loop."""
        self._member = member
        self._hub = hub
        self._keep = keep
        self._origin = hub.origin
        self._shown: set[int | bytes] = set()
        """Numbers and leaf hashes of the newest receipts."""
        self._order: deque[tuple[int, bytes]] = deque()

    async def answered(self, path: str, message: bytes, receipt: bytes | None) -> None:
        """Raise ReceiptInvalid unless a receipt is the hub's for this request."""
        if path.startswith(_EXEMPT):
            return
        if receipt is None:
            raise ReceiptInvalid("The hub's answer came without its receipt.")
        given = await self._verified(receipt)
        if given.receipt.request_sha256 != sha256(message).digest() or given.event.outcome != OK:
            raise ReceiptInvalid("The hub's receipt is for another request.")
        if not says_what_was_sent(path, message, given.event):
            raise ReceiptInvalid("The hub logged another request than the one that it gives a receipt for.")
        self._take(path, given)

    async def refused(self, path: str, messages: list[bytes], receipt: bytes | None) -> None:
        """Keep the receipt of a refusal; raises ReceiptInvalid where the hub signed one for something else."""
        if receipt is None or path.startswith(_EXEMPT):
            return
        try:
            given = read_receipt(receipt, self._hub.key)
        except SignatureInvalid:
            return  # a restored hub that waits for its succession: it says so, and nothing of it is used
        sent = {b"", *(sha256(message).digest() for message in messages)}
        if given.receipt.request_sha256 not in sent:
            raise ReceiptInvalid("The hub's receipt is for another request.")
        self._take(path, given)

    async def _verified(self, receipt: bytes) -> GivenReceipt:
        try:
            return read_receipt(receipt, self._hub.key)
        except SignatureInvalid as error:
            if not await self._hub.succeeded():
                raise ReceiptInvalid("The hub's receipt does not verify.") from error
        try:
            return read_receipt(receipt, self._hub.key)
        except SignatureInvalid as error:
            raise ReceiptInvalid("The hub's receipt does not verify.") from error

    def _take(self, path: str, given: GivenReceipt) -> None:
        if given.event.actor != self._member or action_of(path) not in (None, given.event.action):
            raise ReceiptInvalid("The hub's receipt is for another member's call, or for another one.")
        if self._hub.origin != self._origin:  # a restored hub counts on from its backup
            self._origin = self._hub.origin
            self._shown.clear()
            self._order.clear()
        names = given.row, given.leaf
        if not self._shown.isdisjoint(names):
            raise ReceiptInvalid("The hub gives one receipt for two answers.")
        self._shown.update(names)
        self._order.append(names)
        if len(self._order) > _REMEMBERED:
            self._shown.difference_update(self._order.popleft())
        self._keep(given)
