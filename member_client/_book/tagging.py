"""Tags of a book's entries under an epoch: evaluated, proved, and ready to be written."""

from collections.abc import Sequence

from alliance.crypto.tagging import Tags
from alliance.taxonomy import Purpose
from member_client._book.model import NO_TAG, Entry, Facts
from member_client._deadline import Deadline
from member_client._epochs import PinnedEpoch
from member_client._evaluation import prepared
from member_client._session import Session

EVALUATION_SECONDS = 120.0


async def evaluated(session: Session, inputs: Sequence[bytes], basis: bytes, epoch: PinnedEpoch) -> Tags:
    """Have inputs evaluated for the screening of a portfolio, waiting for quota; raises what the call raises."""
    batch = await session.workers.cpu(prepared, inputs, (basis,), Purpose.PORTFOLIO_SCREENING, epoch)

    async def asked() -> Tags:
        return await session.evaluator.evaluate(batch, Deadline.after(EVALUATION_SECONDS, patient=True))

    return await session.quota_wait.through(asked, Deadline.after(EVALUATION_SECONDS, patient=True))


async def tagged(session: Session, facts: Facts, start: int, epoch: PinnedEpoch) -> tuple[bytes, bytes, int]:
    """Give tags and label keys of a segment's entries from one on, and how many were evaluated."""
    entries = facts.entries[start:]
    inputs = [entry.input for entry in entries if entry]
    if not inputs:
        return NO_TAG * len(entries), NO_TAG * len(entries), 0
    tags = await evaluated(session, inputs, facts.basis, epoch)
    return await session.workers.cpu(_spread, entries, tags)


def columns(tags: Tags) -> tuple[bytes, bytes]:
    """Give packed tags and label keys."""
    return tags.packed, tags.label_keys().reveal()


def _spread(entries: Sequence[Entry | None], tags: Tags) -> tuple[bytes, bytes, int]:
    """Put tags where their entries are, and nothing where one was taken out."""
    packed, keys = columns(tags)
    places = [index for index, entry in enumerate(entries) if entry]
    spread = [NO_TAG] * len(entries), [NO_TAG] * len(entries)
    for item, index in enumerate(places):
        spread[0][index] = packed[32 * item : 32 * item + 32]
        spread[1][index] = keys[32 * item : 32 * item + 32]
    return b"".join(spread[0]), b"".join(spread[1]), len(places)
