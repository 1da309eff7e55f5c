"""How much is measured."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Sizes:
    """Amounts of one run; every one is at least 1."""

    rounds: int = 7
    """Repetitions of short measures, of which the median counts."""
    batch: int = 4096
    """Identifiers in a batch of the product's arithmetic."""
    reference_batch: int = 512
    """Identifiers in a batch of the reference backend, which is several times slower."""
    peer_items: int = 4096
    """Identifiers in each of the two sets of a peer's short round."""
    values: int = 2_000
    """Values of a kind in a round of canonicalisation."""
    echo_calls: int = 2_000
    """Small calls of a bare echo; large ones are a tenth."""
    contributed: int = 200_000
    """Rows of the contribution."""
    claims: int = 1_000_000
    """Claims in the registry before a screening, the contributed ones included."""
    screened: tuple[int, ...] = (100_000, 1_000_000)
    """Rows of each screening, of one identifier each."""
    listed_every: int = 200
    """One row in so many is about a claim of another member."""
    peer_screened: int = 100_000
    """Rows that OpenMined screens against as many claims."""
    peer_server: int = 2**20
    """Items of the server's set in the unbalanced comparison."""
    peer_clients: tuple[int, ...] = (10_000, 100_000)
    """Items of the client's set there."""
    in_flight: tuple[int, ...] = (1, 16, 64)
    """Online calls in flight."""
    online_seconds: float = 5.0
    """Seconds of online calls a turn."""
    online_turns: int = 3
    """Turns of echo, product, echo and hub alone for each number in flight."""
    prepared_calls: int = 8_000
    """Signed requests prepared for a turn of the hub alone."""
    tags: int = 10_000_000
    """Tags of the filter."""
    python_tags: int = 200_000
    """Tags of the filter's slow rivals, whose cost a tag is the same however many there are."""
    started: tuple[int, ...] = (1_000_000, 10_000_000)
    """Claims of each hub that is started."""
    readers: int = 50
    """Programs that follow what becomes of claims."""
    recalls: int = 100
    """Claims that are recalled while they do."""
    profiled: int = 1_000_000
    """Rows screened under the profiler."""
    watched: int = 1_000_000
    """Identifiers in a book that is watched."""
    delta: int = 10_000
    """New claims that such a book is held against."""
    appended: int = 20_000
    """Events that callers append one by one, each waiting for its own."""
    logged: int = 1_000_000
    """Events of the log that is verified and proven from."""
    attached: int = 1 << 30
    """Bytes of the file that is attached to a reply: a size class, so that it is not padded."""
    inquiries: int = 4_000
    """Pairs of calls for inquiries, at a hub with cases and one without."""

    def __post_init__(self) -> None:
        """Raise ValueError where a set would hold an identifier twice, or more than there are."""
        if self.contributed > self.claims:
            raise ValueError("the contributed rows are among the claims: there cannot be more of them")
        if max(*self.screened, self.peer_screened) // self.listed_every > self.contributed:
            raise ValueError("a screening would meet a contributed row twice: fewer rows, or fewer matches")

    @property
    def large_calls(self) -> int:
        """Large calls of a bare echo."""
        return max(20, self.echo_calls // 10)


FULL: Final = Sizes()
QUICK: Final = Sizes(
    rounds=3,
    batch=1024,
    reference_batch=128,
    peer_items=512,
    values=200,
    echo_calls=300,
    contributed=2_000,
    claims=20_000,
    screened=(8_192,),
    peer_screened=2_000,
    peer_server=2**14,
    peer_clients=(1_000,),
    online_seconds=1.0,
    online_turns=1,
    prepared_calls=1_000,
    tags=200_000,
    python_tags=20_000,
    started=(20_000,),
    readers=5,
    recalls=5,
    profiled=20_000,
    watched=20_000,
    delta=500,
    appended=2_000,
    logged=20_000,
    attached=1 << 25,
    inquiries=200,
)
