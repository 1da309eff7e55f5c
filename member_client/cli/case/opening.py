"""`case open` and `case submit`: a list of suspects becomes a case that two officers signed."""

from pathlib import Path
from typing import Annotated, Any

import typer

from alliance.cases.words import InstrumentType, UrgencyGround
from alliance.taxonomy import DAY_MS, Category
from member_client import Case, CasePreview, CaseTerms, Operator, SuspectRow
from member_client.cli.asking import ask
from member_client.cli.case.words import (
    CaseName,
    OfficerOption,
    YesOption,
    named,
    next_step,
    record,
    request_facts,
    say_facts,
)
from member_client.cli.claim_rows import given_word, option_word
from member_client.cli.completing import complete_category, complete_instrument, complete_urgency
from member_client.cli.endings import ending
from member_client.cli.group import UsageFault
from member_client.cli.language import retold, told_reasons, tr
from member_client.cli.operating import opened_operator
from member_client.cli.options import DryRunOption, FileArgument, MapOption, RefusedOption
from member_client.cli.outputs import refuse_same_paths, refused_file, refused_path, told_refusal
from member_client.cli.session import Session, session_of
from member_client.files import (
    BadDate,
    BadRow,
    Cell,
    Layout,
    Refusal,
    Row,
    RowFault,
    RowReason,
    Table,
    open_table,
    parse_date,
    parse_expiry,
    parse_map,
    resolve,
)

_RANGE = ".."


def open_case(
    context: typer.Context,
    file: FileArgument,
    *,
    instrument: Annotated[
        str,
        typer.Option(
            help=f"What you act under: {', '.join(it.word for it in InstrumentType)}.",
            metavar="TYPE",
            autocompletion=complete_instrument,
        ),
    ],
    reference: Annotated[str, typer.Option(help="The instrument's number.", metavar="NO")],
    document: Annotated[
        Path, typer.Option(help="The instrument; it stays here, and approvers hold theirs against it.", metavar="FILE")
    ],
    until: Annotated[
        str,
        typer.Option(help="When the instrument ends: 2027-01-31 (as that day begins, UTC), or 90d.", metavar="DATE"),
    ],
    scope: Annotated[
        str,
        typer.Option(
            help=f"Which claims are asked about: {', '.join(it.word for it in Category)}; with commas.",
            metavar="CATEGORY",
            autocompletion=complete_category,
        ),
    ],
    period: Annotated[
        str,
        typer.Option(help="Look-back: 2026-01-01..2026-03-31, both days included, or 90d until now.", metavar="P"),
    ],
    number: Annotated[str, typer.Option(help="Your own number of the case; never a person's.", metavar="NO")],
    officer: OfficerOption,
    second: Annotated[str, typer.Option(help="The officer who signs second.", metavar="NAME")],
    urgent: Annotated[
        str | None,
        typer.Option(
            help=f"Why it is urgent: {', '.join(it.word for it in UrgencyGround)}.",
            metavar="GROUND",
            autocompletion=complete_urgency,
        ),
    ] = None,
    note: Annotated[
        str, typer.Option(help="What to look for; read by who holds the identifier, up to 512 bytes.", metavar="TEXT")
    ] = "",
    columns: MapOption = None,
    refused: RefusedOption = None,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
) -> None:
    r"""Draw a case up from a list of suspects, and sign it as its first officer.

    It shows how much the case asks for before it asks for your passphrase.
    The list stays here, as a draft that the second officer signs and submits
    within a day. The hub learns how many it is about, and never whom:

      member-client case open suspects.csv --instrument evidence_notice \
        --reference X-2026-0117 --document notice.pdf --until 60d \
        --scope mule_account,telecom_fraud --period 90d --number C-2026-88 \
        --officer officer-1 --second officer-2
    """
    session = session_of(context)
    now_ms = session.ports.clock.now_ms()
    refused = refused or refused_path(file)
    table = open_table(file)
    refuse_same_paths(table.path, refused)
    layout = resolve(table, parse_map(columns or ()))
    terms = CaseTerms(
        number=number,
        instrument=given_word(InstrumentType, "--instrument", instrument),
        reference=reference,
        document=document,
        until=_until(until, now_ms),
        categories=[given_word(Category, "--scope", it) for it in scope.split(",")],
        period=_period(period, now_ms),
        officer=officer,
        second_officer=second,
        urgency=option_word(UrgencyGround, "--urgent", urgent),
        note=note,
    )
    rows = _Rows.read(table, layout)
    preview = session.run(_previewed(session, terms, rows.suspects))
    count = rows.write(refused, preview)
    _show(session, preview, rows.number, count, refused)
    document_of = _document(preview, rows.number, count, refused)
    code = ending(refused=count > 0)
    preview.check()
    if dry_run:
        session.say(tr("nothing was sent"))
        session.document(document_of | {"dry_run": True, "exit_code": code})
        raise typer.Exit(code)
    ask(yes=yes)
    signer = opened_operator(session, officer)
    case = session.run(_opened(session, preview, signer))
    session.say(tr("kept as a draft: {case}", case=case.id.hex()))
    session.say(next_step(case, now_ms))
    session.document(document_of | {"exit_code": code})
    raise typer.Exit(code)


