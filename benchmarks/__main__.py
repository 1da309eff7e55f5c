"""`python -m benchmarks`: measures, prints a table, writes `results.json`."""

import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from alliance.errors import AllianceError
from benchmarks.goals import GOALS
from benchmarks.measure.failure import BenchmarkFailed
from benchmarks.measure.machine import machine
from benchmarks.measure.progress import Say
from benchmarks.page import filled
from benchmarks.parts import PARTS, Part
from benchmarks.report import Results, Taken, print_goals, print_report
from benchmarks.sizes import FULL, QUICK, Sizes

RESULTS: Final = Path(__file__).with_name("results.json")
_OWN_VARIABLES = ("ALLIANCE_HUB_", "ALLIANCE_HOME", "ALLIANCE_PASSPHRASE")
_PLAIN_WIDTH = 160

_HELP = """Measure the hub and its SDK, each figure beside its rivals in the same run.

The parts, in order:

{parts}

Each part measures its rivals itself and keeps what it found in a folder beside the results; `results.json` joins
the newest of all parts, so that a long run can be repeated part by part: `python -m benchmarks --only online`.

Peers (OpenMined's PSI, SecretFlow's spu) are installed once with pip into `benchmarks/.peers/`, an environment each;
a part that cannot have its peer says so and goes on. The arithmetic is the native wheel's where it is installed,
else the reference's; `ALLIANCE_BACKEND=reference` insists on one.

A full run takes over half an hour and 30 GB of disk; `--quick` a few minutes, for figures that are rough."""

_out, _err = Console(), Console(stderr=True)
app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
)


def _about() -> str:
    return _HELP.format(parts="\b\n" + "\n".join(f"  {part.name:<17} {part.about}" for part in PARTS))


def _shown(numbers: Sequence[int]) -> str:
    return ", ".join(f"{number:,}" for number in numbers)


@app.command(help=_about())
def bench(
    *,
    only: Annotated[
        list[str] | None, typer.Option(metavar="PART", help="A part to run; may be repeated. Else all.")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Small amounts: a smoke run.")] = False,
    rounds: Annotated[
        int | None, typer.Option(metavar="N", min=1, help=f"Repetitions of short measures; {FULL.rounds}.")
    ] = None,
    contributed: Annotated[
        int | None, typer.Option(metavar="N", min=100, help=f"Rows of the contribution; {FULL.contributed:,}.")
    ] = None,
    claims: Annotated[
        int | None, typer.Option(metavar="N", min=100, help=f"Claims in the registry of a screening; {FULL.claims:,}.")
    ] = None,
    screened: Annotated[
        list[int] | None,
        typer.Option(metavar="N", min=1_000, help=f"Rows of a screening; repeatable: {_shown(FULL.screened)}."),
    ] = None,
    listed_every: Annotated[
        int | None, typer.Option(metavar="N", min=2, help=f"One row in so many is a match; {FULL.listed_every}.")
    ] = None,
    online_seconds: Annotated[
        float | None,
        typer.Option(metavar="N", min=0.1, help=f"Seconds of online checks a turn; {FULL.online_seconds:.0f}."),
    ] = None,
    online_turns: Annotated[
        int | None, typer.Option(metavar="N", min=1, help=f"Such turns; {FULL.online_turns}.")
    ] = None,
    in_flight: Annotated[
        list[int] | None,
        typer.Option(metavar="N", min=1, help=f"Checks in flight; repeatable: {_shown(FULL.in_flight)}."),
    ] = None,
    tags: Annotated[
        int | None, typer.Option(metavar="N", min=1_000, help=f"Tags of the filter; {FULL.tags:,}.")
    ] = None,
    started: Annotated[
        list[int] | None,
        typer.Option(
            metavar="N", min=1_000, help=f"Claims of a hub that is started; repeatable: {_shown(FULL.started)}."
        ),
    ] = None,
    profiled: Annotated[
        int | None, typer.Option(metavar="N", min=1_000, help=f"Rows screened under the profiler; {FULL.profiled:,}.")
    ] = None,
    watched: Annotated[
        int | None, typer.Option(metavar="N", min=1_000, help=f"Identifiers of a watched book; {FULL.watched:,}.")
    ] = None,
    logged: Annotated[
        int | None, typer.Option(metavar="N", min=1_000, help=f"Events of the log that is verified; {FULL.logged:,}.")
    ] = None,
    show: Annotated[bool, typer.Option("--show", help="Measure nothing: show what is kept.")] = False,
    page: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", exists=True, dir_okay=False, help="Page of documentation whose marked places to fill."
        ),
    ] = None,
    folder: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where the hub's disk is; else the system's.")
    ] = None,
    results: Annotated[
        Path,
        typer.Option(metavar="FILE", show_default=False, help="File to write; its folder of parts lies beside it."),
    ] = RESULTS,
) -> None:
    """Run the parts that are asked for."""
    given = {
        "rounds": rounds,
        "contributed": contributed,
        "claims": claims,
        "screened": tuple(screened or ()),
        "listed_every": listed_every,
        "online_seconds": online_seconds,
        "online_turns": online_turns,
        "in_flight": tuple(in_flight or ()),
        "tags": tags,
        "started": tuple(started or ()),
        "profiled": profiled,
        "watched": watched,
        "logged": logged,
    }
    changed = {name: value for name, value in given.items() if value not in (None, ())}
    try:
        sizes = replace(QUICK if quick else FULL, **changed)  # type: ignore[arg-type]
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    how_much = " ".join(["quick" if quick else "full", *(f"{name}={value}" for name, value in changed.items())])
    kept = Results(results, [part.name for part in PARTS])
    start = time.perf_counter()
    parts = [] if show else _chosen(only or [])
    failed = _measure(parts, sizes, how_much, folder, kept)
    out = _out if _out.is_terminal else Console(width=_PLAIN_WIDTH)
    print_report(out, kept.all())
    print_goals(out, GOALS, kept.all())
    if page is not None:
        page.write_text(filled(page.read_text("utf-8"), GOALS, kept.all()), "utf-8")
    if parts:
        seconds = time.perf_counter() - start
        out.print(f"{seconds:.0f} s for {', '.join(part.name for part in parts)}", highlight=False)
    if failed:
        raise typer.Exit(1)


