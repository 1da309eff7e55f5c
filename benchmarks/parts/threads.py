"""Two threads against one: the wall time of every batch function of the native library, and the machine's own limit.

The limit is two threads that do nothing but bare multiplications, each as many as the one does alone: where two cores
are not independent, no function can do better.
"""

import math
import os
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Final

from alliance.crypto import bloom, tagging
from alliance.crypto.backend import Backend
from alliance.crypto.sealing import ENTRY_ID_BYTES, HANDLE_BYTES
from alliance.crypto.secret import Secret
from alliance.crypto.signing import SigningKey
from alliance.identifiers import canonicalise
from alliance.statements import signed_bytes
from benchmarks.goals import TWO_THREADS
from benchmarks.measure.clocks import Measure, Work, medians, repeated, wall_micros, wall_of
from benchmarks.measure.failure import PeerMissing
from benchmarks.measure.progress import Say
from benchmarks.parts.identifier import multiplications, native_backend
from benchmarks.report import Figure, Section
from benchmarks.sizes import Sizes
from benchmarks.stage.messages import CHECK, CLAIM_BYTES
from benchmarks.stage.samples import SORTS, phone

RIVAL: Final = "two threads"
_LIMIT = "bare multiplications: the machine's limit"
_LABEL_KEYS = 32
_FILTER_TAGS = 10_000_000
_PAGE = 16
"""Cheap functions do so many times the batch's items, as they do in use: pages of a filter's build, lots of buckets."""
_CHEAP = frozenset({"derive_keys", "find_handles", "set_tags", "set_new_tags", "query_tags"})
_SAMPLE_MICROS = 60_000.0
_STATEMENT = "benchmark"

Threaded = Callable[[int], object]
"""Does a whole batch with so many threads."""


def measured(_folder: Path, sizes: Sizes, say: Say) -> list[Section]:
    """Run the part."""
    note = (
        f"wall time, medians of {sizes.rounds} rounds in which one thread and two take turns; value: one thread, "
        f"ratio: the speed-up. Batches of {sizes.batch}, of {_PAGE} times as many where an item costs less than a "
        f"microsecond; `..._many`: calls of {CHECK.items}. `{TWO_THREADS}` is the worst of all; samples last 60 ms or "
        "longer."
    )
    try:
        backend = native_backend()
    except PeerMissing as error:
        return [Section("two threads against one", note, (), (str(error),))]
    say("two threads against one")
    works = _works(backend, sizes.batch)
    found = medians([measure for name, work in works.items() for measure in _pair(name, work, sizes)], sizes.rounds)
    figures = [
        Figure(f"{TWO_THREADS} {name}", found[f"{name} 1"], "µs an item", RIVAL, found[f"{name} 2"]) for name in works
    ]
    limit = figures.pop()
    worst = min(figures, key=lambda figure: figure.ratio)
    named = Figure(TWO_THREADS, worst.value, worst.unit, RIVAL, worst.rival_value)
    note += f" The worst: {worst.name.partition(' ')[2]}."
    return [Section("two threads against one", note, (named, limit, *figures))]


def _pair(name: str, work: Threaded, sizes: Sizes) -> Iterator[Measure]:
    """Make measures of one thread and of two, each long enough that starting and being interrupted matter little."""
    micros = min(wall_micros(partial(work, 1), 1) for _ in range(2))
    times = max(1, math.ceil(_SAMPLE_MICROS / micros))
    for threads in (1, 2):
        items = sizes.batch * (_PAGE if name in _CHEAP else 1)
        yield wall_of(f"{name} {threads}", repeated(partial(work, threads), times), items * times)


def _works(backend: Backend, items: int) -> dict[str, Threaded]:
    """Prepare every batch function; the machine's limit comes last."""
    return {**dict(_oprf(backend, items)), **dict(_beside(backend, items)), _LIMIT: partial(_bare, items)}


def _oprf(backend: Backend, items: int) -> Iterator[tuple[str, Threaded]]:
    inputs = [canonicalise(SORTS["phone"][0], phone(number)).input_bytes for number in range(items)]
    scalars = backend.random_scalars(items)
    pair = tagging.generate_key_pair(Secret(os.urandom(32)))
    key = pair.secret_key
    blinded = backend.blind_additive(inputs, scalars)
    reply = (blinded, *backend.evaluate(key, blinded), pair.public_key)
    other = backend.blind_multiplicative(inputs, scalars)
    other_reply = (other, *backend.evaluate(key, other), pair.public_key)
    size = CHECK.items * tagging.TAG_BYTES
    packed = blinded.encoded
    calls = [packed[start : start + size] for start in range(0, len(packed) - size + 1, size)]
    decoded = [backend.decode_elements(call) for call in calls]
    yield "blind_additive", lambda threads: backend.blind_additive(inputs, scalars, threads=threads)
    yield "blind_multiplicative", lambda threads: backend.blind_multiplicative(inputs, scalars, threads=threads)
    yield "decode_elements", lambda threads: backend.decode_elements(packed, threads=threads)
    yield "decode_many", lambda threads: backend.decode_many(calls, threads=threads)
    yield "evaluate", lambda threads: backend.evaluate(key, blinded, threads=threads)
    yield "evaluate_many", lambda threads: backend.evaluate_many(key, decoded, threads=threads)
    yield "finalize_additive", lambda threads: backend.finalize_additive(inputs, scalars, *reply, threads=threads)
    yield (
        "finalize_multiplicative",
        lambda threads: backend.finalize_multiplicative(inputs, scalars, *other_reply, threads=threads),
    )


def _beside(backend: Backend, items: int) -> Iterator[tuple[str, Threaded]]:
    seeds, tags = Secret(os.urandom(32 * items * _PAGE)), os.urandom(tagging.TAG_BYTES * items * _PAGE)
    signer, _ = SigningKey.generate()
    messages = [os.urandom(CLAIM_BYTES) for _ in range(items)]
    signatures = [signer.sign(_STATEMENT, message) for message in messages]
    prefix = signed_bytes(_STATEMENT, b"")
    keys, entries = Secret(os.urandom(32 * _LABEL_KEYS)), max(1, items * _PAGE // _LABEL_KEYS)
    entry_ids, handles = os.urandom(ENTRY_ID_BYTES * entries), os.urandom(HANDLE_BYTES * entries)
    shape = bloom.Shape.for_listings(_FILTER_TAGS, 1)
    bits, m, seed = bytearray(shape.byte_length), shape.m, shape.seed
    yield "derive_keys", lambda threads: backend.derive_keys(seeds, b"benchmark", threads=threads)
    yield (
        "verify_signatures",
        lambda threads: backend.verify_signatures(signer.public_key, prefix, messages, signatures, threads=threads),
    )
    yield "find_handles", lambda threads: backend.find_handles(keys, entry_ids, handles, threads=threads)
    yield "set_tags", lambda threads: backend.set_tags(bits, m, seed, tags, threads=threads)
    yield "set_new_tags", lambda threads: backend.set_new_tags(bits, m, seed, tags, threads=threads)
    asked = os.urandom(len(tags))  # nearly all that is asked about is not listed
    yield "query_tags", lambda threads: backend.query_tags(bits, m, seed, asked, threads=threads)


def _bare(items: int, threads: int) -> None:
    """Do as many multiplications with one thread as with two."""
    _together([partial(multiplications(), items // threads)] * threads)


def _together(works: list[Work]) -> None:
    running = [threading.Thread(target=work) for work in works]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
