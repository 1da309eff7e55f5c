"""The native wheel (`native/`) behind the `Backend` protocol: secrets opened, faults turned into this project's errors.

The wheel knows nothing of this project but bytes; it is given them as they are and copies none but to wipe them.
"""

import os
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

import alliance_native as native

from alliance.crypto import oprf
from alliance.crypto.backend import Bits, Elements
from alliance.crypto.group import InvalidScalarError, RandomBytes
from alliance.crypto.oprf import InvalidInputError
from alliance.crypto.secret import Secret
from alliance.errors import AllianceError, InvalidBatch, InvalidElement, ProofInvalid

T = TypeVar("T")

INTERFACE: Final = 1
"""The wheel's functions as this module calls them."""
_WIDE_BYTES: Final = 64
_FAULTS = (
    native.BatchFault,
    native.ElementFault,
    native.KeyFault,
    native.ScalarFault,
    native.InputFault,
    native.ProofFault,
)


def _error_of(fault: Exception) -> AllianceError:
    """Give this project's error for a fault of the wheel."""
    match fault:
        case native.BatchFault():
            return InvalidBatch(str(fault))
        case native.ElementFault(args=(place, is_identity)):
            why = "the identity is refused" if is_identity else "not a canonical encoding of a ristretto255 element"
            return InvalidElement(f"item {place}: {why}")
        case native.KeyFault():
            return InvalidElement("the public key is not an element of ristretto255")
        case native.ScalarFault():
            return InvalidScalarError("a secret scalar is canonical and not zero")
        case native.InputFault():
            return InvalidInputError("an input has at most 65,535 bytes and does not hash to the identity")
        case _:
            return ProofInvalid("the proof does not verify under this public key")


def _call(function: Callable[..., T], *arguments: object) -> T:
    try:
        return function(*arguments)
    except _FAULTS as fault:
        raise _error_of(fault) from None
    except Exception:
        raise
    except BaseException as panic:
        # A panic in Rust comes as an exception that nobody catches by accident; here it is a fault like any other.
        if isinstance(panic, KeyboardInterrupt | SystemExit):
            raise
        raise RuntimeError("the native backend panicked") from None


class NativeBackend:
    """The functions of the wheel."""

    name = "native"
    description = f"native: curve25519-dalek in Rust, wheel {native.__version__}, the processor's vector instructions"

    def __init__(self) -> None:
        """Raise ImportError where the wheel is of another version."""
        if native.INTERFACE != INTERFACE:
            raise ImportError(f"the wheel has interface {native.INTERFACE}, this version needs {INTERFACE}")

    def random_scalars(self, count: int, *, random_bytes: RandomBytes = os.urandom) -> Secret:
        """See `Backend`."""
        oprf.check_count(count)
        return Secret(_call(native.reduce_scalars, random_bytes(_WIDE_BYTES * count)))

    def blind_additive(self, inputs: Sequence[bytes], offsets: Secret, *, threads: int = 1) -> Elements:
        """See `Backend`."""
        return _call(native.blind_additive, inputs, offsets.reveal(), threads)

    def blind_multiplicative(self, inputs: Sequence[bytes], blinds: Secret, *, threads: int = 1) -> Elements:
        """See `Backend`."""
        return _call(native.blind_multiplicative, inputs, blinds.reveal(), threads)

    def decode_elements(self, packed: bytes, *, threads: int = 1) -> Elements:
        """See `Backend`."""
        return _call(native.decode_elements, packed, threads)

    def decode_many(self, calls: Sequence[bytes], *, threads: int = 1) -> list[Elements | AllianceError]:
        """See `Backend`."""
        outcomes = _call(native.decode_many, calls, threads)
        return [_error_of(outcome) if isinstance(outcome, Exception) else outcome for outcome in outcomes]

    def evaluate(
        self, secret_key: Secret, blinded: Elements, *, random_bytes: RandomBytes = os.urandom, threads: int = 1
    ) -> tuple[bytes, bytes]:
        """See `Backend`."""
        return _call(native.evaluate, secret_key.reveal(), blinded, random_bytes(_WIDE_BYTES), threads)

    def evaluate_many(
        self,
        secret_key: Secret,
        calls: Sequence[Elements],
        *,
        random_bytes: RandomBytes = os.urandom,
        threads: int = 1,
    ) -> list[tuple[bytes, bytes]]:
        """See `Backend`."""
        nonces = b"".join(random_bytes(_WIDE_BYTES) for _ in calls)
        return _call(native.evaluate_many, secret_key.reveal(), calls, nonces, threads)

    def finalize_additive(
        self,
        inputs: Sequence[bytes],
        offsets: Secret,
        blinded: Elements,
        evaluated: bytes,
        proof: bytes,
        public_key: bytes,
        *,
        threads: int = 1,
    ) -> bytes:
        """See `Backend`."""
        return _call(native.finalize_additive, inputs, offsets.reveal(), blinded, evaluated, proof, public_key, threads)

    def finalize_multiplicative(
        self,
        inputs: Sequence[bytes],
        blinds: Secret,
        blinded: Elements,
        evaluated: bytes,
        proof: bytes,
        public_key: bytes,
        *,
        threads: int = 1,
    ) -> bytes:
        """See `Backend`."""
        return _call(
            native.finalize_multiplicative, inputs, blinds.reveal(), blinded, evaluated, proof, public_key, threads
        )

    def derive_keys(self, seeds: Secret, info: bytes, *, threads: int = 1) -> Secret:
        """See `Backend`."""
        return Secret(_call(native.derive_keys, seeds.reveal(), info, threads))

    def sign_messages(self, seed: Secret, prefix: bytes, messages: Sequence[bytes], *, threads: int = 1) -> list[bytes]:
        """See `Backend`."""
        return _call(native.sign_messages, seed.reveal(), prefix, messages, threads)

    def verify_signatures(
        self,
        public_key: bytes,
        prefix: bytes,
        messages: Sequence[bytes],
        signatures: Sequence[bytes],
        *,
        threads: int = 1,
    ) -> list[bool]:
        """See `Backend`."""
        return _call(native.verify_signatures, public_key, prefix, messages, signatures, threads)

    def find_handles(
        self, label_keys: Secret, entry_ids: bytes, handles: bytes, *, threads: int = 1
    ) -> list[tuple[int, int]]:
        """See `Backend`."""
        return _call(native.find_handles, label_keys.reveal(), entry_ids, handles, threads)

    def set_tags(self, bits: Bits, m: int, seed: int, tags: bytes, *, threads: int = 1) -> None:
        """See `Backend`."""
        _call(native.set_tags, bits, m, seed, tags, threads)

    def set_new_tags(self, bits: Bits, m: int, seed: int, tags: bytes, *, threads: int = 1) -> list[int]:
        """See `Backend`."""
        return _call(native.set_new_tags, bits, m, seed, tags, threads)

    def query_tags(self, bits: bytes | Bits, m: int, seed: int, tags: bytes, *, threads: int = 1) -> list[int]:
        """See `Backend`."""
        return _call(native.query_tags, bits, m, seed, tags, threads)
