"""What one identifier costs: the product's arithmetic on one core, beside peers and bare multiplications.

Through `alliance.crypto.tagging`, as programs call it: random numbers, decoding, proof and hashing included. CPU time
of one thread, so that what else the machine does matters little; every rival is measured once a round.
"""

import importlib
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import rbcl
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from alliance.crypto import group, tagging
from alliance.crypto.backend import NATIVE_MODULE, Backend, select
from alliance.crypto.secret import Secret
from alliance.identifiers import canonicalise
from benchmarks.goals import CPU_PER_IDENTIFIER, HUB_EVALUATE_PROVE, MULTIPLICATION, OPENMINED, REFERENCE
from benchmarks.measure.clocks import Measure, Work, cpu_of, medians, repeated
from benchmarks.measure.failure import PeerMissing
from benchmarks.measure.progress import Say
from benchmarks.peers.openmined import INTERSECT, PROCESS, REQUEST, SCREENING, SETUP, OpenMined
from benchmarks.report import Figure, Section
from benchmarks.sizes import Sizes
from benchmarks.stage.messages import CHECK
from benchmarks.stage.samples import SORTS, phone, texts

UNIT: Final = "µs an identifier"
BLIND, DECODE, EVALUATE, FINALIZE = "blind", "decode strictly", "evaluate and prove", "verify, unblind, hash"
STEPS: Final = (BLIND, DECODE, EVALUATE, FINALIZE)
"""The hub decodes and evaluates, the member does the rest."""
_OWN_MULTIPLICATION, _X25519, _LIBSODIUM = "multiplication", "X25519", "libsodium"
_MULTIPLICATIONS = 500


