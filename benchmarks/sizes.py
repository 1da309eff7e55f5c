"""How much is measured."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sizes:
    """Amounts of one run; every one is at least 1."""

    rounds: int = 7
    """Repetitions of short measures, of which the median counts."""
    batch: int = 512
    """Identifiers in a batch of part 1."""
    values: int = 1_000
    """Values of a kind in a round of part 2."""
    echo_calls: int = 3_000
    """Small calls of the bare echo; large ones are a tenth."""
    rows: int = 5_000
    """Rows of a contribution."""
    screened: int = 20_000
    """Rows of a screening, of one identifier each."""
    checks: int = 400
    """Online checks one after the other; five times as many go 16 in flight."""
    repeats: int = 5
    """Repetitions of contributing and screening, of which the median counts."""

    @property
    def large_calls(self) -> int:
        """Large calls of the bare echo."""
        return max(20, self.echo_calls // 10)


FULL = Sizes()
QUICK = Sizes(rounds=3, batch=128, values=200, echo_calls=400, rows=1_000, screened=4_096, checks=60, repeats=1)
