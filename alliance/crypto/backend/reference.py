"""The backend to be read: RFC 9497 as `oprf.py` spells it, on libsodium, one item after the other."""

import hmac
import os
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Final, TypeVar

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from mmh3 import mmh3_x64_128_utupledigest as murmur

from alliance.crypto import group, hashing, oprf
from alliance.crypto.backend import Bits, Elements
from alliance.crypto.group import Element, RandomBytes, Scalar
from alliance.crypto.oprf import InvalidInputError
from alliance.crypto.secret import Secret
from alliance.errors import AllianceError, InvalidBatch, InvalidElement

_KEY_BYTES: Final = 32
_TAG_BYTES: Final = 32
_ENTRY_ID_BYTES: Final = 16
_HANDLE_BYTES: Final = 16
_HANDLE_PREFIX: Final = b"handle"
_PROBES: Final = range(1, 11)
_MASK64: Final = 2**64 - 1

T = TypeVar("T")


class _Elements(tuple[Element, ...]):
    """Decoded elements; here they are computed with in their encodings."""

    __slots__ = ()

    @property
    def encoded(self) -> bytes:
        return b"".join(self)

    def __repr__(self) -> str:
        return f"Elements(<{len(self)} items>)"


def _own(elements: Elements) -> _Elements:
    if not isinstance(elements, _Elements):
        raise TypeError("elements of another backend")
    return elements


