"""Writes a bundle: what is given, in the archive's order, under a manifest that an officer signs. The same again."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from alliance import statements
from alliance.cases.bundle import ustar
from alliance.cases.bundle.manifest import MANIFEST, MAX_BYTES, SIGNATURE, FileEntry, Manifest
from alliance.crypto.signing import SigningKey
from alliance.errors import BundleInvalid


@dataclass(frozen=True, slots=True)
class Source:
    """A file that is to be in a bundle: what the manifest says of it, and its bytes in chunks."""

    entry: FileEntry
    chunks: Callable[[], Iterable[bytes]]

    @classmethod
    def of(cls, name: str, content: bytes) -> "Source":
        """Take a file that is in memory."""
        return cls(FileEntry.of(name, content), lambda: (content,))


@dataclass(frozen=True, slots=True)
class Titles:
    """What a manifest says besides its files."""

    alliance: str
    hub_key: bytes
    case_id: bytes
    number: str
    officer: str
    """Pseudonym of the officer who signs."""
    made_at: int
    missing: tuple[str, ...] = ()
    """Attachments that members released and did not upload, or not as they had signed them."""


def write(out: BinaryIO, titles: Titles, sources: Sequence[Source], key: SigningKey) -> Manifest:
    """Write a bundle; raises BundleInvalid where a file changed meanwhile, or two have one name. Syncs nothing."""
    ordered = sorted(sources, key=lambda it: it.entry.name)
    manifest = Manifest(
        alliance=titles.alliance,
        hub_key=titles.hub_key.hex(),
        case=titles.case_id.hex(),
        number=titles.number,
        signed_by=titles.officer,
        made_at=titles.made_at,
        files=tuple(it.entry for it in ordered),
        missing=tuple(sorted(titles.missing)),
    )
    signed = manifest.to_bytes()
    Manifest.from_bytes(signed)
    if len(signed) > MAX_BYTES:
        raise BundleInvalid("a bundle has more files than a manifest names")
    signature = key.sign(statements.CASE_BUNDLE, signed)
    first = [(MANIFEST, len(signed), (signed,)), (SIGNATURE, len(signature), (signature,))]
    rest = ((it.entry.name, it.entry.size, it.chunks()) for it in ordered)
    try:
        for chunk in ustar.packed((*first, *rest)):
            out.write(chunk)
    except ValueError as error:
        raise BundleInvalid(str(error)) from None
    return manifest
