"""Reads a bundle's archive in one pass: every byte is compared with what the manifest makes of it.

What belongs to the manifest's files is kept where it is small, and digested alone where it is an attachment. Whatever
differs is a fault with its place, and reading goes on behind it as far as headers can be understood.
"""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from typing import BinaryIO, Final, TypeVar

from google.protobuf.message import Message

from alliance.cases.bundle import ustar
from alliance.cases.bundle.layout import is_kept
from alliance.cases.bundle.manifest import MANIFEST, MAX_BYTES, SIGNATURE, FileEntry, Manifest
from alliance.cases.bundle.report import BundleReport
from alliance.errors import BundleInvalid, SignatureInvalid
from alliance.v1.statement_pb2 import SignedStatement

MAX_KEPT_BYTES: Final = 256 << 20
"""So much at most is kept to be verified, all files but attachments and summaries together."""
SIGNATURE_BYTES: Final = 64
_END: Final = "end of the archive"
_Read = TypeVar("_Read", bound=Message)


@dataclass(slots=True)
class Contents:
    """What was read: the manifest as it was signed, and the files' contents and digests by name."""

    manifest: Manifest
    signed: bytes
    signature: bytes = b""
    files: dict[str, bytes] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)

    def named(self, folder: str, ending: str = "") -> list[str]:
        """Give the names of kept files in a folder, in order."""
        return sorted(name for name in self.files if name.startswith(folder) and name.endswith(ending))

    def message(self, name: str, kind: type[_Read]) -> _Read:
        """Read a file's message; raises DecodeError where it is none, and SignatureInvalid where there is no file."""
        if name not in self.files:
            raise SignatureInvalid(f"{name} is missing")
        return kind.FromString(self.files[name])

    def statement(self, name: str) -> SignedStatement:
        """Read a file's statement, unverified; raises as `message` does."""
        return self.message(name, SignedStatement)


def read(file: BinaryIO, report: BundleReport) -> Contents | None:
    """Read a bundle, and note what is wrong with its bytes; None where no manifest can be read."""
    walk = _Walk(file, report)
    signed = walk.manifest()
    try:
        contents = Contents(Manifest.from_bytes(signed), signed)
    except BundleInvalid as error:
        report.fault(MANIFEST, str(error))
        report.fault(MANIFEST, "nothing else was looked at")
        return None
    walk.files(contents)
    return contents


class _Walk:
    def __init__(self, file: BinaryIO, report: BundleReport) -> None:
        self._file = file
        self._report = report
        self._kept = 0

    def manifest(self) -> bytes:
        """Read the first file, whose size its header alone tells."""
        raw = self._file.read(ustar.BLOCK)
        told = ustar.told(raw)
        size = told[1] if told else _plain_size(raw)
        self._compare(raw, MANIFEST, min(size, ustar.MAX_FILE_BYTES))
        content = self._file.read(min(size, MAX_BYTES))
        self._padding(MANIFEST, size)
        return content

    def files(self, contents: Contents) -> None:
        """Read all others, in the manifest's order where they are in it."""
        entries = (FileEntry(SIGNATURE, SIGNATURE_BYTES, ""), *contents.manifest.files)
        waiting = OrderedDict((it.name, it) for it in entries)
        while True:
            raw = self._file.read(ustar.BLOCK)
            due = next(iter(waiting.values()), None)
            if due is not None and raw == ustar.header(due.name, due.size):
                self._content(waiting.pop(due.name), due.size, contents)
            elif (told := ustar.told(raw)) is not None:
                self._stranger(raw, *told, due, waiting, contents)
            elif due is not None and len(raw) == ustar.BLOCK and raw.strip(b"\x00"):
                self._compare(raw, due.name, due.size)
                self._content(waiting.pop(due.name), due.size, contents)
            else:
                break
        for name in waiting:
            self._report.fault(name, "is missing")
        self._end(raw)

    def _stranger(
        self,
        raw: bytes,
        name: str,
        size: int,
        due: FileEntry | None,
        waiting: dict[str, FileEntry],
        contents: Contents,
    ) -> None:
        """Read a file whose header is whole, and not the one that is due."""
        if name in waiting:
            if due is not None and due.name != name:
                self._report.fault(name, "is not where it belongs")
            self._compare(raw, name, size)
            self._content(waiting.pop(name), size, contents)
            return
        is_known = name in contents.digests or name in (MANIFEST, SIGNATURE)
        self._report.fault(name, "is there twice" if is_known else "is not in the manifest")
        for _ in ustar.chunks(self._file, size):
            pass
        self._padding(name, size)

    def _content(self, entry: FileEntry, size: int, contents: Contents) -> None:
        digest, read, kept = sha256(), 0, bytearray()
        keeps = is_kept(entry.name)
        for chunk in ustar.chunks(self._file, size):
            digest.update(chunk)
            read += len(chunk)
            if keeps and self._kept <= MAX_KEPT_BYTES:
                self._kept += len(chunk)
                kept += chunk
        if entry.name == SIGNATURE:
            contents.signature = bytes(kept)
        else:
            contents.digests[entry.name] = digest.hexdigest()
            if keeps:
                contents.files[entry.name] = bytes(kept)
        if read < size:
            self._report.fault(entry.name, "ends too soon")
        elif size != entry.size:
            self._report.fault(entry.name, "is of another size than the manifest says")
        elif entry.sha256 and digest.hexdigest() != entry.sha256:
            self._report.fault(entry.name, "is not what the manifest says: its bytes were changed")
        if self._kept > MAX_KEPT_BYTES:
            self._report.fault(entry.name, "is more than a bundle holds besides attachments")
        self._padding(entry.name, size)

    def _compare(self, raw: bytes, name: str, size: int) -> None:
        """Hold a header against the one that must be there."""
        if len(raw) < ustar.BLOCK:
            self._report.fault(f"header of {name}", "ends too soon")
        elif fields := ustar.differing(raw, ustar.header(name, size)):
            self._report.fault(f"header of {name}", f"was changed: {', '.join(fields)}")

    def _padding(self, name: str, size: int) -> None:
        zeros = ustar.padding(size)
        found = self._file.read(zeros)
        if found != bytes(zeros):
            self._report.fault(f"padding after {name}", "was changed" if len(found) == zeros else "ends too soon")

    def _end(self, raw: bytes) -> None:
        """Hold what is left against two blocks of zeros and nothing behind them."""
        rest = raw + self._file.read(ustar.BLOCK)
        if len(rest) < len(ustar.END):
            self._report.fault(_END, "ends too soon")
        elif rest != ustar.END:
            self._report.fault(_END, "was changed")
        if (more := sum(map(len, self._rest()))) > 0:
            self._report.fault(_END, f"{more:,} bytes follow it")

    def _rest(self) -> Iterator[bytes]:
        return ustar.chunks(self._file)


def _plain_size(raw: bytes) -> int:
    """Give the size that a damaged header tells; 0 where it tells none."""
    try:
        return max(int(raw[124:135], 8), 0)
    except ValueError:
        return 0
