"""Figures and how they are shown: a table for people, `results.json` for what reads it.

A figure is a value and a rival's value in the same unit, taken in the same run. The ratio is value over rival, so
below 1 is better for costs and times, above 1 for rates. Beside `results.json` a folder keeps what each part found,
with its notes and its time, so that a long run can be repeated part by part.
"""

import json
import math
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from rich.console import Console
from rich.table import Table

from benchmarks.goals import Goal
from benchmarks.measure.failure import BenchmarkFailed

SIGNIFICANT_DIGITS = 4


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value beside its rival's, both in `unit`."""

    name: str
    value: float
    unit: str
    rival: str
    rival_value: float

    def __post_init__(self) -> None:
        if not all(math.isfinite(number) and number >= 0 for number in (self.value, self.rival_value)):
            raise BenchmarkFailed(f"'{self.name}' is not a figure: {self.value} against {self.rival_value}")

    @property
    def ratio(self) -> float:
        """Value over rival; 0 where the rival is 0."""
        return self.value / self.rival_value if self.rival_value else 0.0

    def record(self) -> dict[str, str | float]:
        """Give the figure as `results.json` holds it."""
        return {
            "name": self.name,
            "value": rounded(self.value),
            "unit": self.unit,
            "rival": self.rival,
            "rival_value": rounded(self.rival_value),
            "ratio": rounded(self.ratio),
        }


@dataclass(frozen=True, slots=True)
class Section:
    """Figures that belong together, with a sentence on how they were taken."""

    title: str
    note: str
    figures: tuple[Figure, ...]
    missing: tuple[str, ...] = ()
    """What could not be measured here, a line each."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What a part found: when, where, and how much was measured."""

    part: str
    when: str
    machine: str
    sizes: str
    sections: tuple[Section, ...]

    @classmethod
    def _from(cls, content: dict[str, Any]) -> Self:
        sections = tuple(
            Section(
                section["title"],
                section["note"],
                tuple(Figure(**figure) for figure in section["figures"]),
                tuple(section["missing"]),
            )
            for section in content["sections"]
        )
        return cls(**{**content, "sections": sections})


class Results:
    """`results.json` and the folder of its parts."""

    def __init__(self, path: Path, parts: Sequence[str]) -> None:
        """Take the file's place, and the names of the parts in order."""
        self._path = path
        self._folder = path.with_suffix(".parts")
        self._parts = parts

    def keep(self, taken: Taken) -> None:
        """Put a part's figures in place of its earlier ones and write everything anew.

        Raises BenchmarkFailed, with nothing written, where two figures have one name and rival.
        """
        kept = [taken if name == taken.part else self._kept(name) for name in self._parts]
        figures = [figure for each in kept if each for section in each.sections for figure in section.figures]
        _require_different(figures)
        self._folder.mkdir(exist_ok=True)
        _write(self._folder / f"{taken.part}.json", asdict(taken))
        _write(self._path, [figure.record() for figure in figures])

    def all(self) -> list[Taken]:
        """Give what is kept, in the order of the parts."""
        return [kept for name in self._parts if (kept := self._kept(name))]

    def _kept(self, part: str) -> Taken | None:
        try:
            return Taken._from(json.loads((self._folder / f"{part}.json").read_text("utf-8")))
        except FileNotFoundError:
            return None
        except (ValueError, TypeError, KeyError):
            raise BenchmarkFailed(f"{self._folder / part}.json is of another version: remove {self._folder}") from None


def _require_different(figures: Iterable[Figure]) -> None:
    seen: set[tuple[str, str]] = set()
    for figure in figures:
        if (figure.name, figure.rival) in seen:
            raise BenchmarkFailed(f"two figures are named '{figure.name}' against '{figure.rival}'")
        seen.add((figure.name, figure.rival))


def _write(path: Path, content: object) -> None:
    """Replace a file in one step."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", "utf-8")
    temporary.replace(path)


def rounded(value: float) -> float:
    """Keep four significant digits: the rest is noise."""
    return float(f"{value:.{SIGNIFICANT_DIGITS}g}")


def shown(value: float) -> str:
    """Write a value for people: three significant digits, thousands separated."""
    if value >= 100:
        return f"{value:,.0f}"
    digits = 2 if value < 10 else 1
    return f"{value:.{digits}f}" if value >= 0.01 or not value else f"{value:.2g}"


def print_report(out: Console, everything: Sequence[Taken]) -> None:
    """Print all figures, then how they were taken."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("measure", overflow="fold")
    table.add_column("value", justify="right", no_wrap=True)
    table.add_column("unit", no_wrap=True)
    table.add_column("beside, in the same run", overflow="fold")
    table.add_column("its value", justify="right", no_wrap=True)
    table.add_column("ratio", justify="right", no_wrap=True, style="bold")
    for taken in everything:
        for section in taken.sections:
            table.add_section()
            table.add_row(f"[bold]{section.title}[/bold]")
            for figure in section.figures:
                table.add_row(*_cells(figure))
    out.print(table)
    for taken in everything:
        _line(out, f"{taken.part}: {taken.when} · {taken.machine} · {taken.sizes}", "bold dim")
        for section in taken.sections:
            _line(out, f"  {section.title}: {section.note}", "dim")
            for line in section.missing:
                _line(out, f"  {section.title}: not measured: {line}", "yellow")


def _cells(figure: Figure) -> tuple[str, ...]:
    ratio = f"× {shown(figure.ratio)}"
    return f"  {figure.name}", shown(figure.value), figure.unit, figure.rival, shown(figure.rival_value), ratio


def _line(out: Console, text: str, style: str) -> None:
    out.print(text, markup=False, highlight=False, style=style)


def print_goals(out: Console, goals: Sequence[Goal], everything: Sequence[Taken]) -> None:
    """Print what must be reached beside what was: yes, no, or not measured."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("must reach", overflow="fold")
    table.add_column("ratio", justify="right", no_wrap=True)
    table.add_column("bound", justify="right", no_wrap=True)
    table.add_column("reached", no_wrap=True)
    for goal in goals:
        ratio = ratio_of(goal, everything)
        if ratio is None:
            table.add_row(f"{goal.name}: {goal.words}", "", goal.bound_shown, "not measured")
        else:
            verdict = "[green]yes[/green]" if goal.reached(ratio) else "[red]no[/red]"
            table.add_row(f"{goal.name}: {goal.words}", shown(ratio), goal.bound_shown, verdict)
    out.print(table)


def ratio_of(goal: Goal, everything: Sequence[Taken]) -> float | None:
    """Give the ratio that a goal is about, None where it was not measured."""
    figures = (figure for taken in everything for section in taken.sections for figure in section.figures)
    return next((figure.ratio for figure in figures if goal.is_about(figure.name, figure.rival)), None)
