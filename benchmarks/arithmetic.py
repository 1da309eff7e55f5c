"""Part 1: curve arithmetic an identifier, beside bare multiplications. Part 2: canonicalisation, beside part 1.

All figures are CPU time of this process on one thread, so that what else the machine does matters little.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import rbcl

from alliance.crypto import group
from alliance.crypto.backend import Backend, ReferenceBackend
from alliance.crypto.secret import Secret
from alliance.crypto.signing import SigningKey, VerifyingKey
from alliance.crypto.tagging import generate_key_pair
from alliance.identifiers import canonicalise
from benchmarks.messages import CLAIM_BYTES
from benchmarks.report import Figure, Section
from benchmarks.samples import SORTS, phone
from benchmarks.sizes import Sizes
from benchmarks.timing import medians

MULTIPLICATION = "one libsodium ristretto255 multiplication"

Work = tuple[Callable[[], object], int]


@dataclass(frozen=True, slots=True)
class Costs:
    """Microseconds of CPU: one multiplication, the backend's operations an item, signatures one by one."""

    backend: str
    multiplication: float
    operations: dict[str, float]
    """By the name of the backend's method."""
    sign: float
    verify: float

    @property
    def identifier(self) -> float:
        """All arithmetic of one screened identifier, both parties."""
        return sum(self.operations.values())


def measured_costs(backend: Backend, sizes: Sizes) -> Costs:
    """Measure one backend."""
    works = _operations(backend, sizes.batch)
    names = tuple(works)
    signer, _ = SigningKey.generate()
    verifier, payload = VerifyingKey(signer.public_key), os.urandom(CLAIM_BYTES)
    signature = signer.sign("benchmark", payload)
    scalar, element = group.random_scalar(), group.hash_to_group(b"benchmark", b"benchmark")
    singles: dict[str, Callable[[], object]] = {
        "multiplication": partial(rbcl.crypto_scalarmult_ristretto255, scalar, element),
        "sign": partial(signer.sign, "benchmark", payload),
        "verify signature": partial(verifier.verify, "benchmark", payload, signature),
    }
    works |= {name: (partial(_repeat, work, sizes.batch), sizes.batch) for name, work in singles.items()}
    micros = medians(works, sizes.rounds)
    return Costs(
        backend=backend.name,
        multiplication=micros["multiplication"],
        operations={name: micros[name] for name in names},
        sign=micros["sign"],
        verify=micros["verify signature"],
    )


def _repeat(work: Callable[[], object], times: int) -> None:
    for _ in range(times):
        work()


def _operations(backend: Backend, items: int) -> dict[str, Work]:
    """Prepare a batch for each operation that a screened identifier goes through, by the method's name."""
    inputs = [canonicalise(SORTS["phone"][0], phone(number)).input_bytes for number in range(items)]
    offsets = Secret(b"".join(group.random_scalar() for _ in inputs))
    pair = generate_key_pair(Secret(os.urandom(32)))
    blinded = backend.blind_additive(inputs, offsets)
    evaluated, proof = backend.evaluate(pair.secret_key, blinded)
    unblinded = backend.unblind_additive(evaluated, offsets, pair.public_key)
    return {
        "blind_additive": (lambda: backend.blind_additive(inputs, offsets), items),
        "decode_elements": (lambda: backend.decode_elements(blinded), items),
        "evaluate": (lambda: backend.evaluate(pair.secret_key, blinded), items),
        "verify": (
            lambda: backend.verify(pair.public_key, blinded, evaluated, proof),
            items,
        ),
        "unblind_additive": (lambda: backend.unblind_additive(evaluated, offsets, pair.public_key), items),
        "finalize": (lambda: backend.finalize(inputs, unblinded), items),
    }


_SHOWN = {
    "blind": ("blind_additive",),
    "decode": ("decode_elements",),
    "evaluate and prove": ("evaluate",),
    "verify the proof": ("verify",),
    "unblind and finalize": ("unblind_additive", "finalize"),
}


def arithmetic(backend: Backend, sizes: Sizes) -> tuple[Costs, Section]:
    """Part 1; where another backend than the reference is used, the reference is measured as well."""
    costs = measured_costs(backend, sizes)
    figures = [
        Figure(
            f"{words} ({costs.backend})",
            sum(costs.operations[name] for name in names),
            "µs an identifier",
            MULTIPLICATION,
            costs.multiplication,
        )
        for words, names in _SHOWN.items()
    ]
    whole = f"screened identifier, both parties ({costs.backend})"
    figures.append(Figure(whole, costs.identifier, "µs an identifier", MULTIPLICATION, costs.multiplication))
    if costs.backend != ReferenceBackend.name:
        reference = measured_costs(ReferenceBackend(), sizes)
        figures.append(
            Figure(whole, costs.identifier, "µs an identifier", "the reference backend", reference.identifier)
        )
    for words, micros in (("Ed25519: sign a statement", costs.sign), ("Ed25519: verify one", costs.verify)):
        figures.append(Figure(words, micros, "µs", MULTIPLICATION, costs.multiplication))
    note = (
        f"CPU time on one core, batches of {sizes.batch}, medians of {sizes.rounds}; backend {backend.description}. "
        "The hub decodes and evaluates, the member does the rest."
    )
    return costs, Section("1 arithmetic", note, tuple(figures))


def canonicalisation(costs: Costs, sizes: Sizes) -> tuple[dict[str, float], Section]:
    """Part 2; gives microseconds by sort too."""

    def work(sort: str) -> Work:
        kind, make = SORTS[sort]
        # Fresh values each time: what a cache holds from the round before would not be in a customer file.
        batches = iter(
            [
                [make(number) for number in range(first, first + sizes.values)]
                for first in range(0, (sizes.rounds + 1) * sizes.values, sizes.values)
            ]
        )
        return lambda: [canonicalise(kind, text) for text in next(batches)], sizes.values

    micros = medians({sort: work(sort) for sort in SORTS}, sizes.rounds)
    rival = f"its arithmetic ({costs.backend})"
    figures = (Figure(sort, value, "µs a value", rival, costs.identifier) for sort, value in micros.items())
    note = f"CPU time on one core, {sizes.values} fresh values of a sort a round, medians of {sizes.rounds}."
    return micros, Section("2 canonicalisation", note, tuple(figures))
