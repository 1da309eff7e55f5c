"""The witness list in force: verified, never an older one than was seen, and what it asks of checkpoints.

Rules:

1. A list counts only under the pinned hub key, and where its number is not below that of the one that lies with the
   pins. A list of the same number says the same.
2. A new list is believed like any other fact: by a proof under a checkpoint that a quorum of the list before cosigned.
   So who would put other witnesses in the place of those who refused needs those who refused.
3. A restored hub's list takes the place of any: two admins signed for it, and the ledger has brought the newest back.
"""

from collections.abc import Callable
from typing import Final

from alliance import statements
from alliance.crypto.signing import VerifyingKey
from alliance.errors import SignatureInvalid
from alliance.tlog.checkpoints import Checkpoint
from alliance.v1.statement_pb2 import SignedStatement
from alliance.witnesses import WitnessList, WitnessListInvalid
from member_client._store import Shelf, Store
from member_client.errors import PinsDamaged, QuorumMissing, StatementInvalid

WITNESSES: Final = b"witness-list"
"""Name of the list in force on the shelf of pins: an origin's own."""


def verified(statement: SignedStatement, hub_key: VerifyingKey) -> WitnessList:
    """Verify and read a list; raises StatementInvalid."""
    try:
        return WitnessList.from_bytes(hub_key.verified_payload(statements.WITNESS_LIST, statement))
    except (SignatureInvalid, WitnessListInvalid) as error:
        raise StatementInvalid("The hub's witness list does not verify.") from error


def pinned(pins: Store) -> WitnessList:
    """Give the list that was seen last, one without witnesses before the first; blocks. Raises PinsDamaged."""
    content = pins.get(Shelf.PINS, WITNESSES)
    if content is None:
        return WitnessList()
    try:
        return WitnessList.from_bytes(content)
    except WitnessListInvalid:
        raise PinsDamaged("The pinned witness list cannot be read.") from None


def hold(found: WitnessList, pins: Store) -> None:
    """Raise StatementInvalid where a list is older than what was seen, or another of its number. Blocks."""
    known = pinned(pins)
    if found.number < known.number or (found.number == known.number and found != known):
        raise StatementInvalid("The hub shows an older witness list than was seen, or another of its number.")


def pin(found: WitnessList, content: bytes, pins: Store) -> WitnessList:
    """Remember a list that was proven; gives the one in force. Blocks."""
    while (known := pins.get(Shelf.PINS, WITNESSES)) is None or pinned(pins).number < found.number:
        if not found.number or pins.swap(Shelf.PINS, WITNESSES, known, [(Shelf.PINS, WITNESSES, content, None)]):
            break
    return pinned(pins)


def quorum_of(listed: WitnessList) -> Callable[[Checkpoint], None]:
    """Give what raises QuorumMissing for a checkpoint that fewer witnesses cosigned than a list asks for."""

    def require(checkpoint: Checkpoint) -> None:
        if not listed.has_quorum(checkpoint):
            raise QuorumMissing("Fewer witnesses cosigned the hub's checkpoint of its log than must have.")

    return require