class ReferenceBackend:
    """Python over libsodium, OpenSSL and MurmurHash3."""

    name = "reference"
    description = "reference: libsodium through rbcl, one thread a call, releases the GIL within operations"

    # -- the VOPRF ---------------------------------------------------------------------------------------------

    def random_scalars(self, count: int, *, random_bytes: RandomBytes = os.urandom) -> Secret:
        """See `Backend`."""
        oprf.check_count(count)
        return Secret(b"".join(group.random_scalar(random_bytes) for _ in range(count)))

    def blind_additive(self, inputs: Sequence[bytes], offsets: Secret, *, threads: int = 1) -> Elements:  # noqa: ARG002
        """See `Backend`."""
        pairs = _paired(inputs, _scalars(offsets))
        return _Elements([oprf.blind_additively_with(item, offset) for item, offset in pairs])

    def blind_multiplicative(self, inputs: Sequence[bytes], blinds: Secret, *, threads: int = 1) -> Elements:  # noqa: ARG002
        """See `Backend`."""
        return _Elements([oprf.blind_with(item, blind) for item, blind in _paired(inputs, _scalars(blinds))])

    def decode_elements(self, packed: bytes, *, threads: int = 1) -> Elements:  # noqa: ARG002
        """See `Backend`."""
        return _Elements(_decoded(packed))

    def decode_many(self, calls: Sequence[bytes], *, threads: int = 1) -> list[Elements | AllianceError]:
        """See `Backend`."""
        return [_outcome(partial(self.decode_elements, call, threads=threads)) for call in calls]

    def evaluate(
        self,
        secret_key: Secret,
        blinded: Elements,
        *,
        random_bytes: RandomBytes = os.urandom,
        threads: int = 1,  # noqa: ARG002
    ) -> tuple[bytes, bytes]:
        """See `Backend`."""
        key = group.deserialise_secret_scalar(secret_key.reveal())
        public_key = group.scalar_mult_base(key)
        evaluated, proof = oprf.blind_evaluate(key, public_key, _own(blinded), random_bytes=random_bytes)
        return b"".join(evaluated), proof.to_bytes()

    def evaluate_many(
        self,
        secret_key: Secret,
        calls: Sequence[Elements],
        *,
        random_bytes: RandomBytes = os.urandom,
        threads: int = 1,  # noqa: ARG002
    ) -> list[tuple[bytes, bytes]]:
        """See `Backend`."""
        group.deserialise_secret_scalar(secret_key.reveal())  # looked at even if there is no call
        return [self.evaluate(secret_key, call, random_bytes=random_bytes) for call in calls]

    def finalize_additive(
        self,
        inputs: Sequence[bytes],
        offsets: Secret,
        blinded: Elements,
        evaluated: bytes,
        proof: bytes,
        public_key: bytes,
        *,
        threads: int = 1,  # noqa: ARG002
    ) -> bytes:
        """See `Backend`."""
        scalars = _scalars(offsets)
        key, elements = _verified(inputs, scalars, blinded, evaluated, proof, public_key)
        return _outputs(inputs, oprf.unblind_additively(scalars, elements, key))

    def finalize_multiplicative(
        self,
        inputs: Sequence[bytes],
        blinds: Secret,
        blinded: Elements,
        evaluated: bytes,
        proof: bytes,
        public_key: bytes,
        *,
        threads: int = 1,  # noqa: ARG002
    ) -> bytes:
        """See `Backend`."""
        scalars = _scalars(blinds)
        _, elements = _verified(inputs, scalars, blinded, evaluated, proof, public_key)
        return _outputs(inputs, oprf.unblind(scalars, elements))

    # -- what goes with it -------------------------------------------------------------------------------------

    def derive_keys(self, seeds: Secret, info: bytes, *, threads: int = 1) -> Secret:  # noqa: ARG002
        """See `Backend`."""
        keys = (hashing.hkdf_sha256(seed, info, _KEY_BYTES) for seed in _cut(seeds.reveal(), _KEY_BYTES))
        return Secret(b"".join(keys))

    def sign_messages(
        self,
        seed: Secret,
        prefix: bytes,
        messages: Sequence[bytes],
        *,
        threads: int = 1,  # noqa: ARG002
    ) -> list[bytes]:
        """See `Backend`."""
        if len(seed) != _KEY_BYTES:
            raise InvalidBatch("a seed has 32 bytes")
        key = Ed25519PrivateKey.from_private_bytes(seed.reveal())
        return [key.sign(prefix + message) for message in messages]

    def verify_signatures(
        self,
        public_key: bytes,
        prefix: bytes,
        messages: Sequence[bytes],
        signatures: Sequence[bytes],
        *,
        threads: int = 1,  # noqa: ARG002
    ) -> list[bool]:
        """See `Backend`."""
        _same_number(messages, signatures)
        try:
            key = Ed25519PublicKey.from_public_bytes(public_key)
        except ValueError:
            raise InvalidElement("an Ed25519 public key has 32 bytes") from None

        def holds(message: bytes, signature: bytes) -> bool:
            try:
                key.verify(signature, prefix + message)
            except InvalidSignature:
                return False
            return True

        return [holds(message, signature) for message, signature in zip(messages, signatures, strict=True)]

    def find_handles(
        self,
        label_keys: Secret,
        entry_ids: bytes,
        handles: bytes,
        *,
        threads: int = 1,  # noqa: ARG002
    ) -> list[tuple[int, int]]:
        """See `Backend`."""
        keys = list(_cut(label_keys.reveal(), _KEY_BYTES))
        entries, theirs = list(_cut(entry_ids, _ENTRY_ID_BYTES)), list(_cut(handles, _HANDLE_BYTES))
        _same_number(entries, theirs)

        def is_of(key: bytes, entry_id: bytes, handle: bytes) -> bool:
            ours = hmac.digest(key, _HANDLE_PREFIX + entry_id, "sha256")[:_HANDLE_BYTES]
            return hmac.compare_digest(ours, handle)

        return [
            (place, owner)
            for place, (entry_id, handle) in enumerate(zip(entries, theirs, strict=True))
            for owner, key in enumerate(keys)
            if is_of(key, entry_id, handle)
        ]

    def set_tags(self, bits: Bits, m: int, seed: int, tags: bytes, *, threads: int = 1) -> None:
        """See `Backend`."""
        self.set_new_tags(bits, m, seed, tags, threads=threads)

    def set_new_tags(self, bits: Bits, m: int, seed: int, tags: bytes, *, threads: int = 1) -> list[int]:  # noqa: ARG002
        """See `Backend`."""
        view = _view(bits, m)
        if view.readonly:
            raise InvalidBatch("the bits are writable")
        fresh: list[int] = []
        for tag in _cut(tags, _TAG_BYTES):
            for position in _positions(tag, m, seed):
                if not view[position >> 3] >> (position & 7) & 1:
                    view[position >> 3] |= 1 << (position & 7)
                    fresh.append(position)
        return sorted(fresh)

    def query_tags(self, bits: bytes | Bits, m: int, seed: int, tags: bytes, *, threads: int = 1) -> list[int]:  # noqa: ARG002
        """See `Backend`."""
        view = _view(bits, m)
        return [
            place
            for place, tag in enumerate(_cut(tags, _TAG_BYTES))
            if all(view[position >> 3] >> (position & 7) & 1 for position in _positions(tag, m, seed))
        ]


