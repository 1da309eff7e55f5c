"""Identifiers to tags: the client's and the evaluator's half of protocol §2, as state and message.

Rules, in order:

1. `blind` draws fresh randomness and gives a message for the evaluator and a state that stays here.
2. `BlindState.finalize` checks the number, decodes every element and verifies the proof against the public
   key that the caller *pinned*; only then it unblinds. It serves once, whether it succeeds or not.
3. `decode` takes every point of a call or none; `evaluate` takes what it gave. One bad point and nothing of that
   call is evaluated.

```python
blinded = tagging.blind(inputs)
reply = await hub.evaluate(blinded.message)
tags = blinded.state.finalize(reply.elements, reply.proof, public_key)
```

What it does not do: turn identifiers into inputs (protocol §1), sign or check headers, authenticate the epoch
key, or combine the shares of a split key. Nothing here shows an input, a tag or a key in its `repr`.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NoReturn, SupportsIndex, final

from alliance.crypto import backend as backends
from alliance.crypto import hashing, oprf
from alliance.crypto.backend import Backend, Elements
from alliance.crypto.group import SCALAR_BYTES, RandomBytes
from alliance.crypto.secret import Secret
from alliance.errors import AllianceError, InvalidBatch

MAX_BATCH: Final = oprf.MAX_BATCH
TAG_BYTES: Final = 32
LABEL_KEY_BYTES: Final = 32
LABEL_INFO: Final = b"alliance/v1/label"


class StateSpentError(AllianceError):
    """A blind state was finalised a second time: its blinds have served."""


class Blinding(StrEnum):
    """How an input is hidden; the output is the same."""

    ADDITIVE = "additive"
    MULTIPLICATIVE = "multiplicative"


@final
class Tags(Sequence[tuple[bytes, Secret]]):
    """Tags and label keys of a batch, in the order of its inputs.

    Held as two strings of 32·n bytes. Label keys are derived when asked for: a miss never needs its own.
    """

    __slots__ = ("_seeds", "_tags")

    def __init__(self, outputs: bytes) -> None:
        starts = range(0, len(outputs), oprf.OUTPUT_BYTES)
        self._tags = b"".join(outputs[start : start + 32] for start in starts)
        self._seeds = Secret(b"".join(outputs[start + 32 : start + 64] for start in starts))

    @property
    def packed(self) -> bytes:
        """All tags, 32·n bytes, for a look-up of the whole batch."""
        return self._tags

    def tag(self, index: int) -> bytes:
        """Give output[0:32] of one item (protocol §2)."""
        start = TAG_BYTES * self._place(index)
        return self._tags[start : start + TAG_BYTES]

    def label_key(self, index: int) -> Secret:
        """Give HKDF-SHA256(output[32:64], info="alliance/v1/label", 32) of one item (protocol §2)."""
        return self.derive(index, LABEL_INFO)

    def label_keys(self, *, threads: int = 1) -> Secret:
        """Give the label keys of all items, packed, 32·n bytes."""
        return backends.backend().derive_keys(self._seeds, LABEL_INFO, threads=threads)

    def derive(self, index: int, info: bytes) -> Secret:
        """Give 32 bytes for another use of one item, such as "alliance/v1/psi" (protocol §9)."""
        start = TAG_BYTES * self._place(index)
        return Secret(hashing.hkdf_sha256(self._seeds.reveal()[start : start + 32], info, LABEL_KEY_BYTES))

    def _place(self, index: int) -> int:
        return range(len(self))[index]

    def __len__(self) -> int:
        return len(self._tags) // TAG_BYTES

    def __getitem__(self, index: int) -> tuple[bytes, Secret]:  # type: ignore[override]  # no slices: see `packed`
        return self.tag(index), self.label_key(index)

    def __iter__(self) -> Iterator[tuple[bytes, Secret]]:
        return (self[index] for index in range(len(self)))

    def __repr__(self) -> str:
        return f"Tags(<{len(self)} items>)"

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise TypeError("Tags are neither pickled nor copied")


@final
class BlindState:
    """The half of a blinded batch that stays with the client: its inputs and blinds, for one use."""

    __slots__ = ("_backend", "_blinded", "_blinding", "_count", "_unspent")

    def __init__(
        self, inputs: Sequence[bytes], scalars: Secret, blinded: Elements, blinding: Blinding, backend: Backend
    ) -> None:
        self._count = len(inputs)
        self._blinded = blinded
        self._blinding = blinding
        self._backend = backend
        # Popped by the first use; the pop of a list is atomic, so one thread alone gets it.
        self._unspent = [(tuple(inputs), scalars)]

    def finalize(self, evaluated: bytes, proof: bytes, public_key: bytes, *, threads: int = 1) -> Tags:
        """Verify the evaluator's reply, then unblind it and derive the tags (RFC 9497 §3.3.2).

        Takes the packed evaluated elements, 64 bytes of proof, and the epoch key that the caller pinned, not one
        that came with the reply. Raises ProofInvalid if the proof does not hold under that key;
        InvalidElement if an element or the key does not decode; InvalidBatch if the number differs;
        StateSpentError the second time.
        """
        try:
            inputs, scalars = self._unspent.pop()
        except IndexError:
            raise StateSpentError("this blind state has been used") from None
        is_additive = self._blinding is Blinding.ADDITIVE
        act = self._backend.finalize_additive if is_additive else self._backend.finalize_multiplicative
        return Tags(act(inputs, scalars, self._blinded, evaluated, proof, public_key, threads=threads))

    def blinds(self) -> Secret:
        """Give the blinds, 32·n bytes, for the caller's own sealed journal; see `blind_again`.

        Raises StateSpentError once the state has served.
        """
        try:
            _, scalars = self._unspent[0]
        except IndexError:
            raise StateSpentError("this blind state has been used") from None
        return scalars

    def __repr__(self) -> str:
        condition = "unspent" if self._unspent else "spent"
        return f"BlindState(<{self._count} items, {self._blinding}, {condition}>)"

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise TypeError("a BlindState is neither pickled nor copied: its blinds serve once")


@dataclass(frozen=True, slots=True)
class Blinded:
    """A blinded batch: `message` goes to the evaluator (32·n bytes), `state` stays."""

    message: bytes = field(repr=False)
    state: BlindState


@dataclass(frozen=True, slots=True)
class Evaluation:
    """An evaluator's reply: 32·n bytes of elements and the 64 bytes of their proof."""

    elements: bytes = field(repr=False)
    proof: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class KeyPair:
    """An epoch's key pair: a scalar and an element of 32 bytes each."""

    secret_key: Secret
    public_key: bytes


