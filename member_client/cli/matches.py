"""Verdicts as people read them: one line for each field, category and role that matched.

Several members' claims of the same sort make one line: the best evidence, the number of sources, the latest end and
the strongest status that stands. `You may` is the verdict's own answer for the subject as a whole, since claims that
conflict make it milder than any one of them alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rich.text import Text

from alliance.taxonomy import Action, Category, ClaimStatus, SubjectRole
from member_client.cli.language import ENGLISH, retold, spoken, tr, word
from member_client.cli.tables import print_table
from member_client.files import shown_date
from member_client.verdicts import Together

if TYPE_CHECKING:
    from collections.abc import Iterable

    from member_client import Match, Verdict
    from member_client.cli.session import Session

OUT_COLUMNS: Final = (
    "row",
    "ref",
    "state",
    "action",
    "field",
    "category",
    "role",
    "evidence",
    "sources",
    "until",
    "status",
    "contributors",
    "receipt",
)
_BLANK: Final[dict[str, str | int]] = dict.fromkeys(OUT_COLUMNS, "")
_SPARED: Final = ("Until", "Sources", "Ev")
_ACTION_WORDS: Final = {"none": "-", "inform": "inform only", "step_up": "step up"}
_STATE_STYLES: Final = {"match": "bold red", "clear": "green", "unknown": "yellow", "unconfirmed": "yellow"}


@dataclass(frozen=True, slots=True)
class Line:
    """What one line of the table says of a subject."""

    row: int
    ref: str
    state: str
    action: str
    field: str
    category: str
    role: str
    evidence: str
    sources: int
    until: str
    status: str
    contributors: str
    """Member ids, separated by spaces: whom to ask about the claims."""
    receipt: str

    def record(self) -> dict[str, str | int]:
        """Give it for a result file."""
        return {column: getattr(self, column) for column in OUT_COLUMNS}


def bare_record(row: int, ref: str, state: str, action: str, receipt: str = "") -> dict[str, str | int]:
    """Give the record of a subject that has no matches."""
    return {**_BLANK, "row": row, "ref": ref, "state": state, "action": action, "receipt": receipt}


def match_lines(row: int, ref: str, verdict: Verdict) -> list[Line]:
    """Give a verdict's matches as lines, in the order of its fields."""
    if verdict.state != "match":
        return []
    groups: dict[tuple[str, str, str], list[Match]] = {}
    for match in verdict.matches:
        groups.setdefault((match.field, match.category.word, match.role.word), []).append(match)
    return [_line(row, ref, verdict, key, group) for key, group in groups.items()]


def _line(row: int, ref: str, verdict: Verdict, key: tuple[str, str, str], group: list[Match]) -> Line:
    name, category, role = key
    together = Together.of(group)
    return Line(
        row=row,
        ref=ref,
        state=str(verdict.state),
        action=verdict.action.word,
        field=name,
        category=category,
        role=role,
        evidence=together.evidence.name,
        sources=len(together.contributors),
        until=shown_date(together.expires_at),
        status=together.status.word,
        contributors=" ".join(together.contributors),
        receipt=verdict.receipt,
    )


def print_matches(session: Session, lines: Iterable[Line], *, with_rows: bool = True) -> None:
    """Print matches as a table for the terminal, and below it what each action in it means."""
    lines = list(lines)
    first = ("Row", "Ref") if with_rows else ()
    rows = [
        [
            *((f"{line.row:,}", line.ref) if with_rows else ()),
            *(line.field, word(Category, line.category), word(SubjectRole, line.role), line.evidence),
            tr("1 member") if line.sources == 1 else tr("{count} members", count=line.sources),
            *(line.until, word(ClaimStatus, line.status), may(line.action)),
        ]
        for line in lines
    ]
    columns = (*first, "Field", "Category", "Role", "Ev", "Sources", "Until", "Status", "You may")
    whole = tr("--out FILE has them") if with_rows else tr("--json has them")
    print_table(session, columns, rows, spared=_SPARED, whole=whole)
    occurring = {line.action for line in lines}
    for action in reversed(Action):
        if action.word in occurring:
            session.say(tr("{action}: {meaning}", action=may(action.word), meaning=meaning(action)))


def may(action: str) -> str:
    """Give an action in the words of the table."""
    if spoken() == ENGLISH:
        return _ACTION_WORDS.get(action, action.replace("_", " "))
    return word(Action, action)


def meaning(action: Action) -> str:
    """Say to staff what an action lets them do, in a line."""
    return {
        Action.NONE: tr("no measure may rest on this"),
        Action.INFORM: tr("take note; refuse, restrict or delay nothing because of it"),
        Action.STEP_UP: tr("ask for documents or an extra check; do not refuse because of it"),
        Action.DECLINE_WITH_HUMAN: tr("may be refused once a member of staff has examined the case; never by a system"),
    }[action]


def styled_state(state: str) -> Text:
    """Give a state in its colour."""
    return Text(retold(state), style=_STATE_STYLES.get(state, "bold"))
