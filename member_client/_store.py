"""The local store: sealed values under keyed names, in one SQLite file.

Rules:

1. A row's name on disk is an HMAC of its name, and its value is sealed with AES-256-GCM bound to table, row and
   column: who reads the file sees how many rows there are, their sizes and when they end, and nothing else. Rows may be
   filed under topics besides, HMACs too: it is seen which rows have one in common, and not what it is.
2. A write is durable when the call returns (WAL, synchronous FULL). All writes of one call commit together.
3. Writers wait for each other, also those of several processes, for up to 10 seconds. Readers wait for nobody: they
   have a connection of their own and see what was committed last.
4. A value that does not open, or a file that SQLite calls damaged, raises StoreDamaged, is left as it is and said to
   be `is_damaged` from then on. A disk that is full or read-only is no damage.

It does not notice that the whole file was put back to an earlier state by somebody with access to it.
"""

import errno
import hmac
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from threading import Lock
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from alliance.crypto.secret import Secret
from member_client._framing import pack
from member_client.errors import AllianceClientError, ConfigurationInvalid, StorageFull, StoreBusy, StoreDamaged

_NONCE_BYTES = 12
_BUSY_SECONDS = 10
_EMPTY_BYTES = _NONCE_BYTES + 16
"""Of a sealed value that holds nothing: nonce and authentication tag."""
_COLUMN = b"value"
_LOOKUP_ROWS = 500
_CACHE_KIB = 16 * 1024
_CHECKPOINT_PAGES = 4000
"""16 MB of log: keyed names scatter a chunk of rows over the whole file, and a checkpoint writes every page again."""
_CHECK = b"check"
_FORMAT = b"alliance-store/1"
_PRIMARY = 0xFF
_FULL_ERRNOS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_NO_ROOM = "{} cannot be written: the disk is full or fails"


class Shelf(StrEnum):
    """A table of the store: its name, what is on it, and what ends that."""

    holds: str
    until: str

    PINS = (
        "pins",
        "what must never change or go back: keys of epochs and members as first seen, marks of the filter",
        "for good",
    )
    FILTER = (
        "filter",
        "header, heartbeat and deltas in force, as the hub signed them",
        "the next filter takes their place",
    )
    CONSENTS = (
        "consents",
        "seeds and digests behind the consent roots that were sent",
        "for good: they prove a consent",
    )
    VERDICTS = ("verdicts", "verdicts by request id, and a digest of what was asked", "a day")
    JOURNAL = ("journal", "rows acknowledged, and claims withdrawn, by identifier", "the claim ends")
    KEEPSAKES = ("keepsakes", "what own claims are about, by entry id, so that they can be re-tagged", "the claim ends")
    DRAWN = (
        "drawn",
        "rows drawn up and not acknowledged yet",
        "the hub accepts the row or refuses it for good, or its review ends",
    )
    """Large and few, and apart, so that their pages stay few too."""
    REVIEWS = (
        "reviews",
        "claims that one operator approved and a second one, or a liaison, is to look at: sealed rows, what they say",
        "it is filed or rejected, or a week; a month where a liaison is asked",
    )
    COUNTERSIGNED = (
        "countersigned",
        "which claims have a liaison behind them, by the digest of their substance; how far that was read",
        "five years after it was signed; the mark for good",
    )
    LISTS = ("lists", "the suppression list in force, and the name of the pins in use", "the next list takes its place")
    RUNS = ("runs", "runs over a file, to be taken up where they stopped: blinds, and verdicts not clear", "a day")
    DECISIONS = (
        "decisions",
        "verdicts with a match or left open, with ref, purpose and time; found by receipt, ref, entry and identifier",
        "three years",
    )
    REVISITS = (
        "revisits",
        "decisions that rest on a claim whose status changed since, and what was noted when they were dealt with",
        "the decision ends",
    )
    CHANGES = (
        "changes",
        "changes of claims' statuses, for decisions that are written down just then; how far they were read",
        "a day; the marks for good",
    )
    OUTCOMES = (
        "outcomes",
        "what became of decisions: counts that wait to be sent, and marks of what was sent, by receipt and entry",
        "they are sent; the marks with the decision",
    )
    INQUIRIES = (
        "inquiries",
        "of cases that ask this member: suspects that were opened, and the reply: drafted, or ready to be sent",
        "the reply is acknowledged, or none is taken any more",
    )
    CASE_ANSWERS = (
        "case_answers",
        "what was answered to cases: number, instrument, time, outcomes and names of fields; by entry and identifier",
        "as long as the hub keeps a case: three years",
    )
    CASE_DRAFTS = (
        "case_drafts",
        "a liaison's cases: whom they are about, the secret that opens replies, and what its officers signed",
        "the hub has deleted what members sent: 74 days after the legal instrument",
    )
    CASE_MATCHING = (
        "case_matching",
        "suspects on their way to the hub: blinds, sealed rows, and marks of what it took",
        "with their case",
    )
    BOOK = ("book", "the watched book: identifiers and refs, tags and label keys by epoch", "they are taken out")
    BOOK_REFS = ("book_refs", "where in the book the identifiers of a ref are", "they are taken out")
    BOOK_MATCHES = ("book_matches", "claims known about entries of the book", "the claim or the entry ends")
    WATCH_EVENTS = ("watch_events", "what happened to entries of the book", "it is acknowledged")
    DEAD_LETTERS = ("dead_letters", "events that no webhook took", "one takes them")

    def __new__(cls, name: str, holds: str, until: str) -> Self:
        """Make a shelf of its name."""
        shelf = str.__new__(cls, name)
        shelf._value_ = name
        shelf.holds, shelf.until = holds, until
        return shelf


