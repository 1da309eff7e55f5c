"""What a party does to a whole batch, over packed bytes, so that faster code can stand beside the readable one.

Rules:

- packed means concatenated without separators: 32·n bytes of elements, scalars, keys or tags, 64·n of outputs;
- every backend gives the same bytes and the same errors as `ReferenceBackend`; one contract suite
  (`tests/contract/test_backend_contract.py`) runs over all of them;
- what comes from the other party becomes `Elements` by strict decoding, once for all that follows and before anything
  is computed with it; a proof is verified before anything is unblinded; a batch of 0 or of more than 4,096 items is
  refused: `InvalidBatch` for a wrong number of bytes or items, `InvalidElement` for bytes that are no element,
  `ProofInvalid` for a proof;
- a backend may be called from several threads at once. `threads` is how many it may use for a call, the
  caller's own included; the reference always uses that one alone. A process that was forked after a native call with
  several threads has them no more and must keep to one.

What it does not do: see to it that blinds serve once (`tagging.py`), or know of shapes and deltas (`bloom.py`).

Chosen once a process: the native wheel (`native/`) where it is installed, else the reference; the environment
variable `ALLIANCE_BACKEND` insists on one.
"""

import functools
import importlib.util
import os
from collections.abc import Sequence
from typing import Final, Protocol, runtime_checkable

from alliance.crypto.group import RandomBytes
from alliance.crypto.secret import Secret
from alliance.errors import AllianceError

ENVIRONMENT_VARIABLE: Final = "ALLIANCE_BACKEND"
NATIVE_MODULE: Final = "alliance_native"

Bits = bytearray | memoryview


class BackendUnavailable(AllianceError):
    """The backend that was asked for is unknown, not installed, or does not load."""


class Elements(Protocol):
    """Elements that a backend decoded or made, as it computes with them: of use to that backend alone."""

    @property
    def encoded(self) -> bytes:
        """Their packed encodings."""

    def __len__(self) -> int: ...


@runtime_checkable
class Backend(Protocol):
    """The arithmetic of one party on a batch."""

    @property
    def name(self) -> str:
        """The word that selects it: `reference` or `native`."""

    @property
    def description(self) -> str:
        """One line for `doctor`: which arithmetic, which version."""

    # -- the VOPRF, on 1 to 4,096 items ------------------------------------------------------------------------

    def random_scalars(self, count: int, *, random_bytes: RandomBytes = os.urandom) -> Secret:
        """Draw packed scalars, uniform and not zero, from 64 bytes each (RFC 9497 §4.7.2)."""

    def blind_additive(self, inputs: Sequence[bytes], offsets: Secret, *, threads: int = 1) -> Elements:
        """Give H(x) + r·G for each input and its offset r (protocol §2); raises InvalidInputError."""

    def blind_multiplicative(self, inputs: Sequence[bytes], blinds: Secret, *, threads: int = 1) -> Elements:
        """Give blind·H(x) for each input and its blind (RFC 9497 §3.3.1); raises InvalidInputError."""

    def decode_elements(self, packed: bytes, *, threads: int = 1) -> Elements:
        """Decode packed elements as RFC 9496 says; raises InvalidElement, InvalidBatch."""

    def decode_many(self, calls: Sequence[bytes], *, threads: int = 1) -> list[Elements | AllianceError]:
        """Do as `decode_elements` with each of several calls; gives what it would give or raise."""

    def evaluate(
        self, secret_key: Secret, blinded: Elements, *, random_bytes: RandomBytes = os.urandom, threads: int = 1
    ) -> tuple[bytes, bytes]:
        """Multiply and prove (RFC 9497 §3.3.2); gives packed elements and 64 bytes of proof.

        The proof's nonce comes from 64 random bytes reduced, so that one source gives one proof on every backend.
        """

    def evaluate_many(
        self,
        secret_key: Secret,
        calls: Sequence[Elements],
        *,
        random_bytes: RandomBytes = os.urandom,
        threads: int = 1,
    ) -> list[tuple[bytes, bytes]]:
        """Do as `evaluate` with each of several calls: a proof each."""

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
        """Verify the proof, unblind with k·B - r·pk, hash to packed outputs of 64 bytes (RFC 9497 §3.3.2)."""

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
        """Verify the proof, unblind with 1/blind, hash to packed outputs of 64 bytes (RFC 9497 §3.3.2)."""

    # -- what goes with it, on any number of items -------------------------------------------------------------

    def derive_keys(self, seeds: Secret, info: bytes, *, threads: int = 1) -> Secret:
        """Give HKDF-SHA256(seed, info, 32) of each packed seed of 32 bytes (RFC 5869, empty salt)."""

    def sign_messages(self, seed: Secret, prefix: bytes, messages: Sequence[bytes], *, threads: int = 1) -> list[bytes]:
        """Give the Ed25519 signature of each message, the prefix before it, under a seed (RFC 8032 §5.1.6)."""

    def verify_signatures(
        self,
        public_key: bytes,
        prefix: bytes,
        messages: Sequence[bytes],
        signatures: Sequence[bytes],
        *,
        threads: int = 1,
    ) -> list[bool]:
        """Say of each message, the prefix before it, whether its Ed25519 signature holds (RFC 8032), one by one."""

    def find_handles(
        self, label_keys: Secret, entry_ids: bytes, handles: bytes, *, threads: int = 1
    ) -> list[tuple[int, int]]:
        """Find the entries of a bucket that are of packed label keys; gives pairs of places, the entry's first.

        Entry ids and handles are packed, 16 bytes each (protocol §4); handles are compared in constant time.
        """

    def set_tags(self, bits: Bits, m: int, seed: int, tags: bytes, *, threads: int = 1) -> None:
        """Set the bits of packed tags in the m/8 bytes of a filter (protocol §5)."""

    def set_new_tags(self, bits: Bits, m: int, seed: int, tags: bytes, *, threads: int = 1) -> list[int]:
        """Set the bits of packed tags; gives the positions that were clear before, increasing, each once."""

    def query_tags(self, bits: bytes | Bits, m: int, seed: int, tags: bytes, *, threads: int = 1) -> list[int]:
        """Give the places, increasing, of the packed tags all of whose bits are set."""


def select(name: str | None = None) -> Backend:
    """Give the backend of that name, or of the environment variable, or the best one that is installed.

    Raises BackendUnavailable if the name is unknown, or `native` is asked for and its wheel is not installed.
    A wheel that is installed and does not load is an error too, rather than a silent loss of speed.
    """
    wanted = name or os.environ.get(ENVIRONMENT_VARIABLE) or None
    if wanted not in (None, "reference", "native"):
        raise BackendUnavailable(f"{ENVIRONMENT_VARIABLE} is 'reference', 'native' or unset")
    if wanted == "reference" or (wanted is None and not _native_is_installed()):
        from alliance.crypto.backend.reference import ReferenceBackend

        return ReferenceBackend()
    return _native()


def _native_is_installed() -> bool:
    return importlib.util.find_spec(NATIVE_MODULE) is not None


def _native() -> Backend:
    if not _native_is_installed():
        raise BackendUnavailable(f"the native backend is not installed: no module {NATIVE_MODULE}")
    try:
        from alliance.crypto.backend.native import NativeBackend

        return NativeBackend()
    except Exception as error:
        raise BackendUnavailable(f"the native backend is installed but does not load: {error}") from error


@functools.cache
def backend() -> Backend:
    """Give this process's backend: `select()`, once."""
    return select()
