"""The payload of the format age, version 1: all that its published test kit says of one (`age/PROVENANCE.md`)."""

import zlib
from hashlib import sha256
from pathlib import Path

import pytest

from alliance.crypto.attachment import CHUNK_BYTES, NONCE_BYTES, SEALED_CHUNK_BYTES, Opener, Payload
from alliance.crypto.secret import Secret
from alliance.errors import EnvelopeInvalid

FILES = sorted((Path(__file__).parent / "age").glob("stream_*"))
PART = 10_007
"""Bytes fed at a time: no divisor of a chunk."""


class Vector:
    """One file of the kit: what is expected, and the payload behind age's own header."""

    def __init__(self, path: Path) -> None:
        text, _, body = path.read_bytes().partition(b"\n\n")
        self.facts = dict(line.split(": ", 1) for line in text.decode().splitlines())
        if self.facts.get("compressed") == "zlib":
            body = zlib.decompress(body)
        header, _, rest = body.partition(b"\n--- ")
        assert header.startswith(b"age-encryption.org/v1\n")
        payload = rest.partition(b"\n")[2]
        self.key = Secret(bytes.fromhex(self.facts["file key"]))
        self.nonce, self.chunks = payload[:NONCE_BYTES], payload[NONCE_BYTES:]

    def opened(self) -> bytes:
        opener = Opener(self.key, self.nonce)
        starts = range(0, len(self.chunks), PART)
        return b"".join([*(opener.feed(self.chunks[at : at + PART]) for at in starts), opener.finish()])


def test_the_kit_is_there() -> None:
    expected = [Vector(path).facts["expect"] for path in FILES]
    assert (len(FILES), expected.count("success")) == (28, 8)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_payload_opens_or_fails_as_the_kit_says(path: Path) -> None:
    vector = Vector(path)
    if vector.facts["expect"] == "success":
        assert sha256(vector.opened()).hexdigest() == vector.facts["payload"]
    else:
        with pytest.raises(EnvelopeInvalid):
            vector.opened()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_what_opens_is_sealed_to_the_same_bytes(path: Path) -> None:
    vector = Vector(path)
    if vector.facts["expect"] != "success":
        return
    plain, payload = vector.opened(), Payload(vector.key, vector.nonce)
    starts = range(0, max(len(plain), 1), CHUNK_BYTES)
    sealed = [
        payload.seal(number, plain[at : at + CHUNK_BYTES], last=at == starts[-1]) for number, at in enumerate(starts)
    ]
    assert b"".join(sealed) == vector.chunks
    assert all(len(chunk) == SEALED_CHUNK_BYTES for chunk in sealed[:-1])
