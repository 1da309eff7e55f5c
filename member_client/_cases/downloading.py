"""The download of one attachment: opened as it comes, verified as a whole, and only then given its name.

One that is not what was signed can be fetched once more, to tell whether its member is at fault, or the hub.
"""

import fcntl
import hmac
import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any, ParamSpec

import grpc.aio

from alliance.crypto import attachment
from alliance.crypto.attachment import CHUNK_BYTES, NONCE_BYTES, SEALED_CHUNK_BYTES, Opener
from alliance.crypto.secret import Secret
from alliance.errors import EnvelopeInvalid
from alliance.keyring.store import sync
from alliance.v1.case_pb2 import DownloadAttachmentRequest, ReleasedFile
from alliance.v1.case_pb2_grpc import CaseServiceStub
from member_client._cases.moving import OnProgress, in_time, soon
from member_client._session import Session
from member_client._transport import may_be_tried_again, own_errors, pause, readable
from member_client.errors import AttachmentTampered, HubUnavailable, InvalidUse, StorageFull

P = ParamSpec("P")

_EOF: Any = grpc.aio.EOF  # type: ignore[attr-defined]  # missing in the stubs


class _Opening:
    """An attachment that is opened as it comes, and held against what its member released. Its methods block."""

    def __init__(self, released: ReleasedFile) -> None:
        self._released = released
        self._key = Secret(released.key)
        self._nonce = attachment.nonce_of(self._key)
        self._number, self._digest = 0, sha256()

    @property
    def offset(self) -> int:
        """Where the sealed form goes on behind what was opened."""
        return NONCE_BYTES + self._number * SEALED_CHUNK_BYTES if self._number else 0

    def begin(self) -> None:
        """Go on behind what was opened; what came of a chunk that is not whole is forgotten."""
        self._opener = Opener(self._key, self._nonce, self._number)
        self._expected = b"" if self._number else self._nonce
        self.received = self.offset

    def take(self, sealed: bytes) -> None:
        """Open what came next; raises AttachmentTampered or StorageFull."""
        self.received += len(sealed)
        nonce, sealed = sealed[: len(self._expected)], sealed[len(self._expected) :]
        if nonce != self._expected[: len(nonce)]:
            raise AttachmentTampered("An attachment does not begin as it was sealed.")
        self._expected = self._expected[len(nonce) :]
        try:
            self._take(self._opener.feed(sealed))
        except EnvelopeInvalid as error:
            raise AttachmentTampered("An attachment was changed: a part of it does not open.") from error

    def finish(self) -> None:
        """Open the end, and verify the whole; raises AttachmentTampered or StorageFull."""
        try:
            self._take(self._opener.finish())
        except EnvelopeInvalid as error:
            raise AttachmentTampered("An attachment was changed: its end does not open.") from error
        if not hmac.compare_digest(self._digest.digest(), self._released.sha256):
            raise AttachmentTampered("An attachment opens, and is not the file that the member signed.")

    def _take(self, plain: bytes) -> None:
        """Take whole chunks that were opened; of padding, see that it is."""
        size = self._released.size
        content = plain[: max(0, size - self._number * CHUNK_BYTES)]
        if plain[len(content) :].strip(b"\x00"):
            raise AttachmentTampered("An attachment is not padded as it should be.")
        self._keep(content)
        self._digest.update(content)
        self._number += len(plain) // CHUNK_BYTES

    def _keep(self, content: bytes) -> None:
        """Keep what was opened; here nothing is."""


