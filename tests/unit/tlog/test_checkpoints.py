"""Checkpoints: whose they are, and who cosigned."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from alliance.errors import NoteInvalid
from alliance.tlog.checkpoints import (
    MAX_TIME,
    Checkpoint,
    checkpoint_text,
    cosign,
    cosigned_bytes,
    cosigners,
    sign_checkpoint,
)
from alliance.tlog.logs import LogName
from alliance.tlog.notes import COSIGNATURE, Note, NoteKey, Signature, sign_note

HUB, WITNESS, OTHER = (Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32) for seed in range(3))
NOVEMBER, DECEMBER = (
    LogName("demo", 1, month).key(HUB.public_key().public_bytes_raw()) for month in ("2026-11", "2026-12")
)


def witness(name: str, secret: Ed25519PrivateKey = WITNESS) -> NoteKey:
    return NoteKey(name, secret.public_key().public_bytes_raw(), COSIGNATURE)


def test_one_log_says_nothing_of_another_of_the_same_hub() -> None:
    text = checkpoint_text(NOVEMBER.name, 7, bytes(32))
    checkpoint = Checkpoint(NOVEMBER.name, 7, bytes(32), sign_note(text, DECEMBER, HUB.sign))
    for key in (NOVEMBER, DECEMBER):
        with pytest.raises(NoteInvalid):
            checkpoint.require_signed(key)
    sign_checkpoint(7, bytes(32), NOVEMBER, HUB.sign).require_signed(NOVEMBER)


@pytest.mark.parametrize(("size", "root"), [(-1, bytes(32)), (2**63, bytes(32)), (7, bytes(31)), (7, b"")])
def test_what_is_no_tree(size: int, root: bytes) -> None:
    with pytest.raises(NoteInvalid):
        checkpoint_text(NOVEMBER.name, size, root)


@pytest.mark.parametrize("time", [-1, MAX_TIME + 1])
def test_what_is_no_time(time: int) -> None:
    with pytest.raises(NoteInvalid):
        cosign("text\n", witness("w"), time, WITNESS.sign)


def test_a_time_beyond_all_is_not_believed() -> None:
    text = checkpoint_text(NOVEMBER.name, 7, bytes(32))
    key = witness("w")
    signature = (MAX_TIME + 1).to_bytes(8) + WITNESS.sign(cosigned_bytes(text, MAX_TIME + 1))
    assert cosigners(Note(text, (Signature(key.name, key.key_id, signature),)), [key]) == {}


def test_a_log_does_not_cosign() -> None:
    with pytest.raises(NoteInvalid):
        cosign("text\n", NOVEMBER, 1, HUB.sign)


def test_the_newest_time_of_a_witness_counts_and_the_witness_once() -> None:
    text = checkpoint_text(NOVEMBER.name, 7, bytes(32))
    key, other = witness("w"), witness("o", OTHER)
    note = Note(text, tuple(cosign(text, key, time, WITNESS.sign) for time in (5, 9, 7)))
    assert cosigners(note, [key, other]) == {key: 9}
    assert cosigners(note.with_signatures([cosign(text, other, 3, OTHER.sign)]), [key, other]) == {key: 9, other: 3}


def test_one_key_under_two_names_is_one_cosigner() -> None:
    text = checkpoint_text(NOVEMBER.name, 7, bytes(32))
    keys = [witness("one"), witness("two")]
    note = Note(text, tuple(cosign(text, key, 5, WITNESS.sign) for key in keys))
    assert len(cosigners(note, keys)) == 1
