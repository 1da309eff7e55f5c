"""What canonical forms cost, beside the arithmetic of the identifier that they are for."""

from collections.abc import Iterator
from pathlib import Path

from alliance.crypto.backend import Backend, select
from alliance.identifiers import canonicalise
from benchmarks.measure.clocks import Measure, cpu_of, medians
from benchmarks.measure.progress import Say
from benchmarks.parts.identifier import STEPS, arithmetic, named
from benchmarks.report import Figure, Section
from benchmarks.sizes import Sizes
from benchmarks.stage.samples import SORTS


def measured(_folder: Path, sizes: Sizes, say: Say) -> list[Section]:
    """Run the part."""
    say("canonicalisation")
    backend = select()
    batch = batch_of(backend, sizes)
    measures = [_measure(sort, sizes) for sort in SORTS] + arithmetic(backend, batch, sizes.rounds)
    found = medians(measures, sizes.rounds)
    identifier = sum(found[named(backend.name, step, batch)] for step in STEPS)
    rival = f"its arithmetic, both sides ({backend.name})"
    figures = tuple(Figure(sort, found[sort], "µs a value", rival, identifier) for sort in SORTS)
    note = f"CPU time of one thread, {sizes.values} fresh values of a sort a round, medians of {sizes.rounds}."
    return [Section("canonicalisation", note, figures)]


def batch_of(backend: Backend, sizes: Sizes) -> int:
    """Give the size of a batch that suits a backend."""
    return sizes.reference_batch if backend.name == "reference" else sizes.batch


def _measure(sort: str, sizes: Sizes) -> Measure:
    batches = _batches(sort, sizes)
    kind = SORTS[sort][0]
    return cpu_of(sort, lambda: [canonicalise(kind, text) for text in next(batches)], sizes.values)


def _batches(sort: str, sizes: Sizes) -> Iterator[list[str]]:
    """Give fresh values each time: what a cache holds from the round before would not be in a customer file."""
    make = SORTS[sort][1]
    starts = range(0, (sizes.rounds + 1) * sizes.values, sizes.values)
    return iter([[make(number) for number in range(start, start + sizes.values)] for start in starts])
