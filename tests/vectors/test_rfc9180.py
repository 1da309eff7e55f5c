"""RFC 9180 appendix A.2.1: HPKE, base mode, X25519, HKDF-SHA256, ChaCha20-Poly1305, as replies of a case are sealed.

The library opens without associated data, and the RFC's figures have some. So base mode is written out here once more,
held against the RFC's figures, and what it seals is opened by `alliance.crypto.envelope`.
"""

from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from alliance.crypto import envelope
from alliance.crypto.secret import Secret
from alliance.errors import EnvelopeInvalid

INFO = bytes.fromhex("4f6465206f6e2061204772656369616e2055726e")
SK_EM = bytes.fromhex("f4ec9b33b792c372c1d2c2063507b684ef925b8c75a42dbcbf57d63ccd381600")
ENC = bytes.fromhex("1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a")
SK_RM = bytes.fromhex("8057991eef8f1f1af18f4a9491d16a1ce333f695d4db8e38da75975c4478e0fb")
PK_RM = bytes.fromhex("4310ee97d88cc1f088a5576c77ab0cf5c3ac797f3d95139c6c84b5429c59662a")
KEY = bytes.fromhex("ad2744de8e17f4ebba575b3f5f5a8fa1f69c2a07f6e7500bc60ca6e3e3ec1c91")
BASE_NONCE = bytes.fromhex("5c4d98150661b848853b547f")
PLAIN = bytes.fromhex("4265617574792069732074727574682c20747275746820626561757479")
AAD = bytes.fromhex("436f756e742d30")
SEALED = bytes.fromhex("1c5250d8034ec2b784ba2cfd69dbdb8af406cfe3ff938e131f0def8c8b60b4db21993c62ce81883d2dd1b51a28")
CASE, MEMBER = bytes(range(16)), "lender-a"


def extract(suite: bytes, salt: bytes, label: bytes, ikm: bytes) -> bytes:
    """LabeledExtract of section 4."""
    return HKDF.extract(SHA256(), salt or bytes(32), b"HPKE-v1" + suite + label + ikm)


def expand(suite: bytes, prk: bytes, label: bytes, info: bytes, length: int) -> bytes:
    """LabeledExpand of section 4."""
    return HKDFExpand(SHA256(), length, length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info).derive(prk)


def schedule(ephemeral: bytes, recipient: bytes, info: bytes) -> tuple[bytes, bytes, bytes]:
    """Encap of section 4.1 and KeySchedule of section 5.1: the encapsulated key, the key and the nonce."""
    key = X25519PrivateKey.from_private_bytes(ephemeral)
    enc = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    shared, kem = key.exchange(X25519PublicKey.from_public_bytes(recipient)), b"KEM\x00\x20"
    secret = expand(kem, extract(kem, b"", b"eae_prk", shared), b"shared_secret", enc + recipient, 32)
    suite = b"HPKE\x00\x20\x00\x01\x00\x03"
    context = b"\x00" + extract(suite, b"", b"psk_id_hash", b"") + extract(suite, b"", b"info_hash", info)
    prk = extract(suite, secret, b"secret", b"")
    return enc, expand(suite, prk, b"key", context, 32), expand(suite, prk, b"base_nonce", context, 12)


def test_base_mode_as_written_here_is_the_rfcs() -> None:
    assert schedule(SK_EM, PK_RM, INFO) == (ENC, KEY, BASE_NONCE)
    assert ChaCha20Poly1305(KEY).encrypt(BASE_NONCE, PLAIN, AAD) == SEALED


def test_the_library_opens_under_the_rfcs_keys() -> None:
    suite = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)
    sealed = ENC + ChaCha20Poly1305(KEY).encrypt(BASE_NONCE, PLAIN, b"")
    assert suite.decrypt(sealed, X25519PrivateKey.from_private_bytes(SK_RM), info=INFO) == PLAIN


def test_a_reply_is_what_base_mode_seals() -> None:
    contents = sha256(b"contents").digest()
    padded = (len(contents).to_bytes(4, "big") + contents).ljust(envelope.MAX_CONTENTS_BYTES + 4, b"\x00")
    enc, key, nonce = schedule(SK_EM, PK_RM, b"alliance/v1/case-reply\x00" + CASE + MEMBER.encode())
    sealed = enc + ChaCha20Poly1305(key).encrypt(nonce, padded, b"")
    assert envelope.open_reply(Secret(SK_RM), CASE, MEMBER, sealed) == contents
    with pytest.raises(EnvelopeInvalid):
        envelope.open_reply(Secret(SK_RM), CASE, "lender-b", sealed)
