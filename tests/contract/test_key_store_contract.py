"""What keeps the hub's signing keys, sealed files and a PKCS#11 token alike: they sign, and never leave."""

import copy
import logging
import pickle
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from support.softhsm import PIN, SoftHsm
from support.wire import certificate_request, new_tls_key

from alliance.certificates import generate_key
from alliance.crypto.secret import Secret
from alliance.crypto.signing import VerifyingKey
from alliance.errors import AllianceError, Reason
from alliance.keyring import KeyStore
from alliance_server.authority import CertificateAuthority
from alliance_server.certificates import Roots, check_server
from alliance_server.config import Pkcs11Settings
from alliance_server.signing import SealedSigningKeys, SigningKeys
from alliance_server.signing.pkcs11 import TokenSigningKeys
from alliance_server.signing.token import Token, TokenFailed, open_token

NOW = 1_800_000_000_000
PASSPHRASE = "passphrase-of-the-tests"


@dataclass
class Kept:
    """Signing keys, and how they are opened: again, or by another secret."""

    keys: SigningKeys
    again: Callable[[], SigningKeys]
    with_another_secret: Callable[[], Any]
    secret: str


@pytest.fixture(params=["sealed", "token"])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Kept:
    if request.param == "sealed":

        def opened(passphrase: str = PASSPHRASE) -> SigningKeys:
            return SealedSigningKeys(KeyStore(tmp_path / "keys", Secret(passphrase.encode())))

        return Kept(opened(), opened, lambda: opened("another"), PASSPHRASE)
    settings: Pkcs11Settings = request.getfixturevalue("softhsm").new_token()

    def token(pin: str = PIN) -> SigningKeys:
        return TokenSigningKeys(open_token(str(settings.module), settings.token, Secret(pin.encode())), "alliance")

    return Kept(token(), token, lambda: token("another"), PIN)


def test_an_identity_signs_and_is_the_same_again(kept: Kept) -> None:
    made = kept.keys.make_identity()
    statement = made.statement("epoch", b"payload")
    assert VerifyingKey(made.public_key).verified_payload("epoch", statement) == b"payload"
    again = kept.again().identity()
    assert again.public_key == made.public_key
    assert again.statement("epoch", b"payload") == statement  # Ed25519 is deterministic
    with pytest.raises(AllianceError):
        VerifyingKey(made.public_key).verified_payload("member", again.statement("epoch", b"payload"))


def test_a_ca_issues_what_verifies_and_is_the_same_again(kept: Kept) -> None:
    key = kept.keys.make_certifier("ca")
    authority = CertificateAuthority.create(key, "test", NOW)
    again = kept.again().certifier("ca")
    assert again is not None
    assert again.public_key() == key.public_key()
    tls_key = generate_key()
    issued = CertificateAuthority(again, authority.certificate_pem, "test").issue_hub(tls_key, ["127.0.0.1"], NOW)
    check_server(issued, tls_key, Roots(authority.certificate_pem), "test")
    members = authority.issue("a", certificate_request(new_tls_key()), NOW)
    root = x509.load_pem_x509_certificate(authority.certificate_pem)
    x509.load_der_x509_certificate(members.der).verify_directly_issued_by(root)
    root.verify_directly_issued_by(root)


def test_keys_that_are_missing(kept: Kept) -> None:
    with pytest.raises(AllianceError, match="identity"):
        kept.keys.identity()
    assert kept.keys.certifier("ca") is None
    kept.keys.destroy_certifier("ca")


def test_no_key_is_made_over_another(kept: Kept) -> None:
    identity, certifier = kept.keys.make_identity(), kept.keys.make_certifier("ca")
    with pytest.raises(FileExistsError):
        kept.keys.make_identity()
    with pytest.raises(FileExistsError):
        kept.keys.make_certifier("ca")
    assert kept.again().identity().public_key == identity.public_key
    again = kept.again().certifier("ca")
    assert again is not None
    assert again.public_key() == certifier.public_key()


