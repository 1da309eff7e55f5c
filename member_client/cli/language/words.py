"""Words of the taxonomy as people type them: the machine's word, or its Chinese label.

Rules:

1. A Chinese label is read whatever language the run speaks: what a file says does not change with the terminal.
2. What a list of words shows, `mule_account（涉诈资金中转账户）`, is read as well, since people copy it into cells.
3. Spaces and the width of brackets do not matter; nothing else is guessed. Labels of one table are different.
"""

from collections.abc import Iterable
from functools import cache
from typing import TypeVar
from unicodedata import normalize

from alliance.errors import UnknownWord
from alliance.notices import CHINESE
from alliance.taxonomy import Word
from member_client.cli.language.pairing import CHINESE_SEPARATOR, SEPARATOR, chinese_label, paired, typed_word
from member_client.cli.language.speaking import spoken, tr

_AnyWord = TypeVar("_AnyWord", bound=Word)


def read_word(words: type[_AnyWord], text: str) -> _AnyWord:
    """Read a word; raises UnknownWord, which lists the words there are in the reader's language, and not the text."""
    found = _labels(words).get(_folded(text))
    if found is not None:
        return words(found)
    try:
        return words.parse(text)
    except UnknownWord:
        name, known = words.__name__, listed(words)
        raise UnknownWord(
            tr("unknown {kind_of_word}: one of {words} is needed", kind_of_word=name, words=known)
        ) from None


def listed(words: Iterable[Word]) -> str:
    """List words for a complaint: the machine's, each with its label where Chinese is spoken."""
    if spoken() == CHINESE:
        return CHINESE_SEPARATOR.join(map(paired, words))
    return SEPARATOR.join(map(typed_word, words))


@cache
def _labels(words: type[Word]) -> dict[str, int]:
    """Give what stands for each word beside the word itself."""
    return {_folded(form): word.value for word in words for form in (chinese_label(word), paired(word))}


def _folded(text: str) -> str:
    return "".join(normalize("NFKC", text).split()).casefold()
