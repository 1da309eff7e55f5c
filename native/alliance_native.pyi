"""Native arithmetic of the alliance hub, in batches over packed bytes: RFC 9497 and what goes with it.

Packed means concatenated: 32·n bytes of elements or scalars. Every function takes the number of threads that it may
use, at least 1, and releases the interpreter's lock. `alliance.crypto.backend.native` is the caller.
"""

from collections.abc import Sequence

from typing_extensions import Buffer

__version__: str
INTERFACE: int
"""Counted up when a function or an argument changes."""

class BatchFault(Exception):
    """A wrong number of bytes or items; the argument says which."""

class ElementFault(Exception):
    """No element of the group, or the identity: `(place, is_identity)`."""

class KeyFault(Exception):
    """A public key that does not decode, or a seed of another length."""

class ScalarFault(Exception):
    """A scalar that is zero or not canonical."""

class InputFault(Exception):
    """An input that is too long or hashes to the identity."""

class ProofFault(Exception):
    """A proof that does not verify."""

def reduce_scalars(wide: bytes) -> bytes:
    """Reduce strings of 64 uniform bytes modulo the order; raises BatchFault, and ScalarFault for zero."""

class Elements:
    """Elements that were decoded or made here, kept as they are computed with."""

    @property
    def encoded(self) -> bytes:
        """Packed encodings."""

    def __len__(self) -> int: ...

def blind_additive(inputs: Sequence[bytes], offsets: bytes, threads: int) -> Elements:
    """Give H(x) + r·G for each input; raises BatchFault, ScalarFault, InputFault."""

def blind_multiplicative(inputs: Sequence[bytes], blinds: bytes, threads: int) -> Elements:
    """Give blind·H(x) for each input; raises BatchFault, ScalarFault, InputFault."""

def decode_elements(packed: bytes, threads: int) -> Elements:
    """Decode strictly; raises BatchFault, ElementFault."""

def decode_many(calls: Sequence[bytes], threads: int) -> list[Elements | BatchFault | ElementFault]:
    """Decode each call's elements; gives them, or a fault, for each."""

def evaluate(secret: bytes, elements: Elements, nonce: bytes, threads: int) -> tuple[bytes, bytes]:
    """Multiply and prove with a nonce of 64 uniform bytes; raises ScalarFault."""

def evaluate_many(secret: bytes, calls: Sequence[Elements], nonces: bytes, threads: int) -> list[tuple[bytes, bytes]]:
    """Evaluate calls with 64 bytes of nonce each; gives elements and a proof for each; raises ScalarFault."""

def finalize_additive(
    inputs: Sequence[bytes],
    offsets: bytes,
    blinded: Elements,
    evaluated: bytes,
    proof: bytes,
    public_key: bytes,
    threads: int,
) -> bytes:
    """Verify, unblind and hash to packed outputs of 64 bytes; raises every fault."""

def finalize_multiplicative(
    inputs: Sequence[bytes],
    blinds: bytes,
    blinded: Elements,
    evaluated: bytes,
    proof: bytes,
    public_key: bytes,
    threads: int,
) -> bytes:
    """Verify, unblind and hash to packed outputs of 64 bytes; raises every fault."""

def sign_messages(seed: bytes, prefix: bytes, messages: Sequence[bytes], threads: int) -> list[bytes]:
    """Give the Ed25519 signature of each message, the prefix before it, under a seed of 32 bytes; raises KeyFault."""

def verify_signatures(
    public_key: bytes, prefix: bytes, messages: Sequence[bytes], signatures: Sequence[bytes], threads: int
) -> list[bool]:
    """Say of each message, the prefix before it, whether its Ed25519 signature holds; raises BatchFault, KeyFault."""

def derive_keys(seeds: bytes, info: bytes, threads: int) -> bytes:
    """Give HKDF-SHA256 of each packed seed, 32 bytes each; raises BatchFault."""

def find_handles(keys: bytes, entry_ids: bytes, handles: bytes, threads: int) -> list[tuple[int, int]]:
    """Give the places of entries with that of the label key whose handle they carry; raises BatchFault."""

def set_tags(bits: Buffer, m: int, seed: int, tags: bytes, threads: int) -> None:
    """Set the bits of packed tags in a writable buffer of m/8 bytes; raises BatchFault."""

def set_new_tags(bits: Buffer, m: int, seed: int, tags: bytes, threads: int) -> list[int]:
    """Set the bits of packed tags; gives the positions that were clear, increasing; raises BatchFault."""

def query_tags(bits: Buffer, m: int, seed: int, tags: bytes, threads: int) -> list[int]:
    """Give the places of the packed tags that the bits may hold, increasing; raises BatchFault."""

def multiply_repeatedly(rounds: int) -> bytes:
    """Do so many constant-time multiplications of a point, one after the other: a measure for everything else."""
