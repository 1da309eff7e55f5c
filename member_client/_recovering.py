"""After a succession: this member's own claims, held against what the restored hub has.

A restored hub lost what was filed after its backup, and without its purge ledger shows again what was withdrawn since.
So, once for each origin that is believed: acknowledgements of claims that the hub does not have are forgotten, and the
next run of the same list files them again; claims that were withdrawn from here and stand again are withdrawn again.
"""

from typing import Final

from alliance.taxonomy import LIVE_STATUSES, ClaimStatus
from member_client._journal import Journal
from member_client._session import Session
from member_client._store import Shelf
from member_client.own_claims import OwnClaim, OwnClaims

REASON: Final = "withdrawn_before_restore"
_HELD: Final = b"journal-held-against-origin"
_AT_ONCE: Final = 1000


async def hold_own_claims(session: Session) -> None:
    """Hold own claims against the hub's, where its origin is another than they were held against last."""
    origin = b"%d" % session.hub.origin.number
    async with session.recovering:
        if session.hub.origin.number == 0 or await session.workers.disk(_held, session) == origin:
            return
        there: set[bytes] = set()
        lot: list[OwnClaim] = []
        async for claim in OwnClaims(session).listed(live_only=False):
            there.add(claim.entry_id)
            lot.append(claim)
            if len(lot) == _AT_ONCE:
                await _withdraw_again(session, lot)
                lot = []
        await _withdraw_again(session, lot)
        await session.workers.disk(Journal(session.store).forget_others, there)
        await session.workers.disk(session.store.put, Shelf.LISTS, _HELD, origin)


def _held(session: Session) -> bytes | None:
    return session.store.get(Shelf.LISTS, _HELD)


async def _withdraw_again(session: Session, lot: list[OwnClaim]) -> None:
    entries = [claim.entry_id for claim in lot if claim.status in LIVE_STATUSES]
    withdrawn = await session.workers.disk(Journal(session.store).withdrawn, entries)
    for claim in lot:
        if claim.entry_id in withdrawn:
            await OwnClaims(session).end_claim(claim, ClaimStatus.WITHDRAWN, REASON)
