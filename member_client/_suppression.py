"""The suppression list in force: verified, and never an older one than was seen.

Rules:

1. A list counts only under the pinned hub key, and under a number that is not below the highest one seen, which lies
   with the pins. So a hub that wants a value accepted again which two admins had refused is found out.
2. The audit log has to prove that the hub published the list, before it is remembered (`_facts.py`).
3. What this release refuses is refused whatever the list says.
"""

from typing import Final

from alliance import statements
from alliance.crypto.signing import VerifyingKey
from alliance.errors import SignatureInvalid
from alliance.identifiers import BUILTIN, SuppressionList, SuppressionListInvalid
from alliance.v1.statement_pb2 import SignedStatement
from member_client._store import Shelf, Store
from member_client.errors import StatementInvalid

SUPPRESSION: Final = b"suppression"
"""Name of the suppression list in force on the shelf of lists: an origin's own statement."""
MARK: Final = b"suppression-number"
"""Name of the highest number seen, on the shelf of pins: an origin's own, too."""


def verified(statement: SignedStatement, hub_key: VerifyingKey) -> SuppressionList:
    """Verify a list; raises StatementInvalid."""
    try:
        return SuppressionList.from_bytes(hub_key.verified_payload(statements.SUPPRESSION_LIST, statement))
    except (SignatureInvalid, SuppressionListInvalid) as error:
        raise StatementInvalid("The hub's suppression list does not verify.") from error


def read(statement: SignedStatement, hub_key: VerifyingKey, pins: Store) -> SuppressionList:
    """Verify and read a list, and remember its number; blocks. Raises StatementInvalid."""
    return _not_older(verified(statement, hub_key), pins)


def kept(store: Store, hub_key: VerifyingKey, pins: Store) -> SuppressionList:
    """Give the list seen last, else the built-in one; blocks. Raises StatementInvalid."""
    content = store.get(Shelf.LISTS, SUPPRESSION)
    if content is None:
        return _not_older(BUILTIN, pins)
    return read(SignedStatement.FromString(content), hub_key, pins)


def _not_older(found: SuppressionList, pins: Store) -> SuppressionList:
    if pins.raise_to(Shelf.PINS, MARK, found.number) > found.number:
        raise StatementInvalid("The hub shows an older suppression list than was seen.")
    return found.with_all_of(BUILTIN)
