"""What stands in which column: long format, or wide by a map.

- Long: columns `kind` and `identifier`, one identifier a row. `--map identifier=number` renames.
- Wide: `--map phone=mobile --map resident_id=id_no`, several identifiers a row.

A ref is printed and written to files, so it can never be a column that holds identifiers, nor repeat one of
its row.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from alliance.identifiers import InvalidIdentifier, Kind, canonicalise, needs_general_parser
from member_client.files.model import RowFault, RowReason, TableInvalid, shown_name
from member_client.subjects import FIELDS as SUBJECT_FIELDS
from member_client.subjects import Consent, Subject, as_kind

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from member_client.files.model import Row
    from member_client.files.table import Table

FIELDS: Final = tuple(SUBJECT_FIELDS)
"""What a column may be mapped to as an identifier: each kind, and each sort of device id by its own name."""

ATTRIBUTES: Final = (
    "category",
    "role",
    "evidence",
    "expires",
    "observed_from",
    "observed_to",
    "evidence_file",
)
"""What else a row of a contribution may say."""

_LONG: Final = ("kind", "identifier")
_DAMAGED: Final = "1E+1"
"""Stands for an identifier that a spreadsheet kept as a number: `norm/1` refuses this as what it is."""
_TELLING_LENGTH: Final = 7  # a shorter text is inside many a case number by chance


@dataclass(frozen=True, slots=True, repr=False)
class Cell:
    """One identifier of a row, as typed."""

    field: str
    column: str
    text: str

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing in it."""
        return not self.text.strip()

    def as_kind(self) -> tuple[Kind, str]:
        """Give kind and text: a device id by its subtype's name gets that for a prefix."""
        return as_kind(self.field, self.text)

    def __repr__(self) -> str:
        return f"Cell({self.field}, …)"


@dataclass(frozen=True, slots=True)
class Layout:
    """Where in a row what stands; an empty name is a column that is not used."""

    identifiers: Mapping[str, str] = field(default_factory=dict)
    """Field → column, in the wide format; empty in the long one."""
    kind: str = ""
    identifier: str = ""
    ref: str = ""
    consent: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    """Attribute → column, of those that the file has."""
    needs_ref: bool = False
    """Whether a row without a ref of its own is refused: what outlives the file is found by nothing else."""

    @property
    def identifier_columns(self) -> frozenset[str]:
        """The columns that hold identifiers."""
        return frozenset(self.identifiers.values() or (self.identifier,))

    def cells(self, row: Row) -> list[Cell]:
        """Give the row's identifiers, empty ones included; raises RowFault."""
        if self.identifiers:
            return [Cell(name, column, _identifier(row, column)) for name, column in self.identifiers.items()]
        name = row.text(self.kind).lower()
        if name not in FIELDS:
            raise RowFault(RowReason.UNKNOWN_KIND if name else RowReason.EMPTY, self.kind)
        return [Cell(name, self.identifier, _identifier(row, self.identifier))]

    def ref_of(self, row: Row) -> str:
        """Give the row's ref column, else its number; nothing where it is an identifier, or repeats one of the row.

        Nothing either where one of these cells cannot be read: nobody can tell then what the ref repeats.
        """
        if not self.ref:
            return str(row.number)
        try:
            ref, identifiers = row.text(self.ref), [_identifier(row, column) for column in self.identifier_columns]
        except RowFault:
            return ""
        if not ref:
            return str(row.number)
        return "" if _repeats_any(ref, map(str.strip, identifiers)) or _is_identifier(ref) else ref

    def read(self, row: Row) -> tuple[str, list[Cell]]:
        """Give ref and identifiers of a row; raises RowFault."""
        if self.needs_ref and not row.text(self.ref):
            raise RowFault(RowReason.EMPTY, self.ref)
        ref = self.ref_of(row)
        cells = self.cells(row)
        if not ref:
            row.text(self.ref)
            raise RowFault(RowReason.REF_IS_IDENTIFIER, self.ref)
        return ref, cells

    def subject(self, row: Row) -> Subject:
        """Give a row as somebody to be screened, with the row's own consent if there is a column of them.

        Raises RowFault, also where there is no identifier in it.
        """
        ref, cells = self.read(row)
        given = {cell.field: cell.text for cell in cells if not cell.is_empty}
        if not given:
            raise RowFault(RowReason.EMPTY, self.identifier)
        return Subject.of(ref, given, consent=self._consent(row))

    def _consent(self, row: Row) -> Consent | None:
        if not self.consent:
            return None
        if not row.text(self.consent):
            raise RowFault(RowReason.CONSENT_MISSING, self.consent)
        return Consent.of(row.text(self.consent))


