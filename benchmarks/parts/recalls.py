"""Recalls: from the contributor's call to the event in every program that follows, beside the alliance's clock.

Nobody is told before the recall is durable, and the hub looks for news every half a second; an event is read only
after the hub's signature was verified.
"""

from pathlib import Path

from benchmarks.goals import CLOCK_OF_RECALLS, RECALL_P99
from benchmarks.measure.calls import Calls
from benchmarks.measure.processes import Child
from benchmarks.measure.progress import Say
from benchmarks.report import Figure, Section
from benchmarks.sizes import Sizes
from benchmarks.stage import readers
from benchmarks.stage.hub import BenchmarkHub

_START_SECONDS, _WORK_SECONDS = 900.0, 900.0
_CLOCK_MS = 15 * 60 * 1000.0


def measured(folder: Path, sizes: Sizes, say: Say) -> list[Section]:
    """Run the part."""
    say(f"making a hub and {sizes.readers} readers")
    hub = BenchmarkHub(folder, ("contributor", *(f"reader-{place}" for place in range(sizes.readers))))
    with hub, Child("readers", folder, readers.serve, list(hub.bundles.values()), folder) as process:
        process.answer(_START_SECONDS)
        say(f"recalling {sizes.recalls} claims")
        calls: Calls = process.ask(readers.Recalls(sizes.recalls), _WORK_SECONDS)
    note = (
        f"{sizes.readers} SDKs in one process, one open stream each, mutual TLS on loopback, SQLite; {sizes.recalls} "
        "recalls, each of which had to reach all of them before the next; from the call to the verified event."
    )
    shares = {"recall to event: p50": 0.5, RECALL_P99: 0.99, "recall to event: the last": 1.0}
    figures = [Figure(name, calls.milliseconds(it), "ms", CLOCK_OF_RECALLS, _CLOCK_MS) for name, it in shares.items()]
    return [Section("recalls", note, tuple(figures))]
