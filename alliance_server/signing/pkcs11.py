"""Signing keys inside a PKCS#11 token (an HSM): made there, marked as not extractable, and never seen here.

Each is a pair of objects of one label, `<prefix>-<name>`; the identity's name is a setting.
Before a key is used it signs something random, which must verify under its public half: a token that pairs objects
wrongly, or cannot sign in this way, is found out at the start.
"""

import os
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, NoReturn

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from alliance.crypto.signing import PUBLIC_KEY_BYTES, statement_of
from alliance.statements import RECEIPT, key_id, signed_bytes
from alliance.v1.statement_pb2 import SignedStatement
from alliance_server.signing.token import Token, TokenFailed

if TYPE_CHECKING:
    import pkcs11

_P256: Final = bytes.fromhex("06082a8648ce3d030107")
"""The curve's object identifier, DER (RFC 5480)."""
_ED25519: Final = bytes.fromhex("06032b6570")
"""The same (RFC 8410)."""
_P256_POINT_BYTES: Final = 65
_HALF_BYTES: Final = 32
_KEPT_SIGNATURES: Final = 4096
"""Members' statements are asked for again and again, and are the same each time; Ed25519 signatures are too."""


class TokenSigningKeys:
    """Signing keys in a token."""

    def __init__(self, token: Token, prefix: str, identity: str = "identity") -> None:
        self._token = token
        self._prefix = prefix
        self._identity = identity

    def __repr__(self) -> str:
        return f"TokenSigningKeys({self._token!r}, {self._prefix!r})"

    def make_identity(self) -> "TokenSigner":
        """Make the hub's identity; raises FileExistsError where there is one, or TokenFailed."""
        self._make(self._identity, "EC_EDWARDS", _ED25519)
        return self.identity()

    def identity(self) -> "TokenSigner":
        """Give the hub's identity; raises TokenFailed."""
        label = self._label(self._identity)
        point = self._point(self._identity, PUBLIC_KEY_BYTES)
        if point is None:
            raise TokenFailed(f"{self._token!r} holds no key '{label}'")
        signer = TokenSigner(self._token, label, point)
        signer.check()
        return signer

    def destroy_identity(self) -> None:
        """Destroy the hub's identity for good; nothing happens where there is none."""
        self._destroy(self._identity)

    def make_certifier(self, name: str) -> "TokenCertifier":
        """Make the key of a CA; raises FileExistsError where there is one of this name, or TokenFailed."""
        self._make(name, "EC", _P256)
        made = self.certifier(name)
        if made is None:
            raise TokenFailed(f"{self._token!r} does not show the key that it just made")
        return made

    def certifier(self, name: str) -> "TokenCertifier | None":
        """Give the key of a CA, None where there is none of this name; raises TokenFailed."""
        point = self._point(name, _P256_POINT_BYTES)
        if point is None:
            return None
        key = TokenCertifier(self._token, self._label(name), point)
        key.check()
        return key

    def destroy_certifier(self, name: str) -> None:
        """Destroy the key of a CA for good; nothing happens where there is none."""
        self._destroy(name)

    def _destroy(self, name: str) -> None:
        import pkcs11

        def work(session: "pkcs11.Session") -> None:
            for sort in (pkcs11.ObjectClass.PRIVATE_KEY, pkcs11.ObjectClass.PUBLIC_KEY):
                for found in list(session.get_objects(_named(self._label(name), sort))):
                    found.destroy()

        self._token.run(work)

    def _label(self, name: str) -> str:
        return f"{self._prefix}-{name}"

    def _make(self, name: str, sort: str, parameters: bytes) -> None:
        import pkcs11

        if self._point(name, None) is not None:
            raise FileExistsError(f"{self._token!r} holds a key '{self._label(name)}' already")
        hidden = {
            pkcs11.Attribute.SENSITIVE: True,
            pkcs11.Attribute.EXTRACTABLE: False,
            pkcs11.Attribute.SIGN: True,
            pkcs11.Attribute.DERIVE: False,
        }

        def work(session: "pkcs11.Session") -> None:
            domain = session.create_domain_parameters(
                pkcs11.KeyType[sort], {pkcs11.Attribute.EC_PARAMS: parameters}, local=True
            )
            label = self._label(name)
            domain.generate_keypair(store=True, label=label, id=label.encode(), private_template=hidden)

        self._token.run(work)

    def _point(self, name: str, length: int | None) -> bytes | None:
        """Give the point of a public key, None where there is no such key; raises TokenFailed for any other length."""
        import pkcs11

        def work(session: "pkcs11.Session") -> list[bytes]:
            found = session.get_objects(_named(self._label(name), pkcs11.ObjectClass.PUBLIC_KEY))
            return [bytes(it[pkcs11.Attribute.EC_POINT]) for it in list(found)]

        points = self._token.run(work)
        if len(points) > 1:
            raise TokenFailed(f"{self._token!r} holds several keys '{self._label(name)}'")
        if not points or length is None:
            return points[0] if points else None
        if len(points[0]) not in (length, length + 2):  # some tokens leave the OCTET STRING's two bytes away
            raise TokenFailed(f"the key '{self._label(name)}' is of another sort")
        return points[0][-length:]


