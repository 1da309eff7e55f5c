"""What canonical forms cost, beside the arithmetic of the identifier that they are for."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Final

from alliance.crypto import tagging
from alliance.crypto.backend import Backend, select
from alliance.identifiers import Identifier, Kind, canonicalise
from benchmarks.measure.clocks import Measure, cpu_of, medians, wall_of
from benchmarks.measure.machine import cores
from benchmarks.measure.progress import Say
from benchmarks.parts.identifier import STEPS, arithmetic, named
from benchmarks.report import Figure, Section
from benchmarks.sizes import Sizes
from benchmarks.stage.samples import SORTS, landline
from member_client._canonical import Canon, Helpers

_BATCH: Final = 1024
_BATCHES: Final = 8
_WORKERS: Final = "in worker processes"
_THREADS: Final = "on the pipeline's own threads"


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
    return [Section("canonicalisation", note, figures), _beside_the_pipeline(sizes, say)]


def _beside_the_pipeline(sizes: Sizes, say: Say) -> Section:
    """Measure batches of landlines on their way to the hub, with worker processes and without."""
    say("canonicalisation beside the pipeline")
    texts = [(Kind.PHONE, landline(number)) for number in range(_BATCH)]
    helpers, alone = Helpers(), Helpers(0)
    try:
        measures = [
            wall_of(name, partial(_pipelined, texts, who), _BATCH * _BATCHES)
            for name, who in ((_WORKERS, helpers), (_THREADS, alone))
        ]
        found = medians(measures, sizes.rounds)
    finally:
        helpers.close()
    note = (
        f"wall time of {_BATCHES} batches of {_BATCH:,} numbers that need the general parser, brought into form and "
        f"blinded on {cores()} threads; medians of {sizes.rounds} rounds in which both take turns."
    )
    figure = Figure(_WORKERS, found[_WORKERS], "µs a value", _THREADS, found[_THREADS])
    return Section("canonicalisation beside the pipeline", note, (figure,))


def _pipelined(texts: list[tuple[Kind, str]], helpers: Helpers) -> None:
    canon = Canon("CN", "benchmark", helpers=helpers)

    def one(_number: int) -> None:
        forms = canon.forms(texts)
        tagging.blind([form.input_bytes for form in forms if isinstance(form, Identifier)])

    with ThreadPoolExecutor(cores()) as pool:
        list(pool.map(one, range(_BATCHES)))


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
