"""Notes: what a key may be, and what its lines may say."""

from dataclasses import dataclass

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from alliance.crypto.ed25519 import public_key
from alliance.errors import NoteInvalid
from alliance.tlog.notes import (
    COSIGNATURE,
    Note,
    NoteKey,
    NoteVerifier,
    Signature,
    by_line,
    check_name,
    holds,
    read_note,
    sign_note,
)

SECRET = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
KEY = NoteKey("hub.example/log", SECRET.public_key().public_bytes_raw())
P = 2**255 - 19
ORDER_8 = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826


@pytest.mark.parametrize("y", [0, 1, P - 1, P, P + 1, P + 2, 2**255 - 1, ORDER_8, P - ORDER_8])
@pytest.mark.parametrize("sign", [0, 1 << 255])
def test_a_key_under_which_anybody_signs_is_none(y: int, sign: int) -> None:
    key = NoteKey("hub.example/log", (y | sign).to_bytes(32, "little"))
    with pytest.raises(NoteInvalid):
        NoteKey.from_vkey(key.vkey)
    with pytest.raises(ValueError, match="small order"):
        public_key(key.public_key)


def test_and_no_signature_holds_under_it() -> None:
    identity = (1).to_bytes(32, "little")
    assert not holds(identity, b"anything at all", identity + bytes(32))


@pytest.mark.parametrize(
    "name", ["", "two words", "no\u00a0break", "a+b", "line\n", "bell\x07", "half\ud800", "\u3000"]
)
def test_what_names_no_key(name: str) -> None:
    with pytest.raises(NoteInvalid):
        check_name(name)
    with pytest.raises(NoteInvalid):
        sign_note("text\n", NoteKey(name, KEY.public_key), SECRET.sign)


@pytest.mark.parametrize("word", [f" {KEY.vkey}", f"{KEY.vkey}\n", f"{KEY.vkey}=", f"{KEY.vkey}AAAA", KEY.vkey.upper()])
def test_a_word_has_one_spelling(word: str) -> None:
    with pytest.raises(NoteInvalid):
        NoteKey.from_vkey(word)


@dataclass(frozen=True)
class Twin:
    """A verifier of the same name and id as `KEY`: four bytes of a hash are found again."""

    name: str = KEY.name
    key_id: bytes = KEY.key_id

    def verify(self, text: str, signature: bytes) -> bool:
        return bool(text and signature)


def test_two_keys_of_one_name_and_id_are_ambiguous() -> None:
    twins: list[NoteVerifier] = [KEY, Twin()]
    with pytest.raises(NoteInvalid):
        by_line(twins)
    assert list(by_line([KEY, KEY]).values()) == [KEY]


@pytest.mark.parametrize("text", ["", "no newline", "bell\x07\n", "return\r\n", "tab\t\n"])
def test_what_is_no_text(text: str) -> None:
    with pytest.raises(NoteInvalid):
        sign_note(text, KEY, SECRET.sign)


def test_a_witness_signs_no_notes() -> None:
    witness = NoteKey("w", KEY.public_key, COSIGNATURE)
    with pytest.raises(NoteInvalid):
        sign_note("text\n", witness, SECRET.sign)
    line = Signature(witness.name, witness.key_id, SECRET.sign(b"text\n"))
    with pytest.raises(NoteInvalid):
        Note("text\n", (line,)).signed_by([witness])


@pytest.mark.parametrize("length", [0, 63, 65, 128])
def test_a_signature_has_its_length(length: int) -> None:
    note = Note("text\n", (Signature(KEY.name, KEY.key_id, bytes(length)),))
    with pytest.raises(NoteInvalid):
        note.signed_by([KEY])


def test_a_note_is_not_larger_than_notes_are() -> None:
    with pytest.raises(NoteInvalid):
        read_note(str(sign_note("x" * 300_000 + "\n", KEY, SECRET.sign)).encode())


def test_a_line_stands_once() -> None:
    note = sign_note("text\n", KEY, SECRET.sign)
    assert note.with_signatures(note.signatures) == note
