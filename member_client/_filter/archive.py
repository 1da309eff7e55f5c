"""What the store keeps of the filter: the signed header, heartbeat and deltas in force, and the marks.

They are kept as the hub signed them and verified again whenever they are loaded. Deltas form a chain: each lies under
its base and the sequence it starts from, so that the next is found by the last.
"""

from collections.abc import Iterator
from typing import TypeVar

from google.protobuf.message import DecodeError

from alliance.v1.filter_pb2 import GetFilterResponse
from alliance.v1.statement_pb2 import SignedStatement
from member_client._filter.facts import Delta, Marks
from member_client._framing import pack
from member_client._store import Shelf, Store
from member_client.errors import StoreDamaged

M = TypeVar("M", GetFilterResponse, SignedStatement)


class FilterArchive:
    """The filter's rows of a store; its methods block."""

    def __init__(self, store: Store, pins: Store) -> None:
        self._store = store
        self._pins = pins

    def marks(self, epoch: int, origin: int) -> Marks:
        """Give the newest that was ever seen of an epoch's filter at an origin of the hub."""
        return Marks.from_bytes(self._pins.get(Shelf.PINS, _marks_name(epoch, origin)))

    def raise_marks(self, epoch: int, origin: int, marks: Marks) -> None:
        """Remember what was seen, before it is believed."""
        self._pins.put(Shelf.PINS, _marks_name(epoch, origin), marks.to_bytes())

    def in_force(self, epoch: int) -> GetFilterResponse | None:
        """Give header and heartbeat in force, as signed; None before the first filter."""
        content = self._store.get(Shelf.FILTER, b"in-force/%d" % epoch)
        return None if content is None else _parsed(GetFilterResponse(), content)

    def put_in_force(self, epoch: int, answer: GetFilterResponse) -> None:
        """Keep header and heartbeat."""
        self._store.put(Shelf.FILTER, b"in-force/%d" % epoch, answer.SerializeToString())

    def deltas_after(self, base: bytes, sequence: int) -> Iterator[SignedStatement]:
        """Give the chain of a base's deltas; the caller verifies each and names the next by applying it."""
        while (content := self._store.get(Shelf.FILTER, _name(base, sequence))) is not None:
            end, _, statement = content.partition(b"/")
            yield _parsed(SignedStatement(), statement)
            sequence = int(end)

    def add_deltas(self, deltas: list[tuple[Delta, SignedStatement]]) -> None:
        """Keep deltas, in one transaction."""
        self._store.put_many(
            (
                Shelf.FILTER,
                _name(delta.base, delta.from_sequence),
                b"%d/" % delta.to_sequence + statement.SerializeToString(),
                None,
            )
            for delta, statement in deltas
        )

    def forget_deltas(self, base: bytes, sequence: int) -> None:
        """Remove the chain of a base that is no longer in force."""
        names = [_name(base, sequence)]
        while (content := self._store.get(Shelf.FILTER, names[-1])) is not None:
            names.append(_name(base, int(content.partition(b"/")[0])))
        self._store.put_many(remove=((Shelf.FILTER, name) for name in names))


def _marks_name(epoch: int, origin: int) -> bytes:
    """Name the marks of an epoch: a restored hub counts from where its backup was."""
    return b"filter/%d/%d" % (epoch, origin) if origin else b"filter/%d" % epoch


def _name(base: bytes, sequence: int) -> bytes:
    return pack(b"delta", base, b"%d" % sequence)


def _parsed(message: M, content: bytes) -> M:
    try:
        message.ParseFromString(content)
    except DecodeError:
        raise StoreDamaged("The filter's statements in the local store cannot be read.") from None
    return message
