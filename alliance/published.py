"""The taxonomy as tables of text: one source for the reference page and for what the command line exports.

Words are the machine's, as in files and options; how they read stands beside them in Chinese and English, and what
the person concerned is told. Nothing here is typed in: every cell follows from `alliance.taxonomy` and
`alliance.notices`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from alliance import notices
from alliance.identifiers import Kind
from alliance.notices import CHINESE, ENGLISH, Wording, wording
from alliance.taxonomy import (
    APPROVED_FROM,
    CONSENT_NEEDS,
    DAY_MS,
    FILING_RULES,
    LEGAL_TRANSITIONS,
    LIVE_STATUSES,
    Action,
    Category,
    ClaimStatus,
    EvidenceLevel,
    Ground,
    Purpose,
    SharingLevel,
    SubjectRole,
    Word,
    needs_commitment,
    permitted_action,
    retention_ms,
)

_READS: Final = ("english", "chinese")
_TOLD: Final = (*_READS, "told_in_english", "told_in_chinese")


@dataclass(frozen=True, slots=True)
class Table:
    """A table: what it says, its columns, and its rows of as many cells."""

    name: str
    title: str
    about: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def tables() -> Mapping[str, Table]:
    """Give all tables by their names, in the order of the reference."""
    made = (make() for make in _MAKERS)
    return {table.name: table for table in made}


def _table(name: str, title: str, about: str, columns: Iterable[str], rows: Iterable[Iterable[str]]) -> Table:
    return Table(name, title, about, tuple(columns), tuple(tuple(row) for row in rows))


def _categories() -> Table:
    rows = ((word.word, str(int(word)), *_told(wording(word))) for word in Category)
    about = "What a contributor states. Debt evasion is none of them: repayment behaviour is credit reporting."
    return _table("categories", "Categories", about, ("category", "number", *_TOLD), rows)


def _roles() -> Table:
    rows = ((word.word, str(int(word)), *_told(wording(word))) for word in SubjectRole)
    about = "The part that the subject played. Having complained is never a ground for a listing."
    return _table("roles", "Roles", about, ("role", "number", *_TOLD), rows)


def _kinds() -> Table:
    rows = ((str(kind), *_reads(notices.KINDS[kind])) for kind in Kind)
    return _table("kinds", "Kinds", "What an identifier names.", ("kind", *_READS), rows)


def _evidence() -> Table:
    rows = ((level.name, *_reads(wording(level))) for level in EvidenceLevel)
    about = "How well a claim is founded. E4 and E5 need a liaison's countersignature."
    return _table("evidence", "Evidence levels", about, ("evidence", *_READS), rows)


def _statuses() -> Table:
    rows = (
        (
            status.word,
            "yes" if status in LIVE_STATUSES else "no",
            _listed(ClaimStatus, LEGAL_TRANSITIONS[status]),
            *_reads(wording(status)),
        )
        for status in ClaimStatus
    )
    about = "A claim's life. Every change that is not listed is an error."
    return _table("statuses", "Statuses", about, ("status", "live", "may_become", *_READS), rows)


def _actions() -> Table:
    rows = ((action.word, *_told(wording(action))) for action in Action)
    about = "What an institution may do at most, from mild to severe, and what it must be able to tell the person."
    return _table("actions", "Actions", about, ("action", *_TOLD), rows)


def _permitted() -> Table:
    rows = (
        (role.word, *(permitted_action(Ground(role, level)).word for level in EvidenceLevel)) for role in SubjectRole
    )
    about = (
        "What a claim permits at most. Disputed, it permits step_up at most; suspended, inform. Where claims conflict, "
        "the best evidence decides, and among equals the mildest action; E4 and E5 are equals. A protected entry "
        "stands apart: it raises what is milder to step_up, and lowers nothing."
    )
    return _table("permitted", "Permitted actions", about, ("role", *(level.name for level in EvidenceLevel)), rows)


def _retention() -> Table:
    groups = {
        "device, imei, ip": (Kind.DEVICE, SubjectRole.PERPETRATOR),
        "client_victim": (Kind.PHONE, SubjectRole.CLIENT_VICTIM),
        "protected": (Kind.PHONE, SubjectRole.PROTECTED),
        "all others": (Kind.PHONE, SubjectRole.PERPETRATOR),
    }
    rows = (
        (name, *(str(retention_ms(kind, role, level) // DAY_MS) for level in EvidenceLevel))
        for name, (kind, role) in groups.items()
    )
    about = "How long a claim lasts at most, in days from its filing. The shortest of what applies holds."
    return _table("retention", "Retention", about, ("claims", *(level.name for level in EvidenceLevel)), rows)


def _purposes() -> Table:
    rows = (
        (purpose.word, CONSENT_NEEDS[purpose].word, *_reads(wording(purpose)), *_reads(wording(CONSENT_NEEDS[purpose])))
        for purpose in Purpose
    )
    columns = ("purpose", "needs", *_READS, "need_in_english", "need_in_chinese")
    about = "Why an evaluation is asked for, and what it must commit to. Data against fraud is usable for nothing else."
    return _table("purposes", "Purposes", about, columns, rows)


def _sharing() -> Table:
    rows = ((level.word, *_reads(wording(level))) for level in SharingLevel)
    about = "Who may see a claim, after TLP 2.0; red enters neither filter nor bucket."
    return _table("sharing", "Sharing levels", about, ("sharing", *_READS), rows)


def _filing() -> Table:
    rows = (
        (
            category.word,
            _listed(Kind, rule.kinds),
            _listed(SubjectRole, rule.roles),
            rule.least_evidence.name,
            str(rule.longest_age_ms // DAY_MS),
        )
        for category, rule in FILING_RULES.items()
    )
    committed = next(level for level in EvidenceLevel if needs_commitment(SubjectRole.PERPETRATOR, level))
    about = (
        "What may be filed in each category. Conduct may have ended so many days before the filing. From "
        f"{committed.name} on a claim commits to the file behind it, one of a protected person always: to the consent. "
        f"From {APPROVED_FROM.name} on, and of a protected person always, two operators of the contributor approve it."
    )
    return _table("filing", "Filing rules", about, ("category", "kinds", "roles", "least_evidence", "days"), rows)


def _reads(words: Wording) -> tuple[str, str]:
    return words.label(ENGLISH), words.label(CHINESE)


def _told(words: Wording) -> tuple[str, str, str, str]:
    return *_reads(words), words.plain(ENGLISH), words.plain(CHINESE)


def _listed(words: Iterable[Any], some: frozenset[Any]) -> str:
    return ", ".join(word.word if isinstance(word, Word) else str(word) for word in words if word in some)


_MAKERS: Final[tuple[Callable[[], Table], ...]] = (
    _categories,
    _roles,
    _kinds,
    _evidence,
    _filing,
    _permitted,
    _retention,
    _actions,
    _statuses,
    _purposes,
    _sharing,
)
NAMES: Final = tuple(tables())
"""Names of all tables."""
