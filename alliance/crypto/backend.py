"""What a party does to a whole batch, over packed bytes, so that faster code can stand beside it.

Rules:

- packed means concatenated without separators: 32·n bytes of elements or scalars, 64·n bytes of outputs;
- every backend gives the same bytes and the same errors as `ReferenceBackend`; one contract suite
  (`tests/contract/test_backend_contract.py`) runs over all of them;
- what comes from the other party is decoded strictly before anything is computed with it (`evaluate`,
  `verify`), and a batch of 0 or of more than 4,096 items is refused: `InvalidBatch` for a wrong number of
  bytes or items, `InvalidElement` for bytes that are no element, `ProofInvalid` for a proof;
- a backend holds no state and may be called from several threads at once.

What it does not do: draw blinds and see to it that they serve once, or insist that `verify` comes before
`unblind_...`: `tagging.py` does both and is what programs call.

A native wheel is named `alliance_native` and offers `NativeBackend()`, an object with `Backend`'s methods.
It takes the `Secret` arguments as they are (`.reveal()`) and draws the proof's nonce from `random_bytes(64)`,
reduced modulo the order, so that one source of randomness gives one proof on every backend.
"""

import functools
import importlib
import importlib.util
import os
from collections.abc import Sequence
from typing import Final, Protocol, runtime_checkable

from alliance.crypto import group, oprf
from alliance.crypto.group import Element, RandomBytes, Scalar
from alliance.crypto.secret import Secret
from alliance.errors import AllianceError, InvalidBatch, InvalidElement

ENVIRONMENT_VARIABLE: Final = "ALLIANCE_BACKEND"
NATIVE_MODULE: Final = "alliance_native"


class BackendUnavailable(AllianceError):
    """The backend that was asked for is unknown, not installed, or does not load."""


@runtime_checkable
class Backend(Protocol):
    """The arithmetic of one party on a batch of 1 to 4,096 items."""

    @property
    def name(self) -> str:
        """The word that selects it: `reference` or `native`."""

    @property
    def description(self) -> str:
        """One line for `doctor`: which arithmetic, which version."""

    def blind_additive(self, inputs: Sequence[bytes], offsets: Secret) -> bytes:
        """Give H(x) + r·G for each input and its offset r (protocol §2); raises InvalidInputError."""

    def blind_multiplicative(self, inputs: Sequence[bytes], blinds: Secret) -> bytes:
        """Give blind·H(x) for each input and its blind (RFC 9497 §3.3.1); raises InvalidInputError."""

    def decode_elements(self, packed: bytes) -> None:
        """Decode packed elements as RFC 9496 says; raises InvalidElement, InvalidBatch."""

    def evaluate(
        self, secret_key: Secret, blinded: bytes, *, random_bytes: RandomBytes = os.urandom
    ) -> tuple[bytes, bytes]:
        """Decode, multiply and prove (RFC 9497 §3.3.2); gives packed elements and 64 bytes of proof."""

    def verify(self, public_key: bytes, blinded: bytes, evaluated: bytes, proof: bytes) -> None:
        """Decode what the evaluator sent and check its proof (RFC 9497 §2.2.2); raises ProofInvalid."""

    def unblind_additive(self, evaluated: bytes, offsets: Secret, public_key: bytes) -> bytes:
        """Give k·B - r·pk for each verified element and its offset."""

    def unblind_multiplicative(self, evaluated: bytes, blinds: Secret) -> bytes:
        """Give 1/blind · Z for each verified element and its blind."""

    def finalize(self, inputs: Sequence[bytes], unblinded: bytes) -> bytes:
        """Hash inputs and their unblinded elements to packed outputs of 64 bytes (RFC 9497 §3.3.1)."""


