"""What a leak would look like: every text of an identifier, plain or hashed, in every usual encoding.

- Texts: as typed, canonical, the OPRF's input, and what people hash in practice: a phone number without its country
  code, a device id or account without its prefix.
- Hashes: none, SHA-256, MD5, SM3. A plain hash of a phone number is the phone number: there are only 10⁹.
- Encodings: bytes as they are, hexadecimal in either case, base64 in either alphabet, without padding since that
  is part of the padded form.

Patterns under 8 bytes are left out: five letters occur by chance. An identifier that short is still looked for by its
longer forms, all hashes among them.
"""

import base64
import hashlib
from collections.abc import Iterable, Iterator

from cryptography.hazmat.primitives import hashes

from alliance.identifiers import Identifier, Kind
from alliance_server.demo.people import Written

MIN_BYTES = 8
MAX_BYTES = 1024
"""No pattern is longer: identifiers have up to 320 characters."""


def texts_of(written: Iterable[Written]) -> list[bytes]:
    """Give every text under which identifiers may appear, each once, sorted."""
    texts: set[bytes] = set()
    for one in written:
        texts.update((one.typed.encode(), one.typed.strip().encode()))
        if one.identifier is not None:
            texts.update(_texts_of_identifier(one.identifier))
    return sorted(text for text in texts if text and len(text) <= MAX_BYTES // 3)


def _texts_of_identifier(identifier: Identifier) -> Iterator[bytes]:
    canonical = identifier.canonical
    yield canonical.encode()
    yield identifier.input_bytes
    if identifier.kind is Kind.PHONE:
        yield canonical.removeprefix("+86").encode()
    elif identifier.kind in (Kind.DEVICE, Kind.ACCOUNT):
        yield canonical.partition(":")[2].encode()


def patterns_of(text: bytes) -> Iterator[bytes]:
    """Give all patterns of a text, each once, at least 8 bytes long."""
    # MD5 and bare SHA-256 are what leaks use, not what we do.
    digests = hashlib.sha256(text).digest(), hashlib.md5(text, usedforsecurity=False).digest(), _sm3(text)
    for content in (text, *digests):
        for pattern in _encodings(content):
            if len(pattern) >= MIN_BYTES:
                yield pattern


def _sm3(text: bytes) -> bytes:
    context = hashes.Hash(hashes.SM3())  # hashlib has it only where the system's OpenSSL does
    context.update(text)
    return context.finalize()


def _encodings(content: bytes) -> Iterator[bytes]:
    in_hexadecimal = content.hex().encode()
    in_base64 = base64.b64encode(content).rstrip(b"=")
    yield content
    for plain, other in (
        (in_hexadecimal, in_hexadecimal.upper()),
        (in_base64, in_base64.translate(_URL_SAFE)),
    ):
        yield plain
        if other != plain:
            yield other


_URL_SAFE = bytes.maketrans(b"+/", b"-_")
