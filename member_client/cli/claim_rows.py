"""A list's rows as contributions: each cell's own word first, in either language, then the option, then the default.

Category and role have no default: what is said about somebody is never guessed. Evidence defaults to E1, suspicion,
the weakest; above that a file must stand behind it, of which only a salted digest leaves this machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from alliance.errors import UnknownWord
from alliance.taxonomy import Category, EvidenceLevel, SubjectRole, Word
from member_client import ContributionRow
from member_client.cli.group import UsageFault
from member_client.cli.language import listed, read_word, retold, tr
from member_client.files import BadDate, RowFault, RowReason, parse_date, parse_expiry

if TYPE_CHECKING:
    from pathlib import Path

    from member_client.files import Cell, Layout, Row

NEEDED: Final = ("category", "role")
_AnyWord = TypeVar("_AnyWord", bound=Word)


@dataclass(frozen=True, slots=True)
class Defaults:
    """What the command's options say of every row that does not say it itself. Times in milliseconds UTC."""

    category: Category | None = None
    role: SubjectRole | None = None
    evidence: EvidenceLevel = EvidenceLevel.E1
    expires_at: int | None = None
    evidence_file: Path | None = None


def option_word(words: type[_AnyWord], option: str, text: str | None) -> _AnyWord | None:
    """Read an option's word, None where it was not given; raises UsageFault, which lists the words there are."""
    return None if text is None else given_word(words, option, text)


def given_word(words: type[_AnyWord], option: str, text: str) -> _AnyWord:
    """Read an option's word; raises UsageFault, which lists the words there are."""
    try:
        return read_word(words, text)
    except UnknownWord:
        raise UsageFault(tr("{option} is one of {words}", option=option, words=listed(words))) from None


def option_expiry(text: str | None, now_ms: int) -> int | None:
    """Read `--expires`; raises UsageFault where it is no date or past."""
    if text is None:
        return None
    try:
        moment = parse_expiry(text, now_ms)
    except BadDate as fault:
        raise UsageFault(tr("--expires: {fault}", fault=retold(str(fault)))) from None
    if moment <= now_ms:
        raise UsageFault(tr("--expires: this moment is past"))
    return moment


def refuse_incomplete(layout: Layout, defaults: Defaults) -> None:
    """Raise UsageFault where no row could be complete: better now than once a row."""
    for name in NEEDED:
        if name not in layout.attributes and getattr(defaults, name) is None:
            raise UsageFault(
                tr(
                    "what is the {name}? The file has no column {name}: give --{name}, or --map {name}=COLUMN",
                    name=name,
                )
            )
    unfounded = defaults.evidence > EvidenceLevel.E1 and defaults.evidence_file is None
    if unfounded and "evidence_file" not in layout.attributes:
        raise UsageFault(tr("evidence above E1 needs its file: give --evidence-file, or a column evidence_file"))


@dataclass(frozen=True, slots=True)
class RowReader:
    """Makes contributions of rows."""

    layout: Layout
    defaults: Defaults
    folder: Path
    """Where paths in the column evidence_file start."""
    now_ms: int

    def contribution(self, row: Row, cell: Cell, number: int) -> ContributionRow:
        """Give one identifier of a row as a contribution under a number of the caller's; raises RowFault."""
        if cell.is_empty:
            raise RowFault(RowReason.EMPTY, cell.column)
        kind, text = cell.as_kind()
        evidence = self._word(row, "evidence", EvidenceLevel, self.defaults.evidence)
        observed_from, observed_to = self._date(row, "observed_from"), self._date(row, "observed_to")
        return ContributionRow(
            kind=kind,
            text=text,
            category=self._word(row, "category", Category, self.defaults.category),
            role=self._word(row, "role", SubjectRole, self.defaults.role),
            evidence=evidence,
            expires_at=self._expiry(row),
            observed_from=observed_from,
            observed_to=observed_to,
            evidence_file=self._evidence_file(row, evidence),
            row_number=number,
        )

    def _text(self, row: Row, name: str) -> tuple[str, str]:
        """Give an attribute's cell and its column; empty where the file has none."""
        column = self.layout.attributes.get(name, "")
        return (row.text(column) if column else ""), column

    def _word(self, row: Row, name: str, words: type[_AnyWord], default: _AnyWord | None) -> _AnyWord:
        text, column = self._text(row, name)
        if not text:
            if default is None:
                raise RowFault(RowReason.EMPTY, column)
            return default
        try:
            return read_word(words, text)
        except UnknownWord as fault:
            raise RowFault(RowReason.UNKNOWN_WORD, column, str(fault)) from None

    def _date(self, row: Row, name: str) -> int | None:
        text, column = self._text(row, name)
        try:
            return parse_date(text) if text else None
        except BadDate:
            raise RowFault(RowReason.BAD_DATE, column) from None

    def _expiry(self, row: Row) -> int | None:
        text, column = self._text(row, "expires")
        try:
            return parse_expiry(text, self.now_ms) if text else self.defaults.expires_at
        except BadDate:
            raise RowFault(RowReason.BAD_DATE, column) from None

    def _evidence_file(self, row: Row, evidence: EvidenceLevel) -> Path | None:
        text, column = self._text(row, "evidence_file")
        path = self.folder / text if text else self.defaults.evidence_file
        if path is None:
            if evidence > EvidenceLevel.E1:
                raise RowFault(RowReason.EVIDENCE_MISSING, column)
            return None
        if not path.is_file():
            raise RowFault(RowReason.EVIDENCE_UNREADABLE, column)
        return path