class ReferenceBackend:
    """RFC 9497 as `oprf.py` spells it, on libsodium, one item after the other."""

    name = "reference"
    description = "reference: libsodium through rbcl, one thread a call, releases the GIL within operations"

    def blind_additive(self, inputs: Sequence[bytes], offsets: Secret) -> bytes:
        """See `Backend`."""
        pairs = _paired(inputs, _scalars(offsets))
        return b"".join(oprf.blind_additively_with(item, offset) for item, offset in pairs)

    def blind_multiplicative(self, inputs: Sequence[bytes], blinds: Secret) -> bytes:
        """See `Backend`."""
        return b"".join(oprf.blind_with(item, blind) for item, blind in _paired(inputs, _scalars(blinds)))

    def decode_elements(self, packed: bytes) -> None:
        """See `Backend`."""
        _decoded(packed)

    def evaluate(
        self, secret_key: Secret, blinded: bytes, *, random_bytes: RandomBytes = os.urandom
    ) -> tuple[bytes, bytes]:
        """See `Backend`."""
        elements = _decoded(blinded)
        key = group.deserialise_secret_scalar(secret_key.reveal())
        public_key = group.scalar_mult_base(key)
        evaluated, proof = oprf.blind_evaluate(key, public_key, elements, random_bytes=random_bytes)
        return b"".join(evaluated), proof.to_bytes()

    def verify(self, public_key: bytes, blinded: bytes, evaluated: bytes, proof: bytes) -> None:
        """See `Backend`."""
        key = group.deserialise_element(public_key)
        statement = oprf.Proof.from_bytes(proof)
        if len(evaluated) != len(blinded):
            raise InvalidBatch("the reply has another number of elements than the request")
        # The blinded elements are the caller's own; still, a rule that decodes everything has no exceptions.
        oprf.verify_proof(group.GENERATOR, key, _decoded(blinded), _decoded(evaluated), statement)

    def unblind_additive(self, evaluated: bytes, offsets: Secret, public_key: bytes) -> bytes:
        """See `Backend`."""
        key = group.deserialise_element(public_key)
        elements, scalars = _split(evaluated), _scalars(offsets)
        _same_number(elements, scalars)
        return b"".join(oprf.unblind_additively(scalars, [Element(element) for element in elements], key))

    def unblind_multiplicative(self, evaluated: bytes, blinds: Secret) -> bytes:
        """See `Backend`."""
        elements, scalars = _split(evaluated), _scalars(blinds)
        _same_number(elements, scalars)
        return b"".join(oprf.unblind(scalars, [Element(element) for element in elements]))

    def finalize(self, inputs: Sequence[bytes], unblinded: bytes) -> bytes:
        """See `Backend`."""
        elements = _split(unblinded)
        _same_number(inputs, elements)
        pairs = zip(inputs, elements, strict=True)
        return b"".join(oprf.finalize_output(item, Element(element)) for item, element in pairs)


def _split(packed: bytes) -> list[bytes]:
    """Cut packed elements or scalars, after a look at their number; raises InvalidBatch."""
    count, rest = divmod(len(packed), group.ELEMENT_BYTES)
    if rest:
        raise InvalidBatch("a batch is a multiple of 32 bytes")
    oprf.check_count(count)
    return [packed[start : start + 32] for start in range(0, len(packed), 32)]


def _decoded(packed: bytes) -> list[Element]:
    """Cut and decode packed elements; the first bad one is named by its place."""
    elements = []
    for place, encoding in enumerate(_split(packed)):
        try:
            elements.append(group.deserialise_element(encoding))
        except InvalidElement as error:
            raise InvalidElement(f"item {place}: {error}") from error
    return elements


def _scalars(packed: Secret) -> list[Scalar]:
    """Cut and check packed blinds or offsets; raises InvalidScalarError for zero or a scalar not reduced."""
    return [group.deserialise_secret_scalar(encoding) for encoding in _split(packed.reveal())]


def _same_number(left: Sequence[bytes], right: Sequence[bytes]) -> None:
    """Refuse lists that should go together and do not."""
    if len(left) != len(right):
        raise InvalidBatch("the parts of a batch differ in number")


def _paired(inputs: Sequence[bytes], scalars: Sequence[Scalar]) -> Sequence[tuple[bytes, Scalar]]:
    _same_number(inputs, scalars)
    return list(zip(inputs, scalars, strict=True))


def select(name: str | None = None) -> Backend:
    """Give the backend of that name, or of the environment variable, or the best one that is installed.

    Raises BackendUnavailable if the name is unknown, or `native` is asked for and its wheel is not installed.
    A wheel that is installed and does not load is an error too, rather than a silent loss of speed.
    """
    wanted = name or os.environ.get(ENVIRONMENT_VARIABLE) or None
    if wanted == "reference":
        return ReferenceBackend()
    if wanted == "native":
        return _native()
    if wanted is not None:
        raise BackendUnavailable(f"{ENVIRONMENT_VARIABLE} is 'reference', 'native' or unset")
    return _native() if _native_is_installed() else ReferenceBackend()


def _native_is_installed() -> bool:
    return importlib.util.find_spec(NATIVE_MODULE) is not None


def _native() -> Backend:
    """Load the native wheel."""
    if not _native_is_installed():
        raise BackendUnavailable(f"the native backend is not installed: no module {NATIVE_MODULE}")
    try:
        native = importlib.import_module(NATIVE_MODULE).NativeBackend()
    except Exception as error:
        raise BackendUnavailable(f"the native backend is installed but does not load: {error}") from error
    if not isinstance(native, Backend):
        raise BackendUnavailable("the native backend is of another version: it lacks methods")
    return native


@functools.cache
def backend() -> Backend:
    """Give this process's backend: `select()`, once."""
    return select()