def _chosen(names: Sequence[str]) -> list[Part]:
    if unknown := sorted(set(names) - {part.name for part in PARTS}):
        raise typer.BadParameter(f"there is no part {', '.join(unknown)}: {', '.join(part.name for part in PARTS)}")
    return [part for part in PARTS if not names or part.name in names]


def _measure(parts: Sequence[Part], sizes: Sizes, how_much: str, folder: Path | None, results: Results) -> list[Part]:
    """Run parts and keep what they found; one that fails is told, and the next goes on. Gives those that failed."""
    for name in [name for name in os.environ if name.startswith(_OWN_VARIABLES)]:
        del os.environ[name]  # the benchmark's hub is its own, whatever hub the caller has
    failed = []
    for number, part in enumerate(parts, 1):
        try:
            with (
                _progress(f"{part.name} ({number} of {len(parts)})") as say,
                tempfile.TemporaryDirectory(prefix="alliance-bench-", dir=folder) as scratch,
            ):
                sections = part.run(Path(scratch), sizes, say)
            when = datetime.now().astimezone().isoformat(" ", "minutes")
            results.keep(Taken(part.name, when, machine(), how_much, tuple(sections)))
        except (BenchmarkFailed, AllianceError) as error:
            _say_failed(f"{part.name}: {error}")
            failed.append(part)
    return failed


def _say_failed(why: str) -> None:
    _err.print(f"error: {why}", style="red", markup=False, highlight=False)


@contextmanager
def _progress(part: str) -> Iterator[Say]:
    """Say what is measured, on a terminal only."""
    if not _err.is_terminal:
        yield lambda _step: None
        return
    with _err.status(part, refresh_per_second=4) as status:
        yield lambda step: status.update(f"{part}: {step}")


def main() -> None:
    """Run; a failure becomes one sentence and an exit code of 1."""
    os.umask(0o077)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that processes and files are cleared away
    try:
        app()
    except (BenchmarkFailed, AllianceError) as error:
        _say_failed(str(error))
        sys.exit(1)


if __name__ == "__main__":
    main()
