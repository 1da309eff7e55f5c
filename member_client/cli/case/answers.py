"""What is answered about each claim, as a table says it: one row a claim, a column a field.

Rules:

1. A column is `entry`, `outcome`, `files`, or a field of a template that the command names. Any other is refused: what
   is in the file may be an export of everything that is known.
2. A field is released where it is named, by the file's header or by `--field`, and its cell is filled in.
3. No message holds the value of a cell.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from alliance.cases.templates import TEMPLATES
from alliance.cases.words import ReleaseOutcome
from alliance.errors import UnknownWord
from member_client import InquiredClaim, InquiryAnswer
from member_client.cli.claims import entry_id
from member_client.cli.group import UsageFault
from member_client.cli.language import read_word, tr
from member_client.files import BadRow, Row, RowFault, open_table, shown_name

ENTRY: Final = "entry"
OUTCOME: Final = "outcome"
FILES: Final = "files"
_OWN: Final = frozenset({ENTRY, OUTCOME, FILES})
_FILE_SEPARATOR: Final = ";"


def template_fields(names: Sequence[str]) -> tuple[str, ...]:
    """Give the fields of the named templates; raises UsageFault for one that there is not."""
    if set(names) - TEMPLATES.keys():
        raise UsageFault(tr("a template is one of {templates}", templates=", ".join(TEMPLATES)))
    return tuple(field for name in names for field in TEMPLATES[name])


def chosen_fields(given: Sequence[str], offered: Sequence[str]) -> frozenset[str]:
    """Give which fields of those on offer may be released: those of `--field`, or all; raises UsageFault."""
    named = {name.strip() for text in given for name in text.split(",") if name.strip()}
    if strangers := sorted(named - set(offered)):
        shown = ", ".join(map(shown_name, strangers))
        raise UsageFault(tr("--field names what is in none of the templates: {fields}", fields=shown))
    return frozenset(named or offered)


def read_answers(
    path: Path, asked: Sequence[InquiredClaim], offered: Sequence[str], chosen: frozenset[str]
) -> list[InquiryAnswer]:
    """Read a table of answers; raises UsageFault, and TableInvalid where it is no table."""
    table = open_table(path)
    strangers = [name for name in table.columns if name not in _OWN and name not in offered]
    if strangers:
        raise UsageFault(
            tr(
                "{count} columns of the file are in none of the templates, and nothing of it was read: take them out",
                count=len(strangers),
            )
        )
    if missing := sorted(chosen - set(table.columns)) if len(chosen) < len(offered) else []:
        raise UsageFault(tr("the file has no column {fields}", fields=", ".join(missing)))
    return [_answer(row, path.parent, asked, chosen) for row in table]


def with_files(answers: Sequence[InquiryAnswer], files: Iterable[str]) -> list[InquiryAnswer]:
    """Add `--attach FILE`, or ENTRY=FILE where several claims are released; raises UsageFault."""
    added: dict[bytes, list[Path]] = {}
    released = [it.entry_id for it in answers if it.outcome is ReleaseOutcome.RELEASED]
    for text in files:
        name, sign, rest = text.partition("=")
        if sign and not Path(text).exists():
            added.setdefault(entry_id(name), []).append(_file(Path(rest)))
        elif len(released) == 1:
            added.setdefault(released[0], []).append(_file(Path(text)))
        else:
            raise UsageFault(tr("several claims are answered about, or none is released: --attach ENTRY=FILE"))
    if added.keys() - set(released):
        raise UsageFault(tr("--attach names a claim about which nothing is released"))
    return [
        InquiryAnswer(it.entry_id, it.outcome, it.fields, (*it.files, *added.get(it.entry_id, ()))) for it in answers
    ]


def alike(
    asked: Sequence[InquiredClaim], outcome: ReleaseOutcome, fields: Mapping[str, str] | None = None
) -> list[InquiryAnswer]:
    """Answer alike about all claims."""
    return [InquiryAnswer(it.entry_id, outcome, fields or {}) for it in asked]


def _answer(row: Row | BadRow, folder: Path, asked: Sequence[InquiredClaim], chosen: frozenset[str]) -> InquiryAnswer:
    if isinstance(row, BadRow):
        raise UsageFault(
            tr("row {row} of the values cannot be read ({reason})", row=row.number, reason=row.reason.value)
        )
    try:
        named, outcome = row.text(ENTRY), row.text(OUTCOME)
        fields = {name: value for name in row.cells if name in chosen and (value := row.cell(name)).strip()}
        for name in row.faults:
            row.cell(name)
        files = [_file(folder / it.strip()) for it in row.text(FILES).split(_FILE_SEPARATOR) if it.strip()]
    except RowFault as fault:
        raise UsageFault(
            tr(
                "row {row}, column {column}: {advice}",
                row=row.number,
                column=shown_name(fault.column),
                advice=fault.how_to_fix,
            )
        ) from None
    if not named and len(asked) != 1:
        raise UsageFault(tr("the case asks about several claims: a column `entry` says which a row is about"))
    try:
        meant = read_word(ReleaseOutcome, outcome) if outcome else ReleaseOutcome.RELEASED
    except UnknownWord as error:
        raise UsageFault(str(error)) from None
    return InquiryAnswer(entry_id(named) if named else asked[0].entry_id, meant, fields, tuple(files))


def _file(path: Path) -> Path:
    if not path.is_file():
        raise UsageFault(tr("a file to be released is not there, or is none"))
    return path
