"""Confirming the keys of lenders that a development hub, or a test's, invited itself: there is nobody to telephone."""

from alliance.fingerprints import fingerprint
from alliance_server.bootstrap import Hub
from alliance_server.domain.members import MemberState


async def confirm_own(hub: Hub, name: str) -> None:
    """Confirm the key with which a lender of one's own enrolled, where that is still to be done."""
    member = await hub.store.read(lambda transaction: transaction.members.get(name))
    if member is not None and member.state is MemberState.UNCONFIRMED:
        await hub.enrolment.confirm(name, fingerprint(member.identity_key))
