"""What a process spent, and on what: a timing wrapper around the backend, the signatures and canonicalisation.

The wrapper reads the clock of the thread's own CPU time before and after, so that waiting and other programs do not
count; it costs about half a microsecond a call. What a backend did on threads of its own would be missed: the
prediction from unit costs, which stands beside every share, would show that.

Wrapped are the methods of `alliance.crypto.backend.Backend` (a call is a batch), `SigningKey.sign` and
`VerifyingKey.verify`, and `alliance.identifiers.canonicalise` wherever it was imported.
"""

import contextlib
import resource
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ParamSpec, Self, TypeVar

import alliance.identifiers
from alliance.crypto import backend as backends
from alliance.crypto import group
from alliance.crypto.signing import SigningKey, VerifyingKey

P = ParamSpec("P")
T = TypeVar("T")

ARITHMETIC, SIGNATURES, CANONICALISATION = "arithmetic", "signatures", "canonicalisation"
_PACKED_FIRST = {"decode_elements", "unblind_additive", "unblind_multiplicative"}
_LISTED_FIRST = {"blind_additive", "blind_multiplicative", "finalize"}
_PACKED_SECOND = {"evaluate", "verify"}
_KIBIBYTE = 1024
_STATUS, _FORGET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


@dataclass(frozen=True, slots=True)
class Spent:
    """What a process spent since its start, or between two readings."""

    cpu: float
    """Seconds, user and system, all threads."""
    peak_bytes: int
    """Largest resident size since the peak was last forgotten."""
    resident_bytes: int
    """Resident size at the end."""
    seconds: dict[str, float]
    """CPU seconds by category."""
    items: dict[str, int]
    """Items by operation: identifiers of each backend method, signatures, canonicalised values."""

    @classmethod
    def nothing(cls) -> Self:
        """Give what sums start from."""
        return cls(0.0, 0, 0, {}, {})

    def __sub__(self, earlier: Self) -> "Spent":
        return Spent(
            self.cpu - earlier.cpu,
            self.peak_bytes,
            self.resident_bytes,
            {name: value - earlier.seconds.get(name, 0.0) for name, value in self.seconds.items()},
            {name: value - earlier.items.get(name, 0) for name, value in self.items.items()},
        )

    def __add__(self, other: Self) -> "Spent":
        return Spent(
            self.cpu + other.cpu,
            max(self.peak_bytes, other.peak_bytes),
            max(self.resident_bytes, other.resident_bytes),
            dict(Counter(self.seconds) + Counter(other.seconds)),
            dict(Counter(self.items) + Counter(other.items)),
        )


class Meter:
    """Adds up CPU time by category; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seconds: Counter[str] = Counter()
        self._items: Counter[str] = Counter()

    def timed(
        self, category: str, operation: str, work: Callable[P, T], count: Callable[..., int] = lambda *_, **__: 1
    ) -> Callable[P, T]:
        """Wrap a function; `count` gives the items of a call from its arguments."""

        @wraps(work)
        def wrapped(*args: P.args, **kwargs: P.kwargs) -> T:
            start = time.thread_time_ns()
            try:
                return work(*args, **kwargs)
            finally:
                self._add(category, operation, (time.thread_time_ns() - start) / 1e9, count(*args, **kwargs))

        return wrapped

    def _add(self, category: str, operation: str, seconds: float, items: int) -> None:
        with self._lock:
            self._seconds.update({category: seconds})
            self._items[operation] += items

    def read(self) -> Spent:
        """Give what was spent so far."""
        own = resource.getrusage(resource.RUSAGE_SELF)
        peak, resident = memory()
        with self._lock:
            return Spent(own.ru_utime + own.ru_stime, peak, resident, dict(self._seconds), dict(self._items))


def memory() -> tuple[int, int]:
    """Give this process's largest and present resident size, bytes; where the system tells no more, the largest."""
    try:
        lines = (line.split() for line in _STATUS.read_text().splitlines())
        sizes = {words[0]: int(words[1]) * _KIBIBYTE for words in lines if words[0] in ("VmHWM:", "VmRSS:")}
        return sizes["VmHWM:"], sizes["VmRSS:"]
    except (OSError, KeyError):
        largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else _KIBIBYTE)
        return largest, largest


def forget_peak() -> None:
    """Let the largest resident size start anew, where the system can: opening sealed keys takes much for a moment."""
    with contextlib.suppress(OSError):
        _FORGET.write_text("5")


def installed_meter() -> Meter:
    """Put a meter into this process, for good."""
    meter = Meter()
    chosen = backends.backend()
    methods = {
        name: meter.timed(ARITHMETIC, name, getattr(chosen, name), _count_of(name))
        for name in _PACKED_FIRST | _LISTED_FIRST | _PACKED_SECOND
    }
    metered = SimpleNamespace(name=chosen.name, description=chosen.description, **methods)
    _replace(backends.backend, lambda: metered)
    _replace(
        alliance.identifiers.canonicalise,
        meter.timed(CANONICALISATION, "canonicalise", alliance.identifiers.canonicalise),
    )
    for owner, name in ((SigningKey, "sign"), (VerifyingKey, "verify")):
        setattr(owner, name, meter.timed(SIGNATURES, f"signature {name}", getattr(owner, name)))
    return meter


def _count_of(method: str) -> Callable[..., int]:
    if method in _LISTED_FIRST:
        return lambda inputs, *_, **__: len(inputs)
    place = 0 if method in _PACKED_FIRST else 1
    return lambda *args, **_: len(args[place]) // group.ELEMENT_BYTES


def _replace(original: object, substitute: Any) -> None:  # noqa: ANN401 - any function
    """Put a substitute wherever a module of the product holds the original."""
    for module_name, module in list(sys.modules.items()):
        if not module_name.startswith(("alliance", "member_client")):
            continue
        for name, value in list(vars(module).items()):
            if value is original:
                setattr(module, name, substitute)