WATCHED = frozenset({Shelf.BOOK, Shelf.BOOK_REFS, Shelf.BOOK_MATCHES, Shelf.WATCH_EVENTS, Shelf.DEAD_LETTERS})
"""Shelves of the book's own file."""

_FRAMED = {shelf: pack(shelf.encode()) for shelf in Shelf}
_FRAMED_COLUMN = pack(_COLUMN)
_LONG_KEPT = (Shelf.DECISIONS, Shelf.REVISITS, "topics")
"""Tables that grow for years: what has ended is found there by an index."""
_TOPIC = pack(b"topic")
_first = itemgetter(0)

Write = tuple[Shelf, bytes, bytes, int | None]
"""Shelf, name, value, and when it ends (milliseconds UTC; None is never)."""
Row = tuple[Shelf, bytes]
"""Shelf and name."""
Topic = tuple[Shelf, bytes, bytes, int | None]
"""Shelf, topic, name of a row that is filed under it, and when that ends."""


@dataclass(frozen=True, slots=True, repr=False)
class Writes:
    """What is written in one transaction; rows leave topics before rows are filed under some."""

    values: Sequence[Write] = ()
    topics: Sequence[Topic] = ()
    left: Sequence[tuple[Shelf, bytes, bytes]] = ()
    """Shelf, topic, and the name of a row that leaves it."""
    removed: Sequence[Row] = ()


def _bound_to(shelf: Shelf, row: bytes) -> bytes:
    """Give what a value is sealed with besides: table, row and column, framed."""
    return _FRAMED[shelf] + pack(row) + _FRAMED_COLUMN


