"""Tables that fit the terminal: where it is narrow, columns that matter least are left out, and it is said which."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from member_client.cli.language import retold, tr
from member_client.cli.session import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from member_client.cli.session import Session

_FOLDED: Final = frozenset({"Category", "Role", "You may"})
"""Columns that may break into lines where nothing else helps; a number or a date that is broken cannot be copied."""
_REF: Final = "Ref"
_REF_WIDTH: Final = 8
"""A member's own reference may be long, and breaks first; it keeps this much."""
_GAP: Final = 2


def print_table(
    session: Session, columns: Sequence[str], rows: Iterable[Sequence[str]], *, spared: Sequence[str], whole: str
) -> None:
    """Print a table on standard output, without as many of the spared columns as it takes to fit, in their order.

    `whole` says where all columns can be had. Widths are those of a terminal: a Chinese character takes two cells.
    """
    records = [[printable(cell) for cell in row] for row in rows]
    titles = {name: retold(name) for name in columns}
    columns_of_cells = zip(columns, titles.values(), *records, strict=True)
    widths = {name: max(map(cell_len, cells)) for name, *cells in columns_of_cells}
    left = list(columns)
    for name in spared:
        if _needed(widths, left) <= session.out.width:
            break
        left.remove(name)
    fits = _needed(widths, left) <= session.out.width
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, _GAP, 0, 0))
    for name in left:
        folded = name == _REF or (not fits and name in _FOLDED)
        justify: Literal["left", "right"] = "right" if name == "Row" else "left"
        title = titles[name]
        table.add_column(title, justify=justify, overflow="fold", no_wrap=not folded, min_width=cell_len(title))
    for record in records:
        table.add_row(*(Text(cell) for name, cell in zip(columns, record, strict=True) if name in left))
    session.out.print(table)
    if len(left) < len(columns):
        gone = ", ".join(titles[name] for name in columns if name not in left)
        session.note(tr(" … narrow terminal, without {columns}; {whole}", columns=gone, whole=whole))


def _needed(widths: dict[str, int], columns: Sequence[str]) -> int:
    """Give the width with which nothing but references breaks."""
    needed = (min(widths[name], _REF_WIDTH) if name == _REF else widths[name] for name in columns)
    return sum(needed) + _GAP * (len(columns) - 1)
