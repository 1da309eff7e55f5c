"""What the search of the suite looks for: identifiers that its tests gave to the canonicaliser, and their plain hashes.

Which those are is taken down where it happens, in this process: whatever becomes canonical anywhere, as typed and as it
came out; of long lists a part. Left out is what would be found by chance or is public: texts of fewer than nine letters
and digits, or of few different ones, shared values of the built-in suppression list, magic identifiers, the domains
of examples, and words: Hypothesis draws texts from the sources, which are everywhere.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from alliance import identifiers
from alliance.development import outcome_of
from alliance.identifiers import BUILTIN, Identifier, Kind
from alliance.identifiers import Reason as RefusalReason
from alliance_server.demo.patterns import texts_of
from alliance_server.demo.people import Written
from support.leak_files import ROOT

MIN_SIGNIFICANT = 9
MIN_DIFFERENT = 5
_SEQUENCES = ("01234567890123456789", "0123456789abcdef0123456789abcdef", "abcdefghijklmnopqrstuvwxyz0123456789")

ALL_OF_THE_FIRST, ONE_IN = 50, 20
"""Of a kind in a test: the first fifty, and one in twenty of the others. What leaks one of a list leaks more of it."""
_NOBODYS = {"examplecom", "examplenet", "exampleorg", "localhost"}
"""Domains that are kept for examples and stand in our own help, and the host of every hub here."""


@dataclass(frozen=True)
class Origin:
    """Whose a text is: the kind of identifier, and the first test that used it."""

    kind: str
    test: str


class UsedIdentifiers:
    """Takes identifiers down, and gives the texts to look for."""

    def __init__(self) -> None:
        self._used: dict[tuple[Kind, str, str | None], str] = {}
        self._counts: Counter[tuple[Kind, str]] = Counter()

    def note(self, kind: Kind, typed: str, canonical: str | None, test: str) -> None:
        """Take one down; `canonical` is None where there is no such form."""
        if (kind, typed, canonical) in self._used:
            return
        self._counts[kind, test] += 1
        number = self._counts[kind, test]
        if number <= ALL_OF_THE_FIRST or number % ONE_IN == 0:
            self._used[kind, typed, canonical] = test

    def texts(self) -> dict[bytes, Origin]:
        """Give every text worth looking for, with whose it is."""
        found: dict[bytes, Origin] = {}
        for (kind, typed, canonical), test in self._used.items():
            identifier = None if canonical is None else Identifier(kind, canonical)
            if _is_word(typed) if identifier is None else _is_nobodys(identifier):
                continue
            for text in texts_of([Written(kind, _encodable(typed), identifier)]):
                if is_significant(text.decode()):
                    found.setdefault(text, Origin(kind, test))
        return found


def _is_nobodys(identifier: Identifier) -> bool:
    """Tell whether an identifier is public, or too short to be told from chance."""
    is_public = BUILTIN.contains(identifier) or outcome_of(identifier) is not None
    return is_public or not is_significant(identifier.canonical) or _is_of_the_sources(identifier.canonical)


def _is_word(refused: str) -> bool:
    """Tell whether what is no identifier is not a misspelt one either."""
    return not any(character.isdigit() or character in "@:" for character in refused)


def _is_of_the_sources(canonical: str) -> bool:
    """Tell whether a name without digits is one of the programs' own: "hub.toml" passes for a domain."""
    return not any(character.isdigit() for character in canonical) and canonical in _sources()


@cache
def _sources() -> str:
    files = (path for name in ("alliance", "alliance_server", "member_client") for path in (ROOT / name).rglob("*.py"))
    return "\n".join(path.read_text("utf-8") for path in files)


def is_significant(text: str) -> bool:
    """Tell whether a text is not likely to stand somewhere by chance."""
    content = "".join(character for character in text if character.isalnum()).lower()
    is_sequence = any(content in sequence for sequence in _SEQUENCES)
    is_long = len(content) >= MIN_SIGNIFICANT and len(set(content)) >= MIN_DIFFERENT
    return is_long and not is_sequence and content not in _NOBODYS


def _encodable(text: str) -> str:
    return text.encode("utf-8", "ignore").decode()


def watch_canonicaliser(used: UsedIdentifiers, test: Callable[[], str]) -> None:
    """Take down whatever becomes canonical from now on, or is refused."""
    namespace: Any = identifiers  # by its inner name: the function itself is imported by name everywhere
    outcome = namespace._outcome

    def noted(kind: Kind, text: str, region: str) -> str | RefusalReason:
        result: str | RefusalReason = outcome(kind, text, region)
        used.note(kind, text, None if isinstance(result, RefusalReason) else result, test())
        return result

    namespace._outcome = noted
