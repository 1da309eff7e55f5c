"""What this machine keeps of cases that ask: suspects that were opened, and the reply until the hub has it. All sealed.

Rules:

1. A reply goes one way: drafted by one operator, ready when a second one agreed, and gone once the hub acknowledged it.
   Another draft may take its place as long as nothing of it was sent.
2. What is ready never changes: its sealed bytes are sent again until they are acknowledged.
3. Nothing outlives the time in which the hub takes replies, an extension of it included.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from alliance.cases.words import REPLY_WITHIN_MS
from alliance.identifiers import Identifier, Kind
from alliance.v1.case_pb2 import CaseRelease
from alliance.v1.statement_pb2 import SignedStatement
from member_client._framing import pack, unpack
from member_client._store import Shelf, Store
from member_client.errors import StoreDamaged

_OPENED: Final = b"opened/"
_REPLY: Final = b"reply/"


@dataclass(frozen=True, slots=True, repr=False)
class Opened:
    """A suspect that was opened: whom a claim and the case are both about, and what the officer notes.

    `refs` are the caller's own, of those customers who have this identifier; they are not kept.
    """

    kind: Kind
    canonical: str
    leaf: bytes
    note: str
    refs: tuple[str, ...] = ()

    @property
    def identifier(self) -> Identifier:
        """The identifier."""
        return Identifier(self.kind, self.canonical)

    def told_of(self, refs: Mapping[Identifier, tuple[str, ...]]) -> "Opened":
        """Give it with the refs of those who have the identifier."""
        return replace(self, refs=refs.get(self.identifier, ()))


@dataclass(frozen=True, slots=True, repr=False)
class KeptReply:
    """A reply that the hub has not acknowledged. Times in milliseconds UTC."""

    release: bytes
    """Serialised CaseRelease."""
    approvals: tuple[SignedStatement, ...]
    operators: tuple[SignedStatement, ...]
    """Registrations of who approved, in the same order."""
    paths: Mapping[bytes, str]
    """Where the files lie, by attachment id."""
    reply_from: int
    reply_by: int
    sealed: bytes = b""
    """What is sent; empty until a second operator agreed."""
    contents_sha256: bytes = b""
    """Digest of what is sealed, before it is padded."""
    is_sent: bool = False
    """Whether it may have reached the hub."""

    @property
    def said(self) -> CaseRelease:
        """What is answered."""
        return CaseRelease.FromString(self.release)

    @property
    def case_id(self) -> bytes:
        """The case's id."""
        return self.said.case_id

    @property
    def is_ready(self) -> bool:
        """Whether two operators agreed to it."""
        return bool(self.sealed)

    def to_bytes(self) -> bytes:
        """Give the form that the store keeps."""
        return pack(
            _REPLY,
            self.release,
            _statements(self.approvals),
            _statements(self.operators),
            pack(*(part for name, path in self.paths.items() for part in (name, path.encode()))),
            b"%d" % self.reply_from,
            b"%d" % self.reply_by,
            self.sealed,
            self.contents_sha256,
            b"sent" if self.is_sent else b"",
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> "KeptReply":
        """Read what `to_bytes` gave; raises StoreDamaged."""
        try:
            _, release, approvals, operators, paths, reply_from, reply_by, sealed, contents, is_sent = unpack(data)
            named = unpack(paths)
            return cls(
                release,
                _read_statements(approvals),
                _read_statements(operators),
                {name: path.decode() for name, path in zip(named[::2], named[1::2], strict=True)},
                int(reply_from),
                int(reply_by),
                sealed,
                contents,
                bool(is_sent),
            )
        except ValueError:
            raise StoreDamaged("A reply to a case in the local store cannot be read.") from None


class CaseShelf:
    """The shelf of cases that ask; its methods block."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def opened(self, case_id: bytes) -> dict[bytes, Opened]:
        """Give the suspects of a case that were opened, by entry id."""
        return _read_opened(self._store.get(Shelf.INQUIRIES, _OPENED + case_id))

    def keep_opened(self, case_id: bytes, opened: Mapping[bytes, Opened], reply_by: int) -> None:
        """Keep suspects that were opened, besides those that are kept."""
        all_of_them = self.opened(case_id) | dict(opened)
        records = [
            pack(entry_id, it.kind.encode(), it.canonical.encode(), it.leaf, it.note.encode())
            for entry_id, it in all_of_them.items()
        ]
        self._store.put(Shelf.INQUIRIES, _OPENED + case_id, pack(_OPENED, *records), _ends_at(reply_by))

    def reply(self, case_id: bytes) -> KeptReply | None:
        """Give the reply to a case, as far as it is."""
        found = self._store.get(Shelf.INQUIRIES, _REPLY + case_id)
        return None if found is None else KeptReply.from_bytes(found)

    def replies(self, case_ids: Sequence[bytes]) -> dict[bytes, KeptReply]:
        """Give the replies to some cases."""
        found = self._store.get_many(Shelf.INQUIRIES, [_REPLY + it for it in case_ids])
        read = (KeptReply.from_bytes(it) for it in found if it is not None)
        return {it.case_id: it for it in read}

    def ready(self) -> list[KeptReply]:
        """Give the replies that two operators agreed to, those that may be sent first before the rest."""
        kept = [value for _, value in self._store.rows(Shelf.INQUIRIES) if value.startswith(pack(_REPLY))]
        return sorted((it for it in map(KeptReply.from_bytes, kept) if it.is_ready), key=lambda it: it.reply_from)

    def put(self, reply: KeptReply, before: KeptReply | None) -> bool:
        """Keep a reply in the place of what was there before; says whether that was there still."""
        case_id, was = reply.case_id, before.to_bytes() if before else None
        rows = [(Shelf.INQUIRIES, _REPLY + case_id, reply.to_bytes(), _ends_at(reply.reply_by))]
        return self._store.swap(Shelf.INQUIRIES, _REPLY + case_id, was, rows)

    def forget(self, case_id: bytes) -> None:
        """Forget all that was kept of a case: the hub has the reply."""
        self._store.put_many(remove=[(Shelf.INQUIRIES, _REPLY + case_id), (Shelf.INQUIRIES, _OPENED + case_id)])


def _ends_at(reply_by: int) -> int:
    """Give when no reply is taken any more, were the time to be extended."""
    return reply_by + REPLY_WITHIN_MS


def _read_opened(data: bytes | None) -> dict[bytes, Opened]:
    try:
        records = [unpack(it) for it in unpack(data)[1:]] if data is not None else []
        return {
            entry_id: Opened(Kind(kind.decode()), canonical.decode(), leaf, note.decode())
            for entry_id, kind, canonical, leaf, note in records
        }
    except ValueError:
        raise StoreDamaged("A suspect of a case in the local store cannot be read.") from None


def _statements(signed: Iterable[SignedStatement]) -> bytes:
    return pack(*(it.SerializeToString() for it in signed))


def _read_statements(data: bytes) -> tuple[SignedStatement, ...]:
    return tuple(map(SignedStatement.FromString, unpack(data)))
