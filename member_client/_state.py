"""What changes in a profile: the pins, which nobody can give back, and the store, which is rebuilt where it is damaged.

Rules:

1. Three files under one key. `pins.sqlite3` holds what must never change or go back; where it is damaged, nothing is
   opened: somebody decides what to trust (docs/how-to/when-things-fail.md).
2. `store.sqlite3` holds the filter's statements, the journal, verdicts and consents. Where it is damaged it is set
   aside whole, never deleted, and an empty one takes its place: filter and lists come from the hub again, and a
   contribution finds its own claims standing there. What is only in the file set aside are openings of consent
   commitments, and verdicts of the last day.
   `decisions.sqlite3` holds what followed from others' claims, for years, and is treated alike; it is apart so that the
   file in which every call writes stays small. What lies in a file set aside is held against no recall any more.
3. Damage that is found later on is marked, so that whoever opens the state next sets the file aside.
4. The pins are opened first: where the key is another, that is told before a whole store is taken for damaged.
5. The store knows the pins that it was used with by a name that both hold: pins that were emptied or removed are
   damaged ones, not new ones. Who wants to trust anew moves both files away.
"""

import fcntl
import hmac
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from alliance.crypto.secret import Secret
from member_client._store import Shelf, Store
from member_client.errors import AllianceClientError, PinsDamaged, StoreDamaged

STORE_FILE: Final = "store.sqlite3"
PINS_FILE: Final = "pins.sqlite3"
DECISIONS_FILE: Final = "decisions.sqlite3"
_LOCK: Final = "state.lock"
_PINS_NAME: Final = b"pins"
_NAME_BYTES: Final = 16
_PARTS: Final = ("-wal", "-shm", "")


@dataclass(frozen=True, slots=True)
class State:
    """The open files of a profile."""

    folder: Path
    pins: Store
    store: Store
    decisions: Store

    @property
    def is_damaged(self) -> bool:
        """Whether a store was found damaged: all must be closed and the state opened anew."""
        return self.store.is_damaged or self.decisions.is_damaged

    def mark(self) -> None:
        """Let what is damaged be set aside when it is opened next, and no other that has taken its place meanwhile."""
        with _alone(self.folder):
            for store in (self.store, self.decisions):
                if store.is_damaged and store.is_in_place():
                    _mark(store.path, store.inode)

    def close(self) -> None:
        """Close the files, marked where they were found damaged."""
        if self.is_damaged:
            self.mark()
        self.decisions.close()
        self.store.close()
        self.pins.close()


def open_state(folder: Path, key: Secret, now_ms: int) -> State:
    """Open or make the files; raises PinsDamaged, and what a store raises but for its damage. Blocks."""
    pins = Store(folder / PINS_FILE, key, PinsDamaged)
    try:
        with _alone(folder):
            store = _store(folder / STORE_FILE, key, now_ms)
            try:
                _hold_together(pins, store)
                return State(folder, pins, store, _store(folder / DECISIONS_FILE, key, now_ms))
            except AllianceClientError:
                store.close()
                raise
    except AllianceClientError:
        pins.close()
        raise


def _hold_together(pins: Store, store: Store) -> None:
    """Raise PinsDamaged where the pins are not those that the store was used with: emptied, missing, or another's."""
    known = store.get(Shelf.LISTS, _PINS_NAME)
    if known is None:
        store.put(Shelf.LISTS, _PINS_NAME, pins.claim(Shelf.PINS, _PINS_NAME, os.urandom(_NAME_BYTES)))
    elif not hmac.compare_digest(pins.get(Shelf.PINS, _PINS_NAME) or b"", known):
        raise PinsDamaged(f"the pins in {PINS_FILE} are gone, or not those that this member's store was used with")


def _mark_of(path: Path) -> Path:
    return path.with_suffix(".is-damaged")


def _mark(path: Path, inode: int) -> None:
    with suppress(OSError):  # a full disk: the damage is found again
        _mark_of(path).write_text(str(inode))


def _marked(path: Path) -> int:
    """Give the inode of the file that was found damaged; 0 where there is none."""
    try:
        return int(_mark_of(path).read_text())
    except (OSError, ValueError):
        return 0


def files_set_aside(folder: Path, name: str = STORE_FILE) -> list[Path]:
    """Give the files of a name that were damaged, oldest first."""
    return sorted(path for path in folder.glob(f"{name}.damaged-*") if not path.name.endswith(_PARTS[:2]))


def _store(path: Path, key: Secret, now_ms: int) -> Store:
    if _marked(path) == _inode(path) != 0:
        _set_aside(path, now_ms)
    try:
        store = _purged(path, key, now_ms)
    except StoreDamaged:
        # A crash while it is moved must not leave it without its log, whole to all appearances.
        _mark(path, _inode(path))
        _set_aside(path, now_ms)
        store = _purged(path, key, now_ms)
    _mark_of(path).unlink(missing_ok=True)
    return store


def _purged(path: Path, key: Secret, now_ms: int) -> Store:
    """Open a store and remove what has ended, which goes through all of it: damage shows now rather than at work."""
    store = Store(path, key)
    try:
        store.purge(now_ms)
    except AllianceClientError:
        store.close()
        raise
    return store


def _inode(path: Path) -> int:
    try:
        return path.stat().st_ino
    except OSError:
        return 0


def _set_aside(path: Path, now_ms: int) -> None:
    """Move a file and its log out of the way, the file itself last: without it the others mean nothing."""
    for part in _PARTS:
        with suppress(FileNotFoundError):
            path.with_name(path.name + part).rename(path.with_name(f"{path.name}.damaged-{now_ms}{part}"))


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Let one process at a time decide what becomes of a damaged file."""
    descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
