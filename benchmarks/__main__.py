"""`python -m benchmarks`: measures, prints a table, writes `results.json`."""

import os
import platform
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from alliance.crypto.backend import select
from alliance.errors import AllianceError
from benchmarks.arithmetic import arithmetic, canonicalisation
from benchmarks.echo import echo_figures, measured_bare
from benchmarks.endtoend import Say, measured_end_to_end
from benchmarks.report import BenchmarkFailed, Section, print_report, write_results
from benchmarks.shares import Units, cores, rate_figures, share_figures, spent_figures
from benchmarks.sizes import FULL, QUICK, Sizes

RESULTS = Path(__file__).with_name("results.json")
_OWN_VARIABLES = ("ALLIANCE_HUB_", "ALLIANCE_HOME", "ALLIANCE_PASSPHRASE")
_PLAIN_WIDTH = 150

_out, _err = Console(), Console(stderr=True)
app = typer.Typer(
    add_completion=False, pretty_exceptions_enable=False, context_settings={"help_option_names": ["-h", "--help"]}
)


@app.command()
def bench(
    *,
    quick: Annotated[
        bool, typer.Option("--quick", help="Small amounts: a smoke run, whose figures are rough.")
    ] = False,
    rows: Annotated[int | None, typer.Option(min=100, help=f"Rows of a contribution; {FULL.rows}.")] = None,
    screened: Annotated[int | None, typer.Option(min=100, help=f"Rows of a screening; {FULL.screened}.")] = None,
    checks: Annotated[int | None, typer.Option(min=10, help=f"Online checks one at a time; {FULL.checks}.")] = None,
    repeats: Annotated[int | None, typer.Option(min=1, help=f"Repetitions of long jobs; {FULL.repeats}.")] = None,
    folder: Annotated[Path | None, typer.Option(help="Where the hub's disk is; else the system's.")] = None,
    results: Annotated[Path, typer.Option(help="File to write.")] = RESULTS,
) -> None:
    """Measure the hub and its SDK, each figure beside a bare measure or a limit of the same run."""
    given = {"rows": rows, "screened": screened, "checks": checks, "repeats": repeats}
    sizes = replace(QUICK if quick else FULL, **{name: value for name, value in given.items() if value is not None})
    for name in [name for name in os.environ if name.startswith(_OWN_VARIABLES)]:
        del os.environ[name]  # the benchmark's hub is its own, whatever hub the caller has
    start = time.perf_counter()
    with _progress() as say, tempfile.TemporaryDirectory(prefix="alliance-bench-", dir=folder) as scratch:
        sections = measured(Path(scratch), sizes, say)
    seconds = time.perf_counter() - start
    write_results(sections, results)
    out = _out if _out.is_terminal else Console(width=_PLAIN_WIDTH)
    print_report(out, _machine(), sections)
    out.print(f"{seconds:.0f} s{' · quick: rough figures' if quick else ''} · {results}", markup=False, highlight=False)


def measured(scratch: Path, sizes: Sizes, say: Say) -> list[Section]:
    """Run all parts, one after the other."""
    backend = select()
    say(f"arithmetic, {backend.name} backend")
    costs, first = arithmetic(backend, sizes)
    say("canonicalisation")
    micros, second = canonicalisation(costs, sizes)
    say("bare grpc.aio echo")
    bare = measured_bare(scratch, sizes)
    found = measured_end_to_end(scratch, sizes, say)
    units = Units.of(costs, micros)
    return [
        first,
        second,
        echo_figures(bare),
        rate_figures(found, bare, units),
        spent_figures(found),
        share_figures(found, units),
    ]


def _machine() -> str:
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return f"{platform.platform()} · {platform.machine()} · {cores()} cores{load} · Python {platform.python_version()}"


@contextmanager
def _progress() -> Iterator[Say]:
    """Say what is measured, on a terminal only."""
    if not _err.is_terminal:
        yield lambda _step: None
        return
    with _err.status("", refresh_per_second=4) as status:
        yield status.update


def main() -> None:
    """Run; a failure becomes one sentence and an exit code of 1."""
    os.umask(0o077)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that processes and files are cleared away
    try:
        app()
    except (BenchmarkFailed, AllianceError) as error:
        _err.print(f"error: {error}", style="red", markup=False, highlight=False)
        sys.exit(1)


if __name__ == "__main__":
    main()