def test_cas_lie_side_by_side_and_one_is_destroyed(kept: Kept) -> None:
    first, second = kept.keys.make_certifier("ca"), kept.keys.make_certifier("ca-0011")
    assert first.public_key() != second.public_key()
    kept.keys.destroy_certifier("ca")
    again = kept.again()
    assert again.certifier("ca") is None
    left = again.certifier("ca-0011")
    assert left is not None
    assert left.public_key() == second.public_key()


def test_an_identity_is_destroyed_and_another_made(kept: Kept) -> None:
    kept.keys.destroy_identity()
    first = kept.keys.make_identity()
    kept.keys.make_certifier("ca")
    kept.keys.destroy_identity()
    with pytest.raises(AllianceError, match="identity"):
        kept.again().identity()
    assert kept.again().certifier("ca") is not None
    assert kept.keys.make_identity().public_key != first.public_key


def test_another_secret_opens_nothing(kept: Kept) -> None:
    kept.keys.make_identity()
    with pytest.raises(AllianceError, match=r"passphrase|PIN") as caught:
        kept.with_another_secret()
    assert kept.secret not in str(caught.value)
    kept.again().identity()  # and keeps nobody out


def test_threads_sign_at_the_same_time(kept: Kept) -> None:
    identity, certifier = kept.keys.make_identity(), kept.keys.make_certifier("ca")
    public, believed = certifier.public_key(), VerifyingKey(identity.public_key)

    def sign(number: int) -> None:
        payload = b"%d" % number
        assert believed.verified_payload("epoch", identity.statement("epoch", payload)) == payload
        algorithm = ec.ECDSA(hashes.SHA256())
        public.verify(certifier.sign(payload, algorithm), payload, algorithm)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(sign, range(64)))


