"""A letter to a person: headings, paragraphs and lists, written as Markdown or, with the extra `letters`, as a PDF.

What stands in it may come from files and from people, so it is text wherever it is written: nothing in it becomes
markup.
"""

import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Final, Literal

from alliance.notices import Language
from member_client.errors import ConfigurationInvalid

Sort = Literal["heading", "subheading", "text", "items", "steps"]

_NO_LETTERS: Final = "Letters as PDF need an extra that is not installed: pip install 'alliance-hub[letters]'"
_MARKUP: Final = re.compile(r"([\\`*_\[\]<>|])")
_LATIN: Final = "Helvetica"
_CHINESE: Final = "STSong-Light"
"""One of Adobe's Chinese fonts: named in the file, and brought by whatever shows it."""
_NOT_LATIN: Final = re.compile(r"[^\x20-\x7e\u2013\u2026]+")
_MARGIN: Final = 64.0
_SIZES: Final = {"title": 16.0, "heading": 12.5, "subheading": 10.5}
_TEXT_SIZE: Final = 10.5
_LEADING: Final = 1.5
_HANGING: Final = 10.0


@dataclass(frozen=True, slots=True)
class Part:
    """A heading, a paragraph, or a list, numbered where its items are steps."""

    sort: Sort
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter's title and parts, in one language."""

    language: Language
    title: str
    parts: Sequence[Part]

    def markdown(self) -> str:
        """Write it as Markdown."""
        return "\n\n".join([f"# {_plain(self.title)}", *(_markdown(part) for part in self.parts)]) + "\n"

    def pdf(self) -> bytes:
        """Write it as a PDF; raises ConfigurationInvalid without the extra."""
        library = _reportlab()
        styles = _Styles(library)
        story = [styles.paragraph("title", self.title)]
        for part in self.parts:
            lines = list(_numbered(part))
            story += [styles.paragraph(part.sort, text, is_last=text is lines[-1]) for text in lines]
        written = io.BytesIO()
        document = library.SimpleDocTemplate(
            written,
            title=self.title,
            lang=self.language,
            author="",
            creator="",
            pagesize=library.A4,
            invariant=1,  # the same letter is the same file: no time of its making is in it
            **_margins(),
        )
        document.build(story, onFirstPage=_numbered_page, onLaterPages=_numbered_page)
        return written.getvalue()


def _plain(text: str) -> str:
    return _MARKUP.sub(r"\\\1", " ".join(text.split()))


def _markdown(part: Part) -> str:
    texts = [_plain(text) for text in part.texts]
    match part.sort:
        case "heading":
            return f"## {texts[0]}"
        case "subheading":
            return f"### {texts[0]}"
        case "text":
            return "\n\n".join(texts)
        case "items":
            return "\n".join(f"- {text}" for text in texts)
        case "steps":
            return "\n".join(f"{number}. {text}" for number, text in enumerate(texts, 1))


def _numbered(part: Part) -> Iterator[str]:
    for number, text in enumerate(part.texts, 1):
        yield {"items": f"– {text}", "steps": f"{number}. {text}"}.get(part.sort, text)


def _margins() -> dict[str, float]:
    return dict.fromkeys(("leftMargin", "rightMargin", "topMargin", "bottomMargin"), _MARGIN)


class _Styles:
    """How the parts of a letter look on paper."""

    def __init__(self, library: Any) -> None:  # noqa: ANN401 - a module
        self._library = library

    def paragraph(self, sort: str, text: str, *, is_last: bool = True) -> Any:  # noqa: ANN401 - the library's
        """Set a text; the last one of a part keeps a distance from what follows."""
        size = _SIZES.get(sort, _TEXT_SIZE)
        is_list, is_heading = sort in ("items", "steps"), sort in _SIZES
        style = self._library.ParagraphStyle(
            sort,
            fontName=_LATIN,
            fontSize=size,
            leading=size * _LEADING,
            spaceBefore=size if is_heading else 0,
            spaceAfter=size / 2 if is_last or not is_list else 0,
            leftIndent=_HANGING * 2 if is_list else 0,
            firstLineIndent=-_HANGING if is_list else 0,
            keepWithNext=is_heading,
            wordWrap="CJK" if _NOT_LATIN.search(text) else None,
        )
        return self._library.Paragraph(_in_fonts(text), style)


def _in_fonts(text: str) -> str:
    """Give a text as the library reads it: what is not Latin in the Chinese font, and nothing in it markup."""
    plain = escape(" ".join(text.split()), quote=False)
    return _NOT_LATIN.sub(lambda run: f'<font name="{_CHINESE}">{run[0]}</font>', plain)


def _numbered_page(canvas: Any, document: Any) -> None:  # noqa: ANN401 - the library's
    canvas.setFont(_LATIN, 9)
    canvas.drawCentredString(document.pagesize[0] / 2, _MARGIN / 2, str(canvas.getPageNumber()))


def _reportlab() -> Any:  # noqa: ANN401 - a handful of names
    """Give what a letter needs of ReportLab, its Chinese font registered; raises ConfigurationInvalid."""
    try:
        from reportlab.lib.pagesizes import A4
        from reportlab.lib.styles import ParagraphStyle
        from reportlab.pdfbase import pdfmetrics
        from reportlab.pdfbase.cidfonts import UnicodeCIDFont
        from reportlab.platypus import Paragraph, SimpleDocTemplate
    except ImportError:
        raise ConfigurationInvalid(_NO_LETTERS) from None
    pdfmetrics.registerFont(UnicodeCIDFont(_CHINESE))
    return _Names(A4, ParagraphStyle, Paragraph, SimpleDocTemplate)


@dataclass(frozen=True, slots=True)
class _Names:
    A4: tuple[float, float]
    ParagraphStyle: Any
    Paragraph: Any
    SimpleDocTemplate: Any