def _identifier(row: Row, column: str) -> str:
    """Give an identifier's cell; of one that was a float, a text that is refused for that, beside the row's others."""
    return _DAMAGED if row.faults.get(column) is RowReason.SPREADSHEET_DAMAGED else row.cell(column)


def _is_identifier(ref: str) -> bool:
    """Whether a ref is somebody's mobile number or resident id, of whatever row: refs are kept and printed."""
    for kind in (Kind.PHONE, Kind.RESIDENT_ID):
        if needs_general_parser(kind, ref):
            continue
        try:
            canonicalise(kind, ref, suppression=None)
        except InvalidIdentifier:
            continue
        return True
    return False


def _repeats_any(ref: str, identifiers: Iterable[str]) -> bool:
    """Whether a ref gives one of the identifiers away: it is the same but for separators, or holds it."""
    outer = _compact(ref)

    def repeats(identifier: str) -> bool:
        inner = _compact(identifier)
        held = len(inner) >= _TELLING_LENGTH and inner in outer
        return ref == identifier or held or (bool(inner) and inner == outer)

    return any(map(repeats, identifiers))


def _compact(text: str) -> str:
    return (text if text.isalnum() else "".join(filter(str.isalnum, text))).casefold()


def parse_map(items: Iterable[str]) -> dict[str, str]:
    """Read `field=column` items; raises TableInvalid, which lists the fields there are."""
    mapping: dict[str, str] = {}
    for item in items:
        name, sign, column = (part.strip() for part in item.partition("="))
        name = name.lower()
        if name not in (*FIELDS, *_LONG, *ATTRIBUTES) or not sign or not column:
            words = ", ".join((*FIELDS, *_LONG, *ATTRIBUTES))
            raise TableInvalid(f"--map takes FIELD=COLUMN, for example phone=mobile; fields are {words}")
        if name in mapping:
            raise TableInvalid(f"--map names {name} twice")
        mapping[name] = column
    return mapping


def resolve(
    table: Table,
    mapping: Mapping[str, str],
    *,
    ref: str = "",
    consent: str = "",
    attributes: Collection[str] = (),
) -> Layout:
    """Hold what the command asks for against the columns that the file has; raises TableInvalid."""
    wide = {name: column for name, column in mapping.items() if name in FIELDS}
    if wide and any(name in mapping for name in _LONG):
        raise TableInvalid("--map names kind or identifier (long format) beside others (wide format): choose one")
    strangers = [name for name in mapping if name in ATTRIBUTES and name not in attributes]
    if strangers:
        raise TableInvalid(f"--map names {', '.join(strangers)}, which this command does not use")
    found = {name: mapping.get(name, name) for name in attributes if name in mapping or name in table.columns}
    kind, identifier = ("", "") if wide else (mapping.get("kind", "kind"), mapping.get("identifier", "identifier"))
    layout = Layout(wide, kind, identifier, ref, consent, found)
    used = (*wide.values(), kind, identifier, ref, consent, *found.values())
    table.need(column for column in used if column)
    _refuse_identifiers_elsewhere(layout)
    return layout


def _refuse_identifiers_elsewhere(layout: Layout) -> None:
    for option, column in (("--ref", layout.ref), ("--consent-column", layout.consent)):
        if column and column in layout.identifier_columns:
            raise TableInvalid(
                f"{option} {shown_name(column)} is a column of identifiers: refs are printed and kept in "
                "files, so name a column with your own case or customer numbers"
            )
    doubled = len(layout.identifiers) - len(set(layout.identifiers.values()))
    if doubled:
        raise TableInvalid("--map uses one column for two fields")
