"""Setting the suppression list: a pure step of a unit of work, with an event of the hub. No value of it is written."""

from hashlib import sha256

from alliance.errors import Reason
from alliance.identifiers import BUILTIN, SuppressionList
from alliance_server.domain.actions import AuditAction
from alliance_server.domain.audit import record_event
from alliance_server.domain.errors import Refused
from alliance_server.domain.members import HUB_ACTOR
from alliance_server.domain.ports import Transaction
from alliance_server.domain.suppression import NumberedList, counted, read_list


def in_force(transaction: Transaction) -> SuppressionList:
    """Give the list in force: the newest that admins set, else the release's own.

    A release may refuse more than the one under which the list was set: that is in it too.
    """
    newest = transaction.suppression.newest()
    return BUILTIN if newest is None else SuppressionList.from_bytes(newest.content).with_all_of(BUILTIN)


def set_list(transaction: Transaction, content: bytes, number: int, now: int) -> None:
    """Put a list in force, from the next call on; raises Refused."""
    found = read_list(content)
    if number != found.number or number != transaction.suppression.number() + 1:
        raise Refused(Reason.COMMON_RULES_CONFLICT, "the suppression list's number is not the one after the last")
    transaction.suppression.add(NumberedList(number, content, now))
    digest = sha256(content).digest()
    transaction.record(
        record_event(time=now, actor=HUB_ACTOR, action=AuditAction.SUPPRESSION_SET, items=1, commitments=(digest,))
    )


def difference(transaction: Transaction, content: bytes) -> tuple[dict[str, int], dict[str, int]]:
    """Count what a list adds to the one in force and what it leaves out, by kind; raises Refused."""
    new, old = read_list(content).entries, in_force(transaction).entries
    return counted(new - old), counted(old - new)
