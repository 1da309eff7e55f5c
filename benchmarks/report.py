"""Figures and how they are shown: a table for people, `results.json` for what reads it.

A figure is a value and a rival's value in the same unit, taken in the same run. The ratio is value over rival, so
below 1 is better for costs and times, above 1 for rates; for shares it says how well a prediction fits.
"""

import json
import math
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

SIGNIFICANT_DIGITS = 4


class BenchmarkFailed(Exception):
    """A run that cannot be believed: something failed, or an answer was wrong."""


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


def rounded(value: float) -> float:
    """Keep four significant digits: the rest is noise."""
    return float(f"{value:.{SIGNIFICANT_DIGITS}g}")


def shown(value: float) -> str:
    """Write a value for people: three significant digits, thousands separated."""
    if value >= 100:
        return f"{value:,.0f}"
    digits = 2 if value < 10 else 1
    return f"{value:.{digits}f}" if value >= 0.01 or not value else f"{value:.2g}"


def write_results(sections: Iterable[Section], path: Path) -> None:
    """Write all figures as one list, replacing the file in one step; raises BenchmarkFailed on a repeated name."""
    figures = [figure for section in sections for figure in section.figures]
    seen: set[tuple[str, str]] = set()
    for figure in figures:
        if (figure.name, figure.rival) in seen:
            raise BenchmarkFailed(f"two figures are named '{figure.name}' against '{figure.rival}'")
        seen.add((figure.name, figure.rival))
    records = [figure.record() for figure in figures]
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(json.dumps(records, ensure_ascii=False, indent=1) + "\n", "utf-8")
    temporary.replace(path)


def print_report(out: Console, machine: str, sections: Sequence[Section]) -> None:
    """Print the table."""
    out.print(machine, markup=False, highlight=False)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("measure", overflow="fold")
    table.add_column("value", justify="right", no_wrap=True)
    table.add_column("unit", no_wrap=True)
    table.add_column("beside, in the same run", overflow="fold")
    table.add_column("its value", justify="right", no_wrap=True)
    table.add_column("ratio", justify="right", no_wrap=True, style="bold")
    for section in sections:
        table.add_section()
        table.add_row(f"[bold]{section.title}[/bold]")
        for figure in section.figures:
            table.add_row(
                f"  {figure.name}",
                shown(figure.value),
                figure.unit,
                figure.rival,
                shown(figure.rival_value),
                f"× {shown(figure.ratio)}",
            )
    out.print(table)
    for section in sections:
        out.print(f"{section.title}: {section.note}", markup=False, highlight=False, style="dim")
