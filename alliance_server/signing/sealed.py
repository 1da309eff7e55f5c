"""Signing keys in sealed files: opened into memory, where they sign."""

from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec

from alliance.certificates import generate_key, load_key
from alliance.crypto.signing import SigningKey
from alliance.keyring import KeyStore

IDENTITY: Final = "identity"


class SealedSigningKeys:
    """Signing keys of a folder of sealed files."""

    def __init__(self, store: KeyStore) -> None:
        self._store = store

    def __repr__(self) -> str:
        return f"SealedSigningKeys({str(self._store.folder)!r})"

    def make_identity(self) -> SigningKey:
        """Make the hub's identity; raises FileExistsError where there is one."""
        self._check_free(IDENTITY)
        key, seed = SigningKey.generate()
        self._store.put(IDENTITY, seed)
        return key

    def identity(self) -> SigningKey:
        """Give the hub's identity; raises KeyFileInvalid."""
        return SigningKey(self._store.get(IDENTITY))

    def destroy_identity(self) -> None:
        """Destroy the hub's identity for good; nothing happens where there is none."""
        self._store.remove(IDENTITY)

    def make_certifier(self, name: str) -> ec.EllipticCurvePrivateKey:
        """Make the key of a CA; raises FileExistsError where there is one of this name."""
        self._check_free(name)
        key = generate_key()
        self._store.put(name, key)
        return load_key(key)

    def certifier(self, name: str) -> ec.EllipticCurvePrivateKey | None:
        """Give the key of a CA, None where there is none of this name; raises KeyFileInvalid."""
        return load_key(self._store.get(name)) if name in self._store else None

    def destroy_certifier(self, name: str) -> None:
        """Destroy the key of a CA for good; nothing happens where there is none."""
        self._store.remove(name)

    def _check_free(self, name: str) -> None:
        if name in self._store:
            raise FileExistsError(f"{self._store.folder} holds a key '{name}' already")
