"""Signed notes: a text, and below it a line for each signature (https://c2sp.org/signed-note).

- A signature line is `— NAME BASE64(key id ‖ signature)`; a key is known by its name and its 4-byte id together.
- Lines of keys that nobody asked about are left alone. A line of a known key that does not verify spoils the note.
- Ed25519 is type 0x01, and what is signed is the text. Ed25519 of a witness is type 0x04 (`checkpoints`).
"""

import base64
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Protocol, TypeVar

from cryptography.exceptions import InvalidSignature

from alliance.crypto.ed25519 import public_key
from alliance.errors import NoteInvalid

MAX_NOTE_BYTES: Final = 256 * 1024
"""Room for the sixteen signatures that every reader takes, of post-quantum keys of others too, and a text."""
MAX_SIGNATURES: Final = 100
ED25519: Final = 0x01
COSIGNATURE: Final = 0x04
KEY_ID_BYTES: Final = 4
_DASH: Final = "— "


class NoteVerifier(Protocol):
    """A public key under its name."""

    @property
    def name(self) -> str:
        """Name in signature lines."""

    @property
    def key_id(self) -> bytes:
        """The 4 bytes by which a line names the key."""

    def verify(self, text: str, signature: bytes) -> bool:
        """Say whether a signature of a text holds."""


@dataclass(frozen=True, slots=True)
class NoteKey:
    """An Ed25519 public key with a name: how a log, or a witness, is known.

    `kind` is the signature type: `ED25519` or `COSIGNATURE`.
    """

    name: str
    public_key: bytes
    kind: int = ED25519

    @property
    def key_id(self) -> bytes:
        """SHA-256(name ‖ 0x0A ‖ type ‖ public key)[:4]."""
        return sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public_key).digest()[:KEY_ID_BYTES]

    @property
    def vkey(self) -> str:
        """The key as one word: `NAME+HEX(key id)+BASE64(type ‖ public key)`."""
        encoded = base64.b64encode(bytes([self.kind]) + self.public_key).decode()
        return f"{self.name}+{self.key_id.hex()}+{encoded}"

    @classmethod
    def from_vkey(cls, vkey: str) -> "NoteKey":
        """Read a key from its word; raises NoteInvalid."""
        name, _, rest = vkey.partition("+")
        told, _, encoded = rest.partition("+")
        content = unbase64(encoded)
        if not content or content[0] not in (ED25519, COSIGNATURE):
            raise NoteInvalid("a verifier key is of another type than Ed25519")
        key = cls(name, content[1:], content[0])
        check_name(name)
        try:
            public_key(key.public_key)
        except ValueError:
            raise NoteInvalid("a verifier key is no Ed25519 public key, or one of small order") from None
        if told != key.key_id.hex():
            raise NoteInvalid("a verifier key has another id than it says")
        return key

    def verify(self, text: str, signature: bytes) -> bool:
        """Say whether a signature of type 0x01 holds over the text."""
        return self.kind == ED25519 and holds(self.public_key, text.encode(), signature)


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature line."""

    name: str
    key_id: bytes
    signature: bytes

    @property
    def key(self) -> tuple[str, bytes]:
        """The name and the id by which the line names its key."""
        return self.name, self.key_id

    def __str__(self) -> str:
        return f"{_DASH}{self.name} {base64.b64encode(self.key_id + self.signature).decode()}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """A text, which ends with a newline, and its signature lines, none of them verified yet."""

    text: str
    signatures: tuple[Signature, ...] = ()

    def __str__(self) -> str:
        return self.text + "\n" + "".join(map(str, self.signatures))

    def with_signatures(self, signatures: Iterable[Signature]) -> "Note":
        """Give the note with more signature lines, each once."""
        return Note(self.text, tuple(dict.fromkeys((*self.signatures, *signatures))))

    def signed_by(self, verifiers: Iterable[NoteVerifier]) -> list[NoteVerifier]:
        """Give those whose signatures hold, each once; raises NoteInvalid where a line of one of them does not."""
        known = by_line(verifiers)
        signed: dict[tuple[str, bytes], NoteVerifier] = {}
        for line in self.signatures:
            verifier = known.get(line.key)
            if verifier is None:
                continue
            if not verifier.verify(self.text, line.signature):
                raise NoteInvalid("a signature of a note does not verify")
            signed[line.key] = verifier
        return list(signed.values())


_Verifier = TypeVar("_Verifier", bound=NoteVerifier)


def by_line(verifiers: Iterable[_Verifier]) -> dict[tuple[str, bytes], _Verifier]:
    """Give verifiers by what lines name them by; raises NoteInvalid where two different ones share it."""
    known: dict[tuple[str, bytes], _Verifier] = {}
    for verifier in verifiers:
        if known.setdefault((verifier.name, verifier.key_id), verifier) != verifier:
            raise NoteInvalid("two keys have one name and one id")
    return known


def read_note(content: bytes) -> Note:
    """Read a note; raises NoteInvalid."""
    if len(content) > MAX_NOTE_BYTES:
        raise NoteInvalid("a note is larger than notes are")
    try:
        whole = content.decode()
    except UnicodeDecodeError:
        raise NoteInvalid("a note is not UTF-8") from None
    text, separator, lines = whole.rpartition("\n\n")
    if _has_controls(whole) or not separator or not lines.endswith("\n"):
        raise NoteInvalid("a note has no signature, or control characters")
    if lines.count("\n") > MAX_SIGNATURES:
        raise NoteInvalid("a note has too many signatures")
    return Note(text + "\n", tuple(_signature(line) for line in lines[:-1].split("\n")))


def sign_note(text: str, key: NoteKey, sign: Callable[[bytes], bytes]) -> Note:
    """Sign a text with an Ed25519 key of type 0x01; raises NoteInvalid where it cannot be a note's text."""
    if not text.endswith("\n") or _has_controls(text) or key.kind != ED25519:
        raise NoteInvalid("a note's text ends with a newline and has no control characters; its key is of type 0x01")
    check_name(key.name)
    return Note(text, (Signature(key.name, key.key_id, sign(text.encode())),))


def check_name(name: str) -> None:
    """Raise NoteInvalid unless it may name a key: not empty, and text without spaces, plus signs and controls."""
    if not name or any(it.isspace() or it == "+" or it < " " or "\ud800" <= it <= "\udfff" for it in name):
        raise NoteInvalid("a key's name is empty, or has a space or a plus sign in it")


def holds(key: bytes, message: bytes, signature: bytes) -> bool:
    """Say whether an Ed25519 signature holds (RFC 8032, section 5.1.7); under a key of small order none does."""
    try:
        public_key(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def unbase64(encoded: str) -> bytes:
    """Read base64 in its one spelling (RFC 4648, sections 3.5 and 4); raises NoteInvalid."""
    try:
        content = base64.b64decode(encoded, validate=True)
    except ValueError:
        raise NoteInvalid("not base64") from None
    if base64.b64encode(content).decode() != encoded:
        raise NoteInvalid("base64 in another spelling")
    return content


def _has_controls(text: str) -> bool:
    return any(it < " " and it != "\n" for it in text)


def _signature(line: str) -> Signature:
    name, _, encoded = line.removeprefix(_DASH).partition(" ")
    content = unbase64(encoded)
    if not line.startswith(_DASH) or len(content) <= KEY_ID_BYTES:
        raise NoteInvalid("a signature line of a note cannot be read")
    check_name(name)
    return Signature(name, content[:KEY_ID_BYTES], content[KEY_ID_BYTES:])