def blind(
    inputs: Sequence[bytes],
    *,
    blinding: Blinding = Blinding.ADDITIVE,
    backend: Backend | None = None,
    random_bytes: RandomBytes = os.urandom,
    threads: int = 1,
) -> Blinded:
    """Blind 1 to 4,096 inputs under fresh randomness.

    Raises InvalidBatch if there are none or too many; InvalidInputError if one is longer than 65,535 bytes.
    """
    oprf.check_count(len(inputs))
    chosen = backend or backends.backend()
    scalars = chosen.random_scalars(len(inputs), random_bytes=random_bytes)
    act = chosen.blind_additive if blinding is Blinding.ADDITIVE else chosen.blind_multiplicative
    blinded = act(inputs, scalars, threads=threads)
    return Blinded(blinded.encoded, BlindState(inputs, scalars, blinded, blinding, chosen))


def blind_again(
    inputs: Sequence[bytes], blinds: Secret, *, backend: Backend | None = None, threads: int = 1
) -> Blinded:
    """Make a request once more, byte for byte, that was blinded additively and may not have been answered.

    For a caller that crashed between sending and finalising, and for the same inputs alone: what else goes out under
    the same blinds is linked to them. The caller holds the message against what it sent. Raises InvalidBatch where
    there are not 32 bytes of blinds an input.
    """
    oprf.check_count(len(inputs))
    if len(blinds.reveal()) != len(inputs) * SCALAR_BYTES:
        raise InvalidBatch("there must be 32 bytes of blinds for each input")
    chosen = backend or backends.backend()
    blinded = chosen.blind_additive(inputs, blinds, threads=threads)
    return Blinded(blinded.encoded, BlindState(inputs, blinds, blinded, Blinding.ADDITIVE, chosen))


def decode(blinded: bytes, *, backend: Backend | None = None, threads: int = 1) -> Elements:
    """Decode a request's elements strictly, before it is charged or queued.

    Raises InvalidElement for a wrong encoding or the identity; InvalidBatch for 0, over 4,096, or a rest.
    """
    return (backend or backends.backend()).decode_elements(blinded, threads=threads)


def decode_many(
    calls: Sequence[bytes], *, backend: Backend | None = None, threads: int = 1
) -> list[Elements | AllianceError]:
    """Do as `decode` with each of several requests; gives what it would give or raise."""
    return (backend or backends.backend()).decode_many(calls, threads=threads)


def evaluate(
    secret_key: Secret,
    blinded: bytes | Elements,
    *,
    backend: Backend | None = None,
    random_bytes: RandomBytes = os.urandom,
    threads: int = 1,
) -> Evaluation:
    """Evaluate a request under the epoch's key and prove it; nothing is evaluated unless every point decodes.

    Raises InvalidElement and InvalidBatch as `decode`; InvalidScalarError if the key is not one.
    """
    chosen = backend or backends.backend()
    elements = chosen.decode_elements(blinded, threads=threads) if isinstance(blinded, bytes) else blinded
    return Evaluation(*chosen.evaluate(secret_key, elements, random_bytes=random_bytes, threads=threads))


def evaluate_many(
    secret_key: Secret, calls: Sequence[Elements], *, backend: Backend | None = None, threads: int = 1
) -> list[Evaluation]:
    """Do as `evaluate` with each of several decoded requests, a proof each."""
    outcomes = (backend or backends.backend()).evaluate_many(secret_key, calls, threads=threads)
    return [Evaluation(*outcome) for outcome in outcomes]


def generate_key_pair(seed: Secret, info: bytes = b"") -> KeyPair:
    """Derive an epoch's key pair from 32 secret random bytes (RFC 9497 §3.2.1).

    `info` is public and tells the keys of one seed apart. Raises DeriveKeyPairError for another length.
    """
    secret_key, public_key = oprf.derive_key_pair(seed.reveal(), info)
    return KeyPair(Secret(secret_key), public_key)
