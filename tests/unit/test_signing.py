"""Signed statements: type, key and payload are all bound."""

from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from alliance import statements
from alliance.crypto.secret import Secret
from alliance.crypto.signing import SigningKey, VerifyingKey
from alliance.errors import SignatureInvalid
from alliance.statements import key_id, signed_bytes
from alliance.v1.statement_pb2 import SignedStatement

KEY = SigningKey(Secret(bytes(range(32))))
VERIFYING = VerifyingKey(KEY.public_key)
STATEMENT = KEY.statement("claim", b"payload")


def changed(**fields: object) -> SignedStatement:
    copy = SignedStatement.FromString(STATEMENT.SerializeToString())
    for name, value in fields.items():
        setattr(copy, name, value)
    return copy


def test_a_statement_verifies() -> None:
    assert VERIFYING.verified_payload("claim", STATEMENT) == b"payload"


def test_the_signed_bytes_are_the_protocols() -> None:
    assert signed_bytes("claim", b"payload") == b"alliance/v1/claim\x00payload"
    Ed25519PublicKey.from_public_bytes(KEY.public_key).verify(STATEMENT.signature, b"alliance/v1/claim\x00payload")
    assert STATEMENT.key_id == key_id(KEY.public_key) == sha256(KEY.public_key).digest()[:8]


@pytest.mark.parametrize(
    "statement",
    [
        changed(payload=b"payloae"),
        changed(payload=b""),
        changed(signature=bytes(64)),
        changed(signature=b""),
        changed(signature=STATEMENT.signature[:-1]),
        changed(signature=STATEMENT.signature + b"\x00"),
        changed(key_id=bytes(8)),
        changed(key_id=b""),
        changed(type="claim-status"),
        changed(type=""),
        SignedStatement(),
    ],
)
def test_anything_else_does_not(statement: SignedStatement) -> None:
    with pytest.raises(SignatureInvalid):
        VERIFYING.verified_payload("claim", statement)


@pytest.mark.parametrize("place", [0, 31, 32, 63])
def test_a_flipped_bit_of_the_signature_is_noticed(place: int) -> None:
    signature = bytearray(STATEMENT.signature)
    signature[place] ^= 1
    with pytest.raises(SignatureInvalid):
        VERIFYING.verify("claim", b"payload", bytes(signature))


def test_a_statement_of_one_type_never_passes_for_another() -> None:
    with pytest.raises(SignatureInvalid):
        VERIFYING.verified_payload("claim-status", STATEMENT)
    with pytest.raises(SignatureInvalid):
        VERIFYING.verify("claim-status", b"payload", STATEMENT.signature)


def test_no_type_is_another_ones_beginning_with_the_separator() -> None:
    types = [value for name, value in vars(statements).items() if name.isupper()]
    assert len(types) == len(set(types)) >= 10
    assert all("\x00" not in name and name.isascii() for name in types)


def test_another_key_does_not_verify() -> None:
    other, _ = SigningKey.generate()
    with pytest.raises(SignatureInvalid):
        VerifyingKey(other.public_key).verified_payload("claim", STATEMENT)


@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_no_public_key(length: int) -> None:
    with pytest.raises(SignatureInvalid):
        VerifyingKey(bytes(length))


SMALL_ORDER = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
]


@pytest.mark.parametrize("encoding", SMALL_ORDER)
@pytest.mark.parametrize("sign", [0, 0x80])
def test_a_key_under_which_anybody_signs_is_none(encoding: str, sign: int) -> None:
    key = bytearray.fromhex(encoding)
    key[31] |= sign
    with pytest.raises(SignatureInvalid):
        VerifyingKey(bytes(key))


def test_why_that_matters() -> None:
    identity = bytes.fromhex(SMALL_ORDER[0])
    Ed25519PublicKey.from_public_bytes(identity).verify(identity + bytes(32), b"anything at all")


def test_a_generated_key_comes_back_from_its_seed() -> None:
    key, seed = SigningKey.generate()
    assert SigningKey(seed).public_key == key.public_key


def test_reprs_show_no_secret() -> None:
    key, seed = SigningKey.generate()
    shown = repr(key) + str(key) + repr(seed) + str(seed) + f"{seed}"
    assert seed.reveal().hex() not in shown
    assert repr(seed.reveal()) not in shown
    assert key_id(key.public_key).hex() in shown
