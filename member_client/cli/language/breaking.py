"""Lines of Chinese: broken between any two characters, where Rich looks for spaces and finds none.

A word or number of ASCII stays whole while it fits, and no line starts with a closing punctuation mark.
"""

import re
from itertools import pairwise
from typing import Any, Final

from rich.cells import cell_len
from rich.containers import Lines
from rich.text import Text

_PIECE: Final = re.compile(r"[!-~]+[，。；：、）”！？]*|\s+|.[，。；：、）”！？]*")


class ChineseText(Text):
    """A text that knows how Chinese is broken into lines."""

    @classmethod
    def of(cls, text: Text) -> "ChineseText":
        """Give a text as one that breaks like this, with its styles."""
        return cls(text.plain, style=text.style, justify=text.justify, overflow=text.overflow, spans=text.spans)

    def wrap(self, console: Any, width: int, **options: Any) -> Lines:  # noqa: ANN401, ARG002 - Rich's signature
        """Break into lines of a width in cells."""
        lines = Lines()
        for line in self.split(allow_blank=True):
            lines.extend(line.divide(breaks(line.plain, width)))
        for line in lines:
            line.rstrip_end(width)
        return lines


def folded(text: str, width: int) -> str:
    """Break a text without line breaks into lines of a width in cells."""
    places = [0, *breaks(text, width), len(text)]
    return "\n".join(text[start:end].rstrip() for start, end in pairwise(places))


def breaks(line: str, width: int) -> list[int]:
    """Give the places where a line without line breaks is to be broken, so that each part has so many cells at most."""
    found: list[int] = []
    used = 0
    for match in _PIECE.finditer(line):
        piece = match[0]
        cells = cell_len(piece)
        if used + cell_len(piece.rstrip()) <= width:
            used += cells
            continue
        if used:
            found.append(match.start())
        used = cells
        for place in range(match.start() + width, match.end(), width) if cells > width else ():
            found.append(place)
            used = match.end() - place
    return found
