"""Receipts as this machine keeps them: the newest hundred thousand, sealed, in segments of one folder.

Rules:

1. They are gathered on the event loop and written together, in a thread, within a second; who is killed loses those of
   the last one.
2. All processes of a member append to the same segment, under a lock. A segment that is full is followed by another,
   and the oldest are removed.
3. A frame that was cut off by a crash is cut away before anything is appended behind it.
"""

import asyncio
import fcntl
import logging
import os
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from alliance.crypto.secret import Secret
from member_client._framing import pack, unpack
from member_client._workers import Workers

FOLDER: Final = "receipts"
SEGMENTS: Final = 20
SEGMENT_RECEIPTS: Final = 5_000
PAUSE_SECONDS: Final = 0.5
_LENGTH_BYTES: Final = 4
_COUNT_BYTES: Final = 2
_NONCE_BYTES: Final = 12
_MAX_FRAME: Final = 1_000
_BOUND: Final = b"alliance-receipts/1"
_SUFFIX: Final = ".seg"

_log = logging.getLogger("member_client.log")


@dataclass(frozen=True, slots=True)
class KeptReceipt:
    """A receipt as the hub gave it: a serialised statement; `received_at` by this machine's clock, milliseconds UTC."""

    statement: bytes
    received_at: int


class ReceiptShelf:
    """The receipts of one profile."""

    def __init__(self, folder: Path, key: Secret, workers: Workers) -> None:
        self._folder = folder / FOLDER
        self._aead = AESGCM(key.reveal())
        self._workers = workers
        self._waiting: list[KeptReceipt] = []
        self._writing: asyncio.Task[None] | None = None
        self._left = ("", 0, 0)
        """Name and size of the segment as this process left it, and how many receipts it has."""

    def add(self, receipt: KeptReceipt) -> None:
        """Keep a receipt; it is written a little later."""
        self._waiting.append(receipt)
        loop = asyncio.get_running_loop()
        if self._writing is None or self._writing.done() or self._writing.get_loop() is not loop:
            self._writing = asyncio.create_task(self._write_later(), name="alliance-receipts")

    async def flush(self) -> None:
        """Write what waits."""
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        try:
            await self._workers.disk(self._append, waiting)
        except OSError as error:
            _log.warning("%d receipts cannot be kept: %s", len(waiting), type(error).__name__)

    async def close(self) -> None:
        """Write what waits, and end."""
        if self._writing is not None and self._writing.get_loop() is asyncio.get_running_loop():
            self._writing.cancel()
            await asyncio.gather(self._writing, return_exceptions=True)
        await self.flush()

    async def _write_later(self) -> None:
        while self._waiting:
            await asyncio.sleep(PAUSE_SECONDS)
            await asyncio.shield(self.flush())

    # -- on the disk's thread ------------------------------------------------------------------------------------

    def all(self) -> Iterator[KeptReceipt]:
        """Give what is kept, oldest first; a segment that does not open is passed over. Blocks."""
        for path in self._segments():
            yield from self._read(path)

    def sample(self, count: int) -> list[KeptReceipt]:
        """Give some of a segment, by chance. Blocks."""
        paths = self._segments()
        found = list(self._read(random.choice(paths))) if paths else []  # noqa: S311 - no secret
        return random.sample(found, min(count, len(found)))

    def _segments(self) -> list[Path]:
        return sorted(self._folder.glob(f"*{_SUFFIX}"))

    def _append(self, receipts: Sequence[KeptReceipt]) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._alone():
            for start in range(0, len(receipts), _MAX_FRAME):
                part = receipts[start : start + _MAX_FRAME]
                self._append_frame(self._frame(part), len(part))

    def _append_frame(self, frame: bytes, count: int) -> None:
        paths = self._segments()
        newest = paths[-1] if paths else self._folder / f"{1:010d}{_SUFFIX}"
        whole, held = self._end_of(newest) if paths else (0, 0)
        if held + count > SEGMENT_RECEIPTS and held:
            newest, whole, held = self._folder / f"{int(newest.stem) + 1:010d}{_SUFFIX}", 0, 0
            for oldest in [*paths, newest][:-SEGMENTS]:
                oldest.unlink(missing_ok=True)
        descriptor = os.open(newest, os.O_WRONLY | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.truncate(whole)
            file.seek(whole)
            file.write(frame)
        self._left = (newest.name, whole + len(frame), held + count)

    def _end_of(self, segment: Path) -> tuple[int, int]:
        """Give where a segment's last whole frame ends, and how many receipts it has."""
        name, size, held = self._left
        if segment.name == name and segment.stat().st_size == size:
            return size, held
        return _whole(segment.read_bytes())

    def _frame(self, receipts: Sequence[KeptReceipt]) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        content = pack(*(part for it in receipts for part in (b"%d" % it.received_at, it.statement)))
        sealed = nonce + self._aead.encrypt(nonce, content, _BOUND)
        return len(sealed).to_bytes(_LENGTH_BYTES) + len(receipts).to_bytes(_COUNT_BYTES) + sealed

    def _read(self, path: Path) -> Iterator[KeptReceipt]:
        try:
            content = path.read_bytes()
        except OSError:
            return  # another process removed it
        for sealed in _frames(content):
            try:
                opened = unpack(self._aead.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _BOUND))
                times, statements = opened[::2], opened[1::2]
                found = [KeptReceipt(it, int(time)) for time, it in zip(times, statements, strict=True)]
            except (InvalidTag, ValueError):
                _log.warning("%s holds receipts that do not open", path.name)
                continue
            yield from found

    @contextmanager
    def _alone(self) -> Iterator[None]:
        descriptor = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def _frames(content: bytes) -> Iterator[bytes]:
    """Give the frames that are whole."""
    at, end = 0, _whole(content)[0]
    while at < end:
        begin = at + _LENGTH_BYTES + _COUNT_BYTES
        at = begin + int.from_bytes(content[at : at + _LENGTH_BYTES])
        yield content[begin:at]


def _whole(content: bytes) -> tuple[int, int]:
    """Give where the last whole frame ends, and how many receipts there are before."""
    at = held = 0
    while (begin := at + _LENGTH_BYTES + _COUNT_BYTES) <= len(content):
        end = begin + int.from_bytes(content[at : at + _LENGTH_BYTES])
        if end > len(content):
            break
        held += int.from_bytes(content[at + _LENGTH_BYTES : begin])
        at = end
    return at, held
