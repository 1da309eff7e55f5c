"""One run of the demo, from an empty folder to the last line.

One hub and its lenders run as processes of their own and talk TLS on loopback. The demo starts them as their operators
would, reads what they report, and holds it against what it knows apart. It never imports the member's side.
"""

import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from rich.console import Console

from alliance_server.demo import customers_run, lists_run, printing
from alliance_server.demo.made_up import Sizes
from alliance_server.demo.processes import DemoFailed, Processes
from alliance_server.demo.stage import Stage


def run_sized(sizes: Sizes, lists: Path | None = None, keep: Path | None = None, out: Console | None = None) -> int:
    """Run the demo; prints what it shows to `out` and returns the exit code. `sizes` are those of made-up data."""
    out = out or Console(highlight=False, markup=False, emoji=False, soft_wrap=True)
    try:
        with _working_folder(keep) as folder, _ended_by_signals():
            faults = _run(out, folder, sizes, lists)
    except DemoFailed as failure:
        faults = [str(failure)]
    if keep is not None:
        out.print(f"everything is kept in {keep}")
    out.print(f"demo FAILED: {'; '.join(faults)}" if faults else "demo ok")
    return 1 if faults else 0


def _run(out: Console, folder: Path, sizes: Sizes, lists: Path | None) -> list[str]:
    out.print(printing.setting("three lenders" if lists is None else "a member a list"))
    (folder / "processes").mkdir()
    watcher = Console(stderr=True)
    with watcher.status("starting") as status, Processes(folder / "processes") as processes:
        stage = Stage(folder, processes, lambda text: status.update(f"{text} …"))
        if lists is None:
            customers = customers_run.run_customers(stage, sizes)
            screen, faults = printing.customers_screen(customers), customers_run.faults_of(customers)
            run: printing.Run = customers
        else:
            pairs = lists_run.run_lists(stage, lists.resolve())
            screen, faults = printing.lists_screen(pairs), lists_run.faults_of(pairs)
            run = pairs
    for line in [*printing.details(run, stage.durations()), *screen]:
        out.print(line)
    return faults + printing.trial_faults(run)


@contextmanager
def _working_folder(keep: Path | None) -> Iterator[Path]:
    """Give an empty folder: the one that is to be kept, or one that is removed in the end."""
    if keep is None:
        folder = Path(tempfile.mkdtemp(prefix="alliance-demo-"))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return
    if keep.exists() and (not keep.is_dir() or any(keep.iterdir())):
        raise DemoFailed(f"{keep} is not empty; nothing was changed")
    keep.mkdir(mode=0o700, parents=True, exist_ok=True)
    yield keep.resolve()


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Let a request to terminate end the demo as Ctrl-C does, so that no process outlives it."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
