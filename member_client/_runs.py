"""A run over many subjects under an id of the caller's, kept sealed for a day: it is taken up where it stopped.

Rules:

1. Batches are numbered; each is kept under run and number, with a keyed digest of what it asks. The same id over other
   subjects is ConflictingRetry.
2. What is about to be sent is written down first, with its blinds: after a crash the same request goes out again, so
   that it is charged once. Nothing else ever goes out under these blinds: another list or epoch draws new ones.
3. A batch is answered once every field of it is settled. One that left something open is asked again as it was.
4. Of the answer only what is not simply clear is kept: the rest follows from the subjects.
"""

import hmac
from collections.abc import Sequence
from hashlib import sha256
from typing import Final

from alliance.clock import Clock
from alliance.crypto import tagging
from alliance.crypto.secret import Secret
from alliance.errors import AllianceError
from alliance.taxonomy import Purpose
from member_client import verdicts
from member_client._codec import decoded, encoded
from member_client._consents import Commitment
from member_client._epochs import PinnedEpoch
from member_client._evaluation import Prepared
from member_client._framing import pack, unpack
from member_client._ledger import Ledger
from member_client._questions import clear_fields
from member_client._store import Shelf, Store
from member_client.errors import ConflictingRetry, StoreDamaged
from member_client.subjects import Consent, Subject
from member_client.verdicts import State, Verdict

LIFE_MS: Final = 24 * 60 * 60 * 1000
_ASKED: Final = b"asked"
_ANSWERED: Final = b"answered"


class Run:
    """The batches of one run."""

    def __init__(self, request_id: str, purpose: Purpose, store: Store, ledger: Ledger, clock: Clock) -> None:
        self._request_id = request_id
        self._purpose = purpose
        self._store = store
        self._ledger = ledger
        self._clock = clock
        self._key = store.derived_key(b"runs")

    def batch(self, number: int, subjects: Sequence[Subject], consent: Consent | None) -> "RunBatch":
        """Look a batch up; raises ConflictingRetry where the run asked something else in its place. Blocks."""
        name = _batch_name(self._request_id, number)
        content = self._content(subjects, consent)
        kept_content, *kept = _live(name, self._store, self._clock.now_ms()) or [content]
        if not hmac.compare_digest(kept_content, content):
            raise ConflictingRetry("This request id was used for other subjects within the last day.")
        return RunBatch(name, content, subjects, kept, self._store, self._ledger, self._clock)

    def _content(self, subjects: Sequence[Subject], consent: Consent | None) -> bytes:
        """Digest what a batch asks."""
        parts = [self._purpose.word.encode(), consent.digest if consent else b""]
        for subject in subjects:
            parts.append(subject.ref.encode(errors="replace"))
            parts.append(subject.consent.digest if subject.consent else b"")
            parts += [part.encode(errors="replace") for name, text in subject.texts() for part in (name, text)]
            parts.append(b"")
        return hmac.digest(self._key.reveal(), pack(*parts), "sha256")


def is_known_run(request_id: str, store: Store, now_ms: int) -> bool:
    """Tell whether a run was begun under this id and is kept still. Blocks."""
    return _live(_batch_name(request_id, 0), store, now_ms) is not None


def _batch_name(request_id: str, number: int) -> bytes:
    return pack(request_id.encode(errors="replace"), b"%d" % number)


def _live(name: bytes, store: Store, now_ms: int) -> list[bytes] | None:
    """Give a batch's record, its content first; None where there is none any more. Blocks."""
    record = store.get(Shelf.RUNS, name)
    if record is None:
        return None
    try:
        ends_at, content, *kept = unpack(record)
        is_over = int(ends_at) <= now_ms
    except ValueError:
        raise _unreadable() from None
    return None if is_over else [content, *kept]


def _unreadable() -> StoreDamaged:
    return StoreDamaged("A run in the local store cannot be read.")


class RunBatch:
    """One batch of a run, and what is known of it from before."""

    def __init__(
        self,
        name: bytes,
        content: bytes,
        subjects: Sequence[Subject],
        kept: Sequence[bytes],
        store: Store,
        ledger: Ledger,
        clock: Clock,
    ) -> None:
        self._name = name
        self._content = content
        self._subjects = subjects
        self._kept = kept
        self._store = store
        self._ledger = ledger
        self._clock = clock

    @property
    def is_answered(self) -> bool:
        """Whether all of it was settled before."""
        return bool(self._kept) and self._kept[0] == _ANSWERED

    def verdicts(self) -> list[Verdict]:
        """Give the answer from before, in the subjects' order."""
        try:
            _, request_id, *others = self._kept
            told = {int(place): decoded(verdict) for place, verdict in map(unpack, others)}
        except ValueError:
            raise _unreadable() from None
        return [
            told.get(place) or verdicts.clear(subject.ref, clear_fields(subject.names), request_id.decode(), place)
            for place, subject in enumerate(self._subjects)
        ]

    def asked_before(self, inputs: Sequence[bytes], purpose: Purpose, epoch: PinnedEpoch) -> Prepared | None:
        """Give the request that was sent, to be sent again; None where there is none of these inputs. Blocks."""
        if not self._kept or self._kept[0] != _ASKED:
            return None
        sent = (unpack(request) for request in self._kept[1:])
        of_epoch = next((it for it in sent if int(it[0]) == epoch.id), None)
        if of_epoch is None:
            return None
        _, request_id, blinded_sha256, blinds = of_epoch
        consents = self._store.get(Shelf.CONSENTS, request_id)
        if consents is None and purpose is not Purpose.ROTATION:
            return None  # nothing went out before the commitment to the consents was written down
        try:
            blinded = tagging.blind_again(inputs, Secret(blinds))
        except AllianceError:
            return None
        if not hmac.compare_digest(sha256(blinded.message).digest(), blinded_sha256):
            return None
        return Prepared(
            purpose=purpose,
            epoch=epoch,
            request_id=request_id,
            message=blinded.message,
            blinded_sha256=blinded_sha256,
            state=blinded.state,
            commitment=Commitment() if consents is None else Commitment.from_bytes(unpack(consents)[1]),
        )

    async def asked(self, requests: Sequence[Prepared]) -> None:
        """Write down what is asked under each epoch, before it is sent."""
        told = (
            pack(b"%d" % it.epoch.id, it.request_id, it.blinded_sha256, it.state.blinds().reveal()) for it in requests
        )
        await self._keep(_ASKED, *told)

    async def answered(self, answer: Sequence[Verdict]) -> None:
        """Write an answer down, unless something of it was left open."""
        if not all(verdict.is_final for verdict in answer):
            return
        request_id = next((verdict.request_id for verdict in answer), "")
        told = [
            pack(b"%d" % place, encoded(verdict))
            for place, verdict in enumerate(answer)
            if verdict.state is not State.CLEAR
        ]
        await self._keep(_ANSWERED, request_id.encode(), *told)

    async def _keep(self, *parts: bytes) -> None:
        ends_at = self._clock.now_ms() + LIFE_MS
        record = pack(b"%d" % ends_at, self._content, *parts)
        await self._ledger.put(Shelf.RUNS, self._name, record, ends_at)