def test_nothing_shows_a_secret(kept: Kept, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    shown = [kept.keys.make_identity(), kept.keys.make_certifier("ca"), kept.keys]
    shown[0].statement("epoch", b"payload")  # type: ignore[attr-defined]  # the first is the signer
    text = " ".join(map(repr, shown)) + caplog.text
    assert kept.secret not in text
    assert "PRIVATE" not in text
    assert not any(word in text.lower() for word in ("seed", "scalar", "pin"))


# -- what a token adds -------------------------------------------------------------------------------------------


@pytest.fixture
def settings(softhsm: SoftHsm) -> Pkcs11Settings:
    return softhsm.new_token()


@pytest.fixture
def token(softhsm: SoftHsm, settings: Pkcs11Settings) -> Iterator[Token]:
    opened = softhsm.opened(settings)
    yield opened
    opened.close()


def test_keys_in_a_token_cannot_be_read(token: Token) -> None:
    import pkcs11

    keys = TokenSigningKeys(token, "alliance")
    keys.make_identity()
    certifier = keys.make_certifier("ca")

    def look(session: Any) -> list[tuple[bool, bool, bool]]:
        found = []
        for key in list(session.get_objects({pkcs11.Attribute.CLASS: pkcs11.ObjectClass.PRIVATE_KEY})):
            with pytest.raises(pkcs11.AttributeSensitive):
                key[pkcs11.Attribute.VALUE]
            names = (pkcs11.Attribute.EXTRACTABLE, pkcs11.Attribute.SENSITIVE, pkcs11.Attribute.NEVER_EXTRACTABLE)
            found.append(tuple(bool(key[name]) for name in names))
        return found  # type: ignore[return-value]  # three each

    assert token.run(look) == [(False, True, True)] * 2
    plain = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    for attempt in (
        lambda: certifier.private_bytes(*plain),
        certifier.private_numbers,
        lambda: certifier.exchange(ec.ECDH(), certifier.public_key()),
        lambda: certifier.sign(b"x", ec.ECDSA(hashes.SHA512())),
        lambda: pickle.dumps(certifier),
    ):
        with pytest.raises(TypeError):
            attempt()  # type: ignore[no-untyped-call]  # mypy joins the sorts of callables to one it does not know
    assert copy.deepcopy(certifier) is certifier


# What the binding had under way complains when it is collected; it has no other way.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_session_that_was_lost_is_opened_again(token: Token) -> None:
    keys = TokenSigningKeys(token, "alliance")
    identity = keys.make_identity()
    lost: list[Any] = []
    token.run(lost.append)
    lost[0].close()
    VerifyingKey(identity.public_key).verified_payload("epoch", identity.statement("epoch", b"payload"))
    token.close()
    VerifyingKey(identity.public_key).verified_payload("epoch", identity.statement("epoch", b"again"))


def test_a_token_that_is_gone_signs_nothing_and_one_that_is_back_does(
    softhsm: SoftHsm, settings: Pkcs11Settings, token: Token
) -> None:
    identity = TokenSigningKeys(token, "alliance").make_identity()
    tokens, away = softhsm.folder / "tokens", softhsm.folder / "away"
    token.close()
    tokens.rename(away)
    tokens.mkdir()
    try:
        for _ in range(2):
            with pytest.raises(TokenFailed, match="no one token") as caught:
                identity.statement("epoch", b"payload")
            assert caught.value.reason is Reason.UNAVAILABLE
    finally:
        tokens.rmdir()
        away.rename(tokens)
    VerifyingKey(identity.public_key).verified_payload("epoch", identity.statement("epoch", b"payload"))


def test_a_key_that_was_taken_out_signs_no_more(token: Token) -> None:
    keys = TokenSigningKeys(token, "alliance")
    certifier = keys.make_certifier("ca")
    keys.destroy_certifier("ca")
    with pytest.raises(TokenFailed, match="fails"):
        certifier.sign(b"x", ec.ECDSA(hashes.SHA256()))


def test_a_pin_that_was_refused_is_not_tried_again(softhsm: SoftHsm, settings: Pkcs11Settings) -> None:
    """Tokens lock themselves after a few, and a hub asks every second."""
    wrong = softhsm.opened(settings, "wrong-pin-4711")
    with pytest.raises(TokenFailed, match="refuses the PIN"):
        wrong.run(lambda _session: None)
    for _ in range(20):
        with pytest.raises(TokenFailed, match="refused the PIN before"):
            wrong.run(lambda _session: None)
    right = softhsm.opened(settings)
    right.run(lambda _session: None)
    right.close()


def test_halves_that_do_not_fit_are_not_used(token: Token) -> None:
    import pkcs11

    keys = TokenSigningKeys(token, "alliance")
    keys.make_certifier("ca")
    keys.make_certifier("other")

    def swap(session: Any) -> None:
        for sort, name in ((pkcs11.ObjectClass.PUBLIC_KEY, "ca"), (pkcs11.ObjectClass.PRIVATE_KEY, "other")):
            (found,) = session.get_objects({pkcs11.Attribute.LABEL: f"alliance-{name}", pkcs11.Attribute.CLASS: sort})
            found.destroy()
        (public,) = session.get_objects({pkcs11.Attribute.LABEL: "alliance-other"})
        public[pkcs11.Attribute.LABEL] = "alliance-ca"

    token.run(swap)
    with pytest.raises(TokenFailed, match="does not sign as its public half says"):
        keys.certifier("ca")


@pytest.mark.parametrize(
    ("module", "label", "says"),
    [("/nowhere/module.so", None, "cannot be loaded"), (None, "no-such-token", "shows no one token")],
)
def test_what_is_not_there_is_said(
    softhsm: SoftHsm, settings: Pkcs11Settings, module: str | None, label: str | None, says: str
) -> None:
    with pytest.raises(TokenFailed, match=says):
        open_token(module or str(softhsm.module), label or settings.token, Secret(PIN.encode())).run(lambda _: None)
