"""What a shell offers when somebody presses Tab: commands, options, words of the taxonomy, and files.

Nothing is offered out of lists, stores or what was typed before: an identifier can never be completed. A parameter
without words of its own gives none, and the shell offers files.
"""

from collections.abc import Callable, Iterable

from alliance.cases.words import InstrumentType, UrgencyGround
from alliance.notices import KINDS, LANGUAGES, wording
from alliance.taxonomy import Category, EvidenceLevel, Outcome, SubjectRole, Word
from member_client.cli.language import retold, spoken
from member_client.cli.language.pairing import typed_word
from member_client.files import FIELDS
from member_client.screening import SCREENING_PURPOSES
from member_client.subjects import FIELDS as KINDS_OF_FIELDS

Completions = list[tuple[str, str]]


def _taxonomy(words: Iterable[Word]) -> Callable[[str], Completions]:
    known = tuple(words)

    def complete(incomplete: str) -> Completions:
        named = ((typed_word(word), word) for word in known)
        return [(name, wording(word).label(spoken())) for name, word in named if name.startswith(incomplete)]

    return complete


complete_purpose = _taxonomy(SCREENING_PURPOSES)
complete_category = _taxonomy(Category)
complete_role = _taxonomy(SubjectRole)
complete_evidence = _taxonomy(EvidenceLevel)
complete_outcome = _taxonomy(Outcome)
complete_instrument = _taxonomy(InstrumentType)
complete_urgency = _taxonomy(UrgencyGround)


def complete_language(incomplete: str) -> list[str]:
    """Offer the languages there are."""
    return [language for language in LANGUAGES if language.startswith(incomplete)]


def complete_fail_on(incomplete: str) -> Completions:
    """Offer the states that can fail a run."""
    return [(state, retold(state)) for state in ("match", "unknown") if state.startswith(incomplete)]


def complete_field(incomplete: str) -> Completions:
    """Offer the kinds of identifier that can be checked."""
    return [(name, KINDS[KINDS_OF_FIELDS[name][0]].label(spoken())) for name in FIELDS if name.startswith(incomplete)]