def submit(context: typer.Context, case: CaseName, *, officer: OfficerOption, yes: YesOption = False) -> None:
    """Look at a draft as its second officer, sign it with your own key, and submit it.

    You see what the first officer saw. Do it again where the hub was away:

      member-client case submit C-2026-88 --officer officer-2
    """
    session = session_of(context)
    preview = session.run(_draft(session, case))
    _show(session, preview)
    preview.check()
    ask(yes=yes, dry_run=False)
    signer = opened_operator(session, officer)

    async def work() -> Case:
        async with session.client() as client:
            return await client.cases.submit(preview.case.id, officer=signer)

    submitted = session.run(work())
    session.say(tr("submitted: {case}", case=submitted.id.hex()))
    session.say(next_step(submitted, session.ports.clock.now_ms()))
    session.document(record(submitted))


class _Rows:
    """A list's rows: those that may be suspects, numbered, where each stands, and those that cannot be read."""

    def __init__(self) -> None:
        self.suspects: list[SuspectRow] = []
        self.number = 0
        self._places: list[tuple[int, str]] = []
        self._refused: list[Refusal] = []

    @classmethod
    def read(cls, table: Table, layout: Layout) -> "_Rows":
        """Read a table whole: a case is about some thousands at most."""
        rows = cls()
        for row in table:
            rows.number += 1
            if isinstance(row, BadRow):
                rows._refused.append(row.refusal())
                continue
            try:
                cells = _filled(layout, row)
            except RowFault as fault:
                rows._refused.append(Refusal.of(row.number, "", fault))
                continue
            for cell in cells:
                kind, text = cell.as_kind()
                rows.suspects.append(SuspectRow(kind, text, len(rows._places)))
                rows._places.append((row.number, cell.column))
        return rows

    def write(self, path: Path, preview: CasePreview) -> int:
        """Write down what is refused, in the rows' order; gives how many."""
        refused = list(self._refused)
        for it in preview.refused:
            number, column = self._places[it.row_number]
            refused.append(Refusal(number, "", column, it.reason, it.how_to_fix))
        with refused_file(path) as written:
            for refusal in sorted(refused, key=lambda it: it.row):
                written.add(told_refusal(refusal))
        return len(refused)


def _filled(layout: Layout, row: Row) -> list[Cell]:
    """Give the cells of a row that hold something; raises RowFault where none does."""
    cells = [it for it in layout.cells(row) if not it.is_empty]
    if not cells:
        raise RowFault(RowReason.EMPTY, layout.identifier)
    return cells


def _until(text: str, now_ms: int) -> int:
    try:
        return parse_expiry(text, now_ms)
    except BadDate as fault:
        raise UsageFault(tr("--until: {fault}", fault=retold(str(fault)))) from None


def _period(text: str, now_ms: int) -> tuple[int, int]:
    """Read a look-back: a number of days until now, or a first and a last day, both included."""
    start, is_range, end = text.partition(_RANGE)
    try:
        if is_range:
            return parse_date(start), parse_date(end) + DAY_MS
        days = parse_expiry(start, 0)
    except BadDate:
        raise UsageFault(tr("--period is 2026-01-01..2026-03-31, or 90d")) from None
    if not start.strip().lower().endswith("d"):
        raise UsageFault(tr("--period is 2026-01-01..2026-03-31, or 90d"))
    return now_ms - days, now_ms


def _show(session: Session, preview: CasePreview, rows: int = 0, refused: int = 0, path: Path | None = None) -> None:
    """Print how much a case asks for, beside how much its instrument covers."""
    case, rule = preview.case, preview.rule
    say_facts(session, request_facts(case) | ({"Note": preview.note} if preview.note else {}))
    session.say(
        tr(
            "asks about {items:,} identifiers; the instrument covers {limit:,}, of which {left:,} are left before this",
            items=case.items,
            limit=rule.items,
            left=preview.left,
        )
    )
    session.say(
        tr(
            "looks back {days:,} days; an instrument of this type allows {limit:,}",
            days=case.lookback_days,
            limit=rule.lookback_ms // DAY_MS,
        )
    )
    if rows:
        session.say(tr("{rows:,} rows, {repeated:,} repeated, {refused:,} refused", **_counts(preview, rows, refused)))
    if refused and path is not None:
        reasons = told_reasons(sorted(_reasons(preview).items()))
        session.say(tr("refused {count:,} → {file}", count=refused, file=path) + (f": {reasons}" if reasons else ""))


def _counts(preview: CasePreview, rows: int, refused: int) -> dict[str, int]:
    return {"rows": rows, "repeated": preview.repeated, "refused": refused}


def _reasons(preview: CasePreview) -> dict[str, int]:
    found: dict[str, int] = {}
    for it in preview.refused:
        found[it.reason] = found.get(it.reason, 0) + 1
    return found


def _document(preview: CasePreview, rows: int, refused: int, path: Path) -> dict[str, Any]:
    return record(preview.case) | {
        "rows": rows,
        "repeated": preview.repeated,
        "refusals": refused,
        "refused_reasons": dict(sorted(_reasons(preview).items())),
        "refused_file": str(path) if refused else None,
        "instrument_items": preview.rule.items,
        "instrument_left": preview.left,
        "instrument_lookback_days": preview.rule.lookback_ms // DAY_MS,
    }


async def _previewed(session: Session, terms: CaseTerms, rows: list[SuspectRow]) -> CasePreview:
    async with session.client() as client:
        return await client.cases.preview(terms, rows)


async def _opened(session: Session, preview: CasePreview, signer: Operator) -> Case:
    async with session.client() as client:
        return await client.cases.open(preview, officer=signer)


async def _draft(session: Session, name: str) -> CasePreview:
    async with session.client() as client:
        return await client.cases.draft((await named(client, name)).id)