class _Part(_Opening):
    """A file while it is downloaded: what was opened of it so far lies on the disk. Its methods block."""

    def __init__(self, target: Path, released: ReleasedFile) -> None:
        """Open what an earlier run left; raises InvalidUse where another one is at it, and StorageFull."""
        super().__init__(released)
        self._target = target
        path = target.with_name(f"{target.name}.{released.attachment_id.hex()}.part")
        try:
            self._file = open(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b", buffering=0)  # noqa: PTH123, SIM115
        except OSError as error:
            raise StorageFull(f"{target.name} cannot be written to this machine's disk.") from error
        self._path = path
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.close()
            raise InvalidUse(f"{target.name} is being downloaded by another program") from None
        self._number = min(os.fstat(self._file.fileno()).st_size, released.size) // CHUNK_BYTES
        self.resumed = self._number > 0
        for _ in range(self._number):
            self._digest.update(self._file.read(CHUNK_BYTES))
        self._file.truncate(self._number * CHUNK_BYTES)

    def publish(self) -> None:
        """Open the end, verify the whole and give it its name; raises AttachmentTampered or StorageFull."""
        self.finish()
        try:
            os.fsync(self._file.fileno())
            self._path.replace(self._target)
            sync(self._target.parent)
        except OSError as error:
            raise StorageFull(f"{self._target.name} cannot be written to this machine's disk.") from error

    def forget(self) -> None:
        """Begin from nothing."""
        self._file.seek(0)
        self._file.truncate(0)
        self._number, self._digest, self.resumed = 0, sha256(), False

    def remove(self) -> None:
        """Leave nothing."""
        self._path.unlink(missing_ok=True)

    def close(self) -> None:
        """Leave what was opened, for the next run."""
        self._file.close()

    def _keep(self, content: bytes) -> None:
        try:
            if content and self._file.write(content) != len(content):
                raise StorageFull("This machine's disk is full.")
        except OSError as error:
            raise StorageFull(f"{self._target.name} cannot be written to this machine's disk.") from error


class _Sealed:
    """An attachment held, as it comes, against both that its member signed: how it is sealed, and what it opens to.

    Both are told of the same bytes: a hub that bends them once, and sends them as they were when it is asked again,
    would else lay that to the member. Nothing is kept, so it goes on after a cut where it was. Its methods block.
    """

    def __init__(self, released: ReleasedFile) -> None:
        self._released = released
        self._digest = sha256()
        self._opening = _Opening(released)
        self._opening.begin()
        self._opens = True
        self.received = 0

    @property
    def offset(self) -> int:
        """Where it goes on."""
        return self.received

    def begin(self) -> None:
        """Go on."""

    def take(self, sealed: bytes) -> None:
        """Look at what came next."""
        self.received += len(sealed)
        self._digest.update(sealed)
        if self._opens:
            self._look(self._opening.take, sealed)

    def is_rubbish(self) -> bool:
        """Tell, once all bytes came, whether the member sealed just these, and they are not the file it released."""
        if self._opens:
            self._look(self._opening.finish)
        return not self._opens and hmac.compare_digest(self._digest.digest(), self._released.sealed_sha256)

    def _look(self, work: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> None:
        try:
            work(*args, **kwargs)
        except AttachmentTampered:
            self._opens = False


class Download:
    """One attachment on its way from the hub."""

    def __init__(
        self,
        session: Session,
        case_id: bytes,
        member: str,
        released: ReleasedFile,
        progress: OnProgress,
    ) -> None:
        self._session = session
        self._request = DownloadAttachmentRequest(case_id=case_id, member=member, attachment_id=released.attachment_id)
        self._released = released
        self._progress = progress

    async def run(self, target: Path) -> None:
        """Download until it is whole and has its name; raises AttachmentTampered, StorageFull, and what calls raise."""
        cpu = self._session.workers.cpu
        part = await cpu(_Part, target, self._released)
        try:
            try:
                await self._until_whole(part)
            except AttachmentTampered:
                if not part.resumed:
                    raise
                # What an earlier run left may be what is wrong: once more, from the start.
                await cpu(part.forget)
                await self._until_whole(part)
        except AttachmentTampered:
            await cpu(part.remove)
            raise
        finally:
            await cpu(part.close)

    async def is_rubbish(self) -> bool:
        """Fetch it once more, and tell whether its member itself uploaded another file than it released."""
        cpu = self._session.workers.cpu
        sealed = await cpu(_Sealed, self._released)
        await self._until_received(sealed)
        return await cpu(sealed.is_rubbish)

    async def _until_whole(self, part: _Part) -> None:
        await self._until_received(part)
        await self._session.workers.cpu(part.publish)

    async def _until_received(self, part: _Part | _Sealed) -> None:
        failures, deadline = 0, soon()
        while True:
            before = part.offset
            try:
                await self._receive(part)
                break
            except HubUnavailable as error:
                if part.offset > before:
                    failures, deadline = 0, soon()
                failures += 1
                if not may_be_tried_again(error, failures, deadline):
                    raise
                await pause(failures, deadline)

    async def _receive(self, part: _Part | _Sealed) -> None:
        cpu, sizes = self._session.workers.cpu, self._released.sealed_size
        await cpu(part.begin)
        self._request.offset = part.offset
        async with own_errors():
            call: Any = CaseServiceStub(self._session.transport.channel()).DownloadAttachment(self._request)
            try:
                while (reply := await in_time(call.read())) is not _EOF:
                    sealed = readable(reply).part
                    if part.received + len(sealed) > sizes:
                        raise AttachmentTampered("The hub sends more of an attachment than was signed.")
                    await cpu(part.take, sealed)
                    self._progress(part.received, sizes)
            except TimeoutError as error:
                raise HubUnavailable("The download of an attachment was cut off.") from error
            finally:
                call.cancel()
        if part.received != sizes:
            raise HubUnavailable("The download of an attachment was cut off.")


def check_released(released: ReleasedFile) -> None:
    """Raise AttachmentTampered where what a member says of a file describes none."""
    try:
        sealed = attachment.sealed_size(released.size)
    except EnvelopeInvalid:
        sealed = 0
    lengths = len(released.attachment_id), len(released.key), len(released.sha256)
    expected = attachment.ATTACHMENT_ID_BYTES, attachment.FILE_KEY_BYTES, sha256().digest_size
    if lengths != expected or sealed != released.sealed_size:
        raise AttachmentTampered("What a member says of a file describes none that can be opened.")
