"""Says things in the language of the run."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from string import Formatter
from typing import Final

from alliance.errors import UnknownWord
from alliance.notices import CHINESE, ENGLISH, Language, wording
from alliance.taxonomy import Word
from member_client.cli.language.chinese import HELP, REASONS, RETOLD, SPOKEN
from member_client.cli.language.pairing import paired_help

_ADVICE: Final = "how_to_fix"
_WORDS: Final = ("words", "purposes", "fields")
_spoken: Language = ENGLISH
"""One for the process, not for a context: the thread that draws the progress speaks it as well."""


@contextmanager
def speaking(language: Language) -> Iterator[None]:
    """Speak a language while the block runs."""
    global _spoken
    before, _spoken = _spoken, language
    try:
        yield
    finally:
        _spoken = before


def spoken() -> Language:
    """Give the language that is spoken."""
    return _spoken


def tr(english: str, /, **values: object) -> str:
    """Say something of the command line's own; values are filled in as `str.format` does."""
    template = SPOKEN.get(english, english) if _spoken == CHINESE else english
    return template.format(**values)


def retold(english: str) -> str:
    """Say again what was worded in English elsewhere; what the catalogue does not know stays English."""
    return _RETOLD.say(english) if _spoken == CHINESE else english


def told_help(english: str) -> str:
    """Say a paragraph of help."""
    return _HELP.say(english) if _spoken == CHINESE else english


def word(words: type[Word], text: str) -> str:
    """Give a word of the taxonomy for a person: its Chinese label, or in English the machine's word itself."""
    if _spoken != CHINESE:
        return text
    try:
        return wording(words.parse(text)).label(_spoken)
    except UnknownWord:
        return text


def label(meant: Word) -> str:
    """Give how a word reads in full, in the language that is spoken."""
    return wording(meant).label(_spoken)


def told_reason(code: str) -> str:
    """Say why a row was refused or a field is open: in Chinese words, or in English the machine's word itself."""
    return REASONS.get(code, code) if _spoken == CHINESE else code


def told_reasons(counted: Iterable[tuple[str, int]]) -> str:
    """Say reasons with how often each occurred."""
    return ("、" if _spoken == CHINESE else ", ").join(f"{told_reason(code)} {count:,}" for code, count in counted)


class _Recognised:
    """A catalogue of texts that come ready-made: found as they stand, or by what surrounds their values.

    A value that is named `how_to_fix` is a sentence itself, and is said again too; values of other names may have a
    way of their own to be said.
    """

    def __init__(self, catalogue: Mapping[str, str], values: Mapping[str, Callable[[str], str]] | None = None) -> None:
        self._catalogue = catalogue
        self._values = {_ADVICE: self.say, **(values or {})}

    def say(self, english: str) -> str:
        """Give the Chinese text, with the values of the English one; the English text where there is none."""
        exact = self._catalogue.get(english)
        if exact is not None:
            return exact
        for pattern, template in self._patterns:
            if found := pattern.fullmatch(english):
                told = {name: self._values.get(name, str)(value) for name, value in found.groupdict().items()}
                return template.format(**told)
        return english

    @cached_property
    def _patterns(self) -> list[tuple[re.Pattern[str], str]]:
        """What recognises texts with values in them, those with most words of their own first."""
        templates = [key for key in self._catalogue if "{" in key]
        templates.sort(key=lambda key: sum(len(literal) for literal, *_ in Formatter().parse(key)), reverse=True)
        return [(_pattern(key), self._catalogue[key]) for key in templates]


def _pattern(template: str) -> re.Pattern[str]:
    parts = []
    for literal, name, *_ in Formatter().parse(template):
        parts += [re.escape(literal), f"(?P<{name}>.+?)" if name else ""]
    return re.compile("".join(parts), re.DOTALL)


_HELP: Final = _Recognised(HELP, dict.fromkeys(_WORDS, paired_help))
_RETOLD: Final = _Recognised(RETOLD)