class Store:
    """The sealed store of one profile; every method blocks and may be called from any thread."""

    def __init__(self, path: Path, key: Secret, damage: type[StoreDamaged] = StoreDamaged) -> None:
        """Open or make the file; raises `damage` where the key is another or the file is no store."""
        self.path = path
        self._aead = AESGCM(_derived(key, b"seal"))
        self._row_key = _derived(key, b"rows")
        self._key = key
        self._damage = damage
        self._writing, self._reading = Lock(), Lock()
        self.is_damaged = False
        """Whether something in the file was found damaged since it was opened."""
        self.inode = _made(path)
        with self._translated():
            self._writer = _connected(path)
            self._writer.execute("PRAGMA journal_mode=WAL")
            self._writer.execute("PRAGMA synchronous=FULL")
            self._writer.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")
            self._writer.execute(f"PRAGMA wal_autocheckpoint={_CHECKPOINT_PAGES}")
            _make_tables(self._writer)
            self._reader = _connected(path)
        self._check_key()

    def __repr__(self) -> str:
        return f"Store({str(self.path)!r})"

    def derived_key(self, purpose: bytes) -> Secret:
        """Give 32 bytes for another local use, such as the choice of cover."""
        return Secret(_derived(self._key, purpose))

    def get(self, shelf: Shelf, name: bytes) -> bytes | None:
        """Open a value; None where there is none."""
        row = self._row(shelf, name)
        with self._reading, self._translated():
            found = self._reader.execute(f"SELECT sealed FROM {shelf} WHERE name = ?", (row,)).fetchone()  # noqa: S608
        return None if found is None else self._opened(shelf, row, found[0])

    def get_many(self, shelf: Shelf, names: Sequence[bytes]) -> list[bytes | None]:
        """Open values, in the order of their names."""
        rows = [self._row(shelf, name) for name in names]
        found: dict[bytes, bytes] = {}
        with self._reading, self._translated():
            for start in range(0, len(rows), _LOOKUP_ROWS):
                part = rows[start : start + _LOOKUP_ROWS]
                marks = ",".join("?" * len(part))
                query = f"SELECT name, sealed FROM {shelf} WHERE name IN ({marks})"  # noqa: S608 - a constant
                found.update(self._reader.execute(query, part).fetchall())
        return [self._opened(shelf, row, found[row]) if row in found else None for row in rows]

    def put(self, shelf: Shelf, name: bytes, value: bytes, ends_at: int | None = None) -> None:
        """Seal a value under a name, in place of an earlier one."""
        self.put_many([(shelf, name, value, ends_at)])

    def put_many(
        self,
        values: Iterable[Write] = (),
        *,
        remove: Iterable[Row] = (),
        topics: Iterable[Topic] = (),
    ) -> None:
        """Write and remove rows, and file rows under topics, in one transaction."""
        insert = self._inserting(Writes(tuple(values), tuple(topics), removed=tuple(remove)))
        with self._written() as connection:
            insert(connection)

    def swap(
        self, shelf: Shelf, name: bytes, before: bytes | None, values: Iterable[Write], *, remove: Iterable[Row] = ()
    ) -> bool:
        """Do as `put_many`, provided that a value still is what it was before (None: there was none); says whether."""
        writes = Writes(tuple(values), removed=tuple(remove))
        is_as_before = False

        def work(known: list[bytes | None]) -> Writes:
            nonlocal is_as_before
            is_as_before = known == [before]
            return writes if is_as_before else Writes()

        self.rewrite(shelf, [name], work)
        return is_as_before

    def rewrite(self, shelf: Shelf, names: Sequence[bytes], work: Callable[[list[bytes | None]], Writes]) -> None:
        """Write what follows from the values under some names; nobody writes in between, no other process either."""
        with self._written() as connection:
            rows = [self._row(shelf, name) for name in names]
            query = f"SELECT sealed FROM {shelf} WHERE name = ?"  # noqa: S608 - a constant
            found = [connection.execute(query, (row,)).fetchone() for row in rows]
            values = [self._opened(shelf, row, it[0]) if it else None for row, it in zip(rows, found, strict=True)]
            self._inserting(work(values))(connection)

    def _inserting(self, writes: Writes) -> Callable[[sqlite3.Connection], None]:
        """Seal what is to be written, before anybody waits for it."""
        sealed = [self._sealed(*value) for value in writes.values]
        filed = [(self._topic(shelf, topic), self._row(shelf, name), end) for shelf, topic, name, end in writes.topics]
        left = [(self._topic(shelf, topic), self._row(shelf, name)) for shelf, topic, name in writes.left]
        removed = [(shelf, self._row(shelf, name)) for shelf, name in writes.removed]

        def insert(connection: sqlite3.Connection) -> None:
            for shelf, rows in groupby(sealed, _first):
                kept = [row[1:] for row in rows]
                connection.executemany(f"INSERT OR REPLACE INTO {shelf} VALUES (?, ?, ?)", kept)  # noqa: S608
            if left:
                connection.executemany("DELETE FROM topics WHERE topic = ? AND name = ?", left)
            if filed:
                connection.executemany("INSERT OR REPLACE INTO topics VALUES (?, ?, ?)", filed)
            for shelf, names in groupby(removed, _first):
                gone = [name[1:] for name in names]
                connection.executemany(f"DELETE FROM {shelf} WHERE name = ?", gone)  # noqa: S608

        return insert

    def about(self, shelf: Shelf, topic: bytes) -> list[bytes]:
        """Open the values that are filed under a topic, in no order."""
        return self.about_many(shelf, [topic]).get(topic, [])

    def about_many(self, shelf: Shelf, topics: Sequence[bytes]) -> dict[bytes, list[bytes]]:
        """Open the values that are filed under topics; a topic that has none is left out."""
        by_row = {self._topic(shelf, topic): topic for topic in topics}
        rows, found = list(by_row), []
        with self._reading, self._translated():
            for start in range(0, len(rows), _LOOKUP_ROWS):
                part = rows[start : start + _LOOKUP_ROWS]
                marks = ",".join("?" * len(part))
                query = f"SELECT topic, name, sealed FROM topics JOIN {shelf} USING (name) WHERE topic IN ({marks})"  # noqa: S608
                found += self._reader.execute(query, part).fetchall()
        values: dict[bytes, list[bytes]] = {}
        for topic, row, sealed in found:
            values.setdefault(by_row[topic], []).append(self._opened(shelf, row, sealed))
        return values

    def claim(self, shelf: Shelf, name: bytes, value: bytes, ends_at: int | None = None) -> bytes:
        """Write a value unless the name is taken; gives the value that stands, also where processes race."""
        _, row, sealed, _ = self._sealed(shelf, name, value, ends_at)
        with self._written() as connection:
            connection.execute(f"INSERT OR IGNORE INTO {shelf} VALUES (?, ?, ?)", (row, sealed, ends_at))  # noqa: S608
            stands = connection.execute(f"SELECT sealed FROM {shelf} WHERE name = ?", (row,)).fetchone()  # noqa: S608
        return self._opened(shelf, row, stands[0])

    def raise_to(self, shelf: Shelf, name: bytes, number: int) -> int:
        """Keep the highest number that was given under a name; gives it, also where processes race."""
        _, row, sealed, ends_at = self._sealed(shelf, name, b"%d" % number, None)
        with self._written() as connection:
            found = connection.execute(f"SELECT sealed FROM {shelf} WHERE name = ?", (row,)).fetchone()  # noqa: S608
            stands = -1 if found is None else int(self._opened(shelf, row, found[0]))
            if number <= stands:
                return stands
            connection.execute(f"INSERT OR REPLACE INTO {shelf} VALUES (?, ?, ?)", (row, sealed, ends_at))  # noqa: S608
            return number

    def count_ending(self, shelf: Shelf, after: int, until: int) -> tuple[int, int]:
        """Count the values that end in (after, until]: the empty ones, and all."""
        query = f"SELECT sum(length(sealed) = ?), count(*) FROM {shelf} WHERE ends_at > ? AND ends_at <= ?"  # noqa: S608
        with self._reading, self._translated():
            empty, found = self._reader.execute(query, (_EMPTY_BYTES, after, until)).fetchone()
        return int(empty or 0), int(found)

    def rows(self, shelf: Shelf) -> Iterator[tuple[bytes, bytes]]:
        """Give each row's name on disk, which only `remove_rows` knows what to do with, and its value."""
        after = b""
        while True:
            query = f"SELECT name, sealed FROM {shelf} WHERE name > ? ORDER BY name LIMIT ?"  # noqa: S608 - a constant
            with self._reading, self._translated():
                page = self._reader.execute(query, (after, _LOOKUP_ROWS)).fetchall()
            yield from ((name, self._opened(shelf, name, sealed)) for name, sealed in page if name != _CHECK)
            if len(page) < _LOOKUP_ROWS:
                return
            after = page[-1][0]

    def drawn(self, shelf: Shelf, point: bytes, count: int) -> list[bytes]:
        """Give the values of so many rows that follow a random point, all where there are no more: names are HMACs."""
        query = f"SELECT name, sealed FROM {shelf} WHERE name {{}} ? ORDER BY name LIMIT ?"  # noqa: S608 - a constant
        with self._reading, self._translated():
            found = self._reader.execute(query.format(">"), (point, count)).fetchall()
            found += self._reader.execute(query.format("<="), (point, count - len(found))).fetchall()
        return [self._opened(shelf, name, sealed) for name, sealed in found if name != _CHECK]

    def remove_rows(self, shelf: Shelf, rows: Iterable[bytes]) -> None:
        """Remove rows by their names on disk, in one transaction."""
        gone = [(row,) for row in rows]
        with self._written() as connection:
            connection.executemany(f"DELETE FROM {shelf} WHERE name = ?", gone)  # noqa: S608 - a constant

    def purge(self, now_ms: int) -> None:
        """Remove what has ended."""
        with self._written() as connection:
            for shelf in Shelf:
                connection.execute(f"DELETE FROM {shelf} WHERE ends_at <= ?", (now_ms,))  # noqa: S608 - a constant
            connection.execute("DELETE FROM topics WHERE ends_at <= ?", (now_ms,))

    def is_in_place(self) -> bool:
        """Whether the file that is open is the one under its name, and not one that was moved away."""
        try:
            return self.path.stat().st_ino == self.inode
        except OSError:
            return False

    def close(self) -> None:
        """Close the file."""
        with self._writing, self._reading:
            self._reader.close()
            self._writer.close()

    def _check_key(self) -> None:
        """Raise StoreDamaged where the file was sealed under another key, which would look like an empty one."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = nonce + self._aead.encrypt(nonce, _FORMAT, _bound_to(Shelf.PINS, _CHECK))
        with self._written() as connection:
            connection.execute("INSERT OR IGNORE INTO pins VALUES (?, ?, NULL)", (_CHECK, sealed))
            stands = connection.execute("SELECT sealed FROM pins WHERE name = ?", (_CHECK,)).fetchone()
        self._opened(Shelf.PINS, _CHECK, stands[0])

    @contextmanager
    def _written(self) -> Iterator[sqlite3.Connection]:
        """Let what is written be durable together, or not at all."""
        with self._writing, self._translated():
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
                self._writer.execute("COMMIT")
            except BaseException:
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
                raise

    def _row(self, shelf: Shelf, name: bytes) -> bytes:
        return hmac.digest(self._row_key, _FRAMED[shelf] + pack(name), "sha256")

    def _topic(self, shelf: Shelf, topic: bytes) -> bytes:
        return hmac.digest(self._row_key, _TOPIC + _FRAMED[shelf] + pack(topic), "sha256")

    def _sealed(
        self, shelf: Shelf, name: bytes, value: bytes, ends_at: int | None
    ) -> tuple[Shelf, bytes, bytes, int | None]:
        row, nonce = self._row(shelf, name), os.urandom(_NONCE_BYTES)
        return shelf, row, nonce + self._aead.encrypt(nonce, value, _bound_to(shelf, row)), ends_at

    def _opened(self, shelf: Shelf, row: bytes, sealed: bytes) -> bytes:
        try:
            nonce, ciphertext = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
            return self._aead.decrypt(nonce, ciphertext, _bound_to(shelf, row))
        except (InvalidTag, ValueError):
            self.is_damaged = True
            raise self._damage(f"a value in {self.path} does not open: it was changed, or the key is another") from None

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            if (failure := _passing(error, self.path)) is not None:
                raise failure from error
            self.is_damaged = True
            raise self._damage(f"{self.path} is damaged or no store") from error


def _made(path: Path) -> int:
    """Make the file for its owner's eyes, if there is none; gives its inode."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            return os.fstat(descriptor).st_ino
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno in _FULL_ERRNOS:
            raise StorageFull(_NO_ROOM.format(path)) from error
        raise ConfigurationInvalid(f"{path} cannot be written ({error.strerror})") from error


