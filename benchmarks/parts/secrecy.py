"""Secrecy: how long a member that no case asks waits for its inquiries, at a hub with cases and at one without.

Both hubs are asked in pairs, in a drawn order: first while neither has a case, then while one of them has many that ask
somebody else. What the two hubs differ by anyhow is seen in the first round, and taken off the second.
"""

from pathlib import Path
from statistics import median
from typing import Final

from benchmarks.measure.processes import Child
from benchmarks.measure.progress import Say
from benchmarks.report import Figure, Section
from benchmarks.sizes import Sizes
from benchmarks.stage.attaching import ask
from benchmarks.stage.hub import BenchmarkHub
from benchmarks.stage.inquiring import Pairs, serve

ASKED, OTHER, POLICE = "asked-a", "other-b", "police-a"
CASES: Final = 200
_SECONDS: Final = 3600.0


def measured(folder: Path, sizes: Sizes, say: Say) -> list[Section]:
    """Run the part."""
    folders = [folder / name for name in ("without", "with")]
    for one in folders:
        one.mkdir()
    plain, secret = (BenchmarkHub(one, (ASKED, OTHER, POLICE), {POLICE: "liaison"}) for one in folders)
    with plain, secret, Child("other", folder, serve, [plain.bundles[OTHER], secret.bundles[OTHER]], folder) as other:
        other.answer(_SECONDS)
        other.ask(Pairs(sizes.inquiries // 10), _SECONDS)
        say(f"{sizes.inquiries} pairs while neither hub has a case")
        before: list[tuple[float, float]] = other.ask(Pairs(sizes.inquiries), _SECONDS)
        for _ in range(CASES):
            ask(secret.database, POLICE, ASKED)
        other.ask(Pairs(sizes.inquiries // 10), _SECONDS)
        say(f"{sizes.inquiries} pairs while one has {CASES}")
        after: list[tuple[float, float]] = other.ask(Pairs(sizes.inquiries), _SECONDS)
    note = (
        f"{sizes.inquiries} pairs of calls each, mutual TLS on loopback, SQLite, by the SDK with all that it verifies; "
        f"{CASES} open cases at one hub, which ask another member. Were the calls of a member that is not asked any "
        "slower there, the second round's shares would rise above the first one's. "
        f"Two standard errors of a share are {100 / sizes.inquiries**0.5:.1f} points."
    )
    figures = (
        Figure("p50 at the hub with cases", _p50(after, 1), "ms", "at the one without", _p50(after, 0)),
        Figure("p50 at the same hub before it had any", _p50(before, 1), "ms", "at the other", _p50(before, 0)),
        Figure("slower at the hub with cases", _slower(after), "%", "before it had any", _slower(before)),
    )
    return [Section("secrecy", note, figures)]


def _p50(pairs: list[tuple[float, float]], place: int) -> float:
    return 1000 * median(pair[place] for pair in pairs)


def _slower(pairs: list[tuple[float, float]]) -> float:
    return 100 * sum(there > here for here, there in pairs) / len(pairs)