def _cut(packed: bytes, size: int) -> Iterator[bytes]:
    """Cut packed items; raises InvalidBatch where something is left over."""
    if len(packed) % size:
        raise InvalidBatch(f"a batch is a multiple of {size} bytes")
    return (packed[start : start + size] for start in range(0, len(packed), size))


def _split(packed: bytes) -> list[bytes]:
    """Cut packed elements or scalars and hold their number against the limits; raises InvalidBatch."""
    items = list(_cut(packed, group.ELEMENT_BYTES))
    oprf.check_count(len(items))
    return items


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


def _verified(  # noqa: PLR0913, RUF100 - what the RFC's Finalize takes
    inputs: Sequence[bytes],
    scalars: Sequence[Scalar],
    blinded: Elements,
    evaluated: bytes,
    proof: bytes,
    public_key: bytes,
) -> tuple[Element, list[Element]]:
    """Decode and verify a reply; gives the public key and the evaluated elements."""
    _same_number(inputs, scalars)
    if any(len(item) > oprf.MAX_INPUT_BYTES for item in inputs):
        raise InvalidInputError("an input has at most 65,535 bytes")
    key = group.deserialise_element(public_key)
    statement = oprf.Proof.from_bytes(proof)
    sent = _own(blinded)
    if len(evaluated) != group.ELEMENT_BYTES * len(sent):
        raise InvalidBatch("the reply has another number of elements than the request")
    _same_number(sent, scalars)
    elements = _decoded(evaluated)
    oprf.verify_proof(group.GENERATOR, key, sent, elements, statement)
    return key, elements


def _outputs(inputs: Sequence[bytes], unblinded: Sequence[Element]) -> bytes:
    return b"".join(oprf.finalize_output(item, element) for item, element in zip(inputs, unblinded, strict=True))


def _same_number(left: Sequence[object], right: Sequence[object]) -> None:
    """Refuse lists that should go together and do not."""
    if len(left) != len(right):
        raise InvalidBatch("the parts of a batch differ in number")


def _paired(inputs: Sequence[bytes], scalars: Sequence[Scalar]) -> Sequence[tuple[bytes, Scalar]]:
    _same_number(inputs, scalars)
    return list(zip(inputs, scalars, strict=True))


def _outcome(work: Callable[[], T]) -> T | AllianceError:
    """Give what a call of several gives or raises."""
    try:
        return work()
    except AllianceError as error:
        return error


def _positions(tag: bytes, m: int, seed: int) -> Iterator[int]:
    """Give a tag's positions (protocol §5) by additions: the step from probe i to i+1 is h2 + i·(i+1)/2."""
    x, y = murmur(tag, seed)
    for i in _PROBES:
        yield x % m
        x = (x + y) & _MASK64
        y += i


def _view(bits: bytes | Bits, m: int) -> memoryview:
    view = memoryview(bits).cast("B")
    if m <= 0 or m != 8 * len(view):
        raise InvalidBatch("the bits are not as long as the filter's shape says")
    return view