def _make_tables(writer: sqlite3.Connection) -> None:
    """Make what a file lacks, all at once: each commit of its own would wait for the disk."""
    # name: HMAC of the row's name · sealed: nonce ‖ ciphertext · ends_at: ms UTC, NULL is never
    row = "(name BLOB PRIMARY KEY, sealed BLOB NOT NULL, ends_at INTEGER) WITHOUT ROWID"
    # topic: HMAC of shelf and topic · name: that of a row, as its shelf has it · ends_at: as there
    topics = "(topic BLOB, name BLOB, ends_at INTEGER, PRIMARY KEY (topic, name)) WITHOUT ROWID"
    wanted = {str(shelf): f"TABLE IF NOT EXISTS {shelf} {row}" for shelf in Shelf}
    wanted["topics"] = f"TABLE IF NOT EXISTS topics {topics}"
    wanted |= {f"{kept}_ends": f"INDEX IF NOT EXISTS {kept}_ends ON {kept} (ends_at)" for kept in _LONG_KEPT}
    if wanted.keys() <= {name for (name,) in writer.execute("SELECT name FROM sqlite_master")}:
        return
    writer.execute("BEGIN IMMEDIATE")
    for made in wanted.values():
        writer.execute(f"CREATE {made}")
    writer.execute("COMMIT")


def _connected(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)


def _passing(error: sqlite3.DatabaseError, path: Path) -> AllianceClientError | None:
    """Give our error for what passes or can be put right; None for damage."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & _PRIMARY
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StoreBusy(f"{path} is held by another process")
    if code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR) or (code == sqlite3.SQLITE_CANTOPEN and _is_full(path)):
        return StorageFull(_NO_ROOM.format(path))
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        return ConfigurationInvalid(f"{path} cannot be opened for writing: look at its permissions and its disk")
    return None


def _is_full(path: Path) -> bool:
    try:
        return os.statvfs(path.parent).f_bavail == 0
    except OSError:
        return False


def _derived(key: Secret, purpose: bytes) -> bytes:
    return hmac.digest(key.reveal(), b"alliance/store/v1\x00" + purpose, "sha256")
