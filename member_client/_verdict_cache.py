"""Verdicts by business id, sealed, for a day: a repeated question gets the same answer and costs nothing.

The same id with other content is ConflictingRetry. A verdict that left something open is not kept as an answer, only
its content is, so that asking again may settle it. Ids and content are on disk as keyed hashes or sealed, never else.

The one row of a question is looked up where it stands: the page cache gives it in less time than a hand-over takes.
"""

import hmac
from dataclasses import dataclass
from typing import Final

from member_client._codec import decoded, encoded
from member_client._framing import pack, unpack
from member_client._ledger import Ledger
from member_client._store import Shelf, Store
from member_client.errors import ConflictingRetry, StoreDamaged
from member_client.subjects import Consent, Subject
from member_client.verdicts import Verdict

LIFE_MS: Final = 24 * 60 * 60 * 1000


@dataclass(frozen=True, slots=True, repr=False)
class Question:
    """A business id, and the keyed digest of what is asked under it."""

    name: bytes
    content: bytes


class VerdictCache:
    """The shelf of verdicts."""

    def __init__(self, store: Store, ledger: Ledger) -> None:
        self._store = store
        self._ledger = ledger
        self._key = store.derived_key(b"questions")

    def question(self, request_id: str, subject: Subject, purpose: str, consent: Consent | None) -> Question:
        """Digest a question."""
        fields = [part.encode(errors="replace") for name, _, text in subject.fields() for part in (name, text)]
        basis = consent.digest if consent else b""
        content = pack(purpose.encode(), subject.ref.encode(errors="replace"), basis, *fields)
        return Question(request_id.encode(errors="replace"), hmac.digest(self._key.reveal(), content, "sha256"))

    def answer(self, question: Question, now_ms: int) -> Verdict | None:
        """Give the verdict of an earlier time, None where there is none or it is open; raises ConflictingRetry."""
        record = self._store.get(Shelf.VERDICTS, question.name)
        if record is None:
            return None
        try:
            ends_at, content, verdict = unpack(record)
        except ValueError:
            raise StoreDamaged("A verdict in the local store cannot be read.") from None
        if int(ends_at) <= now_ms:
            return None
        if not hmac.compare_digest(content, question.content):
            raise ConflictingRetry("This request id was used for other content within the last day.")
        return decoded(verdict) if verdict else None

    async def keep(self, question: Question, verdict: Verdict, now_ms: int) -> None:
        """Keep a verdict for a day; an open one as its content alone."""
        ends_at = now_ms + LIFE_MS
        answer = encoded(verdict) if verdict.is_final else b""
        record = pack(b"%d" % ends_at, question.content, answer)
        await self._ledger.put(Shelf.VERDICTS, question.name, record, ends_at)