def measured(folder: Path, sizes: Sizes, say: Say) -> list[Section]:
    """Run the part."""
    missing = []
    with ExitStack() as stack:
        measures = [*_bare(_MULTIPLICATIONS)]
        backends = [(select("reference"), sizes.reference_batch)]
        try:
            backends.append((native_backend(), sizes.batch))
        except PeerMissing as error:
            missing.append(str(error))
        for backend, batch in backends:
            say(f"arithmetic, {backend.name} backend")
            measures += arithmetic(backend, batch, sizes.rounds)
            measures += arithmetic(backend, CHECK.items, sizes.rounds, batches=sizes.reference_batch // CHECK.items)
        try:
            peer = stack.enter_context(OpenMined(folder, say))
            measures.append(partial(_openmined, peer, sizes.peer_items))
        except PeerMissing as error:
            missing.append(str(error))
        say("arithmetic, all rivals in turn")
        found = medians(measures, sizes.rounds)
    costs = [Cost(backend.name, batch, found) for backend, batch in backends]
    note = (
        f"CPU time of one thread, medians of {sizes.rounds} rounds in which every rival takes its turn. Batches of "
        f"{', '.join(f'{cost.batch} ({cost.name})' for cost in costs)}; OpenMined two sets of {sizes.peer_items}, its "
        "request, process and intersect without proofs, one in fifty common; its set-up is once for a server's set. "
        f"Backends: {'; '.join(backend.description for backend, _ in backends)}."
    )
    return [Section("an identifier's arithmetic", note, tuple(_figures(costs, found)), tuple(missing))]


# -- measures --------------------------------------------------------------------------------------------------


def arithmetic(backend: Backend, batch: int, rounds: int, *, batches: int = 1) -> list[Measure]:
    """Make measures of the steps of a screened identifier, in batches of a size; results are named by `named`."""
    inputs = [canonicalise(SORTS["phone"][0], phone(number)).input_bytes for number in range(batch)]
    pair = tagging.generate_key_pair(Secret(os.urandom(32)))
    message = tagging.blind(inputs, backend=backend).message
    elements = tagging.decode(message, backend=backend)
    # A blind state serves once: there is one for each time that it is measured, the warming up included.
    states = _states(backend, inputs, pair, (rounds + 1) * batches)

    def finalize() -> None:
        state, reply = next(states)
        state.finalize(reply.elements, reply.proof, pair.public_key)

    works: dict[str, Work] = {
        BLIND: lambda: tagging.blind(inputs, backend=backend),
        DECODE: lambda: tagging.decode(message, backend=backend),
        EVALUATE: lambda: tagging.evaluate(pair.secret_key, elements, backend=backend),
        FINALIZE: finalize,
    }
    return [
        cpu_of(named(backend.name, step, batch), repeated(work, batches), batch * batches)
        for step, work in works.items()
    ]


def _states(
    backend: Backend, inputs: Sequence[bytes], pair: tagging.KeyPair, count: int
) -> Iterator[tuple[tagging.BlindState, tagging.Evaluation]]:
    made = []
    for _ in range(count):
        blinded = tagging.blind(inputs, backend=backend)
        made.append((blinded.state, tagging.evaluate(pair.secret_key, blinded.message, backend=backend)))
    return iter(made)


def named(backend: str, step: str, batch: int) -> str:
    """Name a step of a backend in batches of a size."""
    return f"{backend}: {step} ({batch})"


def _bare(times: int) -> Iterator[Measure]:
    """Make measures of one multiplication each: libsodium's ristretto255, OpenSSL's X25519, the native library's."""
    scalar, element = group.random_scalar(), group.hash_to_group(b"benchmark", b"benchmark")
    yield cpu_of(_LIBSODIUM, repeated(partial(rbcl.crypto_scalarmult_ristretto255, scalar, element), times), times)
    key, other = X25519PrivateKey.generate(), X25519PrivateKey.generate().public_key()
    yield cpu_of(_X25519, repeated(partial(key.exchange, other), times), times)
    native = multiplications()
    if native is not None:
        yield cpu_of(_OWN_MULTIPLICATION, partial(native, times), times)


def native_backend() -> Backend:
    """Give the native backend; raises PeerMissing where this process would not use it."""
    backend = select()
    if backend.name != "native":
        raise PeerMissing("the native wheel is not installed here, or ALLIANCE_BACKEND insists on the reference")
    return backend


def multiplications() -> Any:  # noqa: ANN401 - a function of the native module
    """Give the native library's chained multiplications, None where it is not installed."""
    try:
        return importlib.import_module(NATIVE_MODULE).multiply_repeatedly
    except ImportError:
        return None


def _openmined(peer: OpenMined, items: int) -> dict[str, float]:
    listed, common = items, items // 50
    screened = peer.screened(texts(range(listed)), texts(range(listed - common, listed - common + items)), common)
    each = {f"openmined: {step}": screened.micros(step) for step in (SETUP, *SCREENING)}
    return {**each, OPENMINED: screened.micros(*SCREENING)}


# -- figures ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Cost:
    """What a backend's steps cost, µs an identifier."""

    name: str
    batch: int
    found: dict[str, float]

    def step(self, *steps: str, batch: int | None = None) -> float:
        """Give the sum of some steps."""
        return sum(self.found[named(self.name, step, batch or self.batch)] for step in steps)

    @property
    def multiplication(self) -> tuple[str, float]:
        """The bare multiplication of the backend's own library, and what it costs."""
        if self.name == "native":
            return MULTIPLICATION, self.found[_OWN_MULTIPLICATION]
        return "one libsodium multiplication", self.found[_LIBSODIUM]


def _figures(costs: Sequence[Cost], found: dict[str, float]) -> Iterator[Figure]:
    *others, best = costs
    rival, micros = best.multiplication
    yield from _must(best, others, found)
    yield Figure(HUB_EVALUATE_PROVE, best.step(EVALUATE), UNIT, rival, micros)
    for cost in costs:
        rival, micros = cost.multiplication
        for step in STEPS:
            yield Figure(f"{step} ({cost.name})", cost.step(step), UNIT, rival, micros)
        online = cost.step(*STEPS, batch=CHECK.items)
        whole = cost.step(*STEPS)
        yield Figure(f"all steps ({cost.name})", whole, UNIT, rival, micros)
        yield Figure(
            f"all steps in calls of {CHECK.items} ({cost.name})", online, UNIT, f"in batches of {cost.batch}", whole
        )
    for other in others:
        for step in STEPS:
            yield Figure(f"{step} ({best.name})", best.step(step), UNIT, f"{other.name} backend", other.step(step))
    yield from _beside_openmined(best, found)
    for name, words in ((_OWN_MULTIPLICATION, "native ristretto255"), (_LIBSODIUM, "libsodium ristretto255")):
        if name in found:
            yield Figure(f"one multiplication: {words}", found[name], "µs", "one X25519 in OpenSSL", found[_X25519])


def _must(best: Cost, others: Sequence[Cost], found: dict[str, float]) -> Iterator[Figure]:
    whole = best.step(*STEPS)
    if OPENMINED in found:
        yield Figure(CPU_PER_IDENTIFIER, whole, UNIT, OPENMINED, found[OPENMINED])
    for other in others:
        yield Figure(CPU_PER_IDENTIFIER, whole, UNIT, REFERENCE, other.step(*STEPS))


def _beside_openmined(best: Cost, found: dict[str, float]) -> Iterator[Figure]:
    if OPENMINED not in found:
        return
    pairs = ((BLIND, REQUEST), (EVALUATE, PROCESS), (FINALIZE, INTERSECT))
    for step, theirs in pairs:
        yield Figure(
            f"{step} ({best.name})", best.step(step), UNIT, f"OpenMined: {theirs}", found[f"openmined: {theirs}"]
        )
    tags = best.step(BLIND, DECODE, EVALUATE, FINALIZE)
    yield Figure("a contributor's tags: all steps", tags, UNIT, "OpenMined: set-up", found[f"openmined: {SETUP}"])
