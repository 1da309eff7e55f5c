"""Online: checks of one subject of three identifiers, beside a bare gRPC echo.

The echo has the same sizes of messages, TLS and number in flight. Two ways: through the SDK, where a member's
arithmetic shares the machine with the hub; and the hub alone, under a load that was signed before and looks at no
reply. Echo and product take turns.
"""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from alliance.crypto.backend import select
from benchmarks.goals import ECHO, ONLINE_CALLS, ONLINE_CALLS_HUB
from benchmarks.measure.calls import Calls
from benchmarks.measure.clocks import medians
from benchmarks.measure.machine import cores
from benchmarks.measure.progress import Say
from benchmarks.parts.identifier import DECODE, EVALUATE, STEPS, arithmetic, named
from benchmarks.report import Figure, Section
from benchmarks.sizes import Sizes
from benchmarks.stage.alliance import HUB, MEMBER, Alliance
from benchmarks.stage.echo import Echo, synced
from benchmarks.stage.load import Load
from benchmarks.stage.member import Check
from benchmarks.stage.messages import CHECK

_TCP, _LISTED, _WARM_UP = "bare TCP echo of the same bytes, one in flight", 2_000, 40
_MICRO = 1e6
_NOTHING = Calls((), 0.0)


@dataclass(slots=True)
class _Turns:
    """All turns of one number in flight, together."""

    echo: Calls = _NOTHING
    checks: Calls = _NOTHING
    alone: Calls = _NOTHING
    cpu: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    """CPU seconds by party, during checks."""
    cpu_alone: float = 0.0
    """CPU seconds of the hub alone."""


def measured(folder: Path, sizes: Sizes, say: Say) -> list[Section]:
    """Run the part."""
    backend = select()
    step_micros = medians(arithmetic(backend, CHECK.items, sizes.rounds, batches=40), sizes.rounds)
    three = {step: CHECK.items * step_micros[named(backend.name, step, CHECK.items)] for step in STEPS}
    with ExitStack() as stack:
        echo = stack.enter_context(Echo(folder))
        alliance = stack.enter_context(Alliance(folder, say, seeded=sizes.claims // 10))
        alliance.contributed(_LISTED)
        turns = _turns(alliance, echo, sizes, say)
        tcp = echo.tcp(CHECK, sizes.echo_calls)
    sync = 1000 * synced(folder)
    note = (
        f"mutual TLS on loopback; server, SDK and load in processes of their own; {sizes.online_turns} turns of "
        f"{sizes.online_seconds:.0f} s of echo, checks, echo, and {sizes.prepared_calls:,} prepared calls to the hub "
        f"alone, for each number in flight. `{ONLINE_CALLS}` is at {max(turns)} in flight, where the hub may coalesce. "
        f"Every audit row is durable before its reply, on SQLite; one synced write of 4 KiB takes {sync:.2f} ms here. "
        f"A check has {CHECK.items} identifiers and a request id; one in {sizes.listed_every} is a match; all were "
        f"right. {backend.name} backend."
    )
    return [Section("online", note, (*_figures(turns, three), *_echo_figures(turns[min(turns)].echo, tcp)))]


def _turns(alliance: Alliance, echo: Echo, sizes: Sizes, say: Say) -> dict[int, _Turns]:
    turns = {width: _Turns() for width in sizes.in_flight}
    first, seconds = 0, sizes.online_seconds
    with alliance.screener() as member, alliance.loader() as load:
        for width, turn in turns.items():
            # Connection, filter and facts are fetched, and threads begun, before the clock starts.
            alliance.checked(member, Check(first, width, _LISTED, sizes.listed_every, count=_WARM_UP))
            first += _WARM_UP
            for number in range(sizes.online_turns):
                say(f"online, {width} in flight, turn {number + 1} of {sizes.online_turns}")
                turn.echo += echo.called_for(CHECK, seconds / 2, width)
                job = alliance.checked(member, Check(first, width, _LISTED, sizes.listed_every, seconds=seconds))
                first += job.items
                turn.checks += job.calls or _NOTHING
                turn.cpu[MEMBER] += job.member.cpu
                turn.cpu[HUB] += job.hub.cpu
                turn.echo += echo.called_for(CHECK, seconds / 2, width)
                before = alliance.hub.spent()
                turn.alone += load(Load(sizes.prepared_calls, width))
                turn.cpu_alone += (alliance.hub.spent() - before).cpu
    return turns


def _figures(turns: dict[int, _Turns], three: dict[str, float]) -> Iterator[Figure]:
    most = turns[max(turns)]
    yield Figure(ONLINE_CALLS, most.checks.rate, "calls/s", ECHO, most.echo.rate)
    yield Figure(ONLINE_CALLS_HUB, most.alone.rate, "calls/s", ECHO, most.echo.rate)
    for width, turn in turns.items():
        for name, calls in (("check", turn.checks), ("hub alone", turn.alone)):
            title = f"{name}, {width} in flight"
            yield Figure(f"{title}: rate", calls.rate, "calls/s", ECHO, turn.echo.rate)
            yield Figure(f"{title}: p50", calls.milliseconds(0.5), "ms", ECHO, turn.echo.milliseconds(0.5))
            yield Figure(f"{title}: p99", calls.milliseconds(0.99), "ms", ECHO, turn.echo.milliseconds(0.99))
    both, hub = sum(three.values()), three[DECODE] + three[EVALUATE]
    for width, turn in turns.items():
        title = f"check, {width} in flight"
        alone = f"arithmetic alone on {cores()} cores"
        yield Figure(f"{title}: rate", turn.checks.rate, "calls/s", alone, cores() * _MICRO / both)
        for party, rival, micros in ((MEMBER, "blind, verify and hash", both - hub), (HUB, "decode and evaluate", hub)):
            spent = turn.cpu[party] * _MICRO / len(turn.checks.latencies)
            yield Figure(f"{title}: CPU of the {party}", spent, "µs", f"its arithmetic: {rival}", micros)
        spent = turn.cpu_alone * _MICRO / len(turn.alone.latencies)
        yield Figure(f"hub alone, {width} in flight: CPU", spent, "µs", "its arithmetic: decode and evaluate", hub)


def _echo_figures(echo: Calls, tcp: Calls) -> Iterator[Figure]:
    yield Figure("echo, one in flight: rate", echo.rate, "calls/s", _TCP, tcp.rate)
    yield Figure("echo, one in flight: p50", echo.milliseconds(0.5), "ms", _TCP, tcp.milliseconds(0.5))
