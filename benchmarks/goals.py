"""What must be reached: the records of `results.json` that have a bound, and the names of their rivals."""

from dataclasses import dataclass
from typing import Final

CPU_PER_IDENTIFIER: Final = "cpu_per_screened_identifier"
HUB_EVALUATE_PROVE: Final = "hub_evaluate_prove"
TWO_THREADS: Final = "two_threads"
NATIVE_SHARE: Final = "native_share"
ONLINE_CALLS: Final = "online_calls"
ONLINE_CALLS_HUB: Final = "online_calls_hub"
SCREEN_PEAK_MEMORY: Final = "screen_peak_memory"

LOG_RATE: Final = "log_events"

RECALL_P99: Final = "recall to event: p99"

OPENMINED: Final = "OpenMined: request, process, intersect"
REFERENCE: Final = "the reference backend, with proofs"
MULTIPLICATION: Final = "one variable-base multiplication of the same library"
LEAST_NATIVE: Final = "the least"
ARITHMETIC: Final = "share of the curve arithmetic"
ECHO: Final = "bare grpc.aio echo"
MOST_MEMORY: Final = "the most"
BARE_SQLITE: Final = "bare group-committed inserts, SQLite"
BARE_POSTGRESQL: Final = "bare group-committed inserts, PostgreSQL"
CLOCK_OF_RECALLS: Final = "the alliance's clock, 15 minutes"

LEAST_NATIVE_PERCENT: Final = 85.0
MOST_MEMORY_MB: Final = 400.0


@dataclass(frozen=True, slots=True)
class Goal:
    """A bound on the ratio of one record."""

    name: str
    rival: str
    bound: float
    words: str
    at_least: bool = False

    def is_about(self, name: str, rival: str) -> bool:
        """Tell whether a figure is the one."""
        return (name, rival) == (self.name, self.rival)

    def reached(self, ratio: float) -> bool:
        """Tell whether a ratio keeps the bound."""
        return ratio >= self.bound if self.at_least else ratio <= self.bound

    @property
    def bound_shown(self) -> str:
        """The bound for people."""
        return f"{'≥' if self.at_least else '≤'} {self.bound:.2g}"


GOALS: Final = (
    Goal(CPU_PER_IDENTIFIER, OPENMINED, 0.4, "CPU of both sides with proofs, of OpenMined's without"),
    Goal(CPU_PER_IDENTIFIER, REFERENCE, 1 / 3, "of the reference backend's"),
    Goal(HUB_EVALUATE_PROVE, MULTIPLICATION, 1.5, "of one multiplication, an identifier"),
    Goal(TWO_THREADS, "two threads", 1.7, "two threads over one, the worst batch function", at_least=True),
    Goal(NATIVE_SHARE, LEAST_NATIVE, 1.0, "CPU inside native code, canonicalisation apart, of 85 %", at_least=True),
    Goal(f"{NATIVE_SHARE}: canonicalisation", ARITHMETIC, 1.0, "less than the arithmetic"),
    Goal(ONLINE_CALLS, ECHO, 0.5, "calls/s of a check of three through the SDK, of the echo's", at_least=True),
    Goal(SCREEN_PEAK_MEMORY, MOST_MEMORY, 1.0, "member and hub each, mapped files apart, of 400 MB"),
    Goal(LOG_RATE, BARE_SQLITE, 0.6, "events/s durable and sealed, of bare inserts on SQLite", at_least=True),
    Goal(LOG_RATE, BARE_POSTGRESQL, 0.6, "events/s durable and sealed, of bare inserts on PostgreSQL", at_least=True),
    Goal(RECALL_P99, CLOCK_OF_RECALLS, 1.0, "from a recall to every open program's event, of 15 minutes"),
)