class TokenSigner:
    """The hub's identity in a token."""

    signs_at_once: Final = False

    def __init__(self, token: Token, label: str, public_key: bytes) -> None:
        self._token = token
        self._label = label
        self.public_key = public_key
        self._kept = lru_cache(_KEPT_SIGNATURES)(self._sign)

    def __repr__(self) -> str:
        return f"TokenSigner({key_id(self.public_key).hex()})"

    def statement(self, statement_type: str, payload: bytes) -> SignedStatement:
        """Give a statement, whose signature is kept unless nobody asks for it twice; raises TokenFailed."""
        signed = signed_bytes(statement_type, payload)
        signature = self._sign(signed) if statement_type == RECEIPT else self._kept(signed)
        return statement_of(self.public_key, statement_type, payload, signature)

    def sign_text(self, text: bytes) -> bytes:
        """Give the signature of a note's text; raises TokenFailed, or ValueError."""
        if b"\x00" in text:
            raise ValueError("a note's text has no byte 0x00")
        return self._sign(text)

    def check(self) -> None:
        """Raise TokenFailed unless the token signs under the public key that it shows."""
        challenge = os.urandom(_HALF_BYTES)
        try:
            Ed25519PublicKey.from_public_bytes(self.public_key).verify(self._sign(challenge), challenge)
        except (InvalidSignature, ValueError):
            raise TokenFailed(f"the key '{self._label}' does not sign as its public half says") from None

    def _sign(self, message: bytes) -> bytes:
        return _signature(self._token, self._label, "EDDSA", message)


class TokenCertifier(ec.EllipticCurvePrivateKey):
    """The key of a CA in a token, for the builders of `cryptography`: it signs, and does nothing else."""

    def __init__(self, token: Token, label: str, point: bytes) -> None:
        self._token = token
        self._label = label
        self._public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)

    def __repr__(self) -> str:
        return f"TokenCertifier({self._label!r})"

    def __copy__(self) -> "TokenCertifier":
        return self

    def __deepcopy__(self, _memo: dict[int, Any]) -> "TokenCertifier":
        return self

    @property
    def curve(self) -> ec.EllipticCurve:
        """P-256."""
        return ec.SECP256R1()

    @property
    def key_size(self) -> int:
        """Bits."""
        return self.curve.key_size

    def public_key(self) -> ec.EllipticCurvePublicKey:
        """Give the public half."""
        return self._public

    def sign(self, data: Any, signature_algorithm: ec.EllipticCurveSignatureAlgorithm) -> bytes:  # noqa: ANN401
        """Sign by ECDSA with SHA-256, DER; raises TokenFailed."""
        if not isinstance(signature_algorithm.algorithm, hashes.SHA256):
            raise TypeError("a CA signs with SHA-256")
        raw = _signature(self._token, self._label, "ECDSA", sha256(data).digest())
        return encode_dss_signature(*(int.from_bytes(it, "big") for it in (raw[:_HALF_BYTES], raw[_HALF_BYTES:])))

    def check(self) -> None:
        """Raise TokenFailed unless the token signs under the public key that it shows."""
        challenge, algorithm = os.urandom(_HALF_BYTES), ec.ECDSA(hashes.SHA256())
        try:
            self._public.verify(self.sign(challenge, algorithm), challenge, algorithm)
        except InvalidSignature:
            raise TokenFailed(f"the key '{self._label}' does not sign as its public half says") from None

    def exchange(self, algorithm: ec.ECDH, peer_public_key: ec.EllipticCurvePublicKey) -> NoReturn:  # noqa: ARG002
        """Refuse: the key signs alone."""
        raise TypeError("this key signs, and does nothing else")

    def private_numbers(self) -> NoReturn:
        """Refuse: the key stays in its token."""
        raise TypeError("this key stays in its token")

    def private_bytes(
        self,
        encoding: serialization.Encoding,  # noqa: ARG002 - the interface's
        format: serialization.PrivateFormat,  # noqa: A002, ARG002
        encryption_algorithm: serialization.KeySerializationEncryption,  # noqa: ARG002
    ) -> NoReturn:
        """Refuse: the key stays in its token."""
        raise TypeError("this key stays in its token")


def _named(label: str, sort: "pkcs11.ObjectClass") -> dict["pkcs11.Attribute", Any]:
    import pkcs11

    return {pkcs11.Attribute.LABEL: label, pkcs11.Attribute.CLASS: sort}


def _signature(token: Token, label: str, mechanism: str, message: bytes) -> bytes:
    import pkcs11

    def work(session: "pkcs11.Session") -> bytes:
        key: Any = session.get_key(object_class=pkcs11.ObjectClass.PRIVATE_KEY, label=label)
        return bytes(key.sign(message, mechanism=pkcs11.Mechanism[mechanism]))

    return token.run(work)
