"""The manifest: which files a bundle has, in which order, and what else its officer signs.

It is JSON in one spelling, its keys in this order, so that two manifests that say the same are the same bytes.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any, Final

from alliance.cases.bundle import ustar
from alliance.clock import MAX_TIME_MS
from alliance.errors import BundleInvalid

FORMAT: Final = "alliance-case-bundle/1"
MANIFEST: Final = "manifest.json"
SIGNATURE: Final = "manifest.signature"
"""64 bytes: what the officer's key signs of the manifest, as a statement `case-bundle`."""
MAX_BYTES: Final = 16 << 20
_NAME: Final = re.compile(r"(?:[a-z0-9][a-zA-Z0-9._-]*/)*[a-zA-Z0-9][a-zA-Z0-9._-]*")
_HEX: Final = re.compile("(?:[0-9a-f]{2})+")


@dataclass(frozen=True, slots=True)
class FileEntry:
    """A file of a bundle: its name, its bytes, and their SHA-256 in hexadecimal."""

    name: str
    size: int
    sha256: str

    @classmethod
    def of(cls, name: str, content: bytes) -> "FileEntry":
        """Describe a file by its content."""
        return cls(name, len(content), sha256(content).hexdigest())


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an officer signs of a bundle; keys and ids in hexadecimal, `made_at` in milliseconds UTC."""

    alliance: str
    hub_key: str
    case: str
    number: str
    signed_by: str
    """Pseudonym of the officer."""
    made_at: int
    files: tuple[FileEntry, ...]
    """In the archive's order: ascending by name."""
    missing: tuple[str, ...] = ()
    """Names of attachments that members released and did not upload, or not as they had signed them."""

    def to_bytes(self) -> bytes:
        """Give the manifest as it is signed."""
        return json.dumps({"format": FORMAT} | asdict(self), ensure_ascii=False, indent=1).encode() + b"\n"

    @classmethod
    def from_bytes(cls, content: bytes) -> "Manifest":
        """Read a manifest in its one spelling; raises BundleInvalid."""
        try:
            told: dict[str, Any] = json.loads(content)
            entries = tuple(FileEntry(**entry) for entry in told.pop("files"))
            missing = tuple(told.pop("missing"))
            if told.pop("format") != FORMAT:
                raise BundleInvalid("the manifest is of another format than this release reads")
            manifest = cls(**told, files=entries, missing=missing)
            _check(manifest)
            spelled = manifest.to_bytes()
        except (AttributeError, KeyError, RecursionError, TypeError, ValueError):
            raise BundleInvalid("the manifest cannot be read") from None
        if spelled != content:
            raise BundleInvalid("the manifest is in another spelling")
        return manifest


def _check(manifest: Manifest) -> None:
    texts: Sequence[object] = (manifest.alliance, manifest.number, manifest.signed_by)
    digests: Sequence[object] = [manifest.hub_key, manifest.case, *(it.sha256 for it in manifest.files)]
    names = [it.name for it in manifest.files]
    if not (
        all(isinstance(it, str) for it in (*texts, *names, *manifest.missing))
        and all(isinstance(it, str) and _HEX.fullmatch(it) for it in digests)
        and all(type(it) is int and it >= 0 for it in (manifest.made_at, *(it.size for it in manifest.files)))
        and manifest.made_at <= MAX_TIME_MS
        and all(len(it.sha256) == 2 * sha256().digest_size for it in manifest.files)
    ):
        raise BundleInvalid("the manifest cannot be read")
    fits = all(_NAME.fullmatch(it) and len(it) <= ustar.MAX_NAME_BYTES for it in names)
    if not fits or names != sorted(set(names)) or {MANIFEST, SIGNATURE} & set(names):
        raise BundleInvalid("the manifest names files that no bundle has, or not in order")
    if any(it.size > ustar.MAX_FILE_BYTES for it in manifest.files):
        raise BundleInvalid("the manifest names a file that is larger than files are")
