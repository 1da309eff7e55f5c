"""Progress of long work: a bar with rate and time left, on a terminal only, and the line about time at the end."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from member_client.cli.language import exact_moment, tr

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.progress import Task

    from member_client.cli.session import Session

_ROWS_AN_UPDATE: Final = 50


class RateColumn(ProgressColumn):
    """Rows a second."""

    def render(self, task: Task) -> Text:
        """Give the rate once there is one."""
        return Text(tr("{rate:,.0f} rows/s", rate=task.speed) if task.speed else tr("… rows/s"), style="cyan")


class Advance:
    """How far the work is; called once a row, and told where it waits."""

    def __init__(self, session: Session, title: str) -> None:
        self._session = session
        self._title = title
        self._bar: Progress | None = None
        self._task = TaskID(0)
        self._rows = 0
        self._noted = False

    def shown(self, bar: Progress, total: int) -> None:
        """Show it on a bar from now on."""
        self._bar, self._task = bar, bar.add_task(self._title, total=total or None)

    def __call__(self) -> None:
        """Count a row."""
        self._rows += 1
        if self._bar is not None and self._rows % _ROWS_AN_UPDATE == 0:
            self._bar.advance(self._task, _ROWS_AN_UPDATE)

    def waits(self, until: int | None) -> None:
        """Say until when work waits for quota, milliseconds UTC; None: it goes on. Without a bar it is said once."""
        text = None if until is None else tr("waiting for quota until {time}", time=exact_moment(until))
        if self._bar is not None:
            self._bar.update(self._task, description=text or self._title)
        elif text is not None and not self._noted:
            self._noted = True
            self._session.note(text)


@contextmanager
def progress(session: Session, title: str, total: int) -> Iterator[Advance]:
    """Show how far the work is; call what this gives once a row."""
    advance = Advance(session, title)
    if not session.shows_progress:
        yield advance
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        RateColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=session.err, transient=True) as bar:
        advance.shown(bar, total)
        yield advance


@contextmanager
def counting(session: Session, title: str) -> Iterator[Callable[[int], None]]:
    """Show how much is done of what has no known end; call what this gives with the number so far."""
    if not session.shows_progress:
        yield lambda _done: None
        return
    columns = (TextColumn("{task.description}", markup=False), TextColumn("{task.completed:,.0f}"), RateColumn())
    with Progress(*columns, console=session.err, transient=True) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done: bar.update(task, completed=done)


class Stopwatch:
    """Measures a run from its making on."""

    def __init__(self) -> None:
        self._start = time.monotonic()

    @property
    def seconds(self) -> float:
        """Time since the start."""
        return time.monotonic() - self._start


def rate(rows: int, seconds: float) -> int:
    """Give rows a second."""
    return round(rows / max(seconds, 1e-9))


def pace(rows: int, seconds: float) -> str:
    """Give the line that ends a run: its time and rate."""
    if seconds < 120:
        shown = tr("{seconds:.1f} s", seconds=seconds)
    else:
        shown = tr("{minutes} min {seconds} s", minutes=int(seconds) // 60, seconds=int(seconds) % 60)
    return tr("{time} · {rate:,} rows/s", time=shown, rate=rate(rows, seconds))


def age(milliseconds: int) -> str:
    """Give an age as people say it."""
    seconds = max(0, milliseconds) // 1000
    if seconds < 120:
        return tr("{seconds} s", seconds=seconds)
    if seconds < 7200:
        return tr("{minutes} min", minutes=seconds // 60)
    return tr("{hours} h", hours=seconds // 3600)
