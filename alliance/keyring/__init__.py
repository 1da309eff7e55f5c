"""Keys at rest: sealed files, and where their passphrase comes from."""

from alliance.keyring.passphrase import obtain_passphrase
from alliance.keyring.store import KeyStore

__all__ = ["KeyStore", "obtain_passphrase"]
