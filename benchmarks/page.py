"""Figures on a page of the documentation: each part's table in the place that is marked for it.

A place begins with `<!-- figures: NAME -->` and ends with `<!-- end of figures -->`; NAME is a part, or `goals`. What
is between is written anew; the page's own words around it stay.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

from benchmarks.goals import Goal
from benchmarks.measure.failure import BenchmarkFailed
from benchmarks.report import Section, Taken, ratio_of, shown

GOALS_PLACE = "goals"
_PLACE = re.compile(r"(<!-- figures: (?P<name>\w+) -->\n).*?(<!-- end of figures -->)", re.DOTALL)


def places(page: str) -> list[str]:
    """Give the names of a page's places, in order."""
    return [match["name"] for match in _PLACE.finditer(page)]


def filled(page: str, goals: Sequence[Goal], everything: Sequence[Taken]) -> str:
    """Give the page with the figures of these parts in their places; other places stay as they are.

    Raises BenchmarkFailed where a part has no place.
    """
    tables = {taken.part: "\n".join(_part(taken)) for taken in everything}
    tables[GOALS_PLACE] = "\n".join(_goals(goals, everything))
    if missing := sorted(tables.keys() - set(places(page))):
        raise BenchmarkFailed(f"the page has no place for {', '.join(missing)}")

    def replaced(match: re.Match[str]) -> str:
        table = tables.get(match["name"])
        return match[0] if table is None else f"{match[1]}{table}\n{match[3]}"

    return _PLACE.sub(replaced, page)


def _part(taken: Taken) -> Iterator[str]:
    for section in taken.sections:
        yield from _section(section)
    yield f"*{taken.when}, {taken.sizes}: {taken.machine}.*"


def _section(section: Section) -> Iterator[str]:
    if section.figures:
        yield from _table(("measure", "value", "beside, in the same run", "its value", "ratio"), "lrlrr")
        for figure in section.figures:
            value, theirs = (f"{shown(number)} {figure.unit}" for number in (figure.value, figure.rival_value))
            yield _row(figure.name, value, figure.rival, theirs, f"× {shown(figure.ratio)}")
        yield ""
    yield f"{section.title[:1].upper()}{section.title[1:]}: {section.note}"
    yield ""
    for line in section.missing:
        yield f"Not measured: {line}"
        yield ""


def _goals(goals: Sequence[Goal], everything: Sequence[Taken]) -> Iterator[str]:
    yield from _table(("record", "which is", "ratio", "bound", "reached"), "llrrl")
    for goal in goals:
        ratio = ratio_of(goal, everything)
        measured = ("", "not measured") if ratio is None else (shown(ratio), "yes" if goal.reached(ratio) else "no")
        yield _row(f"`{goal.name}`", goal.words, measured[0], goal.bound_shown, measured[1])


def _table(titles: Sequence[str], sides: str) -> Iterator[str]:
    yield _row(*titles)
    yield _row(*("---:" if side == "r" else "---" for side in sides))


def _row(*cells: str) -> str:
    return f"| {' | '.join(_escaped(cells))} |"


def _escaped(cells: Iterable[str]) -> Iterator[str]:
    return (cell.replace("|", "\\|") for cell in cells)
