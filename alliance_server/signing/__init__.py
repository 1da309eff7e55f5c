"""The hub's keys that sign, wherever they lie: sealed files, or a PKCS#11 token that they never leave."""

from alliance_server.signing.port import SigningKeys
from alliance_server.signing.sealed import SealedSigningKeys

__all__ = ["SealedSigningKeys", "SigningKeys"]
