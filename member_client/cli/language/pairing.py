"""Words of the machine beside their Chinese labels: `mule_account（涉诈资金中转账户）`."""

from functools import cache
from typing import Final

from alliance.notices import CHINESE, KINDS, wording
from alliance.taxonomy import Category, EvidenceLevel, Purpose, SubjectRole, Word

SEPARATOR: Final = ", "
CHINESE_SEPARATOR: Final = "、"


def typed_word(word: Word) -> str:
    """Give a word as files and options have it."""
    return word.name if isinstance(word, EvidenceLevel) else word.word


def chinese_label(word: Word) -> str:
    """Give a word's Chinese label."""
    return wording(word).label(CHINESE)


def paired(word: Word) -> str:
    """Give a word of the taxonomy with its label."""
    return _pair(typed_word(word), chinese_label(word))


def paired_help(text: str) -> str:
    """Give a list of words, as help has it, with the label of each that has one."""
    labels = _help_labels()
    return CHINESE_SEPARATOR.join(_pair(word, labels.get(word, "")) for word in text.split(SEPARATOR))


def _pair(word: str, label: str) -> str:
    return f"{word}（{label}）" if label else word


@cache
def _help_labels() -> dict[str, str]:
    """Give the label of each word that help lists; the tables have no word in common."""
    kinds = {str(kind): named.label(CHINESE) for kind, named in KINDS.items()}
    return kinds | {word.word: chinese_label(word) for words in (Category, SubjectRole, Purpose) for word in words}
