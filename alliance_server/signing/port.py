"""What the hub needs of whatever keeps its signing keys; `tests/contract/test_key_store_contract.py` holds both."""

from typing import Protocol

from cryptography.hazmat.primitives.asymmetric import ec

from alliance.crypto.signing import Signer


class SigningKeys(Protocol):
    """An Ed25519 identity, and ECDSA P-256 keys of CAs by name: 1 to 32 letters, digits and hyphens.

    Of a CA's key only `sign` and `public_key` are used; a key may refuse everything else. Methods block.
    """

    def make_identity(self) -> Signer:
        """Make the hub's identity; raises FileExistsError where there is one."""

    def identity(self) -> Signer:
        """Give the hub's identity; raises KeyFileInvalid or TokenFailed."""

    def destroy_identity(self) -> None:
        """Destroy the hub's identity for good; nothing happens where there is none."""

    def make_certifier(self, name: str) -> ec.EllipticCurvePrivateKey:
        """Make the key of a CA; raises FileExistsError where there is one of this name."""

    def certifier(self, name: str) -> ec.EllipticCurvePrivateKey | None:
        """Give the key of a CA, None where there is none of this name; raises KeyFileInvalid or TokenFailed."""

    def destroy_certifier(self, name: str) -> None:
        """Destroy the key of a CA for good; nothing happens where there is none."""
